/* A network's namespace made for real: in a user and network namespace of the test's own, with a container of one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/proc.h"
#include "net/guest.h"
#include "net/link.h"
#include "net/plan.h"
#include "net/rules.h"
#include "net/setup.h"
#include "sys/netdev.h"
#include "sys/nft.h"
#include "sys/rtnl.h"
#include "sys/userns.h"

enum { NO_NAMESPACE = 77, WAIT_MS = 5000, TUN_HEAD = sizeof(struct virtio_net_hdr) };

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "# line %d: %s: %s\n", __LINE__, #c, e.msg);               \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static struct subnet subnets[2] = {{.subnet = "10.77.0.0/24", .gateway = "10.77.0.1"},
				   {.subnet = "fd00:77::/64", .gateway = "fd00:77::1"}};
static const struct endpoint one = {
	.ifname = "eth0", .ip4 = "10.77.0.9", .ip6 = "fd00:77::9", .mac = "0a:58:0a:4d:00:09"};

static struct network network(size_t nsubnets, bool internal)
{
	return (struct network){.name = "n",
				.driver = "bridge",
				.interface = "br7",
				.subnets = {subnets, nsubnets},
				.internal = internal};
}

static void a_plan(void **state)
{
	struct network n = network(2, false);
	struct pair mtu = {"mtu", "1400"}, icc = {"com.docker.network.bridge.enable_icc", "false"};
	struct netns_plan p;
	struct err e = {0};

	assert_int_equal(netns_plan(&n, &p, &e), 0);
	assert_string_equal(p.bridge, "br7");
	assert_int_equal(p.mtu, N_MTU);
	assert_int_equal(p.sub4.len, 24);
	assert_int_equal(p.sub4.ip.b[3], 1);
	assert_int_equal(p.sub6.ip.family, 6);
	assert_memory_equal(p.mac, "\x0a\x58\x0a\x4d\x00\x01", 6);
	assert_false(p.isolate);
	n.options = (struct pairs){&mtu, 1};
	assert_int_equal(netns_plan(&n, &p, &e), 0);
	assert_int_equal(p.mtu, 1400);
	mtu.v = "1000"; /* too little for IPv6 */
	assert_int_equal(netns_plan(&n, &p, &e), -EINVAL);
	n.options = (struct pairs){&icc, 1};
	assert_int_equal(netns_plan(&n, &p, &e), 0);
	assert_true(p.isolate);
	subnets[0].gateway = "fd00::1";
	assert_int_equal(netns_plan(&n, &p, &e), -EINVAL);
	subnets[0].gateway = "10.77.0.1";
}

static bool is_set(const char *path, const char *value)
{
	scoped(str) text = {0};
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fd_read_all(fd, &text, 100) == 0 && str_starts(str_cstr(&text), value);
}

/* ---- the container */

static int connect_to(int family, const char *text, uint16_t port)
{
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	autoclose int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ip ip;

	if (fd < 0 || ip_parse(text, &ip) < 0)
		return -EINVAL;
	memcpy(&a4.sin_addr, ip.b, 4);
	memcpy(&a6.sin6_addr, ip.b, 16);
	int r = family == AF_INET ? connect(fd, (struct sockaddr *)&a4, sizeof a4)
				  : connect(fd, (struct sockaddr *)&a6, sizeof a6);
	return r < 0 ? -errno : 0;
}

