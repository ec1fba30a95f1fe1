/*
 * How it works: json_parse() refuses what is no sound JSON (duplicate keys, NUL bytes, depth, size), the bind tables refuse wrong
 * types, and the checks here refuse what is well formed but not allowed: two kinds of document at once, another media type
 * than announced, digests and sizes that could not be. Every refusal carries ERR_IMAGE_BAD, whatever found it.
 */
#include "base/base.h"

#include "oci/image_spec.h"
#include "oci/reference.h"

static const struct bind_field platform_fields[] = {
	{"architecture", BIND_STR, offsetof(struct oci_platform, architecture)},
	{"os", BIND_STR, offsetof(struct oci_platform, os)},
	{"os.version", BIND_STR, offsetof(struct oci_platform, os_version)},
	{"os.features", BIND_STRS, offsetof(struct oci_platform, os_features)},
	{"variant", BIND_STR, offsetof(struct oci_platform, variant)},
	{"features", BIND_STRS, offsetof(struct oci_platform, features)},
	{0},
};

const struct bind_field oci_descriptor_fields[] = {
	{"mediaType", BIND_STR, offsetof(struct oci_descriptor, media_type)},
	{"digest", BIND_STR, offsetof(struct oci_descriptor, digest), .flags = BIND_REQUIRED},
	{"size", BIND_INT, offsetof(struct oci_descriptor, size),
	 .flags = BIND_ALWAYS | BIND_REQUIRED},
	{"artifactType", BIND_STR, offsetof(struct oci_descriptor, artifact_type)},
	{"urls", BIND_STRS, offsetof(struct oci_descriptor, urls)},
	{"annotations", BIND_PAIRS, offsetof(struct oci_descriptor, annotations)},
	{"platform", BIND_PTR, offsetof(struct oci_descriptor, platform), platform_fields,
	 sizeof(struct oci_platform)},
	{0},
};

const struct bind_field oci_manifest_fields[] = {
	{"schemaVersion", BIND_INT, offsetof(struct oci_manifest, schema_version)},
	{"mediaType", BIND_STR, offsetof(struct oci_manifest, media_type)},
	{"artifactType", BIND_STR, offsetof(struct oci_manifest, artifact_type)},
	{"config", BIND_OBJ, offsetof(struct oci_manifest, config), oci_descriptor_fields,
	 sizeof(struct oci_descriptor), BIND_REQUIRED},
	{"layers", BIND_LIST, offsetof(struct oci_manifest, layers), oci_descriptor_fields,
	 sizeof(struct oci_descriptor), BIND_ALWAYS},
	{"annotations", BIND_PAIRS, offsetof(struct oci_manifest, annotations)},
	{0},
};

const struct bind_field oci_index_fields[] = {
	{"schemaVersion", BIND_INT, offsetof(struct oci_index, schema_version)},
	{"mediaType", BIND_STR, offsetof(struct oci_index, media_type)},
	{"manifests", BIND_LIST, offsetof(struct oci_index, manifests), oci_descriptor_fields,
	 sizeof(struct oci_descriptor), BIND_ALWAYS},
	{"annotations", BIND_PAIRS, offsetof(struct oci_index, annotations)},
	{0},
};

const struct bind_field image_health_fields[] = {
	{"Test", BIND_STRS, offsetof(struct image_health, test)},
	{"StartPeriod", BIND_INT, offsetof(struct image_health, start_period)},
	{"StartInterval", BIND_INT, offsetof(struct image_health, start_interval)},
	{"Interval", BIND_INT, offsetof(struct image_health, interval)},
	{"Timeout", BIND_INT, offsetof(struct image_health, timeout)},
	{"Retries", BIND_INT, offsetof(struct image_health, retries)},
	{0},
};

const struct bind_field image_config_fields[] = {
	{"User", BIND_STR, offsetof(struct image_config, user)},
	{"ExposedPorts", BIND_SET, offsetof(struct image_config, exposed_ports)},
	{"Env", BIND_STRS, offsetof(struct image_config, env)},
	{"Entrypoint", BIND_STRS, offsetof(struct image_config, entrypoint)},
	{"Cmd", BIND_STRS, offsetof(struct image_config, cmd)},
	{"Volumes", BIND_SET, offsetof(struct image_config, volumes)},
	{"WorkingDir", BIND_STR, offsetof(struct image_config, working_dir)},
	{"Labels", BIND_PAIRS, offsetof(struct image_config, labels)},
	{"StopSignal", BIND_STR, offsetof(struct image_config, stop_signal)},
	{"ArgsEscaped", BIND_BOOL, offsetof(struct image_config, args_escaped)},
	{"Healthcheck", BIND_PTR, offsetof(struct image_config, health), image_health_fields,
	 sizeof(struct image_health)},
	{"OnBuild", BIND_STRS, offsetof(struct image_config, on_build)},
	{"Shell", BIND_STRS, offsetof(struct image_config, shell)},
	{0},
};

