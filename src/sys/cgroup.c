#include <dirent.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "sys/cgroup.h"

enum { FILE_MAX = 64 << 10, DEPTH_MAX = 16 };

static const char *const names[] = {"cpu",  "cpuset",  "io",   "memory",
				    "pids", "hugetlb", "rdma", "misc"};

const char *cgroup_controller_name(unsigned one)
{
	for (size_t i = 0; i < countof(names); i++)
		if (one == 1U << i)
			return names[i];
	return "";
}

static unsigned by_name(const char *s, size_t n)
{
	for (size_t i = 0; i < countof(names); i++)
		if (strlen(names[i]) == n && !strncmp(names[i], s, n))
			return 1U << i;
	return 0;
}

unsigned cgroup_controller_of(const char *file)
{
	return by_name(file, strcspn(file, "."));
}

void cgroup_controllers_text(unsigned set, struct str *ret)
{
	for (size_t i = 0; i < countof(names); i++)
		if (set & (1U << i))
			str_addf(ret, "%s%s", ret->len ? " " : "", names[i]);
}

bool cgroup_is_v2(void)
{
	struct statfs fs;

	return statfs(CGROUP_MOUNT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_own(struct str *ret)
{
	return cgroup_of(0, ret);
}

int cgroup_of(pid_t pid, struct str *ret)
{
	scoped(str) text = {0};
	char file[40] = "/proc/self/cgroup";

	if (pid)
		snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
	int r = fd_read_file_at(AT_FDCWD, file, &text, FILE_MAX);

	if (r < 0)
		return r;
	for (const char *p = str_cstr(&text); *p;) {
		size_t n = strcspn(p, "\n");
		/* What lies above a cgroup namespace begins with "/..", a removed one ends with a word. */
		if (str_starts(p, "0::/") && !str_starts(p, "0::/..") &&
		    !memmem(p, n, " (deleted)", 10)) {
			str_addn(ret, p + 3, n - 3);
			return 0;
		}
		p += n;
		p += *p == '\n';
	}
	return -ENOENT;
}

static int open_below(int dir, const char *path)
{
	const struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};

	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
	return fd < 0 ? -errno : fd;
}

static bool has_dotdot(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

static int open_mount(void)
{
	int fd = open(CGROUP_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cgroup_open(const char *path)
{
	autoclose int root = open_mount();

	if (root < 0 || !path[strspn(path, "/")])
		return take_fd(root);
	return has_dotdot(path) ? -EXDEV : open_below(root, path + strspn(path, "/"));
}

int cgroup_open_make(const char *path)
{
	autoclose int root = open_mount();

	path += strspn(path, "/");
	if (root < 0 || !*path)
		return take_fd(root);
	if (has_dotdot(path))
		return -EXDEV;
	int r = path_mkdir_p_at(root, path, 0755);
	return r < 0 ? r : open_below(root, path);
}

bool cgroup_is_ours(int dir)
{
	return faccessat(dir, ".", W_OK, 0) == 0 && faccessat(dir, "cgroup.procs", W_OK, 0) == 0 &&
	       faccessat(dir, "cgroup.subtree_control", W_OK, 0) == 0;
}

bool cgroup_is_delegated(int dir)
{
	char buf[4];

	return fgetxattr(dir, "user.delegate", buf, sizeof buf) == 1 && buf[0] == '1';
}

static unsigned read_set(int dir, const char *file)
{
	scoped(str) text = {0};
	unsigned set = 0;

	if (cgroup_read(dir, file, &text) < 0)
		return 0;
	for (const char *p = str_cstr(&text); *p;) {
		size_t n = strcspn(p, " \n");
		set |= by_name(p, n);
		p += n + (p[n] != 0);
	}
	return set;
}

unsigned cgroup_controllers(int dir)
{
	return read_set(dir, "cgroup.controllers");
}

unsigned cgroup_handed_on(int dir)
{
	return read_set(dir, "cgroup.subtree_control");
}

int cgroup_hand_on(int dir, unsigned controllers)
{
	scoped(str) text = {0};

	for (size_t i = 0; i < countof(names); i++)
		if (controllers & (1U << i))
			str_addf(&text, "%s+%s", text.len ? " " : "", names[i]);
	return text.len ? cgroup_write(dir, "cgroup.subtree_control", text.s) : 0;
}

int cgroup_write(int dir, const char *file, const char *text)
{
	autoclose int fd = openat(dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_read(int dir, const char *file, struct str *ret)
{
	autoclose int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd_read_all(fd, ret, FILE_MAX);
}

static int number_at(const char *p, uint64_t *ret)
{
	char digits[24];
	size_t n = strcspn(p, " \n");

	if (n == 3 && !strncmp(p, "max", 3)) {
		*ret = UINT64_MAX;
		return 0;
	}
	if (n >= sizeof digits)
		return -EINVAL;
	memcpy(digits, p, n);
	digits[n] = 0;
	return parse_u64(digits, UINT64_MAX, ret);
}

int cgroup_number(int dir, const char *file, const char *key, uint64_t *ret)
{
	scoped(str) text = {0};
	size_t n = key ? strlen(key) : 0;
	int r = cgroup_read(dir, file, &text);

	if (r < 0)
		return r;
	const char *p = str_cstr(&text);
	while (key && *p && (strncmp(p, key, n) != 0 || p[n] != ' ')) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return *p ? number_at(key ? p + n + 1 : p, ret) : -ENOENT;
}

int cgroup_move(int dir, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof text, "%d", (int)pid);
	return cgroup_write(dir, "cgroup.procs", text);
}

/* Passes until nobody is left: who is moved may have made children before. */
int cgroup_move_all(int from, int to)
{
	for (int pass = 0; pass < 100; pass++) {
		scoped(str) text = {0};
		int r = cgroup_read(from, "cgroup.procs", &text);
		if (r < 0 || !text.len)
			return r;
		for (const char *p = text.s; *p;) {
			uint64_t pid;
			if (number_at(p, &pid) == 0 && pid <= INT_MAX) {
				r = cgroup_move(to, (pid_t)pid);
				if (r < 0 && r != -ESRCH)
					return r;
			}
			p += strcspn(p, "\n");
			p += *p == '\n';
		}
	}
	return -EBUSY;
}

int cgroup_kill(int dir)
{
	return cgroup_write(dir, "cgroup.kill", "1");
}

/* What is below it first. */
static int remove_tree(int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		fd_close(&fd);
		return -EBUSY;
	}
	for (struct dirent *de; depth < DEPTH_MAX && (de = readdir(d));)
		if (de->d_type == DT_DIR && de->d_name[0] != '.')
			remove_tree(fd, de->d_name, depth + 1);
	closedir(d);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgroup_remove(int parent, const char *name)
{
	int r = remove_tree(parent, name, 0);

	for (int ms = 1; r == -EBUSY && ms < 1000; ms *= 2) {
		autoclose int dir =
			openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		cgroup_kill(dir);
		usleep((useconds_t)ms * 1000);
		r = remove_tree(parent, name, 0);
	}
	return r;
}

int cgroup_freeze(int dir, bool on)
{
	int64_t until = time_mono_ms() + 5000;
	autoclose int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	uint64_t is = 0;

	int r = events < 0 ? -errno : cgroup_write(dir, "cgroup.freeze", on ? "1" : "0");
	while (r == 0) {
		struct pollfd p = {.fd = events, .events = POLLPRI};
		char buf[256];
		ssize_t n = pread(events, buf, sizeof buf - 1, 0); /* so that poll waits for news */
		buf[n > 0 ? n : 0] = 0;
		const char *at = strstr(buf, "frozen ");
		if (n < 0 || !at || number_at(at + 7, &is) < 0)
			return n < 0 ? -errno : -EIO;
		if ((is != 0) == on)
			return 0;
		int64_t left = until - time_mono_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		poll(&p, 1, (int)left);
	}
	return r;
}
