/*
 * seccomp_builtin.h - the arrays that seccomp_gen makes from seccomp_default.json and creds.c when hoy is built.
 */
#ifndef RUNTIME_SECCOMP_BUILTIN_H
#define RUNTIME_SECCOMP_BUILTIN_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct seccomp_builtin {
	uint64_t caps; /* the relevant capabilities that it was made for */
	const struct sock_filter *v;
	size_t n;
};
extern const struct seccomp_builtin seccomp_builtins[];
extern const size_t seccomp_builtin_count;
extern const uint64_t seccomp_builtin_relevant; /* capabilities that the profile asks about */
extern const char seccomp_builtin_json[];	/* the profile's text */
extern const size_t seccomp_builtin_json_len;
extern const struct sock_filter seccomp_builtin_ids[]; /* hands over the calls of creds.h */
extern const size_t seccomp_builtin_ids_n;

#endif
