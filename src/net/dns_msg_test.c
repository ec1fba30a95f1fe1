#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "net/dns_msg.h"

/* Messages are written as text: bytes as they are, lengths as escapes. */
#define M(s)		    (const uint8_t *)(s), sizeof(s) - 1
#define HEAD(flags, counts) "\x12\x34" flags counts
#define ONE		    "\0\1\0\0\0\0\0\0"

static const char simple[] = HEAD("\1\0", ONE) "\3Web\7eXample\0\0\1\0\1";
static const char edns[] = HEAD("\1\0", "\0\1\0\0\0\0\0\1") "\3web\0\0\x1c\0\1"
							    "\0\0\x29\x10\0\0\0\x80\0\0\0";

static void test_questions(void **state)
{
	struct dns_question q;

	assert_int_equal(dns_question_parse(M(simple), &q), 0);
	assert_int_equal(q.id, 0x1234);
	assert_string_equal(q.name, "web.example");
	assert_int_equal(q.type, DNS_A);
	assert_int_equal(q.udp_size, 512);
	assert_false(q.edns);
	assert_int_equal(q.end, sizeof simple - 1);
	assert_int_equal(dns_question_parse(M(edns), &q), 0);
	assert_true(q.edns && q.dnssec && q.plain);
	assert_int_equal(q.udp_size, 4096);
	assert_int_equal(q.type, DNS_AAAA);
	assert_int_equal(q.end, sizeof edns - 1 - 11);
	assert_int_equal(dns_question_parse(M(HEAD("\1\0", ONE) "\0\0\2\0\1"), &q),
			 0); /* the root */
	assert_string_equal(q.name, "");
	assert_int_equal(dns_question_parse(M(HEAD("\1\0", ONE) "\3a.b\0\0\1\0\1"), &q), 0);
	assert_false(q.plain); /* a dot within a label is no two labels */
	assert_string_equal(q.name, "");
}

static void test_bad_questions(void **state)
{
	static const struct {
		const char *msg;
		size_t n;
		int want;
	} rows[] = {
#define ROW(s, want) {s, sizeof(s) - 1, want}
		ROW("", -1),
		ROW("\x12\x34\1\0\0\1\0\0\0\0\0", -1),
		ROW(HEAD("\x81\0", ONE) "\0\0\1\0\1", -1), /* an answer */
		ROW(HEAD("\x29\0", ONE) "\0\0\1\0\1", DNS_NOTIMP),
		ROW(HEAD("\1\0", "\0\0\0\0\0\0\0\0"), DNS_FORMERR),
		ROW(HEAD("\1\0", "\0\2\0\0\0\0\0\0") "\0\0\1\0\1\0\0\1\0\1", DNS_FORMERR),
		ROW(HEAD("\1\0", "\0\1\0\1\0\0\0\0") "\0\0\1\0\1", DNS_FORMERR),
		ROW(HEAD("\1\0", ONE) "\0\0\1\0", DNS_FORMERR),
		ROW(HEAD("\1\0", ONE) "\0\0\1\0\1x", DNS_FORMERR), /* more than it says */
		ROW(HEAD("\1\0", ONE) "\4web\0\0\1\0\1", DNS_FORMERR),
		ROW(HEAD("\1\0", ONE) "\xc0\x0c\0\1\0\1", DNS_FORMERR), /* points to itself */
		ROW(HEAD("\1\0", ONE) "\1a\xc0\x0c\0\1\0\1", DNS_FORMERR),
		ROW(HEAD("\1\0", ONE) "\x40"
				      "a\0\0\1\0\1",
		    DNS_FORMERR),
		ROW(HEAD("\1\0", "\0\1\0\0\0\0\0\1") "\0\0\1\0\1", DNS_FORMERR),
		ROW(HEAD("\1\0", "\0\1\0\0\0\0\0\2") "\0\0\1\0\1\0\0\x29\4\0\0\0\0\0\0\0"
						     "\0\0\x29\4\0\0\0\0\0\0\0",
		    DNS_FORMERR), /* two OPT */
		ROW(HEAD("\1\0", "\0\1\0\0\0\0\0\1") "\0\0\1\0\1\0\0\x29\4\0\0\1\0\0\0\0",
		    DNS_BADVERS),
		ROW(HEAD("\1\0", ONE) "\0\0\1\0\3", DNS_REFUSED), /* CH */
		ROW(HEAD("\1\0", ONE) "\0\0\xfc\0\1", DNS_REFUSED),
#undef ROW
	};
	struct dns_question q;

	for (size_t i = 0; i < countof(rows); i++)
		if (dns_question_parse((const uint8_t *)rows[i].msg, rows[i].n, &q) != rows[i].want)
			fail_msg("row %zu", i);
}

