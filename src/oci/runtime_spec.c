#include <sched.h>
#include <sys/resource.h>

#include "base/base.h"
#include "base/parse.h"
#include "oci/runtime_spec.h"

static const struct {
	const char *name;
	int number;
} rlimit_names[] = {
	{"AS", RLIMIT_AS},
	{"CORE", RLIMIT_CORE},
	{"CPU", RLIMIT_CPU},
	{"DATA", RLIMIT_DATA},
	{"FSIZE", RLIMIT_FSIZE},
	{"LOCKS", RLIMIT_LOCKS},
	{"MEMLOCK", RLIMIT_MEMLOCK},
	{"MSGQUEUE", RLIMIT_MSGQUEUE},
	{"NICE", RLIMIT_NICE},
	{"NOFILE", RLIMIT_NOFILE},
	{"NPROC", RLIMIT_NPROC},
	{"RSS", RLIMIT_RSS},
	{"RTPRIO", RLIMIT_RTPRIO},
	{"RTTIME", RLIMIT_RTTIME},
	{"SIGPENDING", RLIMIT_SIGPENDING},
	{"STACK", RLIMIT_STACK},
};

int oci_rlimit_number(const char *type)
{
	for (size_t i = 0; str_starts(type, "RLIMIT_") && i < countof(rlimit_names); i++)
		if (!strcmp(type + strlen("RLIMIT_"), rlimit_names[i].name))
			return rlimit_names[i].number;
	return -1;
}

bool oci_cpu_list(const char *text, unsigned char *set, size_t bytes)
{
	memset(set, 0, bytes);
	for (const char *p = text;;) {
		unsigned v[2];
		for (int i = 0; i < 2; i++) {
			char digits[8];
			uint64_t x;
			size_t n = strspn(p, "0123456789");
			snprintf(digits, sizeof digits, "%.*s", n < 7 ? (int)n : 7, p);
			if (!n || n > 6 || parse_u64(digits, bytes * 8 - 1, &x) < 0)
				return false;
			v[i] = (unsigned)x;
			p += n;
			if (i == 0 && *p != '-') {
				v[1] = v[0];
				break;
			}
			p += i == 0;
		}
		if (v[0] > v[1])
			return false;
		for (unsigned i = v[0]; i <= v[1]; i++)
			set[i / 8] |= (unsigned char)(1U << i % 8);
		if (!*p)
			return true;
		if (*p++ != ',')
			return false;
	}
}

static const struct {
	const char *name;
	int clone;
} ns_kinds[OCI_NS_KINDS] = {
	[OCI_NS_USER] = {"user", CLONE_NEWUSER},       [OCI_NS_MOUNT] = {"mount", CLONE_NEWNS},
	[OCI_NS_PID] = {"pid", CLONE_NEWPID},	       [OCI_NS_NETWORK] = {"network", CLONE_NEWNET},
	[OCI_NS_IPC] = {"ipc", CLONE_NEWIPC},	       [OCI_NS_UTS] = {"uts", CLONE_NEWUTS},
	[OCI_NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP}, [OCI_NS_TIME] = {"time", 0x80},
};

const char *oci_ns_name(enum oci_ns k)
{
	return ns_kinds[k].name;
}

int oci_ns_clone(enum oci_ns k)
{
	return ns_kinds[k].clone;
}

const struct oci_namespace *oci_ns_find(const struct oci_spec *s, enum oci_ns k)
{
	const struct oci_namespace *n = s->linux_.namespaces.v;

	for (size_t i = 0; i < s->linux_.namespaces.n; i++)
		if (!strcmp(n[i].type, ns_kinds[k].name))
			return &n[i];
	return NULL;
}

bool oci_ns_new(const struct oci_spec *s, enum oci_ns k)
{
	const struct oci_namespace *n = oci_ns_find(s, k);

	return n && str_is_empty(n->path);
}
