#include "base/base.h"
#include "state/tmp.h"
#include "volume/anonymous.h"
#include "volume/volume.h"

static bool has_any(const struct bind_list *mounts)
{
	const struct state_mount *m = mounts->v;

	for (size_t i = 0; i < mounts->n; i++)
		if (m[i].volume && m[i].anonymous)
			return true;
	return false;
}

void anonymous_take_away(const struct home *h, const struct bind_list *mounts, const char *id,
			 struct strv *trash)
{
	const struct state_mount *m = mounts->v;
	struct bind_list uses;
	scoped(arena) a = {0};

	if (!has_any(mounts))
		return;
	autoclose int lock = volumes_lock(h, true, NULL);
	if (lock < 0 || volume_uses(h, &uses, &a, NULL) < 0)
		return;
	for (size_t i = 0; i < mounts->n; i++)
		if (m[i].volume && m[i].anonymous && !volume_used_by(&uses, m[i].volume, id))
			volume_take_away(h, m[i].volume, trash, NULL);
}

void anonymous_remove(const struct home *h, const struct bind_list *mounts, const char *id)
{
	scoped(strv) trash = {0};

	anonymous_take_away(h, mounts, id, &trash);
	for (size_t i = 0; i < trash.n; i++)
		home_rm_tree(h, trash.v[i], NULL);
}
