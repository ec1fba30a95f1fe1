/*
 * The tables that bind the document to the structs; what the values must be is in runtime_check.c.
 */
#include "base/base.h"
#include "oci/runtime_check.h"
#include "oci/runtime_read.h"

#define AT(type, field) offsetof(struct type, field)

static const struct bind_field rlimit_fields[] = {
	{"type", BIND_STR, AT(oci_rlimit, type), .flags = BIND_REQUIRED},
	{"soft", BIND_U64, AT(oci_rlimit, soft), .flags = BIND_REQUIRED | BIND_ALWAYS},
	{"hard", BIND_U64, AT(oci_rlimit, hard), .flags = BIND_REQUIRED | BIND_ALWAYS},
	{0},
};

static const struct bind_field user_fields[] = {
	{"uid", BIND_INT, AT(oci_user, uid), .flags = BIND_ALWAYS},
	{"gid", BIND_INT, AT(oci_user, gid), .flags = BIND_ALWAYS},
	{"umask", BIND_INT, AT(oci_user, umask)},
	{"additionalGids", BIND_JSON, AT(oci_user, additional_gids)},
	{0},
};

static const struct bind_field capability_fields[] = {
	{"bounding", BIND_STRS, AT(oci_capabilities, bounding)},
	{"effective", BIND_STRS, AT(oci_capabilities, effective)},
	{"inheritable", BIND_STRS, AT(oci_capabilities, inheritable)},
	{"permitted", BIND_STRS, AT(oci_capabilities, permitted)},
	{"ambient", BIND_STRS, AT(oci_capabilities, ambient)},
	{0},
};

static const struct bind_field scheduler_fields[] = {
	{"policy", BIND_STR, AT(oci_scheduler, policy), .flags = BIND_REQUIRED},
	{"nice", BIND_INT, AT(oci_scheduler, nice)},
	{"priority", BIND_INT, AT(oci_scheduler, priority)},
	{"flags", BIND_STRS, AT(oci_scheduler, flags)},
	{"runtime", BIND_U64, AT(oci_scheduler, runtime)},
	{"deadline", BIND_U64, AT(oci_scheduler, deadline)},
	{"period", BIND_U64, AT(oci_scheduler, period)},
	{0},
};

static const struct bind_field io_priority_fields[] = {
	{"class", BIND_STR, AT(oci_io_priority, class_), .flags = BIND_REQUIRED},
	{"priority", BIND_INT, AT(oci_io_priority, priority), .flags = BIND_ALWAYS},
	{0},
};

static const struct bind_field affinity_fields[] = {
	{"initial", BIND_STR, AT(oci_cpu_affinity, initial)},
	{"final", BIND_STR, AT(oci_cpu_affinity, final)},
	{0},
};

static const struct bind_field console_fields[] = {
	{"height", BIND_INT, AT(oci_console_size, height)},
	{"width", BIND_INT, AT(oci_console_size, width)},
	{0},
};

static const struct bind_field process_fields[] = {
	{"terminal", BIND_BOOL, AT(oci_process, terminal)},
	{"consoleSize", BIND_OBJ, AT(oci_process, console), console_fields},
	{"user", BIND_OBJ, AT(oci_process, user), user_fields},
	{"args", BIND_STRS, AT(oci_process, args)},
	{"env", BIND_STRS, AT(oci_process, env)},
	{"cwd", BIND_STR, AT(oci_process, cwd), .flags = BIND_REQUIRED},
	{"capabilities", BIND_PTR, AT(oci_process, capabilities), capability_fields,
	 sizeof(struct oci_capabilities)},
	{"rlimits", BIND_LIST, AT(oci_process, rlimits), rlimit_fields, sizeof(struct oci_rlimit)},
	{"noNewPrivileges", BIND_BOOL, AT(oci_process, no_new_privileges)},
	{"apparmorProfile", BIND_STR, AT(oci_process, apparmor)},
	{"oomScoreAdj", BIND_INT, AT(oci_process, oom_score_adj), .flags = BIND_ALWAYS},
	{"scheduler", BIND_PTR, AT(oci_process, scheduler), scheduler_fields,
	 sizeof(struct oci_scheduler)},
	{"selinuxLabel", BIND_STR, AT(oci_process, selinux)},
	{"ioPriority", BIND_PTR, AT(oci_process, io_priority), io_priority_fields,
	 sizeof(struct oci_io_priority)},
	{"execCPUAffinity", BIND_PTR, AT(oci_process, exec_affinity), affinity_fields,
	 sizeof(struct oci_cpu_affinity)},
	{0},
};

