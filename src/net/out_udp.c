#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/dgram.h"
#include "net/out_udp.h"
#include "net/out_udp_map.h"
#include "net/tun.h"

/* How it works. Packets of one flow that follow each other are gathered, and sent by one sendmmsg(2) when another flow's comes or the batch of the TUN device
 * ends. Those to one peer of one length that follow each other become one message with UDP_SEGMENT, a train: one way through the
 * kernel for up to 64 of them. The same on the way back: UDP_GRO gives trains, and what recvmmsg(2) gives from one peer becomes one for
 * the TUN device (tun_udp). Where the kernel refuses a train, its datagrams go one by one. */

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	MESSAGES = 128,
	TRAIN_SEGMENT = 1452, /* longer ones seldom fit a path's MTU, and come seldom */
	ANY_PATH = 1500,
	ROUNDS = 4,
	SWEEP_MS = 2500,
	ERRORS = 64, /* taken at once */
	TRIES = 8,
};

/* A message to be sent: one datagram, or a train of v[first] .. v[first + n - 1]. */
struct message {
	struct sockaddr_storage to;
	socklen_t to_len;
	const uint8_t *data; /* of the first one: the packet */
	size_t packet_len;
	size_t first, n, bytes, segment;
	bool closed; /* a shorter one ends a train */
};

struct out_udp {
	struct netproc *np;
	struct udp_map map;
	struct timer sweep;
	struct udp_flow *flow;	   /* whose messages are pending */
	struct sock_header header; /* and how they are to be sent */
	struct message v[MESSAGES];
	struct iovec iov[MESSAGES];
	size_t n, niov;
};

/* ---- errors */

/* Passes on what the socket was told. Returns the MTU of what was too big for the host itself, or 0. */
static uint32_t take_errors(struct udp_flow *f)
{
	struct out_udp *u = f->watch.arg;
	struct sock_error v;
	uint32_t mtu = 0;

	for (int i = 0; i < ERRORS && sock_error_next(f->watch.fd, &v); i++) {
		if (!v.icmp && v.code == EMSGSIZE)
			mtu = v.mtu;
		struct udp_peer *p = udp_peer_find(f, &v.to, v.port);
		if (!p)
			continue;
		struct packet_to sent = {f->src,  p->shown,	 f->port,
					 p->port, f->header.ttl, f->header.tos};
		sock_error_pass(u->np, &v, &sent, false, &p->host);
	}
	return mtu;
}

static void refused(struct out_udp *u, const struct message *w, int code, uint32_t mtu)
{
	struct packet p;

	/* It has been read, so it can be taken apart again. */
	if (packet_parse(w->data, w->packet_len, &p) == 0)
		sock_refused(u->np, &p, code, mtu);
}

/* ---- sending */

/* Sends one datagram, whatever its length. Errors that the socket was told about earlier ones come first: they are no answer to this one. */
static void send_alone(struct out_udp *u, struct udp_flow *f, const struct message *w,
		       const struct iovec *v)
{
	for (int i = 0; i < TRIES; i++) {
		if (sendto(f->watch.fd, v->iov_base, v->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL,
			   (const struct sockaddr *)&w->to, w->to_len) >= 0)
			return;
		int code = errno;
		if (code == EAGAIN || code == ENOBUFS || code == ENOMEM)
			return; /* lost, as on a wire that is too thin */
		uint32_t mtu = take_errors(f);
		if (code == EMSGSIZE && mtu) {
			refused(u, w, code, mtu);
			return;
		}
		if (i > 0 && code != EMSGSIZE && code != ECONNREFUSED) {
			refused(u, w, code, 0);
			return;
		}
	}
}

/* The first message that was refused: its datagrams one by one. */
static void send_singly(struct out_udp *u, struct udp_flow *f, const struct message *w)
{
	if (w->n > 1 || w->segment) {
		f->no_train =
			f->no_train || errno == EIO || errno == EINVAL || errno == ENOPROTOOPT;
	}
	for (size_t i = 0; i < w->n; i++) {
		const struct iovec *v = &u->iov[w->first + i];
		size_t step = w->segment && w->n == 1 ? w->segment : v->iov_len;
		size_t at = 0;
		do {
			struct iovec one = {(uint8_t *)v->iov_base + at,
					    v->iov_len - at < step ? v->iov_len - at : step};
			send_alone(u, f, w, &one);
			at += step;
		} while (at < v->iov_len);
	}
}

