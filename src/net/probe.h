/*
 * probe.h - what of a network this machine can do, found by doing it in a network namespace that is thrown away.
 *
 * It costs some milliseconds and belongs to `hoy info`, and to the moment when setting a real network up has failed and somebody wants to know why. It
 * never runs on the way of an ordinary start.
 */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include "base/base.h"

enum { NET_PROBE_MAX = 12 };
#define PROBE_TUN "TUN devices"

/* Plain bytes. */
struct net_missing {
	char what[48];	 /* "TUN devices" */
	char why[128];	 /* what the kernel said */
	char module[24]; /* the module that has it, or "" */
	char help[160];	 /* what helps, if it is not loading the module; or "" */
};
struct net_probe {
	bool ok;   /* bridge networks work */
	bool ipv6; /* the kernel has it */
	unsigned n;
	struct net_missing missing[NET_PROBE_MAX];
};

/* Fails only where nothing can be tried (no user or network namespace), and says why. */
int netns_probe(struct net_probe *ret, struct err *e);

/* All that is missing as one error (ERR_NET_KERNEL) with one hint; returns it. */
int netns_probe_error(const struct net_probe *p, struct err *e);

#endif
