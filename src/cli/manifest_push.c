#include "base/base.h"
#include "cli/push_opts.h"
#include "engine/manifest.h"

struct list_push_opts {
	struct push_flags push;
	struct strs add_compression;
	bool all, remove, insecure;
};

#define TO(kind, field) OPT_TO(kind, struct list_push_opts, field)
static const struct opt rows[] = {
	{"add-compression", 0, TO(OPT_STRS, add_compression), "FORMAT",
	 "Refused: each image is sent in one compression", .flags = OPT_HIDDEN},
	{"all", 0, TO(OPT_BOOL, all), NULL,
	 "Send the images too (so it is anyway); --all=false sends the list only"},
	{"insecure", 0, TO(OPT_BOOL, insecure), NULL, "The same as --tls-verify=false",
	 .flags = OPT_HIDDEN},
	{"purge", 'p', TO(OPT_BOOL, remove), NULL, "Remove the list here when it is there",
	 .aliases = "rm"},
	{.kind = OPT_TABLE,
	 .offset = offsetof(struct list_push_opts, push),
	 .sub = push_common_rows},
	{0},
};
#undef TO

static const struct list_push_opts defaults = {.all = true};

static int push_run(struct cli *c, void *opts, struct err *e)
{
	struct list_push_opts *f = opts;
	bool docker = c->called == CALLED_DOCKER;
	scoped(home) h = {.fd = -1};
	struct manifest_push_opts o = {.push = {.pulling = {.docker = docker}},
				       .index_only = !f->all,
				       .remove = f->remove,
				       .docker = docker};
	char digest[DIGEST_LEN + 1];
	const char *name;
	struct pushing s;

	if (f->add_compression.n) {
		err_fail(e, ERR_USAGE,
			 "--add-compression: hoy sends each image in one compression");
		return err_hint(e,
				"push another list with --force-compression --compression-format");
	}
	int r = push_read_flags(c, &f->push, &o.push, e);
	if (r < 0)
		return r;
	if (f->insecure)
		o.push.pulling.registry.tls = REGISTRY_TLS_ANY;
	o.form = o.push.job.format == PUSH_OCI	    ? LIST_OCI
		 : o.push.job.format == PUSH_DOCKER ? LIST_DOCKER
						    : LIST_AS_MEMBERS;
	push_show(c, &s, f->push.image.quiet, &o.push);
	r = home_open(&h, c->root, e);
	if (r == 0)
		r = manifest_push(&h, c->args[0], c->args[1], &o, &c->arena, &name, digest, e);
	if (r < 0)
		return r;
	progress_end(&s.p, "Pushed", name);
	if (docker)
		out_printf(&c->out, "%s\n", digest);
	return push_write_digest(&f->push, digest, e);
}

const struct command cmd_manifest_push = {
	.name = "manifest push",
	.group = "Images",
	.args = "LIST [DESTINATION]",
	.summary = "Send a manifest list and its images to a registry",
	.description =
		"Sends the members of a list, then the list, to the registry that its name says, "
		"or "
		"to DESTINATION (docker:// may stand before it). Images that are here go as `hoy "
		"push` "
		"sends them; what is at a registry is copied from there, or taken over if it is "
		"the "
		"same "
		"one, and keeps its digest. The list is docker's if all its members are, else "
		"OCI's; "
		"--format oci or v2s2 makes it that, with the members that are here.",
	.examples = "hoy manifest push app quay.io/team/app:1\n"
		    "hoy manifest push --rm app docker://localhost:5000/app",
	.opts = rows,
	.opts_size = sizeof(struct list_push_opts),
	.defaults = &defaults,
	.run = push_run,
};
