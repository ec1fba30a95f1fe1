#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/userns_auto.h"
#include "runtime/user.h"
#include "state/u0.h"
#include "store/layers.h"
#include "sys/idmap.h"

enum { MIN_SIZE = 1024, NOBODY = 65534 };

/* ---- how many ids the image's users need */

/* The larger of what it was and the ids of a passwd or group file. Accounts for nobody stand for ids that there are none of. */
static uint32_t size_of(int root, const char *path, uint32_t size, struct arena *a)
{
	struct user_names l;

	user_names_read(root, path, &l, a);
	for (size_t i = 0; i < l.n; i++) {
		bool nobody = l.v[i].id >= NOBODY || str_eq(l.v[i].name, "nobody") ||
			      str_eq(l.v[i].name, "nogroup");
		if (!nobody && l.v[i].id >= size)
			size = l.v[i].id + 1;
	}
	return size;
}

/* The number that --user names. */
static uint32_t size_of_user(const char *user, uint32_t size)
{
	autofree char *text = xstrdup(user ? user : "");
	char *colon = strchr(text, ':');
	uint64_t n;

	if (colon)
		*colon++ = 0;
	if (parse_u64(text, NOBODY - 1, &n) == 0 && n >= size)
		size = (uint32_t)n + 1;
	if (colon && parse_u64(colon, NOBODY - 1, &n) == 0 && n >= size)
		size = (uint32_t)n + 1;
	return size;
}

/* *ret_all: for the owners of all files too. */
static uint32_t size_needed(const struct home *h, const struct container_config *c,
			    enum u0_form form, uint32_t *ret_all)
{
	static const char *const files[] = {"/etc/passwd", "/etc/group"};
	uint32_t size = size_of_user(c->process.user, MIN_SIZE);
	scoped(arena) a = {0};

	*ret_all = 0;
	for (size_t i = 0; i < c->layers.n; i++) {
		struct layer_meta m;
		struct digest d;
		if (digest_parse(c->layers.v[i], &d, NULL) < 0)
			continue;
		if (layer_meta_any(h, &d, &a, &m, NULL) == 0 && m.max_id >= *ret_all &&
		    m.max_id < NOBODY)
			*ret_all = (uint32_t)m.max_id + 1;
		autoclose int root = layer_open(h, &d, form, NULL);
		for (size_t k = 0; k < countof(files) && root >= 0; k++)
			size = size_of(root, files[k], size, &a);
	}
	*ret_all = *ret_all > size ? *ret_all : size;
	return size;
}

/* ---- which are free */

/* "<first>-<count>" */
static bool parse_range(const char *name, uint32_t *ret_first, uint32_t *ret_count)
{
	const char *dash = strchr(name, '-');
	autofree char *first = dash ? xstrndup(name, (size_t)(dash - name)) : NULL;
	uint64_t f, n;

	if (!dash || parse_u64(first, UINT32_MAX, &f) < 0 ||
	    parse_u64(dash + 1, UINT32_MAX, &n) < 0)
		return false;
	*ret_first = (uint32_t)f;
	*ret_count = (uint32_t)n;
	return true;
}

/* The ranges that containers have, as outside ids; those of others are given back. A container may have been moved, so it is looked for as container_is_gone() does. */
static int read_taken(const struct home *h, int dir, struct bind_list *ret, struct arena *a,
		      struct err *e)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return err_set(e, errno, "read %s/ranges", h->path);
	for (struct dirent *de; (de = readdir(d));) {
		uint32_t first, count;
		char id[CONTAINER_ID_LEN + 2];
		ssize_t n =
			de->d_name[0] == '.' ? -1 : readlinkat(dir, de->d_name, id, sizeof id - 1);
		if (n < 0 || !parse_range(de->d_name, &first, &count))
			continue;
		id[n] = 0;
		if (n != CONTAINER_ID_LEN || container_is_gone(h, id)) {
			unlinkat(dir, de->d_name, 0);
			continue;
		}
		struct id_range *r = bind_append(a, ret, sizeof *r);
		*r = (struct id_range){0, first, count};
	}
	closedir(d);
	return 0;
}

/* The lowest id from which on n ids are in a range of have, and in none that is taken; -1: there is none. */
static int64_t find_free(const struct id_map *have, const struct bind_list *taken, uint32_t n)
{
	const struct id_range *t = taken->v;
	int64_t best = -1;

	for (size_t i = 0; i < have->n; i++) {
		uint64_t at = have->r[i].outside, end = at + have->r[i].count;
		for (bool moved = true; moved && at + n <= end;) {
			moved = false;
			for (size_t k = 0; k < taken->n; k++) {
				if (at >= (uint64_t)t[k].outside + t[k].count ||
				    t[k].outside >= at + n)
					continue;
				at = (uint64_t)t[k].outside + t[k].count;
				moved = true;
			}
		}
		if (at + n <= end && (best < 0 || (int64_t)at < best))
			best = (int64_t)at;
	}
	return best;
}

