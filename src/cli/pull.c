#include "base/base.h"
#include "cli/pull_opts.h"
#include "cli/skipped.h"
#include "engine/pull_many.h"

#define TO(kind, field) OPT_TO(kind, struct pull_flags, field)
static const struct opt pull_rows[] = {
	{"all-tags", 'a', TO(OPT_BOOL, all_tags), NULL, "Pull all tags of the repository"},
	PULL_ROW_ARCH(struct pull_flags, ),
	PULL_ROW_AUTHFILE(struct pull_flags, ),
	PULL_ROW_CERT_DIR(struct pull_flags, ),
	PULL_ROW_CREDS(struct pull_flags, ),
	PULL_ROW_TRUST(struct pull_flags, ),
	{"max-layer-size", 0, TO(OPT_SIZE, max_layer), "SIZE",
	 "Refuse layers that unpack to more (default 1g, or 100 times what was read)"},
	PULL_ROW_OS(struct pull_flags, ),
	{"parallel", 0, TO(OPT_UINT, parallel), "N", "Pull so many images at once (default 3)"},
	PULL_ROW_PLATFORM(struct pull_flags, ),
	{"policy", 0, TO(OPT_STR, policy), "POLICY", "When to ask the registry (default always)",
	 .words = "always missing newer never", .complete = COMPLETE_WORDS},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print the result and no progress"},
	PULL_ROW_RETRY(struct pull_flags, ),
	PULL_ROW_RETRY_DELAY(struct pull_flags, ),
	PULL_ROW_TLS_VERIFY(struct pull_flags, ),
	PULL_ROW_VARIANT(struct pull_flags, ),
	{0},
};
#undef TO

static const struct pull_flags pull_defaults = {.policy = "always", .parallel = 3};

/* Docker's lines. Those about single layers are progress. */
static void print_docker(struct cli *c, const struct pull_flags *f, const struct image_pulled *p)
{
	const char *shown = ref_familiar(&c->arena, p->name);

	if (!f->quiet && p->asked) {
		out_printf(&c->out, "Digest: %s\n", p->done.top);
		out_printf(&c->out, "Status: %s for %s\n",
			   p->done.changed ? "Downloaded newer image" : "Image is up to date",
			   shown);
	}
	out_printf(&c->out, "%s\n", p->name);
}

/* What docker says before it begins. */
static int announce_docker(struct cli *c, const char *text, struct err *e)
{
	struct reference r;
	int k = ref_parse(&c->arena, text, &r, e);

	if (k < 0)
		return k;
	r = ref_complete(&c->arena, &r, "docker.io");
	if (!r.tag && !r.digest)
		out_text(&c->out, "Using default tag: latest\n");
	out_printf(&c->out, "%s: Pulling from %s\n",
		   r.digest ? ref_text(&c->arena, &r)
		   : r.tag  ? r.tag
			    : "latest",
		   r.repository);
	return out_flush(&c->out, e);
}

static int pull_one(struct cli *c, const struct home *h, const struct pull_flags *f,
		    const char *text, struct err *e)
{
	struct image_pulled done;
	struct pull_flags flags = *f;
	bool docker = flags.bars_only = c->called == CALLED_DOCKER;
	int r = docker && !f->quiet ? announce_docker(c, text, e) : 0;

	if (r == 0)
		r = pull_with_flags(c, h, text, &flags, &done, e);
	if (r < 0)
		return r;
	if (docker)
		print_docker(c, f, &done);
	else
		out_printf(&c->out, "%s\n", digest_hex(done.done.id));
	if (!f->quiet && done.done.changed)
		skipped_note(c, h, done.done.id);
	return out_flush(&c->out, e);
}

/* The names to pull: what was typed, or all tags of each. */
static int collect(struct cli *c, const struct home *h, const struct pull_flags *f,
		   struct strs *ret, struct err *e)
{
	struct image_pull_opts o = {.docker = c->called == CALLED_DOCKER, .conf = f->conf};
	int r = pull_read_flags(c, f, &o, e);

	for (size_t i = 0; i < c->nargs && r == 0; i++) {
		struct err one = {.exit = EXIT_ENGINE};
		if (!f->all_tags) {
			strs_add(&c->arena, ret, c->args[i]);
			continue;
		}
		r = image_pull_tags(h, c->args[i], &o, &c->arena, ret, &one);
		if (r < 0 && c->nargs > 1 && one.id != ERR_INTERRUPTED && one.id != ERR_USAGE)
			r = cli_report(c, &one);
		else if (r < 0)
			*e = one;
	}
	return r;
}

struct many {
	struct cli *c;
	const struct home *h;
	const struct pull_flags *f;
	struct progress p;
};

static void show_all(void *arg, const struct board *all)
{
	progress_draw(&((struct many *)arg)->p, all);
}

static void begins(void *arg, const char *name)
{
	struct many *m = arg;

	if (!m->f->bars_only)
		progress_begin(&m->p, "Pulling", name);
}

