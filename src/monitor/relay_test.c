/* Unit tests of the relay with pipes and sockets in one process: slow clients, clients that say nothing or nonsense, input without
 * room, streams that somebody else holds open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "monitor/relay.h"

static struct {
	struct loop loop;
	struct relay relay;
	int out, err, in; /* the process's ends */
	int last_signal, drained, ended;
} t;

static void on_signal(struct relay *r, int sig)
{
	t.last_signal = sig;
}

static void on_drained(struct relay *r)
{
	int32_t code = 7;

	t.drained++;
	relay_end(r, FRAME_EXIT, &code, sizeof code);
}

static void on_ended(struct relay *r)
{
	t.ended++;
}

static int setup(void **state)
{
	int o[2], e[2], i[2];

	memset(&t, 0, sizeof t);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_init(&t.loop), 0);
	assert_int_equal(pipe2(o, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(e, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(i, O_CLOEXEC | O_NONBLOCK), 0);
	fcntl(i[1], F_SETPIPE_SZ, 4096);
	assert_int_equal(relay_init(&t.relay, &t.loop, NULL, -1, o[0], e[0], i[1]), 0);
	t.relay.on_signal = on_signal;
	t.relay.on_drained = on_drained;
	t.relay.on_ended = on_ended;
	t.out = o[1];
	t.err = e[1];
	t.in = i[0];
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < RELAY_CLIENTS; i++)
		fd_close(&t.relay.clients[i].w.fd);
	fd_close(&t.relay.out[0].fd);
	fd_close(&t.relay.out[1].fd);
	fd_close(&t.relay.in.fd);
	fd_close(&t.out);
	fd_close(&t.err);
	fd_close(&t.in);
	loop_free(&t.loop);
	return 0;
}

static void stop_idle(struct timer *x)
{
	t.loop.stop = true;
}

/* Runs the loop until everything that is ready now was seen to: a timer of no time fires behind each round of events. */
static void settle(void)
{
	struct timer idle = {.fn = stop_idle};

	for (int i = 0; i < 50; i++) {
		t.loop.stop = false;
		idle.linked = false;
		loop_timer(&t.loop, &idle, 0);
		assert_int_equal(loop_run(&t.loop), 0);
		t.loop.timers = NULL;
	}
}

static int add(uint8_t want, bool primary)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(relay_add_client(&t.relay, s[1], want, primary), 0);
	return s[0];
}

static ssize_t send_type(int s, char type, size_t n)
{
	static char msg[1 + PROTO_CHUNK];

	msg[0] = type;
	return fd_send_msg(s, msg, 1 + n, NULL, 0);
}

/* The next frame's type; 0 at the end, -1 if there is none now. */
static int next(int s, size_t *ret_n, char *payload)
{
	char msg[1 + PROTO_CHUNK];
	ssize_t n = fd_recv_msg(s, msg, sizeof msg, NULL, NULL);

	if (n <= 0)
		return n == 0 ? 0 : -1;
	if (ret_n)
		*ret_n = (size_t)n - 1;
	if (payload)
		memcpy(payload, msg + 1, (size_t)n - 1);
	return msg[0];
}

/* A client whose socket is full to the brim when the process ends still gets the last frame. */
static void slow_client_gets_exit(void **state)
{
	int c = add(HELLO_OUTPUT, true);
	char chunk[PROTO_CHUNK];
	size_t sent = 0, got = 0, n = 0;

	memset(chunk, 'x', sizeof chunk);
	while (!(t.relay.out[0].pending)) {
		ssize_t k = write(t.out, chunk, sizeof chunk);
		sent += k > 0 ? (size_t)k : 0;
		settle();
	}
	/* One frame less: then the last piece of output fits and what follows it does not. */
	fd_close(&t.out);
	fd_close(&t.err);
	relay_finish(&t.relay);
	settle();
	assert_int_equal(t.ended, 0);
	int type, exits = 0;
	for (int idle = 0; idle < 3;) {
		type = next(c, &n, chunk);
		if (type == FRAME_STDOUT)
			got += n;
		exits += type == FRAME_EXIT;
		idle = type <= 0 ? idle + 1 : 0;
		settle();
	}
	assert_int_equal(got, sent);
	assert_int_equal(exits, 1);
	assert_int_equal(t.ended, 1);
	close(c);
}

/* Fills the socket from our side so that nothing more fits, with the streams at their end already. */
static void exit_waits_for_room(void **state)
{
	int c = add(HELLO_OUTPUT, true), exits = 0;

	while (send_type(t.relay.clients[0].w.fd, FRAME_NOTE, 1000) > 0)
		;
	fd_close(&t.out);
	fd_close(&t.err);
	settle();
	assert_int_equal(t.drained, 1);
	assert_int_equal(t.ended, 0);
	for (int type; (type = next(c, NULL, NULL)) > 0 || !exits; exits += type == FRAME_EXIT)
		settle();
	assert_int_equal(exits, 1);
	assert_true(t.ended > 0);
	close(c);
}

/* A client that never takes its output does not keep the relay for ever: it goes away, and that is the end. */
static void stuck_client_goes(void **state)
{
	int c = add(HELLO_OUTPUT, true);

	while (send_type(t.relay.clients[0].w.fd, FRAME_NOTE, 1000) > 0)
		;
	fd_close(&t.out);
	fd_close(&t.err);
	settle();
	assert_int_equal(t.ended, 0);
	close(c);
	settle();
	assert_int_equal(t.ended, 1);
}

