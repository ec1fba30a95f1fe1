/*
 * options.h - the texts of run's, create's and exec's options, checked and turned into what config.json holds.
 *
 * All results live in the arena. Errors are ERR_USAGE or ERR_MOUNT and name the option and the offending text.
 */
#ifndef ENGINE_OPTIONS_H
#define ENGINE_OPTIONS_H

#include "runtime/config.h"

/* Lines of env files, then --env values, into env: KEY=VALUE sets, KEY takes ours if it is set, KEY* takes all of ours that begin
 * so. In files, lines that are empty or begin with # are skipped. */
int options_env(struct arena *a, const struct strs *files, const struct strs *values,
		struct strs *env, struct err *e);

/* --ulimit NAME=SOFT[:HARD] */
int options_ulimit(struct arena *a, const char *text, struct bind_list *ulimits, struct err *e);

/* --label-file: a label a line; lines that are empty or begin with # are skipped. */
int options_label_file(struct arena *a, const char *path, struct pairs *labels, struct err *e);

/* --label KEY=VALUE or KEY */
void options_label(struct arena *a, const char *text, struct pairs *labels);

/* --entrypoint: a JSON array of strings, or one word (what is no such array, too, as with podman and docker); "" empties it. */
void options_entrypoint(struct arena *a, const char *text, struct strs *ret);

#endif
