#include <linux/audit.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "monitor/ids.h"
#include "monitor/ids_files.h"
#include "monitor/ids_table.h"
#include "sys/notify.h"
#include "sys/syscalls.h"
#include "sys/userns.h"

#define KEEP UINT32_MAX

enum { MAX_STARTS = 16 }; /* of answerers that somebody kills: then all is left to the kernel */

/* A call that was handed over, by what it is. */
static struct known {
	uint32_t arch;
	int nr;
	enum creds_op op;
	bool narrow;
} known[128];
static size_t nknown;

static void learn_calls(void)
{
	for (size_t i = 0; i < syscall_table_count; i++) {
		uint32_t arch = syscall_tables[i].arch;
		for (size_t k = 0; k < creds_call_count && nknown < countof(known); k++) {
			const struct creds_call *c = &creds_calls[k];
			int nr = syscall_number(arch, c->name);
			bool narrow = c->narrow && !(arch & __AUDIT_ARCH_64BIT);
			if (nr >= 0)
				known[nknown++] = (struct known){arch, nr, c->op, narrow};
		}
	}
}

static const struct known *find_call(const struct notify_call *c)
{
	if (!nknown)
		learn_calls();
	for (size_t i = 0; i < nknown; i++)
		if (known[i].arch == c->arch && known[i].nr == c->nr)
			return &known[i];
	return NULL;
}

/* ---- the answerer */

struct answerer {
	struct ids_table *table;
	int listener, proc;
};

/* One call on its way. */
struct job {
	const struct answerer *a;
	const struct notify_call *call;
	const struct known *k;
	struct creds who;
};

/* A number for the program that the process runs, which execve changes: where its stack begins. 0 if it cannot be had. */
static uint64_t image_of(const struct job *j)
{
	char path[32], buf[1024];

	snprintf(path, sizeof path, "%d/stat", (int)j->call->pid);
	autoclose int fd = openat(j->a->proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);
	buf[n > 0 ? n : 0] = 0;
	const char *p =
		strrchr(buf, ')'); /* behind the name is field 3; the stack is field 28, proc(5) */
	for (int field = 2; p && field < 28; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* Does the process hold the capability, and may it use it? What the kernel says counts for who is as the kernel sees it, and for root;
 * one that has become somebody else has lost what it had, unless it asked to keep it. */
static bool holds(const struct job *j, int cap)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, j->call->pid};
	struct __user_cap_data_struct d[2] = {{0}};
	uint32_t uid = j->who.uid[CREDS_EFFECTIVE];

	if (uid && uid != j->a->table->native.uid[CREDS_EFFECTIVE] &&
	    !(j->who.kept && j->who.kept == image_of(j)))
		return false;
	return syscall(SYS_capget, &h, d) == 0 && (d[cap / 32].effective >> (cap % 32) & 1);
}

static uint32_t arg_id(const struct job *j, int i)
{
	uint32_t v = (uint32_t)j->call->args[i];

	return j->k->narrow ? ((v & 0xffff) == 0xffff ? KEEP : v & 0xffff) : v;
}

/* An id as the caller can take it. */
static uint32_t shown(const struct job *j, uint32_t id)
{
	return j->k->narrow && id > 0xffff ? 65534 : id;
}

static int put_ids(const struct job *j, uint64_t at, const uint32_t *ids, size_t n)
{
	uint16_t small[CREDS_MAX_GROUPS];
	size_t size = n * (j->k->narrow ? sizeof *small : sizeof *ids);

	for (size_t i = 0; i < n; i++)
		small[i] = (uint16_t)shown(j, ids[i]);
	if (!size)
		return 0;
	const void *from = j->k->narrow ? (const void *)small : ids;
	return notify_write(j->call->pid, at, from, size) == (ssize_t)size ? 0 : -EFAULT;
}

static int64_t do_getres(const struct job *j)
{
	const uint32_t *v = j->k->op == CREDS_GETRESUID ? j->who.uid : j->who.gid;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		r = put_ids(j, j->call->args[i], &v[i], 1);
	return r;
}

static int64_t do_getgroups(const struct job *j)
{
	int32_t room = (int32_t)j->call->args[0];

	if (room < 0 || (room && (uint32_t)room < j->who.ngroups))
		return -EINVAL;
	int r = room ? put_ids(j, j->call->args[1], j->who.groups, j->who.ngroups) : 0;
	return r < 0 ? r : (int64_t)j->who.ngroups;
}

