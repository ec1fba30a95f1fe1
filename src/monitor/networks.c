/*
 * How it works
 *
 * A slot is an endpoint that is attached. networks_attach() fills the slots when the container starts. Later, only the worker changes anything: it is forked,
 * has a copy of the slots, reads networks.json, and does what is missing, in this order: it takes devices away whose endpoint is gone ("D"), attaches
 * where the connection is lost or the endpoint is new ("A", with the descriptors), and says how it went ("E", struct err). There is one worker at a time; what is
 * asked for while it runs is done by the next one.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/task.h"
#include "monitor/networks.h"
#include "net/parent.h"
#include "runtime/names.h"

enum { NETWORK_TEXT = 129, RETRY_MS = 200, RETRY_MAX_MS = 10000 };

/* What an endpoint is, when networks.json does not say it any more. */
struct what {
	char network[NETWORK_TEXT], ifname[IFNAME], ip4[IP_TEXT], ip6[IP_TEXT], mac[MAC_TEXT];
	uint64_t aliases; /* a hash of them: the network process has to hear of others */
	bool first, not_last;
};

struct slot {
	struct what what; /* network "": free */
	struct attached at;
	struct watch lost;
};

static struct {
	struct networks_of of;
	struct relay *relay;
	pid_t pid; /* of a process in the container's network namespace */
	int ns; /* that namespace, as it was before the container's command ran; -1: it has no networks of its own */
	int hosts, resolv_conf; /* its files, to be rewritten; -1 */
	struct slot v[GUEST_IFACES];
	struct net_begun begun[GUEST_IFACES]; /* in the order of networks.json; nbegun of them */
	size_t nbegun;
	struct bound_ports bound;

	pid_t worker;
	struct watch from; /* what it says */
	bool again;	   /* one more worker is needed after it */
	uint32_t asking;   /* clients that wait for the next worker */
	uint32_t served;   /* and for this one */
	struct timer retry;
	int64_t retry_ms;
} nets = {.ns = -1};

struct worker_msg {
	char type; /* 'D', 'A', 'E' */
	uint8_t slot;
	struct what what;
	struct err e;
};

/* FNV-1a; each with its end. */
static uint64_t hash_of(const struct strs *l)
{
	uint64_t h = 14695981039346656037U;

	for (size_t i = 0; i < l->n; i++)
		for (const char *p = l->v[i];; p++) {
			h = (h ^ (uint8_t)*p) * 1099511628211U;
			if (!*p)
				break;
		}
	return h;
}

static void remember(const struct endpoint *ep, bool first, bool not_last, struct what *ret)
{
	snprintf(ret->network, sizeof ret->network, "%s", ep->network);
	snprintf(ret->ifname, sizeof ret->ifname, "%s", ep->ifname ? ep->ifname : "");
	snprintf(ret->ip4, sizeof ret->ip4, "%s", ep->ip4 ? ep->ip4 : "");
	snprintf(ret->ip6, sizeof ret->ip6, "%s", ep->ip6 ? ep->ip6 : "");
	snprintf(ret->mac, sizeof ret->mac, "%s", ep->mac ? ep->mac : "");
	ret->aliases = hash_of(&ep->aliases);
	ret->first = first;
	ret->not_last = not_last;
}

static struct slot *find(const char *network)
{
	for (size_t i = 0; i < countof(nets.v); i++)
		if (*nets.v[i].what.network && !strcmp(nets.v[i].what.network, network))
			return &nets.v[i];
	return NULL;
}

static struct slot *free_slot(void)
{
	for (size_t i = 0; i < countof(nets.v); i++)
		if (!*nets.v[i].what.network)
			return &nets.v[i];
	return NULL;
}

/* The state says which ports the kernel gave; the texts live as long as the supervisor. */
static void record_ports(const struct bind_list *ports)
{
	static struct arena a;
	struct arena old = a; /* the ports may be copies of what is there */
	const struct port *p = ports->v;
	struct container_state *st = nets.of.state;

	a = (struct arena){0};
	st->ports = (struct bind_list){0};
	for (size_t i = 0; i < ports->n; i++)
		*(struct state_port *)bind_append(&a, &st->ports, sizeof(struct state_port)) =
			(struct state_port){arena_strdup(&a, p[i].host_ip), p[i].host_port,
					    p[i].container_port, p[i].range,
					    arena_strdup(&a, p[i].protocol)};
	arena_free(&old);
}

