/*
 * caps.h - capabilities: names, the set that a container gets, and how a process takes it on (capabilities(7)).
 *
 * A set is a 64-bit mask, bit n for capability n of the kernel's list. A container has two sets: `bounding` is what a process
 * with uid 0 holds, `user` is what a process with another uid keeps, which is only what was asked for by name with --cap-add
 * (as podman 5 does; it becomes inheritable and ambient then). For uid 0 the inheritable and ambient sets are always empty.
 *
 * A container's init takes the sets on in two steps around the change of user, as the last thing before execve(2):
 *
 *   caps_before_user(c.bounding, &e);         bounding set dropped, capabilities kept over setuid(2)
 *   setgroups(...); setresgid(...); setresuid(...);
 *   caps_after_user(&sets, !nnp, &e);         the final sets, plus SYS_ADMIN until the execve if asked for
 *   seccomp_load(...);                        needs no_new_privs or that SYS_ADMIN
 *   execve(...);
 *
 * What execve leaves follows from the bounding and ambient sets alone, so the SYS_ADMIN of the last moment does not survive it.
 * Nothing here reads /proc: at that time /proc belongs to the container. libcap-ng gives the names and the set calls.
 */
#ifndef SYS_CAPS_H
#define SYS_CAPS_H

#include "base/base.h"

/* The 11 that podman grants unless told otherwise (containers.conf(5), default_capabilities). */
#define CAPS_DEFAULT                                                                               \
	((UINT64_C(1) << 0) | (UINT64_C(1) << 1) | (UINT64_C(1) << 3) | (UINT64_C(1) << 4) |       \
	 (UINT64_C(1) << 5) | (UINT64_C(1) << 6) | (UINT64_C(1) << 7) | (UINT64_C(1) << 8) |       \
	 (UINT64_C(1) << 10) | (UINT64_C(1) << 18) | (UINT64_C(1) << 31))

struct caps {
	uint64_t bounding; /* of a process with uid 0: bounding, permitted, effective */
	uint64_t user;	   /* of a process with another uid: also inheritable and ambient */
};

/* The five sets as the kernel has them, for one process. */
struct caps_sets {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};
/* What a process with this uid of a container of hoy's gets. */
struct caps_sets caps_sets_of(const struct caps *c, uid_t uid);

/* All capabilities that this kernel knows. Cached after the first call. */
uint64_t caps_all(void);

/* "CAP_SYS_ADMIN", "sys_admin", "Sys_Admin" to its number; -EINVAL and ERR_CAP_UNKNOWN with the nearest name. A capability
 * whose name is known but which this kernel lacks is an error too. */
int caps_number(const char *name, struct err *e);

/* "CAP_SYS_ADMIN"; never NULL ("CAP_63" for what has no name). */
const char *caps_name(int cap);

/* Adds the names in the set to out, lowest number first, each as "CAP_X" (the form of inspect). */
void caps_names(uint64_t set, struct strv *out);

/* A list of names, each may also hold several between commas, and ALL. *ret_all tells whether ALL was there (the set is then
 * caps_all()); it may be NULL. */
int caps_parse(const char *const *names, size_t n, uint64_t *ret, bool *ret_all, struct err *e);

/* The sets of a new container from --cap-add, --cap-drop and --privileged, by podman's rules: --cap-drop ALL leaves what is
 * added; --cap-add ALL leaves all but what is dropped; the same name (or ALL) in both lists is an error; privileged gives all. */
int caps_compute(const char *const *add, size_t nadd, const char *const *drop, size_t ndrop,
		 bool privileged, struct caps *ret, struct err *e);

/* Step one, with uid 0 and all capabilities of the user namespace: drops the bounding set to what is given, empties the ambient
 * set, and lets the permitted set survive the change of user. */
int caps_before_user(uint64_t bounding, struct err *e);

/* Step two, after the change of user: sets permitted and effective (plus SYS_ADMIN if keep_sys_admin), inheritable and ambient.
 * keep_sys_admin is for loading a seccomp filter without no_new_privs. */
int caps_after_user(const struct caps_sets *c, bool keep_sys_admin, struct err *e);

#endif
