/* Unit tests of writing events: lines stay whole whatever stands in them, whoever writes at once, and however much there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "data/json.h"
#include "state/events.h"

static char dir[40];
static int store = -1;

static int setup(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/hoy-events-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	store = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(store >= 0);
	return 0;
}

static int teardown(void **state)
{
	fd_close(&store);
	return path_rm_tree_at(AT_FDCWD, dir);
}

/* The events of a file as a JSON array; every line must be one. */
static struct json *all_of(struct arena *a, const char *name)
{
	scoped(str) text = {0};
	struct json *all = json_new(a, JSON_ARR);
	struct err e;

	if (fd_read_file_at(store, name, &text, 8 << 20) < 0)
		return all;
	assert_true(!text.len || text.s[text.len - 1] == '\n');
	for (char *p = text.s, *nl; p && (nl = strchr(p, '\n')); p = nl + 1) {
		assert_int_equal(*p, 0x1e);
		assert_null(memchr(p + 1, 0x1e, (size_t)(nl - p - 1)));
		struct json *j = json_parse(a, p + 1, (size_t)(nl - p - 1), "event", NULL, &e);
		if (!j)
			fail_msg("%s: %.*s", e.msg, (int)(nl - p), p);
		json_add(a, all, j);
	}
	return all;
}

static void fields(void **state)
{
	struct arena a = {0};
	struct pair labels[] = {{"l", "1"}, {"m", "x\ny"}};
	struct pairs l = {labels, 2};

	event_write(store,
		    &(struct event){.type = "container",
				    .action = "died",
				    .id = "abc",
				    .name = "n",
				    .image = "busybox",
				    .has_code = true,
				    .code = 137,
				    .time = {5, 7},
				    .attributes = {{"signal", "9"}, {"none", NULL}, {"b", "c"}},
				    .labels = &l});
	event_write(store, &(struct event){.type = "system", .action = "prune"});
	struct json *j = all_of(&a, EVENTS_FILE);
	assert_int_equal(j->arr.n, 2);
	scoped(str) s = {0};
	json_write(&s, j->arr.v[0], 0);
	assert_string_equal(
		str_cstr(&s),
		"{\"time\":5000000007,\"type\":\"container\",\"action\":\"died\",\"id\":\"abc\","
		"\"name\":\"n\",\"image\":\"busybox\",\"code\":137,\"attributes\":{\"signal\":"
		"\"9\",\"b\":\"c\"},"
		"\"labels\":{\"l\":\"1\",\"m\":\"x\\ny\"}}");
	assert_true(json_int(j->arr.v[1], "time", 0) > 1000000000LL * 1000000000);
	assert_null(json_get(j->arr.v[1], "attributes"));
	arena_free(&a);
}

/* Names and labels of strangers: newlines, the record mark, broken UTF-8, quotes, far too long, far too many. */
static void hostile(void **state)
{
	enum { MANY = 3000 };
	struct arena a = {0};
	static char huge[1 << 20];
	struct pairs many = {0};
	const char *evil = "a\n\x1e{\"time\":1,\"type\":\"x\"}\n\"\\\xff\xc3(\x7f\x1b[31m\xe2\x82";

	memset(huge, 'h', sizeof huge - 1);
	for (size_t i = 0; i < MANY; i++) {
		char k[24];
		snprintf(k, sizeof k, "key%zu", i);
		pairs_set(&a, &many, k, evil);
	}
	event_write(store,
		    &(struct event){.type = "container",
				    .action = evil,
				    .id = huge,
				    .name = evil,
				    .image = huge,
				    .attributes = {{evil, evil}, {"huge", huge}, {"last", "1"}},
				    .labels = &many});
	pairs_set(&a, &many, "key0", huge);
	struct event v[40];
	for (size_t i = 0; i < countof(v); i++)
		v[i] = (struct event){.type = "image", .action = "pull", .labels = &many};
	events_write(store, v, countof(v));
	struct json *j = all_of(&a, EVENTS_FILE);
	assert_int_equal(j->arr.n, 1 + countof(v));
	struct json *first = j->arr.v[0];
	assert_int_equal(strlen(json_str(first, "image")), EVENT_TEXT_MAX);
	assert_string_equal(json_str(json_get(first, "attributes"), "last"), "1");
	assert_null(json_get(json_get(first, "attributes"), "huge"));
	assert_true(json_get(first, "labels")->obj.n > 10);
	assert_string_equal(
		json_str(first, "name"),
		"a\n\x1e{\"time\":1,\"type\":\"x\"}\n\"\\\xef\xbf\xbd\xef\xbf\xbd(\x7f\x1b[31m"
		"\xef\xbf\xbd\xef\xbf\xbd");
	for (size_t i = 0; i < countof(v); i++) /* each got as much as one alone */
		assert_int_equal(json_get(j->arr.v[1 + i], "labels")->obj.n,
				 json_get(j->arr.v[1], "labels")->obj.n);
	arena_free(&a);
}

/* Eight processes at once, through several rotations: no line is torn, and the two files hold at most their cap and a little. */
static void many_writers(void **state)
{
	enum { WRITERS = 8, EACH = 3000 };
	pid_t pids[WRITERS];
	struct arena a = {0};
	int status;

	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			char name[300];
			memset(name, 'a' + i, sizeof name);
			for (int k = 0; k < EACH; k++) {
				snprintf(name + 250, sizeof name - 250, "-%d-%d", i, k);
				event_write(store, &(struct event){.type = "volume",
								   .action = "create",
								   .name = name});
			}
			_exit(0);
		}
	}
	for (int i = 0; i < WRITERS; i++)
		assert_true(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	struct stat st;
	size_t n = all_of(&a, EVENTS_FILE)->arr.n + all_of(&a, EVENTS_OLD_FILE)->arr.n;
	assert_true(n > 2500 && n < 16000);
	assert_int_equal(fstatat(store, EVENTS_OLD_FILE, &st, 0), 0);
	assert_true(st.st_size > EVENTS_MAX &&
		    st.st_size < 2 * EVENTS_MAX /* whoever moves it may be held up */);
	assert_int_equal(fstatat(store, EVENTS_FILE, &st, 0), 0);
	assert_true(st.st_size < 2 * EVENTS_MAX /* whoever moves it may be held up */);
	arena_free(&a);
}

/* Where it cannot be written nothing happens: no file, a directory or FIFO in its place, no room. errno stays. */
static void quiet(void **state)
{
	struct event e = {.type = "container", .action = "create"};
	struct rlimit was, none = {0, 0};

	errno = 77;
	event_write(-1, &e);
	assert_int_equal(errno, 77);
	assert_int_equal(mkdirat(store, EVENTS_FILE, 0700), 0);
	event_write(store, &e);
	assert_int_equal(unlinkat(store, EVENTS_FILE, AT_REMOVEDIR), 0);
	assert_int_equal(mkfifoat(store, EVENTS_FILE, 0600), 0);
	event_write(store, &e); /* a FIFO nobody reads would block */
	assert_int_equal(unlinkat(store, EVENTS_FILE, 0), 0);
	assert_int_equal(symlinkat("elsewhere", store, EVENTS_FILE), 0);
	event_write(store, &e);
	assert_int_equal(faccessat(store, "elsewhere", F_OK, 0), -1);
	assert_int_equal(unlinkat(store, EVENTS_FILE, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	event_write(store, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fields, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(many_writers, setup, teardown),
		cmocka_unit_test_setup_teardown(quiet, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
