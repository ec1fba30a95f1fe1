#include <sys/uio.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/log.h"

/* The directory and the name of a file given by its path. */
static int open_dir(struct log *l, const struct log_place *p)
{
	char dir[PATH_MAX];
	const char *base = p->path ? strrchr(p->path, '/') + 1 : "ctr.log";

	snprintf(l->name, sizeof l->name, "%s", base);
	if (!p->path) {
		l->dir = p->dir;
	} else {
		l->own_dir = true;
		snprintf(dir, sizeof dir, "%.*s", (int)(base - p->path), p->path);
		l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return l->dir < 0 ? -errno : 0;
}

static int open_new(struct log *l, const char *name, int flags)
{
	int fd = openat(l->dir, name,
			O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC | flags,
			0600);

	return fd < 0 ? -errno : fd;
}

static void put(struct log *l, const char *p, size_t n)
{
	memcpy(l->buf + l->len, p, n);
	l->len += n;
}

/* A power cut may have left a piece of an entry: what comes next does not belong to it. */
static bool ends_whole(const struct log *l)
{
	autoclose int fd = openat(l->dir, l->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char last;

	return fd < 0 || pread(fd, &last, 1, l->end - 1) != 1 || last == '\n';
}

int log_open(struct log *l, const struct log_place *p)
{
	struct stat st;

	*l = (struct log){.fd = -1,
			  .dir = -1,
			  .max = p->max,
			  .form = p->form,
			  .attrs = p->attrs ? p->attrs : "",
			  .files = p->files > 0 ? (unsigned)p->files : 1};
	int r = open_dir(l, p);
	if (r == 0)
		r = l->fd = open_new(l, l->name, 0);
	if (r >= 0)
		r = fstat(l->fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r < 0) {
		log_close(l);
		return r;
	}
	l->end = st.st_size;
	if (l->end && !ends_whole(l))
		put(l, "\n", 1);
	return 0;
}

static void write_objects(struct log *l, struct timespec now, bool is_stderr, const char *p,
			  size_t n, bool last);

int log_open_journal(struct log *l, const struct journal_of *of, struct arena *a, struct err *e)
{
	static struct journal journal;

	*l = (struct log){.fd = -1, .dir = -1, .attrs = ""};
	int r = journal_open(&journal, of, a, e);
	if (r == 0)
		l->journal = &journal;
	return r;
}

/* What is lost is told by a line of its own, as in a file. */
static void write_journal(struct log *l, bool is_stderr, const char *p, size_t n)
{
	char text[100];
	size_t lost = journal_write(l->journal, is_stderr, p, n);

	if (!lost && l->lost) {
		int k = snprintf(text, sizeof text,
				 "hoy: %" PRIu64
				 " bytes of output are lost: the journal took none\n",
				 l->lost);
		l->lost = journal_write(l->journal, true, text, (size_t)k) ? l->lost : 0;
	}
	l->lost += lost;
}

void log_close(struct log *l)
{
	if (l->journal)
		journal_close(l->journal);
	l->journal = NULL;
	for (int i = 0; i < 2 && l->fd >= 0; i++)
		if (l->nheld[i])
			write_objects(l, time_now(), i, "", 0, true);
	fd_close(&l->fd);
	if (l->own_dir)
		fd_close(&l->dir);
	l->dir = -1;
}

/* Begins a new file. It is there under another name before the old ones move, so that a full disk changes nothing. */
static bool rotate(struct log *l)
{
	char from[LOG_NAME_MAX + 12], to[LOG_NAME_MAX + 12], new[LOG_NAME_MAX + 12];

	snprintf(new, sizeof new, "%s.new", l->name);
	unlinkat(l->dir, new, 0); /* left by one that was killed, or somebody else's */
	int fd = open_new(l, new, O_EXCL);
	if (fd < 0)
		return false;
	bool ok = true;
	for (unsigned i = l->files - 1; i >= 1 && ok; i--)
		ok = renameat(l->dir, log_file_name(from, l->name, i - 1), l->dir,
			      log_file_name(to, l->name, i)) == 0 ||
		     errno == ENOENT;
	ok = ok && renameat(l->dir, new, l->dir, l->name) == 0;
	if (!ok) {
		unlinkat(l->dir, new, 0);
		close(fd);
		return false;
	}
	close(l->fd);
	l->fd = fd;
	l->end = 0;
	return true;
}

/* Writes what is collected, whole entries, all or nothing: a torn one is cut off again. A file that begins with them says first what they count from. */
static void flush(struct log *l)
{
	char anchor[LOG_HEAD_MAX];
	bool room = !l->max || !l->end || l->end + (off_t)l->len <= l->max || rotate(l);
	size_t a = l->first.us && !l->end ? log_put_anchor(anchor, &l->first) : 0;
	const struct iovec v[] = {{anchor, a}, {l->buf, l->len}};
	ssize_t n = !l->len || !room ? 0 : a ? writev(l->fd, v, 2) : write(l->fd, l->buf, l->len);

	if (n == (ssize_t)(l->len + (l->len ? a : 0))) {
		l->end += n;
		if (l->len)
			l->lost_now = 0;
	} else {
		if (n > 0)
			(void)!ftruncate(l->fd, l->end);
		l->lost += l->lost_now;
		l->lost_now = 0;
		l->anchor = (struct log_anchor){0}; /* it may have been in there */
	}
	l->first = l->anchor;
	l->len = 0;
}

static void tell_lost(struct log *l, struct timespec now)
{
	char line[200];
	size_t n = log_put_head(line, l->form, &l->anchor, now, true, false);
	n += (size_t)snprintf(line + n, sizeof line - n,
			      "hoy: %" PRIu64
			      " bytes of output are lost: the log could not be written%s\n",
			      l->lost, l->form == LOG_JSON ? "\\n\"}" : "");
	ssize_t k = write(l->fd, line, n);

	l->first = l->anchor;
	if (k == (ssize_t)n) {
		l->end += k;
		l->lost = 0;
		return;
	}
	if (k > 0)
		(void)!ftruncate(l->fd, l->end);
	l->anchor = l->first = (struct log_anchor){0};
}

/* One entry: as much as goes into the buffer, to the end of the line at most. Returns how much of p it has. */
static size_t put_object(struct log *l, struct timespec now, bool is_stderr, const char *p,
			 size_t n)
{
	size_t tail = strlen(l->attrs) + sizeof "\"}\n", done = 0;
	bool nl = false;

	if (l->len + LOG_HEAD_MAX + 512 + tail > sizeof l->buf)
		flush(l);
	l->len += log_put_head(l->buf + l->len, LOG_JSON, NULL, now, is_stderr, false);
	while (done < n && !nl && l->len + LOG_CHAR_MAX + tail <= sizeof l->buf) {
		size_t used;
		nl = p[done] == '\n';
		l->len += log_put_char(l->buf + l->len, p + done, n - done, &used);
		done += used;
	}
	l->len += (size_t)snprintf(l->buf + l->len, tail + 1, "\"%s}\n", l->attrs);
	l->lost_now += done;
	return done;
}

/* A character that comes in two pieces is not cut. */
static void write_objects(struct log *l, struct timespec now, bool is_stderr, const char *p,
			  size_t n, bool last)
{
	char joined[sizeof l->held[0] + 4];
	uint8_t *held = &l->nheld[is_stderr];
	size_t k = 0;

	while (*held && (n || last)) {
		memcpy(joined, l->held[is_stderr], *held);
		for (k = 0; k < n && log_open_char(joined, *held + k); k++)
			joined[*held + k] = p[k];
		size_t len = *held + k;
		if (!last && log_open_char(joined, len)) {
			memcpy(l->held[is_stderr], joined, len);
			*held = (uint8_t)len;
			return;
		}
		*held = 0;
		for (size_t at = 0; at < len;)
			at += put_object(l, now, is_stderr, joined + at, len - at);
		p += k;
		n -= k;
	}
	size_t open = last ? 0 : log_open_char(p, n);
	for (size_t at = 0; at < n - open;)
		at += put_object(l, now, is_stderr, p + at, n - open - at);
	memcpy(l->held[is_stderr], p + n - open, open);
	*held = (uint8_t)open;
	flush(l);
}

void log_write(struct log *l, bool is_stderr, const char *p, size_t n)
{
	char head[LOG_HEAD_MAX];

	if (l->journal) {
		write_journal(l, is_stderr, p, n);
		return;
	}
	if (l->fd < 0)
		return;
	const struct timespec now = time_now();
	if (l->lost)
		tell_lost(l, now);
	if (l->form == LOG_JSON) {
		write_objects(l, now, is_stderr, p, n, false);
		return;
	}
	while (n) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n, most = sizeof l->buf - sizeof head - 1;
		if (len >
		    most) { /* an entry always fits in the buffer, so that none is ever torn */
			nl = NULL;
			len = most;
		}
		if (l->len + sizeof head + len + 1 > sizeof l->buf)
			flush(l);
		size_t h = log_put_head(head, l->form, &l->anchor, now, is_stderr, !nl);
		l->anchor.since += h + len + 1;
		put(l, head, h);
		put(l, p, len);
		put(l, "\n", 1);
		l->lost_now += len + (nl != NULL);
		p += len + (nl != NULL);
		n -= len + (nl != NULL);
	}
	flush(l);
}
