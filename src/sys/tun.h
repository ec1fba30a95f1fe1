/*
 * tun.h - a TUN device: the packets that the kernel routes into it are read from a descriptor, what is written to that comes out of it.
 */
#ifndef SYS_TUN_H
#define SYS_TUN_H

#include "base/base.h"

/* Makes the device in the network namespace of the caller, with this index (0: the kernel's choice), and returns its descriptor: whole packets,
 * each behind a struct virtio_net_hdr (IFF_TUN, IFF_NO_PI, IFF_VNET_HDR), non-blocking. The device is down, and gone with the descriptor. -EBUSY if it is there
 * already; ERR_NET_KERNEL with what is missing and how to get it. */
int tun_open(const char *name, int index, struct err *e);

#endif
