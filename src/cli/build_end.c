/*
 * What comes after the build, in this order: the manifest list of several platforms, outputs, pushing; then what is printed and the files with ids, so that whoever reads them
 * finds everything done.
 */
#include "base/base.h"
#include "cli/build_opts.h"
#include "cli/push_opts.h"
#include "data/json.h"
#include "engine/manifest.h"
#include "store/room.h"

/* What build_finish() works on. */
struct ending {
	struct cli *c;
	const struct home *h;
	struct build_flags *f;
	const struct build_result *res;
	struct build_progress *p;
	const char *id;	  /* of the image, or of the list; NULL: none */
	const char *list; /* full name of the manifest list; NULL */
	char pushed[DIGEST_LEN + 1];
	struct strs names; /* full */
};

static int full_names(struct ending *n, struct err *e)
{
	struct reference ref;
	int r = 0;

	for (size_t i = 0; i < n->f->b.tags.n && r == 0; i++) {
		r = image_parse_new_name(&n->c->arena, n->f->b.tags.v[i], n->f->b.registry, &ref,
					 e);
		if (r == 0)
			strs_add(&n->c->arena, &n->names, ref_text(&n->c->arena, &ref));
	}
	return r;
}

/* ---- lists */

/* One list of all that was built. An older one of that name goes, but for --manifest, which adds to it. */
static int make_list(struct ending *n, const char *name, bool amend, struct err *e)
{
	const struct build_output *v = n->res->outputs.v;
	struct cli *c = n->c;
	struct manifest_member_opts o = {.docker = false};
	struct manifest_list list;
	struct pairs annotations = {0};
	char digest[DIGEST_LEN + 1];
	char **ids = arena_alloc(&c->arena, (n->res->outputs.n + 1) * sizeof *ids);
	struct reference ref;

	for (size_t i = 0; i < n->f->annotations.n; i++)
		if (str_starts(n->f->annotations.v[i], "index:")) {
			const char *text = n->f->annotations.v[i] + 6;
			size_t k = strcspn(text, "=");
			pairs_set(&c->arena, &annotations, arena_strndup(&c->arena, text, k),
				  text[k] ? text + k + 1 : "");
		}
	for (size_t i = 0; i < n->res->outputs.n; i++)
		ids[i] = arena_strdup(&c->arena, v[i].id);
	int r = manifest_name(name, n->f->b.docker, &c->arena, &ref, e);
	if (r == 0 && !amend)
		list_remove(n->h, &ref, NULL);
	if (r == 0)
		r = manifest_create(n->h, name, ids, n->res->outputs.n, amend, &annotations, &o,
				    &c->arena, &list, e);
	if (r == 0)
		r = list_digest(&list, digest, e);
	if (r < 0)
		return r;
	n->list = list.name;
	if (n->res->outputs.n > 1)
		n->id = arena_strdup(&c->arena, digest);
	return 0;
}

static int make_lists(struct ending *n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n->names.n && n->res->outputs.n > 1 && r == 0; i++)
		r = make_list(n, n->names.v[i], false, e);
	if (r == 0 && n->f->manifest)
		r = make_list(n, n->f->manifest, true, e);
	return r;
}

/* ---- outputs */

static int save_archive(struct ending *n, const struct output_want *w, struct err *e)
{
	const struct build_output *v = n->res->outputs.v;
	size_t built = n->res->outputs.n, many = 0;
	const struct strs *names = n->f->names.n ? &n->f->names : &n->names;
	char **texts =
		arena_alloc(&n->c->arena, (built + names->n + w->names.n + 1) * sizeof *texts);

	for (size_t i = 0; i < built; i++)
		texts[many++] = arena_strdup(&n->c->arena, v[i].id);
	for (size_t i = 0; i < w->names.n && built == 1; i++)
		texts[many++] = arena_strdup(&n->c->arena, w->names.v[i]);
	for (size_t i = 0; i < names->n && built == 1; i++)
		texts[many++] = arena_strdup(&n->c->arena, names->v[i]);
	if (built > 1 && w->kind == OUTPUT_DOCKER) {
		err_fail(e, ERR_USAGE, "type=docker holds one platform");
		return err_hint(e, "type=oci holds several");
	}
	const struct image_save_opts o = {
		.format = w->kind == OUTPUT_DOCKER ? SAVE_DOCKER_ARCHIVE
			  : w->dir		   ? SAVE_OCI_DIR
						   : SAVE_OCI_ARCHIVE,
		.output = w->dest,
		.images = texts,
		.n = many,
		.multi = built > 1,
		.registry = n->f->b.registry,
	};
	return image_save(n->h, &o, e);
}

