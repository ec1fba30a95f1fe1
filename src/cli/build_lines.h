/*
 * build_lines.h - the output of build steps as lines: cut from bytes as they come, and made harmless.
 *
 * What a step prints is hostile. A line for people holds no control bytes and no escape sequences but, for a terminal, those that set colors, which end with
 * the line. Of what was overwritten by carriage returns (bars of progress) the last state is the line.
 */
#ifndef CLI_BUILD_LINES_H
#define CLI_BUILD_LINES_H

#include "base/base.h"

enum { BUILD_LINE_MAX = 64 << 10 }; /* bytes; a longer line is cut into several */

struct line_cutter {
	struct str part; /* of a line whose end has not come */
};
void line_cutter_free(struct line_cutter *l);

/* Calls fn for each line that is whole now, without its newline; the line is only there during the call. */
void lines_take(struct line_cutter *l, const void *p, size_t n,
		void (*fn)(void *arg, const char *line, size_t len), void *arg);
/* Calls fn for what has no newline behind it. */
void lines_end(struct line_cutter *l, void (*fn)(void *arg, const char *line, size_t len),
	       void *arg);

/* Adds the line as it may be shown. colors: sequences that set colors stay, and are put back behind it. */
void line_clean(const char *s, size_t n, bool colors, struct str *out);

/* Does the line look like one of ours: "STEP 1/2: ...", "[1/2] STEP ...", "COMMIT ...", "--> ..."? */
bool line_is_structure(const char *s);

/* Cuts text at so many columns of a terminal: the number of bytes that fit. */
size_t line_fit(const char *s, size_t columns);

#endif
