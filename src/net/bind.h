/*
 * bind.h - host sockets for published ports, and those that only somebody with more rights can open.
 *
 * The network process is in U0 and has no rights over the host's network, so ports below net.ipv4.ip_unprivileged_port_start are closed to it even where
 * the user may open them: as root, or with CAP_NET_BIND_SERVICE. Whoever starts the container opens them before it enters U0 (bound_ports_open), keeps
 * them, and hands them to the network process with each attachment, where bound_ports_take() finds them by their address.
 */
#ifndef NET_BIND_H
#define NET_BIND_H

#include "net/addr.h"
#include "net/port.h"

enum { BOUND_MAX = 64, PORT_FIRST_OPEN = 1024 };

struct bound_ports {
	int fd[BOUND_MAX];
	size_t n;
};

/* A non-blocking socket bound to this address only ([::] without IPv4), listening if it is TCP; or -errno. */
int bind_port(const struct ip *ip, uint16_t port, bool udp);

/* What bind_port() returned for a row, in words: ERR_PORT_TAKEN, ERR_PORT_RIGHTS, ERR_PORT_ADDRESS. */
int bind_error(const struct port *p, const struct ip *ip, uint16_t port, int error, struct err *e);

/* Opens the rows (struct port) with host ports below PORT_FIRST_OPEN. Those that need rights which nobody here has are left to the network process, whose
 * error that is. */
int bound_ports_open(struct bound_ports *b, const struct bind_list *ports, struct err *e);
/* The socket with just this address, which is the caller's from now on; -1: none. */
int bound_ports_take(struct bound_ports *b, const struct ip *ip, uint16_t port, bool udp);
void bound_ports_close(struct bound_ports *b);

#endif
