/* Unit tests of the Dockerfile parser: what it makes of every form, and what it says of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "build/dockerfile.h"

static struct arena arena;

static int clean(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct dockerfile parsed(const char *text)
{
	struct dockerfile d;
	struct err e = {0};

	if (dockerfile_parse(text, strlen(text), "D", &arena, &d, &e) < 0)
		fail_msg("%s\n%s (%s)", text, e.msg, e.hint);
	return d;
}

static void show_strs(struct str *out, const struct strs *l)
{
	for (size_t i = 0; i < l->n; i++)
		str_addf(out, "[%s]", l->v[i]);
}

/* One instruction in short: "RUN --a=b 'rest' [words] NAME=value <<EOF(text)". */
static void show(struct str *out, const struct df_instr *i)
{
	const struct df_flag *f = i->flags.v;
	const struct df_pair *p = i->pairs.v;
	const struct df_heredoc *h = i->heredocs.v;

	str_addf(out, "%s", df_kind_name(i->kind));
	for (size_t k = 0; k < i->flags.n; k++)
		str_addf(out, " --%s%s%s", f[k].name, f[k].value ? "=" : "",
			 f[k].value ? f[k].value : "");
	str_addf(out, " '%s'%s", i->rest, i->json ? " json" : "");
	if (i->words.n)
		str_addc(out, ' ');
	show_strs(out, &i->words);
	for (size_t k = 0; k < i->pairs.n; k++)
		str_addf(out, " {%s%s%s}", p[k].name,
			 p[k].old     ? " "
			 : p[k].value ? "="
				      : "",
			 p[k].value ? p[k].value : "");
	for (size_t k = 0; k < i->heredocs.n; k++)
		str_addf(out, " <<%s%s(%.*s)", h[k].expand ? "" : "'", h[k].name, (int)h[k].len,
			 h[k].text);
	if (i->sub) {
		str_add(out, " -> ");
		show(out, i->sub);
	}
}

/* The last instruction of "FROM a" and this text. */
static struct df_instr last(const char *text)
{
	autofree char *all = xasprintf("FROM a\n%s", text);
	struct dockerfile d = parsed(all);

	return ((struct df_instr *)d.instrs.v)[d.instrs.n - 1];
}

static void is(const char *text, const char *want)
{
	scoped(str) got = {0};
	struct df_instr i = last(text);

	show(&got, &i);
	assert_string_equal(str_cstr(&got), want);
}

static void refused(const char *text, const char *want, const char *hint)
{
	struct dockerfile d;
	struct err e = {0};

	assert_int_equal(dockerfile_parse(text, strlen(text), "D", &arena, &d, &e), -EINVAL);
	assert_int_equal(e.id, ERR_DOCKERFILE);
	assert_string_equal(e.msg, want);
	if (!strstr(e.hint, hint))
		fail_msg("\"%s\" lacks \"%s\"", e.hint, hint);
}

static void stages(void **state)
{
	struct dockerfile d = parsed("ARG V=1\nARG W\nFROM --platform=$P a:$V AS Build\nRUN x\nRUN "
				     "y\nFROM build\n\nFROM scratch as last-1\nCOPY a b");
	const struct df_stage *s = d.stages.v;
	const struct df_instr *i = d.instrs.v;

	assert_int_equal(d.n_global, 2);
	assert_int_equal(d.stages.n, 3);
	assert_string_equal(s[0].name, "build");
	assert_string_equal(s[0].base, "a:$V");
	assert_string_equal(s[0].platform, "$P");
	assert_int_equal(s[0].from, 2);
	assert_int_equal(s[0].first, 3);
	assert_int_equal(s[0].n, 2);
	assert_null(s[1].name);
	assert_int_equal(s[1].n, 0);
	assert_string_equal(s[2].name, "last-1");
	assert_int_equal(s[2].n, 1);
	assert_int_equal(i[s[2].first].line, 9);
	refused("FROM a AS 1x", "D:1:6: \"1x\" is no name for a stage", "a letter");
	refused("FROM a AS b/c", "D:1:6: \"b/c\" is no name for a stage", "");
	refused("FROM a b", "D:1:6: FROM takes an image, or an image, AS and a name for the stage",
		"AS build");
	refused("FROM", "D:1:5: FROM needs an image", "");
	refused("RUN x\nFROM a", "D:1:1: RUN before the first FROM: only ARG can stand there", "");
	refused("ARG a", "D: there is no FROM", "");
	refused("# only this\n\n", "D: there are no instructions", "");
	refused("", "D: there are no instructions", "");
}

