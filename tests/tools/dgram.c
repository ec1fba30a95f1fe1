/*
 * dgram.c - datagrams and echo requests for the tests, inside of containers (static) and outside.
 *
 *     dgram echo ADDRESS PORT [LABEL]          answers what comes; prints "ADDRESS PORT LENGTH" for each, from where it came, and LABEL in front of the answer
 *     dgram send [OPTION...] ADDRESS PORT      sends and prints what happens: "answer LENGTH ADDRESS PORT ttl N", "refused", "net", "host", "prohibited", "too big MTU", "ttl ADDRESS",
 *                                              "nothing"; the first line "bound PORT"
 *         -n BYTES  length (8)   -c N  so many times (1)   -i SECONDS  between them (0)   -t TTL   -d 0|1|2|3  IP_MTU_DISCOVER   -b PORT  bind   -w SECONDS  wait (3)   -k SECONDS  listen on, and print
 *                                all that comes   -S PORT  then send the same from the same socket to this port too
 *     dgram many ADDRESS PORT N                one datagram from each of N sockets, all open at once if they may be; prints "N answers"
 *     dgram ping [-n BYTES] [-t TTL] [-c N] ADDRESS    an echo request of a raw socket, the same words
 *     dgram sink PORT SECONDS                  prints how many datagrams and bytes came (the clock begins with the first)
 *     dgram flood [-g] ADDRESS PORT BYTES SECONDS   sends as fast as it can, 32 at a time (-g: one train of UDP_SEGMENT); prints how many datagrams
 *     dgram raw ADDRESS HEX                    sends one IPv4 packet as it is (a raw socket; ADDRESS: where to)
 *     dgram frames DEVICE MAC FILE...          sends the packets in files (two bytes of length in front of each) to that MAC, as they are
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static char buf[70000];
static bool six;

static void die(const char *what)
{
	fprintf(stderr, "dgram: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static socklen_t address(struct sockaddr_storage *sa, const char *text, int port)
{
	struct sockaddr_in *v4 = (void *)sa;
	struct sockaddr_in6 *v6 = (void *)sa;

	memset(sa, 0, sizeof *sa);
	six = strchr(text, ':') != NULL;
	if (six) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
			die(text);
		return sizeof *v6;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, text, &v4->sin_addr) != 1)
		die(text);
	return sizeof *v4;
}

static const char *text_of(const void *p, int *port)
{
	static char t[64];
	const struct sockaddr_in *v4 = p;
	const struct sockaddr_in6 *v6 = p;

	if (v4->sin_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, t, sizeof t);
		*port = ntohs(v6->sin6_port);
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, t, sizeof t);
		*port = ntohs(v4->sin_port);
	}
	return t;
}

static void set(int fd, int l4, int n4, int l6, int n6, int v)
{
	if (setsockopt(fd, six ? l6 : l4, six ? n6 : n4, &v, sizeof v) < 0)
		die("setsockopt");
}

static _Noreturn void echo(char **a, int n)
{
	struct sockaddr_storage sa, from;
	int port, one = 1;
	char label[64] = "";
	socklen_t len = address(&sa, a[0], atoi(a[1]));
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);

	if (six)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (fd < 0 || bind(fd, (void *)&sa, len) < 0)
		die("bind");
	if (n > 2)
		snprintf(label, sizeof label, "%s", a[2]);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		len = sizeof from;
		size_t k = strlen(label);
		memcpy(buf, label, k);
		ssize_t r = recvfrom(fd, buf + k, sizeof buf - k, 0, (void *)&from, &len);
		if (r < 0)
			continue;
		const char *t = text_of(&from, &port);
		printf("%s %d %zd\n", t, port, r);
		fflush(stdout);
		if (sendto(fd, buf, (size_t)r + k, 0, (void *)&from, len) < 0)
			perror("dgram: answer");
	}
}

static void say(int code, unsigned type, unsigned kind, unsigned info, const char *who)
{
	(void)code;
	if ((!six && type == 3 && kind == 3) || (six && type == 1 && kind == 4))
		printf("refused %s\n", who);
	else if ((!six && type == 3 && kind == 4) || (six && type == 2))
		printf("too big %u\n", info);
	else if ((!six && type == 11) || (six && type == 3))
		printf("ttl %s\n", who);
	else if ((!six && type == 3 && kind == 0) || (six && type == 1 && kind == 0))
		printf("net %s\n", who);
	else if ((!six && type == 3 && kind == 1) || (six && type == 1 && kind == 3))
		printf("host %s\n", who);
	else if ((!six && type == 3 && kind == 13) || (six && type == 1 && kind == 1))
		printf("prohibited %s\n", who);
	else
		printf("icmp %u %u\n", type, kind);
}

/* One event of the socket within the time; false: nothing. */
static bool event(int fd, double wait)
{
	char control[512];
	struct sockaddr_storage from;
	struct iovec v = {buf, sizeof buf};
	struct msghdr m = {&from, sizeof from, &v, 1, control, sizeof control, 0};
	struct pollfd p = {fd, POLLIN, 0};
	int port, ttl = 0;

	if (poll(&p, 1, (int)(wait * 1000)) <= 0)
		return false;
	if (p.revents & POLLERR) {
		if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0)
			return false;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err *e = (void *)CMSG_DATA(c);
			if (!((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			      (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)))
				continue;
			if (e->ee_origin == SO_EE_ORIGIN_LOCAL)
				printf("local %u %u\n", e->ee_errno, e->ee_info);
			else
				say((int)e->ee_errno, e->ee_type, e->ee_code, e->ee_info,
				    text_of(SO_EE_OFFENDER(e), &port));
		}
		fflush(stdout);
		return true;
	}
	ssize_t n = recvmsg(fd, &m, 0);
	if (n < 0)
		return true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
	bool same = true;
	for (ssize_t i = 0; i < n; i++)
		same &= (uint8_t)buf[i] == (uint8_t)(n - i);
	const char *t = text_of(&from, &port);
	printf("answer %zd %s %d ttl %d%s\n", n, t, port, ttl, same ? "" : " other bytes");
	fflush(stdout);
	return true;
}

