#include <sys/stat.h>

#include "base/base.h"
#include "monitor/placing.h"
#include "sys/cgroup.h"
#include "sys/systemd.h"

#define INNER	   "container"
#define SUPERVISOR "supervisor"
#define LEAF	   "hoy" /* where the processes of our own cgroup go, if that is to be divided */

static struct {
	int base;		/* the cgroup in which its own is made; -1: none */
	int outer, inner, leaf; /* leaf: below inner, where processes can be; -1: inner itself */
	bool limited;
	char base_path[PATH_MAX], path[PATH_MAX + 80], name[80];
} pl = {.base = -1, .outer = -1, .inner = -1, .leaf = -1};

/* What is asked for, while a place is looked for. */
struct wish {
	const struct placing *p;
	unsigned need; /* controllers */
	const char *flag;
	unsigned missing; /* of the best place that was ours */
	bool any_ours, busy;
};

static bool on_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* ---- saying why not */

static int hint_controllers(const char *names, struct err *e)
{
	if (on_systemd() && geteuid() != 0)
		return err_hint(e,
				"as root: mkdir -p /etc/systemd/system/user@.service.d && printf "
				"'[Service]\\nDelegate=cpu cpuset io memory pids\\n' "
				">/etc/systemd/system/user@.service.d/delegate.conf && systemctl "
				"daemon-reload; then log out and in again");
	return err_hint(e, "as root, in each cgroup above: echo '+%s' >cgroup.subtree_control",
			names);
}

static int hint_no_place(struct err *e)
{
	if (!on_systemd())
		return err_hint(e,
				"as root: mkdir -p /sys/fs/cgroup/%u/hoy && chown -R %u "
				"/sys/fs/cgroup/%u, hand the controllers on in "
				"cgroup.subtree_control, and write your shell's pid to "
				"/sys/fs/cgroup/%u/hoy/cgroup.procs",
				(unsigned)geteuid(), (unsigned)geteuid(), (unsigned)geteuid(),
				(unsigned)geteuid());
	return err_hint(
		e,
		"a user manager gives one (loginctl enable-linger %u as root starts it), or "
		"as root: systemd-run --uid=%u -p Delegate=yes --pty hoy run ...",
		(unsigned)geteuid(), (unsigned)geteuid());
}

static int explain(const struct wish *w, struct err *e)
{
	scoped(str) names = {0};

	if (!cgroup_is_v2()) {
		err_fail(e, ERR_CGROUP, "%s needs cgroup v2, which is not mounted at " CGROUP_MOUNT,
			 w->flag);
		return err_hint(e,
				"where version 1 is in use, systemd.unified_cgroup_hierarchy=1 on "
				"the kernel's command line changes that; --ulimit limits each "
				"process anywhere");
	}
	if (!w->any_ours) {
		err_fail(e, ERR_CGROUP,
			 "%s cannot hold: no cgroup here has been handed over to this user",
			 w->flag);
		return hint_no_place(e);
	}
	if (w->missing) {
		cgroup_controllers_text(w->missing, &names);
		err_fail(e, ERR_CGROUP,
			 "%s cannot hold: the controller %s has not been handed over to this "
			 "user",
			 w->flag, str_cstr(&names));
		return hint_controllers(str_cstr(&names), e);
	}
	err_fail(e, ERR_CGROUP, "%s cannot hold: the cgroup here is in use and cannot be divided",
		 w->flag);
	return err_hint(e,
			"the kernel wants no processes in a cgroup that is divided: start hoy in "
			"a cgroup below it");
}

/* ---- places */

static void keep_base(int dir, const char *path)
{
	fd_close(&pl.base);
	pl.base = dir;
	snprintf(pl.base_path, sizeof pl.base_path, "%s", strcmp(path, "/") ? path : "");
}

/* What stats can show is handed on too, if that can be had. */
static int hand_on(int dir, unsigned need)
{
	unsigned nice = CGROUP_CPU | CGROUP_IO | CGROUP_MEMORY | CGROUP_PIDS;
	unsigned have = cgroup_controllers(dir), on = cgroup_handed_on(dir);
	unsigned want = (need | (nice & have)) & ~on;

	if (!want || cgroup_hand_on(dir, want) == 0)
		return 0;
	return need & ~on ? cgroup_hand_on(dir, need & ~on) : 0;
}

