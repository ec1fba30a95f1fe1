/*
 * How an image is found: a text that is a name is looked up as that name (a short one as localhost/NAME, docker.io/NAME, then under the
 * other registries that have names at all); what is no name, or names nothing, may be an id or the beginning of one. Only
 * failing searches look at all names, for the hint.
 */
#include <dirent.h>

#include "base/base.h"
#include "base/parse.h"
#include "state/registries_conf.h"
#include "store/blobs.h"
#include "store/images_hello.h"
#include "store/images.h"
#include "store/layers.h"
#include "store/names.h"

void image_free(struct image *im)
{
	arena_free(&im->arena);
	*im = (struct image){0};
}

/* What a search found. */
struct hit {
	char id[DIGEST_LEN + 1];
	char form[DIGEST_LEN + 1]; /* the name's own manifest, or "" */
	const char *name;	   /* in the arena; NULL: found by id */
};

/* The manifest's digest behind an image link; false if there is no such image. */
static bool manifest_of(const struct home *h, const char *hex, char *ret)
{
	char path[8 + DIGEST_HEX + 1];

	snprintf(path, sizeof path, "images/%.64s", hex);
	ssize_t n = readlinkat(h->fd, path, ret, DIGEST_LEN + 1);
	if (n != DIGEST_LEN)
		return false;
	ret[n] = 0;
	return digest_valid(ret);
}

struct by_digest {
	const struct home *h;
	const char *repository, *digest;
	struct hit *hit;
};

static int match_digest(void *arg, const char *repository, const char *last, const char *id,
			const char *manifest)
{
	struct by_digest *b = arg;
	char main[DIGEST_LEN + 2];

	if (!id || strcmp(repository, b->repository) ||
	    (!manifest && !manifest_of(b->h, digest_hex(id), main)) ||
	    strcmp(manifest ?: main, b->digest))
		return 0;
	memcpy(b->hit->id, id, DIGEST_LEN + 1);
	snprintf(b->hit->form, sizeof b->hit->form, "%s", manifest ?: "");
	return 1;
}

/* name@digest without a link of its own: an image of that manifest that has a tag in the same repository. */
static int find_digest(const struct home *h, struct arena *a, const struct reference *r,
		       struct hit *ret)
{
	struct by_digest b = {h, ref_name(a, r), r->digest, ret};

	return names_each(h, match_digest, &b, NULL) == 1 ? 0 : -ENOENT;
}

static int find_full(const struct home *h, struct arena *a, struct reference r, struct hit *ret)
{
	if (!r.tag && !r.digest)
		r.tag = "latest";
	int k = names_get(h, &r, ret->id, ret->form);
	if (k < 0 && r.digest)
		k = find_digest(h, a, &r, ret);
	if (k == 0)
		ret->name = ref_text(a, &r);
	return k;
}

static int ambiguous(struct err *e, const char *text, const struct strs *found)
{
	scoped(str) list = {0};

	for (size_t i = 0; i < found->n && i < 4; i++)
		str_addf(&list, "%s%s", i ? ", " : "", found->v[i]);
	if (found->n > 4)
		str_add(&list, ", ...");
	err_fail(e, ERR_IMAGE_AMBIGUOUS, "\"%s\" fits %zu images", text, found->n);
	return err_hint(e, "one of: %s", str_cstr(&list));
}

/* What stands for the name in registries.conf; a file that is broken is told by whoever asks a registry. */
static int find_alias(const struct home *h, struct arena *a, const struct reference *r,
		      struct hit *ret)
{
	struct bind_list files;
	struct reference full;
	const char *text, *from;

	if (registries_files(a, &files, NULL) < 0 ||
	    registries_alias(a, &files, r->repository, &text, &from, NULL) < 0 || !text ||
	    ref_parse(a, text, &full, NULL) < 0 || !full.registry)
		return -ENOENT;
	full.tag = r->tag;
	full.digest = r->digest;
	return find_full(h, a, full, ret);
}

/* A short name: localhost/, docker.io/, then any other registry, if only one has it, then its alias. */
static int find_short(const struct home *h, struct arena *a, const char *text,
		      const struct reference *r, struct hit *ret, struct err *e)
{
	static const char *const first[] = {"localhost", "docker.io"};
	scoped(strv) registries = {0};
	struct strs found = {0};
	struct hit hit;

	for (size_t i = 0; i < countof(first); i++)
		if (find_full(h, a, ref_complete(a, r, first[i]), ret) == 0)
			return 0;
	names_registries(h, &registries);
	for (size_t i = 0; i < registries.n; i++) {
		if (find_full(h, a, ref_complete(a, r, registries.v[i]), &hit) < 0)
			continue;
		*ret = hit;
		strs_add(a, &found, hit.name);
	}
	if (found.n > 1)
		return ambiguous(e, text, &found);
	return found.n ? 0 : find_alias(h, a, r, ret);
}

/* An id, the beginning of one, or the digest of a manifest. -ENOENT (e untouched) or ERR_IMAGE_AMBIGUOUS. */
static int find_id(const struct home *h, struct arena *a, const char *text, struct hit *ret,
		   struct err *e)
{
	char manifest[DIGEST_LEN + 2];
	struct strs found = {0};
	const char *hex;

