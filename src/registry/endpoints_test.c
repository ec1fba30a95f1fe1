/* Unit tests of registries.conf and policy.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "registry/endpoints.h"
#include "registry/policy.h"

static char dir[] = "/tmp/hoy-endpoints-XXXXXX";

static void write_file(const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fd_write_file_at(AT_FDCWD, path, text, strlen(text), 0600), 0);
}

static void load(struct registries *c, const char *text)
{
	struct err e = {0};

	write_file("main.conf", text);
	if (registries_load(c, &e) < 0)
		fail_msg("%s", e.msg);
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(dir));
	autofree char *conf = xasprintf("%s/main.conf", dir), *none = xasprintf("%s/conf.d", dir);
	setenv("CONTAINERS_REGISTRIES_CONF", conf, 1);
	setenv("CONTAINERS_REGISTRIES_CONF_DIR", none, 1);
	setenv("HOME", dir, 1);
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("XDG_CACHE_HOME", dir, 1);
	return 0;
}

static int teardown(void **state)
{
	return path_rm_tree_at(AT_FDCWD, dir);
}

/* "a:5000/x:1 b/x:1!": the places for a name, with ! where certificates do not count. */
static const char *places(struct arena *a, const struct registries *c, const char *name)
{
	struct reference r;
	struct endpoints l;
	struct err e = {0};
	scoped(str) s = {0};

	assert_int_equal(ref_parse(a, name, &r, &e), 0);
	if (registries_endpoints(c, &r, a, &l, &e) < 0)
		return err_id_name(e.id);
	for (size_t i = 0; i < l.n; i++)
		str_addf(&s, "%s%s%s", i ? " " : "", ref_text(a, &l.v[i].ref),
			 l.v[i].insecure ? "!" : "");
	return arena_strdup(a, str_cstr(&s));
}

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void where_names_lead(void **state)
{
	static const char text[] =
		"[[registry]]\nlocation = 'docker.io'\n"
		"[[registry.mirror]]\nlocation = 'm:5000/hub/'\n"
		"[[registry.mirror]]\nlocation = 'n.test'\ninsecure = true\npull-from-mirror = "
		"'digest-only'\n"
		"[[registry.mirror]]\nlocation = 't.test'\npull-from-mirror = 'tag-only'\n"
		"[[registry]]\nprefix = 'docker.io/library'\nlocation = 'lib.test/l'\ninsecure = "
		"true\n"
		"[[registry]]\nprefix = 'docker.io/library/old:1'\nblocked = true\nlocation='x.y'\n"
		"[[registry]]\nprefix = '*.wild.test'\ninsecure = true\n"
		"[[registry]]\nprefix = '*.deep.wild.test'\nlocation = 'w.test/all'\n"
		"[[registry]]\nlocation = 'd.test'\nmirror-by-digest-only = true\nmirror = "
		"[{location='n.test'}]\n"
		"[[registry]]\nlocation = 't.test'\ninsecure = true\n";
	static const char *const t[][2] = {
		{"docker.io/team/app:1",
		 "m:5000/hub/team/app:1 t.test/team/app:1! docker.io/team/app:1"},
		{"docker.io/team/app" DIGEST, "m:5000/hub/team/app" DIGEST " n.test/team/app" DIGEST
					      "! docker.io/team/app" DIGEST},
		{"docker.io/busybox:1", "lib.test/l/busybox:1!"},
		{"docker.io/library2/x:1",
		 "m:5000/hub/library2/x:1 t.test/library2/x:1! docker.io/library2/x:1"},
		{"docker.io/old:1", "E-REGISTRY-BLOCKED"},
		{"docker.io/old:12", "lib.test/l/old:12!"},
		{"a.wild.test/x:1", "a.wild.test/x:1!"},
		{"a.wild.test:5000/x:1", "a.wild.test:5000/x:1!"},
		{"wild.test/x:1", "wild.test/x:1"},
		{"a.wild.testing/x:1", "a.wild.testing/x:1"},
		{"b.test/a.wild.test/x:1", "b.test/a.wild.test/x:1"},
		{"a.deep.wild.test/x:1", "w.test/all/x:1"},
		{"d.test/x:1", "d.test/x:1"},
		{"d.test/x" DIGEST, "n.test/x" DIGEST " d.test/x" DIGEST},
		{"d.test:5000/x:1", "d.test:5000/x:1"},
		{"other.test/x:1", "other.test/x:1"},
	};
	scoped(registries) c = {0};
	scoped(arena) a = {0};

	load(&c, text);
	for (size_t i = 0; i < countof(t); i++)
		assert_string_equal(places(&a, &c, t[i][0]), t[i][1]);
	assert_string_equal(places(&a, NULL, "docker.io/team/app:1"), "docker.io/team/app:1");
}

