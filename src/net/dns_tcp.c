/*
 * Questions over TCP (RFC 7766). A connection holds the message that is coming in and the answers that have not gone out yet; a client that
 * takes none, or asks much at once, is not read from any more. What does nothing for 5 s is closed: one byte every second is nothing,
 * only whole questions and answers that go out count.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/dns_parts.h"

enum { OUT_FULL = 128 << 10, IN_FIRST = 514, ACCEPT_BATCH = 16, FULL_MS = 100 };

struct dns_conn {
	struct dns_conn *next;
	struct dns *d;
	struct watch w;
	const struct member *member;
	int64_t idle_at; /* when it is closed */
	unsigned waiters;
	bool end; /* the client has sent all it wants to */
	uint8_t *in;
	size_t in_len, in_cap;
	struct str out;
	size_t out_done;
	bool busy; /* its questions are being taken: it is freed later */
	bool dead;
};

static void conn_close(struct dns_conn *c)
{
	struct dns *d = c->d;
	int fd = c->w.fd;

	c->dead = true;
	if (c->busy)
		return;
	dns_upstream_forget(d, NULL, c);
	for (struct dns_conn **p = &d->conns; *p; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			d->nconns--;
			break;
		}
	loop_remove(&d->np->loop, &c->w);
	close(fd);
	free(c->in);
	str_free(&c->out);
	free(c);
}

static size_t out_left(const struct dns_conn *c)
{
	return c->out.len - c->out_done;
}

static void touch(struct dns_conn *c)
{
	c->idle_at = time_mono_ms() + DNS_IDLE_MS;
	dns_due(c->d, c->idle_at);
}

static bool wants_more(const struct dns_conn *c)
{
	return !c->end && c->waiters < DNS_CONN_WAITERS && out_left(c) < OUT_FULL;
}

/* Closes it if nothing is left to do. False: it is gone. */
static bool update(struct dns_conn *c)
{
	if (c->dead || (c->end && !c->waiters && !out_left(c))) {
		conn_close(c);
		return false;
	}
	loop_set(&c->d->np->loop, &c->w,
		 (wants_more(c) ? EPOLLIN : 0) | (out_left(c) ? EPOLLOUT : 0));
	return true;
}

static void flush(struct dns_conn *c)
{
	while (out_left(c)) {
		ssize_t n = send(c->w.fd, c->out.s + c->out_done, out_left(c),
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->dead |= errno != EAGAIN;
			return;
		}
		c->out_done += (size_t)n;
		touch(c);
	}
	str_free(&c->out);
	c->out_done = 0;
}

/* Takes the whole messages that have come, as far as it may ask at once. */
static void take_messages(struct dns_conn *c)
{
	const struct dns_client client = {.member = c->member, .udp = -1, .conn = c};
	size_t done = 0;

	while (c->in_len - done >= 2 && c->waiters < DNS_CONN_WAITERS && out_left(c) < OUT_FULL) {
		const uint8_t *p = c->in + done;
		size_t n = (size_t)(p[0] << 8 | p[1]);
		if (n > DNS_QUESTION_MAX) {
			c->dead = true;
			return;
		}
		if (c->in_len - done - 2 < n)
			break;
		done += 2 + n;
		c->waiters++; /* until dns_tcp_deliver() */
		touch(c);
		if (!dns_take(c->d, &client, p + 2, n))
			c->dead = true;
		if (c->dead)
			return;
	}
	if (!done)
		return;
	memmove(c->in, c->in + done, c->in_len - done);
	c->in_len -= done;
}

