#include "base/base.h"
#include "base/parse.h"
#include "engine/inspect.h"
#include "engine/inspect_limits.h"
#include "engine/inspect_health.h"
#include "engine/inspect_mounts.h"
#include "engine/inspect_network.h"
#include "engine/inspect_rest.h"
#include "engine/namespace_opts.h"
#include "engine/port_text.h"
#include "store/usage.h"
#include "oci/reference.h"
#include "store/copied.h"
#include "store/images.h"
#include "state/restart_policy.h"
#include "store/layers.h"
#include "sys/caps.h"

static const char never[] = "0001-01-01T00:00:00Z"; /* Go's zero time, which both engines print */

enum { DEFAULT_STOP_TIMEOUT = 10 };

static const char *text(const char *s)
{
	return s ? s : "";
}

static void set_null(struct arena *a, struct json *o, const char *key)
{
	json_set(a, o, key, json_new(a, JSON_NULL));
}

static void set_empty(struct arena *a, struct json *o, const char *const *keys)
{
	for (; *keys; keys++)
		json_set_str(a, o, *keys, "");
}

/* ---- State */

static struct json *state(const struct container *c, const struct inspect_opts *o, struct arena *a)
{
	const struct container_state *s = &c->state;
	struct json *j = json_new(a, JSON_OBJ);
	bool runs = c->status == CONTAINER_RUNNING;
	bool waits = c->status == CONTAINER_RESTARTING;
	bool has_pid = runs || c->status == CONTAINER_LOST;

	json_set_str(a, j, "Status", container_status_text(c->status, s));
	/* docker counts one that waits, or is paused, as running. */
	json_set_bool(a, j, "Running", (runs && !s->paused) || ((runs || waits) && o->docker));
	json_set_bool(a, j, "Paused", runs && s->paused);
	json_set_bool(a, j, "Restarting", waits);
	json_set_bool(a, j, "OOMKilled", s->oom_killed);
	if (s->cgroup && !o->docker)
		json_set_str(a, j, "CgroupPath", s->cgroup);
	json_set_bool(a, j, "Dead", false);
	json_set_int(a, j, "Pid", has_pid ? s->pid : 0);
	if (!o->docker)
		json_set_int(a, j, "ConmonPid", runs ? s->sup : 0);
	json_set_int(a, j, "ExitCode", s->exit_code);
	json_set_str(a, j, "Error", text(s->error));
	json_set_str(a, j, "StartedAt", s->started ? s->started : never);
	json_set_str(a, j, "FinishedAt", s->finished && !runs ? s->finished : never);
	json_set(a, j, "Health", inspect_health(c, o->docker, a));
	return j;
}

/* ---- HostConfig */

static struct json *ulimits(const struct container_config *cfg, bool docker, struct arena *a)
{
	const struct config_ulimit *u = cfg->ulimits.v;
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < cfg->ulimits.n; i++) {
		struct json *j = json_new(a, JSON_OBJ);
		scoped(str) name = {0};
		str_addf(&name, "RLIMIT_%s", u[i].name);
		for (char *p = name.s; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		json_set_str(a, j, "Name", docker ? u[i].name : str_cstr(&name));
		json_set_int(a, j, "Soft", u[i].soft);
		json_set_int(a, j, "Hard", u[i].hard);
		json_add(a, l, j);
	}
	return l;
}

static void set_restart(const struct container *c, struct json *j, struct arena *a)
{
	const struct restart_policy p = restart_policy_now(c->dir, c->state.restart);
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "Name", restart_policy_name(p.kind));
	json_set_int(a, o, "MaximumRetryCount", p.max);
	json_set(a, j, "RestartPolicy", o);
}

static void set_host_fixed(struct json *j, struct arena *a)
{
	json_set_str(a, j, "Runtime", "hoy");
}

static const char *log_path(const struct home *h, const struct container *c, struct arena *a)
{
	const char *driver = c->config.log_driver;

	if (str_eq(driver, "none") || str_eq(driver, "journald") ||
	    (driver && str_starts(driver, "passthrough")))
		return "";
	return c->config.log_path ? c->config.log_path
				  : arena_printf(a, "%s/containers/%s/ctr.log", h->path, c->id);
}

