/*
 * What a container sees at /sys/fs/cgroup: version 2 as one file system; version 1, and both side by side, as the host has them: a tmpfs with a
 * directory for each hierarchy.
 */
#include <sys/mount.h>

#include "base/base.h"
#include "runtime/bundle_init.h"
#include "sys/cgroup.h"
#include "sys/mounts.h"

enum { HIERARCHIES_MAX = 32 };

struct hierarchy {
	const char *name;    /* below /sys/fs/cgroup */
	const char *options; /* of a mount: "cpu,cpuacct", "name=systemd"; NULL: version 2 */
	const char *path;    /* of our own cgroup, as seen at that mount */
};

/* The part of a line "ID:CONTROLLERS:PATH" that speaks of these; NULL: none does. */
static const char *own_path(struct arena *a, const char *lines, const char *options)
{
	for (const char *p = lines; *p;) {
		size_t n = strcspn(p, "\n");
		autofree char *line = xstrndup(p, n);
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		p += n + (p[n] == '\n');
		if (!path)
			continue;
		*path++ = 0;
		list++;
		bool same = options ? !strcmp(list, options) : !*list && line[0] == '0';
		if (same)
			return arena_strdup(a, path);
	}
	return NULL;
}

/* The words of a version 1 mount that name its controllers. */
static const char *controllers(struct arena *a, const char *super)
{
	static const char *const others[] = {
		"rw", "ro", "xattr", "noprefix", "clone_children", "seclabel", "relatime", "none"};
	scoped(strv) words = {0};
	scoped(str) out = {0};

	strv_split(&words, super, ',');
	for (size_t i = 0; i < words.n; i++) {
		bool other = str_starts(words.v[i], "release_agent=") ||
			     str_starts(words.v[i], "cpuset_v2_mode");
		for (size_t k = 0; k < countof(others); k++)
			other = other || !strcmp(words.v[i], others[k]);
		if (!other)
			str_addf(&out, "%s%s", out.len ? "," : "", words.v[i]);
	}
	return arena_strdup(a, str_cstr(&out));
}

/* From /proc/self/mountinfo: those right below /sys/fs/cgroup. */
static size_t find(struct arena *a, const char *info, const char *own, struct hierarchy *v)
{
	size_t n = 0;

	for (const char *p = info; *p && n < HIERARCHIES_MAX;) {
		size_t len = strcspn(p, "\n");
		autofree char *line = xstrndup(p, len);
		scoped(strv) f = {0};
		p += len + (p[len] == '\n');
		strv_split(&f, line, ' ');
		size_t dash = 6;
		while (dash < f.n && strcmp(f.v[dash], "-") != 0)
			dash++;
		if (dash + 3 >= f.n || !str_starts(f.v[4], CGROUP_MOUNT "/"))
			continue;
		const char *name = f.v[4] + strlen(CGROUP_MOUNT "/"), *type = f.v[dash + 1];
		bool one = !strcmp(type, "cgroup");
		if ((!one && strcmp(type, "cgroup2") != 0) || strchr(name, '/'))
			continue;
		struct hierarchy h = {arena_strdup(a, name),
				      one ? controllers(a, f.v[dash + 3]) : NULL, NULL};
		h.path = own_path(a, own, h.options);
		/* The mount may begin below the root of the hierarchy. */
		if (h.path && strcmp(f.v[3], "/") != 0 && str_starts(h.path, f.v[3]))
			h.path += strlen(f.v[3]);
		if (h.path)
			v[n++] = h;
	}
	return n;
}

