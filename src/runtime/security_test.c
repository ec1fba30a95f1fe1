/* Unit tests of the security options, the default seccomp profile as the kernel enforces it, and the change of capabilities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "runtime/seccomp_builtin.h"
#include "runtime/seccomp_profile.h"
#include "runtime/security.h"
#include "sys/caps.h"

#define SYSCALLS_NO_MAIN
int syscalls_probe(FILE *out, int plain);
#include "../../tests/fixtures/src/syscalls.c"

#define BIT(cap) (UINT64_C(1) << (cap))

/* Runs fn in a child that has its own user namespace with all capabilities; returns its exit code, or -1 where there are no
 * user namespaces. */
static int in_userns(int (*fn)(void))
{
	pid_t pid = proc_fork(CLONE_NEWUSER, NULL);

	if (pid == 0)
		_exit(fn());
	return pid < 0 ? -1 : proc_wait(pid);
}

/* The value of a line of /proc/self/status, in hexadecimal. */
static uint64_t status(const char *key)
{
	scoped(str) text = {0};
	char line[32];

	if (fd_read_file_at(AT_FDCWD, "/proc/self/status", &text, 1 << 16) < 0)
		return UINT64_MAX;
	snprintf(line, sizeof line, "\n%s:\t", key);
	const char *p = strstr(text.s, line);
	return p ? strtoull(p + strlen(line), NULL, 16) : UINT64_MAX;
}

static int probe_unfiltered(void)
{
	return syscalls_probe(NULL, 0);
}

static int probe_default(void)
{
	struct seccomp_prog p;

	if (seccomp_profile_default(CAPS_DEFAULT, &p, NULL) < 0 || p.owned)
		return 101;
	if (seccomp_load(&p) < 0 || status("Seccomp") != 2 || status("NoNewPrivs") != 0)
		return 102;
	return syscalls_probe(stderr, 0);
}

static int probe_compiled(void)
{
	struct seccomp_prog p;

	/* CAP_SYSLOG makes it a set that no built-in program fits. */
	if (seccomp_profile_default(CAPS_DEFAULT | BIT(CAP_SYSLOG), &p, NULL) < 0 || !p.owned)
		return 101;
	return seccomp_load(&p) < 0 ? 102 : syscalls_probe(NULL, 0);
}

static void default_profile_holds(void **state)
{
	int n = in_userns(probe_unfiltered);

	if (n < 0)
		skip();
	assert_in_range(n, 30, 99); /* the probe tells a filter from none */
	assert_int_equal(in_userns(probe_default), 0);
	assert_int_equal(in_userns(probe_compiled), 0);
}

/* What was compiled when hoy was built is what is compiled now. */
static void builtins_are_current(void **state)
{
	for (size_t i = 0; i < seccomp_builtin_count; i++) {
		const struct seccomp_builtin *b = &seccomp_builtins[i];
		scoped(seccomp_prog) p = {0};
		assert_int_equal(seccomp_profile_compile(seccomp_builtin_json,
							 seccomp_builtin_json_len, "default",
							 b->caps, &p, NULL),
				 0);
		assert_int_equal(p.n, b->n);
		assert_memory_equal(p.v, b->v, p.n * sizeof *p.v);
	}
}

static int take_root_caps(void)
{
	const struct caps c = {.bounding = CAPS_DEFAULT};
	const struct caps_sets sets = caps_sets_of(&c, 0);

	if (caps_before_user(c.bounding, NULL) < 0 || status("CapBnd") != CAPS_DEFAULT)
		return 1;
	if (caps_after_user(&sets, true, NULL) < 0 ||
	    status("CapEff") != (CAPS_DEFAULT | BIT(CAP_SYS_ADMIN)))
		return 2;
	if (caps_after_user(&sets, false, NULL) < 0 || status("CapEff") != CAPS_DEFAULT ||
	    status("CapPrm") != CAPS_DEFAULT)
		return 3;
	return status("CapInh") || status("CapAmb") ? 4 : 0;
}

/* The sets of another uid; the uid itself needs a map, which the black-box tests have. */
static int take_user_caps(void)
{
	const struct caps c = {.bounding = CAPS_DEFAULT | BIT(CAP_NET_RAW),
			       .user = BIT(CAP_NET_RAW)};
	const struct caps_sets sets = caps_sets_of(&c, 1000);

	if (caps_before_user(c.bounding, NULL) < 0 || caps_after_user(&sets, false, NULL) < 0)
		return 1;
	if (status("CapEff") != c.user || status("CapPrm") != c.user)
		return 2;
	return status("CapInh") != c.user || status("CapAmb") != c.user ? 3 : 0;
}

static void capabilities_are_taken_on(void **state)
{
	if (in_userns(probe_unfiltered) < 0)
		skip();
	assert_int_equal(in_userns(take_root_caps), 0);
	assert_int_equal(in_userns(take_user_caps), 0);
}

static int compute(const char *add, const char *drop, bool privileged, struct caps *c,
		   struct err *e)
{
	return caps_compute(&add, add != NULL, &drop, drop != NULL, privileged, c, e);
}

