/*
 * /dev of a bundle: what config-linux.md "Default Devices" promises, and what the bundle adds. Nodes are made where that is ours to do; else those of
 * the host are bound.
 */
#include <sys/sysmacros.h>

#include "base/base.h"
#include "oci/mount_options.h"
#include "runtime/bundle_init.h"
#include "sys/mounts.h"

static const struct oci_device defaults[] = {
	{"c", "/dev/null", 1, 3, 0666, 0, 0},	 {"c", "/dev/zero", 1, 5, 0666, 0, 0},
	{"c", "/dev/full", 1, 7, 0666, 0, 0},	 {"c", "/dev/random", 1, 8, 0666, 0, 0},
	{"c", "/dev/urandom", 1, 9, 0666, 0, 0}, {"c", "/dev/tty", 5, 0, 0666, 0, 0},
};

static const struct {
	const char *to, *name;
} links[] = {
	{"/proc/self/fd", "fd"},
	{"/proc/self/fd/0", "stdin"},
	{"/proc/self/fd/1", "stdout"},
	{"/proc/self/fd/2", "stderr"},
};

static mode_t type_bits(const struct oci_device *d)
{
	return d->type[0] == 'b' ? S_IFBLK : d->type[0] == 'p' ? S_IFIFO : S_IFCHR;
}

/* The directory that a device lies in, made if it is missing, and its name there. */
static int open_parent(struct stage *s, const char *path, const char **ret_name, struct err *e)
{
	char *clean = path_clean(path), *slash = strrchr(clean, '/');

	*ret_name = arena_strdup(&s->arena, slash + 1);
	*slash = 0;
	int fd = **ret_name ? stage_user_target(s, *clean ? clean : "/", true, e)
			    : err_fail(e, ERR_OCI_SPEC, "device %s has no name", path);
	free(clean);
	return fd;
}

static bool is_same(int dir, const char *name, const struct oci_device *d)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == type_bits(d) &&
	       (type_bits(d) == S_IFIFO ||
		st.st_rdev == makedev((unsigned)d->major, (unsigned)d->minor));
}

/* In a user namespace no node can be made: the host's is seen there. */
static int bind_node(int dir, const char *name, const struct oci_device *d, struct err *e)
{
	autoclose int src = open(d->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (src < 0 || fstat(src, &st) < 0)
		return err_set(e, errno, "open the device %s of the host", d->path);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_fail(e, ERR_MOUNT, "%s of the host is not a device", d->path);
	autoclose int fd =
		openat(dir, name, O_CREAT | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	autoclose int at = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	autoclose int mnt = mount_clone(src, "", false);
	int r = at < 0 ? -errno : mnt < 0 ? mnt : mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "bind the device %s", d->path) : 0;
}

static int make_node(struct stage *s, const struct oci_device *d, struct err *e)
{
	const char *name = NULL;
	bool own_users = oci_ns_find(s->bundle->b->spec, OCI_NS_USER);
	mode_t mode = d->file_mode ? (mode_t)d->file_mode & 07777 : 0666;
	autoclose int dir = open_parent(s, d->path, &name, e);

	if (dir < 0)
		return dir;
	if (is_same(dir, name, d))
		return 0;
	if (own_users && type_bits(d) != S_IFIFO)
		return bind_node(dir, name, d, e);
	if (mknodat(dir, name, type_bits(d) | mode,
		    makedev((unsigned)d->major, (unsigned)d->minor)) < 0) {
		if (errno == EPERM)
			return bind_node(dir, name, d, e);
		return err_set(e, errno, "make the device %s", d->path);
	}
	if (fchownat(dir, name, (uid_t)d->uid, (gid_t)d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "give the device %s to its owner", d->path);
	return 0;
}

/* A /dev that is bound from somewhere is not ours to fill. */
static bool is_bound(struct stage *s)
{
	const struct bind_list *l = &s->bundle->b->spec->mounts;
	const struct oci_mount *m = l->v;
	bool bound = false;

	for (size_t i = 0; i < l->n; i++) {
		struct mount_options o;
		const char *bad, *why;
		autofree char *clean = path_clean(m[i].destination);
		if (!strcmp(clean, "/dev") &&
		    mount_options_parse(m[i].type, &m[i].options, &o, &s->arena, &bad, &why) == 0)
			bound = o.bind;
	}
	return bound;
}

static bool is_given(const struct bind_list *l, const char *path)
{
	const struct oci_device *d = l->v;

	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(d[i].path, path))
			return true;
	return false;
}

/* The multiplexer of the container's own devpts, whatever the image has there. */
static int link_ptmx(int dev, struct err *e)
{
	struct stat st;

	if (fstatat(dev, "pts/ptmx", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* no devpts was asked for */
	if (unlinkat(dev, "ptmx", 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "replace /dev/ptmx");
	return symlinkat("pts/ptmx", dev, "ptmx") < 0 ? err_set(e, errno, "make /dev/ptmx") : 0;
}

int bundle_devices(struct stage *s, struct err *e)
{
	const struct bind_list *l = &s->bundle->b->spec->linux_.devices;
	const struct oci_device *d = l->v;
	mode_t old = umask(0);
	int r = 0;

	if (is_bound(s)) {
		umask(old);
		return 0;
	}
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = make_node(s, &d[i], e);
	for (size_t i = 0; i < countof(defaults) && r == 0; i++)
		if (!is_given(l, defaults[i].path))
			r = make_node(s, &defaults[i], e);
	umask(old);
	autoclose int dev = r < 0 ? r : stage_user_target(s, "/dev", true, e);
	if (dev < 0)
		return dev;
	for (size_t i = 0; i < countof(links); i++)
		if (symlinkat(links[i].to, dev, links[i].name) < 0 && errno != EEXIST)
			return err_set(e, errno, "make /dev/%s", links[i].name);
	return link_ptmx(dev, e);
}

int bundle_send_console(struct stage *s, struct err *e)
{
	static const char name[] = "/dev/ptmx"; /* runc's word; some look for a text at all */

	if (s->bundle->b->console < 0)
		return err_fail(e, ERR_USAGE,
				"cannot allocate tty if runc will detach without "
				"setting console socket");
	ssize_t n = fd_send_msg(s->bundle->b->console, name, sizeof name - 1, &s->pty, 1);
	fd_close(&s->pty);
	return n < 0 ? err_set(e, (int)n, "pass the terminal to the console socket") : 0;
}
