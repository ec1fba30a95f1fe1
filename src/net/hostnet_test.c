#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/proc.h"
#include "net/hostnet.h"
#include "sys/netdev.h"
#include "sys/rtnl.h"
#include "sys/userns.h"

enum { NO_NAMESPACE = 77 };

/* In a network namespace of its own: a device with addresses of both families, routes, a default route and the two halves of one. */
static int prefixes_of_a_host(void)
{
	static const uint8_t own4[] = {10, 1, 2, 3}, far[] = {10, 9, 0, 0}, via[] = {10, 1, 2, 9},
			     half[] = {128, 0, 0, 0}, own6[16] = {0xfd, 1, [15] = 3};
	static const char *const wanted[] = {"127.0.0.0/8", "10.1.2.0/24", "fd01::/64",
					     "10.9.0.0/16"};
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	autofree struct ip_net *v = NULL;
	struct err e = {0};
	size_t n, have = 0;

	autoclose int fd = rtnl_open(&e);
	nl_reset(b);
	rtnl_link(b, "make a bridge",
		  &(struct rtnl_link){.kind = "bridge", .name = "b0", .index = 1000, .up = true});
	rtnl_address(b, "set an address", 1000, AF_INET, own4, 24);
	rtnl_address(b, "set an address", 1000, AF_INET6, own6, 64);
	rtnl_route(b, "add a route",
		   &(struct rtnl_route){
			   .family = AF_INET, .to = far, .len = 16, .via = via, .table = 700});
	rtnl_route(b, "add half a default route",
		   &(struct rtnl_route){.family = AF_INET, .to = half, .len = 1, .via = via});
	rtnl_route(b, "add a default route", &(struct rtnl_route){.family = AF_INET, .via = via});
	if (fd < 0 || nl_talk(fd, b, NULL, &e) < 0 || hostnet_prefixes(&v, &n, &e) < 0)
		return 1;
	for (size_t i = 0; i < n; i++) {
		char text[IP_NET_TEXT];
		ip_net_text(&v[i], text);
		if (v[i].len < 2)
			return 2;
		for (size_t k = 0; k < countof(wanted); k++)
			have |= (size_t)!strcmp(text, wanted[k]) << k;
	}
	return have == (1U << countof(wanted)) - 1 ? 0 : 3;
}

static void prefixes(void **state)
{
	struct err e = {0};
	pid_t pid = proc_fork(0, NULL);

	if (pid == 0) {
		if (userns_become(0, 0, &e) < 0 || unshare(CLONE_NEWNET) < 0 ||
		    netdev_loopback_up(&e) < 0)
			_exit(NO_NAMESPACE);
		_exit(prefixes_of_a_host());
	}
	int r = proc_wait(pid);
	if (r == NO_NAMESPACE)
		skip();
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(prefixes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
