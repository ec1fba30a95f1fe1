/*
 * How a RUN step goes: what its mounts need is made; then a container (engine/create.h) that is in tmp/<id> for good. Its supervisor (monitor/supervise.h) writes its output
 * to the coordinator's pipes itself, and holds the other end of a connection: its end is the container's end, whoever of the two dies. So the death of the coordinator ends this
 * process (base/task.h), and that the container. When it has ended well, a child in U0 adopts what it wrote. All that lies below tmp/ is locked by this process: if it
 * is killed, the next sweep removes it.
 */
#include <poll.h>
#include <sys/resource.h>

#include "base/base.h"
#include "base/proc.h"
#include "build/step_impl.h"
#include "build/step_run.h"
#include "engine/start.h"
#include "monitor/proto.h"
#include "runtime/secrets.h"
#include "store/adopt.h"

struct running {
	const struct run_job *j;
	struct run_parts *parts;
	struct container ct;
	int sock;
	struct timespec since;
	struct step_result *ret, *shared; /* shared: with the child that adopts */
};

static int gone(struct err *e)
{
	return err_fail_code(e, ERR_SUPERVISOR_GONE, EPIPE,
			     "the supervisor of the step's container died, and it with it");
}

/* What the container's config is made of: the build's common options, and what the step says. */
static int create(struct running *r, struct err *e)
{
	static const struct health_opts no_health;
	const struct run_job *j = r->j;
	struct create_opts o = *j->common;
	struct process_opts more = *j->common->more;
	struct strs args = j->args;

	more.log_driver = "none";
	more.platform = more.arch = more.os = more.variant = NULL;
	if (j->script) {
		args = (struct strs){0};
		for (size_t i = 0; i < j->args.n; i++)
			strs_add(&r->parts->arena, &args, j->args.v[i]);
		strs_add(&r->parts->arena, &args, STEP_SCRIPT);
	}
	o.image = "build";
	o.layers = j->base.layers;
	struct strs env = {0};
	for (size_t i = 0; i < j->env.n; i++)
		strs_add(&r->parts->arena, &env, j->env.v[i]);
	if (r->parts->ssh_socket && !env_get(&env, "SSH_AUTH_SOCK"))
		env_set(&r->parts->arena, &env, "SSH_AUTH_SOCK", 13, r->parts->ssh_socket);
	o.env_whole = &env;
	o.more_mounts = &r->parts->mounts;
	o.more_secrets = &r->parts->secrets;
	o.args = args;
	o.entrypoint = o.name = o.restart = o.cidfile = NULL;
	o.user = j->user;
	o.workdir = str_is_empty(j->workdir) ? "/" : j->workdir;
	o.health = &no_health;
	o.more = &more;
	o.tty = o.interactive = false;
	o.auto_remove = o.unpublished = true;
	o.privileged |= j->insecure;
	if (str_is_empty(o.ns.hostname) && str_is_empty(o.ns.modes[NS_UTS]))
		o.ns.hostname = "build";
	if (!str_is_empty(j->network) && strcmp(j->network, "default") != 0) {
		o.net.networks = (struct strs){0};
		strs_add(&r->parts->arena, &o.net.networks, j->network);
	}
	return container_create(j->base.h, &o, &r->ct, e);
}

