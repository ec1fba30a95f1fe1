#include <sched.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/base.h"
#include "base/task.h"
#include "net/probe.h"
#include "sys/nft.h"
#include "sys/rtnl.h"
#include "sys/tun.h"
#include "sys/userns.h"

#define TABLE "probe"

enum { BRIDGE_INDEX = 1000, VETH_INDEX = 1001, PEER_INDEX = 1002, ADMIN_TABLE = 100 };

struct trial {
	struct net_probe *p;
	struct nl_batch b;
	int rtnl, nfnl;
	struct err e;
};

static void missing(struct trial *t, const char *what, const char *module, const char *help)
{
	struct net_missing *m;

	if (t->p->n == NET_PROBE_MAX)
		return;
	m = &t->p->missing[t->p->n++];
	snprintf(m->what, sizeof m->what, "%s", what);
	snprintf(m->why, sizeof m->why, "%.127s", t->e.msg);
	snprintf(m->module, sizeof m->module, "%s", module);
	snprintf(m->help, sizeof m->help, "%.159s", help);
}

static void try_tun(struct trial *t)
{
	autoclose int fd = tun_open("probe", 0, &t->e);

	if (fd < 0)
		missing(t, PROBE_TUN, fd == -ENOENT || fd == -ENODEV ? "tun" : "", t->e.hint);
}

static void try_links(struct trial *t)
{
	autoclose int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rtnl_peer peer = {.name = "probe2", .index = PEER_INDEX, .ns = own};

	nl_reset(&t->b);
	rtnl_link(&t->b, "make a bridge",
		  &(struct rtnl_link){.kind = "bridge", .name = "probe0", .index = BRIDGE_INDEX});
	if (nl_talk(t->rtnl, &t->b, NULL, &t->e) < 0)
		missing(t, "bridges", "bridge", "");
	rtnl_link(&t->b, "make a veth pair",
		  &(struct rtnl_link){
			  .kind = "veth", .name = "probe1", .index = VETH_INDEX, .peer = &peer});
	if (nl_talk(t->rtnl, &t->b, NULL, &t->e) < 0)
		missing(t, "veth pairs", "veth", "");
	rtnl_rule(&t->b, "add a routing rule", AF_INET, 1, ADMIN_TABLE);
	if (nl_talk(t->rtnl, &t->b, NULL, &t->e) < 0)
		missing(t, "routing by marks", "",
			"the kernel was built without CONFIG_IP_MULTIPLE_TABLES");
}

static bool commit(struct trial *t)
{
	nft_end(&t->b);
	return nl_talk(t->nfnl, &t->b, NULL, &t->e) == 0;
}

static struct nl_batch *begin(struct trial *t)
{
	nl_reset(&t->b);
	nft_begin(&t->b);
	return &t->b;
}

static bool try_table(struct trial *t, uint8_t family, const char *what)
{
	struct nl_batch *b = begin(t);

	nft_table(b, what, family, TABLE);
	nft_chain(b, what, family, TABLE, "c", NF_INET_PRE_ROUTING, 0, NF_ACCEPT);
	return commit(t);
}

static bool try_set(struct trial *t)
{
	struct nl_batch *b = begin(t);
	struct nft_rule r;

	nft_set(b, "make a set", NFPROTO_BRIDGE, TABLE, "s", 1, 20, 4);
	r = nft_rule(b, "use a set", NFPROTO_BRIDGE, TABLE, "c");
	nft_meta(&r, NFT_META_IIF, 0);
	nft_lookup(&r, "s", 0, false);
	nft_rule_end(&r);
	return commit(t);
}

static bool try_tproxy(struct trial *t)
{
	static const uint8_t four = NFPROTO_IPV4, tcp = 6, loopback[4] = {127, 0, 0, 1};
	struct nl_batch *b = begin(t);
	struct nft_rule r = nft_rule(b, "use tproxy", NFPROTO_INET, TABLE, "c");

	nft_meta(&r, NFT_META_NFPROTO, 0);
	nft_cmp(&r, NFT_CMP_EQ, &four, 1);
	nft_meta(&r, NFT_META_L4PROTO, 0);
	nft_cmp(&r, NFT_CMP_EQ, &tcp, 1);
	nft_tproxy(&r, AF_INET, loopback, 1);
	nft_rule_end(&r);
	return commit(t);
}

