#include <sys/mman.h>

#include "base/base.h"
#include "engine/adding.h"
#include "engine/image.h"
#include "engine/remove.h"
#include "store/load.h"
#include "store/names.h"

void load_result_free(struct load_result *r)
{
	arena_free(&r->arena);
	*r = (struct load_result){0};
}

struct load_work {
	const struct home *h;
	const char *what;
	int fd, out; /* out: takes "id name name...\n" for each image */
	uint64_t max_layer;
	struct board *board;
	struct board_watch watch;
};

static int load_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct load_work *w = arg;
	scoped(arena) a = {0};
	scoped(str) lines = {0};
	struct bind_list done = {0};
	struct archive *ar = NULL;

	umask(0);
	int r = archive_open(&ar, w->h, w->fd, w->what, e);
	if (r == 0)
		r = load_archive(w->h, map, ar, w->max_layer, w->board, &a, &done, e);
	archive_close(ar);
	if (r < 0)
		return r;
	const struct loaded *im = done.v;
	for (size_t i = 0; i < done.n; i++) {
		str_add(&lines, im[i].id);
		for (size_t k = 0; k < im[i].names.n; k++)
			str_addf(&lines, " %s", im[i].names.v[k]);
		str_addc(&lines, '\n');
	}
	r = fd_write_all(w->out, str_cstr(&lines), lines.len);
	return r < 0 ? err_set(e, r, "pass the result on") : 0;
}

/* "id name name...\n" of each image. Names hold no blanks. */
static int read_result(int fd, struct load_result *ret, struct err *e)
{
	scoped(str) text = {0};
	scoped(strv) lines = {0};

	lseek(fd, 0, SEEK_SET);
	int r = fd_read_all(fd, &text, 64 << 20);
	if (r < 0)
		return err_set(e, r, "read what was loaded");
	strv_split(&lines, str_cstr(&text), '\n');
	ret->v = arena_alloc(&ret->arena, lines.n * sizeof *ret->v);
	for (size_t i = 0; i < lines.n; i++) {
		scoped(strv) words = {0};
		if (!*lines.v[i])
			continue;
		strv_split(&words, lines.v[i], ' ');
		struct loaded_image *im = &ret->v[ret->n++];
		im->id = arena_strdup(&ret->arena, words.v[0]);
		for (size_t k = 1; k < words.n; k++)
			strs_add(&ret->arena, &im->names, words.v[k]);
	}
	return 0;
}

static int open_input(const char *path, struct err *e)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : dup(0);

	if (fd < 0)
		return err_set(e, errno, "open %s", path ? path : "standard input");
	if (isatty(fd)) {
		close(fd);
		err_fail(e, ERR_USAGE, "an archive cannot be read from a terminal");
		return err_hint(e, "name a file with -i, or redirect one: hoy load < FILE");
	}
	return fd;
}

static void tick(void *arg)
{
	const struct load_work *w = arg;

	w->watch.show(w->watch.arg, w->board, false);
}

int image_load(const struct home *h, const char *path, const struct image_load_opts *o,
	       struct load_result *ret, struct err *e)
{
	struct load_work w = {.h = h,
			      .what = path ? path : "standard input",
			      .out = -1,
			      .max_layer = o->max_layer,
			      .watch = o->watch};

	*ret = (struct load_result){0};
	autoclose int in = open_input(path, e);
	if (in < 0)
		return in;
	autoclose int out = memfd_create("loaded", MFD_CLOEXEC);
	if (out < 0)
		return err_set(e, errno, "memfd_create");
	w.fd = in;
	w.out = out;
	w.board = board_new(e);
	if (!w.board)
		return -ENOMEM;
	struct task_wait wait = {
		.every = w.watch.every, .tick = w.watch.show ? tick : NULL, .arg = &w};
	int r = adding_run(h, load_inside, &w, &wait, e);
	if (w.watch.show)
		w.watch.show(w.watch.arg, w.board, true);
	board_free(w.board);
	return r < 0 ? r : read_result(out, ret, e);
}

int image_parse_new_name(struct arena *a, const char *text, const char *registry,
			 struct reference *ret, struct err *e)
{
	struct reference r;
	int k = ref_parse(a, text, &r, e);

