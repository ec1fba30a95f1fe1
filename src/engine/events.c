#include <poll.h>
#include <sys/inotify.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/events.h"

enum { POLL_MS = 200, ID_MIN = 4 /* a shorter beginning of an id is more likely a name */ };

static const char *const types[] = {"container", "image", "volume", "network", "secret", "system"};

/* What is written as .name has these names with docker; "" is none, two are two events there. */
static const struct {
	const char *type; /* NULL: every one */
	const char *name;
	const char *docker[2];
} actions[] = {
	{"container", "died", {"die"}},
	{"container", "init", {""}},
	{"container", "exec", {"exec_create", "exec_start"}},
	{"container", "exec_died", {"exec_die"}},
	{"container", "remove", {"destroy"}},
	{"network", "remove", {"destroy"}},
	{"volume", "remove", {"destroy"}},
	{"image", "remove", {"delete"}},
	{"image", "loadfromarchive", {"load"}},
	{NULL, "attach", {0}},
	{NULL, "build", {0}},
	{NULL, "commit", {0}},
	{NULL, "connect", {0}},
	{NULL, "copy", {0}},
	{NULL, "create", {0}},
	{NULL, "detach", {0}},
	{NULL, "disconnect", {0}},
	{NULL, "exec_detach", {0}},
	{NULL, "export", {0}},
	{NULL, "health_status", {0}},
	{NULL, "import", {0}},
	{NULL, "kill", {0}},
	{NULL, "mount", {0}},
	{NULL, "oom", {0}},
	{NULL, "pause", {0}},
	{NULL, "prune", {0}},
	{NULL, "pull", {0}},
	{NULL, "pull-error", {0}},
	{NULL, "push", {0}},
	{NULL, "refresh", {0}},
	{NULL, "reload", {0}},
	{NULL, "remove", {0}},
	{NULL, "rename", {0}},
	{NULL, "resize", {0}},
	{NULL, "restart", {0}},
	{NULL, "save", {0}},
	{NULL, "start", {0}},
	{NULL, "stop", {0}},
	{NULL, "tag", {0}},
	{NULL, "top", {0}},
	{NULL, "unmount", {0}},
	{NULL, "unpause", {0}},
	{NULL, "untag", {0}},
	{NULL, "update", {0}},
};

/* ---- filters */

struct filter {
	enum {
		BY_CONTAINER,
		BY_IMAGE,
		BY_VOLUME,
		BY_NETWORK,
		BY_SECRET,
		BY_LABEL,
		BY_TYPE,
		BY_EVENT,
		BY_SCOPE
	} key;
	const char *text;
	bool not ;
};

struct filters {
	struct filter *v;
	size_t n;
};

static bool known_action(const char *text)
{
	size_t n = strcspn(text, ":");

	for (size_t i = 0; i < countof(actions); i++) {
		if (strlen(actions[i].name) == n && !strncmp(actions[i].name, text, n))
			return true;
		for (size_t k = 0; k < 2; k++)
			if (actions[i].docker[k] && n && strlen(actions[i].docker[k]) == n &&
			    !strncmp(actions[i].docker[k], text, n))
				return true;
	}
	return false;
}

static int check_value(const struct filter *f, struct err *e)
{
	if (f->key == BY_TYPE) {
		for (size_t i = 0; i < countof(types); i++)
			if (!strcmp(types[i], f->text))
				return 0;
		err_fail(e, ERR_USAGE, "filter type=%.40s: hoy has no events of such things",
			 f->text);
		return err_hint(
			e, "the types are container, image, volume, network, secret and system");
	}
	if (f->key == BY_EVENT && !known_action(f->text)) {
		err_fail(e, ERR_USAGE, "filter event=%.40s: there is no such event", f->text);
		return err_hint(e, "man hoy-events lists them");
	}
	if (f->key == BY_SCOPE && strcmp(f->text, "local") != 0) {
		err_fail(e, ERR_USAGE, "filter scope=%.40s: everything here is local", f->text);
		return err_hint(e, "leave it out, or give scope=local");
	}
	return 0;
}

