/*
 * How it works: read every state, derive what is true now, keep what the filters want, sort by age, cut to the newest (--last),
 * sort as asked, and only then make texts and measure files, for what is left.
 */
#include "base/base.h"
#include "base/parse.h"
#include "engine/container.h"
#include "engine/list_filter.h"
#include "engine/port_text.h"
#include "store/usage.h"
#include "net/endpoint.h"
#include "oci/reference.h"
#include "state/health.h"
#include "store/images.h"

enum { NO_TIME = -1 };
static const int64_t go_zero_time = -62135596800; /* what podman prints for "never" */

struct list {
	const struct home *h;
	const struct list_query *q;
	struct arena *a;
	struct list_filters filters;
	struct list_item **v;
	size_t n;
	time_t now;
	struct list_result *ret;
};

/* ---- reading */

static void note_broken(struct list *l, const char *id, const struct err *why)
{
	char path[100];

	/* Removed while we looked at it: that is no damage. */
	snprintf(path, sizeof path, "containers/%s", id);
	if (faccessat(l->h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!l->ret->broken++)
		l->ret->why = *why;
	if (l->ret->broken == 1 && why->code == ENOENT)
		err_fail(&l->ret->why, ERR_JSON, "container %.12s has no state.json", id);
}

static int read_config(struct list *l, const char *id, struct list_item *it, struct err *e)
{
	autoclose int dir = container_dir(l->h, id, e);
	int r = dir < 0 ? dir : config_read(dir, &it->config, l->a, e);
	const struct config_mount *m = it->config.mounts.v;

	if (r < 0 || it->s.network)
		return r;
	it->s.network = it->config.network; /* the record is of a build that did not copy these */
	it->s.mounts = (struct bind_list){0};
	for (size_t i = 0; i < it->config.mounts.n; i++)
		*(struct state_mount *)bind_append(l->a, &it->s.mounts,
						   sizeof(struct state_mount)) =
			container_state_mount(&m[i]);
	return 0;
}

/* Which networks it is in: of the store, by their names. */
static int read_networks(struct list *l, const char *id, struct list_item *it, struct err *e)
{
	autoclose int dir = container_dir(l->h, id, e);
	struct endpoints all = {0};
	int r = dir < 0 ? dir : endpoints_read(dir, &all, l->a, e);
	const struct endpoint *v = all.v.v;

	for (size_t i = 0; i < all.v.n && r == 0; i++) {
		strs_add(l->a, &it->networks, v[i].network);
		strs_add(l->a, &it->network_ids, v[i].network_id ? v[i].network_id : "");
	}
	return r;
}

static bool wanted(const struct list *l, const struct list_item *it)
{
	bool runs = container_is_up(it->status) || it->status == CONTAINER_LOST;

	if (!runs && !l->q->all && !l->q->last && !l->filters.all)
		return false;
	return list_filters_fit(&l->filters, it);
}

static void read_policy(struct list *l, const char *id, struct list_item *it)
{
	struct restart_policy p;
	char path[100];

	if (restart_policy_parse(it->s.restart, &p, NULL) < 0)
		return;
	snprintf(path, sizeof path, "containers/%s/" CONTAINER_STOPPED, id);
	it->policy = p.kind;
	it->on_boot = p.kind == RESTART_ALWAYS ||
		      (p.kind == RESTART_UNLESS_STOPPED &&
		       faccessat(l->h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0);
}

/* One more small file for those that are checked. What does not run has the health it ended with, if it is asked for. */
static void read_health(struct list *l, const char *id, struct list_item *it)
{
	struct health_report r;
	char path[100];

	if (!it->s.checked)
		return;
	snprintf(path, sizeof path, "containers/%s/" HEALTH_FILE, id);
	health_read(l->h->fd, path, &r, l->a);
	it->health = r.status;
}

static void read_one(struct list *l, const char *id)
{
	struct list_item *it = arena_alloc(l->a, sizeof *it);
	struct err e = {0};
	int r = container_state_read(l->h, id, &it->s, l->a, &e);

	if (r == 0 && strcmp(it->s.id, id))
		r = err_fail(&e, ERR_JSON, "the state of container %.12s is another one's", id);
	if (r == 0 && ((l->q->config && !it->s.network) || l->filters.config))
		r = read_config(l, id, it, &e);
	if (r == 0 && (l->q->config || l->q->facts || l->filters.config) &&
	    str_eq(it->s.network, "bridge"))
		r = read_networks(l, id, it, &e);
	if (r < 0) {
		note_broken(l, id, &e);
		return;
	}
	it->status = container_derive(l->h, &it->s);
	read_policy(l, id, it);
	read_health(l, id, it);
	if (!it->s.created || parse_rfc3339(it->s.created, &it->created) < 0)
		it->created = (struct timespec){0};
	if (wanted(l, it))
		l->v[l->n++] = it;
}

/* ---- order */

static int by_created(const void *a, const void *b)
{
	const struct list_item *x = *(struct list_item *const *)a;
	const struct list_item *y = *(struct list_item *const *)b;

	if (x->created.tv_sec != y->created.tv_sec)
		return x->created.tv_sec < y->created.tv_sec ? -1 : 1;
	if (x->created.tv_nsec != y->created.tv_nsec)
		return x->created.tv_nsec < y->created.tv_nsec ? -1 : 1;
	return strcmp(x->s.id, y->s.id);
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(struct list_item *const *)a)->s.id, (*(struct list_item *const *)b)->s.id);
}

