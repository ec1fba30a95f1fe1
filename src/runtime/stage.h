/*
 * stage.h - what the steps of a container's init share.
 *
 * The init process (see init.c for the order) is a child with one thread in the container's own namespaces, root there, with the
 * host's file systems still visible until it pivots. The steps run in order, each a small function that fills the error and
 * returns a negative errno when it cannot go on; the error travels over the sync socket to the supervisor.
 */
#ifndef RUNTIME_STAGE_H
#define RUNTIME_STAGE_H

#include <sys/ioctl.h>

#include "net/guest.h"
#include "runtime/config.h"
#include "runtime/names.h"
#include "runtime/namespaces.h"
#include "runtime/plan.h"
#include "runtime/user.h"
#include "sys/seccomp.h"

/* What is to be given to the container's user (option U). */
struct owned {
	int fd;
	int then_ro; /* a mount that becomes read-only afterwards, or -1 */
	bool tree;   /* with all below */
};

struct bundle_init;

struct stage {
	struct plan plan; /* what all steps but those that make the root go by */
	struct bundle_init *
		bundle; /* of an OCI bundle (bundle_init.h): then nothing below says how the root is made */
	const struct container_config *c;
	const struct config_process *p; /* of c, or of an exec */
	const struct names *names;	/* of PID 1 */
	const char *home;		/* path of the store */
	const char *where;		/* of the container's directory in it */
	const char *form;		/* owner form: u0_form_name() */
	const char *layers;	/* form of the layers, if it is another: store/layer_map.h */
	struct winsize size;	/* of the terminal, 0: unknown */
	int sync;		/* socket to the parent */
	int wait, lock;		/* of a bundle, else 0: bundle_init.h */
	struct fd_kept fds;	/* what the process gets besides 0, 1 and 2 */
	int cdir;		/* the container's directory, opened in this mount namespace */
	int root;		/* the root file system */
	int spot;		/* a directory outside of it, where something can be attached */
	int outer;		/* socket to the helper in U0 (outer.h), or -1 */
	int given[GIVEN_KINDS]; /* mounts of joined namespaces, or -1 */
	int sysctl_later;	/* sysctl.h; 0: nothing is left to be set */
	int pty;		/* the terminal's master until it is sent, else -1 */
	struct owned *owned;	/* volumes.c */
	size_t nowned;
	struct user user;
	struct seccomp_prog filter;
	struct arena arena;
};

typedef int stage_step(struct stage *s, struct err *e);

/* All steps, in a session of our own: the last one executes the command. The first error goes to the parent ("E" and a struct err), and this process ends. */
_Noreturn void stage_run(struct stage *s, stage_step *const *steps, size_t n);
_Noreturn void stage_fail(const struct stage *s, const struct err *e);

/* rootfs.c: the root file system is mounted; the old root is left. */
stage_step stage_root, stage_pivot;
/* mounts.c: /proc, /sys, generated files; then what is hidden. */
stage_step stage_proc, stage_sys, stage_files, stage_passwd, stage_masks, stage_read_only;
/* The names of a uts namespace that is the container's own. */
stage_step stage_names;
/* volumes.c: what the user asked for; then the owners of what has the option U. */
stage_step stage_volumes, stage_own;
/* One of them, by its place in the config, made here. */
int stage_volume(struct stage *s, size_t i, struct err *e);
/* secrets.c: after the volumes, which may lie where secrets go. */
stage_step stage_secrets;
/* Opens a directory right below the root that must be a directory, not a link (CVE-2026-41579); makes it if it is missing. */
int stage_top_dir(struct stage *s, const char *name, struct err *e);
/* devices.c: /dev, devices of the host, and the terminal. */
stage_step stage_dev, stage_devices, stage_terminal;
/* The same for a process that joins a container that runs already. */
stage_step stage_join_terminal;
/* process.c: from here on it is about the process. */
/* network.c: waits until the devices of its networks are there, and configures them. */
stage_step stage_network;
struct stage_network_msg { /* what the supervisor sends then, cut after the last one */
	char type[_Alignof(struct guest_iface)]; /* "A" */
	struct guest_iface v[GUEST_IFACES];
};
stage_step stage_user, stage_limits, stage_cwd, stage_privileges, stage_filter;

/* Replaces the process by the command, found by PATH of its environment. Returns only on failure: 127 (not found) or 126. */
int stage_exec(struct stage *s, struct err *e);

/* Opens a path inside the root file system as a mount target, making it (a directory, or an empty file) if it is missing. Links
 * are followed inside the root. O_PATH descriptor or -errno with *e. */
int stage_target(struct stage *s, const char *path, bool dir, struct err *e);
/* The same for what the user asked to be mounted: not below /proc, where later steps write what they decide, and where a link of the
 * image may lead (CVE-2025-52881). */
int stage_user_target(struct stage *s, const char *path, bool dir, struct err *e);

#endif
