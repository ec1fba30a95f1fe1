/*
 * progress.h - how long work on layers shows on standard error.
 *
 * On a terminal: a line for each layer that is worked on and one for all together, redrawn in place. They are cut at the width of the window, are no more
 * than it has, and its size is looked at anew each time. At the end one line remains. Elsewhere (pipes, files, TERM=dumb) there is a line at
 * the start and one at the end. Nothing is changed at the terminal that would have to be changed back, and colors are not used.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/command.h"
#include "store/board.h"

enum { PROGRESS_LINES = 24 };

struct progress {
	bool quiet, terminal;
	int64_t since;			       /* monotonic milliseconds */
	unsigned drawn;			       /* lines on the screen now */
	unsigned short widths[PROGRESS_LINES]; /* their columns */
	uint64_t bytes;			       /* of the layers that something was done for */
	unsigned layers;
};

void progress_init(struct progress *p, const struct cli *c, bool quiet);
/* What an engine verb gets as its watch. */
struct board_watch progress_watch(struct progress *p);

/* "Pulling NAME" where there are no bars. name was checked: it holds nothing that could hurt a terminal. */
void progress_begin(struct progress *p, const char *verb, const char *name);
/* "Pulled NAME: 3 layers, 45 MB, 2.5 s", or without numbers if nothing had to be done. Nothing else is left on a terminal. */
void progress_end(struct progress *p, const char *verb, const char *name);

/* For several at once. Draws the board of all; then, for each that ends, in place of progress_end(): its line, above what is drawn. */
void progress_draw(struct progress *p, const struct board *b);
void progress_one(struct progress *p, const struct board *b, int64_t ms, const char *verb,
		  const char *name);
/* Takes away what is drawn, for somebody else to write a line. */
void progress_clear(struct progress *p);

/* The lines for a window, for tests: the same as they are drawn. Returns how many. */
unsigned progress_lines(const struct board *b, unsigned columns, unsigned rows, struct str *out,
			unsigned short *ret_widths);

#endif
