#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "runtime/init.h"
#include "runtime/launch.h"
#include "runtime/outer.h"

/* Descriptors of a sealed child, counted from the first number above those that it passes on. */
enum { SYNC_FD, DOC_FD, PID1_FD, OUTER_FD, GIVEN_FD, SEALED_FDS = GIVEN_FD + GIVEN_KINDS };

static int first_free(const struct fd_kept *k)
{
	int first = 3;

	for (size_t i = 0; i < k->n; i++)
		if (k->v[i] >= first)
			first = k->v[i] + 1;
	return first;
}

static _Noreturn void child_fail(int sync, const struct err *e)
{
	char msg[1 + sizeof *e] = "E";

	memcpy(msg + 1, e, sizeof *e);
	fd_send_msg(sync, msg, sizeof msg, NULL, 0);
	_exit(EXIT_ENGINE);
}

static void take_streams(const struct launch *l, const struct config_process *p)
{
	for (int i = 0; i < 3 && !p->tty; i++)
		dup2(l->stdio[i], i);
}

/* The documents that a sealed child needs, as one file: the config, then the process of an exec (or null). */
static int write_doc(const struct launch *l)
{
	struct arena a = {0};
	scoped(str) text = {0};
	int fd = memfd_create("hoy-config", 0);
	struct json *doc = json_new(&a, JSON_OBJ);

	json_set(&a, doc, "Config", bind_write(config_fields, l->config, &a));
	if (l->names)
		json_set(&a, doc, "Names", bind_write(names_fields, l->names, &a));
	if (l->process)
		json_set(&a, doc, "Process", bind_write(config_process_fields, l->process, &a));
	json_write(&text, doc, 0);
	int r = fd < 0 ? -errno : fd_write_all(fd, text.s, text.len);
	arena_free(&a);
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	return fd;
}

