#include "base/base.h"
#include "engine/image.h"
#include "engine/remove.h"
#include "state/container.h"
#include "state/tell.h"
#include "store/names.h"
#include "store/lists.h"

void image_removed_free(struct image_removed *r)
{
	strv_free(&r->untagged);
	strv_free(&r->deleted);
}

struct naming {
	const char *id;
	struct strv tags, digests;
};

static void naming_free(struct naming *n)
{
	strv_free(&n->tags);
	strv_free(&n->digests);
}

static int collect_names(void *arg, const char *repository, const char *last, const char *id,
			 const char *manifest)
{
	struct naming *n = arg;

	if (str_eq(id, n->id))
		strv_addf(*last == ':' ? &n->tags : &n->digests, "%s%s", repository, last);
	return 0;
}

static int refuse_several(const char *id, const struct strv *names, struct err *e)
{
	scoped(str) list = {0};

	for (size_t i = 0; i < names->n && i < 4; i++)
		str_addf(&list, "%s%s", i ? ", " : "", names->v[i]);
	err_fail(e, ERR_IMAGE_IN_USE, "image %.12s has %zu names: %s%s", digest_hex(id), names->n,
		 str_cstr(&list), names->n > 4 ? ", ..." : "");
	return err_hint(e, "remove it by name, or with -f to take all of them");
}

/* Containers of an image that is removed by force go before it, running ones too. */
static int rm_users(const struct home *h, const char *id, struct err *e)
{
	scoped(strv) users = {0};
	int r = image_users(h, id, &users, e);

	for (size_t i = 0; i < users.n && r == 0; i++) {
		scoped(container) c = {.dir = -1};
		r = container_open(h, users.v[i], &c, e);
		if (r == 0)
			r = container_remove(h, &c, true, -1, e);
		if (r == -ENOENT)
			r = 0; /* it went by itself (--rm) */
	}
	return r;
}

/* A container of the image that runs: its name or id in the arena, or NULL. */
static const char *running_user(const struct home *h, const char *id, struct arena *a)
{
	scoped(strv) users = {0};

	image_users(h, id, &users, NULL);
	for (size_t i = 0; i < users.n; i++) {
		struct container_state s;
		if (container_state_read(h, users.v[i], &s, a, NULL) < 0)
			continue;
		enum container_status st = container_derive(h, &s);
		if (container_is_up(st) || st == CONTAINER_LOST)
			return s.name ? s.name : arena_strdup(a, users.v[i]);
	}
	return NULL;
}

/* Was child built upon parent? It has all its layers and steps, and more. */
static bool is_built_upon(const struct image_doc *child, const struct image_doc *parent)
{
	const struct strs *c = &child->rootfs.diff_ids, *p = &parent->rootfs.diff_ids;
	const struct image_history *ch = child->history.v, *ph = parent->history.v;

	if (!p->n || !parent->history.n || p->n > c->n || parent->history.n >= child->history.n)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i], c->v[i]))
			return false;
	for (size_t i = 0; i < parent->history.n; i++)
		if (!str_eq(ph[i].created_by, ch[i].created_by) ||
		    !str_eq(ph[i].created, ch[i].created))
			return false;
	return true;
}

/* Adds those of the images without a name that doc was built upon, and that no other image needs as such, to the list. */
static int find_parents(const struct home *h, const char *id, struct arena *a,
			struct bind_list *leaving, struct err *e)
{
	scoped(image_list) all = {0};
	int r = images_list(h, &all, e);
	struct image *docs = arena_alloc(a, (all.n + 1) * sizeof *docs);
	const struct image_doc *own = NULL;