static int parse_filter(const char *text, struct arena *a, struct filter *ret, struct err *e)
{
	static const struct {
		const char *name;
		int key;
	} keys[] = {{"container", BY_CONTAINER}, {"image", BY_IMAGE},	{"volume", BY_VOLUME},
		    {"network", BY_NETWORK},	 {"secret", BY_SECRET}, {"label", BY_LABEL},
		    {"type", BY_TYPE},		 {"event", BY_EVENT},	{"action", BY_EVENT},
		    {"scope", BY_SCOPE}};
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : 0;

	*ret = (struct filter){.not = n > 1 && text[n - 1] == '!'};
	for (size_t i = 0; i < countof(keys) && n; i++) {
		size_t k = strlen(keys[i].name);
		if (strncmp(keys[i].name, text, k) != 0 || n != k + ret->not || !eq[1] ||
		    (ret->not &&keys[i].key != BY_LABEL))
			continue;
		ret->key = keys[i].key;
		ret->text = arena_strdup(a, eq + 1);
		return check_value(ret, e);
	}
	if (str_starts(text, "pod=")) {
		err_fail(e, ERR_USAGE, "filter \"%.60s\": hoy has no pods", text);
		return err_hint(e, "container=NAME shows the events of a container");
	}
	err_fail(e, ERR_USAGE, "filter \"%.60s\" is none of events'", text);
	return err_hint(
		e,
		"container, image, volume, network, secret, label, type, event, each as KEY=VALUE");
}

static bool is_id(const char *id, const char *text)
{
	const char *hex = str_starts(id, "sha256:") ? id + 7 : id;

	text += str_starts(text, "sha256:") ? 7 : 0;
	return strlen(text) >= ID_MIN && str_starts(hex, text);
}

static bool is_object(const struct event_record *ev, const char *type, const char *text)
{
	return !strcmp(ev->type, type) && (!strcmp(ev->name, text) || is_id(ev->id, text));
}

/* "busybox" is docker.io/library/busybox:latest, and localhost/busybox:1. */
static bool is_image(const char *name, const char *text)
{
	size_t n = strlen(name), k = strlen(text);
	const char *base = strrchr(name, '/');
	const char *tag = strchr(base ? base : name, ':');
	size_t bare = tag ? (size_t)(tag - name) : n;
	const size_t ends[] = {n, bare};

	for (size_t i = 0; i < countof(ends); i++)
		if (ends[i] >= k && !strncmp(name + ends[i] - k, text, k) &&
		    (ends[i] == k || name[ends[i] - k - 1] == '/'))
			return true;
	return false;
}

static bool is_action(const struct events_item *it, const char *text)
{
	scoped(str) whole = {0};
	const char *health = pairs_get(&it->ev->attributes, "health_status");

	if (health)
		str_addf(&whole, "%s: %s", it->ev->action, health);
	if (!strcmp(it->action, text) || !strcmp(it->ev->action, text) ||
	    (health && !strcmp(str_cstr(&whole), text)))
		return true;
	for (size_t i = 0; i < countof(actions); i++)
		if (actions[i].type && !strcmp(actions[i].type, it->ev->type) &&
		    !strcmp(actions[i].name, it->ev->action))
			return str_eq(actions[i].docker[0], text) ||
			       str_eq(actions[i].docker[1], text);
	return false;
}

static bool fits(const struct filter *f, const struct events_item *it)
{
	const struct event_record *ev = it->ev;

	switch (f->key) {
	case BY_CONTAINER:
		return is_object(ev, "container", f->text) ||
		       (!strcmp(ev->type, "network") &&
			is_id(pairs_get(&ev->attributes, "container") ?: "", f->text));
	case BY_IMAGE:
		return !strcmp(ev->type, "image")
			       ? is_image(ev->name, f->text) || is_id(ev->id, f->text)
			       : is_image(ev->image, f->text);
	case BY_VOLUME:
		return is_object(ev, "volume", f->text);
	case BY_NETWORK:
		return is_object(ev, "network", f->text);
	case BY_SECRET:
		return is_object(ev, "secret", f->text);
	case BY_LABEL:
		return pairs_fit(&ev->labels, f->text) != f->not ;
	case BY_TYPE:
		return !strcmp(ev->type, f->text);
	case BY_EVENT:
		return is_action(it, f->text);
	case BY_SCOPE:
		return true;
	}
	return false;
}