/* "3,4": what launch_reentry() reads. */
static void kept_text(const struct fd_kept *k, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = 0;
	for (size_t i = 0; i < k->n && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%d", i ? "," : "", k->v[i]);
}

/* Goes on as a sealed copy of ourselves: fixed descriptors, everything else in the document. pid1 is -1 for PID 1 itself, which may
 * have been given mounts, and a helper. */
static _Noreturn void reenter(const struct launch *l, int sync, int pid1, int outer,
			      const int *given)
{
	struct err e = {0};
	char rows[12], cols[12], kept[FD_KEPT_MAX * 12];
	int doc = write_doc(l), base = first_free(&l->fds);
	int safe[SEALED_FDS], keep[SEALED_FDS + FD_KEPT_MAX];
	size_t n = 0;

	if (doc < 0) {
		err_set(&e, doc, "write the start-up document");
		child_fail(sync, &e);
	}
	const int all[] = {sync, doc, pid1, outer};
	for (int i = 0; i < SEALED_FDS; i++) { /* out of the way of each other first */
		int fd = i < GIVEN_FD ? all[i] : given ? given[i - GIVEN_FD] : -1;
		safe[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD, base + SEALED_FDS);
	}
	for (int i = 0; i < SEALED_FDS; i++) {
		if (safe[i] < 0)
			continue;
		dup2(safe[i], base + i);
		keep[n++] = base + i;
	}
	fd_close_except(keep, fd_kept_add(&l->fds, keep, n));
	kept_text(&l->fds, kept, sizeof kept);
	snprintf(rows, sizeof rows, "%u", l->size.ws_row);
	snprintf(cols, sizeof cols, "%u", l->size.ws_col);
	char *argv[] = {(char[]){"hoy"},
			(char[]){"__stage"},
			(char *)(uintptr_t)l->home,
			(char *)(uintptr_t)(l->where ? l->where : ""), /* not used by a join */
			(char *)(uintptr_t)l->form,
			rows,
			cols,
			kept,
			NULL};
	init_seal(argv, pid1 < 0, &e);
	child_fail(base + SYNC_FD, &e);
}

static _Noreturn void first_child(const struct launch *l, int sync, int outer, const int *given)
{
	struct stage s = {.c = l->config,
			  .p = &l->config->process,
			  .names = l->names,
			  .home = l->home,
			  .where = l->where,
			  .form = l->form,
			  .size = l->size,
			  .sync = sync,
			  .outer = outer,
			  .fds = l->fds};
	char go;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bool ok = read(sync, &go, 1) == 1 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0;
	if (ok && l->cgroup && ns_is_own(l->config, NS_CGROUP))
		ok = unshare(CLONE_NEWCGROUP) == 0;
	if (!ok)
		_exit(EXIT_ENGINE);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the change of ids cleared it */
	prctl(PR_SET_DUMPABLE, 0);
	take_streams(l, s.p);
	/* With --init we stay as PID 1: executed again our memory belongs to the container's namespace, not to the host's, and the
	 * container can be joined through us. */
	if (init_binary_exposed() || (l->config->init && !l->config->init_path))
		reenter(l, sync, -1, outer, given);
	memcpy(s.given, given, sizeof s.given);
	init_run(&s);
}

/* Which of the two files come is told by the first two bits. */
static void take_names(char which, const int *fd, size_t n, struct launched *ret)
{
	int *const to[] = {which & 1 ? &ret->hosts : NULL, which & 2 ? &ret->resolv_conf : NULL};

	for (size_t i = 0; i < countof(to); i++)
		if (to[i] && n && *to[i] < 0) {
			*to[i] = *fd++;
			n--;
		}
	while (n)
		close(fd[--n]);
}

/* Takes the child's messages until it runs the program (end of file) or gives up; made: only until there is a child. */
static int follow(int sync, bool made, struct launched *ret, struct err *e)
{
	char msg[1 + sizeof *e];
	bool ready = false;
	int fd[2];

	_Static_assert(sizeof msg > sizeof ret->creds, "every message has room");

	for (;;) {
		size_t nfds = countof(fd);
		ssize_t n = fd_recv_msg(sync, msg, sizeof msg, fd, &nfds);
		if (n == 0 && ready)
			return 0;
		if (n == 0)
			return err_died(
				e, "the container's first process died on the way to its command");
		if (n < 0)
			return err_set(e, (int)n, "hear from the container's first process");
		if (msg[0] == 'P' && nfds == 1) {
			ret->pty = fd[0];
			continue;
		}
		if (msg[0] == 'N' && n == 2 && nfds <= 2) {
			take_names(msg[1], fd, nfds, ret);
			continue;
		}
		if (msg[0] == 'L' && nfds == 1 && n == 1 + sizeof ret->creds && ret->listener < 0) {
			ret->listener = fd[0];
			memcpy(&ret->creds, msg + 1, sizeof ret->creds);
			continue;
		}
		while (nfds)
			close(fd[--nfds]);
		if (msg[0] == 'X') {
			ready = true;
			continue;
		}
		if (msg[0] == 'C' && n == 1 + sizeof ret->pid) {
			memcpy(&ret->pid, msg + 1, sizeof ret->pid);
			ret->pidfd = (int)syscall(SYS_pidfd_open, ret->pid, 0);
			if (ret->pidfd < 0)
				return err_set(e, errno, "pidfd_open");
			if (made)
				return 0;
			continue;
		}
		if (msg[0] != 'E' || n != sizeof msg)
			return err_fail(e, ERR_INTERNAL,
					"the container's first process sent nonsense");
		memcpy(e, msg + 1, sizeof *e);
		return -e->code;
	}
}

static void give_up(struct launched *l)
{
	if (l->pid > 0) {
		kill(l->pid, SIGKILL); /* our child, not waited for: the number is its own */
		proc_wait(l->pid);
	}
	fd_close(&l->pidfd);
	fd_close(&l->pty);
	fd_close(&l->hosts);
	fd_close(&l->resolv_conf);
	fd_close(&l->users);
	fd_close(&l->listener);
	l->pid = 0;
}

static int explain_clone(int r, struct err *e)
{
	err_set(e, r, "make the container's namespaces");
	if (r == -ENOSPC)
		return err_hint(e, "a limit below /proc/sys/user is reached (max_user_namespaces, "
				   "max_net_namespaces ...)");
	return r;
}

/* Whether the process, a zombie or not, is still the one that we made, by its name: execve(2) gives it another. */
static bool is_still_init(pid_t pid)
{
	char path[40];
	scoped(str) comm = {0};

	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	return fd_read_file_at(AT_FDCWD, path, &comm, 64) == 0 &&
	       str_eq(str_cstr(&comm), INIT_COMM "\n");
}

/* A custom seccomp profile may end the child before it is the command, and without a word: follow() cannot tell that from success.
 * execve(2) closes the socket a moment before it gives the new name, so this waits for either that or the end. */
static int check_alive(const struct launch *l, const struct launched *run, struct err *e)
{
	struct pollfd p = {.fd = run->pidfd, .events = POLLIN};
	siginfo_t si = {0};

	if (!l->config->security.profile)
		return 0;
	/* Bounded, for a command may have our name. */
	for (int ms = 0; ms < 1000 && is_still_init(run->pid) && poll(&p, 1, 1) <= 0; ms++)
		;
	if (waitid(P_PIDFD, (id_t)run->pidfd, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || !si.si_pid ||
	    !is_still_init(run->pid))
		return 0;
	err_fail(e, ERR_EXEC, "the seccomp profile %s does not let a process start its command",
		 l->config->security.seccomp);
	return err_hint(e, "it must allow at least execve, and what the program's loader calls");
}

static void tell_child(int sync, pid_t pid)
{
	char msg[1 + sizeof pid] = "C";

	memcpy(msg + 1, &pid, sizeof pid);
	fd_send_msg(sync, msg, sizeof msg, NULL, 0);
}

/* The process in between: joins, makes the init, ends. */
static _Noreturn void join_first(const struct launch *l, uint64_t flags, int sync, int outer)
{
	int given[GIVEN_KINDS] = {-1, -1, -1, -1, -1};
	struct err e = {0};

	if (joins_enter(l->joins, l->config, given, &e) < 0)
		child_fail(sync, &e);
	pid_t pid = proc_fork(flags | CLONE_PARENT, NULL);
	if (pid == 0)
		first_child(l, sync, outer, given);
	if (pid < 0) {
		explain_clone(pid, &e);
		child_fail(sync, &e);
	}
	tell_child(sync, pid);
	_exit(0);
}

/* Makes the init, directly or through a process that joins namespaces first. */
static int make_init(const struct launch *l, int s[2], int outer, struct launched *ret,
		     struct err *e)
{
	static const int nothing[GIVEN_KINDS] = {-1, -1, -1, -1, -1};
	uint64_t flags = CLONE_NEWUSER | CLONE_NEWNS | (uint64_t)ns_own_flags(l->config);
	bool joins = l->joins && l->joins->any;

	/* The root of a cgroup namespace is the cgroup of who makes it: the child itself has to. */
	if (l->cgroup && !joins)
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	pid_t pid = joins ? proc_fork_into(0, l->cgroup, NULL)
			  : proc_fork_into(flags, l->cgroup, &ret->pidfd);
	if (pid == 0) {
		close(s[0]);
		if (joins)
			join_first(l, flags, s[1], outer);
		first_child(l, s[1], outer, nothing);
	}
	fd_close(&s[1]);
	if (pid < 0)
		return explain_clone(pid, e);
	if (!joins) {
		ret->pid = pid;
		return 0;
	}
	int r = follow(s[0], true, ret, e);
	proc_wait(pid);
	return r;
}

/* Before it says go: then the process is not ours to look at any more, and may be gone at once. */
static int open_ns(pid_t pid, const char *which, struct err *e)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, which);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_set(e, errno, "open the container's %s namespace", which) : fd;
}

