#include <sched.h>
#include <sys/mount.h>

#include "base/base.h"
#include "store/layer_stack.h"
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

/* Mounts the stack and, since two directories are the least that the kernel takes, an empty one below it. */
static int mount_view(struct layer_stack *stack, struct view *ret, struct err *e)
{
	const struct home_tmp *t = &ret->tmp;
	bool attached;
	char path[40];

	if (mkdirat(t->fd, "none", 0700) < 0 || mkdirat(t->fd, "at", 0755) < 0)
		return err_set(e, errno, "make a directory in %s", t->name);
	int none = openat(t->fd, "none", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (none < 0)
		return err_set(e, errno, "open a directory in %s", t->name);
	layer_stack_put_bottom(stack, none);
	struct overlay o = {stack->fd, stack->n, -1, -1, false, t->fd, "at", NULL};
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

/* Where there is no overlay. The copy lies in the directory below tmp/ and goes with it. */
static int copy_view(const struct layer_stack *stack, struct view *ret, struct err *e)
{
	autoclose int to = openat(ret->tmp.fd, "at", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*e = (struct err){0};
	if (to < 0)
		return err_set(e, errno, "open a directory in %s", ret->tmp.name);
	mode_t mask = umask(0);
	int r = layer_stack_copy(stack, to, e);
	umask(mask);
	if (r == 0)
		ret->root = take_fd(to);
	return r;
}

static int make_view(struct layer_stack *stack, struct view *ret, struct err *e)
{
	struct err ignored, *why = e ? e : &ignored;
	int r = mount_view(stack, ret, why);

	return r < 0 && why->id == ERR_NO_OVERLAY ? copy_view(stack, ret, why) : r;
}

/* A store that cannot be written gets a tmp/ in memory, which nobody else sees. */
static int make_tmp(const struct home *h, struct home_tmp *ret, struct err *e)
{
	struct err ignored = {0}, *why = e ? e : &ignored;
	char path[40];
	int r = home_tmp_make(h, NULL, ret, why);

	if (r != -EROFS)
		return r;
	autoclose int tmp = openat(h->fd, "tmp", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", tmp);
	if (tmp < 0 || mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return r;
	*why = (struct err){0};
	return home_tmp_make(h, NULL, ret, why);
}

int view_open(const struct home *h, const char *form, const struct strs *layers, size_t n,
	      const char *upper, struct view *ret, struct err *e)
{
	scoped(layer_stack) stack = {0};
	int top = -1;
	int r = layer_stack_open(h, form, layers, n, &stack, e);

	*ret = VIEW_NONE;
	ret->h = h;
	if (r == 0 && upper) {
		top = openat(h->fd, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = top < 0 ? err_set(e, errno, "open %s/%s", h->path, upper) : 0;
	}
	if (r == 0 && !n && upper) {
		ret->root = top;
		return 0;
	}
	if (top >= 0)
		layer_stack_put_top(&stack, top);
	if (r == 0)
		r = make_tmp(h, &ret->tmp, e);
	if (r == 0 && n)
		r = make_view(&stack, ret, e);
	else if (r == 0)
		ret->root = fcntl(ret->tmp.fd, F_DUPFD_CLOEXEC, 3);
	if (r < 0)
		view_free(ret);
	return r;
}

/* A copy in memory, which goes with its mount: nothing else could say when it is not wanted any more. */
static int mount_copy(const struct layer_stack *stack, struct err *e)
{
	int mnt = mount_new("tmpfs", (const char *const[]){"mode=0755", NULL}, MOUNT_NODEV, e);
	autoclose int to = mnt < 0 ? -1 : openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mnt < 0)
		return mnt;
	mode_t mask = umask(0);
	int r = to < 0 ? err_set(e, errno, "open a tmpfs") : layer_stack_copy(stack, to, e);
	umask(mask);
	if (r < 0)
		close(mnt);
	if (r == -ENOSPC)
		return err_hint(e,
				"there is no overlay here, and half of the machine's memory is too "
				"little for the image's files: hoy create, then hoy export");
	return r < 0 ? r : mnt;
}

int view_mount(const struct home *h, const char *form, const struct strs *layers, const char *upper,
	       int at, const char *name, const char *empty, struct err *e)
{
	scoped(layer_stack) stack = {0};
	bool attached = false;
	int r = layer_stack_open(h, form, layers, layers->n, &stack, e);
	int top = r < 0 || !upper
			  ? -1
			  : openat(h->fd, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (r == 0 && upper && top < 0)
		r = err_set(e, errno, "open %s/%s", h->path, upper);
	if (r < 0)
		return r;
	if (top >= 0)
		layer_stack_put_top(&stack, top);
	size_t own = stack.n;
	layer_stack_put_bottom(&stack, openat(at, empty, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (stack.n == 1) /* the kernel wants two */
		layer_stack_put_bottom(&stack, openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
	struct overlay o = {stack.fd, stack.n, -1, -1, false, at, name, NULL};
	autoclose int mnt = overlay_mount(&o, &attached, e);
	if (mnt < 0 && e->id == ERR_NO_OVERLAY) {
		*e = (struct err){0};
		mnt = mount_copy(&(struct layer_stack){stack.fd, own}, e);
	}
	if (mnt < 0)
		return mnt;
	if (attached)
		return 0;
	autoclose int target = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	mount_attr(mnt, MOUNT_RO, 0, false);
	r = target < 0 ? -errno : mount_attach(mnt, target);
	return r < 0 ? err_set(e, r, "mount the image at %s", name) : 0;
}