/* Joins a namespace of its own, says so, waits for its device, and speaks with the gateway. */
static int container(int sock)
{
	struct guest_iface g = {.name = "eth0"};
	struct err e = {0};
	char c = 'r';

	CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
	CHECK(netdev_loopback_up(&e) == 0);
	CHECK(write(sock, &c, 1) == 1 && read(sock, &c, 1) == 1);
	ip_net_parse("10.77.0.9/24", &g.ip4);
	ip_net_parse("fd00:77::9/64", &g.ip6);
	ip_parse("10.77.0.1", &g.gw4);
	ip_parse("fd00:77::1", &g.gw6);
	g.nroutes = 1;
	ip_net_parse("10.78.0.5/16", &g.routes[0].to);
	ip_parse("10.77.0.7", &g.routes[0].via);
	CHECK(guest_configure(&g, &e) == 0);
	CHECK(connect_to(AF_INET, "10.77.0.1", 53) == 0);
	CHECK(connect_to(AF_INET6, "fd00:77::1", 53) == 0);
	CHECK(connect_to(AF_INET, "10.77.0.1", 54) == -ECONNREFUSED);
	c = 'd';
	CHECK(write(sock, &c, 1) == 1 && read(sock, &c, 1) == 1);
	/* The listener for what is put back is no way out: nothing but rules leads to it. */
	CHECK(connect_to(AF_INET, "10.77.0.1", 53) == 0);
	/* A SYN to somewhere else goes into the TUN. */
	autoclose int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0x08080808)};
	CHECK(connect(s, (struct sockaddr *)&a, sizeof a) < 0 && errno == EINPROGRESS);
	CHECK(write(sock, &c, 1) == 1);
	CHECK(read(sock, &c, 1) == 0);
	return 0;
}

static bool said(int sock)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	char c;

	return poll(&p, 1, WAIT_MS) == 1 && read(sock, &c, 1) == 1;
}

static bool syn_comes(int tun)
{
	struct pollfd p = {.fd = tun, .events = POLLIN};
	uint8_t b[70000];

	/* Other packets may come first: what IPv6 says of itself. */
	while (poll(&p, 1, WAIT_MS) == 1) {
		ssize_t n = read(tun, b, sizeof b);
		const uint8_t *ip = b + TUN_HEAD;
		if (n >= (ssize_t)TUN_HEAD + 40 && ip[0] == 0x45 && ip[9] == 6)
			return !memcmp(ip + 12, "\x0a\x4d\x00\x09\x08\x08\x08\x08", 8);
	}
	return false;
}