static void lines(void **state)
{
	is("RUN a \\\n  b \\  \n# no\n\n   # no\n c", "RUN 'a   b  c'");
	is("  run\ta  ", "RUN 'a'");
	is("RUN a\\\\\nRUN b", "RUN 'b'");
	is("RUN a \\", "RUN 'a'");
	is("\\\nRUN \\\na", "RUN 'a'");
	is("RUN a # b", "RUN 'a # b'");
	is("RUN a\r\n#c\r\nRUN b \\\r\n c\r\n", "RUN 'b  c'");
	is("RUN a\n\\\n\n", "RUN 'a'");
	assert_true(last("RUN a \\\n\n b").gap);
	assert_false(last("RUN a \\\n#\n b").gap);
	assert_string_equal(last("# x\n# about it \nRUN a").comment, "about it");
	assert_null(last("# x\n\nRUN a").comment);
	assert_null(last("# x\nRUN b\nRUN a").comment);

	struct df_instr i = last("\nRUN --network=none \\\n\t\xc3\xa4 \\\n b");
	assert_int_equal(i.line, 3);
	assert_int_equal(i.last_line, 5);
	assert_int_equal(i.column, 2);
	assert_string_equal(i.text, "RUN --network=none 	\xc3\xa4  b");
	assert_string_equal(i.word, "RUN");
	parsed("\xef\xbb\xbf"
	       "FROM a");
	parsed("# \xff latin\nFROM a");
}

static void directives(void **state)
{
	struct dockerfile d = parsed("# syntax = docker/dockerfile:1\n#ESCAPE=`\n# check=skip=A, "
				     "B;error=true;experimental=all\nFROM a\nRUN a `\n b\\");

	assert_string_equal(d.syntax, "docker/dockerfile:1");
	assert_int_equal(d.escape, '`');
	assert_int_equal(d.check_skip.n, 2);
	assert_string_equal(d.check_skip.v[1], "B");
	assert_true(strs_has(&d.check_more, "all"));
	assert_true(d.check_error);
	assert_string_equal(((struct df_instr *)d.instrs.v)[1].rest, "a  b\\");
	assert_null(((struct df_instr *)d.instrs.v)[0].comment);
	assert_int_equal(parsed("# hello\n# escape=`\nFROM a").escape, '\\');
	assert_int_equal(parsed("# what=is\n# escape=`\nFROM a").escape, '\\');
	assert_int_equal(parsed("\n# escape=`\nFROM a").escape, '\\');
	refused("# escape=x\nFROM a", "D:1:3: the directive escape takes \\ or `", "");
	refused("# escape=`\n# escape=`\nFROM a", "D:2:3: the directive escape stands here twice",
		"");
	refused("#syntax=a\n#syntax=b\nFROM a", "D:2:2: the directive syntax stands here twice",
		"");
	refused("# check=warn=1\nFROM a",
		"D:1:3: the directive check takes skip=NAME,... and error=true or error=false", "");
}

static void commands(void **state)
{
	is("CMD [\"a\", \"b c\"]", "CMD '[\"a\", \"b c\"]' json [a][b c]");
	is("CMD []", "CMD '[]' json");
	is("CMD [ a ]", "CMD '[ a ]'");
	is("RUN [ 'x' = 'y' ]", "RUN '[ 'x' = 'y' ]'");
	is("ENTRYPOINT exec \"a  b\"", "ENTRYPOINT 'exec \"a  b\"'");
	is("SHELL [\"bash\",\"-c\"]", "SHELL '[\"bash\",\"-c\"]' json [bash][-c]");
	is("RUN -- --x", "RUN '--x'");
	refused("FROM a\nCMD [1]", "D:2:5: CMD: a JSON list whose element 1 is no string",
		"quotes");
	refused("FROM a\nCMD", "D:2:4: CMD needs a command", "CMD []");
	refused("FROM a\nRUN ", "D:2:4: RUN needs a command", "");
	refused("FROM a\nRUN []", "D:2:7: RUN needs a command", "");
	refused("FROM a\nSHELL bash", "D:2:7: SHELL needs a JSON list of words", "SHELL [");
	is("HEALTHCHECK --interval=1s --retries=2 CMD a b",
	   "HEALTHCHECK --interval=1s --retries=2 'CMD a b'");
	is("HEALTHCHECK cmd [\"a\"]", "HEALTHCHECK 'cmd [\"a\"]' json [a]");
	is("HEALTHCHECK none", "HEALTHCHECK 'none'");
	refused("FROM a\nHEALTHCHECK NONE x", "D:2:18: nothing can stand behind NONE", "");
	refused("FROM a\nHEALTHCHECK CMD", "D:2:16: HEALTHCHECK needs a command behind CMD", "");
	refused("FROM a\nHEALTHCHECK x", "D:2:13: HEALTHCHECK takes NONE, or CMD and a command",
		"--interval");
}

