/*
 * restart_policy.h - what a container's restart policy is, and whether somebody has stopped the container by hand.
 *
 * The policy is decided at create (config.json, and a copy in state.json so that lists need not read that). One that was changed later stands in the link
 * containers/<id>/restart, which every reader believes more: it is replaced while the supervisor owns state.json. That a user has
 * stopped the container is the file containers/<id>/stopped: it is there before the stop signal is sent, and goes with the next start by hand.
 */
#ifndef STATE_RESTART_POLICY_H
#define STATE_RESTART_POLICY_H

#include "base/base.h"

#define CONTAINER_POLICY  "restart" /* link whose text is a policy */
#define CONTAINER_STOPPED "stopped"

enum restart_kind { RESTART_NO, RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_UNLESS_STOPPED };

struct restart_policy {
	enum restart_kind kind;
	int64_t max; /* restarts after failures; 0: no limit */
};

enum { RESTART_TEXT = 40 };

/* "no" (also "never" and ""), "always", "unless-stopped", "on-failure", "on-failure:N". NULL is no. ERR_USAGE. */
int restart_policy_parse(const char *text, struct restart_policy *ret, struct err *e);
/* The same back; buf holds RESTART_TEXT bytes. */
const char *restart_policy_text(const struct restart_policy *p, char *buf);
/* Only the name of the kind: "on-failure". */
const char *restart_policy_name(enum restart_kind k);

/* The policy now: of the link in the container's directory, else recorded. Allocates nothing. A text that is none is no. */
struct restart_policy restart_policy_now(int container_dir, const char *recorded);
/* Changes it. */
int restart_policy_change(int container_dir, const struct restart_policy *p, struct err *e);

bool restart_is_stopped(int container_dir);
/* Leaves the mark; that it is there already is as good. */
int restart_mark_stopped(int container_dir);
void restart_unmark_stopped(int container_dir);

#endif