static int make_hierarchy(struct stage *s, const struct hierarchy *h, unsigned attrs)
{
	scoped(strv) words = {0};
	struct err ignored = {0};
	int mnt = -EPERM;

	if (oci_ns_find(s->bundle->b->spec, OCI_NS_CGROUP)) {
		if (h->options) {
			strv_split(&words, h->options, ',');
			if (str_starts(h->options, "name="))
				strv_add(&words, "none");
		}
		mnt = mount_new_of(h->options ? "cgroup" : "cgroup2", "cgroup",
				   (const char *const *)words.v, attrs, &ignored);
	}
	if (mnt >= 0)
		return mnt;
	mnt = mount_clone(AT_FDCWD,
			  arena_printf(&s->arena, "%s/%s/%s", CGROUP_MOUNT, h->name, h->path),
			  false);
	if (mnt >= 0 && mount_attr(mnt, attrs, 0, false) < 0)
		fd_close(&mnt);
	return mnt;
}

static int mount_v2(struct stage *s, int target, unsigned attrs, struct err *e)
{
	struct err why = {0};
	bool own = oci_ns_find(s->bundle->b->spec, OCI_NS_CGROUP);
	autoclose int mnt = own ? mount_new_of("cgroup2", "cgroup2", NULL, attrs, &why) : -EPERM;

	if (mnt < 0) {
		scoped(str) path = {0};
		if (cgroup_own(&path) < 0)
			str_add(&path, "/");
		mnt = mount_clone(AT_FDCWD,
				  arena_printf(&s->arena, "%s%s", CGROUP_MOUNT, str_cstr(&path)),
				  false);
		if (mnt >= 0 && mount_attr(mnt, attrs, 0, false) < 0)
			fd_close(&mnt);
	}
	int r = mnt < 0 ? mnt : mount_attach(mnt, target);
	return r < 0 ? err_set(e, r, "mount the control groups") : 0;
}

static int fill(struct stage *s, int dir, const struct hierarchy *v, size_t n, unsigned attrs,
		struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		autoclose int mnt = make_hierarchy(s, &v[i], attrs);
		if (mnt < 0)
			continue; /* a user namespace may be refused some */
		if (mkdirat(dir, v[i].name, 0755) < 0)
			return err_set(e, errno, "make the directory of the control group %s",
				       v[i].name);
		autoclose int at =
			openat(dir, v[i].name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int r = at < 0 ? -errno : mount_attach(mnt, at);
		if (r < 0)
			return err_set(e, r, "mount the control group %s", v[i].name);
		/* "cpu,cpuacct" is found by each of its names, too. */
		scoped(strv) words = {0};
		strv_split(&words, v[i].name, ',');
		for (size_t k = 0; words.n > 1 && k < words.n; k++)
			(void)!symlinkat(v[i].name, dir, words.v[k]);
	}
	return 0;
}

int bundle_mount_cgroups(struct stage *s, int target, bool v2, unsigned attrs, struct err *e)
{
	static const char *const opts[] = {"mode=0755", NULL};
	struct hierarchy v[HIERARCHIES_MAX];
	scoped(str) info = {0};
	scoped(str) own = {0};

	if (v2 || cgroup_is_v2())
		return mount_v2(s, target, attrs, e);
	autoclose int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	autoclose int groups = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (mounts < 0 || groups < 0 || fd_read_all(mounts, &info, 4 << 20) < 0 ||
	    fd_read_all(groups, &own, 1 << 20) < 0)
		return err_set(e, errno, "find the control groups");
	size_t n = find(&s->arena, str_cstr(&info), str_cstr(&own), v);
	const unsigned keep = attrs & ~(unsigned)MOUNT_RO;
	autoclose int tmpfs = mount_new_of("tmpfs", "tmpfs", opts, keep, e);
	if (tmpfs < 0)
		return tmpfs;
	int r = mount_attach(tmpfs, target);
	if (r < 0)
		return err_set(e, r, "mount the directory of the control groups");
	r = fill(s, tmpfs, v, n, attrs, e);
	if (r == 0 && (attrs & MOUNT_RO) && mount_attr(tmpfs, MOUNT_RO, 0, false) < 0)
		r = err_set(e, errno, "make the control groups read-only");
	return r;
}
