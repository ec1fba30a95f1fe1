/*
 * change.h - one instruction of a Dockerfile that changes the config of an image, as --change of import and commit takes it.
 *
 * CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME and WORKDIR, in any case, followed by a blank or
 * "=". Values are those of a Dockerfile without variables: nothing is expanded, since there is nothing to expand from. Text comes from
 * scripts and is checked: one line of at most 64 KiB, no control characters; what does not parse is ERR_USAGE that says which instruction
 * and why. Source: Dockerfile reference, by instruction.
 */
#ifndef OCI_CHANGE_H
#define OCI_CHANGE_H

#include "oci/image_spec.h"

/* Everything lives in the arena. On error *c may have been changed in part. */
int image_change(struct image_config *c, const char *text, struct arena *a, struct err *e);

#endif
