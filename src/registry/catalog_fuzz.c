/* Fuzz target: lists of registries. The first byte chooses the kind; names that come out are names. */
#include "base/base.h"
#include "base/fuzz.h"
#include "registry/catalog.h"

static void check_hits(const char *s, size_t n)
{
	scoped(arena) a = {0};
	struct bind_list l = {0};
	struct reference r;

	if (catalog_hits(s, n, "docker.io", &a, &l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++)
		FUZZ_CHECK(ref_parse(&a, ((struct registry_hit *)l.v)[i].name, &r, NULL) == 0 &&
			   !strcmp(r.registry, "docker.io"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	struct strs l = {0};

	if (!size)
		return 0;
	const char *s = (const char *)data + 1;
	switch (data[0] % 4) {
	case 0:
		catalog_page(s, size - 1, "tags", &a, &l);
		break;
	case 1:
		catalog_page(s, size - 1, "repositories", &a, &l);
		break;
	case 2:
		check_hits(s, size - 1);
		return 0;
	default: {
		autofree char *link = xstrndup(s, size - 1);
		const char *next = catalog_next(link, &a);
		FUZZ_CHECK(!next || !strchr(next, '>'));
		return 0;
	}
	}
	for (size_t i = 0; i < l.n; i++)
		FUZZ_CHECK(l.v[i][0] && l.v[i][0] != '.');
	return 0;
}
