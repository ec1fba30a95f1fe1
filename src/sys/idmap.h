/*
 * idmap.h - questions about id maps, and maps that are made of others. Nothing of the system is asked or changed here.
 *
 * A range says: the ids inside ... inside + count - 1 of a namespace are outside ... of its parent. Ids are 32 bits, and 4294967295 is none
 * (user_namespaces(7)); no function lets a range pass that.
 */
#ifndef SYS_IDMAP_H
#define SYS_IDMAP_H

#include "sys/userns.h"

/* The id outside that an id inside has, or the other way round; -1: none. */
int64_t idmap_out(const struct id_map *m, uint32_t inside);
int64_t idmap_in(const struct id_map *m, uint32_t outside);

/* Adds a range; what goes on where the last one ended is made longer instead. -E2BIG: there are ID_RANGES_MAX already; -ERANGE: it passes the last id. */
int idmap_add(struct id_map *m, uint32_t inside, uint32_t outside, uint32_t count);

/* The same for a range that goes before all others: what these have of the same ids, inside or outside, is taken out of them first. */
int idmap_put(struct id_map *m, uint32_t inside, uint32_t outside, uint32_t count);

/* Maps those inside ids of parent that m does not use as its outside ids, in their order, to the lowest ids that m does not have. */
int idmap_fill(struct id_map *m, const struct id_map *parent);

/* The lowest inside id of parent that m does not use as an outside id; -1: it uses all. */
int64_t idmap_unused(const struct id_map *m, const struct id_map *parent);

/* By their inside ids. */
void idmap_sort(struct id_map *m);

/* A range that has an id, inside or outside, of an earlier one; NULL: none has. */
const struct id_range *idmap_conflict(const struct id_map *m);

/* m in pieces, each of which lies in one range of the parent, because the kernel takes no other (its outside ids are the parent's inside ids). -ERANGE: the
 * ids *ret_missing (inside: those of m) are not there; -E2BIG. */
int idmap_split(const struct id_map *m, const struct id_map *parent, struct id_map *ret,
		struct id_range *ret_missing);

/* Is every id the same on both sides? */
bool idmap_is_plain(const struct id_map *m);

uint64_t idmap_count(const struct id_map *m);

/* A number that tells maps apart: FNV-1a of their ranges, which are to be sorted. Nobody but the user chooses maps, so nobody makes two collide. */
uint64_t idmap_key(const struct id_map *uids, const struct id_map *gids);

/* "0:1:1000,1000:0:1", as podman writes maps: inside:outside:count. */
void idmap_text(const struct id_map *m, struct str *out);

#endif
