#include <netinet/in.h>

#include "base/base.h"
#include "net/sockaddr.h"

socklen_t sockaddr_make(struct sockaddr_storage *ret, const struct ip *ip, uint16_t port)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	if (ip->family == 6) {
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&v6->sin6_addr, ip->b, 16);
		return sizeof *v6;
	}
	*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	memcpy(&v4->sin_addr, ip->b, 4);
	return sizeof *v4;
}

void sockaddr_read(const struct sockaddr_storage *sa, struct ip *ret_ip, uint16_t *ret_port)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	*ret_ip = (struct ip){0};
	*ret_port = 0;
	if (sa->ss_family == AF_INET) {
		ret_ip->family = 4;
		memcpy(ret_ip->b, &v4->sin_addr, 4);
		*ret_port = ntohs(v4->sin_port);
	} else if (sa->ss_family == AF_INET6) {
		ret_ip->family = 6;
		memcpy(ret_ip->b, &v6->sin6_addr, 16);
		*ret_port = ntohs(v6->sin6_port);
	}
}
