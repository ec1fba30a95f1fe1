/*
 * How it works: layer_add() locks its diffID and looks whether there is anything to do. Then it pumps: the source, wrapped by
 * blob_read() which hashes, counts and keeps what passes -> inflate -> limit, hash -> unpack into tmp/<x>/layer/diff. When all
 * digests are right, tmp/<x>/layer is renamed to its place, and tmp/<x>/blob to blobs/. Whatever happens, tmp/<x> goes away.
 */
#include <dirent.h>
#include <sys/syscall.h>
#include <linux/fs.h>

#include "base/base.h"
#include "data/bind.h"
#include "state/space.h"
#include "state/tmp.h"
#include "store/layers.h"
#include "store/partial.h"

static const struct bind_field meta_fields[] = {
	{"version", BIND_INT, offsetof(struct layer_meta, version)},
	{"entries", BIND_INT, offsetof(struct layer_meta, entries)},
	{"size", BIND_INT, offsetof(struct layer_meta, size)},
	{"tarSize", BIND_INT, offsetof(struct layer_meta, tar_size)},
	{"opaqueRoot", BIND_BOOL, offsetof(struct layer_meta, opaque_root)},
	{"blobs", BIND_STRS, offsetof(struct layer_meta, blobs)},
	{"skippedDevices", BIND_INT, offsetof(struct layer_meta, skipped_devices)},
	{"maxId", BIND_INT, offsetof(struct layer_meta, max_id)},
	{0},
};

char *layer_path(const struct digest *diffid, enum u0_form form, char *buf, size_t size)
{
	snprintf(buf, size, "layers/%s.%s", diffid->hex, u0_form_name(form));
	return buf;
}

enum { LAYER_PATH = 128 };

/* The path of something inside the layer's directory. */
static char *inside_as(const struct digest *diffid, const char *form, const char *name, char *buf)
{
	snprintf(buf, LAYER_PATH, "layers/%s.%s/%s", diffid->hex, form, name);
	return buf;
}

static char *inside(const struct digest *diffid, enum u0_form form, const char *name, char *buf)
{
	return inside_as(diffid, u0_form_name(form), name, buf);
}

/* A layer that was not synced is whole as long as the page cache is: until the next boot. path is its mark. */
static bool survived(const struct home *h, const char *path)
{
	scoped(str) boot = {0};
	int r = fd_read_file_at(h->fd, path, &boot, 64);

	return r == -ENOENT || (r == 0 && str_eq(str_cstr(&boot), h->boot_id));
}

bool layer_lies_above(const struct strs *layers, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n; k++)
		if (!strcmp(layers->v[k], layers->v[i]))
			return true;
	return false;
}

bool layer_exists_as(const struct home *h, const struct digest *diffid, const char *form)
{
	char path[LAYER_PATH];

	return digest_known(diffid) &&
	       faccessat(h->fd, inside_as(diffid, form, "diff", path), F_OK, 0) == 0 &&
	       survived(h, inside_as(diffid, form, "unsynced", path));
}

bool layer_exists(const struct home *h, const struct digest *diffid, enum u0_form form)
{
	return layer_exists_as(h, diffid, u0_form_name(form));
}

int layer_open(const struct home *h, const struct digest *diffid, enum u0_form form, struct err *e)
{
	return layer_open_as(h, diffid, u0_form_name(form), e);
}

int layer_open_as(const struct home *h, const struct digest *diffid, const char *form,
		  struct err *e)
{
	char path[LAYER_PATH];
	int fd = openat(h->fd, inside_as(diffid, form, "diff", path),
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_set(e, errno, "open %s/%s", h->path, path);
	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++) {
		if (faccessat(h->fd, layer_path(diffid, f, path, sizeof path), F_OK, 0) < 0)
			continue;
		err_fail_code(e, ERR_LAYER_FORM, ENOENT,
			      "the image's layers are stored for owner form \"%s\", and this "
			      "process has \"%s\"",
			      u0_form_name(f), form);
		return err_hint(e, "load or pull the image again from here, or see: hoy info");
	}
	err_fail_code(e, ERR_LAYER_MISSING, ENOENT,
		      "layer %.12s of the image is missing in the store", diffid->hex);
	return err_hint(e, "hoy system check tells more; loading or pulling the image again "
			   "repairs it");
}

