/*
 * Mounts that are overlays: the option O, of volumes and of --rootfs, and images. Their upper layers lie in the container's directory, as work/m<N>, are empty at each start,
 * and go with the container; with upperdir= and workdir= what is written is kept where the user says. Where the kernel gives no overlay, the upper
 * layer is a copy.
 */
#include <sys/mount.h>

#include "base/base.h"
#include "runtime/volume_parts.h"
#include "store/layer_stack.h"
#include "sys/mounts.h"
#include "sys/overlay.h"

/* work/m<N>/{upper,work,at}, anew. */
static int make_dirs(struct stage *s, const struct config_mount *m, struct err *e)
{
	static const char *const names[] = {"upper", "work", "at"};
	size_t i = 0;
	char path[40];

	for (size_t k = 0; k < s->c->mounts.n; k++)
		if (!strcmp(((const struct config_mount *)s->c->mounts.v)[k].destination,
			    m->destination))
			i = k;
	if (!strcmp(m->destination, "/"))
		snprintf(path, sizeof path, "work/root");
	else
		snprintf(path, sizeof path, "work/m%zu", i);
	int r = path_rm_tree_at(s->cdir, path);
	if (r == 0 && mkdirat(s->cdir, path, 0700) < 0)
		r = -errno;
	autoclose int dir =
		r < 0 ? -1 : openat(s->cdir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (size_t k = 0; k < countof(names) && dir >= 0; k++)
		if (mkdirat(dir, names[k], 0755) < 0)
			r = -errno;
	if (r < 0 || dir < 0)
		return err_set(e, r < 0 ? r : errno, "make the layer for what is written to %s",
			       m->destination);
	return take_fd(dir);
}

/* The upper layer begins with owner and mode of what it covers, or the mount point would have others. */
static void dress_upper(int upper, int lower)
{
	struct stat st;

	if (fstat(lower, &st) < 0)
		return;
	(void)!fchownat(upper, "", st.st_uid, st.st_gid, AT_EMPTY_PATH);
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", upper);
	chmod(path, st.st_mode & 07777);
}

static const char *value_of(const struct config_mount *m, const char *prefix)
{
	for (size_t i = 0; i < m->options.n; i++)
		if (str_starts(m->options.v[i], prefix))
			return m->options.v[i] + strlen(prefix);
	return NULL;
}

static int open_dir(int at, const char *path, struct err *e)
{
	int fd = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	err_set(e, errno, "open %s", path);
	return e->code == ENOENT ? err_hint(e, "it must exist: mkdir -p %s", path) : -e->code;
}

/* In place of an overlay: all of it, in the upper directory. */
static int copy_instead(const struct config_mount *m, const struct layer_stack *lower, int dir,
			bool *ret_attached, struct err *e)
{
	if (value_of(m, "upperdir="))
		return err_context(e, "mount %s", m->destination);
	*e = (struct err){.exit = EXIT_ENGINE};
	autoclose int to = openat(dir, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = to < 0 ? err_set(e, errno, "open the copy for %s", m->destination)
		       : layer_stack_copy(lower, to, e);
	if (r < 0)
		return r;
	*ret_attached = false;
	int mnt = mount_clone(dir, "upper", false);
	return mnt < 0 ? err_set(e, mnt, "mount %s", m->destination) : mnt;
}

int volume_over(struct stage *s, const struct config_mount *m, const struct layer_stack *lower,
		bool *ret_attached, struct err *e)
{
	const char *up = value_of(m, "upperdir="), *wk = value_of(m, "workdir=");
	autoclose int dir = make_dirs(s, m, e);

	if (dir < 0)
		return dir;
	autoclose int upper = open_dir(up ? AT_FDCWD : dir, up ? up : "upper", e);
	autoclose int work = upper < 0 ? -1 : open_dir(up ? AT_FDCWD : dir, up ? wk : "work", e);
	if (upper < 0 || work < 0)
		return -e->code;
	if (!up)
		dress_upper(upper, lower->fd[0]);
	struct overlay o = {.lower = lower->fd,
			    .nlower = lower->n,
			    .upper = upper,
			    .work = work,
			    .no_sync = !up,
			    .target_dir = dir,
			    .target = "at"};
	int mnt = overlay_mount(&o, ret_attached, e);
	if (mnt < 0 && e->id == ERR_NO_OVERLAY)
		return copy_instead(m, lower, dir, ret_attached, e);
	if (mnt < 0)
		err_context(e, "mount %s", m->destination);
	return mnt;
}

int volume_overlay(struct stage *s, const struct config_mount *m, int src, struct err *e)
{
	autoclose int over =
		m->over ? open(m->over, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	int both[] = {over, src};
	struct layer_stack lower = {over < 0 ? &src : both, over < 0 ? 1 : 2};
	struct stat st;
	bool attached;

	if (m->over && over < 0)
		return err_set(e, errno, "open %s", m->over);

	if (fstat(src, &st) < 0 || !S_ISDIR(st.st_mode)) {
		err_fail(e, ERR_MOUNT, "%s is no directory: the option O cannot be had",
			 m->source ? m->source : m->name);
		return err_hint(e, "an overlay shows directories only; ro protects a file");
	}
	autoclose int mnt = volume_over(s, m, &lower, &attached, e);
	return mnt < 0 ? mnt : volume_attach_mount(s, m, mnt, true, e);
}

/* Of an image, a part: links in it lead within it. */
static int part_of(const struct config_mount *m, int root, bool *ret_dir, struct err *e)
{
	struct stat st;
	autoclose int at = path_open_in_root(root, m->subpath, O_PATH, 0);

	if (at < 0 || fstat(at, &st) < 0) {
		err_set(e, at < 0 ? at : errno, "open %s in the image %s", m->subpath, m->name);
		return err_hint(e, "hoy run --rm %s ls shows what is there", m->name);
	}
	*ret_dir = S_ISDIR(st.st_mode);
	int mnt = mount_clone(at, "", false);
	return mnt < 0 ? err_set(e, mnt, "mount %s of the image %s", m->subpath, m->name) : mnt;
}

/* Clones can be taken of attached mounts only. */
static int attach_aside(struct stage *s, const struct config_mount *m, int mnt, struct err *e)
{
	autoclose int spot = openat(s->cdir, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = spot < 0 ? -errno : mount_attach(mnt, spot);

	return r < 0 ? err_set(e, r, "attach the image %s", m->name) : 0;
}

int volume_image(struct stage *s, const struct config_mount *m, struct err *e)
{
	autoclose int fd = open(s->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct home h = {.path = (char *)(uintptr_t)s->home, .fd = fd};
	struct config_mount how = *m;
	struct layer_stack lower;
	bool attached = false, dir = true;
	int r = fd < 0 ? err_set(e, errno, "open the store %s", s->home)
		       : layer_stack_open(&h, s->layers ? s->layers : s->form, &m->layers,
					  m->layers.n, &lower, e);

	if (r < 0)
		return r;
	autoclose int root = lower.n ? volume_over(s, m, &lower, &attached, e)
				     : err_fail(e, ERR_MOUNT, "the image %s has no files", m->name);
	layer_stack_free(&lower);
	if (root < 0)
		return root;
	if (!strs_has(&m->options, "rw"))
		strs_add(&s->arena, &how.options, "ro");
	if (!m->subpath)
		return volume_attach_mount(s, &how, root, true, e);
	r = attached ? 0 : attach_aside(s, m, root, e);
	autoclose int part = r < 0 ? r : part_of(m, root, &dir, e);
	return part < 0 ? part : volume_attach_mount(s, &how, part, dir, e);
}