static bool try_socket(struct trial *t)
{
	struct nl_batch *b = begin(t);
	struct nft_rule r = nft_rule(b, "use socket", NFPROTO_INET, TABLE, "c");

	nft_socket_transparent(&r);
	nft_rule_end(&r);
	return commit(t);
}

static void try_nft(struct trial *t)
{
	if (t->nfnl < 0 || !try_table(t, NFPROTO_INET, "make a table of nftables")) {
		missing(t, "nftables", "nf_tables", "");
		return;
	}
	if (!try_tproxy(t))
		missing(t, "tproxy of nftables", "nft_tproxy", "");
	if (!try_socket(t))
		missing(t, "socket of nftables", "nft_socket", "");
	if (!try_table(t, NFPROTO_BRIDGE, "make a table for bridges"))
		missing(t, "nftables for bridges", "",
			"the kernel was built without CONFIG_NF_TABLES_BRIDGE");
	else if (!try_set(t))
		missing(t, "sets of nftables", "", "");
}

static int try_all(void *arg, struct err *e)
{
	autofree struct trial *t = xcalloc(1, sizeof *t);
	int r = userns_become(0, 0, e);

	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNET) < 0)
		return err_set(e, errno, "make a network namespace");
	t->p = arg;
	t->rtnl = rtnl_open(e);
	if (t->rtnl < 0)
		return t->rtnl;
	t->nfnl = nft_open(&t->e);
	try_tun(t);
	try_links(t);
	try_nft(t);
	if (access("/proc/sys/net/ipv4/ip_forward", W_OK) < 0) {
		err_set(&t->e, errno, "/proc/sys/net");
		missing(t, "a writable /proc/sys/net", "",
			"inside of a container, start that with --security-opt unmask=/proc/sys");
	}
	t->p->ipv6 = !access("/proc/sys/net/ipv6", F_OK);
	t->p->ok = !t->p->n;
	return 0;
}

int netns_probe(struct net_probe *ret, struct err *e)
{
	struct net_probe *p =
		mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*ret = (struct net_probe){0};
	if (p == MAP_FAILED)
		return err_set(e, errno, "share memory");
	int r = task_run(try_all, p, NULL, e);
	if (r == 0)
		*ret = *p;
	munmap(p, sizeof *p);
	return r;
}

/* The modules of the running kernel are often gone after an update, and then no modprobe helps. */
static bool modules_gone(char release[65])
{
	struct utsname u = {0};
	char path[128];

	uname(&u);
	snprintf(release, 65, "%s", u.release);
	snprintf(path, sizeof path, "/lib/modules/%s", u.release);
	return access(path, F_OK) < 0 && !access("/lib/modules", F_OK);
}

int netns_probe_error(const struct net_probe *p, struct err *e)
{
	scoped(str) what = {0};
	scoped(str) load = {0};
	const char *help = "";
	char release[65];

	for (unsigned i = 0; i < p->n; i++) {
		const struct net_missing *m = &p->missing[i];
		str_addf(&what, "%s%s", i ? ", " : "", m->what);
		if (*m->module)
			str_addf(&load, " %s", m->module);
		else if (!*help)
			help = m->help;
	}
	err_fail_code(e, ERR_NET_KERNEL, ENOSYS, "networks need what is not there: %s",
		      str_cstr(&what));
	if (load.len && modules_gone(release))
		return err_hint(
			e,
			"the modules of the running kernel (%s) are not installed: after an "
			"update of the kernel, reboot",
			release);
	if (load.len)
		return err_hint(e, "the administrator can run: modprobe -a%s%s%s", str_cstr(&load),
				*help ? "; " : "", help);
	return *help ? err_hint(e, "%s", help) : -ENOSYS;
}
