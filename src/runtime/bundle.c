#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/proc.h"
#include "runtime/bundle_help.h"
#include "runtime/bundle_init.h"
#include "runtime/hooks.h"
#include "sys/userns.h"

static _Noreturn void child_fail(int sync, const struct err *e)
{
	char msg[1 + sizeof *e] = "E";

	memcpy(msg + 1, e, sizeof *e);
	fd_send_msg(sync, msg, sizeof msg, NULL, 0);
	_exit(EXIT_ENGINE);
}

/* ---- namespaces */

static uint64_t new_flags(const struct oci_spec *s)
{
	uint64_t flags = 0;

	for (enum oci_ns k = 0; k < OCI_NS_KINDS; k++)
		if (oci_ns_new(s, k))
			flags |= (uint64_t)oci_ns_clone(k);
	return flags;
}

static bool joins_any(const struct oci_spec *s)
{
	for (enum oci_ns k = 0; k < OCI_NS_KINDS; k++)
		if (oci_ns_find(s, k) && !oci_ns_new(s, k))
			return true;
	return false;
}

/* Those by path. What a user namespace owns can be joined before it by its parent, or after it by whoever is root in it. */
static int join_paths(const struct oci_spec *s, struct err *e)
{
	int fd[OCI_NS_KINDS];
	bool done[OCI_NS_KINDS] = {false};

	for (enum oci_ns k = 0; k < OCI_NS_KINDS; k++) {
		const struct oci_namespace *n = oci_ns_find(s, k);
		fd[k] = -1;
		if (!n || str_is_empty(n->path))
			continue;
		fd[k] = open(n->path, O_RDONLY | O_CLOEXEC);
		if (fd[k] < 0)
			return err_set(e, errno, "open the %s namespace %s", n->type, n->path);
	}
	for (int round = 0; round < 2; round++) {
		for (enum oci_ns k = 1; k < OCI_NS_KINDS; k++)
			if (fd[k] >= 0 && !done[k] && setns(fd[k], oci_ns_clone(k)) == 0)
				done[k] = true;
		if (round == 0 && fd[OCI_NS_USER] >= 0) {
			done[0] = setns(fd[OCI_NS_USER], CLONE_NEWUSER) == 0;
			if (!done[0] && errno != EINVAL) /* EINVAL: it is ours already */
				break;
			done[0] = true;
		}
	}
	for (enum oci_ns k = 0; k < OCI_NS_KINDS; k++) {
		if (fd[k] >= 0 && !done[k] && setns(fd[k], oci_ns_clone(k)) < 0)
			return err_set(e, errno, "join the %s namespace %s", oci_ns_name(k),
				       oci_ns_find(s, k)->path);
		fd_close(&fd[k]);
	}
	return 0;
}

/* Time namespaces are for children, and their clocks can only be set as long as nobody is in them. */
static int make_time(const struct oci_spec *s, struct err *e)
{
	const struct oci_time_offset *m = s->linux_.time_offsets.monotonic,
				     *b = s->linux_.time_offsets.boottime;
	char text[200];
	int n = 0;

	if (unshare(oci_ns_clone(OCI_NS_TIME)) < 0)
		return err_set(e, errno, "make a time namespace");
	if (m)
		n = snprintf(text, sizeof text, "monotonic %" PRId64 " %" PRId64 "\n", m->secs,
			     m->nanosecs);
	if (b)
		n += snprintf(text + n, sizeof text - (size_t)n,
			      "boottime %" PRId64 " %" PRId64 "\n", b->secs, b->nanosecs);
	if (!n)
		return 0;
	autoclose int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)n) < 0)
		return err_set(e, errno, "set the offsets of the time namespace");
	return 0;
}

/* ---- making it */

static _Noreturn void first(const struct bundle *b, bool plain, int sync)
{
	struct bundle_init bi = {.b = b, .label = -1, .plain_user = plain};
	struct stage s = {.bundle = &bi,
			  .sync = sync,
			  .outer = -1,
			  .wait = b->listen,
			  .lock = b->lock,
			  .cdir = -1,
			  .spot = -1,
			  .pty = -1,
			  .form = "root",
			  .fds = b->fds};
	char msg[1 + sizeof bi.pid];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hoy:[init]");
	size_t none = 0;
	if (fd_recv_msg(sync, msg, sizeof msg, NULL, &none) != sizeof msg || msg[0] != 'G')
		_exit(EXIT_ENGINE);
	memcpy(&bi.pid, msg + 1, sizeof bi.pid);
	bundle_init_run(&s);
}

