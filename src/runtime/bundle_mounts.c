/*
 * The root file system of a bundle and what is mounted in it. As everywhere: mounts are made detached, targets are opened inside of the root, and the one is moved onto
 * the other, so that no link of the image can lead a mount out.
 */
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/base.h"
#include "oci/mount_options.h"
#include "runtime/bundle_init.h"
#include "sys/copy_tree.h"
#include "sys/mounts.h"

/* A path of the host, which may be relative to the bundle. */
static const char *host_path(struct stage *s, const char *path)
{
	return path[0] == '/' ? path : arena_printf(&s->arena, "%s/%s", s->bundle->b->path, path);
}

/* What is mounted in the container must not spread to the host: the mount that the root lies in is nobody's peer. */
static int detach_parent(const char *path, struct err *e)
{
	autofree char *p = path_clean(path);
	struct mount_attr a = {.propagation = MS_PRIVATE};

	for (;;) {
		if (syscall(SYS_mount_setattr, AT_FDCWD, *p ? p : "/", 0, &a, sizeof a) == 0)
			return 0;
		if (errno != EINVAL || !*p || !strcmp(p, "/"))
			return err_set(e, errno, "make the mount below %s private", path);
		*strrchr(p, '/') = 0;
	}
}

int bundle_root(struct stage *s, struct err *e)
{
	const struct oci_spec *spec = s->bundle->b->spec;
	const char *path = host_path(s, spec->root.path), *word = spec->linux_.rootfs_propagation;
	bool rec = true;
	unsigned long flag = str_is_empty(word) ? MS_SLAVE : mount_propagation_word(word, &rec);

	/* Private and unbindable roots are made so at the end; until then the host's mounts must be reachable. */
	if (flag != MS_SHARED && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(e, errno, "cut the mounts off from those of the host");
	int r = flag == MS_SHARED ? detach_parent(path, e) : 0;
	if (r < 0)
		return r;
	autoclose int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_set(e, errno, "open the root file system %s", path);
	autoclose int mnt = mount_clone(at, "", true);
	r = mnt < 0 ? mnt : mount_attach(mnt, at);
	if (r < 0)
		return err_set(e, r, "bind the root file system %s", path);
	s->root = take_fd(mnt);
	return 0;
}

/* Below /proc only these may be covered: programs that show a container's own numbers there do it. */
static bool may_cover(const char *path)
{
	static const char *const files[] = {
		"/proc/cpuinfo",
		"/proc/diskstats",
		"/proc/loadavg",
		"/proc/meminfo",
		"/proc/slabinfo",
		"/proc/stat",
		"/proc/swaps",
		"/proc/uptime",
		"/proc/sys/kernel/ns_last_pid",
		"/proc/sys/crypto/fips_enabled",
	};

	for (size_t i = 0; i < countof(files); i++)
		if (!strcmp(path, files[i]))
			return true;
	return false;
}

/* Where a mount goes. /proc and /sys themselves must be directories of the root, no links; nothing else may lead into a procfs. */
static int open_target(struct stage *s, const char *path, bool dir, struct err *e)
{
	autofree char *clean = path_clean(arena_printf(&s->arena, "/%s", path));

	if (!strcmp(clean, "/proc") || !strcmp(clean, "/sys"))
		return stage_top_dir(s, clean + 1, e);
	return may_cover(clean) ? stage_target(s, clean, dir, e)
				: stage_user_target(s, clean, dir, e);
}

/* ---- bind mounts */

static int open_source(struct stage *s, const char *path, struct err *e)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 && errno == EACCES) {
		fd = bundle_ask_open(s, path);
		errno = EACCES;
	}
	return fd < 0 ? err_set(e, errno, "open the source %s", path) : fd;
}

static int make_bind(struct stage *s, const struct oci_mount *m, const struct mount_options *o,
		     bool *ret_dir, struct err *e)
{
	const struct bind_list *all = &s->bundle->b->spec->mounts;
	const char *source = host_path(s, m->source);
	struct stat st;
	autoclose int from = -1, mnt = -1;

	if (o->idmap || m->uid_mappings.n) { /* only the host's root may do that: our parent */
		mnt = bundle_ask_mapped(s, (size_t)(m - (const struct oci_mount *)all->v), e);
		if (mnt < 0)
			return mnt;
	} else {
		from = open_source(s, source, e);
		if (from < 0)
			return from;
		mnt = mount_clone(from, "", o->recursive);
		if (mnt < 0)
			return err_set(e, mnt, "bind %s", source);
	}
	if (fstat(mnt, &st) < 0)
		return err_set(e, errno, "look at %s", source);
	*ret_dir = S_ISDIR(st.st_mode);
	return take_fd(mnt);
}

/* ---- new file systems */

/* tmpcopyup: it begins with what the root has there. */
static int copy_up(struct stage *s, const char *path, int mnt, struct err *e)
{
	autoclose int from = path_open_in_root(s->root, path, O_RDONLY | O_DIRECTORY, 0);
	autoclose int to = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (from < 0)
		return from == -ENOENT ? 0 : err_set(e, from, "read %s", path);
	int r = to < 0 ? -errno : copy_tree(from, to);
	if (r == 0 && fstat(from, &st) == 0 &&
	    (fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0))
		r = -errno;
	return r < 0 ? err_set(e, r, "copy %s into its tmpfs", path) : 0;
}

static int make_new(struct stage *s, const struct oci_mount *m, const struct mount_options *o,
		    struct err *e)
{
	const char *source = str_is_empty(m->source) ? m->type : m->source;
	unsigned attrs = o->set;
	autoclose int mnt = -1;

