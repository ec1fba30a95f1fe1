#include <linux/magic.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "base/base.h"
#include "base/proc.h"
#include "runtime/namespaces.h"
#include "state/container.h"
#include "sys/mounts.h"

const struct ns_info ns_infos[NS_KINDS] = {
	[NS_IPC] = {"ipc", "shared memory", CLONE_NEWIPC, "ipc"},
	[NS_PID] = {"pid", "processes", CLONE_NEWPID, "pid"},
	[NS_UTS] = {"uts", "host name", CLONE_NEWUTS, "uts"},
	[NS_CGROUP] = {"cgroupns", "view of the cgroups", CLONE_NEWCGROUP, "cgroup"},
	[NS_NET] = {"network", "network", CLONE_NEWNET, "net"},
};

const char *ns_mode(const struct container_config *c, enum ns_kind k)
{
	const char *const modes[] = {c->ipc, c->pid, c->uts, c->cgroupns, c->network};

	return modes[k] ? modes[k] : "private";
}

bool ns_is_host(const struct container_config *c, enum ns_kind k)
{
	return !strcmp(ns_mode(c, k), "host");
}

const char *ns_container(const struct container_config *c, enum ns_kind k)
{
	const char *m = ns_mode(c, k);

	return str_starts(m, "container:") ? m + 10 : NULL;
}

static bool is_joined(const struct container_config *c, enum ns_kind k)
{
	return ns_container(c, k) || str_starts(ns_mode(c, k), "ns:");
}

bool ns_is_own(const struct container_config *c, enum ns_kind k)
{
	return !ns_is_host(c, k) && !is_joined(c, k);
}

bool ns_is_networked(const struct container_config *c)
{
	return ns_is_own(c, NS_NET) && c->network && strcmp(c->network, "none") != 0;
}

int ns_own_flags(const struct container_config *c)
{
	int flags = 0;

	for (enum ns_kind k = 0; k < NS_KINDS; k++)
		flags |= ns_is_own(c, k) ? ns_infos[k].clone : 0;
	return flags;
}

int ns_joined_flags(const struct container_config *c)
{
	int flags = 0;

	for (enum ns_kind k = 0; k < NS_KINDS; k++)
		flags |= is_joined(c, k) ? ns_infos[k].clone : 0;
	return flags;
}

/* A pidfd of the PID 1 of another container. */
static int open_container(const struct home *h, const char *id, enum ns_kind k, struct err *e)
{
	struct container_state st = {0};
	struct arena a = {0};
	struct err why = {0};
	int r = container_state_read(h, id, &st, &a, &why), fd = -1;

	if (r < 0) {
		err_fail_code(e, ERR_NAMESPACE, ENOENT,
			      "container %.12s, whose %s it is to share, is gone", id,
			      ns_infos[k].words);
		err_hint(e, "make this container anew, with another --%s", ns_infos[k].flag);
	} else if (container_derive(h, &st) != CONTAINER_RUNNING ||
		   (fd = proc_open((pid_t)st.pid, (uint64_t)st.pid_start)) < 0) {
		err_fail_code(e, ERR_NAMESPACE, ESRCH,
			      "container %s, whose %s it is to share, is not running", st.name,
			      ns_infos[k].words);
		err_hint(e, "start that first: hoy start %s", st.name);
	}
	arena_free(&a);
	return fd < 0 ? -e->code : fd;
}

static int open_path(const char *path, enum ns_kind k, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return err_set(e, errno, "--%s ns:%s", ns_infos[k].flag, path);
	if (fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC)
		return fd;
	close(fd);
	err_fail(e, ERR_NAMESPACE, "--%s ns:%s is not a namespace", ns_infos[k].flag, path);
	return err_hint(e, "a file such as /proc/PID/ns/%s", ns_infos[k].file);
}

int joins_open(const struct home *h, const struct container_config *c, struct joins *ret,
	       struct err *e)
{
	for (enum ns_kind k = 0; k < NS_KINDS; k++)
		ret->fd[k] = -1;
	ret->any = false;
	for (enum ns_kind k = 0; k < NS_KINDS; k++) {
		const char *id = ns_container(c, k);
		if (!is_joined(c, k))
			continue;
		ret->fd[k] = id ? open_container(h, id, k, e) : open_path(ns_mode(c, k) + 3, k, e);
		ret->any = true;
		if (ret->fd[k] < 0) {
			joins_close(ret);
			return -e->code;
		}
	}
	return 0;
}

void joins_close(struct joins *j)
{
	for (enum ns_kind k = 0; k < NS_KINDS; k++)
		fd_close(&j->fd[k]);
}

/* ---- in U0 */

