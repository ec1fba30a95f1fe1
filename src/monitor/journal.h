/*
 * journal.h - a container's log in the system's journal, by the protocol of its socket.
 *
 * A line is one datagram of fields, as podman and docker write them, so `journalctl CONTAINER_NAME=web` finds it. A line is sent when its newline comes; what is longer than the
 * buffer, or has no newline at the end, is marked CONTAINER_PARTIAL_MESSAGE=true. A journal that takes nothing holds the container up for a second, once; then lines are
 * lost and counted until it takes some again. Nothing is allocated after journal_open().
 *
 * Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 */
#ifndef MONITOR_JOURNAL_H
#define MONITOR_JOURNAL_H

#include "base/base.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct journal {
	int fd;
	bool stuck;	    /* it has not taken the last one in time */
	const char *fields; /* of every line */
	size_t nfields;
	size_t n[2]; /* bytes of the line that is being collected, by stream */
	char line[2][8192];
};

/* Whose lines they are. */
struct journal_of {
	const char *id, *name, *image, *tag;
	const struct pairs *more; /* labels and variables: fields of their own, in capitals */
};

/* 0, or ERR_NO_LOG where there is no journal. The fields live in the arena. */
int journal_open(struct journal *j, const struct journal_of *of, struct arena *a, struct err *e);
/* Collects and sends. Returns how many bytes of output could not be sent. */
size_t journal_write(struct journal *j, bool is_stderr, const char *p, size_t n);
/* Sends what is left, and closes it. */
void journal_close(struct journal *j);

#endif
