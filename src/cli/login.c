#include "base/base.h"
#include "cli/ask.h"
#include "cli/login_name.h"
#include "cli/pull_opts.h"
#include "registry/auth_store.h"
#include "registry/login.h"
#include "state/secret.h"

enum { MAX_PASSWORD = 24 << 10 };

struct login_opts {
	const char *authfile, *compat, *cert_dir, *user, *password, *secret;
	bool from_stdin, get, tls_verify, verbose;
};

#define TO(kind, field) OPT_TO(kind, struct login_opts, field)
static const struct opt login_rows[] = {
	PULL_ROW_AUTHFILE(struct login_opts, ),
	PULL_ROW_CERT_DIR(struct login_opts, ),
	{"compat-auth-file", 0, TO(OPT_STR, compat), "FILE",
	 "Store them in this file, in docker's form", COMPLETE_FILE},
	{"get-login", 0, TO(OPT_BOOL, get), NULL,
	 "Print the user that is logged in, and do nothing"},
	{"password", 'p', TO(OPT_STR, password), "PASSWORD",
	 "The password; other users of this machine may see it: --password-stdin is better"},
	{"password-stdin", 0, TO(OPT_BOOL, from_stdin), NULL,
	 "Read the password from standard input"},
	{"secret", 0, TO(OPT_STR, secret), "NAME",
	 "Take the password from this secret; its name is the user if none is given",
	 COMPLETE_SECRET},
	PULL_ROW_TLS_VERIFY(struct login_opts, ),
	{"username", 'u', TO(OPT_STR, user), "USER", "The user name at the registry"},
	{"verbose", 'v', TO(OPT_BOOL, verbose), NULL, "Print where the credentials are kept"},
	{0},
};
#undef TO

int login_name(struct cli *c, const char *text, bool docker, const char **ret, struct err *e)
{
	struct arena *a = &c->arena;
	struct reference ref;
	struct err why = {0};
	const char *s = text;

	if (str_starts(s, "https://") || str_starts(s, "http://"))
		s = strstr(s, "://") + 3;
	char *name = arena_strdup(a, s), *slash = strchr(name, '/');
	if (slash && (docker || s != text || !strcmp(slash, "/")))
		*slash = 0;
	/* in front of a name, where the grammar of names is the judge */
	if (ref_parse(a, arena_printf(a, "%s/x", name), &ref, &why) == 0 && ref.registry &&
	    !ref.tag && !ref.digest && strcmp(ref.registry, "localhost") != 0) {
		char *repository = arena_strdup(a, ref.repository), *end = strrchr(repository, '/');
		if (end && strchr(name, '/'))
			*end = 0;
		*ret = end && strchr(name, '/') ? arena_printf(a, "%s/%s", ref.registry, repository)
						: ref.registry;
		return 0;
	}
	err_fail(e, ERR_USAGE, "\"%.100s\" is no registry", text);
	return err_hint(e, "registries are named as in names of images: quay.io, localhost:5000, "
			   "registry.example.com/team");
}

static int usage(struct err *e, const char *text, const char *hint)
{
	err_fail(e, ERR_USAGE, "%s", text);
	return err_hint(e, "%s", hint);
}

/* What was read is the password, but for the ends of lines behind it. */
static void take_password(struct cli *c, struct login_opts *o, struct str *s)
{
	while (s->len && (s->s[s->len - 1] == '\n' || s->s[s->len - 1] == '\r'))
		s->len--;
	o->password = arena_strndup(&c->arena, s->len ? s->s : "", s->len);
	if (s->s)
		explicit_bzero(s->s, s->cap);
}

static int read_stdin(struct cli *c, struct login_opts *o, struct err *e)
{
	scoped(str) s = {0};
	int r = fd_read_all(0, &s, MAX_PASSWORD);

	if (r == -EFBIG)
		return err_fail(e, ERR_USAGE, "the password on standard input has no end");
	if (r < 0)
		return err_set(e, -r, "read standard input");
	take_password(c, o, &s);
	return 0;
}

