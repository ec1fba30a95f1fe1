#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "monitor/form.h"
#include "monitor/health.h"
#include "monitor/ids.h"
#include "monitor/ladder.h"
#include "monitor/log_start.h"
#include "monitor/networks.h"
#include "monitor/pidfile.h"
#include "monitor/placing.h"
#include "monitor/relay.h"
#include "monitor/restart.h"
#include "monitor/streams.h"
#include "monitor/supervise.h"
#include "monitor/usernet.h"
#include "net/lease.h"
#include "net/parent.h"
#include "state/tell.h"
#include "runtime/volume_plugins.h"
#include "state/restart_policy.h"
#include "state/tmp.h"
#include "runtime/secrets.h"
#include "state/u0.h"
#include "store/copied.h"
#include "store/layer_form.h"
#include "sys/sigstate.h"
#include "sys/strays.h"
#include "volume/anonymous.h"

enum {
	TIMED_OUT_CODE = 255, /* as podman's conmon has it */
	STUCK_MS = 2000,      /* so long a client that takes no output holds up a restart */
};

/* All that the long-lived loop needs, in memory that exists from the start. */
static struct supervisor {
	const struct supervise *s;
	struct loop loop;
	struct relay relay;
	struct log log;
	struct launched run;
	struct ids ids;
	struct streams_oom oom;
	int oom_file; /* kept for the next start; -1 */
	struct u0_map map;
	struct mapped mapped;
	struct watch child, signals;
	struct timer retry, pipe, limit;
	int64_t cpu_at_close;
	int pending_signal; /* sent while PID 1 was too young to judge */
	int killed_as;	    /* the signal that PID 1 would have dropped and was ended for */
	bool timed_out;
	const struct container_config
		*config; /* the container's own, but for a network that another stands in for */
	bool net_failed;
	char note[1024];      /* to be told when it runs */
	bool exited, removes; /* removes: it is forgotten at its end */
	int code;
	struct restart restart;
	struct timer again, stuck, grace;
	bool asked;   /* the container's health wants another run, whatever the policy */
	bool due;     /* to be started again now */
	bool leaving; /* the supervisor was told to end */
	bool orphan;  /* on_orphaned() */
	char error[sizeof((struct err *)0)->msg]; /* the state points here, too */
	char started[40], finished[40];		  /* the state points here */
	struct strv trash;			  /* anonymous volumes, to be deleted at the end */
} sv = {.oom_file = -1};

static void on_signal_frame(struct relay *r, int sig);

static struct networks_of networks_of(const struct supervise *s)
{
	return (struct networks_of){s->home, sv.config, s->state, s->dir};
}

static int attach_networks(void *arg, pid_t pid, int netns, struct guest_iface *v, size_t *ret_n,
			   struct err *e)
{
	const struct supervise *s = arg;
	const struct networks_of of = networks_of(s);
	int r;

	streams_oom_give_back(&sv.oom); /* it is the container's, not a network process's */
	if (!str_eq(sv.config->network, NETWORK_OWN)) {
		autoclose int there = netns;
		*ret_n = 0;
		return usernet_start(sv.config, s->state, s->dir, there, e);
	}
	r = networks_attach(&of, pid, netns, v, ret_n, e);
	sv.net_failed = r < 0;
	return r;
}

/* Something stands in for the default network: the config says so from here on. */
static void stand_in(const struct ladder *l)
{
	static struct container_config c;

	c = *sv.s->config;
	c.network = l->instead;
	c.network_options = (struct strs){0};
	sv.config = &c;
	if (!strcmp(l->instead, "none"))
		sv.s->state->ports = (struct bind_list){0};
	if (!strcmp(l->instead, "none") && c.ports.n)
		snprintf(sv.note, sizeof sv.note,
			 "the container has no network, and its ports are not published: %s",
			 l->why);
}