static const struct bind_field root_fields[] = {
	{"path", BIND_STR, AT(oci_root, path), .flags = BIND_REQUIRED},
	{"readonly", BIND_BOOL, AT(oci_root, readonly)},
	{0},
};

static const struct bind_field id_fields[] = {
	{"containerID", BIND_INT, AT(oci_id_mapping, container_id),
	 .flags = BIND_REQUIRED | BIND_ALWAYS},
	{"hostID", BIND_INT, AT(oci_id_mapping, host_id), .flags = BIND_REQUIRED | BIND_ALWAYS},
	{"size", BIND_INT, AT(oci_id_mapping, size), .flags = BIND_REQUIRED | BIND_ALWAYS},
	{0},
};

#define IDS(key, type, field)                                                                      \
	{                                                                                          \
		key, BIND_LIST, AT(type, field), id_fields, sizeof(struct oci_id_mapping)          \
	}

static const struct bind_field mount_fields[] = {
	{"destination", BIND_STR, AT(oci_mount, destination), .flags = BIND_REQUIRED},
	{"type", BIND_STR, AT(oci_mount, type)},
	{"source", BIND_STR, AT(oci_mount, source)},
	{"options", BIND_STRS, AT(oci_mount, options)},
	IDS("uidMappings", oci_mount, uid_mappings),
	IDS("gidMappings", oci_mount, gid_mappings),
	{0},
};

static const struct bind_field hook_fields[] = {
	{"path", BIND_STR, AT(oci_hook, path), .flags = BIND_REQUIRED},
	{"args", BIND_STRS, AT(oci_hook, args)},
	{"env", BIND_STRS, AT(oci_hook, env)},
	{"timeout", BIND_INT, AT(oci_hook, timeout)},
	{0},
};

#define HOOKS(key, field)                                                                          \
	{                                                                                          \
		key, BIND_LIST, AT(oci_hooks, field), hook_fields, sizeof(struct oci_hook)         \
	}
static const struct bind_field hooks_fields[] = {
	HOOKS("prestart", prestart),
	HOOKS("createRuntime", create_runtime),
	HOOKS("createContainer", create_container),
	HOOKS("startContainer", start_container),
	HOOKS("poststart", poststart),
	HOOKS("poststop", poststop),
	{0},
};

static const struct bind_field namespace_fields[] = {
	{"type", BIND_STR, AT(oci_namespace, type), .flags = BIND_REQUIRED},
	{"path", BIND_STR, AT(oci_namespace, path)},
	{0},
};

static const struct bind_field device_fields[] = {
	{"type", BIND_STR, AT(oci_device, type), .flags = BIND_REQUIRED},
	{"path", BIND_STR, AT(oci_device, path), .flags = BIND_REQUIRED},
	{"major", BIND_INT, AT(oci_device, major)},
	{"minor", BIND_INT, AT(oci_device, minor)},
	{"fileMode", BIND_INT, AT(oci_device, file_mode)},
	{"uid", BIND_INT, AT(oci_device, uid)},
	{"gid", BIND_INT, AT(oci_device, gid)},
	{0},
};

static const struct bind_field offset_fields[] = {
	{"secs", BIND_INT, AT(oci_time_offset, secs)},
	{"nanosecs", BIND_INT, AT(oci_time_offset, nanosecs)},
	{0},
};

static const struct bind_field offsets_fields[] = {
	{"monotonic", BIND_PTR, 0, offset_fields, sizeof(struct oci_time_offset)},
	{"boottime", BIND_PTR, sizeof(void *), offset_fields, sizeof(struct oci_time_offset)},
	{0},
};

