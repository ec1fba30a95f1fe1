/*
 * The process itself: who it is, where it is, what it may do, and at last the program that it becomes.
 */
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "runtime/creds.h"
#include "runtime/seccomp_profile.h"
#include "runtime/stage.h"
#include "sys/caps.h"
#include "sys/userns.h"

int stage_user(struct stage *s, struct err *e)
{
	const struct caps caps = {(uint64_t)s->p->caps_bounding, (uint64_t)s->p->caps_user};
	int r = user_resolve(s->root, s->p->user, &s->user, &s->arena, e);

	if (r == 0)
		s->plan.caps = caps_sets_of(&caps, s->user.uid);
	return r < 0 ? r : user_add_groups(s->root, &s->p->groups, &s->user, e);
}

int stage_limits(struct stage *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.nlimits; i++) {
		const struct plan_limit *u = &s->plan.limits[i];
		/* Nothing in any kernel looks at it, and here it says who a process is (monitor/ids.h). */
		if (u->resource == RLIMIT_LOCKS && str_eq(s->form, "one"))
			continue;
		struct rlimit l = {u->soft, u->hard}, now;
		if (setrlimit((__rlimit_resource_t)u->resource, &l) == 0)
			continue;
		err_set(e, errno, "set the limit %s=%" PRId64 ":%" PRId64, u->name,
			(int64_t)u->soft, (int64_t)u->hard);
		if (errno == EPERM && getrlimit((__rlimit_resource_t)u->resource, &now) == 0)
			return err_hint(e,
					"your own hard limit is %ju (ulimit -H), and it cannot be "
					"raised without root",
					(uintmax_t)now.rlim_max);
		return -e->code;
	}
	if (s->plan.umask >= 0)
		umask((mode_t)s->plan.umask);
	if (s->plan.personality >= 0 && personality((unsigned long)s->plan.personality) < 0) {
		err_set(e, errno, "give the container the personality %s",
			s->plan.personality == PER_LINUX32 ? "LINUX32" : "LINUX");
		return err_hint(e, "a kernel that runs programs of one kind only has no other");
	}
	return 0;
}

static int make_cwd(const char *path)
{
	if (chdir(path) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	/* The old root is gone and we are root in here: plain resolution cannot leave. */
	int r = path_mkdir_p_at(AT_FDCWD, path, 0755);
	return r < 0 ? r : chdir(path) < 0 ? -errno : 0;
}

int stage_cwd(struct stage *s, struct err *e)
{
	const char *path = str_is_empty(s->plan.cwd) ? "/" : s->plan.cwd;
	char buf[PATH_MAX];
	int r = s->plan.make_cwd ? make_cwd(path) : chdir(path) < 0 ? -errno : 0;

	if (r < 0)
		return err_set(e, r, "working directory %s", path);
	/* A directory outside of the root, reached through a descriptor that leaked, has no path in here (CVE-2024-21626). */
	if (!getcwd(buf, sizeof buf) || buf[0] != '/')
		return err_fail(e, ERR_ROOTFS,
				"the working directory %s leads out of the container", path);
	return 0;
}

static void add_home(struct stage *s, struct strs *env)
{
	for (size_t i = 0; i < s->plan.env.n; i++)
		strs_add(&s->arena, env, s->plan.env.v[i]);
	if (!env_get(env, "HOME"))
		env_set(&s->arena, env, "HOME", 4, s->user.home);
}

static int change_user(const struct user *u, bool groups_must, struct err *e)
{
	/* In a namespace of one id setgroups(2) is denied for good; then the groups cannot be dropped, and do not matter: they
	 * are the caller's own. */
	if (!u->keep_groups && setgroups(u->ngroups, u->groups) < 0 &&
	    (errno != EPERM || groups_must))
		return err_set(e, errno, "set the supplementary groups");
	if (setresgid(u->gid, u->gid, u->gid) == 0 && setresuid(u->uid, u->uid, u->uid) == 0)
		return 0;
	if (errno != EINVAL)
		return err_set(e, errno, "become user %u:%u", u->uid, u->gid);
	err_fail_code(e, ERR_ID_RANGE, EINVAL,
		      "user %u:%u is outside of the ids that this container has", u->uid, u->gid);
	return err_hint(e, "hoy info shows the id map; more subordinate ids: usermod --add-subuids "
			   "and --add-subgids");
}

/* Where the map has one id only, that one is shown as whoever the process is to be: in a namespace of its own, for its mounts and its
 * network belong to the container's, in which the id is 0. Entering it fills the bounding set again, so it comes first. */
static int become_the_one(struct stage *s, struct err *e)
{
	if (!str_eq(s->form, "one") || (!s->user.uid && !s->user.gid))
		return 0;
	return userns_become(s->user.uid, s->user.gid, e);
}

/* Standard streams belong to the user, so that /dev/stdout can be opened again. */
static void own_streams(const struct user *u)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;
		if (fstat(fd, &st) == 0 &&
		    (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd))))
			(void)!fchown(fd, u->uid, (gid_t)-1);
	}
}

