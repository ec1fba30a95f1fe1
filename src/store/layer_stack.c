#include "base/base.h"
#include "store/layer_stack.h"
#include "sys/copy_tree.h"

enum { SPARE = 3 }; /* room for directories that are no layers */

void layer_stack_free(struct layer_stack *s)
{
	while (s->n)
		fd_close(&s->fd[--s->n]);
	free(s->fd);
	s->fd = NULL;
}

int layer_stack_open(const struct home *h, const char *form, const struct strs *layers, size_t n,
		     struct layer_stack *ret, struct err *e)
{
	*ret = (struct layer_stack){xcalloc(n + SPARE, sizeof *ret->fd), 0};
	for (size_t i = n; i-- > 0;) {
		struct digest d;
		if (layer_lies_above(layers, n, i))
			continue;
		int r = digest_parse(layers->v[i], &d, e);
		int fd = r < 0 ? r : layer_open_as(h, &d, form, e);
		if (fd < 0) {
			layer_stack_free(ret);
			return fd;
		}
		ret->fd[ret->n++] = fd;
		if (faccessat(fd, "../opaque", F_OK, 0) == 0)
			break;
	}
	return 0;
}

void layer_stack_put_top(struct layer_stack *s, int fd)
{
	memmove(s->fd + 1, s->fd, s->n * sizeof *s->fd);
	s->fd[0] = fd;
	s->n++;
}

void layer_stack_put_bottom(struct layer_stack *s, int fd)
{
	s->fd[s->n++] = fd;
}

int layer_stack_copy(const struct layer_stack *s, int to, struct err *e)
{
	int r = 0;

	for (size_t i = s->n; r == 0 && i-- > 0;)
		r = copy_layer(s->fd[i], to, e);
	return r;
}
