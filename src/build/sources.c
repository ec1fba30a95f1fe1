#include "base/base.h"
#include "build/stage.h"

enum { MAX_NAME = 4096 };

const char *build_named_context(const struct build *b, const char *name)
{
	const char *v = pairs_get(&b->o->contexts, name);

	/* docker takes a name with its default tag, too */
	if (!v && str_ends(name, ":latest")) {
		autofree char *bare = xstrndup(name, strlen(name) - 7);
		v = pairs_get(&b->o->contexts, bare);
	}
	return v;
}

/* An image that lies in an OCI layout: loaded like an archive. */
static int load_layout(struct build *b, const char *path, const char **ret_id, struct err *e)
{
	const struct image_load_opts o = {0};
	struct load_result got = {0};
	autofree char *dir = xstrndup(path, strcspn(path, ":@"));
	int r = image_load(b->h, dir, &o, &got, e);

	if (r == 0 && got.n != 1)
		r = err_fail(e, ERR_CONTEXT, "oci-layout://%s holds %zu images, not one", path,
			     got.n);
	if (r == 0)
		*ret_id = arena_strdup(b->a, got.v[0].id);
	load_result_free(&got);
	return r;
}

/* Fetching failed: what is here says more, if it is for another platform. */
static void here_for_another(struct build *b, const char *name,
			     const struct platform_want *platform, struct err *e)
{
	struct image here = {0};

	if (image_find(b->h, name, &here, NULL) < 0)
		return;
	if (!platform_fits(&here.doc, platform)) {
		autofree char *why = xstrdup(e->msg);
		err_fail(e, ERR_PLATFORM, "%s is here for %s only: %s", name,
			 platform_text(b->a, &here.doc), why);
		err_hint(e, "load or pull it for the platform that is wanted, or leave --platform "
			    "out");
	}
	image_free(&here);
}

static int find_or_pull(struct build *b, const char *name, const struct platform_want *platform,
			struct image *ret, struct err *e)
{
	struct image_pull_opts o = b->o->pull;
	struct image_pulled pulled;

	o.platform = *platform;
	o.docker = b->o->docker;
	int r = image_pull(b->h, name, &o, &pulled, e);
	if (r < 0)
		here_for_another(b, name, platform, e);
	if (r == 0)
		r = image_find(b->h, pulled.name, ret, e);
	if (r == 0 && !platform_fits(&ret->doc, platform)) {
		err_fail(e, ERR_PLATFORM, "%s is here for %s", name,
			 platform_text(b->a, &ret->doc));
		r = err_hint(e, "fetch the other one with --pull");
		image_free(ret);
	}
	return r;
}

int build_image(struct build *b, const char *name, const struct platform_want *platform,
		struct image **ret, struct err *e)
{
	const char *given = build_named_context(b, name), *id = NULL;
	struct build_image *v;
	int r = 0;

	for (size_t i = 0; i < b->nimages; i++)
		if (!strcmp(b->images[i]->name, name) && b->images[i]->platform == platform) {
			*ret = &b->images[i]->im;
			return 0;
		}
	if (strlen(name) > MAX_NAME || name[0] == '@')
		return err_fail(e, ERR_DOCKERFILE, "\"%.80s\" is no image that can be built on",
				name);
	v = arena_alloc(b->a, sizeof *v);
	v->name = arena_strdup(b->a, name);
	v->platform = platform;
	if (given && str_starts(given, "oci-layout://"))
		r = load_layout(b, given + 13, &id, e);
	else if (given && str_starts(given, "docker-image://"))
		name = given + 15;
	else if (given && str_starts(given, "container-image://"))
		name = given + 18;
	if (r == 0)
		r = id ? image_open(b->h, id, &v->im, e)
		       : find_or_pull(b, name, platform, &v->im, e);
	if (r == 0)
		r = image_more(b->h, &v->im, e);
	if (r < 0)
		return r;
	b->images = arena_grow(b->a, b->images, b->nimages * sizeof v, (b->nimages + 1) * sizeof v);
	b->images[b->nimages++] = v;
	*ret = &v->im;
	return 0;
}

static bool is_image(const char *given)
{
	return str_starts(given, "docker-image://") || str_starts(given, "container-image://") ||
	       str_starts(given, "oci-layout://");
}

static int named_context(struct build *b, const char *name, const char *where,
			 const struct context **ret, struct err *e)
{
	const struct context_opts o = {.where = where, .docker = b->o->docker, .in = -1};
	struct build_context *v;

	for (size_t i = 0; i < b->ncontexts; i++)
		if (!strcmp(b->contexts[i]->name, name)) {
			*ret = &b->contexts[i]->c;
			return 0;
		}
	v = arena_alloc(b->a, sizeof *v);
	v->name = arena_strdup(b->a, name);
	v->c = CONTEXT_NONE;
	int r = context_open_named(b->h, &o, &v->c, e);
	if (r < 0)
		return err_context(e, "--build-context %.60s", name);
	b->contexts = arena_grow(b->a, b->contexts, b->ncontexts * sizeof v,
				 (b->ncontexts + 1) * sizeof v);
	b->contexts[b->ncontexts++] = v;
	*ret = &v->c;
	return 0;
}

int build_source(struct stage *s, const struct df_instr *i, const char *name, struct copy_from *ret,
		 struct stage **ret_wait, struct err *e)
{
	struct build *b = s->b;
	const char *given = name ? build_named_context(b, name) : NULL;
	struct image *im;
	int r = 0;

	*ret_wait = NULL;
	*ret = (struct copy_from){.name = "context", .context = &b->main};
	if (!name) {
		if (b->main.root < 0) {
			err_fail(e, ERR_CONTEXT, "%s reads files, and there is no context",
				 df_kind_name(i->kind));
			return err_hint(e, "a Dockerfile alone came on standard input: give a "
					   "directory, as in: hoy build -f - .");
		}
		return 0;
	}
	ret->name = arena_strdup(b->a, name);
	if (given && !is_image(given))
		return named_context(b, name, given, &ret->context, e);
	ret->context = NULL;
	size_t found = given ? SIZE_MAX : build_stage_find(b, name, s->index);
	if (found != SIZE_MAX) {
		struct stage *other = build_stage(b, found, s->target);
		ret->name = arena_printf(b->a, "stage %s", other->title);
		ret->layers = &other->layers;
		if (other->state != STAGE_DONE)
			*ret_wait = other;
		return 0;
	}
	if (!strcmp(name, "scratch")) {
		ret->layers = arena_alloc(b->a, sizeof *ret->layers);
		return 0;
	}
	/* An image is fetched for the platform of the stage. */
	r = build_image(b, name, &s->platform, &im, e);
	if (r == 0)
		ret->layers = &im->doc.rootfs.diff_ids;
	return r;
}
