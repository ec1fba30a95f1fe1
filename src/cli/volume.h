/*
 * volume.h - what the files of the volume commands share.
 */
#ifndef CLI_VOLUME_H
#define CLI_VOLUME_H

#include "cli/command.h"
#include "engine/volume.h"

/* The exit code that podman and docker have for an error of a volume command. */
void volume_exit_code(const struct cli *c, struct err *e);

/* Says which records are left out of a list. */
void volume_warn_broken(const struct cli *c, const struct volumes_list *l);

#endif