/* In between, where namespaces are joined, or a time namespace is made. */
static _Noreturn void between(const struct bundle *b, uint64_t flags, bool plain, int sync)
{
	struct err e = {0};
	char msg[1 + sizeof(pid_t)] = "C";
	int r = join_paths(b->spec, &e);

	if (r == 0 && oci_ns_new(b->spec, OCI_NS_TIME))
		r = make_time(b->spec, &e);
	if (r < 0)
		child_fail(sync, &e);
	pid_t pid = proc_fork(flags | CLONE_PARENT, NULL);
	if (pid == 0)
		first(b, plain, sync);
	if (pid < 0) {
		err_set(&e, pid, "make the container's namespaces");
		child_fail(sync, &e);
	}
	memcpy(msg + 1, &pid, sizeof pid);
	fd_send_msg(sync, msg, sizeof msg, NULL, 0);
	_exit(0);
}

static int take_error(const char *msg, ssize_t n, struct err *e)
{
	if (n == 0)
		return err_died(e, "the container's first process died on its way");
	if (n < 0)
		return err_set(e, (int)n, "hear from the container's first process");
	if (msg[0] != 'E' || n != (ssize_t)(1 + sizeof *e))
		return err_fail(e, ERR_INTERNAL, "the container's first process sent nonsense");
	memcpy(e, msg + 1, sizeof *e);
	return -e->code;
}

/* Waits for the pid that somebody in between, a child of ours that ends, has to tell. */
static int take_pid(int sync, pid_t middle, struct bundle_started *ret, struct err *e)
{
	char msg[1 + sizeof *e];
	size_t none = 0;
	ssize_t n = fd_recv_msg(sync, msg, sizeof msg, NULL, &none);

	proc_wait(middle);
	if (n != (ssize_t)(1 + sizeof ret->pid) || msg[0] != 'C')
		return take_error(msg, n, e);
	memcpy(&ret->pid, msg + 1, sizeof ret->pid);
	ret->pidfd = (int)syscall(SYS_pidfd_open, ret->pid, 0);
	return ret->pidfd < 0 ? err_set(e, errno, "pidfd_open") : 0;
}

static int make(const struct bundle *b, const int s[2], struct bundle_started *ret, struct err *e)
{
	/* The root of a cgroup namespace is the cgroup of who makes it: the init makes its own, where it belongs by then. */
	uint64_t apart = CLONE_NEWCGROUP | (uint64_t)oci_ns_clone(OCI_NS_TIME);
	uint64_t flags = new_flags(b->spec);
	bool plain = geteuid() != 0;
	bool middle = joins_any(b->spec) || oci_ns_new(b->spec, OCI_NS_TIME);

	flags &= ~apart;
	pid_t pid = proc_fork_into(middle ? 0 : flags, b->cgroup, &ret->pidfd);
	if (pid == 0) {
		close(s[0]);
		if (middle)
			between(b, flags, plain, s[1]);
		first(b, plain, s[1]);
	}
	close(s[1]);
	if (pid < 0)
		return err_set(e, pid, "make the container's namespaces");
	if (!middle) {
		ret->pid = pid;
		return 0;
	}
	fd_close(&ret->pidfd);
	return take_pid(s[0], pid, ret, e);
}

static int to_map(const struct bind_list *l, struct id_map *ret, struct err *e)
{
	const struct oci_id_mapping *m = l->v;

	ret->n = 0;
	if (l->n > ID_RANGES_MAX)
		return err_fail(e, ERR_OCI_SPEC, "an id map with more than %d ranges",
				ID_RANGES_MAX);
	for (size_t i = 0; i < l->n; i++)
		ret->r[ret->n++] = (struct id_range){(uint32_t)m[i].container_id,
						     (uint32_t)m[i].host_id, (uint32_t)m[i].size};
	return 0;
}

