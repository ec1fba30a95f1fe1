#include <linux/if_link.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "net/parent.h"
#include "sys/rtnl.h"

/* Plain bytes, over a socket, with the network namespace of the container. */
struct request {
	char ifname[IFNAME], parent[IFNAME];
	uint8_t mac[MAC_LEN];
	bool ipvlan;
	uint32_t mode, mtu;
};

static int helper = -1;
static bool denied; /* who started the container is not root; in U0 everybody is */

bool parent_is(const struct network *n)
{
	return !strcmp(n->driver, "macvlan") || !strcmp(n->driver, "ipvlan");
}

int parent_fd(void)
{
	return helper;
}

static uint32_t mode_of(const struct network *n, bool ipvlan)
{
	static const struct {
		const char *name;
		bool ipvlan;
		uint32_t mode;
	} known[] = {
		{"bridge", false, MACVLAN_MODE_BRIDGE}, {"private", false, MACVLAN_MODE_PRIVATE},
		{"vepa", false, MACVLAN_MODE_VEPA},	{"passthru", false, MACVLAN_MODE_PASSTHRU},
		{"l2", true, IPVLAN_MODE_L2},		{"l3", true, IPVLAN_MODE_L3},
		{"l3s", true, IPVLAN_MODE_L3S},
	};
	const char *s = pairs_get(&n->options, "mode");

	if (!s)
		s = pairs_get(&n->options, ipvlan ? "ipvlan_mode" : "macvlan_mode");
	for (size_t i = 0; s && i < countof(known); i++)
		if (known[i].ipvlan == ipvlan && !strcmp(known[i].name, s))
			return known[i].mode;
	return ipvlan ? (uint32_t)IPVLAN_MODE_L2 : (uint32_t)MACVLAN_MODE_BRIDGE;
}

/* ---- outside of U0 */

/* The device that the network names, or that of the default route. */
static int find_parent(int rtnl, const char *name, struct err *e)
{
	static const uint8_t far4[4] = {192, 88, 99, 1}, far6[16] = {0x20, [15] = 1};
	uint8_t src[16];
	int index = 0;

	if (*name) {
		index = rtnl_index(rtnl, name);
		if (index > 0)
			return index;
		err_fail_code(e, ERR_NETWORK_PARENT, ENODEV, "the host has no network device %s",
			      name);
		return strchr(name, '.')
			       ? err_hint(e, "one with a VLAN tag is made by: ip link add "
					     "link eth0 name eth0.50 type vlan id 50")
			       : err_hint(e, "--opt parent=NAME; ip link lists them");
	}
	if ((rtnl_route_to(rtnl, AF_INET, far4, &index, src, NULL) == 0 && index > 0) ||
	    (rtnl_route_to(rtnl, AF_INET6, far6, &index, src, NULL) == 0 && index > 0))
		return index;
	err_fail_code(e, ERR_NETWORK_PARENT, ENODEV,
		      "the host has no default route that would say which device is meant");
	return err_hint(e, "--opt parent=NAME; ip link lists the devices");
}

static int refuse(const struct network *n, struct err *e)
{
	err_fail_code(e, ERR_NETWORK_PARENT, EPERM,
		      "--driver %s: only root can put containers beside the host", n->driver);
	return err_hint(e, "a network of the driver bridge with published ports (-p) needs no "
			   "root, and shows servers the addresses of their clients");
}

int parent_check(const struct network *n, struct err *e)
{
	if (geteuid() != 0)
		return refuse(n, e);
	autoclose int fd = rtnl_open(e);
	if (fd < 0)
		return fd;
	int index = find_parent(fd, n->interface ? n->interface : "", e);
	return index < 0 ? err_context(e, "--driver %s", n->driver) : 0;
}

static int make(const struct request *q, int netns, struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	autoclose int fd = rtnl_open(e);

	if (fd < 0)
		return fd;
	int parent = find_parent(fd, q->parent, e);
	if (parent < 0)
		return parent;
	nl_reset(b);
	rtnl_link(b, q->ipvlan ? "make an ipvlan device" : "make a macvlan device",
		  &(struct rtnl_link){.kind = q->ipvlan ? "ipvlan" : "macvlan",
				      .name = q->ifname,
				      .parent = parent,
				      .mode = q->mode,
				      .mtu = q->mtu,
				      .mac = q->ipvlan ? NULL : q->mac,
				      .netns = netns});
	int r = nl_talk(fd, b, NULL, e);
	if (r == -EOPNOTSUPP) {
		e->id = ERR_NET_KERNEL;
		err_hint(e, "the administrator can run: modprobe %s",
			 q->ipvlan ? "ipvlan" : "macvlan");
	}
	if (r == -EBUSY)
		err_hint(e, "a device is the parent of macvlan or of ipvlan devices, not of both, "
			    "and of one "
			    "only in the mode passthru");
	return r;
}

