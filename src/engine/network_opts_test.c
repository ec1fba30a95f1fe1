/* Unit tests of --network and its flags, as texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "engine/network_opts.h"

static struct arena arena;

static int teardown(void **state)
{
	arena_free(&arena);
	return 0;
}

static void put(struct str *s, const char *key, const char *value)
{
	if (value)
		str_addf(s, " %s=%s", key, value);
}

/* The plan in words. */
static char *shown(const struct network_plan *p)
{
	const struct network_ask *v = p->asks.v;
	scoped(str) s = {0};

	str_add(&s, p->mode);
	for (size_t i = 0; i < p->options.n; i++)
		str_addf(&s, " (%s)", p->options.v[i]);
	for (size_t i = 0; i < p->asks.n; i++) {
		str_addf(&s, "; %s", v[i].name);
		put(&s, "ip", v[i].ip4);
		put(&s, "ip6", v[i].ip6);
		put(&s, "mac", v[i].mac);
		put(&s, "if", v[i].ifname);
		for (size_t k = 0; k < v[i].aliases.n; k++)
			put(&s, "alias", v[i].aliases.v[k]);
		if (v[i].priority)
			str_addf(&s, " priority=%" PRId64, v[i].priority);
	}
	return arena_strdup(&arena, str_cstr(&s));
}

/* Flags as words: what has no dash is a --network. */
static int parse(const char *const *words, struct network_plan *p, struct err *e)
{
	struct network_opts o = {0};

	for (; *words; words++) {
		const char *w = *words;
		if (str_starts(w, "-ip="))
			o.ip = w + 4;
		else if (str_starts(w, "-ip6="))
			o.ip6 = w + 5;
		else if (str_starts(w, "-mac="))
			o.mac = w + 5;
		else if (str_starts(w, "-alias="))
			strs_add(&arena, &o.aliases, w + 7);
		else if (str_starts(w, "-link="))
			strs_add(&arena, &o.links, w + 6);
		else if (str_starts(w, "-ll="))
			strs_add(&arena, &o.link_local, w + 4);
		else
			strs_add(&arena, &o.networks, w);
	}
	return network_opts_parse(&o, p, &arena, e);
}

static void taken(void **state)
{
	static const struct {
		const char *words[5], *plan;
	} good[] = {
		{{NULL}, "bridge; bridge"},
		{{""}, "bridge; bridge"},
		{{"bridge"}, "bridge; bridge"},
		{{"default"}, "bridge; bridge"},
		{{"podman"}, "bridge; bridge"},
		{{"private"}, "bridge; bridge"},
		{{"none"}, "none"},
		{{"host"}, "host"},
		{{"pasta"}, "pasta"},
		{{"pasta:"}, "pasta"},
		{{"pasta:-T,5432,--mtu,1500"}, "pasta (-T) (5432) (--mtu) (1500)"},
		{{"slirp4netns"}, "slirp4netns"},
		{{"slirp4netns:mtu=1500,allow_host_loopback=true"},
		 "slirp4netns (mtu=1500) (allow_host_loopback=true)"},
		{{"slirp4netns:cidr=10.5.0.0/"
		  "16,enable_ipv6=false,outbound_addr=eth0,port_handler=slirp4netns"},
		 "slirp4netns (cidr=10.5.0.0/16) (enable_ipv6=false) (outbound_addr=eth0) "
		 "(port_handler=slirp4netns)"},
		{{"container:web"}, "container:web"},
		{{"ns:/proc/1/ns/net"}, "ns:/proc/1/ns/net"},
		{{"web"}, "bridge; web"},
		{{"nonesuch"}, "bridge; nonesuch"},
		{{"hosts"}, "bridge; hosts"},
		{{"container"}, "bridge; container"},
		{{"ns"}, "bridge; ns"},
		{{"pastarella"}, "bridge; pastarella"},
		{{"web,db"}, "bridge; web; db"},
		{{"web", "db"}, "bridge; web; db"},
		{{"bridge", "db"}, "bridge; bridge; db"},
		{{"", "db"}, "bridge; db"},
		{{"web:ip=10.89.0.5"}, "bridge; web ip=10.89.0.5"},
		{{"web:ip=fd00::5"}, "bridge; web ip6=fd00::5"},
		{{"web:ip=10.89.0.5,ip=fd00::5"}, "bridge; web ip=10.89.0.5 ip6=fd00::5"},
		{{"web:ip6=FD00:0::5"}, "bridge; web ip6=fd00::5"},
		{{"web:mac=92:D0:C6:0A:29:33"}, "bridge; web mac=92:d0:c6:0a:29:33"},
		{{"web:alias=a,alias=b"}, "bridge; web alias=a alias=b"},
		{{"web:alias=a,alias=a"}, "bridge; web alias=a"},
		{{"web:interface_name=lan0"}, "bridge; web if=lan0"},
		{{"web:host_interface_name=veth7"}, "bridge; web"},
		{{"bridge:ip=10.88.0.5,mac=92:d0:c6:0a:29:33"},
		 "bridge; bridge ip=10.88.0.5 mac=92:d0:c6:0a:29:33"},
		{{"name=web"}, "bridge; web"},
		{{"name=web,ip=10.89.0.5,ip6=fd00::5,alias=x,mac-address=92:d0:c6:0a:29:33"},
		 "bridge; web ip=10.89.0.5 ip6=fd00::5 mac=92:d0:c6:0a:29:33 alias=x"},
		{{"alias=x,name=web"}, "bridge; web alias=x"},
		{{"name=web,driver-opt=com.docker.network.endpoint.ifname=lan1"},
		 "bridge; web if=lan1"},
		{{"name=web,gw-priority=5", "db"}, "bridge; web priority=5; db"},
		{{"name=web,gw-priority=-5"}, "bridge; web priority=-5"},
		{{"web:alias=a", "db:alias=b"}, "bridge; web alias=a; db alias=b"},
		{{"-ip=10.88.0.9"}, "bridge; bridge ip=10.88.0.9"},
		{{"web", "-ip=10.89.0.9", "-ip6=fd00::9"}, "bridge; web ip=10.89.0.9 ip6=fd00::9"},
		{{"web", "-mac=92-d0-c6-0a-29-33"}, "bridge; web mac=92:d0:c6:0a:29:33"},
		{{"web:alias=a", "-alias=b"}, "bridge; web alias=a alias=b"},
		{{"web", "db", "-alias=b"}, "bridge; web alias=b; db alias=b"},
		{{"web", "-ip=", "-mac="}, "bridge; web"},
		{{"none", "-ip="}, "none"},
		{{"web", "-link=db"}, "bridge; web"},
	};

	for (size_t i = 0; i < countof(good); i++) {
		struct network_plan p;
		struct err e = {0};
		if (parse(good[i].words, &p, &e) < 0)
			fail_msg("%s: %s", good[i].words[0], e.msg);
		if (strcmp(shown(&p), good[i].plan))
			fail_msg("%s: %s", good[i].words[0], shown(&p));
	}
}

