#include <sys/syscall.h>

#include "base/base.h"
#include "base/rand.h"
#include "base/task.h"
#include "build/cache_remote.h"
#include "data/json.h"
#include "engine/manifest.h"
#include "store/build_cache.h"
#include "store/gc.h"
#include "store/layers.h"
#include "store/save.h"

#define MARK	     "io.hoy.build-cache"
#define MARK_VERSION "1"
enum { MAX_RECORDS = 20000 };

/* ---- places */

static int refused(const char *type, struct err *e)
{
	static const struct {
		const char *type, *why;
	} known[] = {{"gha", "hoy does not speak to the cache service of GitHub's runners"},
		     {"s3", "hoy does not speak to S3"},
		     {"azblob", "hoy does not speak to Azure's storage"},
		     {"inline",
		      "hoy writes nothing about the cache into images, which would change "
		      "them"}};

	for (size_t i = 0; i < countof(known); i++) {
		if (strcmp(type, known[i].type) != 0)
			continue;
		err_fail(e, ERR_ABSENT, "cache type=%s: %s", type, known[i].why);
		return err_hint(e, "type=registry,ref=NAME keeps it in a registry, "
				   "type=local,dest=DIR in a directory that may be copied");
	}
	err_fail(e, ERR_USAGE, "a build cache has no type \"%.40s\"", type);
	return err_hint(e, "it has registry and local");
}

static int bad_place(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_USAGE, "cache \"%.150s\": %s", text, why);
	return err_hint(e, "as in type=registry,ref=quay.io/team/app:cache or type=local,src=DIR "
			   "(dest=DIR to write)");
}

static int place_key(const char *key, const char *v, bool to, struct cache_place *p, struct err *e)
{
	/* of BuildKit: how blobs are packed, and what has no meaning for records */
	static const char *const no_meaning[] = {"compression",
						 "compression-level",
						 "force-compression",
						 "oci-mediatypes",
						 "image-manifest",
						 "tag",
						 "digest",
						 "registry.insecure",
						 "scope",
						 "name"};

	if (!strcmp(key, "ref") || !strcmp(key, to ? "dest" : "src"))
		p->ref = v;
	else if (!strcmp(key, "mode") && (!strcmp(v, "min") || !strcmp(v, "max")))
		p->min = v[1] == 'i';
	else if (!strcmp(key, "ignore-error"))
		p->may_fail = !strcmp(v, "true");
	else {
		for (size_t i = 0; i < countof(no_meaning); i++)
			if (!strcmp(key, no_meaning[i]))
				return 0;
		return bad_place(key, "there is no such key", e);
	}
	return 0;
}

int cache_place_parse(const char *text, bool to, struct arena *a, struct cache_place *ret,
		      struct err *e)
{
	scoped(strv) words = {0};
	const char *type = NULL;
	int r = 0;

	*ret = (struct cache_place){.text = arena_strdup(a, text)};
	if (!strchr(text, '=')) {
		ret->ref = ret->text;
		return *text ? 0 : bad_place(text, "it is empty", e);
	}
	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n && r == 0; i++) {
		char *eq = strchr(words.v[i], '=');
		if (!eq)
			return bad_place(text, "not all of it is KEY=VALUE", e);
		*eq = 0;
		const char *v = arena_strdup(a, eq + 1);
		if (!strcmp(words.v[i], "type"))
			type = v;
		else if (!type || !strcmp(type, "registry") || !strcmp(type, "local"))
			r = place_key(words.v[i], v, to, ret, e);
	}
	if (r < 0)
		return r;
	if (!type)
		return bad_place(text, "it has no type=", e);
	if (strcmp(type, "registry") != 0 && strcmp(type, "local") != 0)
		return refused(type, e);
	ret->local = type[0] == 'l';
	return ret->ref && *ret->ref
		       ? 0
		       : bad_place(text,
				   ret->local ? "it names no directory" : "it has no ref=", e);
}

/* ---- records and the image that carries them */

static struct json *record_json(const struct build_cache_record *r, const char *key,
				struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);
	scoped(str) text = {0};

	build_cache_write(r, &text);
	json_set_str(a, o, "key", key);
	json_set_str(a, o, "record", str_cstr(&text));
	return o;
}

