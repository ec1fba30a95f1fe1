#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/bind.h"
#include "net/holder.h"
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

int bind_error(const struct port *p, const struct ip *ip, uint16_t port, int error, struct err *e)
{
	char text[IP_TEXT];
	const char *at = ip_text(ip, text), *l = ip->family == 6 ? "[" : "",
		   *r = ip->family == 6 ? "]" : "";

	switch (error) {
	case EADDRINUSE:
		return holder_taken(ip, port, p->protocol, e);
	case EACCES:
		err_fail_code(e, ERR_PORT_RIGHTS, error,
			      "port %u/%s of the host needs rights that you do not have", port,
			      p->protocol);
		return err_hint(e,
				"take one from 1024 on, or let root run: sysctl "
				"net.ipv4.ip_unprivileged_port_start=%u",
				port);
	case EADDRNOTAVAIL:
		err_fail_code(e, ERR_PORT_ADDRESS, error, "the host has no address %s", at);
		return err_hint(e, "`ip address` shows which it has; without an address the port is"
				   " opened on all");
	default:
		return err_set(e, error, "open port %s%s%s:%u/%s", l, at, r, port, p->protocol);
	}
}

static int open_one(struct bound_ports *b, const struct port *p, const struct ip *ip, uint16_t port,
		    bool both, struct err *e)
{
	int fd = b->n < BOUND_MAX ? bind_port(ip, port, str_eq(p->protocol, "udp")) : -EACCES;

	if (fd >= 0)
		b->fd[b->n++] = fd;
	/* No IPv6 here is no error where nobody asked for it. */
	if (fd >= 0 || fd == -EACCES ||
	    (both && ip->family == 6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)))
		return 0;
	return bind_error(p, ip, port, -fd, e);
}

int bound_ports_open(struct bound_ports *b, const struct bind_list *ports, struct err *e)
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
		int64_t end = p[i].host_port + (p[i].choice ? p[i].choice : p[i].range);
		for (int64_t k = p[i].host_port; k > 0 && k < PORT_FIRST_OPEN && k < end; k++)
			for (size_t f = 0; f < n; f++) {
				struct err *why = p[i].choice ? NULL : e;
				int r = open_one(b, &p[i], &ips[f], (uint16_t)k, n > 1, why);
				if (r < 0 && !p[i].choice)
					return r;
			}
	}
	return 0;
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
