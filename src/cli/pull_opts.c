#include "base/base.h"
#include "base/parse.h"
#include "cli/ask.h"
#include "cli/pull_opts.h"

enum registry_tls pull_tls(const struct cli *c, bool tls_verify)
{
	if (!cli_given(c, "tls-verify"))
		return REGISTRY_TLS_AUTO;
	return tls_verify ? REGISTRY_TLS_VERIFY : REGISTRY_TLS_ANY;
}

int pull_read_flags(const struct cli *c, const struct pull_flags *f, struct image_pull_opts *o,
		    struct err *e)
{
	o->registry = (struct registry_opts){
		.authfile = f->authfile, .creds = f->creds, .cert_dir = f->cert_dir};
	o->registry.tls = pull_tls(c, f->tls_verify);
	o->retry = f->retry > 100 ? 100 : (unsigned)f->retry;
	o->retry_delay = -1;
	if (str_is_empty(f->retry_delay))
		return 0;
	if (parse_duration(f->retry_delay, &o->retry_delay) == 0 && o->retry_delay >= 0)
		return 0;
	err_fail(e, ERR_USAGE, "--retry-delay \"%.40s\" is not a duration", f->retry_delay);
	return err_hint(e, "as in 500ms, 10s or 1m30s");
}

int pull_ask_creds(struct cli *c, const char **creds, struct err *e)
{
	const char *password;

	if (str_is_empty(*creds) || strchr(*creds, ':'))
		return 0;
	int r = ask_secret(c, arena_printf(&c->arena, "Password of %s: ", *creds), &password, e);
	if (r == 0)
		*creds = arena_printf(&c->arena, "%s:%s", *creds, password);
	return r == -ENOTTY ? 0 : r; /* who talks to the registry says what is missing then */
}

int pull_make_opts(struct cli *c, const struct pull_flags *f, struct image_pull_opts *ret,
		   struct err *e)
{
	*ret = (struct image_pull_opts){.policy = PULL_MISSING,
					.max_layer = f->max_layer,
					.conf = f->conf,
					.docker = c->called == CALLED_DOCKER};
	int r = platform_parse_flags(&c->arena, f->platform, f->os, f->arch, f->variant,
				     &ret->platform, e);

	if (r == 0)
		r = pull_read_flags(c, f, ret, e);
	return r < 0 || str_is_empty(f->policy) ? r : pull_policy_parse(f->policy, &ret->policy, e);
}

struct showing {
	struct cli *c;
	struct progress p;
	bool begun;
};

static void begins(void *arg, const char *name)
{
	struct showing *s = arg;

	s->begun = true;
	progress_begin(&s->p, "Pulling", name);
}

static void warn(void *arg, const char *text)
{
	struct showing *s = arg;

	cli_warn(s->c, "%s", text);
}

int pull_with_flags(struct cli *c, const struct home *h, const char *text,
		    const struct pull_flags *f, struct image_pulled *ret, struct err *e)
{
	struct image_pull_opts o;
	struct showing s = {.c = c};
	int r = pull_make_opts(c, f, &o, e);

	if (r < 0)
		return r;
	progress_init(&s.p, c, f->quiet);
	s.p.quiet |= f->bars_only && !s.p.terminal;
	o.watch = progress_watch(&s.p);
	o.begins = begins;
	o.warn = warn;
	o.arg = &s;
	r = image_pull(h, text, &o, ret, e);
	if (r == 0 && s.begun)
		progress_end(&s.p, ret->done.changed ? "Pulled" : "Up to date:", ret->name);
	return r;
}
