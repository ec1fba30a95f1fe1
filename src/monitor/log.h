/*
 * log.h - the log of a container, in one of the forms of log_form.h.
 *
 * An entry is a line of output, or a part of one whose rest follows (or never came), so the output can be given back byte for byte.
 * A log never blocks and never stops the container: what cannot be written (full disk) is counted, and the number is told
 * in the log once it can be written again. No allocation after log_open().
 *
 * With a limit, a file that would grow beyond it is renamed to NAME.1, after NAME.1 was renamed to NAME.2 and so on; the last one
 * falls off (log_files.h reads them). A kill at any moment leaves whole files, at worst with a number left out.
 */
#ifndef MONITOR_LOG_H
#define MONITOR_LOG_H

#include "monitor/journal.h"
#include "monitor/log_files.h"
#include "monitor/log_form.h"

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
	bool told;	   /* the clients know that something is being lost (relay.c) */
	enum log_form form;
	struct log_anchor anchor;
	struct log_anchor first; /* what the collected entries count from */
	const char *attrs;	 /* of JSON: ",\"attrs\":{...}" behind each text; NULL: none */
	char held[2][4];	 /* of JSON: the beginning of a character, by stream */
	uint8_t nheld[2];
	struct journal *journal; /* the lines go there; NULL: into the file */
	size_t len;
	char buf[8192];
};

/* Where and how the log of a container is kept. */
struct log_place {
	int dir;	  /* the container's directory; open as long as the log is */
	const char *path; /* absolute; NULL: ctr.log there */
	int64_t max, files;
	enum log_form form;
	const char
		*attrs; /* as above; at most LOG_ATTRS_MAX bytes, and there as long as the log is */
};
enum { LOG_ATTRS_MAX = 4096 };

/* Opens it for adding. 0 or -errno (-EINVAL: a path that is no regular file); on failure there is no log. */
int log_open(struct log *l, const struct log_place *p);
/* The same for one in the journal; there is one such log in a process. */
int log_open_journal(struct log *l, const struct journal_of *of, struct arena *a, struct err *e);
void log_close(struct log *l);
void log_write(struct log *l, bool is_stderr, const char *p, size_t n);

#endif
