#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "cli/progress.h"
#include "sys/tty.h"

enum { EVERY_MS = 100, NARROW = 50, BAR_MIN = 10, BAR_MAX = 40 };

/* How far a layer is: fetching and unpacking go on at once, and the slower of both counts. */
static uint64_t done_of(const struct board_layer *l)
{
	if (l->stage == BOARD_DONE || l->stage == BOARD_THERE)
		return l->size;
	return l->progress.taken < l->size ? l->progress.taken : l->size;
}

static const char *word_of(const struct board_layer *l, const struct board *b)
{
	if (b->saves)
		return l->stage == BOARD_WORKS ? "writing" : "waiting";
	if (b->sends) {
		if (l->stage != BOARD_WORKS)
			return "waiting";
		return l->arrived < l->size	     ? "sending"
		       : l->progress.taken < l->size ? "packing"
						     : "finishing";
	}
	if (l->stage == BOARD_ELSEWHERE || l->progress.waiting)
		return "elsewhere";
	if (l->arrived < l->size)
		return l->arrived || l->stage == BOARD_WORKS ? "fetching" : "waiting";
	return l->stage == BOARD_WORKS ? "unpacking" : "waiting";
}

static void add_bar(struct str *out, uint64_t part, uint64_t whole, unsigned width)
{
	unsigned full = whole ? (unsigned)((double)part / (double)whole * width) : 0;

	str_addc(out, '[');
	for (unsigned i = 0; i < width; i++)
		str_addc(out, i < full ? '=' : i == full ? '>' : ' ');
	str_addc(out, ']');
}

/* One line, at most columns wide, without the newline. */
static void add_line(struct str *out, const struct board_layer *l, const struct board *b,
		     unsigned columns)
{
	scoped(str) s = {0}, size = {0};
	uint64_t part = l->arrived < l->size ? l->arrived : done_of(l);
	unsigned percent = l->size ? (unsigned)((double)part * 100 / (double)l->size) : 0;

	size_human(&size, l->size);
	if (columns < NARROW) {
		str_addf(&s, "%s %3u%%", l->name, percent);
	} else {
		unsigned room = columns - 12 - 1 - 9 - 1 - 2 - 1 - 9;
		str_addf(&s, "%s %-9s ", l->name, word_of(l, b));
		add_bar(&s, part, l->size, room > BAR_MAX ? BAR_MAX : room);
		str_addf(&s, " %s", str_cstr(&size));
	}
	str_addn(out, str_cstr(&s), s.len < columns ? s.len : columns);
}

static void add_total(struct str *out, const struct board *b, unsigned columns)
{
	scoped(str) s = {0};
	uint64_t part = 0, whole = 0;
	unsigned done = 0, there = 0;

	for (unsigned i = 0; i < b->n; i++) {
		there += b->v[i].stage == BOARD_THERE;
		done += b->v[i].stage == BOARD_DONE;
		if (b->v[i].stage == BOARD_THERE)
			continue;
		whole += b->v[i].size;
		part += done_of(&b->v[i]);
	}
	str_addf(&s, "%u of %u layers, ", done, b->n - there);
	size_human(&s, part);
	str_add(&s, " of ");
	size_human(&s, whole);
	if (there)
		str_addf(&s, " (%u %s already)", there, b->sends ? "there" : "here");
	str_addn(out, str_cstr(&s), s.len < columns ? s.len : columns);
}

static bool is_shown(const struct board_layer *l)
{
	return l->stage != BOARD_DONE && l->stage != BOARD_THERE;
}

/* Layers that something happens to come before those that wait. */
static bool is_busy(const struct board_layer *l)
{
	return l->stage == BOARD_WORKS || (l->arrived && l->arrived < l->size);
}

