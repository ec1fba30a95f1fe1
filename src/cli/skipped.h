/*
 * skipped.h - what was left out of an image that has just come into the store, said once.
 */
#ifndef CLI_SKIPPED_H
#define CLI_SKIPPED_H

#include "cli/command.h"
#include "state/home.h"

/* A note on standard error about device nodes outside of /dev, which only root can make; nothing if there were none. */
void skipped_note(const struct cli *c, const struct home *h, const char *id);

#endif
