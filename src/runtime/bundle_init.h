/*
 * bundle_init.h - what the steps of a bundle's init share besides struct stage. Nobody else includes it.
 */
#ifndef RUNTIME_BUNDLE_INIT_H
#define RUNTIME_BUNDLE_INIT_H

#include "runtime/bundle.h"
#include "runtime/stage.h"

struct bundle_init {
	const struct bundle *b;
	int label;	 /* where the label of the next execve(2) is written, or -1 */
	pid_t pid;	 /* ours, as the runtime sees it */
	bool plain_user; /* the runtime is nobody special on the host */
};

/* bundle_mounts.c */
stage_step bundle_root, bundle_mounts, bundle_sysctl, bundle_pivot;
/* bundle_devices.c */
stage_step bundle_devices;
/* The terminal's master, s->pty, goes to whoever waits for it (--console-socket). */
int bundle_send_console(struct stage *s, struct err *e);
/* bundle_process.c: what only a bundle says about its process */
stage_step bundle_early, bundle_session, bundle_user, bundle_command, bundle_label;
/* bundle_listen: a filter whose calls somebody else answers is loaded before the runtime goes, which takes the listener out of the process (as runc does it);
 * bundle_filter: any other one, as the last thing before the command. */
stage_step bundle_listen, bundle_filter;
/* bundle_cgroup.c: the file systems of the control groups. */
int bundle_mount_cgroups(struct stage *s, int target, bool v2, unsigned attrs, struct err *e);

/* bundle_steps.c: never return; what they cannot do goes to s->sync as an error. */
_Noreturn void bundle_init_run(struct stage *s);
_Noreturn void bundle_exec_run(struct stage *s);

/* Asks the parent for a descriptor of a path of the host (O_PATH), in our mount namespace but with its rights. -errno. */
int bundle_ask_open(struct stage *s, const char *path);
/* The same for the mount of this number with its id map, detached. It ends us if it fails: the parent has the reason. */
int bundle_ask_mapped(struct stage *s, size_t at, struct err *e);

#endif
