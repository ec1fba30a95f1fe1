#include <fnmatch.h>

#include "base/base.h"
#include "base/parse.h"
#include "runtime/seccomp_profile.h"
#include "runtime/security.h"

enum { MAX_PROFILE = 1 << 20 };

const struct bind_field security_fields[] = {
	{"options", BIND_STRS, offsetof(struct security, opts)},
	{"privileged", BIND_BOOL, offsetof(struct security, privileged)},
	{"noNewPrivileges", BIND_BOOL, offsetof(struct security, no_new_privs)},
	{"seccomp", BIND_STR, offsetof(struct security, seccomp)},
	{"profile", BIND_STR, offsetof(struct security, profile)},
	{"procOptions", BIND_STR, offsetof(struct security, proc_opts)},
	{"masked", BIND_STRS, offsetof(struct security, masked)},
	{"readonly", BIND_STRS, offsetof(struct security, readonly)},
	{0},
};

/* What the kernel shows of the machine rather than of the container, or what would act on it. */
static const char *const default_masked[] = {
	"/proc/acpi",	     "/proc/asound",	"/proc/interrupts",
	"/proc/kcore",	     "/proc/keys",	"/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",	"/proc/timer_list",
	"/proc/timer_stats", "/sys/dev/block",	"/sys/devices/virtual/powercap",
	"/sys/firmware",     "/sys/fs/selinux",
};
static const char *const default_readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* While the options are read. */
struct reading {
	struct arena *a;
	struct security *out;
	struct strs mask, unmask;
	bool unmask_all;
};

static int set_seccomp(struct reading *rd, const char *value, struct err *e)
{
	struct security *s = rd->out;

	s->profile = NULL;
	if (!strcmp(value, "unconfined") || !strcmp(value, "builtin")) {
		s->seccomp = arena_strdup(rd->a, value);
		return 0;
	}
	if (!*value) {
		err_fail(e, ERR_SECURITY_OPT, "--security-opt seccomp= has no value");
		return err_hint(e, "it takes unconfined, builtin or the path of a profile");
	}
	scoped(str) text = {0};
	int r = fd_read_file_at(AT_FDCWD, value, &text, MAX_PROFILE);
	if (r < 0)
		return err_set(e, -r, "read the seccomp profile %s", value);
	if (text.len != strlen(str_cstr(&text)))
		return err_fail(e, ERR_SECCOMP_PROFILE, "%s holds a NUL byte", value);
	s->profile = arena_strdup(rd->a, str_cstr(&text));
	autofree char *cwd = *value == '/' ? NULL : getcwd(NULL, 0);
	autofree char *joined = cwd ? path_join(cwd, value) : xstrdup(value);
	autofree char *clean = path_clean(joined);
	s->seccomp = arena_strdup(rd->a, clean);
	return 0;
}

static int set_no_new_privs(struct reading *rd, const char *value, struct err *e)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0 && *value)
		return err_fail(e, ERR_SECURITY_OPT,
				"--security-opt no-new-privileges is true or false, not '%s'",
				value);
	rd->out->no_new_privs = strcmp(value, "false") != 0;
	return 0;
}

/* Adds the paths of a list with colons. */
static int add_paths(struct reading *rd, struct strs *list, const char *key, const char *value,
		     struct err *e)
{
	scoped(strv) paths = {0};

	strv_split(&paths, value, ':');
	for (size_t i = 0; i < paths.n; i++) {
		if (paths.v[i][0] != '/')
			return err_fail(e, ERR_SECURITY_OPT,
					"--security-opt %s=%s: '%s' is not an absolute path", key,
					value, paths.v[i]);
		autofree char *clean = path_clean(paths.v[i]);
		strs_add(rd->a, list, clean);
	}
	return 0;
}

static int set_mask(struct reading *rd, const char *value, struct err *e)
{
	return add_paths(rd, &rd->mask, "mask", value, e);
}

static int set_unmask(struct reading *rd, const char *value, struct err *e)
{
	if (!strcasecmp(value, "ALL")) {
		rd->unmask_all = true;
		return 0;
	}
	return add_paths(rd, &rd->unmask, "unmask", value, e);
}

static int set_systempaths(struct reading *rd, const char *value, struct err *e)
{
	if (strcmp(value, "unconfined") != 0)
		return err_fail(e, ERR_SECURITY_OPT,
				"--security-opt systempaths takes unconfined, not '%s'", value);
	rd->unmask_all = true;
	return 0;
}

static bool proc_option(const char *o)
{
	static const char *const whole[] = {"hidepid=0",
					    "hidepid=1",
					    "hidepid=2",
					    "hidepid=4",
					    "hidepid=off",
					    "hidepid=noaccess",
					    "hidepid=invisible",
					    "hidepid=ptraceable",
					    "subset=pid",
					    "ro",
					    "rw",
					    "nosuid",
					    "nodev",
					    "noexec"};
	uint64_t gid;

	for (size_t i = 0; i < countof(whole); i++) {
		if (!strcmp(whole[i], o))
			return true;
	}
	return str_starts(o, "gid=") && parse_u64(o + 4, UINT32_MAX - 1, &gid) == 0;
}

static int set_proc_opts(struct reading *rd, const char *value, struct err *e)
{
	scoped(strv) opts = {0};

	strv_split(&opts, value, ',');
	for (size_t i = 0; i < opts.n; i++) {
		if (proc_option(opts.v[i]))
			continue;
		err_fail(e, ERR_SECURITY_OPT,
			 "--security-opt proc-opts: '%s' is not an option of "
			 "/proc that a container may set",
			 opts.v[i]);
		return err_hint(e,
				"it takes hidepid=, subset=pid, gid=, ro, nosuid, nodev, noexec");
	}
	rd->out->proc_opts = arena_strdup(rd->a, value);
	return 0;
}

