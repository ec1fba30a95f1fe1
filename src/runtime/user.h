/*
 * user.h - who a container's process is: --user and USER resolved by the container's own passwd and group.
 *
 * Forms: "", NAME, UID, NAME:GROUP, UID:GID and mixtures, :GROUP (of root). A number is a number even if the passwd has no such entry; a name must be
 * there. A number that does not fit is an error and never a name (CVE-2024-40635, CVE-2026-46680). Supplementary groups come from
 * the group file unless a group was given. The files are hostile: opened inside the root, regular files only, 4 MiB at most.
 */
#ifndef RUNTIME_USER_H
#define RUNTIME_USER_H

#include "base/base.h"

enum { USER_MAX_GROUPS = 256 };

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups
		[USER_MAX_GROUPS]; /* supplementary, and gid itself where a user was asked for */
	size_t ngroups;
	bool keep_groups; /* the caller's own stay, and nothing is set */
	const char *home; /* in the arena; "/" if nothing says */
	const char *name; /* NULL if the passwd has no entry */
};

/* text NULL or "" is uid 0. root is a descriptor of the root file system. */
int user_resolve(int root, const char *text, struct user *ret, struct arena *a, struct err *e);

/* Reads a file of the container's /etc, at most 4 MiB. One that is missing is empty, and leaves out->s NULL. ERR_USER. */
int user_read_etc(int root, const char *path, struct str *out, struct err *e);

/* The names in a passwd or group file, by number; where several have one number, the first. Lives in the arena. */
struct user_names {
	struct user_name {
		uint32_t id;
		size_t order;
		const char *name;
	} * v;
	size_t n;
};
/* path: "/etc/passwd" or "/etc/group", inside root. A file that cannot be read has no names. */
void user_names_read(int root, const char *path, struct user_names *ret, struct arena *a);
const char *user_name_of(const struct user_names *l, uint32_t id); /* NULL if there is none */

/* What --group-add takes in place of groups. */
#define USER_KEEP_GROUPS "keep-groups"

/* Adds supplementary groups, by number or by the names of the container's group file. */
int user_add_groups(int root, const struct strs *names, struct user *u, struct err *e);
/* Only the form of one of them. */
int user_check_group(const char *text, struct err *e);

/* Only the form, without any file: so that a bad --user fails before anything is made. */
int user_check(const char *text, struct err *e);

#endif
