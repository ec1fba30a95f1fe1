/*
 * log_start.h - the log of a container as its options want it: the driver, and what else goes along with each line.
 */
#ifndef MONITOR_LOG_START_H
#define MONITOR_LOG_START_H

#include "monitor/log.h"
#include "runtime/config.h"

/* Opens the log for one run of the container, whose name is `name` now. A log that cannot be opened is none, but for one that somebody asked for by its path, and the journal.
 * What goes along lives until the next call. */
int log_start(struct log *l, const struct container_config *c, const char *name, int dir,
	      struct err *e);

/* The options labels=, env= and tag= of a log: what they name, or make, as pairs in the arena. name: of the container. */
int log_fields(const struct container_config *c, const char *name, struct pairs *ret,
	       struct arena *a, struct err *e);
/* The value of tag=: a template of docker's ({{.ID}}, {{.Name}} ...). dflt: where there is none. NULL: the template is none, ERR_FORMAT. */
const char *log_tag(const struct container_config *c, const char *name, const char *dflt,
		    struct arena *a, struct err *e);

#endif
