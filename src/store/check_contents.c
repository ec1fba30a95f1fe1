/*
 * How it works: a child inside U0, who may read files of all owners, makes the tar of every layer again, which compares it with its digest,
 * and hashes every blob. What it finds comes back as lines "kind name problem" in a file in memory.
 */
#include <dirent.h>
#include <sys/mman.h>

#include "base/base.h"
#include "store/check.h"
#include "store/replay.h"

struct contents {
	const struct home *h;
	struct str lines;
	int out;
};

static int to_nowhere(void *arg, const void *p, size_t n, struct err *e)
{
	return 0;
}

static void found(struct contents *c, const char *kind, const char *name, const char *problem)
{
	str_addf(&c->lines, "%s %s ", kind, name);
	str_add_escaped(&c->lines, problem, strlen(problem));
	str_addc(&c->lines, '\n');
}

static bool has_recipe(const struct home *h, const struct digest *d, enum u0_form form)
{
	char dir[96], path[128];

	snprintf(path, sizeof path, "%s/recipe", layer_path(d, form, dir, sizeof dir));
	return faccessat(h->fd, path, F_OK, 0) == 0;
}

static int check_layer(void *arg, const struct digest *d, enum u0_form form)
{
	struct contents *c = arg;
	struct sink sink = {to_nowhere, NULL};
	struct err why = {0};
	struct replay *r;
	char name[80];

	if (!has_recipe(c->h, d, form))
		return 0;
	int k = replay_open(&r, c->h, d, form, &why);
	if (k == 0) {
		k = replay_all(r, &sink, NULL, &why);
		replay_close(r);
	}
	if (k == 0 || why.id == ERR_LAYER_FORM || why.id == ERR_LIBRARY)
		return 0;
	snprintf(name, sizeof name, "%s.%s", d->hex, u0_form_name(form));
	found(c, "layer", name, why.msg);
	return 0;
}

/* -errno with why it could not be read. */
static int hash_blob(const struct home *h, const char *hex, struct digest *ret, struct err *e)
{
	enum { SIZE = 128 * 1024 };
	autofree uint8_t *buf = xmalloc(SIZE);
	scoped(hash) hash = {0};
	char path[96];
	ssize_t n;

	snprintf(path, sizeof path, "blobs/sha256/%.64s", hex);
	autoclose int fd = openat(h->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "it cannot be read");
	int r = hash_open(&hash, e);
	if (r < 0)
		return r;
	while ((n = read(fd, buf, SIZE)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			hash_add(&hash, buf, (size_t)n);
	if (n < 0)
		return err_set(e, errno, "it cannot be read");
	hash_end(&hash, ret);
	return 0;
}

static int check_blobs(struct contents *c, struct err *e)
{
	int fd = openat(c->h->fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/blobs", c->h->path);
	for (struct dirent *de; (de = readdir(d));) {
		struct err why = {0};
		struct digest want, got;
		if (digest_parse_hex(de->d_name, &want, NULL) < 0)
			continue;
		if (hash_blob(c->h, want.hex, &got, &why) < 0)
			found(c, "blob", want.hex, why.msg);
		else if (!digest_eq(&want, &got))
			found(c, "blob", want.hex, "it has changed: the digest is wrong");
	}
	closedir(d);
	return 0;
}

static int check_contents(const struct u0_map *map, void *arg, struct err *e)
{
	struct contents *c = arg;
	int r = layer_list(c->h, check_layer, c, e);

	if (r == 0)
		r = check_blobs(c, e);
	if (r == 0)
		r = fd_write_all(c->out, str_cstr(&c->lines), c->lines.len);
	str_free(&c->lines);
	return r < 0 ? err_set(e, r, "pass on what was found") : 0;
}

/* "kind name problem" of each line; what was found before, by the quick check, is not said twice. */
static void add_lines(struct check_report *r, const char *text)
{
	scoped(strv) lines = {0};
	size_t before = r->n;

	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *name = strchr(lines.v[i], ' ');
		char *problem = name ? strchr(name + 1, ' ') : NULL;
		bool known = false;
		if (!problem)
			continue;
		*name++ = *problem++ = 0;
		for (size_t k = 0; k < before; k++)
			known |= !strcmp(r->v[k].kind, lines.v[i]) && !strcmp(r->v[k].name, name) &&
				 !r->v[k].leftover;
		if (!known)
			check_add(r, false, lines.v[i], name, problem);
	}
}

int store_check_contents(const struct home *h, struct check_report *r, struct err *e)
{
	scoped(str) text = {0};
	autoclose int out = memfd_create("found", MFD_CLOEXEC);
	struct contents c = {.h = h, .out = out};

	if (out < 0)
		return err_set(e, errno, "memfd_create");
	int k = u0_run(h, check_contents, &c, e);
	if (k < 0)
		return k;
	lseek(out, 0, SEEK_SET);
	k = fd_read_all(out, &text, 64 << 20);
	if (k < 0)
		return err_set(e, k, "read what was found");
	add_lines(r, str_cstr(&text));
	return 0;
}