static int set_label(struct reading *rd, const char *value, struct err *e)
{
	static const char *const known[] = {"user:", "role:", "type:", "level:", "filetype:"};
	bool ok = !strcmp(value, "disable") || !strcmp(value, "nested");

	for (size_t i = 0; i < countof(known) && !ok; i++)
		ok = str_starts(value, known[i]) && value[strlen(known[i])];
	if (!ok)
		return err_fail(e, ERR_SECURITY_OPT, "--security-opt label: '%s' is not a label",
				value);
	if (strcmp(value, "disable") != 0 && access("/sys/fs/selinux/enforce", F_OK) == 0) {
		err_fail(e, ERR_SECURITY_OPT,
			 "--security-opt label=%s: hoy does not set SELinux labels", value);
		return err_hint(e, "containers run with the label of your own processes; "
				   "label=disable says so");
	}
	return 0;
}

static int set_apparmor(struct reading *rd, const char *value, struct err *e)
{
	if (!strcmp(value, "unconfined"))
		return 0;
	err_fail(e, ERR_SECURITY_OPT,
		 "the AppArmor profile '%s' cannot be applied: loading and "
		 "entering profiles needs root on the host",
		 value);
	return err_hint(e, "leave it out: seccomp, capabilities and user namespaces confine the "
			   "container");
}

static const struct {
	const char *key;
	int (*set)(struct reading *rd, const char *value, struct err *e);
	bool bare; /* may stand without a value */
} options[] = {
	{"apparmor", set_apparmor, false},
	{"label", set_label, false},
	{"mask", set_mask, false},
	{"no-new-privileges", set_no_new_privs, true},
	{"proc-opts", set_proc_opts, false},
	{"seccomp", set_seccomp, false},
	{"systempaths", set_systempaths, false},
	{"unmask", set_unmask, false},
};

static int unknown_option(const char *opt, size_t len, struct err *e)
{
	autofree char *key = xstrndup(opt, len);
	const char *best = NULL;
	size_t best_distance = str_too_far(key);

	for (size_t i = 0; i < countof(options); i++) {
		size_t d = str_distance(key, options[i].key);
		if (d < best_distance) {
			best_distance = d;
			best = options[i].key;
		}
	}
	err_fail(e, ERR_SECURITY_OPT, "unknown --security-opt '%s'", opt);
	if (best)
		return err_hint(e, "did you mean %s?", best);
	return err_hint(e, "it takes seccomp=, no-new-privileges, mask=, unmask=, proc-opts=, "
			   "systempaths=, label=, apparmor=");
}

/* One value: KEY, KEY=VALUE, or docker's old KEY:VALUE. */
static int read_option(struct reading *rd, const char *opt, struct err *e)
{
	size_t len = strcspn(opt, "=:");

	for (size_t i = 0; i < countof(options); i++) {
		if (strlen(options[i].key) != len || strncmp(options[i].key, opt, len) != 0)
			continue;
		if (!opt[len] && !options[i].bare)
			return err_fail(e, ERR_SECURITY_OPT,
					"--security-opt %s needs a value: %s=...", opt, opt);
		return options[i].set(rd, opt[len] ? opt + len + 1 : "", e);
	}
	return unknown_option(opt, len, e);
}

static bool is_unmasked(const struct reading *rd, const char *path)
{
	for (size_t i = 0; i < rd->unmask.n; i++) {
		if (fnmatch(rd->unmask.v[i], path, FNM_PATHNAME) == 0)
			return true;
	}
	return rd->unmask_all || rd->out->privileged;
}

static void add_defaults(struct reading *rd, struct strs *to, const char *const *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_unmasked(rd, from[i]))
			strs_add(rd->a, to, from[i]);
	}
}

int security_parse(struct arena *a, const struct strs *opts, bool privileged, uint64_t caps,
		   struct security *ret, struct err *e)
{
	struct reading rd = {.a = a, .out = ret};

	*ret = (struct security){.privileged = privileged,
				 .seccomp = privileged ? "unconfined" : "builtin"};
	for (size_t i = 0; i < opts->n; i++) {
		int r = read_option(&rd, opts->v[i], e);
		if (r < 0)
			return r;
		strs_add(a, &ret->opts, opts->v[i]);
	}
	add_defaults(&rd, &ret->masked, default_masked, countof(default_masked));
	add_defaults(&rd, &ret->readonly, default_readonly, countof(default_readonly));
	for (size_t i = 0; i < rd.mask.n; i++) {
		if (!strs_has(&ret->masked, rd.mask.v[i]))
			strs_add(a, &ret->masked, rd.mask.v[i]);
	}
	if (!ret->profile)
		return 0;
	scoped(seccomp_prog) tried = {0};
	return security_seccomp(ret, caps, &tried, e);
}

int security_seccomp(const struct security *s, uint64_t caps, struct seccomp_prog *ret,
		     struct err *e)
{
	*ret = (struct seccomp_prog){0};
	if (s->profile)
		return seccomp_profile_compile(s->profile, strlen(s->profile), s->seccomp, caps,
					       ret, e);
	if (str_eq(s->seccomp, "unconfined"))
		return 0;
	return seccomp_profile_default(caps, ret, e);
}
