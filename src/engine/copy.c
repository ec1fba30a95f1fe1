/*
 * A source first writes one struct greeting, unless a stream is the sink: with it the sink finds out where everything goes (copy_place.h) before
 * anything is made. An end that stops in the middle is told by the end mark of the tar, which is missing then; the error is that of who stopped first.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/task.h"
#include "engine/container.h"
#include "engine/copy.h"
#include "engine/copy_place.h"
#include "runtime/inside.h"
#include "runtime/user.h"
#include "state/tell.h"
#include "store/copied.h"
#include "store/layer_form.h"
#include "store/pack.h"
#include "store/unpack.h"

enum { PIECE = 256 << 10, PIPE_ROOM = 1 << 20 };

struct greeting {
	char magic; /* 'd': a directory, 'f': anything else */
};

/* What both processes and the parent see. */
struct shared {
	struct copy_result result;
	bool cut; /* the sink's error is that the source stopped */
};

struct job {
	const struct home *h;
	const struct copy *c;
	struct shared *shared;
	struct container *ct; /* of this end, or NULL */
	int fd;		      /* of the pipe, or of the stream */
	bool greets;	      /* the other end is no stream */
	enum u0_form form;
};

void copy_end_parse(const char *text, struct arena *a, struct copy_end *ret)
{
	const char *colon = strchr(text, ':');

	*ret = (struct copy_end){.path = text};
	if (str_eq(text, "-"))
		ret->path = NULL;
	else if (*text != '/' && *text != '.' && colon && colon > text)
		*ret = (struct copy_end){.container =
						 arena_strndup(a, text, (size_t)(colon - text)),
					 .path = colon[1] ? colon + 1 : "/"};
}

/* ---- the source */

static int pump_out(struct pack *p, const struct job *j, struct err *e)
{
	struct source from = pack_source(p);
	autofree char *buf = xcalloc(1, PIECE);

	for (;;) {
		ssize_t n = from.read(from.arg, buf, PIECE, e);
		if (n <= 0)
			return (int)n;
		int r = fd_write_all(j->fd, buf, (size_t)n);
		if (r == -EPIPE && j->greets)
			return 0; /* the sink says why */
		if (r < 0)
			return err_set(e, r, "write to standard output");
	}
}

static int give(int root, void *arg, struct err *e)
{
	const struct job *j = arg;
	const struct copy_end *end = &j->c->from;
	scoped(arena) a = {0};
	scoped(place_source) s = {.fd = -1};
	struct u0_map map;
	int r = place_source(root, end, j->c->follow, &a, &s, e);

	if (r < 0)
		return r;
	struct greeting hello = {S_ISDIR(s.mode) ? 'd' : 'f'};
	if (j->greets && fd_write_all(j->fd, &hello, sizeof hello) < 0)
		return 0;
	struct pack *p = pack_open(NULL, s.fd, s.what);
	if (j->greets || !s.contents)
		pack_named(p, s.name);
	if (end->container) {
		pack_mounts(p);
		if (j->form == FORM_ONE)
			pack_kept_owners(p);
	} else if (geteuid() != 0 && u0_map_find(&map, NULL) == 0) {
		pack_map_owners(p, &map);
	}
	r = pump_out(p, j, e);
	pack_close(p);
	return r;
}

/* ---- the sink */

/* Who is to have what is made, and what the ids of this namespace are. */
static int owners(const struct job *j, int root, struct unpack_plain *how, struct u0_map *map,
		  struct err *e)
{
	scoped(arena) a = {0};
	struct user u;

	map->form = j->form;
	int r = userns_read_map("/proc/self/uid_map", &map->uids);
	if (r >= 0)
		r = userns_read_map("/proc/self/gid_map", &map->gids);
	if (r < 0)
		return err_set(e, r, "read the id map");
	if (!j->ct) {
		bool keep = j->c->owner == COPY_OWNER_SOURCE && geteuid() == 0;
		how->owner = keep ? UNPACK_AS_ARCHIVED : UNPACK_SELF;
		/* a program of a container's root is not to run as us, started by anybody */
		how->no_set_ids = !keep;
		how->no_devices = true;
		map->form = keep ? FORM_ROOT : FORM_ONE;
		return 0;
	}
	how->owner = j->c->owner == COPY_OWNER_SOURCE ? UNPACK_AS_ARCHIVED : UNPACK_FIXED;
	if (j->c->owner != COPY_OWNER_USER)
		return 0;
	r = user_resolve(root, j->ct->config.process.user, &u, &a, e);
	if (r < 0)
		return r;
	how->uid = u.uid;
	how->gid = u.gid;
	return 0;
}

