#include <dirent.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "sys/strays.h"

bool strays_is_in(pid_t pid, const struct stat *want)
{
	char path[40];
	struct stat st;
	bool found = false;

	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	for (int depth = 0; ns >= 0 && !found && depth < 34;
	     depth++) { /* the kernel nests 32 deep */
		found = fstat(ns, &st) == 0 && st.st_ino == want->st_ino &&
			st.st_dev == want->st_dev;
		int up = found ? -1 : ioctl(ns, NS_GET_PARENT); /* EPERM: above ours */
		close(ns);
		ns = up;
	}
	if (ns >= 0)
		close(ns);
	return found;
}

static bool is_within(pid_t pid, const void *arg)
{
	return strays_is_in(pid, arg);
}

/* Of the first thread that still has a mount namespace: one that has ended has none, while others go on. */
static int read_mountinfo(pid_t pid, struct str *out)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
	int r = fd_read_file_at(AT_FDCWD, path, out, 1 << 20);
	if (r >= 0 || r == -ENOENT || r == -EACCES)
		return r;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	for (struct dirent *de; r < 0 && d && (de = readdir(d));) {
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/mountinfo", (int)pid, de->d_name);
		if (de->d_name[0] != '.')
			r = fd_read_file_at(AT_FDCWD, path, out, 1 << 20);
	}
	if (d)
		closedir(d);
	return r;
}

/* A line of mountinfo whose mount point, the fifth field, is "/". */
static bool is_rooted(pid_t pid, const void *arg)
{
	scoped(str) text = {0};
	char *save = NULL;

	if (read_mountinfo(pid, &text) < 0 || !text.s)
		return false;
	for (char *l = strtok_r(text.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char point[3] = "";
		if (sscanf(l, "%*s %*s %*s %*s %2s", point) == 1 && !strcmp(point, "/") &&
		    strstr(l, arg))
			return true;
	}
	return false;
}

/* Passes over all processes until one pass finds nobody: who is killed may have made children before. */
static int end_all(bool (*match)(pid_t pid, const void *arg), const void *arg)
{
	int64_t until = time_mono_ms() + 5000;

	for (;;) {
		DIR *d = opendir("/proc");
		bool found = false;
		if (!d)
			return -errno;
		for (struct dirent *de; (de = readdir(d));) {
			uint64_t n;
			if (parse_u64(de->d_name, INT_MAX, &n) < 0)
				continue;
			/* Held before it is looked at, so that it is not another when it is killed. */
			autoclose int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)n, 0);
			if (pidfd < 0 || !match((pid_t)n, arg))
				continue;
			if (!proc_start_time((pid_t)n)) /* a zombie waits for its parent only */
				continue;
			found |= proc_signal(pidfd, SIGKILL) == 0;
		}
		closedir(d);
		if (!found)
			return 0;
		if (time_mono_ms() > until)
			return -ETIMEDOUT;
		usleep(1000);
	}
}

int strays_end_in(int userns)
{
	struct stat st;

	return fstat(userns, &st) < 0 ? -errno : end_all(is_within, &st);
}

int strays_end_rooted(const char *id)
{
	return end_all(is_rooted, id);
}
