/*
 * exec: one more process, from a document (--process) or from the container's own process with what the flags say instead.
 */
#include <signal.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/oci_parts.h"
#include "oci/runtime_check.h"
#include "oci/runtime_read.h"

struct execing {
	struct oci_container *c;
	const struct oci_exec_opts *o;
	struct oci_process p;
	struct oci_seccomp seccomp;
	struct bundle b;
};

static int parse_user(const char *text, struct oci_user *u, struct err *e)
{
	autofree char *copy = xstrdup(text);
	char *group = strchr(copy, ':');
	uint64_t uid, gid = 0;

	if (group)
		*group++ = 0;
	if (parse_u64(copy, UINT32_MAX - 1, &uid) < 0 ||
	    (group && parse_u64(group, UINT32_MAX - 1, &gid) < 0))
		return err_fail(e, ERR_USAGE, "--user \"%.40s\" is no UID or UID:GID", text);
	u->uid = (int64_t)uid;
	u->gid = group ? (int64_t)gid : u->gid;
	return 0;
}

static int parse_groups(const struct strs *l, struct oci_user *u, struct arena *a, struct err *e)
{
	u->groups = arena_alloc(a, (l->n + 1) * sizeof *u->groups);
	u->ngroups = 0;
	for (size_t i = 0; i < l->n; i++) {
		uint64_t gid;
		if (parse_u64(l->v[i], UINT32_MAX - 1, &gid) < 0)
			return err_fail(e, ERR_USAGE, "--additional-gids \"%.40s\" is no group id",
					l->v[i]);
		u->groups[u->ngroups++] = (uint32_t)gid;
	}
	return 0;
}

/* runc's rule: --cap adds to all sets but ambient, and to that only what it adds to the inheritable ones. */
static void add_caps(struct oci_process *p, const struct strs *names, struct arena *a)
{
	struct oci_capabilities *c = arena_alloc(a, sizeof *c);
	struct strs *const sets[] = {&c->bounding, &c->effective, &c->permitted};

	if (p->capabilities) {
		*c = *p->capabilities;
		c->sets = (struct caps_sets){0};
	}
	for (size_t k = 0; k < countof(sets); k++) {
		struct strs all = {0};
		for (size_t i = 0; i < sets[k]->n; i++)
			strs_add(a, &all, sets[k]->v[i]);
		for (size_t i = 0; i < names->n; i++)
			strs_add(a, &all, names->v[i]);
		*sets[k] = all;
	}
	p->capabilities = c;
}

/* The container's own process with what the flags say instead. */
static int by_flags(struct execing *x, struct strs *warnings, struct err *e)
{
	const struct oci_exec_opts *o = x->o;
	struct arena *a = &x->c->arena;
	struct oci_process *p = &x->p;
	struct strs env = {0};
	int r = 0;

	*p = *x->c->spec.process;
	p->args = o->args;
	p->terminal = o->tty;
	p->exec_affinity = x->c->spec.process->exec_affinity;
	for (size_t i = 0; i < p->env.n; i++)
		strs_add(a, &env, p->env.v[i]);
	for (size_t i = 0; i < o->env.n; i++)
		strs_add(a, &env, o->env.v[i]);
	p->env = env;
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->apparmor)
		p->apparmor = o->apparmor;
	if (o->selinux)
		p->selinux = o->selinux;
	if (o->no_new_privs_given)
		p->no_new_privileges = o->no_new_privs;
	if (o->user)
		r = parse_user(o->user, &p->user, e);
	if (r == 0 && o->groups.n)
		r = parse_groups(&o->groups, &p->user, a, e);
	if (r == 0 && o->caps.n)
		add_caps(p, &o->caps, a);
	return r < 0 ? r : oci_process_check(p, NULL, "exec", warnings, a, e);
}

