#include "base/base.h"
#include "base/loop.h"
#include "cli/build_progress.h"

void build_progress_init(struct build_progress *p, const struct cli *c, enum build_shape shape)
{
	*p = (struct build_progress){
		.c = c, .shape = shape, .out = 1, .err = 2, .now = time_mono_ms};
	p->began = p->now();
	p->colors = isatty(shape == BUILD_SHOW_STEPS ? 1 : 2);
}

static void step_free(struct build_step_view *s)
{
	free(s->text);
	free(s->place);
	line_cutter_free(&s->cut[0]);
	line_cutter_free(&s->cut[1]);
	strv_free(&s->tail);
	free(s);
}

void build_progress_free(struct build_progress *p)
{
	for (size_t i = 0; i < p->nsteps; i++)
		if (p->steps[i])
			step_free(p->steps[i]);
	free(p->steps);
	arena_free(&p->arena);
}

void build_write(int fd, const struct str *s)
{
	if (s->len)
		(void)fd_write_all(fd, s->s, s->len);
}

void build_time_text(struct str *out, int64_t ms)
{
	if (ms < 60000)
		str_addf(out, "%" PRId64 ".%" PRId64 "s", ms / 1000, ms % 1000 / 100);
	else
		str_addf(out, "%" PRId64 "m%02" PRId64 "s", ms / 60000, ms / 1000 % 60);
}

static char *harmless(const char *s)
{
	struct str b = {0};

	line_clean(s, strlen(s), false, &b);
	return b.s ? b.s : xstrdup("");
}

struct build_step_view *build_step_of(struct build_progress *p, int number)
{
	size_t i = number > 0 ? (size_t)number : 0;

	if (i >= p->nsteps) {
		size_t n = i + 32;
		p->steps = xrealloc(p->steps, n * sizeof *p->steps);
		memset(p->steps + p->nsteps, 0, (n - p->nsteps) * sizeof *p->steps);
		p->nsteps = n;
	}
	if (!p->steps[i]) {
		p->steps[i] = xcalloc(1, sizeof **p->steps);
		p->steps[i]->number = (int)i;
		p->steps[i]->text = xstrdup("");
		p->steps[i]->place = xstrdup("");
	}
	return p->steps[i];
}

/* What the event says of the step itself. */
static struct build_step_view *meet(struct build_progress *p, const struct build_event *ev)
{
	struct build_step_view *s = build_step_of(p, ev->step);
	struct str place = {0};

	if (!*s->text && ev->text) {
		free(s->text);
		s->text = harmless(ev->text);
	}
	if (*s->place)
		return s;
	if (p->shape == BUILD_SHOW_STEPS) {
		if (ev->stage_count > 1)
			str_addf(&place, "[%d/%d] ", ev->stage_no, ev->stage_count);
		str_addf(&place, "STEP %d/%d:", ev->stage_step, ev->stage_steps);
	} else {
		bool named =
			ev->stage && (ev->stage_count > 1 || !strpbrk(ev->stage, "0123456789"));
		autofree char *stage = named ? harmless(ev->stage) : NULL;
		str_addf(&place, "[%s%s%d/%d]", stage ?: "", stage ? " " : "", ev->stage_step,
			 ev->stage_steps);
	}
	free(s->place);
	s->place = str_steal(&place);
	return s;
}

/* ---- lines of output */

struct taking {
	struct build_progress *p;
	struct build_step_view *s;
	int fd;
};

static void keep(struct build_step_view *s, const char *line)
{
	if (s->tail.n == BUILD_TAIL) {
		free(s->tail.v[0]);
		memmove(s->tail.v, s->tail.v + 1, (BUILD_TAIL - 1) * sizeof *s->tail.v);
		s->tail.v[--s->tail.n] = NULL;
	}
	strv_add(&s->tail, line);
}

/* Whose lines come now, where several are at work. */
static void switch_to(struct build_progress *p, struct build_step_view *s, struct str *out)
{
	if (p->last == s->number)
		return;
	if (p->shape == BUILD_SHOW_NUMBERED) {
		if (p->last)
			str_addc(out, '\n');
		str_addf(out, "#%d %s %s\n", s->number, s->place, s->text);
	}
	p->last = s->number;
}

