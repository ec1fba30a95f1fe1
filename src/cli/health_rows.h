/*
 * health_rows.h - the rows of the options that say how a container's health is checked, of run, create and update.
 */
#ifndef CLI_HEALTH_ROWS_H
#define CLI_HEALTH_ROWS_H

#include "cli/opt.h"
#include "engine/health_opts.h"

extern const struct opt health_rows[]; /* for OPT_TABLE: of struct health_opts */

#endif
