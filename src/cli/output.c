#include "base/base.h"
#include "cli/output.h"
#include "sys/tty.h"

enum { LARGE = 32 * 1024 };

void out_init(struct out *o, int fd)
{
	*o = (struct out){.fd = fd};
}

void out_free(struct out *o)
{
	str_free(&o->buf);
}

static void drain(struct out *o)
{
	if (o->buf.len && !o->failed) {
		int r = fd_write_all(o->fd, o->buf.s, o->buf.len);
		if (r < 0)
			o->failed = -r;
	}
	str_reset(&o->buf);
}

void out_bytes(struct out *o, const void *p, size_t n)
{
	str_addn(&o->buf, p, n);
	if (o->buf.len >= LARGE)
		drain(o);
}

void out_text(struct out *o, const char *s)
{
	out_bytes(o, s, strlen(s));
}

void out_escaped(struct out *o, const char *s)
{
	str_add_escaped(&o->buf, s, strlen(s));
	if (o->buf.len >= LARGE)
		drain(o);
}

void out_printf(struct out *o, const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		s = NULL;
	else
		out_bytes(o, s, (size_t)n);
}

int out_flush(struct out *o, struct err *e)
{
	drain(o);
	if (!o->failed)
		return 0;
	if (o->failed == EPIPE) {
		*e = (struct err){.code = EPIPE, .exit = 128 + 13};
		return -EPIPE;
	}
	err_set(e, o->failed, "write to standard output");
	return o->failed == ENOSPC
		       ? err_hint(e, "the output was redirected to something that is full")
		       : -o->failed;
}

/* "hoy: KIND: TEXT": one line, for whoever reads it with a program; on a terminal that is too narrow it is broken between words. */
static void add_line(struct str *b, const char *kind, const char *text, const char *behind)
{
	enum { INDENT = 4 };
	scoped(str) line = {0}, wrapped = {0};
	struct winsize ws;

	str_addf(&line, "hoy: %s: ", kind);
	str_add_escaped(&line, text, strlen(text));
	str_add(&line, behind);
	if (!tty_size(2, &ws) || !ws.ws_col || output_columns(str_cstr(&line)) <= ws.ws_col) {
		str_addn(b, line.s, line.len);
		str_addc(b, '\n');
		return;
	}
	output_wrap(&wrapped, str_cstr(&line), INDENT, ws.ws_col);
	str_add(b, wrapped.s + INDENT);
}

void output_line(const char *kind, const char *text)
{
	scoped(str) b = {0};

	add_line(&b, kind, text, "");
	(void)fd_write_all(2, b.s, b.len);
}

enum { HINT_INDENT = 8, HINT_WIDTH = 110 };

void output_error(const struct err *e)
{
	scoped(str) b = {0}, hint = {0}, wrapped = {0};
	char id[64];

	if (!e->msg[0])
		return;
	snprintf(id, sizeof id, " (%s)", err_id_name(e->id));
	add_line(&b, "error", e->msg, id);
	str_add(&b, "  hint: ");
	if (e->hint[0])
		str_add_escaped(&hint, e->hint, strlen(e->hint));
	else
		str_addf(&hint, "hoy help %s explains this error", err_id_name(e->id));
	output_wrap(&wrapped, str_cstr(&hint), HINT_INDENT, HINT_WIDTH);
	str_add(&b, wrapped.s + HINT_INDENT);
	(void)fd_write_all(2, b.s, b.len);
}

/* One paragraph or one kept line; returns what follows it. */
static const char *wrap_line(struct str *out, const char *s, size_t indent, size_t width)
{
	size_t col = 0;

	while (*s && *s != '\n') {
		size_t n = strcspn(s, " \n");
		scoped(str) word = {0};
		str_addn(&word, s, n);
		size_t w = output_columns(str_cstr(&word));
		if (col && col + 1 + w > width) {
			str_addc(out, '\n');
			col = 0;
		}
		if (!col) {
			str_addf(out, "%*s", (int)indent, "");
			col = indent;
		} else {
			str_addc(out, ' ');
			col++;
		}
		str_addn(out, s, n);
		col += w;
		s += n;
		s += strspn(s, " ");
		if (*s == '\n' && s[1] && s[1] != '\n' && s[1] != ' ')
			s++; /* a line break inside a paragraph is a blank */
	}
	str_addc(out, '\n');
	return *s ? s + 1 : s;
}

void output_wrap(struct str *out, const char *s, size_t indent, size_t width)
{
	while (*s) {
		if (*s == '\n') {
			str_addc(out, '\n');
			s++;
		} else if (*s == ' ') {
			size_t n = strcspn(s, "\n");
			str_addf(out, "%*s%.*s\n", (int)indent, "", (int)n, s);
			s += n + (s[n] == '\n');
		} else {
			s = wrap_line(out, s, indent, width);
		}
	}
}

size_t output_columns(const char *s)
{
	return str_columns(s, strlen(s));
}
