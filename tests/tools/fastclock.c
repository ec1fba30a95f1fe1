/*
 * fastclock.c - a clock that runs faster, to be preloaded: what waits for a minute waits for milliseconds.
 *
 * FAST is the factor, for CLOCK_MONOTONIC as read by clock_gettime(2) and for the timeouts of epoll_wait(2). JUMP is added to
 * CLOCK_REALTIME, in seconds, for every other call: somebody sets the clock back and forth.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s && *s ? atol(s) : otherwise;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	static int calls;
	long fast = number("FAST", 1);

	if (syscall(SYS_clock_gettime, id, t) < 0)
		return -1;
	if (id == CLOCK_MONOTONIC) {
		long long ns = (t->tv_sec % 1000000 * 1000000000LL + t->tv_nsec) * fast;
		t->tv_sec = ns / 1000000000LL;
		t->tv_nsec = ns % 1000000000LL;
	}
	if (id == CLOCK_REALTIME && calls++ % 2)
		t->tv_sec += number("JUMP", 0);
	return 0;
}

int epoll_wait(int fd, struct epoll_event *v, int n, int ms)
{
	long fast = number("FAST", 1);

	return (int)syscall(SYS_epoll_pwait, fd, v, n, ms <= 0 ? ms : (int)((ms + fast - 1) / fast),
			    NULL, 0);
}
