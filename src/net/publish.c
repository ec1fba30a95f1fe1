#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/bind.h"
#include "net/pub_udp.h"
#include "net/publish.h"
#include "net/pump.h"
#include "net/sockaddr.h"
#include "net/sockpool.h"

enum { RANDOM_TRIES = 64, PAUSE_MS = 100 };

/* ---- clients */

/* A socket of N that connects to the container as this client, or -errno. with_port false: any port. */
static int inner(const struct listener *l, const struct ip *client, uint16_t port)
{
	struct sockaddr_storage from, to;
	struct ip to_ip, from_ip;

	listener_source(l->m, client, &to_ip, &from_ip);
	socklen_t len = sockaddr_make(&to, &to_ip, l->container_port);
	autoclose int fd = sockpool_take(l->m->np->pool, to_ip.family == 6 ? POOL_TCP6 : POOL_TCP4);
	if (fd < 0)
		return fd;
	sockaddr_make(&from, &from_ip, port);
	if (bind(fd, (struct sockaddr *)&from, len) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return take_fd(fd);
}

static void on_inner(struct watch *w, uint32_t events)
{
	struct conn *c = w->arg;

	if (events &
	    (EPOLLERR |
	     EPOLLHUP)) /* nobody listens there, or it is not reached: the client hears a reset */
		pump_abort(c);
	else if (events & EPOLLOUT)
		pump_start(c, 1 << INSIDE | 1 << OUTSIDE);
}

/* The client says something before it is connected: that waits in the kernel. Or it is gone. */
static void on_waiting(struct watch *w, uint32_t events)
{
	if (events & EPOLLERR)
		pump_abort(w->arg);
}

static void welcome(struct listener *l, int fd, const struct sockaddr_storage *sa)
{
	struct netproc *np = l->m->np;
	struct conn *c =
		netproc_may_keep(np, l->m, fd, 1) ? pump_new(np->pump, &l->m->flows) : NULL;
	struct ip client;
	uint16_t port;
	int one = 1;

	if (!c) {
		pump_reset(fd);
		return;
	}
	c->w[OUTSIDE].fn = on_waiting;
	c->w[INSIDE].fn = on_inner;
	c->w[OUTSIDE].arg = c->w[INSIDE].arg = c;
	sockaddr_read(sa, &client, &port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int r = pump_add(c, OUTSIDE, fd);
	if (r == 0)
		r = inner(l, &client, port);
	/* The same client port, to another published port of this container port, or seen as the gateway's. */
	if (r == -EADDRINUSE || r == -EADDRNOTAVAIL)
		r = inner(l, &client, 0);
	if (r < 0 || pump_add(c, INSIDE, r) < 0)
		pump_abort(c);
}

/* No descriptor was left for a client: all listeners that waited go on. */
static void on_resume(struct timer *t)
{
	struct netproc *np = t->arg;

	for (struct member *m = np->members; m; m = m->next)
		for (struct listener *l = m->ports; l; l = l->next)
			if (!l->udp)
				loop_set(&np->loop, &l->w, EPOLLIN);
}

static struct timer resume = {.fn = on_resume};

static void on_client(struct watch *w, uint32_t events)
{
	struct listener *l = w->arg;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int fd = accept4(w->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		welcome(l, fd, &sa);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* It would be reported again at once. */
		loop_set(&l->m->np->loop, w, 0);
		resume.arg = l->m->np;
		loop_timer(&l->m->np->loop, &resume, PAUSE_MS);
	}
}

/* ---- listeners */

static void close_listener(struct listener *l)
{
	int fd = l->w.fd;

	if (l->udp)
		pub_udp_close(l);
	else
		loop_remove(&l->m->np->loop, &l->w);
	if (fd >= 0)
		close(fd);
	free(l);
}

/* Gives back those in front of `until`, the newest. */
static void close_until(struct member *m, struct listener *until)
{
	while (m->ports != until) {
		struct listener *l = m->ports;
		m->ports = l->next;
		close_listener(l);
	}
}

static int watch_listener(struct listener *l, int fd, struct err *e)
{
	int r;

	if (l->udp) {
		l->w.fd = fd;
		return pub_udp_open(l, e);
	}
	r = loop_add(&l->m->np->loop, &l->w, fd, EPOLLIN);
	if (r < 0)
		close(fd);
	return r < 0 ? err_set(e, r, "watch a published port") : 0;
}

static int add_listener(struct member *m, const struct port *p, const struct ip *ip, uint16_t port,
			uint16_t container_port, uint16_t *ret_port, struct err *e)
{
	bool udp = str_eq(p->protocol, "udp");
	int fd = port ? bound_ports_take(&m->bound, ip, port, udp) : -1;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct ip own;

	if (fd < 0)
		fd = bind_port(ip, port, udp);
	if (fd < 0)
		return bind_error(p, ip, port, -fd, e);
	if (fd >= m->np->fd_limit) {
		close(fd);
		return bind_error(p, ip, port, EMFILE, e);
	}
	getsockname(fd, (struct sockaddr *)&sa, &len);
	sockaddr_read(&sa, &own, ret_port);
	struct listener *l = xcalloc(1, sizeof *l);
	*l = (struct listener){.next = m->ports,
			       .w = {.fd = -1, .fn = on_client, .arg = l},
			       .m = m,
			       .ip = *ip,
			       .port = *ret_port,
			       .container_port = container_port,
			       .udp = udp};
	m->ports = l;
	return watch_listener(l, fd, e);
}

/* One port of the row on all its addresses. *port 0: the kernel picks, for the first address. */
static int open_one(struct member *m, const struct port *p, const struct ip *ips, size_t n,
		    uint16_t *port, uint16_t container_port, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int r = add_listener(m, p, &ips[i], *port, container_port, port, e);
		/* No IPv6 here is no error where nobody asked for it. */
		if (r < 0 &&
		    !(n > 1 && ips[i].family == 6 && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)))
			return r;
	}
	return 0;
}

