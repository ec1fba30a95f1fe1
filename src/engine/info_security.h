/*
 * info_security.h - what keeps a container in, as hoy sets it up here unless told otherwise.
 */
#ifndef ENGINE_INFO_SECURITY_H
#define ENGINE_INFO_SECURITY_H

#include "engine/info.h"

/* An object of texts and lists of texts, in the order in which they are shown. */
struct json *info_security(const struct info *i, struct arena *a);

#endif
