/*
 * oci_seccomp.h - linux.seccomp of an OCI bundle: compiling it, loading it, and handing its listener to whoever answers the calls that are notified.
 *
 * The filter may forbid the init any call, also those with which it could give the listener away. So the parent takes it out of the init (pidfd_getfd(2)), and the init
 * waits for that without a system call: both see one page of memory. What is sent is the container process state (config-linux.md, "The Container Process State") with the
 * listener as the one descriptor.
 */
#ifndef RUNTIME_OCI_SECCOMP_H
#define RUNTIME_OCI_SECCOMP_H

#include "data/json.h"
#include "sys/seccomp.h"

struct oci_seccomp {
	struct seccomp_prog prog;
	const char *listener_path, *listener_metadata; /* NULL: none; in the arena */
	bool notify;
};

/* Before anything is made. doc: the object linux.seccomp; what names its document. ERR_SECCOMP_PROFILE with line and column. */
int oci_seccomp_compile(const struct json *doc, const char *what, struct arena *a,
			struct oci_seccomp *ret, struct err *e);
void oci_seccomp_free(struct oci_seccomp *s);

/* The page, shared with children that are made afterwards. NULL where nothing is notified. */
struct oci_seccomp_share;
int oci_seccomp_share(const struct oci_seccomp *s, struct oci_seccomp_share **ret, struct err *e);
void oci_seccomp_unshare(struct oci_seccomp_share *sh); /* NULL is fine */

/* In the process that will be the container's: loads the filter. With a listener it comes back when the parent has it; -EPIPE if the parent has given up. */
int oci_seccomp_load(const struct oci_seccomp *s, struct oci_seccomp_share *sh, struct err *e);

/* In the parent, while the process (pid, ours to trace) loads: takes the listener and sends it over the socket, connected to listener_path. state: the container's state as
 * the specification has it. Nothing is done where nothing is notified. */
int oci_seccomp_hand_over(const struct oci_seccomp *s, struct oci_seccomp_share *sh, pid_t pid,
			  int sock, const struct json *state, struct err *e);

/* The text that is sent. */
void oci_seccomp_state_text(const struct oci_seccomp *s, pid_t pid, const struct json *state,
			    struct str *ret);

/* The object linux.seccomp of `features` (features.md). */
struct json *oci_seccomp_features(struct arena *a);

#endif
