#include <dirent.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <linux/magic.h>

#include "base/base.h"
#include "engine/info.h"
#include "monitor/ladder.h"
#include "net/ping.h"
#include "net/probe.h"
#include "runtime/seccomp_profile.h"
#include "state/container.h"
#include "state/tmp.h"
#include "sys/file_copy.h"
#include "sys/overlay.h"

void info_free(struct info *i)
{
	free(i->store);
	registries_free(&i->registries);
	arena_free(&i->arena);
}

/* The first bytes of a small file without its last newline; "" if it cannot be read. */
static const char *slurp(struct arena *a, const char *path)
{
	char buf[4096];
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf);

	while (n > 0 && buf[n - 1] == '\n')
		n--;
	return arena_strndup(a, buf, n > 0 ? (size_t)n : 0);
}

/* The value of KEY= in os-release(5), without its quotes. */
static const char *os_release(struct arena *a, const char *text, const char *key)
{
	size_t k = strlen(key);

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		if (n > k && !strncmp(line, key, k) && line[k] == '=') {
			const char *v = line + k + 1;
			size_t len = n - k - 1;
			bool quoted = len >= 2 && (*v == '"' || *v == '\'') && v[len - 1] == *v;
			return arena_strndup(a, v + quoted, len - 2 * quoted);
		}
		line += n + (line[n] == '\n');
	}
	return "";
}

static void look_at_machine(struct info *i)
{
	struct arena *a = &i->arena;
	struct sysinfo si = {0};
	struct utsname u = {0};

	uname(&u);
	i->kernel = arena_strdup(a, u.release);
	i->machine = arena_strdup(a, u.machine);
	i->hostname = arena_strdup(a, u.nodename);
	const char *text = slurp(a, "/etc/os-release");
	if (!*text)
		text = slurp(a, "/usr/lib/os-release");
	i->os_name = os_release(a, text, "PRETTY_NAME");
	i->os_id = os_release(a, text, "ID");
	i->os_version = os_release(a, text, "VERSION_ID");
	sysinfo(&si);
	i->memory = (uint64_t)si.totalram * si.mem_unit;
	i->memory_free = (uint64_t)si.freeram * si.mem_unit;
	i->swap = (uint64_t)si.totalswap * si.mem_unit;
	i->swap_free = (uint64_t)si.freeswap * si.mem_unit;
	i->uptime = (uint64_t)si.uptime;
	i->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	i->seccomp = !access("/proc/sys/kernel/seccomp/actions_avail", F_OK);
	i->apparmor = str_starts(slurp(a, "/sys/module/apparmor/parameters/enabled"), "Y");
	i->selinux = !access("/sys/fs/selinux/enforce", F_OK);
}

static void look_at_cgroups(struct info *i)
{
	struct arena *a = &i->arena;
	struct statfs fs;

	i->controllers = "";
	if (statfs("/sys/fs/cgroup", &fs) < 0)
		return;
	i->cgroup_version = fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : fs.f_type == TMPFS_MAGIC ? 1 : 0;
	const char *own = strstr(slurp(a, "/proc/self/cgroup"), "0::/");
	if (i->cgroup_version != 2 || !own)
		return;
	const char *dir =
		arena_printf(a, "/sys/fs/cgroup%.*s", (int)strcspn(own + 3, "\n"), own + 3);
	if (!access(dir, W_OK))
		i->controllers = slurp(a, arena_printf(a, "%s/cgroup.controllers", dir));
}

/* The usual names of the file systems that a store lies on (statfs(2)). */
static const char *fs_name(const struct statfs *fs)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{EXT4_SUPER_MAGIC, "ext4"},	    {BTRFS_SUPER_MAGIC, "btrfs"},
		{XFS_SUPER_MAGIC, "xfs"},	    {TMPFS_MAGIC, "tmpfs"},
		{OVERLAYFS_SUPER_MAGIC, "overlay"}, {NFS_SUPER_MAGIC, "nfs"},
		{F2FS_SUPER_MAGIC, "f2fs"},	    {ECRYPTFS_SUPER_MAGIC, "ecryptfs"},
		{FUSE_SUPER_MAGIC, "fuse"},	    {0x2fc12fc1, "zfs"},
	};

	for (size_t i = 0; i < countof(known); i++)
		if ((unsigned long)fs->f_type == known[i].magic)
			return known[i].name;
	return "other";
}

