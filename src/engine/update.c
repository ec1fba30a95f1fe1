#include "base/base.h"
#include "engine/update.h"
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
		 "--%s cannot hold: the container's cgroup does not have the controller %s",
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

static bool any_given(const struct limit_opts *o)
{
	static const struct limit_opts none;

	return memcmp(o, &none, sizeof none) != 0;
}

int container_update(const struct home *h, struct container *c, const struct limit_opts *limits,
		     const char *restart, struct err *e)
{
	struct restart_policy p = {0};
	int r = restart ? restart_policy_parse(restart, &p, e) : 0;

	if (r == 0)
		r = container_load_config(c, e);
	if (r == 0 && restart && p.kind != RESTART_NO && c->state.auto_remove) {
		err_fail(e, ERR_USAGE, "container %s goes away when it ends (--rm)", c->state.name);
		return err_hint(e, "one that is removed cannot be started again");
	}
	if (r == 0 && any_given(limits))
		r = update_limits(c, limits, e);
	if (r == 0 && restart)
		r = restart_policy_change(c->dir, &p, e);
	if (r == 0)
		container_tell(h, &c->state, "update", NULL, NULL);
	return r;
}
