/*
 * attach.h - a container's network namespace joins a network and leaves it: the client's side of the network process.
 *
 * Each network that has a container attached has one network process (net/netproc.h) and one network namespace N with a bridge, which belongs to
 * U0. Who attaches is in U0 with all capabilities there: the supervisor of the container, or a child of it. It
 * 1. connects to networks/<name>/sock, or, holding the network's lock, makes N and starts the process;
 * 2. sends what the process has to know (names, addresses, ports); the answer is an error (a port is taken) or the ports as they are,
 *    with three descriptors: N, a rtnetlink socket in N, a nfnetlink socket in N;
 * 3. makes the veth pair with these, its peer born in the container's namespace, and lets only the endpoint's own addresses pass.
 * So the process that reads hostile packets needs no capability, and the one that has them reads no packet.
 *
 * The endpoint is attached as long as the connection is open: when the supervisor dies, ports are closed and names forgotten. When the
 * network process dies, the connection ends, and the supervisor attaches again (again: the devices are still there, for N
 * is kept alive by the descriptor). When the last connection ends, the network process does.
 */
#ifndef NET_ATTACH_H
#define NET_ATTACH_H

#include <sys/types.h>

#include "net/bind.h"
#include "net/guest.h"
#include "net/network.h"
#include "net/port.h"

/* Asking for the endpoint, begun early. */
struct net_begun {
	int ctl;       /* the connection, on which the request was sent; -1: none */
	pid_t starter; /* a child that is about to end; 0: none */
};
#define NET_BEGUN_NONE ((struct net_begun){.ctl = -1})

struct attach {
	const char *container, *name, *hostname; /* id, names that others find it by */
	const struct endpoint *endpoint;
	const struct bind_list *ports;	 /* struct port; NULL: none to publish here */
	const struct bound_ports *bound; /* for some of these; NULL: none. They stay open here */
	const struct strs *dns; /* what names_forward() in runtime/names.h says; NULL: none */
	bool dns_not_last;	/* struct names_net there says it */
	struct net_begun
		*begun; /* what net_begin() gave for this, to be used up; NULL: nothing was begun */
	int netns;	/* the container's network namespace */
	pid_t pid;	/* a process in it */
	bool first;	/* has the default route */
	bool again;	/* the device exists: only the network process is new */
};

struct attached {
	int ctl; /* the connection: open as long as it is attached; -1: the process died */
	int ns;	 /* N */
	int users; /* says to all that N lives (a shared lock): no process makes another one meanwhile */
};
#define ATTACHED_NONE ((struct attached){-1, -1, -1})

/* Fills ret, what guest_configure() needs, and into a the ports as the kernel gave them (struct port in *ret_ports). With again, ret holds what there
 * was (its ctl is not looked at); it is replaced. 1: the device is new and has to be configured; 0: it is there as it was. */
int net_attach(const struct home *h, const struct attach *at, struct attached *ret,
	       struct guest_iface *ret_guest, struct bind_list *ret_ports, struct arena *a,
	       struct err *e);
/* What takes the longest, the making of N, can be going on while the container is made: asks the network process, which is started if there is none,
 * for the endpoint, and does not wait for the answer. at: without begun, netns and pid. Whatever goes wrong is found by net_attach(). */
void net_begin(const struct home *h, const struct attach *at, struct net_begun *ret);
/* Of one that was not used up, too; not needed twice. */
void net_begun_end(struct net_begun *b);
/* Tells the process and waits until it has forgotten the endpoint: its ports are free then. The device stays as long as the container lives, or
 * N. Closes the descriptors. Allocates nothing. */
void net_leave(struct attached *v);
/* Waits until the process has forgotten an endpoint whose connection somebody else ends; not for one that is stopped. */
void net_await_left(int ctl);
/* Takes the device away from a container that lives on. */
int net_remove_device(const struct home *h, const struct endpoint *ep, int ns, struct err *e);

#endif
