/*
 * mount_options.h - the options of a mount of a bundle, taken apart.
 *
 * Names are those of config-linux.md "Linux mount options" of the runtime specification 1.2; what is none of them is handed to the file system as it is, which
 * then refuses what it does not know. A bind mount has no file system that could: there an unknown option is refused here.
 */
#ifndef OCI_MOUNT_OPTIONS_H
#define OCI_MOUNT_OPTIONS_H

#include "base/base.h"

struct mount_options {
	unsigned set, clear;	     /* MOUNT_ATTR_* of this mount */
	unsigned rec_set, rec_clear; /* of it and all below */
	bool bind, recursive;	     /* bind, rbind */
	unsigned long propagation;   /* MS_SHARED ...; 0: as it is */
	bool propagation_recursive;
	bool idmap, idmap_recursive; /* idmap, ridmap */
	bool copy_up;		     /* tmpcopyup */
	struct strs data;	     /* for the file system */
};

/* type may be NULL. bad: the option that is refused, if any; why in *ret_why. Returns 0 or -EINVAL. */
int mount_options_parse(const char *type, const struct strs *options, struct mount_options *ret,
			struct arena *a, const char **ret_bad, const char **ret_why);

/* All names that are known, NULL-terminated. */
const char *const *mount_option_names(void);

/* "rshared" and the like to MS_*; 0: no such word. */
unsigned long mount_propagation_word(const char *word, bool *ret_recursive);

#endif
