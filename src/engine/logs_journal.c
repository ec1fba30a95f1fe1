#include <poll.h>
#include <signal.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/logs.h"

static int missing(struct err *e)
{
	err_fail_code(e, ERR_NO_LOG, ENOENT,
		      "the container's log is in the journal, and there is no journalctl");
	return err_hint(e, "it is a program of systemd's package, and must be in the PATH");
}

/* journalctl's @SECONDS.MICROSECONDS */
static char *moment(const char *flag, struct timespec t)
{
	return xasprintf("%s=@%lld.%06ld", flag, (long long)t.tv_sec, t.tv_nsec / 1000);
}

int logs_journal_start(struct logs_journal *j, const char *id, const struct logs_query *q,
		       struct err *e)
{
	autofree char *path = path_find_program("journalctl");
	autofree char *match = xasprintf("CONTAINER_ID_FULL=%s", id);
	autofree char *since = moment("--since", q->since), *until = moment("--until", q->until);
	autofree char *lines = xasprintf("--lines=%" PRId64, q->tail);
	const char *argv[16] = {"journalctl", "--quiet", "--no-pager", "--output=export", match};
	size_t n = 5;
	int fd[2];

	if (!path)
		return missing(e);
	if (q->has_since)
		argv[n++] = since;
	if (q->has_until)
		argv[n++] = until;
	if (q->tail >= 0)
		argv[n++] = lines;
	else if (q->follow)
		argv[n++] = "--no-tail";
	if (q->follow)
		argv[n++] = "--follow";
	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_set(e, errno, "make a pipe");
	const struct spawn sp = {.path = path, .argv = argv, .in = -1, .out = fd[1], .err = 2};
	int r = proc_spawn(&sp, &j->pid, e);
	close(fd[1]);
	if (r < 0)
		close(fd[0]);
	else
		j->fd = fd[0];
	return r;
}

int logs_log_export(struct logs_journal *j, bool wait, bool *ret_end, struct err *e)
{
	struct pollfd p = {.fd = j->fd, .events = POLLIN};
	char buf[64 * 1024];

	*ret_end = j->fd < 0;
	while (!*ret_end && (wait || poll(&p, 1, 0) > 0)) {
		ssize_t n = read(j->fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*ret_end = true;
			break;
		}
		int r = log_export_feed(&j->reader, buf, (size_t)n);
		if (r == -EMSGSIZE)
			return err_set(e, r, "read what journalctl says");
		if (r != 0)
			return r;
	}
	return 0;
}

void logs_journal_end(struct logs_journal *j)
{
	log_export_free(&j->reader);
	fd_close(&j->fd);
	if (j->pid > 0) {
		kill(j->pid, SIGTERM); /* our child, not waited for: the number is its own */
		proc_wait(j->pid);
	}
	j->pid = 0;
}
