/*
 * list_filter.h - the filters of `ps`, for list.c.
 *
 *   id=PREFIX                               or a regular expression, if it is no hexadecimal number
 *   name=REGEX command=REGEX                REGEX as in regex(7), found anywhere in the text; command: the program
 *   label=KEY[=VALUE] label!=KEY[=VALUE]
 *   status=created|running|restarting|exited|lost  other states of docker and podman are taken and fit nothing
 *   exited=CODE
 *   ancestor=IMAGE                          the image, or one that has its layers and more on top
 *   before=CONTAINER since=CONTAINER        made before it, after it
 *   until=TIME                              made before a moment: RFC 3339, unix time, or a duration before now
 *   volume=NAME|PATH[:DESTINATION] network=NAME
 *   publish=PORT[-PORT][/PROTOCOL] expose=  a port of the host leads to it, of the container is known
 *   restart-policy=no|always|on-failure|unless-stopped
 *   should-start-on-boot=true|false         what `hoy autostart` starts: always, and unless-stopped if nobody stopped it
 *   health=none|starting|healthy|unhealthy
 *   pod= is-task=                           containers of hoy have no pod, and are no tasks
 *
 * Filters of one key are alternatives, except labels; those of different keys must all fit.
 */
#ifndef ENGINE_LIST_FILTER_H
#define ENGINE_LIST_FILTER_H

#include "engine/list.h"
#include "runtime/config.h"
#include "state/container.h"
#include "state/restart_policy.h"

/* A container that was read. */
struct list_item {
	struct container_state s;
	enum container_status status;
	struct timespec created;
	struct container_config config;	   /* if it was needed */
	struct strs networks, network_ids; /* the same: of the store */
	const char *health;		   /* "healthy" ..., NULL: it is not checked */
	enum restart_kind policy;
	bool on_boot;		    /* it is to be started when the machine was */
	int64_t size_rw, size_root; /* if they were asked for */
};

struct list_filter;

struct list_filters {
	struct list_filter *v;
	size_t n;
	bool all;    /* a filter asks for states: those that do not run are looked at too */
	bool config; /* one of them needs config.json */
};

int list_filters_parse(const struct home *h, const struct strs *texts, struct arena *a,
		       struct list_filters *ret, struct err *e);
bool list_filters_fit(const struct list_filters *f, const struct list_item *it);
void list_filters_free(struct list_filters *f);

#endif
