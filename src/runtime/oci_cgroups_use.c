#include <dirent.h>
#include <poll.h>
#include <signal.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "runtime/oci_cgroups.h"
#include "runtime/oci_scope.h"
#include "sys/cgroup.h"
#include "sys/cgroup_tree.h"

enum { DEPTH_MAX = 32, FREEZE_WAIT_MS = 5000 };

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- one more process */

/* With version 1, "CONTROLLERS:PATH" names those that are meant. */
static bool meant(const char *hierarchy, const char *sub, size_t n)
{
	for (size_t at = 0; at < n; at++) {
		size_t k = strcspn(sub + at, ",:");
		autofree char *one = xstrndup(sub + at, k);
		if (cgroup_name_has(hierarchy, one))
			return true;
		at += k;
	}
	return false;
}

/* The group that the container's first process is in, if the container has divided its own. */
static int open_of_init(const struct pair *p, pid_t init)
{
	scoped(str) text = {0};
	char file[40];
	size_t n;

	snprintf(file, sizeof file, "/proc/%d/cgroup", (int)init);
	if (fd_read_file_at(AT_FDCWD, file, &text, 1 << 20) < 0)
		return -ESRCH;
	const char *at = cgroup_path_in(str_cstr(&text), p->k, &n);
	if (!at || !str_starts(p->v, CGROUP_MOUNT))
		return -ENOENT;
	autofree char *path = xasprintf(CGROUP_MOUNT "%.*s", (int)n, at);
	size_t own = strlen(p->v); /* only below its own */
	return strncmp(path, p->v, own) != 0 || (path[own] && path[own] != '/') ? -ENOENT
										: open_dir(path);
}

int oci_cgroups_join(const struct oci_cgroups *c, const char *sub, pid_t init, pid_t pid,
		     struct err *e)
{
	const char *colon = sub ? strchr(sub, ':') : NULL, *below = colon ? colon + 1 : sub;
	bool any = !sub || !colon;

	if (colon && oci_cgroups_v2(c))
		return err_fail(e, ERR_CGROUP,
				"'%.100s' names controllers, which cgroup v2 "
				"does not have apart",
				sub);
	for (size_t i = 0; i < c->paths.n; i++) {
		const struct pair *p = &c->paths.v[i];
		bool here = !colon || meant(p->k, sub, (size_t)(colon - sub));
		const char *in = here && !str_is_empty(below) ? below : NULL;
		any |= here;
		autoclose int dir = open_dir(p->v);
		if (dir >= 0 && in) {
			int fd = path_open_beneath(dir, in, O_RDONLY | O_DIRECTORY, 0);
			if (fd < 0)
				return err_set(e, fd, "open the cgroup %.200s below %.200s", in,
					       p->v);
			close(dir);
			dir = fd;
		}
		int r = dir < 0 ? dir : cgroup_move(dir, pid);
		if (r == -EBUSY && !in) {
			autoclose int other = open_of_init(p, init);
			r = other < 0 ? r : cgroup_move(other, pid);
		}
		if (r == -EACCES && !in && !*p->k && c->unit)
			r = oci_scope_attach(c->unit, pid, NULL);
		if (r < 0)
			return err_set(e, r, "move the process into %s", p->v);
	}
	return any ? 0 : err_fail(e, ERR_CGROUP, "'%.100s' names no controller that is here", sub);
}

/* ---- all processes */

/* Where they are listed: any hierarchy would do, and some are more often there. */
static const char *listing(const struct oci_cgroups *c)
{
	static const char *const best[] = {"", "pids", "memory", "devices", "freezer"};

	for (size_t i = 0; i < countof(best); i++) {
		const char *path = i ? oci_cgroups_dir(c, best[i]) : pairs_get(&c->paths, "");
		if (path)
			return path;
	}
	return c->paths.n ? c->paths.v[0].v : NULL;
}

struct pids {
	pid_t *v;
	size_t n, cap;
};

static void add_lines(struct pids *l, const char *text)
{
	for (const char *p = text; *p; p += *p == '\n') {
		char *end;
		long pid = strtol(p, &end, 10);
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->v = xrealloc(l->v, l->cap * sizeof *l->v);
		}
		if (end > p && pid > 0) /* 0: of another pid namespace */
			l->v[l->n++] = (pid_t)pid;
		p += strcspn(p, "\n");
	}
}

/* With many processes the list is long: it is read whole. */
static int collect(int dir, struct pids *l, int depth)
{
	scoped(str) text = {0};
	autoclose int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int r = procs < 0 ? -errno : fd_read_all(procs, &text, 64 << 20);

	if (r < 0 && r != -EOPNOTSUPP) /* a threaded one has no list */
		return r;
	add_lines(l, str_cstr(&text));
	int fd = dup(dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		fd_close(&fd);
		return -errno;
	}
	rewinddir(d);
	r = 0;
	for (struct dirent *de; r == 0 && depth < DEPTH_MAX && (de = readdir(d));) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		autoclose int in =
			openat(dir, de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = in < 0 ? 0 : collect(in, l, depth + 1);
		r = r == -ENODEV || r == -ENOENT ? 0 : r; /* it went away meanwhile */
	}
	closedir(d);
	return r;
}

