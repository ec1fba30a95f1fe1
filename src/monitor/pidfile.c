#include "base/base.h"
#include "monitor/pidfile.h"

int pidfile_write(const char *path, pid_t pid, struct err *e)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d", (int)pid);

	if (!path)
		return 0;
	/* Replaced, for what is there at a later start may be a link that the container has put into a volume. */
	int r = fd_replace_at(AT_FDCWD, path, text, (size_t)n, 0644, false);
	return r < 0 ? err_set(e, r, "write the pidfile %s", path) : 0;
}

void pidfile_remove(const char *path, pid_t pid)
{
	scoped(str) text = {0};

	if (path && fd_read_file_at(AT_FDCWD, path, &text, 64) == 0 &&
	    strtol(str_cstr(&text), NULL, 10) == pid)
		unlink(path);
}
