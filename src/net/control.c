#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/control.h"
#include "net/dns.h"
#include "net/out_icmp.h"
#include "net/out_tcp.h"
#include "net/out_udp.h"
#include "net/publish.h"
#include "net/sockpool.h"

#define AT(f) offsetof(struct control_request, f)
const struct bind_field control_request_fields[] = {
	{"Version", BIND_INT, AT(version), .flags = BIND_ALWAYS},
	{"Container", BIND_STR, AT(container)}, /* always there, but in updates */
	{"Name", BIND_STR, AT(name)},
	{"Hostname", BIND_STR, AT(hostname)},
	{"IP4", BIND_STR, AT(ip4)},
	{"IP6", BIND_STR, AT(ip6)},
	{"Aliases", BIND_STRS, AT(aliases)},
	{"Dns", BIND_STRS, AT(dns)},
	{"DnsNotLast", BIND_BOOL, AT(dns_not_last)},
	{"First", BIND_BOOL, AT(first)},
	{"Update", BIND_BOOL, AT(update)},
	{"Ports", BIND_LIST, AT(ports), port_fields, sizeof(struct port)},
	{0},
};
#undef AT

const struct bind_field control_answer_fields[] = {
	{"Ports", BIND_LIST, offsetof(struct control_answer, ports), port_fields,
	 sizeof(struct port)},
	{0},
};

enum { WAIT_FIRST_MS = 10000, REFUSE_MS = 200, PAUSE_MS = 100 };

/* There is one network process in a process. */
static struct control {
	struct netproc *np;
	struct watch listener;
	struct timer first;   /* nobody came: whoever made us died */
	struct timer resume;  /* no descriptor was left for whoever came */
	struct member *last;  /* the one whose end is the process's */
	struct member *fresh; /* connections that have not said who they are */
	struct network net
		[2]; /* the record with what has changed; the one that is not in use takes the next change */
	struct arena arena[2]; /* of these */
} ct;

static void end_if_alone(void)
{
	if (!ct.np->members && !ct.fresh)
		ct.np->loop.stop = true;
}

static void unlink_member(struct member **list, struct member *m)
{
	for (; *list; list = &(*list)->next)
		if (*list == m) {
			*list = m->next;
			return;
		}
}

static void free_member(struct member *m)
{
	int fd = m->ctl.fd;

	loop_remove(&ct.np->loop, &m->ctl);
	close(fd);
	bound_ports_close(&m->bound);
	free(m->texts);
	free(m->renamed);
	free(m);
}

static void member_gone(struct member *m)
{
	struct netproc *np = ct.np;

	publish_close(m);
	out_tcp_member_gone(np, m);
	out_udp_member_gone(np, m);
	out_icmp_member_gone(np, m);
	dns_member_gone(np, m);
	unlink_member(&np->members, m);
	if (!np->members &&
	    !ct.fresh) { /* the end of its connection says that the socket is gone too */
		ct.last = m;
		np->loop.stop = true;
		return;
	}
	free_member(m);
}

/* A container has another name from now on. */
static void rename_member(const char *container, const char *name)
{
	for (struct member *m = ct.np->members; m; m = m->next)
		if (!strcmp(m->container, container)) {
			free(m->renamed);
			m->name = m->renamed = xstrdup(name);
		}
}

static void update(const struct control_request *q)
{
	int k = ct.np->net == &ct.net[0];

	if (q->container) {
		if (q->name)
			rename_member(q->container, q->name);
		return;
	}

	arena_free(&ct.arena[k]);
	ct.net[k] = *ct.np->net;
	ct.net[k].dns_servers = (struct strs){0};
	for (size_t i = 0; i < q->dns.n; i++)
		strs_add(&ct.arena[k], &ct.net[k].dns_servers, q->dns.v[i]);
	ct.np->net = &ct.net[k];
}

/* Copies a text to where at points to, and moves that on. */
static const char *keep_text(char **at, const char *s)
{
	size_t n = strlen(s) + 1;
	char *to = memcpy(*at, s, n);

	*at += n;
	return to;
}

