#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/task.h"
#include "net/attach.h"
#include "net/control.h"
#include "net/lease.h"
#include "net/link.h"
#include "net/parent.h"
#include "net/plan.h"
#include "net/process.h"

enum { ANSWER_MS = 20000, LEAVE_MS = 2000, LOOK_MS = 500, STOPPED_LOOKS = 3, TRIES = 8 };
enum { RESPAWN_TRIES = 1000, RESPAWN_NS = 2000000 }; /* 2 s */
#define USERS "users"

/* What the process hands over: sockets that speak for N. */
struct reach {
	int ctl, ns, rtnl, nfnl;
};

static void reach_close(struct reach *r)
{
	fd_close(&r->ctl);
	fd_close(&r->ns);
	fd_close(&r->rtnl);
	fd_close(&r->nfnl);
}

/* The 108 bytes of sun_path are too few for some stores: through the descriptor every path is short. */
static struct sockaddr_un address(int dir)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/sock", dir);
	return a;
}

/* -ECONNREFUSED or -ENOENT: no process is there. */
static int connect_to(int dir)
{
	struct sockaddr_un a = address(dir);
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = LOOK_MS * STOPPED_LOOKS / 1000 +
					     1}; /* of connect(2), too */
	int size = CONTROL_MAX * 2;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : take_fd(fd);
}

static int listen_on(int dir)
{
	struct sockaddr_un a = address(dir);
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	unlinkat(dir, "sock",
		 0); /* of a process that died: we hold the lock, and nobody answered */
	mode_t old = umask(0077);
	int r = bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, CONTROL_BACKLOG) < 0
			? -errno
			: 0;
	umask(old);
	return r < 0 ? r : take_fd(fd);
}

