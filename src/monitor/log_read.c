#include <ctype.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/log_read.h"

/* "2026-01-02T03:04:05" */
static bool looks_like_time(const char *p, size_t n)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";

	if (n < sizeof form)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)p[i]) : p[i] != form[i])
			return false;
	return true;
}

struct log_entry log_parse_head(const char *p, size_t n)
{
	struct log_entry e = {0};
	const char *space = memchr(p, ' ', n < sizeof e.when ? n : sizeof e.when);
	size_t t = space ? (size_t)(space - p) : 0;

	/* "TIME stdout F " */
	if (!t || n < t + 10 || !looks_like_time(p, t))
		return e;
	bool out = !memcmp(space, " stdout ", 8);
	if ((!out && memcmp(space, " stderr ", 8) != 0) || (space[8] != 'F' && space[8] != 'P') ||
	    space[9] != ' ')
		return e;
	memcpy(e.when, p, t);
	if (parse_rfc3339(e.when, &e.time) < 0)
		return e;
	e.is_stderr = !out;
	e.partial = space[8] == 'P';
	e.head = t + 10;
	return e;
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Nobody knows when a line was written that is no entry: it goes with its neighbours. */
static bool wanted(const struct log_reader *r, const struct log_entry *e)
{
	if (r->line_at < r->from[e->is_stderr])
		return false;
	if (!r->filter || !e->head)
		return true;
	bool young = later(r->since, e->time);
	bool old = (r->until.tv_sec || r->until.tv_nsec) && later(e->time, r->until);
	return !young && !old;
}

static int give(struct log_reader *r, const char *p, size_t n)
{
	bool err = r->entry.is_stderr;
	int rc = 0;

	if (!r->show)
		return 0;
	if (!r->midline[err] && r->sink.line)
		rc = r->sink.line(r->sink.arg, err, r->entry.when);
	r->midline[err] = true;
	return rc || !n ? rc : r->sink.text(r->sink.arg, err, p, n);
}

/* The line has come to its newline. */
static int end_line(struct log_reader *r)
{
	int rc = 0;

	if (!r->entry.partial) {
		rc = give(r, "\n", 1);
		if (r->show)
			r->midline[r->entry.is_stderr] = false;
	}
	r->inside = false;
	r->nhead = 0;
	r->line_at = r->at;
	return rc;
}

static int start_text(struct log_reader *r)
{
	r->entry = log_parse_head(r->head, r->nhead);
	r->inside = true;
	r->show = wanted(r, &r->entry);
	size_t skip = r->entry.head;
	return r->nhead > skip ? give(r, r->head + skip, r->nhead - skip) : 0;
}

/* Collects the beginning of a line until its head is whole. Moves *p and *n. */
static int take_head(struct log_reader *r, const char **p, size_t *n)
{
	size_t room = sizeof r->head - r->nhead, k = *n < room ? *n : room;
	const char *nl = memchr(*p, '\n', k);
	int rc = 0;

	if (nl)
		k = (size_t)(nl - *p);
	memcpy(r->head + r->nhead, *p, k);
	r->nhead += k;
	r->at += (off_t)k;
	*p += k;
	*n -= k;
	if (nl || r->nhead == sizeof r->head)
		rc = start_text(r);
	return rc;
}

int log_reader_feed(struct log_reader *r, const char *p, size_t n)
{
	int rc = 0;

	while (n && rc == 0) {
		if (!r->inside) {
			rc = take_head(r, &p, &n);
			continue;
		}
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;
		if (k)
			rc = give(r, p, k);
		r->at += (off_t)k + (nl != NULL);
		p += k + (nl != NULL);
		n -= k + (nl != NULL);
		if (nl && rc == 0)
			rc = end_line(r);
	}
	return rc;
}

int log_reader_end(struct log_reader *r)
{
	return !r->inside && r->nhead ? start_text(r) : 0;
}

/* ---- the last lines */

enum { BLOCK = 64 * 1024 };

struct tail {
	const struct log_files *f;
	off_t end; /* of the log */
	uint64_t left;
	bool started[2]; /* an entry of that stream is wanted */
	bool closed[2];	 /* and where its first line begins is known */
	off_t *from;
	bool full; /* as many lines as wanted are found */
};

/* Looks at the line that begins at `at`, coming from behind. */
static void tail_line(struct tail *t, off_t at, const char *p, size_t n)
{
	char buf[LOG_HEAD_MAX];

	if (n < sizeof buf && at + (off_t)n < t->end) {
		ssize_t k = log_files_read(t->f, buf, sizeof buf, at);
		p = buf;
		n = k > 0 ? (size_t)k : 0;
	}
	struct log_entry e = log_parse_head(p, n < LOG_HEAD_MAX ? n : LOG_HEAD_MAX);
	int s = e.is_stderr;
	bool new_line = !e.partial || !t->started[s];
	if (t->closed[s])
		return;
	if (new_line && t->full) { /* the stream's wanted lines begin behind this one */
		t->closed[s] = true;
		return;
	}
	if (new_line && --t->left == 0)
		t->full = true;
	t->started[s] = true;
	t->from[s] = at;
}

static bool tail_done(const struct tail *t)
{
	return t->full && (t->closed[0] || !t->started[0]) && (t->closed[1] || !t->started[1]);
}

/* All of a piece, which may lie in several files. */
static int read_whole(const struct log_files *f, char *buf, size_t n, off_t at)
{
	while (n) {
		ssize_t k = log_files_read(f, buf, n, at);
		if (k <= 0)
			return k < 0 ? (int)k : -EIO;
		buf += k;
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int log_tail(const struct log_files *f, off_t end, uint64_t lines, off_t ret[2])
{
	struct tail t = {.f = f, .end = end, .left = lines, .from = ret};
	off_t pos = end;
	autofree char *buf = xmalloc(BLOCK);

	ret[0] = ret[1] = end;
	if (!lines)
		return 0;
	while (pos > 0 && !tail_done(&t)) {
		size_t n = pos < BLOCK ? (size_t)pos : (size_t)BLOCK;
		off_t base = pos - (off_t)n;
		int r = read_whole(f, buf, n, base);
		if (r < 0)
			return r;
		/* A newline at i begins a line at i + 1, unless that is the end of the log. */
		for (size_t i = n; i-- > 0 && !tail_done(&t);)
			if (buf[i] == '\n' && base + (off_t)i + 1 < end)
				tail_line(&t, base + (off_t)i + 1, buf + i + 1, n - i - 1);
		if (base == 0 && !tail_done(&t))
			tail_line(&t, 0, buf, n);
		pos = base;
	}
	return 0;
}
