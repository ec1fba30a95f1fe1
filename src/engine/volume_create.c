#include "base/base.h"
#include "engine/volume.h"
#include "state/tmp.h"
#include "state/u0.h"
#include "volume/local.h"
#include "volume/plugin.h"

struct owner_args {
	const struct home *h;
	const char *path;
	const struct local *l;
};

/* uid= and gid= are ids as containers have them. */
static int set_owner(const struct u0_map *map, void *arg, struct err *e)
{
	const struct owner_args *o = arg;
	uid_t uid = o->l->has_uid ? o->l->uid : (uid_t)-1;
	gid_t gid = o->l->has_gid ? o->l->gid : (gid_t)-1;

	if (map->form == FORM_ONE) /* there is nobody else whom it could belong to */
		return 0;
	if (fchownat(o->h->fd, o->path, uid, gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	err_set(e, errno, "give the volume to user %u, group %u", o->l->uid, o->l->gid);
	return err_hint(e, "hoy info shows which ids containers have");
}

static int make(const struct home *h, struct volume *v, struct arena *a, struct err *e)
{
	struct local l = {0};
	int r = volume_check_driver(v->driver, e);

	if (r == 0)
		r = strcmp(v->driver, VOLUME_LOCAL) ? 0 : local_parse(&v->options, &l, a, e);
	if (r == 0)
		r = volume_make(h, v, true, l.nocopy, a, e);
	if (r < 0 || (!l.has_uid && !l.has_gid) || l.kind != LOCAL_DATA)
		return r;
	struct owner_args args = {h, volume_data(v->name, a), &l};
	r = u0_run(h, set_owner, &args, e);
	if (r < 0)
		volume_remove(h, v->name, false, -1, a, NULL);
	return r;
}

/* Records of volumes that their plugin knows no more. */
static int forget_gone(const struct home *h, const char *driver, const struct strv *there,
		       const struct strv *names, struct strs *removed, struct arena *a,
		       struct err *e)
{
	scoped(strv) trash = {0};
	struct bind_list uses;
	autoclose int lock = volumes_lock(h, true, e);
	int r = lock < 0 ? lock : volume_uses(h, &uses, a, e);

	for (size_t i = 0; i < names->n && r == 0; i++) {
		struct volume v;
		if (volume_read(h, names->v[i], &v, a, NULL) < 0 || strcmp(v.driver, driver) ||
		    strv_has(there, v.name) || volume_used_by(&uses, v.name, NULL))
			continue;
		r = volume_forget(h, v.name, &trash, e);
		if (r == 0)
			strs_add(a, removed, v.name);
	}
	for (size_t i = 0; i < trash.n; i++)
		home_rm_tree(h, trash.v[i], NULL);
	return r;
}

int volumes_reload(const struct home *h, struct strs *added, struct strs *removed,
		   size_t *ret_silent, struct err *ret_why, struct arena *a, struct err *e)
{
	scoped(strv) plugins = {0}, names = {0};
	int r = volume_names(h, &names, e);

	*ret_silent = 0;
	plugin_names(&plugins);
	for (size_t i = 0; i < plugins.n && r == 0; i++) {
		scoped(strv) there = {0};
		struct err one = {.exit = EXIT_ENGINE};
		if (plugin_check(plugins.v[i], &one) < 0 ||
		    plugin_volumes(plugins.v[i], &there, &one) < 0) {
			if (!(*ret_silent)++)
				*ret_why = one;
			continue;
		}
		r = forget_gone(h, plugins.v[i], &there, &names, removed, a, e);
		for (size_t k = 0; k < there.n && r == 0; k++) {
			struct volume v = {.name = arena_strdup(a, there.v[k]),
					   .driver = arena_strdup(a, plugins.v[i])};
			if (strv_has(&names, v.name) || volume_check_name(v.name, NULL) < 0)
				continue;
			r = volume_record(h, &v, true, false, a, e);
			if (r == 0)
				strs_add(a, added, v.name);
		}
	}
	return r;
}

int volume_create(const struct home *h, const struct volume_create_opts *o, struct volume *ret,
		  struct arena *a, struct err *e)
{
	char random[65];
	int r = o->name ? volume_check_name(o->name, e) : 0;

	if (r < 0)
		return r;
	*ret = (struct volume){
		.name = arena_strdup(a, o->name ? o->name : volume_random_name(random)),
		.driver = str_is_empty(o->driver) ? VOLUME_LOCAL : o->driver,
		.labels = o->labels,
		.options = o->options,
		.anonymous = o->anonymous};
	const char *driver = ret->driver;
	autoclose int lock = volumes_lock(h, false, e);
	r = lock < 0 ? lock : make(h, ret, a, e);
	if (r >= 0 || e->id != ERR_VOLUME_EXISTS || (!o->ignore && !o->same))
		return r;
	r = volume_read(h, ret->name, ret, a, e);
	if (r == 0 && strcmp(ret->driver, driver) != 0 && o->same && !o->ignore)
		return err_fail(e, ERR_VOLUME_EXISTS, "there is a volume %s of driver %s already",
				ret->name, ret->driver);
	if (r == 0)
		*e = (struct err){.exit = EXIT_ENGINE};
	return r;
}
