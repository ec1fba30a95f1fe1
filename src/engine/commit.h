/*
 * commit.h - an image out of a container: the image's layers, and one more with what the container has written.
 *
 * The config is the image's with what the container was given: command, entrypoint, environment, user, directory, labels, stop signal; then the
 * changes. What hoy itself puts into an environment (container, HOSTNAME, TERM) and the proxies of this machine stay out, unless the image has them.
 */
#ifndef ENGINE_COMMIT_H
#define ENGINE_COMMIT_H

#include "engine/tree.h"
#include "store/images.h"

struct commit_opts {
	const char *name;     /* NULL: none */
	const char *registry; /* of a short name */
	const char *author, *message;
	struct strs changes; /* oci/change.h */
	bool volumes;	     /* its volumes become volumes of the image, by their paths */
	bool docker;	     /* docker's media types */
	bool squash;	     /* all in one layer, without the history of the image */
	bool pause;	     /* its processes stand still meanwhile: sys/freeze.h */
};

/* t: of a container. ret_id gets the image's id. A failure or an interruption leaves nothing behind. */
int container_commit(const struct home *h, struct tree *t, const struct commit_opts *o,
		     char ret_id[static DIGEST_LEN + 1], struct err *e);

#endif
