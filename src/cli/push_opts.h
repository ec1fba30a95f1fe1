/*
 * push_opts.h - the options of commands that push, and what they mean: push itself, and manifest push.
 */
#ifndef CLI_PUSH_OPTS_H
#define CLI_PUSH_OPTS_H

#include "cli/pull_opts.h"
#include "engine/push.h"

struct push_flags {
	struct pull_flags image;
	const char *format, *compression, *digestfile;
	struct strs refused;
	int64_t level;
	bool force;
};

/* To include as a table (OPT_TABLE). */
extern const struct opt push_common_rows[];

/* Everything but the image and its destination; asks for a password where one is missing. */
int push_read_flags(struct cli *c, struct push_flags *f, struct image_push_opts *ret,
		    struct err *e);

/* Display and warnings while one thing is pushed: fills ret->pulling. s lives as long as the push. */
struct pushing {
	struct cli *c;
	struct progress p;
};
void push_show(struct cli *c, struct pushing *s, bool quiet, struct image_push_opts *ret);

/* What --digestfile asks for. */
int push_write_digest(const struct push_flags *f, const char *digest, struct err *e);

#endif
