/*
 * name_opts.h - --dns, --dns-search, --dns-option, --add-host, --hosts-file, --no-hosts and --no-hostname: checked and put into the
 * config. What becomes of them: runtime/names.h. Sources: podman-run(1), docker-run(1), resolv.conf(5), hosts(5).
 */
#ifndef ENGINE_NAME_OPTS_H
#define ENGINE_NAME_OPTS_H

#include "runtime/config.h"

struct name_opts {
	struct strs dns, dns_search, dns_options;
	struct strs
		add_hosts; /* NAME[;NAME...]:IP, or with "="; IP may be host-gateway, and in brackets */
	const char *hosts_file; /* a path, "image", "none"; NULL or "": the default */
	bool no_hosts, no_hostname;
	bool docker; /* its default is no hosts file */
};

/* When the network is known. ERR_USAGE. */
int name_opts_set(const struct name_opts *o, struct container_config *c, struct arena *a,
		  struct err *e);

#endif
