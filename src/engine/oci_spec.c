/* spec and features: what a bundle's config.json may look like, and what of it hoy can. */
#include "base/base.h"
#include "oci/mount_options.h"
#include "engine/oci_parts.h"

static const char *const default_caps[] = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};

static const struct {
	const char *destination, *type, *source, *options;
} default_mounts[] = {
	{"/proc", "proc", "proc", NULL},
	{"/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
	{"/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
	{"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"},
	{"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
	{"/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
	{"/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"},
};

static struct json *words(struct arena *a, const char *const *v, size_t n)
{
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < n; i++)
		json_add(a, l, json_new_str(a, v[i]));
	return l;
}

static struct json *split(struct arena *a, const char *text)
{
	struct json *l = json_new(a, JSON_ARR);
	scoped(strv) v = {0};

	strv_split(&v, text, ',');
	for (size_t i = 0; i < v.n; i++)
		json_add(a, l, json_new_str(a, v.v[i]));
	return l;
}

static struct json *spec_process(struct arena *a)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
	static const char *const args[] = {"sh"}, *const sets[] = {"bounding", "effective",
								   "permitted"};
	struct json *p = json_new(a, JSON_OBJ), *user = json_new(a, JSON_OBJ),
		    *caps = json_new(a, JSON_OBJ), *limits = json_new(a, JSON_ARR),
		    *limit = json_new(a, JSON_OBJ);

	json_set_bool(a, p, "terminal", true);
	json_set_int(a, user, "uid", 0);
	json_set_int(a, user, "gid", 0);
	json_set(a, p, "user", user);
	json_set(a, p, "args", words(a, args, countof(args)));
	json_set(a, p, "env", words(a, env, countof(env)));
	json_set_str(a, p, "cwd", "/");
	for (size_t i = 0; i < countof(sets); i++)
		json_set(a, caps, sets[i], words(a, default_caps, countof(default_caps)));
	json_set(a, p, "capabilities", caps);
	json_set_str(a, limit, "type", "RLIMIT_NOFILE");
	json_set_int(a, limit, "hard", 1024);
	json_set_int(a, limit, "soft", 1024);
	json_add(a, limits, limit);
	json_set(a, p, "rlimits", limits);
	json_set_bool(a, p, "noNewPrivileges", true);
	return p;
}

static struct json *spec_mounts(struct arena *a, bool rootless)
{
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < countof(default_mounts); i++) {
		struct json *m = json_new(a, JSON_OBJ);
		const char *type = default_mounts[i].type, *options = default_mounts[i].options;
		bool bind_sys = rootless && !strcmp(type, "sysfs");
		json_set_str(a, m, "destination", default_mounts[i].destination);
		json_set_str(a, m, "type", bind_sys ? "none" : type);
		json_set_str(a, m, "source", bind_sys ? "/sys" : default_mounts[i].source);
		/* Group 5 is not among the ids of one user. */
		if (rootless && !strcmp(type, "devpts"))
			options = "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620";
		if (bind_sys)
			options = "rbind,nosuid,noexec,nodev,ro";
		if (options)
			json_set(a, m, "options", split(a, options));
		json_add(a, l, m);
	}
	return l;
}

static struct json *one_id(struct arena *a, int64_t host)
{
	struct json *l = json_new(a, JSON_ARR), *m = json_new(a, JSON_OBJ);

	json_set_int(a, m, "containerID", 0);
	json_set_int(a, m, "hostID", host);
	json_set_int(a, m, "size", 1);
	json_add(a, l, m);
	return l;
}

static struct json *spec_linux(struct arena *a, bool rootless)
{
	static const char *const masked[] = {
		"/proc/acpi",	       "/proc/asound",	   "/proc/kcore",	"/proc/keys",
		"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/sys/firmware",       "/proc/scsi"};
	static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					       "/proc/sysrq-trigger"};
	static const char *const kinds[] = {"pid", "network", "ipc", "uts", "mount", "cgroup"};
	struct json *l = json_new(a, JSON_OBJ), *ns = json_new(a, JSON_ARR);

	for (size_t i = 0; i < countof(kinds) + rootless; i++) {
		struct json *one = json_new(a, JSON_OBJ);
		bool net = i < countof(kinds) && !strcmp(kinds[i], "network");
		json_set_str(a, one, "type", i < countof(kinds) ? kinds[i] : "user");
		/* Without a network of its own there would be nothing that connects it. */
		if (!net || !rootless)
			json_add(a, ns, one);
	}
	if (rootless) {
		json_set(a, l, "uidMappings", one_id(a, geteuid()));
		json_set(a, l, "gidMappings", one_id(a, getegid()));
	} else {
		struct json *res = json_new(a, JSON_OBJ), *rules = json_new(a, JSON_ARR),
			    *rule = json_new(a, JSON_OBJ);
		json_set_bool(a, rule, "allow", false);
		json_set_str(a, rule, "access", "rwm");
		json_add(a, rules, rule);
		json_set(a, res, "devices", rules);
		json_set(a, l, "resources", res);
	}
	json_set(a, l, "namespaces", ns);
	json_set(a, l, "maskedPaths", words(a, masked, countof(masked)));
	json_set(a, l, "readonlyPaths", words(a, readonly, countof(readonly)));
	return l;
}