static struct strs keep_list(const char ***v, char **at, const struct strs *l)
{
	struct strs ret = {.v = *v, .n = l->n};

	for (size_t i = 0; i < l->n; i++)
		*(*v)++ = keep_text(at, l->v[i]);
	return ret;
}

static size_t room(const struct strs *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += sizeof(char *) + strlen(l->v[i]) + 1;
	return n;
}

/* All that stays of a request, in one piece: an arena would take 8 KB for each of many containers. */
static void keep_texts(struct member *m, const struct control_request *q)
{
	const char *name = q->name ? q->name : "", *hostname = q->hostname ? q->hostname : "";
	size_t lists = (q->aliases.n + q->dns.n) * sizeof(char *);
	const char **v = m->texts =
		xmalloc(room(&q->aliases) + room(&q->dns) + strlen(q->container) + strlen(name) +
			strlen(hostname) + 3);
	char *at = (char *)m->texts + lists;

	m->container = keep_text(&at, q->container);
	m->name = keep_text(&at, name);
	m->hostname = keep_text(&at, hostname);
	m->aliases = keep_list(&v, &at, &q->aliases);
	m->dns = keep_list(&v, &at, &q->dns);
}

/* 1: it was an update. */
static int fill(struct member *m, const char *text, size_t len, struct bind_list *ret_ports,
		struct arena *a, struct err *e)
{
	static const struct json_limits lim = {.max_bytes = CONTROL_MAX, .max_depth = 8};
	struct control_request q = {0};
	struct json *doc = json_parse(a, text, len, "request", &lim, e);

	if (!doc || bind_read(control_request_fields, &q, doc, "request", a, e) < 0)
		return -EINVAL;
	if (q.update) {
		update(&q);
		return 1;
	}
	if (!q.container)
		return err_fail(e, ERR_INTERNAL, "a request names no container");
	if ((q.ip4 && ip_parse(q.ip4, &m->ip4) < 0) || (q.ip6 && ip_parse(q.ip6, &m->ip6) < 0) ||
	    m->ip4.family == 6 || m->ip6.family == 4)
		return err_fail(e, ERR_INTERNAL, "a request has addresses that are none");
	keep_texts(m, &q);
	m->dns_not_last = q.dns_not_last;
	m->first = q.first;
	*ret_ports = q.ports;
	return 0;
}

static void refuse(int sock, const struct err *e)
{
	char msg[1 + sizeof *e] = "E";

	memcpy(msg + 1, e, sizeof *e);
	fd_send_msg(sock, msg, sizeof msg, NULL, 0);
}

static int answer(struct member *m, const struct bind_list *ports, struct err *e)
{
	struct control_answer v = {.ports = *ports};
	struct arena a = {0};
	scoped(str) text = {0};
	int fd[] = {ct.np->fds.ns, sockpool_take(ct.np->pool, POOL_RTNL),
		    sockpool_take(ct.np->pool, POOL_NFNL)};
	int bad = fd[1] < 0 ? fd[1] : fd[2] < 0 ? fd[2] : 0;

	str_add(&text, "K");
	json_write(&text, bind_write(control_answer_fields, &v, &a), 0);
	arena_free(&a);
	ssize_t n = bad ? bad : fd_send_msg(m->ctl.fd, text.s, text.len, fd, countof(fd));
	fd_close(&fd[1]);
	fd_close(&fd[2]);
	return n < 0 ? err_set(e, (int)n, "answer whoever attaches a container") : 0;
}

static int join(struct member *m, const char *text, size_t len, struct err *e)
{
	struct bind_list ports = {0};
	scoped(arena) a = {0};
	int r = fill(m, text, len, &ports, &a, e);

	if (r == 0)
		r = publish_open(m, &ports, e);
	if (r != 0)
		return r;
	unlink_member(&ct.fresh, m);
	m->next = ct.np->members;
	ct.np->members = m;
	loop_timer(&ct.np->loop, &ct.first, -1);
	ct.np->loop.settle = true;
	return answer(m, &ports, e);
}

