/*
 * How it works
 *
 * pasta is ready when it writes its pid, here to a FIFO in the container's directory, which is its working directory; slirp4netns has a descriptor for
 * that. The namespace is their standard input: a container's /proc/PID/ns is not to be seen while it starts. Both have said why before they end: their errors go to a pipe that is kept open, is never read while they run, and
 * loses what has no room. pasta gets the ports as arguments, slirp4netns by requests to its socket.
 */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "monitor/usernet.h"
#include "net/bind.h"
#include "net/sockaddr.h"

#define FIFO   "usernet"
#define SOCKET "slirp.sock"

enum { READY_MS = 20000, TEXT_MAX = 4096, READY_FD = 3 };

static struct {
	const char *name;
	pid_t pid;
	int errors; /* what it has to say */
	struct watch gone;
	struct relay *relay;
} un = {.errors = -1, .gone = {.fd = -1}};

int usernet_missing(const char *name, struct err *e)
{
	bool pasta = !strcmp(name, "pasta");

	err_fail_code(e, ERR_USERNET, ENOENT, "%s is not installed", name);
	return err_hint(e, "its package is called %s: apt install %s, dnf install %s",
			pasta ? "passt" : name, pasta ? "passt" : name, pasta ? "passt" : name);
}

/* ---- arguments */

static bool given(const struct strs *opts, const char *const *flags)
{
	for (; *flags; flags++)
		for (size_t i = 0; i < opts->n; i++) {
			size_t n = strlen(*flags);
			if (!strncmp(opts->v[i], *flags, n) &&
			    (!opts->v[i][n] || opts->v[i][n] == '=' || (*flags)[1] != '-'))
				return true;
		}
	return false;
}

static void pasta_port(struct strv *argv, const struct port *p)
{
	const char *ip = str_is_empty(p->host_ip) ? "" : p->host_ip;

	strv_add(argv, str_eq(p->protocol, "udp") ? "-u" : "-t");
	strv_addf(argv, "%s%s%" PRId64 "-%" PRId64 ":%" PRId64 "-%" PRId64, ip, *ip ? "/" : "",
		  p->host_port, p->host_port + p->range - 1, p->container_port,
		  p->container_port + p->range - 1);
}

/* What podman gives it, but for what the user has given. modern: it knows --map-guest-addr. */
static void pasta_args(struct strv *argv, const struct strs *opts, const struct bind_list *ports,
		       bool modern)
{
	static const char *const from_host[2][3] = {{"-t", "--tcp-ports"}, {"-u", "--udp-ports"}};
	static const char *const to_host[2][3] = {{"-T", "--tcp-ns"}, {"-U", "--udp-ns"}};
	static const char *const dns[] = {"--dns-forward", NULL};
	static const char *const map[] = {"--map-guest-addr", NULL};
	const struct port *p = ports->v;
	bool gateway = false;

	strv_add(argv, "--config-net");
	for (size_t i = 0; i < opts->n; i++) {
		if (!strcmp(opts->v[i], "--map-gw")) /* a word of podman's */
			gateway = true;
		else
			strv_add(argv, opts->v[i]);
	}
	for (int k = 0; k < 2; k++) {
		bool some = given(opts, from_host[k]);
		for (size_t i = 0; i < ports->n; i++)
			if (str_eq(p[i].protocol, "udp") == (k == 1)) {
				pasta_port(argv, &p[i]);
				some = true;
			}
		if (!some) {
			strv_add(argv, from_host[k][0]);
			strv_add(argv, "none");
		}
		if (!given(opts, to_host[k])) {
			strv_add(argv, to_host[k][0]);
			strv_add(argv, "none");
		}
	}
	if (!gateway)
		strv_add(argv, "--no-map-gw");
	if (!given(opts, dns)) {
		strv_add(argv, "--dns-forward");
		strv_add(argv, "169.254.1.1");
	}
	if (modern && !given(opts, map)) {
		strv_add(argv, "--map-guest-addr");
		strv_add(argv, "169.254.1.2");
	}
	strv_add(argv, "--quiet");
	strv_add(
		argv,
		"--runas"); /* it takes the 0 of root's own U0 for the machine's root, and would be nobody there */
	strv_add(argv, "0:0");
	strv_add(argv, "--foreground");
	strv_add(argv, "--pid");
	strv_add(argv, FIFO);
	strv_add(argv, "--netns");
	strv_add(argv, "/proc/self/fd/0");
}