static void blob_path(const struct digest *blob, char *buf)
{
	snprintf(buf, LAYER_PATH, "blobs/sha256/%s", blob->hex);
}

bool layer_blob_exists(const struct home *h, const struct digest *blob, int64_t size)
{
	char path[LAYER_PATH];
	struct stat st;

	if (!digest_known(blob))
		return false;
	blob_path(blob, path);
	return fstatat(h->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (size < 0 || st.st_size == size);
}

int layer_meta_named(const struct home *h, const char *name, struct arena *a,
		     struct layer_meta *ret, struct err *e)
{
	scoped(str) text = {0};
	char path[LAYER_PATH];

	snprintf(path, sizeof path, "layers/%.100s/meta", name);
	int r = fd_read_file_at(h->fd, path, &text, 1 << 20);
	if (r < 0)
		return err_set(e, r, "read %s/%s", h->path, path);
	struct json *j = json_parse(a, text.s, text.len, path, NULL, e);
	if (!j)
		return -EINVAL;
	*ret = (struct layer_meta){0};
	return bind_read(meta_fields, ret, j, path, a, e);
}

int layer_meta_read(const struct home *h, const struct digest *diffid, enum u0_form form,
		    struct arena *a, struct layer_meta *ret, struct err *e)
{
	char name[LAYER_PATH];

	snprintf(name, sizeof name, "%s.%s", diffid->hex, u0_form_name(form));
	return layer_meta_named(h, name, a, ret, e);
}

int layer_meta_any(const struct home *h, const struct digest *diffid, struct arena *a,
		   struct layer_meta *ret, struct err *e)
{
	struct err why = {0};

	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++)
		if (layer_exists(h, diffid, f) && layer_meta_read(h, diffid, f, a, ret, &why) == 0)
			return 0;
	if (why.code && e)
		*e = why;
	else
		err_fail_code(e, ERR_LAYER_MISSING, ENOENT,
			      "layer sha256:%.12s of the image is missing in the store",
			      diffid->hex);
	return err_hint(e, "load or pull the image again");
}

static void meta_text(const struct layer_meta *m, struct arena *a, struct str *out)
{
	json_write(out, bind_write(meta_fields, m, a), 0);
	str_addc(out, '\n');
}

int layer_meta_write(int dir, const struct layer_meta *m)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};

	meta_text(m, &a, &text);
	return fd_write_file_at(dir, "meta", text.s, text.len, 0644);
}

/* Notes that blob gives this layer. */
static int meta_add_blob(const struct home *h, const struct digest *diffid, enum u0_form form,
			 const struct digest *blob, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct layer_meta m;
	char buf[DIGEST_STR], path[LAYER_PATH];
	int r = layer_meta_read(h, diffid, form, &a, &m, e);

	if (r < 0 || strs_has(&m.blobs, digest_str(blob, buf)))
		return r;
	strs_add(&a, &m.blobs, buf);
	meta_text(&m, &a, &text);
	r = fd_replace_at(h->fd, inside(diffid, form, "meta", path), text.s, text.len, 0644, false);
	return r < 0 ? err_set(e, r, "write %s/%s", h->path, path) : 0;
}

/* One layer on its way in. */
struct adding {
	const struct home *h;
	const struct layer_job *job;
	struct layer_info *info;
	enum u0_form form;
	struct hash blob_hash, tar_hash;
	int tee; /* the blob is kept here, or -1 */
	uint64_t taken;
	uint64_t look; /* at the room on the disk, when so much was unpacked */
	struct home_tmp tmp;
};

static void adding_free(struct adding *a)
{
	hash_free(&a->blob_hash);
	hash_free(&a->tar_hash);
	fd_close(&a->tee);
	home_tmp_drop(a->h, &a->tmp);
}

