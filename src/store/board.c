#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "store/board.h"

struct board *board_new(struct err *e)
{
	void *p = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		return p;
	err_set(e, errno, "share memory");
	return NULL;
}

void board_free(struct board *b)
{
	if (b)
		munmap(b, sizeof *b);
}

struct board_layer *board_add(struct board *b, const char *hex, uint64_t size)
{
	if (!b || b->n == BOARD_MAX)
		return NULL;
	struct board_layer *l = &b->v[b->n];
	*l = (struct board_layer){.size = size};
	snprintf(l->name, sizeof l->name, "%.12s", hex);
	b->n++; /* seen by others from here on */
	return l;
}

void board_await_workers(const struct board *b)
{
	for (size_t i = 0; i < BOARD_WORKERS; i++) {
		pid_t pid = b->workers[i];
		autoclose int fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (fd >= 0)
			poll(&p, 1,
			     10000); /* one that the disk holds up is not waited for without end */
	}
}
