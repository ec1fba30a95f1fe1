#include <linux/futex.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "pull/growing.h"

enum { WORTH_WAKING = 128 * 1024 };

static uint64_t load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

void growing_add(struct growing *g, uint64_t n)
{
	uint64_t now = __atomic_add_fetch(&g->arrived, n, __ATOMIC_SEQ_CST);

	if (!__atomic_load_n(&g->sleeping, __ATOMIC_SEQ_CST) || now < load(&g->wanted))
		return;
	__atomic_add_fetch(&g->calls, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &g->calls, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* The bytes that are there beyond pos: at least one, unless that is the end. Two readers of one blob may lower or raise `wanted` under each
 * other: the sleep is bounded for that. */
static uint64_t await(struct growing *g, uint64_t pos)
{
	static const struct timespec bound = {.tv_nsec = 200 * 1000 * 1000};
	uint64_t want = pos + WORTH_WAKING < g->size ? pos + WORTH_WAKING : g->size;
	uint64_t here = load(&g->arrived);

	while (here <= pos && here < g->size) {
		uint32_t calls = __atomic_load_n(&g->calls, __ATOMIC_SEQ_CST);
		__atomic_store_n(&g->wanted, want, __ATOMIC_SEQ_CST);
		__atomic_store_n(&g->sleeping, true, __ATOMIC_SEQ_CST);
		if (load(&g->arrived) < want)
			syscall(SYS_futex, &g->calls, FUTEX_WAIT, calls, &bound, NULL, 0);
		__atomic_store_n(&g->sleeping, false, __ATOMIC_SEQ_CST);
		here = load(&g->arrived);
	}
	return here - pos;
}

static ssize_t growing_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct growing_source *s = arg;

	if (s->pos >= s->g->size)
		return 0;
	uint64_t here = await(s->g, s->pos);
	ssize_t k = pread(s->fd, buf, n < here ? n : (size_t)here, (off_t)s->pos);
	if (k < 0)
		return err_set(e, errno, "read %s", s->name);
	if (k == 0)
		return err_fail(e, ERR_ARCHIVE, "%s was cut while it was read", s->name);
	s->pos += (uint64_t)k;
	return k;
}

struct source source_from_growing(struct growing_source *s)
{
	return (struct source){growing_read, s};
}
