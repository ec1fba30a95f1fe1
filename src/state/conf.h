/*
 * conf.h - configuration files in TOML: hoy's own, hoy.conf, and how one main file and a directory of *.conf are read, whosever they are.
 *
 * hoy.conf: first the system's (/etc/hoy/hoy.conf, then /etc/hoy/hoy.conf.d/x.conf in the order of their names), then the user's in the same way
 * ($XDG_CONFIG_HOME/hoy, else ~/.config/hoy). What a later file says counts more. $HOY_CONF names one file instead of all of them. Where a
 * directory is missing, one failing look is all that it costs. What the keys mean is said in cli/defaults.h.
 */
#ifndef STATE_CONF_H
#define STATE_CONF_H

#include "data/bind.h"

struct conf_file {
	const char *path;
	struct json *doc;
};

/* Whose files they are: the error of one that cannot be read, and what else there is to say. */
struct conf_kind {
	enum err_id id;
	const char *hint;
};

int conf_bad(const struct conf_kind *k, struct err *e, const char *fmt, ...) printf_like(3, 4);

/* Appends the file, parsed, to ret (struct conf_file). must: it was named, so it has to be there; otherwise a missing one is none. */
int conf_add_file(const struct conf_kind *k, struct arena *a, const char *path, bool must,
		  struct bind_list *ret, struct err *e);
/* Appends the *.conf of a directory, sorted by name. A missing one is empty. */
int conf_add_dir(const struct conf_kind *k, struct arena *a, const char *path,
		 struct bind_list *ret, struct err *e);

/* The files of hoy.conf, the later the more it counts; empty where there are none. ERR_CONF for one that cannot be read. */
int conf_files(struct arena *a, struct bind_list *ret, struct err *e);
extern const struct conf_kind conf_own;

#endif