static void take_line(void *arg, const char *line, size_t len)
{
	struct taking *t = arg;
	struct build_progress *p = t->p;
	scoped(str) plain = {0}, shown = {0}, b = {0};

	line_clean(line, len, false, &plain);
	keep(t->s, str_cstr(&plain));
	if (p->shape == BUILD_SHOW_NOTHING || p->shape == BUILD_SHOW_SCREEN ||
	    p->shape == BUILD_SHOW_JSON)
		return;
	line_clean(line, len, p->colors && isatty(t->fd == 1 ? p->out : p->err), &shown);
	switch_to(p, t->s, &b);
	if (p->shape == BUILD_SHOW_NUMBERED) {
		int64_t ms = p->now() - t->s->since;
		str_addf(&b, "#%d %" PRId64 ".%03" PRId64 " %s\n", t->s->number, ms / 1000,
			 ms % 1000, str_cstr(&shown));
		build_write(p->err, &b);
		return;
	}
	if (p->running > 1)
		str_addf(&b, "[%d] ", t->s->number);
	else if (line_is_structure(str_cstr(&plain)))
		str_addc(&b, ' ');
	str_addf(&b, "%s\n", str_cstr(&shown));
	build_write(t->fd == 1 ? p->out : p->err, &b);
}

static void flush_lines(struct build_progress *p, struct build_step_view *s)
{
	for (int i = 0; i < 2; i++) {
		struct taking t = {p, s, i + 1};
		lines_end(&s->cut[i], take_line, &t);
	}
}

static void output(struct build_progress *p, const struct build_event *ev)
{
	struct build_step_view *s = build_step_of(p, ev->step);
	int i = ev->fd == 2;
	struct taking t = {p, s, i + 1};
	scoped(str) b = {0};

	lines_take(&s->cut[i], ev->bytes, ev->len, take_line, &t);
	if (p->shape == BUILD_SHOW_JSON) {
		build_status_output(p, s, ev, &b);
		build_write(p->err, &b);
	}
}

/* ---- steps */

static void begin_line(struct build_progress *p, struct build_step_view *s, struct str *b)
{
	if (s->begun)
		return;
	s->begun = true;
	if (p->shape == BUILD_SHOW_STEPS)
		str_addf(b, "%s %s\n", s->place, s->text);
	else
		switch_to(p, s, b);
}

static void started(struct build_progress *p, struct build_step_view *s,
		    const struct build_event *ev)
{
	scoped(str) b = {0};
	autofree char *why = ev->why ? harmless(ev->why) : NULL;

	s->since = p->now();
	s->state = STEP_RUNS;
	p->running++;
	if (p->shape == BUILD_SHOW_STEPS || p->shape == BUILD_SHOW_NUMBERED)
		begin_line(p, s, &b);
	if (p->shape == BUILD_SHOW_STEPS && why)
		str_addf(&b, "--> not cached: %s\n", why);
	else if (p->shape == BUILD_SHOW_NUMBERED && why)
		str_addf(&b, "#%d not cached: %s\n", s->number, why);
	else if (p->shape == BUILD_SHOW_JSON)
		build_status_step(p, s, ev, &b);
	build_write(p->shape == BUILD_SHOW_STEPS ? p->out : p->err, &b);
}

static void ended_steps(struct build_progress *p, struct build_step_view *s, struct str *b)
{
	begin_line(p, s, b);
	if (s->state == STEP_CACHED) {
		str_add(b, "--> Using cache\n");
	} else if (s->state == STEP_DONE && s->ms >= 100) {
		str_add(b, "--> ");
		build_time_text(b, s->ms);
		str_addc(b, '\n');
	}
}

static void ended_numbered(struct build_progress *p, struct build_step_view *s, struct str *b)
{
	begin_line(p, s, b);
	switch_to(p, s, b);
	if (s->state == STEP_CACHED) {
		str_addf(b, "#%d CACHED\n", s->number);
	} else if (s->state == STEP_DONE) {
		str_addf(b, "#%d DONE ", s->number);
		build_time_text(b, s->ms);
		str_addc(b, '\n');
	} else {
		str_addf(b, "#%d ERROR: %s\n", s->number, s->text);
	}
}

/* Lines of cached steps stand as one, unless something else comes in between. */
static void ended_screen(struct build_progress *p, struct build_step_view *s, struct str *b)
{
	build_screen_erase(p, b);
	if (s->state == STEP_CACHED) {
		p->folded++;
		return;
	}
	if (s->state == STEP_DONE && !s->ms)
		return; /* it changed the config alone */
	build_screen_folded(p, b);
	build_screen_line(p, s, b);
}

static void ended(struct build_progress *p, struct build_step_view *s, const struct build_event *ev)
{
	scoped(str) b = {0};

	if (s->state == STEP_RUNS)
		p->running--;
	flush_lines(p, s);
	s->ms = ev->milliseconds;
	s->state = ev->kind == BUILD_DONE     ? STEP_DONE
		   : ev->kind == BUILD_CACHED ? STEP_CACHED
					      : STEP_FAILED;
	p->done += s->state != STEP_FAILED;
	p->cached += s->state == STEP_CACHED;
	if (p->shape == BUILD_SHOW_STEPS)
		ended_steps(p, s, &b);
	else if (p->shape == BUILD_SHOW_NUMBERED)
		ended_numbered(p, s, &b);
	else if (p->shape == BUILD_SHOW_JSON)
		build_status_step(p, s, ev, &b);
	else if (p->shape == BUILD_SHOW_SCREEN)
		ended_screen(p, s, &b);
	build_write(p->shape == BUILD_SHOW_STEPS ? p->out : p->err, &b);
}

