/*
 * The facts of info.h as JSON, in the names of both engines. podman's fields have two spellings, one for templates (.Host.CPUs) and one
 * for its JSON (host.cpus): they stand beside each other in the calls of put(), where `low` chooses.
 */
#include "base/base.h"
#include "engine/info.h"
#include "oci/image_spec.h"
#include "oci/platform.h"
#include "sys/caps.h"
#include "sys/systemd.h"

/* Who makes a container's cgroup, if it has limits (monitor/placing.h). */
static const char *cgroup_manager(void)
{
	struct systemd s;

	return systemd_find(&s) == 0 ? "systemd" : "cgroupfs";
}

struct build {
	struct arena *a;
	struct json *to;
	bool low; /* podman's JSON names */
};

static void put(const struct build *b, const char *name, const char *low, struct json *v)
{
	json_set(b->a, b->to, b->low ? low : name, v);
}

static void put_str(const struct build *b, const char *name, const char *low, const char *v)
{
	put(b, name, low, json_new_str(b->a, v));
}

static void put_int(const struct build *b, const char *name, const char *low, uint64_t v)
{
	put(b, name, low, json_new_int(b->a, (int64_t)v));
}

static void put_bool(const struct build *b, const char *name, const char *low, bool v)
{
	put(b, name, low, json_new_bool(b->a, v));
}

static struct build inside(const struct build *b, const char *name, const char *low)
{
	struct build in = {b->a, json_new(b->a, JSON_OBJ), b->low};

	put(b, name, low, in.to);
	return in;
}

static struct json *words(struct arena *a, const char *s)
{
	struct json *list = json_new(a, JSON_ARR);

	while (*s) {
		size_t n = strcspn(s, " ");
		if (n)
			json_add(a, list, json_new_str(a, arena_strndup(a, s, n)));
		s += n + (s[n] == ' ');
	}
	return list;
}

static struct json *id_map(const struct build *b, const struct id_map *m)
{
	struct json *list = json_new(b->a, JSON_ARR);

	for (size_t k = 0; k < m->n; k++) {
		struct build in = {b->a, json_new(b->a, JSON_OBJ), b->low};
		put_int(&in, "ContainerID", "container_id", m->r[k].inside);
		put_int(&in, "HostID", "host_id", m->r[k].outside);
		put_int(&in, "Size", "size", m->r[k].count);
		json_add(b->a, list, in.to);
	}
	return list;
}

static void put_security(const struct build *host, const struct info *i)
{
	struct build s = inside(host, "Security", "security");
	scoped(strv) caps = {0};
	scoped(str) joined = {0};

	caps_names(CAPS_DEFAULT, &caps);
	for (size_t k = 0; k < caps.n; k++)
		str_addf(&joined, "%s%s", k ? "," : "", caps.v[k]);
	put_str(&s, "DefaultCapabilities", "capabilities", str_cstr(&joined));
	put_bool(&s, "AppArmorEnabled", "apparmorEnabled", false);
	put_bool(&s, "Rootless", "rootless", geteuid() != 0);
	put_bool(&s, "SECCOMPEnabled", "seccompEnabled", i->seccomp);
	put_str(&s, "SECCOMPProfilePath", "seccompProfilePath", "");
	put_bool(&s, "SELinuxEnabled", "selinuxEnabled", i->selinux);
}

static void put_user_namespace(const struct build *host, const struct info *i)
{
	struct build maps = inside(host, "IDMappings", "idMappings");
	struct build u = inside(host, "UserNamespace", "userNamespace");

	put(&maps, "UIDMap", "uidmap", id_map(&maps, &i->map.uids));
	put(&maps, "GIDMap", "gidmap", id_map(&maps, &i->map.gids));
	put_bool(&u, "Available", "available", i->userns);
	put_str(&u, "Form", "form", i->userns ? u0_form_name(i->map.form) : "");
	put_bool(&u, "IdsAnswered", "idsAnswered", i->map.form == FORM_ONE && i->ids == 0);
	put_str(&u, "Error", "error", i->userns ? "" : i->userns_error.msg);
}

static void put_network(const struct build *host, const struct info *i)
{
	struct build n = inside(host, "Network", "network");
	const char *instead = i->networks_instead ? i->networks_instead : "";

	put_str(host, "NetworkBackend", "networkBackend",
		i->networks || !*instead ? "hoy" : instead);
	put_bool(&n, "Available", "available", i->networks);
	put_bool(&n, "Ping", "ping", i->ping);
	put_str(&n, "Instead", "instead", instead);
	put_str(&n, "Error", "error", i->networks ? "" : i->networks_error.msg);
	put_str(&n, "Hint", "hint", i->networks ? "" : i->networks_error.hint);
}