static struct json *log_config(const struct container *c, const struct inspect_opts *o,
			       const struct home *h, struct arena *a)
{
	const struct container_config *cfg = &c->config;
	struct json *j = json_new(a, JSON_OBJ);
	scoped(str) size = {0};

	json_set_str(a, j, "Type", cfg->log_driver ? cfg->log_driver : "k8s-file");
	if (cfg->log_opts.n || o->docker)
		json_set(a, j, "Config", json_new_pairs(a, &cfg->log_opts));
	else
		set_null(a, j, "Config");
	if (o->docker)
		return j;
	size_human(&size, (uint64_t)cfg->log_max_size);
	json_set_str(a, j, "Path", log_path(h, c, a));
	json_set_str(a, j, "Tag", "");
	json_set_str(a, j, "Size", str_cstr(&size));
	return j;
}

static struct json *id_map(const struct bind_list *l, struct arena *a)
{
	const struct config_ids *v = l->v;
	struct json *j = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++)
		json_add(a, j,
			 json_new_str(a, arena_printf(a, "%" PRId64 ":%" PRId64 ":%" PRId64,
						      v[i].inside, v[i].outside, v[i].count)));
	return j;
}

/* podman's words: whatever has a map of its own is private. docker knows host only. */
static void set_ids(const struct container_config *cfg, bool docker, struct json *j,
		    struct arena *a)
{
	const char *mode = text(cfg->userns);
	bool plain = !*mode || !strcmp(mode, "host") || str_starts(mode, "container:");

	json_set_str(a, j, "UsernsMode", plain ? mode : "private");
	if (docker)
		return;
	if (!cfg->uid_map.n) {
		set_null(a, j, "IDMappings");
		return;
	}
	struct json *maps = json_new(a, JSON_OBJ);
	json_set(a, maps, "UidMap", id_map(&cfg->uid_map, a));
	json_set(a, maps, "GidMap", id_map(&cfg->gid_map, a));
	json_set(a, j, "IDMappings", maps);
}

/* docker shows the mode as it was given, and nothing for its default. */
static void set_host_namespaces(const struct container_config *cfg, bool docker, struct json *j,
				struct arena *a)
{
	const char *ipc = cfg->ipc ? cfg->ipc : docker ? "private" : "shareable";

	json_set_str(a, j, "IpcMode", ipc);
	json_set_str(a, j, "PidMode", docker ? text(cfg->pid) : ns_mode(cfg, NS_PID));
	json_set_str(a, j, "UTSMode", docker ? text(cfg->uts) : ns_mode(cfg, NS_UTS));
	json_set_str(a, j, docker ? "CgroupnsMode" : "CgroupMode", ns_mode(cfg, NS_CGROUP));
	json_set(a, j, "Sysctls", json_new_pairs(a, &cfg->sysctls));
	set_ids(cfg, docker, j, a);
}

static struct json *host_config(const struct home *h, const struct container *c,
				const struct inspect_opts *o, struct arena *a)
{
	const struct container_config *cfg = &c->config;
	struct json *j = json_new(a, JSON_OBJ);

	inspect_host_mounts(cfg, o->docker, j, a);
	json_set_str(a, j, "VolumeDriver", text(cfg->volume_driver));
	json_set(a, j, "VolumesFrom",
		 cfg->volumes_from.n ? json_new_strs(a, &cfg->volumes_from)
				     : json_new(a, JSON_NULL));
	set_host_namespaces(cfg, o->docker, j, a);
	json_set(a, j, "LogConfig", log_config(c, o, h, a));
	json_set_str(a, j, "ContainerIDFile", text(cfg->cidfile));
	json_set(a, j, "GroupAdd", json_new_strs(a, &cfg->process.groups));
	json_set_int(a, j, "OomScoreAdj", cfg->oom_score_adj);
	inspect_host_network(c, o->docker, j, a);
	json_set(a, j, "Dns", json_new_strs(a, &cfg->dns));
	json_set(a, j, "DnsOptions", json_new_strs(a, &cfg->dns_options));
	json_set(a, j, "DnsSearch", json_new_strs(a, &cfg->dns_search));
	json_set(a, j, "ExtraHosts", json_new_strs(a, &cfg->extra_hosts));
	json_set_str(a, j, "HostsFile", text(cfg->hosts_file));
	json_set_bool(a, j, "AutoRemove", cfg->auto_remove);
	json_set(a, j, "Annotations", json_new_pairs(a, &cfg->annotations));
	json_set(a, j, "CapAdd", json_new_strs(a, &cfg->cap_add));
	json_set(a, j, "CapDrop", json_new_strs(a, &cfg->cap_drop));
	json_set_bool(a, j, "Privileged", cfg->security.privileged);
	json_set_bool(a, j, "ReadonlyRootfs", cfg->read_only);
	json_set(a, j, "SecurityOpt", json_new_strs(a, &cfg->security.opts));
	json_set(a, j, "MaskedPaths", json_new_strs(a, &cfg->security.masked));
	json_set(a, j, "ReadonlyPaths", json_new_strs(a, &cfg->security.readonly));
	json_set(a, j, "Ulimits", ulimits(cfg, o->docker, a));
	json_set_bool(a, j, "Init", cfg->init);
	set_restart(c, j, a);
	set_host_fixed(j, a);
	return j;
}

