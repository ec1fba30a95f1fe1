#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/bind.h"
#include "net/port.h"
#include "net/sockaddr.h"

enum { BACKLOG = 4096 };

int bind_port(const struct ip *ip, uint16_t port, bool udp)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_make(&sa, ip, port);
	int one = 1, type = udp ? SOCK_DGRAM : SOCK_STREAM;
	autoclose int fd = socket(sa.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* A listener may be back before the connections of the one before are forgotten. */
	if ((ip->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) ||
	    (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 || (!udp && listen(fd, BACKLOG) < 0))
		return -errno;
	return take_fd(fd);
}

static void open_one(struct bound_ports *b, const struct ip *ip, uint16_t port, bool udp)
{
	int fd = b->n < BOUND_MAX ? bind_port(ip, port, udp) : -1;

	if (fd >= 0)
		b->fd[b->n++] = fd;
}

void bound_ports_open(struct bound_ports *b, const struct bind_list *ports)
{
	const struct port *p = ports->v;

	for (size_t i = 0; i < ports->n; i++) {
		struct ip ips[2] = {{.family = 4}, {.family = 6}};
		size_t n = 2;
		if (!str_is_empty(p[i].host_ip)) {
			if (ip_parse(p[i].host_ip, &ips[0]) < 0)
				continue;
			n = 1;
		}
		for (int64_t k = p[i].host_port;
		     k > 0 && k < PORT_FIRST_OPEN && k < p[i].host_port + p[i].range; k++)
			for (size_t f = 0; f < n; f++)
				open_one(b, &ips[f], (uint16_t)k, str_eq(p[i].protocol, "udp"));
	}
}

int bound_ports_take(struct bound_ports *b, const struct ip *ip, uint16_t port, bool udp)
{
	for (size_t i = 0; i < b->n; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof sa, tlen = sizeof(int);
		struct ip has;
		uint16_t at;
		int type = 0;
		if (getsockname(b->fd[i], (struct sockaddr *)&sa, &len) < 0 ||
		    getsockopt(b->fd[i], SOL_SOCKET, SO_TYPE, &type, &tlen) < 0)
			continue;
		sockaddr_read(&sa, &has, &at);
		if (at != port || !ip_equal(&has, ip) || (type == SOCK_DGRAM) != udp)
			continue;
		int fd = b->fd[i];
		b->fd[i] = b->fd[--b->n];
		return fd;
	}
	return -1;
}

void bound_ports_close(struct bound_ports *b)
{
	while (b->n)
		close(b->fd[--b->n]);
}
