/*
 * packet.h - IP packets taken apart and put together: what the network process reads from its TUN device and writes back.
 *
 * What comes in was made by whoever is root in a container: every length is checked against the bytes that are there, and what contradicts
 * itself is refused as a whole. Nothing is copied: a struct packet points into the buffer that was read. What goes out is built from values of
 * our own, with right checksums; errors quote the packet that they are about, as hosts need to find the socket that sent it.
 * No system calls, no state but a counter for IPv4's identification.
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "net/addr.h"

enum {
	PACKET_MAX = 65575,	  /* IPv6's header and what its length field can say */
	PACKET_HEAD_MAX = 48,	  /* of what packet_udp_head() and packet_echo_head() build */
	PACKET_RST_MAX = 60,	  /* of packet_rst() */
	PACKET_ERROR_MAX = 1280,  /* of packet_error() */
	PACKET_BODY_MAX4 = 65507, /* of a datagram or an echo */
	PACKET_BODY_MAX6 = 65527,
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

struct packet {
	const uint8_t *data; /* from the IP header on */
	size_t len;	     /* what the header says, never more than was read */
	struct ip src, dst;
	uint8_t proto; /* IPPROTO_* of what follows the IP header and IPv6's extension headers */
	uint8_t ttl, tos;
	bool df; /* no router may cut it: always so for an IPv6 packet that is no fragment */
	/* A fragment has no ports and no body: net/packet_defrag.h. */
	bool fragment, more;
	uint32_t frag_id;
	uint32_t frag_at; /* bytes */

	const uint8_t *payload; /* the transport's header */
	size_t payload_len;
	const uint8_t *body; /* behind it; TCP, UDP, ICMP */
	size_t body_len;
	uint16_t src_port, dst_port; /* TCP and UDP; host byte order */
	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint8_t icmp_type, icmp_code;
	uint16_t echo_id, echo_seq;

	/* Added by net/tun.c. */
	struct member *member; /* whose src is */
	struct ip to;	       /* the host's name for dst */
	size_t segment; /* the body is many datagrams of this length, the last may be shorter; 0: it is one */
};

/* -EINVAL for what is cut off or contradicts itself, for source routes (IPv6), jumbograms and ports 0. Checks the sum of the IPv4 header only. */
int packet_parse(const uint8_t *data, size_t len, struct packet *ret) __attribute__((hot));
/* Is the checksum of TCP, UDP or ICMP right? True for other protocols; a fragment's is not known: true. */
bool packet_sum_right(const struct packet *p);

/* The answer to a TCP segment for which nobody is there (RFC 9293, 3.10.7.1). Returns its length; 0: none is due. */
size_t packet_rst(uint8_t out[PACKET_RST_MAX], const struct packet *p);

enum packet_why {
	WHY_NET,	/* no route */
	WHY_HOST,	/* host unreachable */
	WHY_PORT,	/* nobody is there */
	WHY_PROHIBITED, /* by policy */
	WHY_TOO_BIG,	/* with the MTU */
	WHY_TTL,	/* time exceeded in transit */
};
/* An ICMP or ICMPv6 error about the packet whose first bytes are orig (from its IP header on; it may be cut off), from the address `from`, to its sender.
 * Returns its length; 0 if none may be sent (RFC 1122, 3.2.2; RFC 4443, 2.4): about an error, a later fragment, or something
 * sent to or from several. mtu: with WHY_TOO_BIG. */
size_t packet_error(uint8_t out[PACKET_ERROR_MAX], enum packet_why why, uint32_t mtu,
		    const struct ip *from, const uint8_t *orig, size_t orig_len);
/* The same with type, code and the four bytes behind the checksum, as they came from elsewhere. */
size_t packet_error_raw(uint8_t out[PACKET_ERROR_MAX], uint8_t type, uint8_t code, uint32_t rest,
			const struct ip *from, const uint8_t *orig, size_t orig_len);

/* Where a packet that is built goes, and what its IP header says. src and dst: of one family. */
struct packet_to {
	struct ip src, dst;
	uint16_t src_port,
		dst_port; /* of an echo: src_port is its id, dst_port its sequence number */
	uint8_t ttl, tos;
};
/* The headers in front of a datagram with this body: their length, 28 or 48; 0: it is too long. IPv4 may be cut on the way (no DF).
 * sum false: the checksum covers just the pseudo header (what CHECKSUM_PARTIAL wants). */
size_t packet_udp_head(uint8_t out[PACKET_HEAD_MAX], const struct packet_to *to, const void *body,
		       size_t len, bool sum) __attribute__((hot));
/* The headers in front of an echo request or reply. */
size_t packet_echo_head(uint8_t out[PACKET_HEAD_MAX], const struct packet_to *to, bool reply,
			const void *body, size_t len);

/* An IPv6 packet without extension headers, longer than mtu (at least 1280), goes in pieces: the head of the piece that begins at `at` (0 first; counted
 * behind the IPv6 header), of PACKET_HEAD_MAX bytes, into out. Returns how many bytes of the packet follow it. */
size_t packet_piece6(uint8_t out[PACKET_HEAD_MAX], const uint8_t head[40], size_t len, uint32_t id,
		     size_t at, size_t mtu);

/* The internet checksum of some bytes, continued from sum; folded and inverted by packet_sum_end(). Pieces but the last are of even length. */
uint64_t packet_sum(const void *p, size_t n, uint64_t sum) __attribute__((hot));
uint16_t packet_sum_end(uint64_t sum); /* in network byte order as it lies in memory */

#endif