static const struct bind_field personality_fields[] = {
	{"domain", BIND_STR, AT(oci_personality, domain), .flags = BIND_REQUIRED},
	{"flags", BIND_STRS, AT(oci_personality, flags)},
	{0},
};

static const struct bind_field linux_fields[] = {
	IDS("uidMappings", oci_linux, uid_mappings),
	IDS("gidMappings", oci_linux, gid_mappings),
	{"sysctl", BIND_PAIRS, AT(oci_linux, sysctl)},
	{"resources", BIND_PTR, AT(oci_linux, resources), oci_resources_fields,
	 sizeof(struct oci_resources)},
	{"cgroupsPath", BIND_STR, AT(oci_linux, cgroups_path)},
	{"namespaces", BIND_LIST, AT(oci_linux, namespaces), namespace_fields,
	 sizeof(struct oci_namespace)},
	{"devices", BIND_LIST, AT(oci_linux, devices), device_fields, sizeof(struct oci_device)},
	{"seccomp", BIND_JSON, AT(oci_linux, seccomp)},
	{"rootfsPropagation", BIND_STR, AT(oci_linux, rootfs_propagation)},
	{"maskedPaths", BIND_STRS, AT(oci_linux, masked_paths)},
	{"readonlyPaths", BIND_STRS, AT(oci_linux, readonly_paths)},
	{"mountLabel", BIND_STR, AT(oci_linux, mount_label)},
	{"personality", BIND_PTR, AT(oci_linux, personality), personality_fields,
	 sizeof(struct oci_personality)},
	{"intelRdt", BIND_JSON, AT(oci_linux, intel_rdt)},
	{"timeOffsets", BIND_OBJ, AT(oci_linux, time_offsets), offsets_fields},
	{0},
};

static const struct bind_field spec_fields[] = {
	{"ociVersion", BIND_STR, AT(oci_spec, version), .flags = BIND_REQUIRED},
	{"root", BIND_OBJ, AT(oci_spec, root), root_fields, .flags = BIND_REQUIRED},
	{"hostname", BIND_STR, AT(oci_spec, hostname)},
	{"domainname", BIND_STR, AT(oci_spec, domainname)},
	{"mounts", BIND_LIST, AT(oci_spec, mounts), mount_fields, sizeof(struct oci_mount)},
	{"hooks", BIND_OBJ, AT(oci_spec, hooks), hooks_fields},
	{"annotations", BIND_PAIRS, AT(oci_spec, annotations)},
	{"linux", BIND_OBJ, AT(oci_spec, linux_), linux_fields},
	{0},
};

/* Far more than what any engine writes. */
static const struct json_limits limits = {
	.max_bytes = 4 << 20, .max_depth = 32, .max_nodes = 200000};

static int read_process(struct oci_process *p, const struct json *at, const char *what,
			struct strs *warnings, struct arena *a, struct err *e)
{
	*p = (struct oci_process){.oom_score_adj = OCI_NO_OOM_SCORE, .user.umask = -1};

	int r = bind_read(process_fields, p, at, what, a, e);
	return r < 0 ? r : oci_process_check(p, at, what, warnings, a, e);
}

int oci_spec_read(const char *text, size_t len, const char *what, struct oci_spec *ret,
		  struct arena *a, struct err *e)
{
	struct json *doc = json_parse(a, text, len, what, &limits, e);

	*ret = (struct oci_spec){0};
	if (!doc)
		return -EINVAL;
	int r = bind_read(spec_fields, ret, doc, what, a, e);
	const struct json *process = json_get(doc, "process");
	if (r == 0 && process && process->type != JSON_NULL) {
		ret->process = arena_alloc(a, sizeof *ret->process);
		r = read_process(ret->process, process, what, &ret->warnings, a, e);
	}
	return r < 0 ? r : oci_spec_check(ret, doc, what, a, e);
}

int oci_process_read(const char *text, size_t len, const char *what, struct oci_process *ret,
		     struct strs *warnings, struct arena *a, struct err *e)
{
	struct json *doc = json_parse(a, text, len, what, &limits, e);

	return doc ? read_process(ret, doc, what, warnings, a, e) : -EINVAL;
}
