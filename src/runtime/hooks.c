#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/proc.h"
#include "runtime/hooks.h"

enum { SAID_MAX = 300 };

struct json *hooks_state(const struct oci_spec *s, const char *id, const char *bundle,
			 const char *status, pid_t pid, struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ);

	json_set_str(a, j, "ociVersion", s->version);
	json_set_str(a, j, "id", id);
	json_set_str(a, j, "status", status);
	if (pid > 0)
		json_set_int(a, j, "pid", pid);
	json_set_str(a, j, "bundle", bundle);
	if (s->annotations.n)
		json_set(a, j, "annotations", json_new_pairs(a, &s->annotations));
	return j;
}

static _Noreturn void become(const struct oci_hook *h, const char *dir, int in, int out)
{
	static const char *const none[] = {NULL};
	const char *alone[] = {h->path, NULL};
	char **argv = (char **)(uintptr_t)(h->args.n ? h->args.v : alone);
	/* As runc: a hook without variables of its own has the runtime's. */
	char **envp = h->env.n ? (char **)(uintptr_t)h->env.v : environ;

	setpgid(0, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (dir && chdir(dir) < 0)
		_exit(EXIT_NOEXEC);
	proc_reset(NULL, 0);
	execve(h->path, argv, envp ? envp : (char **)(uintptr_t)none);
	int why = errno;
	dprintf(2, "%s", strerror(why));
	_exit(EXIT_NOTFOUND);
}

/* Reads what it says until it is gone or its time is over; false: it is over. */
static bool listen_to(int out, int pidfd, int64_t until, struct str *said)
{
	for (;;) {
		struct pollfd p[] = {{.fd = out, .events = POLLIN},
				     {.fd = pidfd, .events = POLLIN}};
		int64_t left = until ? until - time_mono_ms() : -1;
		char buf[512];
		if (until && left <= 0)
			return false;
		if (poll(p, 2, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return true;
		ssize_t n = p[0].revents ? read(out, buf, sizeof buf) : 0;
		if (n > 0 && said->len < SAID_MAX)
			str_addn(said, buf, (size_t)n);
		/* Its children may hold the pipe for as long as they like. */
		if (n <= 0 && (p[1].revents & POLLIN))
			return true;
		if (n <= 0 && (p[0].revents & (POLLHUP | POLLERR)))
			out = -1;
	}
}

static int explain(const char *kind, size_t i, const struct oci_hook *h, int code, bool late,
		   struct str *said, struct err *e)
{
	while (said->len && (said->s[said->len - 1] == '\n' || said->len > SAID_MAX))
		said->s[--said->len] = 0;
	if (late)
		return err_fail_code(e, ERR_OCI_HOOK, ETIMEDOUT,
				     "error running %s hook #%zu (%s): not done after %" PRId64
				     " seconds",
				     kind, i, h->path, h->timeout);
	return err_fail(e, ERR_OCI_HOOK, "error running %s hook #%zu (%s): exit status %d%s%s",
			kind, i, h->path, code, said->len ? ": " : "", str_cstr(said));
}

static int run_one(const struct oci_hook *h, const char *kind, size_t i, const struct str *state,
		   const char *dir, struct err *e)
{
	int in[2] = {-1, -1}, out[2], pidfd = -1;
	scoped(str) said = {0};

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		err_set(e, errno, "pipe");
		close(in[0]);
		close(in[1]);
		return -e->code;
	}
	pid_t pid = proc_fork(0, &pidfd);
	if (pid == 0)
		become(h, dir, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	autoclose int tell = in[1], hear = out[0], held = pidfd;
	if (pid < 0)
		return err_set(e, pid, "fork for a hook");
	/* A pipe has room for more than any state; who does not read it does not matter. */
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	fcntl(tell, F_SETFL, O_NONBLOCK);
	(void)!write(tell, state->s, state->len);
	fd_close(&tell);
	signal(SIGPIPE, old);
	bool done =
		listen_to(hear, held, h->timeout ? time_mono_ms() + h->timeout * 1000 : 0, &said);
	if (!done) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	int code = proc_wait(pid);
	return done && code == 0 ? 0 : explain(kind, i, h, code, !done, &said, e);
}

int hooks_run(const struct bind_list *l, const char *kind, const struct json *state,
	      const char *dir, struct err *e)
{
	const struct oci_hook *h = l->v;
	scoped(str) text = {0};
	int r = 0;

	if (!l->n)
		return 0;
	json_write(&text, state, 0);
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = run_one(&h[i], kind, i, &text, dir, e);
	return r;
}
