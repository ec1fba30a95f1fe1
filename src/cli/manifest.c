/* The commands that make and show manifest lists; the one that pushes them is manifest_push.c. */
#include "base/base.h"
#include "cli/pull_opts.h"
#include "engine/manifest.h"

struct manifest_flags {
	struct pull_flags image;
	const char *os_version;
	struct strs annotations, features, os_features, refused;
	bool all, amend, ignore, index, insecure, remote, verbose;
};

#define T		struct manifest_flags
#define TO(kind, field) OPT_TO(kind, T, field)
#define ROW_ALL                                                                                    \
	{                                                                                          \
		"all", 0, TO(OPT_BOOL, all), NULL,                                                 \
			"Of an image for several platforms, add all of them"                       \
	}
#define ROW_ANNOTATION(text)                                                                       \
	{                                                                                          \
		"annotation", 0, TO(OPT_STRS, annotations), "KEY=VALUE", text                      \
	}
#define ROW_INSECURE                                                                               \
	{                                                                                          \
		"insecure", 0, TO(OPT_BOOL, insecure), NULL, "The same as --tls-verify=false",     \
			.flags = OPT_HIDDEN                                                        \
	}
#define ROWS_MEMBER                                                                                \
	{"arch",                                                                                   \
	 0,                                                                                        \
	 TO(OPT_STR, image.arch),                                                                  \
	 "ARCH",                                                                                   \
	 "Set the architecture",                                                                   \
	 .words = "amd64 arm64 arm 386 ppc64le s390x riscv64 loong64",                             \
	 .complete = COMPLETE_WORDS},                                                              \
		{"features", 0, TO(OPT_CSV, features), "FEATURE",                                  \
		 "Set what the processor must have"},                                              \
		{"os", 0, TO(OPT_STR, image.os), "OS", "Set the operating system"},                \
		{"os-features", 0, TO(OPT_CSV, os_features), "FEATURE",                            \
		 "Set what the operating system must have"},                                       \
		{"os-version", 0, TO(OPT_STR, os_version), "VERSION",                              \
		 "Set the version of the operating system"},                                       \
	{                                                                                          \
		"variant", 0, TO(OPT_STR, image.variant), "VARIANT",                               \
			"Set the variant of the architecture (v7)"                                 \
	}
#define REFUSED(name)                                                                              \
	{                                                                                          \
		name, 0, TO(OPT_STRS, refused), "X", "Refused: hoy makes no artifacts",            \
			.flags = OPT_HIDDEN                                                        \
	}

static const struct opt create_rows[] = {
	ROW_ALL,
	{"amend", 'a', TO(OPT_BOOL, amend), NULL, "Add to a list that is there already"},
	ROW_ANNOTATION("Give the list an annotation"),
	PULL_ROW_AUTHFILE(T, image.),
	PULL_ROW_CERT_DIR(T, image.),
	PULL_ROW_CREDS(T, image.),
	ROW_INSECURE,
	PULL_ROW_TLS_VERIFY(T, image.),
	{0},
};

static const struct opt add_rows[] = {
	ROW_ALL,
	ROW_ANNOTATION("Give what is added an annotation"),
	ROWS_MEMBER,
	PULL_ROW_AUTHFILE(T, image.),
	PULL_ROW_CERT_DIR(T, image.),
	PULL_ROW_CREDS(T, image.),
	ROW_INSECURE,
	PULL_ROW_TLS_VERIFY(T, image.),
	{"artifact", 0, TO(OPT_BOOL, remote), NULL, "Refused: hoy makes no artifacts",
	 .flags = OPT_HIDDEN},
	REFUSED("artifact-config"),
	REFUSED("artifact-config-type"),
	REFUSED("artifact-exclude-titles"),
	REFUSED("artifact-layer-type"),
	REFUSED("artifact-subject"),
	REFUSED("artifact-type"),
	{0},
};