static bool wanted(const struct filters *f, const struct events_item *it)
{
	for (size_t i = 0; i < f->n; i++) {
		bool ok = fits(&f->v[i], it);
		for (size_t k = 0; k < f->n && !ok && f->v[i].key != BY_LABEL; k++)
			ok = f->v[k].key == f->v[i].key && fits(&f->v[k], it);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- reading */

struct show {
	const struct events_query *q;
	const struct events_sink *sink;
	struct filters filters;
	struct err *e;
};

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int give(struct show *s, const struct event_record *ev, const char *action, struct arena *a)
{
	const struct events_item it = {ev, action, a};

	return *action && wanted(&s->filters, &it) ? s->sink->event(s->sink->arg, &it) : 0;
}

static int on_event(void *arg, const struct event_record *ev)
{
	struct show *s = arg;
	scoped(arena) a = {0};
	int r = 0;

	if ((s->q->has_since && ev->time < ns_of(s->q->since)) ||
	    (s->q->has_until && ev->time > ns_of(s->q->until)))
		return 0;
	for (size_t i = 0; i < countof(actions) && s->q->docker; i++) {
		if (!actions[i].type || strcmp(actions[i].type, ev->type) != 0 ||
		    strcmp(actions[i].name, ev->action) != 0)
			continue;
		for (size_t k = 0; k < 2 && r == 0; k++)
			if (actions[i].docker[k])
				r = give(s, ev, actions[i].docker[k], &a);
		return r;
	}
	return give(s, ev, ev->action, &a);
}

static int time_left(const struct events_query *q)
{
	int64_t ns;

	if (!q->has_until)
		return -1;
	ns = ns_of(q->until) - ns_of(time_now());
	return ns <= 0 ? 0 : ns > 3600000000000 ? 3600000 : (int)(ns / 1000000) + 1;
}

static int wait_for_more(struct show *s, int watch)
{
	char buf[4096];
	int timeout = time_left(s->q);
	struct pollfd p[] = {{.fd = watch, .events = POLLIN}, {.fd = s->sink->out}};

	if (watch < 0 && (timeout < 0 || timeout > POLL_MS))
		timeout = POLL_MS;
	if (poll(p, 2, timeout) < 0 && errno != EINTR)
		return err_set(s->e, errno, "wait for events");
	if (p[1].revents & (POLLERR | POLLHUP)) {
		*s->e = (struct err){.code = EPIPE, .exit = 128 + 13};
		return -EPIPE;
	}
	while (watch >= 0 && read(watch, buf, sizeof buf) > 0)
		;
	return 0;
}

/* inotify is a convenience: where the user's instances are used up, we look again and again. */
static int watch_store(const struct home *h)
{
	char path[40];
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	snprintf(path, sizeof path, "/proc/self/fd/%d", h->fd);
	if (fd < 0 ||
	    inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO) < 0)
		return -1;
	return take_fd(fd);
}

int events_show(const struct home *h, const struct events_query *q, const struct events_sink *sink,
		bool *ret_missed, struct err *e)
{
	scoped(arena) a = {0};
	struct show s = {.q = q, .sink = sink, .e = e};
	struct events_reader reader;
	int r = 0;

	s.filters.v = arena_alloc(&a, (q->filters.n + 1) * sizeof *s.filters.v);
	for (; s.filters.n < q->filters.n; s.filters.n++) {
		r = parse_filter(q->filters.v[s.filters.n], &a, &s.filters.v[s.filters.n], e);
		if (r < 0)
			return r;
	}
	autoclose int watch = q->follow ? watch_store(h) : -1;
	events_open(&reader, h->fd, !q->follow || q->has_since || q->has_until);
	for (;;) {
		bool last = !q->follow || time_left(q) == 0;
		r = events_read(&reader, on_event, &s);
		if (r < 0 && !e->code)
			err_set(e, r, "read the events");
		if (r == 0)
			r = sink->idle(sink->arg);
		if (r < 0 || last)
			break;
		r = wait_for_more(&s, watch);
		if (r < 0)
			break;
	}
	*ret_missed = reader.missed;
	events_close(&reader);
	return r;
}

/* ---- shapes */

void event_attributes(const struct events_item *it, struct pairs *ret)
{
	const struct event_record *ev = it->ev;
	char code[24];

	*ret = (struct pairs){0};
	for (size_t i = 0; i < ev->labels.n; i++)
		pairs_set(it->arena, ret, ev->labels.v[i].k, ev->labels.v[i].v);
	for (size_t i = 0; i < ev->attributes.n; i++)
		if (strcmp(ev->attributes.v[i].k, "command") != 0) /* it stands behind the action */
			pairs_set(it->arena, ret, ev->attributes.v[i].k, ev->attributes.v[i].v);
	if (*ev->image)
		pairs_set(it->arena, ret, "image", ev->image);
	if (*ev->name)
		pairs_set(it->arena, ret, "name", ev->name);
	snprintf(code, sizeof code, "%" PRId64, ev->code);
	if (ev->has_code)
		pairs_set(it->arena, ret, "exitCode", code);
}

/* podman's Attributes are the labels, and what belongs to this one event. */
static struct json *own_attributes(const struct events_item *it)
{
	struct pairs all = {0};

	for (size_t i = 0; i < it->ev->labels.n; i++)
		pairs_set(it->arena, &all, it->ev->labels.v[i].k, it->ev->labels.v[i].v);
	for (size_t i = 0; i < it->ev->attributes.n; i++)
		if (strcmp(it->ev->attributes.v[i].k, "health_status") != 0)
			pairs_set(it->arena, &all, it->ev->attributes.v[i].k,
				  it->ev->attributes.v[i].v);
	return json_new_pairs(it->arena, &all);
}

static const char *health_of(const struct events_item *it)
{
	return pairs_get(&it->ev->attributes, "health_status");
}

struct json *event_object(const struct events_item *it)
{
	const struct event_record *ev = it->ev;
	struct arena *a = it->arena;
	struct json *j = json_new(a, JSON_OBJ);

	if (ev->has_code)
		json_set_int(a, j, "ContainerExitCode", ev->code);
	if (*ev->id)
		json_set_str(a, j, "ID", ev->id);
	if (*ev->image)
		json_set_str(a, j, "Image", ev->image);
	if (*ev->name)
		json_set_str(a, j, !strcmp(ev->type, "network") ? "Network" : "Name", ev->name);
	json_set_str(a, j, "Status", it->action);
	json_set_int(a, j, "time", ev->time / 1000000000);
	json_set_int(a, j, "timeNano", ev->time);
	json_set_str(a, j, "Type", ev->type);
	if (health_of(it))
		json_set_str(a, j, "HealthStatus", health_of(it));
	json_set(a, j, "Attributes", own_attributes(it));
	return j;
}

/* Docker puts a word of what happened behind some actions. */
static const char *docker_action(const struct events_item *it)
{
	const char *command = pairs_get(&it->ev->attributes, "command");

	if (health_of(it))
		return arena_printf(it->arena, "%s: %s", it->action, health_of(it));
	if (command && str_starts(it->action, "exec_") && strcmp(it->action, "exec_die") != 0)
		return arena_printf(it->arena, "%s: %s", it->action, command);
	return it->action;
}

/* The object of docker's event: its id; of an image the name if it has one, of a volume its name. */
static const char *docker_id(const struct event_record *ev)
{
	return *ev->id ? ev->id : ev->name;
}

static struct json *actor(const struct events_item *it)
{
	struct pairs all;
	struct json *j = json_new(it->arena, JSON_OBJ);

	event_attributes(it, &all);
	json_set_str(it->arena, j, "ID", docker_id(it->ev));
	json_set(it->arena, j, "Attributes", json_new_pairs(it->arena, &all));
	return j;
}

struct json *event_docker_object(const struct events_item *it)
{
	const struct event_record *ev = it->ev;
	struct arena *a = it->arena;
	struct json *j = json_new(a, JSON_OBJ);

	if (!strcmp(ev->type, "container") || !strcmp(ev->type, "image")) {
		json_set_str(a, j, "status", docker_action(it));
		json_set_str(a, j, "id", docker_id(ev));
		if (*ev->image)
			json_set_str(a, j, "from", ev->image);
	}
	json_set_str(a, j, "Type", ev->type);
	json_set_str(a, j, "Action", docker_action(it));
	json_set(a, j, "Actor", actor(it));
	json_set_str(a, j, "scope", "local");
	json_set_int(a, j, "time", ev->time / 1000000000);
	json_set_int(a, j, "timeNano", ev->time);
	return j;
}

struct json *event_fields(const struct events_item *it)
{
	const struct event_record *ev = it->ev;
	struct arena *a = it->arena;
	struct json *j = json_new(a, JSON_OBJ);

	json_set_str(a, j, "ID", ev->id);
	json_set_str(a, j, "Type", ev->type);
	json_set_str(a, j, "Status", it->action);
	json_set_str(a, j, "Action", docker_action(it));
	json_set(a, j, "Actor", actor(it));
	json_set(a, j, "Attributes", own_attributes(it));
	json_set_str(a, j, "Name", ev->name);
	json_set_str(a, j, "Image", ev->image);
	json_set_str(a, j, "From", ev->image);
	json_set_str(a, j, "Scope", "local");
	json_set_str(a, j, "Network", !strcmp(ev->type, "network") ? ev->name : "");
	json_set_str(a, j, "HealthStatus", health_of(it) ? health_of(it) : "");
	json_set_str(a, j, "Error", pairs_get(&ev->attributes, "error") ?: "");
	json_set_str(a, j, "PodID", "");
	json_set_bool(a, j, "OOMKilled", !strcmp(ev->action, "oom"));
	json_set(a, j, "ContainerExitCode",
		 ev->has_code ? json_new_int(a, ev->code) : json_new(a, JSON_NULL));
	json_set_int(a, j, "Time", ev->time / 1000000000);
	json_set_int(a, j, "TimeNano", ev->time);
	return j;
}