static int size_mismatch(const struct adding *a, struct err *e)
{
	return err_fail(e, ERR_DIGEST_MISMATCH,
			"%s is %s than the %" PRId64 " bytes that its manifest promises",
			a->job->what, a->taken > (uint64_t)a->job->blob_size ? "longer" : "shorter",
			a->job->blob_size);
}

static ssize_t blob_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct adding *a = arg;
	ssize_t k = a->job->source.read(a->job->source.arg, buf, n, e);

	if (k <= 0)
		return k;
	a->taken += (uint64_t)k;
	if (a->job->blob_size >= 0 && a->taken > (uint64_t)a->job->blob_size)
		return size_mismatch(a, e);
	hash_add(&a->blob_hash, buf, (size_t)k);
	if (a->tee >= 0) {
		int r = fd_write_all(a->tee, buf, (size_t)k);
		if (r < 0)
			return err_set(e, r, "write the blob of %s", a->job->what);
	}
	if (a->job->progress)
		a->job->progress->taken = a->taken;
	return k;
}

static int check_limit(const struct adding *a, struct err *e)
{
	uint64_t max = a->job->limits.max_bytes, size = a->info->tar_size;
	char hint[] = "if you trust the image, raise the limit with --max-layer-size";

	if (!max)
		max = a->taken * 100 > (uint64_t)1 << 30 ? a->taken * 100 : (uint64_t)1 << 30;
	if (size <= max)
		return 0;
	err_fail_code(e, ERR_LAYER_TOO_BIG, EFBIG, "%s grows beyond %" PRIu64 " %s unpacked",
		      a->job->what, max >> 20 ? max >> 20 : max, max >> 20 ? "MiB" : "bytes");
	return err_hint(e, "%s", hint);
}

/* What of the blob is still to come takes its place at least, unpacked, and the blob kept too. */
static int check_room(struct adding *a, struct err *e)
{
	const struct layer_job *j = a->job;
	uint64_t need = 0;

	if (a->info->tar_size < a->look)
		return 0;
	a->look = a->info->tar_size + SPACE_STEP;
	if (j->blob_size >= 0 && (uint64_t)j->blob_size >= a->taken)
		need = ((uint64_t)j->blob_size - a->taken) * (a->tee >= 0 ? 2 : 1);
	return space_need(a->h, need, j->what, e);
}

/* Everything from the source to the unpacker (NULL: only the digests are wanted), to the end of the source. */
static int pump(struct adding *a, struct unpack *u, struct err *e)
{
	struct source src = {blob_read, a};
	struct inflate *z;
	int r = inflate_open(&z, &src, a->job->what, e);

	if (r < 0)
		return r;
	a->info->kind = inflate_kind(z);
	for (;;) {
		const void *p;
		size_t n;
		r = inflate_next(z, &p, &n, e);
		if (r < 0 || !n)
			break;
		a->info->tar_size += n;
		if (a->job->progress)
			a->job->progress->written = a->info->tar_size;
		r = check_limit(a, e);
		if (r == 0 && u)
			r = check_room(a, e);
		if (r < 0)
			break;
		if (a->info->kind != INFLATE_PLAIN) /* else it is the blob's */
			hash_add(&a->tar_hash, p, n);
		r = u ? unpack_feed(u, p, n, e) : 0;
		if (r < 0)
			break;
	}
	inflate_close(z);
	if (r < 0)
		return r;
	char rest[4096]; /* behind what the decoder wanted; it belongs to the blob all the same */
	ssize_t k;
	do
		k = blob_read(a, rest, sizeof rest, e);
	while (k > 0);
	return (int)k;
}

static int mismatch(const struct adding *a, const char *what, const struct digest *want,
		    const struct digest *is, struct err *e)
{
	return err_fail(e, ERR_DIGEST_MISMATCH,
			"%s: its %s is sha256:%.16s... and should be sha256:%.16s...", a->job->what,
			what, is->hex, want->hex);
}