static int start(struct running *r, struct err *e)
{
	/* Whatever their numbers are: 1 and 2 become the supervisor's own. */
	autoclose int out = fcntl(r->j->out, F_DUPFD_CLOEXEC, 3);
	autoclose int err = fcntl(r->j->err, F_DUPFD_CLOEXEC, 3);
	autoclose int in = r->j->in < 0 ? -1 : fcntl(r->j->in, F_DUPFD_CLOEXEC, 3);
	const struct start_inner inner = {in, out, err};
	const struct start_opts o = {.unpublished = true, .inner = &inner};
	struct stat st;

	int k = out < 0 || err < 0 ? err_set(e, errno, "copy the descriptors for the output")
				   : run_parts_give_secrets(r->parts, r->ct.dir, e);
	if (k < 0)
		return k;
	/* By the clock of the file system: nothing was written before. */
	if (fstatat(r->ct.dir, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "look at the step's directory");
	r->since = st.st_mtim;
	return container_start(r->j->base.h, &r->ct, &o, &r->sock, e);
}

/* Words for people, among its errors. */
static void note(const struct running *r, const char *text, size_t n)
{
	scoped(str) line = {0};

	str_add(&line, "hoy: ");
	str_add_escaped(&line, text, n);
	str_addc(&line, '\n');
	fd_write_all(r->j->err, line.s, line.len);
}

/* One frame of the supervisor. 1: it was the last. */
static int take_frame(struct running *r, struct err *e)
{
	char msg[1 + PROTO_CHUNK];
	struct err said;
	int32_t code;
	ssize_t n = fd_recv_msg(r->sock, msg, sizeof msg, NULL, NULL);

	if (n <= 0)
		return gone(e);
	if (msg[0] == FRAME_NOTE)
		note(r, msg + 1, (size_t)n - 1);
	if (msg[0] == FRAME_STARTED) /* what had to be read was read */
		path_rm_tree_at(r->ct.dir, SECRETS_DIR);
	if (msg[0] == FRAME_ERROR) {
		if (n < (ssize_t)(1 + sizeof said))
			return gone(e);
		memcpy(&said, msg + 1, sizeof said);
		r->ret->exit = said.id == ERR_EXEC ? said.exit : 0;
		*e = said;
		return said.code > 0 ? -said.code : -EINVAL;
	}
	if (msg[0] != FRAME_EXIT || n < (ssize_t)(1 + sizeof code))
		return 0;
	memcpy(&code, msg + 1, sizeof code);
	r->ret->exit = code;
	return 1;
}

static int failed(int code, struct err *e)
{
	err_fail(e, ERR_BUILD_COMMAND, "the command ended with exit code %d", code);
	e->exit = code;
	return -e->code;
}

static int follow(struct running *r, struct err *e)
{
	int k = 0;

	while (k == 0) {
		struct pollfd p = {.fd = r->sock, .events = POLLIN};
		if (poll(&p, 1, -1) > 0)
			k = take_frame(r, e);
	}
	fd_close(&r->sock); /* if it still runs, it ends now */
	proc_wait(r->ct.monitor);
	struct rusage u;
	if (getrusage(RUSAGE_CHILDREN, &u) == 0)
		r->ret->cpu_us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
				 (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	if (k < 0)
		return k;
	return r->ret->exit ? failed(r->ret->exit, e) : 0;
}

/* ---- what it wrote */

/* Besides what was asked for: what the runtime makes in each container. */
static void add_own(struct running *r)
{
	static const char *const own[] = {"/dev",	   "/proc",
					  "/sys",	   "/etc/hosts",
					  "/etc/hostname", "/etc/resolv.conf",
					  "/etc/mtab",	   "/run/.containerenv",
					  SECRETS_PATH};
	struct arena *a = &r->parts->arena;
	const struct config_mount *m = r->ct.config.mounts.v;
	const struct config_secret *s = r->ct.config.secrets.v;
	const struct config_device *d = r->ct.config.devices.v;

	for (size_t i = 0; i < countof(own); i++)
		strs_add(a, &r->parts->made, own[i]);
	for (size_t i = 0; i < r->ct.config.mounts.n; i++)
		strs_add(a, &r->parts->made, m[i].destination);
	for (size_t i = 0; i < r->ct.config.secrets.n; i++)
		if (str_eq(s[i].type, "mount"))
			strs_add(a, &r->parts->made, s[i].target);
	for (size_t i = 0; i < r->ct.config.devices.n; i++)
		strs_add(a, &r->parts->made, d[i].destination);
}

static int adopt_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct running *r = arg;
	const struct step_base *b = &r->j->base;
	char dir[100];
	struct adopt_job j = {.dir = dir,
			      .below = b->layers,
			      .since = r->since,
			      .epoch = b->epoch,
			      .all = b->all_times,
			      .leave = &r->parts->made,
			      .what = "the step"};

	snprintf(dir, sizeof dir, "tmp/%s", r->ct.id);
	return layer_adopt(b->h, map, &j, &r->shared->layer, &r->shared->empty, e);
}

int step_run(const struct run_job *j, struct step_result *ret, struct err *e)
{
	struct run_parts parts;
	struct running r = {.j = j, .parts = &parts, .ct = {.dir = -1}, .sock = -1, .ret = ret};
	struct err own = {0};

	*ret = (struct step_result){0};
	int k = run_parts_make(j, &parts, &own);
	if (k == 0)
		k = create(&r, &own);
	if (k == 0)
		k = start(&r, &own);
	if (k == 0)
		k = follow(&r, &own);
	if (k == 0) {
		add_own(&r);
		k = step_in_u0(j->base.h, adopt_inside, &r, &r.shared, ret, &own);
	}
	container_undo(j->base.h, &r.ct);
	container_free(&r.ct);
	run_parts_free(&parts);
	*e = own;
	return k;
}