/* The container could not be attached. Is it that this machine cannot make networks, and does another way lead to the same? */
static bool fall_back(struct err *e)
{
	scoped(arena) a = {0};
	struct endpoints eps = {0};
	struct ladder l;
	bool dflt = endpoints_read(sv.s->dir, &eps, &a, NULL) == 0 && eps.v.n == 1 &&
		    str_eq(((struct endpoint *)eps.v.v)->network, NETWORK_DEFAULT);

	networks_end(sv.s->state->restart_count > 0);
	if (!sv.net_failed || !ladder_explain(sv.s->home, dflt, &l, e) || !l.instead)
		return false;
	stand_in(&l);
	snprintf(sv.note, sizeof sv.note, "%s; %s%s%s", l.why, l.effect, *l.hint ? "; " : "",
		 l.hint);
	return true;
}

/* There is no overlay here: the container gets a copy of its image, and whoever sees the first one after each boot is told what that costs. */
static int copy_root(const struct supervise *s, const struct u0_map *map, const struct mapped *ids,
		     struct err *e)
{
	struct err why = *e;

	networks_end(true);
	usernet_end();
	*e = (struct err){0};
	int r = copied_make(s->home, mapped_layers(ids, map), &s->config->layers, s->dir, e);
	if (r == 0)
		r = mapped_give(ids, s->dir, e);
	if (r < 0)
		return r;
	launch_forget_overlays(s->dir);
	if (copied_tell(s->home))
		snprintf(sv.note, sizeof sv.note,
			 "no overlay here (%s): each container gets a copy of its image, which "
			 "takes "
			 "time and room at its first start%s%s",
			 why.msg, *why.hint ? "; " : "", why.hint);
	return 0;
}

static int explain_oom(struct err *e)
{
	err_fail(e, ERR_LIMIT_BAD, "--memory is so little that the container cannot even start");
	return err_hint(e,
			"the kernel ended its first process for want of memory: give some MB more");
}

static int launch(const struct supervise *s, const struct u0_map *map, const struct mapped *ids,
		  const struct streams *p, struct launched *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct joins joins;
	struct names names;
	int r = names_make(s->home, sv.config, s->dir, &names, &a, e);

	if (r == 0)
		r = joins_open(s->home, sv.config, &joins, e);
	if (r < 0)
		return r;
	struct container_config c = *sv.config;
	r = secrets_env(s->dir, &c, &c.process.env, &a, e);
	if (r < 0)
		return r;
	struct launch l = {.home = s->home->path,
			   .where = s->unpublished ? "tmp" : "containers",
			   .form = s->state->form,
			   .config = &c,
			   .names = &names,
			   .uids = &map->uids,
			   .gids = &map->gids,
			   .mapped = ids->on ? ids : NULL,
			   .joins = &joins,
			   .size = s->size,
			   .networks = ns_is_networked(sv.config) ? attach_networks : NULL,
			   .networks_arg = (void *)(uintptr_t)s,
			   .stdio = {p->in[0], p->out[1], p->err[1]},
			   .fds = s->fds};
	const struct placing at = {s->config, s->dir, s->unpublished};
	r = placing_make(&at, &l.cgroup, e);
	if (r == 0)
		r = launch_start(&l, ret, e);
	if (r < 0 && placing_oom_kills())
		r = explain_oom(e);
	joins_close(&joins);
	return r;
}

static void note_systemd(struct err *e)
{
	snprintf(sv.note, sizeof sv.note, "if its init is systemd, that will end at once: %.500s",
		 e->msg);
	*e = (struct err){0};
}

