/*
 * runtime_read.h - reading config.json of a bundle (runtime_spec.h).
 *
 * It takes hostile text. What it gives has the right types, and every value is one that the specification allows and hoy can make true; anything else is refused with
 * line and column, never repaired. Keys that nobody knows are skipped, because the specification says so (spec.md "Extensibility"), and so are capabilities that
 * this kernel lacks, with a warning (config.md "capabilities").
 */
#ifndef OCI_RUNTIME_READ_H
#define OCI_RUNTIME_READ_H

#include "oci/runtime_spec.h"

/* Reads a whole document; what names it in errors. ERR_JSON: not JSON, or of the wrong types; ERR_OCI_SPEC: a value that is not allowed. */
int oci_spec_read(const char *text, size_t len, const char *what, struct oci_spec *ret,
		  struct arena *a, struct err *e);

/* The same for the document of exec --process: an object like "process". */
int oci_process_read(const char *text, size_t len, const char *what, struct oci_process *ret,
		     struct strs *warnings, struct arena *a, struct err *e);

#endif