static int read_groups(const struct job *j, struct creds *c)
{
	uint32_t wide[CREDS_MAX_GROUPS];
	uint16_t small[CREDS_MAX_GROUPS];
	size_t n = (uint32_t)j->call->args[0];

	if (n > 65536)
		return -EINVAL;
	n = n < CREDS_MAX_GROUPS ? n : CREDS_MAX_GROUPS;
	size_t size = n * (j->k->narrow ? sizeof *small : sizeof *wide);
	void *to = j->k->narrow ? (void *)small : wide;
	if (size && notify_read(j->call->pid, j->call->args[1], to, size) != (ssize_t)size)
		return -EFAULT;
	c->ngroups = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		c->groups[i] = j->k->narrow ? small[i] : wide[i];
	return 0;
}

static int64_t do_set(const struct job *j)
{
	enum creds_op op = j->k->op;
	bool user = op == CREDS_SETUID || op == CREDS_SETREUID || op == CREDS_SETRESUID ||
		    op == CREDS_SETFSUID;
	bool privileged = holds(j, user ? CAP_SETUID : CAP_SETGID);
	const uint32_t a[3] = {arg_id(j, 0), arg_id(j, 1), arg_id(j, 2)};
	struct creds c = j->who;
	int64_t r;

	if (c.keep && c.keep != image_of(j)) /* execve clears it */
		c.keep = c.kept = 0;

	if (op == CREDS_SETGROUPS)
		r = privileged ? read_groups(j, &c) : -EPERM;
	else
		r = creds_set(&c, op, a, privileged);
	if (r < 0 || creds_equal(&c, &j->who))
		return r;
	if (!notify_waits(j->a->listener, j->call->id))
		return -ESRCH;
	int k = ids_table_set(j->a->table, j->call->pid, &c, j->a->proc);
	return k < 0 ? k : r;
}

/* Always false: the kernel does what is asked for as well. */
static bool note_keepcaps(const struct job *j)
{
	struct creds c = j->who;

	c.keep = j->call->args[1] == 1 ? image_of(j) : 0;
	c.kept = c.keep && c.kept == c.keep ? c.kept : 0;
	if (!creds_equal(&c, &j->who) && notify_waits(j->a->listener, j->call->id))
		(void)ids_table_set(j->a->table, j->call->pid, &c, j->a->proc);
	return false;
}

static int64_t do_file(const struct job *j)
{
	/* CAP_MKNOD is none of the capabilities that a container has by default, where it would be of no use: the kernel lets nobody make
	 * devices in here. What takes their place is harmless, and archives that hold devices are unpacked by who gives files away. */
	const struct ids_file_call f = {
		.listener = j->a->listener,
		.call = j->call,
		.op = j->k->op,
		.narrow = j->k->narrow,
		.privileged =
			holds(j, CAP_CHOWN) || (j->k->op >= CREDS_MKNOD && holds(j, CAP_MKNOD)),
		.who = j->who,
	};

	return ids_files_do(&f);
}

/* *ret is a value or a negative errno. False: the kernel shall do it. */
static bool find_answer(const struct job *j, int64_t *ret)
{
	enum creds_op op = j->k->op;

	if (op <= CREDS_LAST_GET && creds_equal(&j->who, &j->a->table->native))
		return false;
	if (op <= CREDS_LAST_PLAIN_GET)
		*ret = shown(j, creds_get(&j->who, op));
	else if (op <= CREDS_LAST_GET)
		*ret = do_getres(j);
	else if (op == CREDS_GETGROUPS)
		*ret = do_getgroups(j);
	else if (op <= CREDS_LAST_ID)
		*ret = do_set(j);
	else if (op == CREDS_PRCTL)
		return note_keepcaps(j);
	else
		*ret = do_file(j);
	return op <= CREDS_LAST_ID || *ret != IDS_PASS;
}

static void answer(const struct answerer *a, const struct notify_call *call)
{
	struct job j = {.a = a, .call = call, .k = find_call(call)};
	int64_t v = 0;

	if (!j.k || ids_table_get(a->table, call->pid, &j.who) < 0 || !find_answer(&j, &v))
		notify_pass(a->listener, call->id);
	else
		notify_answer(a->listener, call->id, v, v < 0 ? (int)-v : 0);
}

