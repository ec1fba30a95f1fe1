#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "net/dns_names.h"

static struct arena a;
static struct network net = {.name = "net1", .dns = true};
static struct member evil = {.container = "cccccccccccccccc", .name = "evil", .hostname = "db"};
static struct member web = {
	.next = &evil, .container = "bbbbbbbbbbbbbbbb", .name = "web.example", .hostname = "box"};
static struct member db = {
	.next = &web, .container = "0123456789abcdef", .name = "DB", .hostname = "bbbbbbbbbbbb"};
static struct netproc np = {.net = &net, .members = &db};

static void set_up(void)
{
	ip_net_parse("10.0.0.0/24", &np.sub4);
	ip_net_parse("fd00::/64", &np.sub6);
	ip_parse("10.0.0.2", &db.ip4);
	ip_parse("fd00::2", &db.ip6);
	ip_parse("10.0.0.3", &web.ip4);
	ip_parse("10.0.0.4", &evil.ip4);
	strs_add(&a, &db.aliases, "data");
	strs_add(&a, &web.aliases, "Data");
}

/* "db=10.0.0.2", "x!" (there is no such name), "x>" (forwarded), "x" (nothing of that type). */
static void ask(const char *name, unsigned type, unsigned turn, const char *want)
{
	struct dns_question q = {.type = (uint16_t)type, .plain = true};
	scoped(str) out = {0};
	struct dns_found f;
	char text[IP_TEXT];

	snprintf(q.name, sizeof q.name, "%s", name);
	enum dns_own own = dns_names_find(&np, &web, &q, turn, &f);
	for (size_t i = 0; i < f.n; i++)
		str_addf(&out, "%s%s", i ? " " : "", ip_text(&f.v[i], text));
	if (f.ptr)
		str_add(&out, f.ptr);
	str_add(&out, own == DNS_OWN_ANSWER	? ""
		      : own == DNS_OWN_NONE	? "!"
		      : own == DNS_OWN_INTERNAL ? "internal"
		      : own == DNS_OWN_NEXT	? "next"
						: ">");
	if (strcmp(str_cstr(&out), want) != 0)
		fail_msg("%s: %s, not %s", name, str_cstr(&out), want);
}

static void test_members(void **state)
{
	ask("db", DNS_A, 0, "10.0.0.2"); /* and not evil, which calls itself that */
	ask("db", DNS_AAAA, 0, "fd00::2");
	ask("db", DNS_ANY, 0, "10.0.0.2 fd00::2");
	ask("db", 15, 0, "");
	ask("web.example", DNS_AAAA, 0, ""); /* it is there, without such an address */
	ask("db.dns.podman", DNS_A, 0, "10.0.0.2");
	ask("db.net1", DNS_A, 0, "10.0.0.2");
	ask("web.example.dns.podman", DNS_A, 0, "10.0.0.3");
	ask("box", DNS_A, 0, "10.0.0.3");
	ask("0123456789ab", DNS_A, 0, "10.0.0.2");
	ask("0123456789abcdef", DNS_A, 0, ">");
	ask("bbbbbbbbbbbb", DNS_A, 0, "10.0.0.2 10.0.0.3"); /* a hostname and an id: of one rank */
	ask("data", DNS_A, 0, "10.0.0.2 10.0.0.3");
	ask("data", DNS_A, 1, "10.0.0.3 10.0.0.2");
	ask("data", DNS_A, 2, "10.0.0.2 10.0.0.3");
}

static void test_others(void **state)
{
	ask("nobody", DNS_A, 0, ">");
	ask("nobody.net1", DNS_A, 0, ">"); /* a network may be called as a domain is */
	ask("nobody.dns.podman", DNS_A, 0, "!");
	ask("dns.podman", DNS_A, 0, "");
	ask("xdns.podman", DNS_A, 0, ">");
	ask("", 2, 0, ">");
	ask("host.containers.internal", DNS_A, 0, "169.254.1.2");
	ask("host.docker.internal", DNS_AAAA, 0, "");
	ask("x.docker.internal", DNS_A, 0, "!");
	ask("metadata.google.internal", DNS_A, 0, ">");
	ask("localhost", DNS_ANY, 0, "127.0.0.1 ::1");
	ask("a.localhost", DNS_A, 0, "127.0.0.1");
}

static void test_ptr(void **state)
{
	ask("2.0.0.10.in-addr.arpa", DNS_PTR, 0, "DB");
	ask("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", DNS_PTR, 0,
	    "DB");
	ask("77.0.0.10.in-addr.arpa", DNS_PTR, 0, "!");
	ask("2.1.0.10.in-addr.arpa", DNS_PTR, 0, ">");
	ask("2.1.254.169.in-addr.arpa", DNS_PTR, 0, "host.containers.internal");
}

static void test_kinds_of_networks(void **state)
{
	net.dns = false;
	ask("db", DNS_A, 0, ">");
	ask("db.dns.podman", DNS_A, 0, ">");
	ask("2.0.0.10.in-addr.arpa", DNS_PTR, 0, "!");
	ask("host.docker.internal", DNS_A, 0, "169.254.1.2");
	net.dns = true;
	net.internal = true;
	ask("db", DNS_A, 0, "10.0.0.2");
	ask("nobody", DNS_A, 0, "internal");
	net.internal = false;
	web.dns_not_last = true;
	ask("db", DNS_A, 0, "10.0.0.2");
	ask("nobody", DNS_A, 0, "next");
	ask("nobody.dns.podman", DNS_A, 0, "next");
	web.dns_not_last = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_ptr),
		cmocka_unit_test(test_kinds_of_networks),
	};

	set_up();
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&a);
	return r;
}