static void say(struct ending *n, const char *what, const char *name)
{
	build_progress_note(n->p, arena_printf(&n->c->arena, "%s %s", what, name));
}

int build_push_opts(struct cli *c, const struct build_flags *f, const struct output_want *w,
		    struct image_push_opts *ret, struct err *e)
{
	struct push_flags p = {.image = f->image};

	if (w) {
		p.compression = w->compression;
		p.force = w->force;
	}
	p.image.policy = NULL;
	*ret = (struct image_push_opts){.pulling = {.docker = f->b.docker}};
	int r = push_read_flags(c, &p, ret, e);
	if (w && w->level > 0)
		ret->job.level = (int)w->level;
	return r;
}

static int push_names(struct ending *n, const struct output_want *w, struct err *e)
{
	struct image_push_opts o;
	int r = build_push_opts(n->c, n->f, w, &o, e);

	for (size_t i = 0; i < n->names.n && r == 0; i++) {
		struct image_pushed done;
		say(n, "Pushing", n->names.v[i]);
		if (n->res->outputs.n > 1) {
			const struct manifest_push_opts m = {.push = o, .docker = n->f->b.docker};
			const char *name;
			r = manifest_push(n->h, n->names.v[i], NULL, &m, &n->c->arena, &name,
					  n->pushed, e);
			continue;
		}
		r = image_push(n->h, n->names.v[i], NULL, &o, &n->c->arena, &done, e);
		if (r == 0)
			snprintf(n->pushed, sizeof n->pushed, "%s", done.done.digest);
	}
	return r;
}

static int write_output(struct ending *n, const struct output_want *w, struct err *e)
{
	const char *to = w->dest ?: "standard output";

	switch (w->kind) {
	case OUTPUT_OCI:
	case OUTPUT_DOCKER:
		say(n, "Writing an archive to", to);
		return save_archive(n, w, e);
	case OUTPUT_TAR:
	case OUTPUT_LOCAL:
		say(n, "Writing files to", to);
		return output_files(n->h, w, n->res, e);
	case OUTPUT_IMAGE:
		return w->push ? push_names(n, w, e) : 0;
	default:
		return 0;
	}
}

/* An image that only was a way to an archive, and was not here before. */
static void drop_image(struct ending *n)
{
	const struct output_want *w = n->f->wants.v;
	const struct build_output *v = n->res->outputs.v;

	for (size_t i = 0; i < n->f->wants.n; i++)
		if (output_keeps_image(&w[i]))
			return;
	for (size_t i = 0; i < n->res->outputs.n; i++) {
		struct image_leaving im = {.id = v[i].id, .unnamed = true};
		if (v[i].id && !strs_has(&n->f->before, v[i].id))
			images_remove(n->h, &im, 1, NULL, NULL);
	}
}

/* ---- what is printed and written */

static int write_text(const char *path, const char *text, struct err *e)
{
	int r = fd_write_file_at(AT_FDCWD, path, text, strlen(text), 0644);

	return r < 0 ? err_set(e, r, "write %s", path) : 0;
}

static const char *manifest_of(struct ending *n, const char *id, struct arena *a, int64_t *ret_size,
			       const char **ret_type)
{
	scoped(image) im = {0};

	if (image_open(n->h, id, &im, NULL) < 0 || image_more(n->h, &im, NULL) < 0)
		return NULL;
	*ret_type = arena_strdup(a, im.manifest.media_type ?: MEDIA_OCI_MANIFEST);
	*ret_size = blob_room(n->h, digest_hex(im.manifest_digest));
	return arena_strdup(a, im.manifest_digest);
}

