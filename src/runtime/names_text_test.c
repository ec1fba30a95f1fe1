#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "runtime/names_text.h"

static struct arena a;

struct setup {
	struct container_config c, other;
	struct bind_list nets;
	struct resolv host, behind;
	struct names_in in;
};

static struct names_net *net(struct setup *s, const char *ip4, const char *gw4, bool dns)
{
	struct names_net *v = bind_append(&a, &s->nets, sizeof *v);

	*v = (struct names_net){.network = "n", .ip4 = ip4, .gw4 = gw4, .dns = dns, .served = true};
	return v;
}

static void set_host(struct setup *s, const char *hosts, const char *resolv)
{
	s->in.base = hosts;
	s->in.base_len = strlen(hosts);
	s->in.host_resolv = resolv;
	s->in.host_resolv_len = strlen(resolv);
	resolv_parse(resolv, strlen(resolv), &s->host);
}

static void make(struct setup *s, const char *network)
{
	memset(s, 0, sizeof *s);
	s->c = (struct container_config){.network = network, .hostname = "box", .name = "web"};
	s->in = (struct names_in){.c = &s->c,
				  .net = &s->c,
				  .nets = &s->nets,
				  .nodename = "machine",
				  .host = &s->host,
				  .behind = &s->behind};
	set_host(s, "127.0.0.1 localhost\n127.0.1.1 machine\n10.0.0.9 printer # on the floor\n",
		 "nameserver 127.0.0.53\nsearch lan\noptions edns0\n");
}

static void hosts_are(const struct setup *s, const char *want)
{
	scoped(str) out = {0};

	names_hosts_text(&s->in, &out);
	assert_string_equal(str_cstr(&out), want);
}

static void resolv_is(const struct setup *s, const char *want)
{
	scoped(str) out = {0};

	names_resolv_text(&s->in, &out);
	assert_string_equal(str_cstr(&out), want);
}

#define LOCAL "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
#define HOST  "169.254.1.2\thost.containers.internal host.docker.internal\n"
#define BEGIN "# Made by hoy, and again when the container's networks change:\n"
#define END   "# End of what hoy makes.\n"

static void test_no_network(void **state)
{
	struct setup s;

	make(&s, "none");
	hosts_are(&s, LOCAL "10.0.0.9\tprinter\n127.0.1.1\tbox web\n");
	resolv_is(&s, "nameserver 127.0.0.53\nsearch lan\noptions edns0\n");
	s.c.domainname = "example.org";
	s.c.hosts_file = "none";
	s.in.base_len = 0;
	hosts_are(&s, LOCAL "127.0.1.1\tbox.example.org box web\n");
}

static void test_host_network(void **state)
{
	struct setup s;

	make(&s, "host");
	s.c.hostname = "machine";
	hosts_are(&s, "127.0.0.1 localhost\n127.0.1.1 machine\n10.0.0.9 printer # on the floor\n"
		      "127.0.0.1\thost.containers.internal host.docker.internal\n");
	resolv_is(&s, "nameserver 127.0.0.53\nsearch lan\noptions edns0\n");
	strs_add(&a, &s.c.dns, "9.9.9.9");
	resolv_is(&s, "search lan\nnameserver 9.9.9.9\noptions edns0\n");
	strs_add(&a, &s.c.dns_search, ".");
	strs_add(&a, &s.c.dns_options, "ndots:2");
	resolv_is(&s, "nameserver 9.9.9.9\noptions ndots:2\n");
}

static void test_networks(void **state)
{
	struct setup s;

	make(&s, "bridge");
	struct names_net *v = net(&s, "10.89.0.2", "10.89.0.1", true);
	v->ip6 = "fd00::2";
	strs_add(&a, &v->aliases, "www");
	strs_add(&a, &v->aliases, "WEB"); /* it is there already */
	net(&s, "10.89.1.7", "10.89.1.1", true);
	hosts_are(&s, LOCAL "10.0.0.9\tprinter\n" HOST BEGIN "10.89.0.2\tbox web www\n"
			    "fd00::2\tbox web www\n10.89.1.7\tbox web\n" END);
	resolv_is(&s, "search dns.podman lan\nnameserver 10.89.1.1\nnameserver 10.89.0.1\noptions "
		      "edns0\n");
	strs_add(&a, &s.c.dns, "9.9.9.9");
	strs_add(&a, &s.c.dns, "127.0.0.1");
	resolv_is(&s,
		  "search dns.podman lan\nnameserver 127.0.0.1\nnameserver 10.89.1.1\nnameserver "
		  "10.89.0.1\noptions edns0\n");
	struct strs forward = {0};
	names_forward(&s.c, &forward, &a);
	assert_int_equal(forward.n, 1);
	assert_string_equal(forward.v[0], "9.9.9.9");
}

static void test_default_network(void **state)
{
	struct setup s;

	make(&s, "bridge");
	net(&s, "10.88.0.2", "10.88.0.1", false);
	resolv_is(&s, "search lan\nnameserver 10.88.0.1\noptions edns0\n");
	strs_add(&a, &s.c.dns, "127.0.0.1");
	strs_add(&a, &s.c.dns, "9.9.9.9");
	resolv_is(&s, "search lan\nnameserver 127.0.0.1\nnameserver 9.9.9.9\noptions edns0\n");
}

/* macvlan: there is no name server of ours, and the host's loopback is not theirs. */
static void test_no_server(void **state)
{
	struct setup s;

	make(&s, "bridge");
	net(&s, "192.168.1.77", "192.168.1.1", false)->served = false;
	resolv_parse("nameserver 192.168.1.1\n", 23, &s.behind);
	resolv_is(&s, "search lan\nnameserver 192.168.1.1\noptions edns0\n");
	struct names_net *v = s.nets.v;
	strs_add(&a, &v->dns_servers, "8.8.8.8");
	resolv_is(&s, "search lan\nnameserver 8.8.8.8\noptions edns0\n");
}