/* Another process holds the other end of a stream, and writes: the relay takes what is there and ends. */
static void held_streams_end(void **state)
{
	int c = add(HELLO_OUTPUT, true);
	char chunk[PROTO_CHUNK];
	size_t got = 0, n = 0;

	assert_int_equal(write(t.out, "hello", 5), 5);
	relay_finish(&t.relay);
	assert_int_equal(t.drained, 1);
	assert_int_equal(t.ended, 1);
	while (next(c, &n, chunk) == FRAME_STDOUT)
		got += n;
	assert_int_equal(got, 5);
	close(c);
}

static void held_stream_of_a_slow_client_ends(void **state)
{
	int c = add(HELLO_OUTPUT, true);
	static char chunk[PROTO_CHUNK];

	while (!t.relay.out[0].pending) {
		(void)!write(t.out, chunk, sizeof chunk);
		settle();
	}
	relay_finish(&t.relay);
	assert_int_equal(t.drained, 0);
	for (int i = 0; i < 1000 && !t.ended; i++) {
		while (next(c, NULL, NULL) > 0)
			;
		settle();
	}
	assert_int_equal(t.ended, 1);
	close(c);
}

/* Input that nobody reads must not hold up signals, whether it comes from the same client or from another. */
static void signals_pass_waiting_input(void **state)
{
	int a = add(HELLO_INPUT, true), b = add(HELLO_INPUT, false), sig = SIGINT;
	char msg[1 + sizeof sig] = {FRAME_SIGNAL};
	char drain[PROTO_CHUNK];
	size_t total = 0;

	assert_true(send_type(a, FRAME_STDIN, PROTO_CHUNK) > 0);
	assert_true(send_type(b, FRAME_STDIN, 100) > 0); /* ready in the same round */
	settle();
	assert_int_equal(next(a, NULL, NULL), -1); /* not taken yet, and neither is gone */
	assert_int_equal(next(b, NULL, NULL), -1);
	memcpy(msg + 1, &sig, sizeof sig);
	assert_true(fd_send_msg(a, msg, sizeof msg, NULL, 0) > 0);
	settle();
	assert_int_equal(t.last_signal, SIGINT);
	for (int i = 0; i < 20; i++) {
		ssize_t n = read(t.in, drain, sizeof drain);
		total += n > 0 ? (size_t)n : 0;
		settle();
	}
	assert_int_equal(total, PROTO_CHUNK + 100);
	assert_int_equal(next(a, NULL, NULL), FRAME_TAKEN);
	assert_int_equal(next(b, NULL, NULL), FRAME_TAKEN);
	close(a);
	close(b);
}

/* The process closes its full standard input: the client is heard on, and is not asked for more. */
static void closed_input(void **state)
{
	int a = add(HELLO_INPUT, true), sig = SIGTERM;
	char msg[1 + sizeof sig] = {FRAME_SIGNAL};

	assert_true(send_type(a, FRAME_STDIN, PROTO_CHUNK) > 0);
	settle();
	fd_close(&t.in);
	settle();
	assert_int_equal(t.relay.in.fd, -1);
	memcpy(msg + 1, &sig, sizeof sig);
	assert_true(fd_send_msg(a, msg, sizeof msg, NULL, 0) > 0);
	assert_true(send_type(a, FRAME_STDIN, 10) > 0);
	settle();
	assert_int_equal(t.last_signal, SIGTERM);
	assert_int_equal(next(a, NULL, NULL), -1);
	close(a);
}

static void nonsense(void **state)
{
	int a = add(HELLO_OUTPUT, true), b = add(0, false);
	static char huge[100000];

	for (int type = 0; type < 256; type++) {
		send_type(b, (char)type, type == FRAME_SIGNAL ? 2 : (size_t)type % 5);
		settle();
	}
	memset(huge, FRAME_STDIN, sizeof huge);
	assert_true(fd_send_msg(b, huge, sizeof huge, NULL, 0) > 0);
	settle();
	close(b);
	settle();
	assert_int_equal(write(t.out, "x", 1), 1);
	settle();
	assert_int_equal(next(a, NULL, NULL), FRAME_STDOUT);
	close(a);
}

static int dial(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)a, sizeof *a), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	settle();
	return fd;
}

/* Clients that connect and say nothing make room for one that speaks; clients that speak do not, and the next one is told. */
static void crowded(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int silent[RELAY_CLIENTS], loud[RELAY_CLIENTS + 1];
	char name[] = "/tmp/hoy-relay-test-XXXXXX", hello[] = {FRAME_HELLO, 1, HELLO_OUTPUT};

	assert_non_null(mkdtemp(name));
	snprintf(a.sun_path, sizeof a.sun_path, "%s/s", name);
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(l, 64), 0);
	assert_int_equal(relay_listen(&t.relay, l, geteuid()), 0);
	for (size_t i = 0; i < countof(silent); i++)
		silent[i] = dial(&a);
	for (size_t i = 0; i < countof(loud); i++) {
		loud[i] = dial(&a);
		(void)!write(loud[i], hello, sizeof hello);
		settle();
		assert_int_equal(next(loud[i], NULL, NULL),
				 i < RELAY_CLIENTS ? FRAME_WELCOME : FRAME_ERROR);
	}
	for (size_t i = 0; i < countof(silent); i++) {
		assert_int_equal(next(silent[i], NULL, NULL), 0);
		close(silent[i]);
	}
	for (size_t i = 0; i < countof(loud); i++)
		close(loud[i]);
	loop_remove(&t.loop, &t.relay.listener);
	close(l);
	assert_int_equal(unlink(a.sun_path), 0);
	assert_int_equal(rmdir(name), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slow_client_gets_exit),
		TEST(exit_waits_for_room),
		TEST(stuck_client_goes),
		TEST(held_streams_end),
		TEST(held_stream_of_a_slow_client_ends),
		TEST(signals_pass_waiting_input),
		TEST(closed_input),
		TEST(nonsense),
		TEST(crowded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
