/*
 * How it works: each member goes first, so that the registry never shows an index whose manifests are missing: one that is an image here by push.h, one of a
 * registry by copy.h. What became of it (its digest changes when layers are compressed on the way) goes into the index, which comes last.
 */
#include "base/base.h"
#include "engine/manifest.h"
#include "pull/copy.h"
#include "registry/endpoints.h"
#include "store/blobs.h"

struct list_push {
	const struct home *h;
	const struct manifest_push_opts *o;
	struct registry_opts to_opts;
	struct reference to;
	struct manifest_list list;
	struct arena *a;
};

static int push_here(struct list_push *p, struct list_member *m, struct err *e)
{
	const struct image_pull_opts *pulling = &p->o->push.pulling;
	struct push_job j = p->o->push.job;
	struct push_done done;

	j.id = m->image;
	j.form = blob_exists(p->h, m->d.digest) ? m->d.digest : NULL;
	j.ref = p->to;
	j.by_digest = true;
	j.registry = p->to_opts;
	j.watch = pulling->watch;
	for (unsigned i = 0;; i++) {
		struct err why = {.exit = e->exit};
		int r = push_image(p->h, &j, p->a, &done, &why);
		if (r == 0)
			break;
		if (!pull_try_again(pulling, i, &why)) {
			*e = why;
			return r;
		}
	}
	m->d.digest = arena_strdup(p->a, done.digest);
	m->d.size = (int64_t)done.size;
	m->d.media_type = done.docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
	return 0;
}

static int push_elsewhere(struct list_push *p, const struct list_member *m, struct err *e)
{
	struct copy_image c = {.from_opts = p->to_opts, .to = p->to, .to_opts = p->to_opts};
	int r = ref_parse(p->a, m->from, &c.from, e);

	if (r < 0)
		return r;
	c.from.tag = NULL;
	c.from.digest = m->d.digest;
	if (strcmp(c.from.registry, c.to.registry) != 0)
		c.from_opts.creds = NULL;
	return copy_image(p->h, &c, e);
}

static int push_member(struct list_push *p, struct list_member *m, struct err *e)
{
	scoped(image) im = {0};
	bool here = m->image && image_open(p->h, m->image, &im, NULL) == 0;

	if (here)
		return push_here(p, m, e);
	struct reference from;
	if (m->from && ref_parse(p->a, m->from, &from, NULL) == 0 &&
	    strcmp(from.registry, "localhost") != 0)
		return push_elsewhere(p, m, e);
	err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT,
		      "%s: the image of its member %s is no more here", p->list.name, m->d.digest);
	return err_hint(e, "load or pull it again, or take the member out: hoy manifest remove");
}

static int push_index(struct list_push *p, char ret_digest[static DIGEST_LEN + 1], struct err *e)
{
	scoped(str) text = {0};
	const char *type;
	char buf[DIGEST_STR];
	struct digest d;

	list_index(&p->list, p->o->form, p->a, &text, &type);
	int r = hash_bytes(text.s, text.len, &d, e);
	if (r == 0)
		r = copy_document(&p->to, &p->to_opts, type, text.s, text.len, e);
	if (r == 0)
		snprintf(ret_digest, DIGEST_LEN + 1, "%s", digest_str(&d, buf));
	return r;
}

/* Where it goes. */
static int destination(struct list_push *p, const char *text, const char *to, struct err *e)
{
	struct image im = {.found = p->list.name};

	return image_push_name(text, &im, to, p->o->docker, p->a, &p->to, e);
}

int manifest_push(const struct home *h, const char *text, const char *to,
		  const struct manifest_push_opts *o, struct arena *a, const char **ret_name,
		  char ret_digest[static DIGEST_LEN + 1], struct err *e)
{
	scoped(registries) conf = {0};
	struct list_push p = {.h = h, .o = o, .a = a, .to_opts = o->push.pulling.registry};
	int r = manifest_find(h, text, o->docker, a, &p.list, e);

	if (r == 0)
		r = registries_load(&conf, e);
	if (r == 0)
		r = destination(&p, text, to, e);
	if (r < 0)
		return r;
	p.to_opts.conf = &conf;
	*ret_name = ref_text(a, &p.to);
	if (o->push.pulling.begins)
		o->push.pulling.begins(o->push.pulling.arg, *ret_name);
	struct list_member *m = p.list.members.v;
	for (size_t i = 0; i < p.list.members.n && r == 0 && !o->index_only; i++)
		r = push_member(&p, &m[i], e);
	if (r == 0)
		r = push_index(&p, ret_digest, e);
	const char *gone;
	return r == 0 && o->remove ? manifest_rm(h, text, o->docker, a, &gone, e) : r;
}
