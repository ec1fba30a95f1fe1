/*
 * stream - TCP servers and clients for the tests of tests/net: they check every byte, and say what the kernel told them.
 *
 *     stream serve ADDRESS PORT	prints "ready"; each connection says in its first line what it wants:
 *		peer			the address it comes from
 *		echo			its bytes back, until it ends
 *		get N			N bytes of the pattern, then the end
 *		put			takes the pattern until the end, checks it, answers "ok N"
 *		late			after the end of what it sends: "late" (half-closed)
 *		reset			a reset
 *		hold			is not read any more and not closed
 *		once			answers "once" and closes first
 *     stream ask ADDRESS PORT [LINE]	sends the line, prints what comes; else the name of the error (REFUSED, HOSTUNREACH, NETUNREACH, TIMEOUT, RESET ...)
 *     stream get|put ADDRESS PORT N	checks N bytes of the pattern, prints "ok N"
 *     stream many ADDRESS PORT N	N connections at once; each echoes, waits for all others, echoes again; prints "ok COUNT failed COUNT"
 *     stream row ADDRESS PORT N [SRC]	N short connections, one after the other (from one port SRC: in turns reset, and closed by the server first); prints "ok COUNT"
 *     stream stuck ADDRESS PORT	writes to "hold" until nothing goes for a second, prints how many bytes; waits for the end of its stdin
 *     stream idle ADDRESS PORT		echoes once, prints "up", and again for each line of stdin: "alive" or the error
 *     stream syns FROM ADDRESS PORT N [VIA]	N bare SYNs from as many ports, through a raw socket (CAP_NET_RAW), and nothing more; VIA: sent as if to there
 *     stream fill PORT...		listens on these, prints "ready", waits for the end of its stdin
 * -t SECONDS in front: how long a connection may take (default 20).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUF = 1 << 16 };
static int patience = 20;

static const char *name_of(int e)
{
	switch (e) {
	case ECONNREFUSED: return "REFUSED";
	case EHOSTUNREACH: return "HOSTUNREACH";
	case ENETUNREACH: return "NETUNREACH";
	case EACCES: return "PROHIBITED";
	case ETIMEDOUT:
	case EINPROGRESS:
	case EAGAIN: return "TIMEOUT";
	case ECONNRESET: return "RESET";
	case EPIPE: return "PIPE";
	default: return strerror(e);
	}
}

static int over(void)
{
	puts(name_of(errno));
	return 1;
}

static socklen_t address(const char *host, const char *port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(port));
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) {
		fprintf(stderr, "stream: %s is no address\n", host);
		exit(2);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return sizeof *v6;
}

/* The byte at this place: it repeats only after 2^32. */
static unsigned char pattern(uint64_t at)
{
	uint64_t w = (at >> 3) * 0x9e3779b97f4a7c15ULL;

	return (unsigned char)(w >> (8 * (at & 7)));
}

static void make(unsigned char *p, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++)
		p[i] = pattern(at + i);
}

static int check(const unsigned char *p, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != pattern(at + i))
			return 0;
	return 1;
}

/* ---- server */

struct peer {
	int fd, known, bad;
	char want[8], line[64];
	size_t len;
	uint64_t n, at;
};

static void answer(struct peer *p, const char *text)
{
	(void)!send(p->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* -1: it is over. */
static int begin(struct peer *p)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char c, host[64] = "";

	do {
		ssize_t k = recv(p->fd, &c, 1, MSG_DONTWAIT);
		if (k <= 0)
			return k < 0 && errno == EAGAIN ? 0 : -1;
		if (c != '\n' && p->len + 1 < sizeof p->line)
			p->line[p->len++] = c;
	} while (c != '\n');
	p->known = 1;
	sscanf(p->line, "%7s %lu", p->want, &p->n);
	if (!strcmp(p->want, "peer")) {
		getpeername(p->fd, (void *)&sa, &len);
		if (sa.ss_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&sa)->sin_addr, host, sizeof host);
		else
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&sa)->sin6_addr, host, sizeof host);
		answer(p, host);
		answer(p, "\n");
		return -1;
	}
	if (!strcmp(p->want, "once")) {
		answer(p, "once\n");
		return -1;
	}
	if (!strcmp(p->want, "reset")) {
		struct linger l = {1, 0};
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
		return -1;
	}
	return 0;
}

static int give(struct peer *p)
{
	static unsigned char buf[BUF];

	while (p->at < p->n) {
		size_t n = p->n - p->at < BUF ? p->n - p->at : BUF;
		make(buf, n, p->at);
		ssize_t k = send(p->fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0)
			return errno == EAGAIN ? 0 : -1;
		p->at += (uint64_t)k;
	}
	return -1;
}

