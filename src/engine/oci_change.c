#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

#include "base/base.h"
#include "engine/oci_change.h"
#include "engine/oci_parts.h"
#include "sys/cgroup.h"

int oci_pause(const struct oci_container *c, struct err *e)
{
	enum oci_status s = oci_status(c);

	if (s == OCI_PAUSED)
		return err_fail(e, ERR_OCI_STATE, "container already paused: %s", c->state.id);
	return s == OCI_CREATED || s == OCI_RUNNING ? oci_cgroups_freeze(&c->state.cgroups, true, e)
						    : oci_not_running(c, e);
}

int oci_resume(const struct oci_container *c, struct err *e)
{
	return oci_status(c) == OCI_PAUSED
		       ? oci_cgroups_freeze(&c->state.cgroups, false, e)
		       : err_fail(e, ERR_OCI_STATE, "container not paused: %s", c->state.id);
}

int oci_update(const struct oci_container *c, const struct oci_resources *r, struct err *e)
{
	enum oci_status s = oci_status(c);

	return s == OCI_STOPPED || s == OCI_CREATING ? oci_not_running(c, e)
						     : oci_cgroups_update(&c->state.cgroups, r, e);
}

int oci_update_text(const struct oci_container *c, const char *text, size_t len, const char *what,
		    struct err *e)
{
	scoped(arena) a = {0};
	struct oci_resources r = {0};
	struct json *j = json_parse(&a, text, len, what, NULL, e);

	if (!j)
		return -EINVAL;
	int n = bind_read(oci_resources_fields, &r, j, what, &a, e);
	if (n == 0)
		n = oci_resources_check(&r, j, what, e);
	return n < 0 ? n : oci_update(c, &r, e);
}

static struct json *event(const struct oci_container *c, const char *type, struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ);

	json_set_str(a, j, "type", type);
	json_set_str(a, j, "id", c->state.id);
	return j;
}

struct json *oci_stats_event(const struct oci_container *c, struct arena *a)
{
	struct json *j = event(c, "stats", a);

	json_set(a, j, "data", oci_cgroups_stats(&c->state.cgroups, a));
	return j;
}

/* ---- watching */

struct watching {
	const struct oci_container *c;
	int dir; /* of the controller memory; -1: none */
	int oom; /* readable when memory ran out, or may have; -1: nothing tells */
	uint64_t kills;
	bool v2;
};

static uint64_t kills(const struct watching *w)
{
	uint64_t n;

	return cgroup_number(w->dir, "memory.events", "oom_kill", &n) == 0 ? n : 0;
}

/* Version 1 signals an eventfd that is written to a file together with the one to watch; version 2 changes a file. */
static int watch_memory(struct watching *w)
{
	const char *path = oci_cgroups_dir(&w->c->state.cgroups, "memory");

	w->v2 = oci_cgroups_v2(&w->c->state.cgroups);
	w->dir = path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (w->dir < 0)
		return 0;
	if (w->v2) {
		autofree char *file = xasprintf("%s/memory.events", path);
		w->kills = kills(w);
		w->oom = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		return w->oom < 0 || inotify_add_watch(w->oom, file, IN_MODIFY) < 0 ? -errno : 0;
	}
	autoclose int control = openat(w->dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char text[40];
	w->oom = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control < 0 || w->oom < 0)
		return -errno;
	snprintf(text, sizeof text, "%d %d", w->oom, control);
	return cgroup_write(w->dir, "cgroup.event_control", text);
}

static bool ran_out(struct watching *w)
{
	char buf[4096];
	bool any = false;

	while (read(w->oom, buf, sizeof buf) > 0)
		any = true;
	if (!w->v2) /* the end of the cgroup signals it as well */
		return any && faccessat(w->dir, "memory.oom_control", F_OK, 0) == 0;
	uint64_t now = kills(w);
	bool more = now > w->kills;
	w->kills = now;
	return more;
}

static int tell_all(struct watching *w, struct pollfd *p, oci_tell *tell, void *ctx, struct err *e)
{
	scoped(arena) a = {0};
	uint64_t ticks;
	int r = 0;

	if (p[1].revents && ran_out(w))
		r = tell(ctx, event(w->c, "oom", &a), e);
	if (!r && p[2].revents && read(p[2].fd, &ticks, sizeof ticks) > 0)
		r = tell(ctx, oci_stats_event(w->c, &a), e);
	return r;
}

int oci_watch(const struct oci_container *c, int64_t ns, oci_tell *tell, void *ctx, struct err *e)
{
	struct watching w = {.c = c, .dir = -1, .oom = -1};
	struct timespec every = {ns / 1000000000, ns % 1000000000};
	const struct itimerspec t = {every, every};
	int r = watch_memory(&w);

	autoclose int pidfd = r < 0 ? -1 : oci_pidfd(c, e);
	autoclose int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (r < 0)
		err_set(e, r, "watch the container's memory");
	else if (pidfd < 0)
		r = pidfd;
	else if (timer < 0 || timerfd_settime(timer, 0, &t, NULL) < 0)
		r = err_set(e, errno, "set a timer");
	struct pollfd p[] = {{pidfd, POLLIN, 0}, {w.oom, POLLIN, 0}, {timer, POLLIN, 0}};
	while (r == 0 && !p[0].revents) {
		if (poll(p, countof(p), -1) < 0 && errno != EINTR)
			r = err_set(e, errno, "poll");
		if (r == 0)
			r = tell_all(&w, p, tell, ctx, e);
	}
	fd_close(&w.oom);
	fd_close(&w.dir);
	return r;
}
