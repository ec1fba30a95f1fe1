/* Unit tests of the option parser and of the tables of all commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "cli/command.h"
#include "cli/help.h"

struct inner {
	const char *user;
	bool tty;
};
struct opts {
	bool all, detach, proxy;
	const char *name, *pull;
	struct strs env, caps;
	struct pairs labels;
	int64_t time, interval;
	uint64_t count, memory;
	int signal;
	struct inner inner;
};

#define IN(kind, field) OPT_TO(kind, struct inner, field)
static const struct opt inner_rows[] = {
	{"user", 'u', IN(OPT_STR, user), "USER", "x"},
	{"tty", 't', IN(OPT_BOOL, tty), NULL, "x"},
	{0},
};

#define TO(kind, field) OPT_TO(kind, struct opts, field)
static const struct opt rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "x"},
	{.kind = OPT_TABLE, .sub = inner_rows, .offset = offsetof(struct opts, inner)},
	{"detach", 'd', TO(OPT_BOOL, detach), NULL, "x"},
	{"sig-proxy", 0, TO(OPT_BOOL, proxy), NULL, "x"},
	{"name", 0, TO(OPT_STR, name), "NAME", "x", .aliases = "nom titre"},
	{"pull", 0, TO(OPT_CHOICE, pull), "WHEN", "x", .words = "always missing never"},
	{"env", 'e', TO(OPT_STRS, env), "KEY=VALUE", "x"},
	{"cap-add", 0, TO(OPT_CSV, caps), "CAP", "x"},
	{"label", 'l', TO(OPT_PAIRS, labels), "KEY=VALUE", "x"},
	{"time", 0, TO(OPT_INT, time), "SECONDS", "x"},
	{"interval", 0, TO(OPT_DURATION, interval), "TIME", "x"},
	{"count", 'n', TO(OPT_UINT, count), "N", "x"},
	{"memory", 'm', TO(OPT_SIZE, memory), "SIZE", "x"},
	{"signal", 's', TO(OPT_SIGNAL, signal), "SIGNAL", "x"},
	{"trust", 0, OPT_STR, 0, "X", "x", .flags = OPT_IGNORED},
	{0},
};

struct parsed {
	struct arena a;
	struct opts o;
	struct opt_found f;
	struct err e;
	int r;
};

/* Parses words separated by blanks; a lone "''" is the empty word. */
static void parse_into(struct parsed *p, const char *line, bool stop)
{
	struct opt_rules rules = {rows, "test", stop};
	struct strs v = {0};
	char *argv[32] = {0};
	int argc = 0;

	*p = (struct parsed){.o.proxy = true};
	for (const char *s = line; *s;) {
		size_t n = strcspn(s, " ");
		strs_add(&p->a, &v,
			 n == 2 && !strncmp(s, "''", 2) ? "" : arena_strndup(&p->a, s, n));
		s += n + strspn(s + n, " ");
	}
	for (size_t i = 0; i < v.n; i++)
		argv[argc++] = (char *)v.v[i];
	p->r = opt_parse(&rules, argc, argv, &p->o, &p->a, &p->f, &p->e);
}

static void spellings(void **state)
{
	static const char *const same[] = {
		"-atd -e A=1 --env=B=2 --name x -u me",
		"-a -t -d -eA=1 -e=B=2 --name=x --user me",
		"-adt --env A=1 -eB=2 --nom x -u=me",
		"--all --tty=true -d=true -e A=1 -e B=2 --titre=x -ume",
		"--name y --name x -adte A=1 -eB=2 -ume",
	};

	for (size_t i = 0; i < countof(same); i++) {
		struct parsed p;
		parse_into(&p, same[i], false);
		assert_int_equal(p.r, 0);
		assert_true(p.o.all && p.o.inner.tty && p.o.detach && p.o.proxy);
		assert_string_equal(p.o.name, "x");
		assert_string_equal(p.o.inner.user, "me");
		assert_int_equal(p.o.env.n, 2);
		assert_string_equal(p.o.env.v[0], "A=1");
		assert_string_equal(p.o.env.v[1], "B=2");
		assert_true(opt_given(rows, &p.f, "name") && opt_given(rows, &p.f, "user"));
		assert_false(opt_given(rows, &p.f, "pull") || opt_given(rows, &p.f, "sig-proxy"));
		arena_free(&p.a);
	}
}

