#include <sys/socket.h>

#include "base/base.h"
#include "sys/netlink.h"

enum { ANSWER = 32768 };

int nl_open(int protocol, struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return err_set(e, errno, "open a netlink socket");
	nl_words(fd);
	return fd;
}

void nl_words(int fd)
{
	int one = 1;

	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
}

void nl_reset(struct nl_batch *b)
{
	b->len = b->at = 0;
	b->n = 0;
	b->full = false;
}

/* Room for n bytes, rounded up and zeroed; NULL, from then on always, if there is none. */
static void *room(struct nl_batch *b, size_t n)
{
	size_t all = NLMSG_ALIGN(n);
	void *p = b->buf + b->len;

	if (b->full || all > NL_ROOM - b->len) {
		b->full = true;
		return NULL;
	}
	memset(p, 0, all);
	b->len += all;
	return p;
}

static void set_length(struct nl_batch *b)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(b->buf + b->at);

	h->nlmsg_len = (uint32_t)(b->len - b->at);
}

void *nl_message(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, size_t fixed)
{
	static _Alignas(8) uint8_t nowhere[64]; /* written to and never sent: the batch is full */
	size_t at = b->len;
	struct nlmsghdr *h;

	if (b->n == NL_MESSAGES)
		b->full = true;
	h = room(b, NLMSG_HDRLEN + fixed);
	if (!h)
		return nowhere;
	b->at = at;
	*h = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags};
	h->nlmsg_seq = ++b->n;
	b->info[b->n - 1].what = what;
	b->info[b->n - 1].may = 0;
	set_length(b);
	return NLMSG_DATA(h);
}

void nl_may(struct nl_batch *b, int errnum)
{
	if (b->n)
		b->info[b->n - 1].may = errnum;
}

void nl_put(struct nl_batch *b, uint16_t attr, const void *p, size_t n)
{
	struct nlattr *a = room(b, NLA_HDRLEN + n);

	if (!a)
		return;
	a->nla_type = attr;
	a->nla_len = (uint16_t)(NLA_HDRLEN + n);
	if (n)
		memcpy((uint8_t *)a + NLA_HDRLEN, p, n);
	set_length(b);
}

void nl_put_u8(struct nl_batch *b, uint16_t attr, uint8_t v)
{
	nl_put(b, attr, &v, sizeof v);
}

void nl_put_u16(struct nl_batch *b, uint16_t attr, uint16_t v)
{
	nl_put(b, attr, &v, sizeof v);
}

void nl_put_u32(struct nl_batch *b, uint16_t attr, uint32_t v)
{
	nl_put(b, attr, &v, sizeof v);
}

void nl_put_be32(struct nl_batch *b, uint16_t attr, uint32_t v)
{
	uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	nl_put(b, attr, be, sizeof be);
}

void nl_put_text(struct nl_batch *b, uint16_t attr, const char *s)
{
	nl_put(b, attr, s, strlen(s) + 1);
}

size_t nl_nest(struct nl_batch *b, uint16_t attr)
{
	size_t at = b->len;

	nl_put(b, attr | NLA_F_NESTED, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_batch *b, size_t nest)
{
	struct nlattr *a = (struct nlattr *)(b->buf + nest);

	if (!b->full)
		a->nla_len = (uint16_t)(b->len - nest);
}

bool nl_next(const uint8_t *p, size_t n, size_t *pos, struct nl_attr *ret)
{
	struct nlattr a;

	if (*pos > n || n - *pos < NLA_HDRLEN)
		return false;
	memcpy(&a, p + *pos, sizeof a);
	if (a.nla_len < NLA_HDRLEN || a.nla_len > n - *pos)
		return false;
	ret->type = a.nla_type & NLA_TYPE_MASK;
	ret->p = p + *pos + NLA_HDRLEN;
	ret->n = a.nla_len - (size_t)NLA_HDRLEN;
	*pos += NLA_ALIGN(a.nla_len);
	return true;
}

uint32_t nl_u32(const struct nl_attr *a)
{
	uint32_t v = 0;

	if (a->n >= sizeof v)
		memcpy(&v, a->p, sizeof v);
	return v;
}

bool nl_next_msg(const uint8_t *p, size_t n, size_t *pos, struct nl_msg *ret)
{
	struct nlmsghdr h;

	if (*pos > n || n - *pos < NLMSG_HDRLEN)
		return false;
	memcpy(&h, p + *pos, sizeof h);
	if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > n - *pos)
		return false;
	*ret = (struct nl_msg){h.nlmsg_type, h.nlmsg_flags, h.nlmsg_seq, p + *pos + NLMSG_HDRLEN,
			       h.nlmsg_len - (size_t)NLMSG_HDRLEN};
	*pos += NLMSG_ALIGN(h.nlmsg_len);
	return true;
}

