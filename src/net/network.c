#include <dirent.h>
#include <net/if.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "net/network.h"
#include "net/subnets.h"
#include "state/container.h"
#include "state/tmp.h"

enum { NETWORK_VERSION = 1, NETWORK_FILE_MAX = 1 << 20 };

#define AT(field) offsetof(struct network, field)
static const struct bind_field subnet_fields[] = {
	{"Subnet", BIND_STR, offsetof(struct subnet, subnet), .flags = BIND_REQUIRED},
	{"Gateway", BIND_STR, offsetof(struct subnet, gateway)},
	{"RangeStart", BIND_STR, offsetof(struct subnet, range_start)},
	{"RangeEnd", BIND_STR, offsetof(struct subnet, range_end)},
	{"Reserved", BIND_PAIRS, offsetof(struct subnet, reserved)},
	{0},
};

static const struct bind_field route_fields[] = {
	{"Destination", BIND_STR, offsetof(struct network_route, destination),
	 .flags = BIND_REQUIRED},
	{"Gateway", BIND_STR, offsetof(struct network_route, gateway), .flags = BIND_REQUIRED},
	{"Metric", BIND_INT, offsetof(struct network_route, metric)},
	{0},
};

const struct bind_field network_fields[] = {
	{"Version", BIND_INT, AT(version), .flags = BIND_REQUIRED},
	{"Name", BIND_STR, AT(name), .flags = BIND_REQUIRED},
	{"Id", BIND_STR, AT(id), .flags = BIND_REQUIRED},
	{"Created", BIND_STR, AT(created)},
	{"Driver", BIND_STR, AT(driver), .flags = BIND_REQUIRED},
	{"Interface", BIND_STR, AT(interface)},
	{"Subnets", BIND_LIST, AT(subnets), subnet_fields, sizeof(struct subnet)},
	{"Routes", BIND_LIST, AT(routes), route_fields, sizeof(struct network_route)},
	{"IPv6", BIND_BOOL, AT(ipv6)},
	{"Internal", BIND_BOOL, AT(internal)},
	{"DNS", BIND_BOOL, AT(dns)},
	{"DNSServers", BIND_STRS, AT(dns_servers)},
	{"Labels", BIND_PAIRS, AT(labels)},
	{"Options", BIND_PAIRS, AT(options)},
	{0},
};
#undef AT

bool network_is_default(const char *text)
{
	return !strcmp(text, NETWORK_DEFAULT) || !strcmp(text, "default") ||
	       !strcmp(text, "podman");
}

int network_check_name(const char *name, struct err *e)
{
	if (container_check_name(name, NULL) == 0 && strlen(name) <= NETWORK_NAME_MAX)
		return 0;
	err_fail(e, ERR_NAME, "\"%.80s\" cannot be the name of a network", name);
	if (strlen(name) > NETWORK_NAME_MAX)
		return err_hint(e, "at most %d bytes", NETWORK_NAME_MAX);
	return err_hint(e, "letters, digits, '_', '.' and '-', the first one a letter or digit");
}

const struct subnet *network_subnet(const struct network *n, int family)
{
	const struct subnet *s = n->subnets.v;

	for (size_t i = 0; i < n->subnets.n; i++)
		if ((strchr(s[i].subnet, ':') ? 6 : 4) == family)
			return &s[i];
	return NULL;
}

const struct endpoint *network_endpoint(const struct endpoints *l, const struct network *n)
{
	const struct endpoint *v = l->v.v;

	for (size_t i = 0; i < l->v.n; i++)
		if (!strcmp(v[i].network, n->name) &&
		    (!v[i].network_id || str_eq(v[i].network_id, n->id)))
			return &v[i];
	return NULL;
}

/* ---- reading: what the rest believes of a record is looked at here */

static bool is_hex(const char *s)
{
	return *s && s[strspn(s, "0123456789abcdef")] == 0;
}

