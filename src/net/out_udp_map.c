#include "base/base.h"
#include "base/rand.h"
#include "net/out_udp_map.h"

enum { FLOW_BUCKETS = 4096, PEER_BUCKETS = 8192, TALK_MS = 2000, DNS_PORT = 53 };

void udp_map_init(struct udp_map *m, size_t max_flows, void (*ended)(struct udp_flow *f))
{
	*m = (struct udp_map){.max_flows = max_flows < FLOWS_MAX ? max_flows : FLOWS_MAX,
			      .flow_slab = SLAB_FOR(struct udp_flow),
			      .peer_slab = SLAB_FOR(struct udp_peer),
			      .secret = rand_u64(),
			      .ended = ended};
}

/* ---- tables */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15U;
	return h ^ h >> 29;
}

static uint64_t hash_ip(uint64_t h, const struct ip *ip, uint16_t port)
{
	uint64_t w[2];

	memcpy(w, ip->b, sizeof w);
	return mix(mix(mix(h, w[0]), w[1]), (uint64_t)ip->family << 16 | port);
}

static struct udp_flow **flow_bucket(struct udp_map *m, const struct ip *src, uint16_t port)
{
	return &m->flows[hash_ip(m->secret, src, port) % FLOW_BUCKETS];
}

static struct udp_peer **peer_bucket(struct udp_flow *f, const struct ip *host, uint16_t port)
{
	return &f->map->peers[hash_ip(f->map->secret ^ (uintptr_t)f, host, port) % PEER_BUCKETS];
}

/* ---- members */

static struct udp_member *owner_of(struct udp_map *m, const struct member *who)
{
	struct udp_member *o = m->members;

	while (o && o->member != who)
		o = o->next;
	if (o)
		return o;
	o = xcalloc(1, sizeof *o);
	*o = (struct udp_member){.next = m->members, .member = who};
	m->members = o;
	return o;
}

static void owner_drop(struct udp_map *m, struct udp_member *o)
{
	struct udp_member **at = &m->members;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	free(o);
}

static void flow_unlink(struct udp_flow *f)
{
	struct udp_member *o = f->owner;

	*(f->newer ? &f->newer->older : &o->newest) = f->older;
	*(f->older ? &f->older->newer : &o->oldest) = f->newer;
	f->newer = f->older = NULL;
}

static void flow_link(struct udp_flow *f)
{
	struct udp_member *o = f->owner;

	f->newer = NULL;
	f->older = o->newest;
	*(f->older ? &f->older->newer : &o->oldest) = f;
	o->newest = f;
}

/* ---- peers */

static void peer_unlink(struct udp_peer *p)
{
	struct udp_flow *f = p->flow;

	*(p->newer ? &p->newer->older : &f->newest) = p->older;
	*(p->older ? &p->older->newer : &f->oldest) = p->newer;
}

static void peer_link(struct udp_peer *p)
{
	struct udp_flow *f = p->flow;

	p->newer = NULL;
	p->older = f->newest;
	*(p->older ? &p->older->newer : &f->oldest) = p;
	f->newest = p;
}

static void peer_end(struct udp_peer *p)
{
	struct udp_peer **at = peer_bucket(p->flow, &p->host, p->port);

	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	peer_unlink(p);
	p->flow->npeers--;
	p->flow->map->npeers--;
	slab_put(&p->flow->map->peer_slab, p);
}

struct udp_peer *udp_peer_find(struct udp_flow *f, const struct ip *host, uint16_t port)
{
	struct udp_peer *p = f->newest;

	if (p && p->port == port && ip_equal(&p->host, host))
		return p;
	if (!f->npeers)
		return NULL;
	for (p = *peer_bucket(f, host, port); p; p = p->chain)
		if (p->flow == f && p->port == port && ip_equal(&p->host, host))
			return p;
	return NULL;
}

/* The flow and the peer have been used. */
static void touch(struct udp_peer *p, int64_t now)
{
	struct udp_flow *f = p->flow;

	p->used = now;
	if (f->newest != p) {
		peer_unlink(p);
		peer_link(p);
	}
	if (f->owner->newest != f) {
		flow_unlink(f);
		flow_link(f);
	}
}

