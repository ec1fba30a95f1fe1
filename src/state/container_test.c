/* Unit tests of container records and names: hostile records, stale names, several that want a name at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "state/container.h"
#include "state/tmp.h"

static struct home h;
static char dir[40];

static int setup(void **state)
{
	struct err e;

	snprintf(dir, sizeof dir, "/tmp/hoy-state-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return home_open(&h, dir, &e);
}

static int teardown(void **state)
{
	home_free(&h);
	return path_rm_tree_at(AT_FDCWD, dir);
}

static void put(const char *id, const char *text)
{
	char path[120];

	snprintf(path, sizeof path, "containers/%s", id);
	assert_int_equal(path_mkdir_p_at(h.fd, path, 0700), 0);
	snprintf(path, sizeof path, "containers/%s/state.json", id);
	assert_int_equal(fd_write_file_at(h.fd, path, text, strlen(text), 0600), 0);
}

static void records(void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"Id\":1,\"Name\":\"a\",\"Status\":\"running\"}",
		"{\"Id\":\"x\",\"Name\":\"a\",\"Status\":\"running\",\"Pid\":\"1\"}",
		"{\"Id\":\"x\",\"Name\":\"a\",\"Status\":\"running\",\"Pid\":99999999999999999999}",
		"{\"Id\":\"x\",\"Name\":\"a\",\"Status\":\"running\",\"Labels\":[1]}",
	};
	char id[CONTAINER_ID_LEN + 1];
	struct container_state s;
	struct arena a = {0};

	container_new_id(id);
	for (size_t i = 0; i < countof(bad); i++) {
		struct err e = {0};
		put(id, bad[i]);
		if (container_state_read(&h, id, &s, &a, &e) >= 0)
			fail_msg("%s passes", bad[i]);
		assert_int_equal(e.exit, EXIT_ENGINE);
		assert_true(*e.msg != 0);
	}
	arena_free(&a);
}

/* What a record says of processes is believed only where they are there. */
static void derived(void **state)
{
	struct container_state s = {.status = "running", .boot = h.boot_id};

	s.sup = getpid();
	s.sup_start = (int64_t)proc_start_time(getpid());
	assert_int_equal(container_derive(&h, &s), CONTAINER_RUNNING);
	s.sup_start++;
	assert_int_equal(container_derive(&h, &s), CONTAINER_EXITED);
	assert_int_equal(s.exit_code, 137);
	s.pid = getpid();
	s.pid_start = (int64_t)proc_start_time(getpid());
	assert_int_equal(container_derive(&h, &s), CONTAINER_LOST);
	s.boot = "another";
	assert_int_equal(container_derive(&h, &s), CONTAINER_EXITED);
	s = (struct container_state){.status = "running", .boot = h.boot_id, .sup = -1, .pid = -1};
	assert_int_equal(container_derive(&h, &s), CONTAINER_EXITED);
	s = (struct container_state){.status = "running"};
	assert_int_equal(container_derive(&h, &s), CONTAINER_EXITED);
}

static void names(void **state)
{
	char a[CONTAINER_ID_LEN + 1], b[CONTAINER_ID_LEN + 1], got[CONTAINER_ID_LEN + 1];
	struct home_tmp t;
	struct err e;

	container_new_id(a);
	container_new_id(b);
	put(a, "");
	assert_int_equal(container_name_take(&h, "web", a, &e), 0);
	assert_int_equal(container_name_take(&h, "web", b, &e), -EEXIST);
	assert_int_equal(e.id, ERR_NAME_TAKEN);
	container_name_drop(&h, "web", b); /* not its own */
	assert_int_equal(container_resolve(&h, "web", got, &e), 0);
	assert_string_equal(got, a);
	autofree char *path = xasprintf("containers/%s", a);
	assert_int_equal(home_discard(&h, path, &e), 0);
	assert_int_equal(container_resolve(&h, "web", got, &e), -ENOENT);
	assert_int_equal(home_tmp_make(&h, b, &t, &e), 0);
	assert_int_equal(container_name_take(&h, "web", b, &e), 0); /* stale */
	container_new_id(a);
	assert_int_equal(container_name_take(&h, "web", a, &e), -EEXIST); /* b is being made */
	home_tmp_drop(&h, &t);
	assert_int_equal(container_name_take(&h, "web", a, &e), 0);
	assert_int_equal(symlinkat("../../../etc", h.fd, "cnames/evil"), 0);
	assert_int_equal(container_name_take(&h, "evil", a, &e), -EEXIST);
	assert_true(container_resolve(&h, "../containers", got, &e) < 0);
}

enum { WANT = 6, ROUNDS = 60 };

/* A process that wants the name: says 1 or 0, and lives until it is told to end. */
static void want(const char *id, int go, int say, int end)
{
	struct home_tmp t;
	char c;

	if (home_tmp_make(&h, id, &t, NULL) < 0)
		_exit(1);
	(void)!write(say, "r", 1);
	if (read(go, &c, 1) != 1)
		_exit(1);
	(void)!write(say, container_name_take(&h, "x", id, NULL) == 0 ? "1" : "0", 1);
	(void)!read(end, &c, 1);
	_exit(0);
}

static void at_once(void **state)
{
	char id[CONTAINER_ID_LEN + 1], c;

	for (int round = 0; round < ROUNDS; round++) {
		int go[2], say[2], end[2], won = 0;
		assert_true(pipe2(go, O_CLOEXEC) == 0 && pipe2(say, O_CLOEXEC) == 0 &&
			    pipe2(end, O_CLOEXEC) == 0);
		path_mkdir_p_at(h.fd, "cnames", 0700);
		unlinkat(h.fd, "cnames/x", 0);
		assert_int_equal(symlinkat(container_new_id(id), h.fd, "cnames/x"), 0);
		for (int i = 0; i < WANT; i++) {
			container_new_id(id);
			pid_t pid = proc_fork(0, NULL);
			assert_true(pid >= 0);
			if (pid == 0) {
				close(end[1]);
				want(id, go[0], say[1], end[0]);
			}
		}
		for (int i = 0; i < WANT; i++)
			assert_true(read(say[0], &c, 1) == 1 && c == 'r');
		assert_int_equal(write(go[1], "......", WANT), WANT);
		for (int i = 0; i < WANT; i++) {
			assert_int_equal(read(say[0], &c, 1), 1);
			won += c == '1';
		}
		int *all[] = {go, say, end};
		for (size_t i = 0; i < countof(all); i++) {
			close(all[i][0]);
			close(all[i][1]);
		}
		while (wait(NULL) > 0)
			;
		assert_int_equal(won, 1);
		home_sweep(&h);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {TEST(records), TEST(derived), TEST(names),
					   TEST(at_once)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
