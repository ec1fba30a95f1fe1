#include "base/base.h"
#include "runtime/oci_limits.h"

#define NAME(field) "linux.resources." field

static const char *text_of(struct arena *a, int64_t v, const char *none)
{
	return v < 0 ? none : arena_printf(a, "%" PRId64, v);
}

static const char *text_u64(struct arena *a, uint64_t v)
{
	return arena_printf(a, "%" PRIu64, v);
}

/* A row for a number where 0 says nothing. */
static void add_number(struct limit_list *to, struct arena *a, const char *flag, const char *file,
		       int64_t v, const char *none)
{
	if (v)
		limit_add(to, a, flag, file, text_of(a, v, none), NULL);
}

static void add_json(struct limit_list *to, struct arena *a, const char *flag, const char *file,
		     const struct json *v)
{
	if (v)
		limit_add(to, a, flag, file, arena_printf(a, "%" PRId64, oci_number(v, 0)), NULL);
}

static void add_text(struct limit_list *to, struct arena *a, const char *flag, const char *file,
		     const char *v)
{
	if (!str_is_empty(v))
		limit_add(to, a, flag, file, v, NULL);
}

static int lacks(struct err *e, int version, const char *flag, const char *why)
{
	err_fail(e, ERR_OCI_RESOURCES, "%s cannot be had from cgroup v%d", flag, version);
	return err_hint(e, "%s", why);
}

static void add_cpuset(const struct oci_cpu *c, struct arena *a, struct limit_list *to)
{
	add_text(to, a, NAME("cpu.cpus"), "cpuset.cpus", c->cpus);
	add_text(to, a, NAME("cpu.mems"), "cpuset.mems", c->mems);
}

static void add_pids(const struct oci_resources *r, struct arena *a, struct limit_list *to)
{
	add_number(to, a, NAME("pids.limit"), "pids.max", r->pids.limit, "max");
}

/* ---- version 1 */

static void add_memory_v1(const struct oci_memory *m, struct arena *a, struct limit_list *to)
{
	int64_t swap = m->limit < 0 && !m->swap ? -1 : m->swap;

	add_number(to, a, NAME("memory.limit"), "memory.limit_in_bytes", m->limit, "-1");
	add_number(to, a, NAME("memory.swap"), "memory.memsw.limit_in_bytes", swap, "-1");
	if (swap && !m->swap)
		((struct limit_setting *)to->v.v)[to->v.n - 1].optional = true;
	add_number(to, a, NAME("memory.reservation"), "memory.soft_limit_in_bytes", m->reservation,
		   "-1");
	add_number(to, a, NAME("memory.kernel"), "memory.kmem.limit_in_bytes", m->kernel, "-1");
	add_number(to, a, NAME("memory.kernelTCP"), "memory.kmem.tcp.limit_in_bytes", m->kernel_tcp,
		   "-1");
	if (m->disable_oom_killer)
		limit_add(to, a, NAME("memory.disableOOMKiller"), "memory.oom_control", "1", NULL);
	add_json(to, a, NAME("memory.swappiness"), "memory.swappiness", m->swappiness);
	if (m->use_hierarchy)
		limit_add(to, a, NAME("memory.useHierarchy"), "memory.use_hierarchy",
			  m->use_hierarchy->b ? "1" : "0", NULL);
}

static void add_cpu_v1(const struct oci_cpu *c, struct arena *a, struct limit_list *to)
{
	add_number(to, a, NAME("cpu.realtimePeriod"), "cpu.rt_period_us",
		   (int64_t)c->realtime_period, NULL);
	add_number(to, a, NAME("cpu.realtimeRuntime"), "cpu.rt_runtime_us", c->realtime_runtime,
		   "-1");
	add_number(to, a, NAME("cpu.shares"), "cpu.shares", (int64_t)c->shares, NULL);
	add_number(to, a, NAME("cpu.period"), "cpu.cfs_period_us", (int64_t)c->period, NULL);
	add_number(to, a, NAME("cpu.quota"), "cpu.cfs_quota_us", c->quota, "-1");
	add_json(to, a, NAME("cpu.burst"), "cpu.cfs_burst_us", c->burst);
	add_json(to, a, NAME("cpu.idle"), "cpu.idle", c->idle);
	add_cpuset(c, a, to);
}