/* What is done once: from here on this process is in U0. */
static int prepare(const struct supervise *s, struct err *e)
{
	struct ladder way = {0};

	sv.oom = streams_oom_take(s->config);
	if (sv.oom.fd >= 0 && s->state->restart)
		sv.oom_file = fcntl(sv.oom.fd, F_DUPFD_CLOEXEC, 3);
	sv.config = s->config;
	if (str_eq(s->config->network, NETWORK_OWN))
		ladder_read(s->home, &way);
	if (way.instead)
		stand_in(&way);
	int r = networks_open_ports(sv.config, e);
	if (r == 0)
		r = placing_find(&(struct placing){s->config, s->dir, s->unpublished}, e);
	if (r > 0)
		note_systemd(e);
	if (r >= 0)
		r = parent_start(s->home, s->dir, e);
	if (r == 0)
		r = u0_enter(s->home, s->config->id, &sv.map, e);
	if (r == 0)
		r = form_take(s->config, s->state, u0_form_name(sv.map.form), e);
	if (r < 0)
		return r; /* and this process ends */
	r = layer_forms_make(s->home, &sv.map, &s->config->layers, e);
	if (r == 0)
		r = mapped_prepare(s->home, s->config, &sv.map, s->dir, &sv.mapped, e);
	if (r == 0 && str_eq(sv.config->network, NETWORK_OWN) && sv.oom.fd < 0) {
		const struct networks_of of = networks_of(s);
		networks_begin(&of);
	}
	return r;
}

/* Makes PID 1 and connects it. listener: of the first start; -1. */
static int start(const struct supervise *s, int listener, struct launched *ret, struct err *e)
{
	struct streams p;
	int r = log_start(&sv.log, s->config, s->state->name, s->dir, e);

	if (r == 0)
		r = s->inner ? streams_given(&p, &s->config->process, s->in, s->out, s->err, e)
			     : streams_open(&p, &s->config->process, false, e);
	if (r < 0)
		return r;
	r = launch(s, &sv.map, &sv.mapped, &p, ret, e);
	if (r < 0 && e->id == ERR_NO_OVERLAY && str_eq(s->config->root, "image")) {
		r = copy_root(s, &sv.map, &sv.mapped, e);
		if (r == 0)
			r = launch(s, &sv.map, &sv.mapped, &p, ret, e);
	}
	if (r < 0 && sv.net_failed && fall_back(e)) {
		launch_forget_overlays(s->dir);
		r = launch(s, &sv.map, &sv.mapped, &p, ret, e);
	}
	streams_oom_give_back(&sv.oom);
	fd_kept_close(&s->fds);
	if (r == 0)
		r = pidfile_write(s->config->pidfile, ret->pid, e);
	if (r == 0)
		r = pidfile_write(s->config->conmon_pidfile, getpid(), e);
	if (r < 0) {
		streams_close(&p);
		return r;
	}
	if (listener < 0) {
		r = relay_again(&sv.relay, ret->pty, take_fd(p.out[0]), take_fd(p.err[0]),
				take_fd(p.in[1]));
	} else {
		r = relay_init(&sv.relay, &sv.loop, &sv.log, ret->pty, take_fd(p.out[0]),
			       take_fd(p.err[0]), take_fd(p.in[1]));
		sv.relay.on_signal = on_signal_frame;
		if (r == 0)
			r = relay_listen(&sv.relay, listener, geteuid());
	}
	streams_close(&p);
	return r < 0 ? err_set(e, r, "watch the container's streams") : 0;
}

static void write_state(const char *status)
{
	const struct supervise *s = sv.s;
	bool starts = !strcmp(status, "running");

	if (s->inner)
		return; /* nobody reads it */
	char *now = starts ? sv.started : sv.finished;

	if (!str_eq(s->state->status, "restarting") || starts) { /* that wait ends without a run */
		time_rfc3339(now, sizeof sv.started, time_now());
		*(starts ? &s->state->started : &s->state->finished) = now;
	}
	s->state->status = status;
	container_state_write(s->dir, s->state, false, NULL);
}

