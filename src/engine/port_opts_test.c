/* Unit tests of --publish and --expose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "engine/port_opts.h"

static struct arena arena;

static int teardown(void **state)
{
	arena_free(&arena);
	return 0;
}

/* The rows as "IP HOST>CONTAINER+RANGE/PROTOCOL", one behind the other; * for no address. */
static char *shown(const struct bind_list *l)
{
	const struct port *p = l->v;
	scoped(str) s = {0};

	for (size_t i = 0; i < l->n; i++) {
		str_addf(&s, "%s%s %" PRId64, i ? "; " : "", p[i].host_ip ? p[i].host_ip : "*",
			 p[i].host_port);
		if (p[i].choice)
			str_addf(&s, "?%" PRId64, p[i].choice);
		str_addf(&s, ">%" PRId64 "+%" PRId64 "/%s", p[i].container_port, p[i].range,
			 p[i].protocol);
	}
	return arena_strdup(&arena, str_cstr(&s));
}

static void published(void **state)
{
	static const struct {
		const char *text, *rows;
	} good[] = {
		{"80", "* 0>80+1/tcp"},
		{"1", "* 0>1+1/tcp"},
		{"65535", "* 0>65535+1/tcp"},
		{"080", "* 0>80+1/tcp"},
		{"80/tcp", "* 0>80+1/tcp"},
		{"80/TCP", "* 0>80+1/tcp"},
		{"53/udp", "* 0>53+1/udp"},
		{"53/Udp", "* 0>53+1/udp"},
		{":80", "* 0>80+1/tcp"},
		{":80/udp", "* 0>80+1/udp"},
		{"0:80", "* 0>80+1/tcp"},
		{"8080:80", "* 8080>80+1/tcp"},
		{"8080:80/tcp", "* 8080>80+1/tcp"},
		{"53:53/udp", "* 53>53+1/udp"},
		{"1:1", "* 1>1+1/tcp"},
		{"65535:65535", "* 65535>65535+1/tcp"},
		{"8000-8002:80-82", "* 8000>80+3/tcp"},
		{"8000-8000:80", "* 8000>80+1/tcp"},
		{"8000:80-80", "* 8000>80+1/tcp"},
		{"8000-8002:80", "* 8000?3>80+1/tcp"},
		{"[::1]:8000-8001:80/udp", "::1 8000?2>80+1/udp"},
		{"target=80,published=8080-8081", "* 8080?2>80+1/tcp"},
		{"1-65535:1-65535", "* 1>1+65535/tcp"},
		{"8000-8002:80-82/udp", "* 8000>80+3/udp"},
		{"80-82", "* 0>80+1/tcp; * 0>81+1/tcp; * 0>82+1/tcp"},
		{":80-81", "* 0>80+1/tcp; * 0>81+1/tcp"},
		{"0:80-81/udp", "* 0>80+1/udp; * 0>81+1/udp"},
		{"127.0.0.1:8080:80", "127.0.0.1 8080>80+1/tcp"},
		{"127.0.0.1:8080:80/udp", "127.0.0.1 8080>80+1/udp"},
		{"127.0.0.1::80", "127.0.0.1 0>80+1/tcp"},
		{"127.0.0.1:0:80", "127.0.0.1 0>80+1/tcp"},
		{"127.0.0.1::80-81", "127.0.0.1 0>80+1/tcp; 127.0.0.1 0>81+1/tcp"},
		{"0.0.0.0:8080:80", "0.0.0.0 8080>80+1/tcp"},
		{"10.1.2.3:8000-8001:80-81", "10.1.2.3 8000>80+2/tcp"},
		{"[::1]:8080:80", "::1 8080>80+1/tcp"},
		{"[::1]::80", "::1 0>80+1/tcp"},
		{"[::1]:0:80", "::1 0>80+1/tcp"},
		{"[::1]:80", "::1 0>80+1/tcp"},
		{"[::1]:80/udp", "::1 0>80+1/udp"},
		{"[::]:8080:80", ":: 8080>80+1/tcp"},
		{"[2001:DB8:0::1]:53:53/udp", "2001:db8::1 53>53+1/udp"},
		{"[fd00::1]:8000-8001:80-81", "fd00::1 8000>80+2/tcp"},
		{"[fd00::1]:8000-8001:80-81/udp", "fd00::1 8000>80+2/udp"},
		{"target=80", "* 0>80+1/tcp"},
		{"target=80,published=8080", "* 8080>80+1/tcp"},
		{"published=8080,target=80", "* 8080>80+1/tcp"},
		{"published=8080,target=80,protocol=udp", "* 8080>80+1/udp"},
		{"published=8080,target=80,protocol=tcp,mode=host", "* 8080>80+1/tcp"},
		{"published=,target=80", "* 0>80+1/tcp"},
		{"published=0,target=80", "* 0>80+1/tcp"},
		{"dst=80,published=8080", "* 8080>80+1/tcp"},
		{"target=80-81,published=8080-8081", "* 8080>80+2/tcp"},
		{"target=80-81", "* 0>80+1/tcp; * 0>81+1/tcp"},
		{"host_ip=127.0.0.1,target=80,published=8080", "127.0.0.1 8080>80+1/tcp"},
		{"host_ip=::1,target=80,published=8080", "::1 8080>80+1/tcp"},
	};

	for (size_t i = 0; i < countof(good); i++) {
		struct bind_list l = {0};
		struct err e = {0};
		if (port_opts_publish(&arena, good[i].text, &l, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.msg);
		if (strcmp(shown(&l), good[i].rows))
			fail_msg("%s: %s", good[i].text, shown(&l));
	}
}

static const struct {
	const char *text, *why;
} bad_rows[] = {
	{"", "no port of the container"},
	{":", "no port of the container"},
	{"::", "address of the host is empty"},
	{"::80", "address of the host is empty"},
	{":8080:80", "address of the host is empty"},
	{":::", "too many colons"},
	{":::80", "too many colons"},
	{"::1:80", "too many colons"},
	{"::1:8080:80", "too many colons"},
	{"fd00::1:8080:80", "too many colons"},
	{"1:2:3:4", "too many colons"},
	{"[::1]:1:2:3", "too many colons"},
	{"/", "protocol is empty"},
	{"/tcp", "no port of the container"},
	{"80/", "protocol is empty"},
	{"8080:80/", "protocol is empty"},
	{"80/icmp", "protocols are"},
	{"80/tcp/udp", "1 to 65535"},
	{"80/tcp,udp", "protocols are"},
	{"80/ tcp", "protocols are"},
	{"80/tc", "protocols are"},
	{"80/tcpp", "protocols are"},
	{"80/6", "protocols are"},
	{"80/sctp", "sctp cannot"},
	{"80:80/SCTP", "sctp cannot"},
	{"0", "1 to 65535"},
	{"00", "1 to 65535"},
	{"8080:0", "1 to 65535"},
	{"65536", "1 to 65535"},
	{"80:65536", "1 to 65535"},
	{"65536:80", "1 to 65535"},
	{"99999999", "1 to 65535"},
	{"18446744073709551617", "1 to 65535"},
	{"-1", "a port is empty"},
	{"-", "a port is empty"},
	{"80-", "a port is empty"},
	{"-80", "a port is empty"},
	{"80:", "no port of the container"},
	{"80:/udp", "no port of the container"},
	{"8080:-", "a port is empty"},
	{"8080:80-", "a port is empty"},
	{"+80", "1 to 65535"},
	{" 80", "1 to 65535"},
	{"80 ", "1 to 65535"},
	{"8080: 80", "1 to 65535"},
	{"80\n", "1 to 65535"},
	{"0x50", "1 to 65535"},
	{"8e1", "1 to 65535"},
	{"80.0", "1 to 65535"},
	{"http", "1 to 65535"},
	{"http:80", "1 to 65535"},
	{"80:http", "1 to 65535"},
	{"80-81-82", "1 to 65535"},
	{"80--81", "1 to 65535"},
	{"82-80", "ends before"},
	{"8000-8002:82-80", "ends before"},
	{"8002-8000:80-82", "ends before"},
	{"0-2:80-82", "1 to 65535"},
	{"80-65536", "1 to 65535"},
	{"0-80", "1 to 65535"},
	{"8000:80-82", "different length"},
	{"8000-8001:80-82", "different length"},
	{"127.0.0.1:80", "1 to 65535"},
	{"127.0.0.1", "1 to 65535"},
	{"127.0.0.1:", "1 to 65535"},
	{"127.0.0.1::", "no port of the container"},
	{"127.0.0.1:80:", "no port of the container"},
	{"127.0.0:8080:80", "not an IP address"},
	{"127.0.0.256:8080:80", "not an IP address"},
	{"127.0.0.01:8080:80", "not an IP address"},
	{"127.0.0.1 :8080:80", "not an IP address"},
	{"localhost:8080:80", "not an IP address"},
	{"example.com:8080:80", "not an IP address"},
	{"*:8080:80", "not an IP address"},
	{"[127.0.0.1]:8080:80", "not an IP address"},
	{"[localhost]:8080:80", "not an IP address"},
	{"[]:8080:80", "address of the host is empty"},
	{"[", "ends with ]:"},
	{"[]", "ends with ]:"},
	{"[::1", "ends with ]:"},
	{"[::1]", "ends with ]:"},
	{"[::1]80", "ends with ]:"},
	{"[::1]/tcp", "ends with ]:"},
	{"[::1]:", "no port of the container"},
	{"[::1]::", "no port of the container"},
	{"[::1]:80:", "no port of the container"},
	{"[::g]:8080:80", "not an IP address"},
	{"[::1]]:8080:80", "ends with ]:"},
	{"[[::1]]:8080:80", "ends with ]:"},
	{"[fe80::1%eth0]:8080:80", "zone"},
	{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80:80", "not an IP"},
	{"999999999999999999999999999999999999999999999999:1:2", "not an IP"},
	{"=", "KEY=VALUE"},
	{"=80", "KEY=VALUE"},
	{"target=", "a port is empty"},
	{"target=0", "1 to 65535"},
	{"target=80,", "KEY=VALUE"},
	{"target=80,published", "KEY=VALUE"},
	{"published=8080", "no port of the container"},
	{"targe=80", "the keys are"},
	{"t=80", "the keys are"},
	{"target=80,port=3", "the keys are"},
	{"target=80-81,published=8080-8082", "different length"},
	{"target=80,protocol=", "protocol is empty"},
	{"target=80,protocol=icmp", "protocols are"},
	{"target=80,protocol=sctp", "sctp cannot"},
	{"target=80,host_ip=", "address of the host is empty"},
	{"target=80,host_ip=localhost", "not an IP"},
	{"8080:80=80", "the keys are"},
};

static void refused(void **state)
{
	for (size_t i = 0; i < countof(bad_rows); i++) {
		struct bind_list l = {0};
		struct err e = {0};
		if (port_opts_publish(&arena, bad_rows[i].text, &l, &e) >= 0)
			fail_msg("\"%s\" was taken: %s", bad_rows[i].text, shown(&l));
		if (!strstr(e.msg, bad_rows[i].why))
			fail_msg("\"%s\": %s", bad_rows[i].text, e.msg);
		assert_int_equal(e.id, ERR_USAGE);
		assert_true(*e.hint);
		assert_int_equal(l.n, 0);
	}
}

/* Every cut and every changed byte of a good text is taken or refused, and what is taken has ports. */
static void mangled(void **state)
{
	static const char *const texts[] = {"127.0.0.1:8000-8010:8000-8010/udp",
					    "[fd00::12]:8080:80/tcp", "8080:80", "80-82",
					    "published=8080,target=80,protocol=udp"};
	static const char bytes[] = "0159:-/.[]%=,x \x01\xff";
	size_t taken = 0, refused = 0;

	for (size_t i = 0; i < countof(texts); i++)
		for (size_t at = 0; at < strlen(texts[i]); at++)
			for (size_t b = 0; b < sizeof bytes; b++) { /* the last is a cut */
				struct bind_list l = {0};
				struct err e = {0};
				char *s = arena_strdup(&arena, texts[i]);
				s[at] = bytes[b];
				int r = port_opts_publish(&arena, s, &l, &e);
				const struct port *p = l.v;
				*(r < 0 ? &refused : &taken) += 1;
				assert_true(r < 0 ? *e.msg && *e.hint : l.n > 0);
				for (size_t k = 0; k < l.n; k++)
					assert_true(p[k].container_port >= 1 && p[k].range >= 1 &&
						    p[k].container_port + p[k].range <= 65536 &&
						    p[k].host_port >= 0 &&
						    p[k].host_port + p[k].range <= 65536);
			}
	assert_true(taken > 100 && refused > 500);
}

static void overlaps(void **state)
{
	static const struct {
		const char *texts[4], *rows; /* rows NULL: refused */
	} cases[] = {
		{{"8080:80", "8080:80"}, "* 8080>80+1/tcp"},
		{{"8080:80", "8080:80/udp"}, "* 8080>80+1/tcp; * 8080>80+1/udp"},
		{{"8080:80", "8081:80"}, "* 8080>80+1/tcp; * 8081>80+1/tcp"},
		{{"8080:80", "8080:81"}, NULL},
		{{"80", "80"}, "* 0>80+1/tcp; * 0>80+1/tcp"},
		{{"80", "8080:80"}, "* 0>80+1/tcp; * 8080>80+1/tcp"},
		{{"127.0.0.1:8080:80", "8080:80"}, NULL},
		{{"8080:80", "127.0.0.1:8080:80"}, NULL},
		{{"0.0.0.0:8080:80", "127.0.0.1:8080:80"}, NULL},
		{{"[::]:8080:80", "[::1]:8080:80"}, NULL},
		{{"0.0.0.0:8080:80", "[::]:8080:80"}, "0.0.0.0 8080>80+1/tcp; :: 8080>80+1/tcp"},
		{{"127.0.0.1:8080:80", "[::1]:8080:80"},
		 "127.0.0.1 8080>80+1/tcp; ::1 8080>80+1/tcp"},
		{{"127.0.0.1:8080:80", "127.0.0.2:8080:81"},
		 "127.0.0.1 8080>80+1/tcp; 127.0.0.2 8080>81+1/tcp"},
		{{"8000-8010:8000-8010", "8010:1"}, NULL},
		{{"8000-8010:8000-8010", "8011:1"}, "* 8000>8000+11/tcp; * 8011>1+1/tcp"},
		{{"8000-8010:8000-8010", "7999:1"}, "* 8000>8000+11/tcp; * 7999>1+1/tcp"},
		{{"8005:5", "8000-8010:8000-8010"}, NULL},
		{{"8000-8010:8000-8010", "8000-8010:8000-8010"}, "* 8000>8000+11/tcp"},
		{{"1:1", "2:2", "1:1"}, "* 1>1+1/tcp; * 2>2+1/tcp"},
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct bind_list l = {0};
		struct err e = {0};
		for (const char *const *t = cases[i].texts; *t; t++)
			assert_int_equal(port_opts_publish(&arena, *t, &l, &e), 0);
		int r = port_opts_check(&l, &e);
		if ((r < 0) != !cases[i].rows)
			fail_msg("%s and %s: %s", cases[i].texts[0], cases[i].texts[1], e.msg);
		if (r == 0)
			assert_string_equal(shown(&l), cases[i].rows);
		else
			assert_true(*e.hint);
	}
}

static char *exposed(const struct port_set *s)
{
	struct strs l = {0};
	scoped(str) text = {0};

	port_set_texts(s, &arena, &l);
	for (size_t i = 0; i < l.n; i++)
		str_addf(&text, "%s%s", i ? " " : "", l.v[i]);
	return arena_strdup(&arena, str_cstr(&text));
}

static void exposing(void **state)
{
	static const char *const bad[] = {"",	   "/tcp",    "80/",	   "80/icmp", "0",
					  "65536", "80-",     "-80",	   "90-80",   "8080:80",
					  "a",	   "80/tcp/", "127.0.0.1", " 80",     "80,81"};
	static struct port_set s, all;
	struct bind_list l = {0};
	struct err e = {0};

	for (size_t i = 0; i < countof(bad); i++) {
		e = (struct err){0};
		assert_true(port_set_add(&s, bad[i], "expose", &e) < 0);
		assert_true(*e.hint);
		assert_int_equal(e.id, ERR_USAGE);
		assert_int_equal(port_set_add(&s, bad[i], NULL, NULL), -EINVAL);
	}
	assert_string_equal(exposed(&s), "");
	static const char *const good[] = {"80",  "81/tcp", "83",	 "53/udp",  "100-110/TCP",
					   "111", "5/sctp", "65535/udp", "1-3/udp", "65534-65535"};
	for (size_t i = 0; i < countof(good); i++)
		assert_int_equal(port_set_add(&s, good[i], "expose", &e), 0);
	assert_string_equal(exposed(&s), "80-81/tcp 83/tcp 100-111/tcp 65534-65535/tcp 1-3/udp "
					 "53/udp 65535/udp 5/sctp");

	assert_int_equal(port_opts_publish(&arena, "8080:80", &l, &e), 0);
	assert_int_equal(port_opts_publish(&arena, "8100-8111:100-111", &l, &e), 0);
	assert_int_equal(port_opts_publish(&arena, "53", &l, &e), 0);
	assert_int_equal(port_opts_all(&arena, &s, &l, &e), 0);
	assert_string_equal(shown(&l),
			    "* 8080>80+1/tcp; * 8100>100+12/tcp; * 0>53+1/tcp; * 0>81+1/tcp; "
			    "* 0>83+1/tcp; * 0>65534+1/tcp; * 0>65535+1/tcp; * 0>1+1/udp; "
			    "* 0>2+1/udp; * 0>3+1/udp; * 0>53+1/udp; * 0>65535+1/udp");

	assert_int_equal(port_set_add(&all, "1-65535", "expose", &e), 0);
	assert_int_equal(port_set_add(&all, "1/udp", "expose", &e), 0);
	l = (struct bind_list){0};
	assert_true(port_opts_all(&arena, &all, &l, &e) < 0); /* one more than there can be */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(published, teardown),
		cmocka_unit_test_teardown(refused, teardown),
		cmocka_unit_test_teardown(mangled, teardown),
		cmocka_unit_test_teardown(overlaps, teardown),
		cmocka_unit_test_teardown(exposing, teardown),
	};

	return cmocka_run_group_tests_name("port_opts", tests, NULL, NULL);
}
