/*
 * syscalls.h - numbers of system calls by name, for the native architecture and its 32-bit companion.
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

/* -ENOENT if the architecture has no such call, or is not known here. */
int syscall_number(uint32_t arch, const char *name);

#endif