static int by_image(const void *a, const void *b)
{
	const char *x = (*(struct list_item *const *)a)->s.image;
	const char *y = (*(struct list_item *const *)b)->s.image;
	int c = strcmp(x ? x : "", y ? y : "");

	return c ? c : by_created(a, b);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct list_item *const *)a)->s.name,
		      (*(struct list_item *const *)b)->s.name);
}

static int by_status(const void *a, const void *b)
{
	const struct list_item *x = *(struct list_item *const *)a;
	const struct list_item *y = *(struct list_item *const *)b;
	int c = strcmp(container_status_text(x->status, &x->s),
		       container_status_text(y->status, &y->s));

	return c ? c : by_created(a, b);
}

static int by_size(const void *a, const void *b)
{
	const struct list_item *x = *(struct list_item *const *)a;
	const struct list_item *y = *(struct list_item *const *)b;

	if (x->size_rw != y->size_rw)
		return x->size_rw < y->size_rw ? -1 : 1;
	return by_created(a, b);
}

static int by_command(const void *a, const void *b)
{
	const struct strs *x = &(*(struct list_item *const *)a)->s.command;
	const struct strs *y = &(*(struct list_item *const *)b)->s.command;

	for (size_t i = 0; i < x->n && i < y->n; i++) {
		int c = strcmp(x->v[i], y->v[i]);
		if (c)
			return c;
	}
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return by_created(a, b);
}

static void sort(struct list *l)
{
	static const struct {
		const char *key;
		int (*fn)(const void *, const void *);
	} orders[] = {
		{"command", by_command}, {"id", by_id},	    {"image", by_image},
		{"names", by_name},	 {"size", by_size}, {"status", by_status},
	};

	for (size_t i = 0; l->q->sort && i < countof(orders); i++)
		if (!strcmp(orders[i].key, l->q->sort)) {
			qsort(l->v, l->n, sizeof *l->v, orders[i].fn);
			return;
		}
	if (!l->q->docker)
		return;
	for (size_t i = 0; i < l->n / 2; i++) { /* the newest first */
		struct list_item *it = l->v[i];
		l->v[i] = l->v[l->n - 1 - i];
		l->v[l->n - 1 - i] = it;
	}
}

/* ---- sizes */

static int64_t image_size(struct list *l, size_t at)
{
	scoped(image) im = {0};
	struct err ignored;
	const char *id = l->v[at]->s.image_id;

	if (!id)
		return 0;
	for (size_t i = 0; i < at; i++) /* seen before: then its own part is taken off again */
		if (str_eq(l->v[i]->s.image_id, id))
			return l->v[i]->size_root - l->v[i]->size_rw;
	if (!digest_valid(id) || image_open(l->h, id, &im, &ignored) < 0 ||
	    image_more(l->h, &im, &ignored) < 0)
		return 0;
	return im.size;
}

static void measure(struct list *l)
{
	const char **ids = arena_alloc(l->a, (l->n + 1) * sizeof *ids);
	int64_t *bytes = arena_alloc(l->a, (l->n + 1) * sizeof *bytes);

	for (size_t i = 0; i < l->n; i++)
		ids[i] = l->v[i]->s.id;
	containers_usage(l->h, ids, l->n, bytes);
	for (size_t i = 0; i < l->n; i++) {
		l->v[i]->size_rw = bytes[i];
		l->v[i]->size_root = bytes[i] + image_size(l, i);
	}
}

