/*
 * How it works, in order: the documents are read and each layer is looked at: does its blob go out, or has it to be packed? Two kinds of processes work
 * then: packers (inside U0, because files of other ids are read) fill nameless files and write a byte into a pipe for each that is ready; the sender
 * uploads config and layers as they become ready, and the manifest when all are there. What they find out lies in shared memory; the
 * caller's process watches them and answers signals.
 */
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

#include "base/base.h"
#include "data/deflate.h"
#include "pull/push.h"
#include "state/tmp.h"
#include "state/u0.h"
#include "store/blobs.h"
#include "store/images.h"
#include "store/names.h"
#include "store/save.h"

enum { PARALLEL = 6, MAX_PACKERS = 4, MAX_SOURCES = 64 };

/* What the processes tell each other of a layer. */
struct shared {
	struct digest blob;
	uint64_t size, sent;
	bool ready;
	enum registry_sent how;
};

struct layer {
	struct digest diffid;
	struct oci_descriptor *d; /* in the manifest */
	struct layer *same;	  /* an earlier one with the same content; NULL */
	bool pack, given;
	int fd;
	const char *from; /* a repository that may have it */
	struct shared *shared;
	struct board_layer *board;
	struct registry_upload upload;
};

struct pushing {
	const struct home *h;
	const struct push_job *job;
	struct arena arena;
	struct save_source src;
	struct layer *v;
	size_t n, packs;
	bool docker, changed; /* the family of the manifest; it is not the one that was stored */
	bool config_given;
	struct registry_upload config;
	struct shared *shared; /* one for each layer, and the manifest's */
	int ready[2];	       /* a pipe: a byte for each layer that was packed */
	struct strs sources;   /* repositories of this registry that may have blobs */
	struct board *board;
	struct u0_map map;
	unsigned packer; /* which one this is, of packers */
	unsigned packers;
};

/* ---- packing */

struct packing {
	struct layer *l;
	struct hash hash;
	uint64_t size;
	struct deflate *z;
	const char *store;
};

static int to_file(void *arg, const void *p, size_t n, struct err *e)
{
	struct packing *k = arg;

	k->size += n;
	hash_add(&k->hash, p, n);
	int r = fd_write_all(k->l->fd, p, n);
	return r < 0 ? err_set(e, r, "write a compressed layer below %s", k->store) : 0;
}

static int to_deflate(void *arg, const void *p, size_t n, struct err *e)
{
	struct packing *k = arg;

	if (k->l->board)
		k->l->board->progress.taken += n;
	return deflate_add(k->z, p, n, e);
}

static int pack_one(const struct pushing *p, struct layer *l, struct packing *k, struct err *e)
{
	struct sink out = {to_file, k}, in = {to_deflate, k};
	struct replay *replay = NULL;
	int r = hash_open(&k->hash, e);

	if (l->board)
		l->board->stage = BOARD_WORKS;
	if (r == 0)
		r = replay_open(&replay, p->h, &l->diffid, p->map.form, e);
	if (r == 0)
		r = deflate_open(&k->z, p->job->compression, p->job->level, &out, e);
	if (r == 0)
		r = replay_all(replay, &in, NULL, e);
	if (r == 0)
		r = deflate_end(k->z, e);
	deflate_close(k->z);
	replay_close(replay);
	return r;
}

static int pack(const struct pushing *p, struct layer *l, struct err *e)
{
	struct packing k = {.l = l, .store = p->h->path};
	int r = pack_one(p, l, &k, e);

	if (r < 0) {
		hash_free(&k.hash);
		return r;
	}
	hash_end(&k.hash, &l->shared->blob);
	l->shared->size = k.size;
	if (l->board) {
		l->board->progress.taken = l->board->arrived = 0;
		l->board->size = k.size;
	}
	__atomic_store_n(&l->shared->ready, true, __ATOMIC_RELEASE);
	r = fd_write_all(p->ready[1], "", 1);
	return r < 0 ? err_set(e, r, "tell that a layer is packed") : 0;
}

/* Every so many-th layer. */
static int packer(void *arg, struct err *e)
{
	const struct pushing *p = arg;
	unsigned k = 0;
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++)
		if (p->v[i].pack && !p->v[i].same && k++ % p->packers == p->packer)
			r = pack(p, &p->v[i], e);
	return r;
}

