#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/dest.h"

const uint8_t dest_host_alias[4] = {169, 254, 1, 2};

static struct ip ip_of(const struct sockaddr_in *sa)
{
	struct ip ip = {.family = 4};

	memcpy(ip.b, &sa->sin_addr, 4);
	return ip;
}

/* The first address of a device that is up and not loopback: for a host without a default route. */
static struct ip any_address(int s)
{
	struct ifreq list[64];
	struct ifconf conf = {.ifc_len = sizeof list, .ifc_req = list};

	if (ioctl(s, SIOCGIFCONF, &conf) < 0)
		return (struct ip){0};
	for (size_t i = 0; i < (size_t)conf.ifc_len / sizeof *list; i++) {
		struct ifreq r = list[i];
		struct ip ip = ip_of((struct sockaddr_in *)(void *)&r.ifr_addr);
		if (!ip_is_loopback(&ip) && !ip_is_link_local(&ip) &&
		    ioctl(s, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP)
			return ip;
	}
	return (struct ip){0};
}

struct ip dest_host_address(void)
{
	/* An address of the world (RFC 5737 keeps it for documents). Connecting a datagram socket looks the route up, no more. */
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in own = {0};
	socklen_t len = sizeof own;
	autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	if (s < 0)
		return (struct ip){0};
	if (connect(s, (struct sockaddr *)&to, sizeof to) < 0 ||
	    getsockname(s, (struct sockaddr *)&own, &len) < 0)
		return any_address(s);
	struct ip ip = ip_of(&own);
	return ip_is_loopback(&ip) || ip_is_any(&ip) ? any_address(s) : ip;
}

static enum dest resolve4(const struct ip *to, struct ip *ret)
{
	if (to->b[0] == 0 || ip_is_loopback(to))
		return DEST_REFUSED;
	if (to->b[0] >= 224 &&
	    (to->b[0] < 240 || (to->b[0] & to->b[1] & to->b[2] & to->b[3]) == 255))
		return DEST_DROP;
	if (!memcmp(to->b, dest_host_alias, sizeof dest_host_alias)) {
		*ret = dest_host_address();
		return ret->family ? DEST_GO : DEST_UNREACHABLE;
	}
	return DEST_GO;
}

static enum dest resolve6(const struct ip *to)
{
	static const uint8_t zero[16];

	/* ::/96 has the loopback and the unspecified address, and IPv4's in an old form; ::ffff:0:0/96 is IPv4 for the host's sockets, with its loopback; in
	 * 64:ff9b::/96 and 2002::/16 a translator of the host's would see it. */
	if (!memcmp(to->b, zero, 12))
		return DEST_REFUSED;
	if (!memcmp(to->b, zero, 10) && to->b[10] == 0xff && to->b[11] == 0xff)
		return DEST_REFUSED;
	return to->b[0] == 0xff ? DEST_DROP : DEST_GO;
}

enum dest dest_resolve(const struct netproc *np, const struct ip *to, struct ip *ret)
{
	*ret = *to;
	if (np->net->internal)
		return DEST_UNREACHABLE;
	return to->family == 4 ? resolve4(to, ret) : to->family == 6 ? resolve6(to) : DEST_DROP;
}
