#include "base/base.h"
#include "base/parse.h"
#include "net/plan.h"

static bool is_false(const char *s)
{
	return s && (!strcasecmp(s, "false") || !strcmp(s, "0"));
}

static int plan_mtu(const struct network *n, const struct netns_plan *p, uint32_t *ret,
		    struct err *e)
{
	const char *s = pairs_get(&n->options, "mtu");
	uint64_t v = N_MTU;

	if (!s)
		s = pairs_get(&n->options, "com.docker.network.driver.mtu");
	if (s &&
	    (parse_u64(s, N_MTU, &v) < 0 || v < N_MTU_MIN || (v < N_MTU_MIN6 && p->sub6.ip.family)))
		return err_set(e, EINVAL, "network %s: mtu %.20s is not between %d and %d", n->name,
			       s, p->sub6.ip.family ? N_MTU_MIN6 : N_MTU_MIN, N_MTU);
	*ret = (uint32_t)v;
	return 0;
}

bool netns_has_ipv6(void)
{
	static int has = -1;

	if (has < 0)
		has = access("/proc/sys/net/ipv6/conf", F_OK) == 0;
	return has;
}

int netns_plan(const struct network *n, struct netns_plan *ret, struct err *e)
{
	const struct subnet *s = n->subnets.v;

	*ret = (struct netns_plan){.internal = n->internal};
	snprintf(ret->bridge, sizeof ret->bridge, "%s",
		 str_is_empty(n->interface) ? "hoy0" : n->interface);
	for (size_t i = 0; i < n->subnets.n; i++) {
		struct ip_net v;
		struct ip gw;
		if (ip_net_parse(s[i].subnet, &v) < 0 || !s[i].gateway ||
		    ip_parse(s[i].gateway, &gw) < 0 || gw.family != v.ip.family)
			return err_set(e, EINVAL, "network %s: its subnet %.60s is broken", n->name,
				       s[i].subnet ? s[i].subnet : "");
		v.ip = gw;
		if (v.ip.family == 4 && !ret->sub4.ip.family)
			ret->sub4 = v;
		else if (v.ip.family == 6 && !ret->sub6.ip.family)
			ret->sub6 = v;
	}
	if (ret->sub4.ip.family && !netns_has_ipv6())
		ret->sub6.ip.family = 0;
	/* Locally administered; as those of containers it is made from the address. */
	ret->mac[0] = 0x0a;
	ret->mac[1] = 0x58;
	memcpy(ret->mac + 2, ret->sub4.ip.family ? ret->sub4.ip.b : ret->sub6.ip.b + 12, 4);
	/* podman's option isolate is about other networks, which are out of reach anyway. */
	ret->isolate = is_false(pairs_get(&n->options, "com.docker.network.bridge.enable_icc"));
	return plan_mtu(n, ret, &ret->mtu, e);
}