static void lists(void **state)
{
	is("COPY a 'b c' d\\ e /f", "COPY 'a 'b c' d\\ e /f' [a]['b c'][d\\ e][/f]");
	is("COPY [\"a b\", \"/c\"]", "COPY '[\"a b\", \"/c\"]' json [a b][/c]");
	is("COPY --from=x --link --chmod=u+x a b", "COPY --from=x --link --chmod=u+x 'a b' [a][b]");
	is("ADD --checksum=sha256:1 --unpack=TRUE http://x/ /",
	   "ADD --checksum=sha256:1 --unpack=TRUE 'http://x/ /' [http://x/][/]");
	is("VOLUME /a /b", "VOLUME '/a /b' [/a][/b]");
	is("EXPOSE 80/tcp $P", "EXPOSE '80/tcp $P' [80/tcp][$P]");
	is("WORKDIR /a b", "WORKDIR '/a b'");
	is("USER a:b", "USER 'a:b'");
	is("STOPSIGNAL 9", "STOPSIGNAL '9'");
	is("MAINTAINER A B <c@d>", "MAINTAINER 'A B <c@d>'");
	refused("FROM a\nCOPY a", "D:2:7: COPY needs something to copy and a place", "");
	refused("FROM a\nCOPY [\"a\"]", "D:2:11: COPY needs something to copy and a place", "");
	refused("FROM a\nVOLUME []", "D:2:10: VOLUME needs a path", "");
	refused("FROM a\nEXPOSE", "D:2:7: EXPOSE needs a port", "");
	refused("FROM a\nUSER", "D:2:5: USER needs a value", "");
}

static void pairs(void **state)
{
	is("ENV A=b C='d e' F=\"$x y\" G=a\\ b H=",
	   "ENV 'A=b C='d e' F=\"$x y\" G=a\\ b H=' {A=b} {C='d e'} {F=\"$x y\"} {G=a\\ b} {H=}");
	is("ENV A b  c=d", "ENV 'A b  c=d' {A b  c=d}");
	is("LABEL \"a.b\"=c d.e=f", "LABEL '\"a.b\"=c d.e=f' {\"a.b\"=c} {d.e=f}");
	is("ARG A B=c D=", "ARG 'A B=c D=' {A} {B=c} {D=}");
	refused("FROM a\nENV A", "D:2:6: ENV needs a value: NAME=VALUE", "");
	refused("FROM a\nENV", "D:2:4: ENV needs NAME=VALUE", "");
	refused("FROM a\nENV A=b c d=e", "D:2:9: ENV: a word that is no NAME=VALUE: \"c\"",
		"quotes");
	refused("FROM a\nENV A=b =c", "D:2:9: ENV: \"=\" without a name before it", "");
	refused("FROM a\nARG", "D:2:4: ARG needs a name", "");
	refused("FROM a\nARG =x", "D:2:5: ARG: \"=\" without a name before it", "");
}

static void flags(void **state)
{
	is("RUN --mount=type=bind,target=\"/a b\" --mount=type=cache,id=x --network=none  y --z",
	   "RUN --mount=type=bind,target=/a b --mount=type=cache,id=x --network=none 'y --z'");
	struct df_instr i = last("COPY --from=a --from=b --link=false --parents a b");
	assert_string_equal(df_flag(&i, "from"), "b");
	assert_null(df_flag(&i, "chown"));
	assert_string_equal(df_flag(&i, "parents"), "");
	assert_int_equal(df_flag_bool(&i, "parents"), 1);
	assert_int_equal(df_flag_bool(&i, "link"), 0);
	assert_int_equal(df_flag_bool(&i, "unpack"), -1);
	refused("FROM a\nCOPY --frm=b c d", "D:2:6: COPY has no flag --frm",
		"did you mean --from?");
	refused("FROM a\nCOPY --zzzzzzzz=b c d", "D:2:6: COPY has no flag --zzzzzzzz", "--parents");
	refused("FROM a\nCMD --x", "D:2:5: CMD has no flag --x", "JSON list");
	refused("FROM a\nRUN \\\n  --mount x", "D:3:3: --mount needs a value: --mount=...", "");
	refused("FROM a\nCOPY --link=maybe a b", "D:2:6: --link is true or false", "");
	refused("FROM a\nCOPY --from=\"a b c", "D:2:6: a quote without an end", "");
	refused("FROM a\nONBUILD --x RUN a", "D:2:9: ONBUILD has no flag --x", "");
}

