#include "base/base.h"
#include "base/parse.h"
#include "monitor/log.h"

int log_open(struct log *l, int dir)
{
	struct stat st;

	l->len = 0;
	l->lost = l->lost_now = 0;
	l->fd = openat(dir, "ctr.log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return -errno;
	l->end = st.st_size;
	return 0;
}

void log_close(struct log *l)
{
	fd_close(&l->fd);
}

/* Writes what is collected, whole entries, all or nothing: a torn one is cut off again. */
static void flush(struct log *l)
{
	ssize_t n = l->len ? write(l->fd, l->buf, l->len) : 0;

	if (n == (ssize_t)l->len) {
		l->end += n;
		if (l->len)
			l->lost_now = 0;
	} else {
		if (n > 0)
			(void)!ftruncate(l->fd, l->end);
		l->lost += l->lost_now;
		l->lost_now = 0;
	}
	l->len = 0;
}

static void put(struct log *l, const char *p, size_t n)
{
	memcpy(l->buf + l->len, p, n);
	l->len += n;
}

static void tell_lost(struct log *l, const char *when)
{
	char line[160];
	int n = snprintf(line, sizeof line,
			 "%s stderr F hoy: %" PRIu64
			 " bytes of output are lost: the log could not be written\n",
			 when, l->lost);
	ssize_t k = write(l->fd, line, (size_t)n);

	if (k == n) {
		l->end += k;
		l->lost = 0;
	} else if (k > 0) {
		(void)!ftruncate(l->fd, l->end);
	}
}

void log_write(struct log *l, bool is_stderr, const char *p, size_t n)
{
	char when[40], head[64];

	if (l->fd < 0)
		return;
	time_rfc3339(when, sizeof when, time_now());
	if (l->lost)
		tell_lost(l, when);
	while (n) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n, most = sizeof l->buf - sizeof head - 1;
		if (len >
		    most) { /* an entry always fits in the buffer, so that none is ever torn */
			nl = NULL;
			len = most;
		}
		int h = snprintf(head, sizeof head, "%s %s %c ", when,
				 is_stderr ? "stderr" : "stdout", nl ? 'F' : 'P');
		if (l->len + (size_t)h + len + 1 > sizeof l->buf)
			flush(l);
		put(l, head, (size_t)h);
		put(l, p, len);
		put(l, "\n", 1);
		l->lost_now += len + (nl != NULL);
		p += len + (nl != NULL);
		n -= len + (nl != NULL);
	}
	flush(l);
}
