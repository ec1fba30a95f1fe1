/*
 * Each check names the value that is wrong by its path in the document ("mounts.3.options"), which also finds line and column.
 */
#include <sched.h>

#include "base/base.h"
#include "base/parse.h"
#include "oci/mount_options.h"
#include "oci/runtime_check.h"
#include "sys/caps.h"

struct check {
	const struct json *doc;
	const char *what;
	struct arena *a;
	struct err *e;
};

static const int64_t id_max = UINT32_MAX - 1; /* -1 means "leave" to the kernel */

/* The value that a path names, or the last one on the way that there is. */
static const struct json *node_at(const struct json *j, const char *path)
{
	while (j && *path) {
		char key[80];
		size_t n = strcspn(path, ".");
		uint64_t i;
		snprintf(key, sizeof key, "%.*s", (int)(n < sizeof key ? n : sizeof key - 1), path);
		const struct json *next = NULL;
		if (j->type == JSON_ARR && parse_u64(key, INT_MAX, &i) == 0 && i < j->arr.n)
			next = j->arr.v[i];
		else if (j->type == JSON_OBJ)
			next = json_get(j, key);
		if (!next)
			break;
		j = next;
		path += n + (path[n] == '.');
	}
	return j;
}

static bool is_number_at(const struct check *c, const char *path)
{
	const struct json *j = node_at(c->doc, path);

	return j && j->type == JSON_INT;
}

static int printf_like(3, 4) refuse(const struct check *c, const char *path, const char *fmt, ...)
{
	const struct json *j = node_at(c->doc, path);
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return err_fail(c->e, ERR_OCI_SPEC, "%s:%d:%d: %s: %s", c->what, j ? j->line : 0,
			j ? j->col : 0, path, why);
}

/* A path of the document in which %zu are places in arrays. */
#define PATH(c, ...) arena_printf((c)->a, __VA_ARGS__)

static bool in_words(const char *const *words, const char *s)
{
	for (; *words; words++)
		if (!strcmp(*words, s))
			return true;
	return false;
}

/* ---- process */

static int check_rlimits(const struct check *c, const struct oci_process *p)
{
	const struct oci_rlimit *l = p->rlimits.v;

	for (size_t i = 0; i < p->rlimits.n; i++) {
		if (oci_rlimit_number(l[i].type) < 0)
			return refuse(c, PATH(c, "rlimits.%zu.type", i),
				      "there is no limit \"%.40s\"", l[i].type);
		if (l[i].soft > l[i].hard)
			return refuse(c, PATH(c, "rlimits.%zu.soft", i),
				      "higher than the hard limit");
		for (size_t k = 0; k < i; k++)
			if (!strcmp(l[k].type, l[i].type))
				return refuse(c, PATH(c, "rlimits.%zu.type", i),
					      "%s stands there twice", l[i].type);
	}
	return 0;
}

static int check_groups(const struct check *c, struct oci_user *u)
{
	const struct json *j = u->additional_gids;

	if (!j || j->type == JSON_NULL)
		return 0;
	if (j->type != JSON_ARR || j->arr.n > OCI_GROUPS_MAX)
		return refuse(c, "user.additionalGids", "not an array of at most %d group ids",
			      OCI_GROUPS_MAX);
	u->groups = arena_alloc(c->a, (j->arr.n + 1) * sizeof *u->groups);
	for (size_t i = 0; i < j->arr.n; i++) {
		const struct json *g = j->arr.v[i];
		if (g->type != JSON_INT || g->i < 0 || g->i > id_max)
			return refuse(c, PATH(c, "user.additionalGids.%zu", i), "not a group id");
		u->groups[u->ngroups++] = (uint32_t)g->i;
	}
	return 0;
}

static int check_user(const struct check *c, struct oci_user *u)
{
	if (u->uid < 0 || u->uid > id_max)
		return refuse(c, "user.uid", "not a user id");
	if (u->gid < 0 || u->gid > id_max)
		return refuse(c, "user.gid", "not a group id");
	if (u->umask < -1 || u->umask > 0777 || (u->umask == -1 && is_number_at(c, "user.umask")))
		return refuse(c, "user.umask", "not a file mode mask (0 to 0777, as a number)");
	return check_groups(c, u);
}

