#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "base/base.h"
#include "base/dl.h"
#include "net/hostnet.h"

#define MNL_SYMS(X)                                                                                \
	X(mnl_socket_open2)                                                                        \
	X(mnl_socket_close)                                                                        \
	X(mnl_socket_sendto)                                                                       \
	X(mnl_socket_recvfrom)                                                                     \
	X(mnl_nlmsg_put_header)                                                                    \
	X(mnl_nlmsg_put_extra_header)                                                              \
	X(mnl_nlmsg_get_payload)                                                                   \
	X(mnl_nlmsg_get_payload_len)                                                               \
	X(mnl_attr_parse)                                                                          \
	X(mnl_attr_get_type)                                                                       \
	X(mnl_attr_get_payload)                                                                    \
	X(mnl_attr_get_payload_len)                                                                \
	X(mnl_cb_run)

MNL_SYMS(DL_POINTER)
static const struct dl_sym mnl_syms[] = {MNL_SYMS(DL_ROW_MNL)};
DL_NOTE(note_mnl, "[{\"soname\":[\"libmnl.so.0\"],\"feature\":\"networks\",\"priority\":"
		  "\"recommended\",\"description\":\"Subnets that the host does not use\"}]");

enum {
	PREFIXES_MAX =
		100000, /* a router with a full table has more; its default is what matters */
	SEQUENCE = 1,
	ANSWER = 32768,
};

struct list {
	struct ip_net *v;
	size_t n, room;
};

static void add(struct list *l, const struct ip_net *v)
{
	struct ip_net n = ip_net_mask(v);

	/* Each address has its route, so what was added last is most often the same. */
	for (size_t i = l->n; i > 0 && l->n - i < 64; i--)
		if (l->v[i - 1].len == n.len && ip_equal(&l->v[i - 1].ip, &n.ip))
			return;
	if (l->n == PREFIXES_MAX)
		return;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 32;
		l->v = xrealloc(l->v, l->room * sizeof *l->v);
	}
	l->v[l->n++] = n;
}

struct entry {
	struct ip_net net;
	uint16_t local, far; /* the attributes that hold the address: the first one counts more */
	bool found;	     /* local was there */
};

static int take_attr(const struct nlattr *attr, void *arg)
{
	struct entry *v = arg;
	uint16_t type = dl_mnl_attr_get_type(attr);
	size_t len = v->net.ip.family == 6 ? 16 : 4;

	if ((type != v->local && type != v->far) || (type != v->local && v->found) ||
	    dl_mnl_attr_get_payload_len(attr) != len)
		return MNL_CB_OK;
	memcpy(v->net.ip.b, dl_mnl_attr_get_payload(attr), len);
	v->found = v->found || type == v->local;
	return MNL_CB_OK;
}

/* Not the default route, nor the two halves by which some VPNs replace it. */
static int take_message(const struct nlmsghdr *h, void *arg)
{
	const void *fixed = dl_mnl_nlmsg_get_payload(h);
	struct entry v = {0};
	size_t size = sizeof(struct ifaddrmsg);
	int family;

	if (h->nlmsg_type == RTM_NEWADDR && dl_mnl_nlmsg_get_payload_len(h) >= size) {
		const struct ifaddrmsg *m = fixed;
		family = m->ifa_family;
		v.net.len = m->ifa_prefixlen;
		v.local = IFA_LOCAL; /* IPv6 has none unless there is a peer */
		v.far = IFA_ADDRESS;
	} else if (h->nlmsg_type == RTM_NEWROUTE &&
		   dl_mnl_nlmsg_get_payload_len(h) >= sizeof(struct rtmsg)) {
		const struct rtmsg *m = fixed;
		size = sizeof *m;
		family = m->rtm_family;
		v.net.len = m->rtm_dst_len;
		v.local = v.far = RTA_DST;
		if (m->rtm_type == RTN_LOCAL || m->rtm_type == RTN_BROADCAST ||
		    m->rtm_type == RTN_ANYCAST || m->rtm_type == RTN_MULTICAST)
			return MNL_CB_OK;
	} else {
		return MNL_CB_OK;
	}
	if ((family != AF_INET && family != AF_INET6) || v.net.len < 2 ||
	    v.net.len > (family == AF_INET6 ? 128 : 32))
		return MNL_CB_OK;
	v.net.ip.family = family == AF_INET6 ? 6 : 4;
	dl_mnl_attr_parse(h, (unsigned)size, take_attr, &v);
	if (!ip_is_any(&v.net.ip))
		add(arg, &v.net);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *s, uint16_t type, struct list *l)
{
	_Alignas(8) char buf[ANSWER];
	struct nlmsghdr *h = dl_mnl_nlmsg_put_header(buf);
	ssize_t n = 0;
	int r = MNL_CB_OK;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = SEQUENCE;
	/* All zero: of every family. */
	dl_mnl_nlmsg_put_extra_header(h, type == RTM_GETADDR ? sizeof(struct ifaddrmsg)
							     : sizeof(struct rtmsg));
	if (dl_mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	while (r == MNL_CB_OK) {
		n = dl_mnl_socket_recvfrom(s, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		r = dl_mnl_cb_run(buf, (size_t)n, SEQUENCE, 0, take_message, l);
	}
	return r == MNL_CB_ERROR ? -errno : 0;
}

int hostnet_prefixes(struct ip_net **ret, size_t *n, struct err *e)
{
	static bool loaded;
	struct list l = {0};
	int r = dl_load(&loaded, "libmnl.so.0", mnl_syms, countof(mnl_syms), e);

	*ret = NULL;
	*n = 0;
	if (r < 0)
		return r;
	struct mnl_socket *s = dl_mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!s)
		return err_set(e, errno, "open a netlink socket");
	r = dump(s, RTM_GETADDR, &l);
	if (r == 0)
		r = dump(s, RTM_GETROUTE, &l);
	dl_mnl_socket_close(s);
	if (r < 0) {
		free(l.v);
		return err_set(e, r, "list the host's addresses and routes");
	}
	*ret = l.v;
	*n = l.n;
	return 0;
}
