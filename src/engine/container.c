#include <dirent.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/container.h"
#include "monitor/placing.h"
#include "net/lease.h"
#include "runtime/namespaces.h"
#include "runtime/volume_plugins.h"
#include "state/tell.h"
#include "state/tmp.h"
#include "state/u0.h"
#include "store/copied.h"
#include "sys/strays.h"
#include "volume/anonymous.h"

/* A record that cannot be read (a damaged disk, a bad hand): what the config and the names still say makes a new one, of a container that
 * does not run, so that it can be seen, started or removed. */
static void rebuild_state(const struct home *h, struct container *c)
{
	char *name = container_name_of(h, c->id);

	c->state = (struct container_state){.id = c->id, .status = "exited", .stop_timeout = -1};
	if (container_load_config(c, NULL) == 0)
		container_initial_state(&c->config, &c->arena, &c->state);
	c->state.name = arena_strdup(&c->arena, name ? name : c->id);
	c->state.status = "exited";
	c->state.error = "its state.json is damaged";
	c->status = CONTAINER_EXITED;
	free(name);
}

int container_refresh(const struct home *h, struct container *c, struct err *e)
{
	struct err why = {0};
	int r = container_state_read(h, c->id, &c->state, &c->arena, &why);

	if (r == 0) {
		c->status = container_derive(h, &c->state);
	} else if (why.id == ERR_JSON || why.code == EINVAL || why.code == EFBIG) {
		rebuild_state(h, c);
		r = 0;
	} else if (e) {
		*e = why;
	}
	return r;
}

int container_open(const struct home *h, const char *text, struct container *ret, struct err *e)
{
	*ret = (struct container){.dir = -1};
	int r = container_resolve(h, text, ret->id, e);
	if (r < 0)
		return r;
	ret->dir = container_dir(h, ret->id, e);
	if (ret->dir < 0)
		return ret->dir;
	return container_refresh(h, ret, e);
}

struct state_mount container_state_mount(const struct config_mount *m)
{
	bool volume = !strcmp(m->type, "volume"), image = !strcmp(m->type, "image");

	return (struct state_mount){.source = m->source,
				    .destination = m->destination,
				    .volume = volume ? m->name : NULL,
				    .anonymous = m->anonymous,
				    .image = image ? m->source : NULL};
}

void container_initial_state(const struct container_config *c, struct arena *a,
			     struct container_state *ret)
{
	const struct config_mount *m = c->mounts.v;
	const struct port *p = c->ports.v;

	*ret = (struct container_state){
		.id = c->id,
		.name = c->name,
		.image = c->image,
		.image_id = c->image_id,
		.command = c->process.args,
		.labels = c->labels,
		.created = c->created,
		.status = "created",
		.stop_signal = c->stop_signal,
		.stop_timeout = c->stop_timeout,
		.auto_remove = c->auto_remove,
		.restart = c->restart,
		.checked = c->health.test.n > 0,
		.tty = c->process.tty,
		.interactive = c->process.interactive,
		.network = c->network,
		.exposed = c->exposed,
	};
	for (size_t i = 0; i < c->mounts.n; i++)
		*(struct state_mount *)bind_append(a, &ret->mounts, sizeof(struct state_mount)) =
			container_state_mount(&m[i]);
	for (size_t i = 0; i < c->ports.n; i++)
		*(struct state_port *)bind_append(a, &ret->ports, sizeof(struct state_port)) =
			(struct state_port){p[i].host_ip, p[i].choice ? 0 : p[i].host_port,
					    p[i].container_port, p[i].range, p[i].protocol};
}

int container_load_config(struct container *c, struct err *e)
{
	if (c->has_config)
		return 0;
	int r = config_read(c->dir, &c->config, &c->arena, e);
	c->has_config = r == 0;
	return r;
}

void container_free(struct container *c)
{
	arena_free(&c->arena);
	fd_close(&c->dir);
}

int container_not_running(const struct container *c, struct err *e)
{
	err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH, "container %s is not running (%s)",
		      c->state.name, container_status_name(c->status));
	return err_hint(e, "start it: hoy start %s", c->state.name);
}

int container_is_paused(const struct container *c, struct err *e)
{
	err_fail_code(e, ERR_CONTAINER_PAUSED, EBUSY, "container %s is paused", c->state.name);
	return err_hint(e, "let it go on: hoy unpause %s", c->state.name);
}

