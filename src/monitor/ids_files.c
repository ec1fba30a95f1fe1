/*
 * Paths are looked up as the caller would: the answerer changes its root to the caller's (through /proc/PID/root) and starts from the
 * caller's directory, so links, ".." and mounts mean what they mean to it. Magic links of /proc are not followed: they could lead to
 * where a process of ours stands that is about to join the container. What is reached by them only is left as it is, and the
 * call succeeds. Everything happens to descriptors that were opened here, never twice by name.
 */
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/ids_files.h"

#define KEEP UINT32_MAX

static const char owner_attr[] = "user.hoy.owner";

/* Where we are. */
static struct {
	int proc;
	uint64_t root_mnt, root_ino;
} at;

void ids_files_init(int proc)
{
	at.proc = proc;
	umask(0);
	(void)!fchdir(proc);
}

/* Opens /proc/PID/NAME, which may be a magic link. */
static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	int fd = openat(at.proc, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int take_root(pid_t pid)
{
	autoclose int root = open_of(pid, "root", O_PATH | O_DIRECTORY);
	struct statx st;

	if (root < 0)
		return root;
	if (statx(root, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &st) < 0)
		return -errno;
	if (at.root_ino == st.stx_ino && at.root_mnt == st.stx_mnt_id)
		return 0; /* the one that we hold: its numbers cannot be another's */
	int r = fchdir(root) < 0 || chroot(".") < 0 ? -errno : 0;
	(void)!fchdir(at.proc);
	at.root_ino = r < 0 ? 0 : st.stx_ino;
	at.root_mnt = st.stx_mnt_id;
	return r;
}

/* A path of the caller's memory, page by page, for it may end where the memory ends. */
static int read_path(pid_t pid, uint64_t from, char *buf)
{
	size_t n = 0;

	while (n < PATH_MAX) {
		size_t chunk = 4096 - (from + n) % 4096;
		if (chunk > PATH_MAX - n)
			chunk = PATH_MAX - n;
		ssize_t k = notify_read(pid, from + n, buf + n, chunk);
		if (k <= 0)
			return k < 0 ? (int)k : -EFAULT;
		if (memchr(buf + n, 0, (size_t)k))
			return 0;
		n += (size_t)k;
	}
	return -ENAMETOOLONG;
}

static int open_base(pid_t pid, int dirfd)
{
	char name[24];

	if (dirfd == AT_FDCWD)
		return open_of(pid, "cwd", O_PATH);
	snprintf(name, sizeof name, "fd/%d", dirfd);
	int fd = dirfd < 0 ? -EBADF : open_of(pid, name, O_PATH);
	return fd == -ENOENT ? -EBADF : fd;
}

static int open_path(int base, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags),
			       .resolve = RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof how);

	return fd < 0 ? -errno : fd;
}

/* Is it /proc/self, or what leads there? We are not the one who is meant. */
static bool is_of_self(const char *path)
{
	static const char *const names[] = {"/proc/self", "/proc/thread-self", "/dev/fd",
					    "/dev/std"};

	for (size_t i = 0; i < countof(names); i++)
		if (str_starts(path, names[i]))
			return true;
	return false;
}