/* A member says nothing after its request; it ends. */
static void on_member(struct watch *w, uint32_t events)
{
	struct member *m = w->arg;
	char byte;
	ssize_t n = recv(w->fd, &byte, 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		member_gone(m);
}

static bool is_member(const struct member *m)
{
	for (const struct member *o = ct.np->members; o; o = o->next)
		if (o == m)
			return true;
	return false;
}

static void take_bound(struct member *m, const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (m->bound.n < BOUND_MAX)
			m->bound.fd[m->bound.n++] = fd[i];
		else
			close(fd[i]);
	}
}

static void on_request(struct watch *w, uint32_t events)
{
	struct member *m = w->arg;
	struct err e = {0};
	autofree char *buf = xmalloc(CONTROL_MAX);
	int fd[16];
	size_t nfds = countof(fd);
	ssize_t n = fd_recv_msg(w->fd, buf, CONTROL_MAX, fd, &nfds);

	if (n == -EAGAIN || n == -EINTR)
		return;
	take_bound(m, fd, nfds);
	if (n == 1 && *buf == 'B')
		return;
	w->fn = on_member;
	int r = n > 0 ? join(m, buf, (size_t)n, &e) : 0;
	if (n > 0 && r == 0)
		return;
	if (r > 0)
		fd_send_msg(w->fd, "K", 1, NULL, 0);
	else if (r < 0 &&
		 !ct.np->loop.stop) /* when the process ends, the next one is asked again */
		refuse(w->fd, &e);
	if (is_member(m)) {
		member_gone(m);
		return;
	}
	unlink_member(&ct.fresh, m);
	free_member(m);
	end_if_alone();
}

static void on_connection(struct watch *w, uint32_t events)
{
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred who = {0};
	socklen_t len = sizeof who;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* It would be reported again at once. */
			loop_set(&ct.np->loop, w, 0);
			loop_timer(&ct.np->loop, &ct.resume, PAUSE_MS);
		}
		return;
	}
	struct member *m = xcalloc(1, sizeof *m);
	m->ctl = (struct watch){.fd = -1, .fn = on_request, .arg = m};
	m->np = ct.np;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != geteuid() ||
	    loop_add(&ct.np->loop, &m->ctl, fd, EPOLLIN) < 0) {
		close(fd);
		free(m);
		return;
	}
	m->next = ct.fresh;
	ct.fresh = m;
}

static void on_resume(struct timer *t)
{
	loop_set(&ct.np->loop, &ct.listener, EPOLLIN);
}

static void on_nobody(struct timer *t)
{
	end_if_alone();
}

int control_init(struct netproc *np, int listener, struct err *e)
{
	ct.np = np;
	ct.listener = (struct watch){.fd = -1, .fn = on_connection};
	ct.first.fn = on_nobody;
	ct.resume.fn = on_resume;
	loop_timer(&np->loop, &ct.first, WAIT_FIRST_MS);
	/* Whoever connects from here on sees who we are (SO_PEERCRED); before, it was who made the socket. */
	listen(listener, CONTROL_BACKLOG);
	int r = loop_add(&np->loop, &ct.listener, listener, EPOLLIN);
	return r < 0 ? err_set(e, r, "watch the network's socket") : 0;
}

void control_refuse(int listener, const struct err *why)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	char buf[1];

	while (poll(&p, 1, REFUSE_MS) > 0) {
		autoclose int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct pollfd in = {.fd = fd, .events = POLLIN};
		/* What it has sent is taken, so that it sees the answer and no broken connection. */
		if (fd >= 0 && poll(&in, 1, REFUSE_MS) > 0 && recv(fd, buf, sizeof buf, 0) > 0)
			refuse(fd, why);
	}
}

void control_end(struct netproc *np, int dir, int lock)
{
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
		unlinkat(dir, "sock", 0);
		flock(lock, LOCK_UN);
	}
	/* What follows may take the kernel some milliseconds, for which nobody has to wait: not whoever left last, nor whoever comes next. */
	if (ct.last)
		free_member(ct.last);
}
