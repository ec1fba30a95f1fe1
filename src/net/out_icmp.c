#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/out_icmp.h"
#include "net/out_udp_map.h"
#include "net/ping.h"
#include "net/tun.h"

enum {
	FLOWS = 512,
	SWEEP_MS = 2500,
	TRIES = 8,
	ERRORS = 64,
	ROUNDS = 32,
	HEAD = 8,
	ANY_PATH = 1500
};
enum { ECHO4 = 8, REPLY4 = 0, ECHO6 = 128, REPLY6 = 129 };

struct out_icmp {
	struct netproc *np;
	struct udp_map map; /* an echo's id stands for the port */
	struct timer sweep;
};

/* ---- errors */

static uint32_t take_errors(struct udp_flow *f)
{
	struct out_icmp *u = f->watch.arg;
	struct sock_error v;
	uint32_t mtu = 0;

	for (int i = 0; i < ERRORS && sock_error_next(f->watch.fd, &v); i++) {
		if (!v.icmp && v.code == EMSGSIZE)
			mtu = v.mtu;
		struct udp_peer *p = udp_peer_find(f, &v.to, 0);
		if (!p || v.len < HEAD)
			continue;
		/* What is quoted begins with the header of the request. */
		struct packet_to sent = {f->src,	p->shown,
					 f->port,	(uint16_t)(v.data[6] << 8 | v.data[7]),
					 f->header.ttl, f->header.tos};
		v.len -= HEAD;
		memmove(v.data, v.data + HEAD, v.len);
		sock_error_pass(u->np, &v, &sent, true, &p->host);
	}
	return mtu;
}

/* ---- answers */

static bool receive(struct udp_flow *f, uint8_t *buf, size_t room)
{
	struct out_icmp *u = f->watch.arg;
	struct sockaddr_storage from;
	_Alignas(struct cmsghdr) uint8_t control[128];
	struct iovec v = {buf, room};
	struct msghdr m = {.msg_name = &from,
			   .msg_namelen = sizeof from,
			   .msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof control};
	struct packet_to to = {.dst = f->src, .src_port = f->port};
	struct ip ip;
	uint16_t port;

	ssize_t n = recvmsg(f->watch.fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return false;
	sockaddr_read(&from, &ip, &port);
	struct udp_peer *p = udp_peer_find(f, &ip, 0);
	if (!p || n < HEAD || buf[0] != (ip.family == 6 ? REPLY6 : REPLY4) || buf[1])
		return true;
	sock_header_of(&m, &to.ttl, &to.tos);
	to.src = p->shown;
	to.dst_port = (uint16_t)(buf[6] << 8 | buf[7]);
	udp_peer_heard(p, time_mono_ms());
	tun_echo(u->np, &to, buf + HEAD, (size_t)n - HEAD);
	return true;
}

static void on_flow(struct watch *w, uint32_t events)
{
	struct udp_flow *f = (struct udp_flow *)((char *)w - offsetof(struct udp_flow, watch));
	autofree uint8_t *buf = xmalloc(PACKET_MAX);

	if (events & EPOLLERR)
		take_errors(f);
	for (int i = 0; i < ROUNDS && receive(f, buf, PACKET_MAX); i++)
		;
}

/* ---- requests */

static void send_request(struct out_icmp *u, struct udp_flow *f, const struct packet *p)
{
	struct sockaddr_storage to;
	uint8_t head[HEAD] = {p->icmp_type};
	struct iovec v[] = {{head, sizeof head}, {(void *)p->body, p->body_len}};
	struct msghdr m = {.msg_name = &to, .msg_iov = v, .msg_iovlen = countof(v)};

	/* The kernel writes the id and the checksum. */
	head[6] = (uint8_t)(p->echo_seq >> 8);
	head[7] = (uint8_t)p->echo_seq;
	m.msg_namelen = sockaddr_make(&to, &p->to, 0);
	sock_set_header(f->watch.fd, f->src.family, &f->header, p->ttl, p->tos,
			p->df && p->len <= ANY_PATH);
	for (int i = 0; i < TRIES; i++) {
		if (sendmsg(f->watch.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return;
		int code = errno;
		if (code == EAGAIN || code == ENOBUFS || code == ENOMEM)
			return;
		/* It may be what the socket was told about an earlier one. */
		uint32_t mtu = take_errors(f);
		if ((code == EMSGSIZE && mtu) ||
		    (i > 0 && code != EMSGSIZE && code != ECONNREFUSED)) {
			sock_refused(u->np, p, code, mtu);
			return;
		}
	}
}

static int host_socket(struct out_icmp *u, struct udp_flow *f)
{
	autoclose int fd = ping_socket(f->src.family);

	while ((fd == -EMFILE || fd == -ENFILE || fd >= u->np->fd_limit) &&
	       udp_flow_evict(&u->map, f)) {
		fd_close(&fd);
		fd = ping_socket(f->src.family);
	}
	if (fd < 0 || fd >= u->np->fd_limit)
		return fd < 0 ? fd : -EMFILE;
	sock_ask_all(fd, f->src.family);
	f->watch = (struct watch){.fd = -1, .fn = on_flow, .arg = u};
	int r = loop_add(&u->np->loop, &f->watch, fd, EPOLLIN);
	if (r == 0)
		take_fd(fd);
	return r;
}

static void ended(struct udp_flow *f)
{
	struct out_icmp *u = f->watch.arg;
	int fd = f->watch.fd;

	if (fd < 0)
		return;
	loop_remove(&u->np->loop, &f->watch);
	close(fd);
	u->np->loop.settle = true;
}

static void on_sweep(struct timer *t)
{
	struct out_icmp *u = t->arg;

	if (udp_map_sweep(&u->map, time_mono_ms()))
		loop_timer(&u->np->loop, t, SWEEP_MS);
}

void out_icmp_packet(struct netproc *np, const struct packet *p)
{
	struct out_icmp *u = np->icmp;

	if (p->icmp_type != (p->src.family == 6 ? ECHO6 : ECHO4) || p->icmp_code)
		return;
	struct udp_flow *f = udp_flow_find(&u->map, &p->src, p->echo_id);
	if (!f) {
		f = udp_flow_make(&u->map, p->member, &p->src, p->echo_id);
		if (!f)
			return;
		if (host_socket(u, f) < 0) {
			udp_flow_end(
				f); /* silence: no other host may say that this one is not there */
			return;
		}
		if (!u->sweep.at)
			loop_timer(&np->loop, &u->sweep, SWEEP_MS);
	}
	if (udp_peer_sent(f, &p->to, &p->dst, 0, time_mono_ms()))
		send_request(u, f, p);
}

void out_icmp_member_gone(struct netproc *np, struct member *m)
{
	if (np->icmp)
		udp_map_forget(&np->icmp->map, m);
}

int out_icmp_init(struct netproc *np, struct err *e)
{
	struct out_icmp *u = xcalloc(1, sizeof *u);

	u->np = np;
	u->sweep = (struct timer){.fn = on_sweep, .arg = u};
	udp_map_init(&u->map, FLOWS, ended);
	np->icmp = u;
	return 0;
}
