/*
 * dgram.h - datagrams in bulk: many with one call, and those of one length to one address as one train.
 *
 * A train is up to 64 datagrams in one buffer, sent with UDP_SEGMENT: the kernel carries them as one packet as far as it can, to the network
 * card or to the receiving socket, which is cheaper by a multiple. UDP_GRO is the same on the way in. Where the kernel or the path does not take a
 * train, its datagrams go one by one: nobody sees a difference. What comes in lies in one buffer for the whole process, until the next
 * call; its pages go back when nothing comes.
 */
#ifndef NET_DGRAM_H
#define NET_DGRAM_H

#include <sys/socket.h>

#include "net/addr.h"

enum {
	DGRAM_BATCH = 32,
	DGRAM_SLOT = 65536,
	TRAIN_MAX = 64,
	TRAIN_BYTES = 65000, /* with headers it still fits a packet */
};

struct dgram_in {
	struct mmsghdr m[DGRAM_BATCH];
	struct iovec v[DGRAM_BATCH];
	struct sockaddr_storage from[DGRAM_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[DGRAM_BATCH][192];
	uint8_t *buf;
};

/* One recvmmsg(2): the number of messages, 0 or less if there are none. *ret holds until the next call. */
int dgram_receive(int fd, struct dgram_in **ret) __attribute__((hot));
/* The length of the datagrams in a message that is a train (UDP_GRO); 0: it is one. */
size_t dgram_segment(const struct msghdr *m);
/* Gives the buffer's pages back. */
void dgram_settle(void);
/* Larger buffers, and UDP_GRO. */
void dgram_prepare(int fd);

/* Datagrams, each in a place of its own. */
struct train {
	struct iovec v[TRAIN_MAX];
	size_t n, bytes;
};
static inline void train_clear(struct train *t)
{
	t->n = t->bytes = 0;
}
/* Adds one; false: it cannot be the next of this train. An empty train takes any. */
bool train_add(struct train *t, void *body, size_t len) __attribute__((hot));

/* Where a train goes: no address for a connected socket; control: what else each message says (up to 64 bytes), as cmsg(3) has it. */
struct dgram_to {
	const struct sockaddr_storage *sa;
	socklen_t len;
	const void *control;
	size_t control_len;
};
/* Sends a train; what the kernel has no room for is lost. *no_train: set, and heeded, where trains do not work. 0, or the errno (negative) of the
 * last datagram that was refused. */
int train_send(int fd, const struct dgram_to *to, const struct train *t, bool *no_train)
	__attribute__((hot));

#endif