unsigned progress_lines(const struct board *b, unsigned columns, unsigned rows, struct str *out,
			unsigned short *ret_widths)
{
	unsigned n = 0, most = rows > PROGRESS_LINES ? PROGRESS_LINES : rows, width = columns;

	if (rows < 2 || columns < 8)
		return 0;
	width = columns - 1; /* the last column makes some terminals begin a new line */
	for (int busy = 1; busy >= 0; busy--) {
		for (unsigned i = 0; i < b->n && n + 2 < most; i++) {
			size_t before = out->len;
			if (!is_shown(&b->v[i]) || is_busy(&b->v[i]) != (busy == 1))
				continue;
			add_line(out, &b->v[i], b, width);
			ret_widths[n++] = (unsigned short)(out->len - before);
			str_addc(out, '\n');
		}
	}
	size_t before = out->len;
	add_total(out, b, width);
	ret_widths[n++] = (unsigned short)(out->len - before);
	str_addc(out, '\n');
	return n;
}

/* Back to where the first line was drawn. A window that became narrower has broken long lines. */
static void add_erase(struct str *out, struct progress *p, unsigned columns)
{
	unsigned up = 0;

	for (unsigned i = 0; i < p->drawn; i++)
		up += columns && p->widths[i] > columns ? (p->widths[i] + columns - 1) / columns
							: 1;
	if (up)
		str_addf(out, "\r\033[%uA\033[J", up);
	p->drawn = 0;
}

static void count(struct progress *p, const struct board *b)
{
	p->bytes = p->layers = 0;
	for (unsigned i = 0; i < b->n; i++) {
		if (b->v[i].stage != BOARD_DONE)
			continue;
		p->bytes += b->v[i].size;
		p->layers++;
	}
}

static void show(void *arg, const struct board *b, bool last)
{
	struct progress *p = arg;
	struct winsize ws = {.ws_row = 24, .ws_col = 80};
	scoped(str) out = {0};

	if (last)
		count(p, b);
	if (!p->terminal)
		return;
	tty_size(2, &ws);
	add_erase(&out, p, ws.ws_col);
	if (!last && b->n)
		p->drawn = progress_lines(b, ws.ws_col, ws.ws_row, &out, p->widths);
	if (out.len)
		(void)fd_write_all(2, out.s, out.len);
}

void progress_draw(struct progress *p, const struct board *b)
{
	show(p, b, false);
}

void progress_clear(struct progress *p)
{
	static const struct board empty;

	show(p, &empty, true);
}

void progress_one(struct progress *p, const struct board *b, int64_t ms, const char *verb,
		  const char *name)
{
	show(p, b, true);
	p->since = time_mono_ms() - ms;
	progress_end(p, verb, name);
}

void progress_init(struct progress *p, const struct cli *c, bool quiet)
{
	const char *term = getenv("TERM");

	*p = (struct progress){.quiet = quiet || !c->progress || !strcmp(c->level, "warn") ||
					!strcmp(c->level, "error")};
	p->terminal = !p->quiet && isatty(2) && !str_is_empty(term) && strcmp(term, "dumb") != 0;
	p->since = time_mono_ms();
}

struct board_watch progress_watch(struct progress *p)
{
	return (struct board_watch){p->quiet ? NULL : show, p, p->terminal ? EVERY_MS : 1000};
}

static void say(const char *verb, const char *name, const char *rest)
{
	scoped(str) s = {0};

	str_addf(&s, "%s ", verb);
	str_add_escaped(&s, name, strlen(name));
	str_addf(&s, "%s\n", rest);
	(void)fd_write_all(2, s.s, s.len);
}

void progress_begin(struct progress *p, const char *verb, const char *name)
{
	p->since = time_mono_ms();
	p->bytes = p->layers = 0;
	if (!p->quiet && !p->terminal)
		say(verb, name, "");
}

void progress_end(struct progress *p, const char *verb, const char *name)
{
	scoped(str) rest = {0};
	int64_t ms = time_mono_ms() - p->since;

	if (p->quiet)
		return;
	if (p->layers) {
		str_addf(&rest, ": %u layer%s, ", p->layers, p->layers == 1 ? "" : "s");
		size_human(&rest, p->bytes);
		str_addf(&rest, ", %" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	}
	say(verb, name, str_cstr(&rest));
}
