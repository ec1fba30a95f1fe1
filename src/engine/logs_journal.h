/*
 * logs_journal.h - the output of a container whose log is in the journal (--log-driver journald), by way of journalctl, which may read what the user may.
 */
#ifndef ENGINE_LOGS_JOURNAL_H
#define ENGINE_LOGS_JOURNAL_H

#include <sys/types.h>

#include "monitor/log_export.h"

struct logs_query;

struct logs_journal {
	int fd; /* what journalctl writes; -1: none */
	pid_t pid;
	struct log_export reader;
};

/* Starts journalctl for what q wants of the container. ERR_NO_LOG if there is none. */
int logs_journal_start(struct logs_journal *j, const char *id, const struct logs_query *q,
		       struct err *e);
/* Reads what there is; wait: until the end. *ret_end: it was the end. Non-zero from the sink is passed on. */
int logs_log_export(struct logs_journal *j, bool wait, bool *ret_end, struct err *e);
void logs_journal_end(struct logs_journal *j);

#endif
