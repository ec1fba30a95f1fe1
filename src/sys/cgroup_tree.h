/*
 * cgroup_tree.h - all hierarchies of control groups that are mounted: version 2 alone, or those of version 1, with version 2 beside them ("hybrid") or not.
 *
 * Where sys/cgroup.h knows version 2 at its usual place only, this finds each hierarchy by /proc/self/mountinfo, so that what was mounted elsewhere, or into a container,
 * is found too. Paths of cgroups begin at the mount here. cgroups(7) rules.
 */
#ifndef SYS_CGROUP_TREE_H
#define SYS_CGROUP_TREE_H

#include "base/base.h"

struct cgroup_hierarchy {
	const char *name;  /* "memory", "cpu,cpuacct", "name=systemd"; "": version 2 */
	const char *mount; /* "/sys/fs/cgroup/memory" */
	const char *own;   /* our cgroup, below the mount: "/user/x"; NULL: it lies outside */
};

enum { CGROUP_HIERARCHIES_MAX = 32 };
struct cgroup_tree {
	struct cgroup_hierarchy v[CGROUP_HIERARCHIES_MAX];
	size_t n;
	bool v2; /* there is nothing but version 2 */
};

/* Texts live in the arena. -ENOENT: none is mounted. */
int cgroup_tree_read(struct arena *a, struct cgroup_tree *ret);
/* The same from texts of /proc/PID/cgroup and /proc/PID/mountinfo, for tests. */
int cgroup_tree_parse(struct arena *a, const char *cgroup, const char *mountinfo,
		      struct cgroup_tree *ret);

/* Does a hierarchy's name ("cpu,cpuacct") have the controller? */
bool cgroup_name_has(const char *name, const char *controller);
/* The path of a process's cgroup in a hierarchy, from the hierarchy's root, in the text of /proc/PID/cgroup. *ret_n bytes, or NULL. */
const char *cgroup_path_in(const char *text, const char *name, size_t *ret_n);

#endif
