#include "base/base.h"
#include "oci/runtime_resources.h"

#define AT(t, field) offsetof(struct t, field)

static const struct bind_field device_fields[] = {
	{"allow", BIND_BOOL, AT(oci_device_rule, allow), .flags = BIND_REQUIRED},
	{"type", BIND_STR, AT(oci_device_rule, type)},
	{"major", BIND_JSON, AT(oci_device_rule, major)},
	{"minor", BIND_JSON, AT(oci_device_rule, minor)},
	{"access", BIND_STR, AT(oci_device_rule, access)},
	{0},
};

static const struct bind_field memory_fields[] = {
	{"limit", BIND_INT, AT(oci_memory, limit)},
	{"reservation", BIND_INT, AT(oci_memory, reservation)},
	{"swap", BIND_INT, AT(oci_memory, swap)},
	{"kernel", BIND_INT, AT(oci_memory, kernel)},
	{"kernelTCP", BIND_INT, AT(oci_memory, kernel_tcp)},
	{"swappiness", BIND_JSON, AT(oci_memory, swappiness)},
	{"disableOOMKiller", BIND_BOOL, AT(oci_memory, disable_oom_killer)},
	{"useHierarchy", BIND_JSON, AT(oci_memory, use_hierarchy)},
	{"checkBeforeUpdate", BIND_BOOL, AT(oci_memory, check_before_update)},
	{0},
};

static const struct bind_field cpu_fields[] = {
	{"shares", BIND_U64, AT(oci_cpu, shares)},
	{"quota", BIND_INT, AT(oci_cpu, quota)},
	{"period", BIND_U64, AT(oci_cpu, period)},
	{"burst", BIND_JSON, AT(oci_cpu, burst)},
	{"realtimeRuntime", BIND_INT, AT(oci_cpu, realtime_runtime)},
	{"realtimePeriod", BIND_U64, AT(oci_cpu, realtime_period)},
	{"cpus", BIND_STR, AT(oci_cpu, cpus)},
	{"mems", BIND_STR, AT(oci_cpu, mems)},
	{"idle", BIND_JSON, AT(oci_cpu, idle)},
	{0},
};

static const struct bind_field weight_fields[] = {
	{"major", BIND_INT, AT(oci_weight_device, major), .flags = BIND_REQUIRED},
	{"minor", BIND_INT, AT(oci_weight_device, minor), .flags = BIND_REQUIRED},
	{"weight", BIND_U64, AT(oci_weight_device, weight)},
	{"leafWeight", BIND_U64, AT(oci_weight_device, leaf_weight)},
	{0},
};

static const struct bind_field throttle_fields[] = {
	{"major", BIND_INT, AT(oci_throttle_device, major), .flags = BIND_REQUIRED},
	{"minor", BIND_INT, AT(oci_throttle_device, minor), .flags = BIND_REQUIRED},
	{"rate", BIND_U64, AT(oci_throttle_device, rate), .flags = BIND_REQUIRED},
	{0},
};

#define LIST(key, t, field, rows, item)                                                            \
	{                                                                                          \
		key, BIND_LIST, AT(t, field), rows, sizeof(struct item)                            \
	}
static const struct bind_field block_io_fields[] = {
	{"weight", BIND_U64, AT(oci_block_io, weight)},
	{"leafWeight", BIND_U64, AT(oci_block_io, leaf_weight)},
	LIST("weightDevice", oci_block_io, weight_device, weight_fields, oci_weight_device),
	LIST("throttleReadBpsDevice", oci_block_io, read_bps, throttle_fields, oci_throttle_device),
	LIST("throttleWriteBpsDevice", oci_block_io, write_bps, throttle_fields,
	     oci_throttle_device),
	LIST("throttleReadIOPSDevice", oci_block_io, read_iops, throttle_fields,
	     oci_throttle_device),
	LIST("throttleWriteIOPSDevice", oci_block_io, write_iops, throttle_fields,
	     oci_throttle_device),
	{0},
};