static void capabilities_are_computed(void **state)
{
	struct caps c;
	struct err e;

	assert_int_equal(compute(NULL, NULL, false, &c, &e), 0);
	assert_true(c.bounding == CAPS_DEFAULT && c.user == 0);
	assert_int_equal(CAPS_DEFAULT, 0x800405fb);
	assert_int_equal(compute("net_admin,CAP_SYS_TIME", "Cap_Chown", false, &c, &e), 0);
	assert_true(c.bounding ==
		    ((CAPS_DEFAULT & ~BIT(CAP_CHOWN)) | BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_TIME)));
	assert_true(c.user == (BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_TIME)));
	assert_int_equal(compute("KILL", "all", false, &c, &e), 0);
	assert_true(c.bounding == BIT(CAP_KILL));
	assert_int_equal(compute("ALL", "KILL", false, &c, &e), 0);
	assert_true(c.bounding == (caps_all() & ~BIT(CAP_KILL)));
	assert_int_equal(compute(NULL, NULL, true, &c, &e), 0);
	assert_true(c.bounding == caps_all() && c.user == 0);
	assert_int_equal(compute("ALL", "ALL", false, &c, &e), -EINVAL);
	assert_int_equal(e.id, ERR_CAP_CONFLICT);
	assert_int_equal(compute("KILL", "KILL", false, &c, &e), -EINVAL);
	assert_int_equal(compute("NET_ADMN", NULL, false, &c, &e), -EINVAL);
	assert_string_equal(e.hint, "did you mean NET_ADMIN?");
	assert_int_equal(compute("", NULL, false, &c, &e), -EINVAL);
	assert_int_equal(compute("CAP_", NULL, false, &c, &e), -EINVAL);
	assert_int_equal(compute("3", NULL, false, &c, &e), -EINVAL);
	assert_string_equal(caps_name(40), "CAP_CHECKPOINT_RESTORE");
	assert_string_equal(caps_name(63), "CAP_63");
}

static int parse(struct arena *a, struct security *s, struct err *e, bool privileged,
		 const char *one, const char *two)
{
	struct strs opts = {0};

	if (one)
		strs_add(a, &opts, one);
	if (two)
		strs_add(a, &opts, two);
	return security_parse(a, &opts, privileged, CAPS_DEFAULT, s, e);
}

static void options(void **state)
{
	scoped(arena) a = {0};
	struct security s;
	struct err e;

	assert_int_equal(parse(&a, &s, &e, false, NULL, NULL), 0);
	assert_true(strs_has(&s.masked, "/proc/kcore") && strs_has(&s.readonly, "/proc/sys"));
	assert_string_equal(s.seccomp, "builtin");
	assert_false(s.no_new_privs);
	assert_int_equal(parse(&a, &s, &e, true, NULL, NULL), 0);
	assert_true(!s.masked.n && !s.readonly.n && s.privileged);
	assert_string_equal(s.seccomp, "unconfined");
	assert_int_equal(parse(&a, &s, &e, false, "no-new-privileges", "seccomp=unconfined"), 0);
	assert_true(s.no_new_privs && s.opts.n == 2);
	assert_string_equal(s.seccomp, "unconfined");
	assert_int_equal(parse(&a, &s, &e, false, "no-new-privileges:false", "seccomp:builtin"), 0);
	assert_false(s.no_new_privs);
	assert_int_equal(parse(&a, &s, &e, false, "mask=/a/../b:/c", "unmask=/proc/k*:/proc/sys"),
			 0);
	assert_true(strs_has(&s.masked, "/b") && strs_has(&s.masked, "/c"));
	assert_false(strs_has(&s.masked, "/proc/kcore") || strs_has(&s.readonly, "/proc/sys"));
	assert_true(strs_has(&s.masked, "/proc/scsi"));
	assert_int_equal(parse(&a, &s, &e, false, "unmask=ALL", "label=disable"), 0);
	assert_true(!s.masked.n && !s.readonly.n);
	assert_int_equal(parse(&a, &s, &e, false, "systempaths=unconfined", NULL), 0);
	assert_true(!s.masked.n && !s.readonly.n);
	assert_int_equal(parse(&a, &s, &e, false, "proc-opts=hidepid=2,subset=pid", NULL), 0);
	assert_string_equal(s.proc_opts, "hidepid=2,subset=pid");
}

static void bad_options(void **state)
{
	static const char *const bad[] = {
		"",
		"nonsense",
		"seccomp",
		"seccomp=",
		"seccomp=/nope",
		"mask=relative",
		"unmask=x",
		"no-new-privileges=maybe",
		"apparmor=mine",
		"label=what",
		"label=type:",
		"systempaths=all",
		"proc-opts=setuid",
		"proc-opts=",
		"proc-opts=gid=-1",
		"seccomp=/dev/zero",
		"mask=",
	};
	scoped(arena) a = {0};
	struct security s;
	struct err e;

	for (size_t i = 0; i < countof(bad); i++)
		assert_true(parse(&a, &s, &e, false, bad[i], NULL) < 0);
	parse(&a, &s, &e, false, "secomp=unconfined", NULL);
	assert_string_equal(e.hint, "did you mean seccomp?");
}

static void bad_profiles(void **state)
{
	static const char *const bad[][2] = {
		{"", NULL},
		{"[]", "p:1:1: the profile is an array, not an object"},
		{"{}", "p:1:1: defaultAction is missing"},
		{"{\"defaultAction\":7}", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_DANCE\"}", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":5000}", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[7]}", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}",
		 NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		 NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		 NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"op\":\"EQ\"}]}]}",
		 NULL},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		scoped(seccomp_prog) p = {0};
		struct err e = {0};
		assert_true(seccomp_profile_compile(bad[i][0], strlen(bad[i][0]), "p", 0, &p, &e) <
			    0);
		assert_int_equal(e.id, ERR_SECCOMP_PROFILE);
		if (bad[i][1])
			assert_string_equal(e.msg, bad[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_profile_holds),
		cmocka_unit_test(builtins_are_current),
		cmocka_unit_test(capabilities_are_taken_on),
		cmocka_unit_test(capabilities_are_computed),
		cmocka_unit_test(options),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(bad_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
