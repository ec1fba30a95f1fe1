/*
 * How it works: the recipe is read once for the files that were replaced (where there are any), then again, piece by piece: bytes go
 * through, content is read from its file. A file is found by its path, unless it or a directory above it was moved away
 * after the recipe named it: then it lies in replaced/<number>, and what was below it still below. The kept blob is only
 * decompressed. Either stream is hashed on its way.
 */
#include "base/base.h"
#include "data/bind.h"
#include "store/recipe.h"
#include "store/replay.h"

/* "path, as it was named before the file number files, lies in replaced/<number>". Sorted by path, then by files. */
struct moved {
	const char *path;
	uint64_t files, number;
};

struct replay {
	const struct home *h;
	struct digest diffid;
	char what[60];
	struct hash hash;
	bool done;

	int diff, replaced, recipe, blob; /* descriptors or -1 */
	struct source_fd from;
	struct source src;
	struct inflate *z; /* of the blob */
	const uint8_t *p;
	size_t n; /* decoded and not given yet */

	struct recipe_reader *ops;
	struct arena arena;
	struct bind_list moved; /* of struct moved */
	uint64_t file_number;
	int file; /* the one that content comes from, or -1 */
	uint64_t offset, left;
	char path[RECIPE_PATH + 1];
};

static int changed(const struct replay *r, const char *why, struct err *e)
{
	err_fail(e, ERR_LAYER_REBUILD, "%s cannot be made again: %s", r->what, why);
	return err_hint(e, "hoy system check tells more; loading or pulling the image again "
			   "repairs it");
}

static int by_path(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;
	int c = strcmp(x->path, y->path);

	return c ? c : x->files < y->files ? -1 : x->files > y->files;
}

/* The first move of this very path after the file was named, or NULL. */
static const struct moved *find_moved(const struct replay *r, const char *path, uint64_t number)
{
	const struct moved *v = r->moved.v;
	size_t lo = 0, hi = r->moved.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(v[mid].path, path);
		if (c < 0 || (c == 0 && v[mid].files <= number))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->moved.n && !strcmp(v[lo].path, path) ? &v[lo] : NULL;
}

/* Where the content of a file lies now: under its own path, or below what was moved away first after it was named. */
static int where_is(struct replay *r, const char *path, uint64_t number, char *to)
{
	const struct moved *first = NULL;
	size_t rest = 0;
	char prefix[RECIPE_PATH + 1];

	for (size_t n = 0; r->moved.n && (!n || path[n - 1]); n++) {
		if (path[n] && path[n] != '/')
			continue;
		memcpy(prefix, path, n);
		prefix[n] = 0;
		const struct moved *m = find_moved(r, prefix, number);
		if (m && (!first || m->files < first->files ||
			  (m->files == first->files && m->number < first->number))) {
			first = m;
			rest = n;
		}
		if (!path[n])
			break;
	}
	if (first)
		snprintf(to, RECIPE_PATH + 32, "%" PRIu64 "%s", first->number, path + rest);
	else
		snprintf(to, RECIPE_PATH + 32, "%s", path);
	return first ? r->replaced : r->diff;
}

