/* Unit tests of network records and leases: which address is given, to how many at once, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "net/lease.h"
#include "state/container.h"
#include "state/tmp.h"

static struct home h;
static struct arena a;
static char dir[40];

static int setup(void **state)
{
	struct err e;

	snprintf(dir, sizeof dir, "/tmp/hoy-lease-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return home_open(&h, dir, &e);
}

static int teardown(void **state)
{
	home_free(&h);
	arena_free(&a);
	return path_rm_tree_at(AT_FDCWD, dir);
}

/* A container that exists. */
static char *container(void)
{
	char id[CONTAINER_ID_LEN + 1], path[120];

	snprintf(path, sizeof path, "containers/%s", container_new_id(id));
	assert_int_equal(path_mkdir_p_at(h.fd, path, 0700), 0);
	return arena_strdup(&a, id);
}

static void remove_container(const char *id)
{
	autofree char *path = xasprintf("containers/%s", id);
	assert_int_equal(path_rm_tree_at(h.fd, path), 0);
}

static void add(struct network *n, const char *subnet, const char *gw, const char *from,
		const char *to)
{
	struct subnet *s = bind_append(&a, &n->subnets, sizeof *s);

	*s = (struct subnet){.subnet = subnet, .gateway = gw, .range_start = from, .range_end = to};
}

static void make(struct network *n, const char *name)
{
	struct err e = {0};
	autoclose int lock = networks_lock(&h, &e);

	assert_true(lock >= 0);
	n->name = name;
	n->driver = n->driver ? n->driver : "bridge";
	if (network_make(&h, n, &a, &e) < 0)
		fail_msg("%s", e.msg);
}

static const char *take_free_one(const struct network *n, const char *id)
{
	struct endpoint ep = {.network = n->name};
	struct err e = {0};

	if (leases_take(&h, n, id, &ep, &a, &e) < 0)
		fail_msg("%s", e.msg);
	return ep.ip4;
}

/* NULL if it was given; else the reason. */
static const char *ask(const struct network *n, const char *id, const char *ip4, const char *ip6,
		       const char *mac)
{
	struct endpoint ep = {.network = n->name,
			      .ip4 = ip4,
			      .ip6 = ip6,
			      .mac = mac,
			      .fixed4 = ip4,
			      .fixed6 = ip6,
			      .fixed_mac = mac};
	struct err e = {0};

	if (leases_take(&h, n, id, &ep, &a, &e) == 0)
		return NULL;
	assert_int_equal(e.id, ERR_NETWORK_ADDRESS);
	return arena_strdup(&a, e.msg);
}

static void defaults(void **state)
{
	struct network n, again;
	struct err e = {0};

	assert_int_equal(network_find(&h, "bridge", false, &n, &a, &e), -ENOENT);
	assert_int_equal(e.id, ERR_NETWORK_UNKNOWN);
	assert_int_equal(network_find(&h, "podman", true, &n, &a, &e), 0);
	assert_string_equal(n.name, "bridge");
	assert_int_equal(n.subnets.n, 2);
	assert_int_equal(network_find(&h, "default", false, &again, &a, &e), 0);
	assert_string_equal(network_subnet(&again, 6)->subnet, network_subnet(&n, 6)->subnet);
	assert_int_equal(network_find(&h, NETWORK_DEFAULT_ID, false, &again, &a, &e), 0);
	assert_int_equal(network_find(&h, "6", false, &again, &a, &e), -ENOENT);
	assert_int_equal(network_find(&h, "bridg", false, &again, &a, &e), -ENOENT);
	assert_string_equal(e.hint, "did you mean bridge?");
	struct endpoint ep = {.network = "bridge"};
	assert_int_equal(leases_take(&h, &n, container(), &ep, &a, &e), 0);
	assert_true(str_ends(ep.ip4, ".0.2"));
	assert_true(str_starts(ep.ip6, "fd") && str_ends(ep.ip6, "::2"));
	assert_true(str_starts(ep.mac, "0a:58:") && str_ends(ep.mac, ":00:02"));
}

