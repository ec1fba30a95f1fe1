#include "base/base.h"
#include "runtime/config.h"

#define AT(type, field) offsetof(struct type, field)

static const struct bind_field mount_fields[] = {
	{"Type", BIND_STR, AT(config_mount, type), .flags = BIND_REQUIRED},
	{"Source", BIND_STR, AT(config_mount, source)},
	{"Destination", BIND_STR, AT(config_mount, destination), .flags = BIND_REQUIRED},
	{"Options", BIND_STRS, AT(config_mount, options)},
	{"Mode", BIND_STR, AT(config_mount, mode)},
	{"ByMount", BIND_BOOL, AT(config_mount, by_mount)},
	{"Name", BIND_STR, AT(config_mount, name)},
	{"Driver", BIND_STR, AT(config_mount, driver)},
	{"Anonymous", BIND_BOOL, AT(config_mount, anonymous)},
	{"ByImage", BIND_BOOL, AT(config_mount, by_image)},
	{"Subpath", BIND_STR, AT(config_mount, subpath)},
	{"Over", BIND_STR, AT(config_mount, over)},
	{"VolumeOptions", BIND_PAIRS, AT(config_mount, volume_options)},
	{"Layers", BIND_STRS, AT(config_mount, layers)},
	{0},
};

static const struct bind_field secret_fields[] = {
	{"Name", BIND_STR, AT(config_secret, name), .flags = BIND_REQUIRED},
	{"Id", BIND_STR, AT(config_secret, id), .flags = BIND_REQUIRED},
	{"Type", BIND_STR, AT(config_secret, type), .flags = BIND_REQUIRED},
	{"Target", BIND_STR, AT(config_secret, target), .flags = BIND_REQUIRED},
	{"Uid", BIND_INT, AT(config_secret, uid)},
	{"Gid", BIND_INT, AT(config_secret, gid)},
	{"Mode", BIND_INT, AT(config_secret, mode), .flags = BIND_ALWAYS},
	{0},
};

static const struct bind_field device_fields[] = {
	{"Source", BIND_STR, AT(config_device, source), .flags = BIND_REQUIRED},
	{"Destination", BIND_STR, AT(config_device, destination), .flags = BIND_REQUIRED},
	{"Permissions", BIND_STR, AT(config_device, permissions)},
	{0},
};

static const struct bind_field ids_fields[] = {
	{"Inside", BIND_INT, AT(config_ids, inside), .flags = BIND_ALWAYS},
	{"Outside", BIND_INT, AT(config_ids, outside), .flags = BIND_ALWAYS},
	{"Count", BIND_INT, AT(config_ids, count), .flags = BIND_ALWAYS},
	{0},
};

static const struct bind_field ulimit_fields[] = {
	{"Name", BIND_STR, AT(config_ulimit, name), .flags = BIND_REQUIRED},
	{"Soft", BIND_INT, AT(config_ulimit, soft), .flags = BIND_ALWAYS},
	{"Hard", BIND_INT, AT(config_ulimit, hard), .flags = BIND_ALWAYS},
	{0},
};

const struct bind_field config_process_fields[] = {
	{"Args", BIND_STRS, AT(config_process, args)},
	{"Env", BIND_STRS, AT(config_process, env)},
	{"Cwd", BIND_STR, AT(config_process, cwd)},
	{"User", BIND_STR, AT(config_process, user)},
	{"Tty", BIND_BOOL, AT(config_process, tty)},
	{"Interactive", BIND_BOOL, AT(config_process, interactive)},
	{"NoNewPrivs", BIND_BOOL, AT(config_process, no_new_privs)},
	{"CapsBounding", BIND_INT, AT(config_process, caps_bounding)},
	{"CapsUser", BIND_INT, AT(config_process, caps_user)},
	{"Groups", BIND_STRS, AT(config_process, groups)},
	{0},
};

static const struct bind_field health_fields[] = {
	{"Test", BIND_STRS, AT(config_health, test)},
	{"Interval", BIND_INT, AT(config_health, interval)},
	{"Timeout", BIND_INT, AT(config_health, timeout)},
	{"StartPeriod", BIND_INT, AT(config_health, start_period)},
	{"StartInterval", BIND_INT, AT(config_health, start_interval)},
	{"Retries", BIND_INT, AT(config_health, retries)},
	{"OnFailure", BIND_STR, AT(config_health, on_failure)},
	{"Startup", BIND_STRS, AT(config_health, startup)},
	{"StartupInterval", BIND_INT, AT(config_health, startup_interval)},
	{"StartupTimeout", BIND_INT, AT(config_health, startup_timeout)},
	{"StartupRetries", BIND_INT, AT(config_health, startup_retries)},
	{"StartupSuccess", BIND_INT, AT(config_health, startup_success)},
	{"LogDestination", BIND_STR, AT(config_health, log_destination)},
	{"LogCount", BIND_INT, AT(config_health, log_count)},
	{"LogSize", BIND_INT, AT(config_health, log_size)},
	{0},
};