	if (k < 0)
		return k;
	if (r.digest) {
		err_fail(e, ERR_REF, "%s: a new name cannot have a digest", text);
		return err_hint(e, "give a tag: NAME:TAG");
	}
	*ret = ref_complete(a, &r, registry);
	if (!ret->tag)
		ret->tag = "latest";
	return 0;
}

int image_add_names(const struct home *h, const char *text, char *const *names, size_t n,
		    const char *registry, struct err *e)
{
	scoped(image) im = {0};
	int r = image_find(h, text, &im, e);
	struct reference *refs = arena_alloc(&im.arena, n * sizeof *refs);

	for (size_t i = 0; i < n && r == 0; i++)
		r = image_parse_new_name(&im.arena, names[i], registry, &refs[i], e);
	for (size_t i = 0; i < n && r == 0; i++)
		r = image_tag(h, im.id, &refs[i], e);
	return r;
}

/* The full name of an image that a text means: as image_find understands it. */
static int own_name(const struct home *h, const char *id, const char *text, struct arena *a,
		    struct reference *ret, struct err *e)
{
	const char *other, *name;
	int r = image_find_id(h, text, a, &other, &name, e);

	if (r < 0)
		return r;
	if (!name || strcmp(other, id))
		return err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT,
				     "%s is no name of the image %.12s", text, digest_hex(id));
	return ref_parse(a, name, ret, e);
}

static int drop_name(const struct home *h, const struct reference *ref, struct err *e)
{
	int r = image_untag(h, ref, e);

	return r == -ENOENT ? 0 : r;
}

int image_drop_names(const struct home *h, const char *text, char *const *names, size_t n,
		     struct err *e)
{
	scoped(image) im = {0};
	int r = image_lookup(h, text, &im, e);

	if (r == 0 && !n)
		r = image_more(h, &im, e);
	size_t count = n ? n : im.names.n;
	struct reference *refs = arena_alloc(&im.arena, (count + 1) * sizeof *refs);
	for (size_t i = 0; i < count && r == 0; i++)
		r = n ? own_name(h, im.id, names[i], &im.arena, &refs[i], e)
		      : ref_parse(&im.arena, im.names.v[i], &refs[i], e);
	for (size_t i = 0; i < count && r == 0; i++)
		r = drop_name(h, &refs[i], e);
	return r;
}

void image_removed_free(struct image_removed *r)
{
	strv_free(&r->untagged);
}

struct naming {
	const char *id;
	struct strv names; /* with tags; those by digest follow the image */
};

static int collect_names(void *arg, const char *repository, const char *last, const char *id)
{
	struct naming *n = arg;

	if (str_eq(id, n->id) && *last == ':')
		strv_addf(&n->names, "%s%s", repository, last);
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

static int rm_whole(const struct home *h, const char *id, bool force, struct strv *names,
		    struct image_removed *ret, struct err *e)
{
	int r = force ? rm_users(h, id, e) : 0;

	if (r == 0)
		r = image_remove(h, id, force, e);
	if (r < 0) {
		if (e && e->id == ERR_IMAGE_IN_USE)
			e->exit = 2;
		return r;
	}
	for (size_t i = 0; i < names->n; i++)
		strv_add(&ret->untagged, names->v[i]);
	snprintf(ret->deleted, sizeof ret->deleted, "%s", id);
	return 0;
}

int image_rm(const struct home *h, const char *text, bool force, struct image_removed *ret,
	     struct err *e)
{
	scoped(arena) a = {0};
	struct naming n = {0};
	const char *id, *name;

	*ret = (struct image_removed){0};
	int r = image_find_id(h, text, &a, &id, &name, e);
	if (r < 0) {
		if (e && e->id == ERR_IMAGE_UNKNOWN)
			e->exit = 1;
		return r;
	}
	n.id = id;
	r = names_each(h, collect_names, &n, e);
	strv_sort(&n.names);
	bool by_tag = name && !strchr(name, '@');
	if (r == 0 && by_tag && n.names.n > 1) {
		struct reference ref;
		r = ref_parse(&a, name, &ref, e);
		if (r == 0)
			r = drop_name(h, &ref, e);
		if (r == 0)
			strv_add(&ret->untagged, name);
	} else if (r == 0 && !by_tag && n.names.n > 1 && !force) {
		r = refuse_several(id, &n.names, e);
	} else if (r == 0) {
		r = rm_whole(h, id, force, &n.names, ret, e);
	}
	strv_free(&n.names);
	return r;
}
