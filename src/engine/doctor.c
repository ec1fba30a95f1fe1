/*
 * How it works: what needs no namespace is looked at here; then a child makes a user namespace like U0 and tries the rest in it, with the findings in memory
 * that both see. Commands that need root begin with sudo, unless it is root who asks.
 */
#include <pwd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <linux/magic.h>

#include "base/base.h"
#include "base/dl.h"
#include "base/parse.h"
#include "base/task.h"
#include "engine/doctor.h"
#include "engine/linger.h"
#include "net/ping.h"
#include "net/probe.h"
#include "registry/endpoints.h"
#include "state/container.h"
#include "state/u0.h"
#include "sys/cgroup.h"
#include "sys/landlock.h"
#include "sys/mounts.h"
#include "sys/overlay.h"
#include "sys/systemd.h"

const char *doctor_status_name(enum doctor_status s)
{
	return s == DOCTOR_OK ? "OK" : s == DOCTOR_WARN ? "WARN" : "FAIL";
}

static struct doctor_finding *add(struct doctor *d, const char *id, const char *title)
{
	struct doctor_finding *f = &d->v[d->n < DOCTOR_MAX - 1 ? d->n++ : d->n];

	*f = (struct doctor_finding){0};
	snprintf(f->id, sizeof f->id, "%s", id);
	snprintf(f->title, sizeof f->title, "%s", title);
	return f;
}

static void set(struct doctor_finding *f, enum doctor_status s, const char *fmt, ...)
	printf_like(3, 4);
static void set(struct doctor_finding *f, enum doctor_status s, const char *fmt, ...)
{
	va_list ap;

	f->status = s;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

static void fix_as_root(struct doctor_finding *f, const char *fmt, ...) printf_like(2, 3);
static void fix_as_root(struct doctor_finding *f, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(f->fix, sizeof f->fix, "%s", geteuid() ? "sudo " : "");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->fix + n, sizeof f->fix - n, fmt, ap);
	va_end(ap);
}

/* How this distribution installs a package that Debian, Fedora and Arch call by these names. */
static void fix_package(struct doctor_finding *f, const char *debian, const char *fedora,
			const char *arch)
{
	if (access("/usr/bin/apt-get", X_OK) == 0)
		fix_as_root(f, "apt-get install -y %s", debian);
	else if (access("/usr/bin/dnf", X_OK) == 0)
		fix_as_root(f, "dnf install -y %s", fedora);
	else if (access("/usr/bin/pacman", X_OK) == 0)
		fix_as_root(f, "pacman -S --noconfirm %s", arch);
}

static uint64_t number_in(const char *path)
{
	scoped(str) s = {0};
	uint64_t n = 0;

	if (fd_read_file_at(AT_FDCWD, path, &s, 64) < 0)
		return 0;
	s.len = strcspn(str_cstr(&s), "\n \t");
	s.s[s.len] = 0;
	return parse_u64(s.s, UINT64_MAX, &n) < 0 ? 0 : n;
}

/* ---- the machine */

static void kernel(struct doctor *d)
{
	struct doctor_finding *f = add(d, "kernel", "Kernel");
	struct utsname u = {0};
	unsigned major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	if (major > 5 || (major == 5 && minor >= 11))
		set(f, DOCTOR_OK, "Linux %s", u.release);
	else
		set(f, DOCTOR_FAIL, "Linux %s: ordinary users can mount an overlay since 5.11 only",
		    u.release);
}

static void libraries(struct doctor *d)
{
	static const struct {
		const char *so, *what, *debian, *fedora, *arch;
		bool needed;
	} libs[] = {
#ifndef HOY_STATIC_CURL
		{"libcurl.so.4", "registries cannot be reached", "libcurl4", "libcurl", "curl",
		 true},
#endif
#ifndef HOY_STATIC_ARCHIVE
		{"libarchive.so.13", "layers compressed with xz and bzip2 cannot be read",
		 "libarchive13", "libarchive", "libarchive", false},
#endif
	};
	struct doctor_finding *f = add(d, "libraries", "Libraries");

	set(f, DOCTOR_OK, "all that are opened when they are needed are there");
	for (size_t i = 0; i < countof(libs); i++) {
		bool loaded = false;
		if (dl_load(&loaded, libs[i].so, NULL, 0, NULL) == 0)
			continue;
		set(f, libs[i].needed ? DOCTOR_FAIL : DOCTOR_WARN, "%s is missing: %s", libs[i].so,
		    libs[i].what);
		fix_package(f, libs[i].debian, libs[i].fedora, libs[i].arch);
		return;
	}
}

