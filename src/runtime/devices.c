/*
 * /dev: a private tmpfs with the host's harmless devices bound into it (mknod(2) is not ours to call), a devpts of its own, and
 * the terminal. Nothing is ever looked up by a path of the image: the tmpfs is filled through its own descriptor, and the
 * pty's slave is bound by descriptor (TIOCGPTPEER), so no link can stand in for it (CVE-2025-52565).
 */
#include <dirent.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/base.h"
#include "runtime/bundle_init.h"
#include "runtime/outer.h"
#include "runtime/stage.h"
#include "sys/mounts.h"

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
static const char *const links[][2] = {
	{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
	{"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
};

static int touch(int dev, const char *name)
{
	int fd = openat(dev, name, O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	fd = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Binds the host's /dev/name, if it is a device, to dev/name. */
static int bind_device(int dev, const char *name, struct err *e)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof path, "/dev/%s", name);
	autoclose int src = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (src < 0 || fstat(src, &st) < 0)
		return err_set(e, errno, "open %s", path);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_fail(e, ERR_MOUNT, "%s of the host is not a device", path);
	autoclose int mnt = mount_clone(src, "", false);
	autoclose int at = touch(dev, name);
	int r = mnt < 0 ? mnt : at < 0 ? at : mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "bind %s", path) : 0;
}

/* --privileged: all devices that the host has right below /dev; what the user may not open there, root in here may not either. */
static void bind_all(int dev)
{
	DIR *d = opendir("/dev");

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_type == DT_CHR || de->d_type == DT_BLK)
			if (!str_starts(de->d_name, "tty") && !str_starts(de->d_name, "vcs") &&
			    strcmp(de->d_name, "console") && strcmp(de->d_name, "ptmx"))
				bind_device(dev, de->d_name, NULL);
	closedir(d);
}

/* Makes the directory dev/name, and opens it. */
static int make_below(int dev, const char *name, struct err *e)
{
	if (mkdirat(dev, name, 0755) < 0)
		return err_set(e, errno, "make /dev/%s", name);
	int at = openat(dev, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return at < 0 ? err_set(e, errno, "open /dev/%s", name) : at;
}

static int mount_below(int dev, const char *name, const char *fstype, const char *const *opts,
		       unsigned attrs, struct err *e)
{
	autoclose int at = make_below(dev, name, e);
	autoclose int mnt = at < 0 ? -1 : mount_new(fstype, opts, attrs, e);
	if (at < 0 || mnt < 0)
		return at < 0 ? at : mnt;
	int r = mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "mount /dev/%s", name) : 0;
}

static int mount_pts(int dev, struct err *e)
{
	static const char *const with_tty[] = {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5",
					       NULL};
	static const char *const plain[] = {"newinstance", "ptmxmode=0666", "mode=0620", NULL};
	unsigned attrs = MOUNT_NOSUID | MOUNT_NOEXEC;

	if (mount_below(dev, "pts", "devpts", with_tty, attrs, e) == 0)
		return 0;
	unlinkat(dev, "pts", AT_REMOVEDIR); /* the map has no group 5 */
	return mount_below(dev, "pts", "devpts", plain, attrs, e);
}

/* Attaches a mount of the host's, or of another container's, at /dev/name. Missing ones are left out. */
static int attach_shared(int dev, const char *name, int mnt, struct err *e)
{
	if (mnt < 0)
		return 0;
	autoclose int at = make_below(dev, name, e);
	if (at < 0)
		return at;
	int r = mount_attr(mnt, MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, 0, false);
	if (r == 0)
		r = mount_propagation(mnt, MS_PRIVATE, false);
	if (r == 0)
		r = mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "bind /dev/%s", name) : 0;
}

static int bind_host(int dev, const char *name, struct err *e)
{
	char path[32];

	snprintf(path, sizeof path, "/dev/%s", name);
	autoclose int mnt = mount_clone(AT_FDCWD, path, false);
	return attach_shared(dev, name, mnt, e);
}

/* /dev/shm and /dev/mqueue, which go with the ipc namespace. */
static int mount_ipc(struct stage *s, int dev, struct err *e)
{
	const unsigned strict = MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC;
	char size[40];
	const char *const shm_opts[] = {"mode=1777", size, NULL};
	bool own = ns_is_own(s->c, NS_IPC), host = ns_is_host(s->c, NS_IPC);
	int r = 0;

	snprintf(size, sizeof size, "size=%" PRId64, s->c->shm_size);
	if (host)
		r = bind_host(dev, "shm", e);
	else if (ns_container(s->c, NS_IPC))
		r = attach_shared(dev, "shm", s->given[GIVEN_SHM], e);
	else if (strcmp(ns_mode(s->c, NS_IPC), "none"))
		r = mount_below(dev, "shm", "tmpfs", shm_opts, strict, e);
	if (r < 0)
		return r;
	if (own && mount_below(dev, "mqueue", "mqueue", NULL, strict, NULL) < 0)
		unlinkat(dev, "mqueue", AT_REMOVEDIR); /* a kernel without message queues */
	return own    ? 0
	       : host ? bind_host(dev, "mqueue", e)
		      : attach_shared(dev, "mqueue", s->given[GIVEN_MQUEUE], e);
}

int stage_dev(struct stage *s, struct err *e)
{
	static const char *const dev_opts[] = {"mode=0755", "size=64m", NULL};
	autoclose int target = stage_top_dir(s, "dev", e);
	autoclose int dev = target < 0 ? -1 : mount_new("tmpfs", dev_opts, MOUNT_NOSUID, e);

	if (dev < 0)
		return -e->code;
	int r = mount_attach(dev, target);
	if (r < 0)
		return err_set(e, r, "mount /dev");
	for (size_t i = 0; i < countof(devices) && r == 0; i++)
		r = bind_device(dev, devices[i], e);
	for (size_t i = 0; i < countof(links) && r == 0; i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0)
			r = err_set(e, errno, "make /dev/%s", links[i][1]);
	if (r == 0)
		r = mount_pts(dev, e);
	if (r == 0)
		r = mount_ipc(s, dev, e);
	if (r == 0 && s->c->security.privileged)
		bind_all(dev);
	return r;
}