/* Beside the child, which makes its root meanwhile. */
static int attach_networks(const struct launch *l, pid_t pid, int netns, int sync, struct err *e)
{
	struct stage_network_msg msg = {.type = "A"};
	size_t n = 0;
	int r = l->networks(l->networks_arg, pid, netns, msg.v, &n, e);

	if (r < 0)
		return r;
	/* A child that has failed does not listen any more: it has said why. */
	fd_send_msg(sync, &msg, sizeof msg.type + n * sizeof *msg.v, NULL, 0);
	return 0;
}

/* A child that failed meanwhile, and is gone, takes its namespace with it: then what it says is the reason. */
static int explain_attach(int sync, struct launched *l, int r, struct err *e)
{
	struct err child = {0};

	kill(l->pid, SIGKILL); /* our child, not waited for: the number is its own */
	int k = follow(sync, false, l, &child);
	if (k >= 0 || child.id == ERR_WORKER_GONE || child.id == ERR_INTERNAL)
		return r;
	*e = child;
	return k;
}

/* Standard streams that are pipes of ours, given to the container's root: it passes them on to its user (process.c), which it may with what
 * belongs to its own ids only. */
static void give_pipes(const int *fds, uid_t uid, gid_t gid)
{
	struct stat st;

	for (int i = 0; i < 3; i++)
		if (fstat(fds[i], &st) == 0 && S_ISFIFO(st.st_mode))
			(void)!fchown(fds[i], uid, gid);
}

