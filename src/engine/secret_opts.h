/*
 * secret_opts.h - --secret of run and create: which secrets the container gets, and their data, copied when it is made.
 */
#ifndef ENGINE_SECRET_OPTS_H
#define ENGINE_SECRET_OPTS_H

#include "runtime/config.h"
#include "state/home.h"

/* "NAME[,type=mount|env][,target=T][,uid=N][,gid=N][,mode=OCTAL]", each into c->secrets. ERR_USAGE, ERR_SECRET_UNKNOWN. */
int secret_opts_set(const struct home *h, const struct strs *texts, struct container_config *c,
		    struct arena *a, struct err *e);

/* Copies the data into the directory of a container that is being made. */
int secret_opts_take(const struct home *h, const struct container_config *c, int dir,
		     struct err *e);

#endif
