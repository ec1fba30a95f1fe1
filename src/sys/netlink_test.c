/* Messages as they are written, and as they are taken apart; and rtnetlink against the kernel, in a namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>
#include <sched.h>

#include "base/base.h"
#include "base/proc.h"
#include "sys/netdev.h"
#include "sys/rtnl.h"
#include "sys/userns.h"

enum { NO_NAMESPACE = 77 };

static void a_message_and_its_nests(void **state)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct nl_attr a;
	struct nl_msg m;
	size_t pos = 0, at = 0;

	nl_reset(b);
	uint32_t *fixed = nl_message(b, "say", 77, NLM_F_CREATE, 4);
	*fixed = 5;
	nl_put_u8(b, 1, 200);
	size_t nest = nl_nest(b, 2);
	nl_put_text(b, 3, "four");
	nl_put_be32(b, 4, 0x01020304);
	nl_nest_end(b, nest);
	nl_message(b, "say more", 78, 0, 0);
	assert_false(b->full);
	assert_int_equal(b->n, 2);

	assert_true(nl_next_msg(b->buf, b->len, &pos, &m));
	assert_int_equal(m.type, 77);
	assert_int_equal(m.flags, NLM_F_REQUEST | NLM_F_CREATE);
	assert_int_equal(m.seq, 1);
	assert_int_equal(m.n, 4 + 8 + 4 + 12 + 8);
	at = 4;
	assert_true(nl_next(m.p, m.n, &at, &a));
	assert_int_equal(a.type, 1);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.p[0], 200);
	assert_true(nl_next(m.p, m.n, &at, &a));
	assert_int_equal(a.type, 2); /* without the flag */
	assert_int_equal(a.n, 20);
	struct nl_attr in;
	size_t inner = 0;
	assert_true(nl_next(a.p, a.n, &inner, &in));
	assert_string_equal((const char *)in.p, "four");
	assert_true(nl_next(a.p, a.n, &inner, &in));
	assert_memory_equal(in.p, "\1\2\3\4", 4);
	assert_false(nl_next(a.p, a.n, &inner, &in));
	assert_false(nl_next(m.p, m.n, &at, &a));
	assert_true(nl_next_msg(b->buf, b->len, &pos, &m));
	assert_int_equal(m.type, 78);
	assert_int_equal(m.n, 0);
	assert_false(nl_next_msg(b->buf, b->len, &pos, &m));
}

/* Nothing is sent of a batch that did not fit, and nothing is written beside it. */
static void too_much(void **state)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct err e = {0};

	nl_reset(b);
	for (int i = 0; i < NL_MESSAGES + 3; i++)
		memset(nl_message(b, "one of many", 1, 0, 16), 1, 16);
	assert_true(b->full);
	assert_int_equal(nl_talk(-1, b, NULL, &e), -ENOBUFS);
	assert_non_null(strstr(e.msg, "one of many"));

	static const uint8_t much[NL_ROOM];
	nl_reset(b);
	nl_message(b, "long", 1, 0, 0);
	size_t nest = nl_nest(b, 1);
	nl_put(b, 2, much, sizeof much);
	nl_put_u8(b, 3, 1);
	nl_nest_end(b, nest);
	assert_true(b->full);
	assert_int_equal(nl_talk(-1, b, NULL, &e), -ENOBUFS);
	/* A full one can be used again; an empty one says nothing. */
	nl_reset(b);
	assert_int_equal(nl_talk(-1, b, NULL, &e), 0);
}

static void broken_attributes(void **state)
{
	static const struct {
		uint8_t b[12];
		size_t n;
	} bad[] = {
		{{0}, 0},	   {{4, 0, 1}, 3},	     {{3, 0, 1, 0}, 4},
		{{5, 0, 1, 0}, 4}, {{255, 255, 1, 0, 9}, 5},
	};
	struct nl_attr a;

	for (size_t i = 0; i < countof(bad); i++) {
		size_t pos = 0;
		assert_false(nl_next(bad[i].b, bad[i].n, &pos, &a));
	}
	static const uint8_t short_value[] = {6, 0, 1, 0, 7, 7};
	size_t pos = 0;
	assert_true(nl_next(short_value, sizeof short_value, &pos, &a));
	assert_int_equal(nl_u32(&a), 0);
	assert_false(nl_next(short_value, sizeof short_value, &pos, &a));
}

