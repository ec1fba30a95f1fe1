#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/base.h"
#include "net/dgram.h"
#include "net/host_address.h"
#include "net/packet_defrag.h"
#include "net/plan.h"
#include "net/tun.h"

/* How it works. A wake-up reads packets one behind the other into one buffer, until there are no more, or no room for the largest, and gives each to
 * its taker; then the takers flush what they have gathered (out_udp sends it with one call), and the buffer begins anew. After a second
 * without packets its pages go back.
 *
 * With IFF_VNET_HDR each packet has a header of ten bytes in front: whether the checksum is still to be made, and how long the pieces of a
 * packet are that is many. A checksum that is missing is made here only for TCP, whose SYNs are written back. */

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum { BATCH_MAX = 128, BUFFER = 256 << 10, ROOM = PACKET_MAX + 64, IDLE_MS = 1000 };
enum { HEAD6 = 40 };
/* UDP_MAX_SEGMENTS of the kernel. Older ones let a raw socket of a container ask for pieces of one byte: 65,000 calls for one packet. */
enum { SEGMENTS = 128 };

struct tun {
	struct watch watch;
	struct timer idle;
	struct netproc *np;
	const struct tun_takers *takers;
	struct defrag defrag;
	uint8_t *buf;
	size_t mtu;
	uint32_t piece_id;
	bool vnet;  /* packets have struct virtio_net_hdr in front */
	bool train; /* and may be many: UDP_SEGMENT */
	bool used;
};

/* ---- where a packet goes */

static const struct ip host_alias = {4, {169, 254, 1, 2}};

struct ip tun_gateway(const struct netproc *np, uint8_t family)
{
	return family == 6 ? np->sub6.ip : np->sub4.ip;
}

/* Multicast, broadcast and what is reserved for them. */
static bool goes_nowhere(const struct netproc *np, const struct ip *ip)
{
	static const struct ip all = {4, {255, 255, 255, 255}};

	if (ip->family == 6)
		return ip->b[0] == 0xff;
	if ((ip->b[0] & 0xf0) == 0xe0 || ip_equal(ip, &all))
		return true;
	struct ip last = ip_net_last(&np->sub4);
	return np->sub4.ip.family && ip_equal(ip, &last);
}

/* What would be the host's own loopback, or mean it to some system call. */
static bool is_own(const struct ip *ip)
{
	static const uint8_t none[12], mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (ip->family == 4)
		return ip->b[0] == 0 || ip->b[0] == 127;
	return !memcmp(ip->b, none, sizeof none) || !memcmp(ip->b, mapped, sizeof mapped);
}

static const struct ip loopback = {4, {127, 0, 0, 1}};

/* Sets p->to; false: it has been answered, or dropped. */
static bool find_way(struct netproc *np, struct packet *p)
{
	if (goes_nowhere(np, &p->dst))
		return false;
	if (is_own(&p->dst)) {
		tun_refuse(np, p);
		return false;
	}
	p->to = p->dst;
	if (!ip_equal(&p->dst, &host_alias)) {
		/* Not of the container's link: nobody passes that on (RFC 3927 2.7), least of all to where clouds tell secrets. */
		if (!ip_is_link_local(&p->dst) || np->allow_link_local)
			return true;
		tun_error(np, WHY_NET, 0, &p->dst, p);
		return false;
	}
	p->to = np->allow_host_loopback ? loopback : host_address();
	if (!p->to.family)
		tun_error(np, WHY_HOST, 0, &p->dst, p);
	return p->to.family;
}

/* ---- reading */

static void hand_out(struct tun *t, struct packet *p)
{
	void (*fn)(struct netproc *, const struct packet *) = NULL;

	p->member = netproc_member(t->np, &p->src);
	if (!p->member)
		return;
	switch (p->proto) {
	case IPPROTO_TCP:
		fn = t->takers->tcp;
		break;
	case IPPROTO_UDP:
		fn = t->takers->udp;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		fn = t->takers->icmp;
		break;
	default:
		return;
	}
	if (fn && find_way(t->np, p))
		fn(t->np, p);
}