int oci_write_spec(const char *dir, bool rootless, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct json *j = json_new(&a, JSON_OBJ), *root = json_new(&a, JSON_OBJ);
	autofree char *path = path_join(dir, "config.json");

	json_set_str(&a, j, "ociVersion", OCI_VERSION_MAX);
	json_set(&a, j, "process", spec_process(&a));
	json_set_str(&a, root, "path", "rootfs");
	json_set_bool(&a, root, "readonly", true);
	json_set(&a, j, "root", root);
	json_set_str(&a, j, "hostname", "hoy");
	json_set(&a, j, "mounts", spec_mounts(&a, rootless));
	json_set(&a, j, "linux", spec_linux(&a, rootless));
	json_write(&text, j, 8);
	str_addc(&text, '\n');
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_set(e, errno, "make %s", path);
	int r = fd_write_all(fd, text.s, text.len);
	return r < 0 ? err_set(e, r, "write %s", path) : 0;
}

/* ---- features */

static void set_enabled(struct arena *a, struct json *j, const char *key, bool on)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_bool(a, o, "enabled", on);
	json_set(a, j, key, o);
}

static struct json *features_cgroup(struct arena *a)
{
	struct json *c = json_new(a, JSON_OBJ);

	json_set_bool(a, c, "v1", true);
	json_set_bool(a, c, "v2", true);
	json_set_bool(a, c, "systemd", true);
	json_set_bool(a, c, "systemdUser", true);
	json_set_bool(a, c, "rdma", true);
	return c;
}

static struct json *features_linux(struct arena *a)
{
	struct json *l = json_new(a, JSON_OBJ), *ns = json_new(a, JSON_ARR),
		    *caps = json_new(a, JSON_ARR), *ext = json_new(a, JSON_OBJ);
	scoped(strv) names = {0};

	for (enum oci_ns k = 0; k < OCI_NS_KINDS; k++) {
		autofree char *file =
			xasprintf("/proc/self/ns/%s", k == OCI_NS_MOUNT	    ? "mnt"
						      : k == OCI_NS_NETWORK ? "net"
									    : oci_ns_name(k));
		if (access(file, F_OK) == 0)
			json_add(a, ns, json_new_str(a, oci_ns_name(k)));
	}
	caps_names(caps_all(), &names);
	for (size_t i = 0; i < names.n; i++)
		json_add(a, caps, json_new_str(a, names.v[i]));
	json_set(a, l, "namespaces", ns);
	json_set(a, l, "capabilities", caps);
	json_set(a, l, "cgroup", features_cgroup(a));
	json_set(a, l, "seccomp", oci_seccomp_features(a));
	set_enabled(a, l, "apparmor", access("/sys/kernel/security/apparmor", F_OK) == 0);
	set_enabled(a, l, "selinux", access("/sys/fs/selinux/enforce", F_OK) == 0);
	set_enabled(a, l, "intelRdt", false);
	set_enabled(a, ext, "idmap", true);
	json_set(a, l, "mountExtensions", ext);
	return l;
}

struct json *oci_features(struct arena *a)
{
	static const char *const hooks[] = {"prestart",	      "createRuntime", "createContainer",
					    "startContainer", "poststart",     "poststop"};
	struct json *j = json_new(a, JSON_OBJ), *notes = json_new(a, JSON_OBJ);
	const char *const *options = mount_option_names();
	size_t n = 0;

	while (options[n])
		n++;
	json_set_str(a, j, "ociVersionMin", OCI_VERSION_MIN);
	json_set_str(a, j, "ociVersionMax", OCI_VERSION_MAX);
	json_set(a, j, "hooks", words(a, hooks, countof(hooks)));
	json_set(a, j, "mountOptions", words(a, options, n));
	json_set(a, j, "linux", features_linux(a));
	json_set_str(a, notes, "org.hoy.version", HOY_VERSION);
	json_set(a, j, "annotations", notes);
	return j;
}
