/*
 * ladder.h - what stands in for the default network where the kernel cannot make networks: pasta, then slirp4netns, then none.
 *
 * It is chosen when the first container of the default network fails to be attached and the probe (net/probe.h) says that something is missing, and
 * kept in the store until the machine is booted again (networks/.instead), so that later starts do not try in vain. Networks that
 * users make have no stand-in: there the error is told.
 */
#ifndef MONITOR_LADDER_H
#define MONITOR_LADDER_H

#include "state/home.h"

struct ladder {
	const char *
		instead; /* "pasta", "slirp4netns" or "none"; NULL: hoy makes its networks itself */
	char why[512], hint[320]; /* what is missing, and what helps */
	const char *effect;	  /* what that means, in words */
};

/* What was chosen since the machine was booted. Costs one call where nothing was. */
void ladder_read(const struct home *h, struct ladder *ret);

/* Forgets it: the next start tries again. */
void ladder_forget(const struct home *h);

/* Asks the probe. false: it finds nothing missing. Else e says what, and with choose a stand-in is chosen and written down. */
bool ladder_explain(const struct home *h, bool choose, struct ladder *ret, struct err *e);

#endif
