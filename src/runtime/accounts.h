/*
 * accounts.h - the lines that a container's /etc/passwd and /etc/group have besides those of the image.
 *
 * A user by a number that the image does not know gets a line in each, as programs want one; --passwd-entry and --group-entry say what it looks
 * like; and --hostuser adds users of the host. The texts are whole files; they are only read here, never written: runtime/mounts.c
 * mounts them over the image's.
 */
#ifndef RUNTIME_ACCOUNTS_H
#define RUNTIME_ACCOUNTS_H

#include "runtime/stage.h"

/* May there be anything to add? Says so without reading a file. After stage_user(). */
bool accounts_wanted(const struct stage *s);

/* *ret stays empty where the image's file is to be seen: there is none, or it has all. ERR_USER: it cannot be read. */
int accounts_passwd(struct stage *s, struct str *ret, struct err *e);
int accounts_group(struct stage *s, struct str *ret, struct err *e);

#endif
