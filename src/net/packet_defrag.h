/*
 * packet_defrag.h - fragments become packets again.
 *
 * The kernel of N has put every packet together and seen that its fragments fit (nftables' tproxy makes it do so) before it cuts it again, at the same places,
 * for the TUN device. So they come in order and one behind the other, and that is all that is taken: a piece that does not begin where the one before it
 * ended ends the packet. There is nothing to overlap, to sort or to fill. A few packets may be under way at once; the oldest of
 * whoever has most of them makes room, so no container takes the places of others, and what stays incomplete for a second goes.
 */
#ifndef NET_PACKET_DEFRAG_H
#define NET_PACKET_DEFRAG_H

#include "net/packet.h"

enum { DEFRAG_SLOTS = 8, DEFRAG_MS = 1000 };

struct defrag {
	struct defrag_slot {
		uint8_t *buf; /* NULL: free. An IP header without options, then the pieces */
		size_t have;  /* bytes behind that header */
		int64_t at;
		struct ip src, dst;
		uint32_t id;
		uint8_t proto, ttl, tos;
	} v[DEFRAG_SLOTS];
	uint8_t *whole; /* what was given out last */
};

/* p: a fragment. Returns the packet if this was its last piece (its length in *ret_len; it lives until the next call), else NULL. now: monotonic ms. */
const uint8_t *defrag_add(struct defrag *d, const struct packet *p, int64_t now, size_t *ret_len);
/* Frees what is older than DEFRAG_MS. Is anything left? */
bool defrag_settle(struct defrag *d, int64_t now);
void defrag_free(struct defrag *d);

#endif
