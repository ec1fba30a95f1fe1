#include "base/base.h"
#include "engine/options.h"
#include "engine/process_opts.h"
#include "engine/update.h"
#include "monitor/client.h"
#include "monitor/placing.h"
#include "state/restart_policy.h"
#include "state/tell.h"
#include "sys/cgroup.h"

/* The controllers that the new limits need and the cgroup has not got: its parent is ours and may have them. */
static int get_controllers(const char *path, int cgroup, const struct limit_list *l, struct err *e)
{
	unsigned missing = limit_controllers(l) & ~cgroup_controllers(cgroup);
	scoped(str) names = {0};

	if (!missing)
		return 0;
	autofree char *above = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	autoclose int parent = cgroup_open(above);
	if (parent >= 0 && cgroup_hand_on(parent, missing) == 0)
		return 0;
	cgroup_controllers_text(missing, &names);
	err_fail(e, ERR_CGROUP,
		 "%s cannot hold: the container's cgroup does not have the controller %s",
		 limit_flag(l, missing), str_cstr(&names));
	return err_hint(e,
			"stop the container, update it, and start it: then it gets a cgroup that "
			"has it, or says who has to hand it over");
}

static int set_now(const struct container *c, const struct limit_list *l,
		   const struct limit_list *before, struct err *e)
{
	const char *path = c->state.cgroup;
	autoclose int cgroup = path ? cgroup_open(path) : -ENOENT;

	if (cgroup < 0) {
		err_fail(e, ERR_CGROUP,
			 "container %s runs in no cgroup of its own: no limit can be set now",
			 c->state.name);
		return err_hint(e, "stop it, update it, start it: it is started in one then");
	}
	int r = get_controllers(path, cgroup, l, e);
	if (r < 0)
		return r;
	r = placing_limit(cgroup, l, before, e);
	if (r < 0)
		placing_limit(cgroup, before, l, NULL);
	return r;
}

static int update_limits(struct container *c, const struct limit_opts *o, struct err *e)
{
	struct config_limits was, now;
	struct limit_list before, after;
	int r = limit_read(c->dir, &c->config.limits, &was, &c->arena, e);

	now = was;
	if (r == 0)
		r = limit_opts_set(o, &now, &c->arena, e);
	if (r == 0 && str_eq(c->config.cgroups, "disabled") && limit_any(&now)) {
		err_fail(e, ERR_LIMIT_BAD, "container %s was made with --cgroups disabled",
			 c->state.name);
		return err_hint(e, "a limit needs a cgroup: make the container anew without that");
	}
	if (r == 0)
		r = limit_settings(&was, &c->arena, &before, e);
	if (r == 0)
		r = limit_settings(&now, &c->arena, &after, e);
	if (r == 0 && c->status == CONTAINER_RUNNING && (before.v.n || after.v.n))
		r = set_now(c, &after, &before, e);
	return r < 0 ? r : limit_write(c->dir, &now, e);
}

static bool any_limit(const struct limit_opts *o)
{
	static const struct limit_opts none;

	return memcmp(o, &none, sizeof none) != 0;
}

static bool any_health(const struct health_opts *o)
{
	static const struct health_opts none;

	return memcmp(o, &none, sizeof none) != 0;
}

static int change_env(const struct update *u, struct strs *env, struct arena *a, struct err *e)
{
	const struct process_opts unset = {.unset_env = u->unset_env};
	static const struct strs no_files;

	process_opts_unset_env(&unset, env, a);
	return options_env(a, &no_files, &u->env, env, e);
}

/* The supervisor knows the config that it has read; it reads it again. */
static void tell_supervisor(struct container *c, bool health, const char **ret_later)
{
	struct err ignored;

	if (health && c->status == CONTAINER_RUNNING &&
	    monitor_config_changed(c->dir, &ignored) < 0)
		*ret_later = "its supervisor does not answer: the check is changed from the next "
			     "start on";
}

static int update_config(struct container *c, const struct update *u, const char **ret_later,
			 struct err *e)
{
	bool health = any_health(&u->health);
	int r = 0;

	if (!health && !u->env.n && !u->unset_env.n && !u->ulimits.n)
		return 0;
	if (health)
		r = health_opts_change(&u->health, &c->config.health, &c->arena, e);
	if (r == 0)
		r = change_env(u, &c->config.process.env, &c->arena, e);
	for (size_t i = 0; i < u->ulimits.n && r == 0; i++)
		r = options_ulimit(&c->arena, u->ulimits.v[i], &c->config.ulimits, e);
	if (r == 0)
		r = config_write_changes(c->dir, &c->config, e);
	if (r == 0)
		tell_supervisor(c, health, ret_later);
	return r;
}

int container_update(const struct home *h, struct container *c, const struct update *u,
		     const char **ret_later, struct err *e)
{
	struct restart_policy p = {0};
	const char *restart = u->restart;

	*ret_later = NULL;
	int r = restart ? restart_policy_parse(restart, &p, e) : 0;

	if (r == 0)
		r = container_load_config(c, e);
	if (r == 0 && restart && p.kind != RESTART_NO && c->state.auto_remove) {
		err_fail(e, ERR_USAGE, "container %s goes away when it ends (--rm)", c->state.name);
		return err_hint(e, "one that is removed cannot be started again");
	}
	if (r == 0 && any_limit(&u->limits))
		r = update_limits(c, &u->limits, e);
	if (r == 0)
		r = update_config(c, u, ret_later, e);
	if (r == 0 && restart)
		r = restart_policy_change(c->dir, &p, e);
	if (r == 0)
		container_tell(h, &c->state, "update", NULL, NULL);
	return r;
}
