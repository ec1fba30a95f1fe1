#include <signal.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "monitor/health.h"
#include "monitor/ids.h"
#include "runtime/launch.h"
#include "state/health.h"
#include "state/tell.h"
#include "sys/session.h"

enum { NS_PER_MS = 1000000, HEALTH_PAUSED_MS = 1000 };

/* What the checks have found so far. */
struct count {
	bool startup; /* the startup check has not succeeded yet */
	bool passed;  /* a check has */
	int64_t streak, good;
	enum { STARTING, HEALTHY, UNHEALTHY } status;
};
static const char *const statuses[] = {"starting", "healthy", "unhealthy"};

static struct {
	struct health_of of;
	struct relay *relay;
	struct config_process process, startup_process; /* made once: what a check is */
	struct count now;
	int64_t began;
	bool runs; /* the container does */
	struct timer next;
	pid_t pid; /* of the checker */
	struct watch checker;
	uint32_t asking, served; /* clients that wait for the next check, and for this one */
} hl = {.checker = {.fd = -1}};

/* ---- what follows from a result */

static enum health_action action_of(const char *text)
{
	static const char *const names[] = {"none", "kill", "stop", "restart"};

	for (size_t i = 0; i < countof(names); i++)
		if (str_eq(text, names[i]))
			return (enum health_action)i;
	return HEALTH_GO_ON;
}

static enum health_action step_startup(const struct config_health *h, struct count *c, bool ok)
{
	if (ok) {
		c->streak = 0;
		c->startup = ++c->good < (h->startup_success > 0 ? h->startup_success : 1);
		return HEALTH_GO_ON;
	}
	c->good = 0;
	c->streak++;
	return h->startup_retries && c->streak >= h->startup_retries ? HEALTH_RESTART
								     : HEALTH_GO_ON;
}

/* Checker and supervisor both count, from the same numbers to the same ones. */
static enum health_action step(const struct config_health *h, struct count *c, bool ok)
{
	if (c->startup)
		return step_startup(h, c, ok);
	if (ok) {
		*c = (struct count){.passed = true, .status = HEALTHY};
		return HEALTH_GO_ON;
	}
	if (!c->passed && time_mono_ms() - hl.began < h->start_period / NS_PER_MS)
		return HEALTH_GO_ON;
	if (++c->streak < h->retries)
		return HEALTH_GO_ON;
	c->status = UNHEALTHY;
	return action_of(h->on_failure);
}

/* ---- the checker */

static struct {
	struct loop loop;
	struct launched run;
	struct ids ids;
	struct watch out, child;
	struct timer limit;
	struct str text;
	size_t max;
	bool timed_out;
	int code;
} ck = {.out = {.fd = -1}, .child = {.fd = -1}};

static void on_output(struct watch *w, uint32_t events)
{
	char buf[4096];
	ssize_t n = read(w->fd, buf, sizeof buf);

	if (n <= 0) {
		loop_remove(&ck.loop, w);
		return;
	}
	size_t room = ck.max > ck.text.len ? ck.max - ck.text.len : 0;
	str_addn(&ck.text, buf, (size_t)n < room ? (size_t)n : room);
}

static void on_end(struct watch *w, uint32_t events)
{
	int st;

	if (waitpid(ck.run.pid, &st, WNOHANG) != ck.run.pid)
		return;
	ck.code = ck.timed_out ? -1 : proc_exit_code(st);
	for (int i = 0; i < 64 && ck.out.fd >= 0; i++) { /* what it has left in the pipe */
		struct pollfd p = {.fd = ck.out.fd, .events = POLLIN};
		if (poll(&p, 1, 0) <= 0)
			break;
		on_output(&ck.out, p.revents);
	}
	ck.loop.stop = true;
}