static void put_host(const struct build *b, const struct info *i, const char *version)
{
	struct build h = inside(b, "Host", "host");

	put_str(&h, "Arch", "arch", platform_arch());
	put_str(&h, "Variant", "variant", platform_variant());
	put_str(&h, "OS", "os", "linux");
	put_str(&h, "Kernel", "kernel", i->kernel);
	put_str(&h, "Hostname", "hostname", i->hostname);
	put_int(&h, "CPUs", "cpus", (uint64_t)i->cpus);
	put_int(&h, "MemTotal", "memTotal", i->memory);
	put_int(&h, "MemFree", "memFree", i->memory_free);
	put_int(&h, "SwapTotal", "swapTotal", i->swap);
	put_int(&h, "SwapFree", "swapFree", i->swap_free);
	put_str(&h, "Uptime", "uptime", arena_printf(b->a, "%" PRIu64 "s", i->uptime));
	put_str(&h, "CgroupVersion", "cgroupVersion", i->cgroup_version == 2 ? "v2" : "v1");
	put(&h, "CgroupControllers", "cgroupControllers", words(b->a, i->controllers));
	put_str(&h, "CgroupManager", "cgroupManager", cgroup_manager());
	put_str(&h, "LogDriver", "logDriver", "local");
	put(&h, "ConfigFiles", "configFiles",
	    json_new_strs(b->a, i->conf_files ?: &(struct strs){0}));
	put_bool(&h, "ServiceIsRemote", "serviceIsRemote", false);
	struct build remote = inside(&h, "RemoteSocket", "remoteSocket");
	put_str(&remote, "Path", "path", "");
	put_bool(&remote, "Exists", "exists", false);
	struct build d = inside(&h, "Distribution", "distribution");
	put_str(&d, "Distribution", "distribution", i->os_id);
	put_str(&d, "Version", "version", i->os_version);
	struct build r = inside(&h, "OCIRuntime", "ociRuntime");
	put_str(&r, "Name", "name", "hoy");
	put_str(&r, "Version", "version", version);
	put_security(&h, i);
	put_user_namespace(&h, i);
	put_network(&h, i);
}

static void put_store(const struct build *b, const struct info *i)
{
	struct build s = inside(b, "Store", "store");

	put_str(&s, "GraphDriverName", "graphDriverName", i->copies ? "vfs" : "overlay");
	put_str(&s, "GraphRoot", "graphRoot", i->store);
	put_str(&s, "RunRoot", "runRoot", i->store);
	put_int(&s, "GraphRootAllocated", "graphRootAllocated", i->store_size);
	put_int(&s, "GraphRootUsed", "graphRootUsed", i->store_size - i->store_free);
	struct build status = inside(&s, "GraphStatus", "graphStatus");
	json_set_str(b->a, status.to, "Backing Filesystem", i->store_fs);
	json_set_str(b->a, status.to, "Overlay", i->overlay ? "works" : i->overlay_error.msg);
	json_set_str(b->a, status.to, "Reflinks", i->reflinks ? "true" : "false");
	struct build c = inside(&s, "ContainerStore", "containerStore");
	put_int(&c, "Number", "number", i->containers);
	put_int(&c, "Running", "running", i->running);
	put_int(&c, "Paused", "paused", 0);
	put_int(&c, "Stopped", "stopped", i->containers - i->running);
	struct build images = inside(&s, "ImageStore", "imageStore");
	put_int(&images, "Number", "number", i->images);
	inside(&s, "GraphOptions", "graphOptions");
	put_str(&s, "ConfigFile", "configFile", "");
	put_str(&s, "ImageCopyTmpDir", "imageCopyTmpDir", arena_printf(b->a, "%s/tmp", i->store));
	put_str(&s, "VolumePath", "volumePath", arena_printf(b->a, "%s/volumes", i->store));
	put_bool(&s, "TransientStore", "transientStore", false);
}

/* What networks, volumes and logs can be, under the names of both engines. */
static void put_plugins(const struct build *b)
{
	struct build p = inside(b, "Plugins", "plugins");

	put(&p, "Volume", "volume", words(b->a, "local image"));
	put(&p, "Network", "network", words(b->a, "bridge macvlan ipvlan host none"));
	put(&p, "Log", "log", words(b->a, "local k8s-file json-file journald passthrough none"));
	put(&p, "Authorization", "authorization", json_new(b->a, JSON_NULL));
}

/* podman spells these one way only. */
static struct json *mirrors(struct arena *a, const struct registry_entry *n)
{
	struct json *list = json_new(a, n->mirrors.n ? JSON_ARR : JSON_NULL);
	const struct registry_mirror *m = n->mirrors.v;

	for (size_t i = 0; i < n->mirrors.n; i++) {
		struct json *one = json_new(a, JSON_OBJ);
		json_set_str(a, one, "Location", m[i].location);
		json_set_bool(a, one, "Insecure", m[i].insecure);
		json_set_str(a, one, "PullFromMirror", m[i].pull_from ?: "");
		json_add(a, list, one);
	}
	return list;
}