/* Which ones, never what they say. */
static struct json *secrets_json(const struct container_config *cfg, struct arena *a)
{
	const struct config_secret *v = cfg->secrets.v;
	struct json *list = json_new(a, JSON_ARR);

	for (size_t i = 0; i < cfg->secrets.n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		json_set_str(a, o, "Name", v[i].name);
		json_set_str(a, o, "ID", v[i].id);
		json_set_int(a, o, "UID", v[i].uid);
		json_set_int(a, o, "GID", v[i].gid);
		json_set_int(a, o, "Mode", v[i].mode);
		json_add(a, list, o);
	}
	return list;
}

/* ---- Config */

/* The paths at which it has volumes of its own, as an image names them. */
static struct json *own_volumes(const struct container_config *cfg, struct arena *a)
{
	const struct config_mount *m = cfg->mounts.v;
	struct json *o = json_new(a, JSON_OBJ);

	for (size_t i = 0; i < cfg->mounts.n; i++)
		if (m[i].by_image || (m[i].anonymous && !m[i].by_mount))
			json_set(a, o, m[i].destination, json_new(a, JSON_OBJ));
	return o->obj.n ? o : json_new(a, JSON_NULL);
}

static struct json *config(const struct container *c, bool docker, struct arena *a)
{
	const struct container_config *cfg = &c->config;
	const struct config_process *p = &cfg->process;
	struct json *j = json_new(a, JSON_OBJ);
	bool no_timeout = cfg->stop_timeout < 0;

	json_set_str(a, j, "Hostname", text(cfg->hostname));
	json_set_str(a, j, "Domainname", text(cfg->domainname));
	json_set_str(a, j, "User", text(p->user));
	json_set_bool(a, j, "AttachStdin", strs_has(&cfg->attach, "stdin"));
	json_set_bool(a, j, "AttachStdout", strs_has(&cfg->attach, "stdout"));
	json_set_bool(a, j, "AttachStderr", strs_has(&cfg->attach, "stderr"));
	struct json *exposed = ports_set(a, &c->state);
	if (exposed)
		json_set(a, j, "ExposedPorts", exposed);
	json_set_bool(a, j, "Tty", p->tty);
	json_set_bool(a, j, "OpenStdin", p->interactive);
	json_set_bool(a, j, "StdinOnce", false);
	json_set(a, j, "Env", json_new_strs(a, &p->env));
	json_set(a, j, "Cmd", json_new_strs(a, &cfg->command));
	json_set_str(a, j, "Image", text(cfg->image));
	json_set(a, j, "Volumes", own_volumes(cfg, a));
	json_set_str(a, j, "WorkingDir", str_is_empty(p->cwd) && !docker ? "/" : text(p->cwd));
	if (cfg->entrypoint.n)
		json_set(a, j, "Entrypoint", json_new_strs(a, &cfg->entrypoint));
	else
		set_null(a, j, "Entrypoint");
	set_null(a, j, "OnBuild");
	json_set(a, j, "Labels", json_new_pairs(a, &cfg->labels));
	json_set(a, j, "Annotations", json_new_pairs(a, &cfg->annotations));
	const char *signal = signal_name((int)cfg->stop_signal);
	json_set_str(a, j, "StopSignal", signal ? signal : "SIGTERM");
	json_set_int(a, j, "StopTimeout", no_timeout ? DEFAULT_STOP_TIMEOUT : cfg->stop_timeout);
	json_set_str(a, j, "Umask", arena_printf(a, "%04o", (unsigned)cfg->umask));
	json_set_str(a, j, "Timezone", text(cfg->tz));
	json_set_int(a, j, "Timeout", cfg->timeout);
	json_set_bool(a, j, "SystemdMode", cfg->systemd);
	if (cfg->secrets.n)
		json_set(a, j, "Secrets", secrets_json(cfg, a));
	inspect_healthcheck(&c->config, docker, j, a);
	json_set(a, j, "CreateCommand", json_new_strs(a, &cfg->create_command));
	if (cfg->detach_keys)
		json_set_str(a, j, "DetachKeys", cfg->detach_keys);
	return j;
}

