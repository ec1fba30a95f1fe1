/*
 * How it works: the states are read and derived; whoever has a cgroup is read from there. For the others /proc is walked once: the user
 * namespace of each process, or one above it, leads to the container, and its numbers are added there.
 */
#include <dirent.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/stats.h"
#include "state/container.h"
#include "sys/cgroup.h"
#include "sys/procinfo.h"

enum { SECOND_NS = 1000000000, DEPTH_MAX = 34, FILE_MAX = 64 << 10 };

struct work {
	const struct home *h;
	struct arena *a;
	struct stats_list *ret;
	struct stat *owner; /* user namespaces of those that are summed up; st_ino 0: not wanted */
	uint64_t *shared;   /* the largest shared part of a process */
	int proc;
	uint64_t tick_ns, page, machine;
};

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static int read_proc(const struct work *w, pid_t pid, const char *name, struct str *ret)
{
	char path[48];

	snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	autoclose int fd = openat(w->proc, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_read_all(fd, ret, FILE_MAX);
}

/* ---- from a cgroup */

/* The sum of all numbers behind "KEY=", for all disks. */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0;
	size_t n = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p += n)
		sum += strtoull(p + n, NULL, 10);
	return sum;
}

static void read_cgroup(struct stats_item *s, int dir)
{
	uint64_t n, idle = 0;
	scoped(str) io = {0};

	if (cgroup_number(dir, "cpu.stat", "usage_usec", &n) == 0)
		s->cpu_ns = n * 1000;
	if (cgroup_number(dir, "cpu.stat", "system_usec", &n) == 0)
		s->system_ns = n * 1000;
	/* What could be given back at once is not counted, as with docker. */
	cgroup_number(dir, "memory.stat", "inactive_file", &idle);
	if (cgroup_number(dir, "memory.current", NULL, &n) == 0)
		s->memory = n > idle ? n - idle : 0;
	if (cgroup_number(dir, "memory.max", NULL, &n) == 0 && n < s->memory_limit)
		s->memory_limit = n;
	cgroup_number(dir, "pids.current", NULL, &s->pids);
	if (cgroup_read(dir, "io.stat", &io) == 0) {
		s->io_read = sum_of(str_cstr(&io), "rbytes=");
		s->io_written = sum_of(str_cstr(&io), "wbytes=");
	}
}

/* One without these controllers tells too little. */
static bool cgroup_tells(int dir)
{
	unsigned need = CGROUP_MEMORY | CGROUP_PIDS;

	return (cgroup_controllers(dir) & need) == need;
}

/* ---- from processes */

static void add_process(struct work *w, size_t at, pid_t pid)
{
	struct stats_item *s = &w->ret->v[at];
	scoped(str) stat = {0};
	scoped(str) statm = {0};
	scoped(str) io = {0};
	uint64_t ut, st, resident = 0, shared = 0;
	int64_t cut, cst, threads;

	if (read_proc(w, pid, "stat", &stat) < 0)
		return;
	const char *p = strrchr(str_cstr(&stat), ')');
	if (!p || sscanf(p,
			 ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			 " %" SCNd64 " %" SCNd64 " %*d %*d %" SCNd64,
			 &ut, &st, &cut, &cst, &threads) != 5)
		return;
	s->cpu_ns += (ut + st + (uint64_t)cut + (uint64_t)cst) * w->tick_ns;
	s->system_ns += (st + (uint64_t)cst) * w->tick_ns;
	s->pids += (uint64_t)threads;
	if (read_proc(w, pid, "statm", &statm) == 0 &&
	    sscanf(str_cstr(&statm), "%*u %" SCNu64 " %" SCNu64, &resident, &shared) == 2 &&
	    resident >= shared) {
		s->memory += (resident - shared) * w->page;
		if (shared > w->shared[at])
			w->shared[at] = shared;
	}
	if (read_proc(w, pid, "io", &io) == 0) {
		s->io_read += sum_of(str_cstr(&io), "\nread_bytes: ");
		s->io_written += sum_of(str_cstr(&io), "\nwrite_bytes: ");
	}
}

static bool find_owner(const struct work *w, const struct stat *st, size_t *ret)
{
	for (size_t i = 0; i < w->ret->n; i++)
		if (w->owner[i].st_ino == st->st_ino && w->owner[i].st_dev == st->st_dev) {
			*ret = i;
			return true;
		}
	return false;
}

/* The container of a process, by its user namespace or one above that. Most are in none: one fstatat(2) says so. */
static bool container_of(const struct work *w, pid_t pid, const struct stat *own, size_t *ret)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof path, "%d/ns/user", (int)pid);
	if (fstatat(w->proc, path, &st, 0) < 0 || st.st_ino == own->st_ino)
		return false;
	if (find_owner(w, &st, ret))
		return true;
	int ns = openat(w->proc, path, O_RDONLY | O_CLOEXEC);
	bool found = false;
	for (int depth = 0; ns >= 0 && !found && depth < DEPTH_MAX; depth++) {
		int up = ioctl(ns, NS_GET_PARENT); /* EPERM: above ours */
		close(ns);
		ns = up;
		found = ns >= 0 && fstat(ns, &st) == 0 && find_owner(w, &st, ret);
	}
	if (ns >= 0)
		close(ns);
	return found;
}

