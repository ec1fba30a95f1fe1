#include <sched.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <linux/securebits.h>

#include "base/base.h"
#include "base/proc.h"
#include "runtime/outer.h"

/* A request, with the path behind it; and the answer, with the descriptors that were asked for. */
struct ask {
	enum { ASK_ROOT = 1, ASK_OPEN, ASK_MOUNT, ASK_OWN } what;
	int flags;
	uint32_t uid, gid;
	size_t mount;
	char path[PATH_MAX];
};
struct answer {
	int code; /* 0 or -errno */
	struct err err;
};
enum { ASK_HEAD = offsetof(struct ask, path) };

/* ---- the helper */

static void answer(int sock, int code, const struct err *e, const int *fd, size_t n)
{
	struct answer a = {.code = code};

	if (e)
		a.err = *e;
	fd_send_msg(sock, &a, sizeof a, fd, n);
}

static void make_root(struct stage *s, int sock)
{
	struct err e = {0};
	int r = stage_root(s, &e);
	int fd[] = {s->root, s->cdir, s->spot};

	answer(sock, r, &e, fd, r < 0 ? 0 : countof(fd));
}

static void open_one(const struct stage *s, int sock, const struct ask *q)
{
	autoclose int fd = openat(s->cdir, q->path, O_CLOEXEC | q->flags);
	int code = fd < 0 ? -errno : 0;

	answer(sock, code, NULL, &fd, fd < 0 ? 0 : 1);
}

static void mount_one(struct stage *s, int sock, const struct ask *q)
{
	struct err e = {0};
	int r = q->mount < s->c->mounts.n ? stage_volume(s, q->mount, &e) : -EINVAL;

	answer(sock, r, &e, NULL, 0);
}

static int own(struct stage *s, const struct mapped *m, const struct ask *q)
{
	int64_t uid = idmap_out(&m->layers.ids.uids, q->uid);
	int64_t gid = idmap_out(&m->layers.ids.gids, q->gid);
	int r = 0;

	if (!s->nowned)
		return 0;
	if (uid < 0 || gid < 0)
		return -ERANGE;
	s->user.uid = (uid_t)uid;
	s->user.gid = (gid_t)gid;
	r = stage_own(s, &(struct err){0});
	return r;
}

static _Noreturn void serve(const struct stage *like, const struct mapped *m, int sock)
{
	struct stage s = *like;
	struct ask q;

	for (;;) {
		ssize_t n = fd_recv_msg(sock, &q, sizeof q - 1, NULL, NULL);
		if (n < (ssize_t)ASK_HEAD)
			_exit(0);
		((char *)&q)[n] = 0;
		if (q.what == ASK_ROOT)
			make_root(&s, sock);
		else if (q.what == ASK_OPEN)
			open_one(&s, sock, &q);
		else if (q.what == ASK_MOUNT)
			mount_one(&s, sock, &q);
		else
			answer(sock, own(&s, m, &q), NULL, NULL, 0);
	}
}

pid_t outer_start(const struct stage *like, const struct mapped *m, int sock, int mntns,
		  struct err *e)
{
	pid_t pid = proc_fork(0, NULL);

	if (pid < 0)
		return err_set(e, pid, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hoy-outer");
	int keep[] = {sock, mntns};
	fd_close_except(keep, countof(keep));
	/* What it makes belongs to the container's root; its powers, which the kernel would take for that, stay. */
	if (setns(mntns, CLONE_NEWNS) < 0 ||
	    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		_exit(EXIT_ENGINE);
	setfsgid(mapped_root_gid(m));
	setfsuid(mapped_root_uid(m));
	serve(like, m, sock);
}

/* ---- the init's side */

/* Sends a request and takes the answer: fds gets up to *nfds descriptors. */
static int ask(const struct stage *s, const struct ask *q, size_t size, struct answer *ret,
	       int *fds, size_t *nfds)
{
	ssize_t n = fd_send_msg(s->outer, q, size, NULL, 0);

	if (n >= 0)
		n = fd_recv_msg(s->outer, ret, sizeof *ret, fds, nfds);
	if (n == sizeof *ret)
		return 0;
	return n < 0 ? (int)n : -ECHILD; /* it is gone */
}

int outer_root(struct stage *s, struct err *e)
{
	struct ask q = {.what = ASK_ROOT};
	struct answer a;
	int fd[3] = {-1, -1, -1};
	size_t n = countof(fd);

	if (s->outer < 0)
		return stage_root(s, e);
	int r = ask(s, &q, ASK_HEAD, &a, fd, &n);
	if (r < 0)
		return err_set(e, r, "ask for the root file system");
	if (a.code < 0) {
		*e = a.err;
		return a.code;
	}
	if (n != countof(fd))
		return err_fail(e, ERR_INTERNAL, "no root file system came");
	s->root = fd[0];
	s->cdir = fd[1];
	s->spot = fd[2];
	return 0;
}

int outer_open(const struct stage *s, const char *path, int flags)
{
	struct ask q = {.what = ASK_OPEN, .flags = flags};
	struct answer a;
	size_t n = 1, len = strlen(path);
	int fd = -1;

	if (s->outer < 0) {
		fd = openat(s->cdir, path, O_CLOEXEC | flags);
		return fd < 0 ? -errno : fd;
	}
	if (len >= sizeof q.path - 1)
		return -ENAMETOOLONG;
	memcpy(q.path, path, len);
	int r = ask(s, &q, ASK_HEAD + len, &a, &fd, &n);
	return r < 0 ? r : a.code < 0 ? a.code : n == 1 ? fd : -ECHILD;
}

int outer_mount(const struct stage *s, size_t i, struct err *e)
{
	struct ask q = {.what = ASK_MOUNT, .mount = i};
	struct answer a;
	int r = ask(s, &q, ASK_HEAD, &a, NULL, NULL);

	if (r < 0)
		return err_set(e, r, "ask for a volume");
	if (a.code < 0)
		*e = a.err;
	return a.code;
}

int outer_own(const struct stage *s, uid_t uid, gid_t gid)
{
	struct ask q = {.what = ASK_OWN, .uid = uid, .gid = gid};
	struct answer a;
	int r = ask(s, &q, ASK_HEAD, &a, NULL, NULL);

	return r < 0 ? r : a.code;
}
