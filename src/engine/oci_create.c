/*
 * create, in order: the bundle is read and checked; ROOT/ID is made and locked; the cgroups; the init, whose steps are in runtime/bundle.h; state.json,
 * from which on the container exists; the pid file; the init is let go.
 */
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "base/rand.h"
#include "engine/oci_parts.h"
#include "oci/runtime_read.h"
#include "runtime/hooks.h"
#include "runtime/init.h"

struct making {
	const struct oci_place *where;
	struct oci_container *c;
	struct oci_cgroups_want want;
	struct bundle b;
	struct oci_seccomp seccomp;
};

int oci_connect(int dir, const char *name, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int type = dir >= 0 ? SOCK_SEQPACKET : SOCK_STREAM, n;

	if (dir >= 0)
		n = snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", dir, name);
	else
		n = snprintf(at.sun_path, sizeof at.sun_path, "%s", name);
	if (n >= (int)sizeof at.sun_path)
		return err_set(e, ENAMETOOLONG, "connect to %s", name);
	autoclose int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return err_set(e, errno, "connect to %s", name);
	return take_fd(fd);
}

int oci_write_pid(const char *path, pid_t pid, struct err *e)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d", (int)pid);
	int r = fd_replace_at(AT_FDCWD, path, text, (size_t)n, 0644, false);

	return r < 0 ? err_set(e, r, "write the pid file %s", path) : 0;
}

int oci_preserve(uint64_t n, struct fd_kept *ret, struct err *e)
{
	if (n > FD_KEPT_MAX)
		return err_fail(e, ERR_USAGE, "--preserve-fds: at most %d", FD_KEPT_MAX);
	for (int fd = 3; fd < 3 + (int)n; fd++) {
		int flags = fcntl(fd, F_GETFD);
		if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0)
			return err_set(e, errno, "--preserve-fds: descriptor %d", fd);
		ret->v[ret->n++] = fd;
	}
	return 0;
}

