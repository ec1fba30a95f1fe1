/* The reader of bundles' config.json: what is refused, where, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/base.h"
#include "oci/mount_options.h"
#include "oci/runtime_read.h"

static const char plain[] = "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\n"
			    "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"env\":[\"A=b\"]},\n"
			    "\"mounts\":[],\n"
			    "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}";

static int read_text(const char *text, size_t len, struct err *e)
{
	scoped(arena) a = {0};
	struct oci_spec s;

	*e = (struct err){0};
	return oci_spec_read(text, len, "c", &s, &a, e);
}

/* The plain document with one piece in place of another. */
static int with(const char *old, const char *new, struct err *e)
{
	scoped(str) text = {0};
	const char *at = strstr(plain, old);

	assert_non_null(at);
	str_addn(&text, plain, (size_t)(at - plain));
	str_add(&text, new);
	str_add(&text, at + strlen(old));
	return read_text(str_cstr(&text), text.len, e);
}

static const struct {
	const char *old, *new, *place, *says; /* says NULL: it is fine */
} cases[] = {
	{"1.2.0", "1.0.2-dev", NULL, NULL},
	{"1.2.0", "2.0.0", "c:1:", "ociVersion"},
	{"1.2.0", "1.x", "c:1:", "no version"},
	{"\"r\"", "\"\"", "c:1:", "root.path"},
	{"\"r\"", "5", "c:1:", "wanted a string"},
	{"\"/\"", "\"tmp\"", "c:2:18", "absolute"},
	{"[\"a\"]", "[]", "c:2:", "args must not be empty"},
	{"A=b", "A", "c:2:", "no \"=\""},
	{"A=b", "=b", "c:2:", "without a name"},
	{"\"cwd\"", "\"user\":{\"uid\":-1},\"cwd\"", "c:2:", "user id"},
	{"\"cwd\"", "\"user\":{\"uid\":4294967295},\"cwd\"", "c:2:", "user id"},
	{"\"cwd\"", "\"user\":{\"umask\":-1},\"cwd\"", "c:2:", "umask"},
	{"\"cwd\"", "\"user\":{\"umask\":18},\"cwd\"", NULL, NULL},
	{"\"cwd\"", "\"user\":{\"additionalGids\":[1,\"x\"]},\"cwd\"", "c:2:", "additionalGids.1"},
	{"\"cwd\"", "\"oomScoreAdj\":1001,\"cwd\"", "c:2:", "oomScoreAdj"},
	{"\"cwd\"", "\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}],\"cwd\"",
	 "c:2:", "no limit"},
	{"\"cwd\"", "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}],\"cwd\"",
	 "c:2:", "higher"},
	{"\"cwd\"",
	 "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":18446744073709551615}],\"cwd\"",
	 NULL, NULL},
	{"\"cwd\"",
	 "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":18446744073709551616}],\"cwd\"",
	 "c:2:", "2^64"},
	{"\"cwd\"", "\"capabilities\":{\"bounding\":[\"CAP_NONE\"]},\"cwd\"", NULL, NULL},
	{"\"cwd\"", "\"scheduler\":{\"policy\":\"SCHED_FIFO\"},\"cwd\"", "c:2:", "1 to 99"},
	{"\"cwd\"", "\"scheduler\":{\"policy\":\"X\"},\"cwd\"", "c:2:", "no policy"},
	{"\"cwd\"", "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8},\"cwd\"",
	 "c:2:", "0 to 7"},
	{"\"cwd\"", "\"execCPUAffinity\":{\"initial\":\"3-1\"},\"cwd\"", "c:2:", "CPUs"},
	{"\"mount\"", "\"mounts\"", "c:4:", "no kind of namespace"},
	{"{\"type\":\"mount\"}", "{\"type\":\"mount\"},{\"type\":\"mount\"}", "c:4:", "twice"},
	{"{\"type\":\"mount\"}", "{\"type\":\"pid\"}", "c:4:", "mount namespace"},
	{"{\"type\":\"mount\"}", "{\"type\":\"mount\"},{\"type\":\"user\"}", "c:4:", "uidMappings"},
	{"\"mounts\"", "\"hostname\":\"h\",\"mounts\"", "c:3:", "UTS namespace"},
	{"[],", "[{\"destination\":\"/a\",\"type\":\"bind\"}],", "c:3:", "needs a source"},
	{"[],", "[{\"destination\":\"/a\",\"source\":\"x\"}],", "c:3:", "needs a type"},
	{"[],",
	 "[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/\",\"options\":[\"x\"]}],",
	 "c:3:", "no option that a bind mount has"},
	{"[],",
	 "[{\"destination\":\"/a\",\"type\":\"none\",\"source\":\"/"
	 "\",\"options\":[\"rbind\",\"rro\"]}],",
	 NULL, NULL},
	{"[],", "[{\"destination\":\"/a\",\"type\":\"proc\",\"options\":[\"tmpcopyup\"]}],",
	 "c:3:", "tmpfs"},
	{"[],", "[{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"remount\"]}],",
	 "c:3:", "remount"},
	{"\"linux\":{", "\"linux\":{\"sysctl\":{\"kernel.panic\":\"1\"},",
	 "c:4:", "not in a separate kernel namespace"},
	{"\"linux\":{", "\"linux\":{\"sysctl\":{\"net.x\":\"1\"},", "c:4:", "network namespace"},
	{"\"linux\":{", "\"linux\":{\"sysctl\":{\"net/../x\":\"1\"},", "c:4:", "not a name"},
	{"\"linux\":{", "\"linux\":{\"devices\":[{\"type\":\"x\",\"path\":\"/dev/x\"}],",
	 "c:4:", "none of c, b, u, p"},
	{"\"linux\":{", "\"linux\":{\"maskedPaths\":[\"proc\"],", "c:4:", "absolute"},
	{"\"linux\":{", "\"linux\":{\"rootfsPropagation\":\"x\",", "c:4:", "rootfsPropagation"},
	{"\"linux\":{", "\"linux\":{\"personality\":{\"domain\":\"BSD\"},", "c:4:", "LINUX"},
	{"\"linux\":{", "\"linux\":{\"intelRdt\":{\"closID\":\"a\"},", "c:4:", "resctrl"},
	{"\"linux\":{", "\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}},",
	 "c:4:", "time namespace"},
	{"\"linux\":{", "\"hooks\":{\"poststop\":[{\"path\":\"x\"}]},\"linux\":{",
	 "c:4:", "hooks.poststop.0.path"},
	{"\"linux\":{", "\"hooks\":{\"poststop\":[{\"path\":\"/x\",\"timeout\":0}]},\"linux\":{",
	 "c:4:", "greater than zero"},
	{"\"linux\":{", "\"linux\":{\"unknown\":[1,2],", NULL, NULL},
	{"\"linux\":{", "\"process\":{},\"linux\":{", "c:4:", "twice"},
	{"\"linux\":{", "\"annotations\":{\"a\":1},\"linux\":{", "c:4:", "wanted a string"},
};

