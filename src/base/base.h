/*
 * base.h - the one header of the ground floor: libc, and what every other folder builds on.
 *
 * Include it after the system headers and before the headers of other folders. It pulls in errors, memory,
 * strings, descriptors and paths, and ends with the banned list, which makes the compiler refuse functions that
 * this project does not use (banned.h says what to use instead).
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define countof(a)	  (sizeof(a) / sizeof((a)[0]))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/banned.h"

#endif