/* Where it is, what it said last, and how to look around there. */
static void show_failure(struct build_progress *p, struct build_step_view *s,
			 const struct build_event *ev)
{
	scoped(str) b = {0};

	if (ev->id)
		p->failed = arena_strdup(&p->arena, ev->id);
	if (p->shape == BUILD_SHOW_JSON)
		return;
	if (p->shape == BUILD_SHOW_SCREEN)
		build_screen_erase(p, &b);
	if (s->tail.n) {
		str_addf(&b, "------\n > %s %s\n", s->place, s->text);
		for (size_t i = 0; i < s->tail.n; i++)
			str_addf(&b, "%s\n", s->tail.v[i]);
	}
	if (ev->excerpt) {
		autofree char *file = harmless(ev->file ?: "Dockerfile");
		str_addf(&b, "------\n%s:%d\n", file, ev->line);
		scoped(strv) lines = {0};
		strv_split(&lines, ev->excerpt, '\n');
		for (size_t i = 0; i < lines.n; i++) {
			if (i + 1 == lines.n && !*lines.v[i])
				break;
			line_clean(lines.v[i], strlen(lines.v[i]), false, &b);
			str_addc(&b, '\n');
		}
	}
	if (b.len)
		str_add(&b, "------\n");
	build_write(p->err, &b);
}

/* ---- what is no step */

static void say(struct build_progress *p, const char *text, bool warning)
{
	scoped(str) b = {0};
	autofree char *line = harmless(text);

	if (p->shape == BUILD_SHOW_NOTHING)
		return;
	if (p->shape == BUILD_SHOW_JSON) {
		build_status_note(p, line, warning, &b);
		build_write(p->err, &b);
		return;
	}
	if (p->shape == BUILD_SHOW_SCREEN) {
		build_screen_erase(p, &b);
		build_screen_folded(p, &b);
	}
	build_write(p->err, &b);
	str_reset(&b);
	if (warning && p->c)
		cli_warn(p->c, "%s", line);
	else
		str_addf(&b, "%s%s\n", p->shape == BUILD_SHOW_SCREEN ? " => " : "", line);
	if (p->shape == BUILD_SHOW_SCREEN)
		build_screen_draw(p, &b);
	build_write(p->err, &b);
}

void build_progress_note(struct build_progress *p, const char *text)
{
	say(p, text, false);
}

static void redraw(struct build_progress *p)
{
	scoped(str) b = {0};

	if (p->shape != BUILD_SHOW_SCREEN)
		return;
	build_screen_erase(p, &b);
	build_screen_draw(p, &b);
	build_write(p->err, &b);
}

void build_progress_event(void *arg, const struct build_event *ev)
{
	struct build_progress *p = arg;
	struct build_step_view *s = NULL;

	if (ev->n > p->total)
		p->total = ev->n;
	if (ev->step > 0)
		s = meet(p, ev);
	switch (ev->kind) {
	case BUILD_START:
		if (s)
			started(p, s, ev);
		break;
	case BUILD_OUTPUT:
		if (s)
			output(p, ev);
		return; /* drawn with the next tick */
	case BUILD_CACHED:
	case BUILD_DONE:
		if (s)
			ended(p, s, ev);
		break;
	case BUILD_FAILED:
		if (s) {
			ended(p, s, ev);
			show_failure(p, s, ev);
		}
		return;
	case BUILD_WAITS:
		say(p, "another build is at this step: waiting for it", false);
		break;
	case BUILD_NOTE:
	case BUILD_WARNING:
		say(p, ev->text ?: "", ev->kind == BUILD_WARNING);
		break;
	case BUILD_PLAN:
	case BUILD_TICK:
		break;
	}
	redraw(p);
}

void build_progress_end(struct build_progress *p, bool ok)
{
	scoped(str) b = {0};
	int64_t ms = p->now() - p->began;

	if (p->shape != BUILD_SHOW_SCREEN)
		return;
	build_screen_erase(p, &b);
	build_screen_folded(p, &b);
	if (ok) {
		str_addf(&b, "Built %d steps, %d cached, in ", p->done, p->cached);
		build_time_text(&b, ms);
		str_addc(&b, '\n');
	}
	build_write(p->err, &b);
}
