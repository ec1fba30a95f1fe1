#include "cli/absent.h"
#include "cli/opt.h"

const struct absent absent_run_flags[] = {
	{"memory-swappiness", "cgroup v2 has no swappiness of single cgroups",
	 "--memory-swap bounds the swap; as much as --memory means none"},
	{"kernel-memory", "cgroup v2 has no limit for the kernel's memory alone",
	 "--memory counts what the kernel uses for the container as well"},
	{"oom-kill-disable", "cgroup v2 always ends a process when memory runs out",
	 "--cgroup-conf memory.high=SIZE slows the container down before that; --oom-score-adj "
	 "says who goes first"},
	{"cpu-rt-period cpu-rt-runtime", "cgroup v2 gives out no real-time processor time",
	 "--cpus bounds and --cpu-shares weighs ordinary processor time"},
	{"gpus", "hoy knows no devices by kind in this build",
	 "--device gives one by its path: --device /dev/dri"},
	{"pod pod-id-file init-ctr", "hoy has no pods in this build",
	 "containers share namespaces with --ipc, --pid and --uts container:NAME"},
	{"runtime", "hoy is its own runtime", "leave it out"},
	{"sdnotify", "hoy passes no messages to systemd in this build",
	 "leave it out; a unit of Type=simple or forking runs hoy"},
	{"storage-opt",
	 "quotas on what a container writes are root's and of few file systems: hoy sets none",
	 "--read-only with --tmpfs PATH:size=1g bounds what can be written"},
	{"rmi", "hoy create waits for nothing that could remove the image",
	 "hoy run has --rmi; afterwards: hoy rmi IMAGE"},
	{"isolation io-maxbandwidth io-maxiops cpu-count cpu-percent",
	 "that is for containers of Windows", "leave it out"},
	{"decryption-key", "hoy reads no encrypted images", "decrypt it first: skopeo copy"},
	{"rdt-class", "classes of Intel RDT are given out by root, who must have mounted resctrl",
	 "--cpuset-cpus and --cpus divide the processors"},
	{"use-api-socket", "hoy has no daemon, and so no socket", "leave it out"},
	{0},
};

const struct absent absent_other_flags[] = {
	{"latest l", "hoy takes containers by name or ID only here",
	 "hoy ps -lq prints the ID of the newest one"},
	{"driver-opts template-driver", "secrets are files of the store here",
	 "leave it out: the driver is file, which takes no options"},
	{"memory-swappiness", "cgroup v2 has no swappiness of single cgroups",
	 "--memory-swap bounds the swap", .group = "update"},
	{"cpu-rt-period cpu-rt-runtime", "cgroup v2 gives out no real-time processor time",
	 "--cpus bounds and --cpu-shares weighs ordinary processor time", .group = "update"},
	{"availability group limit-bytes required-bytes scope secret sharing topology-preferred "
	 "topology-required type",
	 "that is for the volumes of a swarm, which hoy has none of",
	 "leave it out: a volume of this machine needs its name only", .group = "volume create"},
	{"no-session", "each exec has a process that watches it, which costs half a megabyte",
	 "leave it out", .group = "exec"},
	{"tree", "hoy images shows no layers", "hoy history IMAGE does"},
	{"config", "hoy reads no file with an image's configuration",
	 "hoy commit --change sets one of its values; --root says where the store is"},
	{"link", "hoy writes links into /etc/hosts at the start; there is no link to remove",
	 "leave it out to remove the container"},
	{"checkpoint checkpoint-dir", "hoy keeps no images of running processes",
	 "leave it out: the container starts from the beginning"},
	{"pod p", "hoy has no pods in this build",
	 "hoy inspect shows all that is known of a container"},
	{0},
};

const struct absent absent_commands[] = {
	{"cleanup", "the process that watches a container tidies up behind it",
	 "hoy system check looks whether anything is left; hoy rm removes a container"},
	{"init", "hoy prepares a container when it starts it, which takes milliseconds",
	 "hoy start CONTAINER"},
	{"runlabel", "hoy runs no commands that an image brings along for this machine",
	 "hoy inspect IMAGE shows its labels"},
	{"compose pod kube play generate quadlet", "hoy runs one container at a time",
	 "a script of hoy run -d lines does it; for systemd, hoy run --rm is a unit's ExecStart="},
	{"config swarm service stack node", "hoy works on this machine alone",
	 "hoy secret create keeps data for containers, for configs too"},
	{"trust sign", "hoy neither signs images nor verifies signatures",
	 "cosign signs and verifies; policy.json may still reject names, and what it wants signed "
	 "is "
	 "refused"},
	{"artifact farm plugin context scout", "hoy does not have this",
	 "hoy --help lists the commands"},
	{"machine", "hoy needs no virtual machine: it runs on this one", "hoy run --rm hello"},
	{"auto-update checkpoint restore", "hoy does not have this in this build",
	 "hoy --help lists the commands"},
	{"bake", "hoy builds one target at a time, and reads no file of targets",
	 "a script of hoy build lines does it", .group = "buildx"},
	{"create inspect ls rm stop use dial-stdio version history policy debug dap",
	 "there is one builder, which is hoy itself, and it keeps no record of builds",
	 "leave it out: hoy build; hoy builder du shows the cache", .group = "buildx"},
	{"imagetools", "hoy works at images of registries by hoy manifest",
	 "hoy manifest inspect, hoy manifest create", .group = "buildx"},
	{"service migrate renumber", "hoy has no daemon and no database", "it needs neither",
	 .group = "system"},
	{"connection", "hoy manages this machine only", "ssh HOST hoy ps", .group = "system"},
	{0},
};

static const struct absent *find(const struct absent *rows, const char *command, const char *name,
				 size_t n)
{
	for (; rows->names; rows++)
		if (opt_word_in(rows->names, name, n) &&
		    (!rows->group || !strcmp(rows->group, command)))
			return rows;
	return NULL;
}

bool absent_flag(const char *command, const char *name, size_t n, struct err *e)
{
	bool run = command && opt_word_in("run create", command, strlen(command));
	const struct absent *row =
		command && n ? find(run ? absent_run_flags : absent_other_flags, command, name, n)
			     : NULL;

	if (!row)
		return false;
	err_fail(e, ERR_ABSENT, "%s%.*s: %s", n == 1 ? "-" : "--", (int)n, name, row->reason);
	err_hint(e, "%s", row->hint);
	return true;
}

bool absent_command(const char *name, struct err *e)
{
	const char *blank = strchr(name, ' ');
	const char *word = blank ? blank + 1 : name;
	size_t group = blank ? (size_t)(blank - name) : 0;
	bool whole = group && !strncmp(name, "system ", group + 1);

	for (const struct absent *row = absent_commands; row->names; row++) {
		bool here =
			row->group
				? strlen(row->group) == group && !strncmp(name, row->group, group)
				: !whole; /* "image push" is push; "system x" is nothing else */
		if (!here || !opt_word_in(row->names, word, strlen(word)))
			continue;
		err_fail(e, ERR_ABSENT, "%s: %s", name, row->reason);
		err_hint(e, "%s", row->hint);
		return true;
	}
	return false;
}