/* Locks the directory; false: it was taken away meanwhile. */
static int lock_dir(struct oci_container *c, const char *id, bool *ret_there, struct err *e)
{
	struct stat mine, there;

	c->dir = openat(c->root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir < 0 && errno == ENOENT) {
		*ret_there = false;
		return 0;
	}
	if (c->dir < 0)
		return err_set(e, errno, "open the directory of container %s", id);
	if (flock(c->dir, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? err_fail_code(e, ERR_OCI_EXISTS, EEXIST,
					       "container with given ID already exists: %s", id)
			       : err_set(e, errno, "lock the directory of container %s", id);
	*ret_there = fstat(c->dir, &mine) == 0 &&
		     fstatat(c->root, id, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		     mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
	if (!*ret_there)
		fd_close(&c->dir);
	return 0;
}

/* A directory of our own, or one that somebody who was killed has left unfinished. */
static int make_dir(struct oci_container *c, const char *id, struct err *e)
{
	for (int tries = 0; tries < 100; tries++) {
		bool there = false;
		if (mkdirat(c->root, id, 0700) < 0 && errno != EEXIST)
			return err_set(e, errno, "make the directory of container %s", id);
		int r = lock_dir(c, id, &there, e);
		if (r < 0)
			return r;
		if (!there)
			continue;
		if (faccessat(c->dir, "state.json", F_OK, 0) == 0)
			return err_fail_code(e, ERR_OCI_EXISTS, EEXIST,
					     "container with given ID already exists: %s", id);
		unlinkat(c->dir, "start", 0);
		return 0;
	}
	return err_fail(e, ERR_OCI_EXISTS, "container %s is made and deleted all the time", id);
}

static int listen_start(struct oci_container *c, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/start", c->dir);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4) < 0)
		return err_set(e, errno, "make the socket of the start");
	return take_fd(fd);
}

static int read_bundle(struct oci_container *c, const char *bundle, struct err *e)
{
	scoped(str) text = {0};
	char path[PATH_MAX];

	if (!realpath(bundle ? bundle : ".", path))
		return err_set(e, errno, "bundle %s", bundle ? bundle : ".");
	c->state.bundle = arena_strdup(&c->arena, path);
	const char *file = arena_printf(&c->arena, "%s/config.json", path);
	int r = fd_read_file_at(AT_FDCWD, file, &text, 4 << 20);
	if (r < 0)
		return err_set(e, r, "read %s", file);
	r = oci_spec_read(str_cstr(&text), text.len, "config.json", &c->spec, &c->arena, e);
	if (r == 0 && !c->spec.process)
		return err_fail(e, ERR_OCI_SPEC, "config.json:1:1: process is missing");
	return r;
}

/* The document as it was, for exec and the hooks of the end. */
static int keep_config(const struct oci_container *c, struct err *e)
{
	scoped(str) text = {0};
	autofree char *file = xasprintf("%s/config.json", c->state.bundle);
	int r = fd_read_file_at(AT_FDCWD, file, &text, 4 << 20);

	if (r == 0)
		r = fd_write_file_at(c->dir, "config.json", text.s, text.len, 0600);
	return r < 0 ? err_set(e, r, "keep config.json") : 0;
}

static int write_state(struct oci_container *c, struct err *e)
{
	scoped(str) text = {0};
	char now[40];
	struct passwd *pw = getpwuid(geteuid());

	c->state.created = arena_strdup(&c->arena, time_rfc3339(now, sizeof now, time_now()));
	c->state.owner = pw ? arena_strdup(&c->arena, pw->pw_name) : "";
	json_write(&text, bind_write(oci_state_fields, &c->state, &c->arena), 0);
	int r = fd_replace_at(c->dir, "state.json", text.s, text.len, 0600, false);
	return r < 0 ? err_set(e, r, "write the state of the container") : 0;
}

static int made(void *arg, pid_t pid, struct err *e)
{
	struct making *m = arg;

	if (m->where->no_cgroups)
		return 0;
	return oci_cgroups_enter(&m->want, &m->c->state.cgroups, pid, &m->c->arena, e);
}

static int run_hooks(void *arg, pid_t pid, struct err *e)
{
	struct making *m = arg;
	const struct oci_container *c = m->c;
	const struct json *state =
		hooks_state(&c->spec, c->state.id, c->state.bundle, "creating", pid, &m->c->arena);
	int r = hooks_run(&c->spec.hooks.prestart, "prestart", state, c->state.bundle, e);

	return r < 0 ? r
		     : hooks_run(&c->spec.hooks.create_runtime, "createRuntime", state,
				 c->state.bundle, e);
}

static int64_t cgroup_owner(const struct oci_spec *s)
{
	const struct oci_id_mapping *m = s->linux_.uid_mappings.v;

	for (size_t i = 0; oci_ns_new(s, OCI_NS_USER) && i < s->linux_.uid_mappings.n; i++)
		if (m[i].container_id == 0)
			return m[i].host_id;
	return -1;
}

static void fill(struct making *m, const struct oci_create_opts *o)
{
	struct oci_container *c = m->c;
	const struct oci_linux *l = &c->spec.linux_;

	m->want = (struct oci_cgroups_want){
		.id = c->state.id,
		.path = l->cgroups_path,
		.systemd = m->where->systemd,
		.rootless = !oci_is_root(),
		.owner = cgroup_owner(&c->spec),
		.resources = l->resources,
		.annotations = &c->spec.annotations,
	};
	m->b = (struct bundle){
		.id = c->state.id,
		.path = c->state.bundle,
		.spec = &c->spec,
		.process = c->spec.process,
		.console = -1,
		.listen = -1,
		.lock = c->dir,
		.no_pivot = o->no_pivot,
		.no_new_keyring = o->no_new_keyring,
		.notify = -1,
		.made = made,
		.hooks = run_hooks,
		.arg = m,
	};
	c->state.no_keyring = o->no_new_keyring;
	c->state.own_pids = oci_ns_new(&c->spec, OCI_NS_PID);
}

static int prepare_seccomp(struct making *m, struct err *e)
{
	const struct json *doc = m->c->spec.linux_.seccomp;

	if (!doc)
		return 0;
	int r = oci_seccomp_compile(doc, "config.json", &m->c->arena, &m->seccomp, e);
	if (r < 0)
		return r;
	m->b.seccomp = &m->seccomp;
	r = oci_seccomp_share(&m->seccomp, &m->b.share, e);
	if (r < 0 || !m->b.share)
		return r;
	m->b.notify = oci_connect(-1, m->seccomp.listener_path, e);
	return m->b.notify < 0 ? m->b.notify : 0;
}

/* Where the terminal's master goes: to a socket that was named, or to ourselves. */
static int prepare_console(struct making *m, const struct oci_create_opts *o,
			   struct oci_terminal *t, struct err *e)
{
	const struct oci_process *p = m->c->spec.process;

	if (!p->terminal && o->console_socket)
		return err_fail(e, ERR_USAGE,
				"cannot use console socket if runc will not detach or "
				"allocate tty");
	if (!p->terminal)
		return 0;
	if (!o->console_socket && !t)
		return err_fail(e, ERR_USAGE,
				"cannot allocate tty if runc will detach without setting console "
				"socket");
	if (o->console_socket)
		m->b.console = oci_connect(-1, o->console_socket, e);
	else if (oci_terminal_open(t, m->c->spec.process, e) == 0)
		m->b.console = take_fd(t->pair[0]);
	return m->b.console < 0 ? -e->code : 0;
}

/* What the init is to be given; closed again by oci_create_in(). */
static int prepare(struct making *m, const struct oci_create_opts *o, struct oci_terminal *t,
		   struct err *e)
{
	int r = oci_preserve(o->preserve_fds, &m->b.fds, e);

	if (r == 0)
		r = prepare_console(m, o, t, e);
	if (r < 0)
		return r;
	m->b.listen = listen_start(m->c, e);
	if (m->b.listen < 0)
		return m->b.listen;
	r = prepare_seccomp(m, e);
	return r < 0 ? r : keep_config(m->c, e);
}

/* From the cgroups on: what was made until it failed is taken away again. */
static int make(struct making *m, const struct oci_create_opts *o, struct err *e)
{
	struct oci_container *c = m->c;
	struct bundle_started st = BUNDLE_NONE;
	struct err later;
	int clone = -1;
	int r = m->where->no_cgroups
			? 0
			: oci_cgroups_make(&m->want, &c->state.cgroups, &clone, &c->arena, e);

	if (r < 0)
		return r;
	m->b.cgroup = clone > 0 ? clone : 0;
	r = bundle_create(&m->b, &st, e);
	fd_close(&clone);
	if (r == 0) { /* the lock is the init's from here on */
		fd_close(&c->dir);
		c->dir = openat(c->root, c->state.id,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		c->state.pid = st.pid;
		c->state.pid_start = (int64_t)proc_start_time(st.pid);
		r = write_state(c, e);
	}
	if (r == 0 && o->pid_file)
		r = oci_write_pid(o->pid_file, st.pid, e);
	if (r == 0)
		r = bundle_release(&st, e);
	if (r < 0) {
		if (st.pid > 0) {
			kill(st.pid, SIGKILL);
			proc_wait(st.pid);
		}
		unlinkat(c->dir, "state.json", 0);
		oci_cgroups_remove(&c->state.cgroups, &later);
	}
	fd_close(&st.pidfd);
	fd_close(&st.sync);
	return r;
}

int oci_create_in(const struct oci_place *where, const char *id, const struct oci_create_opts *o,
		  struct oci_terminal *t, struct oci_container *ret, struct strs *warnings,
		  struct err *e)
{
	struct making m = {.where = where, .c = ret};

	*ret = (struct oci_container){.root = -1, .dir = -1};
	int r = oci_check_id(id, e);
	if (r == 0)
		r = read_bundle(ret, o->bundle, e);
	if (r < 0)
		return r;
	*warnings = ret->spec.warnings;
	ret->state.id = arena_strdup(&ret->arena, id);
	ret->root = oci_open_root(where, true, &ret->arena, e);
	if (ret->root < 0)
		return ret->root;
	r = make_dir(ret, id, e);
	if (r < 0)
		return r;
	fill(&m, o);
	r = prepare(&m, o, t, e);
	if (r == 0)
		r = make(&m, o, e);
	fd_close(&m.b.console);
	fd_close(&m.b.listen);
	fd_close(&m.b.notify);
	oci_seccomp_free(&m.seccomp);
	if (r < 0)
		path_rm_tree_at(ret->root, id);
	return r;
}

int oci_create(const struct oci_place *where, const char *id, const struct oci_create_opts *o,
	       struct oci_container *ret, struct strs *warnings, struct err *e)
{
	return oci_create_in(where, id, o, NULL, ret, warnings, e);
}

int oci_start(struct oci_container *c, struct strs *warnings, struct err *e)
{
	enum oci_status st = oci_status(c);
	struct err later = {0};

	if (st == OCI_RUNNING || st == OCI_PAUSED)
		return err_fail(e, ERR_OCI_STATE, "cannot start an already running container");
	if (st != OCI_CREATED)
		return err_fail(e, ERR_OCI_STATE, "cannot start a container that has stopped");
	int r = oci_load_spec(c, e);
	autoclose int conn = r < 0 ? r : oci_connect(c->dir, "start", e);
	if (conn < 0)
		return conn;
	r = bundle_start(conn, e);
	if (r < 0)
		return r;
	unlinkat(c->dir, "start", 0);
	const struct json *state = hooks_state(&c->spec, c->state.id, c->state.bundle, "running",
					       (pid_t)c->state.pid, &c->arena);
	if (hooks_run(&c->spec.hooks.poststart, "poststart", state, c->state.bundle, &later) < 0)
		strs_add(&c->arena, warnings, later.msg);
	return 0;
}
