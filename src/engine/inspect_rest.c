#include "base/base.h"
#include "engine/inspect_rest.h"

#define NEVER "\"0001-01-01T00:00:00Z\""
static const char rest[] =
	"{\"State\":{\"OciVersion\":\"\",\"CgroupPath\":\"\",\"CheckpointedAt\":" NEVER
	",\"RestoredAt\":" NEVER "},"
	"\"ResolvConfPath\":\"\",\"HostnamePath\":\"\",\"HostsPath\":\"\",\"OCIConfigPath\":\"\","
	"\"ConmonPidFile\":\"\",\"PidFile\":\"\",\"ExecIDs\":[],\"IsService\":false,"
	"\"KubeExitCodePropagation\":\"invalid\",\"lockNumber\":0,"
	"\"GraphDriver\":{\"Data\":{\"MergedDir\":\"\"}},"
	"\"NetworkSettings\":{\"HairpinMode\":false,\"LinkLocalIPv6Address\":\"\","
	"\"LinkLocalIPv6PrefixLen\":0},"
	"\"Config\":{\"HealthcheckOnFailureAction\":\"none\",\"HealthLogDestination\":\"local\","
	"\"HealthcheckMaxLogCount\":5,\"HealthcheckMaxLogSize\":500,\"Umask\":\"0022\","
	"\"Timeout\":0,\"Passwd\":true,\"sdNotifyMode\":\"container\"},"
	"\"HostConfig\":{\"CgroupManager\":\"cgroupfs\",\"CgroupMode\":\"private\","
	"\"LogConfig\":{\"Tag\":\"\",\"Size\":\"0B\"},\"AutoRemoveImage\":false,\"GroupAdd\":[],"
	"\"Cgroup\":\"\",\"Cgroups\":\"default\",\"CgroupnsMode\":\"private\","
	"\"OomScoreAdj\":0,\"ShmSize\":65536000,\"ConsoleSize\":[0,0],\"Isolation\":\"\","
	"\"CpuShares\":0,\"Memory\":0,\"NanoCpus\":0,\"CgroupParent\":\"\",\"BlkioWeight\":0,"
	"\"BlkioWeightDevice\":null,\"BlkioDeviceReadBps\":null,\"BlkioDeviceWriteBps\":null,"
	"\"BlkioDeviceReadIOps\":null,\"BlkioDeviceWriteIOps\":null,\"CpuPeriod\":0,"
	"\"CpuQuota\":0,\"CpuRealtimePeriod\":0,\"CpuRealtimeRuntime\":0,\"CpusetCpus\":\"\","
	"\"CpusetMems\":\"\",\"Devices\":[],\"DeviceCgroupRules\":null,\"DeviceRequests\":null,"
	"\"DiskQuota\":0,\"KernelMemory\":0,\"MemoryReservation\":0,\"MemorySwap\":0,"
	"\"MemorySwappiness\":0,\"OomKillDisable\":false,\"PidsLimit\":0,\"CpuCount\":0,"
	"\"CpuPercent\":0,\"IOMaximumIOps\":0,\"IOMaximumBandwidth\":0,\"CgroupConf\":null}}";

static void add(struct json *to, const struct json *from, struct arena *a)
{
	for (size_t i = 0; i < from->obj.n; i++) {
		const struct json_member *m = &from->obj.v[i];
		struct json *there = json_get(to, m->key);
		if (!there)
			json_set(a, to, m->key, m->value);
		else if (there->type == JSON_OBJ && m->value->type == JSON_OBJ)
			add(there, m->value, a);
	}
}

void inspect_rest(struct json *container, struct arena *a)
{
	const struct json *j = json_parse(a, rest, sizeof rest - 1, "inspect", NULL, NULL);

	if (j)
		add(container, j, a);
}