/* What the call is about, as an O_PATH descriptor. -ENOTTY if it is there but cannot be reached from here (magic links). */
static int open_target(const struct ids_file_call *f, int dirfd, uint64_t path_at, int flags)
{
	pid_t pid = f->call->pid;
	char path[PATH_MAX];
	int r = read_path(pid, path_at, path);

	if (r < 0)
		return r;
	if (!*path && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	autoclose int base = *path == '/' ? -1 : open_base(pid, dirfd);
	if (*path != '/' && base < 0)
		return base;
	if (!*path)
		return take_fd(base);
	bool follow = !(flags & AT_SYMLINK_NOFOLLOW);
	int fd = open_path(base, path, follow ? 0 : O_NOFOLLOW);
	if (fd == -ELOOP || (fd == -ENOENT && is_of_self(path)))
		return -ENOTTY;
	if (fd != -ENOENT || !follow)
		return fd;
	/* A link to /dev/stdout, as logs often are. */
	autoclose int link = open_path(base, path, O_NOFOLLOW);
	return link >= 0 ? -ENOTTY : -ENOENT;
}

struct owner {
	uint32_t uid, gid;
	bool known;
};

/* setxattr(2) and its like take no O_PATH descriptor, but its name below /proc, which is our directory. */
static const char *name_of(int fd, char *buf, size_t size)
{
	snprintf(buf, size, "self/fd/%d", fd);
	return buf;
}

static struct owner read_owner(int fd)
{
	char name[32], text[64];
	struct owner o = {0};
	unsigned uid, gid;
	ssize_t n = getxattr(name_of(fd, name, sizeof name), owner_attr, text, sizeof text - 1);

	text[n > 0 ? n : 0] = 0;
	if (n > 0 && sscanf(text, "%u:%u", &uid, &gid) == 2)
		o = (struct owner){uid, gid, true};
	return o;
}

static void write_owner(int fd, const struct owner *was, const struct owner *o)
{
	char name[32], text[32];

	name_of(fd, name, sizeof name);
	if (o->uid || o->gid) {
		int n = snprintf(text, sizeof text, "%u:%u", o->uid, o->gid);
		(void)setxattr(name, owner_attr, text, (size_t)n, 0);
	} else if (was->known) {
		(void)removexattr(name, owner_attr);
	}
}

static bool has_group(const struct creds *c, uint32_t gid)
{
	bool found = gid == KEEP || gid == c->gid[CREDS_FS];

	for (uint32_t i = 0; i < c->ngroups; i++)
		found |= c->groups[i] == gid;
	return found;
}

/* May one without CAP_CHOWN do that? A file of which no owner is known may well be its own. */
static bool may_chown(const struct creds *c, const struct owner *was, uint32_t uid, uint32_t gid)
{
	uint32_t owner = was->known ? was->uid : c->uid[CREDS_FS];

	return owner == c->uid[CREDS_FS] && (uid == KEEP || uid == owner) &&
	       (has_group(c, gid) || (was->known && gid == was->gid));
}

static int change_owner(const struct ids_file_call *f, int fd, uint32_t uid, uint32_t gid)
{
	struct statx st;
	struct owner was = read_owner(fd);

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &st) < 0)
		return -errno;
	if (!f->privileged && !may_chown(&f->who, &was, uid, gid))
		return -EPERM;
	if (!notify_waits(f->listener, f->call->id))
		return -ESRCH;
	if (fchownat(fd, "", uid == KEEP ? (uid_t)-1 : 0, gid == KEEP ? (gid_t)-1 : 0,
		     AT_EMPTY_PATH) < 0)
		return -errno;
	/* Files of the host (volumes) are not written on. */
	if (st.stx_mnt_id == at.root_mnt && (S_ISREG(st.stx_mode) || S_ISDIR(st.stx_mode))) {
		struct owner o = {uid == KEEP ? was.uid : uid, gid == KEEP ? was.gid : gid, true};
		write_owner(fd, &was, &o);
	}
	return 0;
}

static uint32_t id_arg(const struct ids_file_call *f, int i)
{
	uint32_t v = (uint32_t)f->call->args[i];

	return f->narrow ? ((v & 0xffff) == 0xffff ? KEEP : v & 0xffff) : v;
}

static int do_chown(const struct ids_file_call *f)
{
	const uint64_t *a = f->call->args;
	int first = f->op == CREDS_FCHOWNAT ? 2 : 1, flags = 0;
	autoclose int fd = -1;

	if (f->op == CREDS_FCHOWNAT) {
		flags = (int)a[4];
		if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
			return -EINVAL;
		fd = open_target(f, (int)a[0], a[1], flags);
	} else if (f->op == CREDS_FCHOWN) {
		fd = open_base(f->call->pid, (int)a[0] < 0 ? -EBADF : (int)a[0]);
	} else {
		flags = f->op == CREDS_LCHOWN ? AT_SYMLINK_NOFOLLOW : 0;
		fd = open_target(f, AT_FDCWD, a[0], flags);
	}
	if (fd == -ENOTTY)
		return 0;
	return fd < 0 ? fd : change_owner(f, fd, id_arg(f, first), id_arg(f, first + 1));
}

static mode_t umask_of(pid_t pid)
{
	char buf[512];
	autoclose int fd = open_of(pid, "status", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);

	buf[n > 0 ? n : 0] = 0;
	const char *p = strstr(buf, "\nUmask:");
	return p ? (mode_t)strtoul(p + 7, NULL, 8) & 0777 : 022;
}

/* An empty file in the stead of a device. */
static int do_mknod(const struct ids_file_call *f)
{
	const uint64_t *a = f->call->args + (f->op == CREDS_MKNODAT);
	mode_t mode = (mode_t)a[1];
	char path[PATH_MAX];

	if (S_ISCHR(mode) && (uint32_t)a[2] == 0) /* overlayfs's own, which everybody may make */
		return IDS_PASS;
	if (!f->privileged)
		return -EPERM;
	int r = read_path(f->call->pid, a[0], path);
	if (r < 0)
		return r;
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	if (!*name)
		return -ENOENT;
	int dirfd = f->op == CREDS_MKNODAT ? (int)f->call->args[0] : AT_FDCWD;
	autoclose int base = *path == '/' ? -1 : open_base(f->call->pid, dirfd);
	if (*path != '/' && base < 0)
		return base;
	char last[NAME_MAX + 1];
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(last, sizeof last, "%s", name);
	*name = 0;
	autoclose int dir = open_path(base, *path ? path : ".", O_DIRECTORY);
	if (dir < 0)
		return dir;
	mode_t mask = umask_of(f->call->pid);
	if (!notify_waits(f->listener, f->call->id))
		return -ESRCH;
	return mknodat(dir, last, S_IFREG | (mode & 07777 & ~mask), 0) < 0 ? -errno : 0;
}

int ids_files_do(const struct ids_file_call *f)
{
	int r = take_root(f->call->pid);

	if (r < 0)
		return r;
	return f->op >= CREDS_MKNOD ? do_mknod(f) : do_chown(f);
}