static void fill(char *p, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (char)(n - i);
}

static int send_some(int c, char **v)
{
	int bytes = 8, count = 1, ttl = 0, df = -1, bound = 0, o, second = 0;
	double wait = 3, keep = 0, pause = 0;
	struct sockaddr_storage sa, own;
	socklen_t len;

	while ((o = getopt(c, v, "n:c:t:d:b:w:k:S:i:")) > 0) {
		int x = atoi(optarg);
		*(o == 'n'   ? &bytes
		  : o == 'c' ? &count
		  : o == 't' ? &ttl
		  : o == 'd' ? &df
		  : o == 'S' ? &second
			     : &bound) = o == 'w' || o == 'k' || o == 'i' ? bound : x;
		if (o == 'w')
			wait = atof(optarg);
		if (o == 'k')
			keep = atof(optarg);
		if (o == 'i')
			pause = atof(optarg);
	}
	len = address(&sa, v[optind], atoi(v[optind + 1]));
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	address(&own, six ? "::" : "0.0.0.0", bound);
	if (fd < 0 || bind(fd, (void *)&own, len) < 0)
		die("bind");
	set(fd, IPPROTO_IP, IP_RECVERR, IPPROTO_IPV6, IPV6_RECVERR, 1);
	set(fd, IPPROTO_IP, IP_RECVTTL, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	if (ttl)
		set(fd, IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
	if (df >= 0)
		set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IPPROTO_IPV6, IPV6_MTU_DISCOVER, df);
	socklen_t l = sizeof own;
	int port;
	getsockname(fd, (void *)&own, &l);
	text_of(&own, &port);
	printf("bound %d\n", port);
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < 1 + !!second; k++) {
			address(&sa, v[optind], k ? second : atoi(v[optind + 1]));
			fill(buf, bytes);
			if (sendto(fd, buf, (size_t)bytes, 0, (void *)&sa, len) < 0)
				printf("send: %s\n", strerror(errno));
			if (!event(fd, wait))
				printf("nothing\n");
			fflush(stdout);
		}
		usleep((useconds_t)(pause * 1e6));
	}
	for (double end = now() + keep; now() < end;)
		event(fd, end - now());
	return 0;
}

