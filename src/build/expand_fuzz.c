/* Fuzz target: a word is expanded within its limits, or refused with a reason. The first line is the value of V, the rest the word. */
#include "base/base.h"
#include "base/fuzz.h"
#include "build/expand.h"

static const char *get(void *arg, const char *name)
{
	return strcmp(name, "V") == 0 ? arg : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	autofree char *value = xstrndup((const char *)data, size);
	char *word = strchr(value, '\n');
	struct strs words = {0}, names = {0};
	struct err e = {0};
	const char *out;

	if (!word)
		return 0;
	*word++ = 0;
	const struct df_vars v = {.get = get, .arg = value, .escape = *word == '`' ? '`' : '\\'};
	int r = df_expand(&v, word, &a, &out, &e);
	FUZZ_CHECK(r == 0 ? strlen(out) <= EXPAND_MAX : e.id == ERR_DOCKERFILE && e.msg[0]);
	FUZZ_CHECK(df_expand_words(&v, word, &a, &words, &e) == r || r < 0);
	for (size_t i = 0; i < words.n; i++)
		FUZZ_CHECK(*words.v[i]);
	df_expand_raw(&v, word, &a, &out, &e);
	df_variables(word, v.escape, &a, &names);
	if (r == 0 && !strchr(word, '$')) /* what names nothing depends on nothing */
		FUZZ_CHECK(names.n == 0);
	return 0;
}