static void what_is_wrong_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct err e;
		int r = with(cases[i].old, cases[i].new, &e);
		if (!cases[i].says) {
			if (r < 0)
				fail_msg("%s: %s", cases[i].new, e.msg);
			continue;
		}
		if (r == 0 || !strstr(e.msg, cases[i].says) ||
		    strncmp(e.msg, cases[i].place, strlen(cases[i].place)) != 0)
			fail_msg("%s: \"%s\"", cases[i].new, r ? e.msg : "accepted");
	}
}

/* Cut anywhere, with any byte changed: refused or not, never a fault. The sanitizers watch. */
static void damage_is_survived(void **state)
{
	char text[sizeof plain];
	struct err e;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof plain; n++)
		assert_int_not_equal(read_text(plain, n, &e), 0);
	for (size_t i = 0; i + 1 < sizeof plain; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(text, plain, sizeof plain);
			text[i] = (char)(text[i] ^ 1 << bit);
			if (read_text(text, sizeof plain - 1, &e) < 0)
				assert_true(e.msg[0] && e.code);
		}
}

static void deep_nesting_is_refused(void **state)
{
	scoped(str) text = {0};
	struct err e;

	(void)state;
	str_add(&text, "{\"x\":");
	for (int i = 0; i < 100000; i++)
		str_addc(&text, '[');
	assert_int_not_equal(read_text(str_cstr(&text), text.len, &e), 0);
	assert_non_null(strstr(e.msg, "c:1:"));
}

static void options_are_taken_apart(void **state)
{
	scoped(arena) a = {0};
	struct strs words = {0};
	struct mount_options o;
	const char *bad, *why, *const in[] = {"rbind", "ro", "rnosuid", "rslave", "rw", "exec"};

	(void)state;
	for (size_t i = 0; i < countof(in); i++)
		strs_add(&a, &words, in[i]);
	assert_int_equal(mount_options_parse("none", &words, &o, &a, &bad, &why), 0);
	assert_true(o.bind && o.recursive && o.propagation && o.propagation_recursive);
	assert_int_equal(o.set, 0);
	assert_int_equal(o.clear, 1 | 8);
	assert_int_equal(o.rec_set, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(options_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
