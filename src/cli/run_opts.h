/*
 * run_opts.h - the options that run and create share, and how a command talks with a process's streams.
 */
#ifndef CLI_RUN_OPTS_H
#define CLI_RUN_OPTS_H

#include "cli/command.h"
#include "cli/pull_opts.h"
#include "engine/create.h"

/* For completion: of --cap-add and --cap-drop. */
#define RUN_CAPABILITIES                                                                           \
	",ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN "    \
	"DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE "                \
	"LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST "   \
	"NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT "      \
	"SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME "                \
	"SYS_TTY_CONFIG WAKE_ALARM"

/* --preserve-fds and --preserve-fd: which descriptors of our caller the process gets. To be filled before anything is opened. */
struct preserve_opts {
	uint64_t number;
	struct strs list;
};
extern const struct opt preserve_rows[];
int run_preserved(const struct preserve_opts *o, struct fd_kept *ret, struct err *e);

struct run_opts {
	struct pull_flags image;
	bool dry, tty, interactive, privileged, read_only, read_only_tmpfs, init, rm, replace;
	bool rootfs;
	bool detach, sig_proxy, rmi; /* of run only */
	const char *name, *user, *workdir, *entrypoint, *cidfile, *detach_keys;
	struct strs env_first; /* of hoy.conf */
	struct strs env, env_files, labels, volumes, mounts, tmpfs, devices, device_rules, cap_add,
		cap_drop, security_opts, ulimits, secrets;
	const char *stop_signal, *restart;
	int64_t stop_timeout;
	uint64_t shm_size;
	struct process_opts more;
	struct namespace_opts ns;
	struct network_opts net;
	struct name_opts names;
	struct limit_opts limits;
	struct volume_opts vol;
	struct userns_opts userns;
	struct health_opts health;
	struct preserve_opts preserve; /* of run only */
};

extern const struct opt run_common_rows[]; /* for OPT_TABLE */
extern const struct run_opts run_defaults;

/* Opens the store, recovers it, makes the container, writes the cidfile. unpublished, durable: see engine/create.h. */
int run_create(struct cli *c, const struct run_opts *o, bool unpublished, bool durable,
	       struct home *h, struct container *ret, struct err *e);

/* Prints what run_create() would have made, after --dry-run. Returns 0. */
int run_dry(struct cli *c, const struct container *ct);

/* The flags -i and -t as they can be had: a terminal asked for without one here is given up with a note. */
void run_check_terminal(struct cli *c, bool *tty, bool interactive);

/* Passes streams until the process ends or the user detaches. Returns the exit code (0 after detaching) or a negative errno. */
struct attach_opts {
	int sock;
	bool input, tty, sig_proxy;
	const char *keys; /* NULL: ctrl-p,ctrl-q */
	bool no_stdout, no_stderr;
	pid_t monitor; /* as of struct client */
};
int run_attached(struct cli *c, const struct attach_opts *o, struct err *e);

/* Waits until it runs. monitor as of struct client. 0 or the error of the start. */
int run_await(struct cli *c, int sock, pid_t monitor, struct err *e);

/* The window size of our terminal, zeroes without one. */
struct winsize run_terminal_size(void);

#endif
