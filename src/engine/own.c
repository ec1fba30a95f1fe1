#include <dirent.h>
#include <sys/mman.h>

#include "base/base.h"
#include "engine/own.h"
#include "state/u0.h"
#include "sys/idmap.h"

enum { MAX_DEPTH = 400 };

/* Is the directory a the same as b, or above it? Both are clean. */
static bool is_above(const char *a, const char *b)
{
	size_t n = strlen(a);

	return !strcmp(a, "/") || (!strncmp(a, b, n) && (!b[n] || b[n] == '/'));
}

static bool has(const char *path, const char *other)
{
	autofree char *a = realpath(path, NULL);
	autofree char *b = other ? realpath(other, NULL) : NULL;

	return a && b && is_above(a, b);
}

int own_may_give(const struct home *h, const char *path, struct err *e)
{
	struct u0_map u0;
	struct stat st;
	bool home = has(path, home_of_user());

	if (home || has(path, h->path) || has(h->path, path)) {
		err_fail(e, ERR_MOUNT, "%s is not given away: %s", path,
			 home ? "your home directory is in it"
			      : "it has to do with hoy's own store");
		return err_hint(e, "leave U out, or bind a directory below it");
	}
	if (stat(path, &st) < 0 || geteuid() == 0 || st.st_uid == geteuid())
		return 0;
	int r = u0_map_find(&u0, e);
	if (r < 0 || idmap_in(&u0.uids, st.st_uid) >= 0)
		return r;
	err_fail(e, ERR_MOUNT, "%s is not given away: it belongs to uid %u, not to you", path,
		 st.st_uid);
	return err_hint(e, "leave U out; who it belongs to can give it to you");
}

/* ---- giving back */

struct job {
	const char *path;
	bool dry;
	struct own_result *shared;
	dev_t dev;
};

/* One file, in U0, where the user is 0. What U0 has no id for shows as the overflow id, and cannot be changed. */
static int own_one(const struct job *j, int fd, const struct stat *st, struct err *e)
{
	if (!st->st_uid && !st->st_gid)
		return 0;
	if (j->dry) {
		j->shared->given++;
		return 0;
	}
	if (fchownat(fd, "", 0, 0, AT_EMPTY_PATH) == 0) {
		j->shared->given++;
		return 0;
	}
	if (errno != EPERM && errno != EINVAL)
		return err_set(e, errno, "give files below %s to you", j->path);
	/* the user's file in a group that is none of his ids, or somebody else's */
	if (st->st_uid && fchownat(fd, "", 0, (gid_t)-1, AT_EMPTY_PATH) == 0)
		j->shared->given++;
	else
		j->shared->others += st->st_uid != 0;
	return 0;
}

static int own_below(const struct job *j, int fd, int depth, struct err *e)
{
	int dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = dir < 0 ? NULL : fdopendir(dir);

	if (!d) {
		j->shared->others += errno == EACCES;
		return errno == EACCES ? 0
				       : err_set(e, errno, "read a directory below %s", j->path);
	}
	for (struct dirent *de; r == 0 && (de = readdir(d));) {
		struct stat st;
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		autoclose int one = openat(dir, de->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (one < 0 || fstat(one, &st) < 0) {
			r = errno == ENOENT ? 0
					    : err_set(e, errno, "open a file below %s", j->path);
			continue;
		}
		if (st.st_dev != j->dev)
			continue; /* another file system is mounted there */
		r = own_one(j, one, &st, e);
		if (r == 0 && S_ISDIR(st.st_mode))
			r = depth < MAX_DEPTH ? own_below(j, one, depth + 1, e)
					      : err_set(e, ENAMETOOLONG, "walk below %s", j->path);
	}
	closedir(d);
	return r;
}

static int own_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct job *j = arg;
	struct stat st;
	autoclose int fd = open(j->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (map->form == FORM_ONE) {
		err_fail(e, ERR_ID_RANGE,
			 "there is one id only here, so no file of another id can be given to you");
		return err_hint(e, "do it from where subordinate ids can be had: hoy info says it");
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open %s", j->path);
	if (S_ISLNK(st.st_mode)) {
		err_fail(e, ERR_USAGE, "%s is a link, and links are not followed", j->path);
		return err_hint(e, "name what it leads to");
	}
	j->dev = st.st_dev;
	int r = own_one(j, fd, &st, e);
	return r == 0 && S_ISDIR(st.st_mode) ? own_below(j, fd, 0, e) : r;
}

int own_back(const struct home *h, const char *path, bool dry, struct own_result *ret,
	     struct err *e)
{
	struct job j = {.path = path, .dry = dry};

	*ret = (struct own_result){0};
	if (geteuid() == 0 && !u0_inside(&(struct u0_map){0})) {
		err_fail(e, ERR_USAGE, "root needs no help with files of other ids");
		return err_hint(e, "chown -R does it");
	}
	j.shared = mmap(NULL, sizeof *j.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (j.shared == MAP_FAILED)
		return err_set(e, errno, "share memory");
	int r = u0_run(h, own_inside, &j, e);
	*ret = *j.shared;
	munmap(j.shared, sizeof *j.shared);
	return r;
}