/* This process is the answerer from here on, and holds nothing else of what the monitor held. */
static struct answerer take_up(const struct ids *i)
{
	const struct answerer a = {.table = i->table,
				   .listener = i->fd,
				   .proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	int pid1 = i->pid1;
	const int keep[] = {a.listener, a.proc, pid1};

	prctl(PR_SET_NAME, "hoy-ids");
	proc_reset(keep, pid1 < 0 ? 2 : 3);
	signal(SIGTERM, SIG_IGN); /* it ends with the container */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (pid1 >= 0) {
		autoclose int owner = userns_of_mounts(pid1);
		(void)setns(owner < 0 ? pid1 : owner, CLONE_NEWUSER);
		close(pid1);
		prctl(PR_SET_DUMPABLE, 0); /* out of reach for those who are at home there */
	}
	ids_files_init(a.proc);
	return a;
}

/* Waits for the next call. Gives memory back when none has come for a second. Ends when no process has the filter any more. */
static void await_call(const struct answerer *a, struct notify_call *ret)
{
	struct pollfd p = {.fd = a->listener, .events = POLLIN};

	for (int timeout = 1000;;) {
		int n = poll(&p, 1, timeout);
		if (n == 0) {
			mem_settle();
			timeout = -1;
		}
		if (n <= 0)
			continue;
		if (!(p.revents & POLLIN))
			_exit(0);
		if (notify_next(a->listener, ret) == 0)
			return;
	}
}

/* first: a call that the monitor has taken, or NULL. */
static _Noreturn void work(const struct ids *i, const struct notify_call *first)
{
	struct answerer a = take_up(i);
	struct notify_call call;

	if (first)
		call = *first;
	else
		await_call(&a, &call);
	for (;; await_call(&a, &call)) {
		a.table->busy = call.id;
		answer(&a, &call);
		a.table->busy = 0;
	}
}

/* ---- the monitor's side */

static void close_all(struct ids *i)
{
	loop_remove(i->loop, &i->listener);
	fd_close(&i->fd);
	fd_close(&i->pid1);
}

static void on_answerer(struct watch *w, uint32_t events)
{
	struct ids *i = w->arg;
	int fd = w->fd;

	if (waitpid(i->pid, NULL, WNOHANG) != i->pid)
		return;
	loop_remove(i->loop, w);
	close(fd);
	i->pid = 0;
	/* Killed at work: its caller would wait for ever. */
	if (i->table->busy)
		notify_pass(i->fd, i->table->busy);
	i->table->busy = 0;
	if (loop_add(i->loop, &i->listener, i->fd, EPOLLIN) < 0)
		close_all(i);
}

static int start_answerer(struct ids *i, const struct notify_call *first)
{
	int pidfd = -1;

	if (i->starts >= MAX_STARTS)
		return -EAGAIN;
	if (!i->table)
		i->table = ids_table_new(&i->creds);
	if (!i->table)
		return -ENOMEM;
	i->starts++;
	pid_t pid = proc_fork(0, &pidfd);
	if (pid == 0)
		work(i, first);
	if (pid < 0)
		return pid;
	loop_remove(i->loop, &i->listener);
	i->pid = pid;
	return loop_add(i->loop, &i->answerer, pidfd, EPOLLIN);
}

static void on_listener(struct watch *w, uint32_t events)
{
	struct ids *i = w->arg;
	struct notify_call call;

	if (!(events & EPOLLIN)) {
		close_all(i); /* nobody has the filter any more */
		return;
	}
	if (notify_next(i->fd, &call) < 0)
		return;
	const struct known *k = find_call(&call);
	if (k && (k->op > CREDS_LAST_GET || i->table) && start_answerer(i, &call) == 0)
		return;
	notify_pass(i->fd, call.id);
}

int ids_watch(struct ids *i, struct loop *l, int listener, const struct creds *creds, int pid1)
{
	*i = (struct ids){.loop = l, .fd = listener, .pid1 = -1, .creds = *creds};
	i->listener = (struct watch){.fd = -1, .fn = on_listener, .arg = i};
	i->answerer = (struct watch){.fd = -1, .fn = on_answerer, .arg = i};
	if (listener < 0)
		return 0;
	if (pid1 >= 0)
		i->pid1 = fcntl(pid1, F_DUPFD_CLOEXEC, 3);
	notify_in_turn(listener);
	return loop_add(l, &i->listener, listener, EPOLLIN);
}

void ids_serve(struct ids *i)
{
	struct pollfd p = {.fd = i->listener.fd, .events = POLLIN};

	/* One that asks without end has to wait for the loop as well. */
	for (int n = 0; n < 8 && i->listener.fd >= 0 && poll(&p, 1, 0) == 1 && p.revents == POLLIN;
	     n++)
		on_listener(&i->listener, EPOLLIN);
}

void ids_end(struct ids *i)
{
	/* Our child, not waited for before: the number is its own. Nor waited for now: a file system of the host may hold it. */
	if (i->pid > 0)
		kill(i->pid, SIGKILL);
}

void ids_forget(struct ids *i)
{
	int fd = i->answerer.fd;

	loop_remove(i->loop, &i->answerer);
	fd_close(&fd);
	close_all(i);
	ids_table_free(take(i->table));
	i->pid = 0;
}

void ids_outlive(struct ids *i)
{
	struct pollfd p = {.fd = i->fd, .events = POLLIN};

	if (i->fd < 0 || i->pid > 0)
		return;
	if (poll(&p, 1, 0) == 1 && !(p.revents & POLLIN))
		return;
	if (!i->table)
		i->table = ids_table_new(&i->creds);
	if (i->table)
		work(i, NULL);
}
