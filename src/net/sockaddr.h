/*
 * sockaddr.h - addresses as sockets take and give them.
 */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include <sys/socket.h>

#include "net/addr.h"

/* Fills *ret and returns the length of what is in it. port in host byte order. */
socklen_t sockaddr_make(struct sockaddr_storage *ret, const struct ip *ip, uint16_t port);
/* family 0 if it is neither IPv4 nor IPv6. */
void sockaddr_read(const struct sockaddr_storage *sa, struct ip *ret_ip, uint16_t *ret_port);

#endif
