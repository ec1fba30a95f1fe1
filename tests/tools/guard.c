/*
 * guard - run one test and know every process that it leaves behind.
 *
 *     guard SECONDS REPORT COMMAND ARG...
 *
 * The guard is a child subreaper: whoever the test's processes fork, daemonise or abandon becomes the guard's child, so the process tree
 * below it is complete. When COMMAND has ended, what is still there gets a twelfth of SECONDS to go by itself; the rest is written to REPORT (pid and command
 * line), killed and reaped. REPORT.used gets what the test took: seconds on the clock, of CPU as user and in the kernel.
 * Exit status: COMMAND's, 128 + signal, or 124 after SECONDS. Shares no code with hoy.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct proc {
	int pid, ppid;
	char state;
};

static struct proc procs[65536];
static int nprocs;

static void scan(void)
{
	DIR *d = opendir("/proc");
	struct dirent *n;

	nprocs = 0;
	while (d && (n = readdir(d))) {
		char path[64], buf[512];
		int pid = (int)strtol(n->d_name, NULL, 10);
		if (pid <= 0 || nprocs == 65536)
			continue;
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		FILE *f = fopen(path, "re");
		if (!f)
			continue;
		size_t k = fread(buf, 1, sizeof buf - 1, f);
		fclose(f);
		buf[k] = 0;
		char *p = strrchr(buf, ')');
		struct proc *q = &procs[nprocs];
		if (p && sscanf(p + 1, " %c %d", &q->state, &q->ppid) == 2) {
			q->pid = pid;
			nprocs++;
		}
	}
	if (d)
		closedir(d);
}

static int parent(int pid)
{
	for (int i = 0; i < nprocs; i++)
		if (procs[i].pid == pid)
			return procs[i].ppid;
	return 0;
}

static int is_ours(int pid)
{
	int me = getpid();

	for (int n = 0; pid > 1 && n < 64; n++) {
		pid = parent(pid);
		if (pid == me)
			return 1;
	}
	return 0;
}

static void report(FILE *f, int pid)
{
	char path[64], buf[300];

	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf - 1);
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)buf[i] < 32 || buf[i] == 127)
			buf[i] = ' ';
	buf[n > 0 ? n : 0] = 0;
	fprintf(f, "%d %s\n", pid, buf);
}

/* How many descendants are alive; each of them reported to f and killed when asked for. */
static int living(FILE *f, int kill_them)
{
	int n = 0;
	pid_t r;

	while ((r = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	if (r < 0) /* no child: then nobody is below us */
		return 0;
	scan();
	for (int i = 0; i < nprocs; i++) {
		if (procs[i].state == 'Z' || !is_ours(procs[i].pid))
			continue;
		n++;
		if (f)
			report(f, procs[i].pid);
		if (kill_them)
			kill(procs[i].pid, SIGKILL);
	}
	return n;
}

/* Until a child ends (SIGCHLD is blocked, so none is missed), or for so long. */
static void nap(double seconds)
{
	sigset_t child;
	struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &t);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int wait_command(pid_t pid, double limit)
{
	double end = now() + limit;
	int st;

	for (;;) {
		pid_t r = waitpid(-1, &st, WNOHANG);
		if (r == pid)
			return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
		if (r > 0)
			continue;
		double left = end - now();
		if (left <= 0) {
			kill(pid, SIGKILL);
			return 124;
		}
		nap(left);
	}
}

/* What the test took. Processes that somebody below reaped are in the sums, too. */
static void used(const char *report, double began)
{
	char path[4096];
	struct rusage u;

	snprintf(path, sizeof path, "%s.used", report);
	FILE *f = fopen(path, "we");
	if (!f || getrusage(RUSAGE_CHILDREN, &u))
		return;
	fprintf(f, "%.2f %ld.%02ld %ld.%02ld\n", now() - began, (long)u.ru_utime.tv_sec,
		(long)u.ru_utime.tv_usec / 10000, (long)u.ru_stime.tv_sec, (long)u.ru_stime.tv_usec / 10000);
	fclose(f);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGINT, SIG_IGN);
	sigset_t child, old;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &old);
	double began = now();
	pid_t pid = fork();
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		setsid();
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	int rc = wait_command(pid, strtod(argv[1], NULL));
	double end = now() + strtod(argv[1], NULL) / 12;
	while (living(NULL, 0) && now() < end)
		nap(0.02);
	FILE *f = fopen(argv[2], "we");
	if (living(f, 1))
		for (end = now() + 10; living(NULL, 1) && now() < end;)
			nap(0.02);
	if (f)
		fclose(f);
	used(argv[2], began);
	return rc;
}