/* The ports as they were given before, so that they stay the same. */
static void known_ports(struct bind_list *ret, struct arena *a)
{
	const struct state_port *p = nets.of.state->ports.v;

	*ret = (struct bind_list){0};
	for (size_t i = 0; i < nets.of.state->ports.n; i++)
		*(struct port *)bind_append(a, ret, sizeof(struct port)) =
			(struct port){p[i].host_ip, p[i].host_port, p[i].container_port, p[i].range,
				      p[i].protocol};
}

/* Do further name servers follow that of this endpoint in the container's resolv.conf? */
static bool is_not_last(const struct bind_list *names, const struct endpoint *ep)
{
	const struct names_net *v = names->v;

	for (size_t i = 0; i < names->n; i++)
		if (str_eq(v[i].network, ep->network))
			return v[i].dns_not_last;
	return false;
}

/* What net_attach() wants to know of an endpoint, and what that points to. */
struct told {
	struct attach how;
	struct strs dns;
	char renamed[256];
};

/* ports: NULL for an endpoint that publishes none. */
static void describe(const struct endpoint *ep, const struct bind_list *ports, bool not_last,
		     struct told *ret, struct arena *a)
{
	ssize_t len = readlinkat(nets.of.dir, "name", ret->renamed, sizeof ret->renamed - 1);

	ret->renamed[len > 0 ? len : 0] = 0;
	ret->dns = (struct strs){0};
	names_forward(nets.of.config, &ret->dns, a);
	ret->how = (struct attach){
		.container = nets.of.config->id,
		.name = *ret->renamed ? ret->renamed : nets.of.state->name,
		.hostname = nets.of.config->hostname,
		.endpoint = ep,
		.ports = ports,
		.dns = &ret->dns,
		.dns_not_last = not_last,
		.bound = &nets.bound,
		.netns = nets.ns,
		.pid = nets.pid,
		.first = ports != NULL,
	};
}

/* 1: the device is new. begun: NULL if nothing was. */
static int attach(const struct endpoint *ep, const struct bind_list *ports, bool not_last,
		  bool again, struct net_begun *begun, struct attached *at, struct guest_iface *ret,
		  struct arena *a, struct err *e)
{
	struct bind_list bound = {0};
	struct told told;

	describe(ep, ports, not_last, &told, a);
	told.how.again = again;
	told.how.begun = begun;
	if (strlen(ep->network) >= NETWORK_TEXT)
		return err_set(e, ENAMETOOLONG, "network %s", ep->network);
	int r = net_attach(nets.of.home, &told.how, at, ret, &bound, a, e);
	if (r >= 0 && ports)
		record_ports(&bound);
	return r;
}

int networks_open_ports(const struct container_config *c, struct err *e)
{
	return str_eq(c->network, NETWORK_OWN) ? bound_ports_open(&nets.bound, &c->ports, e) : 0;
}

/* What the container is attached to when it starts. */
struct wanted {
	struct endpoints eps;
	struct bind_list names;
	struct arena a;
	bool known;
};
static struct wanted wanted; /* between networks_begin() and networks_attach() */

static int find_out(struct wanted *w, struct err *e)
{
	if (w->known)
		return 0;
	int r = endpoints_read(nets.of.dir, &w->eps, &w->a, e);
	if (r == 0)
		r = names_nets(nets.of.home, nets.of.dir, &w->names, &w->a, e);
	if (r == 0 && w->eps.v.n > GUEST_IFACES)
		r = err_set(e, E2BIG, "attach container %s to its networks", nets.of.config->name);
	w->known = r == 0;
	return r;
}

static void end_begun(void)
{
	while (nets.nbegun)
		net_begun_end(&nets.begun[--nets.nbegun]);
	arena_free(&wanted.a);
	wanted = (struct wanted){0};
}

void networks_begin(const struct networks_of *o)
{
	struct err e;

	nets.of = *o;
	if (find_out(&wanted, &e) < 0)
		return;
	const struct endpoint *ep = wanted.eps.v.v;
	for (size_t i = 0; i < wanted.eps.v.n; i++) {
		struct told told;
		describe(&ep[i], i ? NULL : &o->config->ports, is_not_last(&wanted.names, &ep[i]),
			 &told, &wanted.a);
		net_begin(o->home, &told.how, &nets.begun[nets.nbegun++]);
	}
}