/* Does anybody keep the N of a process that died? */
static bool has_users(int dir)
{
	autoclose int users = openat(dir, USERS, O_RDWR | O_CLOEXEC);

	return users >= 0 && flock(users, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* The lock says who may make the process: two who find none make one. -EAGAIN: others have N, and it is for them to make it. */
static int spawn_locked(const struct network *net, int dir, int ns, bool patient,
			pid_t *ret_starter, struct err *e)
{
	autoclose int lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_set(e, errno, "lock network %s", net->name);
	int fd = connect_to(dir);
	if (fd >= 0)
		return fd;
	if (fd == -EAGAIN) /* a process that takes no connections */
		return err_set(e, ETIMEDOUT, "connect to the network process of %s", net->name);
	if (fd != -ECONNREFUSED && fd != -ENOENT)
		return err_set(e, fd, "connect to the network process of %s", net->name);
	if (ns < 0 && patient && has_users(dir))
		return -EAGAIN;
	autoclose int listener = listen_on(dir);
	if (listener < 0)
		return err_set(e, listener, "make the socket of network %s", net->name);
	int r = process_spawn(net, dir, listener, ns, ret_starter, e);
	if (r < 0)
		return r;
	fd = connect_to(dir);
	return fd < 0 ? err_set(e, fd, "connect to the network process of %s", net->name) : fd;
}

static void await_starter(pid_t *pid)
{
	if (*pid > 0)
		proc_wait(*pid);
	*pid = 0;
}

static int connect_or_spawn(const struct network *net, int dir, int ns, struct err *e)
{
	int fd = connect_to(dir);

	for (int i = 0; fd < 0; i++) {
		pid_t starter = 0;
		fd = spawn_locked(net, dir, ns, i < RESPAWN_TRIES, &starter, e);
		await_starter(&starter);
		if (fd != -EAGAIN)
			break;
		nanosleep(&(struct timespec){.tv_nsec = RESPAWN_NS}, NULL);
	}
	return fd;
}

static void write_request(const struct attach *at, struct str *out)
{
	const struct endpoint *ep = at->endpoint;
	struct control_request q = {.version = 1,
				    .container = at->container,
				    .name = at->name,
				    .hostname = at->hostname,
				    .ip4 = ep->ip4,
				    .ip6 = netns_has_ipv6() ? ep->ip6 : NULL,
				    .aliases = ep->aliases,
				    .dns_not_last = at->dns_not_last,
				    .first = at->first};
	struct arena a = {0};

	if (at->dns)
		q.dns = *at->dns;
	if (at->ports)
		q.ports = *at->ports;
	json_write(out, bind_write(control_request_fields, &q, &a), 0);
	arena_free(&a);
}

/* The process at the other end, if it is stopped; else 0. */
static pid_t stopped_pid(int ctl)
{
	struct ucred who = {0};
	socklen_t len = sizeof who;

	return getsockopt(ctl, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid > 0 &&
			       proc_is_stopped(who.pid)
		       ? who.pid
		       : 0;
}

/* Waits until the process says something, or ends. One that is slow has ms milliseconds; one that is stopped is not waited for: 0 in both cases, and its pid. */
static int await(int ctl, int ms, pid_t *ret_stopped)
{
	struct pollfd p = {.fd = ctl, .events = POLLIN};

	*ret_stopped = 0;
	for (int looks = 0; ms > 0; ms -= LOOK_MS) {
		int r = poll(&p, 1, ms < LOOK_MS ? ms : LOOK_MS);
		if (r > 0 || (r < 0 && errno != EINTR))
			return r;
		*ret_stopped = stopped_pid(ctl);
		looks = *ret_stopped ? looks + 1 : 0;
		if (looks == STOPPED_LOOKS)
			break;
	}
	return 0;
}

static int no_answer(pid_t stopped, struct err *e)
{
	if (!stopped)
		return err_set(e, ETIMEDOUT, "the network process does not answer");
	err_fail_code(e, ERR_NETWORK_STOPPED, ETIMEDOUT, "the network process (pid %d) is stopped",
		      (int)stopped);
	return err_hint(e, "let it go on: kill -CONT %d; or have another one made: kill -9 %d",
			(int)stopped, (int)stopped);
}

/* -ECONNRESET: the process ended before it heard us. */
static int take_answer(int ctl, struct reach *ret, struct bind_list *ret_ports, struct arena *a,
		       struct err *e)
{
	autofree char *buf = xmalloc(CONTROL_MAX);
	struct control_answer v = {0};
	int fd[3];
	size_t nfds = countof(fd);
	pid_t stopped = 0;

	if (await(ctl, ANSWER_MS, &stopped) == 0)
		return no_answer(stopped, e);
	ssize_t n = fd_recv_msg(ctl, buf, CONTROL_MAX, fd, &nfds);
	if (n <= 0)
		return -ECONNRESET;
	if (nfds != countof(fd)) {
		while (nfds)
			close(fd[--nfds]);
		if (buf[0] == 'E' && n == 1 + sizeof *e) {
			memcpy(e, buf + 1, sizeof *e);
			return -e->code;
		}
		return err_fail(e, ERR_INTERNAL, "the network process sent nonsense");
	}
	ret->ns = fd[0];
	ret->rtnl = fd[1];
	ret->nfnl = fd[2];
	struct json *doc = json_parse(a, buf + 1, (size_t)n - 1, "answer", NULL, e);
	if (!doc || bind_read(control_answer_fields, &v, doc, "answer", a, e) < 0)
		return -EINVAL;
	*ret_ports = v.ports;
	return 0;
}

static ssize_t send_request(const struct attach *at, int ctl, const struct str *text)
{
	const struct bound_ports *b = at->ports ? at->bound : NULL;

	for (size_t i = 0; b && i < b->n; i += 16) {
		ssize_t n = fd_send_msg(ctl, "B", 1, b->fd + i, b->n - i < 16 ? b->n - i : 16);
		if (n < 0)
			return n;
	}
	return fd_send_msg(ctl, text->s, text->len, NULL, 0);
}

static int ask(const struct attach *at, const struct network *net, int dir, int ns,
	       struct reach *ret, struct bind_list *ret_ports, struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	int r = -ECONNRESET;

	write_request(at, &text);
	if (text.len > CONTROL_MAX)
		return err_set(e, EMSGSIZE, "tell network %s of the container", net->name);
	/* One that was just ending when we connected is tried again: by then it is gone. */
	if (at->begun && at->begun->ctl >= 0) {
		ret->ctl = take_fd(at->begun->ctl);
		r = take_answer(ret->ctl, ret, ret_ports, a, e);
	}
	for (int i = 0; i < TRIES && r == -ECONNRESET; i++) {
		reach_close(ret);
		ret->ctl = connect_or_spawn(net, dir, ns, e);
		if (ret->ctl < 0)
			return ret->ctl;
		ssize_t n = send_request(at, ret->ctl, &text);
		r = n < 0 ? (n == -EPIPE ? -ECONNRESET
					 : err_set(e, (int)n, "tell network %s", net->name))
			  : take_answer(ret->ctl, ret, ret_ports, a, e);
	}
	if (r == -ECONNRESET && !e->code)
		err_fail(e, ERR_INTERNAL, "the network process of %s ends again and again",
			 net->name);
	return r;
}

static void fill_family(const struct network *net, const char *text, bool gateway,
			struct ip_net *ret, struct ip *ret_gw)
{
	const struct subnet *v = net->subnets.v;

	if (!text || ip_parse(text, &ret->ip) < 0)
		return;
	ret->len = ret->ip.family == 6 ? 128 : 32;
	for (size_t i = 0; i < net->subnets.n; i++) {
		struct ip_net sub;
		if (ip_net_parse(v[i].subnet, &sub) < 0 || !ip_net_has(&sub, &ret->ip))
			continue;
		ret->len = sub.len;
		if (gateway && v[i].gateway && ip_parse(v[i].gateway, ret_gw) < 0)
			ret_gw->family = 0;
	}
}

static void fill_guest(const struct attach *at, const struct network *net, struct guest_iface *ret)
{
	const struct network_route *v = net->routes.v;
	bool gateway = at->first && !net->internal;

	memset(ret, 0, sizeof *ret);
	snprintf(ret->name, sizeof ret->name, "%s", at->endpoint->ifname);
	fill_family(net, at->endpoint->ip4, gateway, &ret->ip4, &ret->gw4);
	fill_family(net, netns_has_ipv6() ? at->endpoint->ip6 : NULL, gateway, &ret->ip6,
		    &ret->gw6);
	for (size_t i = 0; i < net->routes.n && ret->nroutes < GUEST_ROUTES; i++) {
		struct guest_route *r = &ret->routes[ret->nroutes];
		if (ip_net_parse(v[i].destination, &r->to) < 0)
			continue;
		if (v[i].gateway && ip_parse(v[i].gateway, &r->via) < 0)
			continue;
		r->metric = (uint32_t)v[i].metric;
		ret->nroutes++;
	}
}

/* The network that the endpoint was made in, not one of the same name that came later: there its addresses may be another's. */
static int open_network(const struct home *h, const struct endpoint *ep, struct network *net,
			struct arena *a, struct err *e)
{
	char path[300];
	int r = network_find(h, ep->network, false, net, a, e);

	if (r < 0)
		return r;
	if (ep->network_id && strcmp(ep->network_id, net->id) != 0) {
		err_fail_code(
			e, ERR_NETWORK_UNKNOWN, ENOENT,
			"the network %s that the container was connected to is gone: there is "
			"another network of that name",
			net->name);
		return err_hint(e, "hoy network disconnect %s CONTAINER, and connect it again",
				net->name);
	}
	snprintf(path, sizeof path, "networks/%s", net->name);
	int dir = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? err_set(e, errno, "open network %s", net->name) : dir;
}

void net_begin(const struct home *h, const struct attach *at, struct net_begun *ret)
{
	struct err e;
	struct network net = {0};
	scoped(arena) a = {0};
	scoped(str) text = {0};
	autoclose int dir = open_network(h, at->endpoint, &net, &a, &e);

	*ret = NET_BEGUN_NONE;
	if (dir < 0 || parent_is(&net))
		return;
	write_request(at, &text);
	ret->ctl = connect_to(dir);
	if (ret->ctl < 0)
		ret->ctl = spawn_locked(&net, dir, -1, true, &ret->starter, &e);
	if (ret->ctl >= 0 && (text.len > CONTROL_MAX || send_request(at, ret->ctl, &text) < 0))
		fd_close(&ret->ctl);
	if (ret->starter > 0) /* while it makes itself ready */
		leases_tidy(h, net.name);
}

void net_begun_end(struct net_begun *b)
{
	fd_close(&b->ctl);
	await_starter(&b->starter);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static int hold_users(int dir, struct attached *v)
{
	if (v->users < 0)
		v->users = openat(dir, USERS, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return v->users < 0 || flock(v->users, LOCK_SH | LOCK_NB) < 0 ? -errno : 0;
}

/* There is nothing that could be lost: ctl is a descriptor that never says anything. */
static int attach_to_parent(const struct attach *at, const struct network *net, int dir,
			    struct attached *ret, struct guest_iface *ret_guest, struct err *e)
{
	if (at->again)
		return 0;
	if (at->ports && at->ports->n) {
		err_fail(e, ERR_NETWORK_PARENT,
			 "network %s is of the driver %s: no ports of the host lead there",
			 net->name, net->driver);
		return err_hint(e, "leave --publish out: its containers have addresses of their "
				   "own outside, and all their ports can be reached");
	}
	*ret = ATTACHED_NONE;
	ret->ns = fcntl(at->netns, F_DUPFD_CLOEXEC, 3);
	ret->ctl = eventfd(0, EFD_CLOEXEC);
	int r = ret->ns < 0 || ret->ctl < 0 || hold_users(dir, ret) < 0
			? err_set(e, errno, "hold network %s", net->name)
			: parent_make(net, at->endpoint, at->netns, e);
	if (r < 0) {
		net_leave(ret);
		return r;
	}
	fill_guest(at, net, ret_guest);
	return 1;
}

int net_attach(const struct home *h, const struct attach *at, struct attached *ret,
	       struct guest_iface *ret_guest, struct bind_list *ret_ports, struct arena *a,
	       struct err *e)
{
	struct reach reach = {-1, -1, -1, -1};
	struct network net = {0};
	autoclose int dir = open_network(h, at->endpoint, &net, a, e);

	if (dir < 0)
		return dir;
	if (parent_is(&net))
		return attach_to_parent(at, &net, dir, ret, ret_guest, e);
	if (!at->again)
		*ret = ATTACHED_NONE;
	int r = ask(at, &net, dir, ret->ns, &reach, ret_ports, a, e);
	if (r == 0 && hold_users(dir, ret) < 0)
		r = err_set(e, errno, "hold network %s", net.name);
	/* N was lost for good: everything that was in it is of no use. */
	bool fresh = !at->again || !same_file(ret->ns, reach.ns);
	if (r == 0 && fresh && at->again)
		net_remove_device(h, at->endpoint, ret->ns, NULL);
	if (r == 0 && fresh)
		r = link_make(reach.rtnl, reach.nfnl, &net, at->endpoint, at->pid, e);
	if (r < 0) {
		reach_close(&reach);
		if (!at->again)
			fd_close(&ret->users);
		return r;
	}
	fill_guest(at, &net, ret_guest);
	fd_close(&ret->ns);
	ret->ctl = take_fd(reach.ctl);
	ret->ns = take_fd(reach.ns);
	reach_close(&reach);
	return fresh;
}

void net_await_left(int ctl)
{
	struct stat st;
	pid_t stopped;

	/* A network without a process has something else there (attach_to_parent()). */
	if (ctl >= 0 && fstat(ctl, &st) == 0 && S_ISSOCK(st.st_mode))
		await(ctl, LEAVE_MS, &stopped);
}

void net_leave(struct attached *v)
{
	if (v->ctl >= 0 && shutdown(v->ctl, SHUT_WR) == 0)
		net_await_left(v->ctl);
	fd_close(&v->ctl);
	fd_close(&v->ns);
	fd_close(&v->users);
}

struct removal {
	const struct network *net;
	const struct endpoint *ep;
	int ns;
};

static int remove_there(void *arg, struct err *e)
{
	const struct removal *v = arg;

	if (setns(v->ns, CLONE_NEWNET) < 0)
		return err_set(e, errno, "enter network %s", v->net->name);
	if (parent_is(v->net)) {
		parent_remove(v->ep);
		return 0;
	}
	autoclose int rtnl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	autoclose int nfnl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (rtnl < 0 || nfnl < 0)
		return err_set(e, errno, "open a netlink socket");
	link_remove(rtnl, nfnl, v->net, v->ep);
	return 0;
}

int net_remove_device(const struct home *h, const struct endpoint *ep, int ns, struct err *e)
{
	struct arena a = {0};
	struct network net = {0};
	struct removal v = {&net, ep, ns};
	int r = network_find(h, ep->network, false, &net, &a, e);

	if (r == 0)
		r = task_run(remove_there, &v, NULL, e);
	arena_free(&a);
	return r;
}