static int count_one(const uint8_t *key, size_t n, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

/* How many addresses the rules let pass. */
static unsigned allowed(int nfnl)
{
	unsigned n = 0;

	if (nft_elements(nfnl, NFPROTO_BRIDGE, "hoy", "own4", count_one, &n, NULL) < 0 ||
	    nft_elements(nfnl, NFPROTO_BRIDGE, "hoy", "own6", count_one, &n, NULL) < 0)
		return UINT_MAX;
	return n;
}

/* What the rules came out as, in the words of nft(8), where that is installed. */
static bool rules_read_well(void)
{
	static const char *const wanted[] = {
		"tproxy ip to 127.0.0.1:1",
		"tproxy ip6 to [::1]:1",
		"ip daddr 10.77.0.0/24 accept",
		"ip6 daddr fd00:77::/64 accept",
		"socket transparent 1",
		"policy drop",
		"udp sport 67 drop",
		"udp sport 547 drop",
		"icmpv6 type nd-router-advert drop",
		"icmpv6 type nd-redirect drop",
		"iif . ether saddr . ip saddr @own4 accept",
		"iif . arp saddr ether . arp saddr ip @own4 accept",
	};
	static const char *const argv[] = {"nft", "list", "ruleset", NULL};
	autoclose int out = memfd_create("out", MFD_CLOEXEC);
	struct spawn sp = {"/usr/sbin/nft", argv, NULL, -1, out, 2};
	scoped(str) text = {0};
	bool all = true;
	pid_t pid;

	if (access(sp.path, X_OK) < 0)
		return true;
	if (proc_spawn(&sp, &pid, NULL) < 0 || proc_wait(pid) != 0 || lseek(out, 0, SEEK_SET) < 0 ||
	    fd_read_all(out, &text, 100000) < 0)
		return false;
	for (size_t i = 0; i < countof(wanted); i++)
		if (!strstr(str_cstr(&text), wanted[i])) {
			fprintf(stderr, "# no \"%s\" in %s\n", wanted[i], str_cstr(&text));
			all = false;
		}
	return all;
}

static int whole_network(struct netns_fds *f, int sock, pid_t pid)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct network n = network(2, false);
	struct err e = {0};

	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(netns_setup(&n, true, f, &e) == 0);
	for (int i = 0; i < NETNS_FDS; i++)
		CHECK(((int *)f)[i] >= 0 && fcntl(((int *)f)[i], F_GETFD) == FD_CLOEXEC);
	CHECK(is_set("/proc/sys/net/ipv4/ip_forward", "1"));
	CHECK(is_set("/proc/sys/net/ipv4/conf/br7/rp_filter", "0"));
	CHECK(is_set("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"));
	CHECK(is_set("/proc/sys/net/ipv6/conf/all/forwarding", "1"));

	autoclose int rtnl = rtnl_open(&e);
	autoclose int nfnl = nft_open(&e);
	CHECK(said(sock));
	CHECK(link_make(rtnl, nfnl, &n, &one, pid, &e) == 0);
	CHECK(write(sock, "g", 1) == 1 && said(sock));

	/* The network process dies, another one comes: the container notices nothing. */
	netns_close(f);
	CHECK(netns_setup(&n, false, f, &e) == 0);
	CHECK(write(sock, "g", 1) == 1 && said(sock));
	CHECK(syn_comes(f->tun));

	/* The same address again: what is left of the container before is taken away. */
	CHECK(rtnl_index(rtnl, "v10009") > 0);
	struct endpoint same = one;
	same.ifname = "eth1";
	CHECK(link_make(rtnl, nfnl, &n, &same, pid, &e) == 0);
	same.ifname = "lo"; /* taken in the container */
	CHECK(link_make(rtnl, nfnl, &n, &same, pid, &e) == -EEXIST && e.hint[0]);
	CHECK(rtnl_index(rtnl, "v10009") == -ENODEV);
	same.mac = "0a:58:0a:4d:00:01"; /* the gateway's */
	CHECK(link_make(rtnl, nfnl, &n, &same, pid, &e) == -EADDRINUSE);
	CHECK(link_make(rtnl, nfnl, &n, &one, pid, &e) == 0);
	CHECK(allowed(nfnl) == 3);
	CHECK(rules_read_well());

	/* Devices that end by themselves leave what was allowed to them; that is cleared away, and nothing else. */
	for (int i = 0; i < 100; i++) {
		const uint8_t mac[MAC_LEN] = {0x0a, 0x58, [5] = (uint8_t)i};
		struct ip ip4 = {.family = 4, .b = {10, 77, 0, (uint8_t)i}}, none = {0};
		nl_reset(b);
		nft_begin(b);
		rules_port(b, false, 0x20000 + i, mac, &ip4, &none);
		nft_end(b);
		CHECK(nl_talk(nfnl, b, NULL, &e) == 0);
	}
	CHECK(allowed(nfnl) == 103);
	CHECK(rules_sweep(rtnl, nfnl, &e) == 0);
	CHECK(allowed(nfnl) == 3);
	link_remove(rtnl, nfnl, &n, &one);
	CHECK(rtnl_index(rtnl, "v10009") == -ENODEV);
	CHECK(allowed(nfnl) == 0);
	return 0;
}

static int other_networks(void)
{
	struct network four = network(1, false), internal = network(2, true);
	struct netns_fds f;
	struct err e = {0};

	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(netns_setup(&four, true, &f, &e) == 0);
	CHECK(f.tun >= 0 && f.listen4 >= 0 && f.listen6 < 0 && f.dns_udp6 < 0);
	netns_close(&f);
	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(netns_setup(&internal, true, &f, &e) == 0);
	CHECK(f.tun < 0 && f.listen4 < 0 && f.listen6 < 0 && f.dns_udp4 >= 0 && f.dns_tcp6 >= 0);
	netns_close(&f);
	return 0;
}

static int all(void)
{
	struct netns_fds f = NETNS_FDS_NONE;
	struct err e = {0};
	int s[2];

	if (userns_become(0, 0, &e) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
		return NO_NAMESPACE;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0) {
		close(s[0]);
		_exit(container(s[1]));
	}
	close(s[1]);
	int r = whole_network(&f, s[0], pid);
	close(s[0]);
	if (r)
		kill(pid, SIGKILL);
	int of_container = proc_wait(pid);
	netns_close(&f);
	return r ? r : of_container ? of_container : other_networks();
}

static void networks(void **state)
{
	pid_t pid = proc_fork(0, NULL);

	if (pid == 0)
		_exit(all());
	int r = proc_wait(pid);
	if (r == NO_NAMESPACE)
		skip();
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_plan), cmocka_unit_test(networks)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
