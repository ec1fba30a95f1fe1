/*
 * namespace_opts.h - --ipc, --pid, --uts, --cgroupns, the names that go with them, and --sysctl: checked and put into the config.
 *
 * Containers are looked up by what was typed and kept by their id; they need not run before this one is started. Sources: podman-run(1),
 * docker-run(1).
 */
#ifndef ENGINE_NAMESPACE_OPTS_H
#define ENGINE_NAMESPACE_OPTS_H

#include "engine/container.h"
#include "runtime/namespaces.h"

struct namespace_opts {
	const char *modes[NS_FLAGS];	   /* as typed; NULL or "": the default */
	const char *hostname, *domainname; /* the same */
	struct strs sysctls;		   /* NAME=VALUE[,NAME=VALUE...] */
	bool shm_size;			   /* --shm-size was given */
	bool docker;			   /* the defaults are docker's */
};

/* All but the sysctls. Needs c->id and c->network. ERR_NAMESPACE, ERR_USAGE. */
int namespace_opts_set(const struct home *h, const struct namespace_opts *o,
		       struct container_config *c, struct arena *a, struct err *e);

/* The sysctls, when modes and network are known. ERR_SYSCTL. */
int namespace_opts_sysctls(const struct namespace_opts *o, struct container_config *c,
			   struct arena *a, struct err *e);

/* The containers whose namespaces a container joins, each once. */
void namespace_opts_depends(const struct container_config *c, struct arena *a, struct strs *ret);

#endif
