#include "base/base.h"
#include "store/recipe.h"

static const char magic[] = "hoy-recipe 1\n";
enum { FLUSH = 64 * 1024 };

struct recipe_writer {
	int dir, fd;
	struct deflate *z;
	struct str buf;	      /* pieces on their way into z */
	const uint8_t *piece; /* from here on nothing was told yet */
	const uint8_t *end;
	struct str path;	  /* of the file whose content comes */
	bool named;		  /* F was written for it */
	uint64_t at;		  /* where its last piece ended */
	uint64_t open_at, open_n; /* content that is not written yet, as it may go on */
	uint64_t total;
	uint64_t moves, moved_bytes;
	bool given_up;
};

static int write_out(void *arg, const void *p, size_t n, struct err *e)
{
	struct recipe_writer *w = arg;
	int r = fd_write_all(w->fd, p, n);

	return r < 0 ? err_set(e, r, "write the recipe of a layer") : 0;
}

int recipe_new(struct recipe_writer **ret, int dir, struct err *e)
{
	struct recipe_writer *w = xcalloc(1, sizeof *w);
	struct sink sink = {write_out, w};
	int r = 0;

	*ret = w;
	w->dir = dir;
	w->fd = openat(dir, "recipe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		r = err_set(e, errno, "write the recipe of a layer");
	else if (deflate_open(&w->z, INFLATE_ZSTD, 1, &sink, NULL) < 0)
		r = deflate_open(&w->z, INFLATE_GZIP, 1, &sink, e);
	str_addn(&w->buf, magic, sizeof magic - 1);
	if (r < 0) {
		recipe_free(w);
		*ret = NULL;
	}
	return r;
}

void recipe_free(struct recipe_writer *w)
{
	if (!w)
		return;
	deflate_close(w->z);
	fd_close(&w->fd);
	str_free(&w->buf);
	str_free(&w->path);
	free(w);
}

static void put_number(struct str *s, uint64_t v)
{
	for (; v > 127; v >>= 7)
		str_addc(s, (char)(v | 128));
	str_addc(s, (char)v);
}

static int flush(struct recipe_writer *w, size_t from, struct err *e)
{
	if (w->buf.len < from)
		return 0;
	int r = deflate_add(w->z, w->buf.s, w->buf.len, e);
	str_reset(&w->buf);
	return r;
}

static void put_content(struct recipe_writer *w)
{
	if (!w->open_n)
		return;
	if (!w->named) {
		str_addc(&w->buf, 'F');
		put_number(&w->buf, w->path.len);
		str_addn(&w->buf, w->path.s, w->path.len);
		w->named = true;
	}
	if (w->open_at > w->at) {
		str_addc(&w->buf, 'S');
		put_number(&w->buf, w->open_at - w->at);
	}
	str_addc(&w->buf, 'D');
	put_number(&w->buf, w->open_n);
	w->at = w->open_at + w->open_n;
	w->open_n = 0;
}

/* What stood before p and was no content. */
static int put_bytes(struct recipe_writer *w, const uint8_t *p, struct err *e)
{
	size_t n = (size_t)(p - w->piece);
	int r = 0;

	if (!n)
		return 0;
	put_content(w);
	str_addc(&w->buf, 'L');
	put_number(&w->buf, n);
	if (n >= FLUSH) {
		r = flush(w, 0, e);
		if (r == 0)
			r = deflate_add(w->z, w->piece, n, e);
	} else {
		str_addn(&w->buf, w->piece, n);
	}
	w->piece = p;
	return r < 0 ? r : flush(w, FLUSH, e);
}

void recipe_piece(struct recipe_writer *w, const void *p, size_t n)
{
	w->piece = p;
	w->end = w->piece + n;
	w->total += n;
}

int recipe_piece_end(struct recipe_writer *w, struct err *e)
{
	return w->given_up ? 0 : put_bytes(w, w->end, e);
}

static void join(struct str *s, const char *dir, const char *name)
{
	str_reset(s);
	str_add(s, dir);
	if (*dir)
		str_addc(s, '/');
	str_add(s, name);
}

void recipe_file(struct recipe_writer *w, const char *dir, const char *name)
{
	put_content(w);
	join(&w->path, dir, name);
	w->named = false;
	w->at = 0;
}

int recipe_content(struct recipe_writer *w, uint64_t offset, const void *buf, size_t n,
		   struct err *e)
{
	const uint8_t *p = buf;

	if (w->given_up)
		return 0;
	if (p < w->piece || p + n > w->end)
		return err_fail(e, ERR_INTERNAL, "the content of a layer lies outside of it");
	int r = put_bytes(w, p, e);
	if (r < 0)
		return r;
	if (w->open_n && w->open_at + w->open_n != offset)
		put_content(w);
	if (!w->open_n)
		w->open_at = offset;
	w->open_n += n;
	w->piece = p + n;
	return 0;
}

int recipe_move(struct recipe_writer *w, const char *dir, const char *name)
{
	scoped(str) path = {0};

	if (w->given_up)
		return -ENOSPC;
	join(&path, dir, name);
	w->moved_bytes += path.len;
	if (w->moves == RECIPE_MOVES || w->moved_bytes > RECIPE_MOVES_BYTES) {
		w->given_up = true;
		return -ENOSPC;
	}
	put_content(w);
	str_addc(&w->buf, 'M');
	put_number(&w->buf, w->moves);
	put_number(&w->buf, path.len);
	str_addn(&w->buf, path.s, path.len);
	return (int)w->moves++;
}

int recipe_end(struct recipe_writer *w, struct err *e)
{
	if (w->given_up)
		return unlinkat(w->dir, "recipe", 0) < 0
			       ? err_set(e, errno, "remove the recipe of a layer")
			       : 0;
	put_content(w);
	str_addc(&w->buf, 'E');
	put_number(&w->buf, w->total);
	int r = flush(w, 0, e);
	return r < 0 ? r : deflate_end(w->z, e);
}

struct recipe_reader {
	struct inflate *z;
	char *what;
	const uint8_t *p; /* what the decoder gave and was not taken */
	size_t n;
	uint64_t bytes_left; /* of an L */
	uint64_t offset, files, total;
	bool begun, ended, has_file;
	char path[RECIPE_PATH + 1];
};

static int bad(const struct recipe_reader *r, const char *why, struct err *e)
{
	err_fail(e, ERR_LAYER_REBUILD, "%s is damaged: %s", r->what, why);
	return err_hint(e, "load or pull the image again");
}

int recipe_open(struct recipe_reader **ret, const struct source *src, const char *what,
		struct err *e)
{
	struct recipe_reader *r = xcalloc(1, sizeof *r);
	int k = inflate_open(&r->z, src, what, e);

	r->what = xstrdup(what);
	if (k < 0) {
		r->z = NULL;
		recipe_close(r);
		r = NULL;
	}
	*ret = r;
	return k;
}

void recipe_close(struct recipe_reader *r)
{
	if (!r)
		return;
	inflate_close(r->z);
	free(r->what);
	free(r);
}

/* Makes sure that something is there; -EINVAL at the end of the text. */
static int fill(struct recipe_reader *r, struct err *e)
{
	const void *p;

	if (r->n)
		return 0;
	int k = inflate_next(r->z, &p, &r->n, e);
	if (k < 0)
		return k;
	r->p = p;
	return r->n ? 0 : bad(r, "it is cut off", e);
}

static int take_byte(struct recipe_reader *r, uint8_t *ret, struct err *e)
{
	int k = fill(r, e);

	if (k < 0)
		return k;
	*ret = *r->p++;
	r->n--;
	return 0;
}

static int take_number(struct recipe_reader *r, uint64_t *ret, struct err *e)
{
	uint8_t c;

	*ret = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		int k = take_byte(r, &c, e);
		if (k < 0)
			return k;
		*ret |= (uint64_t)(c & 127) << shift;
		if (c < 128)
			return 0;
	}
	return bad(r, "a number is too large", e);
}