static int many(char **a)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, a[0], atoi(a[1]));
	int n = atoi(a[2]), answers = 0;

	for (int i = 0; i < n; i++) {
		int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
		struct pollfd p = {fd, POLLIN, 0};
		if (fd < 0)
			die("socket");
		for (int tries = 0; tries < 3; tries++) {
			if (sendto(fd, buf, 10, 0, (void *)&sa, len) < 0)
				die("send");
			if (poll(&p, 1, 1000) > 0 && recv(fd, buf, sizeof buf, 0) == 10) {
				answers++;
				break;
			}
		}
		if (i > 500) /* a container has 1,024 descriptors */
			close(fd);
	}
	printf("%d answers\n", answers);
	return 0;
}

static uint16_t sum(const char *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		s += (uint32_t)((uint8_t)p[i] << 8 | (uint8_t)p[i + 1]);
	if (n % 2)
		s += (uint32_t)((uint8_t)p[n - 1] << 8);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* What came to a raw socket, as words; false: it is not for us. */
static bool ping_came(const char *p, ssize_t n, const char *from, int bytes, int seq)
{
	int ttl = 0;

	if (!six) {
		size_t h = (size_t)(p[0] & 15) * 4;
		ttl = (uint8_t)p[8];
		p += h;
		n -= (ssize_t)h;
	}
	uint8_t type = (uint8_t)p[0], code = (uint8_t)p[1];
	if (n < 8 || type == (six ? 128 : 8) || (six && type > 129))
		return false;
	if (type == (six ? 129 : 0)) {
		bool same = n == bytes + 8 && (uint8_t)p[4] == 0x12 && (uint8_t)p[5] == 0x34 &&
			    (uint8_t)p[7] == seq;
		for (ssize_t i = 8; i < n; i++)
			same &= (uint8_t)p[i] == (uint8_t)(n - i);
		printf("answer %zd %s ttl %d%s\n", n - 8, from, ttl, same ? "" : " other bytes");
		return true;
	}
	say(0, type, code, (uint32_t)((uint8_t)p[6] << 8 | (uint8_t)p[7]), from);
	return true;
}

static int ping(int c, char **v)
{
	int bytes = 8, count = 1, ttl = 0, o, port;
	struct sockaddr_storage sa, from;

	while ((o = getopt(c, v, "n:c:t:")) > 0)
		*(o == 'n' ? &bytes : o == 'c' ? &count : &ttl) = atoi(optarg);
	socklen_t len = address(&sa, v[optind], 0);
	int fd = socket(sa.ss_family, SOCK_RAW, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (fd < 0)
		die("raw socket");
	if (ttl)
		set(fd, IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
	for (int seq = 1; seq <= count; seq++) {
		char head[8] = {(char)(six ? 128 : 8), 0, 0, 0, 0x12, 0x34, 0, (char)seq};
		memcpy(buf, head, 8);
		fill(buf + 8, bytes);
		uint16_t s = six ? 0 : sum(buf, (size_t)bytes + 8);
		buf[2] = (char)(s >> 8);
		buf[3] = (char)s;
		if (sendto(fd, buf, (size_t)bytes + 8, 0, (void *)&sa, len) < 0)
			printf("send: %s\n", strerror(errno));
		double end = now() + 3;
		bool came = false;
		while (!came && now() < end) {
			struct pollfd p = {fd, POLLIN, 0};
			if (poll(&p, 1, (int)((end - now()) * 1000)) <= 0)
				break;
			socklen_t l = sizeof from;
			ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (void *)&from, &l);
			came = n > 0 && ping_came(buf, n, text_of(&from, &port), bytes, seq);
		}
		if (!came)
			printf("nothing\n");
		fflush(stdout);
	}
	return 0;
}

static int sink(char **a)
{
	struct sockaddr_storage sa;
	int big = 8 << 20;
	double begin = 0, secs = atof(a[1]);
	uint64_t n = 0, bytes = 0;
	socklen_t len = address(&sa, strchr(a[0], ':') ? "::" : "0.0.0.0", atoi(a[0]));
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	if (bind(fd, (void *)&sa, len) < 0)
		die("bind");
	for (;;) {
		static char b[32][2048];
		struct iovec v[32];
		struct mmsghdr m[32] = {0};
		struct pollfd p = {fd, POLLIN, 0};
		if (poll(&p, 1, begin > 0 ? 500 : 10000) <= 0 || (begin > 0 && now() - begin > secs))
			break;
		if (begin == 0)
			begin = now();
		for (int i = 0; i < 32; i++) {
			v[i] = (struct iovec){b[i], sizeof b[i]};
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		int k = recvmmsg(fd, m, 32, MSG_DONTWAIT | MSG_TRUNC, NULL);
		for (int i = 0; i < k; i++, n++)
			bytes += m[i].msg_len;
	}
	double t = now() - begin;
	printf("%.0f datagrams/s %.1f MB/s\n", (double)n / t, (double)bytes / t / 1e6);
	return 0;
}

static int flood(int c, char **v)
{
	struct sockaddr_storage sa;
	int train = 0, o;

	while ((o = getopt(c, v, "g")) > 0)
		train = 1;
	socklen_t len = address(&sa, v[optind], atoi(v[optind + 1]));
	int bytes = atoi(v[optind + 2]);
	double end = now() + atof(v[optind + 3]);
	uint64_t sent = 0;
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);

	if (connect(fd, (void *)&sa, len) < 0)
		die("connect");
	if (train && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &bytes, sizeof bytes) < 0)
		die("UDP_SEGMENT");
	while (now() < end) {
		struct iovec iov = {buf, (size_t)bytes};
		struct mmsghdr m[32] = {0};
		if (train) {
			int k = 32 * bytes > 65000 ? 65000 / bytes : 32;
			if (send(fd, buf, (size_t)(k * bytes), 0) > 0)
				sent += (uint64_t)k;
			continue;
		}
		for (int i = 0; i < 32; i++) {
			m[i].msg_hdr.msg_iov = &iov;
			m[i].msg_hdr.msg_iovlen = 1;
		}
		int k = sendmmsg(fd, m, 32, 0);
		if (k > 0)
			sent += (uint64_t)k;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}

static int raw(char **a)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, a[0], 0);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	size_t n = 0;
	unsigned x;

	for (const char *p = a[1]; sscanf(p, "%2x", &x) == 1; p += 2)
		buf[n++] = (char)x;
	if (fd < 0 || sendto(fd, buf, n, 0, (void *)&sa, len) < 0)
		die("raw");
	return 0;
}

