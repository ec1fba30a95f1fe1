/*
 * device_filter.h - which devices the processes of a cgroup of version 2 may open and make: an eBPF program, made by hand and loaded with bpf(2).
 *
 * Rules are tried from the last to the first, for each of reading, writing and making a node by itself: the last rule that names the device and the kind of access
 * counts; what none names is refused. Linux' BPF_PROG_TYPE_CGROUP_DEVICE (Documentation/bpf/prog_cgroup_sysctl.rst's sibling, kernel/bpf/cgroup.c).
 */
#ifndef SYS_DEVICE_FILTER_H
#define SYS_DEVICE_FILTER_H

#include "base/base.h"

enum { DEVICE_MKNOD = 1, DEVICE_READ = 2, DEVICE_WRITE = 4, DEVICE_ALL = 7 };

struct device_rule {
	bool allow;
	char type;	      /* 'a' any, 'b', 'c' */
	int64_t major, minor; /* -1: any */
	unsigned access;      /* DEVICE_* */
};

struct bpf_insn;
enum { DEVICE_RULES_MAX = 4096 };

/* The program: instructions (the caller frees them) and their number. -E2BIG. */
int device_filter_make(const struct device_rule *v, size_t n, struct bpf_insn **ret, size_t *ret_n);
/* What the rules say of one access, as the program computes it; for tests, and for a look ahead. */
bool device_filter_says(const struct device_rule *v, size_t n, char type, uint32_t major,
			uint32_t minor, unsigned access);

/* Loads the program and attaches it to the cgroup (a descriptor), in place of those that are attached there. -EPERM where bpf(2) is not ours to use. */
int device_filter_attach(int cgroup, const struct device_rule *v, size_t n);

#endif
