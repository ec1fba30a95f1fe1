/*
 * config.h - instructions that change the config of the image and no file.
 *
 * ARG, CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, MAINTAINER, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME, and what WORKDIR does to the config. What a value may be is
 * known by oci/config_edit.h; here variables are expanded and places told.
 */
#ifndef BUILD_CONFIG_H
#define BUILD_CONFIG_H

#include "build/scope.h"

/* Does it change files (or read any)? RUN, COPY, ADD; WORKDIR does both. */
bool build_config_only(enum df_kind k);

/* doc is changed in place; everything lives in the scope's arena. s->env is the config's environment as it was before the instruction. ERR_DOCKERFILE. */
int build_config_apply(struct image_doc *doc, const struct df_instr *i, struct scope *s,
		       struct err *e);

/* The command of RUN, CMD and ENTRYPOINT: exec form as it is, else through the shell. */
void build_config_command(const struct image_config *c, const struct df_instr *i, struct arena *a,
			  struct strs *ret);

#endif
