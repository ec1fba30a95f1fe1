/*
 * rand.h - randomness from getrandom(2), for ids and names of temporary files.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

uint64_t rand_u64(void);

/* Writes digits lower-case hex digits and a NUL into buf (digits + 1 bytes) and returns buf. */
char *rand_hex(char *buf, size_t digits);

#endif