static _Noreturn void serve(int sock)
{
	struct request q;

	prctl(PR_SET_NAME, "hoy-parent");
	for (;;) {
		struct err e = {0};
		autoclose int netns = -1;
		size_t one = 1;
		ssize_t n = fd_recv_msg(sock, &q, sizeof q, &netns, &one);
		if (n == -EINTR)
			continue;
		if (n != sizeof q || !one)
			_exit(0);
		q.ifname[IFNAME - 1] = q.parent[IFNAME - 1] = 0;
		if (make(&q, netns, &e) == 0)
			e = (struct err){0};
		else if (!e.code)
			e.code = EINVAL;
		fd_send_msg(sock, &e, sizeof e, NULL, 0);
	}
}

static bool is_needed(const struct home *h, int container_dir)
{
	struct endpoints eps;
	struct arena a = {0};
	bool yes = false;
	int r = endpoints_read(container_dir, &eps, &a, NULL);
	const struct endpoint *ep = eps.v.v;

	for (size_t i = 0; r == 0 && i < eps.v.n && !yes; i++) {
		struct network n = {0};
		yes = network_read(h, ep[i].network, &n, &a, NULL) == 0 && parent_is(&n);
	}
	arena_free(&a);
	return yes;
}

int parent_start(const struct home *h, int container_dir, struct err *e)
{
	int s[2];

	denied = geteuid() != 0;
	if (denied || !is_needed(h, container_dir))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0) {
		proc_reset(&s[1], 1);
		serve(s[1]);
	}
	close(s[1]);
	if (pid < 0) {
		close(s[0]);
		return err_set(e, -pid, "fork");
	}
	helper = s[0];
	return 0;
}

/* ---- in U0 */

int parent_make(const struct network *n, const struct endpoint *ep, int netns, struct err *e)
{
	struct request q = {.ipvlan = !strcmp(n->driver, "ipvlan")};
	const char *mtu = pairs_get(&n->options, "mtu");
	uint64_t v;
	size_t none = 0;
	struct err got;

	if (denied)
		return refuse(n, e);
	if (helper < 0) {
		err_fail_code(
			e, ERR_NETWORK_PARENT, EPERM,
			"network %s: the container was started without a network of this kind and "
			"has given up the right to make one",
			n->name);
		return err_hint(e, "it will be there after a restart of the container");
	}
	if (!mtu)
		mtu = pairs_get(&n->options, "com.docker.network.driver.mtu");
	if (mtu && parse_u64(mtu, UINT16_MAX, &v) == 0)
		q.mtu = (uint32_t)v;
	q.mode = mode_of(n, q.ipvlan);
	if (!q.ipvlan && (!ep->mac || mac_parse(ep->mac, q.mac) < 0))
		return err_set(e, EINVAL, "the record of an endpoint in network %s is broken",
			       n->name);
	snprintf(q.ifname, sizeof q.ifname, "%s", ep->ifname);
	snprintf(q.parent, sizeof q.parent, "%s", n->interface ? n->interface : "");
	ssize_t r = fd_send_msg(helper, &q, sizeof q, &netns, 1);
	if (r > 0)
		r = fd_recv_msg(helper, &got, sizeof got, NULL, &none);
	if (r != sizeof got)
		return err_set(e, r < 0 ? (int)-r : EPIPE, "network %s: make the device", n->name);
	if (!got.code)
		return 0;
	*e = got;
	return err_context(e, "network %s", n->name);
}

void parent_remove(const struct endpoint *ep)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	autoclose int fd = rtnl_open(NULL);
	int index = fd < 0 ? fd : rtnl_index(fd, ep->ifname);

	if (index <= 0)
		return;
	nl_reset(b);
	rtnl_link_delete(b, "", index);
	nl_talk(fd, b, NULL, NULL);
}
