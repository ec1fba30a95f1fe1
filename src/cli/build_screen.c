/*
 * How the screen is drawn: lines that remain are written once, above; below them stand a headline and the steps at work, which are erased and written anew with
 * each event and tick. No line is as wide as the window, and together they are fewer than it has, so that the cursor goes up to where the first began; a window
 * that has become narrower has broken them, which is counted. Nothing is changed at the terminal that would have to be changed back.
 */
#include "base/base.h"
#include "cli/build_progress.h"
#include "sys/tty.h"

enum { STEP_LINES = 4 /* last lines of a step at work */, NARROW = 20 };

static void ask_size(struct build_progress *p)
{
	struct winsize ws = {.ws_row = 24, .ws_col = 80};

	if (p->fixed_size)
		return;
	tty_size(p->err, &ws);
	p->columns = ws.ws_col ? ws.ws_col : 80;
	p->rows = ws.ws_row ? ws.ws_row : 24;
}

void build_screen_erase(struct build_progress *p, struct str *out)
{
	unsigned up = 0;

	ask_size(p);
	for (unsigned i = 0; i < p->drawn; i++)
		up += p->columns && p->widths[i] > p->columns
			      ? (p->widths[i] + p->columns - 1) / p->columns
			      : 1;
	if (up)
		str_addf(out, "\r\033[%uA\033[J", up);
	p->drawn = 0;
}

/* Text on the left, cut, and time on the right, at most width columns. */
static void add_row(struct str *out, const char *left, const char *right, unsigned width)
{
	size_t wide = strlen(right), room = width > wide + 1 ? width - wide - 1 : 0;
	size_t n = line_fit(left, room), used = str_columns(left, n);

	str_addn(out, left, n);
	for (; used < room + 1 && wide; used++)
		str_addc(out, ' ');
	str_add(out, right);
}

void build_screen_line(struct build_progress *p, const struct build_step_view *s, struct str *out)
{
	scoped(str) left = {0}, right = {0};
	const char *word = s->state == STEP_FAILED ? "ERROR" : "";

	str_addf(&left, " => %s%s%s %s", word, *word ? " " : "", s->place, s->text);
	build_time_text(&right, s->ms);
	ask_size(p);
	add_row(out, str_cstr(&left), str_cstr(&right),
		p->columns > NARROW ? p->columns - 1 : NARROW);
	str_addc(out, '\n');
}

void build_screen_folded(struct build_progress *p, struct str *out)
{
	if (p->folded)
		str_addf(out, " => %d step%s cached\n", p->folded, p->folded > 1 ? "s" : "");
	p->folded = 0;
}

static void add_drawn(struct build_progress *p, struct str *out, const char *left,
		      const char *right)
{
	size_t before = out->len;

	add_row(out, left, right, p->columns - 1);
	p->widths[p->drawn++] = (unsigned short)str_columns(out->s + before, out->len - before);
	str_addc(out, '\n');
}

static void draw_step(struct build_progress *p, const struct build_step_view *s, unsigned lines,
		      struct str *out)
{
	scoped(str) left = {0}, right = {0};

	str_addf(&left, " => %s %s", s->place, s->text);
	build_time_text(&right, p->now() - s->since);
	add_drawn(p, out, str_cstr(&left), str_cstr(&right));
	for (size_t i = s->tail.n > lines ? s->tail.n - lines : 0; i < s->tail.n; i++) {
		str_reset(&left);
		str_add(&left, "    ");
		for (const char *c = s->tail.v[i]; *c; c++)
			str_addc(&left, *c == '\t' ? ' ' : *c);
		add_drawn(p, out, str_cstr(&left), "");
	}
}

void build_screen_draw(struct build_progress *p, struct str *out)
{
	scoped(str) left = {0}, right = {0};
	unsigned most = countof(p->widths), lines, shown = 0;

	ask_size(p);
	if (p->rows < 3 || p->columns < NARROW)
		return;
	if (p->rows - 1 < most)
		most = p->rows - 1;
	str_addf(&left, "Building: %d of %d steps", p->done, p->total);
	if (p->cached)
		str_addf(&left, ", %d cached", p->cached);
	build_time_text(&right, p->now() - p->began);
	add_drawn(p, out, str_cstr(&left), str_cstr(&right));
	lines = p->running > 0 ? (most - 1) / (unsigned)p->running : 0;
	lines = lines > STEP_LINES + 1 ? STEP_LINES : lines ? lines - 1 : 0;
	for (size_t i = 0; i < p->nsteps && p->drawn + 1 + lines <= most; i++) {
		const struct build_step_view *s = p->steps[i];
		if (!s || s->state != STEP_RUNS)
			continue;
		draw_step(p, s, lines, out);
		shown++;
	}
	if ((int)shown < p->running && p->drawn < most) {
		str_reset(&left);
		str_addf(&left, "    and %d more", p->running - (int)shown);
		add_drawn(p, out, str_cstr(&left), "");
	}
}
