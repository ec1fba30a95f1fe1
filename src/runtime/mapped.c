#include "base/base.h"
#include "runtime/mapped.h"
#include "store/copied.h"

static int read_ranges(const struct bind_list *l, struct id_map *ret)
{
	const struct config_ids *v = l->v;

	ret->n = 0;
	for (size_t i = 0; i < l->n; i++) {
		bool odd = v[i].inside < 0 || v[i].outside < 0 || v[i].count < 1 ||
			   v[i].inside > UINT32_MAX || v[i].outside > UINT32_MAX ||
			   v[i].count > UINT32_MAX;
		if (odd || idmap_add(ret, (uint32_t)v[i].inside, (uint32_t)v[i].outside,
				     (uint32_t)v[i].count) < 0)
			return -EINVAL;
	}
	idmap_sort(ret);
	return 0;
}

static int missing(const struct container_config *c, const char *kind, const struct id_range *r,
		   const struct id_map *has, struct err *e)
{
	err_fail_code(e, ERR_ID_RANGE, ERANGE,
		      "container %.60s is to have the %ss %u to %u as its %u to %u, and they are "
		      "not there: there are %" PRIu64,
		      c->name ? c->name : c->id, kind, r->outside, r->outside + r->count - 1,
		      r->inside, r->inside + r->count - 1, idmap_count(has));
	return err_hint(e, "hoy info shows the ids; more of them: usermod --add-subuids and "
			   "--add-subgids");
}

static int split(const struct container_config *c, const char *kind, const struct id_map *m,
		 const struct id_map *parent, struct id_map *ret, struct err *e)
{
	struct id_range gap;
	int r = idmap_split(m, parent, ret, &gap);

	if (r == -ERANGE)
		return missing(c, kind, &gap, parent, e);
	return r < 0 ? err_fail(e, ERR_ID_RANGE,
				"the map of %ss has more than %d pieces, as the ranges of this "
				"user cut it",
				kind, ID_RANGES_MAX)
		     : 0;
}

int mapped_find(const struct container_config *c, const struct u0_map *u0, struct mapped *ret,
		struct err *e)
{
	struct id_map uids, gids;

	ret->on = false;
	if (!c->uid_map.n)
		return 0;
	/* There keep-id is what there is anyway: one id, shown as the user's own (runtime/process.c). */
	if (u0->form == FORM_ONE && c->userns && str_starts(c->userns, "keep-id"))
		return 0;
	if (read_ranges(&c->uid_map, &uids) < 0 || read_ranges(&c->gid_map, &gids) < 0)
		return err_fail(e, ERR_ID_RANGE,
				"the id map in the container's config.json is none");
	ret->on = true;
	layer_map_init(&ret->layers, u0, &uids, &gids);
	int r = split(c, "uid", &uids, &u0->uids, &ret->uids, e);
	return r < 0 ? r : split(c, "gid", &gids, &u0->gids, &ret->gids, e);
}

int mapped_give(const struct mapped *m, int container_dir, struct err *e)
{
	const char *name = copied_is(container_dir) ? COPIED_ROOT : "upper";

	if (m->on && fchownat(container_dir, name, mapped_root_uid(m), mapped_root_gid(m),
			      AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "give the container's directory to its root");
	return 0;
}

const char *mapped_layers(const struct mapped *m, const struct u0_map *u0)
{
	return m->on ? m->layers.form : u0_form_name(u0->form);
}

int mapped_prepare(const struct home *h, const struct container_config *c, const struct u0_map *u0,
		   int container_dir, struct mapped *ret, struct err *e)
{
	const struct config_mount *m = c->mounts.v;
	int r = mapped_find(c, u0, ret, e);

	if (r == 0 && ret->on)
		r = layer_map_make(h, &ret->layers, &c->layers, e);
	for (size_t i = 0; i < c->mounts.n && r == 0 && ret->on; i++)
		r = layer_map_make(h, &ret->layers, &m[i].layers, e);
	return r < 0 ? r : mapped_give(ret, container_dir, e);
}

struct mapped_root mapped_root_of(const struct container_config *c)
{
	struct id_map uids, gids;
	struct mapped_root none = {0, 0};

	if (read_ranges(&c->uid_map, &uids) < 0 || read_ranges(&c->gid_map, &gids) < 0)
		return none;
	return (struct mapped_root){(uid_t)idmap_out(&uids, 0), (gid_t)idmap_out(&gids, 0)};
}

uid_t mapped_root_uid(const struct mapped *m)
{
	return m->on ? (uid_t)idmap_out(&m->layers.ids.uids, 0) : 0;
}

gid_t mapped_root_gid(const struct mapped *m)
{
	return m->on ? (gid_t)idmap_out(&m->layers.ids.gids, 0) : 0;
}

static int64_t seen(const struct mapped *m, bool group, uint32_t id)
{
	return m->on ? idmap_in(group ? &m->layers.ids.gids : &m->layers.ids.uids, id) : id;
}

bool mapped_same_owner(const struct mapped *ma, const struct stat *a, const struct mapped *mb,
		       const struct stat *b)
{
	return seen(ma, false, a->st_uid) == seen(mb, false, b->st_uid) &&
	       seen(ma, true, a->st_gid) == seen(mb, true, b->st_gid);
}
