/*
 * confirm.h - the question before something that cannot be undone.
 */
#ifndef CLI_CONFIRM_H
#define CLI_CONFIRM_H

#include "base/base.h"

/* Asks on standard error and reads the answer from standard input: a person's, or that of a script (yes | hoy ...). 1: yes, 0: no.
 * Nobody there to answer (end of input: cron, CI) is ERR_USAGE; unasked is the command that does not ask, for the hint. */
int confirm(const char *warning, const char *unasked, struct err *e);

#endif
