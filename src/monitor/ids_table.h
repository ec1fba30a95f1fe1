/*
 * ids_table.h - which credentials which process has (monitor/ids.h says how that is remembered). Used by the answerer alone.
 */
#ifndef MONITOR_IDS_TABLE_H
#define MONITOR_IDS_TABLE_H

#include "runtime/creds.h"

enum { IDS_SLOTS = 256 };

struct ids_slot {
	uint16_t
		generation; /* counts its uses, so that a late reader of an old one is not given the new one */
	bool used;
	struct creds creds;
};

/* In memory shared by a monitor and its answerers, so that another one can go on. Untouched pages cost nothing. */
struct ids_table {
	uint32_t tag;	     /* random; marks our values among those that RLIMIT_LOCKS may have */
	uint64_t busy;	     /* the call that is being answered, 0: none */
	struct creds native; /* who processes are that have no entry */
	struct ids_slot slots[IDS_SLOTS];
};

/* NULL if there is no memory. */
struct ids_table *ids_table_new(const struct creds *native);
void ids_table_free(struct ids_table *t); /* NULL is fine */

/* Who the process is. One whose entry is gone is nobody (65534). 0, or -errno if there is no such process. */
int ids_table_get(const struct ids_table *t, pid_t pid, struct creds *ret);

/* The process is that from now on, and its children to come. -EAGAIN: the table is full of credentials in use, or the container has
 * taken the room of the limit. proc: a descriptor of /proc. */
int ids_table_set(struct ids_table *t, pid_t pid, const struct creds *c, int proc);

#endif