static int enter(const struct joins *j, const struct container_config *c, struct err *e)
{
	for (enum ns_kind k = 0; k < NS_KINDS; k++) {
		if (j->fd[k] < 0 || setns(j->fd[k], ns_infos[k].clone) == 0)
			continue;
		err_set(e, errno, "join the %s of %s", ns_infos[k].words, ns_mode(c, k));
		e->id = ERR_NAMESPACE;
		if (errno == EPERM)
			return err_hint(e, "only namespaces of your own containers can be joined; "
					   "the host's by the word host");
		return err_hint(e, "it must be a namespace of that kind, and its container run");
	}
	return 0;
}

/* The /dev/shm of another container: looked up in its root, and of no use to anybody if it is not a tmpfs of its own. */
static int clone_shm(int pidfd, struct err *e)
{
	struct statfs fs;

	if (setns(pidfd, CLONE_NEWNS) < 0)
		return err_set(e, errno, "look into the container whose shared memory is joined");
	autoclose int at = open("/dev/shm", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || fstatfs(at, &fs) < 0 || fs.f_type != TMPFS_MAGIC) {
		err_fail(e, ERR_NAMESPACE,
			 "the container whose shared memory is joined has no "
			 "/dev/shm any more");
		return err_hint(e, "it was unmounted or covered there: restart that container");
	}
	int mnt = mount_clone(at, "", false);
	return mnt < 0 ? err_set(e, mnt, "bind the shared memory of another container") : mnt;
}

static void send_given(int sock, enum given kind, int mnt)
{
	char msg = (char)kind;

	if (mnt >= 0)
		fd_send_msg(sock, &msg, 1, &mnt, 1);
}

/* A child of the process that entered: it is in the pid namespace too, so the /proc that it mounts is the right one. Its own mount
 * namespace has the host's /proc in full sight, which the kernel wants to see before it mounts another. */
static _Noreturn void mount_there(const struct joins *j, const struct container_config *c, int sock)
{
	const unsigned strict = MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC;
	struct err e = {0};
	int r = unshare(CLONE_NEWNS) < 0 ? err_set(&e, errno, "make a mount namespace") : 0;

	if (r == 0 && j->fd[NS_PID] >= 0) {
		r = mount_new("proc", NULL, strict, &e);
		send_given(sock, GIVEN_PROC, r);
	}
	/* A kernel may lack these, and a container can do without. */
	if (r >= 0 && j->fd[NS_IPC] >= 0)
		send_given(sock, GIVEN_MQUEUE, mount_new("mqueue", NULL, strict, NULL));
	if (r >= 0 && j->fd[NS_NET] >= 0)
		send_given(sock, GIVEN_SYS, mount_new("sysfs", NULL, strict, NULL));
	if (r >= 0 && j->fd[NS_CGROUP] >= 0)
		send_given(sock, GIVEN_CGROUP, mount_new("cgroup2", NULL, strict, NULL));
	if (r >= 0 && ns_container(c, NS_IPC)) {
		r = clone_shm(j->fd[NS_IPC], &e);
		send_given(sock, GIVEN_SHM, r);
	}
	if (r < 0) {
		char msg[1 + sizeof e] = "E";
		memcpy(msg + 1, &e, sizeof e);
		fd_send_msg(sock, msg, sizeof msg, NULL, 0);
	}
	_exit(0);
}

/* Takes what mount_there() sends until it ends. */
static int take_given(int sock, int ret[GIVEN_KINDS], struct err *e)
{
	char msg[1 + sizeof *e];

	for (;;) {
		size_t nfds = 1;
		int fd = -1;
		ssize_t n = fd_recv_msg(sock, msg, sizeof msg, &fd, &nfds);
		if (n == 0)
			return 0;
		if (n < 0)
			return err_set(e, (int)n, "hear from the process that joins");
		if (n == 1 && nfds == 1 && (unsigned char)msg[0] < GIVEN_KINDS) {
			ret[(unsigned char)msg[0]] = fd;
			continue;
		}
		if (nfds)
			close(fd);
		if (n != sizeof msg)
			return err_fail(e, ERR_INTERNAL, "the process that joins sent nonsense");
		memcpy(e, msg + 1, sizeof *e);
		return -e->code;
	}
}

int joins_enter(const struct joins *j, const struct container_config *c, int ret[GIVEN_KINDS],
		struct err *e)
{
	int s[2], r = enter(j, c, e);

	if (r < 0 ||
	    (j->fd[NS_PID] < 0 && j->fd[NS_IPC] < 0 && j->fd[NS_CGROUP] < 0 && j->fd[NS_NET] < 0))
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	autoclose int mine = s[0];
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0)
		mount_there(j, c, s[1]);
	close(s[1]);
	if (pid < 0) /* the first process of that pid namespace has ended */
		return err_fail_code(e, ERR_NAMESPACE, ESRCH,
				     "the container whose %s are joined has just ended",
				     ns_infos[NS_PID].words);
	r = take_given(mine, ret, e);
	proc_wait(pid);
	if (r == 0 && j->fd[NS_PID] >= 0 && ret[GIVEN_PROC] < 0)
		r = err_fail(e, ERR_NAMESPACE, "the /proc of the joined processes cannot be had");
	return r;
}
