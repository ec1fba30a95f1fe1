#include <sys/epoll.h>

#include "base/base.h"
#include "base/loop.h"

int64_t time_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int loop_init(struct loop *l)
{
	*l = (struct loop){.epfd = epoll_create1(EPOLL_CLOEXEC)};
	return l->epfd < 0 ? -errno : 0;
}

void loop_free(struct loop *l)
{
	fd_close(&l->epfd);
}

int loop_add(struct loop *l, struct watch *w, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	w->fd = fd;
	w->events = events;
	return 0;
}

int loop_set(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (w->fd < 0 || w->events == events)
		return 0;
	w->events = events;
	return epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev) < 0 ? -errno : 0;
}

void loop_remove(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	loop_forget(l, w);
}

void loop_forget(struct loop *l, struct watch *w)
{
	w->fd = -1;
	for (int i = 0; i < l->nready; i++)
		if (l->ready[i] == w)
			l->ready[i] = NULL;
}

void loop_timer(struct loop *l, struct timer *t, int64_t ms)
{
	t->at = ms < 0 ? 0 : time_mono_ms() + ms;
	if (!t->linked && t->at) {
		t->linked = true;
		t->next = l->timers;
		l->timers = t;
	}
}

/* Milliseconds until the next timer, -1 if none is armed. Unlinks disarmed ones. */
__attribute__((hot)) static int next_timeout(struct loop *l)
{
	int64_t first = 0, now = time_mono_ms();

	for (struct timer **p = &l->timers; *p;) {
		struct timer *t = *p;
		if (!t->at) {
			*p = t->next;
			t->linked = false;
			continue;
		}
		if (!first || t->at < first)
			first = t->at;
		p = &t->next;
	}
	if (!first)
		return -1;
	return first <= now ? 0 : first - now > INT_MAX ? INT_MAX : (int)(first - now);
}

__attribute__((hot)) static void fire_timers(struct loop *l)
{
	int64_t now = time_mono_ms();

	for (struct timer *t = l->timers; t; t = t->next) {
		if (!t->at || t->at > now)
			continue;
		t->at = 0;
		t->fn(t);
	}
}

int loop_run(struct loop *l)
{
	struct epoll_event ev[countof(l->ready)];

	while (!l->stop) {
		int timeout = next_timeout(l);
		bool idle = l->settle && (timeout < 0 || timeout > 1000);
		int n = epoll_wait(l->epfd, ev, countof(ev), idle ? 1000 : timeout);
		if (n == 0 && idle) {
			l->settle = false;
			mem_settle();
		}
		if (n < 0 && errno != EINTR)
			return -errno;
		l->nready = n < 0 ? 0 : n;
		for (int i = 0; i < l->nready; i++)
			l->ready[i] = ev[i].data.ptr;
		for (int i = 0; i < l->nready && !l->stop; i++)
			if (l->ready[i])
				l->ready[i]->fn(l->ready[i], ev[i].events);
		l->nready = 0;
		if (!l->stop)
			fire_timers(l);
	}
	return 0;
}
