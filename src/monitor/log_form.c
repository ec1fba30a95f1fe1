#include <ctype.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/log_form.h"

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
static const char kinds[] = ">+!*"; /* stdout, a part of it; stderr, a part of it */

#define TIME_KEY   "{\"time\":\""
#define STREAM_KEY "\",\"stream\":\""
#define TEXT_KEY   "\",\"log\":\""

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
	if (form == LOG_JSON)
		return (size_t)snprintf(buf, LOG_HEAD_MAX, TIME_KEY "%s" STREAM_KEY "%s" TEXT_KEY,
					time_rfc3339(when, sizeof when, now),
					is_stderr ? "stderr" : "stdout");
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

/* What ours begin with; all else that is JSON is a line like any other. */
static struct log_entry parse_object(const char *p, size_t n)
{
	struct log_entry e = {.what = LOG_OBJECT};
	char want[LOG_HEAD_MAX];
	const char *time = p + sizeof TIME_KEY - 1;
	const char *end = n > sizeof TIME_KEY ? memchr(time, '"', n - sizeof TIME_KEY + 1) : NULL;

	if (!end || (size_t)(end - time) >= sizeof e.when)
		return (struct log_entry){0};
	memcpy(e.when, time, (size_t)(end - time));
	if (memchr(e.when, 0, (size_t)(end - time)) ||
	    !looks_like_time(e.when, strlen(e.when) + 1) || parse_rfc3339(e.when, &e.time) < 0)
		return (struct log_entry){0};
	for (int i = 0; i < 2; i++) {
		size_t k =
			(size_t)snprintf(want, sizeof want, TIME_KEY "%s" STREAM_KEY "%s" TEXT_KEY,
					 e.when, i ? "stderr" : "stdout");
		if (k >= sizeof want || k > n || memcmp(want, p, k) != 0)
			continue;
		e.is_stderr = i;
		e.head = k;
		return e;
	}
	return (struct log_entry){0};
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 63));
	out[2] = (char)(0x80 | (c & 63));
	return 3;
}

/* The escape is whole: its character. Halves of pairs are none by themselves. */
static uint32_t unescape(const char *esc)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	const char *at = strchr(from, esc[1]);
	uint32_t c = 0;

	if (esc[1] != 'u')
		return at && *at ? (unsigned char)to[at - from] : (unsigned char)esc[1];
	for (int i = 2; i < 6; i++) {
		int d = digit_of(esc[i]);
		if (!isxdigit((unsigned char)esc[i]))
			return 0xfffd;
		c = c << 4 | (uint32_t)(d >= 36 ? d - 26 : d);
	}
	return c >= 0xd800 && c < 0xe000 ? 0xfffd : c;
}

size_t log_text_step(struct log_text *t, char c, char out[LOG_STEP_MAX])
{
	uint32_t code = 0;
	size_t n = 0;

	if (t->closed)
		return 0;
	if (!t->nesc && c == '"') {
		t->closed = true;
		return 0;
	}
	if (t->nesc || c == '\\') {
		t->esc[t->nesc++] = c;
		if (t->nesc < 2 || (t->esc[1] == 'u' && t->nesc < 6))
			return 0;
		t->nesc = 0;
		code = unescape(t->esc);
	}
	if (t->newline)
		out[n++] = '\n';
	t->newline = t->esc[0] && code == '\n';
	if (t->newline) {
		t->esc[0] = 0;
		return n;
	}
	if (t->esc[0])
		n += put_utf8(out + n, code);
	else
		out[n++] = c;
	t->esc[0] = 0;
	return n;
}

size_t log_put_char(char *out, const char *p, size_t n, size_t *ret_used)
{
	static const char from[] = "\n\r\t\b\f\"\\", to[] = "nrtbf\"\\";
	const char *at = *p ? strchr(from, *p) : NULL;
	uint32_t c;
	size_t k = str_utf8_next(p, n, &c);

	*ret_used = k ? k : 1;
	if (at) {
		out[0] = '\\';
		out[1] = to[at - from];
		return 2;
	}
	if (!k)
		return put_utf8(out, 0xfffd);
	if (c < 0x20) {
		static const char hex[] = "0123456789abcdef";
		memcpy(out, "\\u00", 4);
		out[4] = hex[c >> 4];
		out[5] = hex[c & 15];
		return 6;
	}
	memcpy(out, p, k);
	return k;
}

size_t log_open_char(const char *p, size_t n)
{
	for (size_t k = 1; k <= 3 && k <= n; k++) {
		unsigned char lead = (unsigned char)p[n - k];
		size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
		if (lead >= 0x80 && lead < 0xc0)
			continue;
		return whole > k ? k : 0;
	}
	return 0;
}

struct log_entry log_parse_head(const char *p, size_t n)
{
	struct log_entry e = {0};

	if (n && *p == '{')
		return parse_object(p, n);
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
