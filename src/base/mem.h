/*
 * mem.h - memory: allocation that never returns NULL, cleanup attributes, arenas.
 *
 * Out of memory ends the process. A local that owns something is declared with its cleanup (autofree, autoclose,
 * scoped(str)) and given away with take() or take_fd(). What is parsed from one document lives in one arena and
 * dies with it; nobody frees single pieces of an arena.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) printf_like(1, 2);

/* scoped(T) x = {0}; calls T_free(&x) at the end of the scope. */
#define scoped(t) __attribute__((cleanup(t##_free))) struct t
#define autofree  __attribute__((cleanup(mem_cleanup)))
static inline void mem_cleanup(void *p)
{
	free(*(void **)p);
}

/* Gives a pointer or a descriptor away: the local is emptied, so its cleanup does nothing. */
#define take(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})
static inline int take_fd_(int *fd)
{
	int r = *fd;
	*fd = -1;
	return r;
}
#define take_fd(fd) take_fd_(&(fd))

/* An arena: zero-initialised is empty and ready. Allocations are zeroed and 16-byte aligned. */
struct arena {
	struct arena_block *blocks;
};
void *arena_alloc(struct arena *a, size_t n);
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size); /* copies */
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
void arena_free(struct arena *a);

/* Gives back what a process that will sleep for long does not need: free heap, and the pages of our own program. Pages that are used
 * again come back one by one. */
void mem_settle(void) __attribute__((hot));

#endif
