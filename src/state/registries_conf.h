/*
 * registries_conf.h - the files of containers-registries.conf(5): where they lie, in which order they count, and the short names in them.
 *
 * The first of $XDG_CONFIG_HOME/containers, ~/.config/containers, /etc/containers and /usr/share/containers that has a registries.conf gives the
 * main file; CONTAINERS_REGISTRIES_CONF names another. Then come the *.conf of registries.conf.d, sorted by name: those of the system, unless
 * the main file is the user's, then the user's; CONTAINERS_REGISTRIES_CONF_DIR names one directory instead of all. What a later file says counts
 * more. That is how podman reads them, but for $XDG_CONFIG_HOME and /usr/share, which older ones do not know.
 *
 * What the files mean for pulling is in registry/endpoints.h.
 */
#ifndef STATE_REGISTRIES_CONF_H
#define STATE_REGISTRIES_CONF_H

#include "state/conf.h"

/* ret: struct conf_file, the later the more it counts; empty where there are none. ERR_REGISTRIES_CONF for one that cannot be read. */
int registries_files(struct arena *a, struct bind_list *ret, struct err *e);

/* The full name (without tag) that a short one ("alpine", "team/app") stands for, by [aliases] and by short-name-aliases.conf, which podman writes
 * (in $XDG_CACHE_HOME or ~/.cache, root's in /var/cache) and which counts more. *ret is NULL if there is none; *ret_from is the file. */
int registries_alias(struct arena *a, const struct bind_list *files, const char *name,
		     const char **ret, const char **ret_from, struct err *e);

/* An error about one of the files. */
int registries_bad(struct err *e, const char *fmt, ...) printf_like(2, 3);

#endif
