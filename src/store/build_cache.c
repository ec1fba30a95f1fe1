#include <dirent.h>

#include "base/base.h"
#include "base/parse.h"
#include "oci/reference.h"
#include "store/build_cache.h"
#include "store/layers.h"

static const struct bind_field record_fields[] = {
	{"version", BIND_INT, offsetof(struct build_cache_record, version), .flags = BIND_REQUIRED},
	{"layer", BIND_STR, offsetof(struct build_cache_record, layer)},
	{"tarSize", BIND_INT, offsetof(struct build_cache_record, tar_size)},
	{"size", BIND_INT, offsetof(struct build_cache_record, size)},
	{"step", BIND_STR, offsetof(struct build_cache_record, step)},
	{"milliseconds", BIND_INT, offsetof(struct build_cache_record, milliseconds)},
	{"created", BIND_STR, offsetof(struct build_cache_record, created)},
	{"inputs", BIND_PAIRS, offsetof(struct build_cache_record, inputs), .flags = BIND_ALWAYS},
	{0},
};

static bool is_utf8(const char *s)
{
	size_t n = strlen(s);

	for (size_t k; n; s += k, n -= k) {
		uint32_t c;
		k = str_utf8_next(s, n, &c);
		if (!k)
			return false;
	}
	return true;
}

/* JSON holds no other bytes than UTF-8: such a text stands there by its digest, in the key as well. */
static const char *storable(struct arena *a, const char *s)
{
	struct digest d = {{0}};
	scoped(str) b = {0};

	if (!s || is_utf8(s))
		return s ?: "";
	hash_bytes(s, strlen(s), &d, NULL);
	str_addf(&b, "bytes %s ", d.hex);
	str_add_escaped(&b, s, strlen(s));
	return arena_strdup(a, str_cstr(&b));
}

/* Lengths in front, so that no two lists of inputs give the same bytes. */
struct digest build_cache_key(const struct pairs *inputs)
{
	struct digest d = {{0}};
	scoped(arena) a = {0};
	scoped(str) s = {0};

	str_add(&s, "hoy build step 1\n");
	for (size_t i = 0; i < inputs->n; i++) {
		const char *k = storable(&a, inputs->v[i].k), *v = storable(&a, inputs->v[i].v);
		str_addf(&s, "%zu:%s=%zu:%s\n", strlen(k), k, strlen(v), v);
	}
	hash_bytes(str_cstr(&s), s.len, &d, NULL);
	return d;
}

void build_cache_write(const struct build_cache_record *r, struct str *out)
{
	scoped(arena) a = {0};
	struct build_cache_record one = *r;

	one.version = 1;
	one.step = one.step ? storable(&a, one.step) : NULL;
	one.inputs = (struct pairs){0};
	for (size_t i = 0; i < r->inputs.n; i++)
		pairs_set(&a, &one.inputs, storable(&a, r->inputs.v[i].k),
			  storable(&a, r->inputs.v[i].v));
	json_write(out, bind_write(record_fields, &one, &a), 0);
	str_addc(out, '\n');
}

int build_cache_parse(const char *text, size_t len, const struct digest *key, struct arena *a,
		      struct build_cache_record *ret)
{
	static const struct json_limits lim = {BUILD_CACHE_MAX, 4, 100000};
	const struct json *j = json_parse(a, text, len, "record", &lim, NULL);

	*ret = (struct build_cache_record){0};
	if (!j || bind_read(record_fields, ret, j, "record", a, NULL) < 0 || ret->version != 1 ||
	    (ret->layer && !digest_valid(ret->layer)) || ret->tar_size < 0 || ret->size < 0)
		return -EBADMSG;
	struct digest d = build_cache_key(&ret->inputs);
	return digest_known(&d) && digest_eq(&d, key) ? 0 : -EBADMSG;
}

int build_cache_read(int dir, const char *hex, struct arena *a, struct build_cache_record *ret)
{
	scoped(str) text = {0};
	struct digest key;

	*ret = (struct build_cache_record){0};
	if (digest_parse_hex(hex, &key, NULL) < 0)
		return -EBADMSG;
	int r = fd_read_file_at(dir, hex, &text, BUILD_CACHE_MAX);
	if (r < 0)
		return r == -ENOENT ? r : -EBADMSG;
	return build_cache_parse(str_cstr(&text), text.len, &key, a, ret);
}

static bool layer_is_there(const struct home *h, const char *diffid)
{
	struct digest d;

	if (digest_parse(diffid, &d, NULL) < 0)
		return false;
	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++)
		if (layer_exists(h, &d, f))
			return true;
	return false;
}

int build_cache_find(const struct home *h, const struct digest *key, struct arena *a,
		     struct build_cache_record *ret)
{
	*ret = (struct build_cache_record){0};
	autoclose int dir = openat(h->fd, "build/cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !digest_known(key) || build_cache_read(dir, key->hex, a, ret) < 0)
		return -ENOENT;
	if (ret->layer && !layer_is_there(h, ret->layer))
		return -ENOENT;
	/* the kernel's own "now" is as coarse as its tick, and several steps are found within one */
	struct timespec now = time_now();
	utimensat(dir, key->hex, (struct timespec[]){now, now}, AT_SYMLINK_NOFOLLOW);
	return 0;
}

int build_cache_put(const struct home *h, const struct digest *key,
		    const struct build_cache_record *r, struct err *e)
{
	scoped(str) text = {0};
	autoclose int dir = home_dir(h, "build/cache", e);

	if (dir < 0)
		return dir;
	build_cache_write(r, &text);
	int k = fd_replace_at(dir, key->hex, text.s, text.len, 0600, false);
	return k < 0 ? err_set(e, k, "write %s/build/cache/%.64s", h->path, key->hex) : 0;
}

int build_cache_lock(const struct home *h, const struct digest *key, void (*waits)(void *arg),
		     void *arg, struct err *e)
{
	autoclose int dir = home_dir(h, "build", e);
	char digits[16];

	if (dir < 0)
		return dir;
	autoclose int fd = openat(dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, errno, "open %s/build/.lock", h->path);
	snprintf(digits, sizeof digits, "%.15s", key->hex);
	struct flock l = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)strtoull(digits, NULL, 16),
		.l_len = 1,
	};
	int r = fcntl(fd, F_OFD_SETLK, &l);
	if (r < 0 && (errno == EAGAIN || errno == EACCES)) {
		if (waits)
			waits(arg);
		do
			r = fcntl(fd, F_OFD_SETLKW, &l);
		while (r < 0 && errno == EINTR);
	}
	return r < 0 ? err_set(e, errno, "lock %s/build/.lock", h->path) : take_fd(fd);
}

int build_cache_layers(const struct home *h, int (*fn)(void *arg, const char *diffid), void *arg,
		       struct err *e)
{
	int r = 0, fd = openat(h->fd, "build/cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/build/cache", h->path);
	for (struct dirent *de; r == 0 && (de = readdir(d));) {
		scoped(arena) a = {0};
		struct build_cache_record rec;
		if (build_cache_read(fd, de->d_name, &a, &rec) == 0 && rec.layer)
			r = fn(arg, rec.layer);
	}
	closedir(d);
	return r;
}
