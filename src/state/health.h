/*
 * health.h - how a container is, as its checks found it: the file containers/<id>/health.json, replaced after each check.
 *
 * It is written by whoever ran the check (monitor/health.h) and read by everybody who shows it. The file goes when the container is started: one
 * that runs without it is "starting". It is bounded: so many results, each with so much output, and neither beyond HEALTH_FILE_MAX.
 */
#ifndef STATE_HEALTH_H
#define STATE_HEALTH_H

#include "data/bind.h"

#define HEALTH_FILE "health.json"

enum {
	HEALTH_LOG_COUNT = 5,
	HEALTH_LOG_SIZE = 500,
	HEALTH_COUNT_MAX = 1000,
	HEALTH_FILE_MAX = 4 << 20
};

struct health_result {
	const char *start, *end; /* RFC 3339 */
	int64_t exit_code;	 /* -1: it took too long */
	const char *output;
};

struct health_report {
	const char *status; /* "starting", "healthy", "unhealthy" */
	int64_t failing_streak;
	struct bind_list log; /* of struct health_result, the oldest first */
};

/* Reads a report; one that is not there, or damaged, says "starting". */
void health_read(int dir, const char *name, struct health_report *ret, struct arena *a);
int health_write(int dir, const char *name, const struct health_report *r);

#endif
