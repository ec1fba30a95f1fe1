/*
 * log_export.h - entries of a journal in the form of `journalctl -o export`, given back as the output that a container wrote.
 *
 * It is fed in pieces of any size. An entry that is larger than a container's can be is an error, for what comes is another program's.
 *
 * Source: https://systemd.io/JOURNAL_EXPORT_FORMATS/
 */
#ifndef MONITOR_LOG_EXPORT_H
#define MONITOR_LOG_EXPORT_H

#include "monitor/log_read.h"

struct log_export {
	struct log_sink sink;
	struct str text;    /* what is not parsed yet */
	struct str message; /* of the entry that is being read */
	bool has_message, is_stderr, partial;
	int64_t us;
	bool midline[2]; /* of the output, by stream */
};

/* A negative result of a callback is passed on; -EMSGSIZE. */
int log_export_feed(struct log_export *r, const char *p, size_t n);
void log_export_free(struct log_export *r);

#endif
