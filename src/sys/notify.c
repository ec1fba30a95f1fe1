#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/base.h"
#include "sys/notify.h"

/* Younger than the headers of some distributions. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   SECCOMP_IOW(4, __u64)
#endif

/* The kernel writes as much as its own structures have, which may grow. */
union big_notif {
	struct seccomp_notif n;
	char room[512];
};
union big_resp {
	struct seccomp_notif_resp r;
	char room[256];
};

static bool sizes_fit(void)
{
	struct seccomp_notif_sizes s;

	return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &s) == 0 &&
	       s.seccomp_notif <= sizeof(union big_notif) &&
	       s.seccomp_notif_resp <= sizeof(union big_resp);
}

int notify_load(const struct seccomp_prog *p, bool patient)
{
	struct sock_fprog prog = {.len = (unsigned short)p->n,
				  .filter = (struct sock_filter *)(uintptr_t)p->v};
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | p->flags;

	if (!sizes_fit())
		return -EINVAL;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  flags | (patient ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0), &prog);
	if (fd < 0 && errno == EINVAL && patient)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	return fd < 0 ? -errno : (int)fd;
}

void notify_in_turn(int listener)
{
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

int notify_next(int listener, struct notify_call *ret)
{
	union big_notif b = {0};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &b) < 0)
		return -errno;
	*ret = (struct notify_call){
		.id = b.n.id, .pid = (pid_t)b.n.pid, .arch = b.n.data.arch, .nr = b.n.data.nr};
	for (size_t i = 0; i < countof(ret->args); i++)
		ret->args[i] = b.n.data.args[i];
	return 0;
}

static void answer(int listener, const struct seccomp_notif_resp *r)
{
	union big_resp b = {0};

	b.r = *r;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &b); /* ENOENT: it died meanwhile */
}

void notify_answer(int listener, uint64_t id, int64_t value, int err)
{
	const struct seccomp_notif_resp r = {.id = id, .val = err ? 0 : value, .error = -err};

	answer(listener, &r);
}

void notify_pass(int listener, uint64_t id)
{
	const struct seccomp_notif_resp r = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	answer(listener, &r);
}

bool notify_waits(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

ssize_t notify_read(pid_t pid, uint64_t at, void *buf, size_t n)
{
	struct iovec own = {buf, n}, other = {(void *)(uintptr_t)at, n};
	ssize_t k = process_vm_readv(pid, &own, 1, &other, 1, 0);

	return k < 0 ? -errno : k;
}

ssize_t notify_write(pid_t pid, uint64_t at, const void *buf, size_t n)
{
	struct iovec own = {(void *)(uintptr_t)buf, n}, other = {(void *)(uintptr_t)at, n};
	ssize_t k = process_vm_writev(pid, &own, 1, &other, 1, 0);

	return k < 0 ? -errno : k;
}
