/*
 * list.h - what `ps` shows: the containers of the store, filtered, sorted, as display values and as facts.
 *
 * One small file is read for each container (state.json), and one of /proc for each that says it runs. config.json is only read
 * where a filter or a wanted field needs it, file sizes only where they are asked for. No lock is taken and nothing is waited for. A
 * container that cannot be read is counted and left out; it never hides the others.
 */
#ifndef ENGINE_LIST_H
#define ENGINE_LIST_H

#include "data/json.h"
#include "state/home.h"

struct list_query {
	struct strs filters; /* KEY=VALUE, see list_filter.h */
	const char
		*sort; /* "command created id image names runningfor size status"; NULL: created */
	int64_t last;  /* only so many, the newest ones, in any state; 0: no limit */
	bool all;      /* not only those that run */
	bool no_trunc;
	bool docker; /* docker's texts, the newest first */
	bool ids_only;
	bool facts;	 /* fill .objects */
	bool size;	 /* measure files */
	bool namespaces; /* fields that name the namespaces of its first process */
	bool config;	 /* fields that come from config.json: Mounts, LocalVolumes, Networks */
};

struct list_result {
	struct json *sample;  /* an item of .fields that stands for nobody: all fields there are */
	struct json *fields;  /* display values under the names of docker and podman both */
	struct json *objects; /* podman's `ps --format json` */
	struct strs ids;
	size_t broken;	/* containers that cannot be read */
	struct err why; /* of the first one of them */
};

/* Everything lives in the arena. Errors: ERR_USAGE for a filter that is none, ERR_CONTAINER_UNKNOWN for one that names no
 * container. */
int containers_list(const struct home *h, const struct list_query *q, struct arena *a,
		    struct list_result *ret, struct err *e);

/* Such an item of .fields that stands for nobody: all fields there are. */
struct json *containers_sample(bool docker, struct arena *a);

/* The id of the newest container, for --latest. ERR_CONTAINER_UNKNOWN if there is none. */
int container_newest(const struct home *h, struct arena *a, const char **ret_id, struct err *e);

#endif
