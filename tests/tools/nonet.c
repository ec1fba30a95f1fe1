/*
 * nonet tun|nft COMMAND...: runs it on a kernel without TUN devices, or without nftables, as far as it can tell: the calls for them fail as they
 * do there. A filter needs no_new_privs where the caller is not root, so an ordinary user has one uid only in it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARG(n) (offsetof(struct seccomp_data, args) + 8 * (n))

int main(int argc, char **argv)
{
	int tun = argc > 2 && !strcmp(argv[1], "tun");
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, tun ? SYS_ioctl : SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, tun ? ARG(1) : ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, tun ? TUNSETIFF : AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, tun ? ARG(1) : ARG(2)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, tun ? TUNSETIFF : NETLINK_NETFILTER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (tun ? ENODEV : EPROTONOSUPPORT)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = {sizeof f / sizeof *f, f};

	if (argc < 3)
		return 2;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0) < 0) {
		perror("nonet");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
