/* kill and delete. */
#include <poll.h>
#include <signal.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/proc.h"
#include "engine/oci_parts.h"
#include "runtime/hooks.h"

int oci_kill(const struct oci_container *c, int sig, bool all, struct err *e)
{
	enum oci_status st = oci_status(c);

	/* Without a pid namespace others may be left when the first process is gone. */
	if (all || (!c->state.own_pids && sig == SIGKILL)) {
		if (st == OCI_STOPPED && !all)
			return oci_not_running(c, e);
		int r = oci_cgroups_kill(&c->state.cgroups, sig, e);
		if (r < 0 || all)
			return r;
	}
	if (st == OCI_STOPPED)
		return oci_not_running(c, e);
	autoclose int pidfd = oci_pidfd(c, e);
	if (pidfd < 0)
		return pidfd;
	int r = proc_signal(pidfd, sig);
	if (r == -ESRCH)
		return oci_not_running(c, e);
	if (r < 0)
		return err_set(e, r, "signal container %s", c->state.id);
	/* One that is held still could not die. */
	if (sig == SIGKILL && st == OCI_PAUSED)
		return oci_cgroups_freeze(&c->state.cgroups, false, e);
	return 0;
}

/* Ends whatever is left of it. */
static int end(struct oci_container *c, struct err *e)
{
	struct err ignored;
	autoclose int pidfd = oci_pidfd(c, &ignored);

	if (pidfd >= 0) {
		proc_signal(pidfd, SIGKILL);
		oci_cgroups_kill(&c->state.cgroups, SIGKILL, &ignored);
		if (oci_cgroups_frozen(&c->state.cgroups))
			oci_cgroups_freeze(&c->state.cgroups, false, &ignored);
		struct pollfd p = {.fd = pidfd, .events = POLLIN};
		if (poll(&p, 1, 10000) == 0)
			return err_fail(e, ERR_OCI_STATE,
					"the container's first process does not end after SIGKILL");
	}
	return 0;
}

int oci_delete(struct oci_container *c, bool force, struct strs *warnings, struct err *e)
{
	struct err later = {0};
	enum oci_status st = oci_status(c);

	/* As runc: one that was never started can be deleted, too. */
	if (st != OCI_STOPPED && st != OCI_CREATED && !force)
		return err_fail_code(e, ERR_OCI_STATE, EBUSY,
				     "cannot delete container %s that is not stopped: %s",
				     c->state.id, oci_status_name(st));
	int r = st == OCI_STOPPED ? 0 : end(c, e);
	if (r < 0)
		return r;
	if (!c->state.own_pids)
		oci_cgroups_kill(&c->state.cgroups, SIGKILL, &later);
	r = oci_cgroups_remove(&c->state.cgroups, e);
	if (r < 0)
		return r;
	if (oci_load_spec(c, &later) == 0) {
		const struct json *state = hooks_state(&c->spec, c->state.id, c->state.bundle,
						       "stopped", 0, &c->arena);
		if (hooks_run(&c->spec.hooks.poststop, "poststop", state, c->state.bundle, &later) <
		    0)
			strs_add(&c->arena, warnings, later.msg);
	}
	/* Without this file there is no container any more, whatever happens to us next. */
	unlinkat(c->dir, "state.json", 0);
	r = path_rm_tree_at(c->root, c->state.id);
	return r < 0 ? err_set(e, r, "remove the state of container %s", c->state.id) : 0;
}
