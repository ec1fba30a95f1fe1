#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "monitor/relay.h"

static void client_drop(struct relay_client *c);
static void pump_input(struct relay *r);

static uint32_t bit(const struct relay_client *c)
{
	return 1u << (c - c->r->clients);
}

static void stream_close(struct relay_stream *s)
{
	loop_remove(s->r->loop, &s->w);
	fd_close(&s->fd);
}

/* A descriptor that has hung up reports that whatever events are asked for, so a paused one leaves the loop. */
static void stream_pause(struct relay_stream *s)
{
	loop_remove(s->r->loop, &s->w);
}

static bool stream_pump(struct relay_stream *s);

/* What the process left in a stream. Another process may hold it open and go on writing for ever: that is not waited for. */
static void stream_finish(struct relay_stream *s)
{
	while (s->budget > 0 && stream_pump(s))
		;
	if (s->fd >= 0 && !s->pending)
		stream_close(s);
}

static void stream_resume(struct relay_stream *s)
{
	if (s->fd < 0 || s->w.fd >= 0 || s->pending || s->pumping)
		return;
	if (s->r->finishing)
		stream_finish(s);
	else
		loop_add(s->r->loop, &s->w, s->fd, EPOLLIN);
}

bool relay_is_drained(const struct relay *r)
{
	for (size_t i = 0; i < countof(r->out); i++)
		if (r->out[i].fd >= 0 || r->out[i].pending)
			return false;
	return true;
}

static void check_drained(struct relay *r)
{
	if (relay_is_drained(r) && !r->ending && r->on_drained)
		r->on_drained(r);
}

static void check_ended(struct relay *r)
{
	if (!r->ending)
		return;
	for (size_t i = 0; i < countof(r->clients); i++)
		if (r->clients[i].w.fd >= 0 && r->clients[i].owed_last)
			return;
	if (r->on_ended && !r->ended) {
		r->ended = true;
		r->on_ended(r);
	}
}

/* Sends one frame that is owed. False: it has to wait for room. */
static bool pay_one(struct relay_client *c, bool *owed, const char *p, size_t n)
{
	ssize_t k = *owed && c->w.fd >= 0 ? fd_send_msg(c->w.fd, p, n, NULL, 0) : 0;

	if (k == -EAGAIN) {
		loop_set(c->r->loop, &c->w, c->w.events | EPOLLOUT);
		return false;
	}
	*owed = false;
	if (k < 0)
		client_drop(c);
	return true;
}

static void pay(struct relay_client *c)
{
	static const char taken = FRAME_TAKEN;

	if (pay_one(c, &c->owed_taken, &taken, 1))
		pay_one(c, &c->owed_last, c->r->last, c->r->last_len);
}

/* Offers the chunk to one client. */
static void offer(struct relay_stream *s, struct relay_client *c)
{
	ssize_t n = fd_send_msg(c->w.fd, s->chunk, s->len, NULL, 0);

	if (n == -EAGAIN) {
		s->pending |= bit(c);
		loop_set(s->r->loop, &c->w, c->w.events | EPOLLOUT);
	} else {
		s->pending &= ~bit(c);
		if (n < 0)
			client_drop(c);
	}
}

/* The log loses output: the clients that are there are told, once until there is room again. */
static void tell_lost(struct relay *r)
{
	static const char note[] = "the log cannot be written (is the disk full?): what the "
				   "container writes now will be missing in it";

	if (r->log->lost && !r->log->told)
		relay_tell(r, FRAME_NOTE, note, sizeof note - 1);
	r->log->told = r->log->lost != 0;
}

/* Reads and passes on one chunk. False: nothing to read now, or the stream is at its end. */
static bool stream_pump(struct relay_stream *s)
{
	struct relay *r = s->r;

	if (s->fd < 0 || s->pending)
		return false;
	ssize_t n = read(s->fd, s->chunk + 1, PROTO_CHUNK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) { /* a pty whose slave is closed gives EIO */
		stream_close(s);
		return false;
	}
	s->chunk[0] = s->type;
	s->len = (size_t)n + 1;
	if (r->finishing)
		s->budget -= (int)n;
	if (r->log) {
		log_write(r->log, s->type == FRAME_STDERR, s->chunk + 1, (size_t)n);
		tell_lost(r);
	}
	s->pumping = true; /* a client that is dropped meanwhile must not start the next chunk */
	for (size_t i = 0; i < countof(r->clients); i++)
		if (r->clients[i].w.fd >= 0 && (r->clients[i].want & HELLO_OUTPUT))
			offer(s, &r->clients[i]);
	s->pumping = false;
	if (s->pending)
		stream_pause(s);
	return true;
}