/* Divides a cgroup that has processes: they go into a leaf. */
static int empty_into(int dir, const char *leaf)
{
	if (mkdirat(dir, leaf, 0755) < 0 && errno != EEXIST)
		return -errno;
	autoclose int to = openat(dir, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : cgroup_move_all(dir, to);
}

/* Takes the cgroup as the base, if it can be. leaf: it is our own, and its processes may be moved there. */
static bool try_base(struct wish *w, const char *path, const char *leaf)
{
	autoclose int dir = cgroup_open(path);

	if (dir < 0 || !cgroup_is_ours(dir))
		return false;
	unsigned missing = w->need & ~cgroup_controllers(dir);
	if (!w->any_ours || missing < w->missing)
		w->missing = missing;
	w->any_ours = true;
	if (missing)
		return false;
	int r = hand_on(dir, w->need);
	if (r == -EBUSY && leaf && empty_into(dir, leaf) == 0)
		r = hand_on(dir, w->need);
	w->busy |= r == -EBUSY;
	if (r < 0)
		return false;
	keep_base(take_fd(dir), path);
	return true;
}

/* The path of what a cgroup is in. */
static void cut_last(struct str *path)
{
	while (path->len > 1 && path->s[path->len - 1] != '/')
		path->s[--path->len] = 0;
	if (path->len > 1)
		path->s[--path->len] = 0;
}

static int find_beside(struct wish *w, struct err *e)
{
	scoped(str) own = {0};
	scoped(str) above = {0};

	if (!cgroup_is_v2() || cgroup_own(&own) < 0)
		return explain(w, e);
	str_add(&above, own.s);
	cut_last(&above);
	if (strcmp(own.s, "/") != 0 && try_base(w, above.s, NULL))
		return 0;
	return try_base(w, own.s, LEAF) ? 0 : explain(w, e);
}

/* --cgroup-parent with a path: absolute below the mount, or below where it would be without. */
static int find_parent(struct wish *w, struct err *e)
{
	const char *parent = w->p->config->cgroup_parent;
	scoped(str) path = {0};
	int r = parent[0] == '/' ? 0 : find_beside(w, e);

	if (r < 0)
		return r;
	if (!cgroup_is_v2())
		return explain(w, e);
	str_addf(&path, "%s/%s", parent[0] == '/' ? "" : pl.base_path,
		 parent + strspn(parent, "/"));
	autoclose int dir = cgroup_open_make(path.s);
	if (dir < 0) {
		err_fail(e, ERR_CGROUP, "--cgroup-parent %.200s: %s", parent, strerror(-dir));
		return hint_no_place(e);
	}
	/* What lies between passes the controllers on. */
	for (size_t i = 1; i <= path.len && w->need; i++) {
		if (path.s[i] && path.s[i] != '/')
			continue;
		char was = path.s[i];
		path.s[i] = 0;
		autoclose int at = cgroup_open(path.s);
		if (at >= 0 && (w->need & ~cgroup_handed_on(at)))
			hand_on(at, w->need);
		path.s[i] = was;
	}
	return try_base(w, path.s, NULL) ? 0 : explain(w, e);
}

static int find_split(struct wish *w, struct err *e)
{
	scoped(str) own = {0};

	if (!cgroup_is_v2() || cgroup_own(&own) < 0)
		return explain(w, e);
	autoclose int dir = cgroup_open(own.s);
	if (dir >= 0 && cgroup_is_ours(dir)) {
		int r = empty_into(dir, SUPERVISOR);
		if (r < 0)
			return err_set(e, r, "move the processes of %s into a cgroup below it",
				       own.s);
	}
	return try_base(w, own.s, NULL) ? 0 : explain(w, e);
}

/* The scope has our process in it when systemd has made it. */
static int take_scope(struct wish *w, struct err *e)
{
	scoped(str) own = {0};
	int r = cgroup_own(&own);

	autoclose int dir = r < 0 ? r : cgroup_open(own.s);
	if (dir < 0)
		return err_set(e, dir, "open the cgroup that systemd made");
	r = empty_into(dir, SUPERVISOR);
	if (r < 0)
		return err_set(e, r, "divide the cgroup that systemd made");
	return try_base(w, own.s, NULL) ? 0 : explain(w, e);
}

/* -ENOENT: no manager answers. */
static int find_scope(struct wish *w, const struct systemd *s, struct err *e)
{
	const struct container_config *c = w->p->config;
	char unit[100], text[100];
	int r = -EEXIST;

	if (str_eq(c->cgroups, "no-conmon")) {
		err_fail(e, ERR_CGROUP, "--cgroups no-conmon cannot be had from systemd");
		return err_hint(e, "systemd moves the process that asks, which is the supervisor: "
				   "leave the flag out");
	}
	snprintf(text, sizeof text, "hoy container %.64s", c->name);
	/* One of before may still be leaving. */
	for (int i = 0; r == -EEXIST && i < 100; i++) {
		snprintf(unit, sizeof unit, i ? "hoy-%.64s-%d.scope" : "hoy-%.64s.scope", c->id, i);
		r = systemd_scope(s, unit, c->cgroup_parent, text, e);
	}
	if (r == -EEXIST)
		return err_fail(e, ERR_CGROUP, "systemd has a hundred scopes for container %s",
				c->name);
	return r < 0 ? r : take_scope(w, e);
}

static int find_asked(struct wish *w, struct err *e)
{
	const struct container_config *c = w->p->config;
	bool slice = c->cgroup_parent && str_ends(c->cgroup_parent, ".slice");
	struct systemd s;

	if (str_eq(c->cgroups, "split"))
		return find_split(w, e);
	if (c->cgroup_parent && !slice)
		return find_parent(w, e);
	int r = cgroup_is_v2() ? systemd_find(&s) : -ENOENT;
	if (r == 0)
		r = find_scope(w, &s, e);
	if (r != -ENOENT)
		return r;
	if (slice) {
		err_fail(e, ERR_CGROUP,
			 "--cgroup-parent %.200s is a slice, and no systemd manager of this user "
			 "answers",
			 c->cgroup_parent);
		return hint_no_place(e);
	}
	return find_beside(w, e);
}

/* Nothing was asked for. Two or three system calls say that there is nothing, which is so for most users. */
static void find_free(void)
{
	scoped(str) path = {0};

	if (cgroup_own(&path) < 0 || !strcmp(path.s, "/"))
		return;
	cut_last(&path);
	autofree char *procs = xasprintf(CGROUP_MOUNT "%s/cgroup.procs", path.s);
	if (access(procs, W_OK) < 0)
		return;
	autoclose int dir = cgroup_open(path.s);
	/* What systemd has not left to somebody is its own, also where it runs as this user. */
	if (dir >= 0 && cgroup_is_ours(dir) && (!on_systemd() || cgroup_is_delegated(dir)))
		keep_base(take_fd(dir), path.s);
}

static int read_limits(const struct placing *p, struct arena *a, struct limit_list *ret,
		       struct err *e)
{
	struct config_limits l = p->config->limits;
	int r = p->fresh ? 0 : limit_read(p->dir, &p->config->limits, &l, a, e);

	return r < 0 ? r : limit_settings(&l, a, ret, e);
}

int placing_find(const struct placing *p, struct err *e)
{
	scoped(arena) a = {0};
	struct limit_list l;
	const struct container_config *c = p->config;

	snprintf(pl.name, sizeof pl.name, "hoy-%.64s", c->id);
	if (str_eq(c->cgroups, "disabled"))
		return 0;
	int r = read_limits(p, &a, &l, e);
	if (r < 0)
		return r;
	bool asked = l.v.n || c->cgroup_parent || c->cgroups;
	if (!asked && !c->systemd) {
		find_free();
		return 0;
	}
	struct wish w = {.p = p, .need = limit_controllers(&l)};
	w.flag = l.v.n		    ? ((struct limit_setting *)l.v.v)->flag
		 : c->cgroup_parent ? "--cgroup-parent"
		 : c->cgroups	    ? "--cgroups"
				    : "--systemd";
	r = find_asked(&w, e);
	return r < 0 && !asked ? 1 : r;
}

static int open_new(int parent, const char *name)
{
	if (mkdirat(parent, name, 0755) < 0)
		return -errno;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int placing_limit(int outer, const struct limit_list *l, const struct limit_list *before,
		  struct err *e)
{
	unsigned need = limit_controllers(l);
	autoclose int inner = openat(outer, INNER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = limit_apply(outer, l, before, e);

	if (r == 0 && need & ~cgroup_handed_on(outer)) {
		r = cgroup_hand_on(outer, need);
		if (r < 0)
			err_set(e, r, "hand the controllers on to the container's cgroup");
	}
	return r < 0 ? r : limit_apply(inner, l, before, e);
}

static int make(const struct limit_list *l, struct err *e)
{
	pl.outer = open_new(pl.base, pl.name);
	if (pl.outer == -EEXIST) { /* of a supervisor that was killed */
		cgroup_remove(pl.base, pl.name);
		pl.outer = open_new(pl.base, pl.name);
	}
	if (pl.outer < 0)
		return err_set(e, pl.outer, "make the cgroup %s/%s", pl.base_path, pl.name);
	snprintf(pl.path, sizeof pl.path, "%s/%s", pl.base_path, pl.name);
	pl.inner = open_new(pl.outer, INNER);
	if (pl.inner < 0)
		return err_set(e, pl.inner, "make the cgroup %s/" INNER, pl.path);
	return placing_limit(pl.outer, l, NULL, e);
}

int placing_make(const struct placing *p, int *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct limit_list l;

	*ret = 0;
	if (pl.base < 0)
		return 0;
	placing_end();
	int r = read_limits(p, &a, &l, e);
	if (r == 0)
		r = make(&l, e);
	if (r < 0) {
		placing_end();
		return r;
	}
	pl.limited = l.v.n > 0;
	*ret = pl.inner;
	return 0;
}

/* Where one more process can be: systemd divides the container's cgroup and moves itself to init.scope, and what is divided has no processes. */
static int open_leaf(int inner)
{
	int fd = cgroup_handed_on(inner) ? openat(inner, "init.scope",
						  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
					 : -1;

	return fd < 0 ? fcntl(inner, F_DUPFD_CLOEXEC, 3) : fd;
}

int placing_inner(void)
{
	if (pl.inner < 0)
		return 0;
	if (pl.leaf < 0 && cgroup_handed_on(pl.inner))
		pl.leaf = open_leaf(pl.inner);
	return pl.leaf >= 0 ? pl.leaf : pl.inner;
}

const char *placing_path(void)
{
	return pl.outer >= 0 ? pl.path : NULL;
}

uint64_t placing_oom_kills(void)
{
	uint64_t n;

	return pl.outer >= 0 && cgroup_number(pl.outer, "memory.events", "oom_kill", &n) == 0 ? n
											      : 0;
}

void placing_end(void)
{
	if (pl.outer >= 0)
		cgroup_remove(pl.base, pl.name);
	fd_close(&pl.leaf);
	fd_close(&pl.inner);
	fd_close(&pl.outer);
}

/* ---- others */

/* A process may be started in another cgroup by who may write to what both lie in. */
static bool may_move_to(const char *cgroup)
{
	scoped(str) own = {0};

	if (cgroup_own(&own) < 0)
		return false;
	size_t n = 0;
	while (own.s[n] && own.s[n] == cgroup[n])
		n++;
	if (own.s[n] || cgroup[n] != '/')
		while (n && own.s[n] != '/')
			n--;
	autofree char *procs = xasprintf(CGROUP_MOUNT "%.*s/cgroup.procs", (int)n, cgroup);
	return access(procs, W_OK) == 0;
}

/* systemd may move us into the scope that the container is in. */
static int move_into_scope(const char *cgroup, struct err *e)
{
	struct systemd s;
	const char *end = strstr(cgroup, ".scope/"), *from = end;

	while (from && from > cgroup && from[-1] != '/')
		from--;
	if (!end || systemd_find(&s) < 0)
		return -EACCES;
	autofree char *unit = xstrndup(from, (size_t)(end - from) + strlen(".scope"));
	return systemd_attach(&s, unit, "/" SUPERVISOR, 0, e);
}

int placing_join(const char *cgroup, bool limited, int *ret, struct err *e)
{
	struct err why = {0};

	*ret = 0;
	if (!cgroup)
		return 0;
	int r = may_move_to(cgroup) ? 0 : move_into_scope(cgroup, &why);
	autofree char *path = xasprintf("%s/" INNER, cgroup);
	autoclose int fd = r < 0 ? r : cgroup_open(path);
	if (fd >= 0) {
		*ret = open_leaf(fd);
		return *ret < 0 ? err_set(e, errno, "open the container's cgroup") : 0;
	}
	if (!limited)
		return 0;
	err_fail(e, ERR_CGROUP, "from here no process can be started in the container's cgroup%s%s",
		 *why.msg ? ": " : "", why.msg);
	return err_hint(e, "its limits would not hold for it: call hoy where the container was "
			   "started from, or from a session with a systemd user manager");
}

void placing_forget(const char *cgroup)
{
	const char *slash = cgroup ? strrchr(cgroup, '/') : NULL;

	if (!slash || !str_starts(slash, "/hoy-"))
		return;
	autofree char *above = xstrndup(cgroup, (size_t)(slash - cgroup));
	autoclose int dir = cgroup_open(above);
	if (dir >= 0)
		cgroup_remove(dir, slash + 1);
}
