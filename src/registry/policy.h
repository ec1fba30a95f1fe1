/*
 * policy.h - policy.json (containers-policy.json(5)): which images may be pulled, loaded and imported.
 *
 * ~/.config/containers/policy.json ($XDG_CONFIG_HOME/containers before it), else /etc/containers/policy.json; without any of them everything may.
 * Of the scopes of the transport "docker" the most specific that fits counts (the name with tag or digest, the repository, what it
 * lies in, the registry, *.DOMAIN, ""), else "default". All of its requirements must hold. insecureAcceptAnything holds, reject does not, and
 * what wants a signature cannot be verified here, so it is refused. The name is the one that was asked for, not a mirror's.
 */
#ifndef REGISTRY_POLICY_H
#define REGISTRY_POLICY_H

#include "oci/reference.h"

/* full: with a tag or a digest. ERR_POLICY, ERR_POLICY_FILE. */
int policy_check(const struct reference *full, struct err *e);

/* An archive or a directory that is loaded or imported: transport is "docker-archive", "oci-archive", "oci", "dir" or "tarball"; its scopes are paths, and
 * directories above them. path NULL: standard input. */
int policy_check_file(const char *transport, const char *path, struct err *e);

/* The same by one document; what names it. */
int policy_document(const char *text, size_t len, const char *what, const struct reference *full,
		    struct err *e);

#endif
