#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "data/hash.h"
#include "oci/image_spec.h"
#include "oci/reference.h"
#include "state/container.h"
#include "store/blobs.h"
#include "store/check.h"
#include "store/gc.h"
#include "store/layer_map.h"
#include "store/layers.h"
#include "store/names.h"

struct check {
	const struct home *h;
	struct check_report *r;
	struct store_used used;
	bool adding; /* an addition is going on, or died: layers may have no image yet */
	bool adder_lives;
};

void check_report_free(struct check_report *r)
{
	arena_free(&r->arena);
	*r = (struct check_report){0};
}

void check_add(struct check_report *r, bool leftover, const char *kind, const char *name,
	       const char *problem)
{
	struct check_finding *f = bind_append(&r->arena, &r->found, sizeof *f);

	f->kind = arena_strdup(&r->arena, kind);
	f->name = arena_strdup(&r->arena, name);
	f->problem = arena_strdup(&r->arena, problem);
	f->leftover = leftover;
	r->faults += !leftover;
	r->v = r->found.v;
	r->n = r->found.n;
}

static void find(struct check *c, bool leftover, const char *kind, const char *name,
		 const char *fmt, ...) printf_like(5, 6);
static void find(struct check *c, bool leftover, const char *kind, const char *name,
		 const char *fmt, ...)
{
	char problem[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(problem, sizeof problem, fmt, ap);
	va_end(ap);
	check_add(c->r, leftover, kind, name, problem);
}

/* Calls fn for each entry of a directory of the store. A missing directory is an empty one. */
static int each_entry(struct check *c, const char *dir,
		      void (*fn)(struct check *c, int dir, const char *name), struct err *e)
{
	int fd = openat(c->h->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/%s", c->h->path, dir);
	for (struct dirent *de; (de = readdir(d));)
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			fn(c, fd, de->d_name);
	closedir(d);
	return 0;
}

/* A lock that can be had: its owner is dead. */
static bool is_abandoned(int dir, const char *name)
{
	autoclose int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void check_document(struct check *c, const char *image, const char *what, const char *digest)
{
	scoped(str) text = {0};
	struct digest got;
	struct err e = {0};

	if (blob_read(c->h, digest, IMAGE_MAX_CONFIG, &text, &e) < 0)
		find(c, false, "image", image, "its %s cannot be read: %s", what, e.msg);
	else if (hash_bytes(str_cstr(&text), text.len, &got, &e) == 0 &&
		 strcmp(got.hex, digest_hex(digest)))
		find(c, false, "image", image, "its %s has changed: the digest is wrong", what);
}

static bool layer_in_any_form(const struct home *h, const char *hex)
{
	struct digest d;

	snprintf(d.hex, sizeof d.hex, "%.64s", hex);
	return layer_exists(h, &d, FORM_SUB) || layer_exists(h, &d, FORM_ONE) ||
	       layer_exists(h, &d, FORM_ROOT);
}

static void check_layers_of(struct check *c, const char *image, const char *id)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct image_doc doc;

	if (blob_read(c->h, id, IMAGE_MAX_CONFIG, &text, NULL) < 0 ||
	    image_doc_parse(&a, str_cstr(&text), text.len, "config", &doc, NULL) < 0)
		return; /* reported already */
	for (size_t i = 0; i < doc.rootfs.diff_ids.n; i++)
		if (!layer_in_any_form(c->h, digest_hex(doc.rootfs.diff_ids.v[i])))
			find(c, false, "image", image, "its layer %zu (%.19s) is missing", i + 1,
			     doc.rootfs.diff_ids.v[i]);
}

/* Blobs that were kept have the size that the manifest says. Those that were not kept, or were dropped, are no fault. */
static void check_blobs_of(struct check *c, const char *image, const char *manifest)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct oci_manifest m;
	char path[BLOB_PATH];
	struct stat st;

	if (blob_read(c->h, manifest, IMAGE_MAX_MANIFEST, &text, NULL) < 0 ||
	    oci_manifest_parse(&a, str_cstr(&text), text.len, NULL, manifest, &m, NULL) < 0)
		return; /* reported already */
	const struct oci_descriptor *d = m.layers.v;
	for (size_t i = 0; i < m.layers.n; i++)
		if (fstatat(c->h->fd, blob_path(path, d[i].digest), &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    st.st_size != d[i].size)
			find(c, false, "blob", digest_hex(d[i].digest),
			     "it has %lld bytes, the manifest of image %.12s says %lld",
			     (long long)st.st_size, image, (long long)d[i].size);
}

static void check_image(struct check *c, int dir, const char *name)
{
	char id[DIGEST_LEN + 1], manifest[DIGEST_LEN + 2];

	if (!strcmp(name, ".lock"))
		return;
	if (str_starts(name, ".add-")) {
		c->adding = true;
		if (!is_abandoned(dir, name))
			c->adder_lives = true;
		else
			find(c, true, "image", name, "an addition did not end");
		return;
	}
	c->r->images++;
	snprintf(id, sizeof id, "sha256:%.64s", name);
	ssize_t n = readlinkat(dir, name, manifest, sizeof manifest - 1);
	manifest[n > 0 ? n : 0] = 0;
	if (strlen(name) != DIGEST_HEX || !digest_valid(id) || !digest_valid(manifest)) {
		find(c, false, "image", name, "it is no link to a manifest");
		return;
	}
	check_document(c, name, "config", id);
	check_document(c, name, "manifest", manifest);
	check_layers_of(c, name, id);
	check_blobs_of(c, name, manifest);
}

/* Documents that are missing were found already; here come those that do not parse. */
static void bad_image(void *arg, const char *id, const struct err *why)
{
	if (why->id == ERR_IMAGE_BAD && strspn(id, "0123456789abcdef") == DIGEST_HEX)
		find(arg, false, "image", id, "%s", why->msg);
}

static int check_name(void *arg, const char *repository, const char *last, const char *id,
		      const char *manifest)
{
	struct check *c = arg;
	char path[8 + DIGEST_HEX + 1];
	scoped(arena) a = {0};
	const char *name = arena_printf(&a, "%s%s", repository, last);
	struct stat st;

	c->r->names++;
	if (!id) {
		find(c, false, "name", name, "it is no link to an image id");
		return 0;
	}
	snprintf(path, sizeof path, "images/%.64s", digest_hex(id));
	if (fstatat(c->h->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		find(c, false, "name", name, "its image %.19s does not exist", id);
	else if (manifest && !blob_exists(c->h, manifest))
		find(c, false, "name", name, "its manifest %.19s does not exist", manifest);
	else if (manifest)
		check_blobs_of(c, digest_hex(id), manifest);
	return 0;
}

/* What nothing has. While an addition goes on its layers have no image yet; after one that died they are leftovers. */
static void unused(struct check *c, const char *kind, const char *name)
{
	if (!c->adder_lives)
		find(c, c->adding, kind, name, "no image and no container has it");
}

static void check_layer(struct check *c, int dir, const char *name)
{
	static const char *const forms[] = {".sub", ".one", ".root"};
	char hex[DIGEST_HEX + 1];
	struct digest d;
	size_t f = 0;
	bool mapped = strlen(name) > DIGEST_HEX && layer_map_is_form(name + DIGEST_HEX + 1);

	if (name[0] == '.')
		return;
	c->r->layers++;
	snprintf(hex, sizeof hex, "%.64s", name);
	while (f < countof(forms) && strcmp(name + strlen(hex), forms[f]))
		f++;
	if (digest_parse_hex(hex, &d, NULL) < 0 || (f == countof(forms) && !mapped)) {
		find(c, false, "layer", name, "its name is no digest with an owner form");
		return;
	}
	scoped(arena) a = {0};
	struct layer_meta meta;
	struct err e = {0};
	if (layer_meta_named(c->h, name, &a, &meta, &e) < 0)
		find(c, false, "layer", name, "%s", e.msg);
	else if (meta.version > 1)
		find(c, false, "layer", name, "it was written by a newer release of hoy");
	if (!store_used_has(&c->used.layers, hex))
		unused(c, "layer", name);
}

static void check_blob(struct check *c, int dir, const char *name)
{
	c->r->blobs++;
	if (strlen(name) != DIGEST_HEX || strspn(name, "0123456789abcdef") != DIGEST_HEX)
		find(c, false, "blob", name, "its name is no digest");
	else if (!store_used_has(&c->used.blobs, name))
		unused(c, "blob", name);
}

static void check_tmp(struct check *c, int dir, const char *name)
{
	if (is_abandoned(dir, name))
		find(c, true, "tmp", name, "unfinished work whose process died");
}

static void check_container(struct check *c, int dir, const char *name)
{
	scoped(arena) a = {0};
	struct container_state s = {0};
	struct err e = {0};

	c->r->containers++;
	if (container_state_read(c->h, name, &s, &a, &e) < 0)
		find(c, false, "container", name, "%s", e.msg);
	else if (s.image_id && !digest_valid(s.image_id))
		find(c, false, "container", name, "its image id is none");
}

static void check_cname(struct check *c, int dir, const char *name)
{
	char id[CONTAINER_ID_LEN + 2], path[CONTAINER_ID_LEN + 16];
	ssize_t n = readlinkat(dir, name, id, sizeof id - 1);

	id[n > 0 ? n : 0] = 0;
	snprintf(path, sizeof path, "containers/%s", id);
	if (n != CONTAINER_ID_LEN || strchr(id, '/'))
		find(c, false, "container", name, "the name is no link to a container id");
	else if (faccessat(c->h->fd, path, F_OK, 0) < 0)
		find(c, true, "container", name, "the name of a container that is gone");
}

static int check_all(struct check *c, struct err *e)
{
	int r = each_entry(c, "images", check_image, e);

	if (r == 0)
		r = store_used_find(c->h, &c->used, bad_image, c, e);
	if (r == 0)
		r = names_each(c->h, check_name, c, e);
	if (r == 0)
		r = each_entry(c, "layers", check_layer, e);
	if (r == 0)
		r = each_entry(c, "blobs/sha256", check_blob, e);
	if (r == 0)
		r = each_entry(c, "tmp", check_tmp, e);
	if (r == 0)
		r = each_entry(c, "containers", check_container, e);
	return r < 0 ? r : each_entry(c, "cnames", check_cname, e);
}

static int look(const struct home *h, struct check_report *ret, struct err *e)
{
	struct check c = {.h = h, .r = ret};

	*ret = (struct check_report){0};
	int r = check_all(&c, e);
	store_used_free(&c.used);
	return r;
}

/* Waits for those who change images at the moment, and keeps others from it. */
static int calm(const struct home *h)
{
	int fd = openat(h->fd, "images/.lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_SH) < 0 && errno == EINTR)
		;
	return fd;
}

int store_check(const struct home *h, struct check_report *ret, struct err *e)
{
	int r = look(h, ret, e);

	/* What is being changed while it is looked at seems broken: such a fault is gone at a second look, or it is one. */
	for (int tries = 0; tries < 3 && r == 0 && ret->faults; tries++) {
		autoclose int lock = calm(h);
		usleep(20000);
		check_report_free(ret);
		r = look(h, ret, e);
	}
	return r;
}