static int take(struct peer *p)
{
	static unsigned char buf[BUF];
	char text[64];
	ssize_t n = recv(p->fd, buf, BUF, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (!strcmp(p->want, "echo"))
		return n == 0 || send(p->fd, buf, (size_t)n, MSG_NOSIGNAL) != n ? -1 : 0;
	if (n > 0) {
		if (!strcmp(p->want, "put") && !check(buf, (size_t)n, p->at))
			p->bad = 1;
		p->at += (uint64_t)n;
		return 0;
	}
	if (!strcmp(p->want, "put")) {
		snprintf(text, sizeof text, "%s %lu\n", p->bad ? "wrong" : "ok", p->at);
		answer(p, text);
	} else if (!strcmp(p->want, "late")) {
		answer(p, "late\n");
	}
	return -1;
}

static int serve(const char *host, const char *port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(host, port, &sa);
	int l = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1, ep = epoll_create1(0);
	struct epoll_event ev[64], x = {.events = EPOLLIN, .data.ptr = NULL};

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (sa.ss_family == AF_INET6)
		setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(l, (void *)&sa, len) < 0 || listen(l, 4096) < 0)
		return over();
	epoll_ctl(ep, EPOLL_CTL_ADD, l, &x);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, ev, 64, -1);
		for (int i = 0; i < n; i++) {
			struct peer *p = ev[i].data.ptr;
			if (!p) {
				int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
				if (fd < 0)
					continue;
				p = calloc(1, sizeof *p);
				p->fd = fd;
				x = (struct epoll_event){.events = EPOLLIN, .data.ptr = p};
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &x);
				continue;
			}
			int r = p->known ? 0 : begin(p);
			if (r == 0 && p->known && !strcmp(p->want, "get")) {
				r = give(p);
				x = (struct epoll_event){.events = EPOLLOUT, .data.ptr = p};
				epoll_ctl(ep, EPOLL_CTL_MOD, p->fd, &x);
			} else if (r == 0 && p->known && !strcmp(p->want, "hold")) {
				x = (struct epoll_event){.events = 0, .data.ptr = p};
				epoll_ctl(ep, EPOLL_CTL_MOD, p->fd, &x);
				r = ev[i].events & (EPOLLERR | EPOLLHUP) ? -1 : 0;
			} else if (r == 0 && p->known) {
				r = take(p);
			}
			if (r < 0) {
				close(p->fd);
				free(p);
			}
		}
	}
}

/* ---- clients */

/* A connected socket, or -1 with errno; from: a local port. */
static int open_to(const char *host, const char *port, int from)
{
	struct sockaddr_storage sa, own;
	socklen_t len = address(host, port, &sa);
	int s = socket(sa.ss_family, SOCK_STREAM, 0), one = 1;
	struct timeval t = {.tv_sec = patience};
	char text[8];

	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t); /* connect(2) too */
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	if (from) {
		snprintf(text, sizeof text, "%d", from);
		address(sa.ss_family == AF_INET ? "0.0.0.0" : "::", text, &own);
		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (bind(s, (void *)&own, len) < 0)
			return -1;
	}
	if (connect(s, (void *)&sa, len) < 0) {
		one = errno;
		close(s);
		errno = one;
		return -1;
	}
	return s;
}

