/*
 * How it works
 *
 * u0/ holds one symlink per member: its name is the pid, its target "START:FORM:BOOT:MEMBER". Entering reads the directory until a
 * member is found that is alive (same boot, same start time) and whose namespace was made by us, and joins it with setns(2),
 * which needs no helper. Only if there is none is u0/ locked and a namespace made: a child that stays outside waits until
 * we have unshared, then runs newuidmap and newgidmap at once (or writes the map, as root or for one uid), and ends.
 */
#include <dirent.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "state/container.h"
#include "state/u0.h"

const char *u0_form_name(enum u0_form f)
{
	static const char *const names[] = {"sub", "one", "root"};

	return names[f];
}

enum u0_form u0_form_of(const char *name)
{
	enum u0_form f = FORM_SUB;

	while (f < FORM_ROOT && !str_eq(name, u0_form_name(f)))
		f++;
	return f;
}

static void map_one(struct u0_map *m)
{
	m->form = FORM_ONE;
	m->uids = (struct id_map){{{0, geteuid(), 1}}, 1};
	m->gids = (struct id_map){{{0, getegid(), 1}}, 1};
}

static uint64_t ids_in(const struct id_map *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->r[i].count;
	return n;
}

char *u0_user_name(uid_t uid)
{
	scoped(str) text = {0};
	char *save = NULL;

	if (fd_read_file_at(AT_FDCWD, "/etc/passwd", &text, 4 << 20) == 0 && text.s) {
		for (char *l = strtok_r(text.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
			uint64_t n;
			char *colon = strchr(l, ':'), *id = colon ? strchr(colon + 1, ':') : NULL;
			char *end = id ? strchr(id + 1, ':') : NULL;
			if (!end)
				continue;
			*end = 0;
			if (parse_u64(id + 1, UINT32_MAX, &n) == 0 && n == uid)
				return xstrndup(l, (size_t)(colon - l));
		}
	}
	struct passwd *pw = getpwuid(uid);
	return pw ? xstrdup(pw->pw_name) : NULL;
}

bool u0_inside(struct u0_map *ret)
{
	const char *said = getenv(U0_INSIDE_ENV);
	char now[40];
	struct stat st;

	if (!said || geteuid() != 0 || stat("/proc/self/ns/user", &st) < 0)
		return false;
	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++) {
		snprintf(now, sizeof now, "%s:%ju", u0_form_name(f), (uintmax_t)st.st_ino);
		if (strcmp(said, now) != 0)
			continue;
		ret->form = f;
		return userns_read_map("/proc/self/uid_map", &ret->uids) == 0 &&
		       userns_read_map("/proc/self/gid_map", &ret->gids) == 0;
	}
	return false;
}

int u0_map_find(struct u0_map *ret, struct err *e)
{
	struct u0_map m = {0};

	if (u0_inside(ret))
		return 0;
	map_one(ret);
	if (geteuid() == 0) {
		int r = userns_read_map("/proc/self/uid_map", &m.uids);
		if (r == 0)
			r = userns_read_map("/proc/self/gid_map", &m.gids);
		if (r < 0)
			return err_set(e, r, "read /proc/self/uid_map");
		if (ids_in(&m.uids) < 2)
			return 0;
		userns_identity(&m.uids, &ret->uids);
		userns_identity(&m.gids, &ret->gids);
		ret->form = FORM_ROOT;
		return 0;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 || !userns_newuidmap_path())
		return 0;
	autofree char *name = u0_user_name(geteuid());
	m = *ret;
	if (userns_subids("/etc/subuid", name, geteuid(), 1, &m.uids) > 0 &&
	    userns_subids("/etc/subgid", name, geteuid(), 1, &m.gids) > 0) {
		m.form = FORM_SUB;
		*ret = m;
	}
	return 0;
}

/* Is the process behind a list entry alive? Its target is "START:FORM:BOOT:MEMBER". */
static bool entry_alive(const struct home *h, pid_t pid, const char *target)
{
	const char *boot = strchr(target, ':');

	boot = boot ? strchr(boot + 1, ':') : NULL;
	if (!boot || strncmp(boot + 1, h->boot_id, 36) != 0)
		return false;
	return kill(pid, 0) == 0 && proc_start_time(pid) == strtoull(target, NULL, 10);
}

static bool entry_form_is(const char *target, enum u0_form f)
{
	const char *s = strchr(target, ':'), *name = u0_form_name(f);

	return s && str_starts(s + 1, name) && s[1 + strlen(name)] == ':';
}

