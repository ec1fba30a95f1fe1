/*
 * Credential helpers (docker's protocol): docker-credential-NAME get, the server's address on its input, {"Username", "Secret"} on its
 * output, or status 1 with "credentials not found". store gets {"ServerURL", "Username", "Secret"}, erase the address, list gives
 * {ADDRESS: USER}. Everything else is an error.
 */
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/proc.h"
#include "data/json.h"
#include "registry/auth.h"

/* What a helper is told fits a pipe. */
enum { MAX_ANSWER = 64 << 10, MAX_TOLD = 32 << 10 };
static int patience_ms = 30000;

static int failed(struct err *e, const char *name, const char *fmt, ...) printf_like(3, 4);
static int failed(struct err *e, const char *name, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(e, ERR_AUTH_HELPER, "the credential helper docker-credential-%s failed: %s", name,
		 why);
	return err_hint(e, "mend it, or take it out of credHelpers and credsStore in the file that "
			   "names it; --creds and --authfile go before it");
}

void auth_helper_patience(int ms)
{
	patience_ms = ms;
}

/* The program in PATH; only absolute directories count. NULL if it is not there. */
static char *find(struct arena *a, const char *name)
{
	scoped(strv) dirs = {0};

	if (!*name || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "._-") != strlen(name))
		return NULL;
	strv_split(&dirs, getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		char *path = arena_printf(a, "%s/docker-credential-%s", dirs.v[i], name);
		if (path[0] == '/' && access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

/* Reads all the helper says, until the time end; -EFBIG, -ETIMEDOUT. */
static int read_answer(int fd, int64_t end, struct str *out)
{
	char buf[4096];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end - time_mono_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		ssize_t n = read(fd, buf, sizeof buf);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (out->len + (size_t)n > MAX_ANSWER)
			return -EFBIG;
		str_addn(out, buf, (size_t)n);
	}
}

/* It may have closed its output and go on. */
static int await_exit(pid_t pid, int64_t end)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int r;

	do {
		int64_t left = end - time_mono_ms();
		r = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (r < 0 && errno == EINTR);
	return r == 1 ? 0 : -ETIMEDOUT;
}

/* Runs path, text on its input. Returns its exit status, or a negative errno (-ETIMEDOUT, -EFBIG: it was killed). */
static int talk(const char *path, const char *verb, const char *text, struct str *out,
		struct err *e)
{
	int in[2], answer[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	autoclose int in_r = in[0], in_w = in[1];
	if (pipe2(answer, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	autoclose int out_r = answer[0], out_w = answer[1];
	const char *argv[] = {path, verb, NULL};
	struct spawn sp = {.path = path, .argv = argv, .in = in_r, .out = out_w, .err = -1};
	int r = proc_spawn(&sp, &pid, e);

	if (r < 0)
		return r;
	fd_close(&out_w);
	/* The text fits the pipe, so this does not wait; our own end of reading keeps SIGPIPE away. */
	fd_write_all(in_w, text, strlen(text));
	fd_close(&in_w);
	fd_close(&in_r);
	int64_t end = time_mono_ms() + patience_ms;
	r = read_answer(out_r, end, out);
	if (r == 0)
		r = await_exit(pid, end);
	if (r < 0)
		kill(pid, SIGKILL);
	int status = proc_wait(pid);
	return r < 0 ? r : status;
}

/* 0: done, out has what it said; 1: it knows no such credentials. */
static int ask(const char *name, const char *verb, const char *text, struct str *out, struct err *e)
{
	scoped(arena) a = {0};
	char *path = find(&a, name);

	if (!path)
		return failed(e, name, "there is no such program in PATH");
	if (strlen(text) > MAX_TOLD)
		return failed(e, name, "it cannot be told more than %d bytes", MAX_TOLD);
	int status = talk(path, verb, text, out, e);
	if (status == -ETIMEDOUT)
		return failed(e, name, "it did not end within %d s", patience_ms / 1000);
	if (status == -EFBIG)
		return failed(e, name, "it said more than %d bytes", MAX_ANSWER);
	if (status < 0)
		return failed(e, name, "%s", strerror(-status));
	if (status && str_starts(str_cstr(out), "credentials not found"))
		return 1;
	if (status) /* what looks like an answer may hold a secret */
		return failed(e, name, "status %d: %.200s", status,
			      strchr(str_cstr(out), '{') ? "" : str_cstr(out));
	return 0;
}

int auth_helper_get(struct arena *a, const char *name, const char *server, struct credentials *ret,
		    struct err *e)
{
	scoped(str) out = {0};
	struct err ignored;
	int r = ask(name, "get", server, &out, e);

	*ret = (struct credentials){0};
	if (r != 0)
		return r < 0 ? r : 0;
	struct json *j = json_parse(a, str_cstr(&out), out.len, name, NULL, &ignored);
	const char *user = json_str(j, "Username"), *secret = json_str(j, "Secret");
	if (!user || !secret)
		return failed(e, name, "its answer is no JSON with Username and Secret");
	ret->user = user;
	ret->password = secret;
	if (!strcmp(user, "<token>"))
		ret->identity = secret;
	ret->from = arena_printf(a, "docker-credential-%s", name);
	return 0;
}

int auth_helper_store(const char *name, const char *server, const struct credentials *c,
		      struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0}, out = {0};
	struct json *j = json_new(&a, JSON_OBJ);

	json_set_str(&a, j, "ServerURL", server);
	json_set_str(&a, j, "Username", c->user);
	json_set_str(&a, j, "Secret", c->password);
	json_write(&text, j, 0);
	int r = ask(name, "store", str_cstr(&text), &out, e);
	return r > 0 ? failed(e, name, "it stores nothing") : r;
}

int auth_helper_erase(const char *name, const char *server, struct err *e)
{
	scoped(str) out = {0};

	return ask(name, "erase", server, &out, e);
}

int auth_helper_list(struct arena *a, const char *name, struct strs *ret, struct err *e)
{
	scoped(str) out = {0};
	struct err ignored;
	int r = ask(name, "list", "", &out, e);

	if (r != 0)
		return r < 0 ? r : 0;
	struct json *j = json_parse(a, str_cstr(&out), out.len, name, NULL, &ignored);
	if (!j || j->type != JSON_OBJ)
		return failed(e, name, "its list is no JSON object");
	for (size_t i = 0; i < j->obj.n; i++)
		strs_add(a, ret, j->obj.v[i].key);
	return 0;
}