static void record_running(void)
{
	struct container_state *st = sv.s->state;

	st->boot = sv.s->home->boot_id;
	st->pid = sv.run.pid;
	st->pid_start = (int64_t)proc_start_time(sv.run.pid);
	st->sup = getpid();
	st->sup_start = (int64_t)proc_start_time(getpid());
	st->exit_code = 0;
	st->error = NULL;
	st->oom_killed = false;
	st->cgroup = placing_path();
	if (!sv.s->unpublished)
		unlinkat(sv.s->dir, CONTAINER_PAUSED, 0);
	write_state("running");
	if (!sv.s->unpublished) /* the restart that the mark was for is this one; whoever misses it sees that the container runs */
		unlinkat(sv.s->dir, CONTAINER_KEEP, 0);
	restart_began(&sv.restart);
}

/* Renames the container's directory within the store, making the new parent if it is missing. */
static int move(const char *from, const char *to_dir, const char *prefix)
{
	const struct supervise *s = sv.s;
	char a[100], b[100];

	snprintf(a, sizeof a, "%s/%s", from, s->config->id);
	snprintf(b, sizeof b, "%s/%s%s", to_dir, prefix, s->config->id);
	if (renameat(s->home->fd, a, s->home->fd, b) == 0)
		return 0;
	if (errno != ENOENT || path_mkdir_p_at(s->home->fd, to_dir, 0700) < 0)
		return -errno;
	return renameat(s->home->fd, a, s->home->fd, b) < 0 ? -errno : 0;
}

/* Forgets the container (--rm, or a run that failed). The name is free and the directory out of sight before anybody is told. */
static void remove_container(const char *where)
{
	anonymous_take_away(sv.s->home, &sv.s->state->mounts, sv.s->config->id, &sv.trash);
	container_name_drop_now(sv.s->home, sv.s->dir, sv.s->state->name, sv.s->config->id);
	leases_drop_all(sv.s->home, sv.s->config->id, sv.s->dir);
	move(where, "tmp", "rm-");
}

/* The slow part of removing, when everybody has been told. */
static void remove_rest(void)
{
	char to[100];

	snprintf(to, sizeof to, "tmp/rm-%s", sv.s->config->id);
	path_rm_tree_at(sv.s->home->fd, to);
	for (size_t i = 0; i < sv.trash.n; i++)
		path_rm_tree_at(sv.s->home->fd, sv.trash.v[i]);
}

static void tell_started(void)
{
	struct event v[3] = {{.action = "attach"}, {.action = "init"}, {.action = "start"}};
	size_t from = sv.s->want ? 0 : 1;

	container_tell_all(sv.s->home, -1, sv.s->state, v + from, countof(v) - from);
}

static void tell_ended(void)
{
	struct event v[2] = {{.action = "died", .has_code = true, .code = sv.code},
			     {.action = "remove"}};

	container_tell_all(sv.s->home, sv.s->dir, sv.s->state, v, sv.removes ? 2 : 1);
}

static _Noreturn void leave(bool removed)
{
	u0_leave(sv.s->home);
	if (removed)
		remove_rest();
	_exit(0);
}

/* It is not started again. */
static void end_for_good(void)
{
	const struct supervise *s = sv.s;

	sv.removes =
		s->inner ? sv.orphan
			 : s->config->auto_remove && faccessat(s->dir, CONTAINER_KEEP, F_OK, 0) < 0;
	s->state->sup = 0;
	volume_plugins_end(s->config, s->dir);
	if (sv.removes) {
		remove_container(s->inner ? "tmp" : "containers");
	} else if (!s->inner) {
		write_state("exited");
		unlinkat(s->dir, "attach", 0);
	}
}

