/* Unit tests of the templates. What is expected was taken from Go's documentation and from what docker and podman print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/template.h"

static const char data[] =
	"{\"ID\":\"abcdef\",\"Name\":\"web\",\"Empty\":\"\",\"Size\":1536,\"Neg\":-5,\"Load\":0.25,"
	"\"Big\":5.5e8,"
	"\"Up\":true,\"Down\":false,\"Null\":null,\"Names\":[\"a\",\"b\",\"c\"],\"None\":[],"
	"\"Ports\":{},"
	"\"Labels\":{\"z\":\"1\",\"com.x/y\":\"v w\",\"a\":\"<&>\"},"
	"\"Subnets\":[{\"Gateway\":\"10.0.0.1\",\"Size\":8},{\"Gateway\":\"10.1.0.1\",\"Size\":16}]"
	","
	"\"State\":{\"Status\":\"running\",\"Pid\":7,\"Health\":null},"
	"\"Networks\":{\"n1\":{\"IP\":\"1.2.3.4\"},\"n2\":{\"IP\":\"5.6.7.8\"}},"
	"\"Layer\":{\"created_by\":\"sh\",\"size\":3},"
	"\"Text\":\"a\\tb \\\"q\\\" \xc3\xa4'\",\"Mixed\":[1,null,\"x\",[true],{\"k\":1.5}]}";

/* The expansion of text over data, or "! message" and "? hint". */
static const char *expand(struct arena *a, const char *text)
{
	scoped(str) out = {0};
	struct err e = {0};
	struct json *j = json_parse(a, data, sizeof data - 1, "data", NULL, &e);

	assert_non_null(j);
	struct template *t = template_parse(a, text, &e);
	if (t) {
		if (template_run(t, j, a, &out, &e) == 0) {
			assert_int_equal(e.code, 0);
			return arena_strndup(a, str_cstr(&out), out.len);
		}
	}
	assert_int_equal(e.id, ERR_FORMAT);
	assert_int_equal(e.exit, EXIT_ENGINE);
	return arena_printf(a, "! %s%s%s", e.msg, e.hint[0] ? " ? " : "", e.hint);
}

static void check(const char *const (*t)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		scoped(arena) a = {0};
		const char *got = expand(&a, t[i][0]);
		if (strcmp(got, t[i][1]))
			print_error("template %s\n", t[i][0]);
		assert_string_equal(got, t[i][1]);
	}
}

static void values(void **state)
{
	static const char *const t[][2] = {
		{"", ""},
		{"plain", "plain"},
		{"{{.Name}}", "web"},
		{"{{ .Name }}-{{.ID}}", "web-abcdef"},
		{"{{.State.Status}}", "running"},
		{"{{.Size}} {{.Neg}} {{.Load}} {{.Big}} {{.Up}}", "1536 -5 0.25 5.5e+08 true"},
		{"{{.Names}} {{.None}} {{.Ports}}", "[a b c] [] map[]"},
		{"{{.Labels}}", "map[a:<&> com.x/y:v w z:1]"},
		{"{{.Mixed}}", "[1 <nil> x [true] map[k:1.5]]"},
		{"{{.Null}} {{.Labels.nope}} {{.Labels.nope.deeper}}",
		 "<nil> <no value> <no value>"},
		{"{{.Labels.z}}", "1"},
		{"{{.Networks.n2.IP}}", "5.6.7.8"},
		{"{{\"a\\tb\\u00e4\\x41\\101\"}} {{`r\"w\\n`}} {{'a'}} {{1_000}} {{0x1F}} {{0b11}} "
		 "{{0o17}} {{017}} {{-3}} {{1e3}} {{.5}}",
		 "a\tb\xc3\xa4"
		 "AA r\"w\\n 97 1000 31 3 15 15 -3 1000 0.5"},
		{"{{true}} {{(index .Subnets 0).Gateway}} {{(.State).Pid}}", "true 10.0.0.1 7"},
		{"a\\tb\\nc\\d\\\\", "a\tb\nc\\d\\\\"},
		{"{{.Label \"com.x/y\"}}|{{\"z\" | .Label}}|{{.Label \"none\"}}", "v w|1|"},
		{"{ {.Name} } }} {", "{ {.Name} } }} {"},
		{"{{.Layer.CreatedBy}} {{.Layer.Size}}", "sh 3"},
	};

	check(t, countof(t));
}

