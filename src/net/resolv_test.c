#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "net/resolv.h"

static struct resolv parse(const char *text)
{
	struct resolv r;

	resolv_parse(text, strlen(text), &r);
	return r;
}

static void has_server(const struct resolv *r, size_t i, const char *text)
{
	char buf[IP_TEXT];

	assert_true(i < r->nservers);
	assert_string_equal(ip_text(&r->servers[i].ip, buf), text);
}

static void test_ordinary(void **state)
{
	struct resolv r =
		parse("# a comment\n; another\nnameserver 1.1.1.1\n\nnameserver\t2606:4700::1 # x\n"
		      "search example.org  corp.example.org\noptions ndots:2 rotate\n"
		      "options timeout:1\nnameserver 127.0.0.53");

	assert_int_equal(r.nservers, 3);
	has_server(&r, 0, "1.1.1.1");
	has_server(&r, 1, "2606:4700::1");
	has_server(&r, 2, "127.0.0.53");
	assert_string_equal(r.search, "example.org corp.example.org");
	assert_string_equal(r.options, "ndots:2 rotate timeout:1");
	assert_true(r.rotate);
}

static void test_search_and_domain(void **state)
{
	struct resolv r = parse("domain a.example b.example\n");

	assert_string_equal(r.search, "a.example");
	r = parse("domain a.example\nsearch b.example\n");
	assert_string_equal(r.search, "b.example");
	r = parse("search .\n"); /* how systemd says none */
	assert_string_equal(r.search, "");
}

static void test_zone(void **state)
{
	struct resolv r =
		parse("nameserver fe80::1%eth0\nnameserver 1.2.3.4%eth0\n"
		      "nameserver fe80::2%\nnameserver fe80::3%aninterfacewithalongname\n");

	assert_int_equal(r.nservers, 1);
	has_server(&r, 0, "fe80::1");
	assert_string_equal(r.servers[0].zone, "eth0");
}

static void test_nonsense(void **state)
{
	scoped(str) long_line = {0};
	struct resolv r =
		parse("nameserver\nnameserver x\nnameserver 1.2.3\nnameserver 01.2.3.4\n"
		      "nameservers 1.1.1.1\n nameserver 9.9.9.9\r\nsearch a\x01 b;c \xff ok\n");

	assert_int_equal(r.nservers, 1);
	has_server(&r, 0, "9.9.9.9");
	assert_string_equal(r.search, "ok");
	for (int i = 0; i < 100; i++)
		str_add(&long_line, "nameserver 10.0.0.1\n");
	str_add(&long_line, "search ");
	for (int i = 0; i < 3000; i++)
		str_addf(&long_line, "d%d.example ", i);
	r = parse(str_cstr(&long_line));
	assert_int_equal(r.nservers, RESOLV_SERVERS);
	assert_true(strlen(r.search) < RESOLV_TEXT);
	assert_true(str_ends(r.search, ".example"));
	resolv_parse("nameserver 1.1.1.1\0\nnameserver 2.2.2.2", 38, &r);
	assert_int_equal(r.nservers, 1);
	has_server(&r, 0, "2.2.2.2");
}

static void test_files(void **state)
{
	struct resolv r;

	assert_int_equal(resolv_read("/nonexistent/resolv.conf", &r), 0);
	assert_int_equal(r.nservers, 0);
	assert_true(resolv_read("/", &r) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary), cmocka_unit_test(test_search_and_domain),
		cmocka_unit_test(test_zone),	 cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
