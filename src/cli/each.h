/*
 * each.h - commands that do one thing to each of several containers.
 */
#ifndef CLI_EACH_H
#define CLI_EACH_H

#include "cli/command.h"
#include "engine/container.h"

/* What the completion offers for --filter; engine/list_filter.h says what they mean. */
#define EACH_FILTERS                                                                               \
	"id= name= command= label= label!= "                                                       \
	"status=<created|running|restarting|exited|paused|lost> exited= "                          \
	"ancestor=<:image> before=<:container> since=<:container> until= volume=<:file> "          \
	"network=<none|host|:network> health=<none|starting|healthy|unhealthy> pod= "              \
	"restart-policy=<no|always|on-failure|unless-stopped> publish= expose= "                   \
	"is-task=<true|false> should-start-on-boot=<true|false>"

/* The other ways to say which containers: for OPT_TABLE, at the head of a command's struct. */
struct each_which {
	bool latest;
	struct strs filters, cidfiles;
};
extern const struct opt each_which_rows[], each_which_rows_rm[]; /* rm: -f is --force there */

struct each {
	bool all; /* every container that .wanted accepts, instead of the operands */
	const struct each_which *which; /* may be NULL */
	int missing_exit;		/* exit code for an unknown container; 0: the engine's */
	bool ignore_missing;		/* an unknown container is no error */
	void (*missing)(struct cli *c); /* called for such a one; may be NULL */
	bool (*wanted)(const struct container *ct);
	/* Does it. Returns 0, or a negative errno with the error filled. text is what the user typed, or the id. */
	int (*fn)(struct cli *c, struct home *h, struct container *ct, const char *text, void *opts,
		  struct err *e);
};

/* Were containers chosen otherwise than by names? Then their ids are printed. */
bool each_is_chosen(const struct each *x);

/* The id that --cidfile wrote, in the arena. */
int each_read_cidfile(struct cli *c, const char *path, const char **ret, struct err *e);

/* Opens the store, puts it in order (recover), calls fn for each. A failure is reported and does not stop the others. */
int each_container(struct cli *c, const struct each *x, void *opts, struct err *e);

#endif
