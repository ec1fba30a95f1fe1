/*
 * How it works: the images are looked up, the output is opened, and one child inside U0 (who may read files of all owners) writes. A file
 * or directory gets its name only when it is complete: a file is nameless until then where the file system can do that.
 */
#include <signal.h>

#include "base/base.h"
#include "base/rand.h"
#include "engine/image.h"
#include "state/u0.h"
#include "store/save.h"

/* Where it goes. */
struct target {
	const char *what;
	int parent, fd;
	char *base;    /* NULL: written in place (standard output, a device, a pipe) */
	char tmp[300]; /* the name it has until it is complete; "": none */
	bool dir;
};

static void target_free(struct target *t)
{
	if (t->tmp[0])
		path_rm_tree_at(t->parent, t->tmp);
	fd_close(&t->parent);
	if (t->fd != 1)
		fd_close(&t->fd);
	free(t->base);
}

static int refuse_terminal(struct err *e)
{
	err_fail(e, ERR_USAGE, "an archive is not written to a terminal");
	return err_hint(e, "name a file with -o, or redirect: hoy save IMAGE > FILE");
}

/* The directory that path lies in, and its last part. */
static int open_parent(struct target *t, const char *path, struct err *e)
{
	autofree char *real =
		realpath(path, NULL); /* what a link leads to is replaced, not the link */
	autofree char *clean = path_clean(real ? real : path);
	char *slash = strrchr(clean, '/');

	t->base = xstrdup(slash ? slash + 1 : clean);
	if (!*t->base || !strcmp(t->base, "..") || !strcmp(t->base, "."))
		return err_set(e, EISDIR, "write %s", path);
	if (slash)
		slash[slash == clean] = 0;
	t->parent = open(slash ? clean : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t->parent < 0 ? err_set(e, errno, "write %s", path) : 0;
}

static void name_tmp(struct target *t)
{
	char hex[17];

	snprintf(t->tmp, sizeof t->tmp, ".%.200s.hoy-%s", t->base, rand_hex(hex, 16));
}

static int open_dir(struct target *t, const char *path, struct err *e)
{
	int r = open_parent(t, path, e);

	if (r < 0)
		return r;
	/* an empty directory may be there; anything else stays as it is */
	if (unlinkat(t->parent, t->base, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != EBUSY) {
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return err_set(e, errno, "write %s", path);
		err_fail_code(e, ERR_USAGE, EEXIST, "%s exists and is no empty directory", path);
		return err_hint(e, "name a directory that does not exist yet");
	}
	name_tmp(t);
	if (mkdirat(t->parent, t->tmp, 0777) < 0) {
		t->tmp[0] = 0;
		return err_set(e, errno, "write %s", path);
	}
	t->fd = openat(t->parent, t->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	t->dir = true;
	return t->fd < 0 ? err_set(e, errno, "write %s", path) : 0;
}

static int open_file(struct target *t, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode)) {
			err_set(e, EISDIR, "write %s", path);
			return err_hint(e, "directories are written with --format oci-dir or "
					   "docker-dir");
		}
		t->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return t->fd < 0       ? err_set(e, errno, "open %s", path)
		       : isatty(t->fd) ? refuse_terminal(e)
				       : 0;
	}
	int r = open_parent(t, path, e);
	if (r < 0)
		return r;
	t->fd = openat(t->parent, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (t->fd >= 0)
		return 0;
	name_tmp(t);
	t->fd = openat(t->parent, t->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (t->fd >= 0)
		return 0;
	t->tmp[0] = 0;
	return err_set(e, errno, "write %s", path);
}

static int open_target(struct target *t, const struct image_save_opts *o, struct err *e)
{
	bool dir = o->format == SAVE_OCI_DIR || o->format == SAVE_DOCKER_DIR;

	*t = (struct target){
		.what = o->output ? o->output : "standard output", .parent = -1, .fd = -1};
	if (o->output)
		return dir ? open_dir(t, o->output, e) : open_file(t, o->output, e);
	if (dir) {
		err_fail(e, ERR_USAGE, "a directory cannot be written to standard output");
		return err_hint(e, "name it with -o DIR");
	}
	t->fd = 1;
	return isatty(1) ? refuse_terminal(e) : 0;
}

/* It is complete: gives it its name. */
static int finish_target(struct target *t, struct err *e)
{
	char link[40];

	if (!t->base)
		return 0;
	if (!t->tmp[0]) {
		name_tmp(t);
		snprintf(link, sizeof link, "/proc/self/fd/%d", t->fd);
		if (linkat(AT_FDCWD, link, t->parent, t->tmp, AT_SYMLINK_FOLLOW) < 0) {
			t->tmp[0] = 0;
			return err_set(e, errno, "write %s", t->what);
		}
	}
	if (renameat(t->parent, t->tmp, t->parent, t->base) < 0)
		return err_set(e, errno, "write %s", t->what);
	t->tmp[0] = 0;
	return 0;
}

struct save_work {
	const struct home *h;
	struct save_job job;
};

static int save_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct save_work *w = arg;

	signal(SIGPIPE, SIG_IGN); /* an error like any other */
	return save_images(w->h, map->form, &w->job, e);
}

static void add_name(struct arena *a, struct save_image *im, const char *full)
{
	struct reference ref;

	/* a name by digest is no name that an archive can give */
	if (full && ref_parse(a, full, &ref, NULL) == 0 && ref.tag && !strs_has(&im->names, full))
		strs_add(a, &im->names, full);
}

/* The image that text means, once in the list. */
static int add_image(const struct home *h, const char *text, struct arena *a, struct save_job *job,
		     struct err *e)
{
	scoped(image) im = {0};
	int r = image_find(h, text, &im, e);
	size_t i = 0;

	if (r < 0)
		return r;
	while (i < job->n && strcmp(job->images[i].id, im.id))
		i++;
	if (i == job->n)
		job->images[job->n++] = (struct save_image){.id = arena_strdup(a, im.id)};
	add_name(a, &job->images[i], im.found);
	return 0;
}

static int add_more_name(const char *text, const char *registry, struct arena *a,
			 struct save_image *im, struct err *e)
{
	struct reference ref;
	int r = image_parse_new_name(a, text, registry, &ref, e);

	if (r == 0)
		add_name(a, im, ref_text(a, &ref));
	return r;
}

static int write_all(struct save_work *w, struct target *t, struct err *e)
{
	sigset_t old, set;

	w->job.fd = t->fd;
	w->job.what = t->what;
	/* u0_run() takes signals; what is unfinished is removed by us */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	int r = u0_run(w->h, save_inside, w, e);
	if (r == 0)
		r = finish_target(t, e);
	target_free(t);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

int image_save(const struct home *h, const struct image_save_opts *o, struct err *e)
{
	scoped(arena) a = {0};
	struct save_work w = {.h = h, .job = {.format = o->format, .compress = o->compress}};
	struct target t;
	int r = 0;

	w.job.images = arena_alloc(&a, (o->n + 1) * sizeof *w.job.images);
	for (size_t i = 0; i < o->n && r == 0; i++)
		r = !i || o->multi
			    ? add_image(h, o->images[i], &a, &w.job, e)
			    : add_more_name(o->images[i], o->registry, &a, &w.job.images[0], e);
	if (r < 0)
		return r;
	if (o->format == SAVE_DOCKER_DIR && w.job.n > 1)
		return err_fail(e, ERR_USAGE, "a docker-dir holds one image only");
	r = open_target(&t, o, e);
	if (r == 0)
		return write_all(&w, &t, e);
	target_free(&t);
	return r;
}
