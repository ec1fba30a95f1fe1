#include <sys/mman.h>
#include <sys/stat.h>

#include "base/base.h"
#include "engine/adding.h"
#include "engine/image.h"
#include "registry/policy.h"
#include "state/tell.h"
#include "store/load.h"

void load_result_free(struct load_result *r)
{
	arena_free(&r->arena);
	*r = (struct load_result){0};
}

struct load_work {
	const struct home *h;
	const char *what, *path; /* path NULL: standard input */
	int fd, out;		 /* out: takes "id name name...\n" for each image */
	uint64_t max_layer;
	struct board *board;
};

/* Which of the transports of policies it is. */
static int may_load(const struct load_work *w, const struct archive *ar, struct err *e)
{
	struct stat st;
	bool dir = fstat(w->fd, &st) == 0 && S_ISDIR(st.st_mode),
	     oci = archive_has(ar, "index.json");

	return policy_check_file(
		oci ? (dir ? "oci" : "oci-archive") : (dir ? "dir" : "docker-archive"), w->path, e);
}

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
		r = may_load(w, ar, e);
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

int image_load(const struct home *h, const char *path, const struct image_load_opts *o,
	       struct load_result *ret, struct err *e)
{
	struct load_work w = {.h = h,
			      .what = path ? path : "standard input",
			      .path = path,
			      .out = -1,
			      .max_layer = o->max_layer};

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
	int r = adding_run(h, load_inside, &w, w.board, &o->watch, e);
	board_free(w.board);
	if (r == 0)
		r = read_result(out, ret, e);
	for (size_t i = 0; i < ret->n && r == 0; i++)
		image_tell(h, "loadfromarchive", ret->v[i].id,
			   ret->v[i].names.n ? ret->v[i].names.v[0] : w.what);
	return r;
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
		if ((r = image_tag(h, im.id, im.form, &refs[i], e)) == 0)
			image_tell(h, "tag", im.id, ref_text(&im.arena, &refs[i]));
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
		if ((r = drop_name(h, &refs[i], e)) == 0)
			image_tell(h, "untag", im.id, ref_text(&im.arena, &refs[i]));
	return r;
}
