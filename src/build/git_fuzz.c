/* Fuzz target: what a Dockerfile names as a source, and permissions. Nothing that git would take for an option or leave a directory by may come out. */
#include "base/base.h"
#include "base/fuzz.h"
#include "build/copy_mode.h"
#include "build/fetch.h"
#include "build/git.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	autofree char *text = xstrndup((const char *)data, size);
	struct err e = {0};
	struct git_ref g;
	uint32_t mode = 0644;

	int r = git_parse(text, size & 1, &a, &g, &e);
	if (r < 0)
		FUZZ_CHECK(e.id == ERR_CONTEXT && e.msg[0]);
	if (r > 0) {
		FUZZ_CHECK(g.url[0] != '-' && !strpbrk(g.url, " \n\t\r"));
		FUZZ_CHECK(!g.ref || (g.ref[0] && g.ref[0] != '-' && !strpbrk(g.ref, ":*\n")));
		FUZZ_CHECK(!g.commit || !g.commit[strspn(g.commit, "0123456789abcdef")]);
		FUZZ_CHECK(!g.subdir || !str_starts(g.subdir, "../"));
	}
	autofree char *name = fetch_name(text);
	FUZZ_CHECK(*name && !strchr(name, '/') && strcmp(name, "..") != 0);
	if (copy_mode_apply(text, size & 1, &mode) == 0)
		FUZZ_CHECK(mode <= 07777);
	return 0;
}
