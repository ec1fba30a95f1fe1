#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/task.h"
#include "runtime/inside.h"
#include "runtime/outer.h"
#include "runtime/stage.h"

typedef int inside_fn(int root, void *arg, struct err *e);

static int gone(const struct inside *in, struct err *e)
{
	return err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH, "container %s has just ended",
			     in->config->name);
}

/* The root is opened from outside, in whose /proc the process is to be seen; then we take the ids. */
static int run_in_living(const struct inside *in, inside_fn *fn, void *arg, struct err *e)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/root", (int)in->pid);
	autoclose int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code = errno;
	autoclose int owner = userns_of_mounts(in->pid1);
	/* The number may have been another's by then. One that waits to be reaped has neither root nor namespaces any more. */
	if (proc_signal(in->pid1, 0) < 0 || (root < 0 && (code == ENOENT || code == ESRCH)) ||
	    owner == -ENOENT || owner == -ESRCH)
		return gone(in, e);
	if (root < 0)
		return err_set(e, code, "open the files of container %s", in->config->name);
	if (owner < 0 || setns(owner, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0)
		return err_set(e, owner < 0 ? owner : -errno,
			       "join the user namespace of container %s", in->config->name);
	prctl(PR_SET_DUMPABLE, 0);
	task_die_with_parent();
	return fn(root, arg, e);
}

/* The config without what is not to be mounted, and without what a start alone does. */
static struct container_config at_rest(const struct container_config *c, struct arena *a)
{
	struct container_config to = *c;
	const struct config_mount *m = c->mounts.v;

	to.mounts = (struct bind_list){0};
	to.auto_remove = false; /* what is written is to last */
	for (size_t i = 0; i < c->mounts.n; i++)
		if (!str_eq(m[i].type, "tmpfs") && !m[i].driver)
			*(struct config_mount *)bind_append(a, &to.mounts, sizeof *m) = m[i];
	return to;
}

static int mount_and_run(struct stage *s, inside_fn *fn, void *arg, struct err *e)
{
	int r = outer_root(s, e);

	if (r == 0)
		r = stage_volumes(s, e);
	for (size_t i = 0; i < s->nowned; i++)
		close(s->owned[i].fd);
	fd_close(&s->outer);
	return r < 0 ? r : fn(s->root, arg, e);
}

static _Noreturn void resting_child(struct stage *s, int go, inside_fn *fn, void *arg,
				    struct err *ret)
{
	char c;

	task_die_with_parent();
	if (read(go, &c, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		_exit(EXIT_ENGINE);
	task_die_with_parent(); /* the change of ids cleared it */
	int r = mount_and_run(s, fn, arg, ret);
	if (r < 0 && !ret->code)
		err_set(ret, r, "work in container %s", s->c->name);
	_exit(r < 0);
}

/* The ids of the child, and the helper that it needs if they are its own. */
static int give_ids(const struct inside *in, const struct stage *s, pid_t pid, int outer,
		    pid_t *ret_helper, struct err *e)
{
	struct id_map uids, gids;
	char path[40];

	*ret_helper = 0;
	if (!in->mapped) {
		userns_identity(in->uids, &uids);
		userns_identity(in->gids, &gids);
		return userns_write_maps(pid, &uids, &gids, false, e);
	}
	int r = userns_write_maps(pid, &in->mapped->uids, &in->mapped->gids, false, e);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	autoclose int mntns = open(path, O_RDONLY | O_CLOEXEC);
	if (mntns < 0)
		return err_set(e, errno, "open a mount namespace");
	*ret_helper = outer_start(s, in->mapped, outer, mntns, e);
	return *ret_helper < 0 ? *ret_helper : 0;
}

static int make_at_rest(const struct inside *in, struct stage *s, const int go[2], const int o[2],
			struct err *said, inside_fn *fn, void *arg, struct err *e)
{
	pid_t helper = 0, pid = proc_fork(CLONE_NEWUSER | CLONE_NEWNS, NULL);

	if (pid == 0) {
		close(go[1]);
		fd_close(&(int){o[0]});
		s->outer = o[1];
		resting_child(s, go[0], fn, arg, said);
	}
	close(go[0]);
	fd_close(&(int){o[1]});
	autoclose int start = go[1];
	int r = pid < 0 ? err_set(e, pid, "make namespaces for container %s", in->config->name)
			: give_ids(in, s, pid, o[0], &helper, e);
	fd_close(&(int){o[0]});
	if (r == 0 && write(start, "", 1) != 1)
		r = err_set(e, errno, "write to a pipe");
	fd_close(&start);
	int code = pid < 0 ? 0 : proc_wait(pid);
	if (helper > 0)
		proc_wait(helper);
	if (r == 0 && code != 0) {
		if (said->code)
			*e = *said;
		else
			err_died(e, "the process at the files of container %s died",
				 in->config->name);
		r = -e->code;
	}
	return r;
}

static int run_at_rest(const struct inside *in, inside_fn *fn, void *arg, struct err *e)
{
	struct err *said =
		mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stage s = {.home = in->home,
			  .where = "containers",
			  .form = in->form,
			  .layers = in->mapped ? in->mapped->layers.form : NULL,
			  .outer = -1,
			  .sync = -1,
			  .pty = -1};
	scoped(arena) a = {0};
	struct container_config c = at_rest(in->config, &a);
	int go[2], o[2] = {-1, -1};

	s.c = &c;
	s.p = &c.process;
	for (size_t i = 0; i < countof(s.given); i++)
		s.given[i] = -1;
	if (said == MAP_FAILED || pipe2(go, O_CLOEXEC) < 0 ||
	    (in->mapped && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, o) < 0))
		return err_set(e, errno, "make a pipe");
	int r = make_at_rest(in, &s, go, o, said, fn, arg, e);
	munmap(said, sizeof *said);
	return r;
}

struct living {
	const struct inside *in;
	inside_fn *fn;
	void *arg;
};

static int living_child(void *arg, struct err *e)
{
	const struct living *l = arg;

	return run_in_living(l->in, l->fn, l->arg, e);
}

/* In a child: who calls is listed as a member of U0, by which others join it, and has to stay there. */
static int run_beside_living(const struct inside *in, inside_fn *fn, void *arg, struct err *e)
{
	struct living l = {in, fn, arg};

	return task_run(living_child, &l, NULL, e);
}

int inside_run(const struct inside *in, inside_fn *fn, void *arg, struct err *e)
{
	return in->pid > 0 ? run_beside_living(in, fn, arg, e) : run_at_rest(in, fn, arg, e);
}