/* The tar of a stream may end as it likes, that of our source with its mark. */
static int cut_off(const struct job *j, struct err *e)
{
	j->shared->cut = true;
	return err_fail(e, ERR_ARCHIVE, "the source ended in the middle");
}

static int pump_in(struct unpack *u, const struct job *j, struct err *e)
{
	autofree char *buf = xcalloc(1, PIECE);

	for (;;) {
		ssize_t n = read(j->fd, buf, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read %s",
				       j->greets ? "a pipe" : "standard input");
		if (n == 0)
			break;
		int r = unpack_feed(u, buf, (size_t)n, e);
		if (r < 0)
			return r;
	}
	return !j->greets || unpack_ended(u) ? 0 : cut_off(j, e);
}

static int take_in(int root, void *arg, struct err *e)
{
	const struct job *j = arg;
	scoped(arena) a = {0};
	scoped(place_target) t = {.fd = -1};
	struct greeting hello = {'d'};
	struct unpack_plain how = {.overwrite = j->c->overwrite};
	struct unpack_stats stats;
	struct unpack *u;
	struct u0_map map = {0};

	umask(0);
	if (j->greets && read(j->fd, &hello, sizeof hello) != sizeof hello)
		return cut_off(j, e);
	int r = place_target(root, &j->c->to, j->greets ? &j->c->from : NULL, hello.magic == 'd',
			     &a, &t, e);
	if (r == 0)
		r = owners(j, root, &how, &map, e);
	if (r < 0)
		return r;
	how.as = t.as;
	how.keep_root = t.keep_root;
	struct unpack_limits lim = {.max_bytes = UINT64_MAX >> 1, .max_entries = UINT64_MAX >> 1};
	r = unpack_open(&u, t.fd, -1, &map, &lim, t.what, e);
	if (r < 0)
		return r;
	unpack_as_plain(u, &how);
	r = pump_in(u, j, e);
	if (r == 0)
		r = unpack_finish(u, &stats, e);
	unpack_close(u);
	if (r < 0 && e->code == EROFS && j->ct)
		err_hint(e, "%s is read-only there; what is mounted in it may be written",
			 j->ct->config.read_only ? "the root file system" : "that");
	if (r == 0)
		j->shared->result = (struct copy_result){.entries = stats.entries,
							 .bytes = stats.bytes,
							 .skipped_devices = stats.skipped_devices};
	return r;
}

/* ---- both in one container that does not run: its files can be mounted once only */

struct giving {
	int root;
	struct job job;
};

static int give_beside(void *arg, struct err *e)
{
	struct giving *g = arg;

	signal(SIGPIPE, SIG_IGN);
	return give(g->root, &g->job, e);
}

static int give_and_take(int root, void *arg, struct err *e)
{
	struct job *j = arg;
	struct giving g = {root, *j};
	struct task t;
	struct err why = {0};
	size_t which;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	g.job.fd = p[1];
	j->fd = p[0];
	int r = task_start(&t, give_beside, &g, e);
	close(p[1]);
	if (r == 0)
		r = take_in(root, j, e);
	close(p[0]);
	if (t.pid && task_wait(&t, 1, &TASK_WAIT_ONLY, &which, &why) < 0 && j->shared->cut)
		*e = why;
	task_kill(&t);
	return r;
}

/* ---- where an end runs */

struct end {
	struct job job;
	int (*fn)(int root, void *arg, struct err *e);
	struct mapped ids; /* of a container that does not run */
};

static int run_here(void *arg, struct err *e)
{
	struct end *end = arg;

	signal(SIGPIPE, SIG_IGN);
	return end->fn(AT_FDCWD, &end->job, e);
}

