/* Unit tests of the map of flows and peers: who is found, how long things live, who makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "net/out_udp_map.h"

static const struct ip src = {4, {10, 88, 0, 2}}, other = {4, {10, 88, 0, 3}};
static struct member a, b;
static size_t ends;

static void ended(struct udp_flow *f)
{
	ends++;
}

static struct ip far(uint32_t i)
{
	return (struct ip){4, {192, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static void begin(struct udp_map *m, size_t max)
{
	ends = 0;
	udp_map_init(m, max, ended);
}

static void ending(struct udp_map *m)
{
	udp_map_forget(m, &a);
	udp_map_forget(m, &b);
	assert_int_equal(m->nflows, 0);
	assert_int_equal(m->npeers, 0);
	assert_null(m->flows);
	assert_null(m->peers);
	assert_null(m->members);
}

static void found(void **state)
{
	struct udp_map m;
	struct ip x = far(1), y = far(2);

	begin(&m, 100);
	assert_null(udp_flow_find(&m, &src, 5));
	struct udp_flow *f = udp_flow_make(&m, &a, &src, 5), *g = udp_flow_make(&m, &b, &other, 5);
	assert_ptr_equal(udp_flow_find(&m, &src, 5), f);
	assert_ptr_equal(udp_flow_find(&m, &other, 5), g);
	assert_null(udp_flow_find(&m, &src, 6));
	assert_null(udp_peer_find(f, &x, 53));
	struct udp_peer *p = udp_peer_sent(f, &x, &y, 53, 10);
	udp_peer_sent(g, &y, &y, 53, 10);
	assert_ptr_equal(udp_peer_find(f, &x, 53), p);
	assert_true(ip_equal(&p->shown, &y));
	/* Whoever it has not sent to is a stranger: another port, another address, a peer of another flow. */
	assert_null(udp_peer_find(f, &x, 54));
	assert_null(udp_peer_find(f, &y, 53));
	assert_null(udp_peer_find(g, &x, 53));
	udp_map_forget(&m, &a);
	assert_int_equal(ends, 1);
	assert_null(udp_flow_find(&m, &src, 5));
	assert_ptr_equal(udp_flow_find(&m, &other, 5), g);
	ending(&m);
}

static bool lives(bool answered, uint16_t port, int64_t talk, bool again, int64_t idle)
{
	struct udp_map m;
	struct ip x = far(1);

	begin(&m, 100);
	struct udp_flow *f = udp_flow_make(&m, &a, &src, 5);
	struct udp_peer *p = udp_peer_sent(f, &x, &x, port, 1000);
	if (answered)
		udp_peer_heard(p, 1000);
	if (again)
		udp_peer_sent(f, &x, &x, port, 1000);
	if (talk)
		udp_peer_sent(f, &x, &x, port, 1000 + talk);
	bool left = udp_map_sweep(&m, 1000 + talk + idle);
	assert_int_equal(left, m.nflows == 1);
	ending(&m);
	return left;
}

static void lifetimes(void **state)
{
	assert_true(lives(false, 99, 0, false, 29999));
	assert_false(lives(false, 99, 0, false, 30000));
	assert_false(lives(false, 99, 5000, false, 30000));
	assert_true(lives(true, 99, 0, false, 29999));
	assert_false(lives(true, 99, 0, false, 30000));
	assert_true(lives(true, 99, 2000, false, 179999));
	assert_false(lives(true, 99, 2000, false, 180000));
	/* A name server has answered: that was it. */
	assert_true(lives(true, 53, 0, false, 4999));
	assert_false(lives(true, 53, 0, false, 5000));
	assert_true(lives(false, 53, 0, false, 29999));
	assert_true(lives(true, 53, 0, true, 29999));
}

static void caps(void **state)
{
	struct udp_map m;
	struct ip x = far(1);

	begin(&m, 100);
	struct udp_flow *quiet = udp_flow_make(&m, &b, &other, 1);
	udp_peer_sent(quiet, &x, &x, 9, 0);
	/* One member has at most half, and drives out its own oldest, not the other's. */
	for (uint16_t i = 1; i <= 500; i++) {
		struct udp_flow *f = udp_flow_make(&m, &a, &src, i);
		assert_non_null(udp_peer_sent(f, &x, &x, 9, i));
	}
	assert_int_equal(m.nflows, 51);
	assert_ptr_equal(udp_flow_find(&m, &other, 1), quiet);
	assert_null(udp_flow_find(&m, &src, 450));
	assert_non_null(udp_flow_find(&m, &src, 451));
	/* What is used stays. */
	udp_peer_sent(udp_flow_find(&m, &src, 451), &x, &x, 9, 600);
	udp_flow_make(&m, &a, &src, 501);
	assert_non_null(udp_flow_find(&m, &src, 451));
	assert_null(udp_flow_find(&m, &src, 452));
	/* Descriptors run out: who has most gives. */
	assert_true(udp_flow_evict(&m, quiet));
	assert_int_equal(m.nflows, 50);
	assert_ptr_equal(udp_flow_find(&m, &other, 1), quiet);
	ending(&m);
	assert_false(udp_flow_evict(&m, NULL));
}

static void many_peers(void **state)
{
	struct udp_map m;

	begin(&m, 100);
	struct udp_flow *f = udp_flow_make(&m, &a, &src, 1);
	for (uint32_t i = 0; i < 3 * PEERS_FLOW; i++) {
		struct ip x = far(i);
		assert_non_null(udp_peer_sent(f, &x, &x, 9, i));
	}
	assert_int_equal(f->npeers, PEERS_FLOW);
	assert_int_equal(m.npeers, PEERS_FLOW);
	struct ip old = far(2 * PEERS_FLOW - 1), young = far(2 * PEERS_FLOW);
	assert_null(udp_peer_find(f, &old, 9));
	assert_non_null(udp_peer_find(f, &young, 9));
	/* All flows together. */
	for (uint16_t k = 2; k <= 40; k++) {
		struct udp_flow *g = udp_flow_make(&m, k % 2 ? &a : &b, k % 2 ? &src : &other, k);
		for (uint32_t i = 0; i < 1000; i++) {
			struct ip x = far(i);
			assert_non_null(udp_peer_sent(g, &x, &x, 9, i));
		}
	}
	assert_true(m.npeers <= PEERS_MAX);
	ending(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(lifetimes),
		cmocka_unit_test(caps),
		cmocka_unit_test(many_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
