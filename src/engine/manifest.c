#include "base/base.h"
#include "engine/manifest.h"

/* ---- which list */

int manifest_name(const char *text, bool docker, struct arena *a, struct reference *ret,
		  struct err *e)
{
	return image_parse_new_name(a, text, docker ? "docker.io" : "localhost", ret, e);
}

int manifest_find(const struct home *h, const char *text, bool docker, struct arena *a,
		  struct manifest_list *ret, struct err *e)
{
	struct reference name, other;
	struct err why = {.exit = e->exit};
	int r = manifest_name(text, docker, a, &name, e);

	if (r < 0)
		return r;
	r = list_read(h, &name, a, ret, &why);
	/* a short name that was made under the other engine's */
	if (r == -ENOENT && manifest_name(text, !docker, a, &other, NULL) == 0 &&
	    strcmp(other.registry, name.registry) != 0 && list_read(h, &other, a, ret, NULL) == 0)
		return 0;
	if (r < 0)
		*e = why;
	return r;
}

/* ---- changing */

/* One that is there already is replaced. */
static void put_member(struct arena *a, struct manifest_list *l, const struct list_member *m)
{
	struct list_member *v = l->members.v;

	for (size_t i = 0; i < l->members.n; i++) {
		if (strcmp(v[i].d.digest, m->d.digest) != 0)
			continue;
		v[i] = *m;
		return;
	}
	*(struct list_member *)bind_append(a, &l->members, sizeof *m) = *m;
}

static int add_all(const struct home *h, struct manifest_list *l, char *const *images, size_t n,
		   const struct manifest_member_opts *o, struct arena *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct bind_list found;
		r = manifest_members(h, images[i], o, a, &found, e);
		for (size_t k = 0; k < found.n && r == 0; k++)
			put_member(a, l, (struct list_member *)found.v + k);
	}
	return r;
}

int manifest_create(const struct home *h, const char *text, char *const *images, size_t n,
		    bool amend, const struct pairs *annotations,
		    const struct manifest_member_opts *o, struct arena *a,
		    struct manifest_list *ret, struct err *e)
{
	struct reference name;
	int r = manifest_name(text, o->docker, a, &name, e);

	if (r < 0)
		return r;
	autoclose int lock = lists_lock(h, e);
	if (lock < 0)
		return lock;
	r = list_read(h, &name, a, ret, e);
	if (r == 0 && !amend) {
		err_fail(e, ERR_LIST_EXISTS, "the manifest list %s is here already", ret->name);
		return err_hint(e, "--amend adds to it");
	}
	if (r < 0 && e->id != ERR_LIST_UNKNOWN)
		return r;
	if (r < 0) {
		*e = (struct err){.exit = e->exit};
		*ret = (struct manifest_list){.name = ref_text(a, &name)};
	}
	for (size_t i = 0; i < annotations->n; i++)
		pairs_set(a, &ret->annotations, annotations->v[i].k, annotations->v[i].v);
	r = add_all(h, ret, images, n, o, a, e);
	return r < 0 ? r : list_write(h, ret, e);
}

int manifest_add(const struct home *h, const char *text, char *const *images, size_t n,
		 const struct manifest_member_opts *o, struct arena *a, struct manifest_list *ret,
		 struct err *e)
{
	autoclose int lock = lists_lock(h, e);
	int r = lock < 0 ? lock : manifest_find(h, text, o->docker, a, ret, e);

	if (r == 0)
		r = add_all(h, ret, images, n, o, a, e);
	return r < 0 ? r : list_write(h, ret, e);
}

/* Is it what text means: a digest, the name that it was added by, an image here? */
static bool is_meant(const struct list_member *m, const char *text, const char *full,
		     const char *image)
{
	return !strcmp(m->d.digest, text) || str_eq(m->from, full) ||
	       (image && str_eq(m->image, image));
}

static int find_member(const struct home *h, const struct manifest_list *l, const char *text,
		       bool docker, struct arena *a, size_t *ret, struct err *e)
{
	scoped(image) im = {0};
	struct reference r;
	const char *full = NULL, *image = NULL;
	const struct list_member *m = l->members.v;

	if (str_starts(text, "docker://"))
		text += strlen("docker://");
	if (!digest_valid(text) && ref_parse(a, text, &r, NULL) == 0) {
		r = ref_complete(a, &r, "docker.io");
		if (!r.tag && !r.digest)
			r.tag = "latest";
		full = ref_text(a, &r);
		if (!docker && image_lookup(h, text, &im, NULL) == 0)
			image = im.id;
	}
	for (*ret = 0; *ret < l->members.n; (*ret)++)
		if (is_meant(&m[*ret], text, full, image))
			return 0;
	err_fail_code(e, ERR_LIST_MEMBER, ENOENT, "the list %s has no member %.19s%s", l->name,
		      text, strlen(text) > 19 ? "..." : "");
	return err_hint(e, "hoy manifest inspect %s shows the digests of those it has", l->name);
}

int manifest_annotate(const struct home *h, const char *text, const char *member,
		      const struct manifest_member_opts *o, struct arena *a,
		      struct manifest_list *ret, struct err *e)
{
	autoclose int lock = lists_lock(h, e);
	int r = lock < 0 ? lock : manifest_find(h, text, o->docker, a, ret, e);
	size_t at = 0;

