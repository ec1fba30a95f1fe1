/*
 * In the order in which one thing needs the other: links of images, names, damaged layers and blobs away, layers made again, then by force
 * what is still faulty; last, everything that nothing has any more is collected.
 */
#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "engine/adding.h"
#include "engine/repair.h"
#include "state/container.h"
#include "state/tmp.h"
#include "store/blobs.h"
#include "store/gc.h"
#include "store/images.h"
#include "store/names.h"
#include "store/replay.h"
#include "volume/volume.h"

/* ---- links */

/* The manifest among the blobs whose config is id. */
static bool find_manifest(const struct home *h, const char *id, char ret[static DIGEST_LEN + 1])
{
	int fd = openat(h->fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool found = false;

	if (!d)
		return false;
	for (struct dirent *de; !found && (de = readdir(d));) {
		scoped(arena) a = {0};
		scoped(str) text = {0};
		struct oci_manifest m;
		struct stat st;
		snprintf(ret, DIGEST_LEN + 1, "sha256:%.64s", de->d_name);
		if (!digest_valid(ret) || fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_size > IMAGE_MAX_MANIFEST ||
		    blob_read(h, ret, IMAGE_MAX_MANIFEST, &text, NULL) < 0 ||
		    !memmem(str_cstr(&text), text.len, id, strlen(id)))
			continue;
		found = oci_manifest_parse(&a, str_cstr(&text), text.len, NULL, ret, &m, NULL) ==
				0 &&
			str_eq(m.config.digest, id);
	}
	closedir(d);
	return found;
}

/* images/<hex> leads to its manifest again, or goes if there is none. With the lock held. */
static bool mend_link(const struct home *h, const char *id)
{
	char path[8 + DIGEST_HEX], old[DIGEST_LEN + 2], manifest[DIGEST_LEN + 1];

	snprintf(path, sizeof path, "images/%.64s", digest_hex(id));
	ssize_t n = readlinkat(h->fd, path, old, sizeof old - 1);
	old[n > 0 ? n : 0] = 0;
	if (digest_valid(old))
		return true;
	bool found = blob_exists(h, id) && find_manifest(h, id, manifest);
	unlinkat(h->fd, path, 0);
	return found && symlinkat(manifest, h->fd, path) == 0;
}

struct bad_names {
	const struct home *h;
	struct strv paths;    /* of names that lead nowhere */
	struct strv formless; /* names whose own manifest is lost: they get the image's */
};

static int collect_bad(void *arg, const char *repository, const char *last, const char *id,
		       const char *manifest)
{
	struct bad_names *b = arg;

	if (!id || !mend_link(b->h, id))
		strv_addf(&b->paths, "names/%s/%s", repository, last);
	else if (manifest && !blob_exists(b->h, manifest))
		strv_addf(&b->formless, "%s%s", repository, last);
	return 0;
}

static int mend_links(const struct home *h, const struct check_report *found, struct err *e)
{
	struct bad_names bad = {.h = h};
	scoped(arena) a = {0};
	autoclose int lock = store_lock(h, e);

	if (lock < 0)
		return lock;
	for (size_t i = 0; i < found->n; i++) {
		char id[DIGEST_LEN + 1];
		const struct check_finding *f = &found->v[i];
		if (strcmp(f->kind, "image") != 0 || f->leftover)
			continue;
		snprintf(id, sizeof id, "sha256:%.64s", f->name);
		if (digest_valid(id))
			mend_link(h, id);
		else if (!strchr(f->name, '/')) {
			autofree char *path = path_join("images", f->name);
			if (readlinkat(h->fd, path, id, 1) >= 0)
				unlinkat(h->fd, path, 0);
		}
	}
	int r = names_each(h, collect_bad, &bad, e);
	for (size_t i = 0; i < bad.paths.n; i++)
		unlinkat(h->fd, bad.paths.v[i], 0);
	fd_close(&lock);
	for (size_t i = 0; i < bad.formless.n && r == 0; i++) {
		struct reference ref;
		char id[DIGEST_LEN + 1];
		if (ref_parse(&a, bad.formless.v[i], &ref, e) == 0 &&
		    names_get(h, &ref, id, NULL) == 0)
			r = image_tag(h, id, NULL, &ref, e);
	}
	strv_free(&bad.paths);
	strv_free(&bad.formless);
	return r;
}

/* Names of containers that are gone. A container that is being made lies below tmp/ before it has its name, and leaves that for containers/. */
static void mend_cnames(const struct home *h)
{
	int fd = openat(h->fd, "cnames", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));) {
		char id[CONTAINER_ID_LEN + 2], path[CONTAINER_ID_LEN + 16];
		ssize_t n = readlinkat(fd, de->d_name, id, sizeof id - 1);
		if (de->d_name[0] == '.')
			continue;
		id[n > 0 ? n : 0] = 0;
		if (n != CONTAINER_ID_LEN || strchr(id, '/')) {
			unlinkat(fd, de->d_name, 0);
			continue;
		}
		snprintf(path, sizeof path, "tmp/%s", id);
		if (faccessat(h->fd, path, F_OK, 0) == 0)
			continue;
		snprintf(path, sizeof path, "containers/%s", id);
		if (faccessat(h->fd, path, F_OK, 0) < 0)
			container_name_drop(h, de->d_name, id);
	}
	closedir(d);
}

