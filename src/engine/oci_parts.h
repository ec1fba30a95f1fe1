/*
 * oci_parts.h - what the files that make up oci.h share.
 */
#ifndef ENGINE_OCI_PARTS_H
#define ENGINE_OCI_PARTS_H

#include "engine/oci.h"
#include "runtime/bundle.h"

extern const struct bind_field oci_state_fields[];

int oci_check_id(const char *id, struct err *e);
/* The directory of all containers. A descriptor or -errno. */
int oci_open_root(const struct oci_place *where, bool make, struct arena *a, struct err *e);
int oci_not_running(const struct oci_container *c, struct err *e);

/* Connects to a unix socket; name relative to dir, or absolute. */
int oci_connect(int dir, const char *name, struct err *e);
/* Writes a number to a file that nobody sees half. */
int oci_write_pid(const char *path, pid_t pid, struct err *e);
/* 3 ... n + 2, which must be open. */
int oci_preserve(uint64_t n, struct fd_kept *ret, struct err *e);

/* What is to be done with the terminal of a process in the foreground for which nobody else waits: its console socket is ours. */
struct oci_terminal {
	int pair[2]; /* the end for the process, and ours */
};
/* oci_create(), whose terminal, if it has one and nobody else takes it, is handed to t; NULL: somebody else has to. */
int oci_create_in(const struct oci_place *where, const char *id, const struct oci_create_opts *o,
		  struct oci_terminal *t, struct oci_container *ret, struct strs *warnings,
		  struct err *e);
/* p gets the size of our terminal. */
int oci_terminal_open(struct oci_terminal *t, struct oci_process *p, struct err *e);
/* Waits for the end of a child, passes signals on, and, with a terminal (NULL: none), what is typed and shown. Its exit code. */
int oci_attend(pid_t pid, int pidfd, struct oci_terminal *t, struct err *e);

#endif