static void security(struct doctor *d)
{
	struct doctor_finding *f = add(d, "security", "Security");
	bool landlock = landlock_enter(NULL, 0) != -ENOSYS;

	if (access("/proc/sys/kernel/seccomp/actions_avail", F_OK) < 0)
		set(f, DOCTOR_FAIL, "the kernel lacks seccomp, without which no container starts");
	else
		set(f, DOCTOR_OK, "seccomp%s%s%s", landlock ? ", landlock" : "",
		    access("/sys/kernel/security/apparmor", F_OK) == 0 ? ", apparmor" : "",
		    access("/sys/fs/selinux/enforce", F_OK) == 0 ? ", selinux" : "");
}

/* Limits of the kernel and of this login that are met by who runs many containers. */
static void capacity(struct doctor *d)
{
	static const struct {
		const char *name, *path;
		uint64_t wanted;
	} limits[] = {
		{"user.max_user_namespaces", "/proc/sys/user/max_user_namespaces", 1000},
		{"user.max_net_namespaces", "/proc/sys/user/max_net_namespaces", 1000},
		{"user.max_mnt_namespaces", "/proc/sys/user/max_mnt_namespaces", 1000},
		{"kernel.pid_max", "/proc/sys/kernel/pid_max", 8192},
	};
	struct doctor_finding *f = add(d, "capacity", "Capacity");
	struct rlimit procs = {0};

	set(f, DOCTOR_OK, "500 containers can run at once");
	for (size_t i = 0; i < countof(limits); i++) {
		uint64_t n = number_in(limits[i].path);
		if (!n || n >= limits[i].wanted)
			continue;
		set(f, DOCTOR_WARN, "%s is %" PRIu64 ": that bounds how many containers can run",
		    limits[i].name, n);
		fix_as_root(f, "sysctl -w %s=%" PRIu64, limits[i].name, limits[i].wanted * 30);
		return;
	}
	if (getrlimit(RLIMIT_NPROC, &procs) == 0 && procs.rlim_cur < 2000)
		set(f, DOCTOR_WARN,
		    "this login may have %" PRIu64 " processes, those in containers included: "
		    "raise ulimit -u",
		    (uint64_t)procs.rlim_cur);
}

static void ports(struct doctor *d)
{
	struct doctor_finding *f = add(d, "ports", "Ports");
	uint64_t first = number_in("/proc/sys/net/ipv4/ip_unprivileged_port_start");

	if (!geteuid() || first <= 80) {
		set(f, DOCTOR_OK, "ports from %" PRIu64 " on can be published",
		    geteuid() ? first : 1);
		return;
	}
	set(f, DOCTOR_WARN, "ports below %" PRIu64 " cannot be published (80, 443)", first);
	fix_as_root(f, "sysctl -w net.ipv4.ip_unprivileged_port_start=80");
}

static void ping(struct doctor *d)
{
	struct doctor_finding *f = add(d, "ping", "Ping");

	if (ping_allowed()) {
		set(f, DOCTOR_OK, "echo requests of containers reach the world");
		return;
	}
	set(f, DOCTOR_WARN, "echo requests of containers end at the gateway");
	fix_as_root(f, "sysctl -w net.ipv4.ping_group_range='0 2147483647'");
}

/* ---- limits */

static unsigned user_manager_controllers(void)
{
	char path[120];

	snprintf(path, sizeof path, "/user.slice/user-%u.slice/user@%u.service",
		 (unsigned)geteuid(), (unsigned)geteuid());
	autoclose int dir = cgroup_open(path);
	return dir < 0 ? 0 : cgroup_controllers(dir);
}