/* Reads the next member; false at the end. */
static bool next_member(DIR *d, pid_t *ret_pid, char *target, size_t size)
{
	for (struct dirent *de; (de = readdir(d));) {
		uint64_t pid;
		if (parse_u64(de->d_name, INT_MAX, &pid) < 0)
			continue;
		ssize_t n = readlinkat(dirfd(d), de->d_name, target, size - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		*ret_pid = (pid_t)pid;
		return true;
	}
	return false;
}

static int join_member(pid_t pid, uid_t me)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	autoclose int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return -errno;
	if (userns_owner(ns) != (int64_t)me)
		return -EPERM;
	return setns(ns, CLONE_NEWUSER) < 0 ? -errno : 0;
}

/* Joins the namespace of any living member that has the form wanted. -ENOENT if there is none. */
static int join_any(const struct home *h, int dir, enum u0_form form)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	uid_t me = geteuid();
	char target[160];
	int r = -ENOENT;
	pid_t pid;

	if (!d)
		return -errno;
	while (r < 0 && next_member(d, &pid, target, sizeof target))
		if (entry_form_is(target, form) && entry_alive(h, pid, target))
			r = join_member(pid, me);
	closedir(d);
	return r < 0 ? -ENOENT : 0;
}

/* The child that stays outside: waits for the word that the parent has unshared, writes its maps, says how it went. Where newuidmap
 * is there but cannot do its work (a container without its capabilities, some CI), the map of one uid still can be written. */
static void map_from_outside(int sock, pid_t target, const struct u0_map *m)
{
	struct err e = {0};
	struct u0_map one;
	char c;

	if (read(sock, &c, 1) != 1)
		_exit(0);
	map_one(&one);
	if (m->form == FORM_SUB) {
		if (userns_newidmap(target, &m->uids, &m->gids, &e) < 0 &&
		    userns_write_maps(target, &one.uids, &one.gids, true, NULL) == 0)
			e = (struct err){0};
	} else {
		userns_write_maps(target, &m->uids, &m->gids, m->form == FORM_ONE, &e);
	}
	(void)!write(sock, &e, sizeof e);
	_exit(0);
}

static int explain_unshare(int errnum, struct err *e)
{
	if (errnum == EINVAL)
		return err_set(e, errnum, "make a user namespace");
	err_fail_code(e, ERR_NO_USERNS, errnum,
		      "this system forbids user namespaces to ordinary users (%s)",
		      strerror(errnum));
	if (errnum == ENOSPC || access("/proc/sys/user/max_user_namespaces", F_OK) < 0)
		return err_hint(e, "as root: sysctl -w user.max_user_namespaces=28633");
	if (access("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", F_OK) == 0)
		return err_hint(e, "as root: sysctl -w "
				   "kernel.apparmor_restrict_unprivileged_userns=0, or install "
				   "an AppArmor profile for hoy (scripts/quickstart does)");
	if (access("/proc/sys/kernel/unprivileged_userns_clone", F_OK) == 0)
		return err_hint(e, "as root: sysctl -w kernel.unprivileged_userns_clone=1");
	if (prctl(PR_GET_SECCOMP) == 2)
		return err_hint(e, "a filter of system calls refuses it: if this is a container, "
				   "start it with --security-opt seccomp=unconfined (hoy(1), "
				   "INSIDE OF CONTAINERS)");
	return err_hint(e, "a security module or a container around this process refuses it");
}

static int make_with(const struct u0_map *m, struct err *e)
{
	int s[2];
	struct err said;
	pid_t self = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	autoclose int mine = s[0];
	pid_t helper = proc_fork(0, NULL);
	if (helper == 0) {
		close(s[0]);
		map_from_outside(s[1], self, m);
	}
	close(s[1]);
	if (helper < 0)
		return err_set(e, helper, "fork");
	if (unshare(CLONE_NEWUSER) < 0) {
		int r = -errno;
		fd_close(&mine);
		proc_wait(helper);
		return explain_unshare(-r, e);
	}
	bool ok = write(mine, "", 1) == 1 && read(mine, &said, sizeof said) == sizeof said;
	proc_wait(helper);
	if (!ok)
		return err_died(e, "the process that writes the id map died");
	if (said.code && e)
		*e = said;
	return -said.code;
}

static void list_member(const struct home *h, int dir, const struct u0_map *m, const char *member)
{
	char name[16], target[160];

	snprintf(name, sizeof name, "%d", (int)getpid());
	snprintf(target, sizeof target, "%" PRIu64 ":%s:%s:%s", proc_start_time(getpid()),
		 u0_form_name(m->form), h->boot_id, member);
	unlinkat(dir, name, 0); /* left by a process of the same number */
	(void)!symlinkat(target, dir, name);
}

static void settle(void)
{
	/* Both are mapped to us already. The process stays dumpable: its children's uid_map could not be opened otherwise. */
	(void)!setresgid(0, 0, 0);
	(void)!setresuid(0, 0, 0);
}