/* ---- texts */

static int64_t seconds_of(const char *when)
{
	struct timespec t;

	return when && parse_rfc3339(when, &t) == 0 ? t.tv_sec : NO_TIME;
}

static const char *ago(const struct list *l, int64_t t)
{
	scoped(str) s = {0};

	if (t == NO_TIME)
		return "";
	time_human(&s, l->now - t);
	return arena_strdup(l->a, str_cstr(&s));
}

static const char *health_text(const struct list *l, const struct list_item *it)
{
	bool starts = it->health && !strcmp(it->health, "starting");

	if (!it->health)
		return "";
	return arena_printf(l->a, " (%s%s)", starts && l->q->docker ? "health: " : "", it->health);
}

static const char *status_text(const struct list *l, const struct list_item *it)
{
	int64_t finished = seconds_of(it->s.finished);

	switch (it->status) {
	case CONTAINER_CREATED:
		return "Created";
	case CONTAINER_RUNNING:
		if (it->s.paused && !l->q->docker)
			return "Paused";
		return arena_printf(l->a, "Up %s%s", ago(l, seconds_of(it->s.started)),
				    it->s.paused ? " (Paused)" : health_text(l, it));
	case CONTAINER_RESTARTING:
		return arena_printf(l->a, "Restarting (%" PRId64 ") %s ago", it->s.exit_code,
				    ago(l, finished));
	case CONTAINER_LOST:
		return "Lost";
	case CONTAINER_EXITED:
		break;
	}
	if (finished == NO_TIME) /* killed together with its supervisor: nobody saw when */
		return arena_printf(l->a, "Exited (%" PRId64 ")", it->s.exit_code);
	return arena_printf(l->a, "Exited (%" PRId64 ") %s ago", it->s.exit_code, ago(l, finished));
}

/* Cuts to `max` code points, the marks that say so included. */
static const char *shorten(struct arena *a, const char *s, size_t max, const char *mark,
			   size_t mark_len)
{
	size_t n = strlen(s), at = 0, keep = 0;

	for (size_t count = 0; at < n; count++) {
		uint32_t c;
		size_t k = str_utf8_next(s + at, n - at, &c);
		if (count == max - mark_len)
			keep = at;
		if (count == max)
			return arena_printf(a, "%.*s%s", (int)keep, s, mark);
		at += k ? k : 1;
	}
	return s;
}

static const char *command_text(const struct list *l, const struct list_item *it)
{
	scoped(str) s = {0};

	for (size_t i = 0; i < it->s.command.n; i++)
		str_addf(&s, "%s%s", i ? " " : "", it->s.command.v[i]);
	const char *text = arena_strdup(l->a, str_cstr(&s));
	if (!l->q->docker)
		return l->q->no_trunc ? text : shorten(l->a, text, 20, "...", 3);
	if (!l->q->no_trunc)
		text = shorten(l->a, text, 20, "\xe2\x80\xa6", 1);
	str_reset(&s);
	json_write_str(&s, text); /* docker quotes */
	return arena_strdup(l->a, str_cstr(&s));
}

/* As Go writes a time: docker to the second, podman with what it has of the next one. */
static const char *at_text(const struct list *l, struct timespec t)
{
	char date[40], zone[40], part[12] = "";
	struct tm tm;

	if (!t.tv_sec || !localtime_r(&t.tv_sec, &tm))
		return "N/A";
	strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof zone, "%z %Z", &tm);
	if (!l->q->docker && t.tv_nsec) {
		snprintf(part, sizeof part, ".%09ld", t.tv_nsec % 1000000000);
		for (size_t n = strlen(part); n && part[n - 1] == '0'; n--)
			part[n - 1] = 0;
	}
	return arena_printf(l->a, "%s%s %s", date, part, zone);
}

static const char *size_text(const struct list *l, const struct list_item *it)
{
	scoped(str) s = {0};

	if (!l->q->size)
		return l->q->docker ? "0B" : "";
	size_human(&s, (uint64_t)it->size_rw);
	str_add(&s, " (virtual ");
	size_human(&s, (uint64_t)it->size_root);
	str_addc(&s, ')');
	return arena_strdup(l->a, str_cstr(&s));
}

