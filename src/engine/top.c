/*
 * How it works: the words are turned into columns; /proc is listed, and each process whose user namespace is the container's, or lies
 * below it, is read (a pid namespace may be shared, the user namespace is every container's own); then every column adds its text.
 */
#include <ctype.h>
#include <dirent.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/top.h"
#include "engine/top_columns.h"
#include "state/tell.h"

enum { MAX_COLUMNS = 64, MAX_PROCESSES = 100000 };

struct chosen {
	struct {
		const struct top_column *c;
		const char *head;
	} v[MAX_COLUMNS];
	size_t n;
	bool no_heads;
};

/* ---- what was asked for */

static int add(struct chosen *l, const struct top_column *c, const char *head, struct err *e)
{
	if (l->n == MAX_COLUMNS)
		return err_fail(e, ERR_USAGE, "more than %d columns", MAX_COLUMNS);
	l->v[l->n].c = c;
	l->v[l->n++].head = head ? head : c->head;
	return 0;
}

static void add_known(struct chosen *l, const char *names, bool podman)
{
	scoped(strv) v = {0};

	strv_split(&v, names, ' ');
	for (size_t i = 0; i < v.n; i++)
		add(l, podman ? top_column_podman(v.v[i]) : top_column_ps(v.v[i]), NULL, NULL);
}

static int bad_ps(const char *what, struct err *e)
{
	err_fail(e, ERR_USAGE, "\"%.60s\" is neither a column nor an option of ps that top knows",
		 what);
	return err_hint(e, "columns: %s; of ps: -e -f aux -o LIST --no-headers", top_descriptors());
}

/* pid,user=WHO or pid user; a heading goes on to the comma. */
static int ps_list(struct chosen *l, const char *list, struct arena *a, struct err *e)
{
	int r = 0;

	while (*list && r == 0) {
		size_t n = strcspn(list, "=, ");
		const char *name = arena_strndup(a, list, n), *head = NULL;
		const struct top_column *c = n ? top_column_ps(name) : NULL;
		if (list[n] == '=') {
			size_t k = strcspn(list + n + 1, ",");
			head = arena_strndup(a, list + n + 1, k);
			n += 1 + k;
		}
		if (!c && *name)
			return bad_ps(name, e);
		if (c)
			r = add(l, c, head, e);
		list += n;
		list += *list == ',' || *list == ' ';
	}
	return r;
}

struct ps_options {
	bool full, bsd, user_format, lists;
};

/* The letters of one word; rest is what an option that takes a list finds behind it. Returns whether the next word was it. */
static int ps_letters(const struct strs *w, size_t i, struct ps_options *o, struct chosen *l,
		      struct arena *a, struct err *e)
{
	const char *word = w->v[i], *p = word + (*word == '-');
	bool bsd = *word != '-' || !strcmp(p, "aux") || !strcmp(p, "axu");

	o->bsd |= bsd;
	for (; *p; p++) {
		if (*p == 'o' || *p == 'O') {
			const char *list = p[1] ? p + 1 : i + 1 < w->n ? w->v[i + 1] : "";
			o->lists = true;
			int r = ps_list(l, list, a, e);
			return r < 0 ? r : !p[1];
		}
		if (bsd && *p == 'u')
			o->user_format = true;
		else if (!bsd && (*p == 'f' || *p == 'F'))
			o->full = true;
		else if (!strchr(bsd ? "axw" : "eAaxdwN", *p))
			return bad_ps(word, e);
	}
	return 0;
}

static int parse_ps(const struct strs *w, struct chosen *l, struct arena *a, struct err *e)
{
	struct ps_options o = {0};

	for (size_t i = 0; i < w->n; i++) {
		if (!strcmp(w->v[i], "--no-headers") || !strcmp(w->v[i], "--no-heading")) {
			l->no_heads = true;
			continue;
		}
		if (str_starts(w->v[i], "--") || !w->v[i][strspn(w->v[i], "-")])
			return bad_ps(w->v[i], e);
		int r = ps_letters(w, i, &o, l, a, e);
		if (r < 0)
			return r;
		i += (size_t)r;
	}
	if (o.lists && !l->n)
		return bad_ps("-o", e);
	if (l->n) {
		size_t k = 0;
		while (k < l->n && !*l->v[k].head)
			k++;
		l->no_heads |= k == l->n;
	} else if (o.user_format) {
		add_known(l, "user pid %cpu %mem vsz rss tname stat start_time bsdtime command",
			  false);
	} else if (o.full) {
		add_known(l, "UID pid ppid c stime TTY time cmd", false);
	} else if (o.bsd) {
		add_known(l, "pid TTY stat bsdtime command", false);
	} else {
		add_known(l, "pid TTY time ucmd", false);
	}
	return 0;
}

/* Words that are all descriptors, separated by blanks or commas. False: they are something else. */
static bool parse_podman(const struct strs *w, struct chosen *l)
{
	for (size_t i = 0; i < w->n; i++) {
		scoped(strv) v = {0};
		autofree char *text = xstrdup(w->v[i]);
		for (char *p = text; *p; p++)
			*p = (char)(*p == ',' ? ' ' : *p);
		strv_split(&v, text, ' ');
		for (size_t k = 0; k < v.n; k++) {
			const struct top_column *c = top_column_podman(v.v[k]);
			if (*v.v[k] && (!c || add(l, c, NULL, NULL) < 0)) {
				l->n = 0;
				return false;
			}
		}
	}
	return l->n > 0;
}

