/*
 * inside.h - at work on the files of a container as it sees them, its volumes among them, without running anything of it.
 *
 * Of one that runs these are the mounts that it has. Of one that does not its root and its volumes are mounted for the
 * moment, in namespaces that nobody else sees and that vanish with the process, however that ends; tmpfs, which would be empty, and volumes of plugins stay out.
 * Ids are those of the container: the process is root in a user namespace like its own. It has nothing of the container mapped or executed, keeps the
 * host's /proc, and walks only by path_open_in_root(), so links lead nowhere else.
 */
#ifndef RUNTIME_INSIDE_H
#define RUNTIME_INSIDE_H

#include "runtime/mapped.h"

struct inside {
	const char *home; /* path of the store */
	const char *form; /* owner form of the layers, which are there */
	const struct container_config *config;
	pid_t pid; /* PID 1; 0: it does not run, and the caller has its lock */
	int pid1;  /* a pidfd of it, or -1 */
	const struct id_map *uids, *gids; /* of U0 */
	const struct mapped
		*mapped; /* the map of one that does not run, prepared; NULL: all of U0 */
};

/* In U0, in a process that does nothing else and ends soon. root is an O_PATH descriptor of the root file system. fn runs in a child. */
int inside_run(const struct inside *in, int (*fn)(int root, void *arg, struct err *e), void *arg,
	       struct err *e);

#endif
