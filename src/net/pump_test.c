/* Unit tests of the pump: two pairs of TCP sockets over loopback, whose middle ends are one connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/pump.h"

static struct loop loop;
static struct pump pump;
static bool held; /* connections are not watched before they start */

/* A TCP connection over loopback. */
static void pair(int *ret_a, int *ret_b)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	autoclose int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(l, (void *)&sa, sizeof sa), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (void *)&sa, &len), 0);
	*ret_a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*ret_a, (void *)&sa, sizeof sa), 0);
	*ret_b = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(*ret_b >= 0);
	fcntl(*ret_a, F_SETFL, O_NONBLOCK);
}

static void not_yet(struct watch *w, uint32_t events)
{
}

/* ret[INSIDE] and ret[OUTSIDE] are the far ends. */
static struct conn *connection(int ret[2], struct pump_owner *owner)
{
	struct conn *c = pump_new(&pump, owner);

	for (int side = INSIDE; side <= OUTSIDE; side++) {
		int fd;
		pair(&ret[side], &fd);
		c->w[side].fn = not_yet;
		if (held)
			pump_hold(c, side, fd);
		else
			assert_int_equal(pump_add(c, side, fd), 0);
	}
	return c;
}

static void stop(struct timer *t)
{
	loop.stop = true;
}

/* Lets the pump work until nothing has come for a moment on fd (or until it is readable). */
static void turn(int fd, short what)
{
	struct pollfd p = {.fd = fd, .events = what};

	for (int i = 0; i < 2000; i++) {
		struct timer t = {.fn = stop};
		loop.stop = false;
		loop_timer(&loop, &t, 1);
		assert_int_equal(loop_run(&loop), 0);
		t.at = 0;
		while (loop.timers == &t || t.linked) { /* it lies on our stack */
			struct timer **q = &loop.timers;
			while (*q && *q != &t)
				q = &(*q)->next;
			if (*q)
				*q = t.next;
			t.linked = false;
		}
		if (what && poll(&p, 1, 0) > 0)
			return;
		if (!what && i >= 20)
			return;
	}
	fail_msg("nothing came");
}

static void expect(int fd, const char *text)
{
	char buf[64] = "";

	turn(fd, POLLIN);
	assert_int_equal(recv(fd, buf, sizeof buf - 1, 0), strlen(text));
	assert_string_equal(buf, text);
}

static int setup(void **state)
{
	assert_int_equal(loop_init(&loop), 0);
	return pump_init(&pump, &loop);
}

static int setup_held(void **state)
{
	held = true;
	return setup(state);
}

static int teardown(void **state)
{
	held = false;
	pump_end(&pump, NULL);
	assert_int_equal(pump.conns.used, 0);
	loop_free(&loop);
	return 0;
}

static void both_ways_and_half_close(void **state)
{
	int far[2];
	struct conn *c = connection(far, NULL);

	assert_int_equal(send(far[OUTSIDE], "early", 5, 0), 5); /* before it starts */
	pump_start(c, 1 << INSIDE | 1 << OUTSIDE);
	expect(far[INSIDE], "early");
	assert_int_equal(send(far[INSIDE], "to", 2, 0), 2);
	expect(far[OUTSIDE], "to");
	assert_int_equal(shutdown(far[INSIDE], SHUT_WR), 0);
	expect(far[OUTSIDE], "");
	assert_int_equal(send(far[OUTSIDE], "after", 5, 0), 5);
	expect(far[INSIDE], "after");
	assert_int_equal(pump.conns.used, 1);
	assert_int_equal(shutdown(far[OUTSIDE], SHUT_WR), 0);
	expect(far[INSIDE], "");
	turn(-1, 0);
	assert_int_equal(pump.conns.used, 0);
	close(far[0]);
	close(far[1]);
}

/* Data and the end of the stream lie there already when it starts. */
static void all_before_start(void **state)
{
	int far[2];
	struct conn *c = connection(far, NULL);

	for (int side = INSIDE; side <= OUTSIDE; side++) {
		assert_int_equal(send(far[side], "all", 3, 0), 3);
		assert_int_equal(shutdown(far[side], SHUT_WR), 0);
	}
	turn(-1, 0);
	pump_start(c, 1 << INSIDE | 1 << OUTSIDE);
	expect(far[OUTSIDE], "all");
	expect(far[OUTSIDE], "");
	expect(far[INSIDE], "all");
	expect(far[INSIDE], "");
	assert_int_equal(pump.conns.used, 0);
	close(far[0]);
	close(far[1]);
}

static void resets_are_passed_on(void **state)
{
	for (int side = INSIDE; side <= OUTSIDE; side++) {
		int far[2], error;
		char b;
		pump_start(connection(far, NULL), 1 << INSIDE | 1 << OUTSIDE);
		pump_reset(far[side]);
		turn(far[!side], POLLIN);
		error = recv(far[!side], &b, 1, 0) < 0 ? errno : 0;
		assert_int_equal(error, ECONNRESET);
		assert_int_equal(pump.conns.used, 0);
		close(far[!side]);
	}
}

