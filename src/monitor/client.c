#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/base.h"
#include "base/loop.h"
#include "monitor/client.h"
#include "monitor/proto.h"
#include "sys/tty.h"

enum { EARLY_MS = 1000, NETWORKS_MS = 60000, CHANGED_MS = 5000 };

static int send_frame(struct client *c, char type, const void *p, size_t n)
{
	char msg[1 + PROTO_CHUNK];

	msg[0] = type;
	if (n)
		memcpy(msg + 1, p, n);
	ssize_t k = fd_send_msg(c->sock, msg, n + 1, NULL, 0);
	return k < 0 ? (int)k : 0;
}

static int gone(struct err *e)
{
	err_fail_code(e, ERR_SUPERVISOR_GONE, EPIPE, "the container's supervisor died");
	return err_hint(e, "if it was killed, the container was ended with it; hoy ps -a tells");
}

static int take_error(const char *msg, size_t n, struct err *e)
{
	struct err said;

	if (n < 1 + sizeof said)
		return gone(e);
	memcpy(&said, msg + 1, sizeof said);
	said.msg[sizeof said.msg - 1] = said.hint[sizeof said.hint - 1] = 0;
	if (e)
		*e = said;
	return said.code > 0 ? -said.code : -EINVAL;
}

/* Signals that end an ordinary process. */
static void ending(sigset_t *set)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

	for (size_t i = 0; i < countof(sigs); i++)
		sigaddset(set, sigs[i]);
}

static bool is_ignored(int sig)
{
	struct sigaction a;

	return sigaction(sig, NULL, &a) == 0 && a.sa_handler == SIG_IGN;
}

static bool is_early(const struct client *c)
{
	return c->monitor > 0 && !c->started;
}

/* Ends a start: by default the signal ends the monitor, and what it has made ends with it. One that is through with the start hands it
 * on to the process as what ends that. */
static void end_start(const struct client *c)
{
	kill(c->monitor, SIGTERM); /* our child, not waited for: the number is its own */
}

/* Waits until it is gone, so that its locks are, and its name is free. */
static void await_end(const struct client *c)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, c->monitor, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	poll(&p, pidfd >= 0, EARLY_MS);
}