static int read_secret(struct cli *c, struct login_opts *o, struct err *e)
{
	scoped(home) h = {.fd = -1};
	scoped(str) s = {0};
	struct secret found;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = secret_find(&h, o->secret, &found, &s, &c->arena, e);
	if (r < 0)
		return r;
	if (s.len > MAX_PASSWORD || (s.len && memchr(s.s, 0, s.len))) {
		explicit_bzero(s.s, s.cap);
		return usage(e,
			     arena_printf(&c->arena,
					  "the secret %s is no password: it is too long or binary",
					  found.name),
			     "nothing was sent and nothing changed");
	}
	take_password(c, o, &s);
	if (!o->user)
		o->user = found.name;
	return 0;
}

static int check(struct cli *c, struct login_opts *o, struct err *e)
{
	if (o->secret && (o->password || o->from_stdin))
		return usage(e, "--secret is the password, so no other can be given",
			     "leave out --password and --password-stdin");
	if (o->from_stdin && o->password)
		return usage(e, "--password and --password-stdin exclude each other",
			     "the second is the one that nobody else sees");
	if (o->from_stdin && !o->user)
		return usage(e, "--password-stdin needs --username",
			     "as in: hoy login -u USER --password-stdin REGISTRY < FILE");
	if (o->password)
		cli_note(c, "other users of this machine may see what --password says; "
			    "--password-stdin hides it");
	return o->secret ? read_secret(c, o, e) : o->from_stdin ? read_stdin(c, o, e) : 0;
}

static int no_terminal(const char *name, struct err *e)
{
	err_fail(e, ERR_USAGE, "nobody is at a terminal to be asked for the %s of %s",
		 "user name and password", name);
	return err_hint(e, "give --username and --password-stdin");
}

/* Asks for what was not given. old: the user of before, or NULL. */
static int complete(struct cli *c, struct login_opts *o, const char *name, const char *old,
		    struct err *e)
{
	int r = 0;
	const char *def = str_is_empty(old) ? "" : arena_printf(&c->arena, " (%s)", old);

	if (!o->user) {
		r = ask_line(c, arena_printf(&c->arena, "Username%s: ", def), &o->user, e);
		if (r == 0 && !*o->user && *def)
			o->user = old;
	}
	if (r == 0 && !o->password)
		r = ask_secret(c, "Password: ", &o->password, e);
	if (r == -ENOTTY)
		return no_terminal(name, e);
	if (r == 0 && (!*o->user || strchr(o->user, ':')))
		return usage(e, "this is no user name: it is empty or has a colon",
			     "give it with --username");
	if (r == 0 && !*o->password)
		return usage(e, "the password is empty", "nothing was sent and nothing changed");
	return r;
}

static const char *how(struct cli *c, const struct auth_place *p)
{
	return p->helper ? arena_printf(&c->arena, "docker-credential-%s", p->helper) : p->file;
}

static int store(struct cli *c, const struct login_opts *o, const char *name,
		 const struct auth_place *p, const struct credentials *cred, bool asked,
		 struct err *e)
{
	int r = auth_store(p, name, cred, e);

	if (r < 0)
		return r;
	if (o->verbose)
		out_printf(&c->out, "Used: %s\n", how(c, p));
	out_printf(&c->out, "Login Succeeded%s\n", c->called == CALLED_DOCKER ? "" : "!");
	if (!asked)
		cli_note(c, "%s asks nobody for a password, so it was not checked", name);
	if (p->helper)
		cli_note(c, "the password is kept by docker-credential-%s, as %s says", p->helper,
			 p->file);
	else
		cli_note(c, "the password is kept in %s, readable for you only, not encrypted",
			 p->file);
	return 0;
}

