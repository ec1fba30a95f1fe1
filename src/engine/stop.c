#include <poll.h>
#include <signal.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/pause.h"
#include "engine/stop.h"
#include "monitor/client.h"
#include "state/restart_policy.h"
#include "state/tell.h"
#include "sys/sigstate.h"

/* A program that has run for so long and has no handler for its stop signal will have none. */
enum { GROWN_UP_MS = 3000 };

static int open_pid1(const struct container *c)
{
	return proc_open((pid_t)c->state.pid, (uint64_t)c->state.pid_start);
}

static int signal_supervisor(const struct container *c)
{
	autoclose int sup = proc_open((pid_t)c->state.sup, (uint64_t)c->state.sup_start);

	if (sup >= 0)
		proc_signal(sup, SIGTERM);
	return 0;
}

/* Is the container meant to end by it? What it has a handler for may mean anything, but for the usual ones. */
static bool ends(const struct container *c, int sig)
{
	return sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGQUIT ||
	       sig == c->state.stop_signal ||
	       (sig == SIGHUP && !sigstate_cares((pid_t)c->state.pid, sig));
}

static int leave_mark(const struct container *c, struct err *e)
{
	int r = c->state.restart ? restart_mark_stopped(c->dir) : 0;

	return r < 0 ? err_set(e, r, "write down that container %s is stopped", c->state.name) : 0;
}

static int stop_signal(const struct container *c)
{
	return c->state.stop_signal >= 1 && c->state.stop_signal <= 64 ? (int)c->state.stop_signal
								       : SIGTERM;
}

int container_kill(const struct home *h, struct container *c, int sig, struct err *e)
{
	char number[16];

	if (c->status == CONTAINER_RESTARTING) {
		int r = leave_mark(c, e);
		return r < 0 ? r : signal_supervisor(c);
	}
	if (c->status != CONTAINER_RUNNING && c->status != CONTAINER_LOST)
		return container_not_running(c, e);
	autoclose int pidfd = open_pid1(c);
	int r = pidfd >= 0 && ends(c, sig) ? leave_mark(c, e) : 0;
	if (r < 0)
		return r;
	r = pidfd < 0 ? pidfd : proc_signal(pidfd, sig);
	if (r == -ESRCH)
		return container_not_running(c, e);
	if (r < 0)
		return err_set(e, r, "send signal %d to container %s", sig, c->state.name);
	snprintf(number, sizeof number, "%d", sig);
	container_tell(h, &c->state, "kill", "signal", number);
	/* It is meant to be heard. SIGKILL is, also by one that is paused; others wait for its unpause. */
	return c->state.paused && sig == stop_signal(c) ? container_unpause(h, c, e) : 0;
}

/* Milliseconds are waited for a pidfd. 0: it ended; -ETIMEDOUT. */
static int await(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int r;

	if (pidfd < 0)
		return 0;
	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	return r == 0 ? -ETIMEDOUT : 0;
}

/* The supervisor stays until its clients have all output. insist: one that does not take it for two seconds is not waited for. */
static int await_end(const struct container *c, int wait_ms, bool insist)
{
	autoclose int pid1 = open_pid1(c);
	autoclose int sup = proc_open((pid_t)c->state.sup, (uint64_t)c->state.sup_start);
	int r = await(pid1, wait_ms);

	if (r == 0 && insist && await(sup, 2000) < 0)
		proc_signal(sup, SIGTERM);
	return r == 0 ? await(sup, wait_ms) : r;
}

int container_stop_waiting(const struct home *h, struct container *c, struct err *e)
{
	signal_supervisor(c);
	autoclose int sup = proc_open((pid_t)c->state.sup, (uint64_t)c->state.sup_start);
	int64_t until = time_mono_ms() + 20000;

	/* It may have been about to start: then the new first process got the stop signal, and may not care. */
	while (await(sup, 200) < 0) {
		if (time_mono_ms() >= until)
			return err_fail_code(e, ERR_CONTAINER_BUSY, ETIMEDOUT,
					     "the supervisor of container %s does not end",
					     c->state.name);
		int r = container_refresh(h, c, e);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (c->status != CONTAINER_RUNNING)
			continue;
		autoclose int pid1 = open_pid1(c);
		if (pid1 >= 0 && time_mono_ms() >= until - 18000)
			proc_signal(pid1, SIGKILL);
	}
	int r = container_refresh(h, c, e);
	return r == -ENOENT ? 0 : r;
}

