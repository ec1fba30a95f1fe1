/*
 * target.h - where save and export write: a file, a directory, or standard output, which must be no terminal.
 *
 * A file or directory gets its name only when it is complete, and replaces an older file then; a file is nameless until then where the file system
 * can do that. Devices, pipes and standard output are written as they are. kill -9 may leave .NAME.hoy-<hex> beside a directory (and a
 * file, where the file system has no O_TMPFILE).
 */
#ifndef ENGINE_TARGET_H
#define ENGINE_TARGET_H

#include "base/base.h"

struct target {
	const char *what;
	int parent, fd; /* fd: to write to, or the directory */
	char *base;	/* NULL: written in place */
	char tmp[300];	/* the name it has until it is complete; "": none */
	bool dir;
};

/* A file, or standard output if path is NULL. example stands in hints. target_free() in any case. */
int target_open(struct target *t, const char *path, const char *example, struct err *e);
/* A directory that does not exist yet, or is empty. */
int target_open_dir(struct target *t, const char *path, struct err *e);
/* It is complete: gives it its name. */
int target_finish(struct target *t, struct err *e);
/* Removes what is not complete. */
void target_free(struct target *t);

#endif
