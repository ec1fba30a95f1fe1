/*
 * volume.h - the verbs of volumes: create, list, inspect, remove, prune.
 *
 * Nothing here prints. A volume is a record and a directory (volume/volume.h); who uses it is what the containers' records say.
 */
#ifndef ENGINE_VOLUME_H
#define ENGINE_VOLUME_H

#include "data/json.h"
#include "engine/container.h"
#include "volume/volume.h"

/* ---- making */

struct volume_create_opts {
	const char *name;   /* NULL: 64 random digits */
	const char *driver; /* NULL: local */
	struct pairs labels, options;
	bool ignore;	/* one of this name is no error */
	bool same;	/* docker: nor is one of the same driver */
	bool anonymous; /* called docker, without a name */
};

/* Makes it, or reads the one that is there. ERR_VOLUME_EXISTS, ERR_VOLUME_OPTION, ERR_NAME. */
int volume_create(const struct home *h, const struct volume_create_opts *o, struct volume *ret,
		  struct arena *a, struct err *e);

/* Makes the records of plugins' volumes what the plugins say: those that are gone and that no container uses go, new ones come. added and removed get their
 * names. A plugin that does not answer is left as it is, and counted; *ret_why says why the first one did not. */
int volumes_reload(const struct home *h, struct strs *added, struct strs *removed,
		   size_t *ret_silent, struct err *ret_why, struct arena *a, struct err *e);

/* ---- listing */

struct volumes_query {
	/* name=REGEX driver= scope=local label=KEY[=VALUE] label!= opt=KEY[=VALUE] dangling=true|false anonymous=true|false until=TIME
	 * since=VOLUME (also after=); those of one key are alternatives (but labels), those of different keys must all fit */
	struct strs filters;
};

struct volumes_list {
	struct volume *v; /* by name */
	size_t *links;	  /* how many containers use each */
	size_t n;
	size_t broken;	/* records that cannot be read */
	struct err why; /* of the first one of them */
};

/* Everything lives in the arena. */
int volumes_list(const struct home *h, const struct volumes_query *q, struct arena *a,
		 struct volumes_list *ret, struct err *e);

/* What a list shows of a volume: display values under the names of docker and podman both. */
struct json *volume_fields_json(const struct home *h, const struct volume *v, size_t links,
				struct arena *a);
/* The facts, as podman prints them, or as docker does. */
struct json *volume_json(const struct home *h, const struct volume *v, size_t links, bool docker,
			 struct arena *a);
/* The same for templates: podman's names and docker's. */
struct json *volume_template_json(const struct home *h, const struct volume *v, size_t links,
				  struct arena *a);

/* ---- removing */

/* Removes a volume that no container uses. force: the containers that use it are removed first, after time_s seconds to stop (negative: killed).
 * ERR_VOLUME_IN_USE (names them), ERR_VOLUME_UNKNOWN. One whose record is broken is removed by its name. */
int volume_remove(const struct home *h, const char *text, bool force, int64_t time_s,
		  struct arena *a, struct err *e);

struct volumes_pruned {
	struct strs names;
	int64_t bytes;
	size_t failed;
	struct err why; /* of the first one that could not be removed */
};

/* All that no container uses. filters: those of volumes_query but dangling, and all=true|false. anonymous: only those without a name, unless the filter all
 * says more. leaving: ids of containers that count as gone (dry runs). */
int volumes_prune(const struct home *h, const struct strs *filters, bool anonymous, bool dry,
		  const struct strs *leaving, struct arena *a, struct volumes_pruned *ret,
		  struct err *e);

/* The room that the files of volumes take, in the order of names. */
void volumes_usage(const struct home *h, const char *const *names, size_t n, int64_t *ret);

#endif