	if (o->copy_up)
		attrs &= ~(unsigned)MOUNT_RO;
	mnt = mount_new_of(m->type, source, o->data.v, attrs, e);
	/* A network that is another's, seen by root of a user namespace: the kernel lets nobody mount a sysfs there. */
	if (mnt == -EPERM && str_eq(m->type, "sysfs")) {
		mnt = mount_clone(AT_FDCWD, "/sys", true);
		if (mnt >= 0 && mount_attr(mnt, o->set, 0, true) < 0)
			return err_set(e, errno, "bind /sys");
	}
	if (mnt < 0)
		return e->code ? -e->code : mnt;
	int r = o->copy_up ? copy_up(s, m->destination, mnt, e) : 0;
	return r < 0 ? r : take_fd(mnt);
}

/* ---- any */

static int set_attributes(const struct mount_options *o, int mnt, const char *what, struct err *e)
{
	int r = 0;

	if (o->bind && (o->set || o->clear))
		r = mount_attr(mnt, o->set, o->clear, false);
	if (r == 0 && (o->rec_set || o->rec_clear))
		r = mount_attr(mnt, o->rec_set, o->rec_clear, true);
	if (r == 0 && o->copy_up && (o->set & MOUNT_RO))
		r = mount_attr(mnt, MOUNT_RO, 0, false);
	if (r < 0)
		return err_set(e, r, "set the options of the mount %s", what);
	return 0;
}

static int mount_one(struct stage *s, const struct oci_mount *m, struct err *e)
{
	struct mount_options o;
	const char *bad = NULL, *why = NULL;
	bool dir = true;

	if (mount_options_parse(m->type, &m->options, &o, &s->arena, &bad, &why) < 0)
		return err_fail(e, ERR_OCI_SPEC, "mount %s: \"%s\": %s", m->destination, bad, why);
	if (!o.bind && (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2"))) {
		autoclose int at = open_target(s, m->destination, true, e);
		return at < 0 ? at
			      : bundle_mount_cgroups(s, at, str_eq(m->type, "cgroup2"), o.set, e);
	}
	autoclose int mnt = o.bind ? make_bind(s, m, &o, &dir, e) : make_new(s, m, &o, e);
	if (mnt < 0)
		return err_context(e, "error mounting \"%s\" to rootfs at \"%s\"",
				   m->source ? m->source : m->type, m->destination);
	autoclose int at = open_target(s, m->destination, dir, e);
	if (at < 0)
		return at;
	int r = set_attributes(&o, mnt, m->destination, e);
	if (r < 0)
		return r;
	r = mount_attach(mnt, at);
	/* Only what is attached has peers. */
	if (r == 0 && o.propagation)
		r = mount_propagation(mnt, o.propagation, o.propagation_recursive);
	return r < 0 ? err_set(e, r, "mount %s", m->destination) : 0;
}

int bundle_mounts(struct stage *s, struct err *e)
{
	const struct bind_list *l = &s->bundle->b->spec->mounts;
	const struct oci_mount *m = l->v;
	mode_t old = umask(0022);
	int r = 0;

	for (size_t i = 0; i < l->n && r == 0; i++)
		r = mount_one(s, &m[i], e);
	umask(old);
	return r;
}

/* ---- after them */

/* A name with slashes may have dots in its parts (net/ipv4/conf/eth0.100/...). */
static void sysctl_path(const char *name, char *buf, size_t size)
{
	bool slashes = strchr(name, '/');

	snprintf(buf, size, "sys/%s", name);
	for (char *p = buf; *p && !slashes; p++)
		if (*p == '.')
			*p = '/';
}

/* Written through a procfs that nothing of the bundle can cover (CVE-2025-52881); in a user namespace that may mount none, through the container's own. */
int bundle_sysctl(struct stage *s, struct err *e)
{
	const struct pairs *l = &s->bundle->b->spec->linux_.sysctl;
	struct statfs fs;

	if (!l->n)
		return 0;
	struct err ignored = {0};
	autoclose int proc =
		mount_new("proc", NULL, MOUNT_NOSUID | MOUNT_NOEXEC | MOUNT_NODEV, &ignored);
	if (proc < 0)
		proc = openat(s->root, "proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (proc < 0 || fstatfs(proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return err_set(e, EPERM, "get a /proc to write sysctl through");
	for (size_t i = 0; i < l->n; i++) {
		char path[256];
		sysctl_path(l->v[i].k, path, sizeof path);
		autoclose int fd = path_open_beneath(proc, path, O_WRONLY, 0);
		if (fd < 0)
			return err_set(e, fd, "open sysctl %s", l->v[i].k);
		if (write(fd, l->v[i].v, strlen(l->v[i].v)) < 0)
			return err_set(e, errno, "write sysctl %s=%s", l->v[i].k, l->v[i].v);
	}
	return 0;
}

/* Where the root is the initramfs, which cannot be left (--no-pivot): the new root is moved over it. */
static int move_root(int root, struct err *e)
{
	if (fchdir(root) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_set(e, errno, "move the root file system");
	return 0;
}

int bundle_pivot(struct stage *s, struct err *e)
{
	const char *word = s->bundle->b->spec->linux_.rootfs_propagation;
	bool rec = false;
	unsigned long flag = str_is_empty(word) ? 0 : mount_propagation_word(word, &rec);
	int r = s->bundle->b->no_pivot ? move_root(s->root, e) : mount_pivot(s->root, e);

	if (r == 0 && flag && flag != MS_SLAVE &&
	    mount(NULL, "/", NULL, flag | (rec ? MS_REC : 0), NULL) < 0)
		return err_set(e, errno, "set rootfsPropagation %s", word);
	return r;
}
