#include "base/base.h"
#include "cli/limit_rows.h"

#define TO(kind, field) OPT_TO(kind, struct limit_opts, field)
const struct opt limit_rows[] = {
	{"blkio-weight", 0, TO(OPT_STR, blkio_weight), "WEIGHT",
	 "Share of the disks among those who want them (10 to 1000)"},
	{"blkio-weight-device", 0, TO(OPT_STRS, weight_device), "PATH:WEIGHT",
	 "The same for one disk", COMPLETE_FILE},
	{"cpu-period", 0, TO(OPT_STR, cpu_period), "MICROSECONDS",
	 "Period that --cpu-quota counts in (default 100000)"},
	{"cpu-quota", 0, TO(OPT_STR, cpu_quota), "MICROSECONDS",
	 "Processor time in each period; -1 for no limit"},
	{"cpu-shares", 'c', TO(OPT_STR, cpu_shares), "WEIGHT",
	 "Share of the processors among those who want them (2 to 262144, others have 1024)"},
	{"cpus", 0, TO(OPT_STR, cpus), "NUMBER", "Processors that it may use, as in 1.5"},
	{"cpuset-cpus", 0, TO(OPT_STR, cpuset_cpus), "LIST",
	 "Which processors it may use, as in 0-3,7"},
	{"cpuset-mems", 0, TO(OPT_STR, cpuset_mems), "LIST",
	 "Which memory nodes it may use, as in 0,1"},
	{"device-read-bps", 0, TO(OPT_STRS, read_bps), "PATH:BYTES",
	 "Bytes a second that it may read from a disk, as in /dev/sda:10mb", COMPLETE_FILE},
	{"device-read-iops", 0, TO(OPT_STRS, read_iops), "PATH:NUMBER",
	 "Operations a second that it may read from a disk", COMPLETE_FILE},
	{"device-write-bps", 0, TO(OPT_STRS, write_bps), "PATH:BYTES",
	 "Bytes a second that it may write to a disk", COMPLETE_FILE},
	{"device-write-iops", 0, TO(OPT_STRS, write_iops), "PATH:NUMBER",
	 "Operations a second that it may write to a disk", COMPLETE_FILE},
	{"memory", 'm', TO(OPT_STR, memory), "SIZE", "Memory that it may use, as in 512m or 2g"},
	{"memory-reservation", 0, TO(OPT_STR, memory_reservation), "SIZE",
	 "Memory that is left to it when others need some"},
	{"memory-swap", 0, TO(OPT_STR, memory_swap), "SIZE",
	 "Memory and swap together; -1 for no limit (default: twice the memory)"},
	{"pids-limit", 0, TO(OPT_STR, pids_limit), "NUMBER",
	 "Processes and threads that it may have; -1 for no limit"},
	{0},
};

const struct opt limit_place_rows[] = {
	{"cgroup-conf", 0, TO(OPT_CSV, conf), "FILE=VALUE",
	 "Write to a file of its cgroup, as in memory.high=1073741824"},
	{"cgroup-parent", 0, TO(OPT_STR, cgroup_parent), "PATH|SLICE",
	 "The cgroup, or systemd's slice, that its own is in"},
	{"cgroups", 0, TO(OPT_CHOICE, cgroups), "MODE",
	 "enabled (default), disabled, no-conmon or split (the caller's own)",
	 .words = "enabled disabled no-conmon split"},
	{0},
};
