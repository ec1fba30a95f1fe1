/* Each key of hoy.conf stands for an option that all of its commands have, of one kind; what silences it exists, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "cli/defaults.h"

static const struct opt *option(const struct command *cmd, const char *name)
{
	for (struct opt_walk w = opt_first(cmd->opts); w.row; opt_next(&w))
		if (!strcmp(w.row->name, name))
			return w.row;
	return NULL;
}

static void check_commands(const struct default_key *k, const struct opt *row)
{
	scoped(strv) names = {0}, unless = {0};

	strv_split(&names, k->commands, ',');
	if (k->unless)
		strv_split(&unless, k->unless, ' ');
	for (size_t i = 0; i < names.n; i++) {
		const struct command *cmd = command_find(names.v[i]);
		assert_non_null(cmd);
		assert_string_equal(cmd->name, names.v[i]);
		const struct opt *o = option(cmd, k->flag ? k->flag : k->key);
		bool own = k->flags & DEFAULT_OWN; /* has no option, or one of the same kind */
		if (o ? o->kind != row->kind : !own)
			fail_msg("%s: %s has no such option", k->key, names.v[i]);
	}
	for (size_t i = 0; i < unless.n; i++) {
		bool found = false;
		for (size_t j = 0; j < names.n; j++)
			found |= option(command_find(names.v[j]), unless.v[i]) != NULL;
		if (!found)
			fail_msg("%s: nothing has --%s", k->key, unless.v[i]);
	}
}

static void test_keys(void **state)
{
	(void)state;
	for (const struct default_key *k = default_keys; k->key; k++) {
		const struct opt *row = default_row(k);
		if (!row)
			fail_msg("%s stands for no option", k->key);
		if (k->commands)
			check_commands(k, row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