static void test_long_names(void **state)
{
	struct dns_question q;
	uint8_t msg[400] = "\x12\x34\1\0\0\1\0\0\0\0\0\0";
	size_t n = DNS_HEADER;

	for (int i = 0; i < 127; i++) { /* 254 bytes and the end: the longest name */
		msg[n++] = 1;
		msg[n++] = 'a';
	}
	memcpy(msg + n, "\0\0\1\0\1", 5);
	assert_int_equal(dns_question_parse(msg, n + 5, &q), 0);
	assert_int_equal(strlen(q.name), 253);
	assert_int_equal(dns_whole(msg, n + 5), n + 5);
	memcpy(msg + n, "\1a\0\0\1\0\1", 7);
	assert_int_equal(dns_question_parse(msg, n + 7, &q), DNS_FORMERR);
	assert_int_equal(dns_whole(msg, n + 7), 0);
}

static void test_whole(void **state)
{
#define ANSWER HEAD("\x81\x80", "\0\1\0\2\0\0\0\0") "\3web\0\0\1\0\1"
#define RR     "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
	assert_int_equal(dns_whole(M(ANSWER RR RR)), 21 + 32);
	assert_int_equal(dns_whole(M(ANSWER RR RR "junk")), 21 + 32);
	assert_int_equal(dns_whole(M(ANSWER RR)), 0); /* one too few */
	assert_int_equal(dns_whole(M(ANSWER RR "\xc0\x0c\0\1\0\1\0\0\0\1\0\x40\1\2\3\4")), 0);
	assert_int_equal(dns_whole(M(ANSWER RR "\xc0\x25\0\1\0\1\0\0\0\1\0\4\1\2\3\4")),
			 0); /* itself */
	assert_int_equal(dns_whole(M(ANSWER RR "\xc0\x80\0\1\0\1\0\0\0\1\0\4\1\2\3\4")),
			 0); /* ahead */
	assert_int_equal(dns_whole(M(ANSWER RR "\xc0\x02\0\1\0\1\0\0\0\1\0\4\1\2\3\4")),
			 0); /* header */
	assert_int_equal(dns_whole(M(ANSWER RR "\1a\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4")),
			 21 + 34);
	/* A name that begins before the record and runs on into what is behind it. */
	assert_int_equal(
		dns_whole(M(HEAD(
			"\x81\x80",
			"\0\1\0\2\0\0\0\0") "\3web\0\0\1\0\1"
					    "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\x1c\0"
					    "\xc0\x23\0\1\0\1\0\0\0\1\0\4\1\2\3\4xxxxxxxxxxxxxx")),
		0);
	/* Two that point at each other. */
	assert_int_equal(dns_whole(M(HEAD("\x81\x80", "\0\2\0\0\0\0\0\0") "\1a\xc0\x12\0\1\0\1"
									  "\1b\xc0\x0c\0\1\0\1")),
			 0);
}

static bool is_answer(const char *msg, size_t n)
{
	struct dns_question q;

	assert_int_equal(dns_question_parse(M(simple), &q), 0);
	return dns_is_answer((const uint8_t *)msg, n, (const uint8_t *)simple, &q, 0x1234);
}

