#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "sys/userns.h"

/* One line of subuid(5): "user:first:count". */
static bool subid_line(char *line, const char *user, uint32_t uid, struct id_range *ret)
{
	char number[16], *first = strchr(line, ':');
	char *count = first ? strchr(first + 1, ':') : NULL;
	uint64_t f, c;

	if (!count)
		return false;
	*first++ = 0;
	*count++ = 0;
	snprintf(number, sizeof number, "%u", uid);
	if (strcmp(line, number) && !str_eq(line, user))
		return false;
	if (parse_u64(first, UINT32_MAX - 1, &f) < 0 || parse_u64(count, UINT32_MAX, &c) < 0 || !c)
		return false;
	*ret = (struct id_range){.outside = (uint32_t)f, .count = (uint32_t)c};
	return true;
}

int userns_subids(const char *file, const char *user, uint32_t uid, uint32_t next, struct id_map *m)
{
	scoped(str) text = {0};
	int found = 0;

	if (fd_read_file_at(AT_FDCWD, file, &text, 4 << 20) < 0 || !text.len)
		return 0;
	char *save = NULL;
	for (char *line = strtok_r(text.s, "\n", &save); line && m->n < ID_RANGES_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		struct id_range r;
		if (!subid_line(line, user, uid, &r))
			continue;
		if (next + (uint64_t)r.count > UINT32_MAX)
			r.count = UINT32_MAX - next;
		r.inside = next;
		next += r.count;
		m->r[m->n++] = r;
		found++;
	}
	return found;
}

int userns_read_map(const char *file, struct id_map *m)
{
	char buf[4096];
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);

	if (n < 0)
		return -errno;
	buf[n] = 0;
	m->n = 0;
	for (char *p = buf; *p && m->n < ID_RANGES_MAX; m->n++) {
		struct id_range *r = &m->r[m->n];
		r->inside = (uint32_t)strtoul(p, &p, 10);
		r->outside = (uint32_t)strtoul(p, &p, 10);
		r->count = (uint32_t)strtoul(p, &p, 10);
		p += strspn(p, " \n");
	}
	return 0;
}

static int write_proc(pid_t pid, const char *name, const char *text, struct err *e)
{
	char path[48];

	if (pid)
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	else
		snprintf(path, sizeof path, "/proc/self/%s", name);
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_set(e, errno, "write %s", path);
	return 0;
}

static int write_map(pid_t pid, const char *name, const struct id_map *m, struct err *e)
{
	scoped(str) text = {0};

	for (size_t i = 0; i < m->n; i++)
		str_addf(&text, "%u %u %u\n", m->r[i].inside, m->r[i].outside, m->r[i].count);
	return write_proc(pid, name, str_cstr(&text), e);
}

int userns_write_maps(pid_t pid, const struct id_map *uids, const struct id_map *gids,
		      bool deny_setgroups, struct err *e)
{
	int r = deny_setgroups ? write_proc(pid, "setgroups", "deny", e) : 0;

	if (r == 0)
		r = write_map(pid, "uid_map", uids, e);
	if (r == 0)
		r = write_map(pid, "gid_map", gids, e);
	return r;
}

/* Where distributions put the two helpers; PATH is not asked, because they are the only programs that hoy trusts. */
static const char *const helper_dirs[] = {"/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin",
					  "/run/wrappers/bin"};

static bool helper_path(const char *name, char *buf, size_t size)
{
	for (size_t i = 0; i < countof(helper_dirs); i++) {
		snprintf(buf, size, "%s/%s", helper_dirs[i], name);
		if (access(buf, X_OK) == 0)
			return true;
	}
	return false;
}

const char *userns_newuidmap_path(void)
{
	static char path[64];

	return helper_path("newuidmap", path, sizeof path) ? path : NULL;
}

static int start_helper(const char *name, pid_t target, const struct id_map *m, int err_fd,
			pid_t *ret, struct err *e)
{
	char path[64];
	scoped(strv) argv = {0};

	if (!helper_path(name, path, sizeof path)) {
		err_fail_code(e, ERR_NO_NEWUIDMAP, ENOENT, "%s is not installed", name);
		return err_hint(e, "install the package uidmap (Debian, Ubuntu) or shadow-utils");
	}
	strv_add(&argv, name);
	strv_addf(&argv, "%d", (int)target);
	for (size_t i = 0; i < m->n; i++) {
		strv_addf(&argv, "%u", m->r[i].inside);
		strv_addf(&argv, "%u", m->r[i].outside);
		strv_addf(&argv, "%u", m->r[i].count);
	}
	const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
	struct spawn sp = {path, (const char *const *)argv.v, env, -1, -1, err_fd};
	return proc_spawn(&sp, ret, e);
}

int userns_newidmap(pid_t pid, const struct id_map *uids, const struct id_map *gids, struct err *e)
{
	int p[2];
	pid_t u = -1, g = -1;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	autoclose int rd = p[0];
	int r = start_helper("newuidmap", pid, uids, p[1], &u, e);
	if (r == 0)
		r = start_helper("newgidmap", pid, gids, p[1], &g, e);
	close(p[1]);
	int su = u > 0 ? proc_wait(u) : 0, sg = g > 0 ? proc_wait(g) : 0;
	if (r < 0)
		return r;
	if (su == 0 && sg == 0)
		return 0;
	char said[200];
	ssize_t n = read(rd, said, sizeof said - 1);
	said[n > 0 ? n : 0] = 0;
	said[strcspn(said, "\n")] = 0;
	err_fail_code(e, ERR_NO_NEWUIDMAP, EPERM, "%s failed: %s", su ? "newuidmap" : "newgidmap",
		      *said ? said : "no reason given");
	return err_hint(
		e, "check /etc/subuid and /etc/subgid, and that newuidmap is setuid root or has "
		   "file capabilities");
}

int64_t userns_owner(int nsfd)
{
	uid_t uid;

	return ioctl(nsfd, NS_GET_OWNER_UID, &uid) < 0 ? -errno : (int64_t)uid;
}

void userns_identity(const struct id_map *m, struct id_map *ret)
{
	*ret = *m;
	for (size_t i = 0; i < ret->n; i++)
		ret->r[i].outside = ret->r[i].inside;
}

int userns_of_mounts(int pidfd)
{
	char path[48], buf[512];

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	autoclose int info = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = info < 0 ? -1 : read(info, buf, sizeof buf - 1);
	if (n < 0)
		return -errno;
	buf[n] = 0;
	const char *p = strstr(buf, "\nPid:");
	long pid = p ? strtol(p + 5, NULL, 10) : 0;
	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof path, "/proc/%ld/ns/mnt", pid);
	autoclose int mnt = open(path, O_RDONLY | O_CLOEXEC);
	int owner = mnt < 0 ? -1 : ioctl(mnt, NS_GET_USERNS);
	if (owner < 0)
		return -errno;
	fcntl(owner, F_SETFD, FD_CLOEXEC);
	return owner;
}

int userns_become(uint32_t uid, uint32_t gid, struct err *e)
{
	const struct id_map uids = {{{uid, geteuid(), 1}}, 1}, gids = {{{gid, getegid(), 1}}, 1};

	if (unshare(CLONE_NEWUSER) < 0)
		return err_set(e, errno, "make a user namespace for user %u", uid);
	/* The files of a process that is not dumpable belong to the host's root, who is nobody here. */
	int was = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 1);
	int r = userns_write_maps(0, &uids, &gids, true, e);
	prctl(PR_SET_DUMPABLE, was == 1);
	return r;
}