/* ---- against the kernel */

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "# %s:%d: %s: %s\n", __FILE__, __LINE__, #c, e.msg);       \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int devices_and_routes(void)
{
	static const uint8_t mac[6] = {2, 1, 2, 3, 4, 5}, own4[] = {10, 1, 2, 3},
			     far[] = {10, 9, 0, 0}, via[] = {10, 1, 2, 9},
			     own6[16] = {0xfd, 1, [15] = 3};
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct err e = {0};
	uint8_t got[16];
	int index;

	autoclose int fd = rtnl_open(&e);
	CHECK(fd >= 0);
	nl_reset(b);
	rtnl_link(b, "make a bridge",
		  &(struct rtnl_link){.kind = "bridge",
				      .name = "b0",
				      .index = 1000,
				      .mac = mac,
				      .mtu = 9000,
				      .up = true});
	rtnl_address(b, "set an address", 1000, AF_INET, own4, 24);
	rtnl_address(b, "set an address", 1000, AF_INET6, own6, 64);
	rtnl_route(b, "add a route",
		   &(struct rtnl_route){.family = AF_INET,
					.to = far,
					.len = 16,
					.via = via,
					.table = 700,
					.metric = 44});
	rtnl_rule(b, "add a rule", AF_INET, 9, 200);
	rtnl_rule(b, "add it again", AF_INET, 9, 200);
	CHECK(nl_talk(fd, b, NULL, &e) == 0);
	CHECK(rtnl_index(fd, "b0") == 1000);
	CHECK(rtnl_index(fd, "b1") == -ENODEV);
	CHECK(rtnl_mac(fd, "b0", got) == 0 && !memcmp(got, mac, 6));
	CHECK(rtnl_route_to(fd, AF_INET, via, &index, got, &e) == 0);
	CHECK(index == 1000 && !memcmp(got, own4, 4));
	CHECK(rtnl_route_to(fd, AF_INET, far, &index, got, &e) == -ENETUNREACH);

	/* The one that fails is named, and what the kernel says; what stands behind it is done. */
	int failed;
	rtnl_link(b, "make one more bridge",
		  &(struct rtnl_link){.kind = "bridge", .name = "b2", .index = 1002});
	rtnl_link(b, "make what nobody knows",
		  &(struct rtnl_link){.kind = "nonsense", .name = "b3"});
	rtnl_link(b, "make the last",
		  &(struct rtnl_link){.kind = "bridge", .name = "b4", .index = 1004});
	CHECK(nl_talk(fd, b, &failed, &e) == -EOPNOTSUPP && failed == 1);
	CHECK(strstr(e.msg, "make what nobody knows: ") == e.msg &&
	      strstr(e.msg, "Unknown device type"));
	CHECK(rtnl_index(fd, "b4") == 1004);
	rtnl_link_delete(b, "delete", 1004);
	rtnl_link_delete(b, "delete what is not there", 1004);
	nl_may(b, ENODEV);
	rtnl_address_delete(b, "delete the address", 1000, AF_INET, own4, 24);
	CHECK(nl_talk(fd, b, NULL, &e) == 0);
	CHECK(rtnl_index(fd, "b4") == -ENODEV);
	return 0;
}

static void rtnetlink(void **state)
{
	struct err e = {0};
	pid_t pid = proc_fork(0, NULL);

	if (pid == 0) {
		if (userns_become(0, 0, &e) < 0 || unshare(CLONE_NEWNET) < 0 ||
		    netdev_loopback_up(&e) < 0)
			_exit(NO_NAMESPACE);
		_exit(devices_and_routes());
	}
	int r = proc_wait(pid);
	if (r == NO_NAMESPACE)
		skip();
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_and_its_nests),
		cmocka_unit_test(too_much),
		cmocka_unit_test(broken_attributes),
		cmocka_unit_test(rtnetlink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
