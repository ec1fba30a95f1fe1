/* Unit tests of how ports are shown: what podman 5.4 and docker 28 print for the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/json.h"
#include "engine/port_text.h"

static struct arena arena;

static int teardown(void **state)
{
	arena_free(&arena);
	return 0;
}

static void add(struct container_state *s, const char *ip, int64_t host, int64_t port, int64_t n,
		const char *protocol)
{
	*(struct state_port *)bind_append(&arena, &s->ports, sizeof(struct state_port)) =
		(struct state_port){ip, host, port, n, protocol};
}

/* podman run -p 8091:80 -p 8092:80 -p 9004:104 -p 9003:103 -p 127.0.0.1:9100:100 -p 9001:53/udp -p 8093:7 --expose 5 */
static struct container_state many(void)
{
	struct container_state s = {0};

	add(&s, NULL, 8091, 80, 1, "tcp");
	add(&s, "", 8092, 80, 1, "tcp");
	add(&s, NULL, 9004, 104, 1, "tcp");
	add(&s, NULL, 9003, 103, 1, "tcp");
	add(&s, "127.0.0.1", 9100, 100, 1, "tcp");
	add(&s, NULL, 9001, 53, 1, "udp");
	add(&s, NULL, 8093, 7, 1, "tcp");
	strs_add(&arena, &s.exposed, "5/tcp");
	return s;
}

static const char *text(const struct json *j)
{
	scoped(str) s = {0};

	json_write(&s, j, 0);
	return arena_strdup(&arena, str_cstr(&s));
}

static void column(void **state)
{
	struct container_state s = many(), none = {0};

	assert_string_equal(ports_text(&arena, &none, false), "");
	assert_string_equal(ports_text(&arena, &s, false),
			    "0.0.0.0:8091->80/tcp, 0.0.0.0:8092->80/tcp, 0.0.0.0:8093->7/tcp, "
			    "0.0.0.0:9003-9004->103-104/tcp, 0.0.0.0:9001->53/udp, "
			    "127.0.0.1:9100->100/tcp, 5/tcp");
	s = (struct container_state){0};
	add(&s, NULL, 8000, 8000, 3, "tcp");
	add(&s, NULL, 8003, 8003, 1, "tcp");
	add(&s, NULL, 8080, 80, 1, "tcp");
	add(&s, "::1", 8085, 80, 1, "tcp");
	strs_add(&arena, &s.exposed, "80/tcp");
	strs_add(&arena, &s.exposed, "100-102/tcp");
	strs_add(&arena, &s.exposed, "7/udp");
	assert_string_equal(ports_text(&arena, &s, false),
			    "0.0.0.0:8000-8003->8000-8003/tcp, 0.0.0.0:8080->80/tcp, "
			    "[::1]:8085->80/tcp, 100-102/tcp, 7/udp");
	assert_string_equal(ports_text(&arena, &s, true),
			    "7/udp, 100-102/tcp, 0.0.0.0:8000-8003->8000-8003/tcp, "
			    "[::]:8000-8003->8000-8003/tcp, 0.0.0.0:8080->80/tcp, "
			    "[::]:8080->80/tcp, [::1]:8085->80/tcp");
	s = (struct container_state){0};
	add(&s, NULL, 0, 80, 1, "tcp"); /* not started yet */
	add(&s, NULL, 0, 81, 1, "tcp");
	strs_add(&arena, &s.exposed, "80/tcp");
	assert_string_equal(ports_text(&arena, &s, false), "80-81/tcp");
	add(&s, NULL, 9000, 90, 2, "tcp"); /* other numbers: docker does not merge them */
	assert_string_equal(ports_text(&arena, &s, true),
			    "80-81/tcp, 0.0.0.0:9000->90/tcp, [::]:9000->90/tcp, "
			    "0.0.0.0:9001->91/tcp, [::]:9001->91/tcp");
	assert_string_equal(ports_text(&arena, &s, false),
			    "0.0.0.0:9000-9001->90-91/tcp, 80-81/tcp");
}