static const struct opt annotate_rows[] = {
	ROW_ANNOTATION("Give the member, or with --index the list, an annotation"),
	ROWS_MEMBER,
	{"index", 0, TO(OPT_BOOL, index), NULL,
	 "Annotate the list itself; there is no member then"},
	REFUSED("subject"),
	{0},
};

static const struct opt inspect_rows[] = {
	PULL_ROW_AUTHFILE(T, image.),
	PULL_ROW_CERT_DIR(T, image.),
	PULL_ROW_CREDS(T, image.),
	ROW_INSECURE,
	{"remote", 0, TO(OPT_BOOL, remote), NULL, "Ask the registry, whatever is here"},
	PULL_ROW_TLS_VERIFY(T, image.),
	{"verbose", 'v', TO(OPT_BOOL, verbose), NULL,
	 "Ask the registry, and show each manifest with its descriptor, as docker does"},
	{0},
};

static const struct opt rm_rows[] = {
	{"ignore", 'i', TO(OPT_BOOL, ignore), NULL, "A list that does not exist is no error"},
	{0},
};
#undef TO
#undef T

static int refuse_artifacts(const struct manifest_flags *f, struct err *e)
{
	if (!f->refused.n)
		return 0;
	err_fail(e, ERR_ABSENT, "hoy makes no artifacts, and lists refer to no subject");
	return err_hint(e, "oras makes artifacts; members of lists are images here");
}

static int read_annotations(struct cli *c, const struct strs *l, struct pairs *ret, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *eq = strchr(l->v[i], '=');
		if (!eq || eq == l->v[i]) {
			err_fail(e, ERR_USAGE, "--annotation \"%.100s\" is not KEY=VALUE", l->v[i]);
			return err_hint(e, "as in --annotation org.opencontainers.image.title=app");
		}
		pairs_set(&c->arena, ret, arena_strndup(&c->arena, l->v[i], (size_t)(eq - l->v[i])),
			  eq + 1);
	}
	return 0;
}

static int read_flags(struct cli *c, struct manifest_flags *f, struct manifest_member_opts *ret,
		      struct err *e)
{
	struct image_pull_opts pulling;
	int r = refuse_artifacts(f, e);

	*ret = (struct manifest_member_opts){.os_version = f->os_version,
					     .os_features = f->os_features,
					     .features = f->features,
					     .all = f->all,
					     .docker = c->called == CALLED_DOCKER};
	if (r == 0)
		r = platform_parse_flags(&c->arena, NULL, f->image.os, f->image.arch,
					 f->image.variant, &ret->platform, e);
	if (r == 0)
		r = read_annotations(c, &f->annotations, &ret->annotations, e);
	if (r == 0)
		r = pull_ask_creds(c, &f->image.creds, e);
	if (r == 0)
		r = pull_read_flags(c, &f->image, &pulling, e);
	if (r < 0)
		return r;
	ret->registry = pulling.registry;
	if (f->insecure)
		ret->registry.tls = REGISTRY_TLS_ANY;
	return 0;
}

/* The id: podman prints the digest of the document. */
static int print_id(struct cli *c, const struct manifest_list *l, struct err *e)
{
	char digest[DIGEST_LEN + 1];
	int r = list_digest(l, digest, e);

	if (r == 0)
		out_printf(&c->out, "%s\n", digest_hex(digest));
	return r;
}

static int create_run(struct cli *c, void *opts, struct err *e)
{
	struct manifest_flags *f = opts;
	scoped(home) h = {.fd = -1};
	struct manifest_member_opts o;
	struct manifest_list l;
	int r = read_flags(c, f, &o, e);
	const struct pairs annotations = o.annotations;

	o.annotations = (struct pairs){0}; /* they are the list's */
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = manifest_create(&h, c->args[0], c->args + 1, c->nargs - 1, f->amend,
				    &annotations, &o, &c->arena, &l, e);
	if (r < 0 || c->called != CALLED_DOCKER)
		return r < 0 ? r : print_id(c, &l, e);
	out_printf(&c->out, "Created manifest list %s\n", l.name);
	return 0;
}

