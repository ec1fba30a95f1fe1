/*
 * port.h - a published port: one row of --publish, in config.json, in messages to the network process, and in the state.
 */
#ifndef NET_PORT_H
#define NET_PORT_H

#include "data/bind.h"

enum { PORT_PUBLISH_MAX = 65535 };

/* host_port .. host_port + range - 1 lead to container_port .. container_port + range - 1. */
struct port {
	const char *
		host_ip; /* "" or NULL: every address, 0.0.0.0 and [::]; else one, without brackets */
	int64_t host_port; /* 0: the kernel picks one at each start; the state then says which */
	int64_t container_port; /* 1 .. 65535 */
	int64_t range;		/* how many in a row, at least 1 */
	const char *protocol;	/* "tcp" or "udp" */
	/* With a range of 1: a free one of host_port .. host_port + choice - 1 is to be taken; 0: exactly host_port. */
	int64_t choice;
};
extern const struct bind_field port_fields[];

#endif
