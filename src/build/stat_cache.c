/*
 * How it works: the file is a header, an array of records in the order of a walk, and the paths. It is read into one block, which is used as it lies. A walk asks in that
 * order, too, so the next record is nearly always the one wanted; otherwise it is searched for by halving. New records are collected and merged into a new block,
 * which is what is written. Each merge that is written counts as a generation; a record that nobody asked for in the last 64 of them is dropped.
 */
#include "base/base.h"
#include "build/stat_cache.h"

enum { VERSION = 1, KEEP = 64, MAX_BYTES = 1 << 30, RACY_S = 2 };
static const char magic[8] = "hoystat";

struct head {
	char magic[8];
	uint32_t version, generation;
	uint64_t n, bytes; /* records; of all */
	uint64_t sum;	   /* of what follows */
};

struct rec {
	uint64_t dev, ino;
	int64_t size, mtime, ctime; /* nanoseconds */
	uint32_t path, len;	    /* from the beginning of the paths */
	uint32_t seen;		    /* generation */
	uint32_t xattrs;
	uint8_t sha[STAT_SHA];
};

struct news {
	const char *path;
	struct rec rec;
};

struct stat_cache {
	char name[80];
	char *block;  /* NULL: nothing */
	size_t n, at; /* at: where the next one is likely */
	const struct rec *v;
	const char *paths;
	uint8_t *asked; /* of each record, if anybody asked for it */
	struct news *news;
	size_t nnews, cap;
	bool changed;
};

static int64_t ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool stat_cache_racy(const struct stat *st, struct timespec now)
{
	return ns(st->st_ctim) + RACY_S * 1000000000LL > ns(now);
}

int stat_cache_order(const char *a, size_t an, const char *b, size_t bn)
{
	size_t n = an < bn ? an : bn, i = 0;

	while (i < n && a[i] == b[i])
		i++;
	if (i == n)
		return an < bn ? -1 : an > bn;
	unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
	if (x == '/' || y == '/')
		return x == '/' ? -1 : 1;
	return x < y ? -1 : 1;
}

/* Against files that a power cut left half written; nobody else writes here. */
static uint64_t sum(const char *p, size_t n)
{
	uint64_t s = 0x9e3779b97f4a7c15, w;

	for (; n >= sizeof w; p += sizeof w, n -= sizeof w) {
		memcpy(&w, p, sizeof w);
		s = (s ^ w) * 0xff51afd7ed558ccd;
		s ^= s >> 32;
	}
	for (; n; p++, n--)
		s = (s ^ (unsigned char)*p) * 0xff51afd7ed558ccd;
	return s;
}

/* Takes the block if it is whole. */
static bool use(struct stat_cache *c, char *block, size_t bytes)
{
	struct head h;

	if (bytes < sizeof h)
		return false;
	memcpy(&h, block, sizeof h);
	size_t room = bytes - sizeof h;
	if (memcmp(h.magic, magic, sizeof magic) != 0 || h.version != VERSION || h.bytes != bytes ||
	    h.n > room / sizeof(struct rec) || h.sum != sum(block + sizeof h, room))
		return false;
	const struct rec *v = (const struct rec *)(block + sizeof h);
	room -= h.n * sizeof *v;
	for (size_t i = 0; i < h.n; i++)
		if (v[i].path > room || v[i].len > room - v[i].path)
			return false;
	free(c->block);
	free(c->asked);
	c->block = block;
	c->n = h.n;
	c->at = 0;
	c->v = v;
	c->paths = (const char *)(v + h.n);
	c->asked = xcalloc(h.n + 1, 1);
	return true;
}

struct stat_cache *stat_cache_open(const struct home *h, const char *name)
{
	struct stat_cache *c = xcalloc(1, sizeof *c);
	struct stat st;
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};

	snprintf(c->name, sizeof c->name, "build/stat/%.64s", name);
	autoclose int fd = openat(h->fd, c->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_BYTES)
		return c;
	char *block = xmalloc((size_t)st.st_size + 1);
	size_t have = 0;
	while (have < (size_t)st.st_size) {
		ssize_t k = read(fd, block + have, (size_t)st.st_size - have);
		if (k <= 0 && errno != EINTR)
			break;
		have += k > 0 ? (size_t)k : 0;
	}
	if (!use(c, block, have))
		free(block);
	else if (st.st_mtim.tv_sec + 24 * 3600 < time(NULL))
		futimens(fd, t);
	return c;
}

void stat_cache_free(struct stat_cache *c)
{
	if (!c)
		return;
	free(c->block);
	free(c->asked);
	free(c->news);
	free(c);
}

static int compare(const struct stat_cache *c, size_t i, const char *path, size_t n)
{
	return stat_cache_order(c->paths + c->v[i].path, c->v[i].len, path, n);
}

static void fill(struct rec *r, const struct stat *st)
{
	*r = (struct rec){.dev = st->st_dev,
			  .ino = st->st_ino,
			  .size = st->st_size,
			  .mtime = ns(st->st_mtim),
			  .ctime = ns(st->st_ctim)};
}