	for (size_t i = 0; i < all.n; i++) {
		if (!all.v[i].broken && image_open(h, all.v[i].id, &docs[i], NULL) == 0 &&
		    !strcmp(all.v[i].id, id))
			own = &docs[i].doc;
	}
	for (size_t i = 0; i < all.n && own && r == 0; i++) {
		const struct image_entry *im = &all.v[i];
		bool wanted = im->names.n || im->repo_digests.n || !docs[i].id ||
			      !is_built_upon(own, &docs[i].doc);
		for (size_t k = 0; k < all.n && !wanted; k++) /* by another child that has a name */
			wanted = (all.v[k].names.n || all.v[k].repo_digests.n) && docs[k].id &&
				 strcmp(all.v[k].id, id) != 0 &&
				 is_built_upon(&docs[k].doc, &docs[i].doc);
		if (wanted)
			continue;
		struct image_leaving *l = bind_append(a, leaving, sizeof *l);
		l->id = arena_strdup(a, im->id);
		l->unnamed = true;
	}
	for (size_t i = 0; i < all.n; i++)
		image_free(&docs[i]);
	return r;
}

static int rm_whole(const struct home *h, struct naming *n, const struct image_rm_opts *o,
		    struct image_removed *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct bind_list leaving = {0};
	struct image_leaving *v = bind_append(&a, &leaving, sizeof *v);
	int r = o->force && !o->docker ? rm_users(h, n->id, e) : 0;

	v->id = n->id;
	v->force = o->force;
	if (r == 0 && !o->keep_parents)
		r = find_parents(h, n->id, &a, &leaving, e);
	v = leaving.v;
	if (r == 0)
		r = images_remove(h, v, leaving.n, NULL, e);
	if (r == 0 && v->why.code) {
		*e = v->why;
		r = -e->code;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < n->tags.n; i++)
		strv_add(&ret->untagged, n->tags.v[i]);
	for (size_t i = 0; i < n->digests.n; i++)
		strv_add(&ret->untagged, n->digests.v[i]);
	for (size_t i = 0; i < leaving.n; i++)
		if (!v[i].why.code)
			strv_add(&ret->deleted, v[i].id);
	return 0;
}

static int drop_name(const struct home *h, const char *name, struct err *e)
{
	scoped(arena) a = {0};
	struct reference ref;
	int r = ref_parse(&a, name, &ref, e);

	if (r == 0)
		r = image_untag(h, &ref, e);
	return r == -ENOENT ? 0 : r;
}

/* Takes one tag away; with the last one of a repository the names by digest that it has there go as well, as docker has it. */
static int drop_one(const struct home *h, const struct naming *n, const char *name, bool docker,
		    struct image_removed *ret, struct err *e)
{
	autofree char *repository = xstrndup(name, (size_t)(strrchr(name, ':') - name));
	size_t len = strlen(repository);
	int r = drop_name(h, name, e);

	if (r < 0)
		return r;
	strv_add(&ret->untagged, name);
	for (size_t i = 0; i < n->tags.n; i++)
		if (strcmp(n->tags.v[i], name) && str_starts(n->tags.v[i], repository) &&
		    n->tags.v[i][len] == ':' && !strchr(n->tags.v[i] + len, '/'))
			return 0;
	for (size_t i = 0; i < n->digests.n && r == 0; i++) {
		if (!str_starts(n->digests.v[i], repository) || n->digests.v[i][len] != '@')
			continue;
		r = drop_name(h, n->digests.v[i], e);
		if (docker)
			strv_add(&ret->untagged, n->digests.v[i]);
	}
	return r;
}

/* docker's -f does not touch containers: the image of one that runs stays. 1: that was settled here. */
static int spare_running(const struct home *h, const struct naming *n, const char *name,
			 struct image_removed *ret, struct err *e)
{
	scoped(arena) a = {0};
	const char *who = running_user(h, n->id, &a);

	if (!who)
		return 0;
	if (!name) {
		err_fail_code(e, ERR_IMAGE_IN_USE, EBUSY,
			      "image %.12s is used by the running container %.64s",
			      digest_hex(n->id), who);
		return err_hint(e, "stop the container first: hoy stop %.64s", who);
	}
	int r = drop_one(h, n, name, true, ret, e);
	return r < 0 ? r : 1;
}

