#include "base/base.h"
#include "base/parse.h"
#include "engine/inspect_mounts.h"

static bool is_propagation(const char *word)
{
	static const char *const known[] = {"private", "rprivate", "shared",	 "rshared",
					    "slave",   "rslave",   "unbindable", "runbindable"};

	for (size_t i = 0; i < countof(known); i++)
		if (!strcmp(known[i], word))
			return true;
	return false;
}

static const char *propagation(const struct strs *options)
{
	for (size_t i = 0; i < options->n; i++)
		if (is_propagation(options->v[i]))
			return options->v[i];
	return "rprivate";
}

static bool is_ro(const struct config_mount *m)
{
	return strs_has(&m->options, "ro") || strs_has(&m->options, "readonly") ||
	       (!strcmp(m->type, "image") && !strs_has(&m->options, "rw"));
}

/* What stands in HostConfig.Tmpfs. */
static bool is_tmpfs(const struct config_mount *m)
{
	return !strcmp(m->type, "tmpfs") || !strcmp(m->type, "ramfs");
}

static bool is_volume(const struct config_mount *m)
{
	return !strcmp(m->type, "volume");
}

/* Where it comes from, as a path of the host; an image by its name. */
static const char *source_of(const struct config_mount *m, const char *store, struct arena *a)
{
	if (!strcmp(m->type, "image"))
		return m->name;
	if (!m->source)
		return "";
	return m->source[0] == '/' ? m->source : arena_printf(a, "%s/%s", store, m->source);
}

/* The same as it was typed. */
static const char *typed_source(const struct config_mount *m)
{
	return is_volume(m) ? m->name : m->source ? m->source : "";
}

/* What neither RW nor Propagation says. */
static struct json *other_options(const struct config_mount *m, struct arena *a)
{
	struct strs l = {0};

	for (size_t i = 0; i < m->options.n; i++) {
		const char *w = m->options.v[i];
		if (!is_propagation(w) && strcmp(w, "ro") && strcmp(w, "rw") && strcmp(w, "rbind"))
			strs_add(a, &l, w);
	}
	if (!strs_has(&m->options, "bind"))
		strs_add(a, &l, "rbind");
	return json_new_strs(a, &l);
}

struct json *inspect_mounts(const struct container_config *cfg, const char *store, bool docker,
			    struct arena *a)
{
	const struct config_mount *m = cfg->mounts.v;
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < cfg->mounts.n; i++) {
		struct json *j = json_new(a, JSON_OBJ);
		if (is_tmpfs(&m[i]))
			continue;
		json_set_str(a, j, "Type", m[i].type);
		if (is_volume(&m[i]))
			json_set_str(a, j, "Name", m[i].name);
		json_set_str(a, j, "Source", source_of(&m[i], store, a));
		json_set_str(a, j, "Destination", m[i].destination);
		if (is_volume(&m[i]))
			json_set_str(a, j, "Driver", m[i].driver ? m[i].driver : "local");
		else if (!docker)
			json_set_str(a, j, "Driver", "");
		json_set_str(a, j, "Mode", docker && m[i].mode ? m[i].mode : "");
		if (!docker)
			json_set(a, j, "Options", other_options(&m[i], a));
		json_set_bool(a, j, "RW", !is_ro(&m[i]));
		json_set_str(a, j, "Propagation",
			     docker && is_volume(&m[i]) ? "" : propagation(&m[i].options));
		if (m[i].subpath)
			json_set_str(a, j, "SubPath", m[i].subpath);
		json_add(a, l, j);
	}
	return l;
}

/* All options, the defaults that nobody spoke of behind them. */
static const char *all_options(const struct config_mount *m, struct arena *a)
{
	scoped(str) s = {0};
	const struct strs *o = &m->options;
	bool copies = strs_has(o, "tmpcopyup");

	if (!is_tmpfs(m) && !is_ro(m) && !strs_has(o, "rw"))
		str_add(&s, "rw,");
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i], "tmpcopyup") && strcmp(o->v[i], "rbind"))
			str_addf(&s, "%s,", o->v[i]);
	if (is_tmpfs(m) && !is_ro(m) && !strs_has(o, "rw"))
		str_add(&s, "rw,");
	if (!strs_has(o, propagation(o)))
		str_add(&s, "rprivate,");
	if (is_tmpfs(m) && !strs_has(o, "nosuid") && !strs_has(o, "suid"))
		str_add(&s, "nosuid,");
	if (is_tmpfs(m) && !strs_has(o, "nodev") && !strs_has(o, "dev"))
		str_add(&s, "nodev,");
	if (copies)
		str_add(&s, "tmpcopyup,");
	if (!is_tmpfs(m) && !strs_has(o, "bind"))
		str_add(&s, "rbind,");
	return arena_strndup(a, str_cstr(&s), s.len ? s.len - 1 : 0);
}

