/*
 * top_columns.h - the columns that top.c can show. Both families are tables of a name, a heading and a function.
 */
#ifndef ENGINE_TOP_COLUMNS_H
#define ENGINE_TOP_COLUMNS_H

#include "runtime/user.h"
#include "sys/procinfo.h"

struct id_line {
	uint32_t inside, outside, count;
};

/* What a column may need besides the process. */
struct top {
	int proc;     /* descriptor of /proc */
	size_t depth; /* which of a process's pids the container sees */
	bool host_pids;
	struct timespec now, booted;
	long hz;
	uint64_t memory; /* of the machine, in bytes */
	struct {
		struct id_line v[340]; /* as many as the kernel takes */
		size_t n;
	} uids, gids; /* the container's ids and ours */
	struct user_names users, groups, host_users, host_groups;
	struct procinfo *v;
	size_t n;
};

struct top_column {
	const char *name, *code; /* code: its AIX format, "%U"; NULL: none */
	const char *head;
	void (*add)(const struct top *t, const struct procinfo *p, struct str *out);
};

/* By name or code; NULL if there is none. */
const struct top_column *top_column_podman(const char *name);
const struct top_column *top_column_ps(const char *name);

#endif
