/* Fuzz target: an ignore file and paths. The first line is a path, the rest the file. What is said of a directory must hold for what lies in it. */
#include "base/base.h"
#include "base/fuzz.h"
#include "build/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);
	char *rest = strchr(text, '\n');
	struct ignore *g;
	struct err e = {0};

	if (!rest)
		return 0;
	*rest++ = 0;
	autofree char *path = path_clean(text);
	if (ignore_parse(rest, strlen(rest), "I", &g, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_IGNORE_FILE && e.msg[0]);
		return 0;
	}
	char *slash = strrchr(path, '/');
	bool out = ignore_matches(g, path);
	if (slash && slash > path) {
		*slash = 0;
		/* who does not look into a directory misses nothing */
		if (ignore_matches(g, path) && !ignore_may_hold(g, path))
			FUZZ_CHECK(out);
	}
	ignore_free(g);
	wildcard_match(rest, path);
	return 0;
}
