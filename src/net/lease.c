/*
 * How a free address is found: the search begins behind the address that the last one found (networks/<name>/last), so that it usually meets
 * nothing that is taken, and goes once around the range. An address that has just been given back is not the next one
 * to be given out, so that nobody talks with a new container for an old one.
 */
#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/rand.h"
#include "net/lease.h"
#include "state/container.h"

enum { SEARCH_MAX = 1 << 20 };

/* The network's directory and leases/ in it. */
struct leases {
	const struct home *h;
	const struct network *n; /* its name is what an error says */
	const char *id;		 /* the container that takes */
	int dir, fd;
};

static void leases_free(struct leases *l)
{
	fd_close(&l->dir);
	fd_close(&l->fd);
}

static int open_dirs(const struct home *h, const char *network, struct leases *ret)
{
	char path[NETWORK_NAME_MAX + 16];

	ret->h = h;
	ret->fd = -1;
	snprintf(path, sizeof path, "networks/%.128s", network);
	ret->dir = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->dir >= 0)
		ret->fd =
			openat(ret->dir, "leases", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return ret->dir < 0 || ret->fd < 0 ? -errno : 0;
}

static int no_more(const struct network *n, struct err *e)
{
	return err_fail_code(e, ERR_NETWORK_UNKNOWN, ENOENT, "the network %s is being removed",
			     n->name);
}

/* Who has it; "" if nobody, or if the link is none of ours. */
static void holder(int fd, const char *address, char ret[CONTAINER_ID_LEN + 1])
{
	ssize_t n = readlinkat(fd, address, ret, CONTAINER_ID_LEN + 1);

	ret[n == CONTAINER_ID_LEN ? n : 0] = 0;
	if (ret[strspn(ret, "0123456789abcdef")])
		*ret = 0;
}

/* What is there is only taken away under this lock: so a look and the removal are about the same lease. */
static int lock_removals(const struct leases *l)
{
	autoclose int lock = openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return lock < 0 || flock(lock, LOCK_EX) < 0 ? -errno : take_fd(lock);
}

/* Takes away the lease of a container that is gone. Two that find it must not take it from each other: between the look and the removal nobody
 * else may have removed and taken it. True: the address may be free now. */
