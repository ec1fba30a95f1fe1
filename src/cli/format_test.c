/* Unit tests of what lists and objects look like. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "cli/format.h"

static const struct format_list list = {
	.columns = "{{.ID}}\\t{{.Names}}",
	.headers = (const char *const[]){"ID", "CONTAINER ID", NULL},
	.json_fields = "ID Names Labels Ports",
};
static const char fields[] =
	"[{\"Names\":\"w\\u001b[2Jb\",\"ID\":\"abc\",\"Pid\":1,"
	"\"Labels\":{\"z\":\"1\",\"a\\tb\":\"x\\ty\"},\"Ports\":[80,443]},"
	"{\"ID\":\"d\",\"Names\":\"\\u6f22\",\"Pid\":2,\"Labels\":{},\"Ports\":[]}]";
static const char sample[] =
	"{\"ID\":\"\",\"Names\":\"\",\"Pid\":0,\"Labels\":{},\"Label\":{},\"Ports\":[]}";
static const char objects[] = "[{\"Id\":\"abcdef\"}]";

static int print(struct cli *c, const char *format, bool heading, struct err *e)
{
	struct json *f = json_parse(&c->arena, fields, strlen(fields), "f", NULL, e);
	struct json *o = json_parse(&c->arena, objects, strlen(objects), "o", NULL, e);

	assert_non_null(f);
	assert_non_null(o);
	out_init(&c->out, -1);
	return format_list(c, &list, format, heading, f->arr.v[0], f, o, e);
}

static void lists(void **state)
{
	static const struct {
		enum called called;
		const char *format;
		bool heading;
		const char *text;
	} t[] = {
		{CALLED_HOY, NULL, true,
		 "CONTAINER ID  NAMES\nabc           w\\x1b[2Jb\nd             \xe6\xbc\xa2\n"},
		{CALLED_HOY, "", true,
		 "CONTAINER ID  NAMES\nabc           w\\x1b[2Jb\nd             \xe6\xbc\xa2\n"},
		{CALLED_DOCKER, "table", false, "abc       w\\x1b[2Jb\nd         \xe6\xbc\xa2\n"},
		{CALLED_HOY, "table {{.Pid}} {{.ID}}", true,
		 "PID         CONTAINER ID\n1           abc\n2           d\n"},
		{CALLED_HOY, "table {{.Names}}\\t{{.Pid}}", false,
		 "w\\x1b[2Jb   1\n\xe6\xbc\xa2          2\n"},
		{CALLED_HOY, "table {{.Labels}}\\t{{.Label \"z\"}}", true,
		 "LABELS              z\nmap[a\\tb:x\\ty z:1]  1\nmap[]\n"},
		{CALLED_DOCKER, "table {{.Pid}} {{.ID}}", false, "1 abc\n2 d\n"},
		{CALLED_HOY, "{{.ID}}", true, "abc\nd\n"},
		{CALLED_HOY, "{{.ID}}\\n", true, "abc\nd\n"},
		{CALLED_DOCKER, "{{.ID}}\\n", true, "abc\n\nd\n\n"},
		{CALLED_HOY, "{{.Names}}", true, "w\x1b[2Jb\n\xe6\xbc\xa2\n"},
		{CALLED_HOY, "{{range .}}{{.ID}},{{end}}", true, "abc,d,\n"},
		{CALLED_HOY, "{{- range .Ports}}{{.}}{{end}}", true, "80443\n\n"},
		{CALLED_HOY, "tablet {{.ID}}", true, "tablet abc\ntablet d\n"},
		{CALLED_HOY, "json", true, "[\n    {\n        \"Id\": \"abcdef\"\n    }\n]\n"},
		{CALLED_HOY, "{{ json . }}", true, "{\"Id\":\"abcdef\"}\n"},
		{CALLED_DOCKER, "json", true,
		 "{\"ID\":\"abc\",\"Labels\":\"a\\tb=x\\ty,z=1\",\"Names\":\"w\\u001b[2Jb\","
		 "\"Ports\":"
		 "\"80,443\"}\n{\"ID\":\"d\",\"Labels\":\"\",\"Names\":\"\xe6\xbc\xa2\",\"Ports\":"
		 "\"\"}\n"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(cli) c = {.called = t[i].called};
		struct err e;
		assert_int_equal(print(&c, t[i].format, t[i].heading, &e), 0);
		assert_string_equal(str_cstr(&c.out.buf), t[i].text);
	}
	scoped(cli) c = {0};
	struct err e;
	assert_int_equal(print(&c, "{{.Nmaes}}", true, &e), -EINVAL);
	assert_string_equal(e.hint, "did you mean .Names? {{json .}} prints all there is");
}

/* An empty list still refuses a field that no item would have, and prints what each caller expects of nothing. */
static void empty_lists(void **state)
{
	static const struct {
		enum called called;
		const char *format, *text;
	} t[] = {
		{CALLED_HOY, NULL, "CONTAINER ID  NAMES\n"},
		{CALLED_HOY, "json", "[]\n"},
		{CALLED_DOCKER, "json", ""},
		{CALLED_HOY, "{{json .}}", ""},
		{CALLED_HOY, "{{.ID}}", ""},
		{CALLED_HOY, "{{.Label \"x\"}}", ""},
		{CALLED_HOY, "{{.Nmaes}}", NULL},
		{CALLED_HOY, "table {{.Nmaes}}", NULL},
		{CALLED_HOY, "{{.ID", NULL},
		{CALLED_HOY, "{{range .}}{{.ID}}{{else}}none{{end}}", "none\n"},
		{CALLED_HOY, "{{range .}}{{.Nmaes}}{{end}}", NULL},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(cli) c = {.called = t[i].called};
		struct err e;
		struct json *none = json_new(&c.arena, JSON_ARR);
		struct json *item = json_parse(&c.arena, sample, strlen(sample), "s", NULL, &e);
		out_init(&c.out, -1);
		int r = format_list(&c, &list, t[i].format, true, item, none, none, &e);
		assert_int_equal(r, t[i].text ? 0 : -EINVAL);
		assert_string_equal(str_cstr(&c.out.buf), t[i].text ? t[i].text : "");
		if (!t[i].text)
			assert_int_equal(e.id, ERR_FORMAT);
	}
}

static void objects_shapes(void **state)
{
	scoped(cli) c = {0};
	struct err e;
	struct json *f = json_parse(&c.arena, fields, strlen(fields), "f", NULL, &e);

	out_init(&c.out, -1);
	assert_int_equal(format_objects(&c, "{{.Pid}}", f, &e), 0);
	assert_int_equal(format_objects(&c, "{{json .ID}}", f->arr.v[1], &e), 0);
	assert_string_equal(str_cstr(&c.out.buf), "1\n2\n\"d\"\n");
}

/* A full disk and a closed pipe are told apart, and reported once. */
static void full(void **state)
{
	int p[2];
	struct err e;
	struct out o;

	out_init(&o, open("/dev/full", O_WRONLY | O_CLOEXEC));
	for (int i = 0; i < 100000; i++)
		out_printf(&o, "%d\n", i);
	assert_int_equal(out_flush(&o, &e), -ENOSPC);
	assert_int_equal(e.id, ERR_DISK_FULL);
	close(o.fd);
	out_free(&o);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	out_init(&o, p[1]);
	out_text(&o, "x");
	assert_int_equal(out_flush(&o, &e), -EPIPE);
	assert_int_equal(e.exit, 141);
	assert_string_equal(e.msg, "");
	close(p[1]);
	out_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(empty_lists),
		cmocka_unit_test(objects_shapes),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