static const struct bind_field hugepage_fields[] = {
	{"pageSize", BIND_STR, AT(oci_hugepage_limit, page_size), .flags = BIND_REQUIRED},
	{"limit", BIND_U64, AT(oci_hugepage_limit, limit), .flags = BIND_REQUIRED},
	{0},
};

static const struct bind_field priority_fields[] = {
	{"name", BIND_STR, AT(oci_net_priority, name), .flags = BIND_REQUIRED},
	{"priority", BIND_U64, AT(oci_net_priority, priority), .flags = BIND_REQUIRED},
	{0},
};

static const struct bind_field pids_fields[] = {
	{"limit", BIND_INT, 0, .flags = BIND_REQUIRED},
	{0},
};

#define NETWORK(field) AT(oci_resources, network.field) - AT(oci_resources, network)
static const struct bind_field network_fields[] = {
	{"classID", BIND_JSON, NETWORK(class_id)},
	{"priorities", BIND_LIST, NETWORK(priorities), priority_fields,
	 sizeof(struct oci_net_priority)},
	{0},
};

const struct bind_field oci_resources_fields[] = {
	LIST("devices", oci_resources, devices, device_fields, oci_device_rule),
	{"memory", BIND_OBJ, AT(oci_resources, memory), memory_fields},
	{"cpu", BIND_OBJ, AT(oci_resources, cpu), cpu_fields},
	{"pids", BIND_OBJ, AT(oci_resources, pids), pids_fields},
	{"blockIO", BIND_OBJ, AT(oci_resources, block_io), block_io_fields},
	LIST("hugepageLimits", oci_resources, hugepages, hugepage_fields, oci_hugepage_limit),
	{"network", BIND_OBJ, AT(oci_resources, network), network_fields},
	{"rdma", BIND_JSON, AT(oci_resources, rdma)},
	{"unified", BIND_PAIRS, AT(oci_resources, unified)},
	{0},
};

int64_t oci_number(const struct json *j, int64_t dflt)
{
	return j && j->type == JSON_INT ? j->i : dflt;
}

unsigned oci_rule_access(const struct oci_device_rule *r)
{
	unsigned bits = 0;

	for (const char *p = r->access ? r->access : "rwm"; *p; p++)
		bits |= *p == 'm' ? 1 : *p == 'r' ? 2 : 4;
	return bits;
}

/* ---- what cannot be meant */

struct check {
	const struct json *at;
	const char *what;
	struct err *e;
};

static int bad(const struct check *c, const struct json *where, const char *fmt, ...)
	printf_like(3, 4);
static int bad(const struct check *c, const struct json *where, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	where = where ? where : c->at;
	return err_fail(c->e, ERR_OCI_RESOURCES, "%s:%d:%d: %s", c->what, where->line, where->col,
			text);
}

/* Numbers that have fewer values than their type, or that are read as JSON because they may be absent. */
static const struct range {
	const char *path;
	int64_t min, max;
} ranges[] = {
	{"memory.limit", -1, INT64_MAX},
	{"memory.reservation", -1, INT64_MAX},
	{"memory.swap", -1, INT64_MAX},
	{"memory.kernel", -1, INT64_MAX},
	{"memory.kernelTCP", -1, INT64_MAX},
	{"memory.swappiness", 0, 100},
	{"cpu.shares", 0, INT64_MAX},
	{"cpu.quota", -1, INT64_MAX},
	{"cpu.period", 0, INT64_MAX},
	{"cpu.burst", 0, INT64_MAX},
	{"cpu.realtimeRuntime", -1, INT64_MAX},
	{"cpu.realtimePeriod", 0, INT64_MAX},
	{"cpu.idle", 0, 1},
	{"pids.limit", -1, INT64_MAX},
	{"blockIO.weight", 0, 1000},
	{"blockIO.leafWeight", 0, 1000},
	{"network.classID", 0, UINT32_MAX},
};