static bool drop_stale(const struct leases *l, const char *address)
{
	char has[CONTAINER_ID_LEN + 1];

	holder(l->fd, address, has);
	if (*has && !container_is_gone(l->h, has))
		return false;
	autoclose int lock = lock_removals(l);
	if (lock < 0)
		return false;
	if (faccessat(l->fd, address, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return true; /* whoever takes it now has it */
	holder(l->fd, address, has);
	if (*has && !container_is_gone(l->h, has))
		return false;
	unlinkat(l->fd, address, 0);
	return true;
}

/* 0: it is ours; also one that this container took before it was killed. -EEXIST: somebody has it. */
static int take_one(const struct leases *l, const char *address)
{
	char has[CONTAINER_ID_LEN + 1];

	for (int tries = 0; tries < 5; tries++) {
		if (symlinkat(l->id, l->fd, address) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		holder(l->fd, address, has);
		if (!strcmp(has, l->id))
			return 0;
		if (!drop_stale(l, address))
			break;
	}
	return -EEXIST;
}

static int take_failed(const struct leases *l, const char *address, int r, struct err *e)
{
	return r == -ENOENT ? no_more(l->n, e)
			    : err_set(e, r, "take the address %s of the network %s", address,
				      l->n->name);
}

static int taken(const struct leases *l, const char *what, const char *address, struct err *e)
{
	char has[CONTAINER_ID_LEN + 1];
	struct container_state s;
	scoped(arena) a = {0};

	holder(l->fd, address, has);
	bool named = *has && container_state_read(l->h, has, &s, &a, NULL) == 0;
	err_fail_code(e, ERR_NETWORK_ADDRESS, EADDRINUSE,
		      "the %s %s of the network %s is taken by container %.200s", what, address,
		      l->n->name,
		      named  ? s.name
		      : *has ? has
			     : "?");
	return err_hint(e, "choose another one, or none: then a free one is found");
}

/* ---- IP addresses */

/* Is it one that no container gets? */
static const char *special(const struct subnet *s, const struct ip_net *net, const struct ip *ip)
{
	struct ip_net first = ip_net_mask(net);
	struct ip last = ip_net_last(net), other;

	if (s->gateway && ip_parse(s->gateway, &other) == 0 && ip_equal(&other, ip))
		return "it is the gateway's";
	if (ip_equal(&first.ip, ip) && net->len < (ip->family == 6 ? 127 : 31))
		return "it is the network's own";
	if (ip->family == 4 && ip_equal(&last, ip) && net->len < 31)
		return "it is the broadcast address";
	for (size_t i = 0; i < s->reserved.n; i++)
		if (ip_parse(s->reserved.v[i].v, &other) == 0 && ip_equal(&other, ip))
			return "it is reserved (--aux-address)";
	return NULL;
}

static int take_fixed(const struct leases *l, int family, const char **address, struct arena *a,
		      struct err *e)
{
	const struct subnet *s = network_subnet(l->n, family);
	char text[IP_TEXT];
	struct ip_net net;
	struct ip ip;

	if (ip_parse(*address, &ip) < 0 || ip.family != family) {
		err_fail(e, ERR_NETWORK_ADDRESS, "\"%.60s\" is no IPv%d address", *address, family);
		return err_hint(e, "as in %s", family == 6 ? "fd00::12" : "10.89.0.12");
	}
	if (!s || ip_net_parse(s->subnet, &net) < 0) {
		err_fail(e, ERR_NETWORK_ADDRESS, "the network %s has no IPv%d, so no address %s",
			 l->n->name, family, *address);
		return err_hint(e, "a network gets IPv6 with: hoy network create --ipv6 NAME");
	}
	const char *why = !ip_net_has(&net, &ip) ? "it lies outside of it" : special(s, &net, &ip);
	if (why) {
		err_fail(e, ERR_NETWORK_ADDRESS,
			 "no container can have %s in the network %s (%s): %s", *address,
			 l->n->name, s->subnet, why);
		return err_hint(e, "choose another one, or none: then a free one is found");
	}
	*address = arena_strdup(a, ip_text(&ip, text));
	int r = take_one(l, *address);
	if (r == -EEXIST)
		return taken(l, "address", *address, e);
	return r < 0 ? take_failed(l, *address, r, e) : 0;
}

struct range {
	struct ip_net net;
	struct ip first, last;
};

static bool range_of(const struct subnet *s, struct range *r)
{
	if (ip_net_parse(s->subnet, &r->net) < 0)
		return false;
	r->first = ip_net_mask(&r->net).ip;
	r->last = ip_net_last(&r->net);
	if (s->range_start && ip_parse(s->range_start, &r->first) < 0)
		return false;
	return (!s->range_end || ip_parse(s->range_end, &r->last) == 0) &&
	       ip_compare(&r->first, &r->last) <= 0;
}

/* "last" is two texts, "10.88.0.7 fd00::7"; what is not there or out of range is the range's end, behind which it begins. */
static void last_read(const struct leases *l, struct ip ret[2])
{
	char text[2 * IP_TEXT], *save = NULL;
	ssize_t n = readlinkat(l->dir, "last", text, sizeof text - 1);
	struct ip ip;

	memset(ret, 0, 2 * sizeof *ret);
	text[n > 0 ? n : 0] = 0;
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (ip_parse(w, &ip) == 0)
			ret[ip.family == 6] = ip;
}

/* Only a hint: that two may exchange it at once, or somebody may die in between, harms nothing. */
static void last_write(const struct leases *l, const struct ip v[2])
{
	char t4[IP_TEXT], t6[IP_TEXT], text[2 * IP_TEXT + 2];

	snprintf(text, sizeof text, "%s %s", ip_text(&v[0], t4), ip_text(&v[1], t6));
	unlinkat(l->dir, "last", 0);
	(void)!symlinkat(text, l->dir, "last");
}

static int take_free(const struct leases *l, const struct subnet *s, struct ip *last,
		     const char **address, struct arena *a, struct err *e)
{
	char text[IP_TEXT];
	struct range range;
	int r = -EEXIST;

	if (!range_of(s, &range))
		return err_fail(e, ERR_NETWORK_RECORD,
				"the subnet %s of the network %s has no range", s->subnet,
				l->n->name);
	struct ip ip = *last;
	if (!ip.family || ip_compare(&ip, &range.first) < 0 || ip_compare(&ip, &range.last) > 0)
		ip = range.last;
	const struct ip end = ip;
	for (int i = 0; i < SEARCH_MAX && r == -EEXIST; i++) {
		if (ip_equal(&ip, &range.last))
			ip = range.first;
		else
			ip_add(&ip, 1);
		if (!special(s, &range.net, &ip))
			r = take_one(l, ip_text(&ip, text));
		if (r == -EEXIST && ip_equal(&ip, &end))
			break;
	}
	if (r == 0) {
		*last = ip;
		*address = arena_strdup(a, text);
		return 0;
	}
	if (r != -EEXIST)
		return take_failed(l, text, r, e);
	err_fail_code(e, ERR_NETWORK_ADDRESS, EADDRNOTAVAIL,
		      "the network %s is full: every address of %s%s%s%s is taken", l->n->name,
		      s->subnet, s->range_start ? " from " : "",
		      s->range_start ? s->range_start : "", s->range_start ? " on" : "");
	return err_hint(e, "remove containers that are not needed, or use another network");
}

/* ---- MAC addresses: locally administered ones, which tell the IPv4 address to who looks at a trace */

static void derive_mac(const struct endpoint *ep, int attempt, uint8_t ret[MAC_LEN])
{
	uint64_t any = rand_u64();
	struct ip ip = {0};

	memcpy(ret + 2, &any, 4);
	if (attempt < 2 && ep->ip4 && ip_parse(ep->ip4, &ip) == 0)
		memcpy(ret + 2, ip.b, 4);
	else if (attempt < 2 && ep->ip6 && ip_parse(ep->ip6, &ip) == 0)
		memcpy(ret + 2, ip.b + 12, 4);
	ret[0] = attempt ? 0x0e : 0x0a;
	ret[1] = 0x58;
}

/* The bridge's own (net/plan.c), which is made from the gateway's address in the same way. */
static bool is_gateway_mac(const struct network *n, const uint8_t mac[MAC_LEN])
{
	const struct subnet *s = network_subnet(n, 4) ? network_subnet(n, 4) : network_subnet(n, 6);
	uint8_t own[MAC_LEN] = {0x0a, 0x58};
	struct ip gw;

	if (!s || !s->gateway || ip_parse(s->gateway, &gw) < 0)
		return false;
	memcpy(own + 2, gw.b + (gw.family == 6 ? 12 : 0), 4);
	return !memcmp(own, mac, sizeof own);
}

static int take_mac(const struct leases *l, struct endpoint *ep, struct arena *a, struct err *e)
{
	uint8_t mac[MAC_LEN];
	char text[MAC_TEXT];

	if (ep->fixed_mac && mac_parse(ep->mac, mac) < 0) {
		err_fail(e, ERR_NETWORK_ADDRESS, "\"%.60s\" is no MAC address of a single device",
			 ep->mac);
		return err_hint(e, "six bytes such as 02:00:00:00:00:01, the first one even");
	}
	if (ep->fixed_mac && is_gateway_mac(l->n, mac)) {
		err_fail(e, ERR_NETWORK_ADDRESS,
			 "%s is the MAC address of the gateway of the network %s", ep->mac,
			 l->n->name);
		return err_hint(e,
				"choose another one, or none: then it is derived from the address");
	}
	for (int i = 0; i < 20; i++) {
		if (!ep->fixed_mac)
			derive_mac(ep, i, mac);
		if (is_gateway_mac(l->n, mac))
			continue;
		int r = take_one(l, mac_text(mac, text));
		if (r == -EEXIST && ep->fixed_mac)
			return taken(l, "MAC address", text, e);
		if (r < 0 && r != -EEXIST)
			return take_failed(l, text, r, e);
		if (r == 0) {
			ep->mac = arena_strdup(a, text);
			return 0;
		}
	}
	return take_failed(l, "of a device", -EEXIST, e);
}

/* ---- an endpoint's */

static void drop_one(const struct leases *l, const char *address)
{
	char has[CONTAINER_ID_LEN + 1];

	if (str_is_empty(address) || strchr(address, '/'))
		return;
	holder(l->fd, address, has);
	if (!strcmp(has, l->id))
		unlinkat(l->fd, address, 0);
}

static void drop_all(const struct leases *l, const struct endpoint *ep)
{
	autoclose int lock = lock_removals(l);

	if (lock < 0)
		return; /* they are found stale when the container is gone */
	drop_one(l, ep->ip4);
	drop_one(l, ep->ip6);
	drop_one(l, ep->mac);
}

static int take_all(const struct leases *l, struct endpoint *ep, struct arena *a, struct err *e)
{
	struct {
		const char **address;
		bool fixed;
	} want[] = {{&ep->ip4, ep->fixed4}, {&ep->ip6, ep->fixed6}};
	struct ip last[2];
	bool searched = false;
	int r = 0;

	last_read(l, last);
	for (int i = 0; i < 2 && r == 0; i++) {
		const struct subnet *s = network_subnet(l->n, i ? 6 : 4);
		if (want[i].fixed && *want[i].address) {
			r = take_fixed(l, i ? 6 : 4, want[i].address, a, e);
			continue;
		}
		*want[i].address = NULL;
		if (!s)
			continue;
		r = take_free(l, s, &last[i], want[i].address, a, e);
		searched = true;
	}
	if (r == 0)
		r = take_mac(l, ep, a, e);
	if (r == 0 && searched)
		last_write(l, last);
	return r;
}

int leases_take(const struct home *h, const struct network *n, const char *container,
		struct endpoint *ep, struct arena *a, struct err *e)
{
	scoped(leases) l = {.fd = -1, .dir = -1};
	struct endpoint got = *ep;
	int r = open_dirs(h, n->name, &l);

	l.n = n;
	l.id = container;
	if (r == -ENOENT)
		return no_more(n, e);
	if (r < 0 || flock(l.fd, LOCK_SH) < 0)
		return err_set(e, errno, "open the addresses of the network %s", n->name);
	if (!got.fixed_mac)
		got.mac = NULL;
	r = take_all(&l, &got, a, e);
	if (r == 0)
		*ep = got;
	else
		drop_all(&l, &got);
	return r;
}

void leases_drop(const struct home *h, const char *container, const struct endpoint *ep)
{
	scoped(leases) l = {.fd = -1, .dir = -1};

	if (network_check_name(ep->network, NULL) < 0 || open_dirs(h, ep->network, &l) < 0)
		return;
	l.id = container;
	drop_all(&l, ep);
}

void leases_drop_all(const struct home *h, const char *container, int container_dir)
{
	scoped(arena) a = {0};
	struct endpoints all;

	if (endpoints_read(container_dir, &all, &a, NULL) < 0)
		return;
	for (size_t i = 0; i < all.v.n; i++)
		leases_drop(h, container, (struct endpoint *)all.v.v + i);
}

/* ---- who has addresses */

/* Collects the containers that have leases; with drop, takes away those of containers that are gone. */
static int users(const struct leases *l, bool drop, struct strv *ret)
{
	scoped(strv) all = {0};
	int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char has[CONTAINER_ID_LEN + 1];

	if (!d)
		return -errno;
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_name[0] == '.')
			continue;
		holder(l->fd, de->d_name, has);
		if (*has)
			strv_add(&all, has);
	}
	closedir(d);
	strv_sort(&all);
	for (size_t i = 0; i < all.n; i++)
		if ((i == 0 || strcmp(all.v[i], all.v[i - 1])) &&
		    !container_is_gone(l->h, all.v[i]))
			strv_add(ret, all.v[i]);
	return drop && !ret->n ? path_rm_tree_at(l->dir, "leases") : 0;
}

void leases_tidy(const struct home *h, const char *network)
{
	scoped(leases) l = {.fd = -1, .dir = -1};

	if (open_dirs(h, network, &l) < 0)
		return;
	int fd = openat(l.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_name[0] != '.')
			drop_stale(&l, de->d_name);
	closedir(d);
}

int leases_users(const struct home *h, const char *network, struct strv *ret, struct err *e)
{
	scoped(leases) l = {.fd = -1, .dir = -1};
	int r = open_dirs(h, network, &l);

	if (r == 0)
		r = users(&l, false, ret);
	return r < 0 && r != -ENOENT
		       ? err_set(e, r, "read the addresses of the network %s", network)
		       : 0;
}

int leases_close(const struct home *h, const char *network, struct strv *ret_users, struct err *e)
{
	scoped(leases) l = {.fd = -1, .dir = -1};
	int r = open_dirs(h, network, &l);

	if (r == -ENOENT)
		return 0;
	if (r == 0 && flock(l.fd, LOCK_EX) < 0)
		r = -errno;
	if (r == 0)
		r = users(&l, true, ret_users);
	if (r < 0)
		return err_set(e, r, "read the addresses of the network %s", network);
	return ret_users->n ? -EBUSY : 0;
}