static const char *bad_subnet(const struct network *n, const struct subnet *s, bool seen[2])
{
	const char *const inside[] = {s->gateway, s->range_start, s->range_end};
	struct ip_net net;
	struct ip ip;

	if (ip_net_parse(s->subnet, &net) < 0)
		return "a subnet is none";
	if (seen[net.ip.family == 6])
		return "it has two subnets of one family";
	seen[net.ip.family == 6] = true;
	if (!s->gateway && !strcmp(n->driver, "bridge"))
		return "a subnet has no gateway";
	for (size_t i = 0; i < countof(inside); i++)
		if (inside[i] && (ip_parse(inside[i], &ip) < 0 || !ip_net_has(&net, &ip)))
			return "an address lies outside of its subnet";
	for (size_t i = 0; i < s->reserved.n; i++)
		if (ip_parse(s->reserved.v[i].v, &ip) < 0)
			return "a reserved address is none";
	return NULL;
}

/* What is wrong with it, or NULL. */
static const char *bad(const struct network *n, const char *name)
{
	const struct network_route *route = n->routes.v;
	const struct subnet *s = n->subnets.v;
	bool seen[2] = {false, false};
	struct ip_net net;
	struct ip ip;

	if (strcmp(n->name, name) != 0)
		return "it is of another name";
	if (strlen(n->id) != CONTAINER_ID_LEN || !is_hex(n->id))
		return "its ID is none";
	if (strcmp(n->driver, "bridge") && strcmp(n->driver, "macvlan") &&
	    strcmp(n->driver, "ipvlan"))
		return "its driver is unknown";
	if (n->interface && (!*n->interface || strlen(n->interface) >= IF_NAMESIZE ||
			     strpbrk(n->interface, "/ \t\n")))
		return "its interface has no possible name";
	for (size_t i = 0; i < n->subnets.n; i++) {
		const char *what = bad_subnet(n, &s[i], seen);
		if (what)
			return what;
	}
	if (n->routes.n > NETWORK_ROUTES_MAX || n->dns_servers.n > NETWORK_DNS_MAX)
		return "it has too many routes or name servers";
	for (size_t i = 0; i < n->routes.n; i++)
		if (ip_net_parse(route[i].destination, &net) < 0 ||
		    ip_parse(route[i].gateway, &ip) < 0 || route[i].metric < 0 ||
		    route[i].metric > UINT32_MAX)
			return "a route is none";
	for (size_t i = 0; i < n->dns_servers.n; i++)
		if (ip_parse(n->dns_servers.v[i], &ip) < 0)
			return "the address of a name server is none";
	return NULL;
}

/* Of a newer hoy, anything may have another form: looked at first. */
static int check_version(const struct json *doc, const char *name, struct err *e)
{
	struct {
		int64_t version;
	} v = {0};
	static const struct bind_field fields[] = {{"Version", BIND_INT, 0}, {0}};

	if (bind_read(fields, &v, doc, "", NULL, NULL) == 0 && v.version <= NETWORK_VERSION)
		return 0;
	if (v.version <= NETWORK_VERSION)
		return 0; /* bind_read() of the whole will say what is wrong */
	err_fail(e, ERR_NEWER, "the network %s was made by a newer release of hoy", name);
	return err_hint(e, "use that release, or remove the network with it");
}

int network_read(const struct home *h, const char *name, struct network *ret, struct arena *a,
		 struct err *e)
{
	char path[NETWORK_NAME_MAX + 32];
	scoped(str) text = {0};

