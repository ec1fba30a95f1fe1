/*
 * login_name.h - the registry that login and logout are told.
 */
#ifndef CLI_LOGIN_NAME_H
#define CLI_LOGIN_NAME_H

#include "cli/command.h"

/* "https://quay.io/" is quay.io; "index.docker.io" is docker.io; "quay.io/team" stays unless docker, which knows only hosts. ERR_USAGE. */
int login_name(struct cli *c, const char *text, bool docker, const char **ret, struct err *e);

#endif