int nl_error(const struct nl_msg *m, char text[160])
{
	struct nlmsgerr v;
	size_t pos = sizeof v;
	struct nl_attr a;

	*text = 0;
	if (m->n < sizeof v)
		return EPROTO;
	memcpy(&v, m->p, sizeof v);
	if (!(m->flags & NLM_F_CAPPED)) /* the request follows */
		pos += v.msg.nlmsg_len > sizeof v.msg ? NLMSG_ALIGN(v.msg.nlmsg_len) - sizeof v.msg
						      : 0;
	while ((m->flags & NLM_F_ACK_TLVS) && nl_next(m->p, m->n, &pos, &a))
		if (a.type == NLMSGERR_ATTR_MSG && a.n)
			snprintf(text, 160, "%.*s", (int)strnlen((const char *)a.p, a.n),
				 (const char *)a.p);
	return v.error < 0 && v.error >= -4095 ? -v.error : v.error ? EPROTO : 0;
}

/* One datagram of answers; -EAGAIN: none left. */
static ssize_t answer(int fd, uint8_t *buf)
{
	ssize_t k;

	do
		k = recv(fd, buf, ANSWER, MSG_DONTWAIT | MSG_TRUNC);
	while (k < 0 && errno == EINTR);
	if (k > ANSWER)
		return -EMSGSIZE;
	return k < 0 ? -errno : k;
}

static int send_all(int fd, struct nl_batch *b, struct err *e)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t k;

	if (b->full)
		return err_set(e, ENOBUFS, "%s: too many netlink messages at once",
			       b->n ? b->info[b->n - 1].what : "");
	do
		k = sendto(fd, b->buf, b->len, 0, (const struct sockaddr *)&kernel, sizeof kernel);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return err_set(e, errno, "%s: send to the kernel", b->info[0].what);
	return 0;
}

static int failed(struct err *e, int errnum, const char *what, const char *words)
{
	if (!*words)
		return err_set(e, errnum, "%s", what);
	err_set(e, errnum, "%s", what);
	if (e) {
		size_t n = strlen(e->msg);
		snprintf(e->msg + n, sizeof e->msg - n, " (%s)", words);
	}
	return -errnum;
}

int nl_talk(int fd, struct nl_batch *b, int *ret_failed, struct err *e)
{
	uint8_t buf[ANSWER] __attribute__((aligned(8)));
	char words[160];
	bool last = false;
	ssize_t k = 0;
	int r = 0;

	if (ret_failed)
		*ret_failed = -1;
	if (!b->n)
		return 0;
	((struct nlmsghdr *)(b->buf + b->at))->nlmsg_flags |= NLM_F_ACK;
	r = send_all(fd, b, e);
	while (r == 0 && !last && (k = answer(fd, buf)) > 0) {
		struct nl_msg m;
		size_t pos = 0;

		while (nl_next_msg(buf, (size_t)k, &pos, &m)) {
			int x = m.type == NLMSG_ERROR ? nl_error(&m, words) : 0;

			if (m.type != NLMSG_ERROR || !m.seq || m.seq > b->n)
				continue;
			last = last || m.seq == b->n;
			if (!x || x == b->info[m.seq - 1].may || r)
				continue;
			r = failed(e, x, b->info[m.seq - 1].what, words);
			if (ret_failed)
				*ret_failed = (int)m.seq - 1;
		}
	}
	/* What else was said about a batch that failed: the socket is used again. */
	while (!last && k > 0)
		k = answer(fd, buf);
	if (!r && !last)
		r = err_set(e, k < 0 && k != -EAGAIN ? (int)-k : EPROTO,
			    "%s: the kernel gave no answer", b->info[b->n - 1].what);
	nl_reset(b);
	return r;
}

int nl_dump(int fd, struct nl_batch *b,
	    int (*fn)(uint16_t type, const uint8_t *p, size_t n, void *arg), void *arg,
	    struct err *e)
{
	uint8_t buf[ANSWER] __attribute__((aligned(8)));
	const char *what = b->info[0].what;
	bool done = false;
	char words[160];
	int r = send_all(fd, b, e);
	ssize_t k = 0;

	nl_reset(b);
	if (r < 0)
		return r;
	while (!done && (k = answer(fd, buf)) > 0) {
		struct nl_msg m;
		size_t pos = 0;

		while (!done && nl_next_msg(buf, (size_t)k, &pos, &m)) {
			if (m.type == NLMSG_ERROR || m.type == NLMSG_DONE) {
				int x = m.type == NLMSG_ERROR ? nl_error(&m, words) : 0;
				if (x && !r)
					r = failed(e, x, what, words);
				done = true;
			} else if (r == 0) {
				r = fn(m.type, m.p, m.n, arg);
			}
		}
	}
	if (!done && !r)
		return err_set(e, k < 0 && k != -EAGAIN ? (int)-k : EPROTO,
			       "%s: the kernel gave no answer", what);
	return r;
}