bool stat_cache_find(struct stat_cache *c, const char *path, const struct stat *st,
		     uint8_t ret[static STAT_SHA], bool *ret_xattrs)
{
	size_t n = strlen(path), from = 0, to = c->n, i = c->at;
	struct rec now;

	if (i >= c->n || c->v[i].len != n || memcmp(c->paths + c->v[i].path, path, n) != 0) {
		while (from < to) {
			size_t mid = from + (to - from) / 2;
			if (compare(c, mid, path, n) < 0)
				from = mid + 1;
			else
				to = mid;
		}
		i = from;
		if (i >= c->n || compare(c, i, path, n) != 0)
			return false;
	}
	c->at = i + 1;
	fill(&now, st);
	const struct rec *r = &c->v[i];
	if (r->dev != now.dev || r->ino != now.ino || r->size != now.size ||
	    r->mtime != now.mtime || r->ctime != now.ctime)
		return false;
	c->asked[i] = 1;
	memcpy(ret, r->sha, STAT_SHA);
	*ret_xattrs = r->xattrs;
	return true;
}

void stat_cache_add(struct stat_cache *c, const char *path, const struct stat *st,
		    const uint8_t sha[static STAT_SHA], bool xattrs)
{
	if (c->nnews == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 256;
		c->news = xrealloc(c->news, c->cap * sizeof *c->news);
	}
	struct news *w = &c->news[c->nnews++];
	w->path = path;
	fill(&w->rec, st);
	w->rec.xattrs = xattrs;
	memcpy(w->rec.sha, sha, STAT_SHA);
}

static int by_path(const void *a, const void *b)
{
	const struct news *x = a, *y = b;

	return stat_cache_order(x->path, strlen(x->path), y->path, strlen(y->path));
}

/* Puts one record behind those of the new block. */
static void put(struct rec *v, size_t *n, char *paths, size_t *at, const struct rec *r,
		const char *path, size_t len)
{
	v[*n] = *r;
	v[*n].path = (uint32_t)*at;
	v[*n].len = (uint32_t)len;
	memcpy(paths + *at, path, len);
	*at += len;
	(*n)++;
}

void stat_cache_merge(struct stat_cache *c)
{
	struct head h = {.version = VERSION};
	size_t bytes = 0, n = 0, at = 0, k = 0;

	if (!c->nnews)
		return;
	qsort(c->news, c->nnews, sizeof *c->news, by_path);
	memcpy(h.magic, magic, sizeof magic);
	if (c->block)
		h.generation = ((const struct head *)c->block)->generation;
	h.generation += !c->changed; /* once for each time that it is written */
	for (size_t i = 0; i < c->n; i++)
		bytes += c->v[i].len;
	for (size_t i = 0; i < c->nnews; i++)
		bytes += strlen(c->news[i].path);
	if (bytes > MAX_BYTES / 2) {
		c->nnews = 0;
		return;
	}
	size_t room = sizeof h + (c->n + c->nnews) * sizeof(struct rec);
	char *block = xcalloc(1, room + bytes);
	autofree char *paths = xmalloc(bytes + 1);
	struct rec *v = (struct rec *)(block + sizeof h);
	for (size_t i = 0; i < c->nnews; i++) {
		const char *path = c->news[i].path;
		size_t len = strlen(path);
		if (i + 1 < c->nnews && !strcmp(path, c->news[i + 1].path))
			continue; /* twice in one instruction */
		int order = 1;
		while (k < c->n && (order = compare(c, k, path, len)) <= 0) {
			struct rec old = c->v[k];
			old.seen = c->asked[k] ? h.generation : old.seen;
			if (order < 0 && old.seen + KEEP >= h.generation)
				put(v, &n, paths, &at, &old, c->paths + c->v[k].path, c->v[k].len);
			k++;
		}
		c->news[i].rec.seen = h.generation;
		put(v, &n, paths, &at, &c->news[i].rec, path, len);
	}
	for (; k < c->n; k++) {
		struct rec old = c->v[k];
		old.seen = c->asked[k] ? h.generation : old.seen;
		if (old.seen + KEEP >= h.generation)
			put(v, &n, paths, &at, &old, c->paths + c->v[k].path, c->v[k].len);
	}
	memcpy(v + n, paths, at);
	h.n = n;
	h.bytes = sizeof h + n * sizeof *v + at;
	h.sum = sum(block + sizeof h, h.bytes - sizeof h);
	memcpy(block, &h, sizeof h);
	c->nnews = 0;
	c->changed = true;
	if (!use(c, block, h.bytes))
		free(block);
}

void stat_cache_save(const struct home *h, struct stat_cache *c)
{
	stat_cache_merge(c);
	if (!c->changed || !c->block)
		return;
	c->changed = false;
	if (path_mkdir_p_at(h->fd, "build/stat", 0700) < 0)
		return;
	fd_replace_at(h->fd, c->name, c->block, ((const struct head *)c->block)->bytes, 0600,
		      false);
}
