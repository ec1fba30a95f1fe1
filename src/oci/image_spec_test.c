#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

#include "oci/image_spec.h"
#include "oci/reference.h"

#define D(c) "\"sha256:" c "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define CONFIG                                                                                     \
	"\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":" D("0") ",\"size\":10}"
#define LAYER "{\"mediaType\":\"" MEDIA_OCI_LAYER_GZIP "\",\"digest\":" D("1") ",\"size\":20}"

static void test_manifest(void **state)
{
	scoped(arena) a = {0};
	struct oci_manifest m;
	struct err e = {0};
	const char *t = "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "," LAYER "],"
			"\"annotations\":{\"k\":\"v\"},\"unknown\":[1]}";

	assert_int_equal(oci_manifest_parse(&a, t, strlen(t), NULL, "m", &m, &e), 0);
	assert_int_equal(m.layers.n, 2);
	assert_int_equal(((struct oci_descriptor *)m.layers.v)[1].size, 20);
	assert_string_equal(pairs_get(&m.annotations, "k"), "v");
	assert_int_equal(m.config.size, 10);

	/* what is written is read again as the same */
	autofree char *again = oci_manifest_write(&m);
	struct oci_manifest m2;
	assert_int_equal(oci_manifest_parse(&a, again, strlen(again), NULL, "m", &m2, &e), 0);
	assert_int_equal(m2.layers.n, 2);
	assert_string_equal(m2.config.digest, m.config.digest);
}

static void refuses(const char *t, const char *type, const char *why)
{
	scoped(arena) a = {0};
	struct oci_manifest m;
	struct err e = {0};

	if (oci_manifest_parse(&a, t, strlen(t), type, "m", &m, &e) >= 0)
		fail_msg("accepted %s", t);
	assert_int_equal(e.id, ERR_IMAGE_BAD);
	if (!strstr(e.msg, why))
		fail_msg("%s\n%s", t, e.msg);
	assert_true(e.hint[0]);
}