static int pack_all(const struct u0_map *map, void *arg, struct err *e)
{
	struct pushing *p = arg;
	struct task t[MAX_PACKERS];
	size_t done;
	int r = 0;

	p->map = *map;
	if (p->packers == 1)
		return packer(p, e);
	for (unsigned i = 0; i < p->packers; i++)
		t[i] = TASK_NONE;
	for (p->packer = 0; p->packer < p->packers && r == 0; p->packer++)
		r = task_start(&t[p->packer], packer, p, e);
	for (unsigned i = 0; i < p->packers && r == 0; i++)
		r = task_wait(t, p->packers, &TASK_WAIT_ONLY, &done, e);
	for (unsigned i = 0; i < p->packers; i++)
		task_kill(&t[i]);
	return r;
}

/* ---- sending */

static bool is_ready(const struct layer *l)
{
	return __atomic_load_n(&l->shared->ready, __ATOMIC_ACQUIRE);
}

static void give(struct layer *l, struct registry_upload **ret)
{
	l->given = true;
	l->upload = (struct registry_upload){.blob = l->shared->blob,
					     .size = l->shared->size,
					     .fd = l->fd,
					     .from = l->from,
					     .sent = &l->shared->sent};
	if (l->board)
		l->board->stage = BOARD_WORKS;
	*ret = &l->upload;
}

static int next_upload(void *arg, struct registry_upload **ret, struct err *e)
{
	struct pushing *p = arg;
	char bytes[256];
	struct pollfd pipe = {.fd = p->ready[0], .events = POLLIN};
	bool all = true;

	if (!p->config_given) {
		p->config_given = true;
		*ret = &p->config;
		return 1;
	}
	if (p->packs && poll(&pipe, 1, 0) > 0 && read(p->ready[0], bytes, sizeof bytes) == 0)
		p->packs = 0; /* they have ended: all is ready, or our parent knows why not */
	for (size_t i = 0; i < p->n; i++) {
		struct layer *l = &p->v[i];
		if (l->given || l->same)
			continue;
		if (is_ready(l)) {
			give(l, ret);
			return 1;
		}
		all = false;
	}
	while (!all && !p->packs)
		pause();
	return all ? -ENODATA : 0;
}

static void upload_done(void *arg, struct registry_upload *u)
{
	struct pushing *p = arg;

	for (size_t i = 0; i < p->n; i++) {
		struct layer *l = &p->v[i];
		if (&l->upload != u)
			continue;
		l->shared->how = u->how;
		if (l->board)
			l->board->stage = u->how == REGISTRY_SENT ? BOARD_DONE : BOARD_THERE;
	}
}

/* The manifest as it goes out. */
static void make_manifest(struct pushing *p, struct str *out)
{
	struct oci_manifest *m = &p->src.m;
	char buf[DIGEST_STR];

	if (!p->changed) {
		str_addn(out, p->src.manifest.s, p->src.manifest.len);
		return;
	}
	for (size_t i = 0; i < p->n; i++) {
		struct layer *l = &p->v[i];
		const struct layer *from = l->same ? l->same : l;
		if (l->pack) {
			l->d->digest =
				arena_strdup(&p->arena, digest_str(&from->shared->blob, buf));
			l->d->size = (int64_t)from->shared->size;
			l->d->media_type = save_layer_type(p->docker, p->job->compression);
		}
	}
	m->media_type = p->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
	m->config.media_type = p->docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG;
	autofree char *text = oci_manifest_write(m);
	str_add(out, text);
}

static int send_all(void *arg, struct err *e)
{
	struct pushing *p = arg;
	const struct push_job *j = p->job;
	const struct registry_feed feed = {next_upload, upload_done, p->packs ? p->ready[0] : -1,
					   p};
	struct shared *manifest = &p->shared[p->n];
	scoped(str) text = {0};
	struct registry *r;

	fd_close(&p->ready[1]);
	int k = registry_open(&r, &j->ref, &j->registry, e);
	if (k < 0)
		return k;
	registry_for_push(r, &p->sources);
	k = registry_upload_all(r, &feed, PARALLEL, e);
	if (k == 0) {
		make_manifest(p, &text);
		k = hash_bytes(text.s, text.len, &manifest->blob, e);
	}
	manifest->size = text.len;
	const char *type = p->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
	char digest[DIGEST_STR];
	const char *tag = j->by_digest ? digest_str(&manifest->blob, digest) : j->ref.tag;
	if (k == 0)
		k = registry_put_manifest(r, tag, type, text.s, text.len, e);
	return k; /* everything goes with the process */
}