static void values(void **state)
{
	struct parsed p;

	parse_into(&p,
		   "--sig-proxy=false --cap-add A,B --cap-add C -l a=b=c -l d --time -1 --interval "
		   "1m30s "
		   "-n 18446744073709551615 -m 1.5k -s sigkill --pull never -l a=x --name ''",
		   false);
	assert_int_equal(p.r, 0);
	assert_false(p.o.proxy);
	assert_true(opt_given(rows, &p.f, "sig-proxy"));
	assert_int_equal(p.o.caps.n, 3);
	assert_string_equal(p.o.caps.v[2], "C");
	assert_string_equal(pairs_get(&p.o.labels, "a"), "x");
	assert_string_equal(pairs_get(&p.o.labels, "d"), "");
	assert_int_equal(p.o.time, -1);
	assert_true(p.o.interval == 90000000000);
	assert_true(p.o.count == UINT64_MAX);
	assert_int_equal(p.o.memory, 1536);
	assert_int_equal(p.o.signal, 9);
	assert_string_equal(p.o.pull, "never");
	assert_string_equal(p.o.name, "");
	arena_free(&p.a);
}

static void operands(void **state)
{
	struct parsed p;

	parse_into(&p, "one -a two -- -d --", false);
	assert_int_equal(p.r, 0);
	assert_true(p.o.all && !p.o.detach);
	assert_int_equal(p.f.nargs, 4);
	assert_string_equal(p.f.args[2], "-d");
	assert_string_equal(p.f.args[3], "--");
	assert_null(p.f.args[4]);
	arena_free(&p.a);

	parse_into(&p, "-a image -d --help -- x", true);
	assert_int_equal(p.r, 0);
	assert_true(p.o.all && !p.o.detach && !p.f.help);
	assert_int_equal(p.f.nargs, 5);
	assert_string_equal(p.f.args[3], "--");
	arena_free(&p.a);

	parse_into(&p, "--trust ff --trust=x one", false);
	assert_int_equal(p.r, 0);
	assert_true(p.f.nargs == 1 && !p.o.all && !p.o.detach);
	arena_free(&p.a);

	parse_into(&p, "- ''", false);
	assert_int_equal(p.f.nargs, 2);
	arena_free(&p.a);

	parse_into(&p, "-ah --bogus", false);
	assert_int_equal(p.r, 0);
	assert_true(p.f.help);
	arena_free(&p.a);
}

static void refusals(void **state)
{
	static const struct {
		const char *line, *msg, *hint;
	} bad[] = {
		{"--nmae x", "unknown flag --nmae for hoy test", "did you mean --name?"},
		{"--zzzzzzzz", "unknown flag --zzzzzzzz for hoy test",
		 "hoy test --help lists the flags"},
		{"-ax", "unknown flag -x in -ax for hoy test", "hoy test --help lists the flags"},
		{"-x", "unknown flag -x for hoy test", "hoy test --help lists the flags"},
		{"--name", "--name needs a value (NAME)", "hoy test --help lists the flags"},
		{"-ae", "-e needs a value (KEY=VALUE)", "hoy test --help lists the flags"},
		{"--all=maybe", "--all: \"maybe\" is not valid here", "it takes true or false"},
		{"--pull sometimes", "--pull: \"sometimes\" is not valid here",
		 "it takes one of: always missing never"},
		{"--pull ''", "--pull: \"\" is not valid here",
		 "it takes one of: always missing never"},
		{"-n -1", "-n: \"-1\" is not valid here", "it takes a whole number, not negative"},
		{"-n 18446744073709551616", "-n: 18446744073709551616 is too large",
		 "hoy test --help lists the flags"},
		{"-m 5x", "-m: \"5x\" is not valid here",
		 "it takes a size such as 512, 64k, 1.5m or 2g"},
		{"-s 0", "-s: \"0\" is not valid here",
		 "it takes a signal such as TERM, SIGKILL or 15"},
		{"-s 99", "-s: \"99\" is not valid here",
		 "it takes a signal such as TERM, SIGKILL or 15"},
		{"-s NOPE", "-s: \"NOPE\" is not valid here",
		 "it takes a signal such as TERM, SIGKILL or 15"},
		{"--=x", "unknown flag -- for hoy test", "hoy test --help lists the flags"},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		struct parsed p;
		parse_into(&p, bad[i].line, false);
		assert_int_equal(p.r, -EINVAL);
		assert_string_equal(p.e.msg, bad[i].msg);
		assert_string_equal(p.e.hint, bad[i].hint);
		assert_int_equal(p.e.id, ERR_USAGE);
		assert_int_equal(p.e.exit, 125);
		arena_free(&p.a);
	}
}

