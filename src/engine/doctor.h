/*
 * doctor.h - what keeps hoy from working well on this machine, and the command that helps.
 *
 * Each thing is tried by the system calls that containers need, in a child process that ends, as far as that leaves no trace: nothing is written,
 * not even a store is made. What could only be found out by writing (whether the store's file system takes an overlay's upper
 * directory) is told from what is known of the file system.
 */
#ifndef ENGINE_DOCTOR_H
#define ENGINE_DOCTOR_H

#include "base/base.h"

enum doctor_status { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_finding {
	char id[24]; /* "user-namespaces": stable, for scripts */
	enum doctor_status status;
	char title[40];
	char text[400]; /* what was found */
	char fix[400];	/* a command line for the shell, or "" */
};

enum { DOCTOR_MAX = 24 };

struct doctor {
	struct doctor_finding v[DOCTOR_MAX];
	size_t n;
};

/* root: of the store, as of home_open(). Fails only if nothing can be tried at all. */
int doctor_examine(const char *root, struct doctor *ret, struct err *e);

const char *doctor_status_name(enum doctor_status s); /* "OK", "WARN", "FAIL" */

#endif
