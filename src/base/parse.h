/*
 * parse.h - numbers, sizes, durations and signal names from text; times to text.
 *
 * All parsers want the whole string: no leading blanks, no sign where none makes sense, no trailing garbage, no overflow. They
 * return 0, or -EINVAL (not of the form) or -ERANGE (does not fit), and leave the message to the caller.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct str;

int parse_u64(const char *s, uint64_t max, uint64_t *ret); /* decimal digits only */
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* "64", "64b", "10k", "1.5m", "2g", "1t" and the same with a "b" or "ib" behind; powers of 1024 (docker's units.RAMInBytes). */
int parse_size(const char *s, uint64_t *ret);

/* "1h2m3.5s", "300ms", "10us", "5" is refused (Go's time.ParseDuration). Nanoseconds. */
int parse_duration(const char *s, int64_t *ret_ns);

/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3"; 1 to 64. */
int parse_signal(const char *s, int *ret);
const char *signal_name(int sig); /* "SIGTERM"; "SIGRTMIN+3"; NULL if it is none */

/* "2026-01-02T03:04:05.123456789Z" (UTC). buf holds at least 40 bytes. RFC 3339 section 5.6. */
char *time_rfc3339(char *buf, size_t size, struct timespec t);
/* RFC 3339, with offset or Z, with or without a fraction. */
int parse_rfc3339(const char *s, struct timespec *ret);
struct timespec time_now(void);

/* A moment as --since and --until take it: RFC 3339; the same cut short ("2026-01-02", "2026-01-02T15:04", "2026-01-02T15:04:05.5"),
 * which is local time; seconds since 1970 with or without a fraction; or a duration before now ("10m"). */
int parse_moment(const char *s, struct timespec *ret);

/* "2 minutes", "About an hour", "3 weeks" (docker's units.HumanDuration). */
void time_human(struct str *out, int64_t seconds);
/* "1h2m3.5s", "0s" (Go's time.Duration in text, which parse_duration reads again). */
void time_duration(struct str *out, int64_t ns);
/* "1.23MB": powers of 1000, four significant digits (docker's units.HumanSize). */
void size_human(struct str *out, uint64_t bytes);

#endif