int networks_attach(const struct networks_of *o, pid_t pid, int netns, struct guest_iface *v,
		    size_t *ret_n, struct err *e)
{
	struct wanted *w = &wanted;

	nets.of = *o;
	nets.pid = pid;
	nets.ns = netns;
	int r = find_out(w, e);
	const struct endpoint *ep = w->eps.v.v;
	size_t n = r < 0 ? 0 : w->eps.v.n;
	struct bind_list ports = o->config->ports;
	if (o->state->restart_count)
		known_ports(&ports, &w->a);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct slot *s = &nets.v[i];
		bool not_last = is_not_last(&w->names, &ep[i]);
		r = attach(&ep[i], i ? NULL : &ports, not_last, false,
			   i < nets.nbegun ? &nets.begun[i] : NULL, &s->at, &v[i], &w->a, e);
		/* A random port that somebody else took meanwhile: another one. */
		if (r < 0 && i == 0 && o->state->restart_count && e->id == ERR_PORT_TAKEN)
			r = attach(&ep[i], &o->config->ports, not_last, false, NULL, &s->at, &v[i],
				   &w->a, e);
		if (r >= 0)
			remember(&ep[i], i == 0, not_last, &s->what);
	}
	end_begun();
	*ret_n = r < 0 ? 0 : n;
	return r < 0 ? r : 0;
}

/* ---- the worker */

struct configure {
	const struct guest_iface *iface;
};

static int configure_there(void *arg, struct err *e)
{
	const struct configure *c = arg;

	if (setns(nets.ns, CLONE_NEWNET) < 0)
		return err_set(e, errno, "enter the container's network namespace");
	return guest_configure(c->iface, e);
}

/* From inside the container's namespace: what is there belongs to it, not to us. */
static int configure(const struct guest_iface *v, struct err *e)
{
	struct configure c = {v};

	return task_run(configure_there, &c, NULL, e);
}

static void tell(int sock, char type, const struct slot *s, const struct err *e)
{
	struct worker_msg m = {.type = type};
	const int fd[] = {s ? s->at.ctl : -1, s ? s->at.ns : -1, s ? s->at.users : -1};

	if (s) {
		m.slot = (uint8_t)(s - nets.v);
		m.what = s->what;
	}
	if (e)
		m.e = *e;
	fd_send_msg(sock, &m, sizeof m, fd, type == 'A' ? countof(fd) : 0);
}

static int remove_device(const struct slot *s, struct err *e)
{
	const struct what *w = &s->what;
	const struct endpoint gone = {.network = w->network,
				      .ifname = w->ifname,
				      .ip4 = *w->ip4 ? w->ip4 : NULL,
				      .ip6 = *w->ip6 ? w->ip6 : NULL,
				      .mac = w->mac};

	return net_remove_device(nets.of.home, &gone, s->at.ns, e);
}

static int drop_gone(const struct endpoints *eps, int sock, struct err *e)
{
	const struct endpoint *ep = eps->v.v;
	int first = 0;

	for (size_t i = 0; i < countof(nets.v); i++) {
		struct slot *s = &nets.v[i];
		bool there = !*s->what.network;
		for (size_t k = 0; k < eps->v.n; k++)
			there = there || !strcmp(ep[k].network, s->what.network);
		if (there)
			continue;
		int r = remove_device(s, e);
		first = first ? first : r;
		tell(sock, 'D', s, NULL);
		/* The supervisor ends the connection, and another network is about to get its ports. */
		net_await_left(s->at.ctl);
		*s->what.network = 0;
	}
	return first;
}

static int bring_up(const struct endpoint *ep, bool first, bool not_last, int sock, struct arena *a,
		    struct err *e)
{
	struct slot *s = find(ep->network), *use = s ? s : free_slot();
	struct guest_iface guest;
	struct bind_list ports;