static void done(void *arg, const struct image_pulled *p, const struct err *why,
		 const char *warning, const struct board *b, int64_t ms)
{
	struct many *m = arg;

	struct err ignored = {0};

	progress_clear(&m->p);
	if (m->f->bars_only && !m->f->quiet && *p->name)
		announce_docker(m->c, p->name, &ignored);
	if (*warning)
		cli_warn(m->c, "%s", warning);
	if (why->code) {
		cli_report(m->c, why);
		return;
	}
	if (p->asked && !m->p.quiet && !(m->f->bars_only && !m->p.terminal))
		progress_one(&m->p, b, ms, p->done.changed ? "Pulled" : "Up to date:", p->name);
	if (m->f->bars_only)
		print_docker(m->c, m->f, p);
	else
		out_printf(&m->c->out, "%s\n", digest_hex(p->done.id));
	if (!m->f->quiet && p->done.changed)
		skipped_note(m->c, m->h, p->done.id);
	out_flush(&m->c->out, &ignored); /* the first failure is kept, for main */
}

static int pull_several(struct cli *c, const struct home *h, const struct pull_flags *f,
			const struct strs *names, struct err *e)
{
	struct pull_flags flags = *f;
	struct many m = {.c = c, .h = h, .f = &flags};
	struct image_pull_opts o;

	flags.bars_only = c->called == CALLED_DOCKER;
	int r = pull_make_opts(c, f, &o, e);
	if (r < 0)
		return r;
	progress_init(&m.p, c, f->quiet);
	const struct image_pull_many many = {
		.names = names,
		.parallel = f->parallel < PULL_MANY_MOST ? (unsigned)f->parallel : PULL_MANY_MOST,
		.opts = &o,
		.every = m.p.terminal ? 100 : 1000,
		.show = m.p.quiet ? NULL : show_all,
		.begins = begins,
		.done = done,
		.arg = &m,
	};
	r = image_pull_many(h, &many, e);
	progress_clear(&m.p);
	return r;
}

static int pull_run(struct cli *c, void *opts, struct err *e)
{
	struct pull_flags *f = opts;
	scoped(home) h = {.fd = -1};
	scoped(registries) conf = {0};
	struct strs names = {0};
	int r = pull_ask_creds(c, &f->creds, e);

	f->conf = &conf;
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = collect(c, &h, f, &names, e);
	if (r == 0 && !f->parallel) {
		err_fail(e, ERR_USAGE, "--parallel 0: nothing would be pulled");
		r = err_hint(e, "1 pulls one image after the other");
	}
	if (r < 0 || !names.n)
		return r;
	return names.n > 1 ? pull_several(c, &h, f, &names, e) : pull_one(c, &h, f, names.v[0], e);
}

const struct command cmd_pull = {
	.name = "pull",
	.aliases = "image pull",
	.group = "Images",
	.args = "IMAGE...",
	.summary = "Fetch images from a registry",
	.description =
		"Fetches images from registries and prints their ids. A name without a registry is "
		"the image here that has it, or else what registries.conf says: an alias, or the "
		"first "
		"of its unqualified-search-registries that has it (docker.io where it says "
		"nothing); "
		"without a tag it is :latest. NAME@sha256:DIGEST fetches exactly that. Of an image "
		"for several platforms the one for this machine is taken. --all-tags fetches "
		"everything that the registry has under a name.\n\n"
		"Several images are pulled at once, three unless --parallel says otherwise; "
		"layers that they share come once. Results are printed in the order of the names, "
		"and one that fails stops no other.\n\n"
		"Layers are fetched and unpacked at once, and everything is checked against its "
		"digest before it gets a name. What is in the store already is not fetched. "
		"A pull that was interrupted can be repeated and goes on where it stopped; what "
		"remains of it goes away after a week.\n\n"
		"Credentials are those of podman and docker: --creds, --authfile, "
		"$REGISTRY_AUTH_FILE, ~/.config/containers/auth.json and ~/.docker/config.json. A "
		"registry on loopback may "
		"speak plain HTTP; any other only with --tls-verify=false, or where "
		"registries.conf says "
		"insecure.\n\n"
		"registries.conf and its drop-in directory are read as podman reads them "
		"(containers-registries.conf(5)): mirrors, which are asked first and in their "
		"order, other "
		"locations, insecure and blocked registries. The image keeps the name that was "
		"asked for. "
		"policy.json (containers-policy.json(5)) may reject names; what it wants signed is "
		"refused, "
		"because signatures are not verified yet.",
	.examples = "hoy pull busybox\n"
		    "hoy pull -q --platform linux/arm64 docker.io/library/alpine:3.20\n"
		    "# From a registry on this machine\n"
		    "hoy pull localhost:5000/app",
	.opts = pull_rows,
	.opts_size = sizeof(struct pull_flags),
	.defaults = &pull_defaults,
	.run = pull_run,
	.complete = COMPLETE_IMAGE,
};