static void counts(void **state)
{
	static const struct {
		const char *synopsis;
		size_t min, max;
	} t[] = {
		{NULL, 0, 0},
		{"IMAGE", 1, 1},
		{"IMAGE [COMMAND [ARG...]]", 1, SIZE_MAX},
		{"CONTAINER...", 1, SIZE_MAX},
		{"[CONTAINER...]", 0, SIZE_MAX},
		{"SOURCE TARGET...", 2, SIZE_MAX},
		{"SOURCE [TARGET]", 1, 2},
	};

	for (size_t i = 0; i < countof(t); i++) {
		size_t min, max;
		opt_count_operands(t[i].synopsis, &min, &max);
		assert_true(min == t[i].min && max == t[i].max);
	}
}

static void check_rows(const struct command *cmd)
{
	scoped(strv) names = {0};
	char letters[OPT_MAX] = "";
	unsigned count = 0;

	for (struct opt_walk w = opt_first(cmd->opts); w.row; opt_next(&w), count++) {
		const struct opt *o = w.row;
		bool fits =
			o->name && o->help && strlen(o->help) >= 8 &&
			o->help[strlen(o->help) - 1] != '.' && (o->kind == OPT_BOOL) == !o->value &&
			(o->kind != OPT_CHOICE || o->words) && w.base + o->offset < cmd->opts_size;
		if (!fits || strv_has(&names, o->name) || (o->letter && strchr(letters, o->letter)))
			fail_msg("hoy %s: the row of --%s is not complete, or its name or letter "
				 "is taken",
				 cmd->name, o->name ? o->name : "?");
		strv_add(&names, o->name);
		if (o->aliases)
			strv_split(&names, o->aliases, ' ');
		if (o->letter)
			letters[strlen(letters)] = o->letter;
	}
	assert_true(count < OPT_MAX);
}

/* Every command says what help, man page and completion need, fits 80 columns, and no name is taken twice. */
static void tables(void **state)
{
	scoped(strv) names = {0};

	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *cmd = cli_commands[i];
		scoped(str) page = {0};
		struct err e;
		if (!cmd->summary || !cmd->description || (cmd->run && !cmd->examples))
			fail_msg("hoy %s lacks a summary, a description or examples", cmd->name);
		assert_true(strlen(cmd->summary) <= 64 &&
			    cmd->summary[strlen(cmd->summary) - 1] != '.');
		assert_false(strv_has(&names, cmd->name));
		strv_add(&names, cmd->name);
		if (cmd->aliases)
			strv_split(&names, cmd->aliases, ',');
		check_rows(cmd);
		assert_int_equal(help_page(&page, cmd->name, &e), 0);
		scoped(strv) lines = {0};
		strv_split(&lines, page.s, '\n');
		for (size_t k = 0; k < lines.n; k++)
			if (output_columns(lines.v[k]) > 80)
				fail_msg("hoy help %s: over 80 columns: %s", cmd->name, lines.v[k]);
	}
	for (size_t i = 0; i < names.n; i++)
		for (size_t k = i + 1; k < names.n; k++)
			if (!strcmp(names.v[i], names.v[k]))
				fail_msg("two commands are named %s", names.v[i]);
}