/* What was said before a reset arrives. */
static void bytes_before_a_reset(void **state)
{
	int far[2];
	struct conn *c = connection(far, NULL);

	assert_int_equal(send(far[OUTSIDE], "last words", 10, 0), 10);
	pump_start(c, 1 << INSIDE | 1 << OUTSIDE);
	expect(far[INSIDE], "last words");
	pump_reset(far[OUTSIDE]);
	turn(far[INSIDE], POLLIN);
	char b;
	assert_int_equal(recv(far[INSIDE], &b, 1, 0), -1);
	close(far[INSIDE]);
}

static uint64_t pattern(uint64_t at)
{
	return at * 0x9e3779b97f4a7c15ULL >> 29;
}

/* A peer that does not read holds up the other and takes no memory; nothing is lost when it goes on. */
static void back_pressure(void **state)
{
	static uint64_t block[8192];
	int far[2];
	uint64_t sent = 0, got = 0;
	size_t carry = 0;

	pump_start(connection(far, NULL), 1 << INSIDE | 1 << OUTSIDE);
	for (int still = 0; still < 20;) {
		for (size_t i = 0; i < countof(block); i++)
			block[i] = pattern(sent / 8 + i);
		ssize_t n = send(far[INSIDE], (char *)block + carry, sizeof block - carry, 0);
		still = n > 0 ? 0 : still + 1;
		if (n > 0) {
			sent += carry + (size_t)n;
			carry = sent % 8;
			sent -= carry;
		}
		turn(-1, 0);
	}
	sent += carry;
	assert_true(sent > 100000 && sent < 200 << 20);
	carry = 0;
	while (got + carry < sent) {
		turn(far[OUTSIDE], POLLIN);
		ssize_t n = recv(far[OUTSIDE], (char *)block + carry, sizeof block - carry, 0);
		assert_true(n > 0);
		size_t have = carry + (size_t)n;
		for (size_t i = 0; i < have / 8; i++)
			assert_int_equal(block[i], pattern(got / 8 + i));
		got += have / 8 * 8;
		carry = have % 8;
		memmove(block, block + have / 8, carry);
	}
	assert_int_equal(got + carry, sent);
	close(far[0]);
	turn(-1, 0);
	close(far[1]);
}

/* An urgent byte in the middle stops a read early: what stands behind it must not wait for ever. */
static void urgent_data(void **state)
{
	int far[2];

	pump_start(connection(far, NULL), 1 << INSIDE | 1 << OUTSIDE);
	assert_int_equal(send(far[INSIDE], "before", 6, 0), 6);
	assert_int_equal(send(far[INSIDE], "!", 1, MSG_OOB), 1);
	assert_int_equal(send(far[INSIDE], "behind", 6, 0), 6);
	char buf[64] = "";
	size_t have = 0;
	while (have < 12) {
		turn(far[OUTSIDE], POLLIN);
		ssize_t n = recv(far[OUTSIDE], buf + have, sizeof buf - have, 0);
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_string_equal(buf, "beforebehind");
	close(far[0]);
	close(far[1]);
	turn(-1, 0);
}

/* One that moves much lets the others through. */
static void turns(void **state)
{
	static char much[1 << 20];
	int bulk[2], small[2];
	size_t got = 0, sent = 0;

	pump_start(connection(bulk, NULL), 1 << INSIDE | 1 << OUTSIDE);
	pump_start(connection(small, NULL), 1 << INSIDE | 1 << OUTSIDE);
	while (got < 64 << 20) {
		ssize_t n = send(bulk[OUTSIDE], much, sizeof much, 0);
		sent += n > 0 ? (size_t)n : 0;
		if (sent % 3 == 0 && send(small[INSIDE], "x", 1, 0) == 1)
			expect(small[OUTSIDE], "x");
		turn(bulk[INSIDE], POLLIN);
		n = recv(bulk[INSIDE], much, sizeof much, 0);
		got += n > 0 ? (size_t)n : 0;
	}
	for (int i = 0; i < 2; i++) {
		close(bulk[i]);
		close(small[i]);
	}
	turn(-1, 0);
	assert_int_equal(pump.conns.used, 0);
}

static void end_of_an_owner(void **state)
{
	int mine[2] = {-1, -1}, other[2];
	struct pump_owner me = {0}, another = {0};
	char b;

	pump_start(connection(mine, &me), 1 << INSIDE | 1 << OUTSIDE);
	connection(other, &another); /* not even started */
	assert_int_equal(me.conns, 1);
	pump_end(&pump, &me);
	assert_int_equal(me.conns, 0);
	assert_int_equal(another.conns, 1);
	for (int side = INSIDE; side <= OUTSIDE; side++) {
		turn(mine[side], POLLIN);
		assert_int_equal(recv(mine[side], &b, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(mine[side]);
	}
	assert_int_equal(pump.conns.used, 1);
	pump_end(&pump, &another);
	assert_int_equal(pump.conns.used, 0);
	close(other[0]);
	close(other[1]);
}

#define BOTH_WAYS(fn)                                                                              \
	cmocka_unit_test_setup_teardown(fn, setup, teardown),                                      \
	{                                                                                          \
		"held " #fn, fn, setup_held, teardown, NULL                                        \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_WAYS(both_ways_and_half_close),
		BOTH_WAYS(all_before_start),
		BOTH_WAYS(resets_are_passed_on),
		BOTH_WAYS(bytes_before_a_reset),
		BOTH_WAYS(back_pressure),
		BOTH_WAYS(urgent_data),
		BOTH_WAYS(turns),
		BOTH_WAYS(end_of_an_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