/* Names that this kernel does not know are skipped with a warning, as the specification says. */
static int check_caps(const struct check *c, struct oci_capabilities *caps, struct strs *warnings)
{
	const struct {
		const char *name;
		const struct strs *from;
		uint64_t *to;
	} sets[] = {
		{"bounding", &caps->bounding, &caps->sets.bounding},
		{"effective", &caps->effective, &caps->sets.effective},
		{"inheritable", &caps->inheritable, &caps->sets.inheritable},
		{"permitted", &caps->permitted, &caps->sets.permitted},
		{"ambient", &caps->ambient, &caps->sets.ambient},
	};

	for (size_t i = 0; i < countof(sets); i++)
		for (size_t k = 0; k < sets[i].from->n; k++) {
			const char *name = sets[i].from->v[k];
			struct err why = {0};
			int cap = str_starts(name, "CAP_") ? caps_number(name, &why) : -EINVAL;
			if (cap >= 0)
				*sets[i].to |= UINT64_C(1) << cap;
			else
				strs_add(c->a, warnings,
					 PATH(c,
					      "capabilities.%s: \"%.60s\" is no capability that "
					      "this kernel has, and is left out",
					      sets[i].name, name));
		}
	/* The kernel's rule. Some documents say otherwise, and runc and crun leave it at a warning. */
	uint64_t most = caps->sets.inheritable & caps->sets.permitted;
	if (caps->sets.ambient & ~most)
		strs_add(
			c->a, warnings,
			"capabilities.ambient: what is not inheritable and permitted, too, is left "
			"out");
	caps->sets.ambient &= most;
	return 0;
}

static int check_scheduler(const struct check *c, const struct oci_scheduler *s)
{
	static const char *const policies[] = {"SCHED_OTHER",	 "SCHED_FIFO", "SCHED_RR",
					       "SCHED_BATCH",	 "SCHED_ISO",  "SCHED_IDLE",
					       "SCHED_DEADLINE", NULL};
	static const char *const flags[] = {
		"SCHED_FLAG_RESET_ON_FORK",  "SCHED_FLAG_RECLAIM",
		"SCHED_FLAG_DL_OVERRUN",     "SCHED_FLAG_KEEP_POLICY",
		"SCHED_FLAG_KEEP_PARAMS",    "SCHED_FLAG_UTIL_CLAMP_MIN",
		"SCHED_FLAG_UTIL_CLAMP_MAX", NULL};

	if (!s)
		return 0;
	bool real = !strcmp(s->policy, "SCHED_FIFO") || !strcmp(s->policy, "SCHED_RR");
	if (!in_words(policies, s->policy))
		return refuse(c, "scheduler.policy", "there is no policy \"%.40s\"", s->policy);
	if (!strcmp(s->policy, "SCHED_ISO"))
		return refuse(c, "scheduler.policy", "SCHED_ISO is reserved, and no kernel has it");
	if (s->nice < -20 || s->nice > 19)
		return refuse(c, "scheduler.nice", "must be from -20 to 19");
	if (real ? s->priority < 1 || s->priority > 99 : s->priority != 0)
		return refuse(c, "scheduler.priority",
			      real ? "must be from 1 to 99" : "%s has none", s->policy);
	if (strcmp(s->policy, "SCHED_DEADLINE") != 0 && (s->runtime || s->deadline || s->period))
		return refuse(c, "scheduler", "runtime, deadline and period are SCHED_DEADLINE's");
	for (size_t i = 0; i < s->flags.n; i++)
		if (!in_words(flags, s->flags.v[i]))
			return refuse(c, PATH(c, "scheduler.flags.%zu", i),
				      "there is no flag \"%.40s\"", s->flags.v[i]);
	return 0;
}