/* The keys of BuildKit's metadata. */
static int write_metadata(struct ending *n, struct err *e)
{
	struct arena *a = &n->c->arena;
	struct json *o = json_new(a, JSON_OBJ), *d = json_new(a, JSON_OBJ);
	const struct build_output *v = n->res->outputs.v;
	scoped(str) text = {0}, names = {0};
	bool list = n->res->outputs.n > 1;
	const char *digest = NULL, *type = MEDIA_OCI_INDEX;
	int64_t size = 0;

	if (list)
		digest = n->id;
	else if (n->id)
		digest = manifest_of(n, n->id, a, &size, &type);
	if (n->id && !list)
		json_set_str(a, o, "containerimage.config.digest", n->id);
	if (digest) {
		json_set_str(a, d, "mediaType", type);
		json_set_str(a, d, "digest", digest);
		if (size)
			json_set_int(a, d, "size", size);
		json_set(a, o, "containerimage.descriptor", d);
		json_set_str(a, o, "containerimage.digest", *n->pushed ? n->pushed : digest);
	}
	for (size_t i = 0; i < n->names.n; i++)
		str_addf(&names, "%s%s", i ? "," : "", n->names.v[i]);
	if (names.len)
		json_set_str(a, o, "image.name", str_cstr(&names));
	struct json *platforms = json_new(a, JSON_OBJ);
	for (size_t i = 0; i < n->res->outputs.n && list; i++)
		if (v[i].id)
			json_set_str(a, platforms, v[i].platform, v[i].id);
	if (list)
		json_set(a, o, "containerimage.platforms", platforms);
	json_write(&text, o, 2);
	str_addc(&text, '\n');
	return write_text(n->f->metadata, str_cstr(&text), e);
}

static int write_ids(struct ending *n, struct err *e)
{
	int r = 0;

	if (n->f->iidfile && n->id)
		r = write_text(n->f->iidfile, n->id, e);
	if (r == 0 && n->f->iidfile_raw && n->id)
		r = write_text(n->f->iidfile_raw, digest_hex(n->id), e);
	if (r == 0 && n->f->metadata)
		r = write_metadata(n, e);
	return r;
}

/* podman's last lines; the very last of standard output is the id. */
static void print_steps(struct ending *n)
{
	const struct build_progress *p = n->p;
	scoped(str) b = {0};

	if (p->shape == BUILD_SHOW_STEPS) {
		str_addf(&b, "COMMIT%s%s\n--> %.12s\n", n->f->b.tags.n ? " " : "",
			 n->f->b.tags.n ? n->f->b.tags.v[0] : "", digest_hex(n->id));
		for (size_t i = 0; i < n->names.n; i++)
			str_addf(&b, "Successfully tagged %s\n", n->names.v[i]);
	}
	str_addf(&b, "%s\n", digest_hex(n->id));
	build_write(p->out, &b);
}

static void print(struct ending *n)
{
	scoped(str) b = {0};
	int number = n->res->steps + 1;

	if (!n->id)
		return;
	if (n->c->called != CALLED_DOCKER) {
		print_steps(n);
		return;
	}
	if (n->f->quiet) {
		str_addf(&b, "%s\n", n->id);
		build_write(n->p->out, &b);
		return;
	}
	if (n->p->shape != BUILD_SHOW_NUMBERED)
		return;
	str_addf(&b, "\n#%d exporting to image\n#%d writing image %s done\n", number, number,
		 n->id);
	for (size_t i = 0; i < n->names.n; i++)
		str_addf(&b, "#%d naming to %s done\n", number, n->names.v[i]);
	str_addf(&b, "#%d DONE\n", number);
	build_write(n->p->err, &b);
}

int build_finish(struct cli *c, const struct home *h, struct build_flags *f,
		 const struct build_result *res, struct build_progress *p, struct err *e)
{
	struct ending n = {.c = c, .h = h, .f = f, .res = res, .p = p, .id = res->id};
	const struct output_want *w = f->wants.v;
	int r = full_names(&n, e);

	if (r == 0)
		r = make_lists(&n, e);
	for (size_t i = 0; i < f->wants.n && r == 0; i++)
		r = write_output(&n, &w[i], e);
	drop_image(&n);
	if (r == 0)
		r = build_caches_out(c, h, f, res, p, e);
	if (r == 0)
		r = write_ids(&n, e);
	build_progress_end(p, r == 0);
	if (r == 0)
		print(&n);
	return r;
}
