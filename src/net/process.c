#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/base.h"
#include "base/proc.h"
#include "net/control.h"
#include "net/dns.h"
#include "net/out_icmp.h"
#include "net/out_tcp.h"
#include "net/out_udp.h"
#include "net/process.h"
#include "net/pump.h"
#include "net/sandbox.h"
#include "net/sockpool.h"
#include "net/tun.h"

/* A process that belongs to nobody: no terminal, no directory, no signals, no descriptors but those in keep. */
static void detach(const int *keep, size_t n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	proc_reset(keep, n);
	setsid();
	(void)!chdir("/");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* When everything is asked to end (the machine goes down), containers still need their network: it ends with the last of them. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	proc_hide_args("hoy-network");
}

enum { FDS_MAX = 1 << 17, FDS_KEPT = 640 };

/* Returns where flows stop taking descriptors: the last ones are for new members, the name server (up to 512) and the socket pool. */
static int raise_limits(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	} else {
		files.rlim_cur = 1024;
	}
	setrlimit(RLIMIT_CORE, &none);
	int most = files.rlim_cur > FDS_MAX ? FDS_MAX : (int)files.rlim_cur;
	return most - (most / 4 < FDS_KEPT ? most / 4 : FDS_KEPT);
}

static bool is_on(const struct netproc *np, const char *option)
{
	const char *v = pairs_get(&np->net->options, option);

	return v && (str_eq(v, "true") || str_eq(v, "1"));
}

static void find_subnets(struct netproc *np)
{
	const struct subnet *v = np->net->subnets.v;

	for (size_t i = 0; i < np->net->subnets.n; i++) {
		struct ip_net n;
		if (!v[i].gateway || ip_net_parse(v[i].subnet, &n) < 0)
			continue;
		struct ip_net *to = n.ip.family == 6 ? &np->sub6 : &np->sub4;
		if (to->ip.family || ip_parse(v[i].gateway, &n.ip) < 0)
			continue;
		*to = n;
	}
}

static int start_dns(struct netproc *np, struct err *e)
{
	const struct dns_sockets s = {np->fds.dns_udp4, np->fds.dns_tcp4, np->fds.dns_udp6,
				      np->fds.dns_tcp6};

	return dns_start(np, &s, e);
}

static const struct tun_takers takers = {
	.tcp = out_tcp_packet,
	.udp = out_udp_packet,
	.icmp = out_icmp_packet,
	.flush = out_udp_flush,
};

static int set_up(struct netproc *np, int dir, int ns, struct err *e)
{
	int r = loop_init(&np->loop);

	if (r < 0)
		return err_set(e, r, "epoll_create1");
	find_subnets(np);
	np->allow_link_local = is_on(np, "allow_link_local");
	np->allow_host_loopback = is_on(np, "allow_host_loopback");
	np->pump = xcalloc(1, sizeof *np->pump);
	r = pump_init(np->pump, &np->loop);
	if (r < 0)
		return err_set(e, r, "a buffer for connections");
	r = sockpool_start(np->net, ns, &np->pool, &np->fds, e);
	if (r == 0)
		r = sockpool_watch(np->pool, &np->loop, e);
	if (r == 0)
		r = start_dns(np, e);
	if (r == 0)
		r = out_tcp_init(np, e);
	if (r == 0)
		r = out_udp_init(np, e);
	if (r == 0)
		r = out_icmp_init(np, e);
	if (r == 0)
		r = tun_init(np, &takers, e);
	return r < 0 ? r : sandbox_enter(SANDBOX_NETPROC, dir, dns_read_paths, e);
}

static _Noreturn void run(const struct network *net, int dir, int listener, int ns)
{
	struct netproc np = {.net = net, .fds = NETNS_FDS_NONE};
	struct err e = {0};
	const int keep[] = {dir, listener, ns};

	detach(keep, countof(keep) - (ns < 0));
	np.fd_limit = raise_limits();
	/* Its own, not the one that whoever forks us holds. */
	int lock = openat(dir, "lock", O_RDWR | O_CLOEXEC);
	int r = lock < 0 ? err_set(&e, errno, "open the lock of network %s", net->name)
			 : set_up(&np, dir, ns, &e);
	if (ns >= 0)
		close(ns);
	if (r < 0)
		control_refuse(listener, &e);
	else if (control_init(&np, listener, &e) < 0)
		control_refuse(listener, &e);
	else
		loop_run(&np.loop);
	control_end(&np, dir, lock);
	if (np.pool)
		sockpool_end(np.pool);
	_exit(0);
}

int process_spawn(const struct network *net, int dir, int listener, int ns, pid_t *ret_starter,
		  struct err *e)
{
	pid_t pid = proc_fork(0, NULL);

	if (pid == 0) { /* nobody's child: whoever forks us waits for other processes */
		pid = proc_fork(0, NULL);
		if (pid == 0)
			run(net, dir, listener, ns);
		_exit(pid < 0 ? 1 : 0);
	}
	if (pid < 0)
		return err_set(e, pid, "start the network process of %s", net->name);
	*ret_starter = pid;
	return 0;
}