/* ---- GraphDriver */

static enum u0_form form_of(const struct home *h, const struct container_state *s,
			    const struct digest *top)
{
	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++)
		if (s->form ? str_eq(s->form, u0_form_name(f)) : layer_exists(h, top, f))
			return f;
	return FORM_SUB;
}

static struct json *graph_driver(const struct home *h, const struct container *c, struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ), *data = json_new(a, JSON_OBJ);
	const struct strs *l = &c->config.layers;
	scoped(str) lower = {0};

	if (copied_is(c->dir)) {
		json_set_str(a, data, "MergedDir",
			     arena_printf(a, "%s/containers/%s/" COPIED_ROOT, h->path, c->id));
		json_set_str(a, j, "Name", "vfs"); /* as podman calls roots that are copies */
		json_set(a, j, "Data", data);
		return j;
	}
	for (size_t i = l->n; i-- > 0;) {
		struct digest d;
		char path[128];
		if (!digest_valid(l->v[i]))
			continue;
		snprintf(d.hex, sizeof d.hex, "%s", digest_hex(l->v[i]));
		str_addf(&lower, "%s%s/%s/diff", lower.len ? ":" : "", h->path,
			 layer_path(&d, form_of(h, &c->state, &d), path, sizeof path));
	}
	if (lower.len)
		json_set_str(a, data, "LowerDir", str_cstr(&lower));
	json_set_str(a, data, "UpperDir",
		     arena_printf(a, "%s/containers/%s/upper", h->path, c->id));
	json_set_str(a, data, "WorkDir", arena_printf(a, "%s/containers/%s/work", h->path, c->id));
	json_set_str(a, j, "Name", "overlay");
	json_set(a, j, "Data", data);
	return j;
}

/* ---- the whole */

static struct json *cap_list(uint64_t set, struct arena *a)
{
	scoped(strv) names = {0};
	struct json *l = json_new(a, JSON_ARR);

	caps_names(set, &names);
	for (size_t i = 0; i < names.n; i++)
		json_add(a, l, json_new_str(a, names.v[i]));
	return l;
}

/* The user is looked up at each start; what is not root by its name has the smaller set. */
static bool user_is_root(const char *user)
{
	size_t n = strcspn(text(user), ":");

	return !n || (n == 1 && user[0] == '0') || (n == 4 && !strncmp(user, "root", 4));
}

static void set_caps(const struct container_config *cfg, struct json *o, struct arena *a)
{
	uint64_t bounding = (uint64_t)cfg->process.caps_bounding;
	uint64_t user = (uint64_t)cfg->process.caps_user;

	json_set(a, o, "EffectiveCaps",
		 cap_list(user_is_root(cfg->process.user) ? bounding : user, a));
	json_set(a, o, "BoundingCaps", cap_list(bounding, a));
}

/* The digest of the image's manifest: as it was at create, or as the store has it. */
static const char *image_digest(const struct home *h, const struct container_config *cfg,
				struct arena *a)
{
	char path[100], target[100];

