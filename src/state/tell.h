/*
 * tell.h - events (events.h) of the two kinds of object that most of them are about, from what a verb has in its hands anyway.
 */
#ifndef STATE_TELL_H
#define STATE_TELL_H

#include "state/container.h"
#include "state/events.h"

/* Writes events of one container, whose directory dir is: type, id, name, image and labels are filled in. The name is the one that it has now, not that of a state read long
 * ago; -1 for dir: the state's is right. */
void container_tell_all(const struct home *h, int dir, const struct container_state *s,
			struct event *v, size_t n);
/* The same for one that needs no more than an action, or an attribute of it (key NULL: none). */
void container_tell(const struct home *h, const struct container_state *s, const char *action,
		    const char *key, const char *value);

/* An image, by its id and the name that matters ("": none). */
void image_tell(const struct home *h, const char *action, const char *id, const char *name);

/* A network; container is the id of the one that joins or leaves it, or NULL. */
void network_tell(const struct home *h, const char *action, const char *id, const char *name,
		  const char *container);

/* All things of one type that are in no use were removed, and so many bytes became free. */
void prune_tell(const struct home *h, const char *type, int64_t bytes);

#endif