/* Makes the checksum that the kernel left to us, if it lies inside of the packet. */
static void make_sum(uint8_t *d, const struct packet *p)
{
	static const size_t places[] = {[IPPROTO_TCP] = 16, [IPPROTO_UDP] = 6};
	size_t at = (size_t)(p->payload - p->data);

	if (p->proto != IPPROTO_TCP)
		return; /* nobody looks at it */
	uint16_t v = packet_sum_end(packet_sum(d + at, p->len - at, 0));
	memcpy(d + at + places[p->proto], &v, 2);
}

/* Packets of the kernel of N itself (its own errors, router solicitations) come here too: they have no member as their source. */
static void one(struct tun *t, uint8_t *d, size_t n, const struct virtio_net_hdr *h)
{
	const uint8_t *whole = NULL;
	struct packet p;
	size_t len;

	if (packet_parse(d, n, &p) < 0)
		return;
	if (p.fragment) {
		whole = defrag_add(&t->defrag, &p, time_mono_ms(), &len);
		if (!whole || packet_parse(whole, len, &p) < 0 || p.fragment)
			return;
		p.df = false;
	}
	if (h->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4) {
		if (p.proto != IPPROTO_UDP || !h->gso_size ||
		    p.body_len > (size_t)h->gso_size * SEGMENTS)
			return;
		p.segment = h->gso_size < p.body_len ? h->gso_size : 0;
	} else if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		return;
	}
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !whole)
		make_sum(d, &p);
	else if (!(h->flags & VIRTIO_NET_HDR_F_DATA_VALID) && !packet_sum_right(&p))
		return;
	hand_out(t, &p);
	if (whole && t->takers->flush) /* it goes with the next fragment */
		t->takers->flush(t->np);
}

static void on_tun(struct watch *w, uint32_t events)
{
	struct tun *t = w->arg;
	struct virtio_net_hdr h = {0};
	size_t at = 0, head = t->vnet ? sizeof h : 0;

	for (int i = 0; i < BATCH_MAX && at + ROOM <= BUFFER; i++) {
		ssize_t n = read(w->fd, t->buf + at, ROOM);
		if (n <= 0)
			break;
		if ((size_t)n <= head)
			continue;
		memcpy(&h, t->buf + at, head);
		one(t, t->buf + at + head, (size_t)n - head, &h);
		at += ((size_t)n + 63) & ~(size_t)63;
	}
	if (t->takers->flush)
		t->takers->flush(t->np);
	t->used = true;
	if (!t->idle.at)
		loop_timer(&t->np->loop, &t->idle, IDLE_MS);
}

static void on_idle(struct timer *timer)
{
	struct tun *t = timer->arg;
	bool again = defrag_settle(&t->defrag, time_mono_ms()) || t->used;

	if (!t->used)
		madvise(t->buf, BUFFER, MADV_DONTNEED);
	t->used = false;
	if (again)
		loop_timer(&t->np->loop, timer, IDLE_MS);
}

/* ---- writing */

/* head: its first element is left free for the header of the device. */
static void write_out(struct tun *t, struct iovec *v, size_t n, const struct virtio_net_hdr *h)
{
	if (t->vnet)
		v[0] = (struct iovec){(void *)h, sizeof *h};
	else
		v++, n--;
	(void)!writev(t->watch.fd, v, (int)n); /* what does not fit is lost */
}

static void send_parts(struct tun *t, const uint8_t *head, size_t head_len, const void *body,
		       size_t len)
{
	static const struct virtio_net_hdr none;
	struct iovec v[] = {{0}, {(void *)head, head_len}, {(void *)body, len}};
	uint8_t piece[PACKET_HEAD_MAX];

	if (head[0] >> 4 == 4 || head_len + len <= t->mtu) {
		write_out(t, v, countof(v), &none);
		return;
	}
	/* IPv6 is cut by its sender only. Its transport header lies in head: the first piece begins with it. */
	size_t extra = head_len - HEAD6, total = head_len + len;
	t->piece_id++;
	for (size_t at = 0; at < total - HEAD6;) {
		size_t n = packet_piece6(piece, head, total, t->piece_id, at, t->mtu);
		struct iovec w[] = {{0},
				    {piece, sizeof piece},
				    {(void *)(head + HEAD6), at ? 0 : extra},
				    {(void *)((const uint8_t *)body + (at ? at - extra : 0)),
				     at ? n : n - extra}};
		write_out(t, w, countof(w), &none);
		at += n;
	}
}