static void on_stream(struct watch *w, uint32_t events)
{
	struct relay_stream *s = w->arg;

	if (s->r->finishing)
		stream_finish(s);
	else
		stream_pump(s);
	check_drained(s->r);
}

static void client_drop(struct relay_client *c)
{
	struct relay *r = c->r;
	int fd = c->w.fd;

	if (fd < 0)
		return;
	loop_remove(r->loop, &c->w);
	close(fd);
	c->owed_taken = c->owed_last = c->served = false;
	if (r->in_from == c)
		r->in_from = NULL;
	for (size_t i = 0; i < countof(r->out); i++) {
		r->out[i].pending &= ~bit(c);
		stream_resume(&r->out[i]);
	}
	/* Its input ends with it. One that never gave any (run -d -i) leaves it open for those who attach. */
	if (c->primary && !r->tty && (c->want & HELLO_INPUT)) {
		r->in_eof = true;
		pump_input(r);
	}
	if (c->primary && r->on_gone)
		r->on_gone(r);
}

/* The buffer is free: clients whose input waits for it are listened to again. */
static void input_free(struct relay *r)
{
	r->in_len = r->in_at = 0;
	r->in_from = NULL;
	for (size_t i = 0; i < countof(r->clients); i++) {
		struct relay_client *c = &r->clients[i];
		if (c->w.fd >= 0)
			loop_set(r->loop, &c->w, c->w.events | EPOLLIN);
	}
}

/* Nobody is told: a client whose input is no longer read need not send more of it. */
static void input_close(struct relay *r)
{
	int fd = r->in.fd;

	loop_remove(r->loop, &r->in);
	fd_close(&fd);
	input_free(r);
}

static void pump_input(struct relay *r)
{
	while (r->in.fd >= 0 && r->in_at < r->in_len) {
		ssize_t n = write(r->in.fd, r->in_buf + r->in_at, r->in_len - r->in_at);
		if (n < 0 && errno == EAGAIN) {
			loop_set(r->loop, &r->in, EPOLLOUT);
			return;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			input_close(r);
			return;
		}
		r->in_at += (size_t)n;
	}
	struct relay_client *from = r->in_from;
	loop_set(r->loop, &r->in, 0);
	input_free(r);
	if (r->in_eof && r->in.fd >= 0 && !r->tty)
		input_close(r);
	if (from) {
		from->owed_taken = true;
		pay(from);
	}
}

static void on_input(struct watch *w, uint32_t events)
{
	struct relay *r = w->arg;

	if (!(events & EPOLLOUT) && (events & (EPOLLERR | EPOLLHUP)))
		input_close(r);
	else
		pump_input(r);
}

static void resize(struct relay *r, const struct frame_size *f)
{
	struct winsize ws = {.ws_row = f->rows, .ws_col = f->cols};

	if (r->tty && r->in.fd >= 0)
		ioctl(r->in.fd, TIOCSWINSZ, &ws);
}

static void close_output(struct relay *r, char type)
{
	for (size_t i = 0; i < countof(r->out); i++)
		if (r->out[i].type == type && !r->tty && r->out[i].fd >= 0)
			stream_close(&r->out[i]);
	check_drained(r);
}

static void greet(struct relay_client *c, const char *p, size_t n)
{
	struct relay *r = c->r;
	struct frame_welcome w = {PROTO_VERSION, r->tty};
	char msg[1 + sizeof w] = {FRAME_WELCOME};

	c->want = n >= 2 ? (uint8_t)p[1] : HELLO_OUTPUT;
	c->greeted = true;
	memcpy(msg + 1, &w, sizeof w);
	fd_send_msg(c->w.fd, msg, sizeof msg, NULL, 0);
}

