#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "base/task.h"

enum { MAX_WAIT = 256 };

void task_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void run_child(int sock, pid_t parent, int (*fn)(void *arg, struct err *e), void *arg)
{
	static const int parents[] = {SIGINT, SIGTERM, SIGHUP};
	struct err e = {0};

	task_die_with_parent();
	if (getppid() != parent)
		_exit(EXIT_ENGINE); /* it died before we asked */
	for (size_t i = 0; i < countof(parents); i++)
		signal(parents[i], SIG_IGN);
	int r = fn(arg, &e);
	if (r < 0 && !e.code)
		err_set(&e, r, "work in a child process");
	else if (r >= 0)
		e = (struct err){0};
	(void)!write(sock, &e, sizeof e);
	_exit(0);
}

int task_start(struct task *ret, int (*fn)(void *arg, struct err *e), void *arg, struct err *e)
{
	int s[2];
	pid_t self = getpid();

	*ret = TASK_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	pid_t pid = proc_fork(0, &ret->pidfd);
	if (pid == 0) {
		close(s[0]);
		run_child(s[1], self, fn, arg);
	}
	close(s[1]);
	if (pid < 0) {
		close(s[0]);
		return err_set(e, pid, "fork");
	}
	ret->pid = pid;
	ret->sock = s[0];
	return 0;
}

static void reap(struct task *t)
{
	proc_wait(t->pid);
	fd_close(&t->pidfd);
	fd_close(&t->sock);
	*t = TASK_NONE;
}

void task_kill(struct task *t)
{
	if (!t->pid)
		return;
	proc_signal(t->pidfd, SIGKILL);
	reap(t);
}

/* The last word of one that has ended. */
static int answer(struct task *t, int flags, const char *died, struct err *e)
{
	struct err said;
	ssize_t n;

	do
		n = recv(t->sock, &said, sizeof said, flags);
	while (n < 0 && errno == EINTR);
	reap(t);
	if (n != sizeof said)
		return err_died(e, "%s",
				died ? died : "a process that worked for this command died");
	if (said.code && e)
		*e = said;
	return -said.code;
}

int task_interrupted(int sigfd, struct err *e)
{
	struct signalfd_siginfo si;

	if (read(sigfd, &si, sizeof si) != sizeof si)
		return 0;
	err_fail_code(e, ERR_INTERRUPTED, EINTR, "interrupted by %s",
		      signal_name((int)si.ssi_signo));
	if (e)
		e->exit = 128 + (int)si.ssi_signo;
	return -EINTR;
}

int task_run(int (*fn)(void *arg, struct err *e), void *arg, const char *died, struct err *e)
{
	struct task t;
	int r = task_start(&t, fn, arg, e);

	return r < 0 ? r : answer(&t, 0, died, e);
}

int task_wait(struct task *v, size_t n, const struct task_wait *w, size_t *ret, struct err *e)
{
	struct pollfd p[MAX_WAIT + 2];
	int64_t next = w->tick ? time_mono_ms() + w->every : 0;

	if (n > MAX_WAIT)
		return err_fail(e, ERR_INTERNAL, "%zu tasks at once", n);
	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){.fd = v[i].pidfd, .events = POLLIN};
	p[n] = (struct pollfd){.fd = w->sigfd, .events = POLLIN};
	p[n + 1] = (struct pollfd){.fd = w->until, .events = POLLIN};
	for (;;) {
		int64_t now = w->tick ? time_mono_ms() : 0;
		if (w->tick && now >= next) {
			w->tick(w->arg);
			next = now + w->every;
		}
		if (poll(p, n + 2, w->tick ? (int)(next - now) : -1) <= 0)
			continue;
		int r = p[n].revents ? task_interrupted(w->sigfd, e) : 0;
		if (r < 0)
			return r;
		*ret = n; /* what it said counts before its end */
		if (p[n + 1].revents & POLLIN)
			return 0;
		for (size_t i = 0; i < n; i++) {
			if (!p[i].revents)
				continue;
			*ret = i;
			return answer(&v[i], MSG_DONTWAIT, NULL, e);
		}
	}
}

void task_signals_hold(struct task_signals *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &s->old);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void task_signals_free(struct task_signals *s)
{
	fd_close(&s->fd);
	sigprocmask(SIG_SETMASK, &s->old, NULL);
}
