/* What `image inspect` shows: podman's object and docker's in one. */
#include "base/base.h"
#include "base/parse.h"
#include "engine/image.h"
#include "state/u0.h"
#include "store/layers.h"

static struct json *names_json(struct arena *a, const struct strs *names, bool docker)
{
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < names->n; i++)
		json_add(a, l,
			 json_new_str(a, docker ? ref_familiar(a, names->v[i]) : names->v[i]));
	return l;
}

static struct json *history_json(struct arena *a, const struct bind_list *history)
{
	const struct image_history *v = history->v;
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < history->n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		if (v[i].created)
			json_set_str(a, o, "created", v[i].created);
		if (v[i].created_by)
			json_set_str(a, o, "created_by", v[i].created_by);
		if (v[i].author)
			json_set_str(a, o, "author", v[i].author);
		if (v[i].empty_layer)
			json_set_bool(a, o, "empty_layer", true);
		if (v[i].comment)
			json_set_str(a, o, "comment", v[i].comment);
		json_add(a, l, o);
	}
	return l;
}

/* The layers of a form of this image, as the overlay driver of both engines names them: the top one is the upper directory. */
static struct json *driver_json(const struct home *h, const struct image *im, struct arena *a)
{
	struct json *driver = json_new(a, JSON_OBJ), *data = json_new(a, JSON_OBJ);
	const struct strs *ids = &im->doc.rootfs.diff_ids;
	scoped(str) lower = {0};

	for (size_t i = ids->n; i-- > 0;) {
		struct digest d;
		char path[128];
		enum u0_form f = FORM_SUB;
		snprintf(d.hex, sizeof d.hex, "%.64s", digest_hex(ids->v[i]));
		while (f < FORM_ROOT && !layer_exists(h, &d, f))
			f++;
		layer_path(&d, f, path, sizeof path);
		if (i + 1 == ids->n)
			json_set_str(a, data, "UpperDir",
				     arena_printf(a, "%s/%s/diff", h->path, path));
		else
			str_addf(&lower, "%s%s/%s/diff", lower.len ? ":" : "", h->path, path);
	}
	if (lower.len)
		json_set_str(a, data, "LowerDir", str_cstr(&lower));
	json_set_str(a, data, "MergedDir", "");
	json_set_str(a, data, "WorkDir", "");
	json_set_str(a, driver, "Name", "overlay");
	json_set(a, driver, "Data", data);
	return driver;
}

static struct json *config_json(const struct image_config *c, struct arena *a)
{
	struct json *o = bind_write(image_config_fields, c, a);

	/* Scripts ask for these of every image. */
	if (!json_get(o, "Labels"))
		json_set(a, o, "Labels", json_new(a, JSON_NULL));
	if (!json_get(o, "Env"))
		json_set(a, o, "Env", json_new(a, JSON_NULL));
	if (!json_get(o, "Cmd"))
		json_set(a, o, "Cmd", json_new(a, JSON_NULL));
	if (!json_get(o, "Entrypoint"))
		json_set(a, o, "Entrypoint", json_new(a, JSON_NULL));
	if (!json_get(o, "ExposedPorts"))
		json_set(a, o, "ExposedPorts", json_new(a, JSON_NULL));
	if (!json_get(o, "Volumes"))
		json_set(a, o, "Volumes", json_new(a, JSON_NULL));
	if (!json_get(o, "User"))
		json_set_str(a, o, "User", "");
	if (!json_get(o, "WorkingDir"))
		json_set_str(a, o, "WorkingDir", "");
	return o;
}

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

/* Docker keeps a comment of its own; OCI's is that of the last step. */
static const char *comment_of(const struct image *im)
{
	const struct image_history *v = im->doc.history.v;
	const char *last = im->doc.history.n ? v[im->doc.history.n - 1].comment : NULL;

	return text_or_empty(im->doc.comment ? im->doc.comment : last);
}

static void set_identity(const struct image *im, bool docker, struct json *o, struct arena *a)
{
	json_set_str(a, o, "Id", docker ? im->id : digest_hex(im->id));
	json_set_str(a, o, "Digest", im->manifest_digest);
	json_set(a, o, "RepoTags", names_json(a, &im->names, docker));
	json_set(a, o, "RepoDigests", names_json(a, &im->repo_digests, docker));
	json_set_str(a, o, "Parent", "");
	json_set_str(a, o, "Comment", comment_of(im));
	json_set_str(a, o, "Created", text_or_empty(im->doc.created));
}

static void set_content(const struct image *im, struct json *o, struct arena *a)
{
	struct json *rootfs = json_new(a, JSON_OBJ);

	json_set_str(a, o, "Version", text_or_empty(im->doc.docker_version));
	json_set_str(a, o, "DockerVersion", text_or_empty(im->doc.docker_version));
	json_set_str(a, o, "Author", text_or_empty(im->doc.author));
	json_set_str(a, o, "Architecture", text_or_empty(im->doc.architecture));
	if (im->doc.variant)
		json_set_str(a, o, "Variant", im->doc.variant);
	json_set_str(a, o, "Os", text_or_empty(im->doc.os));
	json_set_int(a, o, "Size", im->size);
	json_set_int(a, o, "VirtualSize", im->size);
	json_set_str(a, rootfs, "Type", "layers");
	json_set(a, rootfs, "Layers", json_new_strs(a, &im->doc.rootfs.diff_ids));
	json_set(a, o, "RootFS", rootfs);
}

struct json *image_inspect(const struct home *h, const struct image *im, bool docker,
			   struct arena *a)
{
	const struct image_config *c = &im->doc.config;
	struct json *o = json_new(a, JSON_OBJ);

	set_identity(im, docker, o, a);
	json_set(a, o, "Config", config_json(c, a));
	set_content(im, o, a);
	json_set(a, o, "GraphDriver", driver_json(h, im, a));
	json_set(a, o, "Labels",
		 c->labels.n ? json_new_pairs(a, &c->labels) : json_new(a, JSON_NULL));
	json_set(a, o, "Annotations", json_new_pairs(a, &im->manifest.annotations));
	json_set_str(a, o, "ManifestType",
		     im->manifest.media_type ? im->manifest.media_type : MEDIA_OCI_MANIFEST);
	json_set_str(a, o, "User", text_or_empty(c->user));
	json_set(a, o, "History", history_json(a, &im->doc.history));
	json_set(a, o, "NamesHistory", names_json(a, &im->names, docker));
	if (c->health)
		json_set(a, o, "Healthcheck", bind_write(image_health_fields, c->health, a));
	return o;
}