static void test_manifest_refused(void **state)
{
	const char *both = "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}";
	const char *good = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG
			   ",\"layers\":[]}";

	refuses(both, NULL, "at once");
	refuses(good, MEDIA_DOCKER_MANIFEST, "announced as");
	refuses(good, MEDIA_OCI_INDEX, "announced as");
	refuses("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\"," CONFIG
		",\"layers\":[]}",
		NULL, "media type");
	refuses("{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "schema 1");
	refuses("{" CONFIG ",\"layers\":[]}", NULL, "schemaVersion");
	refuses("{\"schemaVersion\":\"2\"," CONFIG ",\"layers\":[]}", NULL, "schemaVersion");
	refuses("{\"schemaVersion\":2,\"manifests\":[]}", NULL, "index where");
	refuses("{\"schemaVersion\":2}", NULL, "neither");
	refuses("[]", NULL, "array");
	refuses("", NULL, "m");
	refuses("{\"schemaVersion\":2," CONFIG ",\"config\":{}}", NULL, "config");
	refuses("{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", NULL, "layers");
	refuses("{\"schemaVersion\":2," CONFIG
		",\"layers\":[{\"digest\":\"sha256:../x\",\"size\":1}]}",
		NULL, "layer 1 has a digest");
	refuses("{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":" D("A") ",\"size\":1}]}",
		NULL, "layer 1 has a digest");
	refuses("{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":" D("1") ",\"size\":-1}]}",
		NULL, "size -1");
	refuses("{\"schemaVersion\":2," CONFIG
		",\"layers\":[{\"digest\":\"sha512:00\",\"size\":1}]}",
		NULL, "sha512");
	refuses("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		"vnd.oci.empty.v1+json\","
		"\"digest\":" D("0") ",\"size\":2},\"layers\":[]}",
		NULL, "artifact");
	refuses("{\"schemaVersion\":2,\"config\":{\"digest\":" D("0") ",\"size\":99999999},"
								      "\"layers\":[]}",
		NULL, "config has 99999999");
}

static void test_limits(void **state)
{
	scoped(arena) a = {0};
	scoped(str) big = {0};
	struct oci_manifest m;
	struct err e = {0};

	str_add(&big, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"x\":\"");
	str_reserve(&big, IMAGE_MAX_MANIFEST);
	while (big.len < IMAGE_MAX_MANIFEST)
		str_add(&big, "0123456789abcdef");
	str_add(&big, "\"}");
	assert_true(oci_manifest_parse(&a, big.s, big.len, NULL, "m", &m, &e) < 0);
	assert_int_equal(e.id, ERR_IMAGE_BAD);

	str_reset(&big);
	for (int i = 0; i < 10000; i++)
		str_add(&big, "{\"a\":");
	assert_true(oci_manifest_parse(&a, big.s, big.len, NULL, "m", &m, &e) < 0);
	assert_int_equal(e.id, ERR_IMAGE_BAD);

	str_reset(&big);
	str_add(&big, "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER);
	for (int i = 0; i < IMAGE_MAX_LAYERS; i++)
		str_add(&big, "," LAYER);
	str_add(&big, "]}");
	assert_true(oci_manifest_parse(&a, big.s, big.len, NULL, "m", &m, &e) < 0);
	assert_non_null(strstr(e.msg, "501 layers"));
}

static void test_config(void **state)
{
	scoped(arena) a = {0};
	struct image_doc d;
	struct err e = {0};
	const char *t =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-01-02T03:04:05Z\","
		"\"config\":{\"Env\":[\"A=1\"],\"Cmd\":[\"sh\"],\"Entrypoint\":null,\"User\":\"\","
		"\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/d\":{}},\"Labels\":{\"l\":\"v\"},"
		"\"StopSignal\":\"SIGINT\",\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],"
		"\"Interval\":1000000000,\"Retries\":3}},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" D(
			"1") "]},"
			     "\"history\":[{\"created_by\":\"x\"},{\"empty_layer\":true}]}";

	if (image_doc_parse(&a, t, strlen(t), "config", &d, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(d.architecture, "amd64");
	assert_int_equal(d.config.env.n, 1);
	assert_int_equal(d.config.entrypoint.n, 0);
	assert_string_equal(d.config.exposed_ports.v[0], "80/tcp");
	assert_string_equal(d.config.volumes.v[0], "/d");
	assert_int_equal(d.config.health->interval, 1000000000);
	assert_int_equal(d.history.n, 2);
	assert_int_equal(d.rootfs.diff_ids.n, 1);

	struct oci_manifest m = {.layers.n = 2};
	assert_true(image_doc_fits(&d, &m, "config", &e) < 0);
	assert_non_null(strstr(e.msg, "2 layers but the config has 1"));
}

static void test_config_refused(void **state)
{
	static const char *const bad[] = {
		"{\"config\":{\"Cmd\":\"sh\"},\"rootfs\":{\"diff_ids\":[]}}",
		"{\"config\":{\"Env\":{\"A\":\"1\"}},\"rootfs\":{\"diff_ids\":[]}}",
		"{\"config\":{\"User\":0},\"rootfs\":{\"diff_ids\":[]}}",
		"{\"config\":[],\"rootfs\":{\"diff_ids\":[]}}",
		"{\"rootfs\":{\"diff_ids\":\"x\"}}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:../../x\"]}}",
		"{\"rootfs\":[]}",
		"{\"config\":{\"Env\":[\"A=\\u0000\"]},\"rootfs\":{\"diff_ids\":[]}}",
		"{\"config\":{},\"config\":{},\"rootfs\":{\"diff_ids\":[]}}",
		"{}",
		"null",
		"{\"rootfs\":{\"diff_ids\":[]}} x",
	};

	for (size_t i = 0; i < countof(bad); i++) {
		scoped(arena) a = {0};
		struct image_doc d;
		struct err e = {0};
		if (image_doc_parse(&a, bad[i], strlen(bad[i]), "config", &d, &e) >= 0)
			fail_msg("accepted %s", bad[i]);
		assert_int_equal(e.id, ERR_IMAGE_BAD);
		assert_true(e.hint[0]);
	}
}

static void test_index(void **state)
{
	scoped(arena) a = {0};
	struct oci_document doc;
	struct err e = {0};
	const char *t =
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":["
		"{\"digest\":" D(
			"1") ",\"size\":1,\"platform\":{\"os\":\"linux\","
			     "\"architecture\":\"amd64\",\"variant\":\"v3\"}},"
			     "{\"digest\":" D(
				     "2") ",\"size\":1,\"platform\":{\"os\":\"linux\","
					  "\"architecture\":\"amd64\"}},"
					  "{\"digest\":" D(
						  "3") ",\"size\":1,\"platform\":{\"os\":\"linux\","
						       "\"architecture\":\"arm\",\"variant\":"
						       "\"v7\"}}]}";

	assert_int_equal(oci_document_parse(&a, t, strlen(t), MEDIA_OCI_INDEX, "i", &doc, &e), 0);
	assert_int_equal(doc.kind, OCI_INDEX);
	assert_int_equal(doc.index.manifests.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest),       cmocka_unit_test(test_manifest_refused),
		cmocka_unit_test(test_limits),	       cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_refused), cmocka_unit_test(test_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