/* Where one id is all ids, calls about ids and owners are answered by the process that watches over us (monitor/ids.h). A kernel or a
 * filter around us that does not let us have that leaves the calls to the kernel, which refuses most of them. */
static int hand_ids_over(struct stage *s, struct err *e)
{
	char msg[1 + sizeof(struct creds)] = "L";
	struct creds c;

	if (!str_eq(s->form, "one"))
		return 0;
	autoclose int listener = seccomp_ids_load();
	if (listener < 0)
		return 0;
	creds_init(&c, s->user.uid, s->user.gid, s->user.groups, s->user.ngroups);
	memcpy(msg + 1, &c, sizeof c);
	ssize_t n = fd_send_msg(s->sync, msg, sizeof msg, &listener, 1);
	return n < 0 ? err_set(e, (int)n, "pass the listener of the seccomp filter on") : 0;
}

int stage_privileges(struct stage *s, struct err *e)
{
	const struct plan *p = &s->plan;
	int keep[3 + FD_KEPT_MAX] = {s->sync, s->wait, s->lock};

	if (!p->leave_streams)
		own_streams(&s->user);
	fd_close_except(keep, fd_kept_add(&s->fds, keep, 3));
	int r = become_the_one(s, e);
	if (r == 0)
		r = caps_before_user(p->caps.bounding, e);
	if (r == 0)
		r = change_user(&s->user, p->groups_must, e);
	if (r == 0)
		r = caps_after_user(&p->caps, !p->no_new_privs, e);
	if (r < 0)
		return r;
	if (p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "set no_new_privs");
	/* After the last change of credentials, which would clear it. */
	if (p->die_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(e, errno, "ask for the parent's death signal");
	char c;
	if (p->die_with_us && recv(s->sync, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		_exit(EXIT_ENGINE); /* the parent died before we asked */
	return hand_ids_over(s, e);
}

int stage_filter(struct stage *s, struct err *e)
{
	/* All is done but the filter, which may not let us speak, and the command. */
	if (s->plan.say_ready)
		fd_send_msg(s->sync, "X", 1, NULL, 0);
	int r = seccomp_load(&s->filter);
	return r < 0 ? err_set(e, r, "load the seccomp filter") : 0;
}

static volatile pid_t reaped_child;

static void pass_on(int sig)
{
	kill(reaped_child, sig);
}

/* PID 1 of --init: passes signals on, collects orphans, ends with the status of its child. No execve sheds what it holds, so it
 * gives up its capabilities itself, all but KILL (its child may change its user), and the command line of the host. */
static void reap(const struct stage *s, pid_t child)
{
	struct sigaction sa = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	const uint64_t kill_only = s->plan.caps.bounding & (1u << CAP_KILL);
	const struct caps_sets sets = {.effective = s->user.uid ? 0 : kill_only,
				       .permitted = s->user.uid ? 0 : kill_only};
	int st;

	close(s->sync);
	/* Where it is not PID 1 (--pid host), orphans come to it all the same. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fd_kept_close(&s->fds);
	caps_after_user(&sets, false, NULL);
	proc_hide_args("hoy-init");
	reaped_child = child;
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD && sig != SIGTTIN && sig != SIGTTOU)
			sigaction(sig, &sa, NULL);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	for (;;) {
		pid_t pid = wait(&st);
		if (pid == child)
			_exit(WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));
		if (pid < 0 && errno == ECHILD)
			_exit(0);
	}
}

static int become_child_of_init(struct stage *s, struct err *e)
{
	pid_t child = fork();

	if (child < 0)
		return err_set(e, errno, "fork below the init process");
	if (child > 0)
		reap(s, child);
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	if (s->plan.tty)
		tcsetpgrp(0, getpid());
	signal(SIGTTOU, SIG_DFL);
	return 0;
}

/* One candidate. Returns only if it did not become the process; errno says why. */
static void try_exec(const char *path, const struct stage *s, const struct strs *env)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EACCES;
		return;
	}
	execve(path, (char *const *)(uintptr_t)s->plan.args.v, (char *const *)(uintptr_t)env->v);
}

/* The names of PATH in turn, as execvp(3) does, but by the container's environment. */
static void search_exec(struct stage *s, const struct strs *env)
{
	const char *name = s->plan.args.v[0], *path = env_get(env, "PATH");
	int worst = ENOENT;

	if (strchr(name, '/')) {
		try_exec(name, s, env);
		return;
	}
	for (const char *p = path ? path
				  : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	     p;) {
		size_t n = strcspn(p, ":");
		const char *full =
			arena_printf(&s->arena, "%.*s%s%s", (int)n, p, n ? "/" : "", name);
		try_exec(full, s, env);
		if (errno != ENOENT && errno != ENOTDIR)
			worst = errno;
		p = p[n] ? p + n + 1 : NULL;
	}
	errno = worst;
}

static void hint_not_executable(const char *name, int code, struct err *e)
{
	struct stat st;

	e->hint[0] = 0;
	if (code == ENOEXEC)
		err_hint(
			e,
			"a script begins with a line such as #!/bin/sh; a program must be made for "
			"this machine's architecture");
	else if (code == EACCES && strchr(name, '/') && stat(name, &st) == 0)
		err_hint(e, S_ISDIR(st.st_mode) ? "it is a directory"
						: "the file must be executable: chmod +x");
}

int stage_exec(struct stage *s, struct err *e)
{
	struct strs env = {0};

	add_home(s, &env);
	if (s->plan.init) {
		int r = become_child_of_init(s, e);
		if (r < 0)
			return r;
	}
	search_exec(s, &env);
	int code = errno;
	const char *name = s->plan.args.v[0];
	struct stat st;
	if (code == ENOENT && strchr(name, '/') && lstat(name, &st) == 0) {
		err_fail_code(e, ERR_EXEC, code,
			      "%s is there, but its interpreter or loader is not", name);
		err_hint(e, "a script's #! line or a program's dynamic loader names a file that "
			    "the image lacks");
	} else if (code == ENOENT || code == ENOTDIR) {
		err_fail_code(e, ERR_EXEC, code, "no program \"%s\" in the container%s", name,
			      strchr(name, '/') ? "" : "'s PATH");
		if (name[0] == '[' && name[1])
			err_hint(e, "a list of words is a whole JSON array: [\"sh\", \"-c\"]");
		else
			err_hint(e, "programs are looked for in the image, not on this machine");
	} else {
		err_set(e, code, "run \"%s\"", name);
		e->id = ERR_EXEC;
		hint_not_executable(name, code, e);
	}
	e->exit = code == ENOENT || code == ENOTDIR ? EXIT_NOTFOUND : EXIT_NOEXEC;
	return -code;
}

/* ---- all steps */

_Noreturn void stage_fail(const struct stage *s, const struct err *e)
{
	char msg[1 + sizeof *e] = "E";

	memcpy(msg + 1, e, sizeof *e);
	fd_send_msg(s->sync, msg, sizeof msg, NULL, 0);
	_exit(e->exit);
}

_Noreturn void stage_run(struct stage *s, stage_step *const *steps, size_t n)
{
	struct err e = {0};

	setsid();
	for (size_t i = 0; i < n; i++)
		if (steps[i](s, &e) < 0)
			stage_fail(s, &e);
	_exit(EXIT_ENGINE);
}