static const struct bind_field history_fields[] = {
	{"created", BIND_STR, offsetof(struct image_history, created)},
	{"created_by", BIND_STR, offsetof(struct image_history, created_by)},
	{"author", BIND_STR, offsetof(struct image_history, author)},
	{"comment", BIND_STR, offsetof(struct image_history, comment)},
	{"empty_layer", BIND_BOOL, offsetof(struct image_history, empty_layer)},
	{0},
};

static const struct bind_field rootfs_fields[] = {
	{"type", BIND_STR,
	 offsetof(struct image_doc, rootfs.type) - offsetof(struct image_doc, rootfs)},
	{"diff_ids", BIND_STRS,
	 offsetof(struct image_doc, rootfs.diff_ids) - offsetof(struct image_doc, rootfs),
	 .flags = BIND_ALWAYS},
	{0},
};

const struct bind_field image_doc_fields[] = {
	{"created", BIND_STR, offsetof(struct image_doc, created)},
	{"author", BIND_STR, offsetof(struct image_doc, author)},
	{"architecture", BIND_STR, offsetof(struct image_doc, architecture)},
	{"variant", BIND_STR, offsetof(struct image_doc, variant)},
	{"os", BIND_STR, offsetof(struct image_doc, os)},
	{"os.version", BIND_STR, offsetof(struct image_doc, os_version)},
	{"docker_version", BIND_STR, offsetof(struct image_doc, docker_version)},
	{"comment", BIND_STR, offsetof(struct image_doc, comment)},
	{"config", BIND_OBJ, offsetof(struct image_doc, config), image_config_fields,
	 sizeof(struct image_config)},
	{"rootfs", BIND_OBJ, offsetof(struct image_doc, rootfs), rootfs_fields,
	 sizeof(((struct image_doc *)0)->rootfs), BIND_REQUIRED},
	{"history", BIND_LIST, offsetof(struct image_doc, history), history_fields,
	 sizeof(struct image_history)},
	{0},
};

static int bad(struct err *e, const char *what, const char *fmt, ...) printf_like(3, 4);
static int bad(struct err *e, const char *what, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(e, ERR_IMAGE_BAD, "%s: %s", what, why);
	return err_hint(e, "the image is damaged or was made by a faulty tool: get it again from "
			   "its source");
}

/* Parses and binds one document, with one id for all ways in which it can be unsound. */
static struct json *parse_bounded(struct arena *a, const char *text, size_t len, size_t max,
				  const char *what, struct err *e)
{
	struct json_limits lim = {.max_bytes = max};
	struct err why = {0};

	if (len > max) {
		bad(e, what, "it has %zu bytes, more than the %zu that are allowed", len, max);
		return NULL;
	}
	struct json *j = json_parse(a, text, len, what, &lim, &why);
	if (j && j->type != JSON_OBJ) {
		bad(e, what, "it is a JSON %s, not an object", json_type_name(j->type));
		return NULL;
	}
	if (!j && e) {
		*e = why;
		e->id = ERR_IMAGE_BAD;
		err_hint(e, "the image is damaged or was made by a faulty tool: get it again from "
			    "its source");
	}
	return j;
}

static int bind_checked(const struct bind_field *fields, void *out, const struct json *j,
			const char *what, struct arena *a, struct err *e)
{
	int r = bind_read(fields, out, j, what, a, e);

	if (r < 0 && e) {
		e->id = ERR_IMAGE_BAD;
		err_hint(e, "the image is damaged or was made by a faulty tool: get it again from "
			    "its source");
	}
	return r;
}

static int check_descriptor(const struct oci_descriptor *d, const char *what, const char *which,
			    struct err *e)
{
	if (!digest_valid(d->digest)) {
		if (str_starts(d->digest, "sha512:"))
			return bad(e, what, "%s has a sha512 digest; only sha256 is supported",
				   which);
		return bad(e, what, "%s has a digest that is not sha256 and 64 hex digits: %.100s",
			   which, d->digest);
	}
	if (d->size < 0)
		return bad(e, what, "%s has the size %" PRId64, which, d->size);
	return 0;
}

static bool is_index_type(const char *t)
{
	return !strcmp(t, MEDIA_OCI_INDEX) || !strcmp(t, MEDIA_DOCKER_LIST);
}

static bool is_manifest_type(const char *t)
{
	return !strcmp(t, MEDIA_OCI_MANIFEST) || !strcmp(t, MEDIA_DOCKER_MANIFEST);
}

/* Which of the two the document is, by its keys and both media types; all of them must agree. */
static int tell_kind(const struct json *j, const char *announced, const char *what,
		     enum oci_kind *ret, struct err *e)
{
	const struct json *type = json_get(j, "mediaType");
	bool manifest = json_get(j, "config") || json_get(j, "layers");
	bool index = json_get(j, "manifests");