static void trimming(void **state)
{
	static const char *const t[][2] = {
		{"a  {{- .Name -}}  b", "awebb"},
		{"a\\n {{- .Name}} b", "aweb b"},
		{"{{.Neg -}} \n\t x", "-5x"},
		{"a {{/* gone }} */}} b {{- /* gone */ -}} c", "a  bc"},
		{"{{-3}}{{- 3}}", "-33"},
		{"{{ -}}", "! template:1:3: a value is missing here"},
	};

	check(t, countof(t));
}

static void control(void **state)
{
	static const char *const t[][2] = {
		{"{{if .Up}}y{{else}}n{{end}}{{if .Down}}y{{else}}n{{end}}", "yn"},
		{"{{if .Empty}}1{{else if .Null}}2{{else if .Names}}3{{else}}4{{end}}", "3"},
		{"{{if .None}}1{{else if .Ports}}2{{else}}4{{end}}", "4"},
		{"{{if .Labels.nope}}1{{end}}{{if 0}}2{{end}}{{if 0.1}}3{{end}}", "3"},
		{"{{range .Names}}<{{.}}>{{end}}", "<a><b><c>"},
		{"{{range $i, $n := .Names}}{{$i}}={{$n}}{{$.Name}} {{end}}",
		 "0=aweb 1=bweb 2=cweb "},
		{"{{range $n := .Names}}{{$n}}{{end}}", "abc"},
		{"{{range $k, $v := .Labels}}{{$k}}:{{$v}};{{end}}", "a:<&>;com.x/y:v w;z:1;"},
		{"{{range $k, $v := .Networks}}{{$k}} {{$v.IP}} {{.IP}}\n{{end}}",
		 "n1 1.2.3.4 1.2.3.4\nn2 5.6.7.8 5.6.7.8\n"},
		{"{{range .None}}x{{else}}none{{end}}{{range .Null}}x{{else}}null{{end}}",
		 "nonenull"},
		{"{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}{{range "
		 "0}}{{else}}zero{{end}}",
		 "01201zero"},
		{"{{range $i, $n := .Names}}{{if eq $n \"b\"}}{{continue}}{{end}}{{$n}}{{end}}",
		 "ac"},
		{"{{range .Names}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}!", "a!"},
		{"{{range .Names}}{{range 3}}{{if eq . 1}}{{break}}{{end}}{{.}}{{end}}{{.}}{{end}}",
		 "0a0b0c"},
		{"{{with .State}}{{.Status}} {{$.Name}}{{end}}", "running web"},
		{"{{with .Empty}}x{{else}}empty{{end}}", "empty"},
		{"{{with .Empty}}x{{else with .Name}}{{.}}{{end}}", "web"},
		{"{{with $x := .Name}}{{$x}}{{end}}", "web"},
		{"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
		{"{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"},
		{"{{$x := \"\"}}{{range .Names}}{{$x = print $x .}}{{end}}{{$x}}", "abc"},
		{"{{if $x := .Name}}{{$x}}{{else}}{{$x}}!{{end}}", "web"},
		{"{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .Name}}{{template \"t\"}}",
		 "[web][<no value>]"},
		{"{{block \"b\" .State}}{{.Status}}{{end}}{{template \"b\" .State}}",
		 "runningrunning"},
		{"{{define \"r\"}}{{if gt . 0}}{{.}}{{template \"r\" 0}}{{end}}{{end}}{{template "
		 "\"r\" 3}}",
		 "3"},
	};

	check(t, countof(t));
}

static void functions(void **state)
{
	static const char *const t[][2] = {
		{"{{eq .Name \"x\" \"web\"}} {{eq .Size 1536}} {{eq .Load 0.25}} {{eq .Up true}}",
		 "true true true true"},
		{"{{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2}} {{gt .Size "
		 "1000.5}}",
		 "true true true true false true"},
		{"{{eq .Null nil}} {{eq .Labels.nope nil}} {{ne .Name nil}}", "true true true"},
		{"{{and .Up .Name}} {{and .Down .Nope.X}} {{or .Name .Nope}} {{or 0 \"\" .ID}} "
		 "{{not .Up}}",
		 "web false web abcdef false"},
		{"{{.Up | and .Name}} {{\"\" | or .Empty}}|", "true |"},
		{"{{len .Names}} {{len .Name}} {{len .Labels}} {{.Names | len}}", "3 3 3 3"},
		{"{{index .Names 1}} {{index .Labels \"com.x/y\"}} {{index .Subnets 1 "
		 "\"Gateway\"}} {{index .Name 0}}",
		 "b v w 10.1.0.1 119"},
		{"[{{index .Labels \"none\"}}] [{{index .State \"none\"}}]", "[] [<no value>]"},
		{"{{slice .Name 1}} {{slice .Name 0 1}} {{slice .Names 1 2}} {{slice .Names 1 2 "
		 "3}} {{slice .Name}}",
		 "eb w [b] [b] web"},
		{"{{print 1 2 \"a\" \"b\" 3}}|{{println \"a\" 1 nil}}{{print nil .Labels.nope}}",
		 "1 2ab3|a 1 <nil>\n<nil> <nil>"},
		{"{{html .Labels.a}} {{js .Labels.a}} {{urlquery \"a b/\" 1}} {{html \"'\\\"\"}} "
		 "{{js `'\"\\`}}",
		 "&lt;&amp;&gt; \\u003C\\u0026\\u003E a+b%2F1 &#39;&#34; \\'\\\"\\\\"},
		{"{{json .Names}} {{json .Labels.a}} {{.Size | json}} {{json .Null}} {{json "
		 ".Labels.nope}}",
		 "[\"a\",\"b\",\"c\"] \"<&>\" 1536 null null"},
		{"{{split \"a,b,\" \",\"}} {{len (split \"a,b,\" \",\")}} {{split \"abc\" \"\"}} "
		 "{{len (split \"\" \",\")}}",
		 "[a b ] 3 [a b c] 1"},
		{"{{join .Names \", \"}} {{join (split \"x-y\" \"-\") \"+\"}} {{join .None "
		 "\",\"}}|{{join .Mixed \",\"}}",
		 "a, b, c x+y |1,<nil>,x,[true],map[k:1.5]"},
		{"{{title \"hello big world's end\"}} {{upper \"\xc3\xa4x\xc5\x82\"}} {{lower "
		 "\"\xc3\x84X\xd0\x96\"}}",
		 "Hello Big World'S End \xc3\x84X\xc5\x81 \xc3\xa4x\xd0\xb6"},
		{"[{{pad .Name 1 2}}] [{{pad .Empty 1 2}}]", "[ web  ] []"},
		{"{{truncate .ID 3}} {{truncate .Name 10}} {{truncate \"\xc3\xa4\" 1}}|{{.ID | "
		 "printf \"%.2s\"}}",
		 "abc web |ab"},
		{"{{.Name | upper | printf \"%s-%s\" .ID | lower}}", "abcdef-web"},
		{"{{call .Name}}", "! template:1:3: call needs a function, not a string"},
	};

	check(t, countof(t));
}

static void printf_verbs(void **state)
{
	static const char *const t[][2] = {
		{"{{printf \"%s|%5s|%-5s|%.1s|%q|%x|%v\" .Name .Name .Name .Name .Text .Name "
		 ".Name}}",
		 "web|  web|web  |w|\"a\\tb \\\"q\\\" \xc3\xa4'\"|776562|web"},
		{"{{printf \"%d|%5d|%-5d|%05d|%+d|%x|%X|%#x|%o|%b|%c|%U|%q\" 42 42 42 -42 42 42 42 "
		 "42 8 5 97 97 97}}",
		 "42|   42|42   |-0042|+42|2a|2A|0x2a|10|101|a|U+0061|'a'"},
		{"{{printf \"%f|%.2f|%8.2f|%e|%g|%v|%G\" 1.5 1.256 1.5 1500.0 0.00001 1e6 1e-7}}",
		 "1.500000|1.26|    1.50|1.500000e+03|1e-05|1e+06|1E-07"},
		{"{{printf \"%T %T %T %T %T %T\" 1 1.5 .Name .Up .Names .Labels}}",
		 "int float64 string bool []string map[string]string"},
		{"{{printf \"%d %s %z %d\" .Name 5 1}}",
		 "%!d(string=web) %!s(int=5) %!z(int=1) %!d(MISSING)"},
		{"{{printf \"%d%%\" 50}} {{printf \"x\" 1 nil .Name}} {{printf \"%\"}}",
		 "50% x%!(EXTRA int=1, <nil>, string=web) %!(NOVERB)"},
		{"{{printf \"%*d|%-*d|%.*s\" 4 1 4 1 1 .Name}}", "   1|1   |w"},
		{"{{printf \"%q\" .Names}} {{printf \"%#v\" .Names}}",
		 "[\"a\" \"b\" \"c\"] []string{\"a\", \"b\", \"c\"}"},
		{"{{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%[3]d %[x]d\" 1}} {{printf \"%#U\" "
		 "228}}",
		 "2 1 %!d(BADINDEX) %!d(BADINDEX) U+00E4 '\xc3\xa4'"},
		{"{{printf \"%+q|% x|%#X|%# x|%.d|%.0d|\" \"\\u00e4\" \"abc\" \"abc\" \"ab\" 0 "
		 "7}}{{js \"\\u2028=\"}}",
		 "\"\\u00e4\"|61 62 63|0X616263|0x61 0x62||7|\\u2028\\u003D"},
		{"{{html nil}} {{printf \"%T\" .Mixed}} {{printf \"%v\" .Networks}}",
		 "&lt;no value&gt; []interface {} map[n1:map[IP:1.2.3.4] n2:map[IP:5.6.7.8]]"},
		{"{{printf \"%s\" .Null}}{{printf \"%v\" .Null}}", "%!s(<nil>)<nil>"},
		{"{{printf \"%6.2f%%|% d|%3c|%-4q|%#q\" 1.0 5 'x' 'y' `a`}}",
		 "  1.00%| 5|  x|'y' |`a`"},
	};

	check(t, countof(t));
}

static void syntax_errors(void **state)
{
	static const char *const t[][2] = {
		{"{{.Name", "! template:1:1: {{ without }}"},
		{"ab\n {{if .Up}}", "! template:2:2: a block without {{end}}"},
		{"{{end}}", "! template:1:1: an {{end}} that ends nothing"},
		{"{{else}}", "! template:1:1: an {{else}} that belongs to nothing"},
		{"{{if .Up}}{{else}}{{else}}{{end}}", "! template:1:21: a second {{else}}"},
		{"{{if}}{{end}}", "! template:1:5: a value is missing here"},
		{"{{}}", "! template:1:3: a value is missing here"},
		{"{{xyzzy .Name}}", "! template:1:3: there is no function xyzzy"},
		{"{{uper .Name}}",
		 "! template:1:3: there is no function uper ? did you mean upper?"},
		{"{{Name}}", "! template:1:3: there is no function Name ? a field starts with a "
			     "dot: {{.Name}}"},
		{"{{$x}}", "! template:1:3: the variable $x is not defined"},
		{"{{$x = 1}}", "! template:1:6: the variable $x is not defined"},
		{"{{if true}}{{$x := 1}}{{end}}{{$x}}",
		 "! template:1:32: the variable $x is not defined"},
		{"{{if true}}{{$x := 1}}{{else}}{{$x}}{{end}}",
		 "! template:1:33: the variable $x is not defined"},
		{"{{\"abc}}", "! template:1:3: a quoted text without end"},
		{"{{\"\\q\"}}", "! template:1:4: a bad escape in a quoted text"},
		{"{{.Name | 5}}",
		 "! template:1:11: a value cannot stand behind |, only a function"},
		{"{{(.Name}}", "! template:1:9: unexpected }} in an action"},
		{"{{.Name)}}", "! template:1:8: unexpected ) in an action"},
		{"{{.Name |}}", "! template:1:10: unexpected }} in an action"},
		{"{{\"a\"\"b\"}}", "! template:1:6: unexpected a literal in an action"},
		{"{{\"a\".b}}",
		 "! template:1:6: unexpected .b in an action: what stands before it has no fields"},
		{"{{9223372036854775808}}",
		 "! template:1:3: the number 9223372036854775808 is too large"},
		{"{{nil}}", "! template:1:3: nil is no command"},
		{"{{1x}}", "! template:1:3: \"1x\" is not a number"},
		{"{{'ab'}}", "! template:1:3: not one character between single quotes"},
		{"{{.A ! .B}}", "! template:1:6: unexpected ! in {{ }}"},
		{"{{break}}", "! template:1:1: {{break}} and {{continue}} belong inside {{range}}"},
		{"{{if true}}{{define \"x\"}}{{end}}{{end}}",
		 "! template:1:12: {{define}} inside of a block"},
		{"{{template \"x\"}}", "! template:1:1: there is no template \"x\""},
		{"{{/* a", "! template:1:1: a comment without end"},
		{"{{/* a */ .Name}}", "! template:1:1: a comment must fill its whole {{ }}"},
		{"{{end x}}", "! template:1:7: unexpected x in end"},
	};

	check(t, countof(t));
}

static void run_errors(void **state)
{
	static const char *const t[][2] = {
		{"{{.Nmae}}", "! template:1:3: there is no field .Nmae ? did you mean .Name? "
			      "{{json .}} prints all there is"},
		{"{{.name}}", "! template:1:3: there is no field .name ? did you mean .Name? "
			      "{{json .}} prints all there is"},
		{"x {{.State.Sttus}}", "! template:1:5: there is no field .Sttus ? did you mean "
				       ".Status? {{json .}} prints all there is"},
		{"{{.State.Foo}}",
		 "! template:1:3: there is no field .Foo ? fields are: .Status .Pid .Health"},
		{"{{.Name.Foo}}", "! template:1:3: there is no field .Foo in a string"},
		{"{{.State.Health.Status}}", "! template:1:3: there is no field .Status in null"},
		{"{{index .Names 3}}", "! template:1:3: index: 3 is out of range"},
		{"{{index .Names -1}}", "! template:1:3: index: -1 is out of range"},
		{"{{index .Names \"a\"}}",
		 "! template:1:3: index needs a whole number, not a string"},
		{"{{index .Null 1}}",
		 "! template:1:3: index needs an array, a map or a string, not null"},
		{"{{slice .Name 2 1}}",
		 "! template:1:3: slice: the numbers are in the wrong order"},
		{"{{slice .Name 0 9}}", "! template:1:3: slice: 9 is out of range"},
		{"{{eq .Name 1}}", "! template:1:3: eq cannot compare a string with a number"},
		{"{{lt .Names 1}}", "! template:1:3: lt cannot compare an array with a number"},
		{"{{len .Size}}",
		 "! template:1:3: len needs a string, an array or a map, not a number"},
		{"{{upper .Size}}", "! template:1:3: upper needs a string, not a number"},
		{"{{upper}}", "! template:1:3: upper does not take 0 arguments"},
		{"{{upper .Name .ID}}", "! template:1:3: upper does not take 2 arguments"},
		{"{{join .Name \",\"}}", "! template:1:3: join needs an array, not a string"},
		{"{{range .Name}}{{end}}", "! template:1:1: range cannot go over a string"},
		{"{{.Name \"x\"}}", "! template:1:3: .Name takes no arguments"},
		{"{{(.Name) \"x\"}}", "! template:1:3: this is no function, it takes no arguments"},
		{"{{define \"r\"}}{{template \"r\"}}{{end}}{{template \"r\"}}",
		 "! template:1:15: templates call each other too deeply"},
		{"{{range 100000000000}}{{end}}",
		 "! template:1:1: the template makes too much output or runs too long"},
		{"{{$x := \"abcdefgh\"}}{{range 60}}{{$x = print $x $x}}{{end}}",
		 "! template:1:40: the template makes too much output or runs too long"},
	};

	check(t, countof(t));
}

static void nesting(void **state)
{
	scoped(arena) a = {0};
	scoped(str) s = {0};
	struct err e = {0};

	for (int i = 0; i < 100000; i++)
		str_add(&s, "{{if true}}");
	assert_null(template_parse(&a, str_cstr(&s), &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
	str_reset(&s);
	str_add(&s, "{{");
	for (int i = 0; i < 100000; i++)
		str_add(&s, "(");
	assert_null(template_parse(&a, str_cstr(&s), &e));
	str_add(&s, "}}");
	assert_null(template_parse(&a, str_cstr(&s), &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
}

static void headlines(void **state)
{
	static const char *const headers[] = {"ID", "CONTAINER ID", "Names", "NAMES", NULL};
	static const char *const t[][2] = {
		{"{{.ID}}\\t{{.Names}}\\t{{.CreatedAt}}", "CONTAINER ID\tNAMES\tCREATED AT"},
		{"{{.CPUPerc}} {{.IPv6}} {{.MemUsage}}", "CPU PERC IPV6 MEM USAGE"},
		{"{{.ID | lower}} {{upper .Names}} {{json .Names}} {{join .Names \",\"}} "
		 "{{truncate .ID 3}}",
		 "CONTAINER ID NAMES NAMES NAMES CONTAINER ID"},
		{"{{.Label \"com.docker.some-key\"}}", "some key"},
		{"{{if .ID}}{{.Names}}{{else}}N/A{{end}}", "NAMES"},
		{"{{range .Names}}{{.}}{{end}} {{.State.Status}}", "NAMES STATUS"},
		{"[{{pad .Names 1 1}}]", "[ NAMES ]"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		scoped(str) out = {0};
		struct err e = {0};
		struct template *tm = template_parse(&a, t[i][0], &e);
		assert_non_null(tm);
		assert_int_equal(template_headline(tm, headers, &a, &out, &e), 0);
		assert_string_equal(str_cstr(&out), t[i][1]);
	}
}

static void known_fields(void **state)
{
	static const char sample[] =
		"{\"ID\":\"\",\"Name\":\"\",\"State\":0,\"Labels\":{},\"Names\":\"\"}";
	/* With L: on a list of all. */
	static const char *const t[][2] = {
		{"L{{range .}}{{.ID}}{{end}}{{range $c := .}}{{$c.Foo}}{{end}}{{len .}}", ""},
		{"L{{range .}}{{.Foo}}{{end}}", "template:1:15: there is no field .Foo"},
		{"L{{range $}}{{.Foo}}{{end}}", "template:1:15: there is no field .Foo"},
		{"L{{range .}}{{range .Names}}{{.Foo}}{{end}}{{end}}", ""},
		{"L{{.ID}}", "template:1:4: there is no field .ID in a list"},
		{"{{.ID}} {{.Labels.x}} {{.State.Whatever}} {{.Label \"x\"}} {{\"x\" | .Label}}",
		 ""},
		{"{{range .Names}}{{.Foo}}{{end}}{{with .State}}{{.Foo}}{{end}}", ""},
		{"{{.Nmae}}", "template:1:3: there is no field .Nmae"},
		{"{{if .ID}}{{else}}{{upper (.Foo)}}{{end}}",
		 "template:1:28: there is no field .Foo"},
		{"{{range .Names}}{{$.Bar}}{{end}}", "template:1:19: there is no field .Bar"},
		{"{{range .Namse}}{{end}}", "template:1:9: there is no field .Namse"},
		{"{{range .Names}}{{else}}{{.Bar}}{{end}}",
		 "template:1:27: there is no field .Bar"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		struct err e = {0};
		struct template *tm = template_parse(&a, t[i][0], &e);
		assert_non_null(tm);
		struct json *j = json_parse(&a, sample, sizeof sample - 1, "sample", NULL, &e);
		struct json *all = json_new(&a, JSON_ARR);
		json_add(&a, all, j);
		assert_int_equal(template_check(tm, t[i][0][0] == 'L' ? all : j, &e),
				 t[i][1][0] ? -EINVAL : 0);
		assert_string_equal(e.msg, t[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),	cmocka_unit_test(trimming),
		cmocka_unit_test(control),	cmocka_unit_test(functions),
		cmocka_unit_test(printf_verbs), cmocka_unit_test(syntax_errors),
		cmocka_unit_test(run_errors),	cmocka_unit_test(nesting),
		cmocka_unit_test(headlines),	cmocka_unit_test(known_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
