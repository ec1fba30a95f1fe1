/*
 * How the first process of a bundle comes to be, in order. What has no "bundle" in its name is the step that hoy's own containers take too.
 */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "runtime/bundle_init.h"
#include "runtime/hooks.h"
#include "sys/netdev.h"

/* Prestart and createRuntime are run by the parent, outside; createContainer here, where the host's files can still be seen. */
static int bundle_hooks(struct stage *s, struct err *e)
{
	const struct bundle *b = s->bundle->b;
	const struct oci_hooks *h = &b->spec->hooks;
	char c;
	size_t none = 0;

	if (h->prestart.n || h->create_runtime.n) {
		fd_send_msg(s->sync, "H", 1, NULL, 0);
		if (fd_recv_msg(s->sync, &c, 1, NULL, &none) != 1)
			_exit(EXIT_ENGINE); /* the parent has the reason */
	}
	return hooks_run(
		&h->create_container, "createContainer",
		hooks_state(b->spec, b->id, b->path, "creating", s->bundle->pid, &s->arena),
		b->path, e);
}

/* All is done but what the start is for. Somebody who connects starts us; from then on errors are told to them. */
static int bundle_wait(struct stage *s, struct err *e)
{
	const struct bundle *b = s->bundle->b;
	char c;
	size_t none = 0;

	for (char **v = environ; v && *v; v++) /* the caller's */
		memset(*v, 0, strlen(*v));
	if (environ)
		environ[0] = NULL;
	/* Or nobody but root could join us (ptrace(2), PTRACE_MODE_READ). */
	if (s->bundle->plain_user)
		prctl(PR_SET_DUMPABLE, 1);
	fd_send_msg(s->sync, "X", 1, NULL, 0);
	if (fd_recv_msg(s->sync, &c, 1, NULL, &none) != 1 || c != 'R')
		_exit(EXIT_ENGINE); /* nobody knows of us */
	prctl(PR_SET_PDEATHSIG, 0);
	fd_send_msg(s->sync, "r", 1, NULL, 0);
	fd_close(&s->sync);
	do {
		fd_close(&s->sync);
		s->sync = accept4(s->wait, NULL, NULL, SOCK_CLOEXEC);
		if (s->sync < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_set(e, errno, "wait for the start");
	} while (s->sync < 0 || fd_recv_msg(s->sync, &c, 1, NULL, &none) != 1 || c != 'S');
	fd_close(&s->wait);
	return hooks_run(&b->spec->hooks.start_container, "startContainer",
			 hooks_state(b->spec, b->id, b->path, "created", s->bundle->pid, &s->arena),
			 NULL, e);
}

/* The same for a process that joins. */
static int exec_ready(struct stage *s, struct err *e)
{
	char c;
	size_t none = 0;

	(void)e;
	fd_send_msg(s->sync, "X", 1, NULL, 0);
	if (fd_recv_msg(s->sync, &c, 1, NULL, &none) != 1)
		_exit(EXIT_ENGINE);
	prctl(PR_SET_PDEATHSIG, 0);
	return 0;
}

static stage_step *const first_steps[] = {
	bundle_early,	  bundle_root,	  bundle_mounts,  bundle_devices, stage_names,
	bundle_sysctl,	  bundle_user,	  stage_terminal, bundle_hooks,	  stage_masks,
	stage_read_only,  bundle_pivot,	  bundle_session, stage_limits,	  stage_cwd,
	stage_privileges, bundle_command, bundle_listen,  bundle_wait,	  bundle_label,
	bundle_filter,	  stage_exec,
};

static stage_step *const exec_steps[] = {
	bundle_early, bundle_user,	stage_join_terminal, bundle_session, stage_limits,
	stage_cwd,    stage_privileges, bundle_command,	     bundle_listen,  exec_ready,
	bundle_label, bundle_filter,	stage_exec,
};

static void default_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void prepare(struct stage *s)
{
	const struct bundle *b = s->bundle->b;
	const struct oci_console_size *size = &b->process->console;

	default_signals();
	s->size = (struct winsize){.ws_row = (unsigned short)size->height,
				   .ws_col = (unsigned short)size->width};
	plan_of_spec(b->spec, b->process, &s->plan, &s->arena);
}

/* Root of a user namespace that is the container's own. */
static int become_root(const struct oci_spec *s, struct err *e)
{
	if (!oci_ns_find(s, OCI_NS_USER))
		return 0;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(e, errno, "become root of the container's user namespace");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the change of ids cleared it */
	return 0;
}

_Noreturn void bundle_init_run(struct stage *s)
{
	const struct oci_spec *spec = s->bundle->b->spec;
	struct err e = {0};
	int r = become_root(spec, &e);

	if (r == 0 && oci_ns_new(spec, OCI_NS_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		r = err_set(&e, errno, "make a cgroup namespace");
	prctl(PR_SET_DUMPABLE, 0);
	if (r == 0 && oci_ns_new(spec, OCI_NS_NETWORK))
		r = netdev_loopback_up(&e);
	if (r < 0)
		stage_fail(s, &e);
	prepare(s);
	stage_run(s, first_steps, countof(first_steps));
}

_Noreturn void bundle_exec_run(struct stage *s)
{
	struct err e = {0};
	char msg[1 + sizeof s->bundle->pid];
	size_t none = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hoy:[exec]");
	if (fd_recv_msg(s->sync, msg, sizeof msg, NULL, &none) != sizeof msg || msg[0] != 'G')
		_exit(EXIT_ENGINE);
	memcpy(&s->bundle->pid, msg + 1, sizeof s->bundle->pid);
	if (become_root(s->bundle->b->spec, &e) < 0)
		stage_fail(s, &e);
	prctl(PR_SET_DUMPABLE, 0);
	s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	prepare(s);
	stage_run(s, exec_steps, countof(exec_steps));
}

int bundle_ask_open(struct stage *s, const char *path)
{
	char c = 0;
	int fd = -1;
	size_t n = 1;
	autofree char *msg = xasprintf("O%s", path);

	if (fd_send_msg(s->sync, msg, strlen(msg), NULL, 0) < 0 ||
	    fd_recv_msg(s->sync, &c, 1, &fd, &n) != 1 || n != 1)
		return -EACCES;
	return fd;
}

int bundle_ask_mapped(struct stage *s, size_t at, struct err *e)
{
	char msg[1 + sizeof at] = "M", c = 0;
	int fd = -1;
	size_t n = 1;

	memcpy(msg + 1, &at, sizeof at);
	if (fd_send_msg(s->sync, msg, sizeof msg, NULL, 0) < 0 ||
	    fd_recv_msg(s->sync, &c, 1, &fd, &n) != 1 || n != 1)
		return err_set(e, EPIPE, "get a mount with an id map");
	return fd;
}