static void records(void **state)
{
#define GOOD(rest)                                                                                 \
	"{\"Version\":1,\"Name\":\"x\",\"Driver\":\"bridge\","                                     \
	"\"Id\":\"" NETWORK_DEFAULT_ID "\"" rest "}"
	static const char *const broken[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"Version\":1}",
		"{\"Version\":1,\"Name\":\"x\",\"Driver\":\"bridge\",\"Id\":\"../..\"}",
		"{\"Version\":1,\"Name\":\"y\",\"Driver\":\"bridge\",\"Id\":\"" NETWORK_DEFAULT_ID
		"\"}",
		GOOD(",\"Driver\":\"x\""),
		GOOD(",\"Interface\":\"a/b\""),
		GOOD(",\"Interface\":\"sixteen-letters-\""),
		GOOD(",\"Subnets\":[{\"Subnet\":\"10.0.0.0\"}]"),
		GOOD(",\"Subnets\":[{\"Subnet\":\"10.0.0.0/24\"}]"),
		GOOD(",\"Subnets\":[{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":\"10.0.1.1\"}]"),
		GOOD(",\"Subnets\":[{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":\"10.0.0.1\"},"
		     "{\"Subnet\":\"10.1.0.0/24\",\"Gateway\":\"10.1.0.1\"}]"),
		GOOD(",\"Routes\":[{\"Destination\":\"x\",\"Gateway\":\"10.0.0.1\"}]"),
		GOOD(",\"Routes\":[{\"Destination\":\"10.0.0.0/8\",\"Gateway\":\"10.0.0.1\","
		     "\"Metric\":-1}]"),
		GOOD(",\"DNSServers\":[\"example.org\"]"),
	};
	struct network n;

	path_mkdir_p_at(h.fd, "networks/x/leases", 0700);
	for (size_t i = 0; i < countof(broken); i++) {
		struct err e = {0};
		assert_int_equal(fd_write_file_at(h.fd, "networks/x/config.json", broken[i],
						  strlen(broken[i]), 0600),
				 0);
		int r = network_find(&h, "x", true, &n, &a, &e);
		if (r >= 0 || r == -ENOENT || !*e.msg)
			fail_msg("%s passes", broken[i]);
	}
	static const char newer[] = "{\"Version\":2,\"Name\":{}}";
	struct err e = {0};
	assert_int_equal(
		fd_write_file_at(h.fd, "networks/x/config.json", newer, sizeof newer - 1, 0600), 0);
	assert_true(network_find(&h, "x", true, &n, &a, &e) < 0);
	assert_int_equal(e.id, ERR_NEWER);
	static const char good[] = GOOD("");
	assert_int_equal(
		fd_write_file_at(h.fd, "networks/x/config.json", good, sizeof good - 1, 0600), 0);
	assert_int_equal(network_find(&h, "x", true, &n, &a, &e), 0);
	assert_true(network_find(&h, "../x", true, &n, &a, &e) == -ENOENT);
	assert_true(network_find(&h, "", true, &n, &a, &e) == -ENOENT);
}

/* Neither the network's, the gateway's, the reserved nor the broadcast address; all the others; then it is full. */
static void small(void **state)
{
	struct network n = {0};
	struct err e = {0};
	char *id = NULL;

	add(&n, "10.89.0.0/29", "10.89.0.3", NULL, NULL);
	pairs_set(&a, &((struct subnet *)n.subnets.v)->reserved, "host", "10.89.0.4");
	make(&n, "small");
	static const char *const want[] = {"10.89.0.1", "10.89.0.2", "10.89.0.5", "10.89.0.6"};
	for (size_t i = 0; i < countof(want); i++)
		assert_string_equal(take_free_one(&n, id = container()), want[i]);
	struct endpoint ep = {.network = "small"};
	assert_true(leases_take(&h, &n, container(), &ep, &a, &e) < 0);
	assert_int_equal(e.id, ERR_NETWORK_ADDRESS);
	assert_non_null(strstr(e.msg, "full"));
	/* One is gone without giving anything back. */
	remove_container(id);
	assert_string_equal(take_free_one(&n, id = container()), "10.89.0.6");
	scoped(strv) users = {0};
	assert_int_equal(leases_users(&h, "small", &users, &e), 0);
	assert_int_equal(users.n, 4);
}