static void test_answers(void **state)
{
#define YES(s) assert_true(is_answer(s, sizeof(s) - 1))
#define NO(s)  assert_false(is_answer(s, sizeof(s) - 1))
	YES(HEAD("\x81\x80", ONE) "\3web\7example\0\0\1\0\1");
	YES(HEAD("\x81\x80", ONE) "\3WEB\7EXAMPLE\0\0\1\0\1");
	NO("\x12\x35\x81\x80" ONE "\3web\7example\0\0\1\0\1");	/* another id */
	NO(HEAD("\1\x80", ONE) "\3web\7example\0\0\1\0\1");	/* no answer */
	NO(HEAD("\x81\x80", ONE) "\3wex\7example\0\0\1\0\1");	/* another name */
	NO(HEAD("\x81\x80", ONE) "\3web\7example\0\0\x1c\0\1"); /* another type */
	NO(HEAD("\x81\x80", ONE) "\3web\7example\0\0\1\0\3");
	NO(HEAD("\x81\x80", ONE) "\3web\7example\0\0\1\0");
	NO(HEAD("\x81\x80", "\0\0\0\0\0\0\0\0"));
	YES(HEAD("\x81\x81", "\0\0\0\0\0\0\0\0")); /* an error needs no question */
	NO(HEAD("\x81\x83", "\0\0\0\0\0\0\0\0"));  /* but that there is no such name does */
	NO("\x12\x34\x81");
}

static void test_replies(void **state)
{
	uint8_t buf[DNS_MSG_MAX];
	struct dns_question q, none;
	struct dns_reply r;
	const struct ip ip = {4, {10, 0, 0, 1}};

	assert_int_equal(dns_question_parse(M(simple), &q), 0);
	dns_reply_start(&r, &q, (const uint8_t *)simple, buf, 512, DNS_OK);
	dns_reply_address(&r, &ip, 1);
	size_t n = dns_reply_end(&r, DNS_EDE_OTHER, "said only to who speaks EDNS");
	assert_int_equal(n, sizeof simple - 1 + 16);
	assert_int_equal(dns_whole(buf, n), n);
	assert_memory_equal(buf, "\x12\x34\x85\x80\0\1\0\1\0\0\0\0\3Web", 16);
	assert_memory_equal(buf + n - 4, "\12\0\0\1", 4);
	for (int limit = 512; limit < 2000;
	     limit += 300) { /* what does not fit is left out, and said */
		dns_reply_start(&r, &q, (const uint8_t *)simple, buf, (size_t)limit, DNS_OK);
		for (int i = 0; i < 200; i++)
			dns_reply_address(&r, &ip, 1);
		n = dns_reply_end(&r, DNS_EDE_OTHER, NULL);
		assert_true(n <= (size_t)limit && n + 200 > (size_t)limit);
		assert_int_equal(dns_whole(buf, n), n);
		assert_true(dns_is_cut(buf));
	}
	n = dns_cut(buf, n, &q, 512);
	assert_int_equal(n, sizeof simple - 1);
	assert_true(dns_is_cut(buf) && dns_whole(buf, n) == n);
	assert_int_equal(dns_question_parse(M(edns), &q), 0);
	dns_reply_start(&r, &q, (const uint8_t *)edns, buf, 512, DNS_SERVFAIL);
	n = dns_reply_end(&r, DNS_EDE_NETWORK, "why");
	assert_int_equal(dns_whole(buf, n), n);
	assert_memory_equal(buf + n - 5, "\0\x17why", 5);
	assert_int_equal(dns_rcode_of(buf), DNS_SERVFAIL);
	assert_int_equal(dns_question_parse(buf, n, &none), -1);
}

static void test_ptr(void **state)
{
	char buf[IP_TEXT];
	struct ip ip;

	assert_int_equal(dns_ptr_parse("4.3.2.10.in-addr.arpa", &ip), 0);
	assert_string_equal(ip_text(&ip, buf), "10.2.3.4");
	assert_int_equal(
		dns_ptr_parse("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.d.f."
			      "ip6.arpa",
			      &ip),
		0);
	assert_string_equal(ip_text(&ip, buf), "fda0::2");
	static const char *const bad[] = {
		"3.2.10.in-addr.arpa",
		"1.4.3.2.10.in-addr.arpa",
		"256.3.2.10.in-addr.arpa",
		"4.3.2.x.in-addr.arpa",
		"4..2.10.in-addr.arpa",
		".in-addr.arpa",
		"ip6.arpa",
		"",
		"0.ip6.arpa",
		"g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.d.f.ip6.arpa",
	};
	for (size_t i = 0; i < countof(bad); i++)
		if (dns_ptr_parse(bad[i], &ip) == 0)
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),  cmocka_unit_test(test_bad_questions),
		cmocka_unit_test(test_long_names), cmocka_unit_test(test_whole),
		cmocka_unit_test(test_answers),	   cmocka_unit_test(test_replies),
		cmocka_unit_test(test_ptr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
