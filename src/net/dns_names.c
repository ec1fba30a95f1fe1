#include "base/base.h"
#include "net/dns.h"
#include "net/dns_names.h"

enum { SHORT_ID = 12 };

static const struct ip host_address = {4, {169, 254, 1, 2}};
static const struct ip loopback4 = {4, {127, 0, 0, 1}};
static const struct ip loopback6 = {6, {[15] = 1}};

static void add(const struct dns_question *q, const struct ip *ip, struct dns_found *ret)
{
	uint16_t type = ip->family == 6 ? DNS_AAAA : DNS_A;

	if (!ip->family || (q->type != type && q->type != DNS_ANY) || ret->n == DNS_FOUND_MAX)
		return;
	for (size_t i = 0; i < ret->n;
	     i++) /* a container that attaches again is there twice for a moment */
		if (ip_equal(&ret->v[i], ip))
			return;
	ret->v[ret->n++] = *ip;
}

/* The name without this domain behind it; false if it is not below that. */
static bool below(const char *name, const char *domain, size_t *ret_len)
{
	size_t n = strlen(name), d = strlen(domain);

	if (!d || n < d + 2 || name[n - d - 1] != '.' || strcasecmp(name + n - d, domain) != 0)
		return false;
	*ret_len = n - d - 1;
	return true;
}

static bool is_or_below(const char *name, const char *domain)
{
	size_t len;

	return !strcmp(name, domain) || below(name, domain, &len);
}

static bool same(const char *name, size_t len, const char *other)
{
	return len && strlen(other) == len && !strncasecmp(name, other, len);
}

/* What was given to be a name in this network goes before what a container just calls itself: nobody takes another's name by --hostname. */
static bool has_name(const struct member *m, const char *name, size_t len)
{
	if (same(name, len, m->name))
		return true;
	for (size_t i = 0; i < m->aliases.n; i++)
		if (same(name, len, m->aliases.v[i]))
			return true;
	return false;
}

static bool calls_itself(const struct member *m, const char *name, size_t len)
{
	return same(name, len, m->hostname) ||
	       (len == SHORT_ID && strlen(m->container) > SHORT_ID &&
		!strncasecmp(name, m->container, len));
}

static bool find_members(const struct netproc *np, const struct dns_question *q, const char *name,
			 size_t len, unsigned turn, struct dns_found *ret)
{
	static bool (*const kinds[])(const struct member *, const char *, size_t) = {has_name,
										     calls_itself};
	bool any = false;

	for (size_t k = 0; k < countof(kinds) && !any; k++)
		for (const struct member *m = np->members; m; m = m->next) {
			if (!kinds[k](m, name, len))
				continue;
			any = true;
			add(q, &m->ip4, ret);
			add(q, &m->ip6, ret);
		}
	if (ret->n > 1) { /* each first in its turn */
		size_t by = turn % ret->n;
		struct ip first[DNS_FOUND_MAX];
		memcpy(first, ret->v, by * sizeof *first);
		memmove(ret->v, ret->v + by, (ret->n - by) * sizeof *first);
		memcpy(ret->v + ret->n - by, first, by * sizeof *first);
	}
	return any;
}

/* A container by its name alone, or with the network's or our domain behind it. */
static bool find_container(const struct netproc *np, const struct dns_question *q, unsigned turn,
			   struct dns_found *ret)
{
	size_t len;

	if (find_members(np, q, q->name, strlen(q->name), turn, ret))
		return true;
	if (below(q->name, DNS_DOMAIN, &len) && find_members(np, q, q->name, len, turn, ret))
		return true;
	return below(q->name, np->net->name, &len) && find_members(np, q, q->name, len, turn, ret);
}

static bool find_fixed(const struct dns_question *q, struct dns_found *ret)
{
	if (is_or_below(q->name, "localhost")) {
		add(q, &loopback4, ret);
		add(q, &loopback6, ret);
		return true;
	}
	if (strcmp(q->name, "host.containers.internal") && strcmp(q->name, "host.docker.internal"))
		return false;
	add(q, &host_address, ret);
	return true;
}

static bool in_subnets(const struct netproc *np, const struct ip *ip)
{
	return (np->sub4.ip.family && ip_net_has(&np->sub4, ip)) ||
	       (np->sub6.ip.family && ip_net_has(&np->sub6, ip));
}

/* Addresses of the network are nobody else's to name; those of a network without names have none. */
static bool find_ptr(const struct netproc *np, const struct dns_question *q, struct dns_found *ret,
		     bool *ret_ours)
{
	struct ip ip;

	*ret_ours = false;
	if (dns_ptr_parse(q->name, &ip) < 0)
		return false;
	if (ip_equal(&ip, &host_address)) {
		ret->ptr = "host.containers.internal";
		return true;
	}
	*ret_ours = in_subnets(np, &ip);
	for (const struct member *m = np->members; m && *ret_ours && np->net->dns; m = m->next)
		if (ip_equal(&ip, ip.family == 6 ? &m->ip6 : &m->ip4))
			ret->ptr = m->name;
	return ret->ptr;
}

enum dns_own dns_names_find(const struct netproc *np, const struct member *asker,
			    const struct dns_question *q, unsigned turn, struct dns_found *ret)
{
	bool ours = false;

	ret->n = 0;
	ret->ptr = NULL;
	if (q->plain && *q->name) {
		if (find_fixed(q, ret) || (np->net->dns && find_container(np, q, turn, ret)))
			return DNS_OWN_ANSWER;
		if (find_ptr(np, q, ret, &ours))
			return DNS_OWN_ANSWER;
		if (ours || is_or_below(q->name, "containers.internal") ||
		    is_or_below(q->name, "docker.internal"))
			return DNS_OWN_NONE;
	}
	if (asker->dns_not_last)
		return DNS_OWN_NEXT;
	if (q->plain && np->net->dns && is_or_below(q->name, DNS_DOMAIN))
		return strcmp(q->name, DNS_DOMAIN) ? DNS_OWN_NONE : DNS_OWN_ANSWER;
	return np->net->internal ? DNS_OWN_INTERNAL : DNS_OWN_FORWARD;
}