/* ---- layers and blobs */

struct mending {
	const struct home *h;
	const struct check_report *found;
	const struct u0_map *map;
	struct strv copies; /* digests of the layer blobs of all images */
};

/* Was the content of this one found to be wrong? */
static bool is_damaged(const struct check_report *found, const char *kind, const char *hex)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct check_finding *f = &found->v[i];
		if (!f->leftover && !strcmp(f->kind, kind) && str_starts(f->name, hex))
			return true;
	}
	return false;
}

static bool is_in_any_form(const struct home *h, const struct digest *d)
{
	return layer_exists(h, d, FORM_SUB) || layer_exists(h, d, FORM_ONE) ||
	       layer_exists(h, d, FORM_ROOT);
}

/* A layer of an earlier boot that nobody synced is not believed, but if its files still give its tar, it is made again of that. */
static int make_from_files(void *arg, const struct digest *d, enum u0_form form)
{
	const struct mending *m = arg;
	struct layer_info info;
	struct replay *from;
	char dir[96], path[128], what[60];

	snprintf(path, sizeof path, "%s/recipe", layer_path(d, form, dir, sizeof dir));
	if (is_in_any_form(m->h, d) || faccessat(m->h->fd, path, F_OK, 0) < 0 ||
	    replay_open_files(&from, m->h, d, form, NULL) < 0)
		return 0;
	snprintf(what, sizeof what, "layer sha256:%.12s", d->hex);
	struct layer_job job = {
		.source = replay_source(from), .what = what, .blob_size = -1, .diffid = *d};
	job.limits.max_bytes = job.limits.max_entries = INT64_MAX; /* it was taken before */
	layer_add(m->h, m->map, &job, &info, NULL);
	replay_close(from);
	return 0;
}

static void make_from_blob(const struct mending *m, const struct digest *diffid,
			   const struct oci_descriptor *from)
{
	char path[BLOB_PATH], what[60];
	struct layer_info info;
	autoclose int fd =
		openat(m->h->fd, blob_path(path, from->digest), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	snprintf(what, sizeof what, "layer sha256:%.12s", diffid->hex);
	struct source_fd sf = {fd, what, 0, UINT64_MAX};
	struct layer_job job = {.source = source_from_fd(&sf),
				.what = what,
				.blob_size = from->size,
				.diffid = *diffid};
	if (digest_parse(from->digest, &job.blob, NULL) < 0)
		return;
	job.limits.max_bytes = job.limits.max_entries = INT64_MAX; /* it was taken before */
	layer_add(m->h, m->map, &job, &info, NULL);
}

/* Makes the layers again that an image misses. Damaged ones are taken away only if their blob is there and sound. */
static void mend_layers_of(struct mending *m, const char *id)
{
	scoped(image) im = {0};

	if (image_open(m->h, id, &im, NULL) < 0 || image_more(m->h, &im, NULL) < 0)
		return;
	const struct oci_descriptor *d = im.manifest.layers.v;
	size_t n = im.doc.rootfs.diff_ids.n;
	for (size_t i = 0; i < n; i++) {
		struct digest diffid;
		if (i < im.manifest.layers.n)
			strv_add(&m->copies, d[i].digest);
		bool from_blob = im.manifest.layers.n == n && blob_exists(m->h, d[i].digest) &&
				 !is_damaged(m->found, "blob", digest_hex(d[i].digest));
		if (digest_parse(im.doc.rootfs.diff_ids.v[i], &diffid, NULL) < 0)
			continue;
		for (enum u0_form f = FORM_SUB; from_blob && f <= FORM_ROOT; f++) {
			char name[80];
			snprintf(name, sizeof name, "%s.%s", diffid.hex, u0_form_name(f));
			if (is_damaged(m->found, "layer", name))
				layer_remove(m->h, &diffid, f, NULL);
		}
		if (!is_in_any_form(m->h, &diffid) && from_blob)
			make_from_blob(m, &diffid, &d[i]);
	}
}

/* A layer's blob that is damaged is only a copy, and worth nothing. What no image has is not touched here: somebody may just be adding it. */
static void drop_blobs(const struct mending *m)
{
	for (size_t i = 0; i < m->found->n; i++) {
		const struct check_finding *f = &m->found->v[i];
		char digest[DIGEST_LEN + 1], path[BLOB_PATH];
		snprintf(digest, sizeof digest, "sha256:%.64s", f->name);
		if (!strcmp(f->kind, "blob") && !f->leftover && strv_has(&m->copies, digest))
			unlinkat(m->h->fd, blob_path(path, digest), 0);
	}
}

static int mend_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct mending *m = arg;
	scoped(image_list) l = {0};

	m->map = map;
	int r = layer_list(m->h, make_from_files, m, e);
	if (r == 0)
		r = images_list(m->h, &l, e);
	for (size_t i = 0; i < l.n; i++)
		mend_layers_of(m, l.v[i].id);
	if (r == 0)
		drop_blobs(m);
	strv_free(&m->copies);
	return r < 0 ? r : layers_sync(m->h, e);
}

