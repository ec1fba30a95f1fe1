/*
 * runtime_check.h - what the values of a bundle's config.json must be: the second half of runtime_spec.h, and nobody else's.
 */
#ifndef OCI_RUNTIME_CHECK_H
#define OCI_RUNTIME_CHECK_H

#include "oci/runtime_spec.h"

/* doc: the whole document, for lines and columns. The process has been checked before. ERR_OCI_SPEC. */
int oci_spec_check(struct oci_spec *s, const struct json *doc, const char *what, struct arena *a,
		   struct err *e);

#endif
