#include "base/base.h"
#include "cli/push_opts.h"

struct push_opts {
	struct push_flags push;
	bool all_tags;
};

#define TO(kind, field) OPT_TO(kind, struct push_opts, field)
static const struct opt push_rows[] = {
	{"all-tags", 'a', TO(OPT_BOOL, all_tags), NULL, "Push all tags that the name has here"},
	{.kind = OPT_TABLE, .offset = offsetof(struct push_opts, push), .sub = push_common_rows},
	PULL_ROW_TRUST(struct push_opts, push.image.),
	PULL_ROW_PLATFORM(struct push_opts, push.image.),
	{0},
};
#undef TO

static void print_docker(struct cli *c, const struct image_pushed *p)
{
	struct reference r;

	for (size_t i = p->done.n; i-- > 0;) {
		const struct push_layer_done *l = &p->done.v[i];
		if (l->how == REGISTRY_MOUNTED)
			out_printf(&c->out, "%s: Mounted from %s\n", l->diffid, l->from);
		else
			out_printf(&c->out, "%s: %s\n", l->diffid,
				   l->how == REGISTRY_SENT ? "Pushed" : "Layer already exists");
	}
	if (ref_parse(&c->arena, p->name, &r, NULL) == 0)
		out_printf(&c->out, "%s: digest: %s size: %zu\n", r.tag, p->done.digest,
			   p->done.size);
}

static int announce_docker(struct cli *c, const char *name, struct err *e)
{
	struct reference r;
	int k = ref_parse(&c->arena, name, &r, e);

	if (k < 0)
		return k;
	r = ref_complete(&c->arena, &r, "docker.io");
	out_printf(&c->out, "The push refers to repository [%s]\n", ref_name(&c->arena, &r));
	return out_flush(&c->out, e);
}

static int push_one(struct cli *c, const struct home *h, const struct push_opts *o,
		    const struct image_push_opts *with, const char *text, const char *to,
		    struct err *e)
{
	struct pushing s;
	struct image_push_opts opts = *with;
	struct image_pushed done;
	bool quiet = o->push.image.quiet;

	push_show(c, &s, quiet, &opts);
	int r = image_push(h, text, to, &opts, &c->arena, &done, e);
	if (r < 0)
		return r;
	progress_end(&s.p, "Pushed", done.name);
	if (c->called == CALLED_DOCKER && quiet)
		out_printf(&c->out, "%s\n", done.name);
	else if (c->called == CALLED_DOCKER)
		print_docker(c, &done);
	r = push_write_digest(&o->push, done.done.digest, e);
	return r < 0 ? r : out_flush(&c->out, e);
}

static int push_all(struct cli *c, const struct home *h, const struct push_opts *o,
		    const struct image_push_opts *with, struct err *e)
{
	bool docker = c->called == CALLED_DOCKER;
	struct strs names = {0};
	int r = 0;

	if (o->all_tags)
		r = image_push_tags(h, c->args[0], docker, &c->arena, &names, e);
	else
		strs_add(&c->arena, &names, c->args[0]);
	if (r == 0 && docker && !o->push.image.quiet)
		r = announce_docker(c, c->nargs > 1 ? c->args[1] : names.v[0], e);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = push_one(c, h, o, with, names.v[i], c->args[1], e);
	return r;
}

static int push_run(struct cli *c, void *opts, struct err *e)
{
	struct push_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct image_push_opts with = {.pulling = {.docker = c->called == CALLED_DOCKER}};

	if (o->all_tags && c->nargs > 1) {
		err_fail(e, ERR_USAGE, "--all-tags takes one name");
		return err_hint(e, "its tags are pushed to that name");
	}
	int r = platform_parse_flags(&c->arena, o->push.image.platform, NULL, NULL, NULL,
				     &with.pulling.platform, e);
	if (r == 0)
		r = push_read_flags(c, &o->push, &with, e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	return r < 0 ? r : push_all(c, &h, o, &with, e);
}

const struct command cmd_push = {
	.name = "push",
	.aliases = "image push",
	.group = "Images",
	.args = "IMAGE [DESTINATION]",
	.summary = "Send an image to a registry",
	.description =
		"Sends an image to the registry that its name says, or to DESTINATION, which is "
		"another name (docker:// may stand before it). Without a tag it becomes "
		":latest.\n\n"
		"Layers go out as they were pulled or loaded, so digests stay; layers that were "
		"not "
		"compressed are compressed, in the same way each time. An image (one id) that was "
		"pulled in several forms, say with gzip and with zstd, goes out by each name in "
		"the form that came with it; by its id, in the form that came first. What the "
		"registry has "
		"already is not sent, and what it has in another repository is taken over there. A "
		"connection that breaks is taken up again where it broke; after an interruption, "
		"the same command goes on with the layers that are missing. The name appears in "
		"the "
		"registry when everything is there.\n\n"
		"Credentials are those that `hoy login` stored, or those of --creds and "
		"--authfile. "
		"Archives and directories are written by `hoy save`.",
	.examples = "hoy push quay.io/team/app:1\n"
		    "# Under another name\nhoy push app localhost:5000/team/app:test\n"
		    "hoy push --compression-format zstd --format oci app registry.example.com/app",
	.opts = push_rows,
	.opts_size = sizeof(struct push_opts),
	.run = push_run,
	.complete = COMPLETE_IMAGE,
};
