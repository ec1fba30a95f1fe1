/*
 * finish.h - what a stage has come to, as an image of the store.
 */
#ifndef BUILD_FINISH_H
#define BUILD_FINISH_H

#include "build/stage.h"

/* The state of a stage after a step that failed, without a name: something to look at. NULL: there is nothing to look at, or it could not be made. Lives in the build's arena. */
const char *finish_state(struct stage *s);

/* The target: with the labels, variables and names of the command line. ret's strings live in a. */
int finish_target(struct stage *s, struct arena *a, struct build_output *ret, struct err *e);

/* The line of the history for the instruction that was just done. empty: it made no layer. */
void finish_history(struct stage *s, const struct df_instr *i, bool empty);

#endif
