#include "base/base.h"
#include "engine/requires.h"

int requires_set(const struct home *h, const struct strs *names, struct container_config *c,
		 struct arena *a, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		struct container other;
		int r = container_open(h, names->v[i], &other, e);
		if (r == 0 && !strs_has(&c->requires, other.id))
			strs_add(a, &c->requires, arena_strdup(a, other.id));
		container_free(&other);
		if (r < 0)
			return err_context(e, "--requires");
	}
	return 0;
}
