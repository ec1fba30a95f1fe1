/*
 * port_opts.h - the texts of --publish and --expose: checked, and turned into what config.json holds.
 *
 * A row of --publish is [[IP:][HOST]:]CONTAINER[/PROTOCOL], where HOST and CONTAINER are ports or ranges of the same length, an IPv6 address
 * stands in brackets, and no HOST, or 0, leaves the choice to the kernel, at each start; or docker's long form, target=80,published=8080.
 * 0.0.0.0 means every IPv4 address, [::] every IPv6 address, no address both. Errors are ERR_USAGE and name option and text.
 *
 * Sources: podman-run(1), docker-run(1).
 */
#ifndef ENGINE_PORT_OPTS_H
#define ENGINE_PORT_OPTS_H

#include "net/port.h"

/* Adds struct port rows, one for each random port. */
int port_opts_publish(struct arena *a, const char *text, struct bind_list *ports, struct err *e);

/* The same port may be asked for twice in the same words, which are one row then; any other overlap is refused. */
int port_opts_check(struct bind_list *ports, struct err *e);

enum port_protocol { PORT_TCP, PORT_UDP, PORT_SCTP, PORT_PROTOCOLS };

/* Ports that are exposed: a bit for each. */
struct port_set {
	uint8_t bits[PORT_PROTOCOLS][65536 / 8];
};

/* PORT[-PORT][/PROTOCOL], of --expose or, what NULL, of an image (then only -EINVAL is told). */
int port_set_add(struct port_set *s, const char *text, const char *what, struct err *e);
/* As texts in order, ranges merged: "80-90/tcp". */
void port_set_texts(const struct port_set *s, struct arena *a, struct strs *ret);
bool port_set_has(const struct port_set *s, enum port_protocol k, unsigned port);

/* --publish-all: a row with a random port for each that no row leads to yet. sctp cannot be published, and is left out. */
int port_opts_all(struct arena *a, const struct port_set *s, struct bind_list *ports,
		  struct err *e);

#endif
