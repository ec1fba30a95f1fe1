#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/base.h"
#include "pull/plan.h"
#include "state/space.h"
#include "store/partial.h"

static int bad(const char *name, size_t number, const char *why, const char *hint, struct err *e)
{
	err_fail(e, ERR_IMAGE_BAD, "%s: layer %zu %s", name, number, why);
	return err_hint(e, "%s", hint);
}

/* What a layer may be. Which compression it has is seen from its bytes. */
static int check_type(const struct oci_descriptor *d, const char *name, size_t number,
		      struct err *e)
{
	static const char *const good[] = {
		MEDIA_OCI_LAYER,
		MEDIA_OCI_LAYER_GZIP,
		MEDIA_OCI_LAYER_ZSTD,
		MEDIA_DOCKER_LAYER,
		"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.diff.tar.zstd",
	};
	const char *t = d->media_type ? d->media_type : "";

	for (size_t i = 0; i < countof(good); i++)
		if (!strcmp(t, good[i]))
			return 0;
	if (strstr(t, "foreign") || strstr(t, "nondistributable"))
		return bad(name, number, "is a foreign layer: it lies on a server of its own",
			   "hoy follows no addresses that stand in images; pull an image that "
			   "holds its layers",
			   e);
	if (strstr(t, "encrypted"))
		return bad(name, number, "is encrypted",
			   "decrypt the image first: skopeo copy --decryption-key", e);
	err_fail(e, ERR_IMAGE_BAD, "%s: layer %zu is no file system (%.100s)", name, number,
		 *t ? t : "without a media type");
	return err_hint(e, "it is an artifact or an attestation, not an image to run");
}

static struct plan_layer *find_same(const struct plan *p, const struct digest *blob,
				    const struct digest *diffid)
{
	for (size_t i = 0; i < p->n; i++)
		if (digest_eq(&p->v[i].blob, blob) &&
		    (!diffid || digest_eq(&p->v[i].diffid, diffid)))
			return &p->v[i];
	return NULL;
}

static int add_layer(struct plan *p, const struct oci_descriptor *d, const char *diffid,
		     const char *name, size_t number, struct arena *a, struct growing *grow,
		     struct err *e)
{
	struct plan_layer *l = &p->v[p->n], *same;
	int r = check_type(d, name, number, e);

	*l = (struct plan_layer){.size = (uint64_t)d->size, .fd = -1, .from = PLAN_THERE};
	if (r == 0)
		r = digest_parse(d->digest, &l->blob, e);
	if (r == 0)
		r = digest_parse(diffid, &l->diffid, e);
	if (r < 0 || find_same(p, &l->blob, &l->diffid))
		return r;
	l->keep = !digest_eq(&l->blob, &l->diffid);
	l->what = arena_printf(a, "%s: layer %zu (%.19s)", name, number, d->digest);
	same = find_same(p, &l->blob, NULL);
	if (same && same->size != l->size)
		return bad(name, number, "has two sizes",
			   "the image is broken: tell those who made it", e);
	l->same = same;
	l->g = same ? same->g : &grow[p->n];
	*l->g = (struct growing){.size = l->size};
	p->n++;
	return 0;
}

int plan_make(struct plan *p, const struct fetch_documents *d, const char *name, struct arena *a,
	      struct growing *grow, struct board *board, struct err *e)
{
	const char *what = arena_printf(a, "%s: config", name);
	int r = oci_manifest_parse(a, d->manifest, d->manifest_len, NULL, name, &p->manifest, e);

	p->n = 0;
	if (r == 0)
		r = image_doc_parse(a, d->config, d->config_len, what, &p->config, e);
	if (r == 0)
		r = image_doc_fits(&p->config, &p->manifest, what, e);
	if (r < 0)
		return r;
	const struct oci_descriptor *layers = p->manifest.layers.v;
	size_t n = p->manifest.layers.n;
	p->v = arena_alloc(a, (n + 1) * sizeof *p->v);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_layer(p, &layers[i], p->config.rootfs.diff_ids.v[i], name, i + 1, a, grow,
			      e);
	for (size_t i = 0; i < p->n && r == 0; i++)
		p->v[i].board = board_add(board, p->v[i].blob.hex, p->v[i].size);
	return r;
}

/* Is the layer there, known to be what this blob gives, and the blob with it? */
static bool is_there(const struct plan *p, const struct plan_layer *l)
{
	scoped(arena) a = {0};
	struct layer_meta m;
	char buf[DIGEST_STR];

	return layer_exists(p->h, &l->diffid, p->form) &&
	       (!l->keep || layer_blob_exists(p->h, &l->blob, (int64_t)l->size)) &&
	       layer_meta_read(p->h, &l->diffid, p->form, &a, &m, NULL) == 0 &&
	       (!l->keep || strs_has(&m.blobs, digest_str(&l->blob, buf)));
}

