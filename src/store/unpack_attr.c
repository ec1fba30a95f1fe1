#include <pwd.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "store/unpack_impl.h"

static const char owner_attr[] = "user.hoy.owner";

static bool id_mapped(const struct id_map *m, uint64_t id)
{
	for (size_t i = 0; i < m->n; i++)
		if (id >= m->r[i].inside && id - m->r[i].inside < m->r[i].count)
			return true;
	return false;
}

static uint64_t ids_in(const struct id_map *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->r[i].count;
	return n;
}

/* The first id behind all ranges of the file, where a new range can begin. */
static uint64_t first_free(const char *file)
{
	scoped(str) text = {0};
	uint64_t free_from = 100000;

	if (fd_read_file_at(AT_FDCWD, file, &text, 1 << 20) < 0)
		return free_from;
	for (const char *s = str_cstr(&text); s; s = strchr(s, '\n')) {
		s += *s == '\n';
		unsigned long long start, count;
		if (sscanf(s, "%*[^:\n]:%llu:%llu", &start, &count) == 2 &&
		    start + count > free_from && start + count < UINT32_MAX)
			free_from = start + count;
	}
	return free_from;
}

static int out_of_range(struct unpack *u, const struct tar_entry *t, bool group, struct err *e)
{
	const struct id_map *m = group ? &u->map.gids : &u->map.uids;
	uint64_t id = group ? t->gid : t->uid, have = ids_in(m);
	const char *kind = group ? "gid" : "uid";

	err_fail_code(e, ERR_ID_RANGE, EOVERFLOW,
		      "%.150s belongs to %s %" PRIu64 ", but you have %" PRIu64 " %ss", t->path,
		      kind, id, have, kind);
	if (id >= UINT32_MAX)
		return err_hint(e, "no %s is that large: the image is broken", kind);
	if (u->map.form == FORM_ROOT)
		return -EOVERFLOW;
	struct passwd *pw = m->n ? getpwuid(m->r[0].outside) : NULL;
	uint64_t start = first_free(group ? "/etc/subgid" : "/etc/subuid");
	if (start + id - have >= UINT32_MAX)
		return err_hint(e, "no range reaches that far: let the image use smaller ids");
	return err_hint(e,
			"as root: usermod --add-sub%ss %" PRIu64 "-%" PRIu64 " %s ; then stop your "
			"containers and try again",
			kind, start, start + id - have, pw ? pw->pw_name : "USER");
}

/* security.capability as the kernel takes it here: revision 2, or revision 3 made for root of its own namespace, which is the same.
 * linux/capability.h, struct vfs_ns_cap_data. Returns 0 if it means nothing to us. */
static size_t capability(const struct tar_xattr *x, uint8_t *ret)
{
	const uint8_t *v = x->value;

	if (x->len != 20 && x->len != 24)
		return 0;
	if (v[3] != (x->len == 20 ? 2 : 3))
		return 0;
	if (x->len == 24 && (v[20] | v[21] | v[22] | v[23]))
		return 0; /* for the root of another namespace: without effect in this one */
	memcpy(ret, v, 20);
	ret[3] = 2;
	return 20;
}

static bool is_reserved(const char *xattr)
{
	static const char *const reserved[] = {"trusted.overlay.", "user.overlay.", "user.hoy."};

	for (size_t k = 0; k < countof(reserved); k++)
		if (str_starts(xattr, reserved[k]))
			return true;
	return false;
}

int unpack_check_attr(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	for (size_t i = 0; i < t->nxattrs && !u->plain; i++)
		if (is_reserved(t->xattrs[i].name))
			return err_fail(e, ERR_LAYER,
					"the entry %.200s has the reserved xattr %.100s", t->path,
					t->xattrs[i].name);
	if (u->how.owner == UNPACK_SELF)
		return 0;
	if (u->map.form == FORM_ONE)
		return t->uid < UINT32_MAX && t->gid < UINT32_MAX
			       ? 0
			       : out_of_range(u, t, t->uid < UINT32_MAX, e);
	if (!id_mapped(&u->map.uids, t->uid))
		return out_of_range(u, t, false, e);
	if (!id_mapped(&u->map.gids, t->gid))
		return out_of_range(u, t, true, e);
	return 0;
}

mode_t unpack_mode(const struct unpack *u, mode_t mode, bool dir)
{
	if (u->how.owner == UNPACK_SELF)
		mode |= dir ? 0700 : 0;
	else if (u->map.form == FORM_ONE)
		mode |= dir ? 0700 : 0400;
	return mode & 0777;
}

/* user.* needs write permission on the file itself, which the owner of a read-only file lacks outside of U0. 0 or -errno. */
static int set_xattr(int fd, const char *name, const void *value, size_t n)
{
	struct stat st;

	if (fsetxattr(fd, name, value, n, 0) == 0)
		return 0;
	if (errno != EACCES || fstat(fd, &st) < 0 || fchmod(fd, (st.st_mode & 07777) | 0200) < 0)
		return -errno;
	int r = fsetxattr(fd, name, value, n, 0) < 0 ? -errno : 0;
	return fchmod(fd, st.st_mode & 07777) < 0 ? -errno : r;
}