/* Waits until there is something to read. A signal that ends us ends the start first. */
static void await_frame(const struct client *c)
{
	sigset_t set, old;

	if (!is_early(c))
		return;
	sigemptyset(&set);
	ending(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	autoclose int sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd p[] = {{.fd = c->sock, .events = POLLIN}, {.fd = sfd, .events = POLLIN}};
	struct signalfd_siginfo si;
	while (!p[0].revents) {
		if (poll(p, 2, -1) < 0 || p[0].revents || read(sfd, &si, sizeof si) != sizeof si ||
		    is_ignored((int)si.ssi_signo))
			continue;
		end_start(c);
		await_end(c);
		kill(getpid(), (int)si.ssi_signo);
		break;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int client_await_start(struct client *c, pid_t *ret_pid, struct err *e)
{
	char msg[1 + PROTO_CHUNK];

	for (;;) {
		await_frame(c);
		ssize_t n = fd_recv_msg(c->sock, msg, sizeof msg, NULL, NULL);
		if (n <= 0)
			return gone(e);
		if (msg[0] == FRAME_ERROR)
			return take_error(msg, (size_t)n, e);
		if (msg[0] == FRAME_NOTE && c->note && n < (ssize_t)sizeof msg) {
			msg[n] = 0;
			c->note(c->arg, msg + 1);
		}
		if (msg[0] != FRAME_STARTED)
			continue;
		int32_t pid = 0;
		if (n >= 1 + (ssize_t)sizeof pid)
			memcpy(&pid, msg + 1, sizeof pid);
		if (ret_pid)
			*ret_pid = pid;
		c->started = true;
		return 0;
	}
}

/* Signals that make sense for a process elsewhere. Job control, faults and our own stay with us. */
static void proxied(sigset_t *set)
{
	static const int keep[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGTSTP, SIGTTIN,
				   SIGTTOU, SIGCONT, SIGURG,  SIGSEGV, SIGBUS,	SIGFPE,
				   SIGILL,  SIGABRT, SIGTRAP, SIGSYS};

	sigfillset(set);
	for (size_t i = 0; i < countof(keep); i++)
		sigdelset(set, keep[i]);
}

static int send_size(struct client *c)
{
	struct winsize ws;

	if (!c->tty || !tty_size(c->in >= 0 ? c->in : 1, &ws))
		return 0;
	struct frame_size f = {ws.ws_row, ws.ws_col};
	return send_frame(c, FRAME_RESIZE, &f, sizeof f);
}

struct session {
	struct client *c;
	struct tty_keys keys;
	struct pollfd p[3]; /* socket, signals, input */
	bool terminal;	    /* the input is one, and raw */
	bool input_open;
	size_t held; /* bytes of a frame that the other side has no room for yet; no input is read meanwhile */
	bool awaits_taken; /* nor until the frame sent last went on to the process */
	char frame[1 + PROTO_CHUNK];
	int lost;     /* what became of output that could not be written, 0 or negative errno */
	int result;   /* exit code, or CLIENT_DETACHED */
	int ended_by; /* the signal that came before FRAME_STARTED */
	bool ended;   /* and the start was ended for it */
	int64_t until;
	size_t early; /* bytes in the frame that were typed before */
	bool done;
};

/* Standard output may be closed by its reader: then the process's stream is closed too, as a pipe would have been. Output that
 * is lost for another reason, such as a full disk, is told in the end; the process goes on. */
static void put(struct session *s, int fd, char type, const char *p, size_t n)
{
	int r = fd_write_all(fd, p, n);

	if (r == -EPIPE)
		send_frame(s->c, FRAME_CLOSE, &type, 1);
	else if (r < 0 && !s->lost)
		s->lost = r;
}

/* What was typed meanwhile goes on its way. */
static void on_started(struct session *s)
{
	s->c->started = true;
	s->ended_by = 0;
	if (!s->early)
		return;
	s->frame[0] = FRAME_STDIN;
	s->held = s->early + 1;
	s->awaits_taken = true;
	s->early = 0;
}

static int on_frame(struct session *s, struct err *e)
{
	char msg[2 + PROTO_CHUNK];
	int32_t code;
	ssize_t n = fd_recv_msg(s->c->sock, msg, sizeof msg - 1, NULL, NULL);

	if (n == -EAGAIN)
		return 0;
	if (n <= 0 && s->ended) {
		await_end(s->c);
		s->result = 128 + s->ended_by;
		s->done = true;
		return 0;
	}
	if (n <= 0)
		return gone(e);
	switch (msg[0]) {
	case FRAME_STDOUT:
		if (!s->c->no_stdout)
			put(s, 1, FRAME_STDOUT, msg + 1, (size_t)n - 1);
		break;
	case FRAME_STDERR:
		if (!s->c->no_stderr)
			put(s, 2, FRAME_STDERR, msg + 1, (size_t)n - 1);
		break;
	case FRAME_STARTED:
		on_started(s);
		break;
	case FRAME_TAKEN:
		s->awaits_taken = false;
		break;
	case FRAME_ERROR:
		return take_error(msg, (size_t)n, e);
	case FRAME_NOTE:
		msg[n] = 0;
		if (s->c->note)
			s->c->note(s->c->arg, msg + 1);
		break;
	case FRAME_EXIT:
		code = 0;
		if (n >= 1 + (ssize_t)sizeof code)
			memcpy(&code, msg + 1, sizeof code);
		s->result = code;
		s->done = true;
		break;
	}
	return 0;
}

/* A start takes milliseconds, and the process gets the signal as soon as it is there. One that hangs (a volume on a dead server, an image that is
 * unpacked anew) is ended after a while, or at the second signal. */
static void end_early(struct session *s, int sig, int64_t ms)
{
	if (!is_early(s->c) || s->ended || is_ignored(sig))
		return;
	s->until = time_mono_ms() + (s->ended_by ? 0 : ms);
	s->ended_by = sig;
}

/* The ms until the next step, -1 for none. */
static int look_at_start(struct session *s)
{
	if (!s->ended_by || !is_early(s->c))
		return -1;
	int64_t left = s->until - time_mono_ms();
	if (left > 0)
		return (int)left;
	if (s->ended) { /* it cannot be killed: a system call in it hangs */
		s->result = 128 + s->ended_by;
		s->done = true;
		return 0;
	}
	s->ended = true;
	end_start(s->c);
	s->until = time_mono_ms() + EARLY_MS;
	return EARLY_MS;
}

static void on_signal(struct session *s)
{
	struct signalfd_siginfo si;

	if (read(s->p[1].fd, &si, sizeof si) != sizeof si)
		return;
	int32_t sig = (int32_t)si.ssi_signo;
	if (sig == SIGWINCH) {
		send_size(s->c);
	} else if (s->terminal && is_early(s->c)) {
		end_early(s, sig, 0);
	} else if (
		s->terminal) { /* keys carry what is meant for the container; a signal is meant for us */
		s->result = 128 + sig;
		s->done = true;
	} else {
		send_frame(s->c, FRAME_SIGNAL, &sig, sizeof sig);
		if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT)
			end_early(s, sig, EARLY_MS);
	}
}

/* Sends the frame that is held. Output goes on being read while there is no room, or both sides would wait for each other. */
static int send_held(struct session *s)
{
	ssize_t k = fd_send_msg(s->c->sock, s->frame, s->held, NULL, 0);

	if (k == -EAGAIN)
		return 0;
	s->held = 0;
	return k < 0 ? (int)k : 0;
}

/* Typed before the process runs: kept, for it may be the key that ends a start which hangs. */
static int on_early_input(struct session *s)
{
	unsigned char in[PROTO_CHUNK - 16];
	bool detach = false;
	ssize_t n = read(s->c->in, in, sizeof in - s->early);

	if (n <= 0 && (n == 0 || (errno != EINTR && errno != EAGAIN)))
		end_early(s, SIGHUP, 0);
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : -EIO;
	if (memchr(in, 'C' & 0x1f, (size_t)n))
		end_early(s, SIGINT, EARLY_MS);
	s->early += tty_keys_filter(&s->keys, in, (size_t)n,
				    (unsigned char *)s->frame + 1 + s->early, &detach);
	if (detach) {
		s->result = CLIENT_DETACHED;
		s->done = true;
	}
	return 0;
}

static int on_input(struct session *s)
{
	unsigned char in[PROTO_CHUNK - 16];
	bool detach = false;
	ssize_t n = read(s->c->in, in, sizeof in);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0 && s->terminal) { /* raw terminals know no end of input: this one was hung up */
		s->result = CLIENT_DETACHED;
		s->done = true;
		return 0;
	}
	if (n <= 0) {
		s->input_open = false;
		s->frame[0] = FRAME_STDIN_EOF;
		s->held = 1;
		return send_held(s);
	}
	size_t k = tty_keys_filter(&s->keys, in, (size_t)n, (unsigned char *)s->frame + 1, &detach);
	s->frame[0] = FRAME_STDIN;
	s->held = k ? k + 1 : 0;
	s->awaits_taken = k > 0;
	if (detach) {
		s->result = CLIENT_DETACHED;
		s->done = true;
	}
	return s->held ? send_held(s) : 0;
}

static int run_loop(struct session *s, struct err *e)
{
	while (!s->done) {
		int ms = look_at_start(s);
		if (s->done)
			break;
		bool early = s->terminal && is_early(s->c);
		s->p[0].events = POLLIN | (s->held ? POLLOUT : 0);
		bool room = early ? s->early < PROTO_CHUNK / 2 : !s->held && !s->awaits_taken;
		s->p[2].fd = s->input_open && room ? s->c->in : -1;
		if (poll(s->p, 3, ms) < 0) {
			if (errno == EINTR)
				continue;
			return err_set(e, errno, "poll");
		}
		if (s->p[1].revents)
			on_signal(s);
		int r = s->p[0].revents & ~POLLOUT ? on_frame(s, e) : 0;
		if (r < 0)
			return r;
		if (s->p[0].revents & POLLOUT)
			send_held(s);
		if (s->p[2].revents && !s->done &&
		    (early && is_early(s->c) ? on_early_input(s) : on_input(s)) < 0)
			s->input_open = false; /* the other side is going: its last frame tells */
	}
	return s->result;
}

int client_run(struct client *c, struct err *e)
{
	struct session s = {.c = c, .input_open = c->in >= 0};
	sigset_t set, old;

	s.terminal = c->tty && c->in >= 0 && isatty(c->in);

	if (s.terminal && !str_is_empty(c->keys)) {
		int n = tty_parse_keys(c->keys, s.keys.keys);
		s.keys.n = n > 0 ? (size_t)n : 0;
	}
	sigemptyset(&set);
	if (s.terminal)
		ending(&set);
	else if (c->sig_proxy)
		proxied(&set);
	sigaddset(&set, SIGWINCH);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, &old);
	autoclose int sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sfd < 0)
		return err_set(e, errno, "signalfd");
	if (s.terminal)
		tty_raw(c->in);
	s.p[0] = (struct pollfd){.fd = c->sock, .events = POLLIN};
	s.p[1] = (struct pollfd){.fd = sfd, .events = POLLIN};
	s.p[2] = (struct pollfd){.fd = -1, .events = POLLIN};
	fcntl(c->sock, F_SETFL, fcntl(c->sock, F_GETFL) | O_NONBLOCK);
	send_size(c);
	int r = run_loop(&s, e);
	tty_restore();
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r < 0 || !s.lost)
		return r;
	r = err_set(e, s.lost, "write the container's output");
	return r == -ENOSPC ? err_hint(e, "the output was redirected to something that is full")
			    : r;
}