static void take_frame(struct relay_client *c, const char *p, size_t n)
{
	struct relay *r = c->r;
	struct frame_size size;
	int32_t sig;

	switch (p[0]) {
	case FRAME_HELLO:
		greet(c, p + 1, n - 1);
		break;
	case FRAME_STDIN:
		if (r->in.fd < 0 || r->in_eof)
			break;
		memcpy(r->in_buf, p + 1, n - 1); /* only taken while the buffer is empty */
		r->in_len = n - 1;
		r->in_at = 0;
		r->in_from = c;
		pump_input(r);
		break;
	case FRAME_STDIN_EOF:
		if (r->tty && r->in.fd >= 0 && r->in_len < sizeof r->in_buf)
			r->in_buf[r->in_len++] = 4; /* ^D, as a person would end the input */
		r->in_eof = !r->tty;
		pump_input(r);
		break;
	case FRAME_RESIZE:
		if (n >= 1 + sizeof size) {
			memcpy(&size, p + 1, sizeof size);
			resize(r, &size);
		}
		break;
	case FRAME_SIGNAL:
		if (n >= 1 + sizeof sig) {
			memcpy(&sig, p + 1, sizeof sig);
			r->on_signal(r, sig);
		}
		break;
	case FRAME_NETWORKS:
		if (r->on_networks)
			r->on_networks(r, (size_t)(c - r->clients));
		break;
	case FRAME_HEALTH:
		if (r->on_health)
			r->on_health(r, (size_t)(c - r->clients));
		else
			relay_answer(r, (size_t)(c - r->clients), FRAME_HEALTH, &(int32_t){-1},
				     sizeof(int32_t));
		break;
	case FRAME_CHANGED:
		if (r->on_changed)
			r->on_changed(r);
		relay_answer(r, (size_t)(c - r->clients), FRAME_CHANGED, "", 0);
		break;
	case FRAME_CLOSE:
		if (n >= 2 && c->primary) {
			close_output(r, p[1]);
			if (r->on_closed)
				r->on_closed(r);
		}
		break;
	}
}

/* There is room in the client's socket again. */
static void on_room(struct relay_client *c)
{
	struct relay *r = c->r;

	loop_set(r->loop, &c->w, c->w.events & ~(uint32_t)EPOLLOUT);
	for (size_t i = 0; i < countof(r->out); i++) {
		if (c->w.fd >= 0 && (r->out[i].pending & bit(c)))
			offer(&r->out[i], c);
		stream_resume(&r->out[i]);
	}
	pay(c);
	check_drained(r);
	check_ended(r);
}

/* Is the client's next frame input, for which the buffer has no room? */
static bool input_waits(const struct relay_client *c)
{
	char type;

	return c->r->in_at < c->r->in_len &&
	       recv(c->w.fd, &type, 1, MSG_PEEK | MSG_DONTWAIT) == 1 &&
	       (type == FRAME_STDIN || type == FRAME_STDIN_EOF);
}

static void on_client(struct watch *w, uint32_t events)
{
	struct relay_client *c = w->arg;
	struct relay *r = c->r;
	char msg[1 + PROTO_CHUNK];

	if (events & EPOLLOUT)
		on_room(c);
	if (w->fd < 0 || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (input_waits(c) && !(events & (EPOLLHUP | EPOLLERR))) {
		loop_set(r->loop, w, w->events & ~(uint32_t)EPOLLIN);
		return;
	}
	/* One that hung up while its input has no room takes that input along. */
	ssize_t n = input_waits(c) ? 0 : fd_recv_msg(w->fd, msg, sizeof msg, NULL, NULL);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		client_drop(c);
		check_drained(r);
		check_ended(r);
		return;
	}
	take_frame(c, msg, (size_t)n);
}

static int open_stream(struct relay *r, struct relay_stream *s, char type, int fd)
{
	s->r = r;
	s->type = type;
	s->w = (struct watch){.fd = -1, .fn = on_stream, .arg = s};
	s->fd = fd;
	if (fd < 0)
		return 0;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return loop_add(r->loop, &s->w, fd, EPOLLIN);
}

static int open_all(struct relay *r, int pty, int out, int err, int in)
{
	r->tty = pty >= 0;
	r->in = (struct watch){.fd = -1, .fn = on_input, .arg = r};
	int k = open_stream(r, &r->out[0], FRAME_STDOUT, pty >= 0 ? pty : out);
	if (k == 0)
		k = open_stream(r, &r->out[1], FRAME_STDERR, err);
	int input = pty >= 0 ? fcntl(pty, F_DUPFD_CLOEXEC, 3) : in;
	if (k == 0 && input >= 0) {
		fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK);
		k = loop_add(r->loop, &r->in, input, 0);
	}
	return k;
}

int relay_init(struct relay *r, struct loop *l, struct log *log, int pty, int out, int err, int in)
{
	r->loop = l;
	r->log = log;
	r->listener.fd = -1;
	for (size_t i = 0; i < countof(r->clients); i++)
		r->clients[i] = (struct relay_client){
			.w = {.fd = -1, .fn = on_client, .arg = &r->clients[i]}, .r = r};
	return open_all(r, pty, out, err, in);
}

int relay_again(struct relay *r, int pty, int out, int err, int in)
{
	for (size_t i = 0; i < countof(r->clients); i++)
		if (r->clients[i].served)
			client_drop(&r->clients[i]);
	if (r->in.fd >= 0)
		input_close(r);
	r->in_eof = r->finishing = r->ending = r->ended = false;
	return open_all(r, pty, out, err, in);
}