const struct bind_field config_fields[] = {
	{"Version", BIND_INT, AT(container_config, version), .flags = BIND_REQUIRED},
	{"Id", BIND_STR, AT(container_config, id), .flags = BIND_REQUIRED},
	{"Name", BIND_STR, AT(container_config, name), .flags = BIND_REQUIRED},
	{"Created", BIND_STR, AT(container_config, created)},
	{"Image", BIND_STR, AT(container_config, image)},
	{"ImageId", BIND_STR, AT(container_config, image_id)},
	{"ImageDigest", BIND_STR, AT(container_config, image_digest)},
	{"Root", BIND_STR, AT(container_config, root), .flags = BIND_REQUIRED},
	{"Rootfs", BIND_STR, AT(container_config, rootfs)},
	{"RootfsOverlay", BIND_BOOL, AT(container_config, rootfs_overlay)},
	{"Layers", BIND_STRS, AT(container_config, layers)},
	{"Network", BIND_STR, AT(container_config, network)},
	{"NetworkMode", BIND_STR, AT(container_config, network_mode)},
	{"NetworkOptions", BIND_STRS, AT(container_config, network_options)},
	{"Ports", BIND_LIST, AT(container_config, ports), port_fields, sizeof(struct port)},
	{"Exposed", BIND_STRS, AT(container_config, exposed)},
	{"PublishAll", BIND_BOOL, AT(container_config, publish_all)},
	{"Links", BIND_STRS, AT(container_config, links)},
	{"Hostname", BIND_STR, AT(container_config, hostname)},
	{"Domainname", BIND_STR, AT(container_config, domainname)},
	{"Dns", BIND_STRS, AT(container_config, dns)},
	{"DnsSearch", BIND_STRS, AT(container_config, dns_search)},
	{"DnsOptions", BIND_STRS, AT(container_config, dns_options)},
	{"ExtraHosts", BIND_STRS, AT(container_config, extra_hosts)},
	{"HostsFile", BIND_STR, AT(container_config, hosts_file)},
	{"NoHosts", BIND_BOOL, AT(container_config, no_hosts)},
	{"NoHostname", BIND_BOOL, AT(container_config, no_hostname)},
	{"Ipc", BIND_STR, AT(container_config, ipc)},
	{"Pid", BIND_STR, AT(container_config, pid)},
	{"Uts", BIND_STR, AT(container_config, uts)},
	{"CgroupNs", BIND_STR, AT(container_config, cgroupns)},
	{"Userns", BIND_STR, AT(container_config, userns)},
	{"UidMap", BIND_LIST, AT(container_config, uid_map), ids_fields, sizeof(struct config_ids)},
	{"GidMap", BIND_LIST, AT(container_config, gid_map), ids_fields, sizeof(struct config_ids)},
	{"KeepName", BIND_STR, AT(container_config, keep_name)},
	{"KeepUid", BIND_INT, AT(container_config, keep_uid)},
	{"KeepGid", BIND_INT, AT(container_config, keep_gid)},
	{"Sysctls", BIND_PAIRS, AT(container_config, sysctls)},
	{"Process", BIND_OBJ, AT(container_config, process), config_process_fields},
	{"Entrypoint", BIND_STRS, AT(container_config, entrypoint)},
	{"Command", BIND_STRS, AT(container_config, command)},
	{"Labels", BIND_PAIRS, AT(container_config, labels)},
	{"Annotations", BIND_PAIRS, AT(container_config, annotations)},
	{"Mounts", BIND_LIST, AT(container_config, mounts), mount_fields,
	 sizeof(struct config_mount)},
	{"VolumesFrom", BIND_STRS, AT(container_config, volumes_from)},
	{"VolumeDriver", BIND_STR, AT(container_config, volume_driver)},
	{"Ulimits", BIND_LIST, AT(container_config, ulimits), ulimit_fields,
	 sizeof(struct config_ulimit)},
	{"Devices", BIND_LIST, AT(container_config, devices), device_fields,
	 sizeof(struct config_device)},
	{"Secrets", BIND_LIST, AT(container_config, secrets), secret_fields,
	 sizeof(struct config_secret)},
	{"ShmSize", BIND_INT, AT(container_config, shm_size), .flags = BIND_ALWAYS},
	{"CapAdd", BIND_STRS, AT(container_config, cap_add)},
	{"CapDrop", BIND_STRS, AT(container_config, cap_drop)},
	{"Security", BIND_OBJ, AT(container_config, security), security_fields},
	{"CreateCommand", BIND_STRS, AT(container_config, create_command)},
	{"DetachKeys", BIND_STR, AT(container_config, detach_keys)},
	{"StopSignal", BIND_INT, AT(container_config, stop_signal)},
	{"StopTimeout", BIND_INT, AT(container_config, stop_timeout)},
	{"ReadOnly", BIND_BOOL, AT(container_config, read_only)},
	{"Init", BIND_BOOL, AT(container_config, init)},
	{"AutoRemove", BIND_BOOL, AT(container_config, auto_remove)},
	{"Restart", BIND_STR, AT(container_config, restart)},
	{"Health", BIND_OBJ, AT(container_config, health), health_fields},
	{"Attach", BIND_STRS, AT(container_config, attach)},
	{"Umask", BIND_INT, AT(container_config, umask), .flags = BIND_ALWAYS},
	{"Timezone", BIND_STR, AT(container_config, tz)},
	{"PidFile", BIND_STR, AT(container_config, pidfile)},
	{"ConmonPidFile", BIND_STR, AT(container_config, conmon_pidfile)},
	{"NoPasswd", BIND_BOOL, AT(container_config, no_passwd)},
	{"Systemd", BIND_BOOL, AT(container_config, systemd)},
	{"Personality", BIND_STR, AT(container_config, personality)},
	{"ChrootDirs", BIND_STRS, AT(container_config, chroot_dirs)},
	{"InitPath", BIND_STR, AT(container_config, init_path)},
	{"PasswdEntry", BIND_STR, AT(container_config, passwd_entry)},
	{"GroupEntry", BIND_STR, AT(container_config, group_entry)},
	{"HostUsers", BIND_STRS, AT(container_config, host_users)},
	{"Requires", BIND_STRS, AT(container_config, requires)},
	{"CidFile", BIND_STR, AT(container_config, cidfile)},
	{"Timeout", BIND_INT, AT(container_config, timeout)},
	{"HasOomScoreAdj", BIND_BOOL, AT(container_config, has_oom_score_adj)},
	{"OomScoreAdj", BIND_INT, AT(container_config, oom_score_adj)},
	{"LogDriver", BIND_STR, AT(container_config, log_driver)},
	{"LogPath", BIND_STR, AT(container_config, log_path)},
	{"LogMaxSize", BIND_INT, AT(container_config, log_max_size)},
	{"LogMaxFiles", BIND_INT, AT(container_config, log_max_files)},
	{"LogOpts", BIND_PAIRS, AT(container_config, log_opts)},
	{"Limits", BIND_OBJ, AT(container_config, limits), limit_fields},
	{"CgroupParent", BIND_STR, AT(container_config, cgroup_parent)},
	{"Cgroups", BIND_STR, AT(container_config, cgroups)},
	{0},
};