	if (cfg->image_digest)
		return cfg->image_digest;
	if (!cfg->image_id || !digest_valid(cfg->image_id))
		return "";
	snprintf(path, sizeof path, "images/%s", digest_hex(cfg->image_id));
	ssize_t n = readlinkat(h->fd, path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = 0;
	return digest_valid(target) ? arena_strdup(a, target) : "";
}

static void set_identity(const struct home *h, const struct container *c,
			 const struct inspect_opts *o, struct json *j, struct arena *a)
{
	const struct container_config *cfg = &c->config;
	const struct strs *args = &cfg->process.args;
	struct strs rest = {args->n ? args->v + 1 : NULL, args->n ? args->n - 1 : 0};
	const char *id = text(cfg->image_id);

	json_set_str(a, j, "Id", c->id);
	json_set_str(a, j, "Created", text(cfg->created));
	json_set_str(a, j, "Path", args->n ? args->v[0] : "");
	json_set(a, j, "Args", json_new_strs(a, &rest));
	json_set(a, j, "State", state(c, o, a));
	json_set_str(a, j, "Image", !o->docker && str_starts(id, "sha256:") ? digest_hex(id) : id);
	json_set_str(a, j, "ImageName", text(cfg->image));
	json_set_str(a, j, "ImageDigest", image_digest(h, cfg, a));
	json_set_str(a, j, "Rootfs", text(cfg->rootfs));
	json_set_str(a, j, "StaticDir", arena_printf(a, "%s/containers/%s", h->path, c->id));
	json_set_str(a, j, "LogPath", log_path(h, c, a));
	json_set_str(a, j, "PidFile", text(cfg->pidfile));
	json_set_str(a, j, "ConmonPidFile", text(cfg->conmon_pidfile));
	json_set_str(a, j, "Name", arena_printf(a, "%s%s", o->docker ? "/" : "", c->state.name));
}

static void set_sizes(const struct home *h, const struct container *c, struct json *j,
		      struct arena *a)
{
	scoped(image) im = {0};
	const char *id = c->id;
	struct err ignored;
	int64_t rw = 0;

	containers_usage(h, &id, 1, &rw);
	json_set_int(a, j, "SizeRw", rw);
	if (c->config.image_id && digest_valid(c->config.image_id) &&
	    image_open(h, c->config.image_id, &im, &ignored) == 0 &&
	    image_more(h, &im, &ignored) == 0)
		rw += im.size;
	json_set_int(a, j, "SizeRootFs", rw);
}

int container_inspect(const struct home *h, struct container *c, const struct inspect_opts *o,
		      struct arena *a, struct json **ret, struct err *e)
{
	static const char *const empty[] = {"MountLabel", "ProcessLabel", "AppArmorProfile",
					    "Namespace",  "Pod",	  NULL};
	int r = container_load_config(c, e);

	if (r < 0)
		return r;
	struct json *j = json_new(a, JSON_OBJ);
	set_identity(h, c, o, j, a);
	json_set_int(a, j, "RestartCount", c->state.restart_count);
	json_set_str(a, j, "Driver", "overlay");
	json_set_str(a, j, "Platform", "linux");
	json_set_str(a, j, "OCIRuntime", "hoy");
	set_empty(a, j, empty);
	set_caps(&c->config, j, a);
	json_set(a, j, "GraphDriver", graph_driver(h, c, a));
	if (o->size)
		set_sizes(h, c, j, a);
	json_set(a, j, "Mounts", inspect_mounts(&c->config, h->path, o->docker, a));
	struct strs depends = {0};
	namespace_opts_depends(&c->config, a, &depends);
	for (size_t i = 0; i < c->config.requires.n; i++)
		if (!strs_has(&depends, c->config.requires.v[i]))
			strs_add(a, &depends, c->config.requires.v[i]);
	json_set(a, j, "Dependencies", json_new_strs(a, &depends));
	json_set(a, j, "NetworkSettings", inspect_network_settings(h, c, o->docker, a));
	json_set_bool(a, j, "IsInfra", false);
	json_set_bool(a, j, "UseImageHosts", c->config.no_hosts);
	json_set_bool(a, j, "UseImageHostname", c->config.no_hostname);
	json_set(a, j, "Config", config(c, o->docker, a));
	struct json *host = host_config(h, c, o, a);
	r = inspect_limits(c, o->docker, host, a, e);
	if (r < 0)
		return r;
	json_set(a, j, "HostConfig", host);
	inspect_rest(j, a);
	*ret = j;
	return 0;
}
