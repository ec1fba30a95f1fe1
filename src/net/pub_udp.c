#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/rand.h"
#include "net/dgram.h"
#include "net/pub_udp.h"
#include "net/slab.h"
#include "net/sockaddr.h"
#include "net/sockpool.h"

enum { CLIENTS_MAX = 4096, BUCKETS = 1024, ROUNDS = 4, SWEEP_MS = 2500 };
enum { NEW_MS = 30000, ASSURED_MS = 180000, TALK_MS = 2000 };

enum state { FRESH, ANSWERED, STATES };

/* Of one listener. */
struct pub {
	struct listener *l;
	struct client **table; /* NULL while there are no clients */
	struct {
		struct client *newest, *oldest;
	} lists[STATES];
	struct slab slab;
	uint64_t secret;
	size_t n;
	bool no_train; /* towards clients */
};

struct client {
	struct client *chain, *newer, *older;
	struct pub *pub;
	struct watch w; /* the socket in N */
	struct sockaddr_storage from;
	socklen_t from_len;
	struct ip ip, asked; /* asked: of the host; family 0 if the listener has just that one */
	uint16_t port;
	uint8_t state;
	bool no_train;
	unsigned device; /* of a link-local address that was asked */
	int64_t since, used;
};

/* ---- the table */

static struct client **bucket(struct pub *p, const struct ip *ip, uint16_t port)
{
	uint64_t h = p->secret ^ port, w[2];

	memcpy(w, ip->b, sizeof w);
	h = (h ^ w[0]) * 0x9e3779b97f4a7c15U;
	h = (h ^ h >> 29 ^ w[1]) * 0x9e3779b97f4a7c15U;
	return &p->table[(h ^ h >> 32) % BUCKETS];
}

static void list_remove(struct client *c)
{
	struct pub *p = c->pub;

	*(c->newer ? &c->newer->older : &p->lists[c->state].newest) = c->older;
	*(c->older ? &c->older->newer : &p->lists[c->state].oldest) = c->newer;
}

static void list_add(struct client *c, enum state state)
{
	struct pub *p = c->pub;

	c->state = state;
	c->newer = NULL;
	c->older = p->lists[state].newest;
	*(c->older ? &c->older->newer : &p->lists[state].oldest) = c;
	p->lists[state].newest = c;
}

static void touch(struct client *c, enum state state, int64_t now)
{
	c->used = now;
	if (c->state == state && !c->newer)
		return;
	list_remove(c);
	list_add(c, state);
}

static void client_end(struct client *c)
{
	struct pub *p = c->pub;
	struct client **at = bucket(p, &c->ip, c->port);
	int fd = c->w.fd;

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	list_remove(c);
	if (fd >= 0) {
		loop_remove(&p->l->m->np->loop, &c->w);
		close(fd);
	}
	slab_put(&p->slab, c);
	p->n--;
}

/* Makes room: who has had no answer goes first. */
static bool evict(struct pub *p)
{
	struct client *c =
		p->lists[FRESH].oldest ? p->lists[FRESH].oldest : p->lists[ANSWERED].oldest;

	if (c)
		client_end(c);
	return c != NULL;
}

static bool idle(const struct client *c, int64_t now)
{
	bool assured = c->state == ANSWERED && c->used - c->since >= TALK_MS;

	return now - c->used >= (assured ? ASSURED_MS : NEW_MS);
}

/* Returns whether any client is left. */
static bool sweep_one(struct pub *p, int64_t now)
{
	for (size_t i = 0; i < STATES; i++)
		for (struct client *c = p->lists[i].oldest, *next; c; c = next) {
			next = c->newer;
			if (idle(c, now))
				client_end(c);
		}
	if (p->n)
		return true;
	free(p->table);
	p->table = NULL;
	slab_trim(&p->slab);
	return false;
}

static void on_sweep(struct timer *t)
{
	struct netproc *np = t->arg;
	int64_t now = time_mono_ms();
	bool left = false;

	for (struct member *m = np->members; m; m = m->next)
		for (struct listener *l = m->ports; l; l = l->next)
			if (l->udp && l->flows)
				left |= sweep_one(l->flows, now);
	dgram_settle();
	np->loop.settle = true;
	if (left)
		loop_timer(&np->loop, t, SWEEP_MS);
}

/* One for all listeners: it stays when they go. */
static struct timer sweep = {.fn = on_sweep};

/* ---- answers */