static void unknown(void **state)
{
	refused("FROM a\n  RUNN x", "D:2:3: unknown instruction \"RUNN\"", "did you mean RUN?");
	refused("FRM a", "D:1:1: unknown instruction \"FRM\"", "did you mean FROM?");
	refused("FROM a\nentrypiont x", "D:2:1: unknown instruction \"entrypiont\"",
		"did you mean ENTRYPOINT?");
	refused("FROM a\n&& x", "D:2:1: unknown instruction \"&&\"", "does not end in \\");
	refused("FROM a\nxyzzyxyzzy x", "D:2:1: unknown instruction \"xyzzyxyzzy\"", "WORKDIR");
}

static void heredocs(void **state)
{
	is("RUN <<EOF\na\n b\nEOF\n", "RUN '<<EOF' <<EOF(a\n b\n)");
	is("RUN <<-'E F' cat\n\ta\n\tE F", "RUN '<<-'E F' cat' <<'E F(a\n)");
	is("RUN 3<<A cat <<\"B\"\nx\nA\ny\nB\n", "RUN '3<<A cat <<\"B\"' <<A(x\n) <<'B(y\n)");
	is("COPY <<a.txt <<b /d/\n1\na.txt\nb\n",
	   "COPY '<<a.txt <<b /d/' [/d/] <<a.txt(1\n) <<b()");
	is("COPY x <<y --z /d/\ny", "COPY 'x <<y --z /d/' [x][--z][/d/] <<y()");
	is("RUN cat <<<word", "RUN 'cat <<<word'");
	is("RUN echo it's <<EOF", "RUN 'echo it's <<EOF'");
	is("RUN echo \"<<EOF\" \\<<EOF", "RUN 'echo \"<<EOF\" \\<<EOF'");
	is("RUN [\"cat\", \"<<EOF\"]", "RUN '[\"cat\", \"<<EOF\"]' json [cat][<<EOF]");
	is("CMD cat <<EOF", "CMD 'cat <<EOF'");
	is("ONBUILD RUN <<EOF\n# x\nEOF", "ONBUILD 'RUN <<EOF' -> RUN '<<EOF' <<EOF(# x\n)");
	assert_true(last("RUN --network=none <<EOF\nEOF").only_heredoc);
	assert_false(last("RUN <<EOF cat\nEOF").only_heredoc);
	struct df_instr i = last("RUN --network=none cat <<-X > y\n\ta\n\tX");
	assert_string_equal(df_command(&i), "cat <<-X > y\na\nX");
	i = last("ONBUILD RUN <<A\nb\nA");
	assert_string_equal(i.whole, "ONBUILD RUN <<A\nb\nA");
	assert_string_equal(i.sub->whole, "RUN <<A\nb\nA");
	assert_int_equal(i.last_line, 4);
	refused("FROM a\nRUN cat <<EOF\nx\n", "D:2:9: a here-document without its end", "\"EOF\"");
	refused("FROM a\nCOPY /a <<EOF\nEOF", "D:2:14: COPY needs a place behind the here-document",
		"");
}

