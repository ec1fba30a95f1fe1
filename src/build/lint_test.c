/* Unit tests of the 21 rules: each seen to find, and to be silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "build/lint.h"

static void found(const char *text, struct str *out)
{
	scoped(arena) a = {0};
	struct dockerfile d;
	struct lint l = {.arena = &a};
	struct err e = {0};

	if (dockerfile_parse(text, strlen(text), "D", &a, &d, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	lint_dockerfile(&d, &l);
	const struct lint_finding *f = l.found.v;
	for (size_t i = 0; i < l.found.n; i++) {
		str_addf(out, "%s%s:%d", out->len ? " " : "", lint_name(f[i].rule), f[i].line);
		assert_true(*lint_advice(f[i].rule) && *f[i].text);
	}
}

static void finds(const char *text, const char *want)
{
	scoped(str) got = {0};

	found(text, &got);
	if (strcmp(str_cstr(&got), want) != 0)
		fail_msg("%s\ngives \"%s\", not \"%s\"", text, str_cstr(&got), want);
}

static void commands(void **state)
{
	finds("FROM a\nCMD x\nENTRYPOINT y", "JSONArgsRecommended:2 JSONArgsRecommended:3");
	finds("FROM a\nSHELL [\"x\"]\nCMD x\nENTRYPOINT [\"y\"]", "");
	finds("FROM a\nCMD []\nCMD []\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\nFROM b\nCMD []",
	      "MultipleInstructionsDisallowed:2 MultipleInstructionsDisallowed:4");
	finds("FROM a\nRUN a\\\n\n b\nRUN a\\\n#\nb", "NoEmptyContinuation:2");
	finds("FROM a\nMAINTAINER x", "MaintainerDeprecated:2");
	finds("FROM a\nWORKDIR x\nWORKDIR /y\nWORKDIR z", "WorkdirRelativePath:2");
	finds("FROM a AS b\nWORKDIR /y\nFROM b\nWORKDIR z\nFROM c\nWORKDIR z",
	      "WorkdirRelativePath:6");
	finds("FROM a\nWORKDIR $X\nWORKDIR z", "");
}

static void names(void **state)
{
	finds("FROM a AS B\nFROM a AS c", "StageNameCasing:1");
	finds("FROM a as b\nfrom a AS c\nFROM a AS d",
	      "FromAsCasing:1 ConsistentInstructionCasing:2 FromAsCasing:2");
	finds("FROM a AS b\nFROM a AS B", "StageNameCasing:2 DuplicateStageName:2");
	finds("FROM a AS scratch\nFROM b AS context", "ReservedStageName:1 ReservedStageName:2");
	finds("FROM a\nrun x\nRUN y\nRun z",
	      "ConsistentInstructionCasing:2 ConsistentInstructionCasing:4");
	finds("from a\nrun x\nRUN y", "ConsistentInstructionCasing:3");
	finds("FROM --platform=$TARGETPLATFORM a\nFROM --platform=${TARGETPLATFORM} b",
	      "RedundantTargetPlatform:1 RedundantTargetPlatform:2");
	finds("FROM --platform=linux/amd64 a AS b\nFROM --platform=linux/amd64 a AS b_amd64\nFROM "
	      "--platform=$X a\nFROM --platform=linux/arm64 a",
	      "FromPlatformFlagConstDisallowed:1 FromPlatformFlagConstDisallowed:4");
	finds("ARG V\nFROM a:$V\nFROM a:${V:-1}\nFROM a:$NO\nFROM a-$TARGETARCH",
	      "InvalidDefaultArgInFrom:2");
	finds("ARG V=1\nARG W=b$V\nFROM a:$V\nFROM $W", "");
}

static void values(void **state)
{
	finds("FROM a\nENV a b\nLABEL a b\nENV a=b",
	      "LegacyKeyValueFormat:2 LegacyKeyValueFormat:3");
	finds("FROM a\nEXPOSE 80/TCP 80/$P 80/udp", "ExposeProtoCasing:2");
	finds("FROM a\nEXPOSE 80:80\nEXPOSE 127.0.0.1:80:80\nEXPOSE ${V:-1} 80",
	      "ExposeInvalidFormat:2 ExposeInvalidFormat:3");
	finds("FROM a\nARG MY_TOKEN\nENV PASSWD=x KEYS=y PUBLIC_KEY=z auth=w",
	      "SecretsUsedInArgOrEnv:2 SecretsUsedInArgOrEnv:3 SecretsUsedInArgOrEnv:3");
	finds("# check=experimental=InvalidDefinitionDescription\n# v is\nARG v\n# other\nFROM a "
	      "AS "
	      "b\n# other\n\nARG w\n# so\nARG x",
	      "InvalidDefinitionDescription:5 InvalidDefinitionDescription:10");
}

static void directives(void **state)
{
	finds("# check=skip=JSONArgsRecommended,MaintainerDeprecated\nFROM a\nCMD x\nMAINTAINER "
	      "y\nEXPOSE 1/UDP",
	      "ExposeProtoCasing:5");
	finds("# check=skip=all;error=true\nFROM a\nCMD x\nMAINTAINER y", "");
}

static void hostile(void **state)
{
	scoped(str) text = {0};
	scoped(str) got = {0};
	int n = 1;

	str_add(&text, "FROM a\n");
	for (int i = 0; i < 20000; i++)
		str_add(&text, "FROM a AS B\nCMD x\n");
	found(text.s, &got);
	for (const char *p = got.s; (p = strchr(p, ' ')); p++)
		n++;
	assert_int_equal(n, LINT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),   cmocka_unit_test(names),	 cmocka_unit_test(values),
		cmocka_unit_test(directives), cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
