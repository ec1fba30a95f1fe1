#include "base/base.h"
#include "base/parse.h"
#include "engine/mount_opts.h"
#include "engine/systemd_opts.h"

/* Is this command an init that is, or may be, systemd? podman's list. */
static bool is_init(const char *command)
{
	static const char *const paths[] = {"/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"};
	const char *slash = strrchr(command, '/');

	for (size_t i = 0; i < countof(paths); i++)
		if (!strcmp(paths[i], command))
			return true;
	return !strcmp(slash ? slash + 1 : command, "systemd");
}

int systemd_opts_set(const struct process_opts *o, bool docker, struct container_config *c,
		     struct arena *a, struct err *e)
{
	const char *when = str_is_empty(o->systemd) ? docker ? "false" : "true" : o->systemd;
	uint64_t size;

	if (!strcmp(when, "always")) {
		c->systemd = true;
	} else if (!strcasecmp(when, "true") || !strcmp(when, "1") || !strcmp(when, "t")) {
		c->systemd = is_init(c->process.args.v[0]);
	} else if (strcasecmp(when, "false") != 0 && strcmp(when, "0") != 0 &&
		   strcmp(when, "f") != 0) {
		err_fail(e, ERR_USAGE, "--systemd \"%.40s\" is none of true, false and always",
			 when);
		return err_hint(e, "true means: if the command is systemd or /sbin/init");
	}
	if (!o->systemd_size)
		return 0;
	if (parse_size(o->systemd_size, &size) < 0) {
		err_fail(e, ERR_USAGE, "--shm-size-systemd \"%.40s\" is not a size",
			 o->systemd_size);
		return err_hint(e, "as 64m or 1g");
	}
	if (c->systemd)
		return 0;
	err_fail(e, ERR_USAGE, "--shm-size-systemd is for containers that run systemd");
	return err_hint(e, "--systemd=always prepares any container for it");
}

int systemd_opts_mounts(const struct process_opts *o, struct container_config *c, struct arena *a,
			struct err *e)
{
	static const char *const places[] = {"/run:mode=0755", "/run/lock:mode=1777",
					     "/tmp:mode=1777", "/var/log/journal:mode=0755"};
	const char *size = o->systemd_size ? arena_printf(a, ",size=%s", o->systemd_size) : "";
	int r = 0;

	for (size_t i = 0; i < countof(places) && c->systemd && r == 0; i++) {
		const char *path = arena_strndup(a, places[i], strcspn(places[i], ":"));
		if (!mount_opts_has(&c->mounts, path))
			r = mount_opts_tmpfs(a, arena_printf(a, "%s%s", places[i], size), false,
					     &c->mounts, e);
	}
	return r;
}