/* PID 1 is gone, or did not come to be: records it, tells the clients, and has it started again if that is its policy. */
static void over(int code)
{
	const struct supervise *s = sv.s;
	int32_t c = code;
	bool at_once = sv.asked && !restart_is_stopped(s->dir);
	int64_t ms = sv.leaving ? -1 : restart_after(&sv.restart, s->dir, s->state, code);

	if (at_once && !sv.leaving)
		ms = ms < 0 ? RESTART_FIRST_MS : ms;
	pidfile_remove(s->config->pidfile, sv.run.pid);
	pidfile_remove(s->config->conmon_pidfile, getpid());
	networks_end(ms >= 0);
	usernet_end();
	s->state->pid = 0;
	s->state->exit_code = code;
	if (ms < 0) {
		end_for_good();
	} else {
		write_state("restarting");
		loop_timer(&sv.loop, &sv.again, ms);
	}
	log_close(&sv.log);
	tell_ended();
	relay_end(&sv.relay, FRAME_EXIT, &c, sizeof c);
}

static bool waits(void)
{
	return sv.again.at != 0;
}

static void finish(struct relay *r)
{
	if (sv.exited)
		over(sv.code);
}

static void on_ended(struct relay *r)
{
	if (!waits())
		sv.loop.stop = true;
}

static void on_again(struct timer *t)
{
	sv.due = sv.loop.stop = true;
}

/* No client holds up a restart for long. */
static void on_stuck(struct timer *t)
{
	relay_abandon(&sv.relay);
}

/* The wait ends without a start. Who came in the meantime is told as if it had ended now. */
static void stop_waiting(void)
{
	int32_t code = sv.code;

	loop_timer(&sv.loop, &sv.again, -1);
	end_for_good();
	relay_end(&sv.relay, FRAME_EXIT, &code, sizeof code);
}

/* Was the memory limit reached? The kernel has counted; nobody has to watch for it. */
static void see_oom(void)
{
	uint64_t n = placing_oom_kills();
	char note[200];

	if (!n)
		return;
	sv.s->state->oom_killed = true;
	if (sv.code == 128 + SIGKILL)
		snprintf(note, sizeof note,
			 "the container has used up the memory that it may have (--memory): the "
			 "kernel killed it");
	else
		snprintf(note, sizeof note,
			 "memory ran out (--memory): the kernel killed %" PRIu64
			 " of the container's processes",
			 n);
	relay_tell(&sv.relay, FRAME_NOTE, note, strlen(note));
	container_tell(sv.s->home, sv.s->state, "oom", NULL, NULL);
}

static void on_child(struct watch *w, uint32_t events)
{
	int st, fd = w->fd;

	if (waitpid(sv.run.pid, &st, WNOHANG) != sv.run.pid)
		return;
	loop_remove(&sv.loop, w);
	close(fd);
	sv.exited = true;
	health_end();
	ids_end(&sv.ids);
	sv.code = proc_exit_code(st);
	if (sv.killed_as && WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL)
		sv.code = 128 + sv.killed_as;
	if (sv.timed_out && WIFSIGNALED(st))
		sv.code = TIMED_OUT_CODE;
	/* All processes of its pid namespace are gone with it. Where it has none of its own, what is in its user namespace is the
	 * container, and nothing can have left that. */
	if (sv.run.users >= 0)
		strays_end_in(sv.run.users);
	unlinkat(sv.s->dir, CONTAINER_PAUSED, 0);
	see_oom();
	placing_end();
	/* A stream may have been passed on to a process outside. */
	relay_finish(&sv.relay);
	if ((sv.s->state->restart || sv.asked) && !relay_is_drained(&sv.relay))
		loop_timer(&sv.loop, &sv.stuck, STUCK_MS);
}

/* Signals that end an ordinary process which has not chosen to ignore them. PID 1 of a container drops those that it has no handler for: then it is ended in their stead,
 * as the sender meant. */
static bool meant_to_end(int sig)
{
	return (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT) &&
	       !sigstate_ignores(sv.run.pid, sig);
}

