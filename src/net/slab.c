/*
 * A block is BLOCK bytes at a multiple of BLOCK, so the block of an object is found by its address. It opens with a head and a bitmap of
 * what is out. Blocks form a ring; those with room are at its front.
 */
#include <sys/mman.h>

#include "base/base.h"
#include "net/slab.h"

enum { BLOCK = 1 << 15, MAP_WORDS = BLOCK / 8 / 64 / 4 };

struct slab_block {
	struct slab_block *next, *prev;
	uint32_t used, room;	 /* objects out; objects that fit */
	uint64_t map[MAP_WORDS]; /* 1: out */
};

static struct slab_block *block_of(void *object)
{
	return (struct slab_block *)((uintptr_t)object & ~(uintptr_t)(BLOCK - 1));
}

static void *object_at(const struct slab *s, struct slab_block *b, uint32_t i)
{
	return (char *)(b + 1) + (size_t)i * s->size;
}

static void unlink_block(struct slab *s, struct slab_block *b)
{
	b->next->prev = b->prev;
	b->prev->next = b->next;
	if (s->open == b)
		s->open = b->next == b ? NULL : b->next;
}

/* In front of all (the ring's start), or, as the one before the start, behind all. */
static void link_block(struct slab *s, struct slab_block *b, bool front)
{
	if (!s->open) {
		b->next = b->prev = b;
		s->open = b;
		return;
	}
	b->next = s->open;
	b->prev = s->open->prev;
	b->prev->next = b->next->prev = b;
	if (front)
		s->open = b;
}

/* mmap(2) promises pages only: twice as much is taken, and what lies outside of the aligned part is given back. */
static struct slab_block *new_block(const struct slab *s)
{
	char *p = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	size_t before = (size_t)(-(uintptr_t)p & (BLOCK - 1));
	if (before)
		munmap(p, before);
	munmap(p + before + BLOCK, BLOCK - before);
	struct slab_block *b = (void *)(p + before);
	uint32_t room = (uint32_t)((BLOCK - sizeof *b) / s->size);
	b->room = room < MAP_WORDS * 64 ? room : MAP_WORDS * 64;
	return b;
}

void *slab_get(struct slab *s)
{
	struct slab_block *b = s->open;

	if (!b || b->used == b->room) {
		b = new_block(s);
		if (!b)
			return NULL;
		link_block(s, b, true);
	}
	uint32_t w = 0;
	while (!~b->map[w])
		w++;
	uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(~b->map[w]);
	b->map[w] |= 1ULL << (i % 64);
	s->used++;
	if (++b->used == b->room) { /* goes behind those with room */
		unlink_block(s, b);
		link_block(s, b, false);
	}
	void *object = object_at(s, b, i);
	memset(object, 0, s->size);
	return object;
}

void slab_put(struct slab *s, void *object)
{
	struct slab_block *b = block_of(object);
	uint32_t i = (uint32_t)(((uintptr_t)object - (uintptr_t)(b + 1)) / s->size);

	b->map[i / 64] &= ~(1ULL << (i % 64));
	s->used--;
	bool was_full = b->used-- == b->room;
	struct slab_block *other = s->open == b ? b->next : s->open;
	if (b->used == 0 && other != b && other->used < other->room) {
		unlink_block(s, b);
		munmap(b, BLOCK);
	} else if (was_full) {
		unlink_block(s, b);
		link_block(s, b, true);
	}
}

void slab_trim(struct slab *s)
{
	if (s->used == 0 && s->open) {
		munmap(s->open, BLOCK);
		s->open = NULL;
	}
}

void slab_each(struct slab *s, void (*fn)(void *object, void *arg), void *arg)
{
	uint32_t blocks = 0;

	for (struct slab_block *b = s->open; b; b = b->next == s->open ? NULL : b->next)
		blocks++;
	/* fn may move or unmap the block it is called in, no other; the order of those to come stays. */
	for (struct slab_block *b = s->open, *next; blocks--; b = next) {
		uint32_t left = b->used, room = b->room;
		next = b->next;
		for (uint32_t i = 0; i < room && left; i++) {
			if (!(b->map[i / 64] & 1ULL << (i % 64)))
				continue;
			left--; /* the block goes with its last object */
			fn(object_at(s, b, i), arg);
		}
	}
}