const struct command cmd_manifest_create = {
	.name = "manifest create",
	.group = "Images",
	.args = "LIST [IMAGE...]",
	.summary = "Make a manifest list",
	.description = "Makes a list, empty or of these images (hoy manifest add says what they "
		       "may be), and "
		       "prints its id. A name without a registry gets localhost/, one without a "
		       "tag :latest.",
	.examples = "hoy manifest create tools\n"
		    "hoy manifest create --all app quay.io/team/app:1",
	.opts = create_rows,
	.opts_size = sizeof(struct manifest_flags),
	.run = create_run,
	.complete_rest = COMPLETE_IMAGE,
};

static int add_run(struct cli *c, void *opts, struct err *e)
{
	struct manifest_flags *f = opts;
	scoped(home) h = {.fd = -1};
	struct manifest_member_opts o;
	struct manifest_list l;

	if (f->remote) /* --artifact */
		strs_add(&c->arena, &f->refused, "artifact");
	int r = read_flags(c, f, &o, e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = manifest_add(&h, c->args[0], c->args + 1, c->nargs - 1, &o, &c->arena, &l, e);
	return r < 0 ? r : print_id(c, &l, e);
}

const struct command cmd_manifest_add = {
	.name = "manifest add",
	.group = "Images",
	.args = "LIST IMAGE...",
	.summary = "Add images to a manifest list",
	.description =
		"Adds what the names mean: the image here, else what a registry has (docker:// in "
		"front: only that). Of an image for several platforms it is the one that --os, "
		"--arch "
		"and --variant say, this machine's by default, or all with --all. Nothing is "
		"pulled: "
		"only documents are read.\n\n"
		"The platform is the one that the image's config says; --arch and the others set "
		"another. A member with the same digest is replaced.",
	.examples = "hoy manifest create app\nhoy manifest add app busybox\n"
		    "hoy manifest add --arch arm64 --variant v8 app alpine\n"
		    "hoy manifest add --all app quay.io/team/app:1",
	.opts = add_rows,
	.opts_size = sizeof(struct manifest_flags),
	.run = add_run,
	.complete_rest = COMPLETE_IMAGE,
};

static int annotate_run(struct cli *c, void *opts, struct err *e)
{
	struct manifest_flags *f = opts;
	scoped(home) h = {.fd = -1};
	struct manifest_member_opts o;
	struct manifest_list l;

	if (f->index == (c->nargs > 1)) {
		err_fail(e, ERR_USAGE,
			 f->index ? "--index means the list itself, and no member"
				  : "no member is given");
		return err_hint(e, "hoy manifest annotate LIST IMAGE, or --index LIST");
	}
	int r = read_flags(c, f, &o, e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = manifest_annotate(&h, c->args[0], c->args[1], &o, &c->arena, &l, e);
	return r < 0 || c->called == CALLED_DOCKER ? r : print_id(c, &l, e);
}

const struct command cmd_manifest_annotate = {
	.name = "manifest annotate",
	.group = "Images",
	.args = "LIST [IMAGE]",
	.summary = "Change what a manifest list says of a member",
	.description = "Sets the platform, or annotations, of a member, which is named by its "
		       "digest or by "
		       "the name or id of the image; with --index annotations of the list. "
		       "Docker's form of "
		       "lists has no annotations: a list that has any is pushed in OCI's.",
	.examples = "hoy manifest annotate --arch arm64 --variant v8 app busybox\n"
		    "hoy manifest annotate --index --annotation version=1 app",
	.opts = annotate_rows,
	.opts_size = sizeof(struct manifest_flags),
	.run = annotate_run,
	.complete_rest = COMPLETE_IMAGE,
};

static int inspect_run(struct cli *c, void *opts, struct err *e)
{
	struct manifest_flags *f = opts;
	scoped(home) h = {.fd = -1};
	scoped(str) text = {0};
	struct manifest_member_opts o;
	struct json *doc;
	int r = read_flags(c, f, &o, e);

	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = manifest_inspect(&h, c->args[0], &o, f->remote || f->verbose, f->verbose,
				     &c->arena, &doc, e);
	if (r < 0)
		return r;
	json_write(&text, doc, 4);
	out_printf(&c->out, "%s\n", str_cstr(&text));
	return 0;
}

const struct command cmd_manifest_inspect = {
	.name = "manifest inspect",
	.group = "Images",
	.args = "LIST",
	.summary = "Show a manifest list",
	.description =
		"Prints the index of a list that is made here, as it would be pushed. For any "
		"other "
		"name the registry is asked, and what it has is printed: an index or a manifest.",
	.examples = "hoy manifest inspect app\n"
		    "hoy manifest inspect docker.io/library/alpine:latest",
	.opts = inspect_rows,
	.opts_size = sizeof(struct manifest_flags),
	.run = inspect_run,
	.complete = COMPLETE_IMAGE,
};

static int exists_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	struct manifest_list l;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = manifest_find(&h, c->args[0], c->called == CALLED_DOCKER, &c->arena, &l, e);
	return r < 0 && e->id == ERR_LIST_UNKNOWN ? 1 : r;
}

const struct command cmd_manifest_exists = {
	.name = "manifest exists",
	.group = "Images",
	.args = "LIST",
	.summary = "Ask whether a manifest list is here",
	.description = "Prints nothing; the exit code is the answer.",
	.examples = "hoy manifest exists app || hoy manifest create app",
	.exits = "0 the list exists\n1 it does not",
	.run = exists_run,
};

static int ls_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	scoped(strv) names = {0};
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = lists_names(&h, &names, e);
	for (size_t i = 0; i < names.n; i++)
		out_printf(&c->out, "%s\n", names.v[i]);
	return r;
}

