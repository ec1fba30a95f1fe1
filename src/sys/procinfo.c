#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include "base/base.h"
#include "sys/procinfo.h"

enum { ARGS_MAX = 32 * 1024 };

static int read_part(int proc, pid_t pid, const char *name, struct str *out, size_t max)
{
	char path[40];

	snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	int r = fd_read_all(fd, out, max);
	return r == -EFBIG ? 0 : r; /* what there is will do */
}

/* proc(5) stat; the name may hold anything, ")" included. */
static int parse_stat(const char *text, struct procinfo *p, struct arena *a)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	int pgid, sid, tpgid, ppid;
	unsigned long vsz;
	long rss;

	if (!open || !close || close < open)
		return -EINVAL;
	p->comm = arena_strndup(a, open + 1, (size_t)(close - open - 1));
	if (sscanf(close + 1,
		   " %c %d %d %d %d %d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %ld %ld %*d %" SCNu64 " %lu %ld",
		   &p->state, &ppid, &pgid, &sid, &p->tty, &tpgid, &p->utime, &p->stime, &p->nice,
		   &p->threads, &p->start, &vsz, &rss) != 13)
		return -EINVAL;
	p->ppid = ppid;
	p->pgid = pgid;
	p->sid = sid;
	p->tpgid = tpgid;
	p->vsz = vsz;
	p->rss = (uint64_t)(rss > 0 ? rss : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static const char *value_of(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? p + strlen(key) : "";
}

static uint64_t hex_of(const char *status, const char *key)
{
	return strtoull(value_of(status, key), NULL, 16);
}

/* The numbers of a line into an array. */
static size_t numbers(const char *p, pid_t *v, size_t max)
{
	size_t n = 0;

	while (n < max && (*p == '\t' || *p == ' ' || (*p >= '0' && *p <= '9'))) {
		char *end;
		long x = strtol(p, &end, 10);
		if (end == p)
			break;
		v[n++] = (pid_t)x;
		p = end;
	}
	return n;
}

static void parse_status(const char *s, struct procinfo *p, struct arena *a)
{
	pid_t ids[4] = {0};

	/* The name comes first and may not hold a newline, so the keys below are the kernel's. */
	if (numbers(value_of(s, "\nUid:"), ids, 4) >= 2) {
		p->ruid = (uid_t)ids[0];
		p->euid = (uid_t)ids[1];
	}
	if (numbers(value_of(s, "\nGid:"), ids, 4) >= 2) {
		p->rgid = (gid_t)ids[0];
		p->egid = (gid_t)ids[1];
	}
	const char *g = value_of(s, "\nGroups:");
	size_t room = strcspn(g, "\n") / 2 + 1;
	p->groups.v = arena_alloc(a, room * sizeof *p->groups.v);
	p->groups.n = numbers(g, (pid_t *)p->groups.v, room);
	p->cap_inh = hex_of(s, "\nCapInh:");
	p->cap_prm = hex_of(s, "\nCapPrm:");
	p->cap_eff = hex_of(s, "\nCapEff:");
	p->cap_bnd = hex_of(s, "\nCapBnd:");
	p->cap_amb = hex_of(s, "\nCapAmb:");
	p->seccomp = (int)strtol(value_of(s, "\nSeccomp:"), NULL, 10);
	p->ns.n = numbers(value_of(s, "\nNSpid:"), p->ns.pid, PROC_DEPTH);
	numbers(value_of(s, "\nNSpgid:"), p->ns.pgid, PROC_DEPTH);
	numbers(value_of(s, "\nNSsid:"), p->ns.sid, PROC_DEPTH);
}

static const char *join_args(struct str *raw, struct arena *a)
{
	size_t n = raw->len;

	while (n && !raw->s[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		if (!raw->s[i])
			raw->s[i] = ' ';
	return arena_strndup(a, n ? raw->s : "", n);
}

int procinfo_read(int proc, pid_t pid, struct procinfo *ret, struct arena *a)
{
	scoped(str) stat = {0};
	scoped(str) status = {0};
	scoped(str) args = {0};

	*ret = (struct procinfo){.pid = pid};
	int r = read_part(proc, pid, "stat", &stat, 4096);
	if (r == 0)
		r = parse_stat(str_cstr(&stat), ret, a);
	if (r == 0)
		r = read_part(proc, pid, "status", &status, 64 * 1024);
	if (r < 0)
		return r;
	parse_status(str_cstr(&status), ret, a);
	if (read_part(proc, pid, "cmdline", &args, ARGS_MAX) < 0)
		str_reset(&args);
	ret->args = join_args(&args, a);
	return ret->ns.n ? 0 : -ESRCH;
}

int procinfo_owner(int proc, pid_t pid, struct stat *ret)
{
	char path[40];

	snprintf(path, sizeof path, "%d/ns/mnt", (int)pid);
	autoclose int mnt = openat(proc, path, O_RDONLY | O_CLOEXEC);
	autoclose int user = mnt < 0 ? -1 : ioctl(mnt, NS_GET_USERNS);
	return user < 0 || fstat(user, ret) < 0 ? -errno : 0;
}

bool procinfo_is_below(int proc, pid_t pid, const struct stat *ns)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof path, "%d/ns/user", (int)pid);
	autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	for (int depth = 0; fd >= 0 && depth < PROC_DEPTH; depth++) {
		if (fstat(fd, &st) < 0)
			return false;
		if (st.st_ino == ns->st_ino && st.st_dev == ns->st_dev)
			return true;
		int parent = ioctl(fd, NS_GET_PARENT); /* EPERM above our own */
		close(fd);
		fd = parent;
	}
	return false;
}
