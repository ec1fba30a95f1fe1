/* Unit tests of the D-Bus messages: what is written, and what is made of answers, sound and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "sys/dbus.h"

static void test_arguments(void **state)
{
	scoped(str) b = {0};

	dbus_add_signature(&b, "s"); /* 3 bytes, so that the next is to be aligned */
	dbus_add_string(&b, "ab");
	assert_int_equal(b.len, 4 + 4 + 3);
	size_t list = dbus_begin_array(&b, 8);
	assert_int_equal(b.len, 16);
	dbus_align(&b, 8);
	dbus_add_u32(&b, 5);
	dbus_end_array(&b, list, 8);
	uint32_t n;
	memcpy(&n, b.s + 12, sizeof n);
	assert_int_equal(n, 4);
	assert_int_equal(b.len, 20);
}

/* A message of this kind with one field, and a text as its body. */
static void make(struct str *b, int kind, const char *error, const char *text)
{
	scoped(str) fields = {0};
	scoped(str) body = {0};

	str_addn(&fields, "\5\1u\0", 4);
	dbus_add_u32(&fields, 2);
	dbus_align(&fields, 8);
	str_addn(&fields, "\4\1s\0", 4);
	dbus_add_string(&fields, error);
	dbus_align(&fields, 8);
	str_addn(&fields, "\10\1g\0\1s\0", 7);
	dbus_add_string(&body, text);
	str_addc(b, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B');
	str_addc(b, (char)kind);
	str_addn(b, "\0\1", 2);
	dbus_add_u32(b, (uint32_t)body.len);
	dbus_add_u32(b, 9);
	dbus_add_u32(b, (uint32_t)fields.len);
	str_addn(b, fields.s, fields.len);
	dbus_align(b, 8);
	str_addn(b, body.s, body.len);
}

static void test_answers(void **state)
{
	scoped(str) b = {0};
	struct dbus_answer a;

	make(&b, 3, "org.example.Bad", "it is bad");
	const unsigned char *p = (const unsigned char *)b.s;
	assert_int_equal(dbus_length(p), b.len);
	assert_int_equal(dbus_parse(p, b.len, &a), 0);
	assert_true(a.is_answer && a.is_error);
	assert_int_equal(a.serial, 2);
	assert_string_equal(a.error, "org.example.Bad");
	assert_string_equal(a.text, "it is bad");
	/* Cut anywhere, and with any byte changed, it is refused or harmless. */
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(dbus_parse(p, n, &a), -EBADMSG);
	for (size_t i = 0; i < b.len; i++) {
		char was = b.s[i];
		b.s[i] = (char)0xff;
		dbus_parse(p, b.len, &a);
		b.s[i] = was;
	}
	b.s[0] = 'x';
	assert_int_equal(dbus_length(p), -EBADMSG);
}

static void test_sizes(void **state)
{
	unsigned char head[DBUS_FIXED] = {__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B', 2,
					  0, 1};
	uint32_t big = DBUS_MESSAGE_MAX + 1;

	assert_int_equal(dbus_length(head), DBUS_FIXED);
	memcpy(head + 4, &big, sizeof big);
	assert_int_equal(dbus_length(head), -EBADMSG);
	memset(head + 4, 0, 4);
	memcpy(head + 12, &big, sizeof big);
	assert_int_equal(dbus_length(head), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_arguments),
					   cmocka_unit_test(test_answers),
					   cmocka_unit_test(test_sizes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
