/* Unit tests of tables; the rows of podman and docker are what they print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/table.h"

static const struct table_style narrow = {0, 2};

static void aligned(void **state)
{
	static const struct {
		const struct table_style *style;
		const char *in, *out;
	} t[] = {
		{&table_podman, "", ""},
		{&table_podman, "x", "x\n"},
		{&table_podman, "\n\n", "\n\n"},
		{&table_podman, "CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tPORTS\tNAMES\n",
		 "CONTAINER ID  IMAGE       COMMAND     CREATED     STATUS      PORTS       "
		 "NAMES\n"},
		{&table_docker, "CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tPORTS\tNAMES\n",
		 "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"},
		{&narrow, "ID\tNAME\nabc\tx\nd\tlonger name\tmore\n",
		 "ID   NAME\nabc  x\nd    longer name  more\n"},
		/* The last cell makes no column wider; an empty end leaves no blanks. */
		{&narrow, "a\tvery long\nb\tx\ty\nc\t\t\n", "a  very long\nb  x  y\nc\n"},
		/* A row without the cell ends the column. */
		{&narrow, "a\tb\nlonger\nccc\td\n", "a  b\nlonger\nccc  d\n"},
		{&narrow, "\xe6\xbc\xa2\tx\ne\xcc\x81\ty\nabc\tz\n",
		 "\xe6\xbc\xa2   x\ne\xcc\x81    y\nabc  z\n"},
		{&narrow, "\x1b[31mred\tx\xff\xc2\x9b\n", "\\x1b[31mred  x\\xff\\u{009b}\n"},
		{&narrow, "\t\tx\na\tb\tc\n", "      x\na  b  c\n"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(str) out = {0};
		table_align(&out, t[i].in, t[i].style, 0);
		assert_string_equal(str_cstr(&out), t[i].out);
	}
}

/* Ten thousand rows and a row of ten thousand cells. */
static void large(void **state)
{
	scoped(str) in = {0}, out = {0};

	for (int i = 0; i < 10000; i++)
		str_addf(&in, "%d\tname\tx\n", i);
	for (int i = 0; i < 10000; i++)
		str_addf(&in, "%d\t", i);
	table_align(&out, str_cstr(&in), &narrow, 0);
	assert_non_null(strstr(str_cstr(&out), "\n9999  name  x\n"));
	assert_true(str_ends(str_cstr(&out), "  9999\n"));
}

/* On a terminal that is too narrow. */
static void fitted(void **state)
{
	static const char in[] = "ID\tIMAGE\tPORTS\tNAMES\nabcdefghijklmn\tlocalhost/"
				 "busybox:latest\t\tvery_own_name\n";
	static const struct {
		size_t most;
		const char *out;
	} t[] = {
		{0, "ID              IMAGE                     PORTS       NAMES\nabcdefghijklmn  "
		    "localhost/busybox:latest              very_own_name\n"},
		{67, "ID              IMAGE                     PORTS       NAMES\nabcdefghijklmn  "
		     "localhost/busybox:latest              very_own_name\n"},
		{62, "ID              IMAGE                     PORTS  NAMES\nabcdefghijklmn  "
		     "localhost/busybox:latest         very_own_name\n"},
		{60, "ID              IMAGE                   PORTS  NAMES\nabcdefghijklmn  "
		     "localhost/busybox:lat\xe2\x80\xa6         very_own_name\n"},
		{10, "ID              IMAGE       PORTS  NAMES\nabcdefghijklmn  "
		     "localhost\xe2\x80\xa6         very_own_name\n"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(str) out = {0};
		table_align(&out, in, &table_podman, t[i].most);
		assert_string_equal(str_cstr(&out), t[i].out);
	}
	/* Half of an id is none. */
	scoped(str) ids = {0};
	table_align(&ids, "NAME\tIMAGE ID\tSIZE\nlocalhost/busybox\t7aca1d15ff70\t2.14 MB\n",
		    &table_podman, 10);
	assert_string_equal(str_cstr(&ids), "NAME               IMAGE ID      "
					    "SIZE\nlocalhost/busybox  7aca1d15ff70  2.14 MB\n");
	/* What is cut is cut between characters; rows of different kinds are left as they are. */
	scoped(str) wide = {0}, odd = {0};
	table_align(
		&wide,
		"a\t\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\tx\n",
		&narrow, 4);
	assert_string_equal(
		str_cstr(&wide),
		"a  \xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe2\x80\xa6   x\n");
	table_align(&odd, "a\tbcdefghijklmnopq\tc\nd\n", &narrow, 4);
	assert_string_equal(str_cstr(&odd), "a  bcdefghijklmnopq  c\nd\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(aligned), cmocka_unit_test(large),
					   cmocka_unit_test(fitted)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
