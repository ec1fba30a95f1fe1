#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "sys/netdev.h"

int netdev_loopback_up(struct err *e)
{
	autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (s < 0 && errno == EAFNOSUPPORT)
		return 0; /* a kernel without IPv4 */
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &r) < 0)
		return err_set(e, errno, "bring the loopback device up");
	return 0;
}

unsigned netdev_index(const char *name)
{
	autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	return s < 0 || ioctl(s, SIOCGIFINDEX, &r) < 0 ? 0 : (unsigned)r.ifr_ifindex;
}