/* ---- what is to be done */

static int open_blob(const struct pushing *p, struct layer *l, struct err *e)
{
	char path[BLOB_PATH];

	l->fd = openat(p->h->fd, blob_path(path, l->d->digest), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return l->fd < 0 ? err_set(e, errno, "open %s/%s", p->h->path, path) : 0;
}

/* Does the layer's blob go out as it is? */
static bool goes_as_it_is(const struct pushing *p, const struct layer *l, enum inflate_kind kind,
			  bool family_changes)
{
	if (kind == INFLATE_PLAIN || (p->job->force && kind != p->job->compression))
		return false;
	/* other compressions have no media type in a family that they did not come with */
	return family_changes ? kind == INFLATE_GZIP || (kind == INFLATE_ZSTD && !p->docker) : true;
}

static int look_at_layer(struct pushing *p, struct layer *l, bool family_changes, struct err *e)
{
	struct digest blob;
	enum inflate_kind kind = INFLATE_PLAIN;
	int r = digest_parse(l->d->digest, &blob, e);

	if (r == 0 && layer_blob_exists(p->h, &blob, l->d->size))
		r = save_blob_kind(p->h, l->d->digest, &kind, e);
	if (r < 0)
		return r;
	l->pack = !goes_as_it_is(p, l, kind, family_changes);
	if (!l->pack && family_changes)
		l->d->media_type = save_layer_type(p->docker, kind);
	p->changed |= l->pack;
	for (struct layer *o = p->v; o < l && !l->same; o++)
		if (!o->same && digest_eq(&o->diffid, &l->diffid) && o->pack == l->pack &&
		    (l->pack || !strcmp(o->d->digest, l->d->digest)))
			l->same = o;
	if (l->same)
		return 0;
	l->shared->blob = blob;
	l->shared->size = (uint64_t)l->d->size;
	l->shared->ready = !l->pack;
	p->packs += l->pack;
	if (!l->pack)
		return open_blob(p, l, e);
	l->fd = home_tmp_file(p->h, e);
	return l->fd < 0 ? l->fd : 0;
}

static void show_layer(struct pushing *p, struct layer *l)
{
	struct layer_meta meta = {0};

	l->board = board_add(p->board, l->diffid.hex, l->shared->size);
	if (!l->board || !l->pack)
		return;
	layer_meta_any(p->h, &l->diffid, &p->arena, &meta, NULL);
	l->board->size = l->board->arrived = (uint64_t)meta.tar_size;
}

/* In docker's family zstd has no place, unless it came so. */
static void choose_family(struct pushing *p)
{
	bool docker = str_eq(p->src.m.media_type, MEDIA_DOCKER_MANIFEST), plain = false;

	for (size_t i = 0; i < p->src.m.layers.n; i++) {
		const struct oci_descriptor *d = (struct oci_descriptor *)p->src.m.layers.v + i;
		struct digest blob;
		plain |= digest_parse(d->digest, &blob, NULL) < 0 ||
			 !layer_blob_exists(p->h, &blob, d->size);
	}
	p->docker = p->job->format == PUSH_AS_IT_IS ? docker : p->job->format == PUSH_DOCKER;
	if (p->job->format == PUSH_AS_IT_IS && p->job->compression == INFLATE_ZSTD &&
	    (plain || p->job->force))
		p->docker = false;
	p->changed = p->docker != docker;
}

static int look_at_layers(struct pushing *p, struct err *e)
{
	const struct strs *ids = &p->src.doc.rootfs.diff_ids;
	int r = 0;

	choose_family(p);
	bool family_changes = p->changed;
	for (size_t i = 0; i < p->n && r == 0; i++) {
		struct layer *l = &p->v[i];
		l->d = (struct oci_descriptor *)p->src.m.layers.v + i;
		l->shared = &p->shared[i];
		r = digest_parse(ids->v[i], &l->diffid, e);
		if (r == 0)
			r = look_at_layer(p, l, family_changes, e);
		if (r == 0 && !l->same)
			show_layer(p, l);
	}
	return r;
}

/* ---- which repositories of this registry may have the blobs: those of images here that have them, too */

/* What a name leads to: by digest that manifest; by tag its own (form), or the one that the image has now. */
static bool name_manifest(const struct home *h, const char *last, const char *id, const char *form,
			  struct arena *a, struct oci_manifest *ret)
{
	char path[8 + DIGEST_HEX + 1], text[DIGEST_LEN + 1] = "";
	const char *digest = last[0] == '@' ? last + 1 : *form ? form : text;
	scoped(str) doc = {0};

	snprintf(path, sizeof path, "images/%.64s", digest_hex(id));
	if (digest == text && readlinkat(h->fd, path, text, DIGEST_LEN) != DIGEST_LEN)
		return false;
	return digest_valid(digest) && blob_read(h, digest, IMAGE_MAX_MANIFEST, &doc, NULL) == 0 &&
	       oci_manifest_parse(a, str_cstr(&doc), doc.len, NULL, digest, ret, NULL) == 0;
}

static bool find_blob(struct pushing *p, const char *digest, const char *repository)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		struct layer *l = &p->v[i];
		if (l->pack || l->from || strcmp(digest, l->d->digest) != 0)
			continue;
		l->from = arena_strdup(&p->arena, repository);
		any = true;
	}
	if (!p->config.from && !strcmp(digest, p->job->id)) {
		p->config.from = arena_strdup(&p->arena, repository);
		any = true;
	}
	return any;
}