static int frames(char **a)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6, .sll_ifindex = (int)if_nametoindex(a[0])};
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0), sent = 0;
	uint8_t *m = to.sll_addr;

	if (fd < 0 || sscanf(a[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
		die("frames");
	for (a += 2; *a; a++) {
		FILE *f = fopen(*a, "r");
		uint8_t len[2];
		while (f && fread(len, 1, 2, f) == 2) {
			size_t n = fread(buf, 1, (size_t)(len[0] << 8 | len[1]), f);
			to.sll_protocol = htons(n && (uint8_t)buf[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
			sent += sendto(fd, buf, n, 0, (void *)&to, sizeof to) >= 0; /* what is longer than the device takes is refused here */
		}
		if (f)
			fclose(f);
	}
	printf("%d sent\n", sent);
	return 0;
}

int main(int c, char **v)
{
	const char *verb = c > 1 ? v[1] : "";

	if (!strcmp(verb, "echo") && c > 3)
		echo(v + 2, c - 2);
	if (!strcmp(verb, "send") && c > 3)
		return send_some(c - 1, v + 1);
	if (!strcmp(verb, "many") && c > 4)
		return many(v + 2);
	if (!strcmp(verb, "ping") && c > 2)
		return ping(c - 1, v + 1);
	if (!strcmp(verb, "sink") && c > 3)
		return sink(v + 2);
	if (!strcmp(verb, "flood") && c > 5)
		return flood(c - 1, v + 1);
	if (!strcmp(verb, "raw") && c > 3)
		return raw(v + 2);
	if (!strcmp(verb, "frames") && c > 4)
		return frames(v + 2);
	fprintf(stderr, "dgram: see the head of dgram.c\n");
	return 2;
}