static void add_throttles_v1(const struct bind_list *l, const char *flag, const char *file,
			     struct arena *a, struct limit_list *to)
{
	const struct oci_throttle_device *d = l->v;

	for (size_t i = 0; i < l->n; i++)
		limit_add(to, a, flag, file,
			  arena_printf(a, "%" PRId64 ":%" PRId64 " %" PRIu64, d[i].major,
				       d[i].minor, d[i].rate),
			  NULL);
}

static void add_block_io_v1(const struct oci_block_io *b, struct arena *a, struct limit_list *to)
{
	const struct oci_weight_device *w = b->weight_device.v;

	if (b->weight) {
		struct limit_setting *s = limit_add(to, a, NAME("blockIO.weight"), "blkio.weight",
						    text_u64(a, b->weight), NULL);
		s->other = "blkio.bfq.weight";
		s->other_value = s->value;
	}
	if (b->leaf_weight)
		limit_add(to, a, NAME("blockIO.leafWeight"), "blkio.leaf_weight",
			  text_u64(a, b->leaf_weight), NULL);
	for (size_t i = 0; i < b->weight_device.n; i++) {
		const char *dev = arena_printf(a, "%" PRId64 ":%" PRId64, w[i].major, w[i].minor);
		if (w[i].weight) {
			struct limit_setting *s = limit_add(
				to, a, NAME("blockIO.weightDevice"), "blkio.weight_device",
				arena_printf(a, "%s %" PRIu64, dev, w[i].weight), NULL);
			s->other = "blkio.bfq.weight_device";
			s->other_value = s->value;
		}
		if (w[i].leaf_weight)
			limit_add(to, a, NAME("blockIO.weightDevice"), "blkio.leaf_weight_device",
				  arena_printf(a, "%s %" PRIu64, dev, w[i].leaf_weight), NULL);
	}
	add_throttles_v1(&b->read_bps, NAME("blockIO.throttleReadBpsDevice"),
			 "blkio.throttle.read_bps_device", a, to);
	add_throttles_v1(&b->write_bps, NAME("blockIO.throttleWriteBpsDevice"),
			 "blkio.throttle.write_bps_device", a, to);
	add_throttles_v1(&b->read_iops, NAME("blockIO.throttleReadIOPSDevice"),
			 "blkio.throttle.read_iops_device", a, to);
	add_throttles_v1(&b->write_iops, NAME("blockIO.throttleWriteIOPSDevice"),
			 "blkio.throttle.write_iops_device", a, to);
}

/* form: where the page size stands. What is reserved is limited too, where the kernel counts it (5.7). */
static void add_hugepages(const struct bind_list *l, const char *end, struct arena *a,
			  struct limit_list *to)
{
	const struct oci_hugepage_limit *h = l->v;

	for (size_t i = 0; i < l->n; i++) {
		const char *value = text_u64(a, h[i].limit);
		limit_add(to, a, NAME("hugepageLimits"),
			  arena_printf(a, "hugetlb.%s.%s", h[i].page_size, end), value, NULL);
		limit_add(to, a, NAME("hugepageLimits"),
			  arena_printf(a, "hugetlb.%s.rsvd.%s", h[i].page_size, end), value, NULL)
			->optional = true;
	}
}

static void add_rdma(const struct json *rdma, struct arena *a, struct limit_list *to)
{
	for (size_t i = 0; rdma && i < rdma->obj.n; i++) {
		const struct json *v = rdma->obj.v[i].value;
		scoped(str) text = {0};
		str_add(&text, rdma->obj.v[i].key);
		if (json_get(v, "hcaHandles"))
			str_addf(&text, " hca_handle=%" PRId64, json_int(v, "hcaHandles", 0));
		if (json_get(v, "hcaObjects"))
			str_addf(&text, " hca_object=%" PRId64, json_int(v, "hcaObjects", 0));
		limit_add(to, a, NAME("rdma"), "rdma.max", arena_strdup(a, text.s), NULL);
	}
}

int oci_limits_v1(const struct oci_resources *r, struct arena *a, struct limit_list *ret,
		  struct err *e)
{
	const struct oci_net_priority *p = r->network.priorities.v;