/* A free one of several ports, which it is from here on. */
static int open_choice(struct member *m, struct port *p, const struct ip *ips, size_t n,
		       struct err *e)
{
	struct listener *before = m->ports;
	int r = -EADDRINUSE;

	for (int64_t i = 0; i < p->choice && r == -EADDRINUSE; i++) {
		uint16_t port = (uint16_t)(p->host_port + i);
		*e = (struct err){.exit = EXIT_ENGINE};
		r = open_one(m, p, ips, n, &port, (uint16_t)p->container_port, e);
		if (r == 0)
			p->host_port = port;
		else
			close_until(m, before);
	}
	if (r == 0)
		p->choice = 0;
	return r;
}

static int open_row(struct member *m, struct port *p, struct err *e)
{
	struct ip ips[2] = {{.family = 4}, {.family = 6}};
	size_t n = 2;
	struct listener *before = m->ports;
	int64_t range = p->range > 0 ? p->range : 1;
	int r = 0;

	if (!str_is_empty(p->host_ip)) {
		if (ip_parse(p->host_ip, &ips[0]) < 0)
			return err_fail(e, ERR_INTERNAL, "a published port has no address: %s",
					p->host_ip);
		n = 1;
	}
	if (p->host_port < 0 || p->container_port < 1 || p->host_port + range > 65536 ||
	    p->container_port + range > 65536 || p->choice < 0 || p->choice > 65535 ||
	    p->host_port + p->choice > 65536)
		return err_fail(e, ERR_INTERNAL, "a published port is out of range");
	if (p->choice && p->host_port)
		return open_choice(m, p, ips, n, e);
	for (int tries = 0; tries < RANDOM_TRIES; tries++) {
		uint16_t first = (uint16_t)p->host_port;
		r = open_one(m, p, ips, n, &first, (uint16_t)p->container_port, e);
		for (int64_t i = 1; i < range && r == 0; i++) {
			uint16_t port = (uint16_t)(first + i);
			r = port ? open_one(m, p, ips, n, &port, (uint16_t)(p->container_port + i),
					    e)
				 : -EADDRINUSE;
		}
		if (r == 0)
			p->host_port = first;
		if (r == 0 || p->host_port || r != -EADDRINUSE)
			return r;
		/* The kernel's choice for one address was taken on another. */
		close_until(m, before);
	}
	return r;
}

int publish_open(struct member *m, struct bind_list *ports, struct err *e)
{
	struct port *v = ports->v;
	int r = 0;

	for (size_t i = 0; i < ports->n && r == 0; i++)
		r = open_row(m, &v[i], e);
	bound_ports_close(&m->bound);
	if (r < 0)
		close_until(m, NULL);
	return r;
}

void publish_close(struct member *m)
{
	close_until(m, NULL);
}