/* One of docker's HostConfig.Mounts, which holds what --mount was given. */
static struct json *docker_mount(const struct config_mount *m, struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ), *o = json_new(a, JSON_OBJ);

	json_set_str(a, j, "Type", m->type);
	if (*typed_source(m))
		json_set_str(a, j, "Source", typed_source(m));
	json_set_str(a, j, "Target", m->destination);
	if (is_ro(m))
		json_set_bool(a, j, "ReadOnly", true);
	for (size_t i = 0; i < m->options.n; i++) {
		const char *w = m->options.v[i];
		uint64_t n;
		if (is_propagation(w) && !is_tmpfs(m))
			json_set_str(a, o, "Propagation", w);
		else if (!strcmp(w, "nocopy"))
			json_set_bool(a, o, "NoCopy", true);
		else if (!strcmp(w, "bind"))
			json_set_bool(a, o, "NonRecursive", true);
		else if (!strcmp(w, "ro-top"))
			json_set_bool(a, o, "ReadOnlyNonRecursive", true);
		else if (str_starts(w, "size=") && parse_size(w + 5, &n) == 0)
			json_set_int(a, o, "SizeBytes", (int64_t)n);
		else if (str_starts(w, "mode="))
			json_set_int(a, o, "Mode", strtol(w + 5, NULL, 8));
	}
	if (m->subpath)
		json_set_str(a, o, "Subpath", m->subpath);
	if (o->obj.n)
		json_set(a, j,
			 is_tmpfs(m)		     ? "TmpfsOptions"
			 : is_volume(m)		     ? "VolumeOptions"
			 : !strcmp(m->type, "image") ? "ImageOptions"
						     : "BindOptions",
			 o);
	return j;
}

static struct json *devices(const struct container_config *cfg, struct arena *a)
{
	const struct config_device *d = cfg->devices.v;
	struct json *l = json_new(a, JSON_ARR);

	for (size_t i = 0; i < cfg->devices.n; i++) {
		struct json *j = json_new(a, JSON_OBJ);
		json_set_str(a, j, "PathOnHost", d[i].source);
		json_set_str(a, j, "PathInContainer", d[i].destination);
		json_set_str(a, j, "CgroupPermissions", d[i].permissions ? d[i].permissions : "");
		json_add(a, l, j);
	}
	return l;
}

void inspect_host_mounts(const struct container_config *cfg, bool docker, struct json *host,
			 struct arena *a)
{
	const struct config_mount *m = cfg->mounts.v;
	struct json *binds = json_new(a, JSON_ARR), *tmpfs = json_new(a, JSON_OBJ),
		    *mounts = json_new(a, JSON_ARR);

	for (size_t i = 0; i < cfg->mounts.n; i++) {
		const char *options = docker ? (m[i].mode ? m[i].mode : "") : all_options(&m[i], a);
		if (docker && m[i].by_mount)
			json_add(a, mounts, docker_mount(&m[i], a));
		else if (is_tmpfs(&m[i]))
			json_set_str(a, tmpfs, m[i].destination, options);
		else if (!(docker && m[i].anonymous) &&
			 (is_volume(&m[i]) || !strcmp(m[i].type, "bind")))
			json_add(a, binds,
				 json_new_str(a, arena_printf(a, "%s:%s%s%s", typed_source(&m[i]),
							      m[i].destination, *options ? ":" : "",
							      options)));
	}
	json_set(a, host, "Binds", binds);
	json_set(a, host, "Tmpfs", tmpfs);
	if (docker)
		json_set(a, host, "Mounts", mounts);
	json_set(a, host, "Devices", devices(cfg, a));
	json_set_int(a, host, "ShmSize", cfg->shm_size);
}