int client_connect(int dir, uint8_t want, bool *ret_tty, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char msg[1 + PROTO_CHUNK] = {FRAME_HELLO, PROTO_VERSION, (char)want};

	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/attach", dir);
	bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	if (!connected && errno == ECONNREFUSED) /* it was killed a moment ago */
		return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ECONNREFUSED,
				     "the supervisor of the container has just ended");
	if (!connected)
		return err_set(e, errno, "connect to the container's supervisor");
	ssize_t n = fd_send_msg(fd, msg, 3, NULL, 0);
	while (n > 0 && (n = fd_recv_msg(fd, msg, sizeof msg, NULL, NULL)) > 0) {
		if (msg[0] == FRAME_ERROR)
			return take_error(msg, (size_t)n, e);
		if (msg[0] != FRAME_WELCOME)
			continue; /* what is told to everybody may come first */
		struct frame_welcome w = {0};
		memcpy(&w, msg + 1, (size_t)n - 1 < sizeof w ? (size_t)n - 1 : sizeof w);
		if (ret_tty)
			*ret_tty = w.tty;
		return take_fd(fd);
	}
	return gone(e);
}

int monitor_check_health(int dir, struct err *e)
{
	autoclose int fd = client_connect(dir, 0, NULL, e);
	char msg[1 + PROTO_CHUNK] = {FRAME_HEALTH};
	int32_t what;

	if (fd < 0)
		return fd;
	ssize_t n = fd_send_msg(fd, msg, 1, NULL, 0);
	while (n > 0 && (n = fd_recv_msg(fd, msg, sizeof msg, NULL, NULL)) > 0) {
		if (msg[0] != FRAME_HEALTH || n < 1 + (ssize_t)sizeof what)
			continue; /* what is told to everybody */
		memcpy(&what, msg + 1, sizeof what);
		if (what >= 0)
			return what;
		return err_fail(e, ERR_HEALTH_NONE, "the container's supervisor runs no check");
	}
	return gone(e);
}