/* What was given back last is not what the next one gets. */
static void order(void **state)
{
	struct network n = {0};

	add(&n, "10.89.0.0/24", "10.89.0.1", "10.89.0.10", "10.89.0.12");
	make(&n, "o");
	for (int i = 0; i < 7; i++) {
		char *id = container();
		struct endpoint ep = {.network = "o"};
		struct err e;
		assert_int_equal(leases_take(&h, &n, id, &ep, &a, &e), 0);
		autofree char *want = xasprintf("10.89.0.%d", 10 + i % 3);
		assert_string_equal(ep.ip4, want);
		leases_drop(&h, "0000", &ep); /* not its own */
		struct endpoint other = {.network = "o", .ip4 = ep.ip4, .fixed4 = true};
		assert_true(leases_take(&h, &n, container(), &other, &a, &e) < 0);
		leases_drop(&h, id, &ep);
	}
}

static void fixed(void **state)
{
	struct network n = {0};

	add(&n, "10.89.0.0/24", "10.89.0.1", "10.89.0.128", "10.89.0.255");
	add(&n, "fd00:1::/64", "fd00:1::1", NULL, NULL);
	make(&n, "f");
	char *id = container();
	assert_null(ask(&n, id, "10.89.0.7", "fd00:1:0::0:7", "02:00:00:00:00:0A"));
	assert_null(ask(&n, id, "10.89.0.7", "fd00:1::7", NULL)); /* has it itself */
	assert_non_null(
		strstr(ask(&n, container(), "10.89.0.7", NULL, NULL), "taken by container"));
	assert_non_null(strstr(ask(&n, container(), NULL, "fd00:1::7", NULL), "fd00:1::7"));
	assert_non_null(ask(&n, container(), NULL, NULL, "02-00-00-00-00-0a"));
	static const char *const never4[] = {"10.89.0.0", "10.89.0.255",   "10.89.0.1",
					     "10.89.1.1", "fd00:1::9",	   "x",
					     "",	  "../config.json"};
	for (size_t i = 0; i < countof(never4); i++)
		if (!ask(&n, container(), never4[i], NULL, NULL))
			fail_msg("%s was given", never4[i]);
	static const char *const never6[] = {"fd00:1::", "fd00:1::1", "fd00:2::1", "10.89.0.9"};
	for (size_t i = 0; i < countof(never6); i++)
		if (!ask(&n, container(), NULL, never6[i], NULL))
			fail_msg("%s was given", never6[i]);
	assert_non_null(ask(&n, container(), NULL, NULL, "01:00:00:00:00:01"));
	assert_non_null(ask(&n, container(), NULL, NULL, "0a:58:0a:59:00:01"));
	/* Nothing of a refused one is kept. */
	assert_non_null(ask(&n, container(), "10.89.0.8", "fd00:1::7", NULL));
	assert_non_null(ask(&n, container(), "10.89.0.8", NULL, "02:00:00:00:00:0a"));
	assert_null(ask(&n, container(), "10.89.0.8", NULL, NULL));
	assert_string_equal(take_free_one(&n, container()), "10.89.0.128");
	/* A MAC that somebody else's address would give. */
	assert_null(ask(&n, container(), NULL, NULL, "0a:58:0a:59:00:09"));
	struct endpoint ep = {.network = "f", .ip4 = "10.89.0.9", .fixed4 = true};
	struct err e = {0};
	assert_int_equal(leases_take(&h, &n, container(), &ep, &a, &e), 0);
	assert_string_equal(ep.mac, "0e:58:0a:59:00:09");
}

static void closing(void **state)
{
	struct network n = {0};
	struct endpoint ep = {.network = "c"};
	scoped(strv) users = {0};
	struct err e = {0};
	char *id = container();

	add(&n, "10.89.0.0/24", "10.89.0.1", NULL, NULL);
	make(&n, "c");
	assert_int_equal(leases_take(&h, &n, id, &ep, &a, &e), 0);
	assert_int_equal(leases_close(&h, "c", &users, &e), -EBUSY);
	assert_int_equal(users.n, 1);
	assert_string_equal(users.v[0], id);
	strv_free(&users);
	users = (struct strv){0};
	remove_container(id);
	assert_int_equal(leases_close(&h, "c", &users, &e), 0);
	assert_int_equal(leases_take(&h, &n, container(), &ep, &a, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "being removed"));
}