/* What an answer to the client says: the address that it leaves from. Returns its length. */
static size_t answer_control(const struct client *c, void *buf)
{
	struct cmsghdr *h = buf;

	if (!c->asked.family)
		return 0;
	if (c->asked.family == 6) {
		struct in6_pktinfo i = {.ipi6_ifindex = c->device};
		memcpy(&i.ipi6_addr, c->asked.b, 16);
		*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof i),
				      .cmsg_level = IPPROTO_IPV6,
				      .cmsg_type = IPV6_PKTINFO};
		memcpy(CMSG_DATA(h), &i, sizeof i);
		return CMSG_SPACE(sizeof i);
	}
	struct in_pktinfo i = {0};
	memcpy(&i.ipi_spec_dst, c->asked.b, 4);
	*h = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof i), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
	memcpy(CMSG_DATA(h), &i, sizeof i);
	return CMSG_SPACE(sizeof i);
}

/* The length of the pieces of a message; its own if it is one datagram. */
static size_t piece_of(const struct mmsghdr *m)
{
	size_t n = dgram_segment(&m->msg_hdr);

	return n && n < m->msg_len ? n : m->msg_len;
}

/* Adds a message to the train, which goes on its way whenever it is full. Of no length: one empty datagram. */
static void load(struct train *t, const struct mmsghdr *m, int fd, const struct dgram_to *to,
		 bool *no_train)
{
	size_t step = piece_of(m), at = 0;

	do {
		size_t n = m->msg_len - at < step ? m->msg_len - at : step;
		uint8_t *body = (uint8_t *)m->msg_hdr.msg_iov->iov_base + at;
		if (!train_add(t, body, n)) {
			train_send(fd, to, t, no_train);
			train_clear(t);
			train_add(t, body, n);
		}
		at += step;
	} while (at < m->msg_len);
}

static int answers(struct client *c)
{
	_Alignas(struct cmsghdr) uint8_t control[64];
	struct dgram_to to = {.sa = &c->from, .len = c->from_len, .control = control};
	struct pub *p = c->pub;
	struct dgram_in *in;
	struct train t = {.n = 0};
	int n = dgram_receive(c->w.fd, &in);

	if (n <= 0)
		return n;
	to.control_len = answer_control(c, control);
	for (int i = 0; i < n; i++)
		if (!(in->m[i].msg_hdr.msg_flags & MSG_TRUNC))
			load(&t, &in->m[i], p->l->w.fd, &to, &p->no_train);
	train_send(p->l->w.fd, &to, &t, &p->no_train);
	touch(c, ANSWERED, time_mono_ms());
	return n;
}

static void on_client(struct watch *w, uint32_t events)
{
	struct client *c = w->arg;
	int error;
	socklen_t len = sizeof error;

	if (events & EPOLLERR) /* nobody listens in the container: it may, later */
		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	for (int i = 0; i < ROUNDS && answers(c) == DGRAM_BATCH; i++)
		;
}

/* ---- clients */

/* Does the container see this client through another socket already? */
static bool is_seen(const struct listener *own, const struct ip *ip, uint16_t port)
{
	for (const struct listener *l = own->m->ports; l; l = l->next) {
		struct pub *p = l->udp ? l->flows : NULL;
		if (!p || !p->table || l->container_port != own->container_port)
			continue;
		for (struct client *c = *bucket(p, ip, port); c; c = c->chain)
			if (c->w.fd >= 0 && c->port == port && ip_equal(&c->ip, ip))
				return true;
	}
	return false;
}

/* Its socket in N, connected to the container, or -errno. */
static int inner(const struct listener *l, const struct ip *ip, uint16_t port)
{
	struct sockaddr_storage from, to;
	struct ip to_ip, from_ip;
	bool own = listener_source(l->m, ip, &to_ip, &from_ip) && !is_seen(l, ip, port);
	socklen_t len = sockaddr_make(&to, &to_ip, l->container_port);
	autoclose int fd = sockpool_take(l->m->np->pool, to_ip.family == 6 ? POOL_UDP6 : POOL_UDP4);

	if (fd < 0)
		return fd;
	if (fd >= l->m->np->fd_limit)
		return -EMFILE;
	sockaddr_make(&from, &from_ip, own ? port : 0);
	int r = bind(fd, (struct sockaddr *)&from, len);
	if (r < 0 && own) {
		sockaddr_make(&from, &from_ip, 0);
		r = bind(fd, (struct sockaddr *)&from, len);
	}
	if (r < 0 || connect(fd, (struct sockaddr *)&to, len) < 0)
		return -errno;
	dgram_prepare(fd);
	return take_fd(fd);
}

/* Each client is a descriptor: who invents clients must not leave the others without any. */
static bool is_full(const struct pub *p)
{
	return p->n >= CLIENTS_MAX || p->n >= (size_t)p->l->m->np->fd_limit / 4;
}

static struct client *client_make(struct pub *p, const struct client *like)
{
	struct netproc *np = p->l->m->np;
	int fd = inner(p->l, &like->ip, like->port);