int oci_cgroups_pids(const struct oci_cgroups *c, pid_t **ret, size_t *ret_n, struct err *e)
{
	const char *path = listing(c);
	struct pids l = {0};

	*ret = NULL;
	*ret_n = 0;
	if (!path)
		return err_fail_code(e, ERR_CGROUP, ENOENT,
				     "the container has no cgroup that knows its processes");
	autoclose int dir = open_dir(path);
	int r = dir == -ENOENT ? 0 : dir < 0 ? dir : collect(dir, &l, 0);
	if (r < 0) {
		free(l.v);
		return err_set(e, r, "list the processes in %s", path);
	}
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

/* Until no new one comes: who makes children faster than they are killed is held still first. */
static int kill_each(const struct oci_cgroups *c, int sig, struct err *e)
{
	bool held = !oci_cgroups_frozen(c) && oci_cgroups_freeze(c, true, NULL) == 0;
	autofree pid_t *v = NULL;
	size_t n;
	int r = oci_cgroups_pids(c, &v, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (kill(v[i], sig) < 0 && errno != ESRCH)
			r = err_set(e, errno, "send signal %d to process %d", sig, (int)v[i]);
	if (held || sig == SIGKILL) {
		int t = oci_cgroups_freeze(c, false, r == 0 ? e : NULL);
		r = r == 0 && held ? t : r;
	}
	return r;
}

int oci_cgroups_kill(const struct oci_cgroups *c, int sig, struct err *e)
{
	const char *v2 = pairs_get(&c->paths, "");

	if (v2 && sig == SIGKILL) {
		autoclose int dir = open_dir(v2);
		int r = dir < 0 ? dir : cgroup_kill(dir);
		if (r == 0 &&
		    !oci_cgroups_v2(c)) /* the freezer of version 1 holds back even SIGKILL */
			oci_cgroups_freeze(c, false, NULL);
		if (r == 0 || r == -ENOENT)
			if (r == 0 || dir == -ENOENT)
				return 0;
	}
	return kill_each(c, sig, e);
}

/* ---- the freezer */

/* Version 1 tells nobody when all are frozen, and may need a second try while processes are being made. */
static int freeze_v1(int dir, bool on)
{
	int64_t until = time_mono_ms() + FREEZE_WAIT_MS;
	const char *want = on ? "FROZEN" : "THAWED";

	for (unsigned us = 10;; us = us < 5000 ? us * 2 : us) {
		scoped(str) state = {0};
		int r = cgroup_write(dir, "freezer.state", want);
		if (r == 0)
			r = cgroup_read(dir, "freezer.state", &state);
		if (r < 0 || str_starts(str_cstr(&state), want))
			return r;
		if (time_mono_ms() > until) {
			cgroup_write(dir, "freezer.state", "THAWED");
			return -ETIMEDOUT;
		}
		usleep(us);
	}
}

int oci_cgroups_freeze(const struct oci_cgroups *c, bool on, struct err *e)
{
	const char *v1 = oci_cgroups_v2(c) ? NULL : oci_cgroups_dir(c, "freezer");
	const char *use = v1 ? v1 : pairs_get(&c->paths, "");

	if (!use)
		return err_fail_code(e, ERR_CGROUP, ENOENT,
				     "the container has no cgroup whose freezer could hold it");
	autoclose int dir = open_dir(use);
	int r = dir < 0 ? dir : v1 ? freeze_v1(dir, on) : cgroup_freeze(dir, on);
	return r < 0 ? err_set(e, r, "%s the processes in %s", on ? "hold" : "release", use) : 0;
}

bool oci_cgroups_frozen(const struct oci_cgroups *c)
{
	const char *v1 = oci_cgroups_v2(c) ? NULL : oci_cgroups_dir(c, "freezer");
	const char *use = v1 ? v1 : pairs_get(&c->paths, "");
	scoped(str) text = {0};

	autoclose int dir = use ? open_dir(use) : -1;
	if (dir < 0 || cgroup_read(dir, v1 ? "freezer.state" : "cgroup.freeze", &text) < 0)
		return false;
	return str_starts(str_cstr(&text), v1 ? "FR" : "1");
}

/* ---- the end */

int oci_cgroups_remove(const struct oci_cgroups *c, struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < c->paths.n; i++) {
		const char *path = c->paths.v[i].v, *slash = strrchr(path, '/');
		if (!slash || !slash[1])
			continue;
		autofree char *above = xstrndup(path, (size_t)(slash - path));
		autoclose int dir = open_dir(above);
		int r = dir == -ENOENT ? 0 : dir < 0 ? dir : cgroup_remove(dir, slash + 1);
		if (r < 0 && result == 0)
			result = err_set(e, r, "remove the cgroup %s", path);
	}
	if (c->unit)
		oci_scope_stop(c->unit);
	return result;
}