static void limits(struct doctor *d)
{
	enum { WANTED = CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS };
	struct doctor_finding *f = add(d, "limits", "Limits");
	scoped(str) own = {0}, names = {0};
	struct systemd manager;
	bool asked = systemd_find(&manager) == 0;
	unsigned have = asked && geteuid() ? user_manager_controllers() : 0;

	if (!cgroup_is_v2()) {
		set(f, DOCTOR_WARN,
		    "cgroup v2 is not mounted at " CGROUP_MOUNT
		    ": --memory, --cpus and --pids-limit are refused");
		if (access("/sbin/grubby", X_OK) == 0)
			fix_as_root(f, "grubby --update-kernel=ALL "
				       "--args=systemd.unified_cgroup_hierarchy=1");
		return;
	}
	autoclose int dir = cgroup_own(&own) < 0 ? -1 : cgroup_open(own.s);
	bool ours = dir >= 0 && cgroup_is_ours(dir);
	if (!have && ours)
		have = cgroup_controllers(dir);
	if (!asked && !ours) {
		set(f, DOCTOR_WARN,
		    "no cgroup was handed over to this user, and no user manager "
		    "of systemd runs: --memory, --cpus and --pids-limit are "
		    "refused");
		if (access("/usr/bin/loginctl", X_OK) == 0)
			fix_as_root(f, "loginctl enable-linger %u", (unsigned)geteuid());
		return;
	}
	if ((have & WANTED) == WANTED || (asked && !geteuid())) {
		cgroup_controllers_text(have, &names);
		set(f, DOCTOR_OK, "%s, %s",
		    asked ? "by scopes of systemd" : "by cgroups of this user",
		    names.len ? str_cstr(&names) : "all controllers");
		return;
	}
	cgroup_controllers_text(WANTED & ~have, &names);
	set(f, DOCTOR_WARN, "not handed over to this user: %s", str_cstr(&names));
	if (asked)
		fix_as_root(f, "sh -c 'mkdir -p /etc/systemd/system/user@.service.d && printf "
			       "\"[Service]\\nDelegate=cpu cpuset io memory pids\\n\" "
			       ">/etc/systemd/system/user@.service.d/delegate.conf && systemctl "
			       "daemon-reload'");
}

static void linger(struct doctor *d)
{
	if (!geteuid() || access("/run/systemd/system", F_OK) < 0)
		return;
	struct doctor_finding *f = add(d, "linger", "Logout");
	if (!linger_is_off()) {
		set(f, DOCTOR_OK, "containers go on after you log out");
		return;
	}
	set(f, DOCTOR_WARN, "systemd may end your containers when you log out");
	snprintf(f->fix, sizeof f->fix, "loginctl enable-linger");
}

/* ---- the store */