	while ((fd == -EMFILE || is_full(p)) && evict(p)) {
		fd_close(&fd);
		fd = inner(p->l, &like->ip, like->port);
	}
	if (fd < 0)
		return NULL;
	struct client *c = slab_get(&p->slab);
	if (!c) {
		close(fd);
		return NULL;
	}
	*c = *like;
	c->pub = p;
	c->w = (struct watch){.fd = -1, .fn = on_client, .arg = c};
	struct client **b = bucket(p, &c->ip, c->port);
	c->chain = *b;
	*b = c;
	list_add(c, FRESH);
	p->n++;
	if (loop_add(&np->loop, &c->w, fd, EPOLLIN) < 0) {
		close(fd);
		client_end(c);
		return NULL;
	}
	if (!sweep.at) {
		sweep.arg = np;
		loop_timer(&np->loop, &sweep, SWEEP_MS);
	}
	return c;
}

/* Who sent this message, and which address of the host was asked. */
static void read_client(const struct pub *p, const struct msghdr *m, struct client *ret)
{
	*ret = (struct client){.from_len = m->msg_namelen};
	memcpy(&ret->from, m->msg_name, m->msg_namelen);
	sockaddr_read(&ret->from, &ret->ip, &ret->port);
	if (!ip_is_any(&p->l->ip))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo i;
			memcpy(&i, CMSG_DATA(c), sizeof i);
			ret->asked.family = 4;
			memcpy(ret->asked.b, &i.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo i;
			memcpy(&i, CMSG_DATA(c), sizeof i);
			ret->asked.family = 6;
			memcpy(ret->asked.b, &i.ipi6_addr, 16);
			ret->device = ip_is_link_local(&ret->asked) ? i.ipi6_ifindex : 0;
		}
	}
}

static bool same(const struct client *c, const struct client *other)
{
	return c->port == other->port && ip_equal(&c->ip, &other->ip) &&
	       ip_equal(&c->asked, &other->asked) && c->device == other->device;
}

static struct client *client_of(struct pub *p, const struct msghdr *m)
{
	struct client like;

	read_client(p, m, &like);
	if (!like.ip.family || !like.port)
		return NULL;
	like.since = time_mono_ms();
	if (!p->table)
		p->table = xcalloc(BUCKETS, sizeof(struct client *));
	for (struct client *c = *bucket(p, &like.ip, like.port); c; c = c->chain)
		if (same(c, &like))
			return c;
	return client_make(p, &like);
}

static int requests(struct pub *p)
{
	static const struct dgram_to connected;
	struct dgram_in *in;
	struct train t = {.n = 0};
	struct client *last = NULL;
	int n = dgram_receive(p->l->w.fd, &in);
	int64_t now = time_mono_ms();

	for (int i = 0; i < n; i++) {
		if (in->m[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		/* Before a client is made another one may go: what is for the last one goes first. */
		struct client key;
		read_client(p, &in->m[i].msg_hdr, &key);
		if (last && !same(last, &key)) {
			train_send(last->w.fd, &connected, &t, &last->no_train);
			train_clear(&t);
			last = NULL;
		}
		if (!last)
			last = client_of(p, &in->m[i].msg_hdr);
		if (!last)
			continue;
		touch(last, last->state, now);
		load(&t, &in->m[i], last->w.fd, &connected, &last->no_train);
	}
	if (last)
		train_send(last->w.fd, &connected, &t, &last->no_train);
	return n;
}

static void on_listener(struct watch *w, uint32_t events)
{
	struct listener *l = w->arg;

	for (int i = 0; i < ROUNDS && requests(l->flows) == DGRAM_BATCH; i++)
		;
}

/* ---- the listener */

int pub_udp_open(struct listener *l, struct err *e)
{
	static const int one = 1;
	int fd = l->w.fd;
	bool six = l->ip.family == 6;
	struct pub *p = xcalloc(1, sizeof *p);

	*p = (struct pub){.l = l, .slab = SLAB_FOR(struct client), .secret = rand_u64()};
	l->flows = p;
	l->w = (struct watch){.fd = fd, .fn = on_listener, .arg = l};
	dgram_prepare(fd);
	if (ip_is_any(&l->ip))
		setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVPKTINFO : IP_PKTINFO,
			   &one, sizeof one);
	int r = loop_add(&l->m->np->loop, &l->w, fd, EPOLLIN);
	return r < 0 ? err_set(e, -r, "watch a published port") : 0;
}

void pub_udp_close(struct listener *l)
{
	struct pub *p = l->flows;

	if (!p)
		return;
	while (evict(p))
		;
	loop_remove(&l->m->np->loop, &l->w);
	l->flows = NULL;
	free(p->table);
	slab_trim(&p->slab);
	free(p);
}
