#include <sys/stat.h>

#include "base/base.h"
#include "engine/copy_place.h"

static int look(int root, const char *path, int flags)
{
	if (root != AT_FDCWD)
		return path_open_in_root(root, path, flags, 0);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static const char *shown(const struct copy_end *end, struct arena *a)
{
	return end->container ? arena_printf(a, "%s:%s", end->container, end->path) : end->path;
}

/* "x/.", "x/..", "." and "/" mean what is in there. */
static bool means_contents(const char *path)
{
	size_t n = strlen(path);

	if (strspn(path, "/") == n)
		return true;
	return path[n - 1] == '.' && (n == 1 || path[n - 2] == '/');
}

static const char *last_part(const char *path, struct arena *a)
{
	autofree char *clean = path_clean(path);
	const char *slash = strrchr(clean, '/');

	return arena_strdup(a, slash ? slash + 1 : clean);
}

/* The name of a directory that was given as "..", "a/.." */
static const char *real_name(const char *path, struct arena *a)
{
	autofree char *real = realpath(path, NULL);

	return last_part(real ? real : path, a);
}

static bool ends_in_dots(const char *path)
{
	return str_eq(path, "..") || str_ends(path, "/..");
}

int place_source(int root, const struct copy_end *from, bool follow, struct arena *a,
		 struct place_source *ret, struct err *e)
{
	const char *path = from->path;
	size_t n = strlen(path);
	bool link = !follow && n && path[n - 1] != '/';
	struct stat st;

	*ret = (struct place_source){.fd = -1, .what = shown(from, a)};
	autoclose int fd = look(root, path, O_PATH | (link ? O_NOFOLLOW : 0));
	if (fd == -ENOENT) {
		err_fail_code(e, ERR_COPY, ENOENT, "%s is not there", ret->what);
		return from->container ? err_hint(e, "hoy exec %s ls shows what is, if it runs",
						  from->container)
				       : -e->code;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? fd : -errno, "read %s", ret->what);
	ret->mode = st.st_mode;
	ret->contents = S_ISDIR(st.st_mode) && means_contents(path);
	ret->name =
		ends_in_dots(path) && root == AT_FDCWD ? real_name(path, a) : last_part(path, a);
	if (!*ret->name || ret->contents)
		ret->name = "files";
	ret->fd = S_ISDIR(st.st_mode) ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				      : take_fd(fd);
	return ret->fd < 0 ? err_set(e, errno, "read %s", ret->what) : 0;
}

/* ---- the target */

static int read_dir(int fd, struct place_target *t, struct err *e)
{
	t->fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t->fd < 0 ? err_set(e, errno, "open %s", t->what) : 0;
}

static const char *parent_of(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

/* A name that is a link, also to nothing, means what it leads to. */
static const char *follow_links(int root, const char *path, struct arena *a)
{
	char to[PATH_MAX];

	for (int i = 0; i < 40; i++) {
		const char *up = parent_of(path, a);
		autoclose int dir = look(root, up, O_PATH | O_DIRECTORY);
		const char *slash = strrchr(path, '/');
		ssize_t n =
			dir < 0 ? -1 : readlinkat(dir, slash ? slash + 1 : path, to, sizeof to - 1);
		if (n <= 0)
			break;
		to[n] = 0;
		path = *to == '/' ? arena_strdup(a, to) : arena_printf(a, "%s/%s", up, to);
	}
	return path;
}

/* Not a directory, or not there: a name in its directory. */
static int named(int root, const char *path, struct arena *a, struct place_target *t, struct err *e)
{
	const char *text = arena_strdup(a, path);
	size_t n = strlen(text);

	while (n > 1 && text[n - 1] == '/')
		text = arena_strndup(a, text, --n);
	text = follow_links(root, text, a);
	t->as = last_part(text, a);
	const char *up = parent_of(text, a);
	autoclose int dir = look(root, up, O_PATH | O_DIRECTORY);
	if (dir < 0 || !*t->as || str_eq(t->as, "..") || str_eq(t->as, ".")) {
		if (dir < 0 && dir != -ENOENT && dir != -ENOTDIR)
			return err_set(e, dir, "open the directory of %s", t->what);
		err_fail_code(e, ERR_COPY, ENOENT, "%s: there is no directory %s", t->what, up);
		return err_hint(e, "make it first; cp makes no directories above what it copies");
	}
	return read_dir(dir, t, e);
}

/* What is there already at the target's path. */
static int over(int fd, const struct stat *st, const struct copy_end *from, bool dir,
		struct arena *a, struct place_target *t, bool *ret_named, struct err *e)
{
	*ret_named = false;
	if (S_ISDIR(st->st_mode)) {
		t->keep_root = true;
		if (from) {
			bool all = dir && means_contents(from->path);
			const char *name = ends_in_dots(from->path) && !from->container
						   ? real_name(from->path, a)
						   : last_part(from->path, a);
			t->as = all ? "" : name;
		}
		return read_dir(fd, t, e);
	}
	if (!from || dir) {
		err_fail_code(e, ERR_COPY, ENOTDIR, "%s is no directory", t->what);
		return err_hint(e, from ? "a directory is copied into one, or to a new name"
					: "a tar is unpacked into a directory that is there");
	}
	*ret_named = true;
	return 0;
}

int place_target(int root, const struct copy_end *to, const struct copy_end *from, bool dir,
		 struct arena *a, struct place_target *ret, struct err *e)
{
	size_t n = strlen(to->path);
	bool slash = n && to->path[n - 1] == '/', is_named = true;
	struct stat st;
	int r = 0;

	*ret = (struct place_target){.fd = -1, .what = shown(to, a)};
	autoclose int fd = look(root, to->path, O_PATH);
	if (fd >= 0 && fstat(fd, &st) == 0)
		r = over(fd, &st, from, dir, a, ret, &is_named, e);
	else if (fd != -ENOENT)
		r = err_set(e, fd < 0 ? fd : -errno, "open %s", ret->what);
	else if (!from || (slash && !dir))
		r = err_fail_code(e, ERR_COPY, ENOENT, "the directory %s is not there", ret->what);
	return r < 0 || !is_named ? r : named(root, to->path, a, ret, e);
}