static const char *names(struct arena *a, const struct registries *c, const char *name)
{
	struct reference r;
	struct registries_names l;
	struct err e = {0};
	scoped(str) s = {0};

	assert_int_equal(ref_parse(a, name, &r, &e), 0);
	if (registries_complete(c, &r, a, &l, &e) < 0)
		return arena_printf(a, "%s %s", err_id_name(e.id), e.msg);
	for (size_t i = 0; i < l.n; i++)
		str_addf(&s, "%s%s", i ? " " : "", ref_text(a, &l.v[i]));
	return arena_strdup(a, str_cstr(&s));
}

static void short_names(void **state)
{
	scoped(arena) a = {0};
	struct registries c = {0};

	load(&c, "");
	assert_string_equal(names(&a, &c, "app:1"), "docker.io/library/app:1");
	registries_free(&c);
	load(&c,
	     "unqualified-search-registries = ['q.test', 'docker.io']\n"
	     "[aliases]\nalias = 'q.test/some/thing'\n'team/app' = 'r.test:5000/app'\nbad = 'x'\n");
	assert_string_equal(names(&a, &c, "app"), "q.test/app docker.io/library/app");
	assert_string_equal(names(&a, &c, "q.test/app"), "q.test/app");
	assert_string_equal(names(&a, &c, "alias:3"), "q.test/some/thing:3");
	assert_string_equal(names(&a, &c, "team/app" DIGEST), "r.test:5000/app" DIGEST);
	assert_non_null(strstr(names(&a, &c, "bad"), "E-REGISTRIES-CONF"));
	autofree char *cache = xasprintf("%s/containers", dir);
	mkdir(cache, 0700);
	if (geteuid()) {
		write_file("containers/short-name-aliases.conf",
			   "[aliases]\nalias = 'docker.io/library/other'\n'team/app' = ''\n");
		assert_string_equal(names(&a, &c, "alias"), "docker.io/library/other");
		assert_string_equal(names(&a, &c, "team/app"),
				    "q.test/team/app docker.io/team/app");
		write_file("containers/short-name-aliases.conf", "");
	}
	registries_free(&c);
	load(&c, "unqualified-search-registries = ['q.test', 'docker.io']\nshort-name-mode = "
		 "'enforcing'\n");
	assert_string_equal(names(&a, &c, "app:1"),
			    "E-SHORT-NAME app:1 may be any of q.test/app:1, "
			    "docker.io/library/app:1");
	registries_free(&c);
	load(&c, "unqualified-search-registries = ['q.test']\nshort-name-mode = 'enforcing'\n");
	assert_string_equal(names(&a, &c, "app:1"), "q.test/app:1");
	registries_free(&c);
}

static void drop_ins(void **state)
{
	struct registries c = {0};
	scoped(arena) a = {0};

	autofree char *d = xasprintf("%s/conf.d", dir);
	mkdir(d, 0700);
	write_file("conf.d/20.conf", "[[registry]]\nprefix='a.test'\nlocation='three.test'\n");
	write_file("conf.d/10.conf", "unqualified-search-registries = ['z.test']\n"
				     "[[registry]]\nprefix='a.test'\nlocation='two.test'\n"
				     "[[registry]]\nprefix='b.test'\nlocation='two.test'\n");
	write_file("conf.d/30.conf.bak", "broken");
	load(&c, "unqualified-search-registries = ['y.test']\n"
		 "[[registry]]\nprefix='a.test'\nlocation='one.test'\n"
		 "[[registry]]\nprefix='c.test'\nlocation='one.test'\n");
	assert_string_equal(places(&a, &c, "a.test/x:1"), "three.test/x:1");
	assert_string_equal(places(&a, &c, "b.test/x:1"), "two.test/x:1");
	assert_string_equal(places(&a, &c, "c.test/x:1"), "one.test/x:1");
	assert_string_equal(names(&a, &c, "x"), "z.test/x");
	registries_free(&c);
	path_rm_tree_at(AT_FDCWD, d);
}