	if (r->unified.n)
		return lacks(e, 1, NAME("unified"),
			     "its files are those of version 2; memory, cpu and their like can be "
			     "had from both");
	add_memory_v1(&r->memory, a, ret);
	add_cpu_v1(&r->cpu, a, ret);
	add_pids(r, a, ret);
	add_block_io_v1(&r->block_io, a, ret);
	add_hugepages(&r->hugepages, "limit_in_bytes", a, ret);
	if (r->network.class_id && oci_number(r->network.class_id, 0))
		add_json(ret, a, NAME("network.classID"), "net_cls.classid", r->network.class_id);
	for (size_t i = 0; i < r->network.priorities.n; i++)
		limit_add(ret, a, NAME("network.priorities"), "net_prio.ifpriomap",
			  arena_printf(a, "%s %" PRIu64, p[i].name, p[i].priority), NULL);
	add_rdma(r->rdma, a, ret);
	return 0;
}

/* ---- version 2 */

int oci_swap_v2(const struct oci_memory *m, const struct oci_limits_now *now, int64_t *ret,
		struct err *e)
{
	int64_t limit = m->limit ? m->limit : now->memory, both = m->swap;

	*ret = -1;
	if (m->limit < 0 && !m->swap)
		return 1; /* no limit for the one means none for the other, as version 1 had it */
	/* A new limit of memory leaves that of both together as it is. */
	if (m->limit && !m->swap && now->memory >= 0 && now->swap >= 0)
		both = now->memory + now->swap;
	if (both <= 0)
		return both < 0;
	if (limit <= 0)
		return err_fail(e, ERR_OCI_RESOURCES,
				NAME("memory.swap") " is a limit for memory and swap together, and "
						    "memory has none");
	if (both < limit)
		return err_fail(e, ERR_OCI_RESOURCES,
				NAME("memory.swap") " is %" PRId64
						    ", less than the memory in it: %" PRId64,
				both, limit);
	*ret = both - limit;
	return 1;
}

static int add_memory_v2(const struct oci_memory *m, const struct oci_limits_now *now,
			 struct arena *a, struct limit_list *to, struct err *e)
{
	static const char none[] =
		"leave it out, or boot with version 1 (systemd.unified_cgroup_hierarchy=0)";
	int64_t swap;

	if (m->kernel)
		return lacks(e, 2, NAME("memory.kernel"), none);
	if (m->kernel_tcp)
		return lacks(e, 2, NAME("memory.kernelTCP"), none);
	if (m->swappiness)
		return lacks(e, 2, NAME("memory.swappiness"), none);
	if (m->disable_oom_killer)
		return lacks(e, 2, NAME("memory.disableOOMKiller"), none);
	if (m->use_hierarchy && !m->use_hierarchy->b)
		return lacks(e, 2, NAME("memory.useHierarchy") " false", none);
	int r = oci_swap_v2(m, now, &swap, e);
	if (r < 0)
		return r;
	if (r) /* a kernel without swap has no such file; then nothing swaps */
		limit_add(to, a, NAME("memory.swap"), "memory.swap.max", text_of(a, swap, "max"),
			  NULL)
			->optional = swap <= 0;
	add_number(to, a, NAME("memory.limit"), "memory.max", m->limit, "max");
	add_number(to, a, NAME("memory.reservation"), "memory.low", m->reservation, "max");
	return 0;
}

static int add_cpu_v2(const struct oci_cpu *c, const struct oci_limits_now *now, struct arena *a,
		      struct limit_list *to, struct err *e)
{
	if (c->realtime_runtime || c->realtime_period)
		return lacks(e, 2,
			     c->realtime_runtime ? NAME("cpu.realtimeRuntime")
						 : NAME("cpu.realtimePeriod"),
			     "leave it out: that version does not divide realtime");
	if (c->shares)
		limit_add(to, a, NAME("cpu.shares"), "cpu.weight",
			  text_u64(a, limit_cpu_weight(c->shares < 2 ? 2 : c->shares)), NULL);
	add_json(to, a, NAME("cpu.idle"), "cpu.idle", c->idle);
	add_json(to, a, NAME("cpu.burst"), "cpu.max.burst", c->burst);
	/* A quota alone leaves the period as it is. */
	if (c->quota && !c->period)
		add_number(to, a, NAME("cpu.quota"), "cpu.max", c->quota, "max");
	else if (c->period)
		limit_add(to, a, c->quota ? NAME("cpu.quota") : NAME("cpu.period"), "cpu.max",
			  arena_printf(a, "%s %" PRIu64,
				       text_of(a, c->quota ? c->quota : now->quota, "max"),
				       c->period),
			  NULL);
	add_cpuset(c, a, to);
	return 0;
}