/* What `update` changes, in a file of its own beside config.json. Limits have another (limit.h). */
static const struct bind_field changed_fields[] = {
	{"Env", BIND_STRS, AT(container_config, process.env), .flags = BIND_ALWAYS},
	{"Ulimits", BIND_LIST, AT(container_config, ulimits), ulimit_fields,
	 sizeof(struct config_ulimit), BIND_ALWAYS},
	{"Health", BIND_OBJ, AT(container_config, health), health_fields, .flags = BIND_ALWAYS},
	{0},
};
#undef AT

#define CHANGES "changes.json"

static int read_changes(int dir, struct container_config *c, struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(dir, CHANGES, &text, 8 << 20);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read the container's " CHANGES);
	struct json *j = json_parse(a, str_cstr(&text), text.len, CHANGES, NULL, e);
	c->health = (struct config_health){0};
	return j ? bind_read(changed_fields, c, j, CHANGES, a, e) : -EINVAL;
}

int config_write_changes(int dir, const struct container_config *c, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};

	json_write(&text, bind_write(changed_fields, c, &a), 0);
	str_addc(&text, '\n');
	int r = fd_replace_at(dir, CHANGES, text.s, text.len, 0600, true);
	return r < 0 ? err_set(e, r, "write the container's " CHANGES) : 0;
}

int config_read(int dir, struct container_config *ret, struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(dir, "config.json", &text, 8 << 20);

	if (r < 0)
		return err_set(e, r, "read the container's config.json");
	*ret = (struct container_config){
		.stop_timeout = -1, .shm_size = CONFIG_SHM_SIZE, .umask = CONFIG_UMASK};
	struct json *j = json_parse(a, str_cstr(&text), text.len, "config.json", NULL, e);
	r = j ? bind_read(config_fields, ret, j, "config.json", a, e) : -EINVAL;
	if (r == 0)
		r = read_changes(dir, ret, a, e);
	if (r < 0) {
		err_context(e, "the record of the container is damaged");
		return err_hint(e,
				"a disk fault or another program changed it; hoy rm takes it away");
	}
	if (r == 0 && ret->version > CONFIG_VERSION) {
		err_fail(e, ERR_NEWER, "container %.12s was made by a newer release of hoy",
			 ret->id);
		return err_hint(e, "use that release to manage it");
	}
	return r;
}

int config_write(int dir, const struct container_config *c, bool sync, struct err *e)
{
	struct arena a = {0};
	scoped(str) text = {0};

	json_write(&text, bind_write(config_fields, c, &a), 0);
	arena_free(&a);
	str_addc(&text, '\n');
	autoclose int fd =
		openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, text.s, text.len);
	if (r == 0 && sync && fdatasync(fd) < 0)
		r = -errno;
	return r < 0 ? err_set(e, r, "write the container's config.json") : 0;
}
