/*
 * security.h - the meaning of --security-opt and --privileged: a container's seccomp profile, no_new_privs, masked paths.
 *
 * Parsed once when the container is created, kept in its config.json (security_fields is the table for that), so that a start
 * does not depend on files that may have changed. A custom seccomp profile is kept as text and compiled by the parent at each start;
 * the container's init only loads the program. Mounting the masks is rootfs work, done from the two lists.
 *
 *   --security-opt                       what it does
 *   seccomp=unconfined|builtin|FILE      no filter, the default profile, or a profile in docker's JSON form
 *   no-new-privileges[:true|false]       PR_SET_NO_NEW_PRIVS for all processes (also no-new-privileges=true)
 *   mask=PATH[:PATH...]                  hide these paths too
 *   unmask=ALL|PATH[:PATH...]            do not hide or write-protect these (a path or a pattern of glob(7))
 *   systempaths=unconfined               as unmask=ALL (docker's name)
 *   proc-opts=OPT[,OPT...]               mount options of /proc: hidepid=, subset=pid, gid= and the usual mount flags
 *   label=..., apparmor=unconfined       accepted: where no SELinux or AppArmor label is set there is nothing to do
 *   apparmor=PROFILE                     refused: an ordinary user cannot change the profile of a process into that
 */
#ifndef RUNTIME_SECURITY_H
#define RUNTIME_SECURITY_H

#include "data/bind.h"
#include "sys/seccomp.h"

struct security {
	struct strs opts; /* as they were typed, for inspect */
	bool privileged;
	bool no_new_privs;
	const char *seccomp;   /* "builtin", "unconfined" or the absolute path of the profile */
	const char *profile;   /* text of a custom profile, else NULL */
	const char *proc_opts; /* extra mount options for /proc, NULL if none */
	struct strs masked;    /* directories are covered by an empty tmpfs, files by /dev/null */
	struct strs readonly;  /* bound onto themselves read-only */
};

/* For reading and writing it as a part of config.json. */
extern const struct bind_field security_fields[];

/* opts: the values of --security-opt in order; the last one wins where they speak of the same thing. Everything lives in the arena. A
 * profile is read and tried here, with the capabilities caps, so that a bad one fails at create. */
int security_parse(struct arena *a, const struct strs *opts, bool privileged, uint64_t caps,
		   struct security *ret, struct err *e);

/* The program to load for a container with this bounding set; empty when unconfined. */
int security_seccomp(const struct security *s, uint64_t caps, struct seccomp_prog *ret,
		     struct err *e);

#endif
