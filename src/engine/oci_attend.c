/*
 * In the foreground: signals are passed on; a terminal that nobody else takes is joined with ours.
 */
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/oci_parts.h"
#include "sys/tty.h"

int oci_terminal_open(struct oci_terminal *t, struct oci_process *p, struct err *e)
{
	struct winsize size;

	if (tty_size(0, &size))
		p->console = (struct oci_console_size){size.ws_row, size.ws_col};
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t->pair) < 0
		       ? err_set(e, errno, "socketpair")
		       : 0;
}

static int take_master(struct oci_terminal *t)
{
	char name[64];
	int master = -1;
	size_t n = 1;

	fd_close(&t->pair[0]);
	ssize_t k = fd_recv_msg(t->pair[1], name, sizeof name, &master, &n);
	fd_close(&t->pair[1]);
	if (k <= 0 || n != 1)
		return -1;
	tty_raw(0);
	return master;
}

static bool copy(int from, int to)
{
	char buf[16384];
	ssize_t n = read(from, buf, sizeof buf);

	return n > 0 && fd_write_all(to, buf, (size_t)n) == 0;
}

static void pass_on(int sigfd, int pidfd, int master)
{
	struct signalfd_siginfo si;
	struct winsize size;

	if (read(sigfd, &si, sizeof si) != sizeof si)
		return;
	if (si.ssi_signo == SIGWINCH && master >= 0 && tty_size(0, &size))
		ioctl(master, TIOCSWINSZ, &size);
	else if (si.ssi_signo != SIGCHLD && si.ssi_signo != SIGWINCH)
		proc_signal(pidfd, (int)si.ssi_signo);
}

int oci_attend(pid_t pid, int pidfd, struct oci_terminal *t, struct err *e)
{
	sigset_t all, old;
	bool in = true, ended = false;
	int master = t ? take_master(t) : -1;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigprocmask(SIG_SETMASK, &all, &old);
	autoclose int sigfd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return err_set(e, errno, "signalfd");
	while (!ended || master >= 0) {
		struct pollfd p[] = {{.fd = ended ? -1 : pidfd, .events = POLLIN},
				     {.fd = sigfd, .events = POLLIN},
				     {.fd = master, .events = POLLIN},
				     {.fd = master >= 0 && in ? 0 : -1, .events = POLLIN}};
		/* What the terminal still holds when the process has ended comes at once. */
		int n = poll(p, 4, ended ? 100 : -1);
		if (n < 0 && errno != EINTR)
			break;
		if (n == 0)
			break;
		if (p[1].revents)
			pass_on(sigfd, pidfd, master);
		if (p[2].revents && !copy(master, 1))
			fd_close(&master);
		if (p[3].revents)
			in = copy(0, master);
		if (p[0].revents)
			ended = true;
	}
	fd_close(&master);
	tty_restore();
	int code = proc_wait(pid);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return code < 0 ? err_set(e, code, "wait for the container") : code;
}
