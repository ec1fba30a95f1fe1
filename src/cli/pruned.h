/*
 * pruned.h - what the prune commands print of what they removed, in podman's and docker's shapes.
 */
#ifndef CLI_PRUNED_H
#define CLI_PRUNED_H

#include "cli/command.h"
#include "engine/image.h"

/* One id a line. Called docker: below the headline, with the names that went, and an empty line behind it. */
void pruned_images(struct cli *c, const char *headline, const struct image_prune_result *res);
void pruned_containers(struct cli *c, const char *headline, const struct strs *ids);
void pruned_volumes(struct cli *c, const char *headline, const struct strs *names);
void pruned_networks(struct cli *c, const char *headline, const struct strs *names);

/* Prunes the build cache, as part of other prunes, and prints what went. filters: until= holds; any other means that nothing of the cache fits. */
int prune_cache(struct cli *c, const struct home *h, const struct strs *filters, bool all, bool dry,
		int64_t *ret_bytes, struct err *e);

/* "Total reclaimed space: 12.3MB" */
void pruned_total(struct cli *c, int64_t bytes);

/* The same for people, on standard error: "3 images, 12.3MB reclaimed". */
void pruned_note(struct cli *c, size_t n, const char *what, int64_t bytes, bool dry);

#endif
