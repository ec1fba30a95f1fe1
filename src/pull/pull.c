/*
 * How it works, in order: the fetching process brings the documents (fetch.h). The mark of an adder is set, so that nothing is collected from here on
 * (store/gc.h). Then come rounds: look what is missing, order the blobs that nobody else is fetching, and start the worker, which goes into U0 and
 * unpacks them as they arrive. A round that can do nothing waits for a blob that another process has; before that everything of ours is
 * given back, so two pulls never wait for each other. The round after which nothing is missing ends with the image being written.
 */
#include <sys/mman.h>

#include "base/base.h"
#include "pull/plan.h"
#include "pull/pull.h"
#include "store/blobs.h"
#include "store/gc.h"
#include "store/images.h"
#include "store/layer_pool.h"
#include "store/names.h"
#include "store/partial.h"

struct pulling {
	const struct home *h;
	const struct pull_job *job;
	const char *name; /* as it was asked for, for messages */
	struct arena arena;
	struct task_wait wait; /* signals and the display */
	struct board *board;
	struct growing *grow;
	struct fetch fetch;
	struct fetch_documents docs;
	struct plan plan;
	struct strs names; /* what the image is to be called */
	char id[DIGEST_STR], manifest[DIGEST_STR];
	char own[DIGEST_LEN + 1]; /* the manifest that the image's link has */
	bool last;		  /* the worker writes the image */
};

static void tick(void *arg)
{
	struct pulling *p = arg;

	for (size_t i = 0; i < p->plan.n; i++)
		if (p->plan.v[i].board)
			p->plan.v[i].board->arrived = p->plan.v[i].g->arrived;
	p->job->watch.show(p->job->watch.arg, p->board, false);
}

/* ---- in the worker */

static int make_job(const struct pulling *p, struct plan_layer *l, struct pool_job *j, void *src,
		    struct err *e)
{
	struct growing_source *gs = src;
	struct source_fd *sf = src;
	char path[100];

	*j = (struct pool_job){
		.job = {.what = l->what,
			.blob = l->blob,
			.blob_size = (int64_t)l->size,
			.diffid = l->diffid,
			.partial = l->from == PLAN_PARTIAL,
			.limits = {.max_bytes = p->job->max_layer}},
		.board = l->board,
	};
	if (l->from == PLAN_PARTIAL) {
		*gs = (struct growing_source){l->g, l->same && l->fd < 0 ? l->same->fd : l->fd, 0,
					      l->what};
		j->job.source = source_from_growing(gs);
		return 0;
	}
	snprintf(path, sizeof path, "blobs/sha256/%s", l->blob.hex);
	int fd = openat(p->h->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	*sf = (struct source_fd){fd, l->what, 0, l->size};
	j->job.source = source_from_fd(sf);
	return fd < 0 ? err_set(e, errno, "open %s/%s", p->h->path, path) : 0;
}

union any_source {
	struct growing_source growing;
	struct source_fd file;
};

static int add_layers(struct pulling *p, const struct u0_map *map, struct err *e)
{
	struct pool_job *jobs = arena_alloc(&p->arena, (p->plan.n + 1) * sizeof *jobs);
	struct pool_job **list = arena_alloc(&p->arena, (p->plan.n + 1) * sizeof *list);
	union any_source *sources = arena_alloc(&p->arena, (p->plan.n + 1) * sizeof *sources);
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < p->plan.n && r == 0; i++) {
		struct plan_layer *l = &p->plan.v[i];
		/* What is there in the form that was expected may be missing in the one that can be had. */
		if (l->from == PLAN_ELSEWHERE ||
		    (l->from == PLAN_THERE && map->form == p->plan.form))
			continue;
		r = make_job(p, l, &jobs[n], &sources[n], e);
		list[n] = &jobs[n];
		n++;
	}
	return r < 0 ? r : layers_add_all(p->h, map, list, n, p->board, e);
}

/* The blobs of ours that are to stay. */
static size_t kept(struct pulling *p, struct digest **ret)
{
	struct digest *v = arena_alloc(&p->arena, (p->plan.n + 1) * sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < p->plan.n; i++) {
		const struct plan_layer *l = &p->plan.v[i];
		if (l->from != PLAN_PARTIAL || l->fd < 0)
			continue;
		if (l->keep)
			v[n++] = l->blob;
		else
			partial_drop(p->h, &l->blob);
	}
	*ret = v;
	return n;
}

static int worker(const struct u0_map *map, void *arg, struct err *e)
{
	struct pulling *p = arg;
	struct digest *blobs;
	int r = 0;

	umask(0);
	r = add_layers(p, map, e);
	if (r < 0)
		return r;
	size_t n = kept(p, &blobs);
	for (size_t i = 0; i < n && !p->last && r == 0; i++)
		r = partial_place(p->h, &blobs[i], e);
	if (!p->last)
		return r;
	struct image_new image = {
		.config = p->docs.config,
		.config_len = p->docs.config_len,
		.manifest = p->docs.manifest,
		.manifest_len = p->docs.manifest_len,
		.config_digest = p->id,
		.manifest_digest = p->manifest,
		.names = p->names,
		.partial = blobs,
		.npartial = n,
	};
	return image_add(p->h, &image, e);
}

