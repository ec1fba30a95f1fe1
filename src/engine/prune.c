#include "base/base.h"
#include "engine/list.h"
#include "engine/prune.h"
#include "engine/remove.h"
#include "store/usage.h"
#include "state/tell.h"

static int check_filter(const char *text, struct err *e)
{
	static const char *const keys[] = {"until=", "label=", "label!="};

	for (size_t i = 0; i < countof(keys); i++)
		if (str_starts(text, keys[i]))
			return 0;
	err_fail(e, ERR_USAGE, "filter \"%.100s\" is none of prune's", text);
	return err_hint(e, "until=TIME, label=KEY[=VALUE] and label!=KEY[=VALUE]");
}

int prune_check_filters(const struct strs *filters, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < filters->n && r == 0; i++)
		r = check_filter(filters->v[i], e);
	return r;
}

/* Removes one that still does not run. 1: it runs by now, or is gone. */
static int remove_one(const struct home *h, const char *id, struct err *e)
{
	struct container c;
	int r = container_open(h, id, &c, e);

	if (r == 0)
		r = container_remove(h, &c, false, -1, e);
	container_free(&c);
	if (r < 0 && (e->id == ERR_CONTAINER_RUNNING || e->id == ERR_CONTAINER_UNKNOWN ||
		      e->id == ERR_CONTAINER_IN_USE))
		return 1;
	return r;
}

int containers_prune(const struct home *h, const struct strs *filters, bool dry, struct arena *a,
		     struct prune_result *ret, struct err *e)
{
	struct list_query q = {.no_trunc = true, .ids_only = true};
	struct list_result res;
	int r = 0;

	*ret = (struct prune_result){0};
	strs_add(a, &q.filters, "status=created");
	strs_add(a, &q.filters, "status=exited");
	r = prune_check_filters(filters, e);
	for (size_t i = 0; i < filters->n && r == 0; i++)
		strs_add(a, &q.filters, filters->v[i]);
	if (r == 0)
		r = containers_list(h, &q, a, &res, e);
	if (r < 0)
		return r;
	int64_t *sizes = arena_alloc(a, (res.ids.n + 1) * sizeof *sizes);
	containers_usage(h, res.ids.v, res.ids.n, sizes);
	for (size_t i = 0; i < res.ids.n; i++) {
		struct err one = {0};
		r = dry ? 0 : remove_one(h, res.ids.v[i], &one);
		if (r < 0 && !ret->failed++)
			ret->why = one;
		if (r != 0)
			continue;
		strs_add(a, &ret->ids, res.ids.v[i]);
		ret->bytes += sizes[i];
	}
	if (!dry)
		prune_tell(h, "container", ret->bytes);
	return 0;
}
