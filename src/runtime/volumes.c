/*
 * What the user asked to be mounted: host paths and tmpfs. A source is opened once, here; whatever its name leads to later is of no
 * account. A tmpfs is filled with what the image has at its place before anything can see it. Whose files should be the container's
 * user's is remembered until the user is known (stage_own).
 */
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "base/base.h"
#include "base/parse.h"
#include "runtime/outer.h"
#include "runtime/volume_parts.h"
#include "sys/copy_tree.h"
#include "sys/mounts.h"

/* Options that are attributes of the mount. */
static const struct {
	const char *name;
	unsigned set, clear;
	unsigned long propagation;
	bool below; /* of the propagation: for the mounts below too */
} mount_words[] = {
	{"ro", MOUNT_RO, 0, 0, false},
	{"readonly", MOUNT_RO, 0, 0, false}, /* of earlier releases */
	{"nosuid", MOUNT_NOSUID, 0, 0, false},
	{"suid", 0, MOUNT_NOSUID, 0, false},
	{"nodev", MOUNT_NODEV, 0, 0, false},
	{"dev", 0, MOUNT_NODEV, 0, false},
	{"noexec", MOUNT_NOEXEC, 0, 0, false},
	{"exec", 0, MOUNT_NOEXEC, 0, false},
	{"noatime", MOUNT_NOATIME, 0, 0, false},
	{"relatime", 0, 0, 0, false},
	{"strictatime", MOUNT_STRICTATIME, 0, 0, false},
	{"nodiratime", MOUNT_NODIRATIME, 0, 0, false},
	{"private", 0, 0, MS_PRIVATE, false},
	{"rprivate", 0, 0, MS_PRIVATE, true},
	{"slave", 0, 0, MS_SLAVE, false},
	{"rslave", 0, 0, MS_SLAVE, true},
	{"shared", 0, 0, MS_SHARED, false},
	{"rshared", 0, 0, MS_SHARED, true},
	{"unbindable", 0, 0, MS_UNBINDABLE, false},
	{"runbindable", 0, 0, MS_UNBINDABLE, true},
};

struct how {
	unsigned set, clear;
	unsigned long propagation;
	bool below;
};

static struct how how(const struct config_mount *m)
{
	struct how h = {.propagation = MS_PRIVATE, .below = true};

	for (size_t i = 0; i < m->options.n; i++) {
		for (size_t k = 0; k < countof(mount_words); k++) {
			if (strcmp(mount_words[k].name, m->options.v[i]))
				continue;
			h.set |= mount_words[k].set;
			h.clear |= mount_words[k].clear;
			if (mount_words[k].propagation) {
				h.propagation = mount_words[k].propagation;
				h.below = mount_words[k].below;
			}
		}
	}
	return h;
}

/* What the host's mount forbids stays forbidden: only root can lift it. Said where it was asked for by name. */
static int check_flags(const struct config_mount *m, int src, const struct how *h, struct err *e)
{
	static const struct {
		unsigned attr;
		unsigned long flag;
		const char *name;
	} flags[] = {
		{MOUNT_NOSUID, ST_NOSUID, "suid"},
		{MOUNT_NODEV, ST_NODEV, "dev"},
		{MOUNT_NOEXEC, ST_NOEXEC, "exec"},
	};
	struct statvfs fs;

	if (!h->clear || fstatvfs(src, &fs) < 0)
		return 0;
	for (size_t i = 0; i < countof(flags); i++) {
		if (!(h->clear & flags[i].attr) || !(fs.f_flag & flags[i].flag))
			continue;
		err_fail(e, ERR_MOUNT,
			 "bind %s to %s: the host's file system there is mounted no%s, and that "
			 "cannot be lifted",
			 m->source, m->destination, flags[i].name);
		return err_hint(e, "leave %s out, or use a source on another file system",
				flags[i].name);
	}
	return 0;
}

void volume_own_later(struct stage *s, int fd, bool tree, int then_ro)
{
	struct owned *all = arena_alloc(&s->arena, (s->nowned + 1) * sizeof *all);

	if (s->nowned)
		memcpy(all, s->owned, s->nowned * sizeof *all);
	all[s->nowned++] = (struct owned){fd, then_ro, tree};
	s->owned = all;
}

static int open_source(const struct config_mount *m, struct err *e)
{
	int nofollow = strs_has(&m->options, "no-dereference") ? O_NOFOLLOW : 0;
	int fd = open(m->source, O_PATH | O_CLOEXEC | nofollow);

	if (fd >= 0)
		return fd;
	err_set(e, errno, "bind %s to %s", m->source, m->destination);
	return errno == ENOENT ? err_hint(e, "the source is gone: make it again") : -e->code;
}