static void maps(void **state)
{
	struct container_state s = {0}, none = {0};

	assert_string_equal(text(ports_map(&arena, &none, true, false)), "{}");
	assert_string_equal(text(ports_rows(&arena, &none)), "null");
	assert_string_equal(text(ports_exposed(&arena, &none)), "null");
	assert_null(ports_set(&arena, &none));
	add(&s, NULL, 8080, 80, 1, "tcp");
	add(&s, "127.0.0.1", 45983, 53, 1, "udp");
	add(&s, "::1", 8081, 80, 1, "tcp");
	strs_add(&arena, &s.exposed, "7/udp");
	strs_add(&arena, &s.exposed, "80/tcp");
	strs_add(&arena, &s.exposed, "7/tcp");
	assert_string_equal(text(ports_map(&arena, &s, true, false)),
			    "{\"7/tcp\":null,\"7/udp\":null,"
			    "\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"45983\"}],"
			    "\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},"
			    "{\"HostIp\":\"::1\",\"HostPort\":\"8081\"}]}");
	assert_string_equal(text(ports_map(&arena, &s, false, true)),
			    "{\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"45983\"}],"
			    "\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},"
			    "{\"HostIp\":\"::\",\"HostPort\":\"8080\"},"
			    "{\"HostIp\":\"::1\",\"HostPort\":\"8081\"}]}");
	assert_string_equal(text(ports_exposed(&arena, &s)), "{\"7\":[\"tcp\",\"udp\"]}");
	assert_string_equal(text(ports_set(&arena, &s)),
			    "{\"7/tcp\":{},\"7/udp\":{},\"53/udp\":{},\"80/tcp\":{}}");
	assert_string_equal(text(ports_rows(&arena, &s)),
			    "[{\"host_ip\":\"\",\"container_port\":80,\"host_port\":8080,"
			    "\"range\":1,\"protocol\":\"tcp\"},"
			    "{\"host_ip\":\"127.0.0.1\",\"container_port\":53,\"host_port\":45983,"
			    "\"range\":1,\"protocol\":\"udp\"},"
			    "{\"host_ip\":\"::1\",\"container_port\":80,\"host_port\":8081,"
			    "\"range\":1,\"protocol\":\"tcp\"}]");
}

static void single(void **state)
{
	struct container_state s = many();
	struct port_binding *v;

	assert_int_equal(ports_bindings(&arena, &s, NULL, false, &v), 7);
	assert_string_equal(v[0].name, "7/tcp");
	assert_string_equal(v[0].address, "0.0.0.0:8093");
	assert_string_equal(v[2].name, "80/tcp");
	assert_int_equal(ports_bindings(&arena, &s, NULL, true, &v), 13);
	assert_int_equal(ports_bindings(&arena, &s, "80/tcp", false, &v), 2);
	assert_string_equal(v[1].address, "0.0.0.0:8092");
	assert_int_equal(ports_bindings(&arena, &s, "80/udp", false, &v), 0);
	assert_int_equal(ports_bindings(&arena, &s, "100/tcp", true, &v), 1);
	assert_string_equal(v[0].address, "127.0.0.1:9100");

	assert_true(ports_published(&s, 8091, 8091, "tcp"));
	assert_true(ports_published(&s, 9000, 9010, "tcp"));
	assert_false(ports_published(&s, 80, 80, "tcp"));
	assert_false(ports_published(&s, 8091, 8091, "udp"));
	assert_true(ports_has_exposed(&s, 80, 80, "tcp"));
	assert_true(ports_has_exposed(&s, 5, 5, "tcp"));
	assert_true(ports_has_exposed(&s, 1, 6, "tcp"));
	assert_false(ports_has_exposed(&s, 5, 5, "udp"));
	assert_false(ports_has_exposed(&s, 8091, 8091, "tcp"));
}

/* Everything there is, and records that are not of their form. */
static void extremes(void **state)
{
	struct container_state s = {0};

	add(&s, NULL, 1, 1, 65535, "tcp");
	strs_add(&arena, &s.exposed, "1-65535/tcp");
	assert_string_equal(ports_text(&arena, &s, false), "0.0.0.0:1-65535->1-65535/tcp");
	assert_int_equal(ports_map(&arena, &s, true, true)->obj.n, 65535);
	s = (struct container_state){0};
	add(&s, NULL, 80, 0, 1, "tcp");
	add(&s, NULL, 80, 80, 0, "tcp");
	add(&s, NULL, 80, 80, 65535, NULL);
	add(&s, NULL, 65535, 80, 2, "tcp");
	add(&s, NULL, 80, INT64_MAX, INT64_MAX, "tcp");
	add(&s, NULL, -1, 80, 1, "tcp");
	strs_add(&arena, &s.exposed, "x");
	assert_string_equal(ports_text(&arena, &s, false), "");
	assert_string_equal(text(ports_map(&arena, &s, true, true)), "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(column, teardown),
		cmocka_unit_test_teardown(maps, teardown),
		cmocka_unit_test_teardown(single, teardown),
		cmocka_unit_test_teardown(extremes, teardown),
	};

	return cmocka_run_group_tests_name("port_text", tests, NULL, NULL);
}