static int take_partial(struct plan *p, struct plan_layer *l, struct err *e)
{
	uint64_t size = 0;
	int r = partial_open(p->h, &l->blob, &l->fd, &size, e);

	l->from = r == -EAGAIN ? PLAN_ELSEWHERE : PLAN_PARTIAL;
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	if (size && (p->distrust || size > l->size)) {
		if (ftruncate(l->fd, 0) < 0)
			return err_set(e, errno, "empty a partial blob");
		size = 0;
	}
	l->g->arrived = size;
	l->resumed = size > 0;
	return 0;
}

/* Says at once what would be found out when the disk is full. */
static int check_space(struct plan *p, struct err *e)
{
	struct statvfs st;
	uint64_t need = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].from == PLAN_PARTIAL && !p->v[i].same)
			need += p->v[i].size - p->v[i].g->arrived;
	if (!need || need <= space_left(p->h))
		return 0;
	space_wait(p->h);
	if (need <= space_left(p->h) || fstatvfs(p->h->fd, &st) < 0)
		return 0;
	p->refused = true;
	err_fail_code(e, ERR_DISK_FULL, ENOSPC,
		      "%" PRIu64 " MB are to be fetched, but %s has room for %" PRIu64 " MB",
		      need / 1000000, p->h->path, st.f_bavail * st.f_frsize / 1000000);
	return err_hint(e, "`hoy rmi` removes images; HOY_ROOT or --root puts the store elsewhere");
}

enum { FEW_FILES = 1 << 17 };

void plan_tell_room(const struct plan *p, struct err *e)
{
	struct statvfs st;
	uint64_t need = 0;

	if (p->refused || fstatvfs(p->h->fd, &st) < 0)
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_layer *l = &p->v[i];
		if (l->keep && !l->same && l->from != PLAN_THERE && l->from != PLAN_BLOB)
			need += l->size;
		if (l->board && l->from != PLAN_THERE)
			need += l->board->progress.written;
	}
	uint64_t have = (uint64_t)st.f_bavail * st.f_frsize;
	if (need > have / 2)
		err_hint(e,
			 "it needs more than %" PRIu64 " MB, and %s has room for %" PRIu64
			 " MB: `hoy rmi` removes images; HOY_ROOT or --root puts the store "
			 "elsewhere",
			 need / 1000000, p->h->path, have / 1000000);
	else if (st.f_files && st.f_favail < FEW_FILES && e->code == ENOSPC)
		err_hint(e,
			 "%s has room for %" PRIu64 " MB, but for %" PRIu64
			 " files only: `hoy rmi` removes images; HOY_ROOT or --root puts the store "
			 "elsewhere",
			 p->h->path, have / 1000000, (uint64_t)st.f_favail);
}

int plan_look(struct plan *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++) {
		struct plan_layer *l = &p->v[i];
		if (is_there(p, l))
			l->from = PLAN_THERE;
		else if (l->same && l->same->from != PLAN_THERE)
			l->from = l->same->from;
		else if (!p->distrust && layer_blob_exists(p->h, &l->blob, (int64_t)l->size))
			l->from = PLAN_BLOB;
		else
			r = take_partial(p, l, e);
		if (l->from == PLAN_THERE || l->from == PLAN_BLOB)
			l->g->arrived = l->size;
		if (l->board && l->from == PLAN_THERE && l->board->stage == BOARD_DONE)
			continue; /* by an earlier round */
		if (l->board)
			l->board->stage = l->from == PLAN_THERE	      ? BOARD_THERE
					  : l->from == PLAN_ELSEWHERE ? BOARD_ELSEWHERE
								      : BOARD_WAITS;
	}
	return r < 0 ? r : check_space(p, e);
}

size_t plan_count(const struct plan *p, enum plan_from from)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].from == from;
	return n;
}

void plan_release(struct plan *p, bool drop)
{
	for (size_t i = 0; i < p->n; i++) {
		struct plan_layer *l = &p->v[i];
		if (l->fd < 0)
			continue;
		if (l->from == PLAN_PARTIAL) {
			if (drop)
				partial_drop(p->h, &l->blob);
			flock(l->fd, LOCK_UN); /* by word: other processes have it too */
		}
		fd_close(&l->fd);
	}
}
