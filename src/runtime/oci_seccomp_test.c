/* linux.seccomp: what is refused and where; what rules mean; a listener that the init could not give away by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/base.h"
#include "runtime/oci_seccomp.h"
#include "sys/notify.h"

static int compile(struct arena *a, const char *text, struct oci_seccomp *ret, struct err *e)
{
	struct json *j = json_parse(a, text, strlen(text), "c", NULL, e);

	*ret = (struct oci_seccomp){0};
	return j ? oci_seccomp_compile(j, "c", a, ret, e) : -EINVAL;
}

#define ALLOW "{\"defaultAction\":\"SCMP_ACT_ALLOW\","
static void refused(void **state)
{
	static const struct {
		const char *text, *place;
	} bad[] = {
		{"{}", "c:1:1: defaultAction is missing"},
		{"{\"defaultAction\":\"SCMP_ACT_X\"}",
		 "c:1:18: unknown defaultAction 'SCMP_ACT_X'"},
		{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"/x\"}",
		 "c:1:18: SCMP_ACT_N"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
		 "c:1:53: defaultErrn"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
		 "c:1:53: defaultE"},
		{ALLOW "\"architectures\":[\"SCMP_ARCH_VAX\"]}", "c:1:52: unknown architecture"},
		{ALLOW "\"flags\":[\"X\"]}", "c:1:44: unknown flag 'X'"},
		{ALLOW "\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}",
		 "c:1:44: SECCOMP_F"},
		{ALLOW "\"listenerMetadata\":\"x\"}", "c:1:1: listenerMetadata without"},
		{ALLOW "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		 "c:1:1: SCMP_ACT_NOTIFY without a listenerPath"},
		{ALLOW "\"syscalls\":[{\"action\":\"SCMP_ACT_ERRNO\"}]}",
		 "c:1:47: an entry of sys"},
		{ALLOW "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_KILL\","
		       "\"errnoRet\":1}]}",
		 "errnoRet has no meaning for SCMP_ACT_KILL"},
		{ALLOW "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\","
		       "\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		 "an index from 0 to 5"},
		{ALLOW
		 "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\","
		 "\"args\":[{\"index\":0,\"value\":18446744073709551616,\"op\":\"SCMP_CMP_EQ\"}]}]"
		 "}",
		 "value is not a whole number that fits 64 bits"},
		{ALLOW "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\","
		       "\"args\":[{\"index\":0,\"value\":1.5,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		 "value is not a whole number that fits 64 bits"},
		{ALLOW "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\","
		       "\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_XX\"}]}]}",
		 "unknown op 'SCMP_CMP_XX'"},
		{ALLOW "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\","
		       "\"args\":[1]}]}",
		 "an argument is"},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		scoped(arena) a = {0};
		struct err e = {0};
		struct oci_seccomp s;
		assert_int_equal(compile(&a, bad[i].text, &s, &e), -EINVAL);
		assert_int_equal(e.id, ERR_SECCOMP_PROFILE);
		if (!strstr(e.msg, bad[i].place) || !str_starts(e.msg, "c:1:"))
			fail_msg("%s: %s", bad[i].text, e.msg);
	}
}

static long call(long nr, long a0, long a1)
{
	return syscall(nr, a0, a1, 0) < 0 ? errno : 0;
}

/* Each row fails with its code in a child that has the filter. */
static void meaning(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\","
		"\"SCMP_ARCH_X32\",\"SCMP_ARCH_S390X\"],\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\","
		"\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"],\"syscalls\":["
		/* a rule without arguments hides the other, which stands first */
		"{\"names\":[\"dup2\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":"
		"61,"
		"\"args\":[{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"}]},"
		"{\"names\":[\"dup2\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":62},"
		/* what the default says anyway is no rule */
		"{\"names\":[\"dup3\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"dup3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":63,"
		"\"args\":[{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"}]},"
		/* two conditions on one argument are two rules; on two they are one */
		"{\"names\":[\"getpgid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":64,\"args\":["
		"{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":0,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}]},"
		"{\"names\":[\"access\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":65,\"args\":["
		"{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":1,\"value\":3,\"valueTwo\":1,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}";
	scoped(arena) a = {0};
	struct err e = {0};
	struct oci_seccomp s;
	int status;

	assert_int_equal(compile(&a, text, &s, &e), 0);
	assert_false(s.notify);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		int bad = oci_seccomp_load(&s, NULL, &e) < 0;
		bad |= (call(SYS_dup3, 5, 99) != 63) << 2 | (call(SYS_dup3, 9999, 99) != EBADF)
								    << 3;
		bad |= (call(SYS_getpgid, 5, 0) != 64) << 4 | (call(SYS_getpgid, -1, 0) != 64) << 5;
		bad |= (call(SYS_getpgid, 0, 0) != 0) << 6;