/* One whose last four bytes are the gateway's must not get its MAC. */
static void only_ipv6(void **state)
{
	struct network n = {0};
	struct endpoint ep = {.network = "v6", .ip6 = "fd00:1::1:0:0:1", .fixed6 = true};
	struct err e = {0};

	add(&n, "fd00:1::/64", "fd00:1::1", NULL, NULL);
	make(&n, "v6");
	assert_int_equal(leases_take(&h, &n, container(), &ep, &a, &e), 0);
	assert_string_equal(ep.mac, "0e:58:00:00:00:01");
	ep = (struct endpoint){.network = "v6"};
	assert_int_equal(leases_take(&h, &n, container(), &ep, &a, &e), 0);
	assert_string_equal(ep.ip6, "fd00:1::2");
	assert_string_equal(ep.mac, "0a:58:00:00:00:02");
	assert_null(ep.ip4);
}

enum { MANY = 300 };

/* One of many that start at once: a container that is being made. */
static void one_of_many(const char *network, int go, int say, int end)
{
	struct endpoint ep = {.network = network};
	char id[CONTAINER_ID_LEN + 1], c, line[IP_TEXT + MAC_TEXT + 8];
	struct home_tmp t;
	struct network n;
	struct err e = {0};

	if (home_tmp_make(&h, container_new_id(id), &t, NULL) < 0)
		_exit(1);
	(void)!read(go, &c, 1);
	if (network_find(&h, network, true, &n, &a, &e) < 0 ||
	    leases_take(&h, &n, id, &ep, &a, &e) < 0)
		_exit(1);
	snprintf(line, sizeof line, "%s %s\n", ep.ip4, ep.mac);
	(void)!write(say, line, strlen(line));
	(void)!read(end, &c, 1); /* until all are there: it lives */
	_exit(0);
}

/* Starts all, lets them go at once, and says how many different lines came. */
static size_t at_once(const char *network)
{
	int go[2], say[2], end[2];
	scoped(str) text = {0};
	scoped(strv) lines = {0};
	char buf[4096];
	size_t got = 0, different = 0;

	assert_true(pipe2(go, O_CLOEXEC) == 0 && pipe2(say, O_CLOEXEC) == 0 &&
		    pipe2(end, O_CLOEXEC) == 0);
	for (int i = 0; i < MANY; i++) {
		pid_t pid = proc_fork(0, NULL);
		assert_true(pid >= 0);
		if (pid == 0) {
			close(end[1]);
			one_of_many(network, go[0], say[1], end[0]);
		}
	}
	close(say[1]);
	memset(buf, 'g', MANY);
	assert_int_equal(write(go[1], buf, MANY), MANY);
	while (got < MANY) {
		ssize_t n = read(say[0], buf, sizeof buf);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			got += buf[i] == '\n';
		str_addn(&text, buf, (size_t)n);
	}
	close(end[1]);
	while (wait(NULL) > 0)
		;
	close(go[0]);
	close(go[1]);
	close(say[0]);
	close(end[0]);
	strv_split(&lines, str_cstr(&text), '\n');
	strv_sort(&lines);
	for (size_t i = 0; i < lines.n; i++)
		different += *lines.v[i] && (!i || strcmp(lines.v[i], lines.v[i - 1]) != 0);
	return different;
}

static void many(void **state)
{
	struct network n;
	struct err e = {0};
	scoped(strv) names = {0};

	/* The default network does not exist: one of them makes it. */
	assert_int_equal(at_once("bridge"), MANY);
	assert_int_equal(network_names(&h, &names, &e), 0);
	assert_int_equal(names.n, 1);
	assert_int_equal(network_find(&h, "bridge", false, &n, &a, &e), 0);
	/* All of them are dead now, and their leases are there: all are taken over. */
	struct network tight = {0};
	add(&tight, "10.90.0.0/23", "10.90.0.1", "10.90.0.2", "10.90.1.45");
	make(&tight, "tight");
	assert_int_equal(at_once("tight"), MANY);
	assert_int_equal(at_once("tight"), MANY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {TEST(defaults),  TEST(records), TEST(small),
					   TEST(order),	    TEST(fixed),   TEST(closing),
					   TEST(only_ipv6), TEST(many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
