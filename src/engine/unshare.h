/*
 * unshare.h - a program of the user's in U0: it sees the files of containers with the owners that they have there.
 */
#ifndef ENGINE_UNSHARE_H
#define ENGINE_UNSHARE_H

#include "state/home.h"

/* Makes this process one in U0, root there, with mounts of its own, and says so in its environment (state/u0.h), so that every
 * hoy that it starts knows. ERR_USAGE if it is there already. */
int unshare_enter(const struct home *h, struct err *e);

#endif
