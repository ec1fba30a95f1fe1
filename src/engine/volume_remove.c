#include "base/base.h"
#include "engine/remove.h"
#include "store/usage.h"
#include "engine/volume.h"
#include "state/tell.h"
#include "state/tmp.h"

static int in_use(const char *name, const struct bind_list *uses, struct err *e)
{
	const struct volume_use *u = uses->v;
	scoped(strv) names = {0};
	scoped(str) who = {0};

	for (size_t i = 0; i < uses->n; i++)
		if (!strcmp(u[i].volume, name) && !strv_has(&names, u[i].name))
			strv_addf(&names, "%.60s", u[i].name);
	strv_sort(&names);
	for (size_t i = 0; i < names.n && i < 5; i++)
		str_addf(&who, "%s%s", i ? ", " : "", names.v[i]);
	if (names.n > 5)
		str_addf(&who, " and %zu more", names.n - 5);
	err_fail_code(e, ERR_VOLUME_IN_USE, EBUSY, "the volume %.64s is used by %s %s", name,
		      names.n == 1 ? "the container" : "the containers", str_cstr(&who));
	return err_hint(e,
			"remove %s first (hoy rm %.100s), or all together: hoy volume rm -f %.64s",
			names.n == 1 ? "it" : "them", names.v[0], name);
}

static int remove_users(const struct home *h, const char *name, const struct bind_list *uses,
			int64_t time_s, struct err *e)
{
	const struct volume_use *u = uses->v;
	int r = 0;

	for (size_t i = 0; i < uses->n && r == 0; i++) {
		struct container c;
		if (strcmp(u[i].volume, name) != 0)
			continue;
		r = container_open(h, u[i].id, &c, e);
		if (r == 0)
			r = container_remove(h, &c, true, time_s, e);
		container_free(&c);
		if (r < 0 && e->id == ERR_CONTAINER_UNKNOWN) {
			*e = (struct err){.exit = EXIT_ENGINE};
			r = 0;
		}
	}
	return r;
}

/* -EBUSY: somebody uses it. */
static int remove_unused(const struct home *h, const char *name, struct bind_list *ret_uses,
			 struct arena *a, struct err *e)
{
	scoped(strv) trash = {0};
	autoclose int lock = volumes_lock(h, true, e);
	int r = lock < 0 ? lock : volume_uses(h, ret_uses, a, e);

	if (r < 0)
		return r;
	if (volume_used_by(ret_uses, name, NULL))
		return -EBUSY;
	r = volume_take_away(h, name, &trash, e);
	if (r == -ENOENT)
		return err_fail_code(e, ERR_VOLUME_UNKNOWN, ENOENT, "the volume %s is gone", name);
	fd_close(&lock);
	for (size_t i = 0; i < trash.n && r == 0; i++)
		r = home_rm_tree(h, trash.v[i], e);
	return r;
}

int volume_remove(const struct home *h, const char *text, bool force, int64_t time_s,
		  struct arena *a, struct err *e)
{
	const char *name;
	int r = volume_find_name(h, text, &name, a, e);

	for (int tries = 0; r == 0; tries++) {
		struct bind_list uses;
		r = remove_unused(h, name, &uses, a, e);
		if (r != -EBUSY)
			return r;
		if (!force || tries == 10)
			return in_use(name, &uses, e);
		r = remove_users(h, name, &uses, time_s, e);
	}
	return r;
}

/* ---- prune */

static int split_filters(const struct strs *filters, struct strs *ret, bool *ret_anonymous,
			 struct arena *a, struct err *e)
{
	for (size_t i = 0; i < filters->n; i++) {
		const char *f = filters->v[i];
		if (str_starts(f, "dangling=")) {
			err_fail(e, ERR_USAGE, "filter \"%.100s\" is none of prune's", f);
			return err_hint(e, "what no container uses is what is removed");
		}
		if (!str_starts(f, "all="))
			strs_add(a, ret, f);
		else if (!strcmp(f + 4, "true") || !strcmp(f + 4, "1"))
			*ret_anonymous = false;
		else if (!strcmp(f + 4, "false") || !strcmp(f + 4, "0"))
			*ret_anonymous = true;
		else
			return err_fail(e, ERR_USAGE,
					"filter \"%.100s\": the value is true or false", f);
	}
	return 0;
}

static bool is_used(const struct bind_list *uses, const char *name, const struct strs *leaving)
{
	const struct volume_use *u = uses->v;

	for (size_t i = 0; i < uses->n; i++)
		if (!strcmp(u[i].volume, name) && !(leaving && strs_has(leaving, u[i].id)))
			return true;
	return false;
}

int volumes_prune(const struct home *h, const struct strs *filters, bool anonymous, bool dry,
		  const struct strs *leaving, struct arena *a, struct volumes_pruned *ret,
		  struct err *e)
{
	struct volumes_query q = {0};
	struct volumes_list l;
	struct bind_list uses;

	*ret = (struct volumes_pruned){0};
	int r = split_filters(filters, &q.filters, &anonymous, a, e);
	if (r == 0)
		r = volumes_list(h, &q, a, &l, e);
	if (r == 0)
		r = volume_uses(h, &uses, a, e);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		const char *name = l.v[i].name;
		struct err one = {0};
		int64_t size = 0;
		if ((anonymous && !l.v[i].anonymous) || is_used(&uses, name, leaving))
			continue;
		volumes_usage(h, &name, 1, &size);
		int k = dry ? 0 : volume_remove(h, name, false, -1, a, &one);
		if (k == 0) {
			strs_add(a, &ret->names, name);
			ret->bytes += size;
		} else if (one.id != ERR_VOLUME_IN_USE && one.id != ERR_VOLUME_UNKNOWN &&
			   !ret->failed++) {
			ret->why = one;
		}
	}
	if (r == 0 && !dry)
		prune_tell(h, "volume", ret->bytes);
	return r;
}

void volumes_usage(const struct home *h, const char *const *names, size_t n, int64_t *ret)
{
	scoped(arena) a = {0};
	const char **paths = arena_alloc(&a, (n + 1) * sizeof *paths);

	for (size_t i = 0; i < n; i++)
		paths[i] = volume_data(names[i], &a);
	trees_usage(h, paths, n, ret);
}