static void add_throttles_v2(const struct bind_list *l, const char *flag, const char *word,
			     struct arena *a, struct limit_list *to)
{
	const struct oci_throttle_device *d = l->v;

	for (size_t i = 0; i < l->n; i++) {
		/* Version 1 takes 0 for "no limit"; this one would refuse it. */
		const char *rate = d[i].rate ? text_u64(a, d[i].rate) : "max";
		limit_add(to, a, flag, "io.max",
			  arena_printf(a, "%" PRId64 ":%" PRId64 " %s=%s", d[i].major, d[i].minor,
				       word, rate),
			  NULL);
	}
}

static int add_block_io_v2(const struct oci_block_io *b, struct arena *a, struct limit_list *to,
			   struct err *e)
{
	const struct oci_weight_device *w = b->weight_device.v;

	if (b->leaf_weight)
		return lacks(e, 2, NAME("blockIO.leafWeight"),
			     "that version has no processes beside groups: leave it out");
	if (b->weight) {
		struct limit_setting *s = limit_add(to, a, NAME("blockIO.weight"), "io.bfq.weight",
						    text_u64(a, b->weight), NULL);
		s->other = "io.weight";
		s->other_value = text_u64(a, limit_io_weight(b->weight < 10 ? 10 : b->weight));
	}
	for (size_t i = 0; i < b->weight_device.n; i++) {
		const char *dev = arena_printf(a, "%" PRId64 ":%" PRId64, w[i].major, w[i].minor);
		uint64_t weight = w[i].weight < 10 ? 10 : w[i].weight;
		if (w[i].leaf_weight)
			return lacks(e, 2, NAME("blockIO.weightDevice") "'s leafWeight",
				     "that version has no processes beside groups: leave it out");
		if (!w[i].weight)
			continue;
		struct limit_setting *s =
			limit_add(to, a, NAME("blockIO.weightDevice"), "io.bfq.weight",
				  arena_printf(a, "%s %" PRIu64, dev, w[i].weight), NULL);
		s->other = "io.weight";
		s->other_value = arena_printf(a, "%s %" PRIu64, dev, limit_io_weight(weight));
	}
	add_throttles_v2(&b->read_bps, NAME("blockIO.throttleReadBpsDevice"), "rbps", a, to);
	add_throttles_v2(&b->write_bps, NAME("blockIO.throttleWriteBpsDevice"), "wbps", a, to);
	add_throttles_v2(&b->read_iops, NAME("blockIO.throttleReadIOPSDevice"), "riops", a, to);
	add_throttles_v2(&b->write_iops, NAME("blockIO.throttleWriteIOPSDevice"), "wiops", a, to);
	return 0;
}

int oci_limits_v2(const struct oci_resources *r, const struct oci_limits_now *now, struct arena *a,
		  struct limit_list *ret, struct err *e)
{
	int n = add_memory_v2(&r->memory, now, a, ret, e);

	if (n == 0)
		n = add_cpu_v2(&r->cpu, now, a, ret, e);
	if (n == 0)
		n = add_block_io_v2(&r->block_io, a, ret, e);
	if (n < 0)
		return n;
	if (oci_number(r->network.class_id, 0) || r->network.priorities.n)
		return lacks(e, 2, NAME("network"),
			     "nftables can match a cgroup's path instead (socket cgroupv2)");
	add_pids(r, a, ret);
	add_hugepages(&r->hugepages, "max", a, ret);
	add_rdma(r->rdma, a, ret);
	for (size_t i = 0; i < r->unified.n; i++)
		limit_add(ret, a, arena_printf(a, NAME("unified[%s]"), r->unified.v[i].k),
			  r->unified.v[i].k, r->unified.v[i].v, NULL);
	return 0;
}

/* ---- devices */

