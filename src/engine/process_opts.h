/*
 * process_opts.h - the options of run and create that are about the process and what surrounds it: groups, environment, limits of
 * time, its log, and which platform the image has to be for.
 *
 * They come as texts, are checked here and written into the config. Errors are ERR_USAGE and name the option, but for the platform
 * (ERR_PLATFORM).
 */
#ifndef ENGINE_PROCESS_OPTS_H
#define ENGINE_PROCESS_OPTS_H

#include "oci/image_spec.h"
#include "runtime/config.h"

struct process_opts {
	struct strs annotations, label_files, groups, attach, unset_env, log_opts;
	struct strs env_merge, host_users, requires, chroot_dirs;
	const char *personality, *init_path;
	const char *systemd;	  /* true, false or always; NULL: true */
	const char *systemd_size; /* of each tmpfs that systemd gets; NULL: the kernel's choice */
	const char *umask, *tz, *pidfile, *conmon_pidfile, *log_driver;
	const char *passwd_entry, *group_entry, *seccomp_policy;
	bool passwd; /* what hoy adds to /etc/passwd and /etc/group */
	const char *platform, *arch, *os, *variant;
	bool env_host, http_proxy, unset_env_all, has_oom_score_adj;
	int64_t oom_score_adj;
	uint64_t timeout; /* seconds; 0: none */
};

/* All but the environment. ret_note gets what a person should know, if there is something; NULL else. */
int process_opts_apply(const struct process_opts *o, struct container_config *c, struct arena *a,
		       const char **ret_note, struct err *e);

/* What --env-host and --http-proxy take of our own environment; before anything else is set. */
void process_opts_host_env(const struct process_opts *o, struct strs *env, struct arena *a);
/* What --unsetenv takes away again: of all that was set before the user's own variables. */
void process_opts_unset_env(const struct process_opts *o, struct strs *env, struct arena *a);

/* --env-merge KEY=VALUE, where $NAME and ${NAME} stand for what has been set so far: by the image. */
int process_opts_merge_env(const struct process_opts *o, struct strs *env, struct arena *a,
			   struct err *e);

/* Is the image for the platform that was asked for? If none was, whether it is for this machine is told in *ret_note. */
int process_opts_platform(const struct process_opts *o, const struct image_doc *doc,
			  const char *image, struct arena *a, const char **ret_note, struct err *e);

#endif
