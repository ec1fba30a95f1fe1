/*
 * log_files.h - the files of one log, read as if they were one.
 *
 * With a limit of size a log is several files: NAME is being written, NAME.1 was before it, NAME.2 before that. Put together in that order
 * they are the log as it would be in one file, so entries are looked for by their offset in the whole; only how far the whole
 * begins before the oldest file is forgotten.
 *
 * The writer (log.c) may rotate at any moment: it renames from the oldest to the newest. Readers take no lock. They look from the
 * newest to the oldest, against the direction in which files move, so that they may meet a file twice, which they notice, but miss
 * none; and a follower finds the file after its own by its own place, which is looked up before and after.
 */
#ifndef MONITOR_LOG_FILES_H
#define MONITOR_LOG_FILES_H

#include "runtime/config.h"

enum { LOG_NAME_MAX = 200 };

struct log_files {
	int dir; /* where they are; -1: only what is open belongs to it */
	char name[LOG_NAME_MAX + 1];
	bool missed; /* files were removed before they could be read */
	size_t n;    /* 0: there is no log */
	struct {
		int fd;
		off_t start;	   /* offset of its first byte in the whole */
	} v[CONFIG_LOG_FILES + 2]; /* the oldest first */
};

/* NAME for 0, NAME.1 ... into buf, of LOG_NAME_MAX + 12 bytes. */
const char *log_file_name(char *buf, const char *name, unsigned index);

/* Opens what there is. 0, also if there is nothing, or -errno. */
int log_files_open(struct log_files *f, int dir, const char *name);
/* One file that is open already, and is taken over. */
void log_files_of(struct log_files *f, int fd);
void log_files_close(struct log_files *f);

/* As pread(2): at most what one of the files has there, 0 at the end of the whole. -errno. */
ssize_t log_files_read(const struct log_files *f, void *buf, size_t n, off_t at);
/* The length of the whole as it is now. */
off_t log_files_end(const struct log_files *f);

/* Has the newest file that is open been rotated? Then the one after it is opened: true. Files that end before `read` are closed. */
bool log_files_next(struct log_files *f, off_t read);

#endif
