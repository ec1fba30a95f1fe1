/*
 * config_edit.h - changing the config of an image by what instructions of a Dockerfile mean, once their words are final.
 *
 * For Dockerfiles and for --change alike. Each function returns NULL, or why it cannot be done, in words that follow the name of the instruction. Everything
 * lives in the arena. Source: Dockerfile reference, by instruction.
 */
#ifndef OCI_CONFIG_EDIT_H
#define OCI_CONFIG_EDIT_H

#include "oci/image_spec.h"

/* The shell form: the words of SHELL (/bin/sh -c) and the text. */
void config_shell_command(const struct image_config *c, const char *text, struct arena *a,
			  struct strs *ret);
/* "80", "80/udp", "8000-8010/tcp". */
const char *config_add_ports(struct image_config *c, const char *word, struct arena *a);
/* An absolute path. */
const char *config_add_volume(struct image_config *c, const char *path, struct arena *a);
/* Absolute, or relative to the directory so far. */
void config_set_workdir(struct image_config *c, const char *path, struct arena *a);
const char *config_set_stop_signal(struct image_config *c, const char *text, struct arena *a);
/* name: "interval" ... "retries". */
const char *config_health_flag(struct image_health *h, const char *name, const char *value);
/* Can it follow ONBUILD? */
const char *config_check_on_build(const char *text);

#endif