static int write_maps(const struct launch *l, pid_t pid, struct err *e)
{
	struct id_map uids, gids;

	if (l->mapped)
		return userns_write_maps(pid, &l->mapped->uids, &l->mapped->gids, false, e);
	userns_identity(l->uids, &uids);
	userns_identity(l->gids, &gids);
	return userns_write_maps(pid, &uids, &gids, false, e);
}

/* The helper of a container with ids of its own; 0: it needs none. */
static pid_t start_outer(const struct launch *l, pid_t init, int sock, struct err *e)
{
	if (!l->mapped)
		return 0;
	autoclose int mntns = open_ns(init, "mnt", e);
	if (mntns < 0)
		return mntns;
	if (!l->config->process.tty &&
	    !(l->config->log_driver && str_starts(l->config->log_driver, "passthrough")))
		give_pipes(l->stdio, mapped_root_uid(l->mapped), mapped_root_gid(l->mapped));
	const struct stage like = {.c = l->config,
				   .p = &l->config->process,
				   .names = l->names,
				   .home = l->home,
				   .where = l->where,
				   .form = l->form,
				   .layers = l->mapped->layers.form,
				   .outer = -1};
	return outer_start(&like, l->mapped, sock, mntns, e);
}

/* From the go to the command. */
static int see_through(const struct launch *l, int sync, struct launched *ret, struct err *e)
{
	autoclose int netns = l->networks ? open_ns(ret->pid, "net", e) : -1;
	int r = 0;

	if (l->networks && netns < 0)
		return netns;
	if (write(sync, "", 1) != 1)
		return err_set(e, errno, "start the container's first process");
	if (l->networks) {
		r = attach_networks(l, ret->pid, take_fd(netns), sync, e);
		if (r < 0)
			r = explain_attach(sync, ret, r, e);
	}
	if (r == 0)
		r = follow(sync, false, ret, e);
	return r < 0 ? r : check_alive(l, ret, e);
}

int launch_start(const struct launch *l, struct launched *ret, struct err *e)
{
	int s[2], o[2] = {-1, -1};

	*ret = LAUNCHED_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0 ||
	    (l->mapped && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, o) < 0))
		return err_set(e, errno, "socketpair");
	int r = make_init(l, s, o[1], ret, e);
	autoclose int sync = s[0];
	fd_close(&o[1]);
	if (r == 0)
		r = write_maps(l, ret->pid, e);
	if (r == 0 && !ns_is_own(l->config, NS_PID)) {
		ret->users = open_ns(ret->pid, "user", e);
		r = ret->users < 0 ? ret->users : 0;
	}
	pid_t outer = r < 0 ? 0 : start_outer(l, ret->pid, o[0], e);
	fd_close(&o[0]);
	if (r == 0)
		r = outer < 0 ? outer : see_through(l, sync, ret, e);
	if (r < 0)
		give_up(ret);
	if (outer > 0) /* the last who could ask it is a command now, or gone */
		proc_wait(outer);
	return r;
}

