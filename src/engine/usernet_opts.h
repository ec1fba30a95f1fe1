/*
 * usernet_opts.h - the options behind --network pasta: and slirp4netns:, checked as far as hoy knows them.
 *
 * slirp4netns's are podman's words, all of them known. pasta's are its own flags, which it gets as they are: refused are only those that hoy gives
 * it itself. Errors are ERR_USAGE.
 */
#ifndef ENGINE_USERNET_OPTS_H
#define ENGINE_USERNET_OPTS_H

#include "base/base.h"

int usernet_opts_check(const char *mode, const struct strs *options, struct err *e);

#endif