static void deliver(int sig)
{
	static const char note[] =
		"the container's first process has no handler for this signal: it was killed";

	if (sv.exited || sv.child.fd < 0)
		return;
	if (meant_to_end(sig) && sigstate_dropped(sv.run.pid, sig)) {
		sv.killed_as = sig;
		proc_signal(sv.child.fd, SIGKILL);
		relay_tell(&sv.relay, FRAME_NOTE, note, sizeof note - 1);
		return;
	}
	proc_signal(sv.child.fd, sig);
	int64_t age = sigstate_age_ms(sv.run.pid);
	if (meant_to_end(sig) && age >= 0 &&
	    age < SIGSTATE_YOUNG_MS) { /* too young to judge: look again */
		sv.pending_signal = sig;
		loop_timer(&sv.loop, &sv.retry, SIGSTATE_YOUNG_MS + 10 - age);
	}
}

static void on_signal_frame(struct relay *r, int sig)
{
	if (sig >= 1 && sig <= 64)
		deliver(sig);
}

/* A young PID 1 got a signal. If it is still there and sleeps without a handler, the signal was dropped. */
static void on_retry(struct timer *t)
{
	if (sv.pending_signal && !sv.exited && meant_to_end(sv.pending_signal) &&
	    sigstate_dropped(sv.run.pid, sv.pending_signal))
		deliver(sv.pending_signal);
	sv.pending_signal = 0;
}

/*
 * The reader of our output went away (hoy run ... | head). An ordinary process would be ended by SIGPIPE at its next write. The kernel
 * drops that for a PID 1 without a handler, whose writes then fail for ever: one that does nothing but fail, burning
 * processor time, is ended as it would have been.
 */
static void on_closed(struct relay *r)
{
	sv.cpu_at_close = sigstate_cpu_ms(sv.run.pid);
	loop_timer(&sv.loop, &sv.pipe, 1000);
}

static void on_pipe(struct timer *t)
{
	int64_t cpu = sigstate_cpu_ms(sv.run.pid);

	if (sv.exited || cpu < 0 || sv.cpu_at_close < 0)
		return;
	if (cpu - sv.cpu_at_close >= 200 && sigstate_dropped(sv.run.pid, SIGPIPE)) {
		sv.killed_as = SIGPIPE;
		proc_signal(sv.child.fd, SIGKILL);
		return;
	}
	sv.cpu_at_close = cpu;
	loop_timer(&sv.loop, t, 1000);
}

/* --timeout is over. */
static void on_limit(struct timer *t)
{
	static const char note[] =
		"the container has run for as long as --timeout allows: it was killed";

	if (sv.exited || sv.child.fd < 0)
		return;
	sv.timed_out = true;
	proc_signal(sv.child.fd, SIGKILL);
	relay_tell(&sv.relay, FRAME_NOTE, note, sizeof note - 1);
}

/* Of a step of a build: whoever waits for its end, and wants what it has written, has died. */
static void on_orphaned(struct relay *r)
{
	sv.orphan = true;
	if (!sv.exited && sv.child.fd >= 0)
		proc_signal(sv.child.fd, SIGKILL);
}

/* Somebody wants the supervisor itself to end (the machine shuts down): the container is asked to. If that has ended, clients that are
 * stuck are not waited for any more. */
static void on_own_signal(struct watch *w, uint32_t events)
{
	struct signalfd_siginfo si;

	if (read(w->fd, &si, sizeof si) != sizeof si)
		return;
	sv.leaving = true;
	if (waits())
		stop_waiting();
	if (sv.exited)
		relay_abandon(&sv.relay);
	else
		deliver(sv.s->config->stop_signal ? (int)sv.s->config->stop_signal : SIGTERM);
}

/* It does not end. */
static void on_grace(struct timer *t)
{
	if (!sv.exited)
		proc_signal(sv.child.fd, SIGKILL);
}

/* --health-on-failure: kill leaves the rest to the restart policy, stop does not. */
static void on_health(enum health_action what)
{
	const struct container_config *c = sv.s->config;
	int64_t grace = c->stop_timeout >= 0 ? c->stop_timeout : 10;

	if (sv.exited || sv.leaving || sv.asked)
		return;
	sv.leaving = what == HEALTH_STOP;
	sv.asked = what == HEALTH_RESTART;
	if (what == HEALTH_KILL) {
		proc_signal(sv.child.fd, SIGKILL);
		return;
	}
	if (what == HEALTH_STOP && sv.s->state->restart)
		restart_mark_stopped(sv.s->dir);
	loop_timer(&sv.loop, &sv.grace, grace * 1000);
	deliver(c->stop_signal ? (int)c->stop_signal : SIGTERM);
}

