/*
 * seccomp.h - seccomp filters: compiling rules into a program, and loading one.
 *
 * The parent compiles (or takes a filter that was compiled when hoy was built, see runtime/seccomp_profile.h), the container's init
 * only loads. A filter is a plain array of struct sock_filter (linux/filter.h), at most 4096 instructions (BPF_MAXINSNS). The
 * compiler is our own: its programs are a quarter of the size of libseccomp's, which is what loading one costs, and no
 * library is needed for custom profiles.
 *
 * Order of rules: for one call, those with arguments are tried first, in the order they were added, then the first one without
 * arguments, then the default. So a general "allow" and a specific "refuse" can stand together.
 */
#ifndef SYS_SECCOMP_H
#define SYS_SECCOMP_H

#include "base/base.h"

struct sock_filter;

/* A compiled program. Zero-initialised: no filter at all (unconfined). */
struct seccomp_prog {
	const struct sock_filter *v;
	size_t n;	/* instructions */
	unsigned flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2): LOG, SPEC_ALLOW */
	void *owned;	/* memory to free, NULL if v is static */
};
void seccomp_prog_free(struct seccomp_prog *p);

/* Loads the filter into this thread and all its future children; an empty program does nothing. Needs no_new_privs or
 * CAP_SYS_ADMIN in the user namespace. Async-signal-safe; 0 or -errno. */
int seccomp_load(const struct seccomp_prog *p);

/* One comparison of an argument, as in docker's profiles: (arg & mask) op value; mask counts for MASKED_EQ only. */
struct seccomp_arg {
	unsigned index; /* 0 to 5 */
	enum seccomp_op {
		SECCOMP_NE = 1,
		SECCOMP_LT,
		SECCOMP_LE,
		SECCOMP_EQ,
		SECCOMP_GE,
		SECCOMP_GT,
		SECCOMP_MASKED_EQ
	} op;
	uint64_t value, mask;
};

struct seccomp_builder;

/* archs: AUDIT_ARCH_* (linux/audit.h) and SYSCALLS_X32 (sys/syscalls.h), at most 4. The actions are SECCOMP_RET_* with their data. Calls by an architecture that is
 * not listed get bad_arch_action. */
int seccomp_builder_new(struct seccomp_builder **ret, const uint32_t *archs, size_t narchs,
			uint32_t default_action, uint32_t bad_arch_action, struct err *e);
void seccomp_builder_cleanup(struct seccomp_builder **b);
#define autobuilder __attribute__((cleanup(seccomp_builder_cleanup)))

/* How runc and crun take a profile, with libseccomp beneath (before rules are compiled):
 * PLAIN_WINS: a rule without arguments hides all others of its call, whatever the order.
 * YOUNG_ENOSYS: calls with higher numbers than any that has a rule fail with ENOSYS, so that programs fall back to older ones; runc does so where the
 * default is no leave. */
enum { SECCOMP_PLAIN_WINS = 1, SECCOMP_YOUNG_ENOSYS = 2 };
void seccomp_builder_like_runc(struct seccomp_builder *b, unsigned how);

/* Adds a rule for one system call by name; all args must match. A name that an architecture does not know is skipped there. */
int seccomp_builder_add(struct seccomp_builder *b, const char *name, uint32_t action,
			const struct seccomp_arg *args, size_t nargs, struct err *e);

/* Compiles into memory owned by ret. ERR_SECCOMP_PROFILE when it would be too long. */
int seccomp_builder_finish(struct seccomp_builder *b, struct seccomp_prog *ret, struct err *e);

#endif
