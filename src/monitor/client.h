/*
 * client.h - the other end of proto.h: how a command talks to a supervisor or an exec monitor.
 */
#ifndef MONITOR_CLIENT_H
#define MONITOR_CLIENT_H

#include "base/base.h"

struct client {
	int sock;
	int in; /* standard input to pass on, or -1 */
	bool output;
	bool no_stdout, no_stderr; /* that stream is not wanted */
	bool tty;		   /* the process has a terminal */
	bool started;		   /* FRAME_STARTED has been seen, or is not to come (an attach) */
	bool sig_proxy;
	pid_t monitor;	  /* our child, which is still to say FRAME_STARTED; 0 for one that runs */
	const char *keys; /* detach keys, "" for none */
	void (*note)(void *arg, const char *text); /* words for people; may be NULL */
	void *arg;
};

enum { CLIENT_DETACHED = -1000 };

/* Waits for FRAME_STARTED. 0, or the error that the other side sent. A signal that ends us ends the start. */
int client_await_start(struct client *c, pid_t *ret_pid, struct err *e);

/* Passes streams, signals and window sizes until the process ends. Returns its exit code, CLIENT_DETACHED, or a negative errno.
 * If our own input is a terminal and the process has one, ours is raw meanwhile. A start that hangs is given up for a signal
 * (or Ctrl-C) that ends an ordinary process: 128 + signal. */
int client_run(struct client *c, struct err *e);

/* Connects to a container's supervisor and greets it; *ret_tty tells whether it has a terminal. A descriptor or -errno
 * (-ECONNREFUSED, -ENOENT: no supervisor). */
int client_connect(int container_dir, uint8_t want, bool *ret_tty, struct err *e);

/* Asks the supervisor to bring the container into the networks that its networks.json says, and waits until it is, or the error why not (what else
 * could be done is done). -ECONNREFUSED, -ENOENT: no supervisor, nothing to do. */
int monitor_networks_changed(int container_dir, struct err *e);

/* Says that the container's config has changed (config_write_changes()), and waits until its supervisor knows that. */
int monitor_config_changed(int container_dir, struct err *e);

/* Has the container's health checked now, and waits for what comes of it: 0, 1 (the check failed), or a negative errno. */
int monitor_check_health(int container_dir, struct err *e);

#endif
