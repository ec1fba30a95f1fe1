/*
 * container.h - a container as the verbs handle it: opened, its state derived from facts, locked if it is to be changed.
 *
 * Nothing here prints. A command opens a container by what the user typed, looks at .status, and calls a verb of engine/create.h,
 * engine/start.h, engine/stop.h, engine/exec.h or engine/remove.h.
 */
#ifndef ENGINE_CONTAINER_H
#define ENGINE_CONTAINER_H

#include "runtime/config.h"
#include "state/container.h"

struct container {
	struct arena arena;
	char id[CONTAINER_ID_LEN + 1];
	int dir; /* containers/<id>; holds the lock once container_lock() succeeded */
	struct container_state state;
	enum container_status status;
	struct container_config config; /* filled by container_load_config() */
	bool has_config, locked;
	pid_t monitor; /* our child that starts it, or a process in it, after container_start() or container_exec(); else 0 */
};

/* Finds and reads it. ret->dir is -1 and everything empty on failure; container_free() may be called all the same. */
int container_open(const struct home *h, const char *text, struct container *ret, struct err *e);
int container_load_config(struct container *c, struct err *e);
/* The state of a container that was made just now. It points into the config. */
void container_initial_state(const struct container_config *c, struct arena *a,
			     struct container_state *ret);
/* What the state repeats of a mount. */
struct state_mount container_state_mount(const struct config_mount *m);
void container_free(struct container *c);

/* Reads the state again, after waiting for something. -ENOENT: it is gone. */
int container_refresh(const struct home *h, struct container *c, struct err *e);

/* The error of a verb that needs a running one: ERR_CONTAINER_NOT_RUNNING. */
int container_not_running(const struct container *c, struct err *e);

/* The error of a verb that needs one that is not paused: ERR_CONTAINER_PAUSED. */
int container_is_paused(const struct container *c, struct err *e);

/* Takes the lock that whoever starts or removes the container holds (a running one's supervisor does). ERR_CONTAINER_BUSY at once,
 * or after wait_ms milliseconds. */
int container_lock(struct container *c, int wait_ms, struct err *e);

/* A container of --rm is removed by its supervisor when it ends, so whoever is about to start it again leaves a mark beforehand: the file "keep" in its
 * directory. The supervisor that finds it records the end as of any other container; the next start takes the mark away. Nothing for others. */
int container_keep(struct container *c, struct err *e);

/* Puts in order what processes that were killed left behind: states of containers whose supervisor died, --rm containers among them,
 * unfinished work below tmp/. Called by commands that write; costs two readdirs when there is nothing to do. */
void containers_recover(const struct home *h);

/* Its name and its files; the caller holds the lock. volumes: its anonymous volumes too, as always with --rm. */
int container_remove_files(const struct home *h, struct container *c, bool volumes, struct err *e);

/* Did its supervisor die before it, so that there is no word of its end? */
bool container_crashed(const struct container *c);
/* Ends what is left of a container that crashed, and waits until it is gone. Nothing if it did not. */
void container_end_lost(const struct home *h, struct container *c);

#endif