/* Nodes of any number may be made, since making one opens nothing, and those that all containers have may be used. */
static const struct device_rule defaults[] = {
	{true, 'c', -1, -1, DEVICE_MKNOD}, {true, 'b', -1, -1, DEVICE_MKNOD},
	{true, 'c', 1, 3, DEVICE_ALL},	   {true, 'c', 1, 8, DEVICE_ALL},
	{true, 'c', 1, 7, DEVICE_ALL},	   {true, 'c', 5, 0, DEVICE_ALL},
	{true, 'c', 1, 5, DEVICE_ALL},	   {true, 'c', 1, 9, DEVICE_ALL},
	{true, 'c', 136, -1, DEVICE_ALL},  {true, 'c', 5, 2, DEVICE_ALL},
};

struct device_rule *oci_device_rules(const struct oci_resources *r, struct arena *a, size_t *ret_n)
{
	const struct oci_device_rule *d = r ? r->devices.v : NULL;
	size_t n = r ? r->devices.n : 0;
	struct device_rule *v = arena_alloc(a, (n + countof(defaults)) * sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct device_rule){d[i].allow, d[i].type ? d[i].type[0] : 'a',
					    oci_number(d[i].major, -1), oci_number(d[i].minor, -1),
					    oci_rule_access(&d[i])};
	memcpy(v + n, defaults, sizeof defaults);
	*ret_n = n + countof(defaults);
	return v;
}

static bool same_device(const struct device_rule *a, const struct device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/* Is there a device that both name? */
static bool overlap(const struct device_rule *a, const struct device_rule *b)
{
	return a->type == b->type && (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor);
}

static bool covers(const struct device_rule *wide, const struct device_rule *narrow)
{
	return wide->type == narrow->type && (wide->major < 0 || wide->major == narrow->major) &&
	       (wide->minor < 0 || wide->minor == narrow->minor);
}

static int cannot_say(const struct device_rule *d, struct err *e)
{
	err_fail(e, ERR_OCI_RESOURCES,
		 NAME("devices") ": the rule for %c %" PRId64 ":%" PRId64
				 " makes an exception that cgroup v1 cannot hold",
		 d->type, d->major, d->minor);
	return err_hint(e, "there a device can be taken out of a list, but not out of a wider rule "
			   "(-1 means any number): name what is meant, or use version 2");
}

/* The list of exceptions that the kernel keeps: allowed ones if all else is refused, or the other way round. */
struct emulation {
	struct device_rule *v;
	size_t n;
	bool all; /* allowed, but for the list */
};

static int apply_rule(struct emulation *em, const struct device_rule *d, struct err *e)
{
	bool adds = d->allow != em->all;
	size_t k = 0;

	if (d->type == 'a') {
		if (d->major >= 0 || d->minor >= 0 || d->access != DEVICE_ALL)
			return cannot_say(d, e);
		*em = (struct emulation){em->v, 0, d->allow};
		return 0;
	}
	/* What it takes back may be a part of what an exception says, but no hole in it. */
	for (size_t i = 0; i < em->n; i++) {
		struct device_rule *x = &em->v[i];
		if (adds && same_device(x, d)) {
			x->access |= d->access;
			return 0;
		}
		if (!adds && overlap(x, d) && (x->access & d->access)) {
			if (!covers(d, x))
				return cannot_say(d, e);
			x->access &= ~d->access;
		}
		if (x->access)
			em->v[k++] = *x;
	}
	if (adds)
		em->v[em->n++] = *d;
	else
		em->n = k;
	return 0;
}

int oci_devices_v1(const struct device_rule *v, size_t n, struct arena *a, bool *ret_all,
		   struct strs *ret, struct err *e)
{
	struct emulation em = {arena_alloc(a, (n + 1) * sizeof *v), 0, false};

	for (size_t i = 0; i < n; i++) {
		int r = apply_rule(&em, &v[i], e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < em.n; i++) {
		const struct device_rule *d = &em.v[i];
		char major[24] = "*", minor[24] = "*";
		if (d->major >= 0)
			snprintf(major, sizeof major, "%" PRId64, d->major);
		if (d->minor >= 0)
			snprintf(minor, sizeof minor, "%" PRId64, d->minor);
		char line[80];
		snprintf(line, sizeof line, "%c %s:%s %s%s%s", d->type, major, minor,
			 d->access & DEVICE_READ ? "r" : "", d->access & DEVICE_WRITE ? "w" : "",
			 d->access & DEVICE_MKNOD ? "m" : "");
		strs_add(a, ret, line);
	}
	*ret_all = em.all;
	return 0;
}
