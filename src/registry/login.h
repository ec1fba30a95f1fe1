/*
 * login.h - trying credentials at a registry, before they are kept (auth_store.h).
 */
#ifndef REGISTRY_LOGIN_H
#define REGISTRY_LOGIN_H

#include "registry/auth.h"
#include "registry/registry.h"

/* Asks the registry of this name ("docker.io", "localhost:5000") whether it lets c in. *ret_asked: it did ask; a registry that is open to
 * all did not, so nobody knows whether they are right. ERR_LOGIN: it refuses them; else as registry_manifest(). c lives longer than
 * the call; o->creds and o->authfile are not looked at. */
int registry_login(const char *name, const struct registry_opts *o, const struct credentials *c,
		   bool *ret_asked, struct err *e);

#endif