/* Cleaned: no empty part, no "." and no "..", not absolute, no NUL. */
static bool path_is_clean(const char *path, size_t n)
{
	if (!n || strlen(path) != n)
		return false;
	for (const char *p = path;; p++) {
		size_t k = strcspn(p, "/");
		if (!k || (k == 1 && p[0] == '.') || (k == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += k;
		if (!*p)
			return true;
	}
}

static int take_path(struct recipe_reader *r, struct err *e)
{
	uint64_t n;
	int k = take_number(r, &n, e);

	if (k < 0)
		return k;
	if (n > RECIPE_PATH)
		return bad(r, "a path is too long", e);
	for (uint64_t i = 0; i < n; i++) {
		k = take_byte(r, (uint8_t *)&r->path[i], e);
		if (k < 0)
			return k;
	}
	r->path[n] = 0;
	return path_is_clean(r->path, (size_t)n) ? 0 : bad(r, "a path leaves the layer", e);
}

static int take_magic(struct recipe_reader *r, struct err *e)
{
	uint8_t c;

	r->begun = true;
	for (size_t i = 0; i < sizeof magic - 1; i++) {
		int k = take_byte(r, &c, e);
		if (k < 0)
			return k;
		if (c == (uint8_t)magic[i])
			continue;
		if (i < sizeof "hoy-recipe " - 1)
			return bad(r, "it is none", e);
		err_fail(e, ERR_NEWER, "%s was written by a newer release of hoy", r->what);
		return err_hint(e, "use that release, or load the image again with this one");
	}
	return 0;
}

static int count(struct recipe_reader *r, uint64_t n, struct err *e)
{
	if (!n || n > INT64_MAX - r->total)
		return bad(r, "a length is none", e);
	r->total += n;
	return 0;
}

static int take_bytes(struct recipe_reader *r, struct recipe_op *op, struct err *e)
{
	int k = fill(r, e);

	if (k < 0)
		return k;
	size_t n = r->bytes_left < r->n ? (size_t)r->bytes_left : r->n;
	*op = (struct recipe_op){.kind = RECIPE_BYTES, .bytes = r->p, .len = n};
	r->p += n;
	r->n -= n;
	r->bytes_left -= n;
	return 0;
}

static int take_content(struct recipe_reader *r, struct recipe_op *op, struct err *e)
{
	uint64_t n;
	int k = take_number(r, &n, e);

	if (k == 0)
		k = count(r, n, e);
	if (k == 0 && (!r->has_file || n > INT64_MAX - r->offset))
		k = bad(r, "it has content of no file", e);
	if (k < 0)
		return k;
	*op = (struct recipe_op){.kind = RECIPE_CONTENT,
				 .path = r->path,
				 .offset = r->offset,
				 .len = n,
				 .number = r->files - 1};
	r->offset += n;
	return 0;
}

static int take_hole(struct recipe_reader *r, struct err *e)
{
	uint64_t n;
	int k = take_number(r, &n, e);

	if (k == 0 && n > INT64_MAX - r->offset)
		k = bad(r, "a length is none", e);
	r->offset += k == 0 ? n : 0;
	return k;
}

static int take_move(struct recipe_reader *r, struct recipe_op *op, struct err *e)
{
	uint64_t number;
	int k = take_number(r, &number, e);

	if (k == 0)
		k = take_path(r, e);
	r->has_file = false; /* the path is another now */
	*op = (struct recipe_op){
		.kind = RECIPE_MOVED, .path = r->path, .number = number, .files = r->files};
	return k;
}

static int take_end(struct recipe_reader *r, struct recipe_op *op, struct err *e)
{
	uint64_t n;
	const void *p;
	size_t more;
	int k = take_number(r, &n, e);

	if (k < 0)
		return k;
	if (n != r->total || r->n)
		return bad(r, "its parts do not add up", e);
	k = inflate_next(r->z, &p, &more, e);
	if (k == 0 && more)
		k = bad(r, "something follows its end", e);
	r->ended = true;
	*op = (struct recipe_op){.kind = RECIPE_END, .len = n};
	return k;
}

static int take_length(struct recipe_reader *r, struct err *e)
{
	int k = take_number(r, &r->bytes_left, e);

	return k < 0 ? k : count(r, r->bytes_left, e);
}

int recipe_next(struct recipe_reader *r, struct recipe_op *ret, struct err *e)
{
	uint8_t c;
	int k = r->begun ? 0 : take_magic(r, e);

	while (k == 0) {
		if (r->bytes_left)
			return take_bytes(r, ret, e);
		if (r->ended)
			return bad(r, "it was read to its end", e);
		k = take_byte(r, &c, e);
		if (k < 0)
			return k;
		switch (c) {
		case 'L':
			k = take_length(r, e);
			break;
		case 'F':
			k = take_path(r, e);
			r->files++;
			r->offset = 0;
			r->has_file = true;
			break;
		case 'S':
			k = take_hole(r, e);
			break;
		case 'D':
			return take_content(r, ret, e);
		case 'M':
			return take_move(r, ret, e);
		case 'E':
			return take_end(r, ret, e);
		default:
			return bad(r, "it has an unknown part", e);
		}
	}
	return k;
}
