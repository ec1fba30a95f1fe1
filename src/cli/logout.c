#include "base/base.h"
#include "cli/login_name.h"
#include "registry/auth_store.h"

struct logout_opts {
	const char *authfile, *compat;
	bool all;
};

#define TO(kind, field) OPT_TO(kind, struct logout_opts, field)
static const struct opt logout_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Remove the credentials of all registries"},
	{"authfile", 0, TO(OPT_STR, authfile), "FILE", "Remove them from this file only",
	 COMPLETE_FILE},
	{"compat-auth-file", 0, TO(OPT_STR, compat), "FILE",
	 "Remove them from this file only, which is in docker's form", COMPLETE_FILE},
	{0},
};
#undef TO

static int not_logged_in(struct cli *c, const char *name, struct err *e)
{
	if (c->called == CALLED_DOCKER || !name) {
		out_printf(&c->out, "Not logged in%s%s\n", name ? " to " : "", name ? name : "");
		return 0;
	}
	err_fail(e, ERR_NOT_LOGGED_IN, "not logged into %s", name);
	return err_hint(e, "`hoy login --get-login %s` says who is", name);
}

static int logout_run(struct cli *c, void *opts, struct err *e)
{
	struct logout_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	struct auth_where where = {o->authfile, o->compat, docker};
	struct strs from = {0};
	const char *name = NULL;
	int r = 0;

	if (o->all && c->nargs) {
		err_fail(e, ERR_USAGE, "--all and a registry exclude each other");
		return err_hint(e, "leave one of them out");
	}
	if (!o->all)
		r = login_name(c, c->nargs ? c->args[0] : "docker.io", docker, &name, e);
	if (r == 0)
		r = auth_erase(&c->arena, &where, name, &from, e);
	for (size_t i = 0; i < from.n; i++)
		cli_note(c, "removed from %s", from.v[i]);
	if (r < 0 || !from.n)
		return r < 0 ? r : not_logged_in(c, name, e);
	if (!name)
		out_text(&c->out, "Removed login credentials for all registries\n");
	else if (docker)
		out_printf(&c->out, "Removing login credentials for %s\n",
			   !strcmp(name, "docker.io") ? AUTH_HUB_URL : name);
	else
		out_printf(&c->out, "Removed login credentials for %s\n", name);
	return 0;
}

const struct command cmd_logout = {
	.name = "logout",
	.group = "Images",
	.args = "[REGISTRY]",
	.summary = "Remove the password for a registry",
	.description =
		"Removes the credentials of a registry (docker.io if none is named) from all "
		"places "
		"where hoy looks for them, those of docker included, and from the credential "
		"helpers "
		"that are named there; --authfile, $REGISTRY_AUTH_FILE and --compat-auth-file name "
		"the only place. "
		"--all empties podman's files and their helpers, but not docker's own.",
	.examples = "hoy logout quay.io\nhoy logout --all",
	.opts = logout_rows,
	.opts_size = sizeof(struct logout_opts),
	.run = logout_run,
};
