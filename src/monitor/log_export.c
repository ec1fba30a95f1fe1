#include <endian.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/log_export.h"

enum { FIELD_MAX = 1 << 20 };

void log_export_free(struct log_export *r)
{
	str_free(&r->text);
	str_free(&r->message);
}

static int end_entry(struct log_export *r)
{
	bool err = r->is_stderr;
	char when[40] = "";
	int rc = 0;

	if (r->us > 0)
		time_rfc3339(when, sizeof when,
			     (struct timespec){r->us / 1000000, r->us % 1000000 * 1000});
	if (r->has_message && !r->midline[err] && r->sink.line)
		rc = r->sink.line(r->sink.arg, err, when);
	if (rc == 0 && r->has_message && !r->partial)
		str_addc(&r->message, '\n');
	if (rc == 0 && r->message.len)
		rc = r->sink.text(r->sink.arg, err, r->message.s, r->message.len);
	if (r->has_message)
		r->midline[err] = r->partial;
	str_reset(&r->message);
	r->has_message = r->is_stderr = r->partial = false;
	r->us = 0;
	return rc;
}

static bool is_name(const char *name, size_t n, const char *want)
{
	return n == strlen(want) && !memcmp(name, want, n);
}

static void take_field(struct log_export *r, const char *name, size_t k, const char *value,
		       size_t n)
{
	char number[24];
	int64_t us;

	if (is_name(name, k, "MESSAGE")) {
		str_reset(&r->message);
		str_addn(&r->message, value, n);
		r->has_message = true;
	} else if (is_name(name, k, "PRIORITY")) {
		r->is_stderr = n == 1 && *value == '3';
	} else if (is_name(name, k, "CONTAINER_PARTIAL_MESSAGE")) {
		r->partial = true;
	} else if (is_name(name, k, "__REALTIME_TIMESTAMP") && n < sizeof number) {
		memcpy(number, value, n);
		number[n] = 0;
		if (parse_i64(number, 1, INT64_MAX / 2000, &us) == 0)
			r->us = us;
	}
}

/* A field whose value is told by its length stands behind a line with its name. Returns the bytes that it takes; 0: they are not all there. */
static ssize_t take_binary(struct log_export *r, const char *p, size_t n, size_t name)
{
	uint64_t len;

	if (n < name + 1 + sizeof len)
		return 0;
	memcpy(&len, p + name + 1, sizeof len);
	len = le64toh(len);
	if (len > FIELD_MAX)
		return -EMSGSIZE;
	size_t whole = name + 1 + sizeof len + (size_t)len + 1;
	if (n < whole)
		return 0;
	take_field(r, p, name, p + name + 1 + sizeof len, (size_t)len);
	return (ssize_t)whole;
}

/* One line, or one field of several. */
static ssize_t take_line(struct log_export *r, const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	size_t k = nl ? (size_t)(nl - p) : 0;

	if (!nl)
		return n > FIELD_MAX ? -EMSGSIZE : 0;
	const char *eq = memchr(p, '=', k);
	if (!k) {
		int rc = end_entry(r);
		return rc < 0 ? rc : 1;
	}
	if (!eq)
		return take_binary(r, p, n, k);
	take_field(r, p, (size_t)(eq - p), eq + 1, k - (size_t)(eq - p) - 1);
	return (ssize_t)k + 1;
}

int log_export_feed(struct log_export *r, const char *p, size_t n)
{
	size_t at = 0;
	ssize_t k = 0;

	str_addn(&r->text, p, n);
	while (at < r->text.len && (k = take_line(r, r->text.s + at, r->text.len - at)) > 0)
		at += (size_t)k;
	if (k < 0)
		return (int)k;
	if (at)
		memmove(r->text.s, r->text.s + at, r->text.len - at);
	r->text.len -= at;
	return 0;
}