/* ---- by force */

/* Nobody is about it: its lock can be had. */
static void drop_container(const struct home *h, const char *id)
{
	char path[CONTAINER_ID_LEN + 16];

	snprintf(path, sizeof path, "containers/%.64s", id);
	autoclose int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	flock(fd, LOCK_UN); /* home_discard locks it itself */
	if (home_discard(h, path, NULL) == 0 && strlen(id) == CONTAINER_ID_LEN)
		container_names_drop(h, id);
}

static int drop_what_is_lost(const struct home *h, struct err *e)
{
	scoped(check_report) left = {0};
	scoped(arena) a = {0};
	struct bind_list gone = {0};
	int r = store_check(h, &left, e);

	for (size_t i = 0; i < left.n && r == 0; i++) {
		const struct check_finding *f = &left.v[i];
		if (f->leftover)
			continue;
		if (!strcmp(f->kind, "container"))
			drop_container(h, f->name);
		if (strcmp(f->kind, "image") != 0 || strlen(f->name) != DIGEST_HEX)
			continue;
		struct image_leaving *im = bind_append(&a, &gone, sizeof *im);
		im->id = arena_printf(&a, "sha256:%s", f->name);
		im->force = true;
	}
	return r < 0 || !gone.n ? r : images_remove(h, gone.v, gone.n, NULL, e);
}

int store_repair(const struct home *h, const struct check_report *found, bool force, struct err *e)
{
	struct mending m = {.h = h, .found = found};
	int r = mend_links(h, found, e);

	mend_cnames(h);
	if (r == 0)
		r = adding_run(h, mend_inside, &m, NULL, NULL, e);
	if (r == 0 && force)
		r = drop_what_is_lost(h, e);
	store_collect_later(h);
	store_sweep(h);
	return r;
}

void volumes_check(const struct home *h, struct check_report *r)
{
	scoped(arena) a = {0};
	scoped(strv) names = {0};
	struct bind_list uses = {0};
	struct err e = {0};
	int k = volume_names(h, &names, &e);

	if (k == 0)
		k = volume_uses(h, &uses, &a, &e);
	if (k < 0)
		check_add(r, false, "volume", "volumes", e.msg);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		struct volume v;
		e = (struct err){0};
		k = volume_read(h, name, &v, &a, &e);
		if (k < 0)
			check_add(r, false, "volume", name,
				  k == -ENOENT ? "it has no record" : e.msg);
		else if (faccessat(h->fd, volume_data(name, &a), F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
			 str_eq(v.driver, VOLUME_LOCAL))
			check_add(r, false, "volume", name, "its files are gone");
	}
	const struct volume_use *u = uses.v;
	for (size_t i = 0; i < uses.n; i++)
		if (!strv_has(&names, u[i].volume))
			check_add(r, false, "volume", u[i].volume,
				  arena_printf(&a, "container %s uses it, and it is gone",
					       u[i].name));
	r->volumes = names.n;
}