static void begin_health(void)
{
	const struct health_of of = {.home = sv.s->home,
				     .config = sv.s->config,
				     .state = sv.s->state,
				     .dir = sv.s->dir,
				     .pid1 = sv.run.pidfd,
				     .cgroup = placing_inner(),
				     .act = on_health};

	health_begin(&of, &sv.relay);
}

/* The run that was started now. */
static int watch_run(struct err *e)
{
	sv.child = (struct watch){.fd = -1, .fn = on_child};
	if (sv.s->config->timeout)
		loop_timer(&sv.loop, &sv.limit, sv.s->config->timeout * 1000);
	int r = loop_add(&sv.loop, &sv.child, sv.run.pidfd, EPOLLIN);
	if (r == 0)
		r = networks_watch(&sv.relay, &sv.run, e);
	if (r == 0)
		r = usernet_watch(&sv.relay, e);
	if (r == 0)
		r = ids_watch(&sv.ids, &sv.loop, sv.run.listener, &sv.run.creds, -1);
	return r < 0 ? err_set(e, r, "watch the container") : 0;
}

static int watch_all(struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sv.signals = (struct watch){.fd = -1, .fn = on_own_signal};
	sv.retry.fn = on_retry;
	sv.pipe.fn = on_pipe;
	sv.limit.fn = on_limit;
	sv.grace.fn = on_grace;
	sv.again.fn = on_again;
	sv.stuck.fn = on_stuck;
	sv.relay.on_closed = on_closed;
	int r = sfd < 0 ? -errno : loop_add(&sv.loop, &sv.signals, sfd, EPOLLIN);
	return r < 0 ? err_set(e, r, "watch for signals") : watch_run(e);
}

static _Noreturn void failed(const struct supervise *s, int sock, const struct err *e)
{
	char msg[1 + sizeof *e] = {FRAME_ERROR};

	networks_end(false);
	usernet_end();
	placing_end();
	volume_plugins_end(s->config, s->dir);
	if (s->unpublished) {
		remove_container("tmp");
		container_tell(s->home, s->state, "remove", NULL, NULL);
	} else {
		s->state->exit_code = e->exit;
		s->state->error = e->msg;
		write_state("exited");
		unlinkat(s->dir, "attach", 0);
	}
	memcpy(msg + 1, e, sizeof *e);
	fd_send_msg(sock, msg, sizeof msg, NULL, 0);
	leave(s->unpublished);
}

/* PID 1 runs and must not: it is gone before its directory is. */
static void end_at_once(void)
{
	if (sv.run.pid <= 0)
		return;
	proc_signal(sv.run.pidfd, SIGKILL);
	proc_wait(sv.run.pid);
	if (sv.run.users >= 0)
		strays_end_in(sv.run.users);
}