static int rm_found(const struct home *h, struct naming *n, const char *name,
		    const struct image_rm_opts *o, struct image_removed *ret, struct err *e)
{
	bool by_tag = name && !strchr(name, '@');
	int r = 0;

	if (by_tag && n->tags.n > 1)
		return drop_one(h, n, name, o->docker, ret, e);
	if (!by_tag && n->tags.n > 1 && !o->force)
		return refuse_several(n->id, &n->tags, e);
	if (o->force && o->docker)
		r = spare_running(h, n, by_tag ? name : NULL, ret, e);
	return r ? r : rm_whole(h, n, o, ret, e);
}

static bool read_list(const struct home *h, const char *name, struct arena *a,
		      struct manifest_list *l, char *digest)
{
	struct reference ref;

	return image_parse_new_name(a, name, "localhost", &ref, NULL) == 0 &&
	       list_read(h, &ref, a, l, &(struct err){0}) == 0 && list_digest(l, digest, NULL) == 0;
}

/* The manifest list that a text means, by its name or by its id. -ENOENT (e untouched) if none. */
static int find_list(const struct home *h, const char *text, struct arena *a,
		     struct manifest_list *ret, char *digest, struct err *e)
{
	scoped(strv) names = {0};
	const char *hex, *found = NULL;

	if (read_list(h, text, a, ret, digest))
		return 0;
	if (!ref_is_id_prefix(text, &hex) || lists_names(h, &names, NULL) < 0)
		return -ENOENT;
	for (size_t i = 0; i < names.n; i++) {
		if (!read_list(h, names.v[i], a, ret, digest) ||
		    !str_starts(digest_hex(digest), hex))
			continue;
		if (found)
			return err_fail(e, ERR_IMAGE_AMBIGUOUS,
					"\"%s\" fits several manifest lists", text);
		found = names.v[i];
	}
	return found && read_list(h, found, a, ret, digest) ? 0 : -ENOENT;
}

static int rm_list(const struct home *h, const char *text, struct image_removed *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct manifest_list l;
	struct reference ref;
	char digest[DIGEST_LEN + 1];
	int r = find_list(h, text, &a, &l, digest, e);

	if (r == 0)
		r = ref_parse(&a, l.name, &ref, e);
	if (r < 0)
		return r;
	autoclose int lock = lists_lock(h, e);
	if (lock < 0)
		return lock;
	r = list_remove(h, &ref, e);
	if (r == 0) {
		strv_add(&ret->untagged, l.name);
		strv_add(&ret->deleted, digest);
	}
	return r;
}

int image_rm(const struct home *h, const char *text, const struct image_rm_opts *o,
	     struct image_removed *ret, struct err *e)
{
	scoped(arena) a = {0};
	scoped(naming) n = {0};
	const char *name;

	*ret = (struct image_removed){0};
	int r = image_find_id(h, text, &a, &n.id, &name, e);
	if (r < 0 && e->id == ERR_IMAGE_UNKNOWN) {
		int k = o->docker ? -ENOENT : rm_list(h, text, ret, e);
		if (k != -ENOENT)
			return k;
		e->exit = 1;
	}
	if (r == 0)
		r = names_each(h, collect_names, &n, e);
	if (r < 0)
		return r;
	strv_sort(&n.tags);
	strv_sort(&n.digests);
	r = rm_found(h, &n, name, o, ret, e);
	for (size_t i = 0; i < ret->untagged.n; i++)
		image_tell(h, "untag", n.id, ret->untagged.v[i]);
	for (size_t i = 0; i < ret->deleted.n; i++)
		image_tell(h, "remove", ret->deleted.v[i], i ? NULL : name);
	/* several names: 125, as before; a container: 2 */
	if (r < 0 && e->id == ERR_IMAGE_IN_USE && e->code == EBUSY)
		e->exit = 2;
	return r < 0 ? r : 0;
}
