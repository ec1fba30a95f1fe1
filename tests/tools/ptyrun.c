/*
 * ptyrun - run a command on a terminal of its own and talk to it.
 *
 *     ptyrun [-s ROWSxCOLS] [STEP...] -- COMMAND ARG...
 *
 * Steps, in order: expect=TEXT (wait until TEXT appears in output not yet looked at), send=TEXT, size=ROWSxCOLS, kill=NUMBER (to the command),
 * hangup (close the terminal), touch=FILE (create FILE), await=FILE (wait until FILE exists), eof (read until the command ends its output).
 * TEXT knows \r \n \t \e \\ and \xHH. Everything the terminal shows goes to stdout as it is.
 * Exit status: the command's, 128 + signal, 99 when an expected text never came (30 s) or the command ended before.
 * Shares no code with hoy.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static char seen[1 << 20];
static size_t nseen, looked;
static int master;
static pid_t child;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void size(const char *s)
{
	struct winsize w = {0};

	if (sscanf(s, "%hux%hu", &w.ws_row, &w.ws_col) == 2)
		ioctl(master, TIOCSWINSZ, &w);
}

/* Read what is there within ms; 0 when the terminal is closed. */
static int pump(int ms)
{
	struct pollfd p = {.fd = master, .events = POLLIN};
	char buf[4096];

	if (poll(&p, 1, ms) <= 0)
		return 1;
	ssize_t n = read(master, buf, sizeof buf);
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	if (write(STDOUT_FILENO, buf, (size_t)n) < 0)
		return 0;
	if (nseen + (size_t)n <= sizeof seen) {
		memcpy(seen + nseen, buf, (size_t)n);
		nseen += (size_t)n;
	}
	return 1;
}

static size_t unescape(const char *s, char *out)
{
	size_t n = 0;

	for (; *s; s++) {
		unsigned x;
		if (*s != '\\' || !s[1]) {
			out[n++] = *s;
			continue;
		}
		s++;
		if (*s == 'x' && sscanf(s + 1, "%2x", &x) == 1) {
			out[n++] = (char)x;
			s += 2;
			continue;
		}
		out[n++] = *s == 'r'   ? '\r'
			   : *s == 'n' ? '\n'
			   : *s == 't' ? '\t'
			   : *s == 'e' ? 27
				       : *s;
	}
	return n;
}

static int expect(const char *text)
{
	char want[4096];
	size_t n = unescape(text, want);
	double end = now() + 30;
	int open = 1;

	for (;;) {
		char *p = memmem(seen + looked, nseen - looked, want, n);
		if (p) {
			looked = (size_t)(p - seen) + n;
			return 1;
		}
		if (!open || now() > end) {
			fprintf(stderr, "ptyrun: never saw '%s'%s\n", text,
				open ? "" : " (terminal closed)");
			return 0;
		}
		open = pump(100);
	}
}

static int await(const char *file)
{
	for (double end = now() + 30; access(file, F_OK); pump(20)) {
		if (now() > end) {
			fprintf(stderr, "ptyrun: %s never appeared\n", file);
			return 0;
		}
	}
	return 1;
}

static int step(const char *s)
{
	char buf[4096];

	if (!strncmp(s, "expect=", 7))
		return expect(s + 7);
	if (!strncmp(s, "await=", 6))
		return await(s + 6);
	if (!strncmp(s, "send=", 5)) {
		size_t n = unescape(s + 5, buf);
		return write(master, buf, n) == (ssize_t)n;
	}
	if (!strncmp(s, "size=", 5))
		size(s + 5);
	else if (!strncmp(s, "kill=", 5))
		kill(child, (int)strtol(s + 5, NULL, 10));
	else if (!strncmp(s, "touch=", 6))
		close(open(s + 6, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
	else if (!strcmp(s, "hangup")) {
		close(master);
		master = -1;
	} else if (!strcmp(s, "eof")) {
		while (pump(100))
			;
	} else {
		fprintf(stderr, "ptyrun: unknown step %s\n", s);
		return 0;
	}
	return 1;
}

static pid_t start(char **cmd, const char *winsize)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	const char *name = ptsname(master);
	size(winsize);
	pid_t pid = fork();
	if (pid)
		return pid;
	setsid();
	int fd = open(name, O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
		_exit(98);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
	execvp(cmd[0], cmd);
	perror(cmd[0]);
	_exit(127);
}

static int finish(void)
{
	int st, open = master >= 0;

	for (;;) {
		if (open)
			open = pump(20);
		else
			poll(NULL, 0, 20);
		if (waitpid(child, &st, WNOHANG) == child)
			break;
	}
	while (open && poll(&(struct pollfd){.fd = master, .events = POLLIN}, 1, 50) > 0)
		open = pump(0);
	return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

int main(int argc, char **argv)
{
	const char *winsize = "24x80";
	int i = 1, end;

	if (argc > 2 && !strcmp(argv[1], "-s")) {
		winsize = argv[2];
		i = 3;
	}
	for (end = i; end < argc && strcmp(argv[end], "--"); end++)
		;
	if (end + 1 >= argc)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	child = start(argv + end + 1, winsize);
	if (child < 0)
		return 98;
	for (; i < end; i++) {
		if (!step(argv[i])) {
			kill(child, SIGKILL);
			return 99;
		}
	}
	return finish();
}
