/*
 * creds.h - who a process believes to be, where all ids of a container are one: the rules of credentials(7), with nothing behind them.
 *
 * In form one (state/u0.h) the kernel knows a single uid and a single gid, so setuid(2) to another fails, and programs that give up root for
 * an account of their own (apt, sshd, every daemon) do not run. There a filter hands the calls of the table below to a process of ours
 * (monitor/ids.h), which answers them by these rules. A process that was told that it is user 100 has the powers of the container's root
 * all the same: it is a play for the sake of programs, no boundary.
 */
#ifndef RUNTIME_CREDS_H
#define RUNTIME_CREDS_H

#include "base/base.h"

enum { CREDS_MAX_GROUPS = 64 }; /* more are cut off */

enum { CREDS_REAL, CREDS_EFFECTIVE, CREDS_SAVED, CREDS_FS };

struct creds {
	uint32_t uid[4], gid[4]; /* by CREDS_REAL ... */
	uint32_t ngroups;
	uint32_t groups[CREDS_MAX_GROUPS];
	/* PR_SET_KEEPCAPS, which setpriv(1) relies on: the program image (a number that changes with execve) for which capabilities are to be
	 * kept over a change of user, and for which they have been; 0: none. */
	uint64_t keep, kept;
};

/* The calls that are handed over. Order matters: what only asks comes first. */
enum creds_op {
	CREDS_GETUID,
	CREDS_GETEUID,
	CREDS_GETGID,
	CREDS_GETEGID,
	CREDS_LAST_PLAIN_GET = CREDS_GETEGID,
	CREDS_GETRESUID,
	CREDS_GETRESGID,
	CREDS_LAST_GET = CREDS_GETRESGID,
	CREDS_GETGROUPS,
	CREDS_SETUID,
	CREDS_SETGID,
	CREDS_SETREUID,
	CREDS_SETREGID,
	CREDS_SETRESUID,
	CREDS_SETRESGID,
	CREDS_SETFSUID,
	CREDS_SETFSGID,
	CREDS_SETGROUPS,
	CREDS_LAST_ID = CREDS_SETGROUPS,
	CREDS_PRCTL, /* PR_SET_KEEPCAPS; the kernel does it too */
	CREDS_CHOWN, /* files: monitor/ids_files.h */
	CREDS_LCHOWN,
	CREDS_FCHOWN,
	CREDS_FCHOWNAT,
	CREDS_MKNOD,
	CREDS_MKNODAT,
};

struct creds_call {
	const char *name;
	enum creds_op op;
	/* On a 32-bit architecture ids are 16 bits wide; the call of the same name with "32" behind is the wide one. */
	bool narrow;
	/* Handed over only if an argument is one of these under the mask: the modes of devices, PR_SET_KEEPCAPS. */
	uint8_t arg;
	uint32_t mask, values[2];
};
extern const struct creds_call creds_calls[];
extern const size_t creds_call_count;

/* The same for every id: uid, gid, and these supplementary groups. */
void creds_init(struct creds *c, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n);

/* A setter's effect: a[] are its arguments ((uint32_t)-1: leave), privileged whether the process holds CAP_SETUID or CAP_SETGID. 0, -EPERM,
 * -EINVAL; setfsuid and setfsgid give the previous id and never fail. Who leaves uid 0 leaves its capabilities, but for keep. */
int64_t creds_set(struct creds *c, enum creds_op op, const uint32_t a[3], bool privileged);

/* The value of getuid, geteuid, getgid, getegid. */
uint32_t creds_get(const struct creds *c, enum creds_op op);

bool creds_equal(const struct creds *a, const struct creds *b);

#endif