/* The process of an exec, in the container's user and pid namespaces already: joins the rest and becomes the command. */
static _Noreturn void joined_child(struct stage *s, int pid1)
{
	/* The host's are ours already, those of others were joined from U0. */
	int rest = CLONE_NEWNS | (ns_own_flags(s->c) & ~CLONE_NEWPID);
	struct err e = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setns(pid1, rest) < 0) {
		err_set(&e, errno, "join the container's namespaces");
		child_fail(s->sync, &e);
	}
	init_run_joined(s);
}

/* What the container shares with others is joined from U0, the parent of the container's user namespace. */
static int join_others(int pid1, int flags, struct err *e)
{
	if (setns(pid1, flags) < 0)
		return err_set(e, errno, "join the namespaces that the container shares");
	return 0;
}

/* Into U0, where the container's namespaces were made. */
static int join_parent(int owner, struct err *e)
{
	autoclose int u0 = owner < 0 ? -1 : ioctl(owner, NS_GET_PARENT);

	if (u0 < 0 || setns(u0, CLONE_NEWUSER) < 0)
		return err_set(e, errno, "join the user namespace of all containers");
	return 0;
}

/* The joining process enters the container's user namespace but not its pid namespace, so the container cannot see it. Its child
 * enters the container and becomes the child of our parent, to whom its pid is told. */
static _Noreturn void join_from_here(struct stage *s, int pid1)
{
	struct err e = {0};

	/* PID 1 may be in a namespace below the container's (userns_become). */
	autoclose int owner = userns_of_mounts(pid1);
	int others = ns_joined_flags(s->c);
	if ((others || s->c->uid_map.n) && join_parent(owner, &e) < 0)
		child_fail(s->sync, &e);
	if (others && join_others(pid1, others, &e) < 0)
		child_fail(s->sync, &e);
	if (s->c->uid_map.n && !s->p->tty) {
		struct mapped_root root = mapped_root_of(s->c);
		give_pipes((const int[]){0, 1, 2}, root.uid, root.gid);
	}
	if (setns(owner < 0 ? pid1 : owner, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0) {
		err_set(&e, errno, "join the container's user namespace");
		child_fail(s->sync, &e);
	}
	prctl(PR_SET_DUMPABLE, 0);
	int r = init_prepare(s, &e);
	if (r == 0 && ns_is_own(s->c, NS_PID) && setns(pid1, CLONE_NEWPID) < 0)
		r = err_set(&e, errno, "join the container's pid namespace");
	if (r < 0)
		child_fail(s->sync, &e);
	pid_t pid = proc_fork(CLONE_PARENT, NULL);
	if (pid == 0)
		joined_child(s, pid1);
	if (pid < 0) {
		err_set(&e, pid, "fork into the container");
		child_fail(s->sync, &e);
	}
	tell_child(s->sync, pid);
	_exit(0);
}

static _Noreturn void joiner(const struct launch *l, int pid1, int sync)
{
	struct stage s = {.c = l->config,
			  .p = l->process,
			  .home = l->home,
			  .where = l->where,
			  .form = l->form,
			  .size = l->size,
			  .sync = sync,
			  .outer = -1,
			  .fds = l->fds};

	prctl(PR_SET_DUMPABLE, 0);
	take_streams(l, l->process);
	/* Here, outside of the container's user namespace: what is executed inside belongs to the container, which then may trace
	 * it and take its descriptors if it has SYS_PTRACE. */
	if (init_binary_exposed())
		reenter(l, sync, pid1, -1, NULL);
	join_from_here(&s, pid1);
}

/* A container that ends meanwhile refuses a new process in the oddest words, or kills it. Its first process may still be waiting
 * for the last of the others, of which one may be our child. */
static int explain_join(const struct launch *l, int pid1, int r, struct err *e)
{
	struct pollfd p = {.fd = pid1, .events = POLLIN};
	bool odd = e->id == ERR_WORKER_GONE || e->id == ERR_INTERNAL || e->code == ENOMEM ||
		   e->code == ESRCH;

	if (e->exit != EXIT_ENGINE)
		return r;
	for (int ms = odd ? 2000 : 0; ms >= 0; ms--) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (poll(&p, 1, ms ? 1 : 0) > 0)
			return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH,
					     "container %s has just ended", l->config->name);
	}
	return r;
}

