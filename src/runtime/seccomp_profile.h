/*
 * seccomp_profile.h - seccomp profiles in docker's JSON form, and hoy's default profile.
 *
 * The default profile is runtime/seccomp_default.json. When hoy is built, seccomp_gen compiles it for the default capabilities and
 * for the usual additions into arrays (seccomp_builtin.c in the build directory), so that a container starts without
 * compiling. Any other set of capabilities, and every custom profile, is compiled at run time from the JSON text.
 *
 * Form: https://docs.docker.com/engine/security/seccomp/ and the runtime specification's config-linux.md#seccomp: defaultAction,
 * defaultErrnoRet, archMap or architectures, flags, syscalls[] of names, action, errnoRet, args, includes and excludes of
 * caps, arches and minKernel. The action that needs a listener (SCMP_ACT_NOTIFY) is refused. Unknown calls are skipped, as elsewhere; rules with
 * arguments are tried before rules without (sys/seccomp.h); x32 is never let in, even where it is listed. Two conditions on the same argument are two rules, as with runc.
 *
 * The profile of an OCI bundle is read by the same code, but to the letter of the specification and with the meaning that it has under runc: a rule without
 * arguments counts before all others of its call, calls younger than all in the profile fail with ENOSYS, x32 is let in where it is listed, and SCMP_ACT_NOTIFY
 * is possible (runtime/oci_seccomp.h).
 */
#ifndef RUNTIME_SECCOMP_PROFILE_H
#define RUNTIME_SECCOMP_PROFILE_H

#include "sys/seccomp.h"

/* The default profile for a container whose bounding set is caps (sys/caps.h). */
int seccomp_profile_default(uint64_t caps, struct seccomp_prog *ret, struct err *e);

/* Compiles a custom profile. what names it in errors (its path). ERR_SECCOMP_PROFILE when it is not one. */
int seccomp_profile_compile(const char *text, size_t len, const char *what, uint64_t caps,
			    struct seccomp_prog *ret, struct err *e);

/* The same for a given architecture ("x86_64", "aarch64"), as used when hoy is built; *ret_relevant, if not NULL, gets the
 * capabilities that the profile asks about: sets that agree on them give the same program. */
int seccomp_profile_compile_for(const char *machine, const char *text, size_t len, const char *what,
				uint64_t caps, struct seccomp_prog *ret, uint64_t *ret_relevant,
				struct err *e);

/* Compiles linux.seccomp of a bundle. *ret_notify: some calls are left to a listener. ERR_SECCOMP_PROFILE with line and column. */
struct json;
int seccomp_profile_compile_oci(const struct json *doc, const char *what, struct seccomp_prog *ret,
				bool *ret_notify, struct err *e);

/* The words that such a profile may have; supported flags: those that this kernel has. */
enum seccomp_words {
	SECCOMP_WORDS_ACTIONS,
	SECCOMP_WORDS_OPERATORS,
	SECCOMP_WORDS_ARCHS,
	SECCOMP_WORDS_FLAGS,
	SECCOMP_WORDS_SUPPORTED_FLAGS,
};
void seccomp_profile_words(enum seccomp_words what, struct arena *a, struct strs *ret);

/* Loads the filter that hands over the calls of runtime/creds.h. Returns its listener, or -errno (sys/notify.h). */
int seccomp_ids_load(void);

#endif
