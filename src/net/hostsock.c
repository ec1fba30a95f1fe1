#include <netinet/in.h>
#include <time.h>

#include <linux/errqueue.h>

#include "base/base.h"
#include "net/hostsock.h"
#include "net/tun.h"

static void set_int(int fd, int level, int name, int v)
{
	setsockopt(fd, level, name, &v, sizeof v);
}

void sock_set_header(int fd, uint8_t family, struct sock_header *have, uint8_t ttl, uint8_t tos,
		     bool df)
{
	bool six = family == 6;
	int level = six ? IPPROTO_IPV6 : IPPROTO_IP;

	if (!have->set || have->ttl != ttl)
		set_int(fd, level, six ? IPV6_UNICAST_HOPS : IP_TTL, ttl ? ttl : 1);
	if (!have->set || have->tos != tos)
		set_int(fd, level, six ? IPV6_TCLASS : IP_TOS, tos);
	if (!have->set || have->df != df)
		set_int(fd, level, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
			df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
	*have = (struct sock_header){ttl, tos, df, true};
}

void sock_ask_all(int fd, uint8_t family)
{
	static const int names4[] = {IP_RECVERR, IP_RECVTTL, IP_RECVTOS};
	static const int names6[] = {IPV6_RECVERR, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS};

	for (size_t i = 0; i < countof(names4); i++)
		set_int(fd, family == 6 ? IPPROTO_IPV6 : IPPROTO_IP,
			family == 6 ? names6[i] : names4[i], 1);
}

static int get_int(const struct cmsghdr *c)
{
	int v = 0;
	size_t n = c->cmsg_len - CMSG_LEN(0);

	memcpy(&v, CMSG_DATA(c), n < sizeof v ? n : sizeof v);
	return v;
}

static struct cmsghdr *next_control(const struct msghdr *m, struct cmsghdr *c)
{
	return CMSG_NXTHDR((struct msghdr *)m, c);
}

void sock_header_of(const struct msghdr *m, uint8_t *ttl, uint8_t *tos)
{
	*ttl = 64;
	*tos = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = next_control(m, c)) {
		int v = get_int(c);
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
			*ttl = (uint8_t)v;
		else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			*tos = (uint8_t)v;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
			*ttl = (uint8_t)v;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			*tos = (uint8_t)v;
	}
}

bool sock_error_next(int fd, struct sock_error *ret)
{
	_Alignas(struct cmsghdr) char control[512];
	struct sockaddr_storage to = {0};
	struct iovec v = {ret->data, sizeof ret->data};
	struct msghdr m = {.msg_name = &to,
			   .msg_namelen = sizeof to,
			   .msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof control};
	struct {
		struct sock_extended_err e;
		struct sockaddr_in6 from;
	} x = {0};

	ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n < 0)
		return false;
	ret->len = (size_t)n < sizeof ret->data ? (size_t)n : sizeof ret->data;
	sockaddr_read(&to, &ret->to, &ret->port);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = next_control(&m, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			memcpy(&x, CMSG_DATA(c), len < sizeof x ? len : sizeof x);
	}
	ret->code = (int)x.e.ee_errno;
	ret->icmp = x.e.ee_origin == SO_EE_ORIGIN_ICMP || x.e.ee_origin == SO_EE_ORIGIN_ICMP6;
	ret->type = x.e.ee_type;
	ret->kind = x.e.ee_code;
	ret->mtu = ret->code == EMSGSIZE ? x.e.ee_info : 0;
	struct sockaddr_storage from = {0};
	memcpy(&from, &x.from, sizeof x.from);
	uint16_t port;
	sockaddr_read(&from, &ret->from, &port);
	return true;
}

void sock_error_pass(struct netproc *np, const struct sock_error *v, const struct packet_to *sent,
		     bool echo, const struct ip *host)
{
	uint8_t orig[PACKET_HEAD_MAX + sizeof v->data], out[PACKET_ERROR_MAX];
	struct ip from = v->from;

	if (!v->icmp)
		return;
	size_t n = echo ? packet_echo_head(orig, sent, false, v->data, v->len)
			: packet_udp_head(orig, sent, v->data, v->len, true);
	memcpy(orig + n, v->data, v->len);
	if (ip_equal(&from, host))
		from = sent->dst;
	else if (from.family != sent->src.family || ip_is_loopback(&from) || ip_is_any(&from) ||
		 (from.family == 6 && ip_is_link_local(&from)))
		from = tun_gateway(np, sent->src.family);
	tun_send(np, out, packet_error_raw(out, v->type, v->kind, v->mtu, &from, orig, n + v->len));
}

void sock_refused(struct netproc *np, const struct packet *p, int code, uint32_t mtu)
{
	switch (code) {
	case EMSGSIZE:
		if (mtu)
			tun_error(np, WHY_TOO_BIG, mtu, NULL, p);
		break;
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		tun_error(np, WHY_NET, 0, NULL, p);
		break;
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENODEV:
	case EINVAL:
		tun_error(np, WHY_HOST, 0, NULL, p);
		break;
	case EPERM:
	case EACCES:
		tun_error(np, WHY_PROHIBITED, 0, NULL, p);
		break;
	default:
		break;
	}
}