int container_await_end(struct container *c, int wait_ms, struct err *e)
{
	if (await_end(c, wait_ms, true) < 0)
		return err_fail_code(e, ERR_CONTAINER_BUSY, ETIMEDOUT,
				     "container %s does not end, not even when killed",
				     c->state.name);
	return 0;
}

/* Sends the signal and waits. A process too young to have its handlers drops it too: it gets the signal again as soon as it has
 * one. give_up: one that is no longer young and still has none never will: -ESRCH. */
static int signal_and_wait(int pid1, pid_t pid, int sig, int64_t seconds, bool give_up)
{
	int64_t ms = seconds > INT_MAX / 1000 ? INT_MAX : seconds * 1000,
		until = time_mono_ms() + ms;
	bool deaf = !sigstate_cares(pid, sig);

	proc_signal(pid1, sig);
	while (deaf) {
		int64_t left = until - time_mono_ms();
		if (left <= 0 || await(pid1, left < 100 ? (int)left : 100) == 0)
			return await(pid1, 0);
		deaf = !sigstate_cares(pid, sig);
		if (!deaf)
			proc_signal(pid1, sig);
		else if (give_up && sigstate_age_ms(pid) >= GROWN_UP_MS)
			return -ESRCH;
	}
	int64_t left = until - time_mono_ms();
	return await(pid1, left > 0 ? (int)left : 0);
}

/* Asks PID 1 to end and waits for it. */
static enum stop_how ask(int pid1, const struct container *c, const struct stop_report *rep,
			 bool configured)
{
	pid_t pid = (pid_t)c->state.pid;

	if (!configured && sigstate_dropped(pid, rep->signal)) {
		proc_signal(pid1, SIGKILL);
		return STOP_NO_HANDLER;
	}
	int r = rep->timeout ? signal_and_wait(pid1, pid, rep->signal, rep->timeout, !configured)
			     : -ETIMEDOUT;
	if (r == 0)
		return STOP_BY_SIGNAL;
	proc_signal(pid1, SIGKILL);
	return r == -ESRCH ? STOP_NO_HANDLER : STOP_TIMED_OUT;
}

/* Until its supervisor has ended, too. With a policy it may have ended by itself just before the mark was there, and be about to start again. */
static int await_down(const struct home *h, struct container *c, struct err *e)
{
	if (!c->state.restart)
		return container_await_end(c, 20000, e);
	if (await_end(c, 1000, false) == 0)
		return 0;
	int r = container_refresh(h, c, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return container_is_up(c->status) ? container_stop_waiting(h, c, e)
					  : container_await_end(c, 20000, e);
}

int container_stop(const struct home *h, struct container *c, int64_t timeout_s, int sig,
		   struct stop_report *ret, struct err *e)
{
	bool configured = timeout_s >= 0 || c->state.stop_timeout >= 0;

	if (!sig)
		sig = stop_signal(c);
	*ret = (struct stop_report){STOP_WAS_DOWN, sig,
				    timeout_s >= 0		 ? timeout_s
				    : c->state.stop_timeout >= 0 ? c->state.stop_timeout
								 : STOP_DEFAULT_TIMEOUT};
	int r = leave_mark(c, e);
	if (r < 0)
		return r;
	if (c->status == CONTAINER_RESTARTING)
		return container_stop_waiting(h, c, e);
	if (c->status != CONTAINER_RUNNING && c->status != CONTAINER_LOST)
		return 0;
	if (c->state.paused && timeout_s != 0) /* it is asked to end, so it has to hear that */
		container_unpause(h, c, NULL);
	autoclose int pid1 = open_pid1(c);
	if (pid1 >= 0)
		ret->how = ask(pid1, c, ret, configured);
	r = await_down(h, c, e);
	if (r == 0)
		container_tell(h, &c->state, "stop", NULL, NULL);
	return r;
}

int container_wait(const struct home *h, struct container *c, int *ret_code, struct err *e)
{
	if (container_is_up(c->status)) {
		struct client cl = {.in = -1};
		struct err ignored;
		cl.sock = client_connect(c->dir, 0, NULL, &ignored);
		int code = cl.sock < 0 ? -1 : client_run(&cl, &ignored);
		fd_close(&cl.sock);
		if (code >= 0) {
			*ret_code = code;
			await_end(c, 5000, false);
			return 0;
		}
		await_end(c, -1, false);
		int r = container_refresh(h, c, e);
		if (r < 0)
			return r;
	}
	*ret_code = (int)c->state.exit_code;
	return 0;
}