/* The container runs: it takes its place. */
static void publish(const struct supervise *s, int sock)
{
	struct err e = {0};
	int r = move("tmp", "containers", "");

	if (r == 0 && !s->config->auto_remove &&
	    !s->want) { /* run -d: its record outlives a power cut */
		autoclose int dir =
			openat(s->home->fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			fsync(dir);
	}
	if (r == 0)
		return;
	end_at_once();
	err_set(&e, r, "put the container in place");
	failed(s, sock, &e);
}

/* What is left of the run before. */
static void forget_run(void)
{
	static struct timer *const timers[] = {&sv.retry, &sv.pipe, &sv.limit, &sv.stuck,
					       &sv.grace};

	for (size_t i = 0; i < countof(timers); i++)
		loop_timer(&sv.loop, timers[i], -1);
	ids_forget(&sv.ids);
	fd_close(&sv.run.hosts);
	fd_close(&sv.run.resolv_conf);
	fd_close(&sv.run.users);
	sv.run = LAUNCHED_NONE;
	sv.pending_signal = sv.killed_as = 0;
	sv.timed_out = sv.exited = sv.asked = sv.due = sv.loop.stop = false;
	while (waitpid(-1, NULL, WNOHANG) > 0) /* an answerer that was killed */
		;
}

/* A start that fails counts as a run that failed: what was in its way may be gone the next time. */
static void start_again(void)
{
	static struct supervise next;
	struct err e = {0};

	next = *sv.s;
	next.unpublished = false;
	next.fds = (struct fd_kept){0};
	next.want = 0;
	sv.s = &next;
	forget_run();
	next.state->restart_count++;
	sv.oom = streams_oom_again(next.config, sv.oom_file);
	if (next.config->auto_remove)
		launch_forget_overlays(next.dir);
	int r = start(&next, -1, &sv.run, &e);
	if (r == 0)
		r = watch_run(&e);
	if (r == 0) {
		int32_t pid = sv.run.pid;
		record_running();
		begin_health();
		ids_serve(&sv.ids);
		tell_started();
		relay_tell(&sv.relay, FRAME_STARTED, &pid, sizeof pid);
		sv.loop.settle = true;
		return;
	}
	streams_oom_give_back(&sv.oom);
	end_at_once();
	sv.exited = true;
	sv.code = e.exit;
	snprintf(sv.error, sizeof sv.error, "%s", e.msg);
	next.state->error = sv.error;
	over(sv.code);
}

static _Noreturn void supervise(const struct supervise *s, int sock)
{
	struct err e = {0};

	int keep[6 + STREAMS_OWN + FD_KEPT_MAX] = {s->home->fd, s->dir, sock,
						   s->out,	s->err, s->in};
	size_t n = !s->inner ? 3 : s->in < 0 ? 5 : 6;
	int r = streams_keep_own(s->config, keep, &n, &e);
	streams_detach(keep, fd_kept_add(&s->fds, keep, n), "hoy-supervisor");
	sv.s = s;
	if (r == 0 && (r = loop_init(&sv.loop)) < 0)
		err_set(&e, r, "epoll_create1");
	if (r == 0)
		r = prepare(s, &e);
	int listener = r < 0 ? r : relay_bind(s->dir, &e);
	r = listener < 0 ? listener : start(s, listener, &sv.run, &e);
	if (r == 0)
		r = watch_all(&e);
	if (r < 0) {
		end_at_once();
		failed(s, sock, &e);
	}
	record_running();
	ids_serve(&sv.ids);
	if (s->unpublished && !s->inner)
		publish(s, sock);
	ids_serve(&sv.ids);
	begin_health();
	tell_started();
	sv.relay.on_drained = finish;
	sv.relay.on_ended = on_ended;
	sv.relay.on_gone = s->inner ? on_orphaned : NULL;
	relay_add_client(&sv.relay, sock, s->want, true);
	if (*sv.note)
		relay_tell(&sv.relay, FRAME_NOTE, sv.note, strlen(sv.note));
	int32_t pid = sv.run.pid;
	relay_tell(&sv.relay, FRAME_STARTED, &pid, sizeof pid);
	if (!s->inner &&
	    (!s->config->auto_remove || !s->want)) /* a foreground run is over before this pays */
		sv.loop.settle = true;
	loop_run(&sv.loop);
	while (sv.due) {
		start_again();
		loop_run(&sv.loop);
	}
	leave(sv.removes);
}

static _Noreturn void child(const void *arg, int sock)
{
	supervise(arg, sock);
}

int supervise_start(const struct supervise *s, int *ret_sock, struct err *e)
{
	return streams_fork(child, s, ret_sock, e);
}
