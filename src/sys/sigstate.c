#include <dirent.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/proc.h"
#include "sys/sigstate.h"

static bool read_small(const char *path, char *buf, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return false;
	buf[n] = 0;
	return true;
}

/* The mask behind a key of /proc/PID/status; all ones if it cannot be read. */
static uint64_t mask_of(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? strtoull(p + strlen(key), NULL, 16) : ~UINT64_C(0);
}

/* May this thread do something about the signal? Yes, if anything about it cannot be read. */
static bool thread_cares(pid_t pid, const char *tid, uint64_t bit)
{
	char path[64], buf[4096];

	snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, tid);
	if (!read_small(path, buf, sizeof buf))
		return true;
	if ((mask_of(buf, "SigCgt:") | mask_of(buf, "SigBlk:")) & bit)
		return true;
	snprintf(path, sizeof path, "/proc/%d/task/%s/syscall", (int)pid, tid);
	if (!read_small(path, buf, sizeof buf))
		return true;
	if (str_starts(buf, "running"))
		return false;
	/* A 32-bit program counts its calls otherwise: 177 is i386's rt_sigtimedwait, 421 the one with 64-bit time. */
	long nr = strtol(buf, NULL, 10);
	return nr == SYS_rt_sigtimedwait || nr == 177 || nr == 421;
}

int64_t sigstate_cpu_ms(pid_t pid)
{
	char path[40], buf[1024];
	unsigned long user = 0, kernel = 0;
	long hz = sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	const char *p = read_small(path, buf, sizeof buf) ? strrchr(buf, ')') : NULL;
	/* Fields 14 and 15 of proc(5) stat; behind the name come the state and eleven numbers before them. */
	if (!p || hz <= 0 ||
	    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) !=
		    2)
		return -1;
	return (int64_t)(user + kernel) * 1000 / hz;
}

int64_t sigstate_age_ms(pid_t pid)
{
	struct timespec now;
	uint64_t start = proc_start_time(pid);
	long hz = sysconf(_SC_CLK_TCK);

	if (!start || hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return -1;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
	       (int64_t)(start * 1000 / (uint64_t)hz);
}

bool sigstate_cares(pid_t pid, int sig)
{
	char path[40];
	bool cares = false, any = false;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	if (!d)
		return true;
	for (struct dirent *de; !cares && (de = readdir(d));) {
		if (de->d_name[0] == '.')
			continue;
		any = true;
		cares = thread_cares(pid, de->d_name, UINT64_C(1) << (sig - 1));
	}
	closedir(d);
	return cares || !any;
}

bool sigstate_ignores(pid_t pid, int sig)
{
	char path[40], buf[4096];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return sig >= 1 && sig <= 64 && read_small(path, buf, sizeof buf) &&
	       strstr(buf, "SigIgn:") && (mask_of(buf, "SigIgn:") & (UINT64_C(1) << (sig - 1)));
}

/* The kernel drops signals for the first process of a namespace only, whose last number in NSpid is 1. */
static bool is_first(pid_t pid)
{
	char path[40], buf[4096];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	const char *p = read_small(path, buf, sizeof buf) ? strstr(buf, "\nNSpid:") : NULL;
	size_t n = p ? strcspn(p + 1, "\n") : 0;
	return n >= 2 && p[n] == '1' && (p[n - 1] == '\t' || p[n - 1] == ' ');
}

bool sigstate_dropped(pid_t pid, int sig)
{
	return sig >= 1 && sig <= 64 && sigstate_age_ms(pid) >= SIGSTATE_YOUNG_MS &&
	       !sigstate_cares(pid, sig) && is_first(pid);
}
