/*
 * create.h - from options and an image to a container in the store.
 *
 * The container is made whole below tmp/ and then renamed to containers/<id>; its name is taken in between. Whatever goes wrong
 * before leaves nothing behind. For `hoy run` the supervisor does the renaming when the container runs, so that whoever is
 * killed on the way leaves garbage below tmp/ and no half-made container.
 */
#ifndef ENGINE_CREATE_H
#define ENGINE_CREATE_H

#include "engine/container.h"
#include "engine/health_opts.h"
#include "engine/limit_opts.h"
#include "engine/name_opts.h"
#include "engine/namespace_opts.h"
#include "engine/network_opts.h"
#include "engine/process_opts.h"
#include "engine/userns_opts.h"
#include "engine/volume_opts.h"

struct create_opts {
	const char *image; /* a reference, @host or @empty; with rootfs a directory of the host */
	bool rootfs;
	/* In place of an image: these layers (diffIDs), args and env_whole as they are. It is a step of a build: it has no name, stays in tmp/<id>, and no events are
	 * written of it. Its starter keeps the lock, adopts its files, and forgets it with container_undo(). */
	const struct strs *layers;
	const struct strs *env_whole;
	const struct bind_list *more_mounts; /* struct config_mount, checked; NULL: none */
	const struct bind_list
		*more_secrets; /* struct config_secret, whose copies the caller makes; NULL: none */
	struct strs args;      /* the command typed behind the image */
	const char *name, *user, *workdir, *entrypoint;
	const char *detach_keys;
	struct strs env_first; /* as of --env, but the files come after them */
	const struct health_opts *health;
	const char *restart; /* as typed; NULL: no */
	struct strs env, env_files, labels, volumes, mounts, tmpfs, devices, cap_add, cap_drop,
		security_opts, ulimits, secrets;
	struct strs create_command;
	const struct process_opts *more;
	const char *cidfile; /* for inspect; the caller writes it */
	bool tty, interactive, read_only, read_only_tmpfs, privileged, init, auto_remove, replace;
	int stop_signal;      /* 0: the image's, else SIGTERM */
	int64_t stop_timeout; /* seconds, -1: not configured */
	uint64_t shm_size;    /* bytes */
	struct namespace_opts ns;
	struct network_opts net;
	struct name_opts names;
	struct limit_opts limits;
	struct volume_opts vol;
	struct userns_opts userns;
	bool docker;	  /* what the two engines do differently is done as docker does it */
	bool unpublished; /* leave it in tmp/<id>: its supervisor moves it to containers/ once it runs */
	bool dry;	  /* stop before anything is made: ret has the config, and no directory */
	bool durable; /* sync the record: it is meant to outlive a power loss */
	void (*warn)(void *arg, const char *text);
	void *arg;
};

/* Makes it. ret is open, locked, and has its config. */
int container_create(const struct home *h, const struct create_opts *o, struct container *ret,
		     struct err *e);

/* Forgets one that was made unpublished and could not be given to a supervisor. Nothing if there is none. */
void container_undo(const struct home *h, struct container *c);

#endif