static const char *labels_text(const struct list *l, const struct pairs *labels)
{
	scoped(str) s = {0};

	for (size_t i = 0; i < labels->n; i++)
		str_addf(&s, "%s%s=%s", i ? "," : "", labels->v[i].k, labels->v[i].v);
	return arena_strdup(l->a, str_cstr(&s));
}

static const char *image_text(const struct list *l, const struct list_item *it)
{
	const char *image = it->s.image ? it->s.image : "";

	return l->q->docker ? ref_familiar(l->a, image) : image;
}

static const char *hex_of(const char *image_id)
{
	return image_id && str_starts(image_id, "sha256:") ? image_id + 7 : image_id;
}

/* ---- the two shapes */

static struct json *destinations(const struct list *l, const struct list_item *it)
{
	const struct state_mount *m = it->s.mounts.v;
	struct json *arr = json_new(l->a, JSON_ARR);

	for (size_t i = 0; i < it->s.mounts.n; i++)
		json_add(l->a, arr, json_new_str(l->a, m[i].destination));
	return arr;
}

/* docker shows where mounts come from, volumes by their names; tmpfs come from nowhere. */
static struct json *sources(const struct list *l, const struct list_item *it)
{
	const struct state_mount *m = it->s.mounts.v;
	scoped(str) s = {0};

	for (size_t i = 0; i < it->s.mounts.n; i++) {
		const char *from = m[i].volume ? m[i].volume : m[i].source;
		if (!from)
			continue;
		str_addf(&s, "%s%s", s.len ? "," : "",
			 l->q->no_trunc ? from : shorten(l->a, from, 15, "\xe2\x80\xa6", 1));
	}
	return json_new_str(l->a, str_cstr(&s));
}

static size_t volumes_of(const struct list_item *it)
{
	const struct state_mount *m = it->s.mounts.v;
	size_t n = 0;

	for (size_t i = 0; i < it->s.mounts.n; i++)
		n += m[i].volume && str_starts(m[i].source, "volumes/");
	return n;
}

/* A row that is being made. */
struct members {
	struct arena *a;
	struct json *o;
};

static void put(struct members *m, const char *key, struct json *v)
{
	json_put(m->a, m->o, key, v);
}

/* The text lives in the arena or in the program: no copy. */
static void put_str(struct members *m, const char *key, const char *s)
{
	struct json *v = json_new(m->a, JSON_STR);

	v->s = s;
	put(m, key, v);
}

static void put_int(struct members *m, const char *key, int64_t i)
{
	put(m, key, json_new_int(m->a, i));
}

static void put_bool(struct members *m, const char *key, bool b)
{
	put(m, key, json_new_bool(m->a, b));
}

static const char *id_text(const struct list *l, const struct list_item *it)
{
	return l->q->no_trunc ? it->s.id : arena_strndup(l->a, it->s.id, 12);
}

static void put_times(const struct list *l, const struct list_item *it, struct members *m)
{
	const char *since = arena_printf(
		l->a, "%s ago",
		ago(l, it->created.tv_sec ? (int64_t)it->created.tv_sec : (int64_t)NO_TIME));
	int64_t started = seconds_of(it->s.started), finished = seconds_of(it->s.finished);

	const char *at = at_text(l, it->created);
	put_str(m, "CreatedAt", at);
	put_str(m, "Created", at);
	put_str(m, "CreatedHuman", since);
	put_str(m, "RunningFor", since);
	put_int(m, "StartedAt", started == NO_TIME ? go_zero_time : started);
	put_bool(m, "Exited", it->status == CONTAINER_EXITED);
	put_int(m, "ExitedAt", finished == NO_TIME ? go_zero_time : finished);
	put_int(m, "ExitCode", it->s.exit_code);
}

/* docker shows no ports of what does not run. */
static const char *ports(const struct list *l, const struct list_item *it)
{
	bool runs = it->status == CONTAINER_RUNNING || it->status == CONTAINER_LOST;

	return l->q->docker && !runs ? "" : ports_text(l->a, &it->s, l->q->docker);
}

/* docker counts host and none as networks. */
static const char *networks_text(const struct list *l, const struct list_item *it)
{
	const char *mode = it->s.network ? it->s.network : "";
	scoped(str) s = {0};

	for (size_t i = 0; i < it->networks.n; i++)
		str_addf(&s, "%s%s", i ? "," : "", it->networks.v[i]);
	if (l->q->docker && !s.len && strcmp(mode, "bridge") != 0 && !strchr(mode, ':'))
		str_add(&s, mode);
	return arena_strdup(l->a, str_cstr(&s));
}

