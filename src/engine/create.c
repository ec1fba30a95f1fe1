#include <signal.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/create.h"
#include "engine/depends.h"
#include "engine/mount_opts.h"
#include "engine/options.h"
#include "engine/own.h"
#include "engine/requires.h"
#include "engine/rootfs_opts.h"
#include "engine/secret_opts.h"
#include "engine/systemd_opts.h"
#include "engine/userns_auto.h"
#include "net/lease.h"
#include "runtime/user.h"
#include "engine/remove.h"
#include "state/restart_policy.h"
#include "state/space.h"
#include "state/tell.h"
#include "state/tmp.h"
#include "store/images.h"
#include "sys/caps.h"
#include "sys/tty.h"
#include "volume/anonymous.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static void warn(const struct create_opts *o, const char *fmt, ...) printf_like(2, 3);
static void warn(const struct create_opts *o, const char *fmt, ...)
{
	va_list ap;
	char text[300];

	if (!o->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	o->warn(o->arg, text);
}

static int find_image(const struct home *h, const struct create_opts *o, struct image *im,
		      struct container_config *c, struct arena *a, struct err *e)
{
	if (o->rootfs)
		return rootfs_opts_set(o->image, c, a, e);
	if (o->layers) {
		c->root = "image";
		c->image = c->name = "build";
		c->layers = *o->layers;
		return 0;
	}
	c->image = arena_strdup(a, o->image);
	if (o->image[0] == '@') {
		if (strcmp(o->image, "@host") && strcmp(o->image, "@empty")) {
			err_fail(e, ERR_IMAGE_UNKNOWN, "no image \"%.80s\"", o->image);
			return err_hint(e, "@host and @empty are the only names that begin with @");
		}
		c->root = o->image[1] == 'h' ? "host" : "empty";
		return 0;
	}
	int r = image_find(h, o->image, im, e);
	if (r < 0)
		return r;
	c->root = "image";
	c->image_id = arena_strdup(a, im->id);
	if (im->found)
		c->image = arena_strdup(a, im->found);
	for (size_t i = 0; i < im->doc.rootfs.diff_ids.n; i++)
		strs_add(a, &c->layers, im->doc.rootfs.diff_ids.v[i]);
	const char *note;
	r = process_opts_platform(o->more, &im->doc, c->image, a, &note, e);
	if (note)
		warn(o, "%s", note);
	return r;
}

static void copy_strs(struct arena *a, struct strs *to, const struct strs *from)
{
	for (size_t i = 0; i < from->n; i++)
		strs_add(a, to, from->v[i]);
}

/* The command: --entrypoint replaces the image's and drops its CMD; words behind the image replace CMD. */
static int set_command(const struct create_opts *o, const struct image_config *ic,
		       struct container_config *c, struct arena *a, struct err *e)
{
	static const char *const shells[] = {"/bin/bash", "/usr/bin/bash", "/bin/sh"};

	if (o->entrypoint)
		options_entrypoint(a, o->entrypoint, &c->entrypoint);
	else
		copy_strs(a, &c->entrypoint, &ic->entrypoint);
	copy_strs(a, &c->command, o->args.n || o->entrypoint ? &o->args : &ic->cmd);
	if (!c->entrypoint.n && !c->command.n && !strcmp(c->root, "host"))
		for (size_t i = 0; i < countof(shells) && !c->command.n; i++)
			if (access(shells[i], X_OK) == 0)
				strs_add(a, &c->command, shells[i]);
	copy_strs(a, &c->process.args, &c->entrypoint);
	copy_strs(a, &c->process.args, &c->command);
	if (!c->process.args.n || !*c->process.args.v[0]) {
		err_fail(e, ERR_NO_COMMAND, "image %s names no command to run", c->image);
		return err_hint(e, "give one: hoy run %s%s COMMAND", o->rootfs ? "--rootfs " : "",
				o->image);
	}
	return systemd_opts_set(o->more, o->docker, c, a, e);
}

static int set_env(const struct create_opts *o, const struct image_config *ic,
		   struct container_config *c, struct arena *a, struct err *e)
{
	struct strs *env = &c->process.env;

	if (o->env_whole) {
		copy_strs(a, env, o->env_whole);
		return 0;
	}
	env_set(a, env, "PATH", 4, default_path);
	process_opts_host_env(o->more, env, a);
	if (o->tty)
		env_set(a, env, "TERM", 4, "xterm");
	env_set(a, env, "container", 9, "hoy");
	env_set(a, env, "HOSTNAME", 8, c->hostname);
	for (size_t i = 0; i < ic->env.n; i++) {
		const char *eq = strchr(ic->env.v[i], '=');
		if (!eq || eq == ic->env.v[i])
			warn(o,
			     "the image's environment entry \"%.60s\" has no name or no value: it "
			     "is left out",
			     ic->env.v[i]);
		else
			env_set(a, env, ic->env.v[i], (size_t)(eq - ic->env.v[i]), eq + 1);
	}
	if (c->systemd)
		env_set(a, env, "container_uuid", 14, arena_strndup(a, c->id, 32));
	process_opts_unset_env(o->more, env, a);
	static const struct strs no_files;
	int r = process_opts_merge_env(o->more, env, a, e);
	if (r == 0)
		r = options_env(a, &no_files, &o->env_first, env, e);
	return r < 0 ? r : options_env(a, &o->env_files, &o->env, env, e);
}

static int set_names(const struct home *h, const struct create_opts *o, struct container_config *c,
		     struct network_made *made, struct arena *a, struct err *e)
{
	const char *note;

	if (!str_is_empty(o->name)) {
		int r = container_check_name(o->name, e);
		if (r < 0)
			return r;
		c->name = arena_strdup(a, o->name);
	}
	int r = network_opts_set(h, &o->net, c, made, a, &note, e);
	if (r < 0)
		return r;
	if (note)
		warn(o, "%s", note);
	r = requires_set(h, &o->more->requires, c, a, e);
	if (r == 0)
		r = namespace_opts_set(h, &o->ns, c, a, e);
	return r < 0 ? r : name_opts_set(&o->names, c, a, e);
}

static int set_process(const struct create_opts *o, const struct image_config *ic,
		       struct container_config *c, struct arena *a, struct err *e)
{
	struct config_process *p = &c->process;

	p->tty = o->tty;
	p->interactive = o->interactive;
	p->user = arena_strdup(a, str_is_empty(o->user) ? ic->user : o->user);
	p->cwd = arena_strdup(a, str_is_empty(o->workdir) ? ic->working_dir : o->workdir);
	int r = user_check(p->user, e);
	if (r < 0)
		return r;
	if (p->cwd && *p->cwd && p->cwd[0] != '/') {
		err_fail(e, ERR_USAGE, "the working directory \"%.120s\" is not an absolute path",
			 p->cwd);
		return err_hint(e, "it is a path in the container: try --workdir /%.120s", p->cwd);
	}
	if (!str_is_empty(p->cwd)) {
		autofree char *clean = path_clean(p->cwd);
		p->cwd = arena_strdup(a, clean);
	}
	return 0;
}

static int set_security(const struct create_opts *o, struct container_config *c, struct arena *a,
			struct err *e)
{
	struct caps caps;

	copy_strs(a, &c->cap_add, &o->cap_add);
	copy_strs(a, &c->cap_drop, &o->cap_drop);
	int r = caps_compute(o->cap_add.v, o->cap_add.n, o->cap_drop.v, o->cap_drop.n,
			     o->privileged, &caps, e);
	if (r < 0)
		return r;
	c->process.caps_bounding = (int64_t)caps.bounding;
	c->process.caps_user = (int64_t)caps.user;
	r = security_parse(a, &o->security_opts, o->privileged, caps.bounding, &c->security, e);
	c->process.no_new_privs = c->security.no_new_privs;
	return r;
}

/* What the option U would take away from the user. */
static int check_given(const struct home *h, const struct container_config *c, struct err *e)
{
	const struct config_mount *m = c->mounts.v;
	int r = 0;

	for (size_t i = 0; i < c->mounts.n && r == 0; i++)
		if (str_eq(m[i].type, "bind") && strs_has(&m[i].options, "U"))
			r = own_may_give(h, m[i].source, e);
	return r;
}

static int set_mounts(const struct home *h, const struct create_opts *o,
		      const struct strs *image_volumes, struct container_config *c, struct arena *a,
		      struct err *e)
{
	static const char *const writable[] = {"/run", "/tmp", "/var/tmp"};
	int r = 0;

	for (size_t i = 0; i < o->volumes.n && r == 0; i++)
		r = mount_opts_volume(a, o->volumes.v[i], o->docker, &c->mounts, e);
	for (size_t i = 0; i < o->mounts.n && r == 0; i++)
		r = mount_opts_mount(a, o->mounts.v[i], o->docker, &c->mounts, e);
	const struct config_mount *more = o->more_mounts ? o->more_mounts->v : NULL;
	for (size_t i = 0; more && i < o->more_mounts->n && r == 0; i++)
		*(struct config_mount *)bind_append(a, &c->mounts, sizeof *more) = more[i];
	for (size_t i = 0; i < o->tmpfs.n && r == 0; i++)
		r = mount_opts_tmpfs(a, o->tmpfs.v[i], o->docker, &c->mounts, e);
	if (r == 0)
		r = systemd_opts_mounts(o->more, c, a, e);
	if (r == 0)
		r = rootfs_opts_init(o->more->init_path, o->init, c, a, e);
	for (size_t i = 0; i < countof(writable) && r == 0 && o->read_only && o->read_only_tmpfs;
	     i++)
		if (!mount_opts_has(&c->mounts, writable[i]))
			r = mount_opts_tmpfs(a, arena_printf(a, "%s:mode=1777", writable[i]), false,
					     &c->mounts, e);
	if (r == 0)
		r = volume_opts_add(h, &o->vol, image_volumes, c, a, e);
	for (size_t i = 0; i < o->devices.n && r == 0; i++)
		r = mount_opts_device(a, o->devices.v[i], &c->devices, e);
	for (size_t i = 0; i < o->ulimits.n && r == 0; i++)
		r = options_ulimit(a, o->ulimits.v[i], &c->ulimits, e);
	c->shm_size = (int64_t)o->shm_size;
	if (r == 0)
		r = check_given(h, c, e);
	return r < 0 ? r : mount_opts_sort(&c->mounts, e);
}

/* podman lets what failed and is to be removed at its end be tried again; docker does not. */
static int set_restart(const struct create_opts *o, struct container_config *c, struct arena *a,
		       struct err *e)
{
	struct restart_policy p;
	char text[RESTART_TEXT];
	int r = restart_policy_parse(o->restart, &p, e);

	if (r < 0 || p.kind == RESTART_NO)
		return r;
	if (o->auto_remove && (o->docker || p.kind != RESTART_ON_FAILURE)) {
		err_fail(e, ERR_USAGE, "--rm and --restart %s exclude each other",
			 restart_policy_name(p.kind));
		return err_hint(e,
				"a container that is removed at its end cannot be started again%s",
				o->docker ? "" : "; --restart on-failure goes with --rm");
	}
	c->restart = arena_strdup(a, restart_policy_text(&p, text));
	return 0;
}

static int set_rest(const struct create_opts *o, const struct image_config *ic,
		    struct container_config *c, struct arena *a, struct err *e)
{
	unsigned char keys[16];
	const char *note;

	for (size_t i = 0; i < ic->labels.n; i++)
		pairs_set(a, &c->labels, ic->labels.v[i].k, ic->labels.v[i].v);
	int r = process_opts_apply(o->more, c, a, &note, e);
	if (r < 0)
		return r;
	if (note)
		warn(o, "%s", note);
	for (size_t i = 0; i < o->labels.n; i++)
		options_label(a, o->labels.v[i], &c->labels);
	copy_strs(a, &c->create_command, &o->create_command);
	if (o->detach_keys && tty_parse_keys(o->detach_keys, keys) < 0) {
		err_fail(e, ERR_USAGE, "--detach-keys \"%.60s\" is not a list of keys",
			 o->detach_keys);
		return err_hint(
			e, "as in ctrl-p,ctrl-q: letters, or ctrl- and one of a-z @ [ \\ ] ^ _");
	}
	c->detach_keys = arena_strdup(a, o->detach_keys);
	c->read_only = o->read_only;
	c->init = o->init;
	c->auto_remove = o->auto_remove;
	c->cidfile = arena_strdup(a, o->cidfile);
	c->stop_timeout = o->stop_timeout;
	int usual = c->systemd ? SYSTEMD_STOP_SIGNAL : SIGTERM;
	int sig = o->stop_signal ? o->stop_signal : usual;
	if (!o->stop_signal && !str_is_empty(ic->stop_signal) &&
	    parse_signal(ic->stop_signal, &sig) < 0) {
		warn(o, "the image's stop signal \"%.40s\" is unknown: SIGTERM is used",
		     ic->stop_signal);
		sig = usual;
	}
	c->stop_signal = sig;
	int r2 = health_opts_apply(o->health, ic->health, o->docker, &c->health, a, e);
	return r2 < 0 ? r2 : set_restart(o, c, a, e);
}

static int set_ports(const struct create_opts *o, const struct image_config *ic,
		     struct container_config *c, struct arena *a, struct err *e)
{
	const char *note;
	int r = network_opts_ports(&o->net, &ic->exposed_ports, c, a, &note, e);

	if (r == 0 && note)
		warn(o, "%s", note);
	return r;
}

/* --replace: whatever has the name goes. */
static int make_room(const struct home *h, const char *name, struct err *e)
{
	struct container old;
	struct err ignored;
	int r = container_open(h, name, &old, &ignored);

	if (r == 0 && strcmp(old.state.name, name) == 0)
		r = container_remove_with_volumes(h, &old, true, -1, e);
	else
		r = 0;
	container_free(&old);
	return r;
}

static int take_name(const struct home *h, const struct create_opts *o, struct container_config *c,
		     struct arena *a, struct err *e)
{
	if (c->name)
		return container_name_take(h, c->name, c->id, e);
	for (int tries = 0;; tries++) {
		scoped(str) name = {0};
		container_random_name(&name);
		if (tries > 3) /* crowded: a few digits of the id make it unique */
			str_addf(&name, "_%.6s", c->id);
		int r = container_name_take(h, str_cstr(&name), c->id, e);
		if (r == 0)
			c->name = arena_strdup(a, str_cstr(&name));
		if (r != -EEXIST || tries > 8)
			return r;
	}
}

/* Whoever removes an image looks for containers that use it; whoever makes a container looks, once its record can be seen, whether
 * the image is still there: one of the two sees the other. */
static int image_still_there(const struct home *h, const struct container_config *c, struct err *e)
{
	char path[100];

	snprintf(path, sizeof path, "images/%.64s", digest_hex(c->image_id));
	if (faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT, "image %s was removed just now",
			     c->image);
}

/* Writes it below tmp/ and moves it in place. The lock goes with the directory's descriptor. */
static int publish(const struct home *h, const struct create_opts *o, struct network_made *made,
		   const struct userns_auto *ids, struct container *ret, struct err *e)
{
	struct container_config *c = &ret->config;
	autoclose int volumes = -1;
	char to[100];
	struct home_tmp t;
	int r = home_tmp_make(h, c->id, &t, e);

	if (r < 0)
		return r;
	if (mkdirat(t.fd, "upper", 0755) < 0 || mkdirat(t.fd, "work", 0700) < 0 ||
	    fchmodat(t.fd, "upper", 0755, 0) < 0)
		r = err_set(e, errno, "make the container's directories");
	if (r == 0 && !o->layers)
		r = take_name(h, o, c, &ret->arena, e);
	if (r == 0) {
		r = volume_opts_take(h, &o->vol, c, t.fd, o->durable, &ret->arena, &volumes, e);
		container_initial_state(c, &ret->arena, &ret->state);
		ret->state.untold = o->layers != NULL;
		ret->status = CONTAINER_CREATED;
		if (r == 0)
			r = network_opts_take(h, c, made, t.fd, &ret->arena, e);
		if (r == 0 && !o->more_secrets)
			r = secret_opts_take(h, c, t.fd, e);
		if (r == 0)
			r = userns_auto_take(h, ids, c, &ret->arena, e);
		if (r == 0)
			r = config_write(t.fd, c, o->durable, e);
		if (r == 0)
			r = container_state_write(t.fd, &ret->state, o->durable, e);
		fd_close(&volumes); /* whoever removes volumes sees it from here on */
		if (r == 0 && c->image_id)
			r = image_still_there(h, c, e);
		if (r == 0)
			r = depends_record(h, c, e);
		snprintf(to, sizeof to, "containers/%s", c->id);
		if (r == 0 && !o->unpublished && renameat(h->fd, t.name, h->fd, to) < 0 &&
		    (errno != ENOENT || path_mkdir_p_at(h->fd, "containers", 0700) < 0 ||
		     renameat(h->fd, t.name, h->fd, to) < 0))
			r = err_set(e, errno, "put the container in place");
		if (r < 0) {
			leases_drop_all(h, c->id, t.fd);
			anonymous_remove(h, &ret->state.mounts, c->id);
			container_name_drop(h, c->name, c->id);
		}
	}
	if (r < 0) {
		home_tmp_drop(h, &t);
		return r;
	}
	if (o->durable && !o->unpublished) {
		autoclose int dir = openat(h->fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			fsync(dir);
	}
	ret->dir = take_fd(t.fd);
	ret->locked = true;
	return 0;
}

int container_create(const struct home *h, const struct create_opts *o, struct container *ret,
		     struct err *e)
{
	scoped(image) im = {0};
	struct network_made made;
	struct userns_auto ids;
	struct container_config *c = &ret->config;
	struct arena *a = &ret->arena;
	char now[40];

	*ret = (struct container){.dir = -1, .has_config = true};
	container_new_id(ret->id);
	c->version = CONFIG_VERSION;
	c->id = ret->id;
	c->created = arena_strdup(a, time_rfc3339(now, sizeof now, time_now()));
	int r = set_names(h, o, c, &made, a, e);
	if (r == 0)
		r = find_image(h, o, &im, c, a, e);
	const struct image_config *ic = &im.doc.config;
	if (r == 0)
		r = set_command(o, ic, c, a, e);
	if (r == 0)
		r = set_process(o, ic, c, a, e);
	if (r == 0)
		r = set_env(o, ic, c, a, e);
	if (r == 0)
		r = set_security(o, c, a, e);
	if (r == 0)
		r = set_mounts(h, o, &ic->volumes, c, a, e);
	if (r == 0)
		r = secret_opts_set(h, &o->secrets, c, a, e);
	if (r == 0 && o->more_secrets)
		c->secrets = *o->more_secrets;
	if (r == 0)
		r = namespace_opts_sysctls(&o->ns, c, a, e);
	if (r == 0)
		r = set_rest(o, ic, c, a, e);
	if (r == 0)
		r = userns_opts_set(h, &o->userns, c, &ids, a, e);
	if (r == 0)
		r = set_ports(o, ic, c, a, e);
	if (r == 0)
		r = limit_opts_create(&o->limits, c, a, e);
	if (o->dry)
		return r;
	if (r == 0 && o->replace && c->name)
		r = make_room(h, c->name, e);
	if (r < 0)
		return r;
	r = publish(h, o, &made, &ids, ret, e);
	if (r == -ENOSPC || r == -EDQUOT) {
		space_wait(h);
		*e = (struct err){0};
		r = publish(h, o, &made, &ids, ret, e);
	}
	if (r == 0)
		container_tell(h, &ret->state, "create", NULL, NULL);
	return r;
}

void container_undo(const struct home *h, struct container *c)
{
	char path[100];

	if (c->dir < 0)
		return;
	container_name_drop(h, c->state.name, c->id);
	leases_drop_all(h, c->id, c->dir);
	anonymous_remove(h, &c->state.mounts, c->id);
	snprintf(path, sizeof path, "tmp/%s", c->id);
	home_rm_tree(h, path, NULL);
	container_tell(h, &c->state, "remove", NULL, NULL);
}
