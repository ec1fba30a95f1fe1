/*
 * Docker's archive: manifest.json is a list of {Config, RepoTags, Layers}, whose values are names of other entries. In old archives
 * <id>/layer.tar may be a link to the same layer of another image; some tools compress the layers inside.
 */
#include "base/base.h"
#include "store/load.h"

struct item {
	const char *config;
	struct strs tags, layers;
};

static const struct bind_field item_fields[] = {
	{"Config", BIND_STR, offsetof(struct item, config), .flags = BIND_REQUIRED},
	{"RepoTags", BIND_STRS, offsetof(struct item, tags)},
	{"Layers", BIND_STRS, offsetof(struct item, layers)},
	{0},
};

static int bad(const struct loading *l, struct err *e, const char *why)
{
	err_fail(e, ERR_IMAGE_BAD, "%s: manifest.json %s", archive_what(l->ar), why);
	return err_hint(e, "nothing of it was kept; make or download the archive again");
}

/* The name of the config entry is its digest, as long as it looks like one: "<hex>.json" or "blobs/sha256/<hex>". */
static int check_config_name(const struct loading *l, const char *name, const struct digest *d,
			     struct err *e)
{
	const char *base = strrchr(name, '/');
	struct digest named;
	char hex[65];

	base = base ? base + 1 : name;
	snprintf(hex, sizeof hex, "%.64s", base);
	if (digest_parse_hex(hex, &named, NULL) < 0 || digest_eq(&named, d))
		return 0;
	err_fail(e, ERR_DIGEST_MISMATCH, "%s: the config %.100s has the digest sha256:%.12s",
		 archive_what(l->ar), name, d->hex);
	return err_hint(e, "nothing of it was kept; make or download the archive again");
}

/* The manifest that containers/image makes for such an archive (skopeo and podman), byte for byte: uncompressed layers, named by their
 * diffIDs. Keys in this order, no blanks. */
int load_docker_manifest(struct loading *l, struct load_image *im, struct err *e)
{
	scoped(str) s = {0};
	struct digest d;
	char buf[DIGEST_STR];

	str_addf(&s,
		 "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_MANIFEST "\",\"config\":{"
		 "\"mediaType\":\"" MEDIA_DOCKER_CONFIG "\",\"size\":%zu,\"digest\":\"%s\"},"
		 "\"layers\":[",
		 im->config_len, im->config_digest);
	for (size_t i = 0; i < im->doc->rootfs.diff_ids.n; i++)
		str_addf(&s,
			 "%s{\"mediaType\":\"" MEDIA_DOCKER_LAYER "\",\"size\":%" PRIu64
			 ",\"digest\":\"%s\"}",
			 i ? "," : "", im->layers[i]->job.info.tar_size,
			 im->doc->rootfs.diff_ids.v[i]);
	str_add(&s, "]}");
	im->manifest = arena_strndup(l->a, str_cstr(&s), s.len);
	im->manifest_len = s.len;
	int r = hash_bytes(im->manifest, im->manifest_len, &d, e);
	im->manifest_digest = arena_strdup(l->a, digest_str(&d, buf));
	return r;
}

static int want_layers(struct loading *l, const struct item *it, const struct image_doc *doc,
		       struct load_layer **ret, struct err *e)
{
	for (size_t i = 0; i < it->layers.n; i++) {
		struct load_layer layer = {.path = it->layers.v[i],
					   .diffid = doc->rootfs.diff_ids.v[i],
					   .size = -1,
					   .number = i + 1};
		int r = load_layer(l, &layer, &ret[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_image(struct loading *l, const struct item *it, struct load_image **ret,
		      struct err *e)
{
	scoped(str) text = {0};
	struct image_doc *doc = arena_alloc(l->a, sizeof *doc);
	struct digest d;
	char buf[DIGEST_STR];
	int r = archive_read(l->ar, it->config, IMAGE_MAX_CONFIG, &text, e);

	if (r == 0)
		r = hash_bytes(str_cstr(&text), text.len, &d, e);
	if (r == 0)
		r = check_config_name(l, it->config, &d, e);
	if (r < 0)
		return r;
	*ret = load_image_met(l, digest_str(&d, buf));
	if (*ret)
		return 0;
	const char *what = arena_printf(l->a, "%s: config %.100s", archive_what(l->ar), it->config);
	r = image_doc_parse(l->a, str_cstr(&text), text.len, what, doc, e);
	if (r < 0)
		return r;
	if (doc->rootfs.diff_ids.n != it->layers.n)
		return bad(l, e, "and the config do not have the same number of layers");
	struct load_layer **layers = arena_alloc(l->a, (it->layers.n + 1) * sizeof *layers);
	r = want_layers(l, it, doc, layers, e);
	if (r < 0)
		return r;
	struct load_image *im = *ret = load_image_new(l);
	im->config = arena_strndup(l->a, str_cstr(&text), text.len);
	im->config_len = text.len;
	im->config_digest = arena_strdup(l->a, buf);
	im->doc = doc;
	im->layers = layers;
	return 0;
}

int load_docker(struct loading *l, struct err *e)
{
	scoped(str) text = {0};
	struct json_limits lim = {.max_bytes = IMAGE_MAX_MANIFEST};
	const char *what = arena_printf(l->a, "%s: manifest.json", archive_what(l->ar));
	int r = archive_read(l->ar, "manifest.json", IMAGE_MAX_MANIFEST, &text, e);

	if (r < 0)
		return r;
	const struct json *list = json_parse(l->a, str_cstr(&text), text.len, what, &lim, e);
	if (!list)
		return -EINVAL;
	if (list->type != JSON_ARR)
		return bad(l, e, "is not a list");
	for (size_t i = 0; i < list->arr.n; i++) {
		struct item it = {0};
		struct load_image *im;
		r = bind_read(item_fields, &it, list->arr.v[i], what, l->a, e);
		if (r == 0)
			r = load_image(l, &it, &im, e);
		for (size_t k = 0; r == 0 && k < it.tags.n; k++)
			r = load_name(l, im, it.tags.v[k], "docker.io", e);
		if (r < 0)
			return r;
	}
	return 0;
}