struct source_names {
	const struct push_job *job;
	struct arena arena;
	struct strs repositories, last, ids, forms;
};

static void find_blobs_in(struct pushing *p, const struct source_names *s, size_t i)
{
	scoped(arena) a = {0};
	struct oci_manifest m;

	if (!name_manifest(p->h, s->last.v[i], s->ids.v[i], s->forms.v[i], &a, &m))
		return;
	bool any = find_blob(p, m.config.digest, s->repositories.v[i]);
	for (size_t k = 0; k < m.layers.n; k++)
		any |= find_blob(p, ((struct oci_descriptor *)m.layers.v + k)->digest,
				 s->repositories.v[i]);
	if (any && !strs_has(&p->sources, s->repositories.v[i]))
		strs_add(&p->arena, &p->sources, s->repositories.v[i]);
}

static int collect_source(void *arg, const char *repository, const char *last, const char *id,
			  const char *manifest)
{
	struct source_names *s = arg;
	size_t n = strlen(s->job->ref.registry);

	if (strncmp(repository, s->job->ref.registry, n) != 0 || repository[n] != '/' ||
	    !strcmp(repository + n + 1, s->job->ref.repository))
		return 0;
	strs_add(&s->arena, &s->repositories, repository + n + 1);
	strs_add(&s->arena, &s->last, last);
	strs_add(&s->arena, &s->ids, id);
	strs_add(&s->arena, &s->forms, manifest ?: "");
	return s->ids.n == MAX_SOURCES;
}

/* Names by digest come first: what was pulled by them is surely there. */
static void find_sources(struct pushing *p)
{
	struct source_names s = {.job = p->job};

	names_each(p->h, collect_source, &s, NULL);
	for (int by_digest = 1; by_digest >= 0; by_digest--)
		for (size_t i = 0; i < s.ids.n; i++)
			if ((s.last.v[i][0] == '@') == (by_digest == 1))
				find_blobs_in(p, &s, i);
	arena_free(&s.arena);
}

/* ---- in the process that was called */

static void tick(void *arg)
{
	struct pushing *p = arg;

	for (size_t i = 0; i < p->n; i++) {
		struct layer *l = &p->v[i];
		if (l->board && is_ready(l))
			l->board->arrived = l->board->progress.taken = l->shared->sent;
	}
	p->job->watch.show(p->job->watch.arg, p->board, false);
}