void dns_tcp_deliver(struct dns *d, struct dns_conn *c, const uint8_t *msg, size_t n)
{
	const uint8_t len[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	c->waiters--;
	if (c->dead)
		return;
	str_addn(&c->out, len, sizeof len);
	str_addn(&c->out, msg, n);
	flush(c);
	if (c->busy)
		return;
	c->busy = true; /* there is room for one more that may have come already */
	if (!c->dead)
		take_messages(c);
	c->busy = false;
	update(c);
}

static void take_bytes(struct dns_conn *c)
{
	if (c->in_len == c->in_cap) {
		size_t cap = c->in_cap ? DNS_QUESTION_MAX + 2 : IN_FIRST;
		if (c->in_cap == cap) /* full of questions that have to wait */
			return;
		c->in = xrealloc(c->in, cap);
		c->in_cap = cap;
	}
	ssize_t n = recv(c->w.fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
	if (n > 0)
		c->in_len += (size_t)n;
	else if (n == 0)
		c->end = true;
	else if (errno != EAGAIN && errno != EINTR)
		c->dead = true;
}

static void on_conn(struct watch *w, uint32_t events)
{
	struct dns_conn *c = w->arg;

	c->busy = true;
	if (events & (EPOLLERR | EPOLLHUP)) /* both directions are closed */
		c->dead = true;
	if (!c->dead && events & EPOLLOUT)
		flush(c);
	if (!c->dead && events & EPOLLIN && wants_more(c))
		take_bytes(c);
	/* What is whole already may have waited for room. */
	if (!c->dead)
		take_messages(c);
	c->busy = false;
	update(c);
}

/* The one that has done nothing for the longest time makes room: among those of the member, or of all. */
static struct dns_conn *longest_idle(struct dns *d, const struct member *m, size_t *ret_count)
{
	struct dns_conn *found = NULL;
	size_t n = 0;

	for (struct dns_conn *c = d->conns; c; c = c->next) {
		if (m && c->member != m)
			continue;
		n++;
		if (!found || c->idle_at < found->idle_at)
			found = c;
	}
	*ret_count = n;
	return found;
}

static void make_room(struct dns *d, const struct member *m)
{
	size_t n;
	struct dns_conn *c = longest_idle(d, m, &n);

	if (c && n >= DNS_CONNS_MEMBER)
		conn_close(c);
	c = longest_idle(d, NULL, &n);
	if (c && n >= DNS_CONNS)
		conn_close(c);
}

static void add_conn(struct dns *d, int fd, const struct member *m)
{
	struct dns_conn *c = xcalloc(1, sizeof *c);

	c->d = d;
	c->member = m;
	c->w = (struct watch){.fd = -1, .fn = on_conn, .arg = c};
	if (loop_add(&d->np->loop, &c->w, fd, EPOLLIN) < 0) {
		close(fd);
		free(c);
		return;
	}
	c->next = d->conns;
	d->conns = c;
	d->nconns++;
	touch(c);
}

void dns_tcp_accept(struct dns *d, struct watch *listener, int family)
{
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union {
			struct sockaddr sa;
			struct sockaddr_in in;
			struct sockaddr_in6 in6;
		} from;
		socklen_t len = sizeof from;
		struct ip ip = {.family = (uint8_t)family};
		int fd = accept4(listener->fd, &from.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			size_t n;
			struct dns_conn *c = longest_idle(d, NULL, &n);
			if (c) {
				conn_close(c);
				continue;
			}
			loop_set(&d->np->loop, listener, 0); /* the next tick looks again */
			dns_due(d, time_mono_ms() + FULL_MS);
			return;
		}
		if (fd < 0)
			return;
		if (family == 6)
			memcpy(ip.b, &from.in6.sin6_addr, 16);
		else
			memcpy(ip.b, &from.in.sin_addr, 4);
		const struct member *m = netproc_member(d->np, &ip);
		if (!m) {
			close(fd);
			continue;
		}
		make_room(d, m);
		add_conn(d, fd, m);
	}
}

int64_t dns_tcp_tick(struct dns *d, int64_t now)
{
	int64_t next = 0;

	for (size_t i = 1; i < countof(d->listener); i += 2)
		loop_set(&d->np->loop, &d->listener[i], EPOLLIN);
	for (struct dns_conn *c = d->conns, *after; c; c = after) {
		after = c->next;
		if (c->waiters && c->idle_at <= now && !out_left(c))
			c->idle_at = now + DNS_IDLE_MS; /* it waits for us */
		if (c->idle_at <= now) {
			conn_close(c);
			continue;
		}
		if (!next || c->idle_at < next)
			next = c->idle_at;
	}
	return next;
}

void dns_tcp_end(struct dns *d, const struct member *m)
{
	for (struct dns_conn *c = d->conns, *after; c; c = after) {
		after = c->next;
		if (!m || c->member == m)
			conn_close(c);
	}
}