static bool is_paused(void)
{
	return faccessat(hl.of.dir, CONTAINER_PAUSED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void on_limit(struct timer *t)
{
	if (is_paused()) { /* it cannot help it */
		loop_timer(&ck.loop, t, HEALTH_PAUSED_MS);
		return;
	}
	ck.timed_out = true;
	session_kill(ck.run.pid);
}

static void run_check(const struct config_process *p, int64_t timeout, struct err *e)
{
	int out[2] = {-1, -1}, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r = null < 0 || pipe2(out, O_CLOEXEC) < 0 ? err_set(e, errno, "make a pipe")
						      : loop_init(&ck.loop);
	struct launch l = {.home = hl.of.home->path,
			   .where = "containers",
			   .form = hl.of.state->form,
			   .config = hl.of.config,
			   .process = p,
			   .cgroup = hl.of.cgroup,
			   .stdio = {null, out[1], out[1]}};

	ck.code = EXIT_ENGINE;
	if (r == 0)
		r = launch_join(&l, hl.of.pid1, &ck.run, e);
	if (r < 0) {
		ck.code = e->exit;
		str_add(&ck.text, e->msg);
		return;
	}
	fd_close(&out[1]);
	ck.out.fn = on_output;
	ck.child.fn = on_end;
	ck.limit.fn = on_limit;
	loop_add(&ck.loop, &ck.out, out[0], EPOLLIN);
	loop_add(&ck.loop, &ck.child, ck.run.pidfd, EPOLLIN);
	ids_watch(&ck.ids, &ck.loop, ck.run.listener, &ck.run.creds, hl.of.pid1);
	loop_timer(&ck.loop, &ck.limit, timeout / NS_PER_MS > 0 ? timeout / NS_PER_MS : 1);
	loop_run(&ck.loop);
	ids_end(&ck.ids);
	if (ck.timed_out) {
		str_reset(&ck.text);
		str_addf(&ck.text, "Health check exceeded timeout (%" PRId64 ".%03" PRId64 "s)",
			 timeout / 1000000000, timeout / NS_PER_MS % 1000);
	}
}

/* The log is here, or in a directory of the user's. */
static int open_log(const char *to, char name[100])
{
	if (!to) {
		snprintf(name, 100, HEALTH_FILE);
		return fcntl(hl.of.dir, F_DUPFD_CLOEXEC, 3);
	}
	snprintf(name, 100, "%.64s-healthcheck.log", hl.of.config->id);
	return open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void add_result(struct health_report *r, const struct config_health *h,
		       const struct health_result *new, struct arena *a)
{
	size_t max = h->log_count > 0 && h->log_count < HEALTH_COUNT_MAX ? (size_t)h->log_count
									 : HEALTH_COUNT_MAX;
	struct health_result *v = r->log.v;

	if (r->log.n >= max) {
		size_t drop = r->log.n - max + 1;
		memmove(v, v + drop, (r->log.n - drop) * sizeof *v);
		r->log.n -= drop;
	}
	*(struct health_result *)bind_append(a, &r->log, sizeof *new) = *new;
}

static void report(const struct config_health *h, const struct count *c,
		   const struct health_result *res)
{
	scoped(arena) a = {0};
	struct health_report r;
	bool to_events = str_eq(h->log_destination, "events_logger");
	const char *to = to_events ? NULL : h->log_destination;
	const char *status = statuses[c->status];
	char name[100], was[16];

	health_read(hl.of.dir, HEALTH_FILE, &r, &a);
	snprintf(was, sizeof was, "%s", r.status);
	autoclose int at = open_log(to, name);
	if (to && at >= 0)
		health_read(at, name, &r, &a);
	r.status = status;
	r.failing_streak = c->streak;
	if (!to_events)
		add_result(&r, h, res, &a);
	if (to && at >= 0)
		health_write(at, name, &r);
	if (to)
		r.log = (struct bind_list){0};
	health_write(hl.of.dir, HEALTH_FILE, &r);
	struct event ev = {
		.action = "health_status",
		.attributes = {{"health_status", status},
			       {"health_failing_streak", arena_printf(&a, "%" PRId64, c->streak)},
			       {"health_log", to_events ? res->output : NULL}}};
	container_tell_all(hl.of.home, hl.of.dir, hl.of.state, &ev, 1);
}

static _Noreturn void checker(void)
{
	const struct config_health *h = &hl.of.config->health;
	int keep[] = {hl.of.home->fd, hl.of.dir, hl.of.pid1, hl.of.cgroup};
	bool startup = hl.now.startup;
	char start[40], end[40];
	struct err e = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	proc_reset(keep, hl.of.cgroup > 2 ? 4 : 3);
	prctl(PR_SET_NAME, "hoy-health");
	ck.max = h->log_size > 0 && h->log_size < HEALTH_FILE_MAX / 8 ? (size_t)h->log_size
								      : HEALTH_FILE_MAX / 8;
	time_rfc3339(start, sizeof start, time_now());
	run_check(startup ? &hl.startup_process : &hl.process,
		  startup ? h->startup_timeout : h->timeout, &e);
	time_rfc3339(end, sizeof end, time_now());
	const struct health_result res = {start, end, ck.code, str_cstr(&ck.text)};
	/* A check that was killed because the container ends says nothing of its health. */
	struct pollfd end1 = {.fd = hl.of.pid1, .events = POLLIN};
	if (poll(&end1, 1, ck.code == 128 + SIGKILL ? 200 : 0) > 0)
		_exit(1);
	step(h, &hl.now, ck.code == 0);
	report(h, &hl.now, &res);
	_exit(ck.code == 0 ? 0 : 1);
}

/* ---- the supervisor's side of it */

static int64_t interval(void)
{
	const struct config_health *h = &hl.of.config->health;
	bool soon = !hl.now.passed && h->start_interval > 0 &&
		    time_mono_ms() - hl.began < h->start_period / NS_PER_MS;
	int64_t ns = hl.now.startup ? h->startup_interval : soon ? h->start_interval : h->interval;

	return ns <= 0 ? -1 : ns < NS_PER_MS ? 1 : ns / NS_PER_MS;
}

static void answer(int32_t what)
{
	for (size_t i = 0; i < RELAY_CLIENTS; i++)
		if (hl.served & UINT32_C(1) << i)
			relay_answer(hl.relay, i, FRAME_HEALTH, &what, sizeof what);
	hl.served = 0;
}

static void end_checker(void)
{
	int fd = hl.checker.fd;

	if (hl.pid <= 0)
		return;
	loop_remove(hl.relay->loop, &hl.checker);
	fd_close(&fd);
	kill(hl.pid, SIGKILL); /* our child, not waited for: the number is its own */
	proc_wait(hl.pid);
	hl.pid = 0;
}

static void start_check(void);

static void on_checker(struct watch *w, uint32_t events)
{
	int st, fd = w->fd;

	if (waitpid(hl.pid, &st, WNOHANG) != hl.pid)
		return;
	loop_remove(hl.relay->loop, w);
	fd_close(&fd);
	hl.pid = 0;
	bool ok = proc_exit_code(st) == 0;
	enum health_action what = step(&hl.of.config->health, &hl.now, ok);
	answer(ok ? 0 : 1);
	loop_timer(hl.relay->loop, &hl.next, hl.asking ? 0 : interval());
	if (what != HEALTH_GO_ON)
		hl.of.act(what);
}

static void start_check(void)
{
	int pidfd = -1;

	if (hl.pid > 0)
		return;
	if (is_paused()) {
		loop_timer(hl.relay->loop, &hl.next, HEALTH_PAUSED_MS);
		return;
	}
	loop_timer(hl.relay->loop, &hl.next, -1);
	hl.served = hl.asking;
	hl.asking = 0;
	pid_t pid = proc_fork(0, &pidfd);
	if (pid == 0)
		checker();
	hl.pid = pid;
	if (pid < 0 || loop_add(hl.relay->loop, &hl.checker, pidfd, EPOLLIN) < 0) {
		end_checker();
		fd_close(&pidfd);
		answer(1);
		loop_timer(hl.relay->loop, &hl.next, interval());
	}
}

static void on_next(struct timer *t)
{
	start_check();
}

static void on_ask(struct relay *r, size_t client)
{
	hl.asking |= UINT32_C(1) << client;
	start_check();
}

/* A check has what an exec without options has. */
static void make_process(const struct strs *test, struct config_process *ret, struct arena *a)
{
	const struct config_process *base = &hl.of.config->process;
	bool shell = !strcmp(test->v[0], "CMD-SHELL");

	*ret = *base;
	ret->args = (struct strs){0};
	ret->tty = ret->interactive = false;
	if (shell) {
		strs_add(a, &ret->args, "/bin/sh");
		strs_add(a, &ret->args, "-c");
	}
	for (size_t i = 1; i < test->n; i++)
		strs_add(a, &ret->args, test->v[i]);
}

/* The config as `update` has left it: of this run, and of those that follow it without another start. */
static struct {
	struct container_config config;
	struct arena arena;
	bool on;
} changed;

static void on_changed(struct relay *r)
{
	struct container_config c;
	struct arena a = {0}, old = changed.arena;
	struct health_of of = hl.of;
	struct err ignored;

	if (config_read(hl.of.dir, &c, &a, &ignored) < 0) {
		arena_free(&a);
		return;
	}
	bool runs = hl.runs;
	health_end();
	changed.config = c;
	changed.arena = a;
	changed.on = true;
	hl.process = hl.startup_process = (struct config_process){0};
	if (runs)
		health_begin(&of, r);
	arena_free(&old);
}

void health_begin(const struct health_of *o, struct relay *r)
{
	static struct arena made; /* as long as the supervisor */

	hl.of = *o;
	hl.relay = r;
	hl.runs = true;
	r->on_changed = on_changed;
	if (changed.on)
		hl.of.config = &changed.config;
	const struct config_health *h = &hl.of.config->health;
	if (h->test.n || changed.on)
		unlinkat(o->dir, HEALTH_FILE, 0);
	if (!h->test.n)
		return;
	hl.now = (struct count){.startup = h->startup.n > 0};
	hl.began = time_mono_ms();
	if (!hl.process.args.n) {
		arena_free(&made);
		make_process(&h->test, &hl.process, &made);
		if (h->startup.n)
			make_process(&h->startup, &hl.startup_process, &made);
	}
	hl.next.fn = on_next;
	hl.checker.fn = on_checker;
	r->on_health = on_ask;
	loop_timer(r->loop, &hl.next, interval() < 0 ? -1 : 0);
}

void health_end(void)
{
	if (!hl.relay)
		return;
	end_checker();
	loop_timer(hl.relay->loop, &hl.next, -1);
	hl.served |= hl.asking;
	hl.asking = 0;
	answer(1);
	hl.relay->on_health = NULL;
	hl.runs = false;
}
