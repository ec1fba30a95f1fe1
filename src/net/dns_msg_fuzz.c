/* Fuzz target: whatever a message is, reading it ends; what is answered is a whole message that fits, and an answer to just that question. */
#include "base/base.h"
#include "base/fuzz.h"
#include "net/dns_msg.h"

static void check_answer(uint8_t *msg, size_t n, size_t limit, const uint8_t *asked,
			 const struct dns_question *q)
{
	FUZZ_CHECK(n >= DNS_HEADER && n <= limit);
	FUZZ_CHECK(dns_whole(msg, n) == n);
	FUZZ_CHECK(dns_id(msg) == q->id);
	if (q->end)
		FUZZ_CHECK(dns_is_answer(msg, n, asked, q, q->id));
	struct dns_question again;
	FUZZ_CHECK(dns_question_parse(msg, n, &again) == -1); /* nobody answers an answer */
}

static void answer(const uint8_t *data, size_t size)
{
	static uint8_t buf[DNS_MSG_MAX];
	struct dns_question q;
	struct dns_reply r;
	struct ip ip = {4, {1, 2, 3, 4}}, parsed;
	int code = dns_question_parse(data, size, &q);

	if (code < 0)
		return;
	FUZZ_CHECK(q.udp_size >= DNS_UDP_SIZE && strlen(q.name) < DNS_NAME_TEXT);
	FUZZ_CHECK(q.end <= size && (code || q.end));
	if (code == 0)
		FUZZ_CHECK(dns_whole(data, size) == size);
	if (dns_ptr_parse(q.name, &parsed) == 0)
		FUZZ_CHECK(parsed.family == 4 || parsed.family == 6);
	dns_reply_start(&r, &q, data, buf, q.udp_size < 600 ? q.udp_size : 600, (unsigned)code);
	for (int i = 0; i < 20 && q.end; i++) {
		ip.family = i % 2 ? 6 : 4;
		dns_reply_address(&r, &ip, 1);
		dns_reply_name(&r, q.name, 1);
	}
	size_t n = dns_reply_end(&r, DNS_EDE_NETWORK, q.name);
	check_answer(buf, n, 600, data, &q);
	if (q.end)
		check_answer(buf, dns_cut(buf, n, &q, DNS_UDP_SIZE), DNS_UDP_SIZE, data, &q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_question q;

	if (size > DNS_MSG_MAX)
		return 0;
	answer(data, size);
	size_t whole = dns_whole(data, size);
	FUZZ_CHECK(whole <= size);
	if (whole)
		FUZZ_CHECK(dns_whole(data, whole) == whole);
	/* The second half as an answer to the first. */
	if (dns_question_parse(data, size / 2, &q) == 0)
		dns_is_answer(data + size / 2, size - size / 2, data, &q, q.id);
	return 0;
}
