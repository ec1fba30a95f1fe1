#include <dirent.h>
#include <pwd.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/loop.h"
#include "engine/remove.h"
#include "engine/reset.h"
#include "store/usage.h"
#include "state/container.h"
#include "state/tmp.h"

void reset_plan_free(struct reset_plan *p)
{
	strv_free(&p->foreign);
}

/* Is the store dir, or does it hold it? */
static bool holds(const struct stat *store, const char *dir)
{
	autofree char *path = str_is_empty(dir) ? NULL : realpath(dir, NULL);
	struct stat st;

	while (path && *path) {
		if (stat(path, &st) == 0 && st.st_dev == store->st_dev &&
		    st.st_ino == store->st_ino)
			return true;
		*strrchr(path, '/') = 0;
	}
	return stat("/", &st) == 0 && st.st_dev == store->st_dev && st.st_ino == store->st_ino;
}

static int refuse(const struct home *h, const char *why, const char *hint, struct err *e)
{
	err_fail(e, ERR_STORE_MARK, "%s %s: nothing was removed", h->path, why);
	return err_hint(e, "%s", hint);
}

/* 1: go on; 0: there is nothing. */
static int check(const struct home *h, struct strv *foreign, struct err *e)
{
	struct passwd *pw = getpwuid(geteuid());
	struct stat st;

	if (fstat(h->fd, &st) < 0)
		return err_set(e, errno, "store %s", h->path);
	if (holds(&st, getenv("HOME")) || (pw && holds(&st, pw->pw_dir)))
		return refuse(h, "is or holds your home directory",
			      "remove the parts of the store in it by hand", e);
	int r = home_foreign(h, foreign, e);
	if (r < 0)
		return r;
	if (home_is_marked(h))
		return 1;
	for (const char *const *p = home_entries; *p; p++)
		if (faccessat(h->fd, *p, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return refuse(
				h, "does not carry the mark of a store (the file hoy-store)",
				"if it is a store made by an older hoy, loading or pulling an "
				"image marks it",
				e);
	return foreign->n ? refuse(h, "is no store of hoy",
				   "--root and HOY_ROOT say where the store is", e)
			  : 0;
}

static size_t count(const struct home *h, const char *dir)
{
	int fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));)
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

static bool is_running(const struct home *h, const char *id)
{
	scoped(arena) a = {0};
	struct container_state st;

	if (container_state_read(h, id, &st, &a, NULL) < 0)
		return false;
	enum container_status s = container_derive(h, &st);
	return container_is_up(s) || s == CONTAINER_LOST;
}

int reset_plan(const struct home *h, struct reset_plan *ret, struct err *e)
{
	static const char *const parts[] = {"blobs", "layers", "containers", "volumes", "tmp"};
	scoped(strv) ids = {0};
	int64_t bytes[countof(parts)] = {0};

	*ret = (struct reset_plan){0};
	int r = check(h, &ret->foreign, e);
	ret->nothing = r == 0;
	if (r > 0)
		r = container_ids(h, &ids, e);
	if (r < 0 || ret->nothing)
		return r;
	ret->containers = ids.n;
	for (size_t i = 0; i < ids.n; i++)
		ret->running += is_running(h, ids.v[i]);
	ret->images = count(h, "images");
	trees_usage(h, parts, countof(parts), bytes);
	for (size_t i = 0; i < countof(parts); i++)
		ret->bytes += bytes[i];
	return 0;
}

/* Somebody is at work below tmp/<name>. */
static bool is_locked(const struct home *h, const char *id)
{
	char path[100];

	snprintf(path, sizeof path, "tmp/%.64s", id);
	autoclose int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Kills and removes all containers, those too that are being started right now. Room for moving them may be missing on a full disk: then only
 * their processes are gone, which is what counts. */
static int end_containers(const struct home *h, struct err *e)
{
	int64_t until = time_mono_ms() + 20000;

	for (;;) {
		scoped(strv) ids = {0};
		const char *left = NULL;
		int r = container_ids_all(h, &ids, e);
		for (size_t i = 0; i < ids.n && r == 0; i++) {
			struct container c;
			struct err ignored = {0};
			if (container_open(h, ids.v[i], &c, &ignored) == 0)
				container_remove(h, &c, true, -1, &ignored);
			container_free(&c);
			if (is_running(h, ids.v[i]) || is_locked(h, ids.v[i]))
				left = ids.v[i];
		}
		if (r < 0 || !left)
			return r;
		if (time_mono_ms() > until)
			return err_fail(e, ERR_CONTAINER_BUSY, "container %.12s does not end",
					left);
		usleep(20000);
	}
}

static int explain(const struct home *h, int r, struct err *e)
{
	if (r == -EXDEV)
		return err_hint(e, "something is mounted in there (findmnt tells), and was left "
				   "alone: unmount it first");
	if (r != -EACCES && r != -EPERM)
		return r;
	err_fail_code(e, ERR_RESET_IDS, -r,
		      "files of other user ids are left in %s, and cannot be removed from here",
		      h->path);
	return err_hint(e, "run it again where containers have these ids: not as another user, and "
			   "not below no_new_privs (hoy info tells)");
}

static int remove_entries(const struct home *h, struct err *e)
{
	for (const char *const *p = home_entries; *p; p++) {
		struct stat st;
		if (fstatat(h->fd, *p, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		int r = home_rm_tree(h, *p, e);
		if (r == -ENOTEMPTY) /* somebody wrote into it meanwhile */
			r = home_rm_tree(h, *p, e);
		if (r < 0)
			return explain(h, r, e);
	}
	return 0;
}

int reset_run(const struct home *h, struct err *e)
{
	scoped(strv) foreign = {0};

	if (flock(h->fd, LOCK_EX) < 0) /* another reset */
		return err_set(e, errno, "lock the store %s", h->path);
	int r = check(h, &foreign, e);
	if (r > 0)
		r = end_containers(h, e);
	if (r == 0)
		r = remove_entries(h, e);
	if (r < 0)
		return r;
	/* A link that leads to the store stays, and the directory with it; so does one with entries of others. */
	if (rmdir(h->path) < 0 && errno != ENOTDIR && errno != ENOTEMPTY && errno != EEXIST &&
	    errno != ENOENT && errno != EBUSY && errno != EACCES && errno != EROFS)
		return err_set(e, errno, "remove %s", h->path);
	return 0;
}
