#include "base/base.h"
#include "base/parse.h"
#include "cli/push_opts.h"

enum { GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

#define TO(kind, field) OPT_TO(kind, struct push_flags, field)
/* Signing and encrypting: refused in words. */
#define REFUSED(name)                                                                              \
	{                                                                                          \
		name, 0, TO(OPT_STRS, refused), "X", "Refused: hoy does not sign or encrypt",      \
			.flags = OPT_HIDDEN                                                        \
	}
const struct opt push_common_rows[] = {
	PULL_ROW_AUTHFILE(struct push_flags, image.),
	PULL_ROW_CERT_DIR(struct push_flags, image.),
	{"compress", 0, OPT_BOOL, .help = "Layers are always compressed",
	 .flags = OPT_IGNORED | OPT_HIDDEN},
	{"compression-format", 0, TO(OPT_STR, compression), "FORMAT",
	 "Compress layers that are not compressed with gzip (the default) or zstd",
	 .words = "gzip zstd", .complete = COMPLETE_WORDS},
	{"compression-level", 0, TO(OPT_INT, level), "N",
	 "How hard: gzip 1 to 9 (default 6), zstd 1 to 20 (default 3)"},
	PULL_ROW_CREDS(struct push_flags, image.),
	{"digestfile", 0, TO(OPT_STR, digestfile), "FILE",
	 "Write the digest of what was pushed there", COMPLETE_FILE},
	{"force-compression", 0, TO(OPT_BOOL, force), NULL,
	 "Compress layers anew that have another compression than --compression-format"},
	{"format", 'f', TO(OPT_STR, format), "FORMAT",
	 "The manifest's form: oci or v2s2 (docker's; default: as the image has it)",
	 .words = "oci v2s2", .complete = COMPLETE_WORDS},
	{"quiet", 'q', TO(OPT_BOOL, image.quiet), NULL, "Show no progress"},
	{"remove-signatures", 0, OPT_BOOL, .help = "Images here have no signatures",
	 .flags = OPT_IGNORED | OPT_HIDDEN},
	PULL_ROW_RETRY(struct push_flags, image.),
	PULL_ROW_RETRY_DELAY(struct push_flags, image.),
	PULL_ROW_TLS_VERIFY(struct push_flags, image.),
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

static int read_compression(const struct cli *c, const struct push_flags *o, struct push_job *j,
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

static int read_format(const struct push_flags *o, struct push_job *j, struct err *e)
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

int push_read_flags(struct cli *c, struct push_flags *f, struct image_push_opts *ret, struct err *e)
{
	if (f->refused.n)
		return usage(e, "hoy does not sign or encrypt images",
			     "sign it afterwards with cosign, or copy it with skopeo");
	int r = read_compression(c, f, &ret->job, e);
	if (r == 0)
		r = read_format(f, &ret->job, e);
	if (r == 0)
		r = pull_ask_creds(c, &f->image.creds, e);
	return r < 0 ? r : pull_read_flags(c, &f->image, &ret->pulling, e);
}

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

void push_show(struct cli *c, struct pushing *s, bool quiet, struct image_push_opts *ret)
{
	s->c = c;
	progress_init(&s->p, c, quiet);
	ret->pulling.watch = progress_watch(&s->p);
	ret->pulling.begins = begins;
	ret->pulling.warn = warn;
	ret->pulling.arg = s;
}

int push_write_digest(const struct push_flags *f, const char *digest, struct err *e)
{
	if (str_is_empty(f->digestfile))
		return 0;
	int r = fd_write_file_at(AT_FDCWD, f->digestfile, digest, strlen(digest), 0644);
	return r < 0 ? err_set(e, r, "write %s", f->digestfile) : 0;
}
