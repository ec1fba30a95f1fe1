/*
 * plugin.h - volume plugins: programs of others that keep volumes, asked by docker's protocol.
 *
 * A plugin listens on a unix socket and answers POST /VolumeDriver.Create and its like with JSON. It is found by its name, as NAME.sock (also NAME/NAME.sock), or as
 * NAME.spec or NAME.json that say where the socket is, in hoy/plugins of the user's configuration ($XDG_CONFIG_HOME, ~/.config) and of $XDG_RUNTIME_DIR,
 * in /run/docker/plugins, /etc/docker/plugins and /usr/lib/docker/plugins, in this order. Plugins over the network are refused.
 * Each question is asked by a child process, for libcurl may start threads. Answers are foreign: bounded in size and time, and checked.
 *
 * Source: docker's "Docker volume plugins" and "Docker Plugin API".
 */
#ifndef VOLUME_PLUGIN_H
#define VOLUME_PLUGIN_H

#include "data/json.h"

/* Is there a plugin of this name, and does it keep volumes? ERR_VOLUME_DRIVER says where was looked; ERR_VOLUME_PLUGIN what it answered. */
int plugin_check(const char *driver, struct err *e);

/* Each is 0, or ERR_VOLUME_PLUGIN with the plugin's own words. id: who mounts it, so that the plugin can count. */
int plugin_create(const char *driver, const char *name, const struct pairs *options, struct err *e);
int plugin_remove(const char *driver, const char *name, struct err *e);
int plugin_mount(const char *driver, const char *name, const char *id, struct arena *a,
		 const char **ret, struct err *e);
int plugin_unmount(const char *driver, const char *name, const char *id, struct err *e);
/* Where it is mounted now ("": nowhere), and what else the plugin says of it; both may be NULL. */
int plugin_get(const char *driver, const char *name, struct arena *a, const char **ret_mountpoint,
	       struct json **ret_status, struct err *e);
/* The names of its volumes; those that are no possible names are left out. */
int plugin_volumes(const char *driver, struct strv *ret, struct err *e);
/* The names of all plugins, whatever they are for; sorted. */
void plugin_names(struct strv *ret);

#endif
