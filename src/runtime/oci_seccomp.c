#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/loop.h"
#include "runtime/oci_seccomp.h"
#include "runtime/seccomp_profile.h"
#include "sys/notify.h"

enum { LOAD_WAIT_MS = 10000 };

/* Of the init: WAIT until it has loaded, then the listener's number, or FAILED. Of the parent: what it came to. */
enum { WAIT = -1, FAILED = -2 };
enum { NOT_YET, TAKEN, GIVEN_UP };
struct oci_seccomp_share {
	atomic_int listener, answer;
};

static int text_member(const struct json *doc, const char *what, const char *key, struct arena *a,
		       const char **ret, struct err *e)
{
	const struct json *v = json_get(doc, key);

	*ret = NULL;
	if (!v || v->type == JSON_NULL)
		return 0;
	if (v->type != JSON_STR)
		return err_fail(e, ERR_SECCOMP_PROFILE, "%s:%d:%d: %s is %s, not a string", what,
				v->line, v->col, key, json_type_name(v->type));
	*ret = *v->s ? arena_strdup(a, v->s) : NULL;
	return 0;
}

int oci_seccomp_compile(const struct json *doc, const char *what, struct arena *a,
			struct oci_seccomp *ret, struct err *e)
{
	*ret = (struct oci_seccomp){0};
	int r = text_member(doc, what, "listenerPath", a, &ret->listener_path, e);

	if (r == 0)
		r = text_member(doc, what, "listenerMetadata", a, &ret->listener_metadata, e);
	if (r == 0)
		r = seccomp_profile_compile_oci(doc, what, &ret->prog, &ret->notify, e);
	if (r == 0 && ret->listener_metadata && !ret->listener_path)
		r = err_fail(e, ERR_SECCOMP_PROFILE,
			     "%s:%d:%d: listenerMetadata without a listenerPath", what, doc->line,
			     doc->col);
	if (r == 0 && ret->notify && !ret->listener_path)
		r = err_fail(e, ERR_SECCOMP_PROFILE,
			     "%s:%d:%d: SCMP_ACT_NOTIFY without a listenerPath, so nobody would "
			     "answer",
			     what, doc->line, doc->col);
	if (r < 0)
		oci_seccomp_free(ret);
	return r;
}

void oci_seccomp_free(struct oci_seccomp *s)
{
	seccomp_prog_free(&s->prog);
}

int oci_seccomp_share(const struct oci_seccomp *s, struct oci_seccomp_share **ret, struct err *e)
{
	*ret = NULL;
	if (!s->notify)
		return 0;
	void *p =
		mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return err_set(e, errno, "share memory for the seccomp listener");
	*ret = p;
	atomic_store(&(*ret)->listener, WAIT);
	return 0;
}

void oci_seccomp_unshare(struct oci_seccomp_share *sh)
{
	if (sh)
		munmap(sh, sizeof *sh);
}

int oci_seccomp_load(const struct oci_seccomp *s, struct oci_seccomp_share *sh, struct err *e)
{
	if (!sh) {
		int r = seccomp_load(&s->prog);
		return r < 0 ? err_set(e, r, "load the seccomp filter") : 0;
	}
	/* After a change of ids nobody but root could look into this process. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	int fd = notify_load(&s->prog, false);
	atomic_store(&sh->listener, fd < 0 ? FAILED : fd);
	if (fd < 0)
		return err_set(e, fd, "load the seccomp filter with its listener");
	/* Any system call may wait for the listener by now (asking for the time is none); the parent needs some 100 us. */
	int64_t until = time_mono_ms() + 2 * LOAD_WAIT_MS;
	for (unsigned i = 1; atomic_load(&sh->answer) == NOT_YET; i++)
		if (i % 65536 == 0 && time_mono_ms() > until)
			break;
	/* The descriptor ends with the exec. */
	return atomic_load(&sh->answer) == TAKEN
		       ? 0
		       : err_set(e, -EPIPE, "the seccomp listener was not taken");
}

void oci_seccomp_state_text(const struct oci_seccomp *s, pid_t pid, const struct json *state,
			    struct str *ret)
{
	scoped(arena) a = {0};
	struct json *j = json_new(&a, JSON_OBJ), *fds = json_new(&a, JSON_ARR);
	const char *version = json_str(state, "ociVersion");

	json_set_str(&a, j, "ociVersion", version ? version : "1.2.0");
	json_add(&a, fds, json_new_str(&a, "seccompFd"));
	json_set(&a, j, "fds", fds);
	json_set_int(&a, j, "pid", pid);
	if (s->listener_metadata)
		json_set_str(&a, j, "metadata", s->listener_metadata);
	json_set(&a, j, "state", (struct json *)(uintptr_t)state);
	json_write(ret, j, 0);
}

static int take_listener(struct oci_seccomp_share *sh, pid_t pid, int *ret)
{
	int64_t until = time_mono_ms() + LOAD_WAIT_MS;
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -errno;
	while (atomic_load(&sh->listener) == WAIT) {
		if (time_mono_ms() > until)
			return -ETIMEDOUT;
		struct pollfd p = {.fd = pidfd, .events = POLLIN};
		if (poll(&p, 1, 0) > 0)
			return -ESRCH; /* it ended */
		usleep(50);
	}
	int number = atomic_load(&sh->listener);
	if (number < 0)
		return -ECANCELED; /* the init says why */
	*ret = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return *ret < 0 ? -errno : 0;
}

int oci_seccomp_hand_over(const struct oci_seccomp *s, struct oci_seccomp_share *sh, pid_t pid,
			  int sock, const struct json *state, struct err *e)
{
	scoped(str) text = {0};
	autoclose int listener = -1;

	if (!sh)
		return 0;
	int r = take_listener(sh, pid, &listener);
	if (r == -ECANCELED)
		return r;
	if (r < 0) {
		atomic_store(&sh->answer, GIVEN_UP);
		return err_set(e, r, "take the seccomp listener of process %d", (int)pid);
	}
	oci_seccomp_state_text(s, pid, state, &text);
	ssize_t n = fd_send_msg(sock, text.s, text.len, &listener, 1);
	if (n >= 0 && (size_t)n < text.len)
		n = fd_write_all(sock, text.s + n, text.len - (size_t)n);
	atomic_store(&sh->answer, n < 0 ? GIVEN_UP : TAKEN);
	return n < 0 ? err_set(e, (int)n, "hand the seccomp listener over to %s", s->listener_path)
		     : 0;
}

struct json *oci_seccomp_features(struct arena *a)
{
	static const char *const keys[] = {"actions", "operators", "archs", "knownFlags",
					   "supportedFlags"};
	struct json *j = json_new(a, JSON_OBJ);

	json_set_bool(a, j, "enabled", true);
	for (size_t i = 0; i < countof(keys); i++) {
		struct strs l = {0};
		seccomp_profile_words((enum seccomp_words)i, a, &l);
		json_set(a, j, keys[i], json_new_strs(a, &l));
	}
	return j;
}
