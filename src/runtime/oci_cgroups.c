/*
 * How the groups come to be
 *
 * make: the hierarchies that are mounted are looked up (sys/cgroup_tree.h), each gets a directory, with what is missing above it; limits are written while nobody is in it. With
 * version 2 the first process is then born in it. enter: what version 2 did not do at the clone is done by moving the process, which is the slow part with version 1 (the
 * kernel waits for all processors, once for each hierarchy). systemd wants a process for its scope, so with it everything happens in enter.
 */
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/base.h"
#include "runtime/oci_cgroups.h"
#include "runtime/oci_limits.h"
#include "runtime/oci_scope.h"
#include "sys/cgroup.h"
#include "sys/cgroup_tree.h"

const struct bind_field oci_cgroups_fields[] = {
	{"unit", BIND_STR, offsetof(struct oci_cgroups, unit)},
	{"paths", BIND_PAIRS, offsetof(struct oci_cgroups, paths)},
	{0},
};

bool oci_cgroups_v2(const struct oci_cgroups *c)
{
	return c->paths.n == 1 && !*c->paths.v[0].k;
}

const char *oci_cgroups_dir(const struct oci_cgroups *c, const char *controller)
{
	if (oci_cgroups_v2(c))
		return c->paths.v[0].v;
	for (size_t i = 0; i < c->paths.n; i++)
		if (cgroup_name_has(c->paths.v[i].k, controller))
			return c->paths.v[i].v;
	return NULL;
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool has_dotdot(const char *p)
{
	for (; *p; p += *p == '/') {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n;
	}
	return false;
}

/* ---- directories */

/* A cpuset of version 1 takes no process before it has processors and memory: those of the one above it. */
static int inherit_cpuset(int above, int dir)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < countof(files); i++) {
		scoped(str) own = {0};
		scoped(str) text = {0};
		r = cgroup_read(dir, files[i], &own);
		if (r < 0 || str_cstr(&own)[strspn(str_cstr(&own), "\n")])
			continue;
		r = cgroup_read(above, files[i], &text);
		if (r >= 0)
			r = cgroup_write(dir, files[i], str_cstr(&text));
	}
	return r;
}

/* Hands on what can be handed on; what then is missing is told when it is needed. */
static void hand_on_all(int dir)
{
	unsigned want = cgroup_controllers(dir) & ~cgroup_handed_on(dir);

	if (!want || cgroup_hand_on(dir, want) == 0)
		return;
	for (unsigned one = 1; one <= CGROUP_ALL; one <<= 1)
		if (want & one)
			cgroup_hand_on(dir, one);
}

/* Makes a directory below the mount with all above it. A descriptor; *ret_made: the last one is new. */
static int make_dir(const char *mount, const char *path, const char *name, bool *ret_made)
{
	autoclose int at = open_dir(mount);

	*ret_made = false;
	for (const char *p = path; at >= 0 && *(p += strspn(p, "/"));) {
		char part[NAME_MAX + 1];
		size_t n = strcspn(p, "/");
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(part, p, n);
		part[n] = 0;
		if (!*name)
			hand_on_all(at);
		*ret_made = mkdirat(at, part, 0755) == 0;
		if (!*ret_made && errno != EEXIST)
			return -errno;
		autoclose int next =
			openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		int r = cgroup_name_has(name, "cpuset") ? inherit_cpuset(at, next) : 0;
		if (r < 0)
			return r;
		fd_close(&at);
		at = take_fd(next);
		p += n;
	}
	return take_fd(at);
}

