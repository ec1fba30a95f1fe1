/*
 * form.h - the owner form of what a container has written.
 */
#ifndef MONITOR_FORM_H
#define MONITOR_FORM_H

#include "runtime/config.h"
#include "state/container.h"

/* The files that a container has made belong to ids as its first start had them: notes the form (u0_form_name()) in the state, or says that it is another now.
 * ERR_LAYER_FORM. */
int form_take(const struct container_config *c, struct container_state *st, const char *form,
	      struct err *e);

#endif
