#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/wait.h"
#include "monitor/client.h"
#include "monitor/proto.h"
#include "state/health.h"

static const struct {
	const char *word;
	unsigned what;
} words[] = {
	{"created", WAIT_CREATED},   {"configured", WAIT_CREATED},    {"initialized", WAIT_CREATED},
	{"running", WAIT_RUNNING},   {"restarting", WAIT_RESTARTING}, {"paused", WAIT_PAUSED},
	{"stopping", WAIT_ENDED},    {"stopped", WAIT_ENDED},	      {"exited", WAIT_ENDED},
	{"not-running", WAIT_ENDED}, {"next-exit", WAIT_NEXT_EXIT},   {"removing", WAIT_REMOVED},
	{"removed", WAIT_REMOVED},   {"healthy", WAIT_HEALTHY},	      {"unhealthy", WAIT_UNHEALTHY},
	{"unknown", WAIT_LOST},
};

int wait_parse(const char *text, unsigned *ret, struct err *e)
{
	scoped(strv) v = {0};

	strv_split(&v, text, ',');
	for (size_t i = 0; i < v.n; i++) {
		size_t k = 0;
		while (k < countof(words) && strcmp(words[k].word, v.v[i]) != 0)
			k++;
		if (k == countof(words)) {
			err_fail(e, ERR_USAGE, "\"%.40s\" is not a condition to wait for", v.v[i]);
			return err_hint(e, "created, running, restarting, paused, exited, healthy, "
					   "unhealthy, removed, next-exit");
		}
		*ret |= words[k].what;
	}
	return 0;
}

struct waiting {
	const struct home *h;
	struct container *c;
	unsigned wanted;
	int64_t interval;
	int watch, sup, sock; /* inotify, pidfd, connection; -1 */
	int64_t sup_pid;
	bool ended;    /* a run has, since we look */
	bool has_code; /* and its code was told */
	int code;
};

static unsigned health_now(const struct waiting *w)
{
	scoped(arena) a = {0};
	struct health_report r;

	if (!(w->wanted & (WAIT_HEALTHY | WAIT_UNHEALTHY)))
		return 0;
	health_read(w->c->dir, HEALTH_FILE, &r, &a);
	return !strcmp(r.status, "healthy")	? WAIT_HEALTHY
	       : !strcmp(r.status, "unhealthy") ? WAIT_UNHEALTHY
						: 0;
}

static unsigned conditions_of(const struct waiting *w, int r)
{
	const char *status = container_status_name(w->c->status);
	unsigned ended = w->ended ? WAIT_ENDED | WAIT_NEXT_EXIT : 0;

	if (r == -ENOENT) /* what is gone does not run either */
		return ended | WAIT_REMOVED | WAIT_ENDED | WAIT_NEXT_EXIT;
	if (!strcmp(status, "running") && w->c->state.paused)
		return ended | WAIT_PAUSED;
	if (!strcmp(status, "running"))
		return ended | WAIT_RUNNING | health_now(w);
	for (size_t i = 0; i < countof(words); i++)
		if (!strcmp(words[i].word, status))
			return ended | words[i].what;
	return ended | (w->c->status == CONTAINER_LOST ? WAIT_LOST : 0);
}

/* Its supervisor of now, and a connection on which the exit code comes. */
static void look_at_supervisor(struct waiting *w)
{
	struct err ignored;

	if (!container_is_up(w->c->status) || w->c->state.sup == w->sup_pid)
		return;
	fd_close(&w->sup);
	fd_close(&w->sock);
	w->sup_pid = w->c->state.sup;
	w->sup = proc_open((pid_t)w->c->state.sup, (uint64_t)w->c->state.sup_start);
	w->sock = client_connect(w->c->dir, 0, NULL, &ignored);
	if (w->sup < 0)
		w->sup = -1;
	if (w->sock < 0)
		w->sock = -1;
}

static void take_frame(struct waiting *w)
{
	char msg[1 + PROTO_CHUNK];
	int32_t code;
	ssize_t n = fd_recv_msg(w->sock, msg, sizeof msg, NULL, NULL);

	if (n <= 0) {
		fd_close(&w->sock);
	} else if (msg[0] == FRAME_EXIT && n >= 1 + (ssize_t)sizeof code) {
		memcpy(&code, msg + 1, sizeof code);
		w->ended = w->has_code = true;
		w->code = code;
		fd_close(&w->sock);
		w->sup_pid = 0; /* one that waits to start again is asked anew */
	}
}

static void await_news(struct waiting *w)
{
	struct pollfd p[] = {{.fd = w->watch, .events = POLLIN},
			     {.fd = w->sup, .events = POLLIN},
			     {.fd = w->sock, .events = POLLIN}};
	char buf[4096];

	if (poll(p, countof(p), w->watch < 0 ? (int)w->interval : -1) <= 0)
		return;
	if (p[2].revents)
		take_frame(w);
	if (p[0].revents)
		(void)!read(w->watch, buf, sizeof buf);
	if (p[1].revents) {
		w->ended = true;
		fd_close(&w->sup);
	}
}

static void start_watch(struct waiting *w)
{
	char path[40];

	w->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof path, "/proc/self/fd/%d", w->c->dir);
	if (w->watch >= 0 && inotify_add_watch(w->watch, path,
					       IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF |
						       IN_CREATE | IN_DELETE | IN_CLOSE_WRITE) < 0)
		fd_close(&w->watch);
}

static int check_health(struct container *c, unsigned wanted, struct err *e)
{
	if (!(wanted & (WAIT_HEALTHY | WAIT_UNHEALTHY)))
		return 0;
	int r = container_load_config(c, e);
	if (r < 0 || c->config.health.test.n)
		return r;
	err_fail(e, ERR_HEALTH_NONE, "container %s has no health check to wait for", c->state.name);
	return err_hint(e, "make it with --health-cmd, or wait for another condition");
}

int container_wait_for(const struct home *h, struct container *c, unsigned wanted,
		       int64_t interval_ms, int *ret_code, struct err *e)
{
	const unsigned end = WAIT_ENDED | WAIT_NEXT_EXIT | WAIT_REMOVED;
	struct waiting w = {
		.h = h, .c = c, .wanted = wanted, .interval = interval_ms, .sup = -1, .sock = -1};
	int r = check_health(c, wanted, e);
	unsigned met;

	if (r < 0)
		return r;
	start_watch(&w);
	for (;;) {
		r = container_refresh(h, c, e);
		if (r < 0 && r != -ENOENT)
			break;
		met = conditions_of(&w, r) & wanted;
		if (r == 0 && !w.has_code && !container_is_up(c->status))
			w.code = (int)c->state.exit_code;
		if (c->status == CONTAINER_LOST)
			w.code = 128 + SIGKILL;
		/* What is removed is out of sight before its code is told. */
		while (met & end && w.sock >= 0 && !w.has_code)
			take_frame(&w);
		if (met)
			break;
		if (r == -ENOENT) {
			r = err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT,
					  "container %s was removed", c->state.name);
			break;
		}
		look_at_supervisor(&w);
		await_news(&w);
		r = 0;
	}
	fd_close(&w.watch);
	fd_close(&w.sup);
	fd_close(&w.sock);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!met)
		return r;
	*ret_code = met & end ? w.code : -1;
	return 0;
}