/* ---- in the process that was called */

static int order_blobs(struct pulling *p, bool *ret_any, struct err *e)
{
	int r = 0;

	*ret_any = false;
	for (size_t i = 0; i < p->plan.n && r == 0; i++) {
		const struct plan_layer *l = &p->plan.v[i];
		if (l->from != PLAN_PARTIAL || l->fd < 0 || l->g->arrived == l->size)
			continue;
		struct fetch_blob b = {l->blob, l->fd, l->g};
		r = fetch_order(&p->fetch, &b, e);
		*ret_any = true;
	}
	return r == 0 && *ret_any ? fetch_order(&p->fetch, NULL, e) : r;
}

/* Both processes, until the worker has ended well: then the blobs are here, too. */
static int await_round(struct pulling *p, struct task *w, bool fetching, struct err *e)
{
	while (w->pid) {
		struct task both[] = {*w, p->fetch.task};
		struct task_wait wait = p->wait;
		size_t done;
		wait.until = fetching ? p->fetch.talk : -1;
		int r = task_wait(both, 2, &wait, &done, e);
		*w = both[0];
		p->fetch.task = both[1];
		if (r == 0 && done == 2) {
			r = fetch_done(&p->fetch, e);
			fetching = false;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int work_round(struct pulling *p, struct err *e)
{
	struct task w = TASK_NONE;
	bool fetching;
	int r = order_blobs(p, &fetching, e);

	if (r == 0)
		r = u0_start(p->h, worker, p, &w, e);
	if (r == 0)
		r = await_round(p, &w, fetching, e);
	if (r < 0)
		fetch_end(&p->fetch);
	task_kill(&w);
	board_await_workers(p->board);
	return r;
}

static int wait_for_other(void *arg, struct err *e)
{
	return partial_wait(*(const int *)arg, e);
}

/* Until another process is done with one of its blobs. */
static int wait_round(struct pulling *p, struct err *e)
{
	struct task t = TASK_NONE;
	size_t i = 0, done;

	while (p->plan.v[i].from != PLAN_ELSEWHERE || p->plan.v[i].fd < 0)
		i++;
	int fd = p->plan.v[i].fd;
	p->plan.v[i].fd = -1;
	plan_release(&p->plan, false);
	int r = task_start(&t, wait_for_other, &fd, e);
	if (r == 0)
		r = task_wait(&t, 1, &p->wait, &done, e);
	task_kill(&t);
	close(fd); /* with its lock */
	return r;
}

static bool has_name(const struct pulling *p, const char *name)
{
	struct arena a = {0};
	struct reference ref;
	char id[DIGEST_LEN + 1], form[DIGEST_LEN + 1];
	bool has = ref_parse(&a, name, &ref, NULL) == 0 && names_get(p->h, &ref, id, form) == 0 &&
		   !strcmp(id, p->id) && !strcmp(*form ? form : p->own, p->manifest);

	arena_free(&a);
	return has;
}

/* The image is there as a whole, in this form. Its names may be missing. */
static bool image_is_there(struct pulling *p)
{
	char path[8 + DIGEST_HEX + 1];

	snprintf(path, sizeof path, "images/%.64s", digest_hex(p->id));
	memset(p->own, 0, sizeof p->own);
	return readlinkat(p->h->fd, path, p->own, DIGEST_LEN) == DIGEST_LEN &&
	       (!strcmp(p->own, p->manifest) || blob_exists(p->h, p->manifest));
}

static int add_names(struct pulling *p, bool *ret_changed, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < p->names.n && r == 0; i++) {
		struct reference ref;
		if (has_name(p, p->names.v[i]))
			continue;
		*ret_changed = true;
		r = ref_parse(&p->arena, p->names.v[i], &ref, e);
		if (r == 0)
			r = image_tag(p->h, p->id, p->manifest, &ref, e);
	}
	return r;
}

static int rounds(struct pulling *p, bool *ret_changed, struct err *e)
{
	for (;;) {
		int r = plan_look(&p->plan, e);
		size_t mine = plan_count(&p->plan, PLAN_PARTIAL) + plan_count(&p->plan, PLAN_BLOB);
		size_t others = plan_count(&p->plan, PLAN_ELSEWHERE);
		if (r < 0)
			return r;
		if (!mine && !others && image_is_there(p))
			return add_names(p, ret_changed, e);
		*ret_changed = true;
		p->last = !others;
		r = mine || !others ? work_round(p, e) : wait_round(p, e);
		if (r < 0 || p->last)
			return r;
		plan_release(&p->plan, false);
	}
}

/* The names: by its tag, unless a digest was asked for, and by the digest of what that led to, which finds it offline. */
static void make_names(struct pulling *p)
{
	struct reference r = p->job->ref;
	char buf[DIGEST_STR];

	if (!r.digest)
		strs_add(&p->arena, &p->names, ref_text(&p->arena, &r));
	r.tag = NULL;
	r.digest = digest_str(&p->docs.top, buf);
	strs_add(&p->arena, &p->names, ref_text(&p->arena, &r));
}

static int understand(struct pulling *p, struct pull_done *ret, struct err *e)
{
	struct u0_map map;
	const struct image_doc *c = &p->plan.config;
	int r = u0_map_find(&map, e);

	p->plan.h = p->h;
	p->plan.form = map.form;
	if (r == 0)
		r = plan_make(&p->plan, &p->docs, p->name, &p->arena, p->grow, p->board, e);
	if (r < 0)
		return r;
	digest_str(&p->docs.config_digest, p->id);
	digest_str(&p->docs.manifest_digest, p->manifest);
	make_names(p);
	snprintf(ret->id, sizeof ret->id, "%s", p->id);
	snprintf(ret->top, sizeof ret->top, "sha256:%s", p->docs.top.hex);
	snprintf(ret->platform, sizeof ret->platform, "%s", platform_text(&p->arena, c));
	ret->foreign = !platform_is_ours(c);
	if (platform_fits(c, &p->job->platform))
		return 0;
	err_fail_code(e, ERR_PLATFORM, ENOENT, "%s: the image is for %s only", p->name,
		      ret->platform);
	return err_hint(e, "leave --platform, --arch, --os and --variant out to take it as it is");
}

static int pull_marked(struct pulling *p, struct pull_done *ret, struct err *e)
{
	struct store_adding adding;
	int r = store_adding_begin(p->h, &adding, e);

	if (r < 0)
		return r;
	/* Behind the mark: what an earlier pull has unpacked before it was killed is not collected, but used. */
	store_sweep(p->h);
	r = rounds(p, &ret->changed, e);
	fetch_end(&p->fetch);
	plan_release(&p->plan, r < 0 && e && e->id == ERR_DISK_FULL);
	if (r < 0)
		store_adding_failed(&adding);
	else
		store_adding_end(p->h, &adding);
	if (r < 0 || ret->changed)
		store_sweep(p->h);
	if (r < 0 && e && e->id == ERR_DISK_FULL)
		plan_tell_room(&p->plan, e);
	return r;
}

/* Was it content from an earlier time that was wrong? Then it is worth to fetch it anew. */
static bool may_have_been_ours(const struct pulling *p, const struct err *e)
{
	bool content = e->id == ERR_DIGEST_MISMATCH || e->id == ERR_ARCHIVE || e->id == ERR_LAYER;

	for (size_t i = 0; content && i < p->plan.n; i++)
		if (p->plan.v[i].resumed || p->plan.v[i].from == PLAN_BLOB)
			return true;
	return false;
}

static int attempt(struct pulling *p, struct pull_done *ret, struct err *e)
{
	struct fetch_what what = {p->h, &p->job->ref, &p->job->registry, &p->job->platform};
	int r = fetch_start(&p->fetch, &what, e);

	if (r == 0)
		r = fetch_documents(&p->fetch, &p->wait, &p->arena, &p->docs, e);
	if (r == 0)
		r = understand(p, ret, e);
	if (r == 0)
		r = pull_marked(p, ret, e);
	fetch_end(&p->fetch);
	return r;
}

static int pull_held(struct pulling *p, struct pull_done *ret, struct err *e)
{
	struct err why = {0};
	size_t size = IMAGE_MAX_LAYERS * sizeof *p->grow;

	p->board = p->job->board ?: board_new(e);
	if (!p->board)
		return -ENOMEM;
	p->board->n = 0;
	p->grow = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->grow == MAP_FAILED)
		return err_set(e, errno, "share memory");
	int r = attempt(p, ret, &why);
	if (r < 0 && may_have_been_ours(p, &why)) {
		why = (struct err){0};
		p->plan.distrust = true;
		p->board->n = 0;
		p->names = (struct strs){0};
		r = attempt(p, ret, &why);
	}
	if (p->job->watch.show) {
		tick(p);
		p->job->watch.show(p->job->watch.arg, p->board, true);
	}
	munmap(p->grow, size);
	if (r < 0 && e)
		*e = why;
	return r;
}

int pull_image(const struct home *h, const struct pull_job *j, struct pull_done *ret, struct err *e)
{
	scoped(task_signals) sig;
	struct pulling p = {
		.h = h, .job = j, .fetch = FETCH_NONE, .wait = TASK_WAIT_ONLY, .plan = {.h = h}};

	*ret = (struct pull_done){0};
	p.name = ref_text(&p.arena, &j->ref);
	task_signals_hold(&sig);
	p.wait.sigfd = sig.fd;
	if (j->watch.show) {
		p.wait.every = j->watch.every;
		p.wait.tick = tick;
		p.wait.arg = &p;
	}
	int r = pull_held(&p, ret, e);
	if (!j->board)
		board_free(p.board);
	arena_free(&p.arena);
	return r;
}
