#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "base/base.h"
#include "store/cache_prune.h"
#include "store/gc.h"
#include "store/layers.h"

static char root[] = "/tmp/hoy-build-cache-test.XXXXXX";
static struct home home;

static int setup(void **state)
{
	struct err e = {0};

	return !mkdtemp(root) || home_open(&home, root, &e) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	home_free(&home);
	return path_rm_tree_at(AT_FDCWD, root);
}

/* A layer of that many bytes as the store has it: the digest of its name is enough here. */
static const char *layer(struct arena *a, const char *name, int64_t size)
{
	struct digest d;
	struct err e = {0};

	assert_int_equal(hash_bytes(name, strlen(name), &d, &e), 0);
	const char *dir = arena_printf(a, "layers/%s.root", d.hex);
	assert_int_equal(path_mkdir_p_at(home.fd, arena_printf(a, "%s/diff", dir), 0700), 0);
	autoclose int fd = openat(home.fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(layer_meta_write(fd, &(struct layer_meta){.version = 1, .size = size}), 0);
	return arena_printf(a, "sha256:%s", d.hex);
}

static bool there(const char *diffid)
{
	struct digest d;

	return digest_parse(diffid, &d, NULL) == 0 && layer_exists(&home, &d, FORM_ROOT);
}

/* A record whose key is that of one input; used so many seconds ago. */
static struct digest put(struct arena *a, const char *input, const char *diffid, int used)
{
	struct build_cache_record r = {.layer = diffid, .step = input, .created = "now"};
	struct err e = {0};

	pairs_set(a, &r.inputs, "instruction", input);
	struct digest key = build_cache_key(&r.inputs);
	assert_int_equal(build_cache_put(&home, &key, &r, &e), 0);
	struct timespec t = {time(NULL) - used, 0};
	assert_int_equal(utimensat(home.fd, arena_printf(a, "build/cache/%s", key.hex),
				   (struct timespec[]){t, t}, 0),
			 0);
	return key;
}

static bool hit(const struct digest *key)
{
	scoped(arena) a = {0};
	struct build_cache_record r;

	return build_cache_find(&home, key, &a, &r) == 0;
}

static void test_find(void **state)
{
	scoped(arena) a = {0};
	struct build_cache_record r;
	struct digest none = {"0000000000000000000000000000000000000000000000000000000000000000"};
	const char *one = layer(&a, "one", 100);

	assert_int_equal(build_cache_find(&home, &none, &a, &r), -ENOENT);
	struct digest key = put(&a, "RUN one", one, 5000);
	assert_int_equal(build_cache_find(&home, &key, &a, &r), 0);
	assert_string_equal(r.layer, one);
	assert_string_equal(pairs_get(&r.inputs, "instruction"), "RUN one");
	struct stat st;
	assert_int_equal(fstatat(home.fd, arena_printf(&a, "build/cache/%s", key.hex), &st, 0), 0);
	assert_true(time(NULL) - st.st_mtim.tv_sec < 1000); /* a hit is marked as used */

	struct digest gone = put(&a, "RUN gone",
				 "sha256:"
				 "1111111111111111111111111111111111111111111111111111111111111111",
				 0);
	assert_false(hit(&gone)); /* its layer is not there */
	struct digest empty = put(&a, "RUN true", NULL, 0);
	assert_true(hit(&empty));
	struct digest latin = put(&a, "RUN echo \xe9", NULL, 0);
	assert_true(hit(&latin)); /* bytes that JSON does not hold */
	struct digest other = put(&a, "RUN echo \xea", NULL, 0);
	assert_false(digest_eq(&latin, &other));
}

/* The order, and where a name ends, count. */
static void test_keys(void **state)
{
	scoped(arena) a = {0};
	struct pairs x = {0}, y = {0}, z = {0};

	pairs_set(&a, &x, "a", "1");
	pairs_set(&a, &x, "b", "2");
	pairs_set(&a, &y, "b", "2");
	pairs_set(&a, &y, "a", "1");
	pairs_set(&a, &z, "a", "1\n1:b=1:2");
	struct digest dx = build_cache_key(&x), dy = build_cache_key(&y), dz = build_cache_key(&z);
	assert_false(digest_eq(&dx, &dy));
	assert_false(digest_eq(&dx, &dz));
}

static void damage(const struct digest *key, const char *text)
{
	scoped(arena) a = {0};
	const char *path = arena_printf(&a, "build/cache/%s", key->hex);

	assert_int_equal(fd_write_file_at(home.fd, path, text, strlen(text), 0600), 0);
	assert_false(hit(key));
}

/* What is no record is a miss, never an error, and keeps no layer. */
static void test_damaged(void **state)
{
	scoped(arena) a = {0}, b = {0};
	scoped(str) text = {0};
	const char *one = layer(&a, "damaged", 1);
	struct digest key = put(&a, "RUN x", one, 0), other = put(&a, "RUN y", one, 0);

	/* the record of another step under this name */
	assert_int_equal(fd_read_file_at(home.fd, arena_printf(&a, "build/cache/%s", other.hex),
					 &text, 1 << 20),
			 0);
	damage(&key, str_cstr(&text));
	damage(&key, "");
	damage(&key, "{\"version\":1,\"inp");
	damage(&key, "{\"version\":2,\"inputs\":{\"instruction\":\"RUN x\"}}");
	damage(&key, "{\"version\":1,\"layer\":\"../../../etc\",\"inputs\":{\"instruction\":\"RUN "
		     "x\"}}");
	damage(&key, "{\"version\":1,\"tarSize\":-1,\"inputs\":{\"instruction\":\"RUN x\"}}");
	damage(&key, "{\"version\":1,\"inputs\":[[[[[[[[]]]]]]]]}");
	damage(&other, "null");
	scoped(store_used) used = {0};
	assert_int_equal(store_used_find(&home, &used, NULL, NULL, NULL), 0);
	assert_false(store_used_has(&used.layers, one + 7));
	/* a link or a FIFO in its place is not read */
	const char *path = arena_printf(&a, "build/cache/%s", key.hex);
	assert_int_equal(unlinkat(home.fd, path, 0), 0);
	assert_int_equal(mkfifoat(home.fd, path, 0600), 0);
	assert_false(hit(&key));
	assert_int_equal(unlinkat(home.fd, path, 0), 0);
}

static void count_row(void *arg, const struct build_cache_item *i)
{
	++*(int *)arg;
}

/* The collector keeps what records name; pruning goes from the least recently used one, and one layer of two records goes with the second. */
static void test_prune(void **state)
{
	scoped(arena) a = {0};
	const char *one = layer(&a, "p1", 1000), *two = layer(&a, "p2", 2000),
		   *three = layer(&a, "p3", 4000);
	int64_t bytes = 0;
	int rows = 0;
	struct build_cache_prune all = {.all = true};
	assert_int_equal(build_cache_prune(&home, &all, &bytes, NULL), 0);
	assert_false(there(one)); /* nothing named it */
	one = layer(&a, "p1", 1000), two = layer(&a, "p2", 2000), three = layer(&a, "p3", 4000);
	struct digest k1 = put(&a, "RUN 1", one, 500), k2 = put(&a, "RUN 2", two, 400),
		      k2b = put(&a, "RUN 2b", two, 100), k3 = put(&a, "RUN 3", three, 50);

	struct store_trash trash = STORE_TRASH_NONE;
	autoclose int lock = store_lock(&home, NULL);
	assert_int_equal(store_collect_locked(&home, &trash, NULL), 0);
	fd_close(&lock);
	assert_true(there(one) && there(two) && there(three));

	struct build_cache_list l;
	assert_int_equal(build_cache_list(&home, &l, NULL), 0);
	assert_int_equal(l.items.n, 4);
	struct build_cache_item *v = l.items.v;
	assert_string_equal(v[0].key, k1.hex);
	assert_true(v[0].bytes >= 1000 && v[0].bytes < 1900);
	assert_int_equal(v[2].bytes, 0); /* told at the first record of the layer */
	assert_true(l.bytes >= 7000 && l.bytes == l.reclaimable);
	build_cache_list_free(&l);

	struct build_cache_prune p = {.keep = 6500, .dry = true, .row = count_row, .arg = &rows};
	assert_int_equal(build_cache_prune(&home, &p, &bytes, NULL), 0);
	assert_true(rows == 1 && hit(&k1));
	put(&a, "RUN 1", one, 500); /* hit() has marked it */
	p.dry = false;
	assert_int_equal(build_cache_prune(&home, &p, &bytes, NULL), 0);
	assert_true(bytes >= 1000 && bytes < 1900);
	assert_false(there(one) || hit(&k1));
	assert_true(there(two) && there(three));

	struct build_cache_prune old = {.older = 200};
	assert_int_equal(build_cache_prune(&home, &old, &bytes, NULL), 0);
	assert_int_equal(bytes, 0); /* another record has the layer */
	assert_true(!hit(&k2) && hit(&k2b) && there(two) && hit(&k3));
	struct build_cache_limits limits = {.size = 5000, .age = -1};
	put(&a, "RUN 2b", two, 100);
	build_cache_trim(&home, &limits);
	assert_false(there(two) || hit(&k2b));
	assert_true(hit(&k3));
}

/* A build that goes on keeps what it has found; what it was goes when it has ended. */
static void test_beside_builds(void **state)
{
	scoped(arena) a = {0};
	const char *one = layer(&a, "b1", 10);
	struct digest k = put(&a, "RUN b1", one, 5);
	struct store_adding mark;
	struct build_cache_prune all = {.all = true};
	int64_t bytes;

	assert_int_equal(store_adding_begin(&home, &mark, NULL), 0);
	assert_int_equal(build_cache_prune(&home, &all, &bytes, NULL), 0);
	assert_false(hit(&k));
	assert_true(there(one));
	store_adding_end(&home, &mark);
	store_sweep(&home);
	assert_false(there(one));
}

/* Cache mounts: one that somebody holds stays. */
static void test_mounts(void **state)
{
	scoped(arena) a = {0};
	struct build_cache_prune all = {0};
	int64_t bytes;

	assert_int_equal(path_mkdir_p_at(home.fd, "build/mounts/aa/data", 0700), 0);
	assert_int_equal(path_mkdir_p_at(home.fd, "build/mounts/bb/data", 0700), 0);
	assert_int_equal(fd_write_file_at(home.fd, "build/mounts/aa/id", "go", 2, 0600), 0);
	assert_int_equal(fd_write_file_at(home.fd, "build/mounts/aa/data/x", "12345", 5, 0600), 0);
	autoclose int held = openat(home.fd, "build/mounts/bb", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(held, LOCK_SH), 0);
	struct build_cache_list l;
	assert_int_equal(build_cache_list(&home, &l, NULL), 0);
	struct build_cache_item *v = l.items.v;
	size_t mounts = 0;
	for (size_t i = 0; i < l.items.n; i++)
		if (v[i].mount && !strcmp(v[i].key, "aa")) {
			assert_string_equal(v[i].record.step, "go");
			assert_int_equal(v[i].bytes, 7);
			mounts++;
		}
	assert_int_equal(mounts, 1);
	build_cache_list_free(&l);
	assert_int_equal(build_cache_prune(&home, &all, &bytes, NULL), 0);
	assert_true(faccessat(home.fd, "build/mounts/aa", F_OK, 0) < 0);
	assert_int_equal(faccessat(home.fd, "build/mounts/bb", F_OK, 0), 0);
}

static void note(void *arg)
{
	*(volatile bool *)arg = true;
}

static void test_lock(void **state)
{
	struct digest k = {"abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"};
	struct digest other = {"bbcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"};
	int go[2];

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	int held = build_cache_lock(&home, &k, NULL, NULL, NULL);
	assert_true(held >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(held);
		bool waits = false;
		int one = build_cache_lock(&home, &other, note, &waits, NULL);
		if (one < 0 || waits || write(go[1], "x", 1) != 1)
			_exit(1);
		int two = build_cache_lock(&home, &k, note, &waits, NULL);
		_exit(two >= 0 ? 0 : 2);
	}
	char c;
	assert_int_equal(read(go[0], &c, 1), 1);
	int status;
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0); /* it waits */
	close(held);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(go[0]);
	close(go[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),	      cmocka_unit_test(test_keys),
		cmocka_unit_test(test_damaged),	      cmocka_unit_test(test_prune),
		cmocka_unit_test(test_beside_builds), cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_lock),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
