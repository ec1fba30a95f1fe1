#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"

static int actions_fill(posix_spawn_file_actions_t *fa, const struct spawn *sp)
{
	const int want[] = {sp->in, sp->out, sp->err};
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		if (want[i] < 0)
			r = posix_spawn_file_actions_addopen(fa, i, "/dev/null", O_RDWR, 0);
		else if (want[i] > 2 || want[i] != i)
			r = posix_spawn_file_actions_adddup2(fa, want[i], i);
	}
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(fa, 3);
	return r;
}

int proc_spawn(const struct spawn *sp, pid_t *ret_pid, struct err *e)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t all, none;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	int r = actions_fill(&fa, sp);
	if (r == 0)
		r = posix_spawn(ret_pid, sp->path, &fa, &attr, (char *const *)(uintptr_t)sp->argv,
				sp->envp ? (char *const *)(uintptr_t)sp->envp : environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return r ? err_set(e, r, "start %s", sp->path) : 0;
}

pid_t proc_fork(uint64_t clone_flags, int *ret_pidfd)
{
	return proc_fork_into(clone_flags, 0, ret_pidfd);
}

pid_t proc_fork_into(uint64_t clone_flags, int cgroup, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args ca = {
		.flags = clone_flags | (ret_pidfd ? CLONE_PIDFD : 0) |
			 (cgroup ? CLONE_INTO_CGROUP : 0),
		.cgroup = (uint64_t)cgroup,
		.pidfd = (uintptr_t)&pidfd,
		/* A child of our parent's ends with the signal that we end with (clone(2), CLONE_PARENT). */
		.exit_signal = clone_flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	if (!clone_flags && !cgroup) { /* plain: let libc run its fork handlers */
		pid_t pid = fork();
		if (pid > 0 && ret_pidfd) {
			*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
			if (*ret_pidfd < 0)
				return -errno;
		}
		return pid < 0 ? -errno : pid;
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof ca);
	if (pid < 0 && errno == ENOSYS && !cgroup) /* a filter that knows no clone3 */
		pid = (pid_t)syscall(SYS_clone, (unsigned long)(ca.flags | ca.exit_signal), NULL,
				     ret_pidfd ? &pidfd : NULL, NULL, 0UL);
	if (pid < 0)
		return -errno;
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}

void proc_reset(const int *keep, size_t nkeep)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fd_close_except(keep, nkeep);
}

int proc_exit_code(int st)
{
	return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

static struct {
	char *start;
	size_t len;
} args;

void proc_keep_args(int argc, char **argv)
{
	if (argc < 1)
		return;
	args.start = argv[0];
	/* One block, as execve(2) laid it out. */
	args.len = (size_t)(argv[argc - 1] - argv[0]) + strlen(argv[argc - 1]);
}

void proc_hide_args(const char *name)
{
	prctl(PR_SET_NAME, name);
	if (!args.len)
		return;
	memset(args.start, 0, args.len);
	snprintf(args.start, args.len, "%s", name);
}

int proc_wait(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return proc_exit_code(st);
}

/* From proc(5) stat; false: there is no such process. */
static bool read_stat(pid_t pid, char *ret_state, long *ret_threads, uint64_t *ret_start)
{
	char path[40], buf[1024];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, buf, sizeof buf - 1);
	if (n <= 0)
		return false;
	buf[n] = 0;
	const char *p = strrchr(buf, ')'); /* the name may hold anything, ")" included */
	return p && sscanf(p + 1,
			   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			   "%ld %*d %" SCNu64,
			   ret_state, ret_threads, ret_start) == 3;
}

bool proc_is_stopped(pid_t pid)
{
	char state;
	long threads;
	uint64_t start;

	return read_stat(pid, &state, &threads, &start) && (state == 'T' || state == 't');
}

uint64_t proc_start_time(pid_t pid)
{
	char state;
	long threads;
	uint64_t start;

	if (!read_stat(pid, &state, &threads, &start))
		return 0;
	/* A process whose first thread has ended looks like a zombie as long as others run. */
	return state == 'X' || (state == 'Z' && threads < 2) ? 0 : start;
}

int proc_open(pid_t pid, uint64_t start)
{
	if (pid <= 0 || !start)
		return -ESRCH;
	autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	if (proc_start_time(pid) !=
	    start) /* read after the pidfd: it speaks of the process that the pidfd holds */
		return -ESRCH;
	return take_fd(fd);
}

int proc_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}
