#include <sys/mman.h>

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