struct udp_peer *udp_peer_sent(struct udp_flow *f, const struct ip *host, const struct ip *shown,
			       uint16_t port, int64_t now)
{
	struct udp_peer *p = udp_peer_find(f, host, port);

	if (!p) {
		if (f->npeers >= PEERS_FLOW || (f->map->npeers >= PEERS_MAX && f->npeers > 0))
			peer_end(f->oldest);
		else if (f->map->npeers >= PEERS_MAX)
			udp_flow_evict(f->map, f);
		p = slab_get(&f->map->peer_slab);
		if (!p)
			return NULL;
		*p = (struct udp_peer){.flow = f, .host = *host, .port = port, .since = now};
		struct udp_peer **b = peer_bucket(f, host, port);
		p->chain = *b;
		*b = p;
		f->npeers++;
		f->map->npeers++;
		peer_link(p);
	}
	p->shown = *shown;
	p->again |= p->answered;
	touch(p, now);
	return p;
}

void udp_peer_heard(struct udp_peer *p, int64_t now)
{
	p->answered = true;
	touch(p, now);
}

static int64_t lifetime(const struct udp_peer *p)
{
	if (!p->answered)
		return UDP_NEW_MS;
	if (p->used - p->since >= TALK_MS)
		return UDP_ASSURED_MS;
	return p->port == DNS_PORT && !p->again ? UDP_ONCE_MS : UDP_NEW_MS;
}

/* ---- flows */

struct udp_flow *udp_flow_find(struct udp_map *m, const struct ip *src, uint16_t port)
{
	struct udp_flow *f = m->flows ? *flow_bucket(m, src, port) : NULL;

	while (f && (f->port != port || !ip_equal(&f->src, src)))
		f = f->chain;
	return f;
}

/* Frees an owner, the tables, when nothing is in them. */
static void tidy(struct udp_map *m, struct udp_member *o)
{
	if (!o->n)
		owner_drop(m, o);
	if (m->nflows)
		return;
	free(m->flows);
	free(m->peers);
	slab_trim(&m->flow_slab);
	slab_trim(&m->peer_slab);
	m->flows = NULL;
	m->peers = NULL;
}

void udp_flow_end(struct udp_flow *f)
{
	struct udp_map *m = f->map;
	struct udp_member *o = f->owner;
	struct udp_flow **at = flow_bucket(m, &f->src, f->port);

	while (f->oldest)
		peer_end(f->oldest);
	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
	flow_unlink(f);
	o->n--;
	m->nflows--;
	m->ended(f);
	slab_put(&m->flow_slab, f);
	tidy(m, o);
}

bool udp_flow_evict(struct udp_map *m, const struct udp_flow *f)
{
	struct udp_member *most = NULL;

	for (struct udp_member *o = m->members; o; o = o->next)
		if (!most || o->n > most->n)
			most = o;
	struct udp_flow *old = most ? most->oldest : NULL;
	if (old == f && old)
		old = old->newer;
	if (!old)
		return false;
	udp_flow_end(old);
	return true;
}

struct udp_flow *udp_flow_make(struct udp_map *m, const struct member *who, const struct ip *src,
			       uint16_t port)
{
	struct udp_flow *f = slab_get(&m->flow_slab);
	size_t share = m->max_flows / 2;

	if (!f)
		return NULL;
	if (!m->flows) {
		m->flows = xcalloc(FLOW_BUCKETS, sizeof(struct udp_flow *));
		m->peers = xcalloc(PEER_BUCKETS, sizeof(struct udp_peer *));
	}
	struct udp_member *o = owner_of(m, who);
	*f = (struct udp_flow){.owner = o, .map = m, .src = *src, .port = port};
	f->watch = (struct watch){.fd = -1, .arg = f};
	struct udp_flow **b = flow_bucket(m, src, port);
	f->chain = *b;
	*b = f;
	flow_link(f);
	o->n++;
	m->nflows++;
	if (o->n > share && o->oldest != f)
		udp_flow_end(o->oldest);
	else if (m->nflows > m->max_flows)
		udp_flow_evict(m, f);
	return f;
}

static void sweep_flow(struct udp_flow *f, int64_t now)
{
	for (struct udp_peer *p = f->oldest, *next; p; p = next) {
		next = p->newer;
		if (now - p->used >= lifetime(p))
			peer_end(p);
	}
	if (!f->npeers)
		udp_flow_end(f);
}

bool udp_map_sweep(struct udp_map *m, int64_t now)
{
	for (struct udp_member *o = m->members, *next; o; o = next) {
		next = o->next; /* o goes with its last flow */
		for (struct udp_flow *f = o->oldest, *newer; f; f = newer) {
			newer = f->newer;
			sweep_flow(f, now);
		}
	}
	return m->nflows > 0;
}

void udp_map_forget(struct udp_map *m, const struct member *who)
{
	for (struct udp_member *o = m->members; o; o = o->next) {
		if (o->member != who)
			continue;
		for (size_t n = o->n; n; n--) /* o goes with the last one */
			udp_flow_end(o->oldest);
		return;
	}
}
