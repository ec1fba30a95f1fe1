/*
 * log.h - the log of a container, in the k8s-file format: "TIME stdout|stderr F|P TEXT".
 *
 * F ends a line, P is a part of one whose rest follows (or never came), so the output can be given back byte for byte.
 * A log never blocks and never stops the container: what cannot be written (full disk) is counted, and the number is told
 * in the log once it can be written again. No allocation after log_open().
 */
#ifndef MONITOR_LOG_H
#define MONITOR_LOG_H

#include "base/base.h"

struct log {
	int fd; /* -1: no log */
	off_t end;
	uint64_t lost;	   /* bytes of output since the last successful write */
	uint64_t lost_now; /* of them, in the piece being written */
	size_t len;
	char buf[8192];
};

/* Opens dir/ctr.log for adding. 0 or -errno; on failure the log counts everything as lost. */
int log_open(struct log *l, int dir);
void log_close(struct log *l);
void log_write(struct log *l, bool is_stderr, const char *p, size_t n);

#endif