/* ---- --device */

/* Below a directory of devices: what every container has of its own. */
static bool is_special(const char *name)
{
	static const char *const special[] = {"pts",	 "shm",	      "fd",   "mqueue",
					      "console", "hugepages", ".lxc", ".lxd-mounts"};

	for (size_t i = 0; i < countof(special); i++)
		if (!strcmp(special[i], name))
			return true;
	return false;
}

static int give_device(struct stage *s, int src, const char *from, const char *to, struct err *e)
{
	autoclose int mnt = mount_clone(src, "", false);
	autoclose int at = mnt < 0 ? -1 : stage_user_target(s, to, false, e);

	if (mnt < 0)
		return err_set(e, mnt, "bind the device %s", from);
	int r = at < 0 ? at : mount_attr(mnt, MOUNT_NOSUID | MOUNT_NOEXEC, 0, false);
	if (r == 0)
		r = mount_attach(mnt, at);
	return r < 0 && at >= 0 ? err_set(e, r, "bind the device %s to %s", from, to) : r;
}

/* A device, or all devices below a directory. */
static int give(struct stage *s, int src, const char *from, const char *to, int depth,
		struct err *e)
{
	struct stat st;

	if (fstat(src, &st) < 0)
		return err_set(e, errno, "look at %s", from);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return give_device(s, src, from, to, e);
	if (!depth && !S_ISDIR(st.st_mode))
		return err_fail(e, ERR_DEVICE, "%s of the host is no device any more", from);
	if (!S_ISDIR(st.st_mode) || depth > 8)
		return 0;
	int fd = openat(src, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return depth ? 0 : err_set(e, errno, "read the directory %s", from);
	for (struct dirent *de; r == 0 && (de = readdir(d));) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") || is_special(de->d_name))
			continue;
		autoclose int sub = openat(src, de->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			r = give(s, sub, arena_printf(&s->arena, "%s/%s", from, de->d_name),
				 arena_printf(&s->arena, "%s/%s", to, de->d_name), depth + 1, e);
	}
	closedir(d);
	return r;
}

int stage_devices(struct stage *s, struct err *e)
{
	const struct config_device *d = s->c->devices.v;
	int r = 0;

	for (size_t i = 0; i < s->c->devices.n && r == 0; i++) {
		autoclose int src = outer_open(s, d[i].source, O_PATH);
		r = src < 0 ? err_set(e, src, "open the device %s", d[i].source)
			    : give(s, src, d[i].source, d[i].destination, 0, e);
	}
	return r;
}

/* Opens the multiplexer of a devpts and takes a pty; its slave becomes descriptors 0, 1 and 2 and the controlling terminal. */
static int take_pty(struct stage *s, int ptmx, int *ret_slave, struct err *e)
{
	struct statfs fs;
	struct stat st;
	int unlock = 0;

	if (fstat(ptmx, &st) < 0 || fstatfs(ptmx, &fs) < 0)
		return err_set(e, errno, "look at /dev/ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_fail(e, ERR_ROOTFS,
				"the container's /dev/pts/ptmx is not a pty multiplexer");
	if (ioctl(ptmx, TIOCSPTLCK, &unlock) < 0)
		return err_set(e, errno, "unlock the pty");
	autoclose int slave = ioctl(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, errno, "open the pty's slave");
	if (s->size.ws_row || s->size.ws_col)
		ioctl(slave, TIOCSWINSZ, &s->size);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return err_set(e, errno, "make the pty standard input and output");
	if (ioctl(0, TIOCSCTTY, 0) < 0)
		return err_set(e, errno, "make the pty the controlling terminal");
	*ret_slave = take_fd(slave);
	return 0;
}

static int send_pty(struct stage *s, struct err *e)
{
	if (s->bundle)
		return bundle_send_console(s, e);
	ssize_t n = fd_send_msg(s->sync, "P", 1, &s->pty, 1);

	fd_close(&s->pty);
	return n < 0 ? err_set(e, (int)n, "pass the pty on") : 0;
}

int stage_terminal(struct stage *s, struct err *e)
{
	if (!s->plan.tty)
		return 0;
	s->pty = path_open_in_root(s->root, "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	if (s->pty < 0)
		return err_set(e, s->pty, "open /dev/pts/ptmx");
	autoclose int slave = -1;
	int r = take_pty(s, s->pty, &slave, e);
	if (r < 0)
		return r;
	autoclose int dev = path_open_in_root(s->root, "dev", O_PATH | O_DIRECTORY, 0);
	autoclose int mnt = mount_clone(slave, "", false);
	autoclose int at = dev < 0 ? dev : touch(dev, "console");
	r = mnt < 0 ? mnt : at < 0 ? at : mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "bind the pty to /dev/console") : send_pty(s, e);
}

int stage_join_terminal(struct stage *s, struct err *e)
{
	if (!s->plan.tty)
		return 0;
	s->pty = path_open_in_root(s->root, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (s->pty < 0)
		return err_set(e, s->pty, "open the container's /dev/pts/ptmx");
	autoclose int slave = -1;
	int r = take_pty(s, s->pty, &slave, e);
	if (r < 0)
		return r;
	fcntl(s->pty, F_SETFL, fcntl(s->pty, F_GETFL) & ~O_NONBLOCK);
	return send_pty(s, e);
}
