/*
 * mount_opts.h - the texts of --volume, --mount, --tmpfs and --device, checked and turned into what config.json holds.
 *
 * What is asked for in different words becomes the same config_mount; its options are the words of mount_words.c, each at most once and
 * none against another. All results live in the arena. Errors are ERR_MOUNT (ERR_DEVICE) and name the option and the offending text.
 *
 * Sources: podman-run(1), docker-run(1), Go's encoding/csv for the form of --mount.
 */
#ifndef ENGINE_MOUNT_OPTS_H
#define ENGINE_MOUNT_OPTS_H

#include "runtime/config.h"

/* --volume [SOURCE:]DESTINATION[:OPTION[,OPTION...]], SOURCE a host path or the name of a volume. strict: a directory of the host that is
 * missing is made, as docker does. What a volume is made of is found out later (volume_opts.h). */
int mount_opts_volume(struct arena *a, const char *text, bool strict, struct bind_list *mounts,
		      struct err *e);

/* --mount type=bind|volume|tmpfs|image|glob|ramfs|devpts,KEY[=VALUE]... in CSV. strict: a tmpfs is noexec and starts empty, as docker's. */
int mount_opts_mount(struct arena *a, const char *text, bool strict, struct bind_list *mounts,
		     struct err *e);

/* --tmpfs DESTINATION[:OPTION[,OPTION...]] */
int mount_opts_tmpfs(struct arena *a, const char *text, bool strict, struct bind_list *mounts,
		     struct err *e);

/* Is something mounted at this destination already? */
bool mount_opts_has(const struct bind_list *mounts, const char *destination);

/* Parents before children, and no destination twice. */
int mount_opts_sort(struct bind_list *mounts, struct err *e);

/* --device HOST[:CONTAINER][:PERMISSIONS] into a list of config_device. */
int mount_opts_device(struct arena *a, const char *text, struct bind_list *devices, struct err *e);

#endif