	memset(ret, 0, sizeof *ret);
	snprintf(path, sizeof path, "networks/%.128s/config.json", name);
	int r = fd_read_file_at(h->fd, path, &text, NETWORK_FILE_MAX);
	if (r == -ENOENT || r == -ENOTDIR)
		return -ENOENT;
	if (r == -EFBIG || r == -EINVAL || r == -ELOOP) {
		err_fail(e, ERR_NETWORK_RECORD,
			 "the record of the network %s is broken: it is no file, or too large",
			 name);
		return err_hint(e, "it is %s/%s", h->path, path);
	}
	if (r < 0)
		return err_set(e, r, "read the record of the network %s", name);
	struct json *doc = json_parse(a, str_cstr(&text), text.len, path, NULL, e);
	r = doc ? check_version(doc, name, e) : -EINVAL;
	if (r == 0)
		r = bind_read(network_fields, ret, doc, path, a, e);
	if (r < 0 && e && e->id == ERR_JSON) {
		e->id = ERR_NETWORK_RECORD;
		return err_hint(e, "it is %s/%s", h->path, path);
	}
	const char *what = r == 0 ? bad(ret, name) : NULL;
	if (!what)
		return r;
	err_fail(e, ERR_NETWORK_RECORD, "the record of the network %s is broken: %s", name, what);
	return err_hint(e, "it is %s/%s", h->path, path);
}

int network_names(const struct home *h, struct strv *ret, struct err *e)
{
	int fd = openat(h->fd, "networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/networks", h->path);
	for (struct dirent *de; (de = readdir(d));)
		if (network_check_name(de->d_name, NULL) == 0)
			strv_add(ret, de->d_name);
	closedir(d);
	strv_sort(ret);
	return 0;
}

/* ---- making and changing */

int networks_lock(const struct home *h, struct err *e)
{
	autoclose int fd = home_dir(h, "networks", e);

	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock %s/networks", h->path);
	return take_fd(fd);
}

static void record_text(const struct network *n, struct str *ret)
{
	scoped(arena) a = {0};
	struct network now = *n;

	now.version = NETWORK_VERSION;
	json_write(ret, bind_write(network_fields, &now, &a), 0);
	str_addc(ret, '\n');
}

int network_write(const struct home *h, const struct network *n, struct err *e)
{
	scoped(str) text = {0};
	autofree char *dir = xasprintf("%s/networks/%s", h->path, n->name);
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open %s", dir);
	record_text(n, &text);
	int r = fd_replace_at(fd, "config.json", text.s, text.len, 0600, true);
	return r < 0 ? err_set(e, r, "write the record of the network %s", n->name) : 0;
}

/* What is in tmp/<...> becomes networks/<name>. */
static int put_in_place(const struct home *h, const struct network *n, const struct home_tmp *t,
			struct err *e)
{
	char path[NETWORK_NAME_MAX + 16];
	scoped(str) text = {0};

	record_text(n, &text);
	int r = fd_replace_at(t->fd, "config.json", text.s, text.len, 0600, true);
	if (r == 0 && mkdirat(t->fd, "leases", 0700) < 0)
		r = -errno;
	if (r == 0)
		fsync(t->fd);
	snprintf(path, sizeof path, "networks/%s", n->name);
	if (r == 0 && renameat2(h->fd, t->name, h->fd, path, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r == -EEXIST || r == -ENOTEMPTY) {
		err_fail_code(e, ERR_NETWORK_EXISTS, EEXIST, "there is a network %s already",
			      n->name);
		return err_hint(e, "hoy network inspect %s shows it", n->name);
	}
	return r < 0 ? err_set(e, r, "write the record of the network %s", n->name) : 0;
}

int network_make(const struct home *h, struct network *n, struct arena *a, struct err *e)
{
	char id[CONTAINER_ID_LEN + 1], now[40];
	struct home_tmp t;

	if (!n->id)
		n->id = arena_strdup(a, container_new_id(id));
	if (!n->created)
		n->created = arena_strdup(a, time_rfc3339(now, sizeof now, time_now()));
	int r = home_tmp_make(h, NULL, &t, e);
	if (r < 0)
		return r;
	r = put_in_place(h, n, &t, e);
	if (r < 0)
		home_tmp_drop(h, &t);
	else
		fd_close(&t.fd);
	return r;
}

int networks_taken(const struct home *h, struct bind_list *taken, struct arena *a, struct err *e)
{
	scoped(strv) names = {0};
	int r = network_names(h, &names, e);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		struct network n;
		if (network_read(h, names.v[i], &n, a, NULL) < 0)
			continue;
		const struct subnet *s = n.subnets.v;
		for (size_t k = 0; k < n.subnets.n && !strcmp(n.driver, "bridge"); k++) {
			struct subnet_taken *t = bind_append(a, taken, sizeof *t);
			ip_net_parse(s[k].subnet, &t->net);
			t->who = arena_printf(a, "the network %s", n.name);
		}
	}
	return r;
}