static size_t count_images(const struct home *h)
{
	int fd = openat(h->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	for (struct dirent *de; d && (de = readdir(d));)
		n += strlen(de->d_name) == 64;
	if (d)
		closedir(d);
	return n;
}

static void look_at_store(struct info *i, const struct home *h)
{
	scoped(strv) ids = {0};
	struct statfs fs = {0};
	struct err ignored;

	i->store = xstrdup(h->path);
	fstatfs(h->fd, &fs);
	i->store_fs = fs_name(&fs);
	i->store_size = (uint64_t)fs.f_blocks * (uint64_t)fs.f_frsize;
	i->store_free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
	i->images = count_images(h);
	container_ids(h, &ids, &ignored);
	i->containers = ids.n;
	for (size_t k = 0; k < ids.n; k++) {
		scoped(arena) a = {0};
		struct container_state s = {0};
		if (container_state_read(h, ids.v[k], &s, &a, &ignored) == 0)
			i->running += container_derive(h, &s) == CONTAINER_RUNNING;
	}
}

/* What the child in U0 finds out; the memory is shared with it. */
struct trial {
	char dir[4096]; /* tmp/<hex> with lower, upper, work, merged */
	struct u0_map map;
	bool entered, overlay;
	int ids;
	struct err overlay_error;
};

static int try_overlay(const char *dir, struct err *e)
{
	enum { LOWER, UPPER, WORK, MERGED };
	static const char *const names[] = {"lower", "upper", "work", "merged"};
	int fds[countof(names)];
	bool attached;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(e, errno, "make a mount namespace");
	int base = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t k = 0; k < countof(names); k++) {
		mkdirat(base, names[k], 0700);
		fds[k] = openat(base, names[k], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fds[k] < 0)
			return err_set(e, errno, "make %s/%s", dir, names[k]);
	}
	struct overlay o = {.lower = &fds[LOWER],
			    .nlower = 1,
			    .upper = fds[UPPER],
			    .work = fds[WORK],
			    .target_dir = base,
			    .target = names[MERGED]};
	int r = overlay_mount(&o, &attached, e);
	return r < 0 ? r : 0; /* the descriptors and the mount end with the process */
}

static int trial_child(const struct u0_map *map, void *arg, struct err *e)
{
	struct trial *t = arg;

	t->map = *map;
	t->entered = true;
	t->overlay = try_overlay(t->dir, &t->overlay_error) == 0;
	if (map->form == FORM_ONE) {
		int listener = seccomp_ids_load();
		t->ids = listener < 0 ? listener : 0;
		if (listener >= 0) /* nobody answers in here: such calls fail from now on */
			close(listener);
	}
	return 0;
}

static int try_namespaces(struct info *i, const struct home *h, struct err *e)
{
	struct home_tmp tmp;
	struct trial *t =
		mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		return err_set(e, errno, "shared memory");
	int r = home_tmp_make(h, NULL, &tmp, e);
	if (r == 0) {
		snprintf(t->dir, sizeof t->dir, "%s/%s", h->path, tmp.name);
		r = u0_run(h, trial_child, t, e);
		i->userns = r == 0 && t->entered;
		i->map = t->map;
		i->ids = t->ids;
		i->overlay = i->userns && t->overlay;
		i->overlay_error = t->overlay_error;
		i->copies = !i->overlay && t->overlay_error.id == ERR_NO_OVERLAY;
		i->reflinks = file_copy_shares(tmp.fd);
		home_tmp_drop(h, &tmp);
	}
	munmap(t, sizeof *t);
	return r;
}

/* A stand-in was chosen because something was missing. Where that has come meanwhile, the next start makes a network of ours again. */
static void look_at_networks(struct info *i, const struct home *h)
{
	struct net_probe probe;
	struct ladder l;

	ladder_read(h, &l);
	i->ping = ping_allowed();
	i->networks = netns_probe(&probe, &i->networks_error) == 0 && probe.ok;
	if (i->networks && l.instead)
		ladder_forget(h);
	if (i->networks || i->networks_error.msg[0])
		return;
	i->networks_instead = l.instead;
	netns_probe_error(&probe, &i->networks_error);
}

int info_collect(const char *root, struct info *ret, struct err *e)
{
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, root, e);

	*ret = (struct info){0};
	if (r < 0)
		return r;
	look_at_machine(ret);
	look_at_cgroups(ret);
	look_at_store(ret, &h);
	registries_load(&ret->registries, &ret->registries_error);
	if (try_namespaces(ret, &h, &ret->userns_error) < 0 && !ret->overlay_error.msg[0])
		err_fail(&ret->overlay_error, ERR_SYSTEM, "not tried without a user namespace");
	look_at_networks(ret, &h);
	return 0;
}
