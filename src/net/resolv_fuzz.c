/* Fuzz target: whatever resolv.conf is, what was understood of it can stand in one again and means the same. */
#include "base/base.h"
#include "base/fuzz.h"
#include "net/resolv.h"

static void check_text(const char *s)
{
	FUZZ_CHECK(strlen(s) < RESOLV_TEXT);
	for (; *s; s++)
		FUZZ_CHECK(*s >= ' ' && *s < 0x7f && *s != '#' && *s != ';');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolv r, again;
	scoped(str) out = {0};

	resolv_parse((const char *)data, size, &r);
	FUZZ_CHECK(r.nservers <= RESOLV_SERVERS);
	check_text(r.search);
	check_text(r.options);
	for (size_t i = 0; i < r.nservers; i++) {
		char text[IP_TEXT];
		const struct resolv_server *s = &r.servers[i];
		FUZZ_CHECK(strlen(s->zone) < RESOLV_ZONE);
		str_addf(&out, "nameserver %s%s%s\n", ip_text(&s->ip, text), *s->zone ? "%" : "",
			 s->zone);
	}
	str_addf(&out, "search %s\noptions %s\n", r.search, r.options);
	resolv_parse(str_cstr(&out), out.len, &again);
	FUZZ_CHECK(again.nservers == r.nservers && again.rotate == r.rotate);
	FUZZ_CHECK(!memcmp(again.servers, r.servers, sizeof r.servers));
	FUZZ_CHECK(!strcmp(again.search, r.search) && !strcmp(again.options, r.options));
	return 0;
}