	if (s && s->at.ctl >= 0 && s->what.first == first && s->what.not_last == not_last &&
	    s->what.aliases == hash_of(&ep->aliases))
		return 0;
	if (!use)
		return err_set(e, E2BIG, "attach container %s to one more network",
			       nets.of.config->name);
	known_ports(&ports, a);
	int r = attach(ep, first ? &ports : NULL, not_last, s != NULL, NULL, &use->at, &guest, a,
		       e);
	if (r < 0)
		return r;
	bool moved = s && s->what.first != first;
	remember(ep, first, not_last, &use->what);
	if (r == 1 || moved)
		r = configure(&guest, e);
	tell(sock, 'A', use, NULL); /* it is attached, whatever came of the rest */
	return r;
}

/* Does as much as can be done, and returns the first error. */
static int reconcile(int sock, struct err *e)
{
	struct endpoints eps;
	struct bind_list names = {0};
	struct arena a = {0};
	struct err more;
	int r = endpoints_read(nets.of.dir, &eps, &a, e);

	if (r == 0)
		r = names_nets(nets.of.home, nets.of.dir, &names, &a, e);
	if (r == 0)
		r = drop_gone(&eps, sock, e);
	const struct endpoint *ep = eps.v.v;
	for (size_t i = 0; i < eps.v.n; i++) {
		int k = bring_up(&ep[i], i == 0, is_not_last(&names, &ep[i]), sock, &a,
				 r < 0 ? &more : e);
		r = r < 0 ? r : k;
	}
	int k = names_update_hosts(nets.of.home, nets.of.config, nets.of.dir, nets.hosts,
				   nets.resolv_conf, r < 0 ? &more : e);
	r = r < 0 ? r : k;
	if (nets.of.state->ports.n)
		container_state_write(nets.of.dir, nets.of.state, false, NULL);
	arena_free(&a);
	return r;
}

static _Noreturn void work(int sock)
{
	const int always[] = {nets.of.home->fd, nets.of.dir,	  nets.ns,
			      nets.hosts,	nets.resolv_conf, parent_fd()};
	int keep[1 + countof(always) + 3 * countof(nets.v) + BOUND_MAX] = {sock};
	size_t n = 1;
	struct err e = {0};

	prctl(PR_SET_NAME, "hoy-attach");
	for (size_t i = 0; i < countof(always); i++)
		if (always[i] >= 0)
			keep[n++] = always[i];
	for (size_t i = 0; i < countof(nets.v); i++) {
		const int fd[] = {nets.v[i].at.ctl, nets.v[i].at.ns, nets.v[i].at.users};
		for (size_t k = 0; *nets.v[i].what.network && k < countof(fd); k++)
			if (fd[k] >= 0)
				keep[n++] = fd[k];
	}
	for (size_t i = 0; i < nets.bound.n; i++)
		keep[n++] = nets.bound.fd[i];
	fd_close_except(keep, n);
	if (reconcile(sock, &e) == 0)
		e = (struct err){0};
	else if (!e.code)
		e.code = EINVAL;
	tell(sock, 'E', NULL, &e);
	_exit(0);
}

/* ---- the supervisor's side of it */

static void start_worker(void);

static void on_lost(struct watch *w, uint32_t events)
{
	struct slot *s = w->arg;

	loop_remove(nets.relay->loop, w);
	fd_close(&s->at.ctl);
	start_worker();
}

static void watch_slot(struct slot *s)
{
	s->lost = (struct watch){.fd = -1, .fn = on_lost, .arg = s};
	loop_add(nets.relay->loop, &s->lost, s->at.ctl, EPOLLIN);
}

static void leave_slot(struct slot *s)
{
	if (nets.relay)
		loop_remove(nets.relay->loop, &s->lost);
	net_leave(&s->at);
	*s->what.network = 0;
}

static void take_slot(const struct worker_msg *m, const int fd[3])
{
	struct slot *s = &nets.v[m->slot];

	if (*s->what.network)
		leave_slot(s);
	s->what = m->what;
	s->at = (struct attached){fd[0], fd[1], fd[2]};
	watch_slot(s);
}

static bool any_lost(void)
{
	for (size_t i = 0; i < countof(nets.v); i++)
		if (*nets.v[i].what.network && nets.v[i].at.ctl < 0)
			return true;
	return false;
}

static void answer_all(const struct err *e)
{
	for (size_t i = 0; i < RELAY_CLIENTS; i++)
		if (nets.served & UINT32_C(1) << i)
			relay_answer(nets.relay, i, FRAME_NETWORKED, e, sizeof *e);
	nets.served = 0;
}

