#include "base/base.h"
#include "engine/manifest.h"
#include "store/blobs.h"

/* ---- registries */

int manifest_fetch(const char *text, const struct registry_opts *o, bool docker, struct arena *a,
		   struct registry **ret, struct registry_document *doc, struct reference *ret_name,
		   struct err *e)
{
	scoped(registries) conf = {0};
	struct registry_opts own = *o;
	struct registries_names names = {0};
	struct reference r;
	int k = registries_load(&conf, e);

	*ret = NULL;
	if (k == 0)
		k = ref_parse(a, text, &r, e);
	if (k == 0 && docker)
		r = ref_complete(a, &r, "docker.io");
	if (k == 0)
		k = registries_complete(&conf, &r, a, &names, e);
	own.conf = &conf;
	for (size_t i = 0; i < names.n && k == 0; i++) {
		struct err why = {.exit = e->exit};
		struct reference *n = &names.v[i];
		if (!n->tag && !n->digest)
			n->tag = "latest";
		k = registry_reach(ret, n, &own, a, doc, &why);
		if (k == 0) {
			*ret_name = *n;
			return 0;
		}
		*e = why;
		k = i + 1 < names.n ? 0 : k;
	}
	return k < 0 ? k : -e->code;
}

static struct oci_platform *platform_of(struct arena *a, const struct image_doc *doc)
{
	struct oci_platform *p = arena_alloc(a, sizeof *p);

	*p = (struct oci_platform){.architecture = arena_strdup(a, doc->architecture),
				   .os = arena_strdup(a, doc->os ?: "linux"),
				   .variant = arena_strdup(a, doc->variant),
				   .os_version = arena_strdup(a, doc->os_version)};
	return p;
}

/* A manifest says nothing of its platform: its config does. */
static int describe_manifest(struct registry *r, const struct registry_document *doc,
			     const struct oci_manifest *m, const char *name, struct arena *a,
			     struct oci_descriptor *ret, struct err *e)
{
	scoped(str) text = {0};
	char digest[DIGEST_STR];
	struct digest d;
	struct image_doc config;
	int k = digest_parse(m->config.digest, &d, e);

	*ret = (struct oci_descriptor){.media_type = doc->media_type,
				       .digest = arena_strdup(a, digest_str(&doc->digest, digest)),
				       .size = (int64_t)doc->len};
	if (k == 0)
		k = registry_blob(r, &d, m->config.size, IMAGE_MAX_CONFIG, &text, e);
	if (k == 0)
		k = image_doc_parse(a, str_cstr(&text), text.len, name, &config, e);
	if (k == 0)
		ret->platform = platform_of(a, &config);
	return k;
}

static struct list_member *add_member(struct arena *a, struct bind_list *l,
				      const struct oci_descriptor *d, const char *from)
{
	struct list_member *m = bind_append(a, l, sizeof *m);

	m->d = *d;
	m->from = from;
	return m;
}

static int members_of_index(const struct oci_index *ix, const char *name,
			    const struct manifest_member_opts *o, struct arena *a,
			    struct bind_list *ret, struct err *e)
{
	const struct oci_descriptor *v = ix->manifests.v;

	if (!o->all) {
		const struct oci_descriptor *d = platform_choose(ix, &o->platform, name, e);
		if (d)
			add_member(a, ret, d, name);
		return d ? 0 : -ENOENT;
	}
	for (size_t i = 0; i < ix->manifests.n; i++)
		add_member(a, ret, &v[i], name);
	return 0;
}

static int remote_members(const char *text, const struct manifest_member_opts *o, struct arena *a,
			  struct bind_list *ret, struct err *e)
{
	struct registry_document doc;
	struct oci_document parsed;
	struct oci_descriptor d;
	struct reference name;
	struct registry *r;
	int k = manifest_fetch(text, &o->registry, o->docker, a, &r, &doc, &name, e);

