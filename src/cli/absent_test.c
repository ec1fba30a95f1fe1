/* Unit tests of the rows of what is absent: nothing that exists, nothing twice, whole lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "cli/absent.h"
#include "cli/command.h"

static void each_name(const struct absent *rows, void (*f)(const struct absent *, const char *))
{
	for (; rows->names; rows++)
		for (const char *p = rows->names; *p; p += strspn(p, " ")) {
			size_t n = strcspn(p, " ");
			autofree char *name = xstrndup(p, n);
			f(rows, name);
			p += n;
		}
}

static bool has_flag(const char *command, const char *name)
{
	const struct command *cmd = command_find(command);

	for (struct opt_walk w = opt_first(cmd->opts); w.row; opt_next(&w))
		if (name[1] ? !strcmp(w.row->name, name) ||
				      opt_word_in(w.row->aliases, name, strlen(name))
			    : w.row->letter == name[0])
			return true;
	return false;
}

static void check_flag(const struct absent *row, const char *name)
{
	struct err e = {0};

	if ((strcmp(name, "rmi") != 0 && has_flag("run", name)) || has_flag("create", name))
		fail_msg("run has --%s now: take it out of absent.c", name);
	assert_true(absent_flag("run", name, strlen(name), &e));
	assert_string_equal(e.msg + strcspn(e.msg, " ") + 1, row->reason);
	assert_string_equal(e.hint, row->hint);
}

static void check_command(const struct absent *row, const char *name)
{
	struct err e = {0};
	autofree char *whole =
		xasprintf("%s%s%s", row->group ? row->group : "", row->group ? " " : "", name);
	autofree char *in_container = xasprintf("container %s", name);

	if (command_find(whole) || (!row->group && command_find(in_container)))
		fail_msg("there is hoy %s now: take it out of absent.c", whole);
	assert_true(absent_command(whole, &e));
	assert_string_equal(e.msg + strlen(whole) + 2, row->reason);
}

static void test_rows(void **state)
{
	struct err e = {0};

	each_name(absent_run_flags, check_flag);
	each_name(absent_commands, check_command);
	assert_false(absent_flag("ps", "publish", 7, &e));
	assert_false(absent_flag("run", "", 0, &e));
	assert_false(absent_flag(NULL, "publish", 7, &e));
	assert_false(absent_flag("run", "publis", 6, &e));
	assert_false(absent_command("system build", &e));
	assert_true(absent_command("image sign", &e));
	assert_false(absent_command("volume", &e));
	assert_false(absent_command("buildy", &e));
	assert_false(absent_command("", &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