/* The layers once each, and the records of those that are here. */
static size_t collect(const struct home *h, const struct strs *keys, struct arena *a,
		      struct json *list, struct strs *layers, struct bind_list *blobs)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->n && n < MAX_RECORDS; i++) {
		struct build_cache_record r;
		struct digest key;
		if (digest_parse_hex(keys->v[i], &key, NULL) < 0 ||
		    build_cache_find(h, &key, a, &r) < 0)
			continue;
		json_add(a, list, record_json(&r, key.hex, a));
		n++;
		if (!r.layer || strs_has(layers, r.layer))
			continue;
		strs_add(a, layers, r.layer);
		struct oci_descriptor *d = bind_append(a, blobs, sizeof *d);
		*d = (struct oci_descriptor){.media_type = MEDIA_OCI_LAYER,
					     .digest = arena_strdup(a, r.layer),
					     .size = r.tar_size};
	}
	return n;
}

static int make_image(const struct home *h, const struct strs *keys, char id[DIGEST_LEN + 1],
		      size_t *ret_records, struct err *e)
{
	static const struct strs no_names;
	scoped(arena) a = {0};
	scoped(str) records = {0}, config = {0};
	struct json *list = json_new(&a, JSON_ARR);
	struct strs layers = {0};
	struct bind_list blobs = {0};
	struct image_doc doc = {.os = "linux", .architecture = "unknown"};
	struct pairs marks = {0};

	*ret_records = collect(h, keys, &a, list, &layers, &blobs);
	json_write(&records, list, 0);
	pairs_set(&a, &marks, MARK, MARK_VERSION);
	pairs_set(&a, &doc.config.labels, MARK, str_cstr(&records));
	doc.rootfs.type = "layers";
	doc.rootfs.diff_ids = layers;
	json_write(&config, bind_write(image_doc_fields, &doc, &a), 0);
	if (config.len > IMAGE_MAX_CONFIG)
		return err_fail(e, ERR_BUILD_CACHE, "the records of this build are too large");
	return image_add_made(h, &config, false, &marks, &blobs, &no_names, id, e);
}

static int not_a_cache(const char *what, struct err *e)
{
	err_fail(e, ERR_BUILD_CACHE, "%s holds no build cache of hoy", what);
	return err_hint(e, "hoy build --cache-to writes one");
}

/* The records of an image that came in, if they are what they say. */
static int take_records(const struct home *h, const struct image *im, const char *what,
			size_t *ret_records, struct err *e)
{
	const char *text = pairs_get(&im->doc.config.labels, MARK);
	static const struct json_limits lim = {IMAGE_MAX_CONFIG, 4, 4 * MAX_RECORDS};
	scoped(arena) a = {0};

	*ret_records = 0;
	if (!text)
		return not_a_cache(what, e);
	const struct json *list = json_parse(&a, text, strlen(text), what, &lim, e);
	if (!list)
		return -EINVAL;
	for (size_t i = 0; list->type == JSON_ARR && i < list->arr.n; i++) {
		const char *hex = json_str(list->arr.v[i], "key");
		const char *body = json_str(list->arr.v[i], "record");
		struct build_cache_record r, here;
		struct digest key;
		if (!hex || !body || digest_parse_hex(hex, &key, NULL) < 0 ||
		    build_cache_parse(body, strlen(body), &key, &a, &r) < 0 ||
		    (r.layer && !strs_has(&im->doc.rootfs.diff_ids, r.layer)) ||
		    build_cache_find(h, &key, &a, &here) == 0)
			continue;
		int k = build_cache_put(h, &key, &r, e);
		if (k < 0)
			return k;
		++*ret_records;
	}
	return 0;
}

static void drop(const struct home *h, const char *id)
{
	struct image_leaving im = {.id = id, .unnamed = true};

	images_remove(h, &im, 1, NULL, NULL);
}

/* ---- in */

/* In a child: libcurl may start threads. */
struct look {
	const struct cache_place *p;
	const struct image_pull_opts *o;
};

static int look_at_manifest(void *arg, struct err *e)
{
	const struct look *l = arg;
	scoped(arena) a = {0};
	struct registry *r;
	struct registry_document doc;
	struct reference name;
	int k = manifest_fetch(l->p->ref, &l->o->registry, l->o->docker, &a, &r, &doc, &name, e);

	if (k < 0)
		return k;
	const struct json *j = json_parse(&a, doc.text, doc.len, "manifest", NULL, e);
	k = j && str_eq(json_str(json_get(j, "annotations"), MARK), MARK_VERSION)
		    ? 0
		    : not_a_cache(l->p->ref, e);
	registry_close(r);
	return k;
}