#ifdef SYS_dup2
		bad |= (call(SYS_dup2, 5, 99) != 62) << 1 | (call(SYS_access, 5, 1) != 65) << 7;
		bad |= (call(SYS_access, 5, 2) == 65) << 7 | (call(SYS_access, 6, 1) == 65) << 7;
#endif
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	oci_seccomp_free(&s);
}

/* Where the default refuses, calls younger than the profile do not exist. */
static void young(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"exit_group\","
		"\"clone3\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	scoped(arena) a = {0};
	struct err e = {0};
	struct oci_seccomp s;
	int status;

	assert_int_equal(compile(&a, text, &s, &e), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		int bad = oci_seccomp_load(&s, NULL, &e) < 0;
		bad |= (call(SYS_getpgid, 0, 0) != EPERM) << 1;
		bad |= (call(436, -1, 0) != ENOSYS) << 2 | (call(5000, 0, 0) != ENOSYS) << 3;
		syscall(SYS_exit_group, bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	oci_seccomp_free(&s);
}

/* The init may not even read or write; mkdir is answered by the listener that got the state and the descriptor. */
static void listener(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"listenerPath\":\"/run/x\","
		"\"listenerMetadata\":\"meta\",\"syscalls\":["
		"{\"names\":[\"mkdirat\"],\"action\":\"SCMP_ACT_NOTIFY\"},"
		"{\"names\":[\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	scoped(arena) a = {0};
	struct err e = {0};
	struct oci_seccomp s;
	struct oci_seccomp_share *sh;
	struct notify_call c;
	char got[1000];
	int pair[2], status, fds[1] = {-1};
	size_t nfds = 1;

	assert_int_equal(compile(&a, text, &s, &e), 0);
	assert_true(s.notify);
	assert_string_equal(s.listener_path, "/run/x");
	assert_int_equal(oci_seccomp_share(&s, &sh, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		int r = oci_seccomp_load(&s, sh, &e);
		syscall(SYS_exit_group, r < 0						? 1
					: call(SYS_mkdirat, AT_FDCWD, (long)"/x") != 71 ? 2
											: 0);
	}
	struct json *st = json_new(&a, JSON_OBJ);
	json_set_str(&a, st, "ociVersion", "1.2.0");
	json_set_str(&a, st, "id", "name");
	assert_int_equal(oci_seccomp_hand_over(&s, sh, pid, pair[0], st, &e), 0);
	ssize_t n = fd_recv_msg(pair[1], got, sizeof got - 1, fds, &nfds);
	assert_true(n > 0 && nfds == 1);
	got[n] = 0;
	autofree char *want =
		xasprintf("{\"ociVersion\":\"1.2.0\",\"fds\":[\"seccompFd\"],\"pid\":%d,"
			  "\"metadata\":\"meta\",\"state\":{\"ociVersion\":\"1.2.0\","
			  "\"id\":\"name\"}}",
			  (int)pid);
	assert_string_equal(got, want);
	assert_int_equal(notify_next(fds[0], &c), 0);
	assert_int_equal(c.nr, SYS_mkdirat);
	notify_answer(fds[0], c.id, 0, 71);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);

	/* One that ends before it loads is noticed. */
	struct oci_seccomp_share *again;
	assert_int_equal(oci_seccomp_share(&s, &again, &e), 0);
	pid = fork();
	if (!pid)
		_exit(0);
	assert_int_equal(oci_seccomp_hand_over(&s, again, pid, -1, st, &e), -ESRCH);
	waitpid(pid, &status, 0);
	oci_seccomp_unshare(sh);
	oci_seccomp_unshare(again);
	oci_seccomp_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(meaning),
		cmocka_unit_test(young),
		cmocka_unit_test(listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
