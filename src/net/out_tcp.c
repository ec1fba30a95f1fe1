/*
 * The life of a connection:
 *   out_tcp_packet()	a SYN that nobody knows. A host socket begins to connect, struct pending keeps the SYN.
 *			The same SYN again is nothing new; another one from the same port (the container gave up and tries anew) replaces it.
 *   on_host()		that socket is connected: the SYN is written into the TUN device (`injected`). Or it is not: the container is told.
 *   on_listener()	the container's kernel has finished its handshake with the listener of N. The pair of addresses finds the pending,
 *			which is over: the pump has both sockets.
 * What is on this machine connects while connect(2) runs, and so does the container while its SYN is written: then all three steps are one, and nothing
 * is waited for.
 * Any other segment that comes here belongs to no connection that N knows: the process was started anew, or its owner detached. A RST says so.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "net/out_tcp.h"
#include "net/packet.h"
#include "net/pump.h"
#include "net/sockaddr.h"
#include "net/tun.h"

enum {
	SYN_MAX = 140, /* IPv4 60 or IPv6 40 and some extension headers, TCP 60 */
	BUCKETS = 1024,
	MEMBER_MAX = 2048, /* pending of one member */
	ALL_MAX = 8192,
	YIELD_MS =
		5000, /* a member that has that many gives the oldest up, if it is older than this */
	FORGOTTEN_MS =
		8000, /* its SYN does not come again: whoever means it waits 1, 2, 4, 8 ... s between two */
	INJECTED_MS = 10000, /* the container does not answer any more */
	EVERY_MS = 2000,
	PAUSE_MS = 100, /* no descriptor for what waits at a listener */
};

struct pending {
	struct pending *hash, *next, *prev; /* next, prev: of the member, the oldest first */
	struct netproc *np;
	struct member *m;
	struct conn *c; /* its host side; w[OUTSIDE].arg is this */
	struct ip src, dst;
	uint16_t sport, dport;
	bool injected;
	bool said; /* the host's side has something to read, or its end */
	uint8_t syn_len;
	int64_t since, seen;
	uint8_t syn[SYN_MAX];
};

struct out_tcp {
	struct netproc *np;
	struct watch listen[2];
	struct timer expire, resume;
	struct slab slab;
	uint64_t secret;
	uint16_t ephemeral; /* the host's first */
	struct pending *bucket[BUCKETS];
};

/* ---- pending connections */