static void faults(void **state)
{
	static const char *const t[][2] = {
		{"a = ", "main.conf:1:5: here a value"},
		{"[[registry]]", "neither prefix nor location"},
		{"[[registry]]\nprefix = 'a.b'", "has no location"},
		{"[[registry]]\nlocation = 'https://a.b'", "scheme"},
		{"[[registry]]\nlocation = 'word'", "HOST[:PORT][/PATH]"},
		{"[[registry]]\nlocation = 'a.b/../c'", "HOST[:PORT][/PATH]"},
		{"[[registry]]\nlocation = 7", "main.conf:2:12: \"location\" is a number"},
		{"[[registry]]\nprefix = '*.a/b'", "*.DOMAIN"},
		{"[[registry]]\nlocation='a.b'\n[[registry.mirror]]", "\"location\" is missing"},
		{"[[registry]]\nlocation='a.b'\n[[registry.mirror]]\nlocation='c.d'\n"
		 "pull-from-mirror='x'",
		 "digest-only or tag-only"},
		{"[[registry]]\nlocation='a.b'\nmirror-by-digest-only=true\n[[registry.mirror]]\n"
		 "location='c.d'\npull-from-mirror='all'",
		 "one of both"},
		{"unqualified-search-registries = ['a.b/c']", "HOST[:PORT]"},
		{"unqualified-search-registries = 'a.b'", "wanted"},
		{"short-name-mode = 'loose'", "enforcing, permissive or disabled"},
		{"[registries.search]\nregistries = ['a.b']", "first version"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(registries) c = {0};
		struct err e = {0};
		write_file("main.conf", t[i][0]);
		assert_true(registries_load(&c, &e) < 0);
		assert_int_equal(e.id, ERR_REGISTRIES_CONF);
		if (!strstr(e.msg, t[i][1]) || !strstr(e.msg, "main.conf") || !e.hint[0])
			fail_msg("%s: wanted %s, got %s", t[i][0], t[i][1], e.msg);
	}
	scoped(registries) c = {0};
	struct err e = {0};
	setenv("CONTAINERS_REGISTRIES_CONF", "/nonexistent/x", 1);
	assert_true(registries_load(&c, &e) < 0 && strstr(e.msg, "/nonexistent/x"));
}

static const char *judged(const char *doc, const char *name)
{
	scoped(arena) a = {0};
	struct reference r;
	struct err e = {0};

	assert_int_equal(ref_parse(&a, name, &r, &e), 0);
	if (policy_document(doc, strlen(doc), "p", &r, &e) == 0)
		return "in";
	return e.id == ERR_POLICY	 ? strstr(e.msg, "signature") ? "signed" : "reject"
	       : e.id == ERR_POLICY_FILE ? "bad"
					 : "?";
}

static void policies(void **state)
{
#define IN     "[{\"type\": \"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\": \"reject\"}]"
#define SIGNED "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"/k\"}]"
	static const char scopes[] =
		"{\"default\": " REJECT ", \"transports\": {\"docker-daemon\": {\"\": " IN
		"}, \"docker\": {\"a.test\": " IN ", \"a.test/no\": " REJECT
		", \"a.test/no/yes\": " IN ", \"a.test/no/yes:1\": " SIGNED ", \"*.b.test\": " IN
		", \"*.test:5000\": " REJECT
		", \"docker.io/library\": [{\"type\": \"insecureAcceptAnything\"}, {\"type\": "
		"\"sigstoreSigned\"}]}}}";
	static const char *const t[][3] = {
		{"{\"default\": " IN "}", "a.b/x:1", "in"},
		{"{\"default\": " REJECT "}", "a.b/x:1", "reject"},
		{"{\"default\": " SIGNED "}", "a.b/x:1", "signed"},
		{"{\"default\": " REJECT ", \"transports\": {\"docker\": {\"\": " IN "}}}",
		 "a.b/x:1", "in"},
		{"{\"default\": " IN ", \"transports\": {\"docker\": {\"\": " REJECT "}}}",
		 "a.b/x:1", "reject"},
		{scopes, "a.test/x:1", "in"},
		{scopes, "a.test/no/x:1", "reject"},
		{scopes, "a.test/nono/x:1", "in"},
		{scopes, "a.test/no/yes:2", "in"},
		{scopes, "a.test/no/yes:1", "signed"},
		{scopes, "a.test:5000/x:1", "reject"},
		{scopes, "x.b.test:5000/x:1", "in"},
		{scopes, "b.test/x:1", "reject"},
		{scopes, "docker.io/x:1", "signed"},
		{"{}", "a.b/x:1", "bad"},
		{"[]", "a.b/x:1", "bad"},
		{"{", "a.b/x:1", "bad"},
		{"{\"default\": []}", "a.b/x:1", "bad"},
		{"{\"default\": {}}", "a.b/x:1", "bad"},
		{"{\"default\": [{\"type\": \"other\"}]}", "a.b/x:1", "bad"},
		{"{\"default\": [{}]}", "a.b/x:1", "bad"},
		{"{\"default\": " IN ", \"transports\": {\"docker\": []}}", "a.b/x:1", "bad"},
	};

	for (size_t i = 0; i < countof(t); i++)
		if (strcmp(judged(t[i][0], t[i][1]), t[i][2]))
			fail_msg("%s for %s: wanted %s, got %s", t[i][0], t[i][1], t[i][2],
				 judged(t[i][0], t[i][1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_names_lead), cmocka_unit_test(short_names),
		cmocka_unit_test(drop_ins),	    cmocka_unit_test(faults),
		cmocka_unit_test(policies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
