/* Fuzz target: whatever the file of events holds, the reader hands over the same in pieces and as a whole, and an event behind it is found. */
#include <sys/mman.h>

#include "base/base.h"
#include "base/fuzz.h"
#include "state/events_read.h"

struct seen {
	size_t n;
	char last[32];
};

static int on_event(void *arg, const struct event_record *ev)
{
	struct seen *s = arg;

	FUZZ_CHECK(*ev->type && *ev->action && ev->id && ev->name && ev->image);
	for (size_t i = 0; i < ev->labels.n; i++)
		FUZZ_CHECK(ev->labels.v[i].k && ev->labels.v[i].v);
	s->n++;
	snprintf(s->last, sizeof s->last, "%s", ev->action);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] = "\x1e{\"time\":1,\"type\":\"image\",\"action\":\"good\"}\n";
	struct events_reader r = {.store = -1,
				  .files = {{.fd = -1}, {.fd = memfd_create("e", MFD_CLOEXEC)}}};
	struct events_reader whole = {.store = -1, .files = {{.fd = -1}, {.fd = -1}}};
	int fd = r.files[1].fd;
	struct seen a = {0}, b = {0};
	size_t half = size / 2;

	FUZZ_CHECK(fd >= 0);
	whole.files[1].fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	FUZZ_CHECK(fd_write_all(fd, data, half) == 0 && events_read(&r, on_event, &a) == 0);
	FUZZ_CHECK(fd_write_all(fd, data + half, size - half) == 0 &&
		   events_read(&r, on_event, &a) == 0);
	FUZZ_CHECK(events_read(&whole, on_event, &b) == 0 && a.n == b.n && !strcmp(a.last, b.last));
	if (size < 1000) { /* unless the line has become too long */
		FUZZ_CHECK(fd_write_all(fd, good, sizeof good - 1) == 0 &&
			   events_read(&r, on_event, &a) == 0);
		FUZZ_CHECK(a.n == b.n + 1 && !strcmp(a.last, "good"));
	}
	events_close(&r);
	events_close(&whole);
	return 0;
}