/* The ids that containers may have as uids and as gids: of an ordinary user all but his own; root's are those of /etc/subuid for "containers", or for root. */
static int ids_for_all(const struct u0_map *u0, struct id_map *ret, struct err *e)
{
	static const char *const names[] = {"containers", "root"};
	struct id_map u = {.n = 0}, g = {.n = 0};

	ret->n = 0;
	if (u0->form != FORM_ROOT) {
		uint64_t n = idmap_count(&u0->uids), m = idmap_count(&u0->gids);
		return idmap_add(ret, 0, 1, (uint32_t)((n < m ? n : m) - 1));
	}
	for (size_t i = 0; i < countof(names) && (!u.n || !g.n); i++) {
		u.n = g.n = 0;
		userns_subids("/etc/subuid", names[i], i ? 0 : UINT32_MAX, 0, &u);
		userns_subids("/etc/subgid", names[i], i ? 0 : UINT32_MAX, 0, &g);
	}
	for (size_t i = 0; i < u.n; i++)
		for (size_t k = 0; k < g.n; k++) {
			const struct id_range *x = &u.r[i], *y = &g.r[k];
			uint64_t from = x->outside > y->outside ? x->outside : y->outside;
			uint64_t xe = (uint64_t)x->outside + x->count;
			uint64_t ye = (uint64_t)y->outside + y->count, to = xe < ye ? xe : ye;
			if (from < to)
				idmap_add(ret, (uint32_t)from, (uint32_t)from,
					  (uint32_t)(to - from));
		}
	if (ret->n)
		return 0;
	err_fail(e, ERR_ID_RANGE,
		 "--userns auto: no ids of root are set aside for containers in /etc/subuid and "
		 "/etc/subgid");
	return err_hint(e, "add a line to both: containers:2147483648:1073741824");
}

static int not_enough(const struct id_map *have, const struct bind_list *taken, uint32_t n,
		      struct err *e)
{
	err_fail_code(e, ERR_ID_RANGE, ERANGE,
		      "--userns auto: no %u ids in a row are free: of %" PRIu64
		      " in all, %zu containers have some",
		      n, idmap_count(have), taken->n);
	return err_hint(e, "remove such containers, ask for fewer (auto:size=1000), or add more: "
			   "usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST USER");
}

/* ---- the map */

/* The ids 0 to size - 1 of the container that more does not have, to those from first on. */
static int make_map(const struct id_map *more, uint32_t size, uint32_t first, struct id_map *ret)
{
	*ret = *more;
	for (uint32_t in = 0; in < size;) {
		uint32_t n = 0;
		while (in + n < size && idmap_out(more, in + n) < 0)
			n++;
		if (n && idmap_add(ret, in, first, n) < 0)
			return -E2BIG;
		first += n;
		in += n ? n : 1;
	}
	idmap_sort(ret);
	return 0;
}

/* What is asked for besides is not handed out. */
static void add_taken(const struct id_map *m, struct bind_list *taken, struct arena *a)
{
	for (size_t i = 0; i < m->n; i++)
		*(struct id_range *)bind_append(a, taken, sizeof(struct id_range)) = m->r[i];
}

/* sizes: the one wanted, and the one that will do: then some files are nobody's. */
static int take_range(const struct home *h, int dir, const struct userns_auto *o,
		      const struct id_map *have, const uint32_t sizes[2],
		      struct container_config *c, struct arena *a, struct err *e)
{
	uint32_t size = sizes[0];
	struct bind_list taken = {0};
	struct id_map uids, gids;
	char name[32];
	int r = read_taken(h, dir, &taken, a, e);

	if (r < 0)
		return r;
	add_taken(&o->uids, &taken, a);
	add_taken(&o->gids, &taken, a);
	int64_t first = find_free(have, &taken, size);
	if (first < 0) {
		size = sizes[1];
		first = find_free(have, &taken, size);
	}
	if (first < 0)
		return not_enough(have, &taken, size, e);
	if (make_map(&o->uids, size, (uint32_t)first, &uids) < 0 ||
	    make_map(&o->gids, size, (uint32_t)first, &gids) < 0)
		return err_fail(e, ERR_ID_RANGE, "--userns auto: more than %d ranges",
				ID_RANGES_MAX);
	snprintf(name, sizeof name, "%u-%u", (uint32_t)first, size);
	if (symlinkat(c->id, dir, name) < 0)
		return err_set(e, errno, "write %s/ranges/%s", h->path, name);
	userns_opts_put(c, &uids, &gids, a);
	return 0;
}

int userns_auto_take(const struct home *h, const struct userns_auto *o, struct container_config *c,
		     struct arena *a, struct err *e)
{
	struct u0_map u0;
	struct id_map have;

	if (!o->on)
		return 0;
	c->uid_map = c->gid_map = (struct bind_list){0}; /* it may be the second try */
	int r = u0_map_find(&u0, e);
	if (r == 0)
		r = ids_for_all(&u0, &have, e);
	if (r < 0)
		return r;
	autoclose int dir = home_dir(h, "ranges", e);
	if (dir < 0)
		return dir;
	while (flock(dir, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock %s/ranges", h->path);
	uint32_t sizes[2] = {o->size, o->size};
	if (!o->size)
		sizes[1] = size_needed(h, c, u0.form, &sizes[0]);
	return take_range(h, dir, o, &have, sizes, c, a, e);
}
