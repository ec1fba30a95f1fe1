#include <linux/audit.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/sandbox.h"
#include "sys/caps.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define ARCH AUDIT_ARCH_RISCV64
#endif

enum { READ_MAX = 32, LINKS_MAX = 8, CAP_NUMBER_NET_RAW = 13 };

/* What the network process needs beside the calls that have a condition. */
static const char *const netproc_calls[] = {
	"read",		  "write",	   "readv",
	"writev",	  "close",	   "recvmsg",
	"sendmsg",	  "recvfrom",	   "sendto",
	"recvmmsg",	  "sendmmsg",	   "bind",
	"connect",	  "listen",	   "accept4",
	"getsockopt",	  "setsockopt",	   "getsockname",
	"getpeername",	  "shutdown",	   "epoll_ctl",
	"epoll_wait",	  "epoll_pwait",   "poll",
	"ppoll",	  "clock_gettime", "clock_nanosleep",
	"nanosleep",	  "brk",	   "munmap",
	"mremap",	  "madvise",	   "fstat",
	"newfstatat",	  "statx",	   "lseek",
	"getrandom",	  "fcntl",	   "readlinkat",
	"flock",	  "unlinkat",	   "wait4",
	"exit",		  "exit_group",	   "rt_sigreturn",
	"rt_sigprocmask", "sigaltstack",   "restart_syscall",
	"getpid",	  "gettid",	   "getuid",
	"geteuid",	  "gettimeofday",  "sysinfo",
	"futex",	  "sched_yield",
};

static const char *const sockpool_calls[] = {
	"recvmsg",    "sendmsg",      "setsockopt",	 "close",     "exit",
	"exit_group", "rt_sigreturn", "restart_syscall", "poll",      "ppoll",
	"madvise",    "brk",	      "munmap",		 "getrandom", "sigaltstack",
};

static int allow_all(struct seccomp_builder *b, const char *const *v, size_t n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_builder_add(b, v[i], SECCOMP_RET_ALLOW, NULL, 0, e);
	return r;
}

static int allow_if(struct seccomp_builder *b, const char *name, unsigned index, uint64_t mask,
		    uint64_t value, struct err *e)
{
	const struct seccomp_arg a = {
		.index = index, .op = SECCOMP_MASKED_EQ, .value = value, .mask = mask};

	return seccomp_builder_add(b, name, SECCOMP_RET_ALLOW, &a, 1, e);
}

static int allow_sockets(struct seccomp_builder *b, enum sandbox_kind k, struct err *e)
{
	int r = allow_if(b, "socket", 0, UINT32_MAX, AF_INET, e);

	if (r == 0)
		r = allow_if(b, "socket", 0, UINT32_MAX, AF_INET6, e);
	if (r == 0 && k == SANDBOX_SOCKPOOL)
		r = allow_if(b, "socket", 0, UINT32_MAX, AF_NETLINK, e);
	return r;
}

/* Nothing is written to, nothing executable is mapped, sockets are asked how much lies in them and which devices there are. */
static int allow_with_conditions(struct seccomp_builder *b, struct err *e)
{
	static const unsigned questions[] = {FIONREAD,	   TIOCOUTQ,	 SIOCGIFCONF,
					     SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFADDR};
	const uint64_t writes = O_ACCMODE | O_CREAT | O_TRUNC;
	int r = allow_if(b, "openat", 2, writes, O_RDONLY, e);

	if (r == 0)
		r = allow_if(b, "mmap", 2, PROT_EXEC, 0, e);
	if (r == 0)
		r = allow_if(b, "mprotect", 2, PROT_EXEC, 0, e);
	for (size_t i = 0; r == 0 && i < countof(questions); i++)
		r = allow_if(b, "ioctl", 1, UINT32_MAX, questions[i], e);
	if (r == 0) /* the own limits */
		r = allow_if(b, "prlimit64", 0, UINT32_MAX, 0, e);
	return r;
}

static int load_filter(enum sandbox_kind k, struct err *e)
{
	const uint32_t arch = ARCH;
	struct seccomp_prog prog = {0};
	autobuilder struct seccomp_builder *b = NULL;
	bool net = k == SANDBOX_NETPROC;
	int r = seccomp_builder_new(&b, &arch, 1, SECCOMP_RET_KILL_PROCESS,
				    SECCOMP_RET_KILL_PROCESS, e);

	if (r == 0)
		r = net ? allow_all(b, netproc_calls, countof(netproc_calls), e)
			: allow_all(b, sockpool_calls, countof(sockpool_calls), e);
	if (r == 0)
		r = allow_sockets(b, k, e);
	if (r == 0 && net)
		r = allow_with_conditions(b, e);
	if (r == 0)
		r = seccomp_builder_finish(b, &prog, e);
	if (r == 0) {
		r = seccomp_load(&prog);
		if (r < 0)
			err_set(e, r, "load the seccomp filter of the network");
	}
	seccomp_prog_free(&prog);
	return r;
}

/* A file's directory is what counts: the file is replaced, not edited. Follows a link by one step; false: it is none. */
static bool add_readable(char path[PATH_MAX], struct landlock_rule *v, size_t *n)
{
	char to[PATH_MAX];
	struct stat st;

	if (*n == READ_MAX || lstat(path, &st) < 0)
		return false;
	ssize_t len = S_ISLNK(st.st_mode) ? readlink(path, to, sizeof to - 1) : -1;
	autofree char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	if (!S_ISDIR(st.st_mode) && slash)
		slash[slash == dir] = 0;
	v[*n] = (struct landlock_rule){open(dir, O_PATH | O_CLOEXEC), LANDLOCK_READ};
	(*n)++;
	if (len <= 0)
		return false;
	to[len] = 0;
	if (*to == '/')
		snprintf(path, PATH_MAX, "%s", to);
	else
		snprintf(path, PATH_MAX, "%.2000s/%.2000s", dir, to);
	return true;
}

/* Failing is no error: the kernel may have no landlock, and then the other walls stand. */
static void leave_files(int dir, const char *const *read)
{
	struct landlock_rule v[READ_MAX + 1] = {{dir, LANDLOCK_REMOVE}};
	char path[PATH_MAX];
	size_t n = 1;

	for (; read && *read; read++) {
		snprintf(path, sizeof path, "%s", *read);
		for (int i = 0; i < LINKS_MAX && add_readable(path, v, &n); i++)
			;
	}
	landlock_enter(v, n);
	for (size_t i = 1; i < n; i++)
		fd_close(&v[i].fd);
}

int sandbox_enter(enum sandbox_kind k, int dir, const char *const *read, struct err *e)
{
	const uint64_t raw = UINT64_C(1) << CAP_NUMBER_NET_RAW;
	const struct caps caps = {.bounding = k == SANDBOX_SOCKPOOL ? raw : 0};
	const struct caps_sets sets = caps_sets_of(&caps, 0);

	for (char **v = environ; v && *v; v++) /* everybody may read it in /proc */
		memset(*v, 0, strlen(*v));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "give up rights");
	leave_files(dir, read);
	int r = caps_before_user(sets.bounding, e);
	if (r == 0)
		r = caps_after_user(&sets, false, e);
	if (r < 0)
		return r;
	prctl(PR_SET_DUMPABLE, 0);
	return load_filter(k, e);
}
