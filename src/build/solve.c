#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/loop.h"
#include "base/task.h"
#include "build/config.h"
#include "build/explain.h"
#include "build/finish.h"
#include "build/solve.h"

enum { CHUNK = 16 << 10, MAX_JOBS = 64 };

struct solver {
	struct build *b;
	struct step *running[MAX_JOBS];
	size_t n;
	struct task hold;   /* keeps the user namespace of the steps: step_hold() */
	int ep;		    /* the outputs of all that runs */
	struct step *spoke; /* whose output came last */
};

static void tell_step(struct solver *sv, struct step *j, struct build_event ev)
{
	struct stage *s = j->stage;

	ev.step = j->number;
	ev.n = sv->b->steps;
	ev.stage = s->title;
	ev.stage_step = (int)s->next + 2;
	ev.stage_steps = (int)s->instrs.n + 1;
	ev.text = j->i->text;
	ev.file = sv->b->file.name;
	ev.line = j->i->line;
	ev.stage_count = (int)sv->b->nstages;
	for (size_t i = 0; i < sv->b->nstages; i++)
		ev.stage_no += sv->b->stages[i]->index < s->index ||
			       (sv->b->stages[i]->index == s->index &&
				sv->b->stages[i]->target <= s->target);
	if (sv->b->o->tell)
		sv->b->o->tell(sv->b->o->arg, &ev);
}

static int at_line(const struct stage *s, const struct df_instr *i, struct err *e)
{
	if (s->next < s->triggers)
		err_context(e, "ONBUILD of %s", s->st->base);
	return err_context(e, "%s:%d", s->b->file.name, i->line);
}

/* ---- what a step came to */

static void take_layer(struct stage *s, const struct df_instr *i, const char *diffid,
		       int64_t tar_size)
{
	struct arena *a = s->b->a;
	struct oci_descriptor *d;

	if (diffid) {
		d = bind_append(a, &s->blobs, sizeof *d);
		strs_add(a, &s->layers, diffid);
		*d = image_plain_layer(s->b->o->docker_format, s->layers.v[s->layers.n - 1],
				       tar_size);
	}
	finish_history(s, i, !diffid);
	s->next++;
}

static void end_step(struct solver *sv, struct step *j)
{
	char hex[DIGEST_STR];
	const char *key = digest_hex(digest_str(&j->key, hex));

	strs_add(sv->b->a, &j->stage->keys, key);
	strs_add(sv->b->a, &sv->b->keys, key);
	if (sv->spoke == j)
		sv->spoke = NULL;
	explain_add(j->stage->explain, j);
	j->stage->step = NULL;
	job_free(j);
}

/* --cache-ttl. What does not say when it was made is old. */
static bool too_old(const struct build *b, const struct build_cache_record *rec)
{
	struct timespec made;

	if (!b->o->cache_ttl)
		return false;
	if (!rec->created || parse_rfc3339(rec->created, &made) < 0)
		return true;
	return (int64_t)time_now().tv_sec - (int64_t)made.tv_sec > b->o->cache_ttl;
}

static bool try_cache(struct solver *sv, struct step *j)
{
	struct stage *s = j->stage;
	struct build_cache_record rec;

	if (s->no_cache || build_cache_find(s->b->h, &j->key, &j->a, &rec) < 0 ||
	    too_old(s->b, &rec))
		return false;
	sv->b->cached++;
	tell_step(sv, j,
		  (struct build_event){.kind = BUILD_CACHED, .milliseconds = rec.milliseconds});
	take_layer(s, j->i, rec.layer, rec.tar_size);
	return true;
}

/* ---- children and their output */

static int start(struct solver *sv, struct step *j, struct err *e)
{
	struct stage *s = j->stage;
	int out[2] = {-1, -1}, err[2] = {-1, -1};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = j};

	j->why = explain_miss(s->explain, j);
	if (!j->why)
		j->why = "";
	j->shared = mmap(NULL, sizeof *j->shared, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (j->shared == MAP_FAILED)
		return j->shared = NULL, err_set(e, errno, "share memory");
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
		int r = err_set(e, errno, "make pipes");
		fd_close(&out[0]), fd_close(&out[1]);
		return r;
	}
	j->out[0] = out[0];
	j->out[1] = err[0];
	j->run.out = out[1];
	j->run.err = err[1];
	for (int i = 0; i < 2; i++) {
		fcntl(j->out[i], F_SETFL, O_NONBLOCK);
		epoll_ctl(sv->ep, EPOLL_CTL_ADD, j->out[i], &ev);
	}
	int r = sv->hold.pid ? 0 : u0_start(s->b->h, step_hold, NULL, &sv->hold, e);
	tell_step(sv, j, (struct build_event){.kind = BUILD_START, .why = *j->why ? j->why : NULL});
	if (r == 0)
		r = task_start(&j->task, job_work, j, e);
	close(out[1]);
	close(err[1]);
	if (r == 0) {
		sv->running[sv->n++] = j;
		s->state = STAGE_WORKS;
	}
	return r;
}