static const char *option(const struct strs *opts, const char *name)
{
	const char *found = NULL;
	size_t n = strlen(name);

	for (size_t i = 0; i < opts->n; i++)
		if (!strncmp(opts->v[i], name, n) && opts->v[i][n] == '=')
			found = opts->v[i] + n + 1;
	return found;
}

static void slirp_args(struct strv *argv, const struct strs *opts)
{
	static const char *const same[] = {"cidr", "outbound_addr", "outbound_addr6"};
	static const char *const flags[] = {"--cidr", "--outbound-addr", "--outbound-addr6"};
	const char *mtu = option(opts, "mtu"), *loopback = option(opts, "allow_host_loopback");
	const char *v6 = option(opts, "enable_ipv6");

	strv_add(argv, "--configure");
	strv_addf(argv, "--mtu=%s", mtu ? mtu : "65520");
	strv_addf(argv, "--ready-fd=%d", READY_FD);
	strv_add(argv, "--enable-sandbox");
	strv_add(argv, "--enable-seccomp");
	strv_add(argv, "--api-socket");
	strv_add(argv, SOCKET);
	if (!str_eq(loopback, "true"))
		strv_add(argv, "--disable-host-loopback");
	if (!str_eq(v6, "false"))
		strv_add(argv, "--enable-ipv6");
	for (size_t i = 0; i < countof(same); i++)
		if (option(opts, same[i]))
			strv_addf(argv, "%s=%s", flags[i], option(opts, same[i]));
	strv_add(argv, "--netns-type=path");
	strv_add(argv, "/proc/self/fd/0");
	strv_add(argv, "tap0");
}

/* ---- the process */

static _Noreturn void become(const char *path, char **argv, int dir, int netns, int ready,
			     int errors)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fchdir(dir) < 0)
		_exit(EXIT_ENGINE);
	dup2(netns, 0); /* the one that both keep open */
	dup2(null, 1);
	dup2(errors, 2);
	if (ready >= 0) {
		if (ready == READY_FD)
			fcntl(ready, F_SETFD, 0);
		dup2(ready, READY_FD);
	}
	const int keep[] = {ready >= 0 ? READY_FD : 2};
	proc_reset(keep, 1);
	execv(path, argv);
	_exit(EXIT_NOTFOUND);
}

/* What it has said so far, the lines that say something, as one. */
static void said(struct str *out)
{
	char buf[TEXT_MAX];
	scoped(strv) lines = {0};
	ssize_t n = read(un.errors, buf, sizeof buf - 1);

	buf[n > 0 ? n : 0] = 0;
	strv_split(&lines, buf, '\n');
	for (size_t i = 0; i < lines.n && out->len < 200; i++) {
		const char *s = lines.v[i];
		/* A program without a syslog complains of that first; and after an unknown option comes all of the usage. */
		if (str_starts(s, "Usage:"))
			break;
		if (*s && !str_starts(s, "Failed to send") && !strstr(s, "tapfd="))
			str_addf(out, "%s%s", out->len ? "; " : "", s);
	}
}

void usernet_end(void)
{
	if (un.relay && un.gone.fd >= 0) {
		int fd = un.gone.fd;
		loop_remove(un.relay->loop, &un.gone);
		close(fd);
	}
	if (un.pid > 0) {
		kill(un.pid, SIGKILL); /* our child, not waited for: the number is its own */
		proc_wait(un.pid);
	}
	un.pid = 0;
	fd_close(&un.errors);
}

static int explain(struct err *e)
{
	scoped(str) text = {0};

	said(&text);
	const char *why = text.len ? str_cstr(&text) : "it gave no reason";
	enum err_id id = strstr(why, "in use")					  ? ERR_PORT_TAKEN
			 : strstr(why, "Cannot assign")				  ? ERR_PORT_ADDRESS
			 : strstr(why, "ermission denied") && strstr(why, "port") ? ERR_PORT_RIGHTS
										  : ERR_USERNET;
	err_fail(e, id, "%s cannot make the network: %s", un.name, why);
	if (id == ERR_PORT_RIGHTS)
		return err_hint(e, "take a port from 1024 on, or let root run: sysctl "
				   "net.ipv4.ip_unprivileged_port_start=80");
	return err_hint(e, "%s --help lists what the installed one can do", un.name);
}

