#include "base/base.h"
#include "base/parse.h"
#include "monitor/log_read.h"

static struct timespec moment_of(const struct log_reader *r, const struct log_entry *e)
{
	int64_t us = r->anchor + e->us;

	return (struct timespec){us / 1000000, us % 1000000 * 1000};
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Nobody knows when a line was written that is no entry, or one that counts from a moment that is lost: it goes with its neighbours. */
static bool wanted(const struct log_reader *r, const struct log_entry *e)
{
	if (r->line_at < r->from[e->is_stderr] || e->what == LOG_ANCHOR || e->what == LOG_TORN)
		return false;
	if (!r->filter || !e->head || (e->what == LOG_RELATIVE && !r->anchor))
		return true;
	const struct timespec t = e->what == LOG_RELATIVE ? moment_of(r, e) : e->time;
	bool young = later(r->since, t);
	bool old = (r->until.tv_sec || r->until.tv_nsec) && later(t, r->until);
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

/* The text of an entry of JSON. */
static int give_json(struct log_reader *r, const char *p, size_t n)
{
	char out[512];
	size_t len = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0 && !r->json.closed; i++) {
		len += log_text_step(&r->json, p[i], out + len);
		if (len + LOG_STEP_MAX > sizeof out) {
			rc = give(r, out, len);
			len = 0;
		}
	}
	return rc || !len ? rc : give(r, out, len);
}

static int give_text(struct log_reader *r, const char *p, size_t n)
{
	return r->entry.what == LOG_OBJECT ? give_json(r, p, n) : give(r, p, n);
}

/* The line has come to its newline. */
static int end_line(struct log_reader *r)
{
	int rc = 0;

	if (r->entry.what == LOG_OBJECT)
		r->entry.partial = !r->json.newline;
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
	if (r->entry.what == LOG_TORN && !r->anchor) /* so this is no log of the local form */
		r->entry = (struct log_entry){0};
	r->inside = true;
	r->show = wanted(r, &r->entry);
	if (r->entry.what == LOG_ANCHOR)
		r->anchor = r->entry.us;
	else if (r->entry.what == LOG_RELATIVE && r->times && r->show && r->anchor)
		time_rfc3339(r->entry.when, sizeof r->entry.when, moment_of(r, &r->entry));
	size_t skip = r->entry.head;
	r->json = (struct log_text){0};
	return r->nhead > skip ? give_text(r, r->head + skip, r->nhead - skip) : 0;
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
			rc = give_text(r, p, k);
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

/* Is an entry of JSON, whose text begins at `at`, a part of a line? */
static bool is_part(const struct tail *t, off_t at)
{
	struct log_text text = {0};
	char buf[4096], out[LOG_STEP_MAX];

	while (at < t->end && !text.closed) {
		ssize_t n = log_files_read(t->f, buf, sizeof buf, at);
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n')
				return !text.newline;
			log_text_step(&text, buf[i], out);
		}
		if (n <= 0)
			break;
		at += n;
	}
	return !text.newline;
}

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
	if (e.what == LOG_ANCHOR)
		return;
	if (e.what == LOG_OBJECT)
		e.partial = is_part(t, at + (off_t)e.head);
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

int64_t log_anchor_at(const struct log_files *f, off_t at)
{
	enum { FAR = 16 };
	autofree char *buf = xmalloc(BLOCK + LOG_HEAD_MAX);
	off_t pos = at;

	for (int blocks = 0; pos > 0 && blocks < FAR; blocks++) {
		size_t n = pos < BLOCK ? (size_t)pos : (size_t)BLOCK;
		off_t base = pos - (off_t)n,
		      end = pos + LOG_HEAD_MAX < at ? pos + LOG_HEAD_MAX : at;
		if (read_whole(f, buf, (size_t)(end - base), base) < 0)
			return 0;
		for (size_t i = n; i-- > 0;) {
			if (buf[i] != '@' || !(i ? buf[i - 1] == '\n' : base == 0))
				continue;
			struct log_entry e = log_parse_head(buf + i, (size_t)(end - base) - i);
			if (e.what == LOG_ANCHOR)
				return e.us;
		}
		pos = base ? base + 1
			   : 0; /* a mark at the border is seen with the byte in front of it */
	}
	return 0;
}