int launch_join(const struct launch *l, int pid1, struct launched *ret, struct err *e)
{
	int s[2];

	*ret = LAUNCHED_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	autoclose int sync = s[0];
	pid_t pid = proc_fork_into(0, l->cgroup, NULL);
	if (pid == 0) {
		close(s[0]);
		joiner(l, pid1, s[1]);
	}
	close(s[1]);
	if (pid < 0)
		return err_set(e, pid, "fork");
	int r = follow(sync, false, ret, e);
	proc_wait(pid);
	if (r == 0 && ret->pid <= 0)
		r = err_died(e, "the process that joins the container died");
	if (r < 0) {
		give_up(ret);
		r = explain_join(l, pid1, r, e);
	}
	return r;
}

static int read_doc(int fd, struct stage *s, struct container_config *c, struct config_process *p,
		    struct names *ret_names, bool *ret_joined, struct err *e)
{
	scoped(str) text = {0};

	lseek(fd, 0, SEEK_SET);
	int r = fd_read_all(fd, &text, 16 << 20);
	close(fd);
	if (r < 0)
		return err_set(e, r, "read the start-up document");
	const struct json_limits lim = {.max_bytes = 16 << 20};
	struct json *doc =
		json_parse(&s->arena, str_cstr(&text), text.len, "start-up document", &lim, e);
	if (!doc)
		return -EINVAL;
	struct json *process = json_get(doc, "Process");
	*ret_joined = process != NULL;
	struct json *names = json_get(doc, "Names");
	r = bind_read(config_fields, c, json_get(doc, "Config"), "Config", &s->arena, e);
	if (r == 0 && names)
		r = bind_read(names_fields, ret_names, names, "Names", &s->arena, e);
	if (r == 0 && process)
		r = bind_read(config_process_fields, p, process, "Process", &s->arena, e);
	return r;
}

static int read_kept(const char *text, struct fd_kept *ret)
{
	scoped(strv) v = {0};
	uint64_t n;

	if (*text)
		strv_split(&v, text, ',');
	if (v.n > FD_KEPT_MAX)
		return -EINVAL;
	for (size_t i = 0; i < v.n; i++) {
		if (parse_u64(v.v[i], INT_MAX, &n) < 0)
			return -EINVAL;
		ret->v[ret->n++] = (int)n;
	}
	return 0;
}

int launch_reentry(int argc, char **argv)
{
	struct container_config c = {0};
	struct config_process p = {0};
	struct names names = {0};
	struct stage s = {.c = &c, .names = &names, .outer = -1};
	struct err e = {0};
	uint64_t rows = 0, cols = 0;
	bool joined = false;

	if (argc != 8 || read_kept(argv[7], &s.fds) < 0)
		return EXIT_ENGINE;
	int base = first_free(&s.fds);
	s.sync = base + SYNC_FD;
	if (fcntl(s.sync, F_SETFD, FD_CLOEXEC) < 0)
		return EXIT_ENGINE;
	prctl(PR_SET_DUMPABLE, 0);
	s.home = argv[2];
	s.where = argv[3];
	s.form = argv[4];
	parse_u64(argv[5], USHRT_MAX, &rows);
	parse_u64(argv[6], USHRT_MAX, &cols);
	s.size = (struct winsize){.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
	if (read_doc(base + DOC_FD, &s, &c, &p, &names, &joined, &e) < 0)
		child_fail(s.sync, &e);
	s.p = joined ? &p : &c.process;
	for (int i = 0; i < GIVEN_KINDS; i++)
		s.given[i] = fcntl(base + GIVEN_FD + i, F_SETFD, FD_CLOEXEC) == 0
				     ? base + GIVEN_FD + i
				     : -1;
	if (!joined && fcntl(base + OUTER_FD, F_SETFD, FD_CLOEXEC) == 0)
		s.outer = base + OUTER_FD;
	if (!joined)
		init_run(&s);
	fcntl(base + PID1_FD, F_SETFD, FD_CLOEXEC);
	join_from_here(&s, base + PID1_FD);
}
