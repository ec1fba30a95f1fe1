#include <sys/stat.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/pause.h"
#include "state/tell.h"
#include "sys/cgroup.h"

enum { MARK_MAX = 1 << 20 };

/* The user namespace of its processes; -ESRCH: it has ended. */
static int open_userns(const struct container *c)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)c->state.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (proc_start_time((pid_t)c->state.pid) == (uint64_t)c->state.pid_start)
		return fd;
	fd_close(&fd);
	return -ESRCH;
}

static int open_cgroup(const struct container *c)
{
	return c->state.cgroup ? cgroup_open(c->state.cgroup) : -ENOENT;
}

static int explain(const struct container *c, int r, const char *what, struct err *e)
{
	if (r == -ESRCH)
		return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH,
				     "container %s has just ended", c->state.name);
	return err_set(e, r, "%s container %s", what, c->state.name);
}

/* One that could not be held goes on. */
static int freeze(int cgroup)
{
	int r = cgroup_freeze(cgroup, true);

	if (r < 0)
		cgroup_freeze(cgroup, false);
	return r;
}

static int stop_by_signals(const struct container *c)
{
	scoped(str) before = {0};
	autoclose int ns = open_userns(c);
	int r = ns < 0 ? ns : freeze_stop(ns, &before);

	if (r == 0 && before.len)
		r = fd_replace_at(c->dir, CONTAINER_PAUSED, before.s, before.len, 0600, false);
	return r;
}

int container_pause(const struct home *h, struct container *c, bool *ret_by_signals, struct err *e)
{
	if (c->status != CONTAINER_RUNNING)
		return container_not_running(c, e);
	autoclose int mark =
		openat(c->dir, CONTAINER_PAUSED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (mark < 0 && errno == EEXIST) {
		err_fail_code(e, ERR_CONTAINER_PAUSED, EBUSY, "container %s is paused already",
			      c->state.name);
		return err_hint(e, "let it go on: hoy unpause %s", c->state.name);
	}
	if (mark < 0)
		return err_set(e, errno, "note that container %s is paused", c->state.name);
	autoclose int cgroup = open_cgroup(c);
	*ret_by_signals = cgroup < 0;
	int r = cgroup >= 0 ? freeze(cgroup) : stop_by_signals(c);
	if (r == 0 && proc_start_time((pid_t)c->state.pid) != (uint64_t)c->state.pid_start)
		r = -ESRCH;
	if (r < 0) {
		unlinkat(c->dir, CONTAINER_PAUSED, 0);
		return explain(c, r, "pause", e);
	}
	container_tell(h, &c->state, "pause", NULL, NULL);
	return 0;
}

int container_unpause(const struct home *h, struct container *c, struct err *e)
{
	scoped(str) before = {0};

	if (c->status != CONTAINER_RUNNING)
		return container_not_running(c, e);
	int r = fd_read_file_at(c->dir, CONTAINER_PAUSED, &before, MARK_MAX);
	if (r == -ENOENT) {
		err_fail_code(e, ERR_CONTAINER_PAUSED, EINVAL, "container %s is not paused",
			      c->state.name);
		return err_hint(e, "hoy ps shows those that are");
	}
	if (r < 0)
		return err_set(e, r, "read whether container %s is paused", c->state.name);
	autoclose int cgroup = open_cgroup(c);
	if (cgroup >= 0) {
		r = cgroup_freeze(cgroup, false);
	} else {
		autoclose int ns = open_userns(c);
		r = ns < 0 ? ns : freeze_continue(ns, str_cstr(&before));
	}
	if (r < 0)
		return explain(c, r, "unpause", e);
	unlinkat(c->dir, CONTAINER_PAUSED, 0);
	c->state.paused = false;
	container_tell(h, &c->state, "unpause", NULL, NULL);
	return 0;
}

int container_hold(const struct container *c, struct freeze *ret, struct err *e)
{
	*ret = FREEZE_NONE;
	if (c->status != CONTAINER_RUNNING || c->state.paused)
		return 0;
	autoclose int ns = open_userns(c);
	if (ns == -ESRCH)
		return 0;
	if (ns < 0)
		return err_set(e, ns, "open the namespace of container %s", c->state.name);
	autoclose int cgroup = open_cgroup(c);
	return freeze_in(ns, cgroup < 0 ? -1 : cgroup, ret, e);
}