static int check_number(const struct check *c, const struct json *j, const char *name, int64_t min,
			int64_t max)
{
	if (!j || j->type == JSON_NULL)
		return 0;
	if (j->type == JSON_INT && j->i >= min && j->i <= max)
		return 0;
	if (j->type == JSON_INT && max == INT64_MAX)
		return bad(c, j, "%s is %" PRId64 ", less than %" PRId64, name, j->i, min);
	if (j->type == JSON_INT)
		return bad(c, j, "%s is %" PRId64 ", not %" PRId64 " to %" PRId64, name, j->i, min,
			   max);
	return bad(c, j, "%s is not a whole number from %" PRId64 " to %" PRId64, name, min, max);
}

static int check_ranges(const struct check *c)
{
	int r = 0;

	for (size_t i = 0; !r && i < countof(ranges); i++)
		r = check_number(c, json_path(c->at, ranges[i].path), ranges[i].path, ranges[i].min,
				 ranges[i].max);
	const struct json *h = json_path(c->at, "memory.useHierarchy");
	if (!r && h && h->type != JSON_BOOL && h->type != JSON_NULL)
		r = bad(c, h, "memory.useHierarchy is %s, not a boolean", json_type_name(h->type));
	return r;
}

/* Element i of an array that was read as a list. */
static const struct json *item(const struct check *c, const char *path, size_t i)
{
	const struct json *l = json_path(c->at, path);

	return l && l->type == JSON_ARR && i < l->arr.n ? l->arr.v[i] : c->at;
}

static int check_devices(const struct check *c, const struct bind_list *l)
{
	const struct oci_device_rule *d = l->v;
	int r = 0;

	for (size_t i = 0; !r && i < l->n; i++) {
		const struct json *at = item(c, "devices", i);
		if (d[i].type && (strlen(d[i].type) != 1 || !strchr("abc", d[i].type[0])))
			r = bad(c, json_get(at, "type"), "the type '%.20s' is none of a, b and c",
				d[i].type);
		if (!r)
			r = check_number(c, d[i].major, "major", -1, UINT32_MAX);
		if (!r)
			r = check_number(c, d[i].minor, "minor", -1, UINT32_MAX);
		if (!r && d[i].access && (!*d[i].access || d[i].access[strspn(d[i].access, "rwm")]))
			r = bad(c, json_get(at, "access"),
				"the access '%.20s' is not made of r, w and m", d[i].access);
	}
	return r;
}

static int check_numbers_of(const struct check *c, const struct json *at, int64_t max_weight)
{
	int r = check_number(c, json_get(at, "major"), "major", 0, UINT32_MAX);

	if (!r)
		r = check_number(c, json_get(at, "minor"), "minor", 0, UINT32_MAX);
	if (!r && max_weight)
		r = check_number(c, json_get(at, "weight"), "weight", 0, max_weight);
	if (!r && max_weight)
		r = check_number(c, json_get(at, "leafWeight"), "leafWeight", 0, max_weight);
	return r;
}

static int check_block_io(const struct check *c)
{
	static const char *const lists[] = {
		"blockIO.weightDevice",
		"blockIO.throttleReadBpsDevice",
		"blockIO.throttleWriteBpsDevice",
		"blockIO.throttleReadIOPSDevice",
		"blockIO.throttleWriteIOPSDevice",
	};
	int r = 0;

	for (size_t i = 0; i < countof(lists); i++) {
		const struct json *l = json_path(c->at, lists[i]);
		for (size_t k = 0; !r && l && l->type == JSON_ARR && k < l->arr.n; k++)
			r = check_numbers_of(c, l->arr.v[k], i ? 0 : 1000);
	}
	return r;
}

