#include <ctype.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/log_form.h"

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
static const char kinds[] = ">+!*"; /* stdout, a part of it; stderr, a part of it */

enum {
	DIGITS_MAX = 6, /* 19 hours: then there is a new anchor */
	ANCHOR_BYTES = sizeof "@2026-01-02T03:04:05.123456Z\n" - 1,
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 36;
	return c == '.' ? 62 : c == '_' ? 63 : -1;
}

size_t log_put_anchor(char *buf, const struct log_anchor *a)
{
	char when[40];

	time_rfc3339(when, sizeof when, (struct timespec){a->us / 1000000, a->us % 1000000 * 1000});
	/* Nine digits of the fraction become six. */
	return (size_t)snprintf(buf, LOG_HEAD_MAX, "@%.26sZ\n", when);
}

static size_t put_local(char *buf, struct log_anchor *a, struct timespec now, char kind)
{
	int64_t us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, d = us - a->us;
	size_t n = 0, k = 0;
	char b[DIGITS_MAX];

	/* The clock may have been set back, too. */
	if (!a->us || d < 0 || d >= (int64_t)1 << (6 * DIGITS_MAX) || a->since > LOG_ANCHOR_EVERY) {
		*a = (struct log_anchor){.us = us};
		n = log_put_anchor(buf, a);
		d = 0;
	}
	do
		b[k++] = digits[d & 63];
	while (d >>= 6);
	while (k)
		buf[n++] = b[--k];
	buf[n++] = kind;
	return n;
}

size_t log_put_head(char *buf, enum log_form form, struct log_anchor *a, struct timespec now,
		    bool is_stderr, bool partial)
{
	char when[40];

	if (form == LOG_LOCAL)
		return put_local(buf, a, now, kinds[2 * is_stderr + partial]);
	return (size_t)snprintf(buf, LOG_HEAD_MAX, "%s %s %c ",
				time_rfc3339(when, sizeof when, now),
				is_stderr ? "stderr" : "stdout", partial ? 'P' : 'F');
}

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

static struct log_entry parse_anchor(const char *p, size_t n)
{
	struct log_entry e = {.what = LOG_ANCHOR, .head = ANCHOR_BYTES - 1};
	struct timespec t;

	/* Nothing else stands on its line. */
	if (n < ANCHOR_BYTES - 1 || (n >= ANCHOR_BYTES && p[ANCHOR_BYTES - 1] != '\n') ||
	    !looks_like_time(p + 1, n - 1))
		return (struct log_entry){0};
	memcpy(e.when, p + 1, ANCHOR_BYTES - 2);
	if (parse_rfc3339(e.when, &t) < 0)
		return (struct log_entry){0};
	e.us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	return e;
}

static struct log_entry parse_local(const char *p, size_t n)
{
	struct log_entry e = {.what = LOG_RELATIVE};
	size_t k = 0;
	int d;

	for (; k < n && k <= DIGITS_MAX && (d = digit_of(p[k])) >= 0; k++)
		e.us = e.us * 64 + d;
	if (!k || k > DIGITS_MAX)
		return (struct log_entry){0};
	const char *kind = k < n && p[k] ? strchr(kinds, p[k]) : NULL;
	if (kind) {
		e.is_stderr = kind - kinds >= 2;
		e.partial = (kind - kinds) % 2;
		e.head = k + 1;
		return e;
	}
	e.what = k == n || p[k] == '\n' ? LOG_TORN : LOG_LINE;
	e.head = e.what == LOG_TORN ? k : 0;
	return e;
}

struct log_entry log_parse_head(const char *p, size_t n)
{
	struct log_entry e = {0};

	if (n && *p == '@')
		return parse_anchor(p, n);
	if (!looks_like_time(p, n)) /* nothing of the local form does */
		return parse_local(p, n);
	const char *space = memchr(p, ' ', n < sizeof e.when ? n : sizeof e.when);
	size_t t = space ? (size_t)(space - p) : 0;
	/* "TIME stdout F " */
	if (!t || n < t + 10)
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
