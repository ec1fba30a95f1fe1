#include "base/base.h"
#include "runtime/namespaces.h"
#include "runtime/sysctl.h"
#include "sys/mounts.h"

/* What belongs to the ipc namespace. What begins with fs.mqueue. does, too; with net., to the network's. */
static const char *const ipc_names[] = {
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
	"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
};

static bool is_ipc(const char *name)
{
	for (size_t i = 0; i < countof(ipc_names); i++)
		if (!strcmp(ipc_names[i], name))
			return true;
	return str_starts(name, "fs.mqueue.");
}

/* Nothing that could lead out of /proc/sys once dots are slashes. */
static bool well_formed(const char *name)
{
	size_t n = strlen(name);

	return n && n < 200 && name[0] != '.' && name[n - 1] != '.' && !strstr(name, "..") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
		       n;
}

int sysctl_check(const struct container_config *c, const char *name, struct err *e)
{
	bool ipc = is_ipc(name), net = str_starts(name, "net.");

	if (!well_formed(name)) {
		err_fail(e, ERR_SYSCTL, "--sysctl \"%.80s\" is not a name", name);
		return err_hint(e, "NAME=VALUE, the name with dots as in net.core.somaxconn");
	}
	if (!strcmp(name, "kernel.hostname") || !strcmp(name, "kernel.domainname")) {
		err_fail(e, ERR_SYSCTL, "--sysctl %s is not how a container gets its name", name);
		return err_hint(e, "use --%s", name + 7);
	}
	if (!ipc && !net) {
		err_fail(e, ERR_SYSCTL, "--sysctl %s: that is a matter of the whole machine", name);
		return err_hint(e, "a container has its own kernel.msg*, kernel.sem, kernel.shm*, "
				   "fs.mqueue.* and net.*");
	}
	if (ipc && !ns_is_own(c, NS_IPC)) {
		err_fail(e, ERR_SYSCTL,
			 "--sysctl %s: the container has no ipc namespace of its own", name);
		return err_hint(e, "leave --ipc out, or the parameter");
	}
	if (net && !ns_is_own(c, NS_NET)) {
		err_fail(e, ERR_SYSCTL, "--sysctl %s: the container uses the network of %s", name,
			 ns_is_host(c, NS_NET) ? "the host" : "another");
		return err_hint(e, "leave --network out, or the parameter");
	}
	return 0;
}

/* Of a network device that is not there before the container is attached to its networks: net.ipv4.conf.eth0.rp_filter. */
static bool is_of_device(const struct container_config *c, const char *name)
{
	static const char *const before[] = {"net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.",
					     "net.ipv6.neigh."};
	static const char *const always[] = {"all.", "default.", "lo."};
	const char *dev = NULL;

	for (size_t i = 0; i < countof(before); i++)
		if (str_starts(name, before[i]))
			dev = name + strlen(before[i]);
	for (size_t i = 0; dev && i < countof(always); i++)
		if (str_starts(dev, always[i]))
			return false;
	return dev && ns_is_networked(c);
}

/* path: below dir, but with dots. */
static int write_one(int dir, const char *from, const struct pair *p, struct err *e)
{
	char path[256];

	snprintf(path, sizeof path, "%s", from);
	for (char *s = path; *s; s++)
		if (*s == '.')
			*s = '/';
	autoclose int fd = path_open_beneath(dir, path, O_WRONLY, 0);
	if (fd < 0) {
		err_set(e, fd, "--sysctl %s", p->k);
		e->id = ERR_SYSCTL;
		return err_hint(e, fd == -ENOENT ? "this kernel has no such parameter, or not in a "
						   "container"
						 : "the kernel leaves it to the host's root");
	}
	if (write(fd, p->v, strlen(p->v)) < 0) {
		err_set(e, errno, "--sysctl %s=%s", p->k, p->v);
		e->id = ERR_SYSCTL;
		return err_hint(e, "the kernel does not take this value");
	}
	return 0;
}

static int write_below_proc(int proc, const struct pair *p, struct err *e)
{
	char path[256];

	snprintf(path, sizeof path, "sys.%s", p->k);
	return write_one(proc, path, p, e);
}

/* What a network namespace of its own begins with, as docker has it: everybody in the container may ping, and open any port. The kernel's defaults
 * protect a machine from its users; here there is nobody to protect. Each first value that the kernel takes: it may name mapped groups only. */
static const struct {
	const char *name, *values[2];
} net_defaults[] = {
	{"net.ipv4.ping_group_range", {"0 65535", "0 0"}},
	{"net.ipv4.ip_unprivileged_port_start", {"0"}},
};

static bool is_asked_for(const struct container_config *c, const char *name)
{
	for (size_t i = 0; i < c->sysctls.n; i++)
		if (!strcmp(c->sysctls.v[i].k, name))
			return true;
	return false;
}

static void write_net_defaults(const struct container_config *c, int proc)
{
	struct err ignored;

	for (size_t i = 0; i < countof(net_defaults); i++) {
		const char *name = net_defaults[i].name;
		for (size_t k = 0; k < 2 && net_defaults[i].values[k]; k++) {
			const struct pair p = {name, net_defaults[i].values[k]};
			if (is_asked_for(c, name) || write_below_proc(proc, &p, &ignored) == 0)
				break;
		}
	}
}

int sysctl_write(const struct container_config *c, int proc, int *ret_later, struct err *e)
{
	/* With proc-opts=subset=pid the container's own has no sys. */
	bool less = c->security.proc_opts && strstr(c->security.proc_opts, "subset=pid");
	autoclose int whole =
		less && c->sysctls.n ? mount_new("proc", NULL, MOUNT_NOSUID | MOUNT_NOEXEC, e) : -1;
	int r = 0;

	if (less && c->sysctls.n && whole < 0)
		return whole;
	if (ns_is_own(c, NS_NET) && !less)
		write_net_defaults(c, proc);
	int from = less ? whole : proc;
	for (size_t i = 0; i < c->sysctls.n && r == 0; i++) {
		if (!is_of_device(c, c->sysctls.v[i].k)) {
			r = write_below_proc(from, &c->sysctls.v[i], e);
		} else if (!*ret_later) {
			*ret_later = openat(from, "sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (*ret_later < 0)
				r = err_set(e, errno, "open /proc/sys/net");
		}
	}
	return r;
}

int sysctl_write_later(const struct container_config *c, int *later, struct err *e)
{
	int r = 0;

	if (*later <= 0)
		return 0;
	for (size_t i = 0; i < c->sysctls.n && r == 0; i++)
		if (is_of_device(c, c->sysctls.v[i].k))
			r = write_one(*later, c->sysctls.v[i].k + strlen("net."), &c->sysctls.v[i],
				      e);
	fd_close(later);
	return r;
}
