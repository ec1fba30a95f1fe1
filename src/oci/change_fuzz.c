/* Fuzz target: an instruction of --change either gives a config that reads back, or a refusal with a reason. */
#include "base/base.h"
#include "base/fuzz.h"
#include "oci/change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	scoped(str) again = {0};
	struct image_config c = {0}, d = {0};
	struct err e = {0};
	autofree char *line = xstrndup((const char *)data, size);

	if (image_change(&c, line, &a, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_USAGE && e.msg[0]);
		return 0;
	}
	json_write(&text, bind_write(image_config_fields, &c, &a), 0);
	struct json *j = json_parse(&a, text.s, text.len, "config", NULL, &e);
	FUZZ_CHECK(j && bind_read(image_config_fields, &d, j, "config", &a, &e) == 0);
	json_write(&again, bind_write(image_config_fields, &d, &a), 0);
	FUZZ_CHECK(!strcmp(text.s, again.s));
	return 0;
}
