/*
 * The root file system: an overlay of the image's layers under the container's own upper directory, or a copy of the image where the supervisor has
 * made one (store/copied.h); for @empty the upper directory alone; for --rootfs the user's directory, or an overlay over it; for @host one overlay for each of the host's system directories. It is attached over the container's own
 * directory in the store, because that is there anyway and nobody else sees this mount namespace.
 */
#include <dirent.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "runtime/launch.h"
#include "runtime/volume_parts.h"
#include "store/copied.h"
#include "store/layer_stack.h"
#include "sys/mounts.h"
#include "sys/overlay.h"

static int open_path(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_set(e, errno, "open %s", name) : fd;
}

static int attach_root(struct stage *s, int mnt, struct err *e)
{
	int r = mount_attach(mnt, s->cdir);

	if (r < 0)
		return err_set(e, r, "attach the root file system");
	s->root = mnt;
	return 0;
}

/* The /etc that the layers show: its topmost directory. False if it is anything else, or has attributes that a copy would have to keep. */
static bool layers_etc(const int *lower, size_t n, struct stat *ret)
{
	for (size_t i = 0; i < n; i++) {
		char path[40], names[16];
		if (fstatat(lower[i], "etc", ret, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d/etc", lower[i]);
		return S_ISDIR(ret->st_mode) && llistxattr(path, names, sizeof names) == 0;
	}
	*ret = (struct stat){.st_mode = S_IFDIR | 0755};
	return true;
}

/* Makes the mount points of the generated files in a fresh upper directory, before the overlay sees it: making them through
 * the overlay, with its copies and renames, takes longer than everything else about these files. */
static bool prepare_etc(const struct names *made, int upper, const int *lower, size_t n)
{
	if (!made)
		return false;
	/* Where the image's own file is to be seen nothing may lie above it. */
	const char *const names[] = {made->hosts && !made->image_hosts ? "etc/hosts" : NULL,
				     made->hostname ? "etc/hostname" : NULL,
				     made->resolv_conf ? "etc/resolv.conf" : NULL};
	struct stat st;

	if (!layers_etc(lower, n, &st) || mkdirat(upper, "etc", 0755) < 0)
		return false;
	if (fchownat(upper, "etc", st.st_uid, st.st_gid, 0) < 0 ||
	    fchmodat(upper, "etc", st.st_mode & 07777, 0) < 0) {
		unlinkat(upper, "etc", AT_REMOVEDIR);
		return false;
	}
	for (size_t i = 0; i < countof(names); i++) {
		int fd = !names[i] ? -1
				   : openat(upper, names[i],
					    O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
					    0644);
		if (fd >= 0)
			close(fd);
	}
	return true;
}

/* /etc/mtab, which old programs read, where the image has none. */
static void add_mtab(int root)
{
	autoclose int etc = path_open_in_root(root, "etc", O_PATH | O_DIRECTORY, 0);

	if (etc >= 0)
		(void)!symlinkat("/proc/mounts", etc, "mtab");
}

/* The root file system is a directory of the container's own. */
static int bind_root(struct stage *s, const char *name, struct err *e)
{
	int mnt = mount_clone(s->cdir, name, false);

	if (mnt < 0)
		return err_set(e, mnt, "bind the container's directory");
	mount_propagation(mnt, MS_PRIVATE, false);
	return attach_root(s, mnt, e);
}

static int overlay_root(struct stage *s, int home, const struct layer_stack *lower, int upper,
			struct err *e)
{
	autoclose int work = open_path(s->cdir, "work", e);
	bool attached;

	if (work < 0)
		return work;
	bool fresh = prepare_etc(s->names, upper, lower->fd, lower->n);
	autoclose int containers = open_path(home, s->where, NULL);
	struct overlay o = {lower->fd,	       lower->n,   upper,   work,
			    s->c->auto_remove, containers, s->c->id};
	if (!ns_is_own(s->c, NS_PID)) /* how its processes can be told (sys/strays.h) */
		o.source = s->c->id;
	int mnt = overlay_mount(&o, &attached, e);
	if (mnt < 0)
		return mnt;
	if (fresh)
		add_mtab(mnt);
	if (attached) {
		s->root = mnt;
		return 0;
	}
	return attach_root(s, mnt, e);
}

static int image_root(struct stage *s, int fd, struct err *e)
{
	struct home h = {.path = (char *)(uintptr_t)s->home, .fd = fd};
	struct layer_stack lower;
	autoclose int upper =
		openat(s->cdir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (upper < 0)
		return errno == ENOENT && copied_is(s->cdir)
			       ? bind_root(s, COPIED_ROOT, e)
			       : err_set(e, errno, "open what the container has written");
	int r = layer_stack_open(&h, s->layers ? s->layers : s->form, &s->c->layers, s->c->layers.n,
				 &lower, e);
	if (r < 0)
		return r;
	r = overlay_root(s, fd, &lower, upper, e);
	layer_stack_free(&lower);
	return r;
}

/* The host's directories that make up a system, and what else a system has. No homes, no /var of the host, no /srv. */
static const char *const host_dirs[] = {"usr", "etc",	"opt",	 "bin",	  "sbin",
					"lib", "lib32", "lib64", "libx32"};
static const struct {
	const char *path;
	mode_t mode;
} own_dirs[] = {
	{"home", 0755},	     {"media", 0755},	{"mnt", 0755},	   {"root", 0700},
	{"run", 0755},	     {"srv", 0755},	{"tmp", 01777},	   {"var", 0755},
	{"var/cache", 0755}, {"var/lib", 0755}, {"var/log", 0755}, {"var/tmp", 01777},
};

static int host_dir(struct stage *s, const char *name, struct err *e)
{
	char host[32], target[PATH_MAX];
	struct stat st;

	snprintf(host, sizeof host, "/%s", name);
	if (lstat(host, &st) < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "look at the host's %s", host);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(host, target, sizeof target - 1);
		if (n < 0)
			return err_set(e, errno, "read the link %s", host);
		target[n] = 0;
		return symlinkat(target, s->root, name) < 0 && errno != EEXIST
			       ? err_set(e, errno, "make /%s", name)
			       : 0;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	char up[40], wk[40];
	snprintf(up, sizeof up, "work/%s.upper", name);
	snprintf(wk, sizeof wk, "work/%s.work", name);
	int r = path_mkdir_p_at(s->cdir, up, 0755);
	if (r == 0)
		r = path_mkdir_p_at(s->cdir, wk, 0700);
	if (r == 0)
		r = path_mkdir_p_at(s->root, name, 0755);
	if (r < 0)
		return err_set(e, r, "make the writable layer of /%s", name);
	autoclose int lower = open(host, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int upper = open_path(s->cdir, up, e);
	autoclose int work = open_path(s->cdir, wk, e);
	if (lower < 0 || upper < 0 || work < 0)
		return err_set(e, lower < 0 ? errno : e->code, "open the host's %s", host);
	struct overlay o = {&lower, 1, upper, work, s->c->auto_remove, s->root, name};
	bool attached;
	autoclose int mnt = overlay_mount(&o, &attached, e);
	if (mnt < 0)
		return mnt;
	autoclose int at = open_path(s->root, name, e);
	r = attached ? 0 : mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "attach the host's %s", host) : 0;
}

static int host_root(struct stage *s, struct err *e)
{
	for (size_t i = 0; i < countof(own_dirs); i++) {
		if (mkdirat(s->root, own_dirs[i].path, own_dirs[i].mode) < 0 && errno != EEXIST)
			return err_set(e, errno, "make /%s", own_dirs[i].path);
		fchmodat(s->root, own_dirs[i].path, own_dirs[i].mode,
			 0); /* the umask took bits away */
	}
	for (size_t i = 0; i < countof(host_dirs); i++) {
		int r = host_dir(s, host_dirs[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --rootfs: a directory of the host, with what is mounted below it, or an overlay over it. */
static int dir_root(struct stage *s, struct err *e)
{
	static const struct config_mount over = {.type = "bind", .destination = "/"};
	autoclose int dir = open(s->c->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct layer_stack lower = {&dir, 1};
	bool attached = false;

	if (dir < 0) {
		err_set(e, errno, "open the root file system %s", s->c->rootfs);
		return err_hint(e, "the directory was there when the container was made");
	}
	int mnt = s->c->rootfs_overlay ? volume_over(s, &over, &lower, &attached, e)
				       : mount_clone(dir, "", true);
	if (mnt < 0)
		return s->c->rootfs_overlay
			       ? mnt
			       : err_set(e, mnt, "bind the root file system %s", s->c->rootfs);
	mount_propagation(mnt, MS_PRIVATE, true);
	if (!attached)
		return attach_root(s, mnt, e);
	s->root = mnt;
	return 0;
}

int stage_root(struct stage *s, struct err *e)
{
	autoclose int home = open(s->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[100];

	if (home < 0)
		return err_set(e, errno, "open the store %s", s->home);
	snprintf(path, sizeof path, "%s/%.64s", s->where, s->c->id);
	s->cdir = openat(home, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->cdir < 0)
		return err_set(e, errno, "open the container's directory");
	s->spot = open_path(s->cdir, "work", e);
	if (s->spot < 0)
		return s->spot;
	if (str_eq(s->c->root, "image") && s->c->layers.n)
		return image_root(s, home, e);
	if (str_eq(s->c->root, "dir"))
		return dir_root(s, e);
	int r = bind_root(s, "upper", e);
	if (r == 0 && str_eq(s->c->root, "host"))
		r = host_root(s, e);
	return r;
}

int stage_pivot(struct stage *s, struct err *e)
{
	int r = mount_pivot(s->root, e);

	if (r < 0)
		return r;
	fd_close(&s->cdir);
	fd_close(&s->spot);
	fd_close(&s->outer);
	return 0;
}

/* The overlays of a --rm container are not synced, and the kernel marks that (work/incompat/volatile) so that they are not mounted
 * again after a crash. None happened: the marks go, with what else overlayfs makes anew. */
void launch_forget_overlays(int dir)
{
	int fd = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char path[300];

	for (struct dirent *de; d && (de = readdir(d));) {
		if (!strcmp(de->d_name, "work"))
			path_rm_tree_at(dirfd(d), "work");
		if (!str_ends(de->d_name, ".work"))
			continue;
		snprintf(path, sizeof path, "%s/work", de->d_name);
		path_rm_tree_at(dirfd(d), path);
	}
	if (d)
		closedir(d);
}
