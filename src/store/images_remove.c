/*
 * How removing goes: with the lock held, who uses which image and what it is called is read once, for all that are to go. Then their
 * names and links are taken away, everything that nothing needs any more is moved to tmp/ (gc.h), and the lock is given back. The
 * deleting itself comes last, in a process of its own.
 */
#include "base/base.h"
#include "data/bind.h"
#include "state/container.h"
#include "store/gc.h"
#include "store/images.h"
#include "store/names.h"

/* An id and what belongs to it: a container, or a name. */
struct tie {
	const char *id, *what;
};
struct ties {
	struct arena arena;
	struct bind_list v; /* of struct tie, sorted by id */
};

static void ties_free(struct ties *t)
{
	arena_free(&t->arena);
}

static void ties_add(struct ties *t, const char *id, const char *what)
{
	struct tie *x = bind_append(&t->arena, &t->v, sizeof *x);

	x->id = arena_strdup(&t->arena, id);
	x->what = arena_strdup(&t->arena, what);
}

static int by_id(const void *a, const void *b)
{
	const struct tie *x = a, *y = b;
	int c = strcmp(x->id, y->id);

	return c ? c : strcmp(x->what, y->what);
}

static void ties_sort(struct ties *t)
{
	if (t->v.n > 1)
		qsort(t->v.v, t->v.n, sizeof(struct tie), by_id);
}

/* The first of an id's, and how many there are. */
static const struct tie *ties_of(const struct ties *t, const char *id, size_t *ret_n)
{
	const struct tie *v = t->v.v;
	size_t lo = 0, hi = t->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(v[mid].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*ret_n = 0; lo + *ret_n < t->v.n && !strcmp(v[lo + *ret_n].id, id);)
		++*ret_n;
	return *ret_n ? &v[lo] : NULL;
}

static int find_users(const struct home *h, struct ties *ret, struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids_all(h, &ids, e);

	for (size_t i = 0; i < ids.n && r == 0; i++) {
		scoped(arena) a = {0};
		struct container_state s;
		scoped(strv) images = {0};
		if (container_state_read(h, ids.v[i], &s, &a, NULL) == 0)
			container_state_images(&s, &images);
		for (size_t k = 0; k < images.n; k++)
			ties_add(ret, images.v[k], ids.v[i]);
	}
	ties_sort(ret);
	return r;
}

int image_users(const struct home *h, const char *id, struct strv *ret, struct err *e)
{
	scoped(ties) users = {0};
	int r = find_users(h, &users, e);
	size_t n;
	const struct tie *t = ties_of(&users, id, &n);

	for (size_t i = 0; i < n; i++)
		strv_add(ret, t[i].what);
	return r;
}

static int refuse_used(const struct home *h, const char *id, const char *who, size_t n,
		       struct err *e)
{
	scoped(arena) a = {0};
	struct container_state s = {0};

	if (container_state_read(h, who, &s, &a, NULL) == 0 && s.name)
		who = s.name;
	err_fail_code(e, ERR_IMAGE_IN_USE, EBUSY, "image %.12s is used by container %.64s%s",
		      digest_hex(id), who, n > 1 ? " and others" : "");
	return err_hint(e, "remove the container first (hoy rm %.64s), or use -f", who);
}

static int collect_name(void *arg, const char *repository, const char *last, const char *id,
			const char *manifest)
{
	autofree char *name = xasprintf("%s%s", repository, last);

	if (id)
		ties_add(arg, id, name);
	return 0;
}

static int drop_names(const struct home *h, const struct tie *t, size_t n, struct err *e)
{
	scoped(arena) a = {0};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct reference ref;
		r = ref_parse(&a, t[i].what, &ref, e);
		if (r == 0)
			r = names_drop(h, &ref, e);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int leave(const struct home *h, struct image_leaving *im, const struct ties *users,
		 const struct ties *names, struct err *e)
{
	char path[8 + DIGEST_HEX];
	size_t n;
	const struct tie *t = ties_of(users, im->id, &n);

	if (t && !im->force)
		return refuse_used(h, im->id, t->what, n, e);
	t = ties_of(names, im->id, &n);
	if (t && im->unnamed)
		return err_fail_code(e, ERR_IMAGE_IN_USE, EBUSY, "image %.12s is called %s by now",
				     digest_hex(im->id), t->what);
	int r = drop_names(h, t, n, e);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "images/%.64s", digest_hex(im->id));
	if (unlinkat(h->fd, path, 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "remove %s/%s", h->path, path);
	return 0;
}

int images_remove(const struct home *h, struct image_leaving *v, size_t n, int64_t *ret_bytes,
		  struct err *e)
{
	scoped(ties) users = {0}, names = {0};
	struct store_trash trash = STORE_TRASH_NONE;
	autoclose int lock = store_lock(h, e);

	if (lock < 0)
		return lock;
	int r = find_users(h, &users, e);
	if (r == 0)
		r = names_each(h, collect_name, &names, e);
	if (r < 0)
		return r;
	ties_sort(&names);
	store_collect_later(h); /* should we be killed between here and the collecting */
	for (size_t i = 0; i < n; i++) {
		v[i].why = (struct err){0};
		leave(h, &v[i], &users, &names, &v[i].why);
	}
	autoclose int dir = openat(h->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		fsync(dir);
	/* Another image that is damaged keeps its neighbours' layers, but not this image from going. */
	store_collect_locked(h, &trash, NULL);
	fd_close(&lock);
	if (ret_bytes)
		*ret_bytes += trash.bytes;
	store_trash_empty(h, &trash, 8);
	return 0;
}

int image_remove(const struct home *h, const char *id, bool force, struct err *e)
{
	struct image_leaving im = {.id = id, .force = force};
	int r = images_remove(h, &im, 1, NULL, e);

	if (r < 0 || !im.why.code)
		return r;
	if (e)
		*e = im.why;
	return -im.why.code;
}