static int check_unused(int dir, const char *path, struct err *e)
{
	scoped(str) procs = {0};
	scoped(str) state = {0};
	uint64_t populated = 0;

	cgroup_read(dir, "cgroup.procs", &procs);
	cgroup_number(dir, "cgroup.events", "populated", &populated);
	if (procs.len || populated) {
		err_fail(e, ERR_CGROUP, "the container's cgroup is not empty: %.300s", path);
		return err_hint(e, "what is in it would be killed with the container: give it a "
				   "linux.cgroupsPath of its own");
	}
	if (cgroup_read(dir, "freezer.state", &state) < 0)
		cgroup_read(dir, "cgroup.freeze", &state);
	if (str_starts(str_cstr(&state), "FR") || str_starts(str_cstr(&state), "1")) {
		err_fail(e, ERR_CGROUP, "the container's cgroup is frozen: %.300s", path);
		return err_hint(e, "remove it: rmdir %.200s", path);
	}
	return 0;
}

/* "Cgroup ownership": the directory, and the files that the kernel says may be given away. */
static int give_to(int dir, int64_t owner, struct err *e)
{
	scoped(str) files = {0};
	int r = fd_read_file_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", &files, 1 << 16);

	if (r < 0)
		str_add(&files, "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
	if (fchown(dir, (uid_t)owner, (gid_t)-1) < 0)
		return err_set(e, errno, "give the cgroup to uid %" PRId64, owner);
	for (char *p = files.s, *end; *p; p = end) {
		end = p + strcspn(p, "\n");
		end += *end ? (*end = 0, 1) : 0;
		if (*p && fchownat(dir, p, (uid_t)owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return err_set(e, errno, "give %s of the cgroup to uid %" PRId64, p, owner);
	}
	return 0;
}

static bool may_lack(const struct oci_cgroups_want *w, int r)
{
	return w->rootless && (r == -EACCES || r == -EPERM || r == -EROFS || r == -ENOENT);
}

/* One hierarchy's. path: below its mount. */
static int make_one(const struct oci_cgroups_want *w, const struct cgroup_hierarchy *h,
		    const char *path, struct oci_cgroups *c, struct arena *a, struct err *e)
{
	bool made;
	const char *full = arena_printf(a, "%s/%s", h->mount, path + strspn(path, "/"));
	autoclose int dir = make_dir(h->mount, path, h->name, &made);

	if (may_lack(w, dir))
		return 0; /* a limit that needs it says so */
	if (dir < 0)
		return err_set(e, dir, "make the cgroup %s", full);
	/* What systemd made has the process in it. */
	int r = made || w->systemd ? 0 : check_unused(dir, full, e);
	if (r < 0)
		return r;
	pairs_set(a, &c->paths, h->name, full);
	return !*h->name && w->owner >= 0 ? give_to(dir, w->owner, e) : 0;
}

/* Where a hierarchy's lies, if hoy makes it: an absolute path counts from the mount; any other from our own group, with version 2 from the one above, which has no processes. */
static const char *place(const struct oci_cgroups_want *w, const struct cgroup_hierarchy *h,
			 struct arena *a)
{
	const char *path = str_is_empty(w->path) ? w->id : w->path, *own = h->own ? h->own : "/";

	if (path[0] == '/')
		return path;
	size_t n = strlen(own);
	while (!*h->name && n && own[n - 1] != '/')
		n--;
	return arena_printf(a, "%.*s/%s", (int)n, own, path);
}

static int make_all(const struct oci_cgroups_want *w, const struct cgroup_tree *t,
		    const char *below, struct oci_cgroups *c, struct arena *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < t->n; i++) {
		const char *path = below ? below : place(w, &t->v[i], a);
		r = make_one(w, &t->v[i], path, c, a, e);
	}
	if (!r && !w->rootless && !t->v2 && !oci_cgroups_dir(c, "devices"))
		r = err_fail(e, ERR_CGROUP,
			     "no cgroup of the controller devices is mounted, so no device could "
			     "be kept from the container");
	return r;
}

static void unmake(struct oci_cgroups *c)
{
	oci_cgroups_remove(c, NULL);
	c->paths.n = 0;
}

/* ---- limits */

struct dirs {
	const struct oci_cgroups *c;
	int fd[CGROUP_HIERARCHIES_MAX];
};

static void dirs_free(struct dirs *d)
{
	for (size_t i = 0; i < countof(d->fd); i++)
		if (d->fd[i] > 0)
			close(d->fd[i]);
}

static int dir_of(void *ctx, const char *file)
{
	struct dirs *d = ctx;
	autofree char *controller = xstrndup(file, strcspn(file, "."));

	for (size_t i = 0; i < d->c->paths.n && i < countof(d->fd); i++) {
		if (!oci_cgroups_v2(d->c) && !cgroup_name_has(d->c->paths.v[i].k, controller))
			continue;
		if (!d->fd[i])
			d->fd[i] = open_dir(d->c->paths.v[i].v);
		return d->fd[i];
	}
	return -ENOENT;
}

/* checkBeforeUpdate: the kernel would take a limit below what is used, and kill for it. */
static int check_usage(const struct oci_cgroups *c, const struct oci_memory *m, struct err *e)
{
	const char *path = oci_cgroups_dir(c, "memory");
	uint64_t used = 0;

	if (!m->check_before_update || !path || (m->limit <= 0 && m->swap <= 0))
		return 0;
	autoclose int dir = open_dir(path);
	int r = cgroup_number(dir, oci_cgroups_v2(c) ? "memory.current" : "memory.usage_in_bytes",
			      NULL, &used);
	if (r < 0)
		return err_set(e, r, "read how much memory the container uses");
	int64_t least = m->limit > 0 && (m->swap <= 0 || m->limit < m->swap) ? m->limit : m->swap;
	if ((uint64_t)least > used)
		return 0;
	return err_fail(e, ERR_OCI_RESOURCES,
			"linux.resources.memory: a limit of %" PRId64 " is refused, as %" PRIu64
			" bytes are in use (checkBeforeUpdate)",
			least, used);
}

/* The kernel of version 1 makes 2 to 262144 of any shares, without a word. */
static int check_shares(const struct oci_cgroups *c, const struct oci_resources *r, struct err *e)
{
	const char *path = oci_cgroups_v2(c) ? NULL : oci_cgroups_dir(c, "cpu");
	uint64_t is;

	if (!r->cpu.shares || !path)
		return 0;
	autoclose int dir = open_dir(path);
	int n = cgroup_number(dir, "cpu.shares", NULL, &is);
	if (n < 0)
		return err_set(e, n, "read cpu.shares");
	if (is == r->cpu.shares)
		return 0;
	return err_fail(e, ERR_OCI_RESOURCES,
			"linux.resources.cpu.shares is %" PRIu64 ", the %s that the kernel has is "
			"%" PRIu64,
			r->cpu.shares, is < r->cpu.shares ? "most" : "least", is);
}

/* Did the bundle ask for something that needs this controller and that nobody hands to us? */
static int check_controllers(const struct oci_cgroups *c, const struct limit_list *l, struct err *e)
{
	scoped(str) names = {0};

	if (!c->paths.n && l->v.n) {
		err_fail(e, ERR_CGROUP, "%s cannot hold: no cgroup can be made here",
			 ((struct limit_setting *)l->v.v)->flag);
		return err_hint(e,
				"an ordinary user needs one that was handed over, with cgroup v2: "
				"by systemd (--systemd-cgroup), or by root");
	}
	if (!oci_cgroups_v2(c) || !l->v.n)
		return 0;
	autoclose int dir = open_dir(c->paths.v[0].v);
	unsigned missing = dir < 0 ? 0 : limit_controllers(l) & ~cgroup_controllers(dir);
	if (!missing)
		return 0;
	cgroup_controllers_text(missing, &names);
	err_fail(e, ERR_CGROUP, "%s cannot hold: the controller %s is not handed on to %.200s",
		 limit_flag(l, missing), str_cstr(&names), c->paths.v[0].v);
	return err_hint(e, "in each cgroup above it: echo '+%s' >cgroup.subtree_control",
			str_cstr(&names));
}

static int64_t number_or_none(int dir, const char *file)
{
	uint64_t v;

	return cgroup_number(dir, file, NULL, &v) == 0 && v <= INT64_MAX ? (int64_t)v : -1;
}

static struct oci_limits_now limits_now(const struct oci_cgroups *c)
{
	if (!oci_cgroups_v2(c))
		return OCI_LIMITS_NONE;
	autoclose int dir = open_dir(c->paths.v[0].v);
	return dir < 0 ? OCI_LIMITS_NONE
		       : (struct oci_limits_now){number_or_none(dir, "memory.max"),
						 number_or_none(dir, "memory.swap.max"),
						 number_or_none(dir, "cpu.max")};
}

static int settings(const struct oci_cgroups *c, const struct oci_resources *r, struct arena *a,
		    struct limit_list *ret, struct err *e)
{
	struct oci_limits_now now = limits_now(c);

	/* Where there are no groups at all, either way tells what was asked for. */
	return oci_cgroups_v2(c) || (!c->paths.n && cgroup_is_v2())
		       ? oci_limits_v2(r, &now, a, ret, e)
		       : oci_limits_v1(r, a, ret, e);
}

static int set_limits(const struct oci_cgroups *c, const struct oci_resources *r, struct err *e)
{
	__attribute__((cleanup(dirs_free))) struct dirs d = {.c = c};
	scoped(arena) a = {0};
	struct limit_list l = {0};

	if (!r)
		return 0;
	int n = settings(c, r, &a, &l, e);
	if (n == 0)
		n = check_controllers(c, &l, e);
	if (n == 0)
		n = check_usage(c, &r->memory, e);
	if (n == 0)
		n = limit_write_all(&l, dir_of, &d, e);
	return n < 0 ? n : check_shares(c, r, e);
}

/* ---- devices */

static int set_devices_v1(const char *path, const struct device_rule *v, size_t n, struct err *e)
{
	scoped(arena) a = {0};
	struct strs lines = {0};
	bool all;
	int r = oci_devices_v1(v, n, &a, &all, &lines, e);

	if (r < 0)
		return r;
	autoclose int dir = open_dir(path);
	r = dir < 0 ? dir : cgroup_write(dir, all ? "devices.allow" : "devices.deny", "a");
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = cgroup_write(dir, all ? "devices.deny" : "devices.allow", lines.v[i]);
	return r < 0 ? err_set(e, r, "set the rules for devices in %s", path) : 0;
}

static bool in_user_namespace(void)
{
	scoped(str) map = {0};

	return fd_read_file_at(AT_FDCWD, "/proc/self/uid_map", &map, 1 << 16) == 0 &&
	       !strstr(str_cstr(&map), "4294967295");
}

/* Without rights nobody can open more than the device's own permissions allow, so rules that cannot be had are no loss. */
static int set_devices(const struct oci_cgroups_want *w, const struct oci_cgroups *c, struct err *e)
{
	scoped(arena) a = {0};
	const char *path = oci_cgroups_dir(c, "devices");
	size_t n;
	struct err why = {0};

	if (!path)
		return 0; /* make has refused that, but for rootless */
	const struct device_rule *v = oci_device_rules(w->resources, &a, &n);
	int r;
	if (oci_cgroups_v2(c)) {
		autoclose int dir = open_dir(path);
		r = dir < 0 ? dir : device_filter_attach(dir, v, n);
		if (r < 0)
			err_set(&why, r, "load the rules for devices into %s", path);
	} else {
		r = set_devices_v1(path, v, n, &why);
	}
	bool denied = r == -EPERM || r == -EACCES;
	if (r == 0 || (denied && (w->rootless || in_user_namespace())))
		return 0;
	if (e)
		*e = why;
	return r;
}

/* ---- all together */

static bool asks_for_limits(const struct oci_cgroups_want *w)
{
	scoped(arena) a = {0};
	struct limit_list l = {0};
	struct oci_cgroups none = {0};

	return w->resources && (settings(&none, w->resources, &a, &l, NULL) < 0 || l.v.n);
}

static int read_tree(const struct oci_cgroups_want *w, struct arena *a, struct cgroup_tree *ret,
		     struct err *e)
{
	int r = cgroup_tree_read(a, ret);

	if (r == -ENOENT && w->rootless && !asks_for_limits(w)) {
		*ret = (struct cgroup_tree){0};
		return 0;
	}
	if (r == -ENOENT)
		return err_fail_code(e, ERR_CGROUP, ENOENT, "no control groups are mounted here");
	return r < 0 ? err_set(e, r, "find the control groups") : 0;
}

int oci_cgroups_make(const struct oci_cgroups_want *w, struct oci_cgroups *ret, int *ret_clone,
		     struct arena *a, struct err *e)
{
	struct cgroup_tree t;

	*ret = (struct oci_cgroups){0};
	*ret_clone = -1;
	if (w->systemd)
		return oci_scope_check(w, e);
	if (w->path && has_dotdot(w->path))
		return err_fail(e, ERR_OCI_RESOURCES, "linux.cgroupsPath '%.200s' has \"..\" in it",
				w->path);
	int r = read_tree(w, a, &t, e);
	if (r == 0)
		r = make_all(w, &t, NULL, ret, a, e);
	if (r == 0)
		r = set_limits(ret, w->resources, e);
	if (r < 0) {
		unmake(ret);
		return r;
	}
	const char *v2 = pairs_get(&ret->paths, "");
	*ret_clone = v2 ? open_dir(v2) : -1;
	return 0;
}

/* Moves it, where it is not there yet. */
static int move_in(const struct oci_cgroups *c, const struct cgroup_tree *t, pid_t pid,
		   struct err *e)
{
	scoped(str) now = {0};
	char file[40];

	snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
	int r = fd_read_file_at(AT_FDCWD, file, &now, 1 << 20);
	if (r < 0)
		return err_set(e, r, "read %s", file);
	for (size_t i = 0; i < c->paths.n; i++) {
		const struct pair *p = &c->paths.v[i];
		const char *mount = "";
		for (size_t k = 0; k < t->n; k++)
			if (!strcmp(t->v[k].name, p->k))
				mount = t->v[k].mount;
		size_t n = 0, len = strlen(mount);
		const char *at = cgroup_path_in(now.s, p->k, &n);
		if (at && str_starts(p->v, mount) && strlen(p->v + len) == n &&
		    !memcmp(p->v + len, at, n))
			continue;
		autoclose int dir = open_dir(p->v);
		r = dir < 0 ? dir : cgroup_move(dir, pid);
		if (r < 0)
			return err_set(e, r, "move the container's process into %s", p->v);
	}
	return 0;
}

int oci_cgroups_enter(const struct oci_cgroups_want *w, struct oci_cgroups *c, pid_t pid,
		      struct arena *a, struct err *e)
{
	struct cgroup_tree t;
	int r = read_tree(w, a, &t, e);

	if (r < 0)
		return r;
	if (w->systemd) {
		const char *below;
		r = oci_scope_start(w, pid, a, &c->unit, &below, e);
		if (r == 0)
			r = make_all(w, &t, below, c, a, e);
		if (r == 0)
			r = set_limits(c, w->resources, e);
	}
	if (r == 0)
		r = move_in(c, &t, pid, e);
	return r < 0 ? r : set_devices(w, c, e);
}

int oci_cgroups_update(const struct oci_cgroups *c, const struct oci_resources *r, struct err *e)
{
	if (c->unit) {
		struct oci_limits_now now = limits_now(c);
		int n = oci_scope_update(c->unit, r, &now, e);
		if (n < 0)
			return n;
	}
	return set_limits(c, r, e);
}
