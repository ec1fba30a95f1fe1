#include "base/base.h"
#include "engine/network.h"
#include "engine/prune.h"
#include "engine/remove.h"
#include "net/lease.h"
#include "state/tell.h"
#include "state/tmp.h"

static int builtin(const char *name, struct err *e)
{
	err_fail(e, ERR_NETWORK_BUILTIN, "the network %s is always there: it cannot be removed",
		 name);
	return err_hint(e, "it takes no room and no process while no container uses it");
}

/* The name of what is to be removed. One whose record is broken has only its name left. */
static int find(const struct home *h, const char *text, const char **ret, struct arena *a,
		struct err *e)
{
	struct network n;

	if (network_is_default(text) || !strcmp(text, NETWORK_DEFAULT_ID))
		return builtin(NETWORK_DEFAULT, e);
	if (!strcmp(text, "host") || !strcmp(text, "none"))
		return builtin(text, e);
	int r = network_find(h, text, false, &n, a, e);
	bool broken = r < 0 && (e->id == ERR_NETWORK_RECORD || e->id == ERR_JSON);
	if (r < 0 && !broken)
		return r;
	*ret = broken ? text : n.name;
	return 0;
}

static int in_use(const struct home *h, const char *name, const struct strv *users, struct err *e)
{
	scoped(strv) names = {0};
	scoped(str) who = {0};

	for (size_t i = 0; i < users->n; i++) {
		scoped(arena) a = {0};
		struct container_state s;
		bool known = container_state_read(h, users->v[i], &s, &a, NULL) == 0;
		strv_addf(&names, "%.60s", known ? s.name : arena_strndup(&a, users->v[i], 12));
	}
	strv_sort(&names);
	for (size_t i = 0; i < names.n && i < 5; i++)
		str_addf(&who, "%s%s", i ? ", " : "", names.v[i]);
	if (users->n > 5)
		str_addf(&who, " and %zu more", users->n - 5);
	err_fail_code(e, ERR_NETWORK_IN_USE, EBUSY, "the network %.128s is used by %s %s", name,
		      users->n == 1 ? "the container" : "the containers", str_cstr(&who));
	return err_hint(e, "hoy network disconnect takes a container out of it; hoy rm removes "
			   "containers");
}

static int remove_users(const struct home *h, const struct strv *users, int64_t time_s,
			struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < users->n && r == 0; i++) {
		struct container c;
		r = container_open(h, users->v[i], &c, e);
		if (r == 0)
			r = container_remove(h, &c, true, time_s, e);
		container_free(&c);
		if (r < 0 && e->id == ERR_CONTAINER_UNKNOWN) {
			*e = (struct err){0};
			r = 0;
		}
	}
	return r;
}

/* With the lock: nobody makes one of the same name meanwhile. */
static int remove_unused(const struct home *h, const char *name, struct strv *ret_users,
			 struct err *e)
{
	autofree char *path = xasprintf("networks/%s", name);
	autoclose int lock = networks_lock(h, e);

	if (lock < 0)
		return lock;
	int r = leases_close(h, name, ret_users, e);
	if (r < 0)
		return r;
	r = home_discard(h, path, e);
	if (r != -ENOENT)
		return r;
	return err_fail_code(e, ERR_NETWORK_UNKNOWN, ENOENT, "the network %s is gone", name);
}

int network_remove(const struct home *h, const char *text, bool force, int64_t time_s,
		   const char **ret_name, struct arena *a, struct err *e)
{
	struct network n = {0};
	int r = find(h, text, ret_name, a, e);

	if (r == 0)
		network_read(h, *ret_name, &n, a, NULL);
	for (int tries = 0; r == 0; tries++) {
		scoped(strv) users = {0};
		r = remove_unused(h, *ret_name, &users, e);
		if (r == 0)
			network_tell(h, "remove", n.id, *ret_name, NULL);
		if (r != -EBUSY)
			return r;
		if (!force || tries == 10)
			return in_use(h, *ret_name, &users, e);
		r = remove_users(h, &users, time_s, e);
	}
	return r;
}

/* ---- prune */

/* Has it users, apart from those that are about to go? */
static bool is_used(const struct home *h, const char *name, const struct strs *leaving)
{
	scoped(strv) users = {0};

	if (leases_users(h, name, &users, NULL) < 0)
		return true;
	for (size_t i = 0; i < users.n; i++)
		if (!leaving || !strs_has(leaving, users.v[i]))
			return true;
	return false;
}

int networks_prune(const struct home *h, const struct strs *filters, bool dry,
		   const struct strs *leaving, struct arena *a, struct networks_pruned *ret,
		   struct err *e)
{
	struct networks_query q = {.filters = *filters};
	struct networks_list l;
	int r = 0;

	*ret = (struct networks_pruned){0};
	r = prune_check_filters(filters, e);
	if (r == 0)
		r = networks_list(h, &q, a, &l, e);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		const char *name = l.v[i].name;
		struct err one = {0};
		if (!strcmp(name, NETWORK_DEFAULT) || is_used(h, name, leaving))
			continue;
		int k = dry ? 0 : network_remove(h, name, false, -1, &name, a, &one);
		if (k == 0)
			strs_add(a, &ret->names, name);
		else if (one.id != ERR_NETWORK_IN_USE && one.id != ERR_NETWORK_UNKNOWN &&
			 !ret->failed++)
			ret->why = one;
	}
	if (r == 0 && !dry)
		prune_tell(h, "network", 0);
	return r;
}