static int check_io_priority(const struct check *c, const struct oci_io_priority *p)
{
	static const char *const classes[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
					      "IOPRIO_CLASS_IDLE", NULL};

	if (!p)
		return 0;
	if (!in_words(classes, p->class_))
		return refuse(c, "ioPriority.class", "there is no class \"%.40s\"", p->class_);
	if (p->priority < 0 || p->priority > 7)
		return refuse(c, "ioPriority.priority", "must be from 0 to 7");
	return 0;
}

static int check_affinity(const struct check *c, const struct oci_cpu_affinity *f)
{
	unsigned char set[CPU_SETSIZE / 8];

	if (f && f->initial && !oci_cpu_list(f->initial, set, sizeof set))
		return refuse(c, "execCPUAffinity.initial", "not a list of CPUs such as 0-3,7");
	if (f && f->final && !oci_cpu_list(f->final, set, sizeof set))
		return refuse(c, "execCPUAffinity.final", "not a list of CPUs such as 0-3,7");
	return 0;
}

static int check_command(const struct check *c, const struct oci_process *p)
{
	if (!p->cwd || p->cwd[0] != '/')
		return refuse(c, "cwd", "the working directory must be an absolute path");
	if (!p->args.n)
		return refuse(c, "args", "args must not be empty");
	for (size_t i = 0; i < p->env.n; i++) {
		if (!strchr(p->env.v[i], '='))
			return refuse(c, PATH(c, "env.%zu", i), "\"%.40s\" has no \"=\"",
				      p->env.v[i]);
		if (p->env.v[i][0] == '=')
			return refuse(c, PATH(c, "env.%zu", i), "a variable without a name");
	}
	if (p->oom_score_adj != OCI_NO_OOM_SCORE &&
	    (p->oom_score_adj < -1000 || p->oom_score_adj > 1000))
		return refuse(c, "oomScoreAdj", "must be from -1000 to 1000");
	if (p->console.height < 0 || p->console.height > USHRT_MAX)
		return refuse(c, "consoleSize.height", "no height of a terminal");
	if (p->console.width < 0 || p->console.width > USHRT_MAX)
		return refuse(c, "consoleSize.width", "no width of a terminal");
	return 0;
}

int oci_process_check(struct oci_process *p, const struct json *at, const char *what,
		      struct strs *warnings, struct arena *a, struct err *e)
{
	const struct check c = {at, what, a, e};
	int r = check_command(&c, p);

	if (r == 0)
		r = check_user(&c, &p->user);
	if (r == 0)
		r = check_rlimits(&c, p);
	if (r == 0 && p->capabilities)
		r = check_caps(&c, p->capabilities, warnings);
	if (r == 0)
		r = check_scheduler(&c, p->scheduler);
	if (r == 0)
		r = check_io_priority(&c, p->io_priority);
	if (r == 0)
		r = check_affinity(&c, p->exec_affinity);
	return r;
}

/* ---- the rest */

static int check_version(const struct check *c, const char *version)
{
	scoped(strv) parts = {0};
	char plain[32];
	uint64_t n[3];

	snprintf(plain, sizeof plain, "%.*s", (int)strcspn(version, "-+"), version);
	strv_split(&parts, plain, '.');
	for (size_t i = 0; i < 3; i++)
		if (parts.n != 3 || parse_u64(parts.v[i], 1000, &n[i]) < 0)
			return refuse(c, "ociVersion", "\"%.40s\" is no version", version);
	if (n[0] != 1)
		return refuse(c, "ociVersion",
			      "version %.40s is not understood, only 1.0.0 and later ones of 1",
			      version);
	return 0;
}

static int check_ids(const struct check *c, const struct bind_list *l, const char *path)
{
	const struct oci_id_mapping *m = l->v;

	for (size_t i = 0; i < l->n; i++)
		if (m[i].size <= 0 || m[i].size > UINT32_MAX || m[i].container_id < 0 ||
		    m[i].host_id < 0 || m[i].container_id > UINT32_MAX - m[i].size ||
		    m[i].host_id > UINT32_MAX - m[i].size)
			return refuse(c, PATH(c, "%s.%zu", path, i), "no range of ids");
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < i; k++)
			if (m[i].container_id < m[k].container_id + m[k].size &&
			    m[k].container_id < m[i].container_id + m[i].size)
				return refuse(c, PATH(c, "%s.%zu", path, i),
					      "has ids of an earlier range");
	return l->n > 340 ? refuse(c, path, "more than 340 ranges") : 0;
}

