/*
 * init.h - the child's side of launch.h: the list of steps, and our own binary kept out of the container's reach.
 */
#ifndef RUNTIME_INIT_H
#define RUNTIME_INIT_H

#include "runtime/stage.h"

/* Name of a process of ours in a container, until it is the command. */
#define INIT_COMM "hoy:init"

/* Default signals, and the seccomp filter compiled while the host's files can be seen. init_run() does it by itself. */
int init_prepare(struct stage *s, struct err *e);

/* Runs all steps and becomes the command. Never returns: on failure the error goes over s->sync and the process ends. */
_Noreturn void init_run(struct stage *s);	 /* PID 1 */
_Noreturn void init_run_joined(struct stage *s); /* a process in a running container */

/* Could the container write to the file that this process executes? True unless its owner is outside of our id map and nobody
 * else may write to it. */
bool init_binary_exposed(void);

/* Executes our own binary again with these arguments and no environment, in a form that cannot be written through
 * /proc/PID/exe (CVE-2019-5736): with own_mounts (a mount namespace of our own, the host's files in it) from a read-only mount that is
 * attached nowhere; else, or where that cannot be, from a sealed copy (memfd_create(2), F_SEAL_WRITE). Returns only on failure. */
int init_seal(char *const argv[], bool own_mounts, struct err *e);
/* The same with an environment. */
int init_seal_as(char *const argv[], char *const env[], bool own_mounts, struct err *e);

#endif
