/*
 * logs.h - the output of containers as their logs have kept it: all of it, its end, a span of time, or as it grows.
 *
 * Reading takes no lock and little memory, whatever the log holds. To follow a log, its file is watched and the supervisor's
 * process with it: once that has ended the rest is read, and the container's log is done, unless it is being restarted. That holds as well for a --rm
 * container, whose directory vanishes: the open file stays readable.
 */
#ifndef ENGINE_LOGS_H
#define ENGINE_LOGS_H

#include "engine/logs_journal.h"
#include "monitor/log_read.h"
#include "state/container.h"

struct logs_query {
	bool follow;
	bool times;   /* the sink wants to know when */
	int64_t tail; /* lines of output; -1: all */
	bool has_since, has_until;
	struct timespec since, until;
};

/* Where it goes. which counts the sources. A negative result ends the reading and is returned. */
struct logs_sink {
	int (*line)(void *arg, size_t which, bool is_stderr, const char *when);
	int (*text)(void *arg, size_t which, bool is_stderr, const char *p, size_t n);
	int (*idle)(
		void *arg); /* nothing will come for a while: what was collected should be seen */
	void *arg;
	int out; /* descriptor whose reader may go away while we wait; -1: none */
};

struct logs_source {
	char id[CONTAINER_ID_LEN + 1];
	char name[256];
	struct str details;	/* what --details puts before each line; only if it was asked for */
	struct log_files files; /* none: the container never had output */
	bool in_journal;
	struct logs_journal journal;
	int sup; /* pidfd of the supervisor; -1: the container does not run */
	const struct home *home;
	int64_t restart_until; /* monotonic milliseconds: so long another supervisor is waited for; 0: none is */
	bool done;
	struct log_reader reader;
	/* for the callbacks of reader */
	const struct logs_sink *sink;
	size_t which;
};

/* Finds the container and opens its log. logs_close() may be called after a failure, too. */
int logs_open(const struct home *h, const char *text, bool details, struct logs_source *ret,
	      struct err *e);
void logs_close(struct logs_source *s);

/* Reads them: one after the other, or as they grow if they are followed; then until all have ended. */
int logs_read(struct logs_source *v, size_t n, const struct logs_query *q,
	      const struct logs_sink *sink, struct err *e);

#endif
