/*
 * oci.h - the command line of runc and crun: `hoy oci [FLAGS] VERB`, and the same without the two words when hoy is called runc, crun or hoy-oci.
 *
 * Their flags stand before the verb and are not hoy's, though some have the same names: so from "oci" on the words are read by the rows here. Errors go to standard
 * error and, with --log, to a file in the form that engines read.
 */
#ifndef CLI_OCI_H
#define CLI_OCI_H

#include "cli/command.h"
#include "engine/oci.h"

/* Reads what follows "oci"; the verb becomes the command "oci VERB". name: as what we were called. */
int oci_parse(struct cli *c, const char *name, size_t nargs, char **args, struct err *e);
/* Is that the name of a runtime? NULL: no. */
const char *oci_called_as(const char *argv0);

/* Writes an error to the log. Its exit code becomes 1, as runc's. */
void oci_explain(const struct cli *c, struct err *e);
void oci_warn(const struct cli *c, const struct strs *warnings);

/* Executes ourselves again in a form that a container cannot write to, if that has not been done (init.h). */
int oci_seal(const struct cli *c, struct err *e);

extern const struct opt oci_global_rows[];

#endif