static int choose(const struct top_query *q, struct chosen *l, struct arena *a, struct err *e)
{
	if (!q->words.n) {
		add_known(l,
			  q->docker ? "UID pid ppid c stime TTY time cmd"
				    : "user pid ppid pcpu etime tty time args",
			  !q->docker);
		return 0;
	}
	if (!q->docker && parse_podman(&q->words, l))
		return 0;
	return parse_ps(&q->words, l, a, e);
}

/* ---- the container */

/* The lines of an id map: "inside outside count"; outside is as our own namespace names it. */
static size_t read_map(int proc, pid_t pid, const char *name, struct id_line *v, size_t max)
{
	scoped(str) text = {0};
	char path[40];
	size_t n = 0;

	snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_all(fd, &text, 64 * 1024) < 0)
		return 0;
	for (const char *p = str_cstr(&text); *p && n < max;) {
		struct id_line *l = &v[n];
		n += sscanf(p, "%u %u %u", &l->inside, &l->outside, &l->count) == 3;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return n;
}

static void read_names(struct top *t, pid_t pid1, struct arena *a)
{
	char path[40];

	snprintf(path, sizeof path, "%d/root", (int)pid1);
	autoclose int root = openat(t->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0) {
		user_names_read(root, "/etc/passwd", &t->users, a);
		user_names_read(root, "/etc/group", &t->groups, a);
	}
	if (own >= 0) {
		user_names_read(own, "/etc/passwd", &t->host_users, a);
		user_names_read(own, "/etc/group", &t->host_groups, a);
	}
}

static int by_pid(const void *a, const void *b)
{
	const struct procinfo *x = a, *y = b;

	return x->start != y->start ? (x->start < y->start ? -1 : 1) : x->pid - y->pid;
}

static int read_processes(struct top *t, const struct stat *ns, struct arena *a, struct err *e)
{
	int fd = openat(t->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t cap = 0;

	if (!d)
		return err_set(e, errno, "read /proc");
	for (struct dirent *de; (de = readdir(d)) && t->n < MAX_PROCESSES;) {
		uint64_t pid;
		if (parse_u64(de->d_name, INT_MAX, &pid) < 0 ||
		    !procinfo_is_below(t->proc, (pid_t)pid, ns))
			continue;
		if (t->n == cap) {
			cap = cap ? cap * 2 : 16;
			t->v = arena_grow(a, t->v, t->n * sizeof *t->v, cap * sizeof *t->v);
		}
		t->n += procinfo_read(t->proc, (pid_t)pid, &t->v[t->n], a) == 0;
	}
	closedir(d);
	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, by_pid);
	return 0;
}

static int ended(const struct container *c, struct err *e)
{
	return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH, "container %s has just ended",
			     c->state.name);
}

static int read_container(struct container *c, struct top *t, struct err *e)
{
	struct stat ns;
	struct procinfo first;
	pid_t pid1 = (pid_t)c->state.pid;

	int r = procinfo_owner(t->proc, pid1, &ns);
	if (r < 0)
		return r == -ENOENT ? ended(c, e)
				    : err_set(e, r, "look at the processes of container %s",
					      c->state.name);
	if (procinfo_read(t->proc, pid1, &first, &c->arena) < 0 ||
	    first.start != (uint64_t)c->state.pid_start)
		return ended(c, e);
	t->depth = first.ns.n - 1;
	t->now = time_now();
	clock_gettime(CLOCK_BOOTTIME, &t->booted);
	t->hz = sysconf(_SC_CLK_TCK);
	t->memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	t->uids.n = read_map(t->proc, pid1, "uid_map", t->uids.v, countof(t->uids.v));
	t->gids.n = read_map(t->proc, pid1, "gid_map", t->gids.v, countof(t->gids.v));
	read_names(t, pid1, &c->arena);
	return read_processes(t, &ns, &c->arena, e);
}

static void print(const struct top *t, const struct chosen *l, struct str *out)
{
	for (size_t k = 0; k < l->n && !l->no_heads; k++) {
		str_add_escaped(out, l->v[k].head, strlen(l->v[k].head));
		str_addc(out, k + 1 < l->n ? '\t' : '\n');
	}
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < l->n; k++) {
			l->v[k].c->add(t, &t->v[i], out);
			str_addc(out, k + 1 < l->n ? '\t' : '\n');
		}
}

int container_top(const struct home *h, struct container *c, const struct top_query *q,
		  struct str *ret, struct err *e)
{
	struct top *t = arena_alloc(&c->arena, sizeof *t);
	struct chosen *l = arena_alloc(&c->arena, sizeof *l);
	int r = choose(q, l, &c->arena, e);

	if (r < 0)
		return r;
	if (c->status != CONTAINER_RUNNING)
		return container_not_running(c, e);
	t->host_pids = q->docker;
	autoclose int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_set(e, errno, "open /proc");
	t->proc = proc;
	r = read_container(c, t, e);
	if (r == 0)
		print(t, l, ret);
	if (r == 0)
		container_tell(h, &c->state, "top", NULL, NULL);
	return r;
}
