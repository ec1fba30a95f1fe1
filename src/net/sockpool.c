#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "net/sandbox.h"
#include "net/sockpool.h"

enum { BATCH = 16, PATIENCE_MS = 1000, LOOK_MS = 100, END_MS = 500, SETTLE_MS = 1000 };

struct sockpool {
	int sock;
	pid_t pid;
	bool late; /* it has let somebody wait in vain: nobody waits until it answers again */
	struct loop *loop;
	struct watch watch;
	struct {
		uint8_t n;
		bool asked;
		int fd[BATCH * 2];
	} kinds[POOL_KINDS];
};

/* How many are asked for at once; a refill is asked for when less than a quarter is left. */
static const uint8_t batch[POOL_KINDS] = {
	[POOL_TCP4] = BATCH,	 [POOL_TCP6] = BATCH, [POOL_UDP4] = BATCH / 2,
	[POOL_UDP6] = BATCH / 2, [POOL_RTNL] = 1,     [POOL_NFNL] = 1,
};

/* ---- the process in N */

/* Both ways: of which kind, and how many; 0 in an answer: it cannot be, for this reason. */
struct pool_msg {
	uint8_t kind, n;
	int err;
};

static int make_netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

static int make_socket(enum pool_kind k)
{
	bool six = k == POOL_TCP6 || k == POOL_UDP6;
	int type = k == POOL_TCP4 || k == POOL_TCP6 ? SOCK_STREAM : SOCK_DGRAM, one = 1;

	if (k == POOL_RTNL || k == POOL_NFNL)
		return make_netlink(k == POOL_RTNL ? NETLINK_ROUTE : NETLINK_NETFILTER);
	autoclose int fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
		return -errno;
	/* What is pumped was a packet already: it waits for no more. */
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int r = six ? setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &one, sizeof one)
		    : setsockopt(fd, SOL_IP, IP_TRANSPARENT, &one, sizeof one);
	return r < 0 ? -errno : take_fd(fd);
}

static void answer(int sock, struct pool_msg m)
{
	int fd[BATCH] = {-1};
	uint8_t n = 0;

	m.err = 0;
	while (n < m.n && n < BATCH && m.kind < POOL_KINDS) {
		fd[n] = make_socket(m.kind);
		if (fd[n] < 0) {
			m.err = -fd[n];
			break;
		}
		n++;
	}
	m.n = n;
	ssize_t r = fd_send_msg(sock, &m, sizeof m, fd, n);
	if (r < 0) {
		/* ETOOMANYREFS: this user has too many descriptors under way elsewhere. Who asks hears of it, and asks again. */
		m.n = 0;
		m.err = (int)-r;
		fd_send_msg(sock, &m, sizeof m, NULL, 0);
	}
	for (uint8_t i = 0; i < n; i++)
		close(fd[i]);
}

static _Noreturn void serve(int sock)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct pool_msg m;

	for (bool settled = false;;) {
		if (!settled && poll(&p, 1, SETTLE_MS) == 0) {
			mem_settle();
			settled = true;
		}
		size_t none = 0;
		ssize_t n = fd_recv_msg(sock, &m, sizeof m, NULL, &none);
		if (n == -EINTR)
			continue;
		if (n != sizeof m)
			_exit(0);
		answer(sock, m);
	}
}

static int *fds_array(struct netns_fds *f)
{
	return (int *)f;
}

/* All that is open, one bit for each; what is not there (-1) cannot travel. */
static int send_fds(int sock, struct netns_fds *f)
{
	int fd[NETNS_FDS];
	uint32_t have = 0;
	size_t n = 0;

	for (int i = 0; i < NETNS_FDS; i++) {
		if (fds_array(f)[i] < 0)
			continue;
		have |= 1U << i;
		fd[n++] = fds_array(f)[i];
	}
	ssize_t r = fd_send_msg(sock, &have, sizeof have, fd, n);
	return r < 0 ? (int)r : 0;
}

static _Noreturn void pool_main(const struct network *net, int ns, int sock)
{
	struct netns_fds fds = NETNS_FDS_NONE;
	struct err e = {0};
	int r = ns < 0 ? unshare(CLONE_NEWNET) : setns(ns, CLONE_NEWNET);

	prctl(PR_SET_NAME, "hoy-sockpool");
	if (r < 0)
		r = err_set(&e, errno, "%s the namespace of network %s", ns < 0 ? "make" : "enter",
			    net->name);
	if (r == 0)
		r = netns_setup(net, ns < 0, &fds, &e);
	if (r == 0)
		r = send_fds(sock, &fds);
	if (r < 0 && !e.code)
		err_set(&e, r, "pass on what was opened in the network");
	if (r == 0)
		fd_close_except(&sock, 1);
	if (r == 0)
		r = sandbox_enter(SANDBOX_SOCKPOOL, -1, NULL, &e);
	if (r < 0) {
		fd_send_msg(sock, &e, sizeof e, NULL, 0);
		_exit(EXIT_ENGINE);
	}
	serve(sock);
}