const struct command cmd_manifest_ls = {
	.name = "manifest ls",
	.aliases = "manifest list",
	.group = "Images",
	.args = "",
	.summary = "List the manifest lists that are made here",
	.description = "Prints their full names.",
	.examples = "hoy manifest ls",
	.run = ls_run,
};

static int remove_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	struct manifest_list l;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = manifest_remove(&h, c->args[0], c->args + 1, c->nargs - 1,
				    c->called == CALLED_DOCKER, &c->arena, &l, e);
	return r < 0 ? r : print_id(c, &l, e);
}

const struct command cmd_manifest_remove = {
	.name = "manifest remove",
	.group = "Images",
	.args = "LIST DIGEST...",
	.summary = "Take members out of a manifest list",
	.description = "Members are named by their digests, or by the name or id of the image. "
		       "Images stay.",
	.examples = "hoy manifest remove app busybox",
	.run = remove_run,
};

static int rm_run(struct cli *c, void *opts, struct err *e)
{
	const struct manifest_flags *f = opts;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	for (size_t i = 0; i < c->nargs && r == 0; i++) {
		struct err one = {0};
		const char *name;
		int k = manifest_rm(&h, c->args[i], c->called == CALLED_DOCKER, &c->arena, &name,
				    &one);
		if (k == 0) {
			out_printf(&c->out, "Untagged: %s\n", name);
		} else if (one.id != ERR_LIST_UNKNOWN || !f->ignore) {
			one.exit = one.id == ERR_LIST_UNKNOWN ? 1 : one.exit;
			cli_report(c, &one);
		}
	}
	return r;
}

const struct command cmd_manifest_rm = {
	.name = "manifest rm",
	.group = "Images",
	.args = "LIST...",
	.summary = "Remove manifest lists",
	.description =
		"Removes lists from this store. Their images stay, and so does what was pushed.",
	.examples = "hoy manifest rm app",
	.exits = "1 a list does not exist",
	.opts = rm_rows,
	.opts_size = sizeof(struct manifest_flags),
	.run = rm_run,
};
