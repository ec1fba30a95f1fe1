#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "sys/cgroup.h"
#include "sys/freeze.h"
#include "sys/strays.h"

/* Those that were stopped by us. */
struct held {
	struct {
		pid_t pid;
		int pidfd;
	} * v;
	size_t n, room;
};

static bool is_held(const struct held *h, pid_t pid)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].pid == pid)
			return true;
	return false;
}

static void hold(struct held *h, pid_t pid, int pidfd)
{
	if (h->n == h->room) {
		h->room = h->room ? h->room * 2 : 64;
		h->v = xrealloc(h->v, h->room * sizeof *h->v);
	}
	h->v[h->n].pid = pid;
	h->v[h->n++].pidfd = pidfd;
}

/* The third field of stat, behind the name in parentheses; 0: it is gone. */
static char state_of(pid_t pid)
{
	scoped(str) text = {0};
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (fd_read_file_at(AT_FDCWD, path, &text, 4096) < 0)
		return 0;
	const char *p = strrchr(str_cstr(&text), ')');
	return p && p[1] == ' ' ? p[2] : 0;
}

/* One whose first thread has ended looks like a zombie while others go on: once it got its signal nothing more can be seen. */
static bool stands(const struct held *h, pid_t pid)
{
	char state = state_of(pid);

	if (state == 'Z')
		return !proc_start_time(pid) || is_held(h, pid);
	return !state || strchr("TtX", state);
}

/* One pass over all processes: stops those that are new. Returns whether all stood still. */
static int pass(const struct stat *userns, struct held *h, struct str *before)
{
	DIR *d = opendir("/proc");
	bool still = true;

	if (!d)
		return -errno;
	for (struct dirent *de; (de = readdir(d));) {
		uint64_t n;
		if (parse_u64(de->d_name, INT_MAX, &n) < 0)
			continue;
		pid_t pid = (pid_t)n;
		/* Held before it is looked at, so that it is not another when it is stopped. */
		autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0 || !strays_is_in(pid, userns))
			continue;
		if (before && state_of(pid) == 'T' && !is_held(h, pid))
			str_addf(before, "%d %" PRIu64 "\n", (int)pid, proc_start_time(pid));
		if (stands(h, pid))
			continue;
		still = false;
		if (!is_held(h, pid) && proc_signal(pidfd, SIGSTOP) == 0)
			hold(h, pid, take_fd(pidfd));
	}
	closedir(d);
	return still;
}

/* before gets those that stood already at the first look; may be NULL. */
static int stop_all(int userns, struct held *h, struct str *before)
{
	int64_t until = time_mono_ms() + 5000;
	struct stat st;

	if (fstat(userns, &st) < 0)
		return -errno;
	for (;;) {
		int r = pass(&st, h, before);
		if (r < 0 || r == 1)
			return r < 0 ? r : 0;
		before = NULL;
		if (time_mono_ms() > until)
			return -ETIMEDOUT;
		usleep(500);
	}
}

static void go_on(const struct held *h)
{
	for (size_t i = 0; i < h->n; i++)
		proc_signal(h->v[i].pidfd, SIGCONT);
}

int freeze_stop(int userns, struct str *ret_before)
{
	struct held h = {0};
	int r = stop_all(userns, &h, ret_before);

	if (r < 0)
		go_on(&h);
	for (size_t i = 0; i < h.n; i++)
		close(h.v[i].pidfd);
	free(h.v);
	return r;
}

int freeze_continue(int userns, const char *before)
{
	struct stat st;
	DIR *d = fstat(userns, &st) < 0 ? NULL : opendir("/proc");

	if (!d)
		return -errno;
	for (struct dirent *de; (de = readdir(d));) {
		char line[40];
		uint64_t n;
		if (parse_u64(de->d_name, INT_MAX, &n) < 0)
			continue;
		pid_t pid = (pid_t)n;
		autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0 || !strays_is_in(pid, &st))
			continue;
		snprintf(line, sizeof line, "%d %" PRIu64 "\n", (int)pid, proc_start_time(pid));
		const char *at = strstr(before, line);
		if (!at || (at > before && at[-1] != '\n'))
			proc_signal(pidfd, SIGCONT);
	}
	closedir(d);
	return 0;
}

static int hold_still(int userns, int cgroup, struct held *h)
{
	return cgroup >= 0 ? cgroup_freeze(cgroup, true) : stop_all(userns, h, NULL);
}

static _Noreturn void holder(int userns, int cgroup, int sock)
{
	struct held h = {0};
	char c;

	/* Whoever stops or interrupts the command does not mean us. */
	setsid();
	fd_close_except((int[]){userns, cgroup, sock}, 3);
	int r = hold_still(userns, cgroup, &h);
	(void)!send(sock, &r, sizeof r, MSG_NOSIGNAL);
	while (r == 0 && recv(sock, &c, 1, 0) < 0 && errno == EINTR)
		;
	if (cgroup >= 0)
		cgroup_freeze(cgroup, false);
	go_on(&h);
	_exit(0);
}

int freeze_in(int userns, int cgroup, struct freeze *ret, struct err *e)
{
	int s[2], r = -EIO;

	*ret = FREEZE_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	ret->pipe = s[0];
	ret->holder = proc_fork(0, NULL);
	if (ret->holder == 0)
		holder(userns, cgroup, s[1]);
	close(s[1]);
	if (ret->holder < 0) {
		r = ret->holder;
		ret->holder = 0;
	} else if (recv(s[0], &r, sizeof r, 0) != sizeof r) {
		r = -EIO;
	}
	if (r == 0)
		return 0;
	freeze_free(ret);
	return err_set(e, r, "hold the processes of the container still");
}

void freeze_free(struct freeze *f)
{
	fd_close(&f->pipe);
	if (f->holder > 0)
		proc_wait(f->holder);
	f->holder = 0;
}
