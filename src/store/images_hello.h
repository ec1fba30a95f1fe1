/*
 * images_hello.h - the built-in image "hello": one static program of a few KB that explains hoy, for a first run without a registry
 * and without a network. It is put into the store when it is asked for and no image has that name; from then on it is an
 * image like any other.
 */
#ifndef STORE_IMAGES_HELLO_H
#define STORE_IMAGES_HELLO_H

#include "state/home.h"

/* Is text a name of the built-in image? */
bool hello_is_meant(const char *text);

/* Puts it into the store as localhost/hello:latest. Enters U0 in a child. */
int hello_add(const struct home *h, struct err *e);

#endif
