/* Unit tests of --change: what each instruction makes of a config, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "oci/change.h"

/* The config after these changes (NULL at the end), as JSON. */
static void changes(const char *want, const char *const *texts)
{
	scoped(arena) a = {0};
	scoped(str) got = {0};
	struct image_config c = {0};
	struct err e = {0};

	for (; *texts; texts++)
		if (image_change(&c, *texts, &a, &e) < 0)
			fail_msg("%s", e.msg);
	json_write(&got, bind_write(image_config_fields, &c, &a), 0);
	assert_string_equal(got.s, want);
}
#define CHANGES(want, ...) changes(want, (const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *text, const char *why)
{
	scoped(arena) a = {0};
	struct image_config c = {0};
	struct err e = {0};

	assert_int_equal(image_change(&c, text, &a, &e), -EINVAL);
	assert_int_equal(e.id, ERR_USAGE);
	if (!strstr(e.msg, why) && !strstr(e.hint, why))
		fail_msg("%s (%s) lacks \"%s\"", e.msg, e.hint, why);
}

static void commands(void **state)
{
	CHANGES("{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo \\\"a  b\\\"\"]}", "CMD echo \"a  b\"");
	CHANGES("{\"Cmd\":[\"a\",\"b c\"]}", "cmd [\"a\", \"b c\"]");
	CHANGES("{\"Cmd\":[\"/bin/sh\",\"-c\",\"/bin/x\"]}", "CMD=/bin/x");
	CHANGES("{\"Entrypoint\":[\"a\"]}", " ENTRYPOINT\t[\"a\"]  ");
	CHANGES("{\"Cmd\":[\"sh\",\"-ec\",\"x=1\"],\"Shell\":[\"sh\",\"-ec\"]}",
		"SHELL [\"sh\",\"-ec\"]", "CMD x=1");
	refused("CMD [\"a\"", "no JSON list");
	refused("CMD [\"a\",1]", "no JSON list");
	refused("SHELL sh", "JSON list only");
	refused("CMD", "no value");
	refused("CMD ", "no value");
}

static void pairs(void **state)
{
	CHANGES("{\"Env\":[\"A=b\",\"C=d e\",\"F=it's\"]}", "ENV A=x C='d e' F=\"it's\"",
		"ENV A=b");
	CHANGES("{\"Env\":[\"A=b  c=d\"]}", "ENV A b  c=d");
	CHANGES("{\"Env\":[\"A=b c\"]}", "ENV A=b\\ c");
	CHANGES("{\"Env\":[\"A=\"]}", "ENV=A=");
	CHANGES("{\"Labels\":{\"a.b\":\"c d\",\"e\":\"\"}}", "LABEL \"a.b\"=\"c d\" e=");
	refused("ENV A", "no value");
	refused("ENV =x", "NAME=VALUE");
	refused("ENV A=b c", "NAME=VALUE");
	refused("LABEL a=\"b", "no end");
}

static void others(void **state)
{
	CHANGES("{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{},\"7/tcp\":{},\"8/tcp\":{}}}",
		"EXPOSE 80 53/udp 80/tcp", "EXPOSE 7-8");
	CHANGES("{\"Volumes\":{\"/a\":{},\"/b\":{}}}", "VOLUME [\"/a\"]", "VOLUME /b//  /a");
	CHANGES("{\"WorkingDir\":\"/a/c\"}", "WORKDIR a/b", "WORKDIR ../c");
	CHANGES("{\"WorkingDir\":\"/\"}", "WORKDIR ../../..");
	CHANGES("{\"User\":\"1000:g\"}", "USER 1000:g");
	CHANGES("{\"StopSignal\":\"SIGINT\"}", "STOPSIGNAL SIGINT");
	CHANGES("{\"OnBuild\":[\"RUN x  y\"]}", "ONBUILD RUN x  y");
	refused("EXPOSE 0", "no port");
	refused("EXPOSE 65536", "no port");
	refused("EXPOSE 80/icmp", "no port");
	refused("EXPOSE 9-8", "ends before");
	refused("VOLUME a", "absolute");
	refused("USER a b", "one USER");
	refused("STOPSIGNAL SIGNOT", "no signal");
	refused("ONBUILD ONBUILD RUN x", "cannot follow");
}

static void health(void **state)
{
	CHANGES("{\"Healthcheck\":{\"Test\":[\"NONE\"]}}", "HEALTHCHECK none");
	CHANGES("{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"a | b\"],\"Interval\":30000000000,"
		"\"Retries\":3}}",
		"HEALTHCHECK --interval=30s --retries=3 CMD a | b");
	CHANGES("{\"Healthcheck\":{\"Test\":[\"CMD\",\"a\"]}}", "HEALTHCHECK CMD [\"a\"]");
	refused("HEALTHCHECK a", "neither NONE nor CMD");
	refused("HEALTHCHECK --interval=x CMD a", "duration");
	refused("HEALTHCHECK --what=x CMD a", "unknown");
	refused("HEALTHCHECK CMD ", "neither NONE nor CMD");
}

static void nonsense(void **state)
{
	autofree char *large = xmalloc(70001);

	memset(large, 'x', 70000);
	large[70000] = 0;
	memcpy(large, "CMD ", 4);
	refused(large, "64 KiB");
	refused("", "no such instruction");
	refused("ENTRYPOIN x", "did you mean ENTRYPOINT");
	refused("RUN x", "no such instruction");
	refused("CMD a\nUSER b", "control character");
	refused("CMD \033[2J", "control character");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands), cmocka_unit_test(pairs),	cmocka_unit_test(others),
		cmocka_unit_test(health),   cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