static int say(int s, const char *line)
{
	char text[128];
	int n = snprintf(text, sizeof text, "%s\n", line);

	return send(s, text, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -1;
}

static int ask(const char *host, const char *port, const char *line)
{
	char buf[4096];
	ssize_t n;
	int s = open_to(host, port, 0);

	if (s < 0 || (line && say(s, line) < 0))
		return over();
	if (line && !strcmp(line, "late"))
		shutdown(s, SHUT_WR);
	while (line && (n = recv(s, buf, sizeof buf, 0)) != 0) {
		if (n < 0)
			return over();
		fwrite(buf, 1, (size_t)n, stdout);
	}
	if (!line)
		puts("open");
	return 0;
}

static int get(const char *host, const char *port, uint64_t want)
{
	static unsigned char buf[BUF];
	char line[64];
	uint64_t at = 0;
	ssize_t n;
	int s = open_to(host, port, 0);

	snprintf(line, sizeof line, "get %lu", want);
	if (s < 0 || say(s, line) < 0)
		return over();
	while ((n = recv(s, buf, BUF, 0)) > 0) {
		if (!check(buf, (size_t)n, at)) {
			printf("wrong at %lu\n", at);
			return 1;
		}
		at += (uint64_t)n;
	}
	if (n < 0)
		return over();
	printf("%s %lu\n", at == want ? "ok" : "short", at);
	return at != want;
}

static int put(const char *host, const char *port, uint64_t want)
{
	static unsigned char buf[BUF];
	char text[64] = "";
	int s = open_to(host, port, 0);

	if (s < 0 || say(s, "put") < 0)
		return over();
	for (uint64_t at = 0; at < want;) {
		size_t n = want - at < BUF ? want - at : BUF;
		make(buf, n, at);
		ssize_t k = send(s, buf, n, MSG_NOSIGNAL);
		if (k < 0)
			return over();
		at += (uint64_t)k;
	}
	shutdown(s, SHUT_WR);
	if (recv(s, text, sizeof text - 1, MSG_WAITALL) < 0)
		return over();
	fputs(text, stdout);
	return 0;
}

/* Sends and gets back some bytes. */
static int echo(int s, unsigned n)
{
	char out[16], in[16];
	int len = snprintf(out, sizeof out, "%08u", n);

	return send(s, out, (size_t)len, MSG_NOSIGNAL) == len && recv(s, in, (size_t)len, MSG_WAITALL) == len && !memcmp(out, in, (size_t)len) ? 0 : -1;
}

static int many(const char *host, const char *port, int n)
{
	struct sockaddr_storage sa;
	socklen_t len = address(host, port, &sa);
	int *s = calloc((size_t)n, sizeof *s), ok = 0;
	struct rlimit lim;
	struct timeval t = {.tv_sec = patience};

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	/* All SYNs at once, then whoever gets through. */
	for (int i = 0; i < n; i++) {
		s[i] = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (s[i] >= 0 && connect(s[i], (void *)&sa, len) < 0 && errno != EINPROGRESS) {
			close(s[i]);
			s[i] = -1;
		}
	}
	for (int i = 0; i < n; i++) {
		struct pollfd p = {.fd = s[i], .events = POLLOUT};
		int e = 0;
		socklen_t el = sizeof e;
		if (s[i] < 0)
			continue;
		setsockopt(s[i], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
		int up = poll(&p, 1, patience * 1000) > 0 && getsockopt(s[i], SOL_SOCKET, SO_ERROR, &e, &el) == 0 && !e;
		if (up) {
			fcntl(s[i], F_SETFL, 0); /* it may wait from here on */
			up = say(s[i], "echo") == 0 && echo(s[i], (unsigned)i) == 0;
		}
		if (!up) {
			close(s[i]);
			s[i] = -1;
		}
	}
	for (int i = 0; i < n; i++)
		ok += s[i] >= 0 && echo(s[i], (unsigned)(n + i)) == 0;
	printf("ok %d failed %d\n", ok, n - ok);
	return ok != n;
}

static int row(const char *host, const char *port, int n, int from)
{
	struct linger l = {1, 0};
	int ok = 0;

	for (int i = 0; i < n; i++) {
		int s = open_to(host, port, from), once = from && i % 2;
		char text[8] = "";
		/* A port of its own comes back at once after a reset, or if the other closes first. */
		if (s < 0 || say(s, once ? "once" : "echo") < 0 ||
		    (once ? recv(s, text, sizeof text, MSG_WAITALL) != 5 : echo(s, (unsigned)i) < 0)) {
			printf("%d: %s\n", i, name_of(errno));
			return 1;
		}
		if (from && !once)
			setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l);
		close(s);
		ok++;
	}
	printf("ok %d\n", ok);
	return 0;
}

static int stuck(const char *host, const char *port)
{
	static unsigned char buf[BUF];
	uint64_t n = 0;
	struct timeval t = {.tv_sec = 1};
	int s = open_to(host, port, 0);

	if (s < 0 || say(s, "hold") < 0)
		return over();
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	for (ssize_t k; (k = send(s, buf, BUF, MSG_NOSIGNAL)) > 0; n += (uint64_t)k)
		;
	printf("%lu\n", n);
	fflush(stdout);
	while (read(0, buf, BUF) > 0)
		;
	return 0;
}

static int idle(const char *host, const char *port)
{
	char line[64];
	int s = open_to(host, port, 0);

	if (s < 0 || say(s, "echo") < 0 || echo(s, 1) < 0)
		return over();
	puts("up");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		errno = 0;
		if (echo(s, 2) == 0)
			puts("alive");
		else
			puts(errno ? name_of(errno) : "END");
		fflush(stdout);
	}
	return 0;
}