/* Programs that bring a name server along. */
static void test_programs(void **state)
{
	struct setup s;

	make(&s, "pasta");
	resolv_is(&s, "search lan\nnameserver 169.254.1.1\noptions edns0\n");
	strs_add(&a, &s.c.network_options, "--dns-forward");
	strs_add(&a, &s.c.network_options, "10.1.1.1");
	resolv_is(&s, "search lan\nnameserver 10.1.1.1\noptions edns0\n");
	make(&s, "slirp4netns");
	resolv_is(&s, "search lan\nnameserver 10.0.2.3\noptions edns0\n");
	strs_add(&a, &s.c.network_options, "cidr=10.7.0.0/16");
	resolv_is(&s, "search lan\nnameserver 10.7.0.3\noptions edns0\n");
	hosts_are(&s, LOCAL "10.0.0.9\tprinter\n10.7.0.2\thost.containers.internal "
			    "host.docker.internal\n127.0.1.1\tbox web\n");
	strs_add(&a, &s.c.dns, "9.9.9.9");
	resolv_is(&s, "search lan\nnameserver 9.9.9.9\noptions edns0\n");
}

static void test_joined(void **state)
{
	struct setup s;

	make(&s, "container:0");
	s.other = (struct container_config){.network = "bridge", .hostname = "there", .name = "db"};
	s.in.net = &s.other;
	net(&s, "10.89.0.2", "10.89.0.1", true);
	hosts_are(&s, LOCAL "10.0.0.9\tprinter\n" HOST BEGIN "10.89.0.2\tbox web there db\n" END);
	resolv_is(&s, "search dns.podman lan\nnameserver 10.89.0.1\noptions edns0\n");
}

static void test_extra_hosts(void **state)
{
	struct setup s;

	make(&s, "bridge");
	net(&s, "10.89.0.2", "10.89.0.1", true);
	set_host(&s,
		 "1.1.1.1 a A.b printer\n2.2.2.2 c localhost host.docker.internal box web machine\n"
		 "nonsense x\n3.3.3.3\n4.4.4.4 # y\n",
		 "");
	strs_add(&a, &s.c.extra_hosts, "a;a.b:5.5.5.5");
	strs_add(&a, &s.c.extra_hosts, "c:fd00::9");
	strs_add(&a, &s.c.extra_hosts, "host.docker.internal:host-gateway");
	hosts_are(&s,
		  LOCAL "1.1.1.1\tprinter\n5.5.5.5\ta a.b\nfd00::9\tc\n"
			"169.254.1.2\thost.docker.internal\n"
			"169.254.1.2\thost.containers.internal\n" BEGIN "10.89.0.2\tbox web\n" END);
}

static void replaced(const char *old, const char *block, const char *want)
{
	scoped(str) out = {0};

	names_replace_block(old, strlen(old), block, &out);
	assert_string_equal(str_cstr(&out), want);
}

static void test_block(void **state)
{
	const char *block = BEGIN "10.89.0.2\tbox\n" END;

	replaced("a\n" BEGIN "old\n" END "b\n", block, "a\n" BEGIN "10.89.0.2\tbox\n" END "b\n");
	replaced("a\n" BEGIN "old\n" END, block, "a\n" BEGIN "10.89.0.2\tbox\n" END);
	replaced("a", block, "a\n" BEGIN "10.89.0.2\tbox\n" END);
	replaced("", block, block);
	replaced(BEGIN "old\n# End of what hoy makes.", block, block);
	replaced(BEGIN "old\n", "", BEGIN "old\n"); /* no end: not touched */
	replaced(END "a\n" BEGIN, "", END "a\n" BEGIN);
	replaced("a\n" BEGIN "old\n" END "b\n", "", "a\nb\n");
}

static void check_order(const char *kinds, const char *want)
{
	struct names_net v[8] = {0};
	size_t n = strlen(kinds), order[9];
	char text[9] = {0};

	for (size_t i = 0; i < n; i++) {
		v[i].served = kinds[i] != '-';
		v[i].internal = kinds[i] == 'i';
	}
	size_t k = names_order(v, n, order);
	assert_int_equal(k, strlen(want));
	for (size_t i = 0; i < k; i++)
		text[i] = (char)('0' + order[i]);
	assert_string_equal(text, want);
	size_t last = 0;
	for (size_t i = 0; i < k; i++) {
		size_t at = k < 3 ? k - 1 : 2;
		assert_int_equal(v[order[i]].dns_not_last, i != at);
		last += !v[order[i]].dns_not_last;
	}
	assert_int_equal(last, k ? 1 : 0);
}

static void test_order(void **state)
{
	check_order("", "");
	check_order("-", "");
	check_order("n", "0");
	check_order("nn", "10");
	check_order("in", "01");
	check_order("ii", "10");
	check_order("-n", "1");
	check_order("nnnn", "1203");
	check_order("ini-n", "0214");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_network), cmocka_unit_test(test_host_network),
		cmocka_unit_test(test_networks),   cmocka_unit_test(test_default_network),
		cmocka_unit_test(test_no_server),  cmocka_unit_test(test_programs),
		cmocka_unit_test(test_joined),	   cmocka_unit_test(test_extra_hosts),
		cmocka_unit_test(test_block),	   cmocka_unit_test(test_order),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(&a);
	return r;
}