static int check_digests(struct adding *a, struct err *e)
{
	const struct layer_job *j = a->job;

	hash_end(&a->blob_hash, &a->info->blob);
	hash_end(&a->tar_hash, &a->info->diffid);
	if (a->info->kind == INFLATE_PLAIN)
		a->info->diffid = a->info->blob;
	a->info->blob_size = a->taken;
	if (j->blob_size >= 0 && a->taken != (uint64_t)j->blob_size)
		return size_mismatch(a, e);
	if (digest_known(&j->blob) && !digest_eq(&j->blob, &a->info->blob))
		return mismatch(a, "digest", &j->blob, &a->info->blob, e);
	if (digest_known(&j->diffid) && !digest_eq(&j->diffid, &a->info->diffid))
		return mismatch(a, "diffID", &j->diffid, &a->info->diffid, e);
	return 0;
}

static int begin(struct adding *a, struct err *e)
{
	int r = hash_open(&a->blob_hash, e);

	if (r == 0)
		r = hash_open(&a->tar_hash, e);
	if (r == 0)
		r = home_tmp_make(a->h, NULL, &a->tmp, e);
	if (r < 0 || !a->job->keep_blob)
		return r;
	a->tee = openat(a->tmp.fd, "blob", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return a->tee < 0 ? err_set(e, errno, "write the blob of %s", a->job->what) : 0;
}

static int keep_blob(struct adding *a, struct err *e)
{
	char path[LAYER_PATH];

	if (a->tee < 0 || layer_blob_exists(a->h, &a->info->blob, (int64_t)a->info->blob_size))
		return 0;
	autoclose int dir = home_dir(a->h, "blobs/sha256", e);
	if (dir < 0)
		return dir;
	blob_path(&a->info->blob, path);
	if (renameat(a->tmp.fd, "blob", a->h->fd, path) < 0)
		return err_set(e, errno, "write %s/%s", a->h->path, path);
	return 0;
}

static int write_meta(struct adding *a, int dir, struct err *e)
{
	scoped(arena) arena = {0};
	const struct layer_info *i = a->info;
	char buf[DIGEST_STR];
	struct layer_meta m = {
		.version = 1,
		.entries = (int64_t)i->stats.entries,
		.size = (int64_t)i->stats.bytes,
		.tar_size = (int64_t)i->tar_size,
		.opaque_root = i->stats.opaque_root,
		.skipped_devices = (int64_t)i->stats.skipped_devices,
		.max_id = i->stats.max_id,
	};

	strs_add(&arena, &m.blobs, digest_str(&i->blob, buf));
	int r = layer_meta_write(dir, &m);
	if (r == 0)
		r = fd_write_file_at(dir, "unsynced", a->h->boot_id, strlen(a->h->boot_id), 0644);
	if (r == 0 && m.opaque_root) /* seen by whoever mounts, without reading meta */
		r = fd_write_file_at(dir, "opaque", "", 0, 0644);
	return r < 0 ? err_set(e, r, "write the description of %s", a->job->what) : 0;
}

static int unpack_into(struct adding *a, int dir, const struct u0_map *map, struct err *e)
{
	struct unpack *u;

	if (mkdirat(dir, "diff", 0755) < 0)
		return err_set(e, errno, "make a directory for %s", a->job->what);
	autoclose int diff = openat(dir, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (diff < 0)
		return err_set(e, errno, "open the directory of %s", a->job->what);
	int r = unpack_open(&u, diff, dir, map, &a->job->limits, a->job->what, e);
	if (r < 0)
		return r;
	r = unpack_record(u, e);
	if (r == 0)
		r = pump(a, u, e);
	if (r == 0)
		r = unpack_finish(u, &a->info->stats, e);
	unpack_close(u);
	return r;
}

/* Unsynced layers of an earlier boot may have lost data: they make room. */
int layer_place(const struct home *h, int tmp, const struct digest *diffid, const char *form,
		bool *ret_existed, struct err *e)
{
	char path[LAYER_PATH];
	autoclose int layers = home_dir(h, "layers", e);

	*ret_existed = false;
	if (layers < 0)
		return layers;
	snprintf(path, sizeof path, "layers/%s.%s", diffid->hex, form);
	for (int tries = 0; tries < 3; tries++) {
		if (syscall(SYS_renameat2, tmp, "layer", h->fd, path, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == EINVAL && renameat(tmp, "layer", h->fd, path) == 0)
			return 0; /* a file system without NOREPLACE; over a layer it gives ENOTEMPTY */
		if (errno != EEXIST && errno != ENOTEMPTY)
			return err_set(e, errno, "write %s/%s", h->path, path);
		if (layer_exists_as(h, diffid, form)) {
			*ret_existed = true;
			return 0;
		}
		int r = home_discard(h, path, e);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return err_set(e, EBUSY, "write %s/%s", h->path, path);
}

static int put_in_place(struct adding *a, struct err *e)
{
	bool existed;
	int r = layer_place(a->h, a->tmp.fd, &a->info->diffid, u0_form_name(a->form), &existed, e);

	a->info->existed |= existed;
	return r;
}

static int add_new(struct adding *a, const struct u0_map *map, struct err *e)
{
	if (!space_left(a->h)) /* a small layer may take from the reserve, but not from nothing */
		space_wait(a->h);
	int r = begin(a, e);
	if (r < 0)
		return r;
	if (mkdirat(a->tmp.fd, "layer", 0755) < 0)
		return err_set(e, errno, "make a directory for %s", a->job->what);
	autoclose int dir = openat(a->tmp.fd, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open the directory of %s", a->job->what);
	r = unpack_into(a, dir, map, e);
	if (r == 0)
		r = check_digests(a, e);
	if (r == 0)
		r = write_meta(a, dir, e);
	if (r == 0)
		r = keep_blob(a, e);
	return r < 0 ? r : put_in_place(a, e);
}

/* The layer is there; the blob is wanted too, or has not been seen to give this layer. */
static int add_blob(struct adding *a, struct err *e)
{
	int r = begin(a, e);

	if (r == 0)
		r = pump(a, NULL, e);
	if (r == 0)
		r = check_digests(a, e);
	if (r == 0)
		r = keep_blob(a, e);
	return r < 0 ? r : meta_add_blob(a->h, &a->info->diffid, a->form, &a->info->blob, e);
}

/* True if the layer is there and nothing has to be read. */
static bool nothing_to_do(struct adding *a)
{
	scoped(arena) arena = {0};
	const struct layer_job *j = a->job;
	struct layer_meta m;
	char buf[DIGEST_STR];

	if (j->partial || (!digest_known(&j->blob) && (j->keep_blob || j->check)))
		return false;
	if (j->keep_blob && !layer_blob_exists(a->h, &j->blob, j->blob_size))
		return false;
	if (layer_meta_read(a->h, &j->diffid, a->form, &arena, &m, NULL) < 0 ||
	    (digest_known(&j->blob) && !strs_has(&m.blobs, digest_str(&j->blob, buf))))
		return false;
	a->info->blob = j->blob;
	a->info->tar_size = (uint64_t)m.tar_size;
	return true;
}

int layer_lock(const struct home *h, const struct digest *diffid, enum u0_form form, bool *waiting,
	       struct err *e)
{
	autoclose int dir = home_dir(h, "layers", e);

	if (dir < 0)
		return dir;
	autoclose int fd = openat(dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, errno, "open %s/layers/.lock", h->path);
	char digits[15];
	snprintf(digits, sizeof digits, "%.14s", diffid->hex);
	struct flock l = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(strtoull(digits, NULL, 16) << 2 | (unsigned)form),
		.l_len = 1,
	};
	int r = fcntl(fd, F_OFD_SETLK, &l);
	if (r < 0 && (errno == EAGAIN || errno == EACCES)) {
		if (waiting)
			*waiting = true;
		do
			r = fcntl(fd, F_OFD_SETLKW, &l);
		while (r < 0 && errno == EINTR);
		if (waiting)
			*waiting = false;
	}
	return r < 0 ? err_set(e, errno, "lock %s/layers/.lock", h->path) : take_fd(fd);
}

/* Is it what was read that is wrong, and not what is there to take it? */
static bool content_is_wrong(int r, const struct err *e)
{
	return r < 0 && e &&
	       (e->id == ERR_DIGEST_MISMATCH || e->id == ERR_ARCHIVE || e->id == ERR_LAYER ||
		e->id == ERR_LAYER_TOO_BIG);
}

int layer_add(const struct home *h, const struct u0_map *map, const struct layer_job *job,
	      struct layer_info *ret, struct err *e)
{
	struct adding a = {
		h, job, ret, map->form, .tee = -1, .look = SPACE_STEP, .tmp = {.fd = -1}};
	autoclose int lock = -1;
	mode_t mask = umask(0);
	int r = 0;

	*ret = (struct layer_info){.diffid = job->diffid};
	if (digest_known(&job->diffid)) {
		lock = layer_lock(h, &job->diffid, map->form,
				  job->progress ? &job->progress->waiting : NULL, e);
		r = lock < 0 ? lock : 0;
		ret->existed = r == 0 && layer_exists(h, &job->diffid, map->form);
	}
	if (r == 0 && !(ret->existed && nothing_to_do(&a)))
		r = ret->existed ? add_blob(&a, e) : add_new(&a, map, e);
	if (job->partial && content_is_wrong(r, e))
		partial_drop(h, &job->blob);
	adding_free(&a);
	umask(mask);
	return r;
}

static bool parse_name(const char *name, struct digest *ret_diffid, enum u0_form *ret_form)
{
	char hex[65];

	if (strlen(name) < 66 || name[64] != '.')
		return false;
	memcpy(hex, name, 64);
	hex[64] = 0;
	if (digest_parse_hex(hex, ret_diffid, NULL) < 0)
		return false;
	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++) {
		if (!strcmp(name + 65, u0_form_name(f))) {
			*ret_form = f;
			return true;
		}
	}
	return false;
}

int layer_list(const struct home *h,
	       int (*fn)(void *arg, const struct digest *diffid, enum u0_form form), void *arg,
	       struct err *e)
{
	int dir = openat(h->fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "open %s/layers", h->path);
	for (struct dirent *de; r == 0 && (de = readdir(d));) {
		struct digest diffid;
		enum u0_form form;
		if (parse_name(de->d_name, &diffid, &form))
			r = fn(arg, &diffid, form);
	}
	closedir(d);
	return r;
}

int layer_remove(const struct home *h, const struct digest *diffid, enum u0_form form,
		 struct err *e)
{
	char path[LAYER_PATH];

	if (faccessat(h->fd, layer_path(diffid, form, path, sizeof path), F_OK, 0) < 0 &&
	    errno == ENOENT)
		return 0;
	int r = home_discard(h, path, e);
	return r == -ENOENT ? 0 : r;
}

struct syncing {
	const struct home *h;
	struct strv paths; /* layers that were not synced before */
};

static int collect_unsynced(struct syncing *s, struct err *e)
{
	int dir = openat(s->h->fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	char path[LAYER_PATH];

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "open %s/layers", s->h->path);
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_name[0] == '.' || strlen(de->d_name) > 100)
			continue;
		snprintf(path, sizeof path, "layers/%.100s/unsynced", de->d_name);
		if (faccessat(s->h->fd, path, F_OK, 0) == 0 && survived(s->h, path)) {
			*strrchr(path, '/') = 0;
			strv_add(&s->paths, path);
		}
	}
	closedir(d);
	return 0;
}

/* First the data, then the word that it is safe: a mark is taken away only after the sync that covers its layer. */
static int sync_all(const struct home *h, struct syncing *s, struct err *e)
{
	int r = collect_unsynced(s, e);

	if (r < 0)
		return r;
	if (syncfs(h->fd) < 0)
		return err_set(e, errno, "sync %s", h->path);
	for (size_t i = 0; i < s->paths.n; i++) {
		autoclose int dir =
			openat(h->fd, s->paths.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			continue; /* removed meanwhile */
		if ((unlinkat(dir, "unsynced", 0) < 0 && errno != ENOENT) || fsync(dir) < 0)
			return err_set(e, errno, "sync %s/%s", h->path, s->paths.v[i]);
	}
	return 0;
}

int layers_sync(const struct home *h, struct err *e)
{
	struct syncing s = {.h = h};
	int r = sync_all(h, &s, e);

	strv_free(&s.paths);
	return r;
}