static int open_file(struct replay *r, const struct recipe_op *op, struct err *e)
{
	char path[RECIPE_PATH + 32];
	int dir = where_is(r, op->path, op->number, path);
	struct stat st;

	fd_close(&r->file);
	r->file_number = op->number;
	snprintf(r->path, sizeof r->path, "%s", op->path);
	r->file = dir < 0 ? -ENOENT
			  : path_open_beneath(dir, path,
					      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (r->file == -EACCES || r->file == -EPERM) {
		err_fail_code(e, ERR_LAYER_FORM, EACCES,
			      "%s has another owner form, and its file %.200s cannot be read here",
			      r->what, op->path);
		return err_hint(e, "load or pull the image again from here, or see: hoy info");
	}
	if (r->file < 0 || fstat(r->file, &st) < 0 || !S_ISREG(st.st_mode)) {
		snprintf(path, sizeof path, "its file %.200s is %s", op->path,
			 r->file < 0 ? "gone" : "a file no more");
		return changed(r, path, e);
	}
	return 0;
}

static ssize_t read_content(struct replay *r, uint8_t *to, size_t n, struct err *e)
{
	ssize_t k;

	if (n > r->left)
		n = (size_t)r->left;
	do
		k = pread(r->file, to, n, (off_t)r->offset);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return err_set(e, errno, "read %.200s of %s", r->path, r->what);
	if (k == 0) {
		char why[260];
		snprintf(why, sizeof why, "its file %.200s is shorter than it was", r->path);
		return changed(r, why, e);
	}
	r->offset += (uint64_t)k;
	r->left -= (uint64_t)k;
	return k;
}

/* The next part of the recipe: 1 if there is something to give, 0 at the end. */
static int next_op(struct replay *r, struct err *e)
{
	struct recipe_op op;
	int k = recipe_next(r->ops, &op, e);

	if (k < 0)
		return k;
	switch (op.kind) {
	case RECIPE_BYTES:
		r->p = op.bytes;
		r->n = (size_t)op.len;
		return 1;
	case RECIPE_CONTENT:
		if (r->file < 0 || r->file_number != op.number)
			k = open_file(r, &op, e);
		r->offset = op.offset;
		r->left = op.len;
		return k < 0 ? k : 1;
	case RECIPE_MOVED:
		return 1; /* known since the first reading */
	case RECIPE_END:
		break;
	}
	return 0;
}

/* The next block of the blob: as next_op(). */
static int next_block(struct replay *r, struct err *e)
{
	const void *p;
	int k = inflate_next(r->z, &p, &r->n, e);

	r->p = p;
	return k < 0 ? k : r->n > 0;
}

static int check_digest(struct replay *r, struct err *e)
{
	struct digest got;

	r->done = true;
	hash_end(&r->hash, &got);
	return digest_eq(&got, &r->diffid)
		       ? 0
		       : changed(r,
				 r->ops ? "one of its files was changed" : "its blob was changed",
				 e);
}

static ssize_t read_some(void *arg, void *buf, size_t n, struct err *e)
{
	struct replay *r = arg;
	uint8_t *to = buf;
	size_t have = 0;

	while (have < n && !r->done) {
		if (r->n) {
			size_t k = n - have < r->n ? n - have : r->n;
			memcpy(to + have, r->p, k);
			r->p += k;
			r->n -= k;
			have += k;
		} else if (r->left) {
			ssize_t k = read_content(r, to + have, n - have, e);
			if (k < 0)
				return k;
			have += (size_t)k;
		} else {
			int k = r->ops ? next_op(r, e) : next_block(r, e);
			if (k < 0)
				return k;
			if (k == 0)
				break;
		}
	}
	if (r->done)
		return 0;
	hash_add(&r->hash, buf, have);
	int k = have < n ? check_digest(r, e) : 0;
	return k < 0 ? k : (ssize_t)have;
}

struct source replay_source(struct replay *r)
{
	return (struct source){read_some, r};
}

int replay_all(struct replay *r, const struct sink *sink, uint64_t *ret_size, struct err *e)
{
	enum { SIZE = 128 * 1024 };
	autofree uint8_t *buf = xmalloc(SIZE);
	uint64_t total = 0;
	ssize_t n;

	while ((n = read_some(r, buf, SIZE, e)) > 0) {
		int k = sink->write(sink->arg, buf, (size_t)n, e);
		if (k < 0)
			return k;
		total += (uint64_t)n;
	}
	if (ret_size)
		*ret_size = total;
	return (int)n;
}

static int open_ops(struct replay *r, struct err *e)
{
	recipe_close(r->ops);
	r->ops = NULL;
	r->from = (struct source_fd){
		.fd = r->recipe, .name = r->what, .offset = 0, .left = UINT64_MAX};
	r->src = source_from_fd(&r->from);
	return recipe_open(&r->ops, &r->src, r->what, e);
}

/* The first reading, for what was moved. The writer keeps to the limits; a recipe beyond them is damaged. */
static int read_moves(struct replay *r, struct err *e)
{
	struct recipe_op op;
	uint64_t bytes = 0;
	int k = open_ops(r, e);

	while (k == 0 && (k = recipe_next(r->ops, &op, e)) == 0 && op.kind != RECIPE_END) {
		if (op.kind != RECIPE_MOVED)
			continue;
		bytes += strlen(op.path);
		if (r->moved.n == RECIPE_MOVES || bytes > RECIPE_MOVES_BYTES)
			return changed(r, "its recipe is too large", e);
		struct moved *m = bind_append(&r->arena, &r->moved, sizeof *m);
		*m = (struct moved){arena_strdup(&r->arena, op.path), op.files, op.number};
	}
	if (r->moved.n)
		qsort(r->moved.v, r->moved.n, sizeof(struct moved), by_path);
	return k;
}

static int open_inside(struct replay *r, enum u0_form form, const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof path, "layers/%s.%s/%s", r->diffid.hex, u0_form_name(form), name);
	int fd = openat(r->h->fd, path, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* From the files of one form: 1, or 0 if there is no recipe. */
static int open_recipe(struct replay *r, enum u0_form form, struct err *e)
{
	r->recipe = open_inside(r, form, "recipe", O_RDONLY | O_NONBLOCK);
	if (r->recipe < 0)
		return 0;
	r->diff = open_inside(r, form, "diff", O_PATH | O_DIRECTORY);
	if (r->diff < 0)
		return changed(r, "its directory cannot be opened", e);
	r->replaced = open_inside(r, form, "replaced", O_PATH | O_DIRECTORY);
	int k = r->replaced >= 0 ? read_moves(r, e) : 0;
	if (k == 0)
		k = open_ops(r, e);
	return k < 0 ? k : 1;
}

/* From a blob that was kept and seen to give this layer: 1, or 0 if there is none. */
static int open_blob(struct replay *r, enum u0_form form, struct err *e)
{
	scoped(arena) a = {0};
	struct layer_meta m;
	char path[96];

	if (layer_meta_read(r->h, &r->diffid, form, &a, &m, NULL) < 0)
		return 0;
	for (size_t i = 0; i < m.blobs.n; i++) {
		struct digest d;
		if (digest_parse(m.blobs.v[i], &d, NULL) < 0)
			continue;
		snprintf(path, sizeof path, "blobs/sha256/%s", d.hex);
		r->blob = openat(r->h->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (r->blob < 0)
			continue;
		r->from = (struct source_fd){
			.fd = r->blob, .name = r->what, .offset = 0, .left = UINT64_MAX};
		r->src = source_from_fd(&r->from);
		int k = inflate_open(&r->z, &r->src, r->what, e);
		return k < 0 ? k : 1;
	}
	return 0;
}

static int nothing_to_read(struct replay *r, bool there, struct err *e)
{
	if (there) {
		err_fail(e, ERR_LAYER_REBUILD,
			 "%s was stored by an earlier release, which did not record how to make "
			 "it again",
			 r->what);
	} else {
		err_fail_code(e, ERR_LAYER_MISSING, ENOENT, "%s is not in the store", r->what);
	}
	return err_hint(e, "remove the image with hoy rmi, and load or pull it again");
}

/* The form that is given first, then the others; files before blobs, which have to be decompressed. Another's files come last: not all of
 * them may be readable. */
static int open_any(struct replay *r, enum u0_form first, struct err *e)
{
	static const enum u0_form all[] = {FORM_SUB, FORM_ONE, FORM_ROOT};
	bool there = false;
	int k = 0;

	if (layer_exists(r->h, &r->diffid, first)) {
		there = true;
		k = open_recipe(r, first, e);
	}
	for (size_t i = 0; i < countof(all) && k == 0; i++) {
		if (!layer_exists(r->h, &r->diffid, all[i]))
			continue;
		there = true;
		k = open_blob(r, all[i], e);
	}
	for (size_t i = 0; i < countof(all) && k == 0; i++)
		if (all[i] != first && layer_exists(r->h, &r->diffid, all[i]))
			k = open_recipe(r, all[i], e);
	return k > 0 ? 0 : k < 0 ? k : nothing_to_read(r, there, e);
}

static int open_with(int (*open)(struct replay *r, enum u0_form form, struct err *e),
		     struct replay **ret, const struct home *h, const struct digest *diffid,
		     enum u0_form form, struct err *e)
{
	struct replay *r = xcalloc(1, sizeof *r);

	r->h = h;
	r->diffid = *diffid;
	r->diff = r->replaced = r->recipe = r->blob = r->file = -1;
	snprintf(r->what, sizeof r->what, "layer sha256:%.12s", diffid->hex);
	int k = hash_open(&r->hash, e);
	if (k == 0)
		k = open(r, form, e);
	*ret = r;
	if (k < 0) {
		replay_close(r);
		*ret = NULL;
	}
	return k;
}

int replay_open(struct replay **ret, const struct home *h, const struct digest *diffid,
		enum u0_form first, struct err *e)
{
	return open_with(open_any, ret, h, diffid, first, e);
}

static int open_files(struct replay *r, enum u0_form form, struct err *e)
{
	int k = open_recipe(r, form, e);

	return k > 0 ? 0 : k < 0 ? k : nothing_to_read(r, true, e);
}

int replay_open_files(struct replay **ret, const struct home *h, const struct digest *diffid,
		      enum u0_form form, struct err *e)
{
	return open_with(open_files, ret, h, diffid, form, e);
}

void replay_close(struct replay *r)
{
	if (!r)
		return;
	recipe_close(r->ops);
	inflate_close(r->z);
	hash_free(&r->hash);
	fd_close(&r->diff);
	fd_close(&r->replaced);
	fd_close(&r->recipe);
	fd_close(&r->blob);
	fd_close(&r->file);
	arena_free(&r->arena);
	free(r);
}