/* Where its files cannot be mounted, it gets the copy that its next start would make. */
static int run_at_rest(struct end *end, const struct u0_map *map, struct inside *in, struct err *e)
{
	const struct home *h = end->job.h;
	const struct strs *layers = &in->config->layers;
	int r = layer_forms_make(h, map, layers, e);

	if (r == 0)
		r = mapped_prepare(h, in->config, map, end->job.ct->dir, &end->ids, e);
	if (r == 0 && end->ids.on)
		in->mapped = &end->ids;
	if (r == 0)
		r = inside_run(in, end->fn, &end->job, e);
	if (r == 0 || e->id != ERR_NO_OVERLAY)
		return r;
	*e = (struct err){0};
	r = copied_make(h, mapped_layers(&end->ids, map), layers, end->job.ct->dir, e);
	if (r == 0)
		r = mapped_give(&end->ids, end->job.ct->dir, e);
	return r < 0 ? r : inside_run(in, end->fn, &end->job, e);
}

static int run_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct end *end = arg;
	struct container *ct = end->job.ct;
	bool runs = ct->status == CONTAINER_RUNNING;
	struct inside in = {.home = end->job.h->path,
			    .form = u0_form_name(map->form),
			    .config = &ct->config,
			    .pid1 = -1,
			    .uids = &map->uids,
			    .gids = &map->gids};

	signal(SIGPIPE, SIG_IGN);
	end->job.form = map->form;
	if (!runs)
		return run_at_rest(end, map, &in, e);
	autoclose int pid1 = proc_open((pid_t)ct->state.pid, (uint64_t)ct->state.pid_start);
	if (pid1 < 0)
		return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH,
				     "container %s has just ended", ct->state.name);
	in.pid = (pid_t)ct->state.pid;
	in.pid1 = pid1;
	return inside_run(&in, end->fn, &end->job, e);
}

/* Its processes are there still: for a moment after they end, and before they are, the state says otherwise. */
static bool lives(const struct container *ct)
{
	autoclose int pid1 = proc_open((pid_t)ct->state.pid, (uint64_t)ct->state.pid_start);

	return pid1 >= 0;
}

/* One that does not run is held, so that nobody starts or removes it meanwhile. */
static int open_container(const struct home *h, const char *name, struct container *ct,
			  struct err *e)
{
	int r = container_open(h, name, ct, e);

	if (r == 0)
		r = container_load_config(ct, e);
	for (int tries = 0; r == 0 && !(ct->status == CONTAINER_RUNNING && lives(ct)); tries++) {
		r = container_lock(ct, 500, e);
		if (r < 0 && (r != -EBUSY || tries >= 10))
			return r;
		r = container_refresh(h, ct, e);
		if (r == 0 && ct->locked) {
			container_end_lost(h, ct);
			return 0;
		}
	}
	return r;
}

/* The second may be the first, which is locked once. */
static int open_second(const struct home *h, const char *name, const struct container *first,
		       struct container *ct, struct err *e)
{
	int r = container_open(h, name, ct, e);

	if (r == 0 && first->locked && !strcmp(first->id, ct->id))
		return container_load_config(ct, e);
	container_free(ct);
	*ct = (struct container){.dir = -1};
	return r < 0 ? r : open_container(h, name, ct, e);
}

static bool same_at_rest(const struct container *a, const struct container *b)
{
	return a->locked && !strcmp(a->id, b->id);
}

static int start(struct end *end, struct task *t, struct err *e)
{
	return end->job.ct ? u0_start(end->job.h, run_inside, end, t, e)
			   : task_start(t, run_here, end, e);
}

/* Waits for both. Who stopped first says why. */
static int await(struct task v[2], const struct shared *shared, int sigfd, struct err *e)
{
	struct task_wait w = {.until = -1, .sigfd = sigfd};
	struct err first;
	size_t which;

	while (v[0].pid || v[1].pid) {
		int r = task_wait(v, 2, &w, &which, e);
		if (r >= 0)
			continue;
		first = *e;
		w.sigfd = -1;
		/* the sink saw that the source stopped: that one knows why */
		if (shared->cut && v[0].pid && task_wait(v, 1, &w, &which, e) >= 0)
			*e = first;
		task_kill(&v[0]);
		task_kill(&v[1]);
		return -e->code;
	}
	return 0;
}