/* Its namespaces by their numbers; all empty for one that does not run, or if nobody asks. */
static const struct {
	const char *file, *field, *key; /* podman's names for both shapes */
} namespaces[] = {
	{"cgroup", "CGROUPNS", "Cgroup"},
	{"ipc", "IPC", "Ipc"},
	{"mnt", "MNT", "Mnt"},
	{"net", "NET", "Net"},
	{"pid", "PIDNS", "Pidns"},
	{"user", "USERNS", "User"},
	{"uts", "UTS", "Uts"},
};

static const char *namespace_text(const struct list *l, const struct list_item *it, size_t i)
{
	char path[60], target[60];

	if (!l->q->namespaces || it->status != CONTAINER_RUNNING)
		return "";
	snprintf(path, sizeof path, "/proc/%" PRId64 "/ns/%s", it->s.pid, namespaces[i].file);
	ssize_t n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = 0;
	const char *number = strchr(target, '[');
	return number ? arena_strndup(l->a, number + 1, strcspn(number + 1, "]")) : "";
}

static struct json *fields_of(const struct list *l, const struct list_item *it)
{
	struct members m = {l->a, json_new(l->a, JSON_OBJ)};
	struct json *exposed = ports_exposed(l->a, &it->s);
	struct json *labels = json_new_pairs(l->a, &it->s.labels);
	const char *hex = hex_of(it->s.image_id ? it->s.image_id : "");
	bool docker = l->q->docker;

	if (exposed->type == JSON_NULL)
		exposed = json_new(l->a, JSON_OBJ);
	put_str(&m, "ID", id_text(l, it));
	put_str(&m, "Id", it->s.id);
	put_str(&m, "Names", it->s.name);
	put_str(&m, "Image", image_text(l, it));
	put_str(&m, "ImageID", l->q->no_trunc ? hex : arena_printf(l->a, "%.12s", hex));
	put_str(&m, "Command", command_text(l, it));
	put_str(&m, "Status", status_text(l, it));
	put_str(&m, "State", container_status_text(it->status, &it->s));
	put_times(l, it, &m);
	put_str(&m, "Ports", ports(l, it));
	put(&m, "ExposedPorts", exposed);
	put_str(&m, "HealthStatus", it->health ? it->health : "");
	put_str(&m, "Size", size_text(l, it));
	put(&m, "Label", labels);
	put(&m, "Labels", docker ? json_new_str(l->a, labels_text(l, &it->s.labels)) : labels);
	put(&m, "Mounts", docker ? sources(l, it) : destinations(l, it));
	put_str(&m, "LocalVolumes", arena_printf(l->a, "%zu", volumes_of(it)));
	put_str(&m, "Networks", networks_text(l, it));
	put_str(&m, "Platform", "");
	put_int(&m, "Pid", it->status == CONTAINER_EXITED ? 0 : it->s.pid);
	put_int(&m, "Restarts", it->s.restart_count);
	put_bool(&m, "AutoRemove", it->s.auto_remove);
	put_bool(&m, "IsInfra", false);
	put_str(&m, "Pod", "");
	put_str(&m, "PodName", "");
	put_str(&m, "CIDFile", "");
	for (size_t i = 0; i < countof(namespaces); i++)
		put_str(&m, namespaces[i].field, namespace_text(l, it, i));
	return m.o;
}

static struct json *namespaces_object(const struct list *l, const struct list_item *it)
{
	struct members m = {l->a, json_new(l->a, JSON_OBJ)};

	for (size_t i = 0; i < countof(namespaces); i++) {
		const char *text = namespace_text(l, it, i);
		if (*text)
			put_str(&m, namespaces[i].key, text);
	}
	return m.o;
}

static struct json *object_of(const struct list *l, const struct list_item *it)
{
	struct arena *a = l->a;
	struct members m = {a, json_new(a, JSON_OBJ)};
	int64_t started = seconds_of(it->s.started), finished = seconds_of(it->s.finished);
	struct json *names = json_new(a, JSON_ARR), *size;

