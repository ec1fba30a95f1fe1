#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/proc.h"
#include "monitor/ids.h"
#include "monitor/placing.h"
#include "monitor/relay.h"
#include "monitor/session.h"
#include "monitor/streams.h"
#include "state/tell.h"

static struct {
	struct loop loop;
	struct relay relay;
	struct launched run;
	struct ids ids;
	struct watch child;
	bool exited;
	int32_t code;
	const struct session *s;
	char id[CONTAINER_ID_LEN + 1]; /* of this exec, for events */
} ss;

/* Of the command only its name is told: an argument may be a password, and events stay on the disk. */
static void tell(const char *action, bool died)
{
	struct event ev = {.action = action,
			   .attributes = {{"execID", ss.id}, {"command", ss.s->process->args.v[0]}},
			   .has_code = died,
			   .code = ss.code};

	container_tell_all(ss.s->home, -1, ss.s->state, &ev, 1);
}

static void finish(struct relay *r)
{
	if (!ss.exited)
		return;
	tell("exec_died", true);
	relay_end(r, FRAME_EXIT, &ss.code, sizeof ss.code);
}

static void on_ended(struct relay *r)
{
	ss.loop.stop = true;
}

static void on_child(struct watch *w, uint32_t events)
{
	int st, fd = w->fd;

	if (waitpid(ss.run.pid, &st, WNOHANG) != ss.run.pid)
		return;
	loop_remove(&ss.loop, w);
	close(fd);
	ss.exited = true;
	ss.code = proc_exit_code(st);
	relay_finish(&ss.relay);
}

static void on_signal_frame(struct relay *r, int sig)
{
	if (!ss.exited && sig >= 1 && sig <= 64)
		proc_signal(ss.child.fd, sig);
}

static int start(const struct session *s, struct err *e)
{
	struct streams p;
	bool quiet = !s->want && !s->process->tty;
	int r = loop_init(&ss.loop);

	if (r < 0)
		return err_set(e, r, "epoll_create1");
	r = streams_open(&p, s->process, quiet, e);
	if (r < 0)
		return r;
	struct launch l = {.home = s->home->path,
			   .where = "containers",
			   .form = s->form,
			   .config = s->config,
			   .process = s->process,
			   .size = s->size,
			   .stdio = {p.in[0], p.out[1], p.err[1]},
			   .fds = s->fds};
	struct streams_oom oom = streams_oom_take(s->config);
	r = placing_join(s->cgroup, s->limited, &l.cgroup, e);
	if (r == 0)
		r = launch_join(&l, s->pid1, &ss.run, e);
	if (l.cgroup)
		close(l.cgroup);
	streams_oom_give_back(&oom);
	fd_kept_close(&s->fds);
	if (r < 0) {
		streams_close(&p);
		return r;
	}
	r = relay_init(&ss.relay, &ss.loop, NULL, ss.run.pty, take_fd(p.out[0]), take_fd(p.err[0]),
		       take_fd(p.in[1]));
	streams_close(&p);
	ss.relay.on_signal = on_signal_frame;
	ss.child = (struct watch){.fd = -1, .fn = on_child};
	if (r == 0)
		r = loop_add(&ss.loop, &ss.child, ss.run.pidfd, EPOLLIN);
	if (r == 0)
		r = ids_watch(&ss.ids, &ss.loop, ss.run.listener, &ss.run.creds, s->pid1);
	return r < 0 ? err_set(e, r, "watch the session") : 0;
}

static _Noreturn void monitor(const struct session *s, int sock)
{
	int keep[3 + FD_KEPT_MAX] = {s->home->fd, s->pid1, sock};
	struct err e = {0};

	streams_detach(keep, fd_kept_add(&s->fds, keep, 3), "hoy-exec");
	if (start(s, &e) < 0) {
		char msg[1 + sizeof e] = {FRAME_ERROR};
		memcpy(msg + 1, &e, sizeof e);
		fd_send_msg(sock, msg, sizeof msg, NULL, 0);
		_exit(0);
	}
	ss.relay.on_drained = finish;
	ss.relay.on_ended = on_ended;
	relay_add_client(&ss.relay, sock, s->want, true);
	int32_t pid = ss.run.pid;
	ss.s = s;
	container_new_id(ss.id);
	tell("exec", false);
	relay_tell(&ss.relay, FRAME_STARTED, &pid, sizeof pid);
	loop_run(&ss.loop);
	ids_outlive(&ss.ids);
	_exit(0);
}

static _Noreturn void child(const void *arg, int sock)
{
	monitor(arg, sock);
}

int session_start(const struct session *s, int *ret_sock, struct err *e)
{
	return streams_fork(child, s, ret_sock, e);
}
