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

/* After cli_parse() has found c->runtime: reads the flags and the verb, which becomes the command "oci VERB". */
int oci_parse(struct cli *c, struct err *e);

/* Writes an error to the log. Its exit code becomes 1, as runc's. */
void oci_explain(const struct cli *c, struct err *e);
void oci_warn(const struct cli *c, const struct strs *warnings);

/* Executes ourselves again in a form that a container cannot write to, if that has not been done (init.h). */
int oci_seal(const struct cli *c, struct err *e);

extern const struct opt oci_global_rows[];

#endif
