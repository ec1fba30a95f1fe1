/*
 * stats.h - what containers use: processor time, memory, network, disks, processes.
 *
 * From the container's cgroup where it has one of its own; else from one pass over /proc, as the sum of the processes in its user namespace. Then what
 * processes used that have ended is counted as far as a parent in the container waited for them, and memory is what each has
 * for itself and the largest shared part, because pages of several are counted in each. Network bytes are those of the devices in the container's network
 * namespace as PID 1's /proc/PID/net/dev shows them here. Nothing is run, and no namespace is entered.
 */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H

#include "data/json.h"
#include "state/home.h"

struct stats_item {
	const char *id, *name;
	bool running, by_processes, has_net;
	int64_t started_ns, now_ns;    /* since 1970; when it was started, when it was looked at */
	uint64_t cpu_ns, system_ns;    /* in all, and in the kernel for it */
	uint64_t memory, memory_limit; /* bytes; the limit is the machine's memory if it has none */
	uint64_t pids;		       /* and threads */
	uint64_t net_in, net_out, io_read, io_written;
	uint64_t
		cpu_before_ns; /* of the sample before, for the percentage; 0 with before_ns 0: none */
	int64_t before_ns;
};

struct stats_list {
	struct stats_item *v;
	size_t n;
	size_t by_processes; /* so many of them have no cgroup */
};

/* Those named (ids, names), or all that run; all: also those that do not. before: the sample before, or NULL. Errors: ERR_CONTAINER_UNKNOWN. */
int containers_stats(const struct home *h, const struct strs *names, bool all,
		     const struct stats_list *before, struct arena *a, struct stats_list *ret,
		     struct err *e);

/* As display values under podman's and docker's names, and as podman's JSON. */
struct json *stats_fields(const struct stats_item *s, bool docker, bool no_trunc, struct arena *a);
struct json *stats_object(const struct stats_item *s, struct arena *a);

#endif
