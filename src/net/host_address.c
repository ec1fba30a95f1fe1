#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/loop.h"
#include "net/host_address.h"
#include "net/sockaddr.h"

enum { KEEP_MS = 1000, DEVICES = 64 };

/* The first address of a device that is up and not loopback: for a host without a default route. */
static struct ip any_address(int s)
{
	struct ifreq list[DEVICES];
	struct ifconf conf = {.ifc_len = sizeof list, .ifc_req = list};
	struct ip ip;
	uint16_t port;

	if (ioctl(s, SIOCGIFCONF, &conf) < 0)
		return (struct ip){0};
	for (size_t i = 0; i < (size_t)conf.ifc_len / sizeof *list; i++) {
		struct ifreq r = list[i];
		struct sockaddr_storage sa = {0};
		memcpy(&sa, &r.ifr_addr, sizeof r.ifr_addr);
		sockaddr_read(&sa, &ip, &port);
		if (!ip_is_loopback(&ip) && !ip_is_link_local(&ip) &&
		    ioctl(s, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP)
			return ip;
	}
	return (struct ip){0};
}

static struct ip ask(void)
{
	/* An address of the world, which RFC 5737 keeps for documents. Connecting a datagram socket looks the route up, no more. */
	static const struct ip world = {4, {192, 0, 2, 1}};
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_make(&sa, &world, 9);
	autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ip ip = {0};
	uint16_t port;

	if (s < 0)
		return ip;
	if (connect(s, (struct sockaddr *)&sa, len) == 0 && (len = sizeof sa) &&
	    getsockname(s, (struct sockaddr *)&sa, &len) == 0)
		sockaddr_read(&sa, &ip, &port);
	return !ip.family || ip_is_loopback(&ip) || ip_is_any(&ip) ? any_address(s) : ip;
}

struct ip host_address(void)
{
	static struct ip last;
	static int64_t asked;
	int64_t now = time_mono_ms();

	if (!asked || now - asked > KEEP_MS) {
		last = ask();
		asked = now;
	}
	return last;
}
