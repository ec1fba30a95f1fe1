/*
 * The file systems inside the root: kernel file systems, what the user asked for, generated files, and what is hidden at the
 * end. Every target is opened inside the root (openat2 with RESOLVE_IN_ROOT) and the mount moved onto that descriptor.
 */
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/base.h"
#include "runtime/accounts.h"
#include "runtime/stage.h"
#include "runtime/sysctl.h"
#include "sys/mounts.h"

int stage_top_dir(struct stage *s, const char *name, struct err *e)
{
	if (mkdirat(s->root, name, 0755) < 0 && errno != EEXIST)
		return err_set(e, errno, "make /%s in the container", name);
	int fd = openat(s->root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err_fail_code(e, ERR_ROOTFS, errno, "/%s of the image is not a directory", name);
	return err_hint(e,
			"an image whose /%s is a link or a file could reach out of the container: "
			"it is refused",
			name);
}

/* Makes the missing part of a path, one name at a time, each below a directory that was resolved inside the root. */
static int make_in_root(int root, const char *path, bool dir)
{
	autofree char *p = path_clean(path);

	for (char *slash = p;;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = 0;
		autofree char *parent = xstrdup(p);
		char *base = strrchr(parent, '/');
		*base++ = 0;
		autoclose int at =
			path_open_in_root(root, *parent ? parent : "/", O_PATH | O_DIRECTORY, 0);
		if (at < 0)
			return at;
		struct stat st;
		bool there = fstatat(at, base, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (!there && (slash || dir) && mkdirat(at, base, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (!there && !slash && !dir) {
			int fd = openat(at, base,
					O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
			if (fd < 0 && errno != EEXIST)
				return -errno;
			if (fd >= 0)
				close(fd);
		}
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int stage_target(struct stage *s, const char *path, bool dir, struct err *e)
{
	int flags = O_PATH | (dir ? O_DIRECTORY : 0);
	int fd = path_open_in_root(s->root, path, flags, 0);

	if (fd == -ENOENT) {
		int r = make_in_root(s->root, path, dir);
		fd = r < 0 ? r : path_open_in_root(s->root, path, flags, 0);
	}
	return fd < 0 ? err_set(e, fd, "make the mount point %s in the container", path) : fd;
}

int stage_user_target(struct stage *s, const char *path, bool dir, struct err *e)
{
	autoclose int target = stage_target(s, path, dir, e);
	struct statfs fs;

	if (target < 0)
		return target;
	if (fstatfs(target, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC)
		return err_fail(e, ERR_MOUNT,
				"%s of the image leads to /proc, where nothing can be mounted",
				path);
	return take_fd(target);
}

static int attach_at(int mnt, int target, const char *what, struct err *e)
{
	int r = mnt < 0 || target < 0 ? -e->code : mount_attach(mnt, target);

	return r < 0 && mnt >= 0 && target >= 0 ? err_set(e, r, "mount %s", what) : r;
}

/* Who does not see all of a /proc may not mount another. */
static int explain_proc(struct err *e)
{
	err_fail_code(e, ERR_NESTED, EPERM,
		      "the container around this process hides parts of /proc, so the kernel lets "
		      "nobody mount another one");
	return err_hint(e, "start that one with --security-opt unmask=ALL (docker: "
			   "systempaths=unconfined), or with --privileged");
}

/* /proc of the namespace that the container's processes are in: another's was made by whoever has power over it, the host's cannot be
 * made at all and is bound. */
static int open_proc(struct stage *s, struct err *e)
{
	const unsigned attrs = MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC;
	const char *opts[17] = {0};
	scoped(strv) words = {0};

	if (ns_is_own(s->c, NS_PID)) {
		if (s->c->security.proc_opts)
			strv_split(&words, s->c->security.proc_opts, ',');
		for (size_t n = 0; n < words.n && n < 16; n++)
			opts[n] = words.v[n];
		int own = mount_new("proc", opts, attrs, e);
		return own == -EPERM ? explain_proc(e) : own;
	}
	int given = s->given[GIVEN_PROC];
	int mnt = given >= 0 ? dup(given) : mount_clone(AT_FDCWD, "/proc", true);
	int r = mnt < 0 ? (given >= 0 ? -errno : mnt) : mount_propagation(mnt, MS_PRIVATE, true);
	if (r == 0)
		r = mount_attr(mnt, attrs, 0, true);
	if (r == 0)
		return mnt;
	fd_close(&mnt);
	return err_set(e, r, "bind /proc");
}

int stage_proc(struct stage *s, struct err *e)
{
	autoclose int target = stage_top_dir(s, "proc", e);

	if (target < 0)
		return target;
	autoclose int mnt = open_proc(s, e);
	int r = mnt < 0 ? mnt : sysctl_write(s->c, mnt, &s->sysctl_later, e);
	return r < 0 ? r : attach_at(mnt, target, "/proc", e);
}

/* The cgroups of the host, or of another container: never more than for reading, but for --privileged (CVE-2023-25809). */
static int bind_cgroup(struct stage *s, int at, unsigned attrs, struct err *e)
{
	bool host = ns_is_host(s->c, NS_CGROUP);

	if (host && ns_is_host(s->c, NS_NET))
		return 0; /* it came with /sys */
	autoclose int mnt =
		host ? mount_clone(AT_FDCWD, "/sys/fs/cgroup", true) : dup(s->given[GIVEN_CGROUP]);
	int r = mnt < 0 ? -EINVAL : mount_propagation(mnt, MS_PRIVATE, true);
	if (r == 0)
		r = mount_attr(mnt, attrs, 0, true);
	if (r == 0)
		r = mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "bind /sys/fs/cgroup") : 0;
}

/* cgroup v2 where it can be had; else nothing is shown of the host's cgroups. */
static int mount_cgroup(struct stage *s, unsigned attrs, struct err *e)
{
	autoclose int at = path_open_in_root(s->root, "sys/fs/cgroup", O_PATH | O_DIRECTORY, 0);

	if (at < 0)
		return 0; /* a sysfs without it: a kernel without cgroups */
	if (ns_is_host(s->c, NS_CGROUP) || s->given[GIVEN_CGROUP] >= 0)
		return bind_cgroup(s, at, attrs, e);
	/* systemd makes cgroups of its own. What it may do there says who owns the container's. */
	unsigned own = s->c->systemd ? attrs & ~(unsigned)MOUNT_RO : attrs;
	autoclose int mnt = ns_is_own(s->c, NS_CGROUP) ? mount_new("cgroup2", NULL, own, NULL) : -1;
	if (mnt >= 0 && mount_attach(mnt, at) == 0)
		return 0;
	static const char *const opts[] = {"mode=0755", "size=4k", NULL};
	autoclose int tmpfs = mount_new("tmpfs", opts, attrs | MOUNT_RO, e);
	return attach_at(tmpfs, at, "/sys/fs/cgroup", e);
}

int stage_sys(struct stage *s, struct err *e)
{
	unsigned attrs = MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC |
			 (s->c->security.privileged ? 0 : MOUNT_RO);
	autoclose int target = stage_top_dir(s, "sys", e);

	if (target < 0)
		return target;
	/* Only the owner of the network namespace may mount a sysfs; another container's is given, the host's is shown as it is. */
	autoclose int mnt = s->given[GIVEN_SYS] >= 0  ? dup(s->given[GIVEN_SYS])
			    : ns_is_own(s->c, NS_NET) ? mount_new("sysfs", NULL, attrs, NULL)
						      : -1;
	if (mnt >= 0 && s->given[GIVEN_SYS] >= 0)
		mount_attr(mnt, attrs, 0, false);
	if (mnt < 0) {
		mnt = mount_clone(AT_FDCWD, "/sys", true);
		if (mnt < 0)
			return err_set(e, mnt, "bind /sys");
		mount_propagation(mnt, MS_PRIVATE, true);
		int r = mount_attr(mnt, attrs, 0, true);
		if (r < 0)
			return err_set(e, r, "make /sys read-only");
	}
	int r = attach_at(mnt, target, "/sys", e);
	return r < 0 ? r : mount_cgroup(s, attrs, e);
}

static bool user_mounts(const struct container_config *c, const char *path)
{
	const struct config_mount *m = c->mounts.v;

	for (size_t i = 0; i < c->mounts.n; i++)
		if (!strcmp(m[i].destination, path))
			return true;
	return false;
}

/* False: the image's own file stays. */
static bool hosts_text(struct stage *s, struct str *out)
{
	if (!s->names->hosts)
		return false;
	if (s->names->image_hosts && user_read_etc(s->root, "/etc/hosts", out, NULL) < 0)
		str_reset(out);
	if (out->len && out->s[out->len - 1] != '\n')
		str_addc(out, '\n');
	str_add(out, s->names->hosts);
	return true;
}

static bool resolv_text(struct stage *s, struct str *out)
{
	str_add(out, s->names->resolv_conf ? s->names->resolv_conf : "");
	return s->names->resolv_conf;
}

static bool hostname_text(struct stage *s, struct str *out)
{
	str_add(out, s->names->hostname ? s->names->hostname : "");
	return s->names->hostname;
}

/* The zone that was asked for, as a file of the machine; a machine without a local zone has UTC. Nothing: the image's own stays. */
static bool localtime_text(struct stage *s, struct str *out)
{
	const char *tz = s->c->tz;
	char path[300];

	if (!tz)
		return false;
	if (!strcmp(tz, "local"))
		snprintf(path, sizeof path, "/etc/localtime");
	else
		snprintf(path, sizeof path, CONFIG_ZONEINFO "/%s", tz);
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* often a link */
	if (fd < 0 || fd_read_all(fd, out, 1 << 20) < 0)
		str_reset(out);
	return out->len;
}

static const struct {
	const char *name, *path;
	bool (*text)(struct stage *s, struct str *out);
} generated[] = {
	{"hosts", "/etc/hosts", hosts_text},
	{"resolv.conf", "/etc/resolv.conf", resolv_text},
	{"hostname", "/etc/hostname", hostname_text},
	{"localtime", "/etc/localtime", localtime_text},
};

/* /etc/localtime is mostly a link, to a file that small images do not have: then that file is made. */
static int zone_target(struct stage *s, struct err *e)
{
	char text[PATH_MAX];
	const char *path = "/etc/localtime";
	autoclose int etc = path_open_in_root(s->root, "/etc", O_PATH | O_DIRECTORY, 0);
	ssize_t n = etc < 0 ? -1 : readlinkat(etc, "localtime", text, sizeof text - 1);

	if (n > 0) {
		text[n] = 0;
		path = arena_printf(&s->arena, "%s%s", text[0] == '/' ? "" : "/etc/", text);
	}
	return stage_target(s, path, false, e);
}

/* Takes target. */
static int bind_at(int tmpfs, const char *name, const char *path, int target, struct err *e)
{
	autoclose int at = target;
	autoclose int mnt = at < 0 ? -1 : mount_clone(tmpfs, name, false);

	if (at >= 0 && mnt < 0)
		return err_set(e, mnt, "bind %s", path);
	return attach_at(mnt, at, path, e);
}

static int bind_generated(struct stage *s, int tmpfs, size_t i, struct err *e)
{
	scoped(str) text = {0};
	const char *name = generated[i].name, *path = generated[i].path;

	if (!generated[i].text(s, &text))
		return 0;
	int r = fd_write_file_at(tmpfs, name, str_cstr(&text), text.len, 0644);
	if (r < 0)
		return err_set(e, r, "write the container's %s", path);
	bool zone = generated[i].text == localtime_text;
	if (!user_mounts(s->c, path))
		r = bind_at(tmpfs, name, path,
			    zone ? zone_target(s, e) : stage_target(s, path, false, e), e);
	for (size_t k = 0; k < s->c->chroot_dirs.n && r == 0; k++) {
		path = arena_printf(&s->arena, "%s%s", s->c->chroot_dirs.v[k], generated[i].path);
		if (!user_mounts(s->c, path))
			r = bind_at(tmpfs, name, path, stage_user_target(s, path, false, e), e);
	}
	return r;
}

/* hosts and resolv.conf to the supervisor, as the files that they are: it rewrites them when networks change. */
static int hand_over(struct stage *s, int tmpfs, struct err *e)
{
	autoclose int hosts = openat(tmpfs, "hosts", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	autoclose int resolv = openat(tmpfs, "resolv.conf", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	char msg[2] = {'N', (char)((hosts >= 0 ? 1 : 0) | (resolv >= 0 ? 2 : 0))};
	int fd[2];
	size_t n = 0;

	if (hosts >= 0)
		fd[n++] = hosts;
	if (resolv >= 0)
		fd[n++] = resolv;
	ssize_t r = n ? fd_send_msg(s->sync, msg, sizeof msg, fd, n) : 0;
	return r < 0 ? err_set(e, (int)r, "hand the container's /etc/hosts over") : 0;
}

int stage_names(struct stage *s, struct err *e)
{
	const char *host = s->plan.hostname, *domain = s->plan.domainname;

	if (host && sethostname(host, strlen(host)) < 0)
		return err_set(e, errno, "set the host name %s", host);
	if (!str_is_empty(domain) && setdomainname(domain, strlen(domain)) < 0)
		return err_set(e, errno, "set the domain name %s", domain);
	return 0;
}

/* Files that every container finds, made anew at each start in a small tmpfs. */
int stage_files(struct stage *s, struct err *e)
{
	static const char *const opts[] = {"size=8m", "nr_inodes=16", "mode=0755", NULL};

	int r = ns_is_own(s->c, NS_UTS) ? stage_names(s, e) : 0;

	if (r < 0)
		return r;
	mode_t old = umask(0022);
	autoclose int tmpfs =
		mount_new("tmpfs", opts, MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, e);
	if (tmpfs < 0)
		return tmpfs;
	/* Clones can be taken of attached mounts only: it is put somewhere outside of the new root, and goes with the old one. */
	r = mount_attach(tmpfs, s->spot);
	if (r < 0)
		err_set(e, r, "attach the generated files");
	for (size_t i = 0; i < countof(generated) && r == 0; i++)
		if (s->c->chroot_dirs.n || !user_mounts(s->c, generated[i].path))
			r = bind_generated(s, tmpfs, i, e);
	umask(old);
	if (r == 0 && str_eq(s->c->network, "bridge"))
		r = hand_over(s, tmpfs, e);
	if (r < 0)
		return r;
	/* The mark by which programs see that they are in a container. */
	autoclose int run = path_open_in_root(s->root, "run", O_PATH | O_DIRECTORY, 0);
	if (run >= 0)
		close(openat(run, ".containerenv",
			     O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
	return 0;
}

/* What accounts.h says is to stand in /etc/passwd and /etc/group, in copies that are mounted over them: for the image and what may be saved
 * of the container stay as they are. */
int stage_passwd(struct stage *s, struct err *e)
{
	static const char *const opts[] = {"size=10m", "nr_inodes=5", "mode=0755", NULL};
	static const struct {
		const char *path, *name;
	} files[] = {{"/etc/passwd", "passwd"}, {"/etc/group", "group"}};
	scoped(str) passwd = {0};
	scoped(str) group = {0};
	struct str *const text[] = {&passwd, &group};

	if (!accounts_wanted(s) || user_mounts(s->c, "/etc"))
		return 0;
	int r = accounts_passwd(s, &passwd, e);
	if (r == 0)
		r = accounts_group(s, &group, e);
	if (r < 0 || (!passwd.len && !group.len))
		return r;
	autoclose int tmpfs =
		mount_new("tmpfs", opts, MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, e);
	if (tmpfs < 0)
		return tmpfs;
	r = mount_attach(tmpfs, s->spot);
	for (size_t i = 0; i < countof(files) && r == 0; i++) {
		if (!text[i]->len || user_mounts(s->c, files[i].path))
			continue;
		r = fd_write_file_at(tmpfs, files[i].name, text[i]->s, text[i]->len, 0644);
		/* whatever our umask is */
		if (r == 0 && fchmodat(tmpfs, files[i].name, 0644, 0) < 0)
			r = -errno;
		autoclose int mnt = r < 0 ? r : mount_clone(tmpfs, files[i].name, false);
		if (mnt < 0)
			return err_set(e, mnt, "write the container's %s", files[i].path);
		autoclose int target = stage_target(s, files[i].path, false, e);
		r = attach_at(mnt, target, files[i].path, e);
	}
	return r < 0 && !e->code ? err_set(e, r, "attach the container's users") : r;
}

/* /dev/null of the host, checked to be what it is called (CVE-2025-31133). */
static int open_null(struct err *e)
{
	autoclose int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_fail(e, ERR_INTERNAL, "the host's /dev/null is not the null device");
	return take_fd(fd);
}

/* What covers a directory: an empty read-only tmpfs, made once; later ones are clones of it, which cost a tenth. */
static int empty_dir(int *made, struct err *e)
{
	static const char *const opts[] = {"size=4k", "nr_inodes=1", "mode=0755", NULL};

	if (*made >= 0)
		return mount_clone(*made, "", false);
	*made = mount_new("tmpfs", opts, MOUNT_RO | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, e);
	return *made < 0 ? *made : dup(*made);
}

static int mask(struct stage *s, int null, int *empty, const char *path, struct err *e)
{
	autoclose int at = path_open_in_root(s->root, path, O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (at < 0)
		return at == -ENOENT || at == -ENOTDIR || at == -EACCES
			       ? 0
			       : err_set(e, at, "mask %s", path);
	if (fstat(at, &st) < 0)
		return err_set(e, errno, "mask %s", path);
	autoclose int mnt =
		S_ISDIR(st.st_mode) ? empty_dir(empty, e) : mount_clone(null, "", false);
	int r = mnt < 0 ? mnt : mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "mask %s", path) : 0;
}

static int protect(struct stage *s, const char *path, struct err *e)
{
	autoclose int at = path_open_in_root(s->root, path, O_PATH | O_NOFOLLOW, 0);

	if (at < 0)
		return at == -ENOENT || at == -ENOTDIR || at == -EACCES
			       ? 0
			       : err_set(e, at, "protect %s", path);
	autoclose int mnt = mount_clone(at, "", true);
	int r = mnt < 0 ? mnt : mount_attr(mnt, MOUNT_RO, 0, true);
	if (r == 0)
		r = mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "protect %s", path) : 0;
}

int stage_masks(struct stage *s, struct err *e)
{
	const struct plan *sec = &s->plan;
	autoclose int null = sec->masked.n ? open_null(e) : -1, empty = -1;
	int r = sec->masked.n && null < 0 ? null : 0;

	for (size_t i = 0; i < sec->readonly.n && r == 0; i++)
		r = protect(s, sec->readonly.v[i], e);
	for (size_t i = 0; i < sec->masked.n && r == 0; i++)
		r = mask(s, null, &empty, sec->masked.v[i], e);
	return r;
}

int stage_read_only(struct stage *s, struct err *e)
{
	int r = s->plan.read_only ? mount_attr(s->root, MOUNT_RO, 0, false) : 0;

	return r < 0 ? err_set(e, r, "make the root file system read-only") : 0;
}
