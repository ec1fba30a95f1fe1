/*
 * plugin_http.h - one POST over a unix socket, by libcurl. For a process that ends soon: libcurl may start threads.
 */
#ifndef VOLUME_PLUGIN_HTTP_H
#define VOLUME_PLUGIN_HTTP_H

#include "base/base.h"

/* method: "VolumeDriver.Create". At most max bytes of an answer are taken: more is an error, and so is one that takes a minute. */
int plugin_http_post(const char *socket, const char *method, const struct str *body, size_t max,
		     struct str *ret, int *ret_status, struct err *e);

#endif
