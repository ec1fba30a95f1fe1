/*
 * How it works: one walk (store/pack.c) sets times, removes what does not belong into a layer, and gives the tar, which is hashed and told to the recipe piece by
 * piece; nobody keeps it. Where the content of files lies in a piece is noted while it is read, since the recipe has to hear of the piece first. Then meta is
 * written beside the directory, and both go to their place under the digest that came out.
 */
#include <sys/xattr.h>

#include "base/base.h"
#include "store/adopt.h"
#include "store/copied.h"
#include "store/pack.h"
#include "store/recipe.h"
#include "store/view.h"

enum { PIECE = 256 * 1024 };

/* Content within a piece. */
struct span {
	const char *path; /* of a file that begins here; NULL: it goes on */
	uint64_t offset;
	const void *p;
	size_t n;
};

struct spans {
	struct span *v;
	size_t n, cap;
	struct arena paths; /* of the present piece */
};

static void spans_free(struct spans *s)
{
	free(s->v);
	arena_free(&s->paths);
}

static void on_content(void *arg, const char *path, uint64_t offset, const void *p, size_t n)
{
	struct spans *s = arg;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = xrealloc(s->v, s->cap * sizeof *s->v);
	}
	s->v[s->n++] = (struct span){offset ? NULL : arena_strdup(&s->paths, path), offset, p, n};
}

/* One piece of the tar: to the recipe. */
static int record(struct recipe_writer *w, struct spans *s, const void *p, size_t n, struct err *e)
{
	int r = 0;

	recipe_piece(w, p, n);
	for (size_t i = 0; i < s->n && r == 0; i++) {
		if (s->v[i].path)
			recipe_file(w, "", s->v[i].path);
		r = recipe_content(w, s->v[i].offset, s->v[i].p, s->v[i].n, e);
	}
	s->n = 0;
	arena_free(&s->paths);
	return r < 0 ? r : recipe_piece_end(w, e);
}

static int pump(struct pack *p, struct spans *s, struct recipe_writer *w, struct layer_info *info,
		struct err *e)
{
	autofree char *buf = xmalloc(PIECE);
	struct source src = pack_source(p);
	scoped(hash) hash = {0};
	int r = hash_open(&hash, e);
	ssize_t n = 0;

	while (r == 0 && (n = src.read(src.arg, buf, PIECE, e)) > 0) {
		hash_add(&hash, buf, (size_t)n);
		info->tar_size += (uint64_t)n;
		r = record(w, s, buf, (size_t)n, e);
	}
	if (r == 0 && n < 0)
		r = (int)n;
	if (r == 0)
		r = recipe_end(w, e);
	if (r < 0)
		return r;
	hash_end(&hash, &info->diffid);
	info->blob = info->diffid; /* a plain tar is one */
	info->blob_size = info->tar_size;
	const struct pack_stats st = pack_stats(p);
	info->stats = (struct unpack_stats){
		.entries = st.entries, .bytes = st.bytes, .max_id = st.max_id};
	return 0;
}

static int write_meta(const struct home *h, int dir, const struct layer_info *i)
{
	scoped(arena) a = {0};
	char blob[DIGEST_STR];
	struct layer_meta m = {
		.version = 1,
		.entries = (int64_t)i->stats.entries,
		.size = (int64_t)i->stats.bytes,
		.tar_size = (int64_t)i->tar_size,
		.max_id = i->stats.max_id,
	};

	strs_add(&a, &m.blobs, digest_str(&i->blob, blob));
	int r = layer_meta_write(dir, &m);
	return r < 0 ? r : fd_write_file_at(dir, "unsynced", h->boot_id, strlen(h->boot_id), 0644);
}

/* The root of a layer is no entry of it, so it must not tell anything. */
static int settle_root(const struct adopt_job *j, int dir)
{
	static const char *const marks[] = {"origin", "impure", "uuid", "opaque"};
	struct timespec v[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = j->epoch < 0 ? 0 : j->epoch}};
	char name[32];

	for (size_t i = 0; i < countof(marks); i++) {
		snprintf(name, sizeof name, "user.overlay.%s", marks[i]);
		fremovexattr(dir, name);
	}
	if (fchown(dir, 0, 0) < 0 || fchmod(dir, 0755) < 0 || futimens(dir, v) < 0)
		return -errno;
	return 0;
}

struct adopting {
	const struct home *h, *seen; /* seen: by the mounts of this process */
	const struct u0_map *map;
	const struct adopt_job *j;
	int dir;
	struct view below;
};

static void cut(struct str *s, size_t n)
{
	if (s->s)
		s->s[n] = 0;
	s->len = n;
}

/* What a name that was just added is a link to; 0: it is none. */
static ssize_t read_link(const struct adopting *a, int upper, const struct str *path, char *buf,
			 size_t size)
{
	ssize_t n = readlinkat(upper, path->s + 1, buf, size - 1);

	if (n < 0 && errno == ENOENT)
		n = readlinkat(a->below.root, path->s + 1, buf, size - 1);
	buf[n > 0 ? n : 0] = 0;
	return n > 0 ? n : 0;
}

/* Where a path leads, in what upper shows over below. A loop, or a path without end, stays as it is. */
static const char *follow_links(const struct adopting *a, int upper, const char *path,
				struct arena *arena)
{
	enum { LINKS = 40 };
	scoped(str) done = {0};
	const char *rest = path;
	char link[PATH_MAX];

