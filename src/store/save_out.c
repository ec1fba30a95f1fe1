#include "base/base.h"
#include "data/tar_write.h"
#include "store/save.h"

enum { FLUSH = 128 * 1024 };

void save_out_free(struct save_out *o)
{
	strv_free(&o->done);
	str_free(&o->buf);
	if (o->dir)
		fd_close(&o->file);
}

bool save_out_has(const struct save_out *o, const char *name)
{
	return strv_has(&o->done, name);
}

static int failed(const struct save_out *o, int r, struct err *e)
{
	if (r == -EPIPE && e) /* whoever reads has gone: nobody is there for a message */
		*e = (struct err){.code = EPIPE, .exit = 141};
	return r == -EPIPE ? r : err_set(e, r, "write %s", o->what);
}

static int flush(struct save_out *o, size_t from, struct err *e)
{
	if (o->buf.len < from)
		return 0;
	int r = fd_write_all(o->fd, o->buf.s, o->buf.len);
	str_reset(&o->buf);
	return r < 0 ? failed(o, r, e) : 0;
}

static int begin_in_dir(struct save_out *o, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (slash) {
		autofree char *parent = xstrndup(name, (size_t)(slash - name));
		int r = path_mkdir_p_at(o->fd, parent, 0755);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	o->file = openat(o->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return o->file < 0 ? -errno : 0;
}

/* Readers without privileges unpack directories that are named, and fail at those that are not. */
static void name_dirs(struct save_out *o, const char *name)
{
	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		autofree char *dir = xstrndup(name, (size_t)(p - name) + 1);
		struct tar_entry t = {.type = TAR_DIR, .path = dir, .mode = 0755};
		if (strv_has(&o->done, dir))
			continue;
		strv_add(&o->done, dir);
		tar_write_header(&o->buf, &t);
	}
}

int save_out_begin(struct save_out *o, const char *name, uint64_t size, struct err *e)
{
	struct tar_entry t = {.type = TAR_FILE, .path = name, .size = size, .mode = 0644};
	int r = 0;

	if (!o->dir)
		name_dirs(o, name);
	strv_add(&o->done, name);
	o->left = o->size = size;
	if (o->dir)
		r = begin_in_dir(o, name);
	else
		tar_write_header(&o->buf, &t);
	return r < 0 ? failed(o, r, e) : 0;
}

int save_out_bytes(struct save_out *o, const void *p, size_t n, struct err *e)
{
	int r;

	if (o->shown) {
		o->shown->arrived += n;
		o->shown->progress.taken += n;
	}
	if (o->dir) {
		r = fd_write_all(o->file, p, n);
		return r < 0 ? failed(o, r, e) : 0;
	}
	if (n > o->left)
		return err_fail(e, ERR_LAYER_REBUILD, "%s is longer than it was",
				o->done.v[o->done.n - 1]);
	o->left -= n;
	if (n < FLUSH / 2) {
		str_addn(&o->buf, p, n);
		return flush(o, FLUSH, e);
	}
	r = flush(o, 1, e);
	if (r < 0)
		return r;
	r = fd_write_all(o->fd, p, n);
	return r < 0 ? failed(o, r, e) : 0;
}

int save_out_end(struct save_out *o, struct err *e)
{
	static const char zero[TAR_BLOCK_SIZE];

	if (o->dir) {
		fd_close(&o->file);
		return 0;
	}
	if (o->left)
		return err_fail(e, ERR_LAYER_REBUILD, "%s is shorter than it was",
				o->done.v[o->done.n - 1]);
	str_addn(&o->buf, zero, tar_padding(o->size));
	return 0;
}

int save_out_file(struct save_out *o, const char *name, const void *p, size_t n, struct err *e)
{
	int r = save_out_begin(o, name, n, e);

	if (r == 0)
		r = save_out_bytes(o, p, n, e);
	return r < 0 ? r : save_out_end(o, e);
}

int save_out_finish(struct save_out *o, struct err *e)
{
	static const char zero[TAR_END_SIZE];

	if (o->dir)
		return 0;
	str_addn(&o->buf, zero, sizeof zero);
	return flush(o, 1, e);
}