static unsigned count_packers(const struct pushing *p)
{
	cpu_set_t set;
	unsigned cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
	unsigned most = cpus < MAX_PACKERS ? cpus : MAX_PACKERS;

	return p->packs < most ? (unsigned)p->packs : most;
}

static int work(struct pushing *p, const struct task_wait *wait, struct err *e)
{
	struct task t[2] = {TASK_NONE, TASK_NONE};
	size_t done = 0;
	int r = pipe2(p->ready, O_CLOEXEC) < 0 ? err_set(e, errno, "pipe") : 0;

	p->packers = count_packers(p);
	if (r == 0 && p->packs)
		r = u0_start(p->h, pack_all, p, &t[1], e);
	if (r == 0)
		r = task_start(&t[0], send_all, p, e);
	fd_close(&p->ready[0]);
	fd_close(&p->ready[1]);
	while (r == 0 && (t[0].pid || t[1].pid))
		r = task_wait(t, 2, wait, &done, e);
	task_kill(&t[0]);
	task_kill(&t[1]);
	return r;
}

static int read_image(struct pushing *p, size_t *ret_size, struct err *e)
{
	struct saving s = {.h = p->h};
	int r = save_source_read(&s, p->job->id, p->job->form, &p->src, e);

	p->arena = s.arena; /* what was read lives there */
	if (r < 0)
		return r;
	p->n = p->src.m.layers.n;
	*ret_size = (p->n + 1) * sizeof *p->shared;
	p->v = arena_alloc(&p->arena, (p->n + 1) * sizeof *p->v);
	for (size_t i = 0; i < p->n; i++)
		p->v[i] = (struct layer){.fd = -1};
	p->config = (struct registry_upload){
		.size = p->src.config.len, .fd = -1, .mem = str_cstr(&p->src.config)};
	r = digest_parse(p->job->id, &p->config.blob, e);
	p->shared = r < 0 ? MAP_FAILED
			  : mmap(NULL, *ret_size, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return r == 0 && p->shared == MAP_FAILED ? err_set(e, errno, "share memory") : r;
}

static void tell(const struct pushing *p, struct arena *a, struct push_done *ret)
{
	const struct shared *manifest = &p->shared[p->n];

	digest_str(&manifest->blob, ret->digest);
	ret->size = manifest->size;
	ret->docker = p->docker;
	ret->n = p->n;
	ret->v = arena_alloc(a, (p->n + 1) * sizeof *ret->v);
	for (size_t i = 0; i < p->n; i++) {
		const struct layer *l = &p->v[i];
		struct push_layer_done *d = &ret->v[i];
		d->how = (l->same ? l->same : l)->shared->how;
		d->from = arena_strdup(a, l->from);
		snprintf(d->diffid, sizeof d->diffid, "%.12s", l->diffid.hex);
	}
}

static int push_held(struct pushing *p, struct task_wait *wait, struct err *e)
{
	int r = look_at_layers(p, e);

	if (r == 0)
		find_sources(p);
	if (r == 0)
		r = work(p, wait, e);
	for (size_t i = 0; i < p->n; i++)
		fd_close(&p->v[i].fd);
	return r;
}

int push_image(const struct home *h, const struct push_job *j, struct arena *a,
	       struct push_done *ret, struct err *e)
{
	scoped(task_signals) sig;
	struct task_wait wait = TASK_WAIT_ONLY;
	struct pushing p = {.h = h, .job = j, .shared = MAP_FAILED, .ready = {-1, -1}};
	size_t size = 0;

	*ret = (struct push_done){0};
	task_signals_hold(&sig);
	wait.sigfd = sig.fd;
	if (j->watch.show) {
		wait.every = j->watch.every;
		wait.tick = tick;
		wait.arg = &p;
	}
	p.board = board_new(e);
	int r = p.board ? read_image(&p, &size, e) : -ENOMEM;
	if (r == 0) {
		p.board->sends = true;
		r = push_held(&p, &wait, e);
		if (j->watch.show)
			j->watch.show(j->watch.arg, p.board, true);
	}
	if (r == 0)
		tell(&p, a, ret);
	if (p.shared != MAP_FAILED)
		munmap(p.shared, size);
	board_free(p.board);
	save_source_free(&p.src);
	arena_free(&p.arena);
	return r;
}