int container_lock(struct container *c, int wait_ms, struct err *e)
{
	int64_t until = time_mono_ms() + wait_ms;

	if (c->locked)
		return 0;
	while (flock(c->dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_set(e, errno, "lock container %s", c->state.name);
		if (time_mono_ms() >= until) {
			err_fail_code(e, ERR_CONTAINER_BUSY, EBUSY,
				      "container %s is in use by another command", c->state.name);
			return err_hint(e, "it is being started, stopped or removed; try again");
		}
		usleep(5000);
	}
	c->locked = true;
	return 0;
}

/* The others of a container that has no pid namespace of its own. */
static void end_strays(struct container *c)
{
	if (container_load_config(c, NULL) == 0 && !ns_is_own(&c->config, NS_PID))
		strays_end_rooted(c->id);
}

int container_keep(struct container *c, struct err *e)
{
	int fd = openat(c->dir, CONTAINER_KEEP, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, errno, "mark container %s for its restart", c->state.name);
	close(fd);
	return 0;
}

bool container_crashed(const struct container *c)
{
	bool up = str_eq(c->state.status, "running") || str_eq(c->state.status, "restarting");

	return up && !container_is_up(c->status);
}

void container_end_lost(const struct home *h, struct container *c)
{
	struct event died = {.action = "died", .has_code = true, .code = 137};

	if (!container_crashed(c))
		return;
	autoclose int pidfd = proc_open((pid_t)c->state.pid, (uint64_t)c->state.pid_start);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0) {
		proc_signal(pidfd, SIGKILL);
		poll(&p, 1, 5000);
	}
	end_strays(c);
	placing_forget(c->state.cgroup);
	container_tell_all(h, -1, &c->state, &died, 1);
	if (pidfd < 0)
		return;
	c->state.pid = 0;
	c->state.exit_code = 137;
	c->state.error = "its supervisor was killed";
	c->status = CONTAINER_EXITED;
}

static int has_sub(const struct u0_map *map, void *arg, struct err *e)
{
	return map->form == FORM_ONE ? -EPERM : 0;
}

static bool is_empty_dir(const char *path)
{
	DIR *d = opendir(path);
	bool empty = d != NULL;

	for (struct dirent *de; d && (de = readdir(d));)
		empty &= !strcmp(de->d_name, ".") || !strcmp(de->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

static int is_foreign(const char *path, const struct stat *st, int type, struct FTW *at)
{
	if ((type != FTW_D && type != FTW_DNR) || st->st_uid == geteuid())
		return 0;
	return type == FTW_DNR || st->st_nlink > 2 || !is_empty_dir(path);
}

/* A container that ran with subordinate ids may hold directories of theirs, which a process without such ids cannot empty. It is told so
 * before anything is gone. */
static int check_form(const struct home *h, const struct container *c, struct err *e)
{
	char path[PATH_MAX];
	struct u0_map map;

	if (!str_eq(c->state.form, "sub") || u0_map_find(&map, NULL) < 0 || map.form != FORM_ONE)
		return 0;
	snprintf(path, sizeof path, "%s/containers/%s/%s", h->path, c->id,
		 copied_is(c->dir) ? COPIED_ROOT : "upper");
	if (nftw(path, is_foreign, 64, FTW_PHYS | FTW_MOUNT) != 1)
		return 0;
	/* Another container may run that holds the ids for us. */
	if (u0_run(h, has_sub, NULL, NULL) == 0)
		return 0;
	err_fail_code(e, ERR_LAYER_FORM, EPERM,
		      "container %s has files of your subordinate ids, and from here there is one "
		      "uid only",
		      c->state.name);
	return err_hint(e, "remove it from where subordinate ids can be had (hoy info says it)");
}

int container_remove_files(const struct home *h, struct container *c, bool volumes, struct err *e)
{
	scoped(strv) trash = {0};
	char path[100];
	int r = check_form(h, c, e);

	if (r < 0)
		return r;
	volume_plugins_end_left(c->dir);
	if (volumes || c->state.auto_remove)
		anonymous_take_away(h, &c->state.mounts, c->id, &trash);
	container_name_drop_now(h, c->dir, c->state.name, c->id);
	leases_drop_all(h, c->id, c->dir);
	snprintf(path, sizeof path, "containers/%s", c->id);
	r = home_discard(h, path, e);
	if (r == 0)
		container_tell(h, &c->state, "remove", NULL, NULL);
	for (size_t i = 0; i < trash.n; i++)
		home_rm_tree(h, trash.v[i], NULL);
	return r == -ENOENT ? 0 : r;
}

/* False: somebody has it locked (the client of a supervisor that died), the next command has to see to it. */
static bool recover_one(const char *member, void *arg)
{
	const struct home *h = arg;
	struct container c;

	if (strlen(member) != CONTAINER_ID_LEN)
		return true;
	if (container_open(h, member, &c, NULL) < 0) {
		container_free(&c);
		return true;
	}
	bool ran = container_crashed(&c);
	if (ran && container_lock(&c, 0, NULL) == 0) {
		container_end_lost(h, &c);
		if (c.state.auto_remove) {
			container_remove_files(h, &c, true, NULL);
		} else {
			char now[40];
			c.state.status = "exited";
			c.state.finished = time_rfc3339(now, sizeof now, time_now());
			c.state.sup = 0;
			container_state_write(c.dir, &c.state, false, NULL);
			unlinkat(c.dir, "attach", 0);
		}
	}
	bool done = !ran || c.locked;
	container_free(&c);
	return done;
}

void containers_recover(const struct home *h)
{
	u0_each_dead(h, recover_one, (void *)(uintptr_t)h);
	home_sweep(h);
}