/* The words of the first hoy command in an example, as a shell would split it; what belongs to the shell ends it. */
static int example_words(const char *line, char *text, char **argv)
{
	const char *s = strstr(line, "hoy ");
	int argc = 0;

	while (s && *s && !strchr("|;&><)", *s) && argc < 31) {
		argv[argc++] = text;
		for (; *s && !strchr(" |;&)", *s); s++) {
			char quote = *s == '\'' || *s == '"' ? *s : 0;
			if (!quote)
				*text++ = *s;
			for (s += quote != 0; quote && *s && *s != quote; s++)
				*text++ = *s;
			if (!*s)
				break;
		}
		*text++ = 0;
		s += strspn(s, " ");
	}
	argv[argc] = NULL;
	return argc;
}

/* Every example is a command line that hoy accepts. */
static void examples(void **state)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		scoped(strv) lines = {0};
		strv_split(&lines, cli_commands[i]->examples ? cli_commands[i]->examples : "",
			   '\n');
		for (size_t k = 0; k < lines.n; k++) {
			char text[512], *argv[32];
			scoped(cli) c = {0};
			struct err e = {0};
			if (lines.v[k][0] == '#' || !*lines.v[k])
				continue;
			int argc = example_words(lines.v[k], text, argv);
			if (argc < 2 || cli_parse(&c, argc, argv, &e) < 0)
				fail_msg("hoy help %s: the example \"%s\" is wrong: %s",
					 cli_commands[i]->name, lines.v[k], e.msg);
		}
	}
}

static int parse_line(struct cli *c, const char *line, struct err *e)
{
	static char *argv[16];
	static char text[128];
	int argc = 0;

	snprintf(text, sizeof text, "%s", line);
	for (char *s = text; *s;) {
		argv[argc++] = s;
		s += strcspn(s, " ");
		if (*s)
			*s++ = 0;
	}
	argv[argc] = NULL;
	return cli_parse(c, argc, argv, e);
}

static void command_lines(void **state)
{
	static const struct {
		const char *line, *cmd, *arg;
	} good[] = {
		{"hoy", "help", NULL},
		{"hoy --help", "help", NULL},
		{"hoy help", "help", NULL},
		{"hoy help help", "help", "help"},
		{"hoy version --help", "help", "version"},
		{"hoy image -h", "help", "image"},
		{"hoy -v", "version", NULL},
		{"hoy --root /x -D version", "version", NULL},
	};

	for (size_t i = 0; i < countof(good); i++) {
		scoped(cli) c;
		struct err e;
		assert_int_equal(parse_line(&c, good[i].line, &e), 0);
		assert_string_equal(c.cmd->name, good[i].cmd);
		assert_true(str_eq(c.nargs ? c.args[0] : NULL, good[i].arg));
	}
	static const char *const bad[] = {
		"hoy nope",  "hoy __man",      "hoy version x", "hoy --nope",
		"hoy image", "hoy image nope", "hoy --root",	"hoy --log-level loud version"};
	for (size_t i = 0; i < countof(bad); i++) {
		scoped(cli) c;
		struct err e;
		assert_int_equal(parse_line(&c, bad[i], &e), -EINVAL);
		assert_int_equal(e.id, ERR_USAGE);
		assert_true(e.hint[0]);
	}
	scoped(cli) c;
	struct err e;
	assert_int_equal(parse_line(&c, "/usr/bin/docker version", &e), 0);
	assert_int_equal(c.called, CALLED_DOCKER);
}

static void wrapping(void **state)
{
	scoped(str) b = {0};

	output_wrap(&b, "aaa bbb\nccc\n\n  kept  as is\nddd", 2, 9);
	assert_string_equal(str_cstr(&b), "  aaa bbb\n  ccc\n\n    kept  as is\n  ddd\n");
	assert_int_equal(output_columns("\xc3\xa4\xe6\xbc\xa2"
					"a\xcc\x81"),
			 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings), cmocka_unit_test(values),
		cmocka_unit_test(operands),  cmocka_unit_test(refusals),
		cmocka_unit_test(counts),    cmocka_unit_test(tables),
		cmocka_unit_test(examples),  cmocka_unit_test(command_lines),
		cmocka_unit_test(wrapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
