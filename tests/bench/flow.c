/*
 * flow - TCP at both ends of what is measured: a server, and clients that say what a transfer or a connection costs.
 *
 *     flow serve [ADDRESS] PORT		prints "ready", serves until it is killed; one thread for all connections
 *     flow up|down HOST PORT MB		moves that much; prints: seconds, CPU seconds of the client, of the server
 *     flow connect HOST PORT N			N connections one after the other, closed at once; prints: median and 99th percentile of connect(2) in us, and how many a second
 *     flow many HOST PORT N SECONDS		keeps N connections being made at once, for that long; prints: how many a second
 *     flow echo HOST PORT N BYTES		N times there and back on one connection; prints: median in us
 *     flow cpu PID...				CPU seconds of these processes so far
 *
 * A connection opens with one byte that says what it is for: U, D, E; and Q asks the server for the CPU time it has used.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUF = 128 << 10 };
static char buf[BUF];

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
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
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		fprintf(stderr, "flow: %s is no address\n", host), exit(2);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return sizeof *v6;
}

/* ---- the server */

struct peer {
	int fd;
	char kind; /* 0: not known */
	uint64_t left;
};

static int fill(struct peer *p)
{
	while (p->left) {
		ssize_t n = send(p->fd, buf, p->left < BUF ? p->left : BUF, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		p->left -= (uint64_t)n;
	}
	return -1;
}

/* 0: go on, -1: over. A few reads, then others have their turn. */
static int take(struct peer *p)
{
	for (int i = 0; i < 8; i++) {
		ssize_t n = recv(p->fd, buf, BUF, 0);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0) {
			if (p->kind == 'U')
				(void)!write(p->fd, "k", 1);
			return -1;
		}
		if (p->kind == 'E' && send(p->fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
			return -1;
	}
	return 0;
}

static int begin(struct peer *p)
{
	char head[32] = "", answer[32];
	ssize_t n = recv(p->fd, head, 17, 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n < 17)
		return -1;
	p->kind = head[0];
	p->left = strtoull(head + 1, NULL, 10);
	if (p->kind == 'Q') {
		snprintf(answer, sizeof answer, "%.6f", cpu());
		(void)!write(p->fd, answer, strlen(answer));
		return -1;
	}
	return 0;
}

static void serve(const char *host, const char *port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(host, port, &sa);
	int l = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1, ep = epoll_create1(0);
	struct epoll_event ev[64], x = {.events = EPOLLIN, .data.ptr = NULL};

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(l, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(l, (void *)&sa, len) < 0 || listen(l, 4096) < 0)
		die("listen");
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
			int r = p->kind ? 0 : begin(p);
			if (r == 0 && p->kind == 'D') {
				r = fill(p);
				x = (struct epoll_event){.events = EPOLLOUT, .data.ptr = p};
				epoll_ctl(ep, EPOLL_CTL_MOD, p->fd, &x);
			} else if (r == 0 && p->kind) {
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

static int open_to(const char *host, const char *port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(host, port, &sa);
	int s = socket(sa.ss_family, SOCK_STREAM, 0), one = 1;

	if (connect(s, (void *)&sa, len) < 0)
		die("connect");
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return s;
}

static void ask(int s, char kind, uint64_t n)
{
	char head[32];

	snprintf(head, sizeof head, "%c%016llu", kind, (unsigned long long)n);
	if (write(s, head, 17) != 17)
		die("write");
}

static double server_cpu(const char *host, const char *port)
{
	char text[32] = "";
	int s = open_to(host, port);

	ask(s, 'Q', 0);
	if (recv(s, text, sizeof text - 1, MSG_WAITALL) <= 0)
		die("recv");
	close(s);
	return atof(text);
}

static void transfer(int up, const char *host, const char *port, uint64_t n)
{
	double s0 = server_cpu(host, port), c0 = cpu(), t0 = now();
	int s = open_to(host, port);
	uint64_t left = n;

	ask(s, up ? 'U' : 'D', n);
	while (left) {
		size_t want = left < BUF ? left : BUF;
		ssize_t k = up ? send(s, buf, want, MSG_NOSIGNAL) : recv(s, buf, want, 0);
		if (k <= 0)
			die(up ? "send" : "recv");
		left -= (uint64_t)k;
	}
	if (up && (shutdown(s, SHUT_WR) < 0 || recv(s, buf, 1, 0) != 1 || *buf != 'k'))
		die("the end");
	close(s);
	double t = now() - t0, c = cpu() - c0;
	printf("%.4f %.4f %.4f\n", t, c, server_cpu(host, port) - s0);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void one_by_one(const char *host, const char *port, int n)
{
	struct sockaddr_storage sa;
	socklen_t len = address(host, port, &sa);
	double *t = calloc((size_t)n, sizeof *t), t0 = now();

	for (int i = 0; i < n; i++) {
		int s = socket(sa.ss_family, SOCK_STREAM, 0);
		double a = now();
		if (connect(s, (void *)&sa, len) < 0)
			die("connect");
		t[i] = now() - a;
		close(s);
	}
	t0 = now() - t0;
	qsort(t, (size_t)n, sizeof *t, by_size);
	printf("%.1f %.1f %.0f\n", t[n / 2] * 1e6, t[n * 99 / 100] * 1e6, n / t0);
}

static void many(const char *host, const char *port, int n, double seconds)
{
	struct sockaddr_storage sa;
	socklen_t len = address(host, port, &sa);
	struct epoll_event ev[64];
	int ep = epoll_create1(0), failed = 0;
	double t0 = now(), t;
	long done = 0;

	for (int i = 0; i < n; i++) {
		int s = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		struct epoll_event x = {.events = EPOLLOUT, .data.fd = s};
		connect(s, (void *)&sa, len);
		epoll_ctl(ep, EPOLL_CTL_ADD, s, &x);
	}
	while ((t = now() - t0) < seconds) {
		int k = epoll_wait(ep, ev, 64, 1000);
		for (int i = 0; i < k; i++) {
			int s = ev[i].data.fd, e = 0;
			socklen_t el = sizeof e;
			struct linger reset = {1, 0};
			getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &el);
			failed += e != 0;
			done += e == 0;
			setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof reset); /* no port waits */
			close(s);
			s = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
			struct epoll_event x = {.events = EPOLLOUT, .data.fd = s};
			connect(s, (void *)&sa, len);
			epoll_ctl(ep, EPOLL_CTL_ADD, s, &x);
		}
	}
	printf("%.0f %d\n", (double)done / t, failed);
}

static void echo(const char *host, const char *port, int n, size_t bytes)
{
	int s = open_to(host, port);
	double *t = calloc((size_t)n, sizeof *t);

	ask(s, 'E', 0);
	for (int i = 0; i < n; i++) {
		double a = now();
		if (send(s, buf, bytes, 0) != (ssize_t)bytes || recv(s, buf, bytes, MSG_WAITALL) != (ssize_t)bytes)
			die("echo");
		t[i] = now() - a;
	}
	qsort(t, (size_t)n, sizeof *t, by_size);
	printf("%.1f\n", t[n / 2] * 1e6);
}

static double cpu_of(const char *pid)
{
	char path[64], text[1024] = "";
	unsigned long u = 0, s = 0;

	snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
	FILE *f = fopen(path, "r");
	if (f && fscanf(f, "%lu", &u) == 1) {
		fclose(f);
		return (double)u / 1e9;
	}
	if (f)
		fclose(f);
	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	char *end = fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
	fclose(f);
	if (!end || sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s) != 2)
		return 0;
	return (double)(u + s) / (double)sysconf(_SC_CLK_TCK);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "serve") && (argc == 3 || argc == 4)) {
		serve(argc == 4 ? argv[2] : "0.0.0.0", argv[argc - 1]);
	} else if ((!strcmp(what, "up") || !strcmp(what, "down")) && argc == 5) {
		transfer(!strcmp(what, "up"), argv[2], argv[3], strtoull(argv[4], NULL, 10) << 20);
	} else if (!strcmp(what, "connect") && argc == 5) {
		one_by_one(argv[2], argv[3], atoi(argv[4]));
	} else if (!strcmp(what, "many") && argc == 6) {
		many(argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
	} else if (!strcmp(what, "echo") && argc == 6) {
		echo(argv[2], argv[3], atoi(argv[4]), (size_t)atoi(argv[5]));
	} else if (!strcmp(what, "cpu") && argc > 2) {
		double sum = 0;
		for (int i = 2; i < argc; i++)
			sum += cpu_of(argv[i]);
		printf("%.4f\n", sum);
	} else {
		fputs("usage: see the head of flow.c\n", stderr);
		return 2;
	}
	return 0;
}