int unpack_set_xattrs(struct unpack *u, int fd, const struct tar_entry *t, struct err *e)
{
	u->attr = (struct unpack_attr){t->uid, t->gid, t->mode, t->mtime, {0}, 0};
	for (size_t i = 0; i < t->nxattrs; i++) {
		const struct tar_xattr *x = &t->xattrs[i];
		bool done = false;
		if (is_reserved(x->name))
			;
		else if (fd >= 0 && !strcmp(x->name, "security.capability") &&
			 t->type == TAR_FILE) {
			u->attr.cap_len = capability(x, u->attr.cap);
			done = u->attr.cap_len > 0;
		} else if (fd >= 0 && str_starts(x->name, "user.")) {
			int r = set_xattr(fd, x->name, x->value, x->len);
			/* a small value does not fit: that is the disk, not the attribute */
			if (r == -EDQUOT || (r == -ENOSPC && x->len < 512))
				return err_set(e, r, "write %.200s", u->path);
			done = r == 0;
		}
		u->stats.skipped_xattrs += !done;
	}
	return 0;
}

int unpack_flush_owners(struct unpack *u, struct err *e)
{
	if (!u->owners.len || u->side < 0)
		return 0;
	autoclose int fd =
		openat(u->side, "owners", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, u->owners.s, u->owners.len);
	str_reset(&u->owners);
	return r < 0 ? err_set(e, r, "write the list of owners") : 0;
}

static int note_owner(struct unpack *u, uint64_t uid, uint64_t gid, uint32_t mode, struct err *e)
{
	str_addf(&u->owners, "%" PRIu64 ":%" PRIu64 ":%o %s", uid, gid, mode, u->path);
	str_addc(&u->owners, 0);
	return u->owners.len < 65536 ? 0 : unpack_flush_owners(u, e);
}

/* Form one: the file is the user's; what the image wants is kept beside. */
static int keep_owner(struct unpack *u, int fd, bool dir, bool made, struct err *e)
{
	const struct unpack_attr *a = &u->attr;
	mode_t on_disk = unpack_mode(u, a->mode, dir) | (a->mode & 07000);
	char text[64];

	if (!a->uid && !a->gid && on_disk == a->mode) {
		if (!made)
			fremovexattr(fd, owner_attr); /* of an earlier entry of the same name */
		return 0;
	}
	int n = snprintf(text, sizeof text, "%" PRIu64 ":%" PRIu64 ":%o", a->uid, a->gid, a->mode);
	int r = set_xattr(fd, owner_attr, text, (size_t)n);
	if (r == -ENOSPC || r == -EDQUOT)
		return err_set(e, r, "write %.200s", u->path);
	return r == 0 ? 0 : note_owner(u, a->uid, a->gid, a->mode, e);
}

/* NFS that squashes root, FUSE that keeps one owner for all: only files of one id can lie there. */
static int chown_failed(struct unpack *u, uint64_t uid, uint64_t gid, struct err *e)
{
	int code = errno;

	err_set(e, code, "give %.200s to %" PRIu64 ":%" PRIu64, u->path, uid, gid);
	if (code != EPERM && code != EINVAL && code != EOPNOTSUPP && code != ENOSYS)
		return -e->code;
	return err_hint(
		e, "the file system under the store gives files to nobody else (NFS, FUSE): keep "
		   "the store elsewhere with --root, or use one uid only: setpriv "
		   "--no-new-privs hoy ...");
}

int unpack_set_attr(struct unpack *u, int fd, bool dir, bool made, struct err *e)
{
	const struct unpack_attr *a = &u->attr;
	bool one = u->map.form == FORM_ONE || u->how.owner == UNPACK_SELF;
	bool inherits = u->n > (dir ? 1 : 0) && u->levels[u->n - 1 - dir].sgid;
	bool chowned = !one && (a->uid || a->gid || inherits || !made);

	if (chowned && fchown(fd, (uid_t)a->uid, (gid_t)a->gid) < 0)
		return chown_failed(u, a->uid, a->gid, e);
	/* behind the data and the chown, which both take setuid and capabilities away */
	mode_t mode = unpack_mode(u, a->mode, dir) | (a->mode & 07000);
	if (((mode & 07000) || inherits || !made) && fchmod(fd, mode) < 0)
		return err_set(e, errno, "set the mode of %.200s", u->path);
	if (a->cap_len && fsetxattr(fd, "security.capability", a->cap, a->cap_len, 0) < 0) {
		if (errno == ENOSPC || errno == EDQUOT)
			return err_set(e, errno, "write %.200s", u->path);
		u->stats.skipped_xattrs++;
	}
	return one && u->how.owner != UNPACK_SELF ? keep_owner(u, fd, dir, made, e) : 0;
}

int unpack_set_owner_at(struct unpack *u, const char *name, const struct tar_entry *t,
			struct err *e)
{
	struct level *l = unpack_top(u);
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT}, t->mtime};
	bool link = t->type == TAR_SYMLINK;

	if (u->how.owner == UNPACK_SELF) {
		; /* it is ours */
	} else if (u->map.form == FORM_ONE) {
		int r = t->uid || t->gid ? note_owner(u, t->uid, t->gid, t->mode, e) : 0;
		if (r < 0)
			return r;
	} else if ((t->uid || t->gid || l->sgid) &&
		   fchownat(l->fd, name, (uid_t)t->uid, (gid_t)t->gid, AT_SYMLINK_NOFOLLOW) < 0) {
		return chown_failed(u, t->uid, t->gid, e);
	}
	if (!link && (t->mode & 07000) && fchmodat(l->fd, name, t->mode, 0) < 0)
		return err_set(e, errno, "set the mode of %.200s", u->path);
	if (utimensat(l->fd, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set the time of %.200s", u->path);
	return 0;
}
