/*
 * ask.h - asking the person at the terminal for a name or a secret.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/command.h"

/* Prints the prompt on the terminal and reads a line that is not shown; *ret lives as long as the command. -ENOTTY (no error is filled) where
 * standard input is no terminal: nothing ever waits for somebody who is not there. ERR_INTERRUPTED for Ctrl-C, Ctrl-D and signals;
 * the terminal is then as it was. */
int ask_secret(struct cli *c, const char *prompt, const char **ret, struct err *e);

/* The same for a line that may be seen; it may be empty. */
int ask_line(struct cli *c, const char *prompt, const char **ret, struct err *e);

#endif
