#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/ping.h"

int ping_socket(uint8_t family)
{
	bool six = family == 6;
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	return fd < 0 ? -errno : fd;
}

bool ping_allowed(void)
{
	autoclose int fd = ping_socket(4);

	return fd >= 0;
}
