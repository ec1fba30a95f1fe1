/*
 * streams.h - the pipes between a monitor process and its container process, and how a monitor leaves its starter behind.
 */
#ifndef MONITOR_STREAMS_H
#define MONITOR_STREAMS_H

#include "runtime/config.h"

struct streams {
	int out[2], err[2], in[2]; /* [0] for reading, [1] for writing; -1: none */
};

/* Pipes for a process without a terminal; with one all stay -1. quiet: output goes to /dev/null. */
int streams_open(struct streams *p, const struct config_process *c, bool quiet, struct err *e);
/* The same, but these descriptors are its streams (in: -1 is /dev/null), and *p gets copies of them. */
int streams_given(struct streams *p, const struct config_process *c, int in, int out, int err,
		  struct err *e);
void streams_close(struct streams *p);

/* For a container that gets its caller's own streams (--log-driver passthrough): keeps ours, before streams_detach(), and adds them to what is kept
 * there; *n is how many keep has. ERR_USAGE if one of them is a terminal, which has to be asked for (passthrough-tty). Nothing for others. */
int streams_keep_own(const struct container_config *c, int *keep, size_t *n, struct err *e);
enum { STREAMS_OWN = 3 };
/* Are they kept? Then streams_open() gives them. */
bool streams_passed(const struct container_config *c);

/* Makes this process one that belongs to nobody's terminal: a session of its own, /dev/null as 0, 1 and 2, root as its directory,
 * default signals but SIGPIPE, SIGHUP and SIGXFSZ ignored, no descriptors but those in keep. */
void streams_detach(const int *keep, size_t nkeep, const char *name);

/* Takes on the value of /proc/self/oom_score_adj that the process to be started is to inherit; with fd, later, gives it back. A
 * value that we may not have is left out. To be called before the user namespace changes, when the file is still ours. */
struct streams_oom {
	int fd; /* -1: nothing was changed */
	char old[16];
};
struct streams_oom streams_oom_take(const struct container_config *c);
void streams_oom_give_back(struct streams_oom *o);
/* As streams_oom_take(), with the file that fd is (kept from before the namespace changed; -1: none). */
struct streams_oom streams_oom_again(const struct container_config *c, int fd);

/* Forks a monitor process: the child runs fn(arg, sock) and never comes back; *ret_sock is our end of the connection to it.
 * Returns its pid. */
int streams_fork(void (*fn)(const void *arg, int sock), const void *arg, int *ret_sock,
		 struct err *e);

#endif