/* What has come of it, a piece of each stream: false if there was nothing. */
static bool drain(struct solver *sv, struct step *j)
{
	char buf[CHUNK];
	bool some = false;

	for (int i = 0; i < 2; i++) {
		ssize_t n = j->out[i] < 0 ? -1 : read(j->out[i], buf, sizeof buf);
		if (n < 0)
			continue;
		some |= n > 0;
		if (n == 0) {
			epoll_ctl(sv->ep, EPOLL_CTL_DEL, j->out[i], NULL);
			fd_close(&j->out[i]);
			continue;
		}
		tell_step(sv, j,
			  (struct build_event){.kind = BUILD_OUTPUT,
					       .fd = i + 1,
					       .bytes = buf,
					       .len = (size_t)n,
					       .first = sv->spoke != j});
		sv->spoke = j;
	}
	return some;
}

static void drain_ready(struct solver *sv)
{
	struct epoll_event ev[MAX_JOBS];
	int n = epoll_wait(sv->ep, ev, MAX_JOBS, 0);

	for (int i = 0; i < n; i++)
		drain(sv, ev[i].data.ptr);
}

static int ended(struct solver *sv, struct step *j, struct err *e)
{
	struct stage *s = j->stage;
	const struct job_shared *sh = j->shared;
	const struct step_result *res = &sh->result;
	char diffid[DIGEST_STR];

	while (drain(sv, j))
		;
	/* Children have copies of the pipes: closing them would not end the watching. */
	for (int i = 0; i < 2; i++)
		if (j->out[i] >= 0)
			epoll_ctl(sv->ep, EPOLL_CTL_DEL, j->out[i], NULL);
	s->state = STAGE_READY;
	if (sh->r < 0) {
		scoped(str) lines = {0};
		*e = sh->err;
		dockerfile_excerpt(&sv->b->file, j->i->line, j->i->last_line, &lines);
		tell_step(sv, j,
			  (struct build_event){.kind = BUILD_FAILED,
					       .id = finish_state(s),
					       .excerpt = str_cstr(&lines),
					       .milliseconds = sh->ms});
		return at_line(s, j->i, e);
	}
	sv->b->cached += sh->found;
	tell_step(sv, j,
		  (struct build_event){.kind = sh->found ? BUILD_CACHED : BUILD_DONE,
				       .milliseconds = sh->ms});
	take_layer(s, j->i, res->empty ? NULL : digest_str(&res->layer.diffid, diffid),
		   (int64_t)res->layer.tar_size);
	end_step(sv, j);
	return 0;
}

/* ---- a stage */

/* An instruction that changes the config alone. */
static int config_only(struct solver *sv, struct stage *s, const struct df_instr *i, struct err *e)
{
	struct step j = {.stage = s, .i = i, .number = ++sv->b->counted};

	int r = build_config_apply(&s->doc, i, &s->scope, e);
	if (r < 0)
		return at_line(s, i, e);
	tell_step(sv, &j, (struct build_event){.kind = BUILD_START});
	tell_step(sv, &j, (struct build_event){.kind = BUILD_DONE});
	finish_history(s, i, true);
	s->next++;
	return 0;
}

/* Does it read what a step would have to make first? */
static bool from_missed(const struct step *j)
{
	const struct build *b = j->stage->b;
	const struct run_mount *m = j->run.mounts.v;

	for (size_t i = 0; i < b->nstages; i++) {
		const struct stage *o = b->stages[i];
		if (!o->missed)
			continue;
		if (j->copy.from.layers == &o->layers)
			return true;
		for (size_t k = 0; k < j->run.mounts.n; k++)
			if (m[k].from.layers == &o->layers)
				return true;
	}
	return false;
}

/* --dry-run: what would be done, and why. Behind a step that would have to work nothing is known of those that follow. */
static void only_tell(struct solver *sv, struct stage *s, const struct df_instr *i)
{
	struct step *j = s->step, none = {.stage = s, .i = i};
	const char *why = "an earlier step would give something else";

	if (j)
		why = explain_miss(s->explain, j);
	else
		none.number = ++sv->b->counted;
	tell_step(sv, j ? j : &none, (struct build_event){.kind = BUILD_START, .why = why});
	if (j)
		end_step(sv, j);
	s->missed = true;
	s->next++;
}

/* Goes on as far as it can. *ret_moved: something was done. */
static int advance(struct solver *sv, struct stage *s, bool *ret_moved, struct err *e)
{
	const struct df_instr *v = s->instrs.v;

	while (s->next < s->instrs.n) {
		const struct df_instr *i = &v[s->next];
		struct stage *wait = NULL;
		int r = 0;
		if (build_config_only(i->kind)) {
			r = config_only(sv, s, i, e);
			if (r < 0)
				return r;
			*ret_moved = true;
			continue;
		}
		if (!s->step) {
			if (i->kind == DF_WORKDIR)
				r = build_config_apply(&s->doc, i, &s->scope, e);
			if (r == 0 && s->missed && s->b->o->dry) {
				only_tell(sv, s, i);
				continue;
			}
			if (r == 0)
				r = job_make(s, &s->step, &wait, e);
			if (r < 0)
				return at_line(s, i, e);
			if (wait)
				return 0;
			s->step->number = ++sv->b->counted;
			*ret_moved = true;
			if (!(s->b->o->dry && from_missed(s->step)) && try_cache(sv, s->step)) {
				end_step(sv, s->step);
				continue;
			}
			if (s->b->o->dry) {
				only_tell(sv, s, i);
				continue;
			}
		}
		if ((int)sv->n >= sv->b->jobs)
			return 0;
		*ret_moved = true;
		return start(sv, s->step, e);
	}
	s->state = STAGE_DONE;
	if (!s->b->o->dry)
		explain_save(s->explain);
	*ret_moved = true;
	return 0;
}

