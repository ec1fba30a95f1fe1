/*
 * events.h - what `hoy events` shows: events of the past and as they come, filtered, in the shapes of podman and docker.
 *
 * The record is a file (state/events.h); to follow it its directory is watched. There is no daemon: an event is told because the process
 * that did it wrote it down.
 *
 * Filters, as KEY=VALUE:
 *   container=NAME or ID (4 digits at least)  image=NAME or ID, with or without tag and registry
 *   volume=NAME  network=NAME or ID  secret=NAME or ID  label=KEY[=VALUE]  label!=KEY[=VALUE]
 *   type=container|image|volume|network|secret|system
 *   event=ACTION in podman's or docker's words ("died", "die", "health_status: healthy"); also called action
 *   scope=local
 * Filters of one key are alternatives, except labels; those of different keys must all fit.
 */
#ifndef ENGINE_EVENTS_H
#define ENGINE_EVENTS_H

#include "state/events_read.h"
#include "state/home.h"

struct events_query {
	struct strs filters;
	bool docker; /* docker's actions: "exec" is exec_create and exec_start, "init" is nothing */
	bool has_since, has_until;
	struct timespec since, until;
	bool follow; /* go on as they come: until `until`, if it is given */
};

/* An event under the names of one engine; everything lives until the callback returns. */
struct events_item {
	const struct event_record *ev;
	const char *action;
	struct arena *arena;
};

struct events_sink {
	int (*event)(void *arg,
		     const struct events_item *it); /* negative ends the reading and is returned */
	int (*idle)(void *arg);			    /* nothing will come for a while */
	void *arg;
	int out; /* descriptor whose reader may go away while we wait; -1: none */
};

/* Without since and until a follower begins now, as podman and docker have it; everything that is known otherwise. ERR_USAGE for a
 * filter that is none. *ret_missed: events came faster than they were read, and some were dropped. */
int events_show(const struct home *h, const struct events_query *q, const struct events_sink *s,
		bool *ret_missed, struct err *e);

/* The fields for templates, under the names of both; podman's and docker's JSON. */
struct json *event_fields(const struct events_item *it);
struct json *event_object(const struct events_item *it);
struct json *event_docker_object(const struct events_item *it);
/* The object's labels, and all else that is known of it, as docker's Actor.Attributes. */
void event_attributes(const struct events_item *it, struct pairs *ret);

#endif