	json_add(a, names, json_new_str(a, it->s.name));
	size = json_new(a, l->q->size ? JSON_OBJ : JSON_NULL);
	if (l->q->size) {
		json_set_int(a, size, "rootFsSize", it->size_root);
		json_set_int(a, size, "rwSize", it->size_rw);
	}
	put_bool(&m, "AutoRemove", it->s.auto_remove);
	put(&m, "Command", json_new_strs(a, &it->s.command));
	put_str(&m, "CreatedAt", arena_printf(a, "%s ago", ago(l, it->created.tv_sec)));
	put_str(&m, "CIDFile", "");
	put_bool(&m, "Exited", it->status == CONTAINER_EXITED);
	put_int(&m, "ExitedAt", finished == NO_TIME ? go_zero_time : finished);
	put_int(&m, "ExitCode", it->s.exit_code);
	put(&m, "ExposedPorts", ports_exposed(a, &it->s));
	put_str(&m, "Id", it->s.id);
	put_str(&m, "Image", it->s.image ? it->s.image : "");
	put_str(&m, "ImageID", hex_of(it->s.image_id ? it->s.image_id : ""));
	put_bool(&m, "IsInfra", false);
	put(&m, "Labels",
	    it->s.labels.n ? json_new_pairs(a, &it->s.labels) : json_new(a, JSON_NULL));
	put(&m, "Mounts", destinations(l, it));
	put(&m, "Names", names);
	put(&m, "Namespaces", namespaces_object(l, it));
	put(&m, "Networks", json_new_strs(a, &it->networks));
	put_int(&m, "Pid", it->status == CONTAINER_EXITED ? 0 : it->s.pid);
	put_str(&m, "Pod", "");
	put_str(&m, "PodName", "");
	put(&m, "Ports", ports_rows(a, &it->s));
	put_int(&m, "Restarts", it->s.restart_count);
	put(&m, "Size", size);
	put_int(&m, "StartedAt", started == NO_TIME ? go_zero_time : started);
	put_str(&m, "State", container_status_text(it->status, &it->s));
	put_str(&m, "Status", status_text(l, it));
	put_int(&m, "Created", it->created.tv_sec);
	return m.o;
}

static void show(struct list *l)
{
	struct list_result *ret = l->ret;

	for (size_t i = 0; i < l->n; i++) {
		if (l->q->ids_only)
			strs_add(l->a, &ret->ids, id_text(l, l->v[i]));
		else if (l->q->facts)
			json_add(l->a, ret->objects, object_of(l, l->v[i]));
		else
			json_add(l->a, ret->fields, fields_of(l, l->v[i]));
	}
}

struct json *containers_sample(bool docker, struct arena *a)
{
	const struct list_query q = {.docker = docker};
	const struct list l = {.q = &q, .a = a};
	char *id = arena_alloc(a, CONTAINER_ID_LEN + 1);

	memset(id, '0', CONTAINER_ID_LEN);
	return fields_of(&l, &(struct list_item){.s = {.id = id, .name = ""}});
}

int containers_list(const struct home *h, const struct list_query *q, struct arena *a,
		    struct list_result *ret, struct err *e)
{
	struct list l = {.h = h, .q = q, .a = a, .now = time_now().tv_sec, .ret = ret};
	scoped(strv) ids = {0};

	*ret = (struct list_result){.fields = json_new(a, JSON_ARR),
				    .objects = json_new(a, JSON_ARR)};
	int r = list_filters_parse(h, &q->filters, a, &l.filters, e);
	if (r == 0)
		r = container_ids(h, &ids, e);
	if (r == 0) {
		l.v = arena_alloc(a, (ids.n + 1) * sizeof *l.v);
		for (size_t i = 0; i < ids.n; i++)
			read_one(&l, ids.v[i]);
		qsort(l.v, l.n, sizeof *l.v, by_created);
		if (q->last > 0 && (uint64_t)q->last < l.n) {
			l.v += l.n - (size_t)q->last;
			l.n = (size_t)q->last;
		}
		if (q->size || str_eq(q->sort, "size"))
			measure(&l);
		sort(&l);
		show(&l);
	}
	list_filters_free(&l.filters);
	return r;
}

int container_newest(const struct home *h, struct arena *a, const char **ret_id, struct err *e)
{
	const struct list_query q = {.last = 1, .no_trunc = true, .ids_only = true};
	struct list_result res;
	int r = containers_list(h, &q, a, &res, e);

	if (r < 0)
		return r;
	if (!res.ids.n) {
		err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT, "there is no container");
		return err_hint(e, "make one: hoy run @host");
	}
	*ret_id = res.ids.v[0];
	return 0;
}