/* The map that we ended up with, read back from the kernel. */
static int read_back(struct u0_map *m, struct err *e)
{
	int r = userns_read_map("/proc/self/uid_map", &m->uids);

	if (r == 0)
		r = userns_read_map("/proc/self/gid_map", &m->gids);
	if (r < 0)
		return err_set(e, r, "read the id map");
	if (ids_in(&m->uids) == 1)
		m->form = FORM_ONE;
	return 0;
}

/* The list is only a hint: somebody may have emptied it. The supervisors that the containers' states speak of are members too. */
static int join_supervisor(const struct home *h)
{
	scoped(strv) ids = {0};
	uid_t me = geteuid();
	int r = -ENOENT;

	if (container_ids(h, &ids, NULL) < 0)
		return r;
	for (size_t i = 0; i < ids.n && r < 0; i++) {
		struct arena a = {0};
		struct container_state st;
		if (container_state_read(h, ids.v[i], &st, &a, NULL) == 0 &&
		    container_is_up(container_derive(h, &st)))
			r = join_member((pid_t)st.sup, me);
		arena_free(&a);
	}
	return r;
}

/* With u0/ locked: another process may have been first. */
static int join_or_make(const struct home *h, int dir, struct u0_map *m, const char *member,
			struct err *e)
{
	autoclose int lock = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_set(e, errno, "lock %s/u0", h->path);
	int r = join_any(h, dir, m->form) == 0 || join_supervisor(h) == 0 ? 0 : make_with(m, e);
	if (r == 0)
		r = read_back(m, e);
	if (r == 0 && member)
		list_member(h, dir, m, member);
	return r;
}

int u0_try(struct u0_map *ret, struct err *e)
{
	int r = u0_map_find(ret, e);

	if (r == 0)
		r = make_with(ret, e);
	if (r == 0)
		r = read_back(ret, e);
	if (r == 0)
		settle();
	return r;
}

int u0_enter(const struct home *h, const char *member, struct u0_map *ret_map, struct err *e)
{
	struct u0_map m;
	autoclose int dir = home_dir(h, "u0", e);
	int r = 0;

	if (dir < 0)
		return dir;
	if (u0_inside(&m)) {
		if (member)
			list_member(h, dir, &m, member);
		*ret_map = m;
		return 0;
	}
	/* The full map first: it can be joined even by a process that has no right to make it (no_new_privs), and joining needs no
	 * look at the user database. */
	bool joined = geteuid() != 0 && join_any(h, dir, FORM_SUB) == 0;
	m.form = FORM_SUB;
	if (!joined) {
		r = u0_map_find(&m, e);
		joined = r == 0 && m.form != FORM_SUB && join_any(h, dir, m.form) == 0;
	}
	if (r == 0 && !joined)
		r = join_or_make(h, dir, &m, member, e);
	if (r == 0)
		r = read_back(&m, e);
	if (r < 0)
		return r;
	if (joined && member)
		list_member(h, dir, &m, member);
	settle();
	*ret_map = m;
	return 0;
}

void u0_leave(const struct home *h)
{
	char name[32];

	snprintf(name, sizeof name, "u0/%d", (int)getpid());
	unlinkat(h->fd, name, 0);
}

void u0_each_dead(const struct home *h, bool (*fn)(const char *member, void *arg), void *arg)
{
	int own = openat(h->fd, "u0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));) {
		uint64_t pid;
		char target[160];
		/* A number in use again keeps its entry until the process that has it now ends: cheap, and never wrong. */
		if (parse_u64(de->d_name, INT_MAX, &pid) < 0 || kill((pid_t)pid, 0) == 0 ||
		    errno != ESRCH)
			continue;
		ssize_t n = readlinkat(own, de->d_name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = 0;
		const char *member = strrchr(target, ':');
		if (!member || fn(member + 1, arg))
			unlinkat(own, de->d_name, 0);
	}
	closedir(d);
}

struct u0_job {
	const struct home *h;
	int (*fn)(const struct u0_map *, void *, struct err *);
	void *arg;
};

static int run_inside(void *arg, struct err *e)
{
	const struct u0_job *j = arg;
	struct u0_map map;
	int r = u0_enter(j->h, "-", &map, e);

	if (r < 0)
		return r;
	task_die_with_parent(); /* entering changed credentials */
	r = j->fn(&map, j->arg, e);
	u0_leave(j->h);
	return r;
}

int u0_start(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	     void *arg, struct task *ret, struct err *e)
{
	struct u0_job job = {h, fn, arg};

	return task_start(ret, run_inside, &job, e);
}

int u0_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	   void *arg, struct err *e)
{
	scoped(task_signals) sig;
	struct task_wait w = TASK_WAIT_ONLY;
	struct task t;
	size_t done;

	task_signals_hold(&sig);
	w.sigfd = sig.fd;
	int r = u0_start(h, fn, arg, &t, e);
	if (r < 0)
		return r;
	r = task_wait(&t, 1, &w, &done, e);
	task_kill(&t);
	return r;
}