static void fill(const struct out_udp *u, struct mmsghdr *m, struct message *w, uint8_t *control)
{
	struct msghdr *h = &m->msg_hdr;

	*h = (struct msghdr){.msg_name = &w->to,
			     .msg_namelen = w->to_len,
			     .msg_iov = (struct iovec *)&u->iov[w->first],
			     .msg_iovlen = w->n};
	if (!w->segment)
		return;
	h->msg_control = control;
	h->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
	uint16_t v = (uint16_t)w->segment;
	memcpy(CMSG_DATA(c), &v, sizeof v);
}

void out_udp_flush(struct netproc *np)
{
	struct out_udp *u = np->udp;
	struct udp_flow *f = u ? u->flow : NULL;
	struct mmsghdr m[MESSAGES];
	_Alignas(struct cmsghdr) uint8_t control[MESSAGES][CMSG_SPACE(sizeof(uint16_t))];

	if (!f || !u->n)
		return;
	sock_set_header(f->watch.fd, f->src.family, &f->header, u->header.ttl, u->header.tos,
			u->header.df);
	for (size_t i = 0; i < u->n; i++) {
		if (u->v[i].n == 1 && u->v[i].bytes <= u->v[i].segment)
			u->v[i].segment = 0;
		fill(u, &m[i], &u->v[i], control[i]);
	}
	for (size_t at = 0; at < u->n;) {
		int r = sendmmsg(f->watch.fd, m + at, (unsigned)(u->n - at),
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (r > 0) {
			at += (size_t)r;
			continue;
		}
		if (errno != EAGAIN && errno != ENOBUFS)
			send_singly(u, f, &u->v[at]);
		at++;
	}
	u->flow = NULL;
	u->n = u->niov = 0;
}

/* Can the packet join the last message as the next datagram of a train? */
static bool joins(const struct out_udp *u, const struct packet *p,
		  const struct sockaddr_storage *to, socklen_t to_len)
{
	const struct message *w = u->n ? &u->v[u->n - 1] : NULL;

	return w && !p->segment && !u->flow->no_train && !w->closed && w->n < TRAIN_MAX &&
	       w->bytes + p->body_len <= TRAIN_BYTES && w->segment <= TRAIN_SEGMENT &&
	       p->body_len <= w->segment && p->body_len && w->to_len == to_len &&
	       !memcmp(&w->to, to, to_len);
}

static void gather(struct out_udp *u, struct udp_flow *f, const struct packet *p)
{
	struct sockaddr_storage to;
	size_t wire = (p->segment ? p->segment : p->body_len) + (size_t)(p->body - p->data);
	struct sock_header h = {p->ttl, p->tos, p->df && wire <= ANY_PATH, true};
	socklen_t to_len = sockaddr_make(&to, &p->to, p->dst_port);

	if (u->flow &&
	    (u->flow != f || u->niov == MESSAGES || memcmp(&h, &u->header, sizeof h) != 0))
		out_udp_flush(u->np);
	u->flow = f;
	u->header = h;
	struct iovec *v = &u->iov[u->niov++];
	*v = (struct iovec){(void *)p->body, p->body_len};
	if (joins(u, p, &to, to_len)) {
		struct message *w = &u->v[u->n - 1];
		w->n++;
		w->bytes += p->body_len;
		w->closed = p->body_len < w->segment;
		return;
	}
	u->v[u->n++] = (struct message){.to = to,
					.to_len = to_len,
					.data = p->data,
					.packet_len = p->len,
					.first = u->niov - 1,
					.n = 1,
					.bytes = p->body_len,
					.segment = p->segment ? p->segment : p->body_len,
					.closed = p->segment != 0};
}

/* ---- receiving */

/* Whom a message of recvmmsg() is from and how long its pieces are; NULL: a stranger. */
static struct udp_peer *sender(struct udp_flow *f, const struct mmsghdr *m, struct packet_to *to,
			       size_t *segment)
{
	struct ip from;
	uint16_t port;

	sockaddr_read(m->msg_hdr.msg_name, &from, &port);
	struct udp_peer *p = udp_peer_find(f, &from, port);
	if (!p)
		return NULL;
	*to = (struct packet_to){
		.src = p->shown, .dst = f->src, .src_port = port, .dst_port = f->port};
	sock_header_of(&m->msg_hdr, &to->ttl, &to->tos);
	*segment = dgram_segment(&m->msg_hdr);
	return p;
}

/* One batch; returns how many messages came. */
static int receive(struct out_udp *u, struct udp_flow *f, int64_t now)
{
	struct dgram_in *in;
	struct train t = {.n = 0};
	struct packet_to of = {0}; /* the train's */
	int n = dgram_receive(f->watch.fd, &in);

	for (int i = 0; i < n; i++) {
		struct packet_to to = {0};
		size_t len = in->m[i].msg_len, segment, at = 0;
		struct udp_peer *p = sender(f, &in->m[i], &to, &segment);
		if (!p || in->m[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		udp_peer_heard(p, now);
		do {
			size_t step = segment && segment < len - at ? segment : len - at;
			uint8_t *body = (uint8_t *)in->v[i].iov_base + at;
			if (memcmp(&to, &of, sizeof to) != 0 || !train_add(&t, body, step)) {
				tun_udp(u->np, &of, t.v, t.n);
				train_clear(&t);
				train_add(&t, body, step);
				of = to;
			}
			at += step;
		} while (at < len);
	}
	tun_udp(u->np, &of, t.v, t.n);
	return n;
}

static void on_flow(struct watch *w, uint32_t events)
{
	struct udp_flow *f = (struct udp_flow *)((char *)w - offsetof(struct udp_flow, watch));
	struct out_udp *u = w->arg;
	int64_t now = time_mono_ms();

	if (events & EPOLLERR)
		take_errors(f);
	for (int i = 0; i < ROUNDS; i++)
		if (receive(u, f, now) < DGRAM_BATCH)
			break;
}

/* ---- flows */

static void ended(struct udp_flow *f)
{
	struct out_udp *u = f->watch.arg;
	int fd = f->watch.fd;

	if (fd < 0)
		return;
	if (u->flow == f) {
		u->flow = NULL;
		u->n = u->niov = 0;
	}
	loop_remove(&u->np->loop, &f->watch);
	close(fd);
	u->np->loop.settle = true;
}

static int host_socket(struct out_udp *u, struct udp_flow *f)
{
	static const int one = 1;
	bool six = f->src.family == 6;
	int kind = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	autoclose int fd = socket(six ? AF_INET6 : AF_INET, kind, 0);

	if (fd < 0 && errno != EMFILE && errno != ENFILE)
		return -errno;
	/* The oldest makes room; its own socket is the one that is lowest then. */
	while ((fd < 0 || fd >= u->np->fd_limit) && udp_flow_evict(&u->map, f)) {
		fd_close(&fd);
		fd = socket(six ? AF_INET6 : AF_INET, kind, 0);
	}
	if (fd < 0 || fd >= u->np->fd_limit)
		return -EMFILE;
	if (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
		return -errno;
	dgram_prepare(fd);
	sock_ask_all(fd, f->src.family);
	f->watch = (struct watch){.fd = -1, .fn = on_flow, .arg = u};
	int r = loop_add(&u->np->loop, &f->watch, fd, EPOLLIN);
	if (r < 0)
		return r;
	take_fd(fd);
	return 0;
}

static void on_sweep(struct timer *t)
{
	struct out_udp *u = t->arg;

	if (udp_map_sweep(&u->map, time_mono_ms()))
		loop_timer(&u->np->loop, t, SWEEP_MS);
	dgram_settle();
}

void out_udp_packet(struct netproc *np, const struct packet *p)
{
	struct out_udp *u = np->udp;
	struct udp_flow *f = udp_flow_find(&u->map, &p->src, p->src_port);

	if (!f) {
		f = udp_flow_make(&u->map, p->member, &p->src, p->src_port);
		if (!f)
			return;
		if (host_socket(u, f) < 0) {
			udp_flow_end(f);
			tun_error(np, WHY_HOST, 0, NULL, p);
			return;
		}
		if (!u->sweep.at)
			loop_timer(&np->loop, &u->sweep, SWEEP_MS);
	}
	if (udp_peer_sent(f, &p->to, &p->dst, p->dst_port, time_mono_ms()))
		gather(u, f, p);
}

void out_udp_member_gone(struct netproc *np, struct member *m)
{
	if (np->udp)
		udp_map_forget(&np->udp->map, m);
}

int out_udp_init(struct netproc *np, struct err *e)
{
	struct out_udp *u = xcalloc(1, sizeof *u);
	u->np = np;
	u->sweep = (struct timer){.fn = on_sweep, .arg = u};
	udp_map_init(&u->map, (size_t)(np->fd_limit > 2 ? np->fd_limit / 2 : 1), ended);
	np->udp = u;
	return 0;
}
