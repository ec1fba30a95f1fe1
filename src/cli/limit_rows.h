/*
 * limit_rows.h - the rows of the options that limit what a container may use, of run, create and update.
 */
#ifndef CLI_LIMIT_ROWS_H
#define CLI_LIMIT_ROWS_H

#include "cli/opt.h"
#include "engine/limit_opts.h"

extern const struct opt limit_rows[]; /* for OPT_TABLE: of struct limit_opts; all three have them */
extern const struct opt limit_place_rows[]; /* the same struct; of run and create only */

#endif
