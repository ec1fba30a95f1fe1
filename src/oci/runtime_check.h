/*
 * runtime_check.h - what the values of a bundle's config.json must be: the second half of runtime_read.h.
 */
#ifndef OCI_RUNTIME_CHECK_H
#define OCI_RUNTIME_CHECK_H

#include "oci/runtime_spec.h"

/* doc: the whole document, for lines and columns. The process has been checked before. ERR_OCI_SPEC. */
int oci_spec_check(struct oci_spec *s, const struct json *doc, const char *what, struct arena *a,
		   struct err *e);

/* The checks of one process that was made by other means (exec's flags); at, what: for errors. */
int oci_process_check(struct oci_process *p, const struct json *at, const char *what,
		      struct strs *warnings, struct arena *a, struct err *e);

#endif
