/*
 * bundle_help.h - what a bundle's init may not do itself: its parent does it, with its own rights, in a child that is in the init's mount namespace.
 */
#ifndef RUNTIME_BUNDLE_HELP_H
#define RUNTIME_BUNDLE_HELP_H

#include "runtime/bundle.h"

/* Opens a path of the host (O_PATH) and sends it over sync: "o" with the descriptor, or "e". */
void bundle_help_open(pid_t init, int sync, const char *path);

/* Makes the bind mount of this number of the document with its id map, and sends it over sync: "o" with the detached mount. */
int bundle_help_mapped(const struct bundle *b, pid_t init, int sync, size_t at, struct err *e);

#endif
