#include <dirent.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/base.h"
#include "base/parse.h"
#include "oci/reference.h"
#include "store/cache_prune.h"
#include "store/gc.h"
#include "store/room.h"
#include "store/usage.h"

enum {
	HALF_WRITTEN = 3600, /* seconds after which a temporary name is one of a killed process */
	MAX_ID = 4096,	     /* bytes of the file that names a cache mount */
	TRIM_EVERY = 3600,   /* seconds */
	DAY = 24 * 3600,
};
#define DEFAULT_SIZE (UINT64_C(20) << 30)

void build_cache_list_free(struct build_cache_list *l)
{
	arena_free(&l->arena);
	*l = (struct build_cache_list){0};
}

static int64_t since(struct timespec t)
{
	return (int64_t)time_now().tv_sec - (int64_t)t.tv_sec;
}

/* What stands in build/cache and is no record: of another release, damaged, or left by a process that was killed while it wrote. */
static void drop_bad(int dir, const char *name, const struct stat *st)
{
	if (S_ISREG(st->st_mode) && since(st->st_mtim) > HALF_WRITTEN)
		unlinkat(dir, name, 0);
}

static int add_records(const struct home *h, struct build_cache_list *l, bool tidy, struct err *e)
{
	int fd = openat(h->fd, "build/cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/build/cache", h->path);
	for (struct dirent *de; (de = readdir(d));) {
		struct build_cache_record rec;
		scoped(arena) a = {0};
		struct stat st;
		if (de->d_name[0] == '.' || fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (build_cache_read(fd, de->d_name, &a, &rec) < 0) {
			if (tidy)
				drop_bad(fd, de->d_name, &st);
			continue;
		}
		struct build_cache_item *i = bind_append(&l->arena, &l->items, sizeof *i);
		*i = (struct build_cache_item){.key = arena_strdup(&l->arena, de->d_name),
					       .record = rec,
					       .used = st.st_mtim};
		i->record.inputs = (struct pairs){0};
		i->record.layer = arena_strdup(&l->arena, rec.layer);
		i->record.step = arena_strdup(&l->arena, rec.step ?: "");
		i->record.created = arena_strdup(&l->arena, rec.created);
	}
	closedir(d);
	return 0;
}

/* Locked by nobody? The lock of a cache mount, or -1. */
static int lock_mount(int dir, const char *name)
{
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? take_fd(fd) : -1;
}

static int add_mounts(const struct home *h, struct build_cache_list *l, struct err *e)
{
	int fd = openat(h->fd, "build/mounts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t first = l->items.n;
	scoped(strv) paths = {0};

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/build/mounts", h->path);
	for (struct dirent *de; (de = readdir(d));) {
		scoped(str) id = {0};
		struct stat st;
		if (de->d_name[0] == '.' || fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		autofree char *file = path_join(de->d_name, "id");
		if (fd_read_file_at(fd, file, &id, MAX_ID) < 0)
			str_reset(&id);
		autoclose int lock = lock_mount(fd, de->d_name);
		struct build_cache_item *i = bind_append(&l->arena, &l->items, sizeof *i);
		*i = (struct build_cache_item){.key = arena_strdup(&l->arena, de->d_name),
					       .used = st.st_mtim,
					       .shared = lock < 0,
					       .mount = true};
		i->record.step = arena_strdup(&l->arena, str_cstr(&id));
		strv_addf(&paths, "build/mounts/%s", de->d_name);
	}
	closedir(d);
	int64_t *sizes = arena_alloc(&l->arena, (paths.n + 1) * sizeof *sizes);
	if (paths.n)
		trees_usage(h, (const char *const *)paths.v, paths.n, sizes);
	struct build_cache_item *i = l->items.v;
	for (size_t k = 0; k < paths.n; k++)
		i[first + k].bytes = sizes[k];
	return 0;
}

static int by_use(const void *a, const void *b)
{
	const struct build_cache_item *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	if (x->used.tv_nsec != y->used.tv_nsec)
		return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* A layer that records name. */
struct cached_layer {
	const char *hex;
	size_t records; /* that name it and are still there */
	int64_t room;	/* 0: an image or a container has it */
	bool told;
};
struct layers_table {
	struct cached_layer *v;
	size_t n;
};
static void layers_table_free(struct layers_table *t)
{
	free(t->v);
}

static int by_hex(const void *a, const void *b)
{
	return strcmp(((const struct cached_layer *)a)->hex, ((const struct cached_layer *)b)->hex);
}

static struct cached_layer *layer_of(const struct layers_table *t, const struct build_cache_item *i)
{
	struct cached_layer key = {.hex = i->record.layer ? digest_hex(i->record.layer) : ""};

	return i->record.layer && t->n ? bsearch(&key, t->v, t->n, sizeof key, by_hex) : NULL;
}

static void layers_table_make(const struct home *h, const struct build_cache_list *l,
			      const struct store_used *images, struct layers_table *ret)
{
	const struct build_cache_item *v = l->items.v;
	size_t n = 0;

	ret->v = xcalloc(l->items.n + 1, sizeof *ret->v);
	for (size_t i = 0; i < l->items.n; i++)
		if (v[i].record.layer)
			ret->v[n++] =
				(struct cached_layer){digest_hex(v[i].record.layer), 1, 0, false};
	if (n > 1)
		qsort(ret->v, n, sizeof *ret->v, by_hex);
	for (size_t i = 0; i < n; i++) {
		struct cached_layer *last = ret->n ? &ret->v[ret->n - 1] : NULL;
		if (last && !strcmp(last->hex, ret->v[i].hex))
			last->records++;
		else
			ret->v[ret->n++] = ret->v[i];
	}
	for (size_t i = 0; i < ret->n; i++)
		if (!store_used_has(&images->layers, ret->v[i].hex))
			ret->v[i].room = layer_room_all(h, ret->v[i].hex);
}

static void measure(struct build_cache_list *l, const struct layers_table *t,
		    const struct store_used *images)
{
	struct build_cache_item *v = l->items.v;

	for (size_t i = 0; i < l->items.n; i++) {
		struct cached_layer *layer = layer_of(t, &v[i]);
		if (layer) {
			v[i].shared = store_used_has(&images->layers, layer->hex);
			v[i].bytes = layer->told ? 0 : layer->room;
			layer->told = true;
		}
		l->bytes += v[i].bytes;
		l->reclaimable += v[i].shared ? 0 : v[i].bytes;
		l->active += v[i].shared;
	}
}

static int read_list(const struct home *h, bool tidy, struct build_cache_list *ret,
		     struct layers_table *ret_layers, struct err *e)
{
	scoped(store_used) images = {0};

	*ret = (struct build_cache_list){0};
	int r = add_records(h, ret, tidy, e);
	if (r == 0)
		r = add_mounts(h, ret, e);
	if (r == 0 && ret->items.n)
		r = store_used_by_images(h, &images, e);
	if (r < 0)
		return r;
	if (ret->items.n > 1)
		qsort(ret->items.v, ret->items.n, sizeof(struct build_cache_item), by_use);
	layers_table_make(h, ret, &images, ret_layers);
	measure(ret, ret_layers, &images);
	return 0;
}

int build_cache_list(const struct home *h, struct build_cache_list *ret, struct err *e)
{
	scoped(layers_table) layers = {0};

	return read_list(h, false, ret, &layers, e);
}

/* ---- removing */

static bool goes(const struct build_cache_prune *p, const struct build_cache_item *i)
{
	if (i->mount)
		return !i->shared && !p->no_mounts && since(i->used) >= p->older &&
		       (!p->fits || p->fits(p->arg, i));
	return (p->all || !i->shared) && since(i->used) >= p->older &&
	       (!p->fits || p->fits(p->arg, i));
}

/* Takes one away; returns the room that becomes free. The mounts only get into the list of what is to go: they are deleted when nobody waits for the lock. */
static int64_t take_away(const struct home *h, const struct build_cache_prune *p,
			 const struct layers_table *layers, const struct build_cache_item *i,
			 struct strv *mounts)
{
	char path[16 + 65];

	if (i->mount) {
		strv_addf(mounts, "build/mounts/%s", i->key);
		return i->bytes;
	}
	snprintf(path, sizeof path, "build/cache/%.64s", i->key);
	if (!p->dry && unlinkat(h->fd, path, 0) < 0)
		return 0;
	struct cached_layer *layer = layer_of(layers, i);
	return layer && --layer->records == 0 ? layer->room : 0;
}

static void remove_mounts(const struct home *h, const struct strv *paths)
{
	for (size_t i = 0; i < paths->n; i++) {
		autoclose int lock = lock_mount(h->fd, paths->v[i]);
		if (lock >= 0)
			home_discard(h, paths->v[i], NULL);
	}
}

int build_cache_prune(const struct home *h, const struct build_cache_prune *p, int64_t *ret_bytes,
		      struct err *e)
{
	scoped(build_cache_list) l = {0};
	scoped(layers_table) layers = {0};
	scoped(strv) mounts = {0};
	struct store_trash trash = STORE_TRASH_NONE;
	autoclose int lock = store_lock(h, e);

	*ret_bytes = 0;
	int r = lock < 0 ? lock : read_list(h, !p->dry, &l, &layers, e);
	if (r < 0)
		return r;
	const struct build_cache_item *v = l.items.v;
	int64_t left = l.bytes;
	if (!p->dry && l.items.n)
		store_collect_later(h); /* should we be killed between here and the collecting */
	for (size_t i = 0; i < l.items.n && (!p->keep || left > (int64_t)p->keep); i++) {
		if (!goes(p, &v[i]))
			continue;
		int64_t bytes = take_away(h, p, &layers, &v[i], &mounts);
		left -= bytes;
		*ret_bytes += bytes;
		if (p->row)
			p->row(p->arg, &v[i]);
	}
	if (p->dry)
		return 0;
	/* A damaged image keeps the layers for now, a build that goes on for as long as it does. */
	store_collect_locked(h, &trash, NULL);
	fd_close(&lock);
	remove_mounts(h, &mounts);
	store_trash_empty(h, &trash, 8);
	return 0;
}

/* ---- limits */

/* What build/trimmed says: how many records there were, when they were last gone through. */
static bool trimmed_lately(const struct home *h, int64_t records)
{
	scoped(str) text = {0};
	struct stat st;
	int64_t n;

	if (fstatat(h->fd, "build/trimmed", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    since(st.st_mtim) < 0 || since(st.st_mtim) > TRIM_EVERY ||
	    fd_read_file_at(h->fd, "build/trimmed", &text, 32) < 0)
		return false;
	return parse_i64(str_cstr(&text), 0, INT64_MAX, &n) == 0 && records <= n;
}

static int64_t count_entries(const struct home *h, const char *path)
{
	int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int64_t n = 0;

	for (struct dirent *de; d && (de = readdir(d));)
		n += de->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* Files that nobody has touched for that long, in a directory of plain files. */
static void drop_old(const struct home *h, const char *path, int64_t age)
{
	int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_name[0] != '.' &&
		    fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    since(st.st_mtim) > age)
			unlinkat(fd, de->d_name, 0);
	closedir(d);
}

static uint64_t size_limit(const struct home *h, const struct build_cache_limits *l)
{
	struct statvfs v;

	if (l->size)
		return l->size;
	if (fstatvfs(h->fd, &v) < 0 || !v.f_blocks)
		return DEFAULT_SIZE;
	uint64_t tenth = (uint64_t)v.f_blocks * v.f_frsize / 10;
	return tenth < DEFAULT_SIZE ? tenth : DEFAULT_SIZE;
}

void build_cache_trim(const struct home *h, const struct build_cache_limits *l)
{
	int64_t records = count_entries(h, "build/cache") + count_entries(h, "build/mounts");
	int64_t age = l->age ? l->age : 30 * DAY, bytes;
	char text[24];

	if (trimmed_lately(h, records))
		return;
	if (age > 0) {
		struct build_cache_prune old = {.all = true, .older = age};
		build_cache_prune(h, &old, &bytes, NULL);
		drop_old(h, "build/plans", age);
		drop_old(h, "build/stat", age);
	}
	struct build_cache_prune large = {.keep = size_limit(h, l)};
	build_cache_prune(h, &large, &bytes, NULL);
	int n = snprintf(text, sizeof text, "%" PRId64,
			 count_entries(h, "build/cache") + count_entries(h, "build/mounts"));
	fd_replace_at(h->fd, "build/trimmed", text, (size_t)n, 0600, false);
}