static int run_both(struct end ends[2], struct shared *shared, struct err *e)
{
	struct task v[2] = {TASK_NONE, TASK_NONE};
	struct task_signals held;
	int r = 0;

	task_signals_hold(&held);
	for (size_t i = 0; i < 2 && r == 0; i++) {
		if (ends[i].fn)
			r = start(&ends[i], &v[i], e);
		/* each end is held by its process alone, so that the other sees it stop */
		if (ends[i].job.fd > 2)
			fd_close(&ends[i].job.fd);
	}
	if (r == 0)
		r = await(v, shared, held.fd, e);
	task_kill(&v[0]);
	task_kill(&v[1]);
	task_signals_free(&held);
	return r;
}

static int run_ends(const struct home *h, const struct copy *c, struct container ct[2],
		    struct copy_result *ret, struct err *e)
{
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool streams = !c->from.path || !c->to.path;
	bool alone = same_at_rest(&ct[0], &ct[1]);
	struct end ends[2] = {{.fn = c->from.path && !alone ? give : NULL},
			      {.fn = alone	  ? give_and_take
				     : c->to.path ? take_in
						  : NULL}};
	int p[2] = {STDIN_FILENO, STDOUT_FILENO}, r = 0;

	if (shared == MAP_FAILED)
		return err_set(e, errno, "mmap");
	if (!streams) {
		if (pipe2(p, O_CLOEXEC) < 0)
			r = err_set(e, errno, "pipe");
		fcntl(p[1], F_SETPIPE_SZ, PIPE_ROOM);
	} else if (!c->to.path && isatty(STDOUT_FILENO)) {
		err_fail(e, ERR_USAGE, "a tar is not written to a terminal");
		r = err_hint(e, "hoy cp CONTAINER:PATH - | tar -t");
	}
	for (size_t i = 0; i < 2; i++)
		ends[i].job = (struct job){.h = h,
					   .c = c,
					   .shared = shared,
					   .ct = ct[i].id[0] ? &ct[i] : NULL,
					   .fd = p[1 - i],
					   .greets = !streams};
	if (streams && r == 0)
		ends[1].job.fd = STDIN_FILENO;
	if (r == 0)
		r = run_both(ends, shared, e);
	*ret = shared->result;
	munmap(shared, sizeof *shared);
	return r;
}

/* A directory of a container into itself would have no end. */
static bool is_inside_itself(const struct copy *c)
{
	if (!str_eq(c->from.container, c->to.container) || !c->from.path || !c->to.path)
		return false;
	autofree char *from = path_join("/", c->from.path), *to = path_join("/", c->to.path);
	autofree char *a = path_clean(from), *b = path_clean(to);
	size_t n = strlen(a);
	return str_starts(b, a) && (b[n] == '/' || n == 1);
}

int copy_run(const struct home *h, const struct copy *c, struct copy_result *ret, struct err *e)
{
	struct container ct[2] = {{.dir = -1}, {.dir = -1}};
	int r = 0;

	*ret = (struct copy_result){0};
	if (!c->from.container && !c->to.container) {
		err_fail(e, ERR_USAGE, "neither is in a container");
		return err_hint(e, "one of the two is CONTAINER:PATH: hoy cp web:/etc/hosts .");
	}
	if (is_inside_itself(c))
		return err_fail(e, ERR_COPY, "%s:%s is a part of what is to be copied",
				c->to.container, c->to.path);
	if (c->from.container)
		r = open_container(h, c->from.container, &ct[0], e);
	if (r == 0 && c->to.container)
		r = open_second(h, c->to.container, &ct[0], &ct[1], e);
	if (r == 0)
		r = run_ends(h, c, ct, ret, e);
	if (r == 0 && c->from.container)
		container_tell(h, &ct[0].state, "copy", "from", c->from.path);
	if (r == 0 && c->to.container)
		container_tell(h, &ct[1].state, "copy", "to", c->to.path);
	container_free(&ct[0]);
	container_free(&ct[1]);
	return r;
}
