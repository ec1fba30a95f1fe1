#include "base/base.h"
#include "engine/start.h"
#include "engine/stop.h"
#include "monitor/client.h"
#include "monitor/proto.h"
#include "monitor/supervise.h"
#include "runtime/launch.h"
#include "runtime/volume_plugins.h"
#include "state/restart_policy.h"
#include "state/tell.h"

/* From here on the lock is the supervisor's alone: a client may hang for ever in writing to its terminal. The lock belongs to the
 * open directory that both have, so ours is opened anew. */
static void hand_over(struct container *c)
{
	int fresh = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fd_close(&c->dir);
	c->dir = fresh;
	c->locked = false;
}

/* It waits to be started again: not any more. */
static int end_wait(const struct home *h, struct container *c, struct err *e)
{
	int r = container_keep(c, e);

	return r < 0 ? r : container_stop_waiting(h, c, e);
}

/* Nobody looks at its output, and notes of its start are for whoever starts it by itself. */
static int start_required(const struct home *h, struct container *c, struct err *e)
{
	const struct start_opts o = {0};
	int sock, r = container_load_config(c, e);

	if (r == 0)
		r = container_start(h, c, &o, &sock, e);
	if (r < 0)
		return e->id == ERR_CONTAINER_RUNNING ? 0 : r; /* somebody else was faster */
	struct client cl = {.sock = sock, .in = -1, .monitor = c->monitor};
	r = client_await_start(&cl, NULL, e);
	close(sock);
	return r;
}

static int start_all_required(const struct home *h, const struct container_config *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < c->requires.n && r == 0; i++) {
		struct container other;
		r = container_open(h, c->requires.v[i], &other, e);
		if (r == 0 && other.status != CONTAINER_RUNNING)
			r = start_required(h, &other, e);
		container_free(&other);
		if (r < 0)
			return err_context(e, "container %.12s, which is required",
					   c->requires.v[i]);
	}
	return r;
}

int container_start(const struct home *h, struct container *c, const struct start_opts *o,
		    int *ret_sock, struct err *e)
{
	bool fresh = c->locked; /* made just now: nobody else can have changed it */

	if (c->status == CONTAINER_RESTARTING && end_wait(h, c, e) < 0)
		return -e->code;
	int r = container_lock(c, c->status == CONTAINER_RUNNING ? 0 : 1000, e);

	if (!fresh && container_refresh(h, c, r < 0 ? NULL : e) <
			      0) /* what was read before the lock may be old */
		return r < 0 ? r : -e->code;
	if (c->status == CONTAINER_RUNNING && c->state.paused)
		return container_is_paused(c, e);
	if (c->status == CONTAINER_RUNNING) {
		err_fail_code(e, ERR_CONTAINER_RUNNING, EBUSY, "container %s is running already",
			      c->state.name);
		return err_hint(e, "see its output with: hoy attach %s", c->state.name);
	}
	if (r < 0)
		return r;
	r = start_all_required(h, &c->config, e);
	if (r < 0)
		return r;
	container_end_lost(h, c);
	if (!fresh && c->state.auto_remove)
		launch_forget_overlays(c->dir);
	if (!fresh && c->state.restart)
		restart_unmark_stopped(c->dir);
	c->state.restart_count = 0;
	c->config.name = c->state.name;
	struct supervise s = {
		.home = h,
		.config = &c->config,
		.state = &c->state,
		.dir = c->dir,
		.size = o->size,
		.unpublished = o->unpublished,
		.want = (uint8_t)((o->attach ? HELLO_OUTPUT : 0) | (o->input ? HELLO_INPUT : 0)),
	};
	if (o->fds)
		s.fds = *o->fds;
	if (o->inner) {
		s.inner = true;
		s.in = o->inner->in;
		s.out = o->inner->out;
		s.err = o->inner->err;
	}
	r = volume_plugins_begin(&c->config, c->dir, &c->arena, e);
	if (r < 0)
		return r;
	r = supervise_start(&s, ret_sock, e);
	if (r < 0) {
		volume_plugins_end(&c->config, c->dir);
		return r;
	}
	c->monitor = r;
	if (!o->inner)
		hand_over(c);
	return 0;
}

int container_attach(const struct home *h, struct container *c, bool input, int *ret_sock,
		     bool *ret_tty, struct err *e)
{
	if (c->status != CONTAINER_RUNNING) {
		err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH,
			      "container %s is not running (%s)", c->state.name,
			      container_status_name(c->status));
		if (c->status == CONTAINER_RESTARTING)
			return err_hint(e,
					"it is started again by itself; now with: hoy start -a "
					"%s",
					c->state.name);
		return err_hint(e, "start it: hoy start -a %s", c->state.name);
	}
	int sock = client_connect(c->dir, HELLO_OUTPUT | (input ? HELLO_INPUT : 0), ret_tty, e);
	if (sock < 0)
		return sock;
	*ret_sock = sock;
	container_tell(h, &c->state, "attach", NULL, NULL);
	return 0;
}