	if (r == 0 && member)
		r = find_member(h, ret, member, o->docker, a, &at, e);
	if (r < 0)
		return r;
	if (member)
		manifest_override(a, &((struct list_member *)ret->members.v)[at].d, o);
	for (size_t i = 0; i < o->annotations.n && !member; i++)
		pairs_set(a, &ret->annotations, o->annotations.v[i].k, o->annotations.v[i].v);
	return list_write(h, ret, e);
}

int manifest_remove(const struct home *h, const char *text, char *const *members, size_t n,
		    bool docker, struct arena *a, struct manifest_list *ret, struct err *e)
{
	autoclose int lock = lists_lock(h, e);
	int r = lock < 0 ? lock : manifest_find(h, text, docker, a, ret, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		struct list_member *v = ret->members.v;
		size_t at;
		r = find_member(h, ret, members[i], docker, a, &at, e);
		if (r < 0)
			return r;
		ret->members.n--;
		memmove(&v[at], &v[at + 1], (ret->members.n - at) * sizeof *v);
	}
	return r < 0 ? r : list_write(h, ret, e);
}

int manifest_rm(const struct home *h, const char *text, bool docker, struct arena *a,
		const char **ret, struct err *e)
{
	struct manifest_list l;
	struct reference name;
	autoclose int lock = lists_lock(h, e);
	int r = lock < 0 ? lock : manifest_find(h, text, docker, a, &l, e);

	if (r == 0)
		r = ref_parse(a, l.name, &name, e);
	if (r < 0)
		return r;
	*ret = l.name;
	return list_remove(h, &name, e);
}

/* ---- looking */

static struct json *parse(const char *text, size_t len, struct arena *a, struct err *e)
{
	return json_parse(a, text, len, "manifest", NULL, e);
}

/* Docker's: the descriptor, and the manifest below it. */
static int verbose_one(struct registry *r, const struct reference *repo,
		       const struct oci_descriptor *d, const struct registry_document *doc,
		       struct arena *a, struct json *out, struct err *e)
{
	struct reference name = {repo->registry, repo->repository, NULL, d->digest};
	struct registry_document below;
	struct json *o = json_new(a, JSON_OBJ);
	int k = doc ? 0 : registry_manifest(r, d->digest, a, &below, e);

	if (k < 0)
		return k;
	doc = doc ?: &below;
	struct json *manifest = parse(doc->text, doc->len, a, e);
	if (!manifest)
		return -EINVAL;
	json_set_str(a, o, "Ref", ref_text(a, &name));
	json_set(a, o, "Descriptor", bind_write(oci_descriptor_fields, d, a));
	bool docker = str_eq(doc->media_type, MEDIA_DOCKER_MANIFEST);
	json_set(a, o, docker ? "SchemaV2Manifest" : "OCIManifest", manifest);
	json_add(a, out, o);
	return 0;
}

static int verbose_all(struct registry *r, const struct reference *name,
		       const struct registry_document *doc, struct arena *a, struct json **ret,
		       struct err *e)
{
	struct oci_document parsed;
	char digest[DIGEST_STR];
	struct json *list = json_new(a, JSON_ARR);
	int k = oci_document_parse(a, doc->text, doc->len, doc->media_type, ref_text(a, name),
				   &parsed, e);

	if (k < 0)
		return k;
	if (parsed.kind == OCI_MANIFEST) {
		const struct oci_descriptor d = {.media_type = doc->media_type,
						 .digest = digest_str(&doc->digest, digest),
						 .size = (int64_t)doc->len};
		k = verbose_one(r, name, &d, doc, a, list, e);
		*ret = k == 0 ? list->arr.v[0] : NULL;
		return k;
	}
	const struct oci_descriptor *v = parsed.index.manifests.v;
	for (size_t i = 0; i < parsed.index.manifests.n && k == 0; i++)
		k = verbose_one(r, name, &v[i], NULL, a, list, e);
	*ret = list;
	return k;
}

static int inspect_remote(const char *text, const struct manifest_member_opts *o, bool verbose,
			  struct arena *a, struct json **ret, struct err *e)
{
	struct registry_document doc;
	struct reference name;
	struct registry *r;

	if (str_starts(text, "docker://"))
		text += strlen("docker://");
	int k = manifest_fetch(text, &o->registry, o->docker, a, &r, &doc, &name, e);
	if (k < 0)
		return k;
	if (verbose)
		k = verbose_all(r, &name, &doc, a, ret, e);
	else
		k = (*ret = parse(doc.text, doc.len, a, e)) ? 0 : -EINVAL;
	registry_close(r);
	return k;
}

int manifest_inspect(const struct home *h, const char *text, const struct manifest_member_opts *o,
		     bool remote, bool verbose, struct arena *a, struct json **ret, struct err *e)
{
	struct manifest_list l;
	scoped(str) index = {0};
	const char *type;
	struct err why = {.exit = e->exit};
	int r = remote || str_starts(text, "docker://")
			? -ENOENT
			: manifest_find(h, text, o->docker, a, &l, &why);

	if (r == 0) {
		list_index(&l, LIST_AS_MEMBERS, a, &index, &type);
		*ret = parse(index.s, index.len, a, e);
		return *ret ? 0 : -EINVAL;
	}
	if (r != -ENOENT) {
		*e = why;
		return r;
	}
	r = inspect_remote(text, o, verbose, a, ret, e);
	if (r < 0 && why.id == ERR_LIST_UNKNOWN && e->id == ERR_IMAGE_UNKNOWN)
		*e = why;
	return r;
}
