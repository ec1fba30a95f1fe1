/*
 * info.h - what this machine allows, found by trying, and what the store holds.
 *
 * The user namespace and the overlay are tried for real, in a child process: what `hoy info` shows is what `hoy run` will get. A
 * failure of one part is a fact to show (its error text), never an error of the whole.
 */
#ifndef ENGINE_INFO_H
#define ENGINE_INFO_H

#include "data/json.h"
#include "registry/endpoints.h"
#include "state/u0.h"

struct info {
	char *store;	      /* path */
	const char *store_fs; /* "ext4" */
	uint64_t store_size, store_free;
	size_t containers, running, images;

	bool userns; /* can be had; else userns_error says why */
	struct u0_map map;
	struct err userns_error;
	int ids; /* form one: 0 if calls about ids and owners can be answered (monitor/ids.h), else a negative errno */
	bool overlay; /* works on the store's file system; else overlay_error */
	struct err overlay_error;
	bool copies;   /* instead: the store's containers get copies of their images */
	bool reflinks; /* a copy shares its blocks with the original */

	bool networks; /* the kernel can make them; else networks_error, and what stands in for the default one */
	const char *
		networks_instead; /* "pasta", "slirp4netns", "none"; NULL: nothing has had to yet */
	struct err networks_error;
	bool ping; /* containers' echo requests go out: the user may make ping sockets */

	const char *kernel, *machine, *hostname, *os_name, *os_id, *os_version;
	int cgroup_version;	 /* 2, 1, or 0: none */
	const char *controllers; /* that were delegated to us: "cpu memory pids" */
	bool seccomp, apparmor, selinux;
	uint64_t memory, memory_free, swap, swap_free, uptime;
	long cpus;
	struct registries registries;
	struct err registries_error;   /* what keeps them from being read; empty: nothing */
	const struct strs *conf_files; /* of hoy.conf, as they were read; NULL: nobody looked */
	struct arena arena;
};
void info_free(struct info *i);

/* Opens the store (making it if it is missing) and looks at everything. Fails only without a store. */
int info_collect(const char *root, struct info *ret, struct err *e);

/* The facts under the names of podman (.Host, .Store, .Version) and docker (flat), for templates. */
struct json *info_fields(const struct info *i, const char *version, struct arena *a);
/* podman's JSON (host, store, version; its names in lower case). */
struct json *info_podman(const struct info *i, const char *version, struct arena *a);
/* docker's JSON. */
struct json *info_docker(const struct info *i, const char *version, struct arena *a);

#endif