static uint16_t sum(const void *p, size_t n, uint32_t s)
{
	const unsigned char *b = p;

	for (size_t i = 0; i + 1 < n; i += 2)
		s += (uint32_t)b[i] << 8 | b[i + 1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* The headers of a SYN, IPv4's or IPv6's in front; returns their length. */
static size_t make_syn(unsigned char *out, const struct sockaddr_storage *from, const struct sockaddr_storage *to, int i)
{
	int six = to->ss_family == AF_INET6;
	size_t alen = six ? 16 : 4, head = six ? 40 : 20;
	const void *src = six ? (const void *)&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr : &((const struct sockaddr_in *)(const void *)from)->sin_addr;
	const void *dst = six ? (const void *)&((const struct sockaddr_in6 *)(const void *)to)->sin6_addr : &((const struct sockaddr_in *)(const void *)to)->sin_addr;
	struct tcphdr t = {.source = htons((uint16_t)(1024 + i % 60000)), .dest = ((const struct sockaddr_in *)(const void *)to)->sin_port, .seq = htonl((uint32_t)i * 7919), .doff = 5, .syn = 1, .window = htons(1024)};
	unsigned char pseudo[40] = {0};

	memcpy(pseudo, src, alen);
	memcpy(pseudo + alen, dst, alen);
	pseudo[2 * alen + 1] = IPPROTO_TCP;
	pseudo[2 * alen + 3] = sizeof t;
	t.check = htons((uint16_t)~sum(&t, sizeof t, sum(pseudo, 2 * alen + 4, 0)));
	memset(out, 0, head);
	out[0] = six ? 0x60 : 0x45;
	out[six ? 5 : 3] = (unsigned char)(sizeof t + (six ? 0 : head));
	out[six ? 6 : 9] = IPPROTO_TCP;
	out[six ? 7 : 8] = 64;
	memcpy(out + (six ? 8 : 12), src, alen);
	memcpy(out + (six ? 24 : 16), dst, alen);
	memcpy(out + head, &t, sizeof t);
	return head + sizeof t;
}

/* With via, the packets go where those to via would go. The kernel makes the sum of IPv4's header. */
static int syns(const char *from, const char *host, const char *port, int n, const char *via)
{
	struct sockaddr_storage to, own, next;
	socklen_t len = address(via ? via : host, "0", &next);
	unsigned char packet[80];
	int s = socket(next.ss_family, SOCK_RAW, IPPROTO_RAW);

	address(host, port, &to);
	address(from, "0", &own);
	if (s < 0)
		return over();
	for (int i = 0; i < n; i++) {
		size_t size = make_syn(packet, &own, &to, i);
		while (sendto(s, packet, size, 0, (void *)&next, len) < 0)
			if (errno != ENOBUFS && errno != EAGAIN)
				return over();
	}
	printf("ok %d\n", n);
	return 0;
}

static int fill(char **ports)
{
	struct sockaddr_storage sa;
	char buf[64];

	for (; *ports; ports++) {
		socklen_t len = address("0.0.0.0", *ports, &sa);
		int s = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(s, (void *)&sa, len) < 0 || listen(s, 5) < 0)
			return over();
	}
	puts("ready");
	fflush(stdout);
	while (read(0, buf, sizeof buf) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc > 2 && !strcmp(argv[1], "-t")) {
		patience = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	const char *what = argc > 1 ? argv[1] : "", *host = argv[2], *port = argc > 3 ? argv[3] : NULL;
	const char *n = argc > 4 ? argv[4] : NULL;

	if (!strcmp(what, "fill") && argc > 2)
		return fill(argv + 2);
	if (!strcmp(what, "syns") && (argc == 6 || argc == 7))
		return syns(host, port, n, atoi(argv[5]), argc == 7 ? argv[6] : NULL);
	if (!port || argc > 6)
		return fputs("usage: see the head of stream.c\n", stderr), 2;
	if (!strcmp(what, "serve"))
		return serve(host, port);
	if (!strcmp(what, "ask"))
		return ask(host, port, n);
	if (!strcmp(what, "stuck"))
		return stuck(host, port);
	if (!strcmp(what, "idle"))
		return idle(host, port);
	if (!strcmp(what, "get") && n)
		return get(host, port, strtoull(n, NULL, 10));
	if (!strcmp(what, "put") && n)
		return put(host, port, strtoull(n, NULL, 10));
	if (!strcmp(what, "many") && n)
		return many(host, port, atoi(n));
	if (!strcmp(what, "row") && n)
		return row(host, port, atoi(n), argc > 5 ? atoi(argv[5]) : 0);
	return fputs("usage: see the head of stream.c\n", stderr), 2;
}