void tun_send(struct netproc *np, const void *packet, size_t len)
{
	if (np->dev && len)
		send_parts(np->dev, packet, len, NULL, 0);
}

static void send_one(struct tun *t, const struct packet_to *to, const struct iovec *v)
{
	uint8_t head[PACKET_HEAD_MAX];
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 6};
	bool sum = !t->vnet || (to->src.family == 6 && v->iov_len + sizeof head > t->mtu);
	size_t n = packet_udp_head(head, to, v->iov_base, v->iov_len, sum);

	if (!n)
		return;
	if (sum) {
		send_parts(t, head, n, v->iov_base, v->iov_len);
		return;
	}
	h.csum_start = (uint16_t)(n - 8);
	struct iovec w[] = {{0}, {head, n}, *v};
	write_out(t, w, countof(w), &h);
}

void tun_udp(struct netproc *np, const struct packet_to *to, const struct iovec *v, size_t n)
{
	struct tun *t = np->dev;
	uint8_t head[PACKET_HEAD_MAX];
	struct iovec w[2 + TRAIN_MAX];
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				   .csum_offset = 6,
				   .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4};
	size_t len = 0;

	if (!t || !n)
		return;
	for (size_t i = 0; i < n; i++)
		len += v[i].iov_len;
	bool fits = len <= TRAIN_BYTES && v[0].iov_len + sizeof head <= t->mtu && v[0].iov_len;
	size_t hl = t->train && n > 1 && n <= TRAIN_MAX && fits
			    ? packet_udp_head(head, to, NULL, len, false)
			    : 0;
	if (!hl) {
		for (size_t i = 0; i < n; i++)
			send_one(t, to, &v[i]);
		return;
	}
	h.hdr_len = (uint16_t)hl;
	h.gso_size = (uint16_t)v[0].iov_len;
	h.csum_start = (uint16_t)(hl - 8);
	w[1] = (struct iovec){head, hl};
	memcpy(w + 2, v, n * sizeof *v);
	write_out(t, w, n + 2, &h);
}

void tun_echo(struct netproc *np, const struct packet_to *to, const void *body, size_t len)
{
	uint8_t head[PACKET_HEAD_MAX];
	size_t n = packet_echo_head(head, to, true, body, len);

	if (n && np->dev)
		send_parts(np->dev, head, n, body, len);
}

void tun_error(struct netproc *np, enum packet_why why, uint32_t mtu, const struct ip *from,
	       const struct packet *p)
{
	uint8_t out[PACKET_ERROR_MAX];
	struct ip gw = tun_gateway(np, p->src.family);

	tun_send(np, out, packet_error(out, why, mtu, from ? from : &gw, p->data, p->len));
}

void tun_refuse(struct netproc *np, const struct packet *p)
{
	uint8_t out[PACKET_RST_MAX];

	if (p->proto == IPPROTO_TCP)
		tun_send(np, out, packet_rst(out, p));
	else
		tun_error(np, WHY_PORT, 0, is_own(&p->dst) ? NULL : &p->dst, p);
}

/* ---- beginning */

/* What the device can. Without checksums to make it gives and takes more. */
static void ask(struct tun *t, int fd)
{
	struct ifreq r = {0};

	if (ioctl(fd, TUNGETIFF, &r) < 0 || !(r.ifr_flags & IFF_VNET_HDR))
		return;
	t->vnet = true;
	t->train = ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!t->train)
		ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM);
}

int tun_init(struct netproc *np, const struct tun_takers *takers, struct err *e)
{
	int fd = np->fds.tun;

	if (fd < 0)
		return 0;
	struct netns_plan plan;
	int r = netns_plan(np->net, &plan, e);
	if (r < 0)
		return r;
	struct tun *t = xcalloc(1, sizeof *t);
	np->dev = t;
	*t = (struct tun){.np = np, .takers = takers, .mtu = plan.mtu};
	t->watch = (struct watch){.fd = -1, .fn = on_tun, .arg = t};
	t->idle = (struct timer){.fn = on_idle, .arg = t};
	t->buf = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->buf == MAP_FAILED)
		return err_set(e, errno, "a buffer for packets");
	ask(t, fd);
	r = loop_add(&np->loop, &t->watch, fd, EPOLLIN);
	return r < 0 ? err_set(e, -r, "watch the TUN device") : 0;
}
