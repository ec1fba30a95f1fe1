/* Fuzz target: whatever a journal sends, the reader says the same in pieces of any size, and invents no byte but newlines. */
#include "base/base.h"
#include "base/fuzz.h"
#include "monitor/log_export.h"

struct seen {
	uint64_t sum;
	size_t bytes, lines;
};

static int on_line(void *arg, bool is_stderr, const char *when)
{
	struct seen *s = arg;

	FUZZ_CHECK(strlen(when) < 40);
	s->lines++;
	return 0;
}

static int on_text(void *arg, bool is_stderr, const char *p, size_t n)
{
	struct seen *s = arg;

	FUZZ_CHECK(n > 0);
	s->bytes += n;
	for (size_t i = 0; i < n; i++)
		s->sum = s->sum * 1099511628211U + (unsigned char)p[i] + is_stderr;
	return 0;
}

static struct seen read_in(const uint8_t *data, size_t size, size_t piece)
{
	struct seen s = {0};
	struct log_export r = {.sink = {on_line, on_text, &s}};
	int rc = 0;

	for (size_t at = 0; at < size && rc == 0; at += piece)
		rc = log_export_feed(&r, (const char *)data + at,
				     size - at < piece ? size - at : piece);
	log_export_free(&r);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = read_in(data, size, size + 1), bits = read_in(data, size, 3);

	FUZZ_CHECK(!memcmp(&whole, &bits, sizeof whole));
	FUZZ_CHECK(whole.bytes <= size);
	return 0;
}
