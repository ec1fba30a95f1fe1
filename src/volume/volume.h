/*
 * volume.h - the volumes of the store: what a volume is, and its record.
 *
 * volumes/<name>/ holds config.json (written once), _data (what containers see) and, until the volume is used for the first time, copy: a link
 * whose text says that it is still to be filled with what the image has at its place ("wanted"), or that somebody has begun to ("begun"). A
 * volume is made below tmp/ and moved to its place, so what has a name is whole.
 * Nobody counts who uses a volume: the records of the containers say it (struct state_mount). So that nobody takes a volume while another one
 * removes it, whoever makes a container holds the shared lock of volumes/ from where it makes sure that its volumes are there to where its
 * record can be seen, and whoever removes volumes holds the exclusive one. Reading takes none.
 */
#ifndef VOLUME_VOLUME_H
#define VOLUME_VOLUME_H

#include "data/bind.h"
#include "state/home.h"

#define VOLUME_LOCAL "local"

struct volume {
	int64_t version;
	const char *name, *driver;
	const char *created; /* RFC 3339 */
	struct pairs labels, options;
	bool anonymous;
};

enum { VOLUME_NAME_MAX = 200 };

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most VOLUME_NAME_MAX bytes; else ERR_NAME. */
int volume_check_name(const char *name, struct err *e);
/* Is there such a driver? ERR_VOLUME_DRIVER. */
int volume_check_driver(const char *driver, struct err *e);
/* A name for one that has none: 64 hex digits. buf holds 65 bytes. */
char *volume_random_name(char *buf);

/* Reads the record of this very name. -ENOENT (without *e): there is none. ERR_VOLUME_RECORD: it is not of its form; ERR_NEWER. */
int volume_read(const struct home *h, const char *name, struct volume *ret, struct arena *a,
		struct err *e);
/* The same by name, or by a unique prefix of a name of 64 hex digits. ERR_VOLUME_UNKNOWN with the nearest name, ERR_VOLUME_AMBIGUOUS. */
int volume_find(const struct home *h, const char *text, struct volume *ret, struct arena *a,
		struct err *e);
/* The name that text means, whether its record can be read or not. */
int volume_find_name(const struct home *h, const char *text, const char **ret, struct arena *a,
		     struct err *e);
/* The names of all, sorted. */
int volume_names(const struct home *h, struct strv *ret, struct err *e);

/* Where its files are, relative to the store: "volumes/NAME/_data". */
const char *volume_data(const char *name, struct arena *a);

/* The lock of volumes/: a descriptor, or -errno. */
int volumes_lock(const struct home *h, bool exclusive, struct err *e);

/* Makes volumes/<name>, asking its plugin first; its time is filled in if it is not set. sync: it outlives a power cut. empty: nothing is ever copied into it.
 * -EEXIST: ERR_VOLUME_EXISTS. */
int volume_make(const struct home *h, struct volume *v, bool sync, bool empty, struct arena *a,
		struct err *e);

/* The same for one that its plugin has already, and without telling the plugin. */
int volume_record(const struct home *h, struct volume *v, bool sync, bool empty, struct arena *a,
		  struct err *e);
int volume_forget(const struct home *h, const char *name, struct strv *ret, struct err *e);

/* Takes it out of sight, to tmp/, with all its files; the exclusive lock is held. ret says what is to be deleted (home_rm_tree), which may
 * take long. -ENOENT: there is none. */
int volume_take_away(const struct home *h, const char *name, struct strv *ret, struct err *e);

/* Writes an event (state/events.h); driver may be NULL. create and remove are written by the calls above. */
void volume_tell(const struct home *h, const char *action, const char *name, const char *driver);

/* Anonymous volumes of a container that is not finished yet are named in its directory, one on each line, before they are made: whoever
 * sweeps up after its maker was killed removes them (state/tmp.h). */
#define VOLUME_ANONYMOUS_LIST "anonymous"

/* One use of a volume by a container. */
struct volume_use {
	const char *volume;
	const char *id, *name; /* the container's */
	bool running;
};
/* All of them, by what the containers' records say; those that are being made are among them. struct volume_use in the arena. */
int volume_uses(const struct home *h, struct bind_list *ret, struct arena *a, struct err *e);
/* How many are of this volume; except may be NULL. */
size_t volume_used_by(const struct bind_list *uses, const char *name, const char *except);

#endif
