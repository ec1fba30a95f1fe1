/* Fuzz target: whatever a log holds, the reader says the same in pieces of any size, never invents a byte, and --tail finds
 * beginnings of lines. */
#include <sys/mman.h>

#include "base/base.h"
#include "base/fuzz.h"
#include "monitor/log_read.h"

struct seen {
	uint64_t sum[2];
	size_t bytes, lines;
};

static int on_line(void *arg, bool is_stderr, const char *when)
{
	struct seen *s = arg;

	FUZZ_CHECK(strlen(when) < 40);
	s->sum[is_stderr] = s->sum[is_stderr] * 31 + 7;
	s->lines++;
	return 0;
}

static int on_text(void *arg, bool is_stderr, const char *p, size_t n)
{
	struct seen *s = arg;

	FUZZ_CHECK(n > 0);
	s->bytes += n;
	for (size_t i = 0; i < n; i++)
		s->sum[is_stderr] = s->sum[is_stderr] * 1099511628211U + (unsigned char)p[i];
	return 0;
}

static struct seen read_in(const uint8_t *data, size_t size, size_t piece, const off_t from[2],
			   int64_t anchor)
{
	struct seen s = {0};
	struct log_reader r = {.sink = {on_line, on_text, &s},
			       .from = {from[0], from[1]},
			       .anchor = anchor,
			       .times = true};
	size_t at = (size_t)(from[0] < from[1] ? from[0] : from[1]);

	r.at = r.line_at = (off_t)at;
	for (; at < size; at += piece)
		FUZZ_CHECK(log_reader_feed(&r, (const char *)data + at,
					   size - at < piece ? size - at : piece) == 0);
	FUZZ_CHECK(log_reader_end(&r) == 0);
	FUZZ_CHECK(r.at == (off_t)size || !size);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const off_t all[2] = {0, 0};
	struct seen whole = read_in(data, size, size + 1, all, 0);
	struct seen bits = read_in(data, size, 1, all, 0);
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct log_files files;
	off_t from[2];

	log_files_of(&files, fd);
	FUZZ_CHECK(!memcmp(&whole, &bits, sizeof whole));
	FUZZ_CHECK(whole.bytes <= size);
	FUZZ_CHECK(fd >= 0 && fd_write_all(fd, data, size) == 0);
	for (uint64_t n = 0; n < 4; n++) {
		FUZZ_CHECK(log_tail(&files, (off_t)size, n, from) == 0);
		for (int i = 0; i < 2; i++)
			FUZZ_CHECK(from[i] <= (off_t)size &&
				   (from[i] == 0 || from[i] == (off_t)size ||
				    data[from[i] - 1] == '\n'));
		const int64_t anchor = log_anchor_at(&files, from[0] < from[1] ? from[0] : from[1]);
		struct seen end = read_in(data, size, 17, from, anchor);
		FUZZ_CHECK(end.lines <= n && end.bytes <= whole.bytes);
	}
	log_files_close(&files);
	return 0;
}