/* Whoever is nobody special may map the own id, and the subordinate ones by newuidmap. */
static int write_maps(const struct bundle *b, pid_t pid, struct err *e)
{
	struct id_map uids, gids;
	struct err first_try = {0};
	int r = to_map(&b->spec->linux_.uid_mappings, &uids, e);

	if (r == 0)
		r = to_map(&b->spec->linux_.gid_mappings, &gids, e);
	if (r < 0)
		return r;
	bool own = uids.n == 1 && gids.n == 1 && uids.r[0].count == 1 && gids.r[0].count == 1 &&
		   uids.r[0].outside == geteuid() && gids.r[0].outside == getegid();
	r = userns_write_maps(pid, &uids, &gids, own && geteuid() != 0, &first_try);
	if (r == -EPERM && geteuid() != 0)
		return userns_newidmap(pid, &uids, &gids, e);
	if (r < 0)
		*e = first_try;
	return r;
}

/* ---- from the go on */

/* Answers it until it is ready. */
static int serve(const struct bundle *b, struct bundle_started *ret, struct err *e)
{
	union {
		char path[PATH_MAX + 2];
		char err[1 + sizeof *e];
	} msg;

	for (;;) {
		size_t none = 0;
		ssize_t n = fd_recv_msg(ret->sync, &msg, sizeof msg - 1, NULL, &none);
		if (n == 1 && msg.path[0] == 'X')
			return 0;
		if (n == 1 && msg.path[0] == 'S') { /* it loads its filter, and somebody listens */
			scoped(arena) a = {0};
			const struct json *state =
				hooks_state(b->spec, b->id, b->path, "creating", ret->pid, &a);
			int r = oci_seccomp_hand_over(b->seccomp, b->share, ret->pid, b->notify,
						      state, e);
			if (r < 0)
				return r;
		} else if (n == 1 && msg.path[0] == 'H') {
			int r = b->hooks(b->arg, ret->pid, e);
			if (r < 0)
				return r;
			fd_send_msg(ret->sync, "h", 1, NULL, 0);
		} else if (n > 1 && msg.path[0] == 'O') {
			msg.path[n] = 0;
			bundle_help_open(ret->pid, ret->sync, msg.path + 1);
		} else if (n == 1 + (ssize_t)sizeof(size_t) && msg.path[0] == 'M') {
			size_t at = 0;
			memcpy(&at, msg.path + 1, sizeof at);
			int r = bundle_help_mapped(b, ret->pid, ret->sync, at, e);
			if (r < 0)
				return r;
		} else {
			return take_error(msg.err, n, e);
		}
	}
}

static int send_go(const struct bundle_started *b, struct err *e)
{
	char msg[1 + sizeof b->pid] = "G";

	memcpy(msg + 1, &b->pid, sizeof b->pid);
	ssize_t n = fd_send_msg(b->sync, msg, sizeof msg, NULL, 0);
	return n < 0 ? err_set(e, (int)n, "start the container's first process") : 0;
}

static void give_up(struct bundle_started *b)
{
	if (b->pid > 0) {
		kill(b->pid, SIGKILL); /* our child, not waited for: the number is its own */
		proc_wait(b->pid);
	}
	fd_close(&b->pidfd);
	fd_close(&b->sync);
	b->pid = 0;
}

int bundle_create(const struct bundle *b, struct bundle_started *ret, struct err *e)
{
	int s[2];

	*ret = BUNDLE_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	ret->sync = s[0];
	int r = make(b, s, ret, e);
	if (r == 0 && oci_ns_new(b->spec, OCI_NS_USER))
		r = write_maps(b, ret->pid, e);
	if (r == 0)
		r = b->made(b->arg, ret->pid, e);
	if (r == 0)
		r = send_go(ret, e);
	if (r == 0)
		r = serve(b, ret, e);
	if (r < 0)
		give_up(ret);
	return r;
}