static void refused(void **state)
{
	static const struct {
		const char *words[5], *why;
	} bad[] = {
		{{"none:x"}, "no options"},
		{{"host:"}, "no options"},
		{{":"}, "name is empty"},
		{{":ip=10.0.0.1"}, "name is empty"},
		{{","}, "name is empty"},
		{{"web,"}, "name is empty"},
		{{"container:"}, "no container"},
		{{"ns:"}, "not absolute"},
		{{"ns:proc/1/ns/net"}, "not absolute"},
		{{"web", "web"}, "twice"},
		{{"web,web"}, "twice"},
		{{"bridge", "podman"}, "twice"},
		{{"default", "private"}, "twice"},
		{{"name=web", "web"}, "twice"},
		{{"host", "web"}, "cannot be combined"},
		{{"none", "web"}, "cannot be combined"},
		{{"web", "host"}, "one of several"},
		{{"web", "none"}, "one of several"},
		{{"host", "host"}, "one of several"},
		{{"pasta", "slirp4netns"}, "one of several"},
		{{"web", "container:x"}, "one of several"},
		{{"container:x", "web"}, "cannot be combined"},
		{{"web:"}, "KEY=VALUE"},
		{{"web:ip"}, "KEY=VALUE"},
		{{"web:ip="}, "KEY=VALUE"},
		{{"web:alias="}, "KEY=VALUE"},
		{{"web:ip=10.0.0.1,"}, "KEY=VALUE"},
		{{"web:=x"}, "no option"},
		{{"web:ips=10.0.0.1"}, "no option \"ips\""},
		{{"web:IP=10.0.0.1"}, "no option"},
		{{"web:mtu=1500"}, "no option"},
		{{"web:ip=10.0.0"}, "not an IP address"},
		{{"web:ip=10.0.0.1/24"}, "not an IP address"},
		{{"web:ip=web"}, "not an IP address"},
		{{"web:ip6=10.0.0.1"}, "not an IPv6 address"},
		{{"web:ip=127.0.0.1"}, "cannot have"},
		{{"web:ip=0.0.0.0"}, "cannot have"},
		{{"web:ip=::"}, "cannot have"},
		{{"web:ip=fe80::1"}, "cannot have"},
		{{"web:mac=1:2:3"}, "MAC"},
		{{"web:mac=93:d0:c6:0a:29:33"}, "MAC"},
		{{"web:alias=a b"}, "not a name"},
		{{"web:alias=-a"}, "not a name"},
		{{"web:interface_name=averyverylongname"}, "name of a network device"},
		{{"web:interface_name=a/b"}, "name of a network device"},
		{{"web:interface_name=lo"}, "name of a network device"},
		{{"web:interface_name=.."}, "name of a network device"},
		{{"web:interface_name=a b"}, "name of a network device"},
		{{"web:host_interface_name=a/b"}, "name of a network device"},
		{{"ip=10.0.0.1"}, "no name="},
		{{"name="}, "name is empty"},
		{{"name=web,ip=x"}, "not an IP"},
		{{"name=web,link-local-ip=fe80::2"}, "link-local"},
		{{"name=web,driver-opt=x=y"}, "no option"},
		{{"name=web,gw-priority=x"}, "a number"},
		{{"-ip=fd00::1"}, "--ip \"fd00::1\" is not an IPv4"},
		{{"-ip6=10.0.0.1"}, "--ip6 \"10.0.0.1\" is not an IPv6"},
		{{"-mac=x"}, "MAC"},
		{{"-alias=a/b"}, "not a name"},
		{{"-ll=fe80::2"}, "--link-local-ip"},
		{{"web", "db", "-ip=10.0.0.1"}, "several networks"},
		{{"web", "db", "-ip6=fd00::1"}, "several networks"},
		{{"web", "db", "-mac=92:d0:c6:0a:29:33"}, "several networks"},
		{{"none", "-ip=10.0.0.1"}, "--ip and --network none exclude"},
		{{"host", "-mac=92:d0:c6:0a:29:33"}, "--mac-address and --network host exclude"},
		{{"container:x", "-alias=a"}, "--network-alias and --network container:x exclude"},
		{{"slirp4netns:foo=1"}, "no such option"},
		{{"slirp4netns:mtu"}, "no such option"},
		{{"slirp4netns:mtu=9"}, "68 to 65521"},
		{{"slirp4netns:mtu=65522"}, "68 to 65521"},
		{{"slirp4netns:cidr=10.0.2.0"}, "IPv4 subnet"},
		{{"slirp4netns:cidr=10.0.2.0/26"}, "IPv4 subnet"},
		{{"slirp4netns:cidr=fd00::/64"}, "IPv4 subnet"},
		{{"slirp4netns:allow_host_loopback=yes"}, "true or false"},
		{{"slirp4netns:port_handler=x"}, "rootlesskit"},
		{{"slirp4netns:outbound_addr=-x"}, "an address or a device"},
		{{"pasta:--netns,/x"}, "itself"},
		{{"pasta:-T,1,--pid=/x"}, "itself"},
		{{"pasta", "-link=a"}, "--link and --network pasta exclude"},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		struct network_plan p;
		struct err e = {0};
		if (parse(bad[i].words, &p, &e) >= 0)
			fail_msg("\"%s\" was taken: %s", bad[i].words[0], shown(&p));
		if (!strstr(e.msg, bad[i].why))
			fail_msg("\"%s\": %s", bad[i].words[0], e.msg);
		assert_int_equal(e.id, ERR_USAGE);
		assert_true(*e.hint);
	}
}