static int check_mount(const struct check *c, const struct oci_spec *s, const struct oci_mount *m,
		       size_t i)
{
	struct mount_options o;
	const char *bad = NULL, *why = NULL;

	if (!m->destination[0])
		return refuse(c, PATH(c, "mounts.%zu.destination", i), "is empty");
	if (mount_options_parse(m->type, &m->options, &o, c->a, &bad, &why) < 0)
		return refuse(c, PATH(c, "mounts.%zu.options", i), "\"%.60s\": %s", bad, why);
	if (o.bind && str_is_empty(m->source))
		return refuse(c, PATH(c, "mounts.%zu.source", i), "a bind mount needs a source");
	if (!o.bind && str_is_empty(m->type))
		return refuse(c, PATH(c, "mounts.%zu.type", i), "a mount needs a type");
	int r = !m->uid_mappings.n
			? 0
			: check_ids(c, &m->uid_mappings, PATH(c, "mounts.%zu.uidMappings", i));
	if (r == 0 && m->gid_mappings.n)
		r = check_ids(c, &m->gid_mappings, PATH(c, "mounts.%zu.gidMappings", i));
	if (r < 0)
		return r;
	if (!m->uid_mappings.n != !m->gid_mappings.n)
		return refuse(c, PATH(c, "mounts.%zu", i),
			      "has only one of uidMappings and gidMappings");
	if ((o.idmap || m->uid_mappings.n) && !o.bind)
		return refuse(c, PATH(c, "mounts.%zu", i), "only a bind mount can have an id map");
	if (o.idmap && !m->uid_mappings.n && !oci_ns_new(s, OCI_NS_USER))
		return refuse(c, PATH(c, "mounts.%zu.options", i),
			      "idmap without mappings needs a user namespace with mappings");
	return 0;
}

static int check_hooks(const struct check *c, const struct bind_list *l, const char *kind)
{
	const struct oci_hook *h = l->v;

	for (size_t i = 0; i < l->n; i++) {
		if (h[i].path[0] != '/')
			return refuse(c, PATH(c, "hooks.%s.%zu.path", kind, i),
				      "must be an absolute path");
		if (h[i].timeout < 0 ||
		    (!h[i].timeout && is_number_at(c, PATH(c, "hooks.%s.%zu.timeout", kind, i))))
			return refuse(c, PATH(c, "hooks.%s.%zu.timeout", kind, i),
				      "must be greater than zero");
		for (size_t k = 0; k < h[i].env.n; k++)
			if (!strchr(h[i].env.v[k], '='))
				return refuse(c, PATH(c, "hooks.%s.%zu.env.%zu", kind, i, k),
					      "has no \"=\"");
	}
	return 0;
}

static int check_all_hooks(const struct check *c, const struct oci_hooks *h)
{
	const struct {
		const char *name;
		const struct bind_list *l;
	} all[] = {
		{"prestart", &h->prestart},
		{"createRuntime", &h->create_runtime},
		{"createContainer", &h->create_container},
		{"startContainer", &h->start_container},
		{"poststart", &h->poststart},
		{"poststop", &h->poststop},
	};
	int r = 0;

	for (size_t i = 0; i < countof(all) && r == 0; i++)
		r = check_hooks(c, all[i].l, all[i].name);
	return r;
}

static int check_namespaces(const struct check *c, const struct oci_spec *s)
{
	const struct oci_namespace *n = s->linux_.namespaces.v;

	for (size_t i = 0; i < s->linux_.namespaces.n; i++) {
		size_t k = 0;
		while (k < OCI_NS_KINDS && strcmp(oci_ns_name((enum oci_ns)k), n[i].type) != 0)
			k++;
		if (k == OCI_NS_KINDS)
			return refuse(c, PATH(c, "linux.namespaces.%zu.type", i),
				      "there is no kind of namespace \"%.40s\"", n[i].type);
		if (n[i].path && n[i].path[0] && n[i].path[0] != '/')
			return refuse(c, PATH(c, "linux.namespaces.%zu.path", i),
				      "must be an absolute path");
		if (oci_ns_find(s, (enum oci_ns)k) != &n[i])
			return refuse(c, PATH(c, "linux.namespaces.%zu.type", i),
				      "%s stands there twice", n[i].type);
	}
	if (!oci_ns_find(s, OCI_NS_MOUNT))
		return refuse(c, "linux.namespaces",
			      "without a mount namespace there is no root file system of its own");
	return 0;
}

