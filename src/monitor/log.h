/*
 * log.h - the log of a container, in the k8s-file format: "TIME stdout|stderr F|P TEXT".
 *
 * F ends a line, P is a part of one whose rest follows (or never came), so the output can be given back byte for byte.
 * A log never blocks and never stops the container: what cannot be written (full disk) is counted, and the number is told
 * in the log once it can be written again. No allocation after log_open().
 *
 * With a limit, a file that would grow beyond it is renamed to NAME.1, after NAME.1 was renamed to NAME.2 and so on; the last one
 * falls off (log_files.h reads them). A kill at any moment leaves whole files, at worst with a number left out.
 */
#ifndef MONITOR_LOG_H
#define MONITOR_LOG_H

#include "monitor/log_files.h"

struct log {
	int fd;	 /* -1: no log */
	int dir; /* where its files are */
	bool own_dir;
	char name[LOG_NAME_MAX + 1];
	off_t max; /* bytes of one file; 0: no limit */
	unsigned files;
	off_t end;
	uint64_t lost;	   /* bytes of output since the last successful write */
	uint64_t lost_now; /* of them, in the piece being written */
	size_t len;
	char buf[8192];
};

/* Where and how the log of a container is kept. */
struct log_place {
	int dir;	  /* the container's directory; open as long as the log is */
	const char *path; /* absolute; NULL: ctr.log there */
	int64_t max, files;
};

/* Opens it for adding. 0 or -errno (-EINVAL: a path that is no regular file); on failure there is no log. */
int log_open(struct log *l, const struct log_place *p);
void log_close(struct log *l);
void log_write(struct log *l, bool is_stderr, const char *p, size_t n);

#endif