static void add_subnet(struct network *n, const struct ip_net *net, struct arena *a)
{
	struct subnet *s = bind_append(a, &n->subnets, sizeof *s);
	char text[IP_NET_TEXT], gw[IP_TEXT];
	struct ip first = net->ip;

	ip_add(&first, 1);
	s->subnet = arena_strdup(a, ip_net_text(net, text));
	s->gateway = arena_strdup(a, ip_text(&first, gw));
}

/* The default network, unless somebody else has just made it. */
static int make_default(const struct home *h, struct network *ret, struct arena *a, struct err *e)
{
	struct bind_list taken = {0};
	struct ip_net net4, net6;
	autoclose int lock = networks_lock(h, e);

	if (lock < 0)
		return lock;
	int r = network_read(h, NETWORK_DEFAULT, ret, a, e);
	if (r != -ENOENT)
		return r;
	r = networks_taken(h, &taken, a, e);
	if (r < 0)
		return r;
	subnets_add_host(&taken, a);
	r = subnets_choose4(&taken, true, &net4, e);
	if (r == 0)
		r = subnets_choose6(h, &taken, &net6, e);
	if (r < 0)
		return r;
	*ret = (struct network){.name = NETWORK_DEFAULT,
				.id = NETWORK_DEFAULT_ID,
				.driver = "bridge",
				.interface = "br0",
				.ipv6 = true};
	add_subnet(ret, &net4, a);
	add_subnet(ret, &net6, a);
	return network_make(h, ret, a, e);
}

/* ---- finding */

static int unknown(const struct home *h, const char *text, struct err *e)
{
	scoped(strv) names = {0};

	network_names(h, &names, NULL);
	strv_add(&names, NETWORK_DEFAULT);
	const char *best = strv_nearest(&names, text);
	err_fail_code(e, ERR_NETWORK_UNKNOWN, ENOENT, "no network with name or ID \"%.80s\"", text);
	if (best)
		return err_hint(e, "did you mean %s?", best);
	return err_hint(e, "hoy network ls lists all networks; hoy network create %.80s makes it",
			text);
}

static int find_by_id(const struct home *h, const char *text, struct network *ret, struct arena *a,
		      struct err *e)
{
	scoped(strv) names = {0};
	size_t found = 0;
	int r = network_names(h, &names, e);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		struct network n;
		if (network_read(h, names.v[i], &n, a, NULL) < 0 || !str_starts(n.id, text))
			continue;
		*ret = n;
		found++;
	}
	if (r < 0)
		return r;
	if (!found)
		return unknown(h, text, e);
	if (found == 1)
		return 0;
	err_fail(e, ERR_NETWORK_AMBIGUOUS, "%zu networks have an ID that begins with %s", found,
		 text);
	return err_hint(e, "give more digits, or the name");
}

int network_find(const struct home *h, const char *text, bool create, struct network *ret,
		 struct arena *a, struct err *e)
{
	bool dflt = network_is_default(text) || !strcmp(text, NETWORK_DEFAULT_ID);
	const char *name = dflt ? NETWORK_DEFAULT : text;
	int r = network_check_name(name, NULL) == 0 ? network_read(h, name, ret, a, e) : -ENOENT;

	if (r != -ENOENT)
		return r;
	if (dflt && create)
		return make_default(h, ret, a, e);
	if (dflt)
		return err_fail_code(e, ERR_NETWORK_UNKNOWN, ENOENT,
				     "the default network is not there yet: the first container "
				     "that needs it makes it");
	if (is_hex(text) && strlen(text) <= CONTAINER_ID_LEN)
		return find_by_id(h, text, ret, a, e);
	return unknown(h, text, e);
}
