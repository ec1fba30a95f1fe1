#include "base/base.h"
#include "net/packet_defrag.h"

enum { HEAD4 = 20, HEAD6 = 40 };

static void drop(struct defrag_slot *s)
{
	free(s->buf);
	*s = (struct defrag_slot){0};
}

static size_t head_len(const struct packet *p)
{
	return p->src.family == 6 ? HEAD6 : HEAD4;
}

static bool same(const struct defrag_slot *s, const struct packet *p)
{
	return s->buf && s->id == p->frag_id && s->proto == p->proto &&
	       ip_equal(&s->src, &p->src) && ip_equal(&s->dst, &p->dst);
}

static size_t slots_of(const struct defrag *d, const struct ip *src)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(d->v); i++)
		n += d->v[i].buf && ip_equal(&d->v[i].src, src);
	return n;
}

/* The slot of a packet that begins: a free one, else the oldest of whoever has most. */
static struct defrag_slot *begin(struct defrag *d, const struct packet *p, int64_t now)
{
	struct defrag_slot *s = &d->v[0];
	size_t most = slots_of(d, &s->src);

	for (size_t i = 0; i < countof(d->v) && s->buf; i++) {
		struct defrag_slot *o = &d->v[i];
		size_t n = slots_of(d, &o->src);
		if (!o->buf || n > most || (n == most && o->at < s->at)) {
			s = o;
			most = n;
		}
	}
	drop(s);
	*s = (struct defrag_slot){.buf = xmalloc(HEAD6 + 65535),
				  .at = now,
				  .src = p->src,
				  .dst = p->dst,
				  .id = p->frag_id,
				  .proto = p->proto,
				  .ttl = p->ttl,
				  .tos = p->tos};
	return s;
}

/* Writes the header. Options and extension headers in front of the cut are not needed any more. */
static void write_head(const struct defrag_slot *s)
{
	uint8_t *h = s->buf;
	size_t n = s->src.family == 6 ? s->have : HEAD4 + s->have;

	if (s->src.family == 6) {
		memcpy(h,
		       (uint8_t[HEAD6]){(uint8_t)(0x60 | s->tos >> 4), (uint8_t)(s->tos << 4), 0, 0,
					(uint8_t)(n >> 8), (uint8_t)n, s->proto, s->ttl},
		       HEAD6);
		memcpy(h + 8, s->src.b, 16);
		memcpy(h + 24, s->dst.b, 16);
		return;
	}
	memcpy(h,
	       (uint8_t[HEAD4]){0x45, s->tos, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0, s->ttl,
				s->proto},
	       HEAD4);
	memcpy(h + 12, s->src.b, 4);
	memcpy(h + 16, s->dst.b, 4);
	uint16_t sum = packet_sum_end(packet_sum(h, HEAD4, 0));
	memcpy(h + 10, &sum, 2);
}

const uint8_t *defrag_add(struct defrag *d, const struct packet *p, int64_t now, size_t *ret_len)
{
	struct defrag_slot *s = NULL;
	size_t head = head_len(p), max = p->src.family == 6 ? 65535 : 65535 - HEAD4;

	free(d->whole);
	d->whole = NULL;
	for (size_t i = 0; i < countof(d->v); i++)
		if (same(&d->v[i], p))
			s = &d->v[i];
	if (s && (s->have != p->frag_at || s->have + p->payload_len > max)) {
		drop(s);
		s = NULL;
	}
	if (!s && p->frag_at)
		return NULL;
	if (!s)
		s = begin(d, p, now);
	memcpy(s->buf + head + s->have, p->payload, p->payload_len);
	s->have += p->payload_len;
	if (p->more)
		return NULL;
	write_head(s);
	*ret_len = head + s->have;
	d->whole = take(s->buf);
	drop(s);
	return d->whole;
}

bool defrag_settle(struct defrag *d, int64_t now)
{
	bool left = false;

	free(d->whole);
	d->whole = NULL;
	for (size_t i = 0; i < countof(d->v); i++) {
		if (d->v[i].buf && now - d->v[i].at >= DEFRAG_MS)
			drop(&d->v[i]);
		left |= d->v[i].buf != NULL;
	}
	return left;
}

void defrag_free(struct defrag *d)
{
	free(d->whole);
	for (size_t i = 0; i < countof(d->v); i++)
		free(d->v[i].buf);
	*d = (struct defrag){0};
}
