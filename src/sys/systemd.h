/*
 * systemd.h - asking systemd for a cgroup: a transient scope of ours, delegated to us.
 *
 * An ordinary user's is the user manager (over the user's D-Bus, or its private socket where no bus runs), root's is PID 1 (over its private socket).
 * Who asks has to be outside of user namespaces: systemd believes the kernel's word on who is at the other end.
 */
#ifndef SYS_SYSTEMD_H
#define SYS_SYSTEMD_H

#include "base/base.h"

struct systemd {
	char socket[108];
	bool bus;
};

/* Is there a manager that could be asked? Two or three access(2). -ENOENT. */
int systemd_find(struct systemd *ret);

/* Makes the scope in this slice (NULL: the manager's choice) with this process in it, and returns when it is. -EEXIST: the name is taken;
 * -ENOENT: nobody answers; else what systemd says. */
int systemd_scope(const struct systemd *s, const char *unit, const char *slice,
		  const char *description, struct err *e);

/* One property of a unit: what type says, D-Bus's letters, is which field counts. */
struct systemd_property {
	const char *name;
	const char *
		type; /* b i u x t: number; s: text; as: texts; ay: bytes; a(ss): texts, two by two */
	uint64_t number;
	const char *text;
	const struct strs *texts;
	const void *bytes;
	size_t n;
};

/* Makes a unit (a scope, or a slice) with these properties and this process in it (0: none), and returns when systemd has taken the work on. -EEXIST; else as above. */
int systemd_start(const struct systemd *s, const char *unit, pid_t pid,
		  const struct systemd_property *v, size_t n, struct err *e);
/* Changes properties of a unit that runs, until it ends. */
int systemd_set(const struct systemd *s, const char *unit, const struct systemd_property *v,
		size_t n, struct err *e);
/* Stops a unit, and forgets that it failed. One that is not there is fine. */
int systemd_stop(const struct systemd *s, const char *unit, struct err *e);

/* Moves a process (0: this one) into a cgroup below that of a delegated unit ("/supervisor"; "": its own), and returns when it is there. */
int systemd_attach(const struct systemd *s, const char *unit, const char *below, pid_t pid,
		   struct err *e);

#endif