int monitor_config_changed(int dir, struct err *e)
{
	autoclose int fd = client_connect(dir, 0, NULL, e);
	char msg[1 + PROTO_CHUNK] = {FRAME_CHANGED};
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return fd;
	ssize_t n = fd_send_msg(fd, msg, 1, NULL, 0);
	/* One of an earlier release says nothing to what it does not know. */
	while (n > 0 && poll(&p, 1, CHANGED_MS) > 0 &&
	       (n = fd_recv_msg(fd, msg, sizeof msg, NULL, NULL)) > 0)
		if (msg[0] == FRAME_CHANGED)
			return 0;
	return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ETIMEDOUT,
			     "the container's supervisor does not answer");
}

int monitor_networks_changed(int dir, struct err *e)
{
	autoclose int fd = client_connect(dir, 0, NULL, e);
	char msg[1 + sizeof *e] = {FRAME_NETWORKS};
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return fd;
	ssize_t n = fd_send_msg(fd, msg, 1, NULL, 0);
	while (n > 0) {
		int r = poll(&p, 1, NETWORKS_MS);
		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			return err_set(e, ETIMEDOUT, "change the networks of a running container");
		n = fd_recv_msg(fd, msg, sizeof msg, NULL, NULL);
		if (n != sizeof msg || msg[0] != FRAME_NETWORKED)
			continue; /* what is told to everybody */
		struct err got;
		memcpy(&got, msg + 1, sizeof got);
		if (!got.code)
			return 0;
		*e = got;
		return -got.code;
	}
	return gone(e);
}