/* What must have a namespace of its own. */
static int check_needs(const struct check *c, const struct oci_spec *s)
{
	const struct oci_linux *l = &s->linux_;
	const struct oci_time_offset *t[] = {l->time_offsets.monotonic, l->time_offsets.boottime};

	if (!str_is_empty(s->hostname) && !oci_ns_find(s, OCI_NS_UTS))
		return refuse(c, "hostname",
			      "unable to set hostname without a private UTS namespace");
	if (!str_is_empty(s->domainname) && !oci_ns_find(s, OCI_NS_UTS))
		return refuse(c, "domainname",
			      "unable to set domainname without a private UTS namespace");
	for (size_t i = 0; i < countof(t); i++) {
		if (t[i] && !oci_ns_new(s, OCI_NS_TIME))
			return refuse(c, "linux.timeOffsets", "needs a new time namespace");
		if (t[i] && (t[i]->nanosecs < 0 || t[i]->nanosecs > 999999999))
			return refuse(c, "linux.timeOffsets",
				      "nanosecs must be from 0 to 999999999");
	}
	bool maps = l->uid_mappings.n || l->gid_mappings.n;
	if (maps && !oci_ns_find(s, OCI_NS_USER))
		return refuse(c, "linux.uidMappings", "needs a user namespace");
	if (oci_ns_new(s, OCI_NS_USER) && (!l->uid_mappings.n || !l->gid_mappings.n))
		return refuse(c, "linux.namespaces",
			      "a new user namespace needs uidMappings and gidMappings");
	int r = check_ids(c, &l->uid_mappings, "linux.uidMappings");
	return r < 0 ? r : check_ids(c, &l->gid_mappings, "linux.gidMappings");
}

static const char *const ipc_sysctls[] = {
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",	    "kernel.sem", "kernel.shmall",
	"kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", NULL};

/* Slashes and dots both separate; what is no part of a namespace of its own would change the host. */
static int check_sysctl(const struct check *c, const struct oci_spec *s, const char *name)
{
	char dots[200];
	size_t n = strlen(name);
	const char *path = PATH(c, "linux.sysctl.%s", name);

	if (!n || n >= sizeof dots || name[0] == '.' || name[0] == '/' || strstr(name, "..") ||
	    strstr(name, "//"))
		return refuse(c, "linux.sysctl", "\"%.60s\" is not a name", name);
	memcpy(dots, name, n + 1);
	for (char *p = dots; *p; p++)
		if (*p == '/')
			*p = '.';
	if (in_words(ipc_sysctls, dots) || str_starts(dots, "fs.mqueue."))
		return oci_ns_find(s, OCI_NS_IPC)
			       ? 0
			       : refuse(c, path, "needs an ipc namespace of its own");
	if (str_starts(dots, "net."))
		return oci_ns_find(s, OCI_NS_NETWORK)
			       ? 0
			       : refuse(c, path, "needs a network namespace of its own");
	if (!strcmp(dots, "kernel.domainname") || !strcmp(dots, "kernel.hostname")) {
		if (!strcmp(dots, "kernel.hostname") && !str_is_empty(s->hostname))
			return refuse(c, path, "is what hostname says already");
		return oci_ns_find(s, OCI_NS_UTS)
			       ? 0
			       : refuse(c, path, "needs a uts namespace of its own");
	}
	if (str_starts(dots, "user."))
		return oci_ns_find(s, OCI_NS_USER)
			       ? 0
			       : refuse(c, path, "needs a user namespace of its own");
	return refuse(c, "linux.sysctl", "sysctl \"%.60s\" is not in a separate kernel namespace",
		      name);
}

