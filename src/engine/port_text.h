/*
 * port_text.h - the ports of a container, published and exposed, as ps, port and inspect show them, in podman's forms and docker's.
 *
 * They come from the state (struct state_port), which is what the kernel gave while the container runs. One whose port of the host is not
 * known yet counts as exposed only. docker shows an address for each family where the container is reached by all; podman 0.0.0.0.
 *
 * Sources: what docker 28 and podman 5.4 print.
 */
#ifndef ENGINE_PORT_TEXT_H
#define ENGINE_PORT_TEXT_H

#include "state/container.h"

/* The column PORTS: "0.0.0.0:8080->80/tcp, 9000/udp", ranges merged. */
const char *ports_text(struct arena *a, const struct container_state *s, bool docker);

/* Inspect's map: {"80/tcp": [{"HostIp": ..., "HostPort": ...}]}. exposed: those without a port of the host are there too, as null. */
struct json *ports_map(struct arena *a, const struct container_state *s, bool exposed, bool docker);

/* podman's ps --format json: the rows; and {"80": ["tcp"]} of what is only exposed. null if there are none. */
struct json *ports_rows(struct arena *a, const struct container_state *s);
struct json *ports_exposed(struct arena *a, const struct container_state *s);
/* Inspect's Config.ExposedPorts, {"80/tcp": {}}, the published ones too. NULL if there are none. */
struct json *ports_set(struct arena *a, const struct container_state *s);

/* One port of the container that is reached by an address of the host. */
struct port_binding {
	const char *name;    /* "80/tcp" */
	const char *address; /* "0.0.0.0:8080", "[::1]:8080" */
};
/* All of them, by name ("80/tcp"; NULL: all), in order of the container's ports. */
size_t ports_bindings(struct arena *a, const struct container_state *s, const char *name,
		      bool docker, struct port_binding **ret);

/* Do the filters publish=PORT[-PORT][/PROTOCOL] and expose= of ps fit? */
bool ports_published(const struct container_state *s, unsigned first, unsigned last,
		     const char *protocol);
bool ports_has_exposed(const struct container_state *s, unsigned first, unsigned last,
		       const char *protocol);

#endif
