#include "base/base.h"
#include "base/proc.h"
#include "engine/exec.h"
#include "engine/options.h"
#include "runtime/secrets.h"
#include "runtime/user.h"
#include "monitor/proto.h"
#include "monitor/session.h"
#include "sys/caps.h"

static int build_process(struct container *c, const struct exec_opts *o, struct config_process *ret,
			 struct err *e)
{
	const struct config_process *base = &c->config.process;

	*ret = (struct config_process){
		.args = o->args,
		.cwd = str_is_empty(o->workdir) ? base->cwd : o->workdir,
		.user = o->user ? o->user : base->user,
		.tty = o->tty,
		.interactive = o->interactive && !o->detach, /* nobody could ever give it input */
		.no_new_privs = base->no_new_privs,
		.caps_bounding = o->privileged ? (int64_t)caps_all() : base->caps_bounding,
		.caps_user = o->privileged ? 0 : base->caps_user,
	};
	if (!o->user) /* they were meant for the container's own user */
		ret->groups = base->groups;
	for (size_t i = 0; i < base->env.n; i++)
		strs_add(&c->arena, &ret->env, base->env.v[i]);
	if (o->tty && !env_get(&ret->env, "TERM"))
		env_set(&c->arena, &ret->env, "TERM", 4, "xterm");
	int r = secrets_env(c->dir, &c->config, &ret->env, &c->arena, e);
	if (r == 0)
		r = user_check(o->user, e);
	if (r == 0 && !str_is_empty(o->workdir) && o->workdir[0] != '/') {
		err_fail(e, ERR_USAGE, "the working directory \"%s\" is not an absolute path",
			 o->workdir);
		return err_hint(e, "it is a path in the container: try --workdir /%.120s",
				o->workdir);
	}
	if (r == 0)
		r = options_env(&c->arena, &o->env_files, &o->env, &ret->env, e);
	return r;
}

int container_exec(const struct home *h, struct container *c, const struct exec_opts *o,
		   int *ret_sock, struct err *e)
{
	struct config_process p;

	if (c->status != CONTAINER_RUNNING)
		return container_not_running(c, e);
	if (c->state.paused)
		return container_is_paused(c, e);
	int r = container_load_config(c, e);
	if (r == 0)
		r = build_process(c, o, &p, e);
	if (r < 0)
		return r;
	autoclose int pid1 = proc_open((pid_t)c->state.pid, (uint64_t)c->state.pid_start);
	if (pid1 < 0)
		return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH,
				     "container %s has just ended", c->state.name);
	struct config_limits limits = {0};
	r = c->state.cgroup ? limit_read(c->dir, &c->config.limits, &limits, &c->arena, e) : 0;
	if (r < 0)
		return r;
	struct session s = {
		.home = h,
		.cgroup = c->state.cgroup,
		.limited = limit_any(&limits),
		.config = &c->config,
		.process = &p,
		.form = c->state.form ? c->state.form : "sub",
		.pid1 = pid1,
		.size = o->size,
		.state = &c->state,
		.want = o->detach ? 0
				  : (uint8_t)(HELLO_OUTPUT | (o->interactive ? HELLO_INPUT : 0)),
	};
	if (o->fds)
		s.fds = *o->fds;
	r = session_start(&s, ret_sock, e);
	if (r < 0)
		return r;
	c->monitor = r;
	return 0;
}