	ret->name = NULL;
	ret->form[0] = 0;
	if (!ref_is_id_prefix(text, &hex))
		return -ENOENT;
	size_t n = strlen(hex);
	if (n == DIGEST_HEX && manifest_of(h, hex, manifest)) {
		snprintf(ret->id, sizeof ret->id, "sha256:%s", hex);
		return 0;
	}
	int dir = openat(h->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	if (!d)
		return -ENOENT;
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_name[0] == '.' || strlen(de->d_name) != DIGEST_HEX)
			continue;
		bool fits = n < DIGEST_HEX ? !strncmp(de->d_name, hex, n)
					   : manifest_of(h, de->d_name, manifest) &&
						     !strcmp(digest_hex(manifest), hex);
		if (!fits)
			continue;
		snprintf(ret->id, sizeof ret->id, "sha256:%.64s", de->d_name);
		strs_add(a, &found, arena_printf(a, "%.16s", de->d_name));
	}
	closedir(d);
	if (found.n > 1)
		return ambiguous(e, text, &found);
	return found.n ? 0 : -ENOENT;
}

struct nearest {
	struct arena *a;
	const char *text, *best;
	size_t distance;
};

/* The nearest name in any of the forms in which it may have been meant: whole, as docker shows it, or its last component alone; with or without the tag. */
static int compare_name(void *arg, const char *repository, const char *last, const char *id,
			const char *manifest)
{
	struct nearest *n = arg;
	scoped(arena) scratch = {0};
	const char *full = arena_printf(&scratch, "%s%s", repository, last);
	const char *shown = ref_familiar(&scratch, full);
	const char *base = strrchr(repository, '/'), *path = strchr(full, '/') + 1;
	const char *forms[] = {full,	 shown,
			       path,	 arena_printf(&scratch, "%s%s", base + 1, last),
			       base + 1, repository};

	if (!id || *last != ':')
		return 0;
	for (size_t i = 0; i < countof(forms); i++) {
		size_t d = str_distance(n->text, forms[i]);
		if (d < n->distance) {
			n->distance = d;
			n->best = arena_strdup(n->a, i >= 4 && !strcmp(last, ":latest") ? forms[i]
											: shown);
		}
	}
	return 0;
}

static int unknown(const struct home *h, const char *text, struct err *e)
{
	scoped(arena) a = {0};
	struct nearest near = {&a, text, NULL, str_too_far(text)};

	names_each(h, compare_name, &near, NULL);
	if (!near.best && !hello_is_meant(text)) /* built in: need not be in the store */
		compare_name(&near, "localhost/hello", ":latest", "", NULL);
	err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT, "%s: no such image", text);
	if (*text == '@')
		return err_hint(e, "@host and @empty are no images: only run and create take them");
	if (near.best)
		return err_hint(e, "did you mean %s?", near.best);
	return err_hint(e,
			"`hoy images` lists the images, `hoy pull` and `hoy load -i FILE` add one");
}

static int find(const struct home *h, struct arena *a, const char *text, struct hit *ret,
		struct err *e)
{
	struct reference r;
	struct err why = {0};
	const char *hex;
	bool by_id = ref_is_id_prefix(text, &hex);
	int k = -ENOENT;

	if (*text == '@')
		return -ENOENT;
	if (by_id && (hex != text || strlen(hex) == DIGEST_HEX))
		return find_id(h, a, text, ret, e);
	if (ref_parse(a, text, &r, e) < 0)
		return -EINVAL;
	k = r.registry ? find_full(h, a, r, ret) : find_short(h, a, text, &r, ret, &why);
	if (k == -ENOENT && by_id)
		k = find_id(h, a, text, ret, &why);
	if (why.code && e)
		*e = why;
	return k;
}

int image_open(const struct home *h, const char *id, struct image *ret, struct err *e)
{
	scoped(str) text = {0};
	struct err why = {0};

	*ret = (struct image){0};
	ret->id = arena_strdup(&ret->arena, id);
	int r = blob_read(h, id, IMAGE_MAX_CONFIG, &text, &why);
	if (r == 0)
		r = image_doc_parse(&ret->arena, str_cstr(&text), text.len, id, &ret->doc, &why);
	if (r < 0) {
		err_fail(e, ERR_IMAGE_BAD, "image %.19s is damaged: %.300s", id, why.msg);
		return err_hint(e, "remove it with `hoy rmi -f %.19s` and load it again", id + 7);
	}
	if (ret->doc.created)
		parse_rfc3339(ret->doc.created, &ret->created);
	return 0;
}

int image_lookup(const struct home *h, const char *text, struct image *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct hit hit = {0};

	*ret = (struct image){0};
	int r = find(h, &a, text, &hit, e);
	if (r == -ENOENT)
		return unknown(h, text, e);
	if (r == 0)
		r = image_open(h, hit.id, ret, e);
	if (r == 0)
		ret->found = arena_strdup(&ret->arena, hit.name);
	if (r == 0 && hit.form[0])
		ret->form = arena_strdup(&ret->arena, hit.form);
	return r;
}

int image_find(const struct home *h, const char *text, struct image *ret, struct err *e)
{
	struct err why = {0};
	int r = image_lookup(h, text, ret, &why);

	if (r < 0 && why.id == ERR_IMAGE_UNKNOWN && hello_is_meant(text)) {
		why = (struct err){0};
		r = hello_add(h, &why);
		image_free(ret);
		if (r == 0)
			r = image_lookup(h, text, ret, &why);
	}
	if (r < 0 && e)
		*e = why;
	return r;
}

int image_find_id(const struct home *h, const char *text, struct arena *a, const char **ret_id,
		  const char **ret_name, struct err *e)
{
	struct hit hit = {0};
	int r = find(h, a, text, &hit, e);

	if (r == -ENOENT)
		return unknown(h, text, e);
	*ret_id = arena_strdup(a, hit.id);
	*ret_name = hit.name;
	return r;
}
