#include "base/base.h"
#include "base/parse.h"
#include "cli/ask.h"
#include "cli/pull_opts.h"
#include "engine/push.h"

enum { GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

struct push_opts {
	struct pull_flags image;
	const char *format, *compression, *digestfile;
	struct strs refused;
	int64_t level;
	bool all_tags, force;
};

#define TO(kind, field) OPT_TO(kind, struct push_opts, field)
/* Signing and encrypting: refused in words. */
#define REFUSED(name)                                                                              \
	{                                                                                          \
		name, 0, TO(OPT_STRS, refused), "X", "Refused: hoy does not sign or encrypt",      \
			.flags = OPT_HIDDEN                                                        \
	}
static const struct opt push_rows[] = {
	{"all-tags", 'a', TO(OPT_BOOL, all_tags), NULL, "Push all tags that the name has here"},
	PULL_ROW_AUTHFILE(struct push_opts, image.),
	PULL_ROW_CERT_DIR(struct push_opts, image.),
	{"compress", 0, OPT_BOOL, .help = "Layers are always compressed",
	 .flags = OPT_IGNORED | OPT_HIDDEN},
	{"compression-format", 0, TO(OPT_STR, compression), "FORMAT",
	 "Compress layers that are not compressed with gzip (the default) or zstd",
	 .words = "gzip zstd", .complete = COMPLETE_WORDS},
	{"compression-level", 0, TO(OPT_INT, level), "N",
	 "How hard: gzip 1 to 9 (default 6), zstd 1 to 20 (default 3)"},
	PULL_ROW_CREDS(struct push_opts, image.),
	{"digestfile", 0, TO(OPT_STR, digestfile), "FILE",
	 "Write the digest of what was pushed there", COMPLETE_FILE},
	PULL_ROW_TRUST(struct push_opts, image.),
	{"force-compression", 0, TO(OPT_BOOL, force), NULL,
	 "Compress layers anew that have another compression than --compression-format"},
	{"format", 'f', TO(OPT_STR, format), "FORMAT",
	 "The manifest's form: oci or v2s2 (docker's; default: as the image has it)",
	 .words = "oci v2s2", .complete = COMPLETE_WORDS},
	PULL_ROW_PLATFORM(struct push_opts, image.),
	{"quiet", 'q', TO(OPT_BOOL, image.quiet), NULL, "Show no progress"},
	{"remove-signatures", 0, OPT_BOOL, .help = "Images here have no signatures",
	 .flags = OPT_IGNORED | OPT_HIDDEN},
	PULL_ROW_RETRY(struct push_opts, image.),
	PULL_ROW_RETRY_DELAY(struct push_opts, image.),
	PULL_ROW_TLS_VERIFY(struct push_opts, image.),
	REFUSED("sign-by"),
	REFUSED("sign-by-sigstore"),
	REFUSED("sign-by-sigstore-private-key"),
	REFUSED("sign-by-sq-fingerprint"),
	REFUSED("sign-passphrase-file"),
	REFUSED("encrypt-layer"),
	REFUSED("encryption-key"),
	{0},
};
#undef TO

static int usage(struct err *e, const char *text, const char *hint)
{
	err_fail(e, ERR_USAGE, "%s", text);
	return err_hint(e, "%s", hint);
}

static int read_compression(const struct cli *c, const struct push_opts *o, struct push_job *j,
			    struct err *e)
{
	bool zstd = str_eq(o->compression, "zstd");

	if (!zstd && !str_is_empty(o->compression) && strcmp(o->compression, "gzip") != 0) {
		err_fail(e, ERR_USAGE, "hoy does not compress layers with \"%.40s\"",
			 o->compression);
		return err_hint(e, "--compression-format takes gzip and zstd");
	}
	j->compression = zstd ? INFLATE_ZSTD : INFLATE_GZIP;
	j->level = zstd ? ZSTD_LEVEL : GZIP_LEVEL;
	j->force = o->force;
	if (!cli_given(c, "compression-level"))
		return 0;
	if (o->level < 1 || o->level > (zstd ? 20 : 9))
		return usage(e, "--compression-level is out of range",
			     "gzip takes 1 to 9, zstd 1 to 20");
	j->level = (int)o->level;
	return 0;
}

static int read_format(const struct push_opts *o, struct push_job *j, struct err *e)
{
	const char *f = o->format;

	if (str_is_empty(f))
		j->format = PUSH_AS_IT_IS;
	else if (!strcmp(f, "oci"))
		j->format = PUSH_OCI;
	else if (!strcmp(f, "v2s2") || !strcmp(f, "docker"))
		j->format = PUSH_DOCKER;
	else
		return usage(e, "--format takes oci or v2s2",
			     "docker's older v2s1 cannot be checked, and registries refuse it");
	if (j->format == PUSH_DOCKER && j->compression == INFLATE_ZSTD)
		return usage(e, "docker's form of manifests has no zstd",
			     "take --format oci, or leave --compression-format out");
	return 0;
}

struct pushing {
	struct cli *c;
	struct progress p;
};

static void begins(void *arg, const char *name)
{
	struct pushing *s = arg;

	progress_begin(&s->p, "Pushing", name);
}

static void warn(void *arg, const char *text)
{
	struct pushing *s = arg;

	cli_warn(s->c, "%s", text);
}

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
	struct pushing s = {.c = c};
	struct image_push_opts opts = *with;
	struct image_pushed done;

	progress_init(&s.p, c, o->image.quiet);
	opts.pulling.watch = progress_watch(&s.p);
	opts.pulling.begins = begins;
	opts.pulling.warn = warn;
	opts.pulling.arg = &s;
	int r = image_push(h, text, to, &opts, &c->arena, &done, e);
	if (r < 0)
		return r;
	progress_end(&s.p, "Pushed", done.name);
	if (c->called == CALLED_DOCKER && o->image.quiet)
		out_printf(&c->out, "%s\n", done.name);
	else if (c->called == CALLED_DOCKER)
		print_docker(c, &done);
	if (!str_is_empty(o->digestfile)) {
		r = fd_write_file_at(AT_FDCWD, o->digestfile, done.done.digest,
				     strlen(done.done.digest), 0644);
		if (r < 0)
			return err_set(e, r, "write %s", o->digestfile);
	}
	return out_flush(&c->out, e);
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
	if (r == 0 && docker && !o->image.quiet)
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
	int r = 0;

	if (o->refused.n)
		return usage(e, "hoy does not sign or encrypt images",
			     "sign it afterwards with cosign, or copy it with skopeo");
	if (o->all_tags && c->nargs > 1)
		return usage(e, "--all-tags takes one name", "its tags are pushed to that name");
	r = platform_parse_flags(&c->arena, o->image.platform, NULL, NULL, NULL,
				 &with.pulling.platform, e);
	if (r == 0)
		r = read_compression(c, o, &with.job, e);
	if (r == 0)
		r = read_format(o, &with.job, e);
	if (r == 0)
		r = pull_ask_creds(c, &o->image.creds, e);
	if (r == 0)
		r = pull_read_flags(c, &o->image, &with.pulling, e);
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
		"compressed are compressed, in the same way each time. What the registry has "
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
