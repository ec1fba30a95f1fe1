#include <sched.h>
#include <sys/mount.h>

#include "base/base.h"
#include "store/view.h"
#include "sys/mounts.h"
#include "sys/overlay.h"

void view_free(struct view *v)
{
	fd_close(&v->root);
	fd_close(&v->mnt);
	if (v->tmp.fd >= 0)
		home_tmp_drop(v->h, &v->tmp);
}

int view_enter(const struct home *h, struct home *ret, struct err *e)
{
	*ret = *h;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(e, errno, "make a mount namespace");
	/* overlayfs takes directories of the present mount namespace only */
	ret->fd = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->fd < 0 ? err_set(e, errno, "open the store %s", h->path) : 0;
}

/* Opens the layers from the top, down to one that hides the rest; fds has room for all. */
static int open_layers(const struct home *h, enum u0_form form, const struct strs *layers, size_t n,
		       int *fds, size_t *count, struct err *e)
{
	for (size_t i = n; i-- > 0;) {
		struct digest d;
		if (layer_lies_above(layers, n, i))
			continue;
		int r = digest_parse(layers->v[i], &d, e);
		int fd = r < 0 ? r : layer_open(h, &d, form, e);
		if (fd < 0)
			return fd;
		fds[(*count)++] = fd;
		/* An opaque root hides all layers below, but overlayfs looks at no mark on the root of a layer. */
		if (faccessat(fd, "../opaque", F_OK, 0) == 0)
			break;
	}
	return 0;
}

/* Mounts fds[0..n) and, since two directories are the least that the kernel takes, an empty one below them (fds has room for it). */
static int mount_view(int *fds, size_t n, struct view *ret, struct err *e)
{
	const struct home_tmp *t = &ret->tmp;
	bool attached;
	char path[40];

	if (mkdirat(t->fd, "none", 0700) < 0 || mkdirat(t->fd, "at", 0700) < 0)
		return err_set(e, errno, "make a directory in %s", t->name);
	autoclose int none = openat(t->fd, "none", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (none < 0)
		return err_set(e, errno, "open a directory in %s", t->name);
	fds[n] = none;
	struct overlay o = {fds, n + 1, -1, -1, false, t->fd, "at", NULL};
	ret->mnt = overlay_mount(&o, &attached, e);
	if (ret->mnt < 0)
		return ret->mnt;
	ret->root = openat(ret->mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->root < 0)
		return err_set(e, errno, "open the overlay");
	snprintf(path, sizeof path, "/proc/self/fd/%d", ret->root);
	if (attached)
		umount2(path, MNT_DETACH); /* it stays as long as it is open */
	return 0;
}

int view_open(const struct home *h, enum u0_form form, const struct strs *layers, size_t n,
	      const char *upper, struct view *ret, struct err *e)
{
	int *fds = xcalloc(n + 2, sizeof *fds), r = 0;
	size_t count = 0;

	*ret = VIEW_NONE;
	ret->h = h;
	if (upper) {
		int fd = openat(h->fd, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			r = err_set(e, errno, "open %s/%s", h->path, upper);
		else
			fds[count++] = fd;
	}
	if (r == 0)
		r = open_layers(h, form, layers, n, fds, &count, e);
	if (r == 0 && !n && upper)
		ret->root = take_fd(fds[0]);
	else if (r == 0)
		r = home_tmp_make(h, NULL, &ret->tmp, e);
	if (r == 0 && n)
		r = mount_view(fds, count, ret, e);
	else if (r == 0 && !upper)
		ret->root = fcntl(ret->tmp.fd, F_DUPFD_CLOEXEC, 3);
	for (size_t i = 0; i < count; i++)
		fd_close(&fds[i]);
	free(fds);
	if (r < 0)
		view_free(ret);
	return r;
}

int view_mount(const struct home *h, enum u0_form form, const struct strs *layers, int at,
	       const char *name, const char *empty, struct err *e)
{
	int *fds = xcalloc(layers->n + 1, sizeof *fds), mnt = -1;
	size_t count = 0;
	bool attached = false;
	int r = open_layers(h, form, layers, layers->n, fds, &count, e);

	fds[count++] = r < 0 ? -1 : openat(at, empty, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && count == 1) /* the kernel wants two */
		fds[count++] = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0) {
		struct overlay o = {fds, count, -1, -1, false, at, name, NULL};
		r = mnt = overlay_mount(&o, &attached, e);
	}
	if (r >= 0 && !attached) {
		autoclose int target = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		mount_attr(mnt, MOUNT_RO, 0, false);
		r = target < 0 ? -errno : mount_attach(mnt, target);
		if (r < 0)
			err_set(e, r, "mount the image at %s", name);
	}
	for (size_t i = 0; i < count; i++)
		fd_close(&fds[i]);
	fd_close(&mnt);
	free(fds);
	return r < 0 ? r : 0;
}
