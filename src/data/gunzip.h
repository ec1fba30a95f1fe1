/*
 * gunzip.h - gzip members, by isa-l where it is installed (about twice as fast), else by zlib. Only inflate.c uses this.
 *
 * The caller points in and n_in at input and calls gunzip_step() until it says GUNZIP_END (checksum and length of the member
 * are right then) or GUNZIP_BAD. What stands behind the member is left in in/n_in.
 */
#ifndef DATA_GUNZIP_H
#define DATA_GUNZIP_H

#include "base/base.h"

enum gunzip_result { GUNZIP_MORE, GUNZIP_END, GUNZIP_BAD };

struct gunzip {
	const uint8_t *in;
	size_t n_in;
	bool isal;
	void *state;
};

int gunzip_open(struct gunzip *g, bool allow_isal, struct err *e);
/* Writes up to size bytes to out, *ret_n of them. GUNZIP_MORE with *ret_n < size means that more input is needed. */
enum gunzip_result gunzip_step(struct gunzip *g, uint8_t *out, size_t size, size_t *ret_n);
void gunzip_again(struct gunzip *g); /* ready for the next member */
void gunzip_close(struct gunzip *g);

#endif
