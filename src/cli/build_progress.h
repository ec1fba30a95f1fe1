/*
 * build_progress.h - what `hoy build` shows while it works.
 *
 * Four shapes of the same events. STEPS is podman's: "STEP 1/5: FROM busybox" and what the steps print, on standard output, stderr of steps on standard error. NUMBERED
 * is BuildKit's plain one, on standard error: "#5 [2/3] RUN make", "#5 0.12 cc -c a.c". JSON is BuildKit's rawjson, one status object a line. SCREEN redraws on a
 * terminal: a line for each step at work with its time and its last lines; what is done becomes one line above them.
 *
 * Whatever the shape, output of steps can neither act on the terminal nor be taken for a line of ours (build_lines.h). A step that fails shows the place in the Dockerfile,
 * its last lines and the command to look at the state before it.
 */
#ifndef CLI_BUILD_PROGRESS_H
#define CLI_BUILD_PROGRESS_H

#include "build/build.h"
#include "cli/build_lines.h"
#include "cli/command.h"

enum build_shape {
	BUILD_SHOW_NOTHING, /* -q: failures only */
	BUILD_SHOW_STEPS,
	BUILD_SHOW_NUMBERED,
	BUILD_SHOW_SCREEN,
	BUILD_SHOW_JSON,
};

enum { BUILD_TAIL = 20 /* last lines of a step that are kept */ };

enum build_step_state { STEP_WAITS, STEP_RUNS, STEP_DONE, STEP_CACHED, STEP_FAILED };

struct build_step_view {
	int number;
	enum build_step_state state;
	bool begun;  /* its first line was written */
	char *text;  /* "RUN make", harmless */
	char *place; /* "build 2/3", harmless */
	int64_t since, ms;
	struct line_cutter cut[2]; /* of its stdout and stderr */
	struct strv tail;	   /* harmless */
};

struct build_progress {
	const struct cli *c;
	enum build_shape shape;
	int out, err; /* where lines for standard output and error go */
	bool colors;  /* err is a terminal (STEPS: out) */
	int64_t began;
	int total; /* steps */
	struct build_step_view **steps;
	size_t nsteps;
	int last;		   /* the step whose lines came last; 0: none */
	int running;		   /* steps at work */
	int done, cached, folded;  /* folded: cached ones that have no line yet */
	unsigned drawn;		   /* SCREEN: lines that are there now */
	unsigned short widths[64]; /* their columns */
	unsigned columns, rows;	   /* of the window; set by tests, else asked for */
	bool fixed_size;	   /* do not ask */
	int64_t (*now)(void);	   /* monotonic milliseconds */
	const char *failed;	   /* id of the state before the step that failed; NULL */
	struct arena arena;
};

void build_progress_init(struct build_progress *p, const struct cli *c, enum build_shape shape);
void build_progress_free(struct build_progress *p);

/* For struct build_opts: arg is the build_progress. */
void build_progress_event(void *arg, const struct build_event *ev);

/* Work that is no instruction (exporting, pushing) begins; a line in each shape. */
void build_progress_note(struct build_progress *p, const char *text);
/* Nothing is drawn any more; counts and time on a screen. ok: the build succeeded. */
void build_progress_end(struct build_progress *p, bool ok);

/* ---- inside of build_progress.c and build_screen.c */

void build_write(int fd, const struct str *s);
struct build_step_view *build_step_of(struct build_progress *p, int number);
/* "2.1s" */
void build_time_text(struct str *out, int64_t ms);

/* build_screen.c: takes away what is drawn, writes above, draws again. */
void build_screen_erase(struct build_progress *p, struct str *out);
void build_screen_draw(struct build_progress *p, struct str *out);
/* The line that remains of a step. */
void build_screen_line(struct build_progress *p, const struct build_step_view *s, struct str *out);
void build_screen_folded(struct build_progress *p, struct str *out);

/* build_status.c: BuildKit's status objects. */
void build_status_step(struct build_progress *p, const struct build_step_view *s,
		       const struct build_event *ev, struct str *out);
void build_status_output(struct build_progress *p, const struct build_step_view *s,
			 const struct build_event *ev, struct str *out);
void build_status_note(struct build_progress *p, const char *text, bool warning, struct str *out);

#endif
