/* Unit tests of who has a port: the kernel's tables, and words that are read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "net/holder.h"

static const struct {
	const char *line, *ip;
	unsigned port, state, uid, inode;
} lines[] = {
	{"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        "
	 "0 "
	 "23456 1 0000000000000000 100 0 0 10 0",
	 "127.0.0.1", 8080, 10, 1001, 23456},
	{"  12: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A "
	 "00000000:00000000 00:00000000 00000000     0        0 7 1 0 100",
	 "::", 80, 10, 0, 7},
	{"  3: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 "
	 "00000000:00000000 00:00000000 00000000   101        0 9 2 0 0",
	 "2001:db8::1", 53, 7, 101, 9},
};

static void tables(void **state)
{
	static const char *const bad[] = {
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
		"", "   0: 0100007F:1F90", "   0: 01007F:1F90 00000000:0000 0A 00000000:00000000",
		"   0: 0100007F1:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1 0 "
		"2"};
	struct holder_socket s;
	char text[IP_TEXT];

	for (size_t i = 0; i < countof(lines); i++) {
		assert_true(holder_parse(lines[i].line, &s));
		assert_string_equal(ip_text(&s.ip, text), lines[i].ip);
		assert_int_equal(s.port, lines[i].port);
		assert_int_equal(s.state, lines[i].state);
		assert_int_equal(s.uid, lines[i].uid);
		assert_int_equal(s.inode, lines[i].inode);
	}
	for (size_t i = 0; i < countof(bad); i++)
		assert_false(holder_parse(bad[i], &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