/* The store, or where it would be made. */
static int open_place(const char *root, struct home *h, struct str *path)
{
	struct err e = {0};
	int r = home_open_existing(h, root, &e);

	if (r == 0) {
		str_add(path, h->path);
		return openat(h->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (r != -ENOENT)
		return r;
	const char *home = home_of_user();
	str_add(path, !str_is_empty(root) ? root : home ? home : "/");
	for (;;) {
		int fd = open(str_cstr(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		char *slash = strrchr(path->s, '/');
		if (fd >= 0 || errno != ENOENT || !slash || slash == path->s)
			return fd < 0 ? -errno : fd;
		path->len = (size_t)(slash - path->s);
		*slash = 0;
	}
}

/* No upper directory of an overlay can lie there. */
static const char *no_upper(int fd)
{
	static const struct {
		unsigned magic;
		const char *name;
	} bad[] = {{NFS_SUPER_MAGIC, "NFS"},
		   {FUSE_SUPER_MAGIC, "FUSE"},
		   {OVERLAYFS_SUPER_MAGIC, "another overlay"},
		   {ECRYPTFS_SUPER_MAGIC, "ecryptfs"},
		   {MSDOS_SUPER_MAGIC, "FAT"}};
	struct statfs fs;
	char value[8];

	if (fstatfs(fd, &fs) < 0)
		return NULL;
	for (size_t i = 0; i < countof(bad); i++)
		if ((unsigned)fs.f_type == bad[i].magic)
			return bad[i].name;
	/* asking for one that is not there writes nothing */
	if (fgetxattr(fd, "user.hoy.none", value, sizeof value) < 0 && errno == EOPNOTSUPP)
		return "a file system without user xattrs";
	return NULL;
}

static void store(struct doctor *d, const char *path, int fd)
{
	struct doctor_finding *f = add(d, "store", "Store");
	scoped(str) room = {0};
	struct statvfs v;

	if (fd < 0 || fstatvfs(fd, &v) < 0) {
		set(f, DOCTOR_FAIL, "%.200s: %s", path, strerror(fd < 0 ? -fd : errno));
		return;
	}
	uint64_t left = (uint64_t)v.f_bavail * v.f_frsize;
	size_human(&room, left);
	const char *bad = no_upper(fd);
	if (v.f_flag & ST_RDONLY || faccessat(fd, ".", W_OK, 0) < 0)
		set(f, DOCTOR_FAIL,
		    "%.200s cannot be written: images and containers can only be "
		    "looked at",
		    path);
	else if (left < 100 << 20)
		set(f, DOCTOR_FAIL, "%.200s: only %s free", path, str_cstr(&room));
	else if (left < 1 << 30 || (v.f_files && v.f_favail < 20000))
		set(f, DOCTOR_WARN, "%.200s: only %s and %" PRIu64 " files free", path,
		    str_cstr(&room), (uint64_t)v.f_favail);
	else if (bad)
		set(f, DOCTOR_WARN,
		    "%.200s lies on %s: each container gets a copy of its image; "
		    "--root or HOY_ROOT name another place",
		    path, bad);
	else
		set(f, DOCTOR_OK, "%.200s, %s free", path, str_cstr(&room));
	if (f->status != DOCTOR_OK && strstr(f->text, "free"))
		snprintf(f->fix, sizeof f->fix, "hoy system prune -f");
}

static void containers(struct doctor *d, const struct home *h)
{
	scoped(strv) ids = {0};
	size_t lost = 0;
	const char *name = NULL;
	scoped(arena) a = {0};

	if (h->fd < 0 || container_ids(h, &ids, NULL) < 0)
		return;
	struct doctor_finding *f = add(d, "containers", "Containers");
	for (size_t i = 0; i < ids.n; i++) {
		struct container_state s = {0};
		if (container_state_read(h, ids.v[i], &s, &a, NULL) < 0 ||
		    container_derive(h, &s) != CONTAINER_LOST)
			continue;
		lost++;
		name = s.name;
	}
	if (!lost) {
		set(f, DOCTOR_OK, "%zu, none without its supervisor", ids.n);
		return;
	}
	set(f, DOCTOR_WARN, "%zu lost: the supervisor was killed, the processes still run", lost);
	snprintf(f->fix, sizeof f->fix, "hoy stop %s", name);
}

static void registries(struct doctor *d)
{
	struct doctor_finding *f = add(d, "registries", "Registries");
	scoped(registries) r = {0};
	struct err e = {0};

	if (registries_load(&r, &e) < 0)
		set(f, DOCTOR_FAIL, "%s", e.msg);
	else
		set(f, DOCTOR_OK, "short names are looked for at %zu place%s",
		    r.search.n ? r.search.n : 1, r.search.n > 1 ? "s" : "");
}

/* ---- in the child */

/* Why there is one id only, and what helps. */
static void explain_one(struct doctor_finding *f)
{
	struct passwd *pw = getpwuid(geteuid());
	const char *user = pw ? pw->pw_name : "USER";

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		set(f, DOCTOR_WARN,
		    "one id only, because this process may gain no rights "
		    "(no_new_privs): newuidmap cannot work");
	} else if (!userns_newuidmap_path()) {
		set(f, DOCTOR_WARN, "one id only, because newuidmap is not installed");
		fix_package(f, "uidmap", "shadow-utils", "shadow");
	} else {
		set(f, DOCTOR_WARN, "one id only: %s has no subordinate ids", user);
		fix_as_root(f, "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			    user);
	}
}

static bool namespaces(struct doctor *d)
{
	struct doctor_finding *f = add(d, "user-namespaces", "User namespaces");
	struct doctor_finding one = {0};
	struct u0_map map;
	struct err e = {0};

	explain_one(&one); /* as long as we are who we are */
	if (u0_try(&map, &e) < 0) {
		set(f, DOCTOR_FAIL, "%s%s%s", e.msg, *e.hint ? "; " : "", e.hint);
		return false;
	}
	uint64_t ids = 0;
	for (size_t i = 0; i < map.uids.n; i++)
		ids += map.uids.r[i].count;
	if (map.form != FORM_ONE) {
		set(f, DOCTOR_OK, "%" PRIu64 " ids", ids);
		return true;
	}
	f->status = one.status;
	memcpy(f->text, one.text, sizeof f->text);
	memcpy(f->fix, one.fix, sizeof f->fix);
	return true;
}

/* On a tmpfs of our own. */
static void overlay(struct doctor *d)
{
	enum { LOWER, UPPER, WORK, MERGED };
	static const char *const names[] = {"lower", "upper", "work", "merged"};
	struct doctor_finding *f = add(d, "overlay", "Overlay");
	int fds[countof(names)];
	struct err e = {0};
	bool attached;

	set(f, DOCTOR_OK, "containers share the files of their images");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m") < 0) {
		set(f, DOCTOR_FAIL, "mounts cannot be made: %s", strerror(errno));
		return;
	}
	autoclose int base = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t k = 0; k < countof(names); k++) {
		mkdirat(base, names[k], 0700);
		fds[k] = openat(base, names[k], O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	struct overlay o = {.lower = &fds[LOWER],
			    .nlower = 1,
			    .upper = fds[UPPER],
			    .work = fds[WORK],
			    .target_dir = base,
			    .target = names[MERGED]};
	if (overlay_mount(&o, &attached, &e) >= 0)
		return;
	set(f, DOCTOR_WARN, "%s: each container gets a copy of its image", e.msg);
	if (access("/sys/module/overlay", F_OK) < 0)
		fix_as_root(f, "modprobe overlay");
}

static void networks(struct doctor *d)
{
	struct doctor_finding *f = add(d, "networks", "Networks");
	struct net_probe p;
	struct err e = {0};

	if (netns_probe(&p, &e) < 0) {
		set(f, DOCTOR_FAIL, "%s", e.msg);
		return;
	}
	if (p.ok) {
		set(f, DOCTOR_OK, "bridges, nftables, TUN devices%s", p.ipv6 ? ", IPv6" : "");
		return;
	}
	netns_probe_error(&p, &e);
	set(f, DOCTOR_WARN, "%s; containers use pasta or slirp4netns if they are installed", e.msg);
	scoped(str) modules = {0};
	for (unsigned i = 0; i < p.n; i++)
		if (*p.missing[i].module && !strstr(str_cstr(&modules), p.missing[i].module))
			str_addf(&modules, " %s", p.missing[i].module);
	if (modules.len)
		fix_as_root(f, "modprobe -a%s", modules.s);
	else if (p.n && !strcmp(p.missing[0].what, PROBE_TUN))
		fix_as_root(f, "chmod 0666 /dev/net/tun");
}

static int try_in_child(void *arg, struct err *e)
{
	struct doctor *d = arg;

	if (namespaces(d))
		overlay(d);
	return 0;
}

int doctor_examine(const char *root, struct doctor *ret, struct err *e)
{
	struct doctor *d =
		mmap(NULL, sizeof *d, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	scoped(home) h = {.fd = -1};
	scoped(str) path = {0};

	if (d == MAP_FAILED)
		return err_set(e, errno, "mmap");
	autoclose int fd = open_place(root, &h, &path);
	kernel(d);
	int r = task_run(try_in_child, d, NULL, e);
	networks(d);
	ping(d);
	ports(d);
	limits(d);
	linger(d);
	store(d, str_cstr(&path), fd);
	containers(d, &h);
	registries(d);
	libraries(d);
	security(d);
	capacity(d);
	*ret = *d;
	munmap(d, sizeof *d);
	return r;
}