static void end_worker(void)
{
	int fd = nets.from.fd;

	if (nets.worker <= 0)
		return;
	loop_remove(nets.relay->loop, &nets.from);
	close(fd);
	kill(nets.worker, SIGKILL); /* our child, not waited for: the number is its own */
	proc_wait(nets.worker);
	nets.worker = 0;
}

/* The worker has said how it went, or died. */
static void worker_done(const struct err *e)
{
	end_worker();
	answer_all(e);
	if (nets.again) {
		start_worker();
		return;
	}
	if (!any_lost()) {
		nets.retry_ms = RETRY_MS;
		return;
	}
	loop_timer(nets.relay->loop, &nets.retry, nets.retry_ms);
	nets.retry_ms = nets.retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : nets.retry_ms * 2;
}

static void on_worker(struct watch *w, uint32_t events)
{
	struct worker_msg m;
	int fd[3] = {-1, -1, -1};
	size_t n = countof(fd);
	ssize_t len = fd_recv_msg(w->fd, &m, sizeof m, fd, &n);

	if (len == -EINTR || len == -EAGAIN)
		return;
	if (len != sizeof m || m.slot >= countof(nets.v) || (m.type == 'A') != (n == countof(fd))) {
		for (size_t i = 0; i < n; i++)
			close(fd[i]);
		err_died(&m.e, "the process that changes the networks died");
		worker_done(&m.e);
		return;
	}
	if (m.type == 'A')
		take_slot(&m, fd);
	if (m.type == 'D')
		leave_slot(&nets.v[m.slot]);
	if (m.type == 'E')
		worker_done(&m.e);
}

static void on_retry(struct timer *t)
{
	start_worker();
}

static void start_worker(void)
{
	struct err e = {0};
	int s[2];

	if (nets.worker > 0) {
		nets.again = true;
		return;
	}
	nets.again = false;
	loop_timer(nets.relay->loop, &nets.retry, -1);
	nets.served = nets.asking;
	nets.asking = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0) {
		err_set(&e, errno, "socketpair");
		worker_done(&e);
		return;
	}
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0)
		work(s[1]);
	close(s[1]);
	nets.from = (struct watch){.fd = -1, .fn = on_worker};
	if (pid > 0 && loop_add(nets.relay->loop, &nets.from, s[0], EPOLLIN) == 0) {
		nets.worker = pid;
		return;
	}
	err_set(&e, pid < 0 ? pid : ENOMEM, "start a process that changes the networks");
	if (pid > 0) {
		kill(pid, SIGKILL);
		proc_wait(pid);
	}
	close(s[0]);
	worker_done(&e);
}

static void on_networks(struct relay *r, size_t client)
{
	struct err none = {0};

	if (nets.ns < 0) { /* a container without networks of its own */
		relay_answer(r, client, FRAME_NETWORKED, &none, sizeof none);
		return;
	}
	nets.asking |= UINT32_C(1) << client;
	start_worker();
}

int networks_watch(struct relay *r, const struct launched *run, struct err *e)
{
	nets.relay = r;
	nets.hosts = run->hosts;
	nets.resolv_conf = run->resolv_conf;
	nets.retry.fn = on_retry;
	nets.retry_ms = RETRY_MS;
	r->on_networks = on_networks;
	for (size_t i = 0; i < countof(nets.v); i++)
		if (*nets.v[i].what.network)
			watch_slot(&nets.v[i]);
	return 0;
}

void networks_end(bool again)
{
	end_begun();
	if (nets.ns < 0)
		return;
	if (nets.relay) {
		struct err gone;
		err_fail_code(&gone, ERR_CONTAINER_NOT_RUNNING, ESRCH, "the container has ended");
		end_worker();
		nets.served |= nets.asking;
		answer_all(&gone);
		loop_timer(nets.relay->loop, &nets.retry, -1);
		if (!again)
			nets.relay->on_networks = NULL;
	}
	if (!again)
		bound_ports_close(&nets.bound);
	for (size_t i = 0; i < countof(nets.v); i++) {
		if (!*nets.v[i].what.network)
			continue;
		/* The kernel takes its time to clear the namespace away, and till then the MAC address is in use beside the host's device. */
		if (parent_fd() >= 0)
			remove_device(&nets.v[i], NULL);
		leave_slot(&nets.v[i]);
	}
	fd_close(&nets.ns);
}