static int check_devices(const struct check *c, const struct oci_linux *l)
{
	const struct oci_device *d = l->devices.v;

	for (size_t i = 0; i < l->devices.n; i++) {
		bool node = d[i].type[0] != 'p';
		if (strlen(d[i].type) != 1 || !strchr("cbup", d[i].type[0]))
			return refuse(c, PATH(c, "linux.devices.%zu.type", i),
				      "\"%.20s\" is none of c, b, u, p", d[i].type);
		if (d[i].path[0] != '/')
			return refuse(c, PATH(c, "linux.devices.%zu.path", i),
				      "must be an absolute path");
		if (node && (d[i].major < 0 || d[i].major > 4095))
			return refuse(c, PATH(c, "linux.devices.%zu.major", i),
				      "no number of a device");
		if (node && (d[i].minor < 0 || d[i].minor > 0xfffff))
			return refuse(c, PATH(c, "linux.devices.%zu.minor", i),
				      "no number of a device");
		if (d[i].file_mode < 0 || (d[i].file_mode & ~(int64_t)(07777 | S_IFMT)))
			return refuse(c, PATH(c, "linux.devices.%zu.fileMode", i), "no file mode");
		if (d[i].uid < 0 || d[i].uid > id_max || d[i].gid < 0 || d[i].gid > id_max)
			return refuse(c, PATH(c, "linux.devices.%zu", i),
				      "uid or gid is no id of a user or group");
	}
	return 0;
}

static int check_paths(const struct check *c, const struct strs *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i][0] != '/')
			return refuse(c, PATH(c, "%s.%zu", path, i), "must be an absolute path");
	return 0;
}

static int check_linux(const struct check *c, const struct oci_spec *s)
{
	const struct oci_linux *l = &s->linux_;
	bool recursive;
	int r = check_devices(c, l);

	for (size_t i = 0; i < l->sysctl.n && r == 0; i++)
		r = check_sysctl(c, s, l->sysctl.v[i].k);
	if (r == 0)
		r = check_paths(c, &l->masked_paths, "linux.maskedPaths");
	if (r == 0)
		r = check_paths(c, &l->readonly_paths, "linux.readonlyPaths");
	if (r < 0)
		return r;
	if (!str_is_empty(l->rootfs_propagation) &&
	    !mount_propagation_word(l->rootfs_propagation, &recursive))
		return refuse(c, "linux.rootfsPropagation", "there is no \"%.40s\"",
			      l->rootfs_propagation);
	if (l->personality && strcmp(l->personality->domain, "LINUX") != 0 &&
	    strcmp(l->personality->domain, "LINUX32") != 0)
		return refuse(c, "linux.personality.domain",
			      "\"%.40s\" is neither LINUX nor LINUX32", l->personality->domain);
	if (l->personality && l->personality->flags.n)
		return refuse(c, "linux.personality.flags", "the specification knows no flag");
	if (l->intel_rdt && l->intel_rdt->type == JSON_OBJ && l->intel_rdt->obj.n)
		return refuse(c, "linux.intelRdt",
			      "hoy does not divide caches and memory bandwidth (resctrl)");
	return l->resources ? oci_resources_check(l->resources, node_at(c->doc, "linux.resources"),
						  c->what, c->e)
			    : 0;
}

int oci_spec_check(struct oci_spec *s, const struct json *doc, const char *what, struct arena *a,
		   struct err *e)
{
	const struct check c = {doc, what, a, e};
	const struct oci_mount *m = s->mounts.v;
	int r = check_version(&c, s->version);

	if (r == 0 && !s->root.path[0])
		r = refuse(&c, "root.path", "is empty");
	if (r == 0)
		r = check_namespaces(&c, s);
	if (r == 0)
		r = check_needs(&c, s);
	for (size_t i = 0; i < s->mounts.n && r == 0; i++)
		r = check_mount(&c, s, &m[i], i);
	if (r == 0)
		r = check_all_hooks(&c, &s->hooks);
	return r < 0 ? r : check_linux(&c, s);
}