	for (int links = 0; *(rest += strspn(rest, "/"));) {
		size_t n = strcspn(rest, "/"), end = done.len;
		const char *slash = strrchr(str_cstr(&done), '/');
		bool up = n == 2 && rest[0] == '.' && rest[1] == '.';
		if (up && slash)
			cut(&done, (size_t)(slash - done.s));
		bool name = !up && !(n == 1 && rest[0] == '.');
		if (name)
			str_addf(&done, "/%.*s", (int)n, rest);
		rest += n;
		if (!name || !read_link(a, upper, &done, link, sizeof link))
			continue;
		if (++links > LINKS || done.len + strlen(rest) > PATH_MAX)
			return path;
		cut(&done, link[0] == '/' ? 0 : end);
		rest = arena_printf(arena, "%s%s", link, rest);
	}
	return arena_strdup(arena, done.len ? done.s : "/");
}

/* A mount point lies where the links of the image lead. */
static struct pack_build build_of(const struct adopting *a, int upper, struct strs *leave,
				  struct arena *arena)
{
	const struct adopt_job *j = a->j;

	for (size_t i = 0; i < j->leave->n; i++) {
		strs_add(arena, leave, j->leave->v[i]); /* it may be a link that was made itself */
		strs_add(arena, leave, follow_links(a, upper, j->leave->v[i], arena));
	}
	return (struct pack_build){
		.since = j->since, .epoch = j->epoch, .all = j->all, .leave = leave};
}

static int place(const struct adopting *a, int layer, struct layer_info *ret, struct err *e)
{
	int r = write_meta(a->h, layer, ret);

	if (r == 0 && renameat(a->dir, "upper", layer, "diff") < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "write the layer of %s", a->j->what);
	r = layer_place(a->h, a->dir, &ret->diffid, u0_form_name(a->map->form), &ret->existed, e);
	if (r == 0 && ret->existed)
		path_rm_tree_at(a->dir, "layer");
	return r;
}

static int adopt_upper(const struct adopting *a, struct layer_info *ret, bool *ret_empty,
		       struct err *e)
{
	scoped(arena) arena = {0};
	struct strs leave = {0};
	scoped(spans) spans = {0};
	struct recipe_writer *w;
	autoclose int upper =
		openat(a->dir, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (upper < 0 || mkdirat(a->dir, "layer", 0755) < 0)
		return err_set(e, errno, "open what %s has written", a->j->what);
	autoclose int layer = openat(a->dir, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layer < 0)
		return err_set(e, errno, "open the layer of %s", a->j->what);
	int r = recipe_new(&w, layer, e);
	if (r < 0)
		return r;
	struct pack_build b = build_of(a, upper, &leave, &arena);
	b.settle = true;
	b.content = on_content;
	b.arg = &spans;
	struct pack *p = pack_open(NULL, upper, a->j->what);
	pack_as_layer(p, a->below.root);
	pack_as_built(p, &b);
	if (a->map->form == FORM_ONE)
		pack_kept_owners(p);
	r = pump(p, &spans, w, ret, e);
	pack_close(p);
	recipe_free(w);
	if (r == 0) {
		r = settle_root(a->j, upper);
		if (r < 0)
			err_set(e, r, "finish the layer of %s", a->j->what);
	}
	*ret_empty = r == 0 && !ret->stats.entries;
	if (r < 0 || *ret_empty)
		return r;
	return place(a, layer, ret, e);
}

/* There is no overlay here. Whether anything has changed is seen when it is packed: the end alone is no layer. */
static int adopt_copy(const struct adopting *a, struct layer_info *ret, bool *ret_empty,
		      struct err *e)
{
	scoped(arena) arena = {0};
	struct strs leave = {0};
	struct layer_job job = {
		.what = a->j->what, .blob_size = -1, .limits = {.max_bytes = INT64_MAX}};
	autoclose int root =
		openat(a->dir, COPIED_ROOT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (root < 0)
		return err_set(e, errno, "open what %s has written", a->j->what);
	const struct pack_build b = build_of(a, root, &leave, &arena);
	struct pack *p = pack_open(NULL, root, a->j->what);
	pack_as_changes(p, a->below.root, copied_when(a->dir));
	pack_as_built(p, &b);
	if (a->map->form == FORM_ONE)
		pack_kept_owners(p);
	job.source = pack_source(p);
	int r = layer_add(a->h, a->map, &job, ret, e);
	*ret_empty = r == 0 && !pack_stats(p).entries;
	pack_close(p);
	return r;
}

int layer_adopt(const struct home *h, const struct u0_map *map, const struct adopt_job *j,
		struct layer_info *ret, bool *ret_empty, struct err *e)
{
	struct home seen;
	struct adopting a = {.h = h, .seen = &seen, .map = map, .j = j, .below = VIEW_NONE};
	mode_t mask = umask(0);
	int r = view_enter(h, &seen, e);

	*ret = (struct layer_info){0};
	*ret_empty = false;
	a.dir = r < 0 ? -1 : openat(h->fd, j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && a.dir < 0)
		r = err_set(e, errno, "open %s/%s", h->path, j->dir);
	if (r == 0)
		r = view_open(&seen, u0_form_name(map->form), j->below, j->below->n, NULL, &a.below,
			      e);
	if (r == 0)
		r = copied_is(a.dir) ? adopt_copy(&a, ret, ret_empty, e)
				     : adopt_upper(&a, ret, ret_empty, e);
	view_free(&a.below);
	fd_close(&a.dir);
	if (seen.fd != h->fd)
		fd_close(&seen.fd);
	if (r == 0 && *ret_empty)
		*ret = (struct layer_info){0};
	umask(mask);
	return r;
}