static int find_process(struct execing *x, struct strs *warnings, struct err *e)
{
	const struct oci_exec_opts *o = x->o;
	scoped(str) text = {0};

	if (!o->process && !o->args.n)
		return err_fail(e, ERR_USAGE, "exec args cannot be empty");
	if (!o->process)
		return by_flags(x, warnings, e);
	autoclose int fd = open(o->process, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, &text, 4 << 20);
	if (r < 0)
		return err_set(e, r, "read %s", o->process);
	r = oci_process_read(str_cstr(&text), text.len, o->process, &x->p, warnings, &x->c->arena,
			     e);
	if (r == 0 && o->tty)
		x->p.terminal = true;
	return r;
}

static int made(void *arg, pid_t pid, struct err *e)
{
	struct execing *x = arg;

	return oci_cgroups_join(&x->c->state.cgroups, x->o->cgroup, (pid_t)x->c->state.pid, pid, e);
}

static int prepare(struct execing *x, struct oci_terminal *t, struct err *e)
{
	const struct oci_exec_opts *o = x->o;
	const struct json *doc = x->c->spec.linux_.seccomp;
	int r = oci_preserve(o->preserve_fds, &x->b.fds, e);

	if (r < 0)
		return r;
	if (x->p.terminal && !o->console_socket && o->detach)
		return err_fail(e, ERR_USAGE,
				"cannot allocate tty if runc will detach without setting console "
				"socket");
	if (x->p.terminal && o->console_socket)
		x->b.console = oci_connect(-1, o->console_socket, e);
	else if (x->p.terminal && oci_terminal_open(t, &x->p, e) == 0)
		x->b.console = take_fd(t->pair[0]);
	if (x->p.terminal && x->b.console < 0)
		return -e->code;
	if (!doc)
		return 0;
	r = oci_seccomp_compile(doc, "config.json", &x->c->arena, &x->seccomp, e);
	if (r == 0)
		r = oci_seccomp_share(&x->seccomp, &x->b.share, e);
	if (r < 0)
		return r;
	x->b.seccomp = &x->seccomp;
	if (x->b.share)
		x->b.notify = oci_connect(-1, x->seccomp.listener_path, e);
	return x->b.share && x->b.notify < 0 ? x->b.notify : 0;
}

static int check_state(const struct oci_container *c, const struct oci_exec_opts *o, struct err *e)
{
	enum oci_status st = oci_status(c);

	if (st == OCI_STOPPED)
		return err_fail_code(e, ERR_OCI_STATE, ESRCH,
				     "cannot exec in a stopped container: container not running");
	if (st == OCI_PAUSED && !o->ignore_paused)
		return err_fail(
			e, ERR_OCI_STATE,
			"cannot exec in a paused container (use --ignore-paused to override)");
	return 0;
}

int oci_exec(struct oci_container *c, const struct oci_exec_opts *o, struct strs *warnings,
	     struct err *e)
{
	struct execing x = {.c = c, .o = o};
	struct oci_terminal t = {.pair = {-1, -1}};
	struct bundle_started st = BUNDLE_NONE;
	int r = check_state(c, o, e);

	if (r == 0)
		r = oci_load_spec(c, e);
	if (r == 0)
		r = find_process(&x, warnings, e);
	x.b = (struct bundle){.id = c->state.id,
			      .path = c->state.bundle,
			      .spec = &c->spec,
			      .process = &x.p,
			      .console = -1,
			      .listen = -1,
			      .notify = -1,
			      .no_new_keyring = c->state.no_keyring,
			      .made = made,
			      .arg = &x};
	autoclose int pid1 = r < 0 ? -1 : oci_pidfd(c, e);
	if (r == 0)
		r = pid1 < 0 ? pid1 : prepare(&x, &t, e);
	if (r == 0)
		r = bundle_exec(&x.b, (pid_t)c->state.pid, pid1, &st, e);
	fd_close(&x.b.console);
	fd_close(&x.b.notify);
	oci_seccomp_free(&x.seccomp);
	if (r == 0 && o->pid_file)
		r = oci_write_pid(o->pid_file, st.pid, e);
	if (r == 0 && !o->detach)
		r = oci_attend(st.pid, st.pidfd, t.pair[1] >= 0 ? &t : NULL, e);
	fd_close(&t.pair[0]);
	fd_close(&t.pair[1]);
	fd_close(&st.pidfd);
	fd_close(&st.sync);
	return r;
}
