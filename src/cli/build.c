#include "base/base.h"
#include "build/run.h"
#include "cli/build_opts.h"
#include "store/cache_prune.h"

static void begins(void *arg, const char *name)
{
	struct build_progress *p = arg;

	build_progress_note(p, arena_printf(&p->arena, "Pulling %s", name));
}

static void warn(void *arg, const char *text)
{
	const struct build_event ev = {.kind = BUILD_WARNING, .step = -1, .text = text};

	build_progress_event(arg, &ev);
}

/* An image that is only made to be written into an archive goes again, if it was not here. */
static int look_before(struct cli *c, const struct home *h, struct build_flags *f, struct err *e)
{
	const struct output_want *w = f->wants.v;
	scoped(image_list) l = {0};

	for (size_t i = 0; i < f->wants.n; i++)
		if (output_keeps_image(&w[i]))
			return 0;
	int r = f->b.wants_image ? images_list(h, &l, e) : 0;
	for (size_t i = 0; i < l.n; i++)
		strs_add(&c->arena, &f->before, l.v[i].id);
	return r;
}

static int open_log(const struct build_flags *f, struct build_progress *p, struct err *e)
{
	if (!f->logfile)
		return 0;
	p->out = p->err =
		open(f->logfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	return p->out < 0 ? err_set(e, errno, "write %s", f->logfile) : 0;
}

static void print_warnings(struct cli *c, const struct build_flags *f,
			   const struct build_result *res)
{
	if (f->b.check_only) {
		for (size_t i = 0; i < res->warnings.n; i++) {
			out_escaped(&c->out, res->warnings.v[i]);
			out_text(&c->out, "\n");
		}
		if (!res->warnings.n)
			out_text(&c->out, "Nothing found.\n");
		return;
	}
	for (size_t i = 0; i < res->warnings.n && f->shape != BUILD_SHOW_NOTHING; i++)
		cli_warn(c, "%s", res->warnings.v[i]);
}

/* The state before a step that failed is an image, which is why it is told how to look at it. */
static void say_how_to_look(struct cli *c, const struct build_progress *p)
{
	if (p->failed)
		cli_note(c, "the state before it: hoy run --rm -it %.12s", digest_hex(p->failed));
}

static int run_it(struct cli *c, const struct home *h, struct build_flags *f,
		  struct build_progress *p, struct err *e)
{
	struct build_result res = {0};
	const struct build_cache_limits limits = {f->cache_size, f->cache_age / 1000000000};

	int r = look_before(c, h, f, e);
	if (r == 0 && !f->b.check_only)
		r = build_caches_in(c, h, f, p, e);
	if (r == 0)
		r = build_run(h, &f->b, &res, e);
	if (r == 0 && !f->b.check_only && !f->b.dry)
		r = build_finish(c, h, f, &res, p, e);
	else
		build_progress_end(p, false);
	if (r >= 0 || f->b.check_only)
		print_warnings(c, f, &res);
	if (r == 0 && f->b.check_only && res.warnings.n)
		r = 1;
	if (r < 0)
		say_how_to_look(c, p);
	if (!f->b.dry && !f->b.check_only)
		build_cache_trim(h, &limits);
	build_result_free(&res);
	return r;
}

static int build_it(struct cli *c, void *opts, struct err *e)
{
	struct build_flags *f = opts;
	scoped(home) h = {.fd = -1};
	struct build_progress p;
	int r = build_read_flags(c, f, e);

	if (r < 0)
		return r;
	if (f->b.dry && f->shape == BUILD_SHOW_SCREEN)
		f->shape = BUILD_SHOW_STEPS;
	build_progress_init(&p, c, f->shape);
	f->b.tell = build_progress_event;
	f->b.arg = &p;
	f->b.pull.begins = begins;
	f->b.pull.warn = warn;
	f->b.pull.arg = &p;
	r = open_log(f, &p, e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = run_it(c, &h, f, &p, e);
	if (f->logfile && p.out >= 0)
		close(p.out);
	build_progress_free(&p);
	return r;
}

const struct command cmd_build = {
	.name = "build",
	.aliases = "image build,buildx build,buildx b,builder build",
	.group = "Images",
	.args = "[CONTEXT]",
	.summary = "Make an image from a Dockerfile",
	.description =
		"Makes an image by the instructions of a Dockerfile. CONTEXT, whose files COPY and "
		"ADD "
		"take, is a directory (default: this one), a tar archive, a URL or a git "
		"repository "
		"(https://HOST/REPO.git#REF:DIRECTORY), or - for an archive or a Dockerfile on "
		"standard "
		"input.\n\n"
		"Steps that were made before, from the same contents, are taken from the build "
		"cache; "
		"stages that do not need one another are built at once, and stages that nothing "
		"needs "
		"are not built. What a step prints is shown; one that fails shows where it stands "
		"in "
		"the Dockerfile and how to look at the state before it. --dry-run says what would "
		"be "
		"done, and for each step that is not cached which of its inputs has changed.\n\n"
		"Images are reproducible: hoy adds nothing that depends on the time, the machine "
		"or the "
		"user. The time of new files is that of the base image, unless "
		"--source-date-epoch, "
		"$SOURCE_DATE_EPOCH or --timestamp says another.\n\n"
		"On a terminal the steps at work are redrawn in place; elsewhere there are lines: "
		"podman's (\"STEP 1/5: FROM busybox\" on standard output, the image's ID last), or "
		"docker's under that name. --progress chooses, and so does $BUILDKIT_PROGRESS.\n\n"
		"-o DIR writes the files of the image to a directory instead of making an image, "
		"-o - a "
		"tar of them to standard output; type=oci and type=docker write archives for other "
		"programs, type=registry and --push send the image to a registry.\n\n"
		"--cache-to gives the steps of this build to another machine, through a registry "
		"or a "
		"directory, and --cache-from takes them from there. Only what comes to the same "
		"inputs "
		"is taken, so a cache may have its steps of whatever build.\n\n"
		"What scripts for other engines pass and has no meaning here is taken: --rm and "
		"--force-rm (a step leaves no container), --isolation (RUN is a container like any "
		"other), --compress and -D (layers are stored as they are, and compressed when "
		"they "
		"are pushed), --builder (there is one). Attestations (--sbom, --provenance, "
		"--attest) are "
		"refused, unless they are turned off.\n\n"
		"Secrets of --secret are seen by RUN --mount=type=secret alone. They get into no "
		"layer, "
		"history or log by hoy; what the command does with them is its matter.",
	.examples =
		"# The image app of the Dockerfile in this directory\nhoy build -t app .\n"
		"# What would be done, and why\nhoy build --dry-run .\n"
		"# One stage, with an argument\nhoy build --target test --build-arg VERSION=2 .\n"
		"# The files alone\nhoy build -o out .",
	.exits = "125 hoy itself failed, or the Dockerfile is wrong\nN the code of the command of "
		 "RUN that "
		 "failed\n1 --check has found something",
	.opts = build_rows,
	.opts_size = sizeof(struct build_flags),
	.defaults = &build_defaults,
	.complete = COMPLETE_DIR,
	.run = build_it,
};