/* "0-3,7", and the kernel's groups: "0-31:2/8" (Documentation/admin-guide/kernel-parameters.rst, "cpu lists"). */
static bool is_list(const char *p)
{
	for (;; p++) {
		uint64_t v[4] = {0};
		int n = 0;
		static const char seps[] = {'-', ':', '/'};
		do {
			char *end;
			if (*p < '0' || *p > '9')
				return false;
			v[n] = strtoull(p, &end, 10);
			if (end - p > 6)
				return false;
			p = end;
			n++;
		} while (n < 4 && *p == seps[n - 1] && p++);
		if (n == 3 || (n >= 2 && v[0] > v[1]) || (n == 4 && (!v[3] || v[2] > v[3])))
			return false;
		if (*p != ',')
			return !*p;
	}
}

static int check_lists(const struct check *c, const struct oci_resources *r)
{
	if (!str_is_empty(r->cpu.cpus) && !is_list(r->cpu.cpus))
		return bad(c, json_path(c->at, "cpu.cpus"), "'%.100s' is no list like 0-3,7",
			   r->cpu.cpus);
	if (!str_is_empty(r->cpu.mems) && !is_list(r->cpu.mems))
		return bad(c, json_path(c->at, "cpu.mems"), "'%.100s' is no list like 0-3,7",
			   r->cpu.mems);
	return 0;
}

/* The form of /sys/kernel/mm/hugepages in the words of the cgroup files: 64KB, 2MB, 1GB. */
static bool is_page_size(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n && n < 8 && *s != '0' && strchr("KMG", s[n]) && s[n] && !strcmp(s + n + 1, "B");
}

static int check_rest(const struct check *c, const struct oci_resources *res)
{
	const struct oci_hugepage_limit *h = res->hugepages.v;
	const struct oci_net_priority *p = res->network.priorities.v;
	int r = 0;

	for (size_t i = 0; !r && i < res->hugepages.n; i++)
		if (!is_page_size(h[i].page_size))
			r = bad(c, json_get(item(c, "hugepageLimits", i), "pageSize"),
				"the page size '%.40s' is not written like 2MB", h[i].page_size);
	for (size_t i = 0; !r && i < res->network.priorities.n; i++) {
		const struct json *at = item(c, "network.priorities", i);
		if (!*p[i].name || strpbrk(p[i].name, " \t\n/") || strlen(p[i].name) > 15)
			r = bad(c, json_get(at, "name"), "'%.40s' is no name of a network device",
				p[i].name);
		else
			r = check_number(c, json_get(at, "priority"), "priority", 0, UINT32_MAX);
	}
	for (size_t i = 0; !r && i < res->unified.n; i++) {
		const char *k = res->unified.v[i].k;
		if (!strchr(k, '.') || *k == '.' || strpbrk(k, "/ \n") || strlen(k) > 100)
			r = bad(c, json_get(json_get(c->at, "unified"), k),
				"'%.60s' is no file of a control group", k);
	}
	return r;
}

static int check_rdma(const struct check *c, const struct json *rdma)
{
	int r = 0;

	if (rdma && rdma->type != JSON_OBJ)
		return bad(c, rdma, "rdma is %s, not an object", json_type_name(rdma->type));
	for (size_t i = 0; !r && rdma && i < rdma->obj.n; i++) {
		const struct json *v = rdma->obj.v[i].value;
		const char *name = rdma->obj.v[i].key;
		if (v->type != JSON_OBJ || !*name || strpbrk(name, " \t\n"))
			r = bad(c, v, "\"%.60s\" has no limits of an RDMA device", name);
		if (!r)
			r = check_number(c, json_get(v, "hcaHandles"), "hcaHandles", 0, UINT32_MAX);
		if (!r)
			r = check_number(c, json_get(v, "hcaObjects"), "hcaObjects", 0, UINT32_MAX);
	}
	return r;
}

int oci_resources_check(const struct oci_resources *res, const struct json *at, const char *what,
			struct err *e)
{
	const struct check c = {at, what, e};
	int r = check_ranges(&c);

	if (!r)
		r = check_devices(&c, &res->devices);
	if (!r)
		r = check_block_io(&c);
	if (!r)
		r = check_lists(&c, res);
	if (!r)
		r = check_rest(&c, res);
	return r ? r : check_rdma(&c, res->rdma);
}
