/* Unit tests of the options of the driver local. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "volume/local.h"

/* "key=value" words to pairs. */
static struct pairs pairs_of(struct arena *a, const char *const *words)
{
	struct pairs p = {0};

	for (; *words; words++) {
		const char *eq = strchr(*words, '=');
		pairs_set(a, &p, arena_strndup(a, *words, (size_t)(eq - *words)), eq + 1);
	}
	return p;
}

static void good(void **state)
{
	scoped(arena) a = {0};
	struct local l;
	struct err e;
	const char *const none[] = {NULL},
			  *const tmpfs[] = {"type=tmpfs", "device=tmpfs",
					    "o=size=1.5m,uid=7,ro,inodes=9", NULL},
			  *const bind[] = {"type=none", "device=/srv/x", "o=bind,noexec,nocopy",
					   NULL},
			  *const owner[] = {"o=uid=1000,gid=1001", NULL};
	struct pairs p = pairs_of(&a, none);

	assert_int_equal(local_parse(&p, &l, &a, &e), 0);
	assert_int_equal(l.kind, LOCAL_DATA);
	p = pairs_of(&a, tmpfs);
	assert_int_equal(local_parse(&p, &l, &a, &e), 0);
	assert_int_equal(l.kind, LOCAL_TMPFS);
	assert_true(l.has_uid && l.uid == 7 && !l.has_gid);
	assert_true(strs_has(&l.options, "size=1.5m") && strs_has(&l.options, "ro") &&
		    strs_has(&l.options, "nr_inodes=9"));
	p = pairs_of(&a, bind);
	assert_int_equal(local_parse(&p, &l, &a, &e), 0);
	assert_int_equal(l.kind, LOCAL_BIND);
	assert_string_equal(l.device, "/srv/x");
	assert_true(l.nocopy && l.options.n == 1);
	p = pairs_of(&a, owner);
	assert_int_equal(local_parse(&p, &l, &a, &e), 0);
	assert_true(l.kind == LOCAL_DATA && l.uid == 1000 && l.gid == 1001);
}

static void refused(void **state)
{
	static const struct {
		const char *words[4];
		const char *why;
	} t[] = {
		{{"type=nfs", "device=:/x", "o=addr=1.2.3.4"}, "only root"},
		{{"type=ext4", "device=/dev/sda1"}, "only root"},
		{{"device=/dev/sda1"}, "only root"},
		{{"type=none", "o=bind"}, "no device"},
		{{"type=none", "o=bind", "device=a/b"}, "absolute"},
		{{"o=size=10m"}, "quota"},
		{{"size=10m"}, "quota"},
		{{"type=tmpfs", "o=size=ten"}, "not a size"},
		{{"type=tmpfs", "o=mode=9"}, "not octal"},
		{{"o=uid=-1"}, "not a number"},
		{{"o=uid=4294967295"}, "not a number"},
		{{"type=tmpfs", "o=frob"}, "unknown"},
		{{"colour=red"}, "does not know"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		struct local l;
		struct err e = {0};
		struct pairs p = pairs_of(&a, t[i].words);
		assert_true(local_parse(&p, &l, &a, &e) < 0);
		if (!strstr(e.msg, t[i].why))
			fail_msg("\"%s\" is not in \"%s\"", t[i].why, e.msg);
		assert_true(*e.hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
