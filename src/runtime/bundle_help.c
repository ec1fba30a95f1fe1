#include <sched.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/task.h"
#include "oci/mount_options.h"
#include "runtime/bundle_help.h"
#include "sys/mounts.h"
#include "sys/userns.h"

/* Into the mounts of the init: the paths are those of the host there, too, until it leaves its root. */
static int join_mounts(pid_t pid, struct err *e)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	autoclose int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNS) < 0)
		return err_set(e, errno, "join the container's mounts");
	return 0;
}

struct opening {
	pid_t pid;
	const char *path;
	int sock;
};

static int open_there(void *arg, struct err *e)
{
	const struct opening *o = arg;
	int r = join_mounts(o->pid, e);
	autoclose int fd = r < 0 ? -1 : open(o->path, O_PATH | O_CLOEXEC);

	if (r == 0 && fd < 0)
		r = err_set(e, errno, "open %s", o->path);
	if (r == 0)
		fd_send_msg(o->sock, "o", 1, &fd, 1);
	return r;
}

void bundle_help_open(pid_t init, int sync, const char *path)
{
	struct opening o = {init, path, sync};
	struct err e = {0};

	if (task_run(open_there, &o, NULL, &e) < 0)
		fd_send_msg(sync, "e", 1, NULL, 0);
}

/* ---- id maps */

static int hold_map(void *arg)
{
	const int *p = arg;
	char c;

	return read(*p, &c, 1) < 0;
}

/* A user namespace with these maps: somebody must be in it while it is opened. */
static int open_map(const struct bind_list *uids, const struct bind_list *gids, struct err *e)
{
	const struct bind_list *const from[] = {uids, gids};
	struct id_map map[2] = {{.n = 0}, {.n = 0}};
	int p[2];

	for (int k = 0; k < 2; k++) {
		const struct oci_id_mapping *m = from[k]->v;
		for (size_t i = 0; i < from[k]->n && i < ID_RANGES_MAX; i++)
			map[k].r[map[k].n++] =
				(struct id_range){(uint32_t)m[i].container_id,
						  (uint32_t)m[i].host_id, (uint32_t)m[i].size};
	}
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	pid_t pid = proc_fork(CLONE_NEWUSER, NULL);
	if (pid == 0) {
		close(p[1]);
		_exit(hold_map(&p[0]));
	}
	close(p[0]);
	autoclose int end = p[1];
	if (pid < 0)
		return err_set(e, pid, "make a user namespace for an id map");
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	int r = userns_write_maps(pid, &map[0], &map[1], false, e);
	int fd = r < 0 ? r : open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		err_set(e, errno, "open the user namespace of an id map");
	fd_close(&end);
	proc_wait(pid);
	return fd < 0 ? -e->code : fd;
}

struct mapping {
	const struct bundle *b;
	const struct oci_mount *m;
	struct mount_options o;
	pid_t pid;
	int sock;
};

static int map_there(void *arg, struct err *e)
{
	const struct mapping *p = arg;
	const struct oci_linux *l = &p->b->spec->linux_;
	const struct oci_mount *m = p->m;
	autofree char *source =
		m->source[0] == '/' ? xstrdup(m->source) : path_join(p->b->path, m->source);
	bool own = m->uid_mappings.n;
	autoclose int ns = open_map(own ? &m->uid_mappings : &l->uid_mappings,
				    own ? &m->gid_mappings : &l->gid_mappings, e);
	int r = ns < 0 ? ns : join_mounts(p->pid, e);

	if (r < 0)
		return r;
	autoclose int from = open(source, O_PATH | O_CLOEXEC);
	if (from < 0)
		return err_set(e, errno, "open the source %s", source);
	autoclose int mnt = mount_clone(from, "", p->o.recursive);
	r = mnt < 0 ? mnt : mount_idmap(mnt, ns, p->o.idmap_recursive);
	if (r < 0)
		return err_set(e, r, "map the ids of %s", source);
	fd_send_msg(p->sock, "o", 1, &mnt, 1);
	return 0;
}

int bundle_help_mapped(const struct bundle *b, pid_t init, int sync, size_t at, struct err *e)
{
	scoped(arena) a = {0};
	struct mapping p = {.b = b, .pid = init, .sock = sync};
	const char *bad, *why;

	if (at >= b->spec->mounts.n)
		return err_fail(e, ERR_INTERNAL, "the container's first process sent nonsense");
	p.m = (const struct oci_mount *)b->spec->mounts.v + at;
	if (mount_options_parse(p.m->type, &p.m->options, &p.o, &a, &bad, &why) < 0)
		return err_fail(e, ERR_INTERNAL, "the options of a mount changed");
	return task_run(map_there, &p, NULL, e);
}
