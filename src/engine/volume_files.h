/*
 * volume_files.h - the files of a volume, from outside of containers: as a tar, and as a directory inside of `hoy unshare`.
 *
 * Containers may write to the volume meanwhile: it is read and written inside U0 by descriptors, and no link of it is followed (CVE-2023-0778).
 */
#ifndef ENGINE_VOLUME_FILES_H
#define ENGINE_VOLUME_FILES_H

#include "engine/volume.h"

/* Writes it as a tar to a file, or to standard output if output is NULL. ERR_VOLUME_UNKNOWN, ERR_VOLUME_OPTION (it is in memory). */
int volume_export(const struct home *h, const char *text, const char *output, struct err *e);

/* Unpacks a tar, also a compressed one, into it: a file, or standard input if input is NULL. What is there stays, but for what has the same name. */
int volume_import(const struct home *h, const char *text, const char *input, struct err *e);

/* Only inside of `hoy unshare` (ERR_NOT_UNSHARED): makes its files seen in a directory, which *ret names. One that is in memory, or a directory of the host, is
 * mounted for the programs in there, until volume_unmount() or the last of them ends. */
int volume_mount(const struct home *h, const char *text, const char **ret, struct arena *a,
		 struct err *e);
int volume_unmount(const struct home *h, const char *text, struct arena *a, struct err *e);

#endif