/* ---- the network process's side */

static int take_fds(int sock, struct netns_fds *ret, struct err *e)
{
	char msg[sizeof *e];
	int fd[NETNS_FDS];
	size_t n = NETNS_FDS, at = 0;
	ssize_t len = fd_recv_msg(sock, msg, sizeof msg, fd, &n);
	uint32_t have;

	if (len == sizeof *e) {
		memcpy(e, msg, sizeof *e);
		return -e->code;
	}
	if (len != sizeof have)
		return err_died(e, "the process that sets the network up died");
	memcpy(&have, msg, sizeof have);
	*ret = NETNS_FDS_NONE;
	for (int i = 0; i < NETNS_FDS; i++)
		if (have & 1U << i && at < n)
			fds_array(ret)[i] = fd[at++];
	return 0;
}

int sockpool_start(const struct network *net, int ns, struct sockpool **ret, struct netns_fds *fds,
		   struct err *e)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0) {
		close(s[0]);
		pool_main(net, ns, s[1]);
	}
	close(s[1]);
	int r = pid < 0 ? err_set(e, pid, "fork") : take_fds(s[0], fds, e);
	if (r < 0) {
		close(s[0]);
		if (pid > 0)
			proc_wait(pid);
		return r;
	}
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->sock = s[0];
	(*ret)->pid = pid;
	return 0;
}

void sockpool_end(struct sockpool *p)
{
	fd_close(&p->sock);
	for (int i = 0; i < END_MS && waitpid(p->pid, NULL, WNOHANG) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Takes one answer; -EAGAIN: there is none. */
static int take_answer(struct sockpool *p)
{
	struct pool_msg m = {0};
	int fd[BATCH];
	size_t n = BATCH;
	ssize_t len = fd_recv_msg(p->sock, &m, sizeof m, fd, &n);

	if (len < 0)
		return (int)len;
	if (len != sizeof m || m.kind >= POOL_KINDS)
		return -EPIPE;
	p->kinds[m.kind].asked = false;
	p->late = false;
	for (size_t i = 0; i < n; i++) {
		if (p->kinds[m.kind].n == countof(p->kinds[m.kind].fd))
			close(fd[i]);
		else
			p->kinds[m.kind].fd[p->kinds[m.kind].n++] = fd[i];
	}
	/* Fewer than were sent: this process has no room for more descriptors. */
	return m.err ? -m.err : n < m.n ? -EMFILE : 0;
}

static void on_answer(struct watch *w, uint32_t events)
{
	struct sockpool *p = w->arg;
	struct pollfd pfd = {.fd = p->sock, .events = POLLIN};

	while (poll(&pfd, 1, 0) > 0) {
		int r = take_answer(p);
		if (r == -EPIPE ||
		    r == -ECONNRESET) { /* nothing works without it: both are made again */
			p->loop->stop = true;
			return;
		}
	}
}

int sockpool_watch(struct sockpool *p, struct loop *l, struct err *e)
{
	p->loop = l;
	p->watch = (struct watch){.fd = -1, .fn = on_answer, .arg = p};
	int r = loop_add(l, &p->watch, p->sock, EPOLLIN);
	return r < 0 ? err_set(e, r, "watch the network's second process") : 0;
}

static void ask(struct sockpool *p, enum pool_kind k)
{
	struct pool_msg m = {.kind = (uint8_t)k, .n = batch[k]};

	if (!p->kinds[k].asked && send(p->sock, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		p->kinds[k].asked = true;
}

/* Stopped by somebody, or dead: then both processes are made again. */
static bool has_stopped(struct sockpool *p)
{
	bool v = waitpid(p->pid, NULL, WNOHANG | WUNTRACED) != 0;

	if (v && p->loop)
		p->loop->stop = true;
	return v;
}

int sockpool_take(struct sockpool *p, enum pool_kind k)
{
	struct pollfd pfd = {.fd = p->sock, .events = POLLIN};
	int r = 0;

	if (!p->kinds[k].n)
		ask(p, k);
	/* It answers within microseconds. */
	for (int ms = 0; !p->kinds[k].n && p->kinds[k].asked && r == 0;) {
		if (poll(&pfd, 1, p->late ? 0 : LOOK_MS) > 0) {
			r = take_answer(p);
			continue;
		}
		ms += LOOK_MS;
		if (p->late || ms >= PATIENCE_MS || has_stopped(p))
			r = -EAGAIN;
		p->late = r < 0;
	}
	if (!p->kinds[k].n && !p->late)
		p->kinds[k].asked = false; /* the next one asks again, whatever became of this */
	if (!p->kinds[k].n)
		return r == -EMFILE || r == -ENFILE ? -EMFILE : -EAGAIN;
	int fd = p->kinds[k].fd[--p->kinds[k].n];
	if (p->kinds[k].n < batch[k] / 4)
		ask(p, k);
	return fd;
}
