#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

#include "data/hash.h"
#include "store/gc.h"
#include "store/images.h"
#include "store/names.h"

static char root[] = "/tmp/hoy-images-test.XXXXXX";
static struct home home;

static int setup(void **state)
{
	struct err e = {0};

	if (!mkdtemp(root) || home_open(&home, root, &e) < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	home_free(&home);
	return path_rm_tree_at(AT_FDCWD, root);
}

/* An image without layers; its id. */
static const char *add(struct arena *a, const char *cmd, const char *name)
{
	struct digest d;
	char id[DIGEST_STR], manifest[DIGEST_STR];
	struct err e = {0};
	struct image_new n = {0};

	n.config = arena_printf(a, "{\"config\":{\"Cmd\":[\"%s\"]},\"rootfs\":{\"diff_ids\":[]}}",
				cmd);
	n.config_len = strlen(n.config);
	assert_int_equal(hash_bytes(n.config, n.config_len, &d, &e), 0);
	n.config_digest = digest_str(&d, id);
	n.manifest =
		arena_printf(a,
			     "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":%zu},"
			     "\"layers\":[]}",
			     id, n.config_len);
	n.manifest_len = strlen(n.manifest);
	assert_int_equal(hash_bytes(n.manifest, n.manifest_len, &d, &e), 0);
	n.manifest_digest = digest_str(&d, manifest);
	if (name)
		strs_add(a, &n.names, name);
	if (image_add(&home, &n, &e) < 0)
		fail_msg("%s", e.msg);
	return arena_strdup(a, id);
}

static const char *found(struct arena *a, const char *text)
{
	scoped(image) im = {0};
	struct err e = {0};

	return image_lookup(&home, text, &im, &e) < 0 ? err_id_name(e.id) : arena_strdup(a, im.id);
}

static void test_find(void **state)
{
	scoped(arena) a = {0};
	const char *one = add(&a, "one", "localhost/one:latest");
	const char *two = add(&a, "two", "docker.io/library/two:1");
	const char *three = add(&a, "three", "a.io/deep/er/three:x");

	assert_string_equal(found(&a, "one"), one);
	assert_string_equal(found(&a, "localhost/one"), one);
	assert_string_equal(found(&a, "one:1"), "E-IMAGE-UNKNOWN");
	assert_string_equal(found(&a, "two:1"), two);
	assert_string_equal(found(&a, "docker.io/two:1"), two);
	assert_string_equal(found(&a, "deep/er/three:x"), three);
	assert_string_equal(found(&a, "er/three:x"), "E-IMAGE-UNKNOWN");
	assert_string_equal(found(&a, one), one);
	assert_string_equal(found(&a, arena_strndup(&a, two, 30)), two);
	assert_string_equal(found(&a, arena_strndup(&a, two + 7, 20)), two);
	assert_string_equal(found(&a, "../one"), "E-REF");
	assert_string_equal(found(&a, ""), "E-REF");
}

static void test_names(void **state)
{
	scoped(arena) a = {0};
	scoped(image) im = {0};
	scoped(strv) all = {0};
	struct err e = {0};
	const char *id = add(&a, "names", "localhost/n:1");
	struct reference r;

	assert_int_equal(ref_parse(&a, "b.io/n/m:2", &r, &e), 0);
	assert_int_equal(image_tag(&home, id, NULL, &r, &e), 0);
	assert_int_equal(image_lookup(&home, "n:1", &im, &e), 0);
	assert_int_equal(image_more(&home, &im, &e), 0);
	assert_int_equal(im.names.n, 2);
	assert_string_equal(im.names.v[0], "b.io/n/m:2");
	assert_int_equal(im.repo_digests.n, 2);
	assert_int_equal(images_names(&home, &all, &e), 0);
	assert_true(strv_has(&all, "b.io/n/m:2"));
	assert_int_equal(image_untag(&home, &r, &e), 0);
	assert_int_equal(image_untag(&home, &r, &e), -ENOENT);
	/* the folders of the name went with it */
	assert_int_equal(faccessat(home.fd, "names/b.io", F_OK, 0), -1);
	assert_int_equal(
		image_tag(&home,
			  "sha256:0000000000000000000000000000000000000000000000000000000000000000",
			  NULL, &r, &e),
		-ENOENT);
}

static void test_remove_collects(void **state)
{
	scoped(arena) a = {0};
	struct err e = {0};
	struct store_adding adding;
	char blob[80];
	const char *id = add(&a, "gone", "localhost/gone:1");

	snprintf(blob, sizeof blob, "blobs/sha256/%s", digest_hex(id));
	assert_int_equal(faccessat(home.fd, blob, F_OK, 0), 0);
	/* while an addition goes on nothing is collected, and it is made up for later */
	assert_int_equal(store_adding_begin(&home, &adding, &e), 0);
	assert_int_equal(image_remove(&home, id, false, &e), 0);
	assert_int_equal(faccessat(home.fd, blob, F_OK, 0), 0);
	assert_string_equal(found(&a, "gone:1"), "E-IMAGE-UNKNOWN");
	store_adding_end(&home, &adding);
	store_sweep(&home);
	assert_int_equal(faccessat(home.fd, blob, F_OK, 0), -1);
	/* others are still there */
	assert_true(str_starts(found(&a, "one"), "sha256:"));
}

static void test_list(void **state)
{
	scoped(image_list) l = {0};
	struct err e = {0};

	assert_int_equal(images_list(&home, &l, &e), 0);
	assert_int_equal(l.n, 4);
	for (size_t i = 0; i < l.n; i++)
		assert_int_equal(l.v[i].names.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_remove_collects),
		cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