/* The name of the cache is none of an image: what it led to before, it leads to again. */
static int import_registry(const struct home *h, const struct cache_place *p,
			   const struct image_pull_opts *o, size_t *ret_records, struct err *e)
{
	struct look l = {p, o};
	struct image_pull_opts how = *o;
	struct image_pulled pulled;
	scoped(image) im = {0}, was = {0};
	scoped(arena) a = {0};
	struct reference ref;

	int r = task_run(look_at_manifest, &l, NULL, e);
	if (r < 0)
		return r;
	how.policy = PULL_ALWAYS;
	how.platform = (struct platform_want){.os = "linux", .arch = "unknown"};
	bool had = image_lookup(h, p->ref, &was, NULL) == 0;
	r = image_pull(h, p->ref, &how, &pulled, e);
	if (r == 0)
		r = image_lookup(h, pulled.name, &im, e);
	if (r == 0)
		r = take_records(h, &im, p->ref, ret_records, e);
	if (!im.id || ref_parse(&a, pulled.name, &ref, NULL) < 0)
		return r;
	if (had && strcmp(was.id, im.id) != 0)
		image_tag(h, was.id, was.form, &ref, NULL);
	else if (!had)
		image_untag(h, &ref, NULL);
	for (size_t i = 0; image_more(h, &im, NULL) == 0 && i < im.repo_digests.n; i++)
		if (ref_parse(&a, im.repo_digests.v[i], &ref, NULL) == 0)
			image_untag(h, &ref, NULL);
	drop(h, im.id);
	return r;
}

static int import_local(const struct home *h, const struct cache_place *p, size_t *ret_records,
			struct err *e)
{
	static const struct image_load_opts how;
	scoped(load_result) res = {0};
	struct stat st;

	if (stat(p->ref, &st) < 0 || !S_ISDIR(st.st_mode)) {
		err_fail(e, ERR_BUILD_CACHE, "%s is no directory", p->ref);
		return err_hint(e, "hoy build --cache-to type=local,dest=DIR writes one");
	}
	int r = image_load(h, p->ref, &how, &res, e);
	for (size_t i = 0; i < res.n && r == 0; i++) {
		scoped(image) im = {0};
		size_t n;
		r = image_open(h, res.v[i].id, &im, e);
		if (r == 0)
			r = take_records(h, &im, p->ref, &n, e);
		if (r == 0)
			*ret_records += n;
		drop(h, res.v[i].id);
	}
	return r;
}

int cache_import(const struct home *h, const struct cache_place *p, const struct image_pull_opts *o,
		 size_t *ret_records, struct err *e)
{
	*ret_records = 0;
	return p->local ? import_local(h, p, ret_records, e)
			: import_registry(h, p, o, ret_records, e);
}

/* ---- out */

/* Only what this wrote before may be replaced. */
static int check_dir(const char *path, struct err *e)
{
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped(str) index = {0};

	if (dir < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "open %s", path);
	if (faccessat(dir, "oci-layout", F_OK, 0) == 0 &&
	    fd_read_file_at(dir, "index.json", &index, 1 << 20) == 0)
		return 1;
	if (rmdir(path) == 0)
		return 0;
	err_fail(e, ERR_BUILD_CACHE, "%s is a directory with something else in it", path);
	return err_hint(e, "name a new one: --cache-to type=local,dest=DIR");
}

static int export_local(const struct home *h, const struct cache_place *p, const char *id,
			struct err *e)
{
	char hex[17];
	char *text = xstrdup(id);
	autofree char *owned = text;
	autofree char *path = path_clean(p->ref);
	autofree char *beside = xasprintf("%s.hoy-%s", path, rand_hex(hex, 16));
	const struct image_save_opts o = {.format = SAVE_OCI_DIR,
					  .compress = true,
					  .output = beside,
					  .images = &text,
					  .n = 1};
	int there = check_dir(path, e);

	if (there < 0)
		return there;
	autofree char *up = xstrdup(path);
	char *slash = strrchr(up, '/');
	if (slash && slash > up) {
		*slash = 0;
		int r = path_mkdir_p_at(AT_FDCWD, up, 0755);
		if (r < 0)
			return err_set(e, r, "make the directory %s", up);
	}
	int r = image_save(h, &o, e);
	if (r < 0)
		return r;
	if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, there ? RENAME_EXCHANGE : 0) < 0) {
		r = err_set(e, errno, "rename %s to %s", beside, path);
		path_rm_tree_at(AT_FDCWD, beside);
		return r;
	}
	if (there)
		path_rm_tree_at(AT_FDCWD, beside);
	return 0;
}

int cache_export(const struct home *h, const struct cache_place *p, const struct strs *keys,
		 const struct image_push_opts *o, size_t *ret_records, struct err *e)
{
	char id[DIGEST_LEN + 1];
	scoped(arena) a = {0};
	struct image_pushed done;
	int r = make_image(h, keys, id, ret_records, e);

	if (r < 0)
		return r;
	r = p->local ? export_local(h, p, id, e) : image_push(h, id, p->ref, o, &a, &done, e);
	drop(h, id);
	return r;
}
