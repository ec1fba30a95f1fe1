/*
 * How a question goes:
 *   on_udp, dns_tcp.c     a message comes; who sent it is the member with that source address
 *   dns_take              what is no question is dropped or answered with an error; names of the network are answered (dns_names.c)
 *   dns_upstream_ask      anything else becomes a waiter of a query; the same bytes asked again join it
 *   dns_upstream.c        servers are asked, one after the other; the first answer that fits wins
 *   dns_deliver           it goes to each waiter with the waiter's id, cut to what fits over UDP
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/dns_names.h"
#include "net/dns_parts.h"

enum { UDP_BATCH = 32 };

const char *const dns_read_paths[] = {"/etc",
				      "/run/systemd/resolve",
				      "/run/NetworkManager",
				      "/run/resolvconf",
				      "/run/connman",
				      "/run/netconfig",
				      "/var/run/netconfig",
				      "/usr/lib/systemd",
				      "/mnt/wsl",
				      NULL};

/* ---- answers */

void dns_deliver(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		 uint16_t id, uint8_t *msg, size_t n)
{
	dns_set_id(msg, id);
	if (c->conn) {
		dns_tcp_deliver(d, c->conn, msg, n);
		return;
	}
	n = dns_cut(msg, n, q, q->udp_size);
	socklen_t len = c->from.sa.sa_family == AF_INET6 ? sizeof c->from.in6 : sizeof c->from.in;
	sendto(c->udp, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL, &c->from.sa, len);
}

static size_t limit_of(const struct dns_client *c, const struct dns_question *q)
{
	return c->conn ? DNS_MSG_MAX : q->udp_size;
}

void dns_answer_error(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		      const uint8_t *msg, unsigned rcode, enum dns_ede code, const char *why)
{
	uint8_t buf[DNS_UDP_SIZE];
	struct dns_reply r;

	dns_reply_start(&r, q, msg, buf, sizeof buf, rcode);
	dns_deliver(d, c, q, q->id, buf, dns_reply_end(&r, code, why));
}

static void answer_own(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		       const uint8_t *msg, const struct dns_found *found)
{
	struct dns_reply r;

	dns_reply_start(&r, q, msg, d->out, limit_of(c, q), DNS_OK);
	for (size_t i = 0; i < found->n; i++)
		dns_reply_address(&r, &found->v[i], DNS_TTL);
	if (found->ptr && (q->type == DNS_PTR || q->type == DNS_ANY))
		dns_reply_name(&r, found->ptr, DNS_TTL);
	dns_deliver(d, c, q, q->id, d->out, dns_reply_end(&r, DNS_EDE_OTHER, NULL));
}

bool dns_take(struct dns *d, const struct dns_client *c, const uint8_t *msg, size_t n)
{
	struct dns_question q;
	struct dns_found found;
	int r = dns_question_parse(msg, n, &q);

	if (r < 0)
		return false;
	if (r > 0) {
		dns_answer_error(d, c, &q, msg, (unsigned)r, DNS_EDE_OTHER, NULL);
		return true;
	}
	switch (dns_names_find(d->np, c->member, &q, d->turn++, &found)) {
	case DNS_OWN_ANSWER:
		answer_own(d, c, &q, msg, &found);
		break;
	case DNS_OWN_NONE:
		dns_answer_error(d, c, &q, msg, DNS_NXDOMAIN, DNS_EDE_OTHER, NULL);
		break;
	case DNS_OWN_INTERNAL:
		dns_answer_error(d, c, &q, msg, DNS_NXDOMAIN, DNS_EDE_BLOCKED,
				 "hoy: this network is internal, nobody outside is asked");
		break;
	case DNS_OWN_NEXT:
		dns_answer_error(d, c, &q, msg, DNS_REFUSED, DNS_EDE_OTHER,
				 "hoy: the next server of resolv.conf may know it");
		break;
	case DNS_OWN_FORWARD:
		dns_upstream_ask(d, c, &q, msg, n);
		break;
	}
	return true;
}

/* ---- questions over UDP */

static void on_udp(struct watch *w, uint32_t events)
{
	struct dns *d = w->arg;

	for (int i = 0; i < UDP_BATCH; i++) {
		struct dns_client c = {.udp = w->fd};
		socklen_t len = sizeof c.from;
		struct ip ip = {0};
		ssize_t n = recvfrom(w->fd, d->in, sizeof d->in, MSG_DONTWAIT | MSG_TRUNC,
				     &c.from.sa, &len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (c.from.sa.sa_family == AF_INET) {
			ip.family = 4;
			memcpy(ip.b, &c.from.in.sin_addr, 4);
		} else {
			ip.family = 6;
			memcpy(ip.b, &c.from.in6.sin6_addr, 16);
		}
		c.member = netproc_member(d->np, &ip);
		if (c.member && n <= DNS_QUESTION_MAX)
			dns_take(d, &c, d->in, (size_t)n);
	}
}

static void on_tcp(struct watch *w, uint32_t events)
{
	struct dns *d = w->arg;

	dns_tcp_accept(d, w, w == &d->listener[3] ? 6 : 4);
}

/* ---- time, beginning and end */

void dns_due(struct dns *d, int64_t at)
{
	if (d->timer.at && d->timer.at <= at)
		return;
	int64_t ms = at - time_mono_ms();
	loop_timer(&d->np->loop, &d->timer, ms > 0 ? ms : 1);
}

static void on_timer(struct timer *t)
{
	struct dns *d = t->arg;
	int64_t now = time_mono_ms();
	int64_t a = dns_upstream_tick(d, now), b = dns_tcp_tick(d, now);

	if (a)
		dns_due(d, a);
	if (b)
		dns_due(d, b);
	if (!a && !b)
		d->np->loop.settle = true; /* what a burst took is given back */
}

int dns_start(struct netproc *np, const struct dns_sockets *s, struct err *e)
{
	const int fd[] = {s->udp4, s->tcp4, s->udp6, s->tcp6};
	struct dns *d = xcalloc(1, sizeof *d);

	d->np = np;
	d->timer = (struct timer){.fn = on_timer, .arg = d};
	np->dns = d;
	for (size_t i = 0; i < countof(fd); i++) {
		d->listener[i] = (struct watch){.fd = -1, .fn = i % 2 ? on_tcp : on_udp, .arg = d};
		int r = fd[i] < 0 ? 0 : loop_add(&np->loop, &d->listener[i], fd[i], EPOLLIN);
		if (r < 0)
			return err_set(e, r, "watch the name server's sockets");
	}
	return 0;
}

void dns_member_gone(struct netproc *np, const struct member *m)
{
	if (!np->dns)
		return;
	dns_upstream_forget(np->dns, m, NULL);
	dns_tcp_end(np->dns, m);
}
