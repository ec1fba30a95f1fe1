#include <sys/personality.h>
#include <sys/resource.h>

#include "base/base.h"
#include "runtime/plan.h"

/* "nofile" as the specification writes it. */
static int limit_number(const char *name)
{
	char type[40] = "RLIMIT_";
	size_t n = strlen(type);

	for (const char *p = name; *p && n < sizeof type - 1; p++)
		type[n++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	type[n] = 0;
	return oci_rlimit_number(type);
}

int plan_of_config(const struct container_config *c, const struct config_process *p,
		   struct plan *ret, struct arena *a, struct err *e)
{
	const struct config_ulimit *u = c->ulimits.v;
	bool first = p == &c->process;

	*ret = (struct plan){
		.hostname = c->hostname,
		.domainname = c->domainname,
		.masked = c->security.masked,
		.readonly = c->security.readonly,
		.read_only = c->read_only,
		.args = p->args,
		.env = p->env,
		.cwd = p->cwd,
		.make_cwd = first, /* a typo in an exec must not change a container that runs */
		.tty = p->tty,
		.no_new_privs = p->no_new_privs,
		.init = c->init && !c->init_path && first,
		.die_with_us = true,
		.say_ready = true,
		.leave_streams = c->log_driver && str_starts(c->log_driver, "passthrough"),
		.umask = c->umask,
		.personality = c->personality ? PER_LINUX32 : -1,
	};
	ret->limits = arena_alloc(a, (c->ulimits.n + 1) * sizeof *ret->limits);
	for (size_t i = 0; i < c->ulimits.n; i++) {
		int number = limit_number(u[i].name);
		if (number < 0)
			return err_fail(e, ERR_USAGE, "unknown limit %s", u[i].name);
		/* -1 is RLIM_INFINITY */
		ret->limits[ret->nlimits++] = (struct plan_limit){
			u[i].name, number, (uint64_t)u[i].soft, (uint64_t)u[i].hard};
	}
	return 0;
}

void plan_of_spec(const struct oci_spec *s, const struct oci_process *p, struct plan *ret,
		  struct arena *a)
{
	const struct oci_rlimit *l = p->rlimits.v;
	const struct oci_personality *pers = s->linux_.personality;

	*ret = (struct plan){
		.hostname = str_is_empty(s->hostname) ? NULL : s->hostname,
		.domainname = str_is_empty(s->domainname) ? NULL : s->domainname,
		.masked = s->linux_.masked_paths,
		.readonly = s->linux_.readonly_paths,
		.read_only = s->root.readonly,
		.args = p->args,
		.env = p->env,
		.cwd = p->cwd,
		.make_cwd = p == s->process,
		.tty = p->terminal,
		.no_new_privs = p->no_new_privileges,
		.groups_must = p->user.ngroups > 0,
		.umask = p->user.umask >= 0 ? p->user.umask : CONFIG_UMASK,
		.personality = !pers				 ? -1
			       : strcmp(pers->domain, "LINUX32") ? PER_LINUX
								 : PER_LINUX32,
	};
	if (p->capabilities)
		ret->caps = p->capabilities->sets;
	ret->limits = arena_alloc(a, (p->rlimits.n + 1) * sizeof *ret->limits);
	for (size_t i = 0; i < p->rlimits.n; i++)
		ret->limits[ret->nlimits++] = (struct plan_limit){
			l[i].type, oci_rlimit_number(l[i].type), l[i].soft, l[i].hard};
}