/* Until it is ready; or it ends, and says why. */
static int await(int ready, struct err *e)
{
	struct pollfd p = {.fd = ready, .events = POLLIN};
	siginfo_t si;
	char c;

	for (int ms = 0; ms < READY_MS; ms += 10) {
		if (poll(&p, 1, 10) > 0 && read(ready, &c, 1) == 1)
			return 0;
		si.si_pid = 0;
		if (waitid(P_PID, (id_t)un.pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid)
			return explain(e);
		if (p.revents & POLLHUP) /* a FIFO that nobody has opened yet is at its end */
			nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return err_fail(e, ERR_USERNET, "%s was not ready in time", un.name);
}

/* ready: for slirp4netns the writing end of a pipe; -1: it writes to the FIFO. */
static int spawn(struct strv *argv, const char *path, int dir, int netns, int ready, struct err *e)
{
	int errors[2];

	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(e, errno, "pipe");
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0)
		become(path, argv->v, dir, netns, ready, errors[1]);
	close(errors[1]);
	un.errors = errors[0];
	un.pid = pid;
	return pid < 0 ? err_set(e, pid, "fork") : 0;
}

static int run_pasta(const char *path, const struct container_config *c,
		     const struct bind_list *ports, int dir, int netns, bool modern, struct err *e)
{
	scoped(strv) argv = {0};

	unlinkat(dir, FIFO, 0);
	if (mkfifoat(dir, FIFO, 0600) < 0)
		return err_set(e, errno, "make a FIFO for pasta");
	autoclose int ready = openat(dir, FIFO, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (ready < 0)
		return err_set(e, errno, "open the FIFO for pasta");
	strv_add(&argv, "pasta");
	pasta_args(&argv, &c->network_options, ports, modern);
	int r = spawn(&argv, path, dir, netns, -1, e);
	if (r == 0)
		r = await(ready, e);
	unlinkat(dir, FIFO, 0);
	if (r < 0)
		usernet_end();
	return r;
}

/* ---- ports of slirp4netns */

static int ask_slirp(int dir, const char *request, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	scoped(str) answer = {0};

	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" SOCKET, dir);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return err_set(e, errno, "connect to slirp4netns");
	int r = fd_write_all(fd, request, strlen(request));
	shutdown(fd, SHUT_WR);
	if (r == 0)
		r = fd_read_all(fd, &answer, TEXT_MAX);
	if (r < 0)
		return err_set(e, r, "talk with slirp4netns");
	return strstr(str_cstr(&answer), "\"error\"") ? -EADDRINUSE : 0;
}

static int slirp_ports(const struct bind_list *ports, int dir, struct err *e)
{
	const struct port *p = ports->v;

	for (size_t i = 0; i < ports->n; i++)
		for (int64_t k = 0; k < p[i].range; k++) {
			scoped(str) text = {0};
			const char *ip = str_is_empty(p[i].host_ip) ? "0.0.0.0" : p[i].host_ip;
			if (strchr(ip, ':'))
				return err_fail(e, ERR_USERNET,
						"slirp4netns publishes no ports on IPv6 addresses");
			str_addf(&text,
				 "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"%s\","
				 "\"host_addr\":\"%s\",\"host_port\":%" PRId64
				 ",\"guest_port\":%" PRId64 "}}",
				 p[i].protocol, ip, p[i].host_port + k, p[i].container_port + k);
			int r = ask_slirp(dir, str_cstr(&text), e);
			if (r == -EADDRINUSE) {
				err_fail_code(e, ERR_PORT_TAKEN, EADDRINUSE,
					      "slirp4netns cannot listen at %s:%" PRId64 "/%s", ip,
					      p[i].host_port + k, p[i].protocol);
				return err_hint(e, "the port is taken, below 1024, or the address "
						   "is not this machine's");
			}
			if (r < 0)
				return r;
		}
	return 0;
}

static int run_slirp(const char *path, const struct container_config *c,
		     const struct bind_list *ports, int dir, int netns, struct err *e)
{
	scoped(strv) argv = {0};
	int ready[2];

	unlinkat(dir, SOCKET, 0);
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	strv_add(&argv, "slirp4netns");
	slirp_args(&argv, &c->network_options);
	int r = spawn(&argv, path, dir, netns, ready[1], e);
	close(ready[1]);
	if (r == 0)
		r = await(ready[0], e);
	close(ready[0]);
	if (r == 0)
		r = slirp_ports(ports, dir, e);
	if (r < 0)
		usernet_end();
	unlinkat(dir, SOCKET, 0);
	return r;
}

/* ---- all of it */

/* A port that is free now; it is the other program that opens it, a moment later. */
static int free_port(const struct port *p, int64_t wanted, int64_t *ret, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len;
	struct ip ip;
	uint16_t port;

	if (ip_parse(str_is_empty(p->host_ip) ? "0.0.0.0" : p->host_ip, &ip) < 0)
		return err_set(e, EINVAL, "the address %s", p->host_ip);
	len = sockaddr_make(&sa, &ip, (uint16_t)wanted);
	autoclose int fd =
		socket(sa.ss_family,
		       (str_eq(p->protocol, "udp") ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "find a free port");
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return bind_error(p, &ip, (uint16_t)wanted, errno, e);
	len = sizeof sa;
	getsockname(fd, (struct sockaddr *)&sa, &len);
	sockaddr_read(&sa, &ip, &port);
	*ret = port;
	return 0;
}

/* One of those that may be taken. */
static int free_one(struct port *p, struct err *e)
{
	int r = -EADDRINUSE;

	for (int64_t i = 0; i < p->choice && r == -EADDRINUSE; i++) {
		*e = (struct err){.exit = EXIT_ENGINE};
		r = free_port(p, p->host_port + i, &p->host_port, e);
	}
	return r;
}

/* A random port is the same again when the supervisor starts the container again. */
static int choose_ports(const struct container_config *c, const struct container_state *st,
			struct bind_list *ret, struct arena *a, struct err *e)
{
	const struct port *p = c->ports.v;
	const struct state_port *was = st->ports.v;
	bool again = st->restart_count && st->ports.n == c->ports.n;

	for (size_t i = 0; i < c->ports.n; i++) {
		struct port *to = bind_append(a, ret, sizeof *to);
		*to = p[i];
		if (again)
			to->host_port = was[i].host_port;
		int r = !to->host_port	       ? free_port(to, 0, &to->host_port, e)
			: to->choice && !again ? free_one(to, e)
					       : 0;
		to->choice = 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static void record(const struct bind_list *ports, struct container_state *st)
{
	static struct arena a; /* as long as the supervisor */
	const struct port *p = ports->v;

	arena_free(&a);
	st->ports = (struct bind_list){0};
	for (size_t i = 0; i < ports->n; i++)
		*(struct state_port *)bind_append(&a, &st->ports, sizeof(struct state_port)) =
			(struct state_port){p[i].host_ip, p[i].host_port, p[i].container_port,
					    p[i].range, p[i].protocol};
}

int usernet_start(const struct container_config *c, struct container_state *st, int dir, int netns,
		  struct err *e)
{
	scoped(arena) a = {0};
	struct bind_list ports = {0};
	autofree char *path = path_find_program(c->network);

	un.name = c->network;
	if (!path)
		return usernet_missing(c->network, e);
	int r = choose_ports(c, st, &ports, &a, e);
	if (r == 0 && !strcmp(c->network, "slirp4netns")) {
		r = run_slirp(path, c, &ports, dir, netns, e);
	} else if (r == 0) {
		r = run_pasta(path, c, &ports, dir, netns, true, e);
		if (r < 0 && strstr(e->msg, "map-guest-addr"))
			r = run_pasta(path, c, &ports, dir, netns, false, e);
	}
	if (r == 0)
		record(&ports, st);
	return r;
}

static void on_gone(struct watch *w, uint32_t events)
{
	scoped(str) text = {0};
	scoped(str) why = {0};

	said(&why);
	str_addf(&text, "%s, which is the container's network, has ended", un.name);
	if (why.len)
		str_addf(&text, ": %s", str_cstr(&why));
	relay_tell(un.relay, FRAME_NOTE, str_cstr(&text), text.len);
	usernet_end();
}

int usernet_watch(struct relay *r, struct err *e)
{
	if (un.pid <= 0)
		return 0;
	int fd = proc_open(un.pid, proc_start_time(un.pid));
	un.relay = r;
	un.gone.fn = on_gone;
	int k = fd < 0 ? fd : loop_add(r->loop, &un.gone, fd, EPOLLIN);
	return k < 0 ? err_set(e, k, "watch %s", un.name) : 0;
}