/* no-dereference: a source that is a link becomes the same link in the container. */
static int copy_link(struct stage *s, const struct config_mount *m, int src, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(src, "", target, sizeof target - 1);
	autofree char *parent = xstrdup(m->destination);
	char *base = strrchr(parent, '/');

	if (n < 0)
		return err_set(e, errno, "read the link %s", m->source);
	target[n] = 0;
	*base++ = 0;
	autoclose int dir = stage_target(s, *parent ? parent : "/", true, e);
	if (dir < 0)
		return dir;
	unlinkat(dir, base, 0); /* of an earlier start */
	return symlinkat(target, dir, base) < 0
		       ? err_set(e, errno, "make the link %s in the container", m->destination)
		       : 0;
}

static int set_attributes(const struct config_mount *m, int mnt, struct how h, struct err *e)
{
	bool top = strs_has(&m->options, "ro-top");
	int r = mount_propagation(mnt, h.propagation, h.below);

	if (r < 0)
		return err_set(e, r, "set the propagation of %s", m->destination);
	if (top && h.set & MOUNT_RO) {
		r = mount_attr(mnt, MOUNT_RO, 0, false);
		h.set &= ~(unsigned)MOUNT_RO;
	}
	if (r == 0 && h.set)
		r = mount_attr(mnt, h.set, 0, true);
	return r < 0 ? err_set(e, r, "set the options of %s", m->destination) : 0;
}

int volume_attach_mount(struct stage *s, const struct config_mount *m, int mnt, bool dir,
			struct err *e)
{
	const char *what = m->name ? m->name : m->source;
	autoclose int target = stage_user_target(s, m->destination, dir, e);

	if (target < 0 && e->code == EROFS)
		err_hint(e, "the mount that it lies in is read-only: make %s in its source first",
			 m->destination);
	if (target < 0)
		return target;
	int r = set_attributes(m, mnt, how(m), e);
	if (r < 0)
		return r;
	r = mount_attach(mnt, target);
	if (r == -ENOTDIR)
		return err_fail(e, ERR_MOUNT, "%s is a %s, and %s in the container is not", what,
				dir ? "directory" : "file", m->destination);
	return r < 0 ? err_set(e, r, "bind %s to %s", what, m->destination) : 0;
}

int volume_attach(struct stage *s, const struct config_mount *m, int src, struct err *e)
{
	const char *what = m->name ? m->name : m->source;
	struct how h = how(m);
	struct stat st;

	if (fstat(src, &st) < 0)
		return err_set(e, errno, "look at %s", what);
	int r = check_flags(m, src, &h, e);
	if (r < 0)
		return r;
	autoclose int mnt = mount_clone(src, "", !strs_has(&m->options, "bind"));
	if (mnt == -EINVAL) {
		err_set(e, EINVAL, "bind %s to %s without the mounts below it", what,
			m->destination);
		return err_hint(e, "what the host's mounts hide must stay hidden: leave bind (or "
				   "bind-nonrecursive) out");
	}
	if (mnt < 0)
		return err_set(e, mnt, "bind %s to %s", what, m->destination);
	r = volume_attach_mount(s, m, mnt, S_ISDIR(st.st_mode), e);
	if (r == 0 && strs_has(&m->options, "U"))
		volume_own_later(s, fcntl(src, F_DUPFD_CLOEXEC, 3), true, -1);
	return r;
}

static int bind_volume(struct stage *s, const struct config_mount *m, struct err *e)
{
	struct stat st;
	autoclose int src = open_source(m, e);

	if (src < 0)
		return src;
	if (strs_has(&m->options, "no-dereference") && fstat(src, &st) == 0 && S_ISLNK(st.st_mode))
		return copy_link(s, m, src, e);
	return strs_has(&m->options, "O") ? volume_overlay(s, m, src, e)
					  : volume_attach(s, m, src, e);
}

/* ---- tmpfs */

/* The options for the kernel, which knows no "1.5m". Without a mode it gets that of the directory that it covers. */
static size_t tmpfs_options(struct stage *s, const struct config_mount *m,
			    const struct stat *covered, const char **opts, size_t max)
{
	bool mode = false;
	size_t n = 0;

	for (size_t i = 0; i < m->options.n && n + 2 < max; i++) {
		const char *o = m->options.v[i], *eq = strchr(o, '=');
		uint64_t size;
		if (!eq)
			continue;
		mode |= str_starts(o, "mode=");
		bool sized = (str_starts(o, "size=") || str_starts(o, "nr_")) &&
			     parse_size(eq + 1, &size) == 0;
		opts[n++] = sized ? arena_printf(&s->arena, "%.*s=%" PRIu64, (int)(eq - o), o, size)
				  : o;
	}
	if (!mode && covered)
		opts[n++] = arena_printf(&s->arena, "mode=%o", covered->st_mode & 07777);
	opts[n] = NULL;
	return n;
}

static int fill_tmpfs(const struct config_mount *m, int from, int mnt, struct err *e)
{
	autoclose int src = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = src < 0 ? -errno : copy_tree(src, mnt);

	if (r == -ENOSPC) {
		err_fail_code(e, ERR_MOUNT, ENOSPC,
			      "the tmpfs %s is too small for what the image has there",
			      m->destination);
		return err_hint(e, "give it a larger size=, or notmpcopyup to begin empty");
	}
	return r < 0 ? err_set(e, r, "fill the tmpfs %s from the image", m->destination) : 0;
}

