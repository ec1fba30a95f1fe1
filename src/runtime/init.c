/*
 * How a container's first process comes to be, in order:
 *
 *   root       overlay of the layers, attached over the container's directory
 *   dev        /dev with devices, pts, shm
 *   proc, sys  kernel file systems
 *   volumes    what -v, --mount and --tmpfs asked for
 *   secrets    what --secret asked for
 *   devices    what --device asked for
 *   files      host name, /etc/hosts, /etc/resolv.conf, /etc/hostname
 *   user       looked up in the root, before anything is hidden there and before it is left to the container
 *   passwd     an entry for a user that has none
 *   own        volumes with the option U become the user's
 *   terminal   a pty of the container's own devpts; its master goes to the supervisor
 *   masks      what is hidden or read-only below /proc and /sys
 *   read_only  the root itself, if asked for
 *   network    addresses and routes, when the supervisor has attached the container
 *   pivot      the old root is gone from here on
 *   limits     ulimits, umask
 *   cwd        made if missing, checked to lie inside
 *   privileges user, capabilities, no_new_privs; all other descriptors are closed
 *   filter     seccomp
 *   exec       the command
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/proc.h"
#include "runtime/init.h"
#include "runtime/outer.h"
#include "sys/mounts.h"
#include "sys/netdev.h"

static stage_step *const first_steps[] = {
	outer_root,    stage_dev,      stage_proc,  stage_sys,	      stage_volumes,
	stage_secrets, stage_devices,  stage_files, stage_user,	      stage_passwd,
	stage_own,     stage_terminal, stage_masks, stage_read_only,  stage_network,
	stage_pivot,   stage_limits,   stage_cwd,   stage_privileges, stage_filter,
	stage_exec,
};

/* For a process that joins, everything is there already. */
static stage_step *const joined_steps[] = {
	stage_join_terminal, stage_user,   stage_limits, stage_cwd,
	stage_privileges,    stage_filter, stage_exec,
};

int init_prepare(struct stage *s, struct err *e)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL); /* all that the supervisor ignores */
	signal(SIGHUP, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	s->pty = -1;
	prctl(PR_SET_NAME, INIT_COMM);
	int r = plan_of_config(s->c, s->p, &s->plan, &s->arena, e);
	return r < 0 ? r
		     : security_seccomp(&s->c->security, (uint64_t)s->p->caps_bounding, &s->filter,
					e);
}

_Noreturn void init_run(struct stage *s)
{
	struct err e = {0};

	if (init_prepare(s, &e) < 0 || (ns_is_own(s->c, NS_NET) && netdev_loopback_up(&e) < 0))
		stage_fail(s, &e);
	stage_run(s, first_steps, countof(first_steps));
}

_Noreturn void init_run_joined(struct stage *s)
{
	s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	stage_run(s, joined_steps, countof(joined_steps));
}

bool init_binary_exposed(void)
{
	struct stat st;

	if (stat("/proc/self/exe", &st) < 0)
		return true;
	/* Root's file is out of reach for a container of another user. Seen from inside, an owner that the map does not have shows as
	 * the overflow id, 65534. If the map has a real 65534, sealing is merely needless. */
	bool foreign = st.st_uid == 65534 || (st.st_uid == 0 && geteuid() != 0);
	if (!foreign)
		return true;
	return (st.st_mode & S_IWOTH) || (st.st_mode & S_IWGRP);
}

/* Our own file by a read-only mount. It belongs to no mount namespace once its descriptor is gone, so nobody can make it writable again. */
static int read_only_self(void)
{
	char path[PATH_MAX];
	struct stat exe, st;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n < 0)
		return -errno;
	path[n] = 0;
	autoclose int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || stat("/proc/self/exe", &exe) < 0)
		return -errno;
	if (st.st_dev != exe.st_dev || st.st_ino != exe.st_ino) /* replaced meanwhile: an upgrade */
		return -ESTALE;
	autoclose int mnt = mount_clone(fd, "", false);
	int r = mnt < 0 ? mnt : mount_attr(mnt, MOUNT_RO | MOUNT_NOSUID | MOUNT_NODEV, 0, false);
	return r < 0 ? r : take_fd(mnt);
}

static int sealed_copy(struct err *e)
{
	autoclose int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	autoclose int copy = memfd_create("hoy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (self < 0 || copy < 0 || fstat(self, &st) < 0)
		return err_set(e, errno, "copy our own program");
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = sendfile(copy, self, &at, (size_t)(st.st_size - at));
		if (n <= 0)
			return err_set(e, n ? errno : EIO, "copy our own program");
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_set(e, errno, "seal the copy of our own program");
	return take_fd(copy);
}

int init_seal(char *const argv[], bool own_mounts, struct err *e)
{
	char *const env[] = {NULL};

	return init_seal_as(argv, env, own_mounts, e);
}

int init_seal_as(char *const argv[], char *const env[], bool own_mounts, struct err *e)
{
	autoclose int exe = own_mounts ? read_only_self() : -1;

	if (exe < 0)
		exe = sealed_copy(e);
	if (exe < 0)
		return exe;
	syscall(SYS_execveat, exe, "", argv, env, AT_EMPTY_PATH);
	return err_set(e, errno, "run our own program again");
}