static void onbuild(void **state)
{
	is("ONBUILD  copy --from=a b c",
	   "ONBUILD 'copy --from=a b c' -> COPY --from=a 'b c' [b][c]");
	assert_string_equal(last("ONBUILD  RUN x").sub->text, "RUN x");
	refused("FROM a\nONBUILD ONBUILD RUN x", "D:2:9: ONBUILD cannot follow ONBUILD", "");
	refused("FROM a\nONBUILD from x", "D:2:9: FROM cannot follow ONBUILD", "");
	refused("FROM a\nONBUILD", "D:2:8: ONBUILD needs an instruction", "");
	refused("FROM a\nONBUILD RU x", "D:2:9: unknown instruction \"RU\"", "RUN?");

	struct df_instr i;
	struct err e = {0};
	assert_int_equal(dockerfile_parse_one("RUN <<A\nb\nA", "ONBUILD", &arena, &i, &e), 0);
	assert_int_equal(i.heredocs.n, 1);
	assert_int_equal(dockerfile_parse_one("# escape=`", "ONBUILD", &arena, &i, &e), -EINVAL);
	assert_string_equal(e.msg, "ONBUILD: there is no instruction");
	assert_int_equal(dockerfile_parse_one("RUN a\nRUN b", "ONBUILD", &arena, &i, &e), -EINVAL);
	assert_string_equal(e.msg, "ONBUILD:2:1: more than one instruction");
}

static void excerpts(void **state)
{
	struct dockerfile d = parsed("FROM a\n\nRUN x \\\n\ty\033[2J\nRUN z\n\nRUN 7\n");
	scoped(str) out = {0};

	dockerfile_excerpt(&d, 3, 4, &out);
	assert_string_equal(out.s, "      1 | FROM a\n      2 |\n >    3 | RUN x \\\n"
				   " >    4 |     y\\x1b[2J\n      5 | RUN z\n      6 |\n");
	str_reset(&out);
	scoped(str) text = {0};
	str_add(&text, "FROM a\nRUN \\\n");
	for (int i = 0; i < 100; i++)
		str_addf(&text, "%0200d \\\n", i);
	d = parsed(text.s);
	dockerfile_excerpt(&d, 2, 102, &out);
	int lines = 0;
	for (const char *p = out.s; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 13);
	assert_non_null(strstr(out.s, "        ...\n >  102 | 000"));
}

static void hostile(void **state)
{
	struct dockerfile d;
	struct err e = {0};
	scoped(str) text = {0};

	assert_int_equal(dockerfile_parse("FROM a\n#\0", 9, "D", &arena, &d, &e), -EINVAL);
	assert_string_equal(e.msg, "D:2:2: a NUL byte");
	assert_int_equal(dockerfile_parse("F\0R\0", 4, "D", &arena, &d, &e), -EINVAL);
	assert_string_equal(e.hint, "the file is UTF-16: save it as UTF-8");
	refused("FROM a\nRUN \xff", "D:2:5: a byte that is no UTF-8: 0xff", "UTF-8");
	str_add(&text, "FROM a\n");
	for (int i = 0; i < 10000; i++)
		str_addf(&text, "FROM s%d AS s%d\n", i, i + 1);
	d = parsed(text.s);
	assert_int_equal(d.stages.n, 10001);
	str_reset(&text);
	str_add(&text, "FROM a\nRUN ");
	for (int i = 0; i <= DF_MAX_LINE; i++)
		str_addc(&text, 'x');
	refused(text.s, "D:2:1: an instruction of more than 1024 KiB", "");
	str_reset(&text);
	str_add(&text, "FROM a\nONBUILD ");
	for (int i = 0; i < 100000; i++)
		str_add(&text, "ONBUILD ");
	refused(text.s, "D:2:9: ONBUILD cannot follow ONBUILD", "");
	str_reset(&text);
	str_add(&text, "FROM a\nCOPY ");
	for (int i = 0; i < 100000; i++)
		str_add(&text, "a ");
	refused(text.s, "D:2:20006: more than 10000 words", "");
	str_reset(&text);
	str_add(&text, "FROM a\nARG ");
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 9999; k++)
			str_add(&text, "a ");
		str_add(&text, "\nENV x=y\nARG ");
	}
	refused(text.s, "D:6:5: more than 20000 variables and labels", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(stages, clean),
		cmocka_unit_test_teardown(lines, clean),
		cmocka_unit_test_teardown(directives, clean),
		cmocka_unit_test_teardown(commands, clean),
		cmocka_unit_test_teardown(lists, clean),
		cmocka_unit_test_teardown(pairs, clean),
		cmocka_unit_test_teardown(flags, clean),
		cmocka_unit_test_teardown(unknown, clean),
		cmocka_unit_test_teardown(heredocs, clean),
		cmocka_unit_test_teardown(onbuild, clean),
		cmocka_unit_test_teardown(excerpts, clean),
		cmocka_unit_test_teardown(hostile, clean),
	};

	return cmocka_run_group_tests_name("dockerfile", tests, NULL, NULL);
}