int volume_tmpfs(struct stage *s, const struct config_mount *m, struct err *e)
{
	struct how h = how(m);
	const char *opts[20];
	struct stat st;
	unsigned attrs = (h.set | MOUNT_NOSUID | MOUNT_NODEV) & ~h.clear;
	bool user = strs_has(&m->options, "U"), copy = strs_has(&m->options, "tmpcopyup");
	autoclose int before = path_open_in_root(s->root, m->destination, O_PATH | O_DIRECTORY, 0);
	bool covers = before >= 0 && fstat(before, &st) == 0;
	autoclose int target = stage_user_target(s, m->destination, true, e);

	if (target < 0)
		return target;
	tmpfs_options(s, m, covers ? &st : NULL, opts, countof(opts));
	autoclose int mnt = mount_new(str_eq(m->type, "ramfs") ? "ramfs" : "tmpfs", opts,
				      attrs & ~(unsigned)MOUNT_RO, e);
	if (mnt < 0)
		return mnt;
	int r = copy && covers ? fill_tmpfs(m, before, mnt, e) : 0;
	if (r < 0)
		return r;
	if (h.propagation != MS_PRIVATE)
		r = mount_propagation(mnt, h.propagation, h.below);
	if (r == 0 && attrs & MOUNT_RO && !user)
		r = mount_attr(mnt, MOUNT_RO, 0, false);
	if (r == 0)
		r = mount_attach(mnt, target);
	if (r < 0)
		return err_set(e, r, "mount %s", m->destination);
	if (user) {
		int fd = take_fd(mnt);
		volume_own_later(s, fd, false, attrs & MOUNT_RO ? fd : -1);
	}
	return 0;
}

/* One more devpts, besides that of /dev. */
static int devpts_volume(struct stage *s, const struct config_mount *m, struct err *e)
{
	const char *opts[20];
	size_t n = tmpfs_options(s, m, NULL, opts, countof(opts) - 2);

	opts[n] = "newinstance";
	opts[n + 1] = NULL;
	autoclose int mnt = mount_new("devpts", opts, MOUNT_NOSUID | MOUNT_NOEXEC, e);
	return mnt < 0 ? mnt : volume_attach_mount(s, m, mnt, true, e);
}

static const struct {
	const char *type;
	int (*mount)(struct stage *s, const struct config_mount *m, struct err *e);
} kinds[] = {
	{"bind", bind_volume},	 {"volume", volume_named}, {"tmpfs", volume_tmpfs},
	{"image", volume_image}, {"ramfs", volume_tmpfs},  {"devpts", devpts_volume},
};

static int mount_one(struct stage *s, const struct config_mount *m, struct err *e)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (!strcmp(kinds[i].type, m->type))
			return kinds[i].mount(s, m, e);
	err_fail(e, ERR_NEWER, "the mount %s of the container is of an unknown type, %s",
		 m->destination, m->type);
	return err_hint(e, "it was made by a newer release of hoy: use that");
}

/* New file systems, whose options name ids of the container. */
static bool is_made_inside(const struct config_mount *m)
{
	return str_eq(m->type, "tmpfs") || str_eq(m->type, "ramfs") || str_eq(m->type, "devpts");
}

int stage_volumes(struct stage *s, struct err *e)
{
	const struct config_mount *m = s->c->mounts.v;
	int r = 0;

	for (size_t i = 0; i < s->c->mounts.n && r == 0; i++)
		r = s->outer < 0 || is_made_inside(&m[i]) ? mount_one(s, &m[i], e)
							  : outer_mount(s, i, e);
	return r;
}

int stage_volume(struct stage *s, size_t i, struct err *e)
{
	return mount_one(s, &((const struct config_mount *)s->c->mounts.v)[i], e);
}

int stage_own(struct stage *s, struct err *e)
{
	/* With one id there is nobody else whom a file could be given to: the user is shown as that id. */
	bool one = str_eq(s->form, "one");
	int r = s->outer < 0 ? 0 : outer_own(s, s->user.uid, s->user.gid);

	for (size_t i = 0; i < s->nowned; i++) {
		struct owned *o = &s->owned[i];
		if (r == 0 && !one)
			r = o->tree ? own_tree(o->fd, s->user.uid, s->user.gid)
			    : fchownat(o->fd, "", s->user.uid, s->user.gid, AT_EMPTY_PATH) < 0
				    ? -errno
				    : 0;
		if (r == 0 && o->then_ro >= 0)
			r = mount_attr(o->then_ro, MOUNT_RO, 0, false);
		close(o->fd);
	}
	s->nowned = 0;
	if (r == 0)
		return 0;
	err_set(e, r, "give the files of a volume to user %u:%u", s->user.uid, s->user.gid);
	return r == -EPERM || r == -EINVAL || r == -ERANGE
		       ? err_hint(e, "files of ids that this container does not have cannot be "
				     "given away: hoy info shows the ids")
		       : r;
}
