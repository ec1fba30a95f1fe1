/* Fuzz target: manifests, indexes and configs. What is accepted has only sound digests and sizes, and is written and read again. */
#include "base/base.h"
#include "base/fuzz.h"
#include "oci/image_spec.h"
#include "oci/platform.h"
#include "oci/reference.h"

static void check_descriptors(const struct bind_list *l)
{
	const struct oci_descriptor *d = l->v;

	for (size_t i = 0; i < l->n; i++)
		FUZZ_CHECK(digest_valid(d[i].digest) && d[i].size >= 0);
}

static void check_manifest(struct arena *a, const struct oci_manifest *m)
{
	struct oci_manifest again;
	struct err e = {0};

	FUZZ_CHECK(digest_valid(m->config.digest));
	check_descriptors(&m->layers);
	autofree char *text = oci_manifest_write(m);
	FUZZ_CHECK(oci_manifest_parse(a, text, strlen(text), NULL, "again", &again, &e) == 0);
	FUZZ_CHECK(again.layers.n == m->layers.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	struct oci_document doc;
	struct image_doc config;
	struct err e = {0};
	const char *text = (const char *)data;

	if (oci_document_parse(&a, text, size, NULL, "fuzz", &doc, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_IMAGE_BAD && e.msg[0] && e.hint[0]);
	} else if (doc.kind == OCI_MANIFEST) {
		check_manifest(&a, &doc.manifest);
	} else {
		check_descriptors(&doc.index.manifests);
		struct platform_want want = {0};
		platform_choose(&doc.index, &want, "fuzz", &e);
	}
	if (image_doc_parse(&a, text, size, "fuzz", &config, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_IMAGE_BAD && e.msg[0] && e.hint[0]);
		return 0;
	}
	for (size_t i = 0; i < config.rootfs.diff_ids.n; i++)
		FUZZ_CHECK(digest_valid(config.rootfs.diff_ids.v[i]));
	return 0;
}
