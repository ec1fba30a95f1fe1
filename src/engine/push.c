#include "base/base.h"
#include "engine/push.h"
#include "registry/endpoints.h"
#include "state/tell.h"

/* The other places that podman pushes to. */
static int refuse_transport(const char *to, struct err *e)
{
	static const char *const words[][2] = {
		{"oci-archive:", "oci-archive"},
		{"oci:", "oci-dir"},
		{"dir:", "docker-dir"},
		{"docker-archive:", "docker-archive"},
		{"docker-daemon:", "docker-archive"},
		{"containers-storage:", "docker-archive"},
		{"ostree:", "oci-dir"},
		{"sif:", "oci-archive"},
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (!str_starts(to, words[i][0]))
			continue;
		err_fail(e, ERR_USAGE, "hoy pushes to registries only, not to %.200s", to);
		return err_hint(e, "write it with: hoy save --format %s -o PATH IMAGE",
				words[i][1]);
	}
	return 0;
}

static int no_registry(const char *text, struct err *e)
{
	err_fail(e, ERR_USAGE, "%s: no registry is named that it could go to", text);
	return err_hint(e, "name one: hoy push %.100s REGISTRY/NAME:TAG", text);
}

int image_push_name(const char *text, const struct image *im, const char *to, bool docker,
		    struct arena *a, struct reference *ret, struct err *e)
{
	const char *name = to ? to : text;
	struct reference r;

	if (to && refuse_transport(to, e) < 0)
		return -EINVAL;
	if (str_starts(name, "docker://"))
		name += strlen("docker://");
	/* an id, or a short name: the name by which it is here */
	if (!to && (!im->found || ref_parse(a, im->found, &r, NULL) < 0))
		return no_registry(text, e);
	if (!to && !docker)
		name = im->found;
	int k = ref_parse(a, name, &r, e);
	if (k < 0)
		return k;
	r = ref_complete(a, &r, "docker.io");
	if (r.digest) {
		err_fail(e, ERR_REF, "%s: a digest is what comes of a push, it is not asked for",
			 name);
		return err_hint(e, "push to a tag: REGISTRY/NAME:TAG");
	}
	if (!strcmp(r.registry, "localhost"))
		return no_registry(text, e);
	if (!r.tag)
		r.tag = "latest";
	*ret = r;
	return 0;
}

static int push_with_retries(const struct home *h, const struct push_job *j,
			     const struct image_push_opts *o, struct arena *a,
			     struct push_done *ret, struct err *e)
{
	for (unsigned i = 0;; i++) {
		struct err why = {.exit = e->exit};
		int r = push_image(h, j, a, ret, &why);
		if (r < 0 && pull_try_again(&o->pulling, i, &why))
			continue;
		if (r < 0)
			*e = why;
		return r;
	}
}

int image_push(const struct home *h, const char *text, const char *to,
	       const struct image_push_opts *o, struct arena *a, struct image_pushed *ret,
	       struct err *e)
{
	scoped(image) im = {0};
	struct push_job j = o->job;
	const struct platform_want *want = &o->pulling.platform;
	/* what is pushed is what was named, wherever that is to go */
	const char *from = str_starts(text, "docker://") && !to ? text + strlen("docker://") : text;
	scoped(registries) conf = {0};
	int r = image_find(h, from, &im, e);

	if (r == 0)
		r = registries_load(&conf, e);
	if (r == 0)
		r = image_push_name(from, &im, to, o->pulling.docker, a, &j.ref, e);
	if (r < 0)
		return r;
	if (!platform_fits(&im.doc, want)) {
		err_fail_code(e, ERR_PLATFORM, ENOENT, "%s: the image here is for %s only", text,
			      platform_text(a, &im.doc));
		return err_hint(e, "leave --platform out to push it as it is");
	}
	j.id = im.id;
	j.form = im.form;
	j.registry = o->pulling.registry;
	j.registry.conf = &conf;
	j.watch = o->pulling.watch;
	ret->name = ref_text(a, &j.ref);
	if (o->pulling.begins)
		o->pulling.begins(o->pulling.arg, ret->name);
	r = push_with_retries(h, &j, o, a, &ret->done, e);
	if (r == 0)
		image_tell(h, "push", im.id, ret->name);
	return r;
}

int image_push_tags(const struct home *h, const char *text, bool docker, struct arena *a,
		    struct strs *ret, struct err *e)
{
	scoped(strv) all = {0};
	struct reference want, r;
	int k = ref_parse(a, text, &want, e);

	if (k < 0)
		return k;
	if (want.tag || want.digest) {
		err_fail(e, ERR_REF, "%s: with --all-tags a name has no tag", text);
		return err_hint(e, "leave the tag or --all-tags out");
	}
	want = ref_complete(a, &want, docker ? "docker.io" : "localhost");
	k = images_names(h, &all, e);
	for (size_t i = 0; i < all.n && k == 0; i++)
		if (ref_parse(a, all.v[i], &r, NULL) == 0 && r.tag &&
		    str_eq(r.registry, want.registry) && str_eq(r.repository, want.repository))
			strs_add(a, ret, all.v[i]);
	if (k < 0 || ret->n)
		return k;
	err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT, "no image here has a tag of %s",
		      ref_name(a, &want));
	return err_hint(e, "`hoy images` lists what is here");
}
