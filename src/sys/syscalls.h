/*
 * syscalls.h - numbers of system calls by name, for the native architecture and its 32-bit companions.
 *
 * The tables are made by syscalls_gen when hoy is built, out of libseccomp's, so that profiles are compiled at run time without
 * any library. Calls that are younger than that libseccomp are known too: from 424 on, all architectures share their numbers.
 */
#ifndef SYS_SYSCALLS_H
#define SYS_SYSCALLS_H

#include "base/base.h"

struct syscall_row {
	char name[30];
	uint16_t nr;
};
struct syscall_table {
	uint32_t arch;			/* AUDIT_ARCH_* */
	const struct syscall_row *rows; /* sorted by name */
	size_t n;
};
extern const struct syscall_table syscall_tables[]; /* generated; the native one first */
extern const size_t syscall_table_count;

/* x32, whose calls the kernel reports as those of x86_64, with this bit in their number; rows are without it. The token is libseccomp's. */
enum { SYSCALLS_X32 = 0x4000003e, SYSCALLS_X32_BIT = 0x40000000 };

/* -ENOENT if the architecture has no such call, or is not known here. */
int syscall_number(uint32_t arch, const char *name);

#endif
