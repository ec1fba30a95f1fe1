/*
 * prune.h - removing all containers that do not run, or some of them.
 */
#ifndef ENGINE_PRUNE_H
#define ENGINE_PRUNE_H

#include "engine/container.h"

/* The filters that all prune commands know; others are ERR_USAGE. */
int prune_check_filters(const struct strs *filters, struct err *e);

struct prune_result {
	struct strs ids; /* what was removed, or would be; the oldest first */
	int64_t bytes;	 /* that they had written */
	size_t failed;	 /* those that could not be removed */
	struct err why;	 /* of the first one of them */
};

/* filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]; others are ERR_USAGE. dry: nothing is removed. Whatever is started or
 * removed by others meanwhile is left alone. */
int containers_prune(const struct home *h, const struct strs *filters, bool dry, struct arena *a,
		     struct prune_result *ret, struct err *e);

#endif