int bundle_release(struct bundle_started *b, struct err *e)
{
	ssize_t n = fd_send_msg(b->sync, "R", 1, NULL, 0);

	if (n < 0)
		return err_set(e, (int)n, "let the container's first process go on");
	/* Its answer: it does not end with us any more. */
	char c;
	size_t none = 0;
	n = fd_recv_msg(b->sync, &c, 1, NULL, &none);
	fd_close(&b->sync);
	return n == 1 ? 0 : err_died(e, "the container's first process died before its start");
}

int bundle_start(int conn, struct err *e)
{
	char msg[1 + sizeof *e];
	size_t none = 0;
	ssize_t n = fd_send_msg(conn, "S", 1, NULL, 0);

	if (n < 0)
		return err_set(e, (int)n, "start the container");
	n = fd_recv_msg(conn, msg, sizeof msg, NULL, &none);
	return n == 0 ? 0 : take_error(msg, n, e);
}

/* ---- one more process */

/* The namespaces of a process that differ from ours. */
static int foreign_flags(pid_t pid)
{
	static const char *const files[OCI_NS_KINDS] = {
		[OCI_NS_USER] = "user",	    [OCI_NS_MOUNT] = "mnt", [OCI_NS_PID] = "pid",
		[OCI_NS_NETWORK] = "net",   [OCI_NS_IPC] = "ipc",   [OCI_NS_UTS] = "uts",
		[OCI_NS_CGROUP] = "cgroup", [OCI_NS_TIME] = "time",
	};
	int flags = 0;

	for (enum oci_ns k = 0; k < OCI_NS_KINDS; k++) {
		char own[40], its[40];
		struct stat a, b;
		snprintf(own, sizeof own, "/proc/self/ns/%s", files[k]);
		snprintf(its, sizeof its, "/proc/%d/ns/%s", (int)pid, files[k]);
		if (stat(own, &a) == 0 && stat(its, &b) == 0 &&
		    (a.st_ino != b.st_ino || a.st_dev != b.st_dev))
			flags |= oci_ns_clone(k);
	}
	return flags;
}

static _Noreturn void joiner(const struct bundle *b, int flags, int pid1, int sync)
{
	struct err e = {0};
	char msg[1 + sizeof(pid_t)] = "C";

	prctl(PR_SET_DUMPABLE, 0);
	if (flags && setns(pid1, flags) < 0) {
		err_set(&e, errno, "join the container's namespaces");
		child_fail(sync, &e);
	}
	pid_t pid = proc_fork(CLONE_PARENT, NULL);
	if (pid == 0) {
		struct bundle_init bi = {.b = b, .label = -1};
		struct stage s = {.bundle = &bi,
				  .sync = sync,
				  .outer = -1,
				  .cdir = -1,
				  .spot = -1,
				  .pty = -1,
				  .form = "root",
				  .fds = b->fds};
		bundle_exec_run(&s);
	}
	if (pid < 0) {
		err_set(&e, pid, "fork into the container");
		child_fail(sync, &e);
	}
	memcpy(msg + 1, &pid, sizeof pid);
	fd_send_msg(sync, msg, sizeof msg, NULL, 0);
	_exit(0);
}

int bundle_exec(const struct bundle *b, pid_t pid, int pid1, struct bundle_started *ret,
		struct err *e)
{
	int s[2], flags = foreign_flags(pid);

	*ret = BUNDLE_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	ret->sync = s[0];
	pid_t middle = proc_fork(0, NULL);
	if (middle == 0) {
		close(s[0]);
		joiner(b, flags, pid1, s[1]);
	}
	close(s[1]);
	int r = middle < 0 ? err_set(e, middle, "fork") : take_pid(ret->sync, middle, ret, e);
	if (r == 0)
		r = b->made(b->arg, ret->pid, e);
	if (r == 0)
		r = send_go(ret, e);
	if (r == 0)
		r = serve(b, ret, e); /* it is ready */
	if (r == 0) {
		char msg[1 + sizeof *e];
		size_t none = 0;
		fd_send_msg(ret->sync, "R", 1, NULL, 0);
		/* end of file: it is the command */
		ssize_t n = fd_recv_msg(ret->sync, msg, sizeof msg, NULL, &none);
		r = n == 0 ? 0 : take_error(msg, n, e);
	}
	if (r < 0)
		give_up(ret);
	return r;
}
