#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/rand.h"
#include "state/container.h"
#include "state/tmp.h"
#include "state/u0.h"

int home_tmp_make(const struct home *h, const char *name, struct home_tmp *ret, struct err *e)
{
	char hex[17];

	ret->fd = -1;
	for (int tries = 0; tries < 500; tries++) {
		snprintf(ret->name, sizeof ret->name, "tmp/%s", name ? name : rand_hex(hex, 16));
		if (mkdirat(h->fd, ret->name, 0700) < 0) {
			int r = errno == ENOENT ? path_mkdir_p_at(h->fd, "tmp", 0700) : -errno;
			if (r < 0 && r != -EEXIST)
				return err_set(e, r, "make %s/%s", h->path, ret->name);
			if (r == -EEXIST && name) /* a sweeper is about to remove it, see below */
				usleep(1000);
			continue;
		}
		int fd = openat(h->fd, ret->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct stat st;
		/* A sweeper may have locked and removed it between the two calls: then try again. */
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
		    st.st_nlink) {
			ret->fd = fd;
			return 0;
		}
		if (fd >= 0)
			close(fd);
	}
	return err_set(e, EBUSY, "make a directory below %s/tmp", h->path);
}

struct rm_args {
	int fd;
	const char *dir;
};

static int rm_in_u0(const struct u0_map *map, void *arg, struct err *e)
{
	struct rm_args *a = arg;
	int r = path_rm_tree_at(a->fd, a->dir);

	return r < 0 ? err_set(e, r, "remove %s", a->dir) : 0;
}

int home_rm_tree(const struct home *h, const char *dir, struct err *e)
{
	struct rm_args a = {h->fd, dir};
	int r = path_rm_tree_at(h->fd, dir);

	if (r != -EACCES && r != -EPERM)
		return r < 0 ? err_set(e, r, "remove %s/%s", h->path, dir) : 0;
	return u0_run(h, rm_in_u0, &a, e);
}

void home_tmp_drop(const struct home *h, struct home_tmp *t)
{
	if (t->fd < 0)
		return;
	home_rm_tree(h, t->name, NULL);
	fd_close(&t->fd);
}

int home_discard(const struct home *h, const char *dir, struct err *e)
{
	char to[80], hex[17];
	autoclose int fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open %s/%s", h->path, dir);
	flock(fd, LOCK_EX | LOCK_NB); /* so that no sweeper removes it at the same time */
	snprintf(to, sizeof to, "tmp/" TMP_REMOVED "%s", rand_hex(hex, 16));
	if (renameat(h->fd, dir, h->fd, to) < 0 &&
	    (errno != ENOENT || path_mkdir_p_at(h->fd, "tmp", 0700) < 0 ||
	     renameat(h->fd, dir, h->fd, to) < 0))
		return err_set(e, errno, "move %s/%s away", h->path, dir);
	return home_rm_tree(h, to, e);
}

/* The anonymous volumes that its maker had begun with: nobody else can use them. */
static void drop_anonymous(const struct home *h, int dir)
{
	scoped(str) text = {0};
	scoped(strv) names = {0};

	if (fd_read_file_at(dir, "anonymous", &text, 1 << 20) < 0)
		return;
	strv_split(&names, str_cstr(&text), '\n');
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = xasprintf("volumes/%s", names.v[i]);
		if (strlen(names.v[i]) == CONTAINER_ID_LEN && !strchr(names.v[i], '/'))
			home_discard(h, path, NULL);
	}
}

void home_sweep(const struct home *h)
{
	int tmp = openat(h->fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = tmp < 0 ? NULL : fdopendir(tmp);

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_name[0] == '.')
			continue;
		autoclose int fd =
			openat(tmp, de->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		/* Its owner may have finished, and moved it, after we opened it. */
		if (faccessat(tmp, de->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		/* A container that was never finished has its name already; its maker is dead, for we hold the lock. */
		if (strlen(de->d_name) == CONTAINER_ID_LEN) {
			container_names_drop(h, de->d_name);
			drop_anonymous(h, fd);
		}
		autofree char *name = path_join("tmp", de->d_name);
		home_rm_tree(h, name, NULL);
	}
	closedir(d);
}

int home_tmp_file(const struct home *h, struct err *e)
{
	char name[40], hex[33];
	int fd = openat(h->fd, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	int dir = home_dir(h, "tmp", e);
	if (dir < 0)
		return dir;
	close(dir);
	snprintf(name, sizeof name, "tmp/%s", rand_hex(hex, 32));
	fd = openat(h->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, errno, "write %s/%s", h->path, name);
	unlinkat(h->fd, name, 0);
	return fd;
}
