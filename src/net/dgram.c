#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/mman.h>

#include "base/base.h"
#include "net/dgram.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { BUFFER_BYTES = 1 << 20, CONTROL_MAX = 64 };

static struct dgram_in in;

int dgram_receive(int fd, struct dgram_in **ret)
{
	*ret = &in;
	if (!in.buf) {
		void *p = mmap(NULL, (size_t)DGRAM_BATCH * DGRAM_SLOT, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return -ENOMEM;
		in.buf = p;
	}
	for (size_t i = 0; i < DGRAM_BATCH; i++) {
		in.v[i] = (struct iovec){in.buf + i * DGRAM_SLOT, DGRAM_SLOT};
		in.m[i].msg_hdr = (struct msghdr){.msg_name = &in.from[i],
						  .msg_namelen = sizeof in.from[i],
						  .msg_iov = &in.v[i],
						  .msg_iovlen = 1,
						  .msg_control = in.control[i],
						  .msg_controllen = sizeof in.control[i]};
	}
	int n = recvmmsg(fd, in.m, DGRAM_BATCH, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}

size_t dgram_segment(const struct msghdr *m)
{
	int v = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO &&
		    c->cmsg_len >= CMSG_LEN(sizeof v))
			memcpy(&v, CMSG_DATA(c), sizeof v);
	return v > 0 ? (size_t)v : 0;
}

void dgram_settle(void)
{
	if (in.buf)
		munmap(in.buf, (size_t)DGRAM_BATCH * DGRAM_SLOT);
	in.buf = NULL;
}

void dgram_prepare(int fd)
{
	static const int one = 1, bytes = BUFFER_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
}

bool train_add(struct train *t, void *body, size_t len)
{
	if (t->n && (t->n == TRAIN_MAX || !len || len > t->v[0].iov_len ||
		     t->v[t->n - 1].iov_len < t->v[0].iov_len || t->bytes + len > TRAIN_BYTES))
		return false;
	t->v[t->n++] = (struct iovec){body, len};
	t->bytes += len;
	return true;
}

static int send_some(int fd, const struct dgram_to *to, const struct iovec *v, size_t n,
		     size_t segment)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX + CMSG_SPACE(sizeof(uint16_t))];
	struct msghdr m = {.msg_name = (void *)to->sa,
			   .msg_namelen = to->sa ? to->len : 0,
			   .msg_iov = (struct iovec *)v,
			   .msg_iovlen = n,
			   .msg_control = control,
			   .msg_controllen = to->control_len};

	if (to->control_len)
		memcpy(control, to->control, to->control_len);
	if (segment) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)(control + to->control_len);
		uint16_t s = (uint16_t)segment;
		*c = (struct cmsghdr){.cmsg_level = IPPROTO_UDP,
				      .cmsg_type = UDP_SEGMENT,
				      .cmsg_len = CMSG_LEN(sizeof s)};
		memcpy(CMSG_DATA(c), &s, sizeof s);
		m.msg_controllen += CMSG_SPACE(sizeof s);
	}
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int train_send(int fd, const struct dgram_to *to, const struct train *t, bool *no_train)
{
	int r = 0;

	if (t->n > 1 && !*no_train) {
		r = send_some(fd, to, t->v, t->n, t->v[0].iov_len);
		if (r == 0 || r == -EAGAIN || r == -ENOBUFS)
			return 0;
		/* No way for trains there; or what the socket was told about an earlier one, or they are too long for this path. */
		*no_train = r == -EIO || r == -ENOPROTOOPT;
		r = 0;
	}
	for (size_t i = 0; i < t->n; i++) {
		int one = send_some(fd, to, &t->v[i], 1, 0);
		if (one < 0 && one != -EAGAIN && one != -ENOBUFS)
			r = one;
	}
	return r;
}
