#include <signal.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/task.h"
#include "engine/pull_many.h"
#include "registry/endpoints.h"

/* What a process that pulls tells us, in shared memory; it is read when it has ended, but for began. */
struct result {
	struct image_pulled pulled;
	struct err why;
	char warning[1024];
	char name[sizeof((struct image_pulled *)0)->name];
	int began; /* name is there */
};

struct one {
	struct result *result; /* shared */
	struct board *board;   /* shared */
	const char *text;
	int64_t since, ms;
	bool started, told, ended;
};

struct many {
	const struct home *h;
	const struct image_pull_many *m;
	struct image_pull_opts opts;
	struct one *v;
	size_t n, started, ended;
	struct task *tasks; /* those that run */
	size_t *which;	    /* and what they pull */
	size_t running;
	struct board *all;
	struct task_signals sig;
	struct one *own; /* in the child */
};

/* ---- in the process of one */

static void on_begin(void *arg, const char *name)
{
	struct result *r = ((struct many *)arg)->own->result;

	snprintf(r->name, sizeof r->name, "%s", name);
	__atomic_store_n(&r->began, 1, __ATOMIC_RELEASE);
}

static void on_warn(void *arg, const char *text)
{
	struct result *r = ((struct many *)arg)->own->result;
	size_t n = strlen(r->warning);

	snprintf(r->warning + n, sizeof r->warning - n, "%s%s", n ? "; " : "", text);
}

/* The board is looked at by our parent. */
static void on_show(void *arg, const struct board *b, bool last)
{
}

static int pull_one(void *arg, struct err *e)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct many *all = arg;
	struct one *o = all->own;
	struct image_pull_opts opts = all->opts;

	for (size_t i = 0; i < countof(signals); i++)
		signal(signals[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &all->sig.old, NULL);
	opts.board = o->board;
	if (all->m->show)
		opts.watch = (struct board_watch){on_show, NULL, all->m->every};
	opts.begins = on_begin;
	opts.warn = on_warn;
	opts.arg = all;
	o->result->why.exit = EXIT_ENGINE;
	int r = image_pull(all->h, o->text, &opts, &o->result->pulled, &o->result->why);
	if (r >= 0)
		o->result->why = (struct err){0};
	return 0;
}

/* ---- in the process that was called */

static void tick(void *arg)
{
	struct many *all = arg;
	const struct image_pull_many *m = all->m;

	for (size_t i = 0; i < all->n; i++) {
		struct one *o = &all->v[i];
		if (!o->started || o->told || !__atomic_load_n(&o->result->began, __ATOMIC_ACQUIRE))
			continue;
		o->told = true;
		m->begins(m->arg, o->result->name);
	}
	if (!m->show)
		return;
	all->all->n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct board *b = all->v[i].board;
		for (unsigned k = 0; b && k < b->n && all->all->n < BOARD_MAX; k++)
			all->all->v[all->all->n++] = b->v[k];
	}
	m->show(m->arg, all->all);
}

static int start_one(struct many *all, struct err *e)
{
	size_t i = all->started;
	struct one *o = &all->v[i];

	o->board = board_new(e);
	if (!o->board)
		return -ENOMEM;
	o->result = mmap(NULL, sizeof *o->result, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (o->result == MAP_FAILED) {
		o->result = NULL;
		return err_set(e, errno, "share memory");
	}
	o->text = all->m->names->v[i];
	o->since = time_mono_ms();
	o->result->why = (struct err){.code = EIO, .exit = EXIT_ENGINE};
	all->own = o;
	int r = task_start(&all->tasks[all->running], pull_one, all, e);
	if (r < 0)
		return r;
	o->started = true;
	all->which[all->running++] = i;
	all->started++;
	return 0;
}

static void end_one(struct many *all, size_t slot, const struct err *why)
{
	struct one *o = &all->v[all->which[slot]];

	o->ms = time_mono_ms() - o->since;
	o->ended = true;
	if (why->code) /* it was killed */
		o->result->why = *why;
	all->running--;
	all->tasks[slot] = all->tasks[all->running];
	all->which[slot] = all->which[all->running];
}

/* In order, as far as they have ended. */
static void tell(struct many *all)
{
	const struct image_pull_many *m = all->m;

	for (; all->ended < all->n && all->v[all->ended].ended; all->ended++) {
		const struct one *o = &all->v[all->ended];
		m->done(m->arg, &o->result->pulled, &o->result->why, o->result->warning, o->board,
			o->ms);
	}
}

/* Waits for one of those that run to end. */
static int await_one(struct many *all, int sigfd, struct err *e)
{
	struct err why = {.exit = EXIT_ENGINE};
	struct task_wait wait = {
		.until = -1, .sigfd = sigfd, .every = all->m->every, .tick = tick, .arg = all};
	size_t slot = 0;
	int r = task_wait(all->tasks, all->running, &wait, &slot, &why);

	if (r < 0 && why.id == ERR_INTERRUPTED) {
		*e = why;
		return r;
	}
	tick(all);
	end_one(all, slot, &why);
	return 0;
}

/* The others end by themselves when they hear of it, and leave things in order. */
static void stop_all(struct many *all)
{
	struct err ignored;

	for (size_t i = 0; i < all->running; i++)
		proc_signal(all->tasks[i].pidfd, SIGTERM);
	while (all->running)
		await_one(all, -1, &ignored);
}

static int work(struct many *all, struct err *e)
{
	int r = 0;

	while (r == 0 && (all->started < all->n || all->running)) {
		if (all->started < all->n && all->running < all->m->parallel) {
			r = start_one(all, e);
			continue;
		}
		r = await_one(all, all->sig.fd, e);
		if (r == 0)
			tell(all);
	}
	if (r < 0)
		stop_all(all);
	return r;
}

int image_pull_many(const struct home *h, const struct image_pull_many *m, struct err *e)
{
	scoped(arena) a = {0};
	struct many all = {.h = h, .m = m, .opts = *m->opts, .n = m->names->n};
	struct board *sum = board_new(e);

	if (!sum)
		return -ENOMEM;
	all.all = sum;
	all.v = arena_alloc(&a, (all.n + 1) * sizeof *all.v);
	all.tasks = arena_alloc(&a, (m->parallel + 1) * sizeof *all.tasks);
	all.which = arena_alloc(&a, (m->parallel + 1) * sizeof *all.which);
	/* what one learns of dead mirrors all know, if the memory for it is there before them */
	int r = all.opts.conf ? registries_load(all.opts.conf, e) : 0;
	task_signals_hold(&all.sig);
	if (r == 0)
		r = work(&all, e);
	task_signals_free(&all.sig);
	for (size_t i = 0; i < all.n; i++) {
		board_free(all.v[i].board);
		if (all.v[i].result)
			munmap(all.v[i].result, sizeof *all.v[i].result);
	}
	board_free(sum);
	return r;
}