/* What is stored for the registry, and with nothing given whether it is good. *ret_done: that is all. */
static int try_old(struct cli *c, const struct login_opts *o, const char *name,
		   const struct registry_opts *reg, const struct auth_opts *from,
		   struct credentials *old, bool *ret_done, struct err *e)
{
	struct err why = {.exit = EXIT_ENGINE};
	const char *host = arena_strndup(&c->arena, name, strcspn(name, "/")),
		   *slash = strchr(name, '/');
	bool asked;
	/* A file that is to be made is not there yet. */
	bool new = auth_named_file(from) && access(auth_named_file(from), F_OK) < 0;
	bool all_given = o->user && o->password && !o->get;
	int r = new || all_given ? 0
				 : auth_find(&c->arena, from, host, slash ? slash + 1 : "", old, e);

	if (r < 0 || !old->user || o->get || o->user || o->password)
		return r;
	out_printf(&c->out, "Authenticating with existing credentials for %s\n", name);
	r = out_flush(&c->out, e);
	if (r == 0)
		r = registry_login(host, reg, old, &asked, &why);
	if (r == 0) {
		out_printf(&c->out, "Existing credentials are valid. Already logged in to %s\n",
			   name);
		*ret_done = true;
	} else if (why.id == ERR_LOGIN) {
		out_text(&c->out, "Existing credentials are invalid\n");
		return out_flush(&c->out, e);
	} else {
		*e = why;
	}
	return r;
}

static int print_login(struct cli *c, const char *name, const struct credentials *old,
		       struct err *e)
{
	if (old->user) {
		out_escaped(&c->out, old->user);
		out_text(&c->out, "\n");
		return 0;
	}
	err_fail(e, ERR_NOT_LOGGED_IN, "not logged into %s", name);
	return err_hint(e, "log in with: hoy login %s", name);
}

static int login_run(struct cli *c, void *opts, struct err *e)
{
	struct login_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER, done = false, asked = false;
	struct auth_where where = {o->authfile, o->compat, docker};
	struct auth_opts from = {.authfile = !str_is_empty(o->compat) ? o->compat : o->authfile};
	struct registry_opts reg = {.cert_dir = o->cert_dir};
	struct credentials old = {0};
	struct auth_place place;
	const char *name;
	int r = check(c, o, e);

	reg.tls = pull_tls(c, o->tls_verify);
	if (r == 0)
		r = login_name(c, c->nargs ? c->args[0] : "docker.io", docker, &name, e);
	if (r == 0)
		r = auth_place_find(&c->arena, &where, name, &place, e);
	if (r == 0)
		r = try_old(c, o, name, &reg, &from, &old, &done, e);
	if (r < 0 || done)
		return r;
	if (o->get)
		return print_login(c, name, &old, e);
	r = complete(c, o, name, old.user, e);
	struct credentials cred = {.user = o->user, .password = o->password, .from = "this login"};
	if (r == 0)
		r = registry_login(arena_strndup(&c->arena, name, strcspn(name, "/")), &reg, &cred,
				   &asked, e);
	return r < 0 ? r : store(c, o, name, &place, &cred, asked, e);
}

const struct command cmd_login = {
	.name = "login",
	.group = "Images",
	.args = "[REGISTRY]",
	.summary = "Store the password for a registry",
	.description =
		"Asks the registry whether it accepts the user name and password, and stores them "
		"where pull, push, podman and docker find them. Without REGISTRY it is docker.io; "
		"REGISTRY/NAMESPACE stores them for the images below it. What is not given is "
		"asked "
		"for, at a terminal only; --secret takes the password from a secret (hoy "
		"secret create).\n\n"
		"They go where this registry's are kept already; else to --authfile, "
		"$REGISTRY_AUTH_FILE, or ~/.config/containers/auth.json, which unlike podman's "
		"usual "
		"place outlives a reboot (called docker: ~/.docker/config.json). Files are only "
		"readable for you, but not encrypted. If the file names a credential helper "
		"(credHelpers, credsStore), that program gets the password, and the file does "
		"not.\n\n"
		"With nothing given and credentials there already, these are tried first.",
	.examples = "hoy login quay.io\n"
		    "# In a script\n"
		    "hoy login -u robot --password-stdin registry.example.com < token\n"
		    "hoy login --get-login quay.io",
	.opts = login_rows,
	.opts_size = sizeof(struct login_opts),
	.run = login_run,
};
