#include <dirent.h>
#include <signal.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "sys/session.h"

enum { LOOKS = 20 };

/* Field 6 of proc(5) stat, 0 for what is gone or ends. */
static pid_t session_of(pid_t pid)
{
	char path[40], state;
	scoped(str) text = {0};
	int up, group, session;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (fd_read_file_at(AT_FDCWD, path, &text, 4096) < 0)
		return 0;
	const char *end = strrchr(str_cstr(&text), ')');
	if (!end || sscanf(end, ") %c %d %d %d", &state, &up, &group, &session) != 4)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : session;
}

/* How many were found. */
static size_t kill_members(pid_t sid)
{
	DIR *d = opendir("/proc");
	size_t n = 0;

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));) {
		uint64_t pid;
		if (parse_u64(de->d_name, INT_MAX, &pid) < 0 || session_of((pid_t)pid) != sid)
			continue;
		uint64_t start = proc_start_time((pid_t)pid);
		autoclose int fd = proc_open((pid_t)pid, start);
		if (fd >= 0 && session_of((pid_t)pid) == sid) {
			proc_signal(fd, SIGKILL);
			n++;
		}
	}
	closedir(d);
	return n;
}

void session_kill(pid_t sid)
{
	if (sid <= 0)
		return;
	for (int i = 0; i < LOOKS && kill_members(sid); i++)
		;
	kill(sid, SIGKILL); /* our child, not waited for: the number is its own */
}