	if (json_get(j, "fsLayers") || json_get(j, "signatures") ||
	    json_int(j, "schemaVersion", 2) == 1)
		return bad(e, what, "it is of docker's schema 1, which is no longer supported");
	if (json_int(j, "schemaVersion", 0) != 2)
		return bad(e, what, "its schemaVersion is not 2");
	if (manifest && index)
		return bad(e, what, "it claims to be a manifest and an index at once");
	if (!manifest && !index)
		return bad(e, what, "it is neither a manifest nor an index");
	if (type && type->type == JSON_STR) {
		if (announced && strcmp(announced, type->s))
			return bad(e, what, "it calls itself %.100s but was announced as %.100s",
				   type->s, announced);
		announced = type->s;
	}
	if (announced && !(index ? is_index_type(announced) : is_manifest_type(announced)))
		return bad(e, what, "it is %s but its media type is %.150s",
			   index ? "an index" : "a manifest", announced);
	*ret = index ? OCI_INDEX : OCI_MANIFEST;
	return 0;
}

static int check_list(const struct bind_list *l, const char *what, const char *kind, size_t max,
		      struct err *e)
{
	const struct oci_descriptor *d = l->v;
	char which[40];

	if (l->n > max)
		return bad(e, what, "it has %zu %ss, more than %zu", l->n, kind, max);
	for (size_t i = 0; i < l->n; i++) {
		snprintf(which, sizeof which, "%s %zu", kind, i + 1);
		int r = check_descriptor(&d[i], what, which, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_manifest(struct arena *a, const struct json *j, const char *what,
			 struct oci_manifest *m, struct err *e)
{
	int r = bind_checked(oci_manifest_fields, m, j, what, a, e);
	const char *type = m->config.media_type;

	if (r >= 0)
		r = check_descriptor(&m->config, what, "the config", e);
	if (r >= 0)
		r = check_list(&m->layers, what, "layer", IMAGE_MAX_LAYERS, e);
	if (r < 0)
		return r;
	if (type && strcmp(type, MEDIA_OCI_CONFIG) && strcmp(type, MEDIA_DOCKER_CONFIG))
		return bad(e, what, "it is an artifact (%.100s), not an image", type);
	if (m->config.size > IMAGE_MAX_CONFIG)
		return bad(e, what, "the config has %" PRId64 " bytes, more than %d",
			   m->config.size, IMAGE_MAX_CONFIG);
	return 0;
}

int oci_document_parse(struct arena *a, const char *text, size_t len, const char *media_type,
		       const char *what, struct oci_document *ret, struct err *e)
{
	struct json *j = parse_bounded(a, text, len, IMAGE_MAX_MANIFEST, what, e);

	*ret = (struct oci_document){0};
	if (!j)
		return -EINVAL;
	int r = tell_kind(j, media_type, what, &ret->kind, e);
	if (r < 0)
		return r;
	if (ret->kind == OCI_MANIFEST)
		return read_manifest(a, j, what, &ret->manifest, e);
	r = bind_checked(oci_index_fields, &ret->index, j, what, a, e);
	return r < 0 ? r : check_list(&ret->index.manifests, what, "manifest", 10000, e);
}

int oci_manifest_parse(struct arena *a, const char *text, size_t len, const char *media_type,
		       const char *what, struct oci_manifest *ret, struct err *e)
{
	struct oci_document doc;
	int r = oci_document_parse(a, text, len, media_type, what, &doc, e);

	if (r < 0)
		return r;
	if (doc.kind != OCI_MANIFEST)
		return bad(e, what, "it is an index where a manifest was expected");
	*ret = doc.manifest;
	return 0;
}

int image_doc_parse(struct arena *a, const char *text, size_t len, const char *what,
		    struct image_doc *ret, struct err *e)
{
	struct json *j = parse_bounded(a, text, len, IMAGE_MAX_CONFIG, what, e);

	*ret = (struct image_doc){0};
	if (!j)
		return -EINVAL;
	int r = bind_checked(image_doc_fields, ret, j, what, a, e);
	if (r < 0)
		return r;
	const struct strs *ids = &ret->rootfs.diff_ids;
	if (ids->n > IMAGE_MAX_LAYERS)
		return bad(e, what, "it has %zu layers, more than %d", ids->n, IMAGE_MAX_LAYERS);
	for (size_t i = 0; i < ids->n; i++)
		if (!digest_valid(ids->v[i]))
			return bad(e, what,
				   "diff_ids has an entry that is not sha256 and 64 hex digits: "
				   "%.100s",
				   ids->v[i]);
	return 0;
}

int image_doc_fits(const struct image_doc *doc, const struct oci_manifest *m, const char *what,
		   struct err *e)
{
	if (doc->rootfs.diff_ids.n != m->layers.n)
		return bad(e, what, "the manifest has %zu layers but the config has %zu",
			   m->layers.n, doc->rootfs.diff_ids.n);
	return 0;
}

char *oci_manifest_write(const struct oci_manifest *m)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};

	json_write(&text, bind_write(oci_manifest_fields, m, &a), 0);
	return str_steal(&text);
}