/* What is published, exposed, or dropped with a word. */
static void ports(void **state)
{
	static const struct {
		const char *network, *publish, *note;
		bool all;
		size_t n;
	} cases[] = {
		{"bridge", "80", NULL, false, 1},      {"pasta", "80", NULL, false, 1},
		{"bridge", NULL, NULL, true, 2},       {"host", "80", "the host's", false, 0},
		{"none", "80", "is none", false, 0},   {"container:0", "80", "another's", false, 0},
		{"ns:/x", NULL, "another's", true, 0}, {"none", NULL, NULL, false, 0},
	};
	struct strs image = {0};

	strs_add(&arena, &image, "8080/tcp");
	strs_add(&arena, &image, "nonsense");
	for (size_t i = 0; i < countof(cases); i++) {
		struct container_config c = {.network = cases[i].network};
		struct network_opts o = {.publish_all = cases[i].all};
		const char *note;
		struct err e = {0};
		if (cases[i].publish)
			strs_add(&arena, &o.publish, cases[i].publish);
		strs_add(&arena, &o.expose, "53/udp");
		assert_int_equal(network_opts_ports(&o, &image, &c, &arena, &note, &e), 0);
		assert_int_equal(c.ports.n, cases[i].n);
		assert_int_equal(c.exposed.n, 2);
		assert_string_equal(c.exposed.v[0], "8080/tcp");
		assert_true(!note == !cases[i].note);
		if (note)
			assert_non_null(strstr(note, cases[i].note));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(taken, teardown),
		cmocka_unit_test_teardown(refused, teardown),
		cmocka_unit_test_teardown(ports, teardown),
	};

	return cmocka_run_group_tests_name("network_opts", tests, NULL, NULL);
}