static struct pending **bucket_of(struct out_tcp *t, const struct ip *src, uint16_t sport,
				  const struct ip *dst, uint16_t dport)
{
	uint64_t w[4], h = t->secret ^ ((uint64_t)sport << 16 | dport);

	memcpy(w, src->b, 16);
	memcpy(w + 2, dst->b, 16);
	for (size_t i = 0; i < countof(w); i++) {
		h = (h ^ w[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return &t->bucket[h % BUCKETS];
}

static struct pending *find(struct out_tcp *t, const struct ip *src, uint16_t sport,
			    const struct ip *dst, uint16_t dport)
{
	struct pending *q = *bucket_of(t, src, sport, dst, dport);

	while (q && !(q->sport == sport && q->dport == dport && ip_equal(&q->src, src) &&
		      ip_equal(&q->dst, dst)))
		q = q->hash;
	return q;
}

static void link_pending(struct out_tcp *t, struct pending *q)
{
	struct pending **b = bucket_of(t, &q->src, q->sport, &q->dst, q->dport);
	struct member *m = q->m;

	q->hash = *b;
	*b = q;
	q->prev = m->tcp_last;
	*(m->tcp_last ? &m->tcp_last->next : &m->tcp_first) = q;
	m->tcp_last = q;
	m->tcp_pending++;
	if (!t->expire.at)
		loop_timer(&t->np->loop, &t->expire, EVERY_MS);
}

/* Forgets it; its connection lives on. */
static void unlink_pending(struct out_tcp *t, struct pending *q)
{
	struct pending **b = bucket_of(t, &q->src, q->sport, &q->dst, q->dport);
	struct member *m = q->m;

	while (*b != q)
		b = &(*b)->hash;
	*b = q->hash;
	*(q->prev ? &q->prev->next : &m->tcp_first) = q->next;
	*(q->next ? &q->next->prev : &m->tcp_last) = q->prev;
	m->tcp_pending--;
	slab_put(&t->slab, q);
}

static void drop(struct out_tcp *t, struct pending *q)
{
	pump_abort(q->c);
	unlink_pending(t, q);
}

static void expire_one(void *object, void *arg)
{
	struct pending *q = object;
	int64_t now = *(int64_t *)arg;

	if (now - q->seen > (q->injected ? INJECTED_MS : FORGOTTEN_MS + 2 * (q->seen - q->since)))
		drop(q->np->tcp, q);
}

static void on_expire(struct timer *timer)
{
	struct out_tcp *t = timer->arg;
	int64_t now = time_mono_ms();

	slab_each(&t->slab, expire_one, &now);
	if (t->slab.used)
		loop_timer(&t->np->loop, timer, EVERY_MS);
	else
		slab_trim(&t->slab);
}

/* ---- what the container is told */

static void tell(struct netproc *np, const struct packet *p, int error)
{
	enum packet_why why = WHY_HOST;

	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EMFILE:
	case ENFILE:
		tun_refuse(np, p);
		return;
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
		why = WHY_NET;
		break;
	case EACCES: /* a route or a filter of the host that says so */
	case EPERM:
		why = WHY_PROHIBITED;
		break;
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENONET:
		break;
	case EADDRNOTAVAIL: /* no port is left: it will try again; or the host has no address of that family */
		if (p->dst.family == 4)
			return;
		break;
	case EINVAL: /* a black hole among the routes, or fe80:: without a device */
		if (!ip_is_link_local(&p->dst))
			return;
		break;
	default: /* ETIMEDOUT; ENOBUFS and others that pass: it will try again */
		return;
	}
	tun_error(np, why, 0, &p->dst, p);
}

static void tell_pending(struct pending *q, int error)
{
	struct packet p;

	if (packet_parse(q->syn, q->syn_len, &p) == 0)
		tell(q->np, &p, error);
}

/* With data behind it (TCP Fast Open) it is not kept: the container's kernel sends it again without. */
static bool keep_syn(struct pending *q, const struct packet *p)
{
	size_t head = (size_t)(p->body - p->data);

	if (head > SYN_MAX || p->body_len)
		return false;
	memcpy(q->syn, p->data, head);
	q->syn_len = (uint8_t)head;
	return true;
}

static void inject(struct pending *q)
{
	q->injected = true;
	tun_send(q->np, q->syn, q->syn_len);
}

/* ---- the host's side */

/* Connecting to a port of the host's own addresses on which nobody listens, a socket that was given just that port as its own finds itself. */
static bool is_self(const struct out_tcp *t, const struct pending *q, int fd)
{
	struct sockaddr_storage sa, peer;
	socklen_t len = sizeof sa, peer_len = sizeof peer;
	struct ip ip, peer_ip;
	uint16_t port, peer_port;

	if (q->dport < t->ephemeral || getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return false;
	sockaddr_read(&sa, &ip, &port);
	if (port != q->dport || getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
		return false;
	sockaddr_read(&peer, &peer_ip, &peer_port);
	return peer_port == port && ip_equal(&ip, &peer_ip);
}

static void accept_one(struct out_tcp *t, struct watch *w);

/* Its host side is connected: the container may be. */
static void connected(struct out_tcp *t, struct pending *q)
{
	struct watch *listener = &t->listen[q->dst.family == 6];

	q->seen = time_mono_ms();
	inject(q);
	accept_one(t, listener);
}

static void on_host(struct watch *w, uint32_t events)
{
	struct pending *q = w->arg;
	struct out_tcp *t = q->np->tcp;
	int error = 0;
	socklen_t len = sizeof error;

	if (events & ~(uint32_t)EPOLLOUT)
		q->said = true;
	if (q->injected) /* what comes now waits for the pump */
		return;
	if (events & (EPOLLERR | EPOLLHUP)) {
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || !error)
			error = ECONNREFUSED;
	} else if (!(events & EPOLLOUT)) {
		return;
	} else if (is_self(t, q, w->fd)) {
		error = ECONNREFUSED;
	}
	if (error) {
		tell_pending(q, error);
		drop(t, q);
		return;
	}
	connected(t, q);
}

/* A socket that connects, or is connected, or -errno. */
static int begin(struct netproc *np, const struct member *m, const struct ip *to, uint16_t port,
		 bool *ret_done)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_make(&sa, to, port);
	int one = 1;
	autoclose int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* Each that is pending will need another. */
	if (!netproc_may_keep(np, m, fd, np->tcp->slab.used))
		return -EMFILE;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	*ret_done = connect(fd, (struct sockaddr *)&sa, len) == 0;
	/* The answer of somebody on this machine comes while connect(2) runs, but is taken when it returns: asked again, it knows. */
	if (!*ret_done && errno == EINPROGRESS)
		*ret_done = connect(fd, (struct sockaddr *)&sa, len) == 0;
	return *ret_done || errno == EALREADY || errno == EINPROGRESS ? take_fd(fd) : -errno;
}

/* Is there room for one more of this member? */
static bool room(struct out_tcp *t, struct member *m, int64_t now)
{
	struct pending *oldest = m->tcp_first;

	if (m->tcp_pending >= MEMBER_MAX && now - oldest->since > YIELD_MS)
		drop(t, oldest);
	return m->tcp_pending < MEMBER_MAX && t->slab.used < ALL_MAX;
}

static void fresh_syn(struct netproc *np, const struct packet *p)
{
	struct out_tcp *t = np->tcp;
	struct pending syn = {.np = np,
			      .m = p->member,
			      .src = p->src,
			      .dst = p->dst,
			      .sport = p->src_port,
			      .dport = p->dst_port};

	syn.since = syn.seen = time_mono_ms();
	if (!keep_syn(&syn, p) || !room(t, p->member, syn.since))
		return;
	bool done;
	int fd = begin(np, p->member, &p->to, p->dst_port, &done);
	if (fd < 0) {
		tell(np, p, -fd);
		return;
	}
	struct pending *q = slab_get(&t->slab);
	struct conn *c = q ? pump_new(np->pump, &p->member->flows) : NULL;
	if (!c) {
		close(fd);
		if (q)
			slab_put(&t->slab, q);
		return;
	}
	*q = syn;
	q->c = c;
	link_pending(t, q);
	if (done) {
		pump_hold(c, OUTSIDE, fd);
		if (is_self(t, q, fd)) {
			tell(np, p, ECONNREFUSED);
			drop(t, q);
			return;
		}
		connected(t, q);
		return;
	}
	c->w[OUTSIDE].fn = on_host;
	c->w[OUTSIDE].arg = q;
	if (pump_add(c, OUTSIDE, fd) < 0)
		drop(t, q);
}

void out_tcp_packet(struct netproc *np, const struct packet *p)
{
	struct out_tcp *t = np->tcp;

	if ((p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) != TCP_SYN) {
		if (!(p->tcp_flags & TCP_RST))
			tun_refuse(np, p);
		return;
	}
	struct pending *q = find(t, &p->src, p->src_port, &p->dst, p->dst_port);
	if (!q) {
		fresh_syn(np, p);
		return;
	}
	/* Once more: it got lost, or waits; or the container gave up and begins anew. */
	q->seen = time_mono_ms();
	if (keep_syn(q, p) && q->injected)
		inject(q);
}

/* ---- the container's side */

static void pair(struct out_tcp *t, int fd, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	struct ip src, dst;
	uint16_t sport, dport;

	sockaddr_read(peer, &src, &sport);
	if (fd >= t->np->fd_limit || getsockname(fd, (struct sockaddr *)&own, &len) < 0) {
		pump_reset(fd);
		return;
	}
	sockaddr_read(&own, &dst, &dport);
	struct pending *q = find(t, &src, sport, &dst, dport);
	if (!q || !q->injected) {
		pump_reset(fd);
		return;
	}
	struct conn *c = q->c;
	uint8_t ready = q->said ? 1 << OUTSIDE : 0;
	unlink_pending(t, q);
	pump_hold(c, INSIDE, fd);
	pump_start(c, ready);
}

static void accept_one(struct out_tcp *t, struct watch *w)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	int fd = accept4(w->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		pair(t, fd, &peer);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* It would be reported again at once. */
		loop_set(&t->np->loop, w, 0);
		loop_timer(&t->np->loop, &t->resume, PAUSE_MS);
	}
}

static void on_listener(struct watch *w, uint32_t events)
{
	accept_one(w->arg, w);
}

static void on_resume(struct timer *timer)
{
	struct out_tcp *t = timer->arg;

	for (size_t i = 0; i < countof(t->listen); i++)
		loop_set(&t->np->loop, &t->listen[i], EPOLLIN);
}

/* ---- beginning and end */

/* The first port that the host gives to sockets that ask for none. */
static uint16_t first_ephemeral(void)
{
	char buf[32] = "";
	uint64_t n;
	autoclose int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, sizeof buf - 1) <= 0)
		return 1;
	buf[strcspn(buf, " \t\n")] = 0;
	return parse_u64(buf, UINT16_MAX, &n) < 0 ? 1 : (uint16_t)n;
}

int out_tcp_init(struct netproc *np, struct err *e)
{
	const int fds[] = {np->fds.listen4, np->fds.listen6};
	struct out_tcp *t = xcalloc(1, sizeof *t);
	int one = 1;

	*t = (struct out_tcp){.np = np, .slab = SLAB_FOR(struct pending), .secret = rand_u64()};
	t->ephemeral = first_ephemeral();
	t->expire = (struct timer){.fn = on_expire, .arg = t};
	t->resume = (struct timer){.fn = on_resume, .arg = t};
	np->tcp = t;
	for (size_t i = 0; i < countof(fds); i++) {
		t->listen[i] = (struct watch){.fd = -1, .fn = on_listener, .arg = t};
		if (fds[i] < 0)
			continue;
		/* What it accepts inherits this. */
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		int r = loop_add(&np->loop, &t->listen[i], fds[i], EPOLLIN);
		if (r < 0)
			return err_set(e, r, "watch the network's listener");
	}
	return 0;
}

void out_tcp_member_gone(struct netproc *np, struct member *m)
{
	while (np->tcp && m->tcp_first)
		drop(np->tcp, m->tcp_first);
	pump_end(np->pump, &m->flows);
}
