#include "base/base.h"
#include "engine/inspect_limits.h"

static void set_number(struct json *j, struct arena *a, const char *key, int64_t n)
{
	if (n)
		json_set_int(a, j, key, n);
}

static void set_devices(struct json *j, struct arena *a, const char *key, const char *what,
			const struct bind_list *l)
{
	const struct device_limit *d = l->v;
	struct json *arr = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		json_set_str(a, o, "Path", d[i].path);
		json_set_int(a, o, what, d[i].value);
		json_add(a, arr, o);
	}
	if (l->n)
		json_set(a, j, key, arr);
}

static void set_all(const struct config_limits *l, bool docker, struct json *j, struct arena *a)
{
	set_number(j, a, "Memory", l->memory);
	set_number(j, a, "MemoryReservation", l->memory_reservation);
	set_number(j, a, "MemorySwap", limit_swap(l));
	set_number(j, a, "NanoCpus", l->nano_cpus);
	if (l->nano_cpus && !docker) { /* podman shows what becomes of it, too */
		json_set_int(a, j, "CpuPeriod", 100000);
		json_set_int(a, j, "CpuQuota", l->nano_cpus / 10000);
	}
	set_number(j, a, "CpuPeriod", l->cpu_period);
	set_number(j, a, "CpuQuota", l->cpu_quota);
	set_number(j, a, "CpuShares", l->cpu_shares);
	if (l->cpuset_cpus)
		json_set_str(a, j, "CpusetCpus", l->cpuset_cpus);
	if (l->cpuset_mems)
		json_set_str(a, j, "CpusetMems", l->cpuset_mems);
	set_number(j, a, "PidsLimit", l->pids);
	set_number(j, a, "BlkioWeight", l->blkio_weight);
	set_devices(j, a, "BlkioWeightDevice", "Weight", &l->weight_device);
	set_devices(j, a, "BlkioDeviceReadBps", "Rate", &l->read_bps);
	set_devices(j, a, "BlkioDeviceWriteBps", "Rate", &l->write_bps);
	set_devices(j, a, "BlkioDeviceReadIOps", "Rate", &l->read_iops);
	set_devices(j, a, "BlkioDeviceWriteIOps", "Rate", &l->write_iops);
	if (l->conf.n)
		json_set(a, j, "CgroupConf", json_new_pairs(a, &l->conf));
}

int inspect_limits(const struct container *c, bool docker, struct json *j, struct arena *a,
		   struct err *e)
{
	const struct container_config *cfg = &c->config;
	struct config_limits l;
	int r = limit_read(c->dir, &cfg->limits, &l, a, e);

	if (r < 0)
		return r;
	set_all(&l, docker, j, a);
	json_set_str(a, j, "CgroupParent", cfg->cgroup_parent ? cfg->cgroup_parent : "");
	if (cfg->cgroups)
		json_set_str(a, j, "Cgroups", cfg->cgroups);
	if (c->state.cgroup && strstr(c->state.cgroup, ".scope/"))
		json_set_str(a, j, "CgroupManager", "systemd");
	return 0;
}
