/*
 * local.h - the options of the driver local: what is to be found at a volume's place.
 *
 * Without options that is _data of the volume. type, device and o are those of mount(8), as podman and docker have them: a user may mount
 * tmpfs and bind directories, other file systems are for root on the host and are refused with that reason. Of o, uid=, gid= (who owns an
 * empty volume) and nocopy are hoy's own, the rest are options of the mount.
 *
 * Sources: podman-volume-create(1), docker-volume-create(1), tmpfs(5).
 */
#ifndef VOLUME_LOCAL_H
#define VOLUME_LOCAL_H

#include "base/base.h"

enum local_kind { LOCAL_DATA, LOCAL_BIND, LOCAL_TMPFS };

struct local {
	enum local_kind kind;
	const char *device;    /* LOCAL_BIND: absolute path on the host */
	struct strs options;   /* of the mount: "ro", "noexec", "size=64m" ... */
	bool nocopy;	       /* nothing of an image is ever copied into it */
	bool has_uid, has_gid; /* who owns it was said */
	uint32_t uid, gid;     /* ids of a container */
};

/* Reads the options of a volume. ERR_VOLUME_OPTION with what can be had instead. */
int local_parse(const struct pairs *options, struct local *ret, struct arena *a, struct err *e);

#endif