int relay_add_client(struct relay *r, int sock, uint8_t want, bool primary)
{
	for (size_t i = 0; i < countof(r->clients); i++) {
		struct relay_client *c = &r->clients[i];
		if (c->w.fd >= 0)
			continue;
		c->want = want;
		c->primary = primary;
		c->greeted = primary;
		fcntl(sock, F_SETFL, fcntl(sock, F_GETFL) | O_NONBLOCK);
		return loop_add(r->loop, &c->w, sock, EPOLLIN);
	}
	return -EUSERS;
}

/* Makes room for a new client: one that connected and never said a word has to go. */
static bool drop_silent(struct relay *r)
{
	char byte;

	for (size_t i = 0; i < countof(r->clients); i++) {
		struct relay_client *c = &r->clients[i];
		if (c->w.fd < 0 || c->greeted ||
		    recv(c->w.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
			continue;
		client_drop(c);
		return true;
	}
	return false;
}

static void refuse(int fd)
{
	struct err e;
	char msg[1 + sizeof e] = {FRAME_ERROR};

	err_fail_code(
		&e, ERR_LIMIT, EUSERS,
		"%d clients are attached to the container already, and there is no room for more",
		RELAY_CLIENTS);
	memcpy(msg + 1, &e, sizeof e);
	fd_send_msg(fd, msg, sizeof msg, NULL, 0);
	close(fd);
}

static void on_listener(struct watch *w, uint32_t events)
{
	struct relay *r = w->arg;
	struct ucred peer;
	socklen_t len = sizeof peer;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != r->owner) {
		close(fd);
		return;
	}
	int k = relay_add_client(r, fd, 0, false);
	if (k == -EUSERS && drop_silent(r))
		k = relay_add_client(r, fd, 0, false);
	if (k < 0)
		refuse(fd);
}

void relay_answer(struct relay *r, size_t client, char type, const void *payload, size_t n)
{
	char msg[1 + PROTO_CHUNK] = {type};

	if (client >= countof(r->clients) || r->clients[client].w.fd < 0 || n >= sizeof msg)
		return;
	memcpy(msg + 1, payload, n);
	fd_send_msg(r->clients[client].w.fd, msg, n + 1, NULL, 0);
}

int relay_bind(int dir, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(e, errno, "make the attach socket");
	/* The 108 bytes of sun_path are too few for some stores: through the descriptor every path is short. */
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/attach", dir);
	unlinkat(dir, "attach", 0);
	mode_t old = umask(0077);
	int r = bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 16) < 0 ? -errno : 0;
	umask(old);
	return r < 0 ? err_set(e, r, "bind the attach socket") : take_fd(fd);
}

int relay_listen(struct relay *r, int listener, uid_t owner)
{
	r->owner = owner;
	r->listener = (struct watch){.fd = -1, .fn = on_listener, .arg = r};
	return loop_add(r->loop, &r->listener, listener, EPOLLIN);
}

void relay_finish(struct relay *r)
{
	r->finishing = true;
	for (size_t i = 0; i < countof(r->out); i++) {
		r->out[i].budget = 2 << 20; /* more than a pipe holds */
		stream_finish(&r->out[i]);
	}
	check_drained(r);
}

void relay_abandon(struct relay *r)
{
	for (size_t i = 0; i < countof(r->clients); i++) {
		struct relay_client *c = &r->clients[i];
		if (c->w.fd < 0 ||
		    !(c->owed_last || ((r->out[0].pending | r->out[1].pending) & bit(c))))
			continue;
		client_drop(c); /* the next chunk may find no room with one that had room before */
		i = (size_t)-1;
	}
	check_drained(r);
	check_ended(r);
}

void relay_end(struct relay *r, char type, const void *payload, size_t n)
{
	if (n > sizeof r->last - 1)
		return;
	r->last[0] = type;
	memcpy(r->last + 1, payload, n);
	r->last_len = n + 1;
	r->ending = true;
	r->ended = false;
	for (size_t i = 0; i < countof(r->clients); i++) {
		struct relay_client *c = &r->clients[i];
		if (c->served || c->w.fd < 0)
			continue;
		c->owed_last = c->served = true;
		pay(c);
	}
	check_ended(r);
}

void relay_tell(struct relay *r, char type, const void *payload, size_t n)
{
	char msg[1 + 1024];

	if (n > sizeof msg - 1)
		return;
	msg[0] = type;
	if (n)
		memcpy(msg + 1, payload, n);
	for (size_t i = 0; i < countof(r->clients); i++)
		if (r->clients[i].w.fd >= 0)
			fd_send_msg(r->clients[i].w.fd, msg, n + 1, NULL, 0);
}
