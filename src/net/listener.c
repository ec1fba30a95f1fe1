#include "base/base.h"
#include "net/listener.h"

bool listener_source(const struct member *m, const struct ip *client, struct ip *ret_to,
		     struct ip *ret_from)
{
	const struct netproc *np = m->np;
	bool six = client->family == 6, own = six ? m->ip6.family : m->ip4.family;

	if (!own)
		six = !six;
	const struct ip_net *net = six ? &np->sub6 : &np->sub4;
	*ret_to = six ? m->ip6 : m->ip4;
	/* Loopback means the container itself to the container; an address of the bridge's subnet it would look for on the bridge; a link-local one of
	 * IPv6 says nothing without a device; and an internal network has no route to anything else. */
	if (!own || np->net->internal || ip_is_loopback(client) || ip_net_has(net, client) ||
	    (six && ip_is_link_local(client))) {
		*ret_from = net->ip;
		return false;
	}
	*ret_from = *client;
	return true;
}