static void put_registries(const struct build *b, const struct registries *c)
{
	struct build r = inside(b, "Registries", "registries");
	const struct registry_entry *n = c->entries.v;

	for (size_t i = 0; i < c->entries.n; i++) {
		struct build one = inside(&r, n[i].prefix, n[i].prefix);
		json_set_str(b->a, one.to, "Prefix", n[i].prefix);
		json_set_str(b->a, one.to, "Location", n[i].location ?: "");
		json_set_bool(b->a, one.to, "Insecure", n[i].insecure);
		json_set(b->a, one.to, "Mirrors", mirrors(b->a, &n[i]));
		json_set_bool(b->a, one.to, "Blocked", n[i].blocked);
		json_set_bool(b->a, one.to, "MirrorByDigestOnly", n[i].by_digest_only);
		json_set_str(b->a, one.to, "PullFromMirror", "");
	}
	if (c->search.n)
		json_set(b->a, r.to, "search", json_new_strs(b->a, &c->search));
}

static void put_podman(const struct build *b, const struct info *i, const char *version)
{
	put_host(b, i, version);
	put_store(b, i);
	put_plugins(b);
	put_registries(b, &i->registries);
	struct build v = inside(b, "Version", "version");
	json_set_str(b->a, v.to, "APIVersion", version);
	json_set_str(b->a, v.to, "Version", version);
	json_set_str(b->a, v.to, "GoVersion", "");
	json_set_str(b->a, v.to, "GitCommit", "");
	json_set_str(b->a, v.to, "BuiltTime", "");
	json_set_int(b->a, v.to, "Built", 0);
	json_set_str(b->a, v.to, "Os", "linux");
	json_set_str(b->a, v.to, "OsArch", arena_printf(b->a, "linux/%s", platform_arch()));
}

static struct json *pair(struct arena *a, const char *k, const char *v)
{
	struct json *p = json_new(a, JSON_ARR);

	json_add(a, p, json_new_str(a, k));
	json_add(a, p, json_new_str(a, v));
	return p;
}

static struct json *security_options(struct arena *a, const struct info *i)
{
	struct json *list = json_new(a, JSON_ARR);

	if (i->seccomp)
		json_add(a, list, json_new_str(a, "name=seccomp,profile=builtin"));
	if (geteuid() != 0)
		json_add(a, list, json_new_str(a, "name=rootless"));
	return list;
}

static void put_docker(struct arena *a, struct json *to, const struct info *i, const char *version)
{
	const char *const texts[][2] = {
		{"ID", i->hostname},
		{"Name", i->hostname},
		{"Driver", i->copies ? "vfs" : "overlay"},
		{"LoggingDriver", "local"},
		{"CgroupDriver", cgroup_manager()},
		{"CgroupVersion", i->cgroup_version == 2 ? "2" : "1"},
		{"KernelVersion", i->kernel},
		{"OperatingSystem", i->os_name},
		{"OSVersion", i->os_version},
		{"OSType", "linux"},
		{"Architecture", i->machine},
		{"DockerRootDir", i->store},
		{"ServerVersion", version},
		{"DefaultRuntime", "hoy"},
	};
	struct json *status = json_new(a, JSON_ARR), *swarm = json_new(a, JSON_OBJ),
		    *runtimes = json_new(a, JSON_OBJ), *runtime = json_new(a, JSON_OBJ);

	for (size_t k = 0; k < countof(texts); k++)
		json_set_str(a, to, texts[k][0], texts[k][1]);
	json_set_int(a, to, "Containers", (int64_t)i->containers);
	json_set_int(a, to, "ContainersRunning", (int64_t)i->running);
	json_set_int(a, to, "ContainersPaused", 0);
	json_set_int(a, to, "ContainersStopped", (int64_t)(i->containers - i->running));
	json_set_int(a, to, "Images", (int64_t)i->images);
	json_set_int(a, to, "NCPU", i->cpus);
	json_set_int(a, to, "MemTotal", (int64_t)i->memory);
	json_add(a, status, pair(a, "Backing Filesystem", i->store_fs));
	json_set(a, to, "DriverStatus", status);
	json_set(a, to, "SecurityOptions", security_options(a, i));
	json_set_str(a, swarm, "LocalNodeState", "inactive");
	json_set(a, to, "Swarm", swarm);
	json_set_str(a, runtime, "path", "hoy");
	json_set(a, runtimes, "hoy", runtime);
	json_set(a, to, "Runtimes", runtimes);
	json_set(a, to, "Warnings", json_new(a, JSON_ARR));
	json_set(a, to, "Labels", json_new(a, JSON_ARR));
}

struct json *info_fields(const struct info *i, const char *version, struct arena *a)
{
	struct build b = {a, json_new(a, JSON_OBJ), false};

	put_podman(&b, i, version);
	put_docker(a, b.to, i, version);
	return b.to;
}

struct json *info_podman(const struct info *i, const char *version, struct arena *a)
{
	struct build b = {a, json_new(a, JSON_OBJ), true};

	put_podman(&b, i, version);
	return b.to;
}

struct json *info_docker(const struct info *i, const char *version, struct arena *a)
{
	struct json *to = json_new(a, JSON_OBJ);

	put_docker(a, to, i, version);
	return to;
}