static int begin(struct solver *sv, struct stage *s, struct err *e)
{
	const struct df_instr *from = (const struct df_instr *)s->b->file.instrs.v + s->st->from;
	struct step j = {.stage = s, .i = from};
	int r = 0;

	const char *after = df_flag(from, "after");
	size_t other = after ? build_stage_find(s->b, after, s->index) : SIZE_MAX;
	if (other != SIZE_MAX && build_stage(s->b, other, s->target)->state != STAGE_DONE)
		return 0;
	if (s->state == STAGE_NEW)
		r = stage_begin(s, e);
	if (r == 0 && s->state == STAGE_BELOW) {
		if (s->base->state != STAGE_DONE)
			return 0;
		r = stage_inherit(s, e);
	}
	if (r < 0)
		return r;
	j.number = ++sv->b->counted;
	s->next = (size_t)-1; /* FROM is the first */
	tell_step(sv, &j, (struct build_event){.kind = BUILD_START});
	tell_step(sv, &j, (struct build_event){.kind = BUILD_DONE});
	s->next = 0;
	s->explain = explain_open(s);
	return 1;
}

/* One round through all stages. */
static int round_of_all(struct solver *sv, bool *ret_moved, struct err *e)
{
	struct build *b = sv->b;

	*ret_moved = false;
	for (size_t i = 0; i < b->nstages; i++) {
		struct stage *s = b->stages[i];
		int r = 0;
		if (s->state == STAGE_NEW || s->state == STAGE_BELOW) {
			r = begin(sv, s, e);
			*ret_moved |= r > 0;
		}
		if (r >= 0 && s->state == STAGE_READY)
			r = advance(sv, s, ret_moved, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool all_done(struct stage *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i]->state != STAGE_DONE)
			return false;
	return true;
}

static void tick(void *arg)
{
	struct solver *sv = arg;
	static const struct build_event ev = {.kind = BUILD_TICK, .step = -1};

	for (size_t i = 0; i < sv->n; i++)
		if (sv->running[i]->shared->waits == 1) {
			sv->running[i]->shared->waits = 2;
			tell_step(sv, sv->running[i], (struct build_event){.kind = BUILD_WAITS});
		}
	if (sv->b->o->tell)
		sv->b->o->tell(sv->b->o->arg, &ev);
}

/* Waits until a child has ended, showing what they say meanwhile. */
static int await_one(struct solver *sv, int sigfd, struct err *e)
{
	const struct task_wait w = {
		.until = sv->ep, .sigfd = sigfd, .every = 100, .tick = tick, .arg = sv};
	struct task tasks[MAX_JOBS];
	size_t done;

	for (;;) {
		for (size_t i = 0; i < sv->n; i++)
			tasks[i] = sv->running[i]->task;
		int r = task_wait(tasks, sv->n, &w, &done, e);
		for (size_t i = 0; i < sv->n; i++)
			sv->running[i]->task = tasks[i];
		if (r < 0)
			return r;
		if (done == sv->n) {
			drain_ready(sv);
			continue;
		}
		struct step *j = sv->running[done];
		sv->running[done] = sv->running[--sv->n];
		return ended(sv, j, e);
	}
}

int solve(struct build *b, struct stage *const *targets, size_t n, struct err *e)
{
	struct solver sv = {.b = b, .hold = TASK_NONE, .ep = epoll_create1(EPOLL_CLOEXEC)};
	scoped(task_signals) sig;
	bool moved;
	int r = 0;

	task_signals_hold(&sig);
	if (b->jobs > MAX_JOBS)
		b->jobs = MAX_JOBS;
	/* Stages that the target does not need are in the list only if they were asked for. */
	while (r == 0 &&
	       !(b->o->skip_unused ? all_done(targets, n) : all_done(b->stages, b->nstages))) {
		r = round_of_all(&sv, &moved, e);
		if (r == 0 && !moved && !sv.n)
			r = err_fail(e, ERR_DOCKERFILE,
				     "%s: its stages wait for one another in a circle",
				     b->file.name);
		if (r == 0 && !moved)
			r = await_one(&sv, sig.fd, e);
	}
	for (size_t i = 0; i < b->nstages; i++) {
		if (b->stages[i]->step)
			job_free(b->stages[i]->step);
		explain_free(b->stages[i]->explain);
		b->stages[i]->explain = NULL;
	}
	task_kill(&sv.hold);
	fd_close(&sv.ep);
	return r;
}