static void sum_processes(struct work *w)
{
	int fd = openat(w->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct stat own = {0};

	if (!d)
		return;
	fstatat(w->proc, "self/ns/user", &own, 0);
	for (struct dirent *de; (de = readdir(d));) {
		uint64_t pid;
		size_t at;
		if (parse_u64(de->d_name, INT_MAX, &pid) == 0 &&
		    container_of(w, (pid_t)pid, &own, &at))
			add_process(w, at, (pid_t)pid);
	}
	closedir(d);
	for (size_t i = 0; i < w->ret->n; i++)
		w->ret->v[i].memory += w->shared[i] * w->page;
}

/* ---- network */

/* "eth0: BYTES PACKETS ... (8 of what came in) BYTES ..." */
static void read_net(const struct work *w, struct stats_item *s, pid_t pid)
{
	scoped(str) text = {0};

	if (read_proc(w, pid, "net/dev", &text) < 0)
		return;
	s->has_net = true;
	for (const char *p = str_cstr(&text); *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *name = p + strspn(p, " "), *colon = strpbrk(name, ":\n");
		uint64_t in, out;
		if (!colon || *colon != ':' || str_starts(name, "lo:"))
			continue;
		if (sscanf(colon + 1, "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &in,
			   &out) == 2) {
			s->net_in += in;
			s->net_out += out;
		}
	}
}

/* ---- all */

static void look_back(struct stats_item *s, const struct stats_list *before)
{
	for (size_t i = 0; before && i < before->n; i++)
		if (before->v[i].started_ns == s->started_ns && !strcmp(before->v[i].id, s->id)) {
			s->cpu_before_ns = before->v[i].cpu_ns;
			s->before_ns = before->v[i].now_ns;
		}
}

static void read_one(struct work *w, const char *id, bool all, size_t room)
{
	struct container_state st = {0};
	struct timespec t;

	if (w->ret->n == room || container_state_read(w->h, id, &st, w->a, NULL) < 0)
		return;
	enum container_status status = container_derive(w->h, &st);
	if (status != CONTAINER_RUNNING && !all)
		return;
	size_t at = w->ret->n++;
	struct stats_item *s = &w->ret->v[at];
	*s = (struct stats_item){.id = arena_strdup(w->a, id), .name = st.name};
	s->running = status == CONTAINER_RUNNING;
	s->now_ns = ns_of(time_now());
	if (!s->running)
		return;
	s->memory_limit = w->machine;
	if (st.started && parse_rfc3339(st.started, &t) == 0)
		s->started_ns = ns_of(t);
	autoclose int cgroup = st.cgroup ? cgroup_open(st.cgroup) : -1;
	if (cgroup >= 0 && cgroup_tells(cgroup))
		read_cgroup(s, cgroup);
	else
		s->by_processes = procinfo_owner(w->proc, (pid_t)st.pid, &w->owner[at]) == 0;
	w->ret->by_processes += s->by_processes;
	if (!str_eq(st.network, "host") && !str_eq(st.network, "none"))
		read_net(w, s, (pid_t)st.pid);
}

int containers_stats(const struct home *h, const struct strs *names, bool all,
		     const struct stats_list *before, struct arena *a, struct stats_list *ret,
		     struct err *e)
{
	scoped(strv) ids = {0};
	char id[CONTAINER_ID_LEN + 1];
	int r = 0;

	for (size_t i = 0; i < names->n && r == 0; i++) {
		r = container_resolve(h, names->v[i], id, e);
		if (r == 0 && !strv_has(&ids, id))
			strv_add(&ids, id);
	}
	if (!names->n)
		r = container_ids(h, &ids, e);
	autoclose int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r < 0 || proc < 0)
		return r < 0 ? r : err_set(e, errno, "open /proc");
	struct work w = {.h = h, .a = a, .ret = ret, .proc = proc};
	w.page = (uint64_t)sysconf(_SC_PAGESIZE);
	w.tick_ns = SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK);
	w.machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * w.page;
	*ret = (struct stats_list){.v = arena_alloc(a, (ids.n + 1) * sizeof *ret->v)};
	w.owner = arena_alloc(a, (ids.n + 1) * sizeof *w.owner);
	w.shared = arena_alloc(a, (ids.n + 1) * sizeof *w.shared);
	for (size_t i = 0; i < ids.n; i++)
		read_one(&w, ids.v[i], all || names->n, ids.n);
	if (ret->by_processes)
		sum_processes(&w);
	for (size_t i = 0; i < ret->n; i++)
		look_back(&ret->v[i], before);
	return 0;
}
