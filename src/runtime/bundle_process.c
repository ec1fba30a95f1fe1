/*
 * What only a bundle says about its process: who it is by numbers, its labels, its place in the schedulers, and where its program lies, which is looked
 * up before anybody says start, because engines want to know at create.
 */
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "runtime/bundle_init.h"

/* The kernel's struct sched_attr, whose header does not go together with that of older C libraries (sched_setattr(2)). */
struct schedule {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

enum { IOPRIO_RT = 1, IOPRIO_BE, IOPRIO_IDLE, IOPRIO_SHIFT = 13, IOPRIO_PROCESS = 1 };

/* Where the label of the next program is written: opened while /proc is the host's. */
static int open_label(struct stage *s, struct err *e)
{
	const struct oci_process *p = s->bundle->b->process;
	bool apparmor = !str_is_empty(p->apparmor), selinux = !str_is_empty(p->selinux);

	if (!apparmor && !selinux)
		return 0;
	if (apparmor && access("/sys/kernel/security/apparmor", F_OK) < 0)
		return err_fail(e, ERR_OCI_SPEC,
				"process.apparmorProfile: AppArmor is not enabled on this machine");
	if (selinux && access("/sys/fs/selinux/enforce", F_OK) < 0)
		return err_fail(e, ERR_OCI_SPEC,
				"process.selinuxLabel: SELinux is not enabled on this machine");
	if (apparmor)
		s->bundle->label = open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
	if (s->bundle->label < 0)
		s->bundle->label = open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
	return s->bundle->label < 0 ? err_set(e, errno, "open /proc/self/attr/exec") : 0;
}

/* An exec is begun on other CPUs than it goes on, if asked for (execCPUAffinity). */
static int set_affinity(const char *list, struct err *e)
{
	unsigned char set[CPU_SETSIZE / 8];

	if (str_is_empty(list) || !oci_cpu_list(list, set, sizeof set))
		return 0;
	if (syscall(SYS_sched_setaffinity, 0, sizeof set, set) < 0)
		return err_set(e, errno, "run on the CPUs %s", list);
	return 0;
}

int bundle_early(struct stage *s, struct err *e)
{
	const struct oci_process *p = s->bundle->b->process;
	char text[24];

	if (p->exec_affinity && p != s->bundle->b->spec->process) {
		int r = set_affinity(p->exec_affinity->initial, e);
		if (r < 0)
			return r;
	}
	if (p->oom_score_adj != OCI_NO_OOM_SCORE) {
		int n = snprintf(text, sizeof text, "%d", (int)p->oom_score_adj);
		autoclose int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
		ssize_t k = fd < 0 ? -1 : write(fd, text, (size_t)n);
		scoped(str) now = {0};
		if (k < 0 && (errno == EACCES || errno == EPERM)) {
			/* Lowering it is root's; what is so already needs nobody. */
			fd_read_file_at(AT_FDCWD, "/proc/self/oom_score_adj", &now, 32);
			errno = EACCES;
			if (strtol(str_cstr(&now), NULL, 10) == p->oom_score_adj)
				k = 0;
		}
		if (k < 0)
			return err_set(e, errno, "set oomScoreAdj to %s", text);
	}
	return open_label(s, e);
}

static int set_scheduler(const struct oci_scheduler *c, struct err *e)
{
	static const struct {
		const char *name;
		uint64_t value;
	} policies[] = {{"SCHED_OTHER", SCHED_OTHER}, {"SCHED_FIFO", SCHED_FIFO},
			{"SCHED_RR", SCHED_RR},	      {"SCHED_BATCH", SCHED_BATCH},
			{"SCHED_IDLE", SCHED_IDLE},   {"SCHED_DEADLINE", SCHED_DEADLINE}},
	  flags[] = {{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
		     {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
		     {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
		     {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
		     {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
		     {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
		     {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX}};
	struct schedule a = {.size = sizeof a,
			     .nice = (int32_t)c->nice,
			     .priority = (uint32_t)c->priority,
			     .runtime = c->runtime,
			     .deadline = c->deadline,
			     .period = c->period};

	for (size_t i = 0; i < countof(policies); i++)
		if (!strcmp(policies[i].name, c->policy))
			a.policy = (uint32_t)policies[i].value;
	for (size_t i = 0; i < countof(flags); i++)
		if (strs_has(&c->flags, flags[i].name))
			a.flags |= flags[i].value;
	if (syscall(SYS_sched_setattr, 0, &a, 0) < 0)
		return err_set(e, errno, "set the scheduler to %s", c->policy);
	return 0;
}

static int set_io_priority(const struct oci_io_priority *p, struct err *e)
{
	int class = !strcmp(p->class_, "IOPRIO_CLASS_RT")   ? IOPRIO_RT
		    : !strcmp(p->class_, "IOPRIO_CLASS_BE") ? IOPRIO_BE
							    : IOPRIO_IDLE;

	if (syscall(SYS_ioprio_set, IOPRIO_PROCESS, 0, class << IOPRIO_SHIFT | (int)p->priority) <
	    0)
		return err_set(e, errno, "set ioPriority to %s %d", p->class_, (int)p->priority);
	return 0;
}

int bundle_session(struct stage *s, struct err *e)
{
	const struct bundle *b = s->bundle->b;
	const struct oci_process *p = b->process;
	int r = p->scheduler ? set_scheduler(p->scheduler, e) : 0;

	if (r == 0 && p->io_priority)
		r = set_io_priority(p->io_priority, e);
	if (r == 0 && p->exec_affinity && p != b->spec->process)
		r = set_affinity(p->exec_affinity->final, e);
	if (r < 0)
		return r;
	if (b->no_new_keyring)
		return 0;
	/* The session's keys are not the container's. A kernel, or a filter, without them has none to show. */
	char name[80];
	snprintf(name, sizeof name, "_ses.%.64s", b->id);
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 && errno != ENOSYS &&
	    errno != EPERM && errno != EDQUOT)
		return err_set(e, errno, "make a session keyring");
	return 0;
}

/* By numbers alone; the container's passwd only tells HOME. */
int bundle_user(struct stage *s, struct err *e)
{
	const struct oci_user *u = &s->bundle->b->process->user;
	const char *text = arena_printf(&s->arena, "%" PRId64 ":%" PRId64, u->uid, u->gid);
	struct err ignored;

	if (user_resolve(s->root, text, &s->user, &s->arena, &ignored) < 0 || !s->user.home)
		s->user.home = "/";
	s->user.uid = (uid_t)u->uid;
	s->user.gid = (gid_t)u->gid;
	s->user.ngroups = 0;
	for (size_t i = 0; i < u->ngroups; i++) {
		if (s->user.ngroups == USER_MAX_GROUPS)
			return err_fail(e, ERR_OCI_SPEC,
					"process.user.additionalGids: more than %d groups",
					USER_MAX_GROUPS);
		s->user.groups[s->user.ngroups++] = u->groups[i];
	}
	return 0;
}

/* The texts are those that engines look for: podman and dockerd make the exit codes 126 and 127 of them. */
static int not_found(const char *name, int code, struct err *e)
{
	if (code == ENOENT && !strchr(name, '/'))
		err_fail_code(e, ERR_EXEC, code, "exec: \"%s\": executable file not found in $PATH",
			      name);
	else if (code == ENOENT)
		err_fail_code(e, ERR_EXEC, code, "exec: \"%s\": stat %s: no such file or directory",
			      name, name);
	else if (code == EISDIR)
		err_fail_code(e, ERR_EXEC, code, "exec: \"%s\": is a directory", name);
	else
		err_fail_code(e, ERR_EXEC, code, "exec: \"%s\": permission denied", name);
	e->exit = code == ENOENT ? EXIT_NOTFOUND : EXIT_NOEXEC;
	return -code;
}

/* 0 if it is a program that we may execute, else an errno. */
static int look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOTDIR ? ENOENT : errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

int bundle_command(struct stage *s, struct err *e)
{
	const char *name = s->plan.args.v[0], *path = env_get(&s->plan.env, "PATH");
	int worst = ENOENT;

	if (strchr(name, '/')) {
		int code = look_at(name);
		return code ? not_found(name, code, e) : 0;
	}
	for (const char *p = path ? path
				  : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	     p && *name;) {
		size_t n = strcspn(p, ":");
		int code =
			look_at(arena_printf(&s->arena, "%.*s%s%s", (int)n, p, n ? "/" : "", name));
		if (!code)
			return 0;
		worst = code == EACCES ? EACCES : worst;
		p = p[n] ? p + n + 1 : NULL;
	}
	return not_found(name, worst, e);
}

int bundle_label(struct stage *s, struct err *e)
{
	const struct oci_process *p = s->bundle->b->process;
	bool apparmor = !str_is_empty(p->apparmor);
	const char *label = apparmor ? arena_printf(&s->arena, "exec %s", p->apparmor) : p->selinux;

	if (s->bundle->label < 0)
		return 0;
	if (write(s->bundle->label, label, strlen(label)) < 0)
		return err_set(e, errno, "set the label %s", label);
	fd_close(&s->bundle->label);
	return 0;
}

int bundle_listen(struct stage *s, struct err *e)
{
	const struct bundle *b = s->bundle->b;

	if (!b->seccomp || !b->share)
		return 0;
	fd_send_msg(s->sync, "S", 1, NULL, 0);
	return oci_seccomp_load(b->seccomp, b->share, e);
}

int bundle_filter(struct stage *s, struct err *e)
{
	const struct bundle *b = s->bundle->b;

	return b->seccomp && !b->share ? oci_seccomp_load(b->seccomp, NULL, e) : 0;
}