	if (k < 0)
		return k;
	const char *full = ref_text(a, &name);
	k = oci_document_parse(a, doc.text, doc.len, doc.media_type, full, &parsed, e);
	if (k == 0 && parsed.kind == OCI_INDEX)
		k = members_of_index(&parsed.index, full, o, a, ret, e);
	else if (k == 0)
		k = describe_manifest(r, &doc, &parsed.manifest, full, a, &d, e);
	if (k == 0 && parsed.kind == OCI_MANIFEST)
		add_member(a, ret, &d, full);
	registry_close(r);
	return k;
}

/* ---- images of the store */

static int local_member(const struct home *h, struct image *im, struct arena *a,
			struct bind_list *ret, struct err *e)
{
	scoped(str) text = {0};
	struct oci_manifest m;
	int r = image_more(h, im, e);

	if (r == 0)
		r = blob_read(h, im->manifest_digest, IMAGE_MAX_MANIFEST, &text, e);
	if (r == 0)
		r = oci_manifest_parse(a, str_cstr(&text), text.len, NULL, im->manifest_digest, &m,
				       e);
	if (r < 0)
		return r;
	const struct oci_descriptor d = {.media_type = m.media_type ?: MEDIA_OCI_MANIFEST,
					 .digest = arena_strdup(a, im->manifest_digest),
					 .size = (int64_t)text.len,
					 .platform = platform_of(a, &im->doc)};
	struct reference name;
	bool tagged = im->found && ref_parse(a, im->found, &name, NULL) == 0 && name.tag;
	struct list_member *l = add_member(a, ret, &d, tagged ? arena_strdup(a, im->found) : NULL);
	l->image = arena_strdup(a, im->id);
	return 0;
}

/* Transports of others that mean no image here and no registry. */
static int refuse_transport(const char *text, struct err *e)
{
	static const char *const words[] = {
		"oci:", "oci-archive:", "dir:", "docker-archive:", "docker-daemon:"};

	for (size_t i = 0; i < countof(words); i++) {
		if (!str_starts(text, words[i]))
			continue;
		err_fail(e, ERR_USAGE, "%s: members are images here, or of registries", text);
		return err_hint(e, "load it first: hoy load -i %.200s", text + strlen(words[i]));
	}
	return 0;
}

void manifest_override(struct arena *a, struct oci_descriptor *d,
		       const struct manifest_member_opts *o)
{
	struct oci_platform *p = arena_alloc(a, sizeof *p);

	if (d->platform)
		*p = *d->platform;
	if (o->platform.os)
		p->os = o->platform.os;
	if (o->platform.arch)
		p->architecture = o->platform.arch;
	if (o->platform.variant)
		p->variant = o->platform.variant;
	if (o->os_version)
		p->os_version = o->os_version;
	if (o->os_features.n)
		p->os_features = o->os_features;
	if (o->features.n)
		p->features = o->features;
	if (p->os || p->architecture)
		d->platform = p;
	for (size_t i = 0; i < o->annotations.n; i++)
		pairs_set(a, &d->annotations, o->annotations.v[i].k, o->annotations.v[i].v);
}

int manifest_members(const struct home *h, const char *text, const struct manifest_member_opts *o,
		     struct arena *a, struct bind_list *ret, struct err *e)
{
	scoped(image) im = {0};
	struct err why = {.exit = e->exit};
	bool remote = str_starts(text, "docker://"),
	     local = str_starts(text, "containers-storage:");
	int r = refuse_transport(text, e);

	*ret = (struct bind_list){0};
	if (r < 0)
		return r;
	text += remote ? strlen("docker://") : local ? strlen("containers-storage:") : 0;
	int found = remote || o->docker ? -ENOENT : image_find(h, text, &im, &why);
	if (found < 0 && !remote && !o->docker && (why.id != ERR_IMAGE_UNKNOWN || local)) {
		*e = why;
		return found;
	}
	r = found == 0 ? local_member(h, &im, a, ret, e) : remote_members(text, o, a, ret, e);
	struct list_member *m = ret->v;
	for (size_t i = 0; i < ret->n && r == 0 && (ret->n == 1 || !o->all); i++)
		manifest_override(a, &m[i].d, o);
	return r;
}
