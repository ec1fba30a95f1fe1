#include "base/base.h"
#include "base/rand.h"
#include "engine/target.h"

void target_free(struct target *t)
{
	if (t->tmp[0])
		path_rm_tree_at(t->parent, t->tmp);
	fd_close(&t->parent);
	if (t->fd != 1)
		fd_close(&t->fd);
	free(t->base);
}

static int refuse_terminal(const char *example, struct err *e)
{
	err_fail(e, ERR_USAGE, "an archive is not written to a terminal");
	return err_hint(e, "name a file with -o, or redirect: %s", example);
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

static int open_file(struct target *t, const char *path, const char *example, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode)) {
			err_set(e, EISDIR, "write %s", path);
			return err_hint(e, "as in: %s", example);
		}
		t->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return t->fd < 0       ? err_set(e, errno, "open %s", path)
		       : isatty(t->fd) ? refuse_terminal(example, e)
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

int target_open(struct target *t, const char *path, const char *example, struct err *e)
{
	*t = (struct target){.what = path ? path : "standard output", .parent = -1, .fd = -1};
	if (path)
		return open_file(t, path, example, e);
	t->fd = 1;
	return isatty(1) ? refuse_terminal(example, e) : 0;
}

int target_open_dir(struct target *t, const char *path, struct err *e)
{
	*t = (struct target){.what = path ? path : "standard output", .parent = -1, .fd = -1};
	if (path)
		return open_dir(t, path, e);
	err_fail(e, ERR_USAGE, "a directory cannot be written to standard output");
	return err_hint(e, "name it with -o DIR");
}

int target_finish(struct target *t, struct err *e)
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
