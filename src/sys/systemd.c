#include "base/base.h"
#include "base/loop.h"
#include "sys/cgroup.h"
#include "sys/dbus.h"
#include "sys/systemd.h"

#define MANAGER "org.freedesktop.systemd1.Manager"
enum { MOVED_WAIT_MS = 5000 };

static bool try_socket(struct systemd *s, const char *dir, const char *name, bool bus)
{
	int n = snprintf(s->socket, sizeof s->socket, "%s/%s", dir, name);

	s->bus = bus;
	return dir[0] == '/' && n > 0 && (size_t)n < sizeof s->socket &&
	       access(s->socket, W_OK) == 0;
}

int systemd_find(struct systemd *ret)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char dflt[40];

	if (geteuid() == 0)
		return try_socket(ret, "/run/systemd", "private", false) ? 0 : -ENOENT;
	snprintf(dflt, sizeof dflt, "/run/user/%u", (unsigned)geteuid());
	if (runtime && (try_socket(ret, runtime, "bus", true) ||
			try_socket(ret, runtime, "systemd/private", false)))
		return 0;
	if (!str_eq(runtime, dflt) &&
	    (try_socket(ret, dflt, "bus", true) || try_socket(ret, dflt, "systemd/private", false)))
		return 0;
	return -ENOENT;
}

static void begin_property(struct str *b, const char *name, const char *type)
{
	dbus_align(b, 8);
	dbus_add_string(b, name);
	dbus_add_signature(b, type);
}

static void add_text(struct str *b, const char *name, const char *value)
{
	begin_property(b, name, "s");
	dbus_add_string(b, value);
}

static void add_pid(struct str *b, pid_t pid)
{
	size_t pids = dbus_begin_array(b, 4);

	dbus_add_u32(b, (uint32_t)(pid ? pid : getpid()));
	dbus_end_array(b, pids, 4);
}

static int call(const struct systemd *s, const char *member, const char *signature,
		const struct str *body, struct err *e)
{
	const struct dbus_call c = {
		.destination = s->bus ? "org.freedesktop.systemd1" : NULL,
		.path = "/org/freedesktop/systemd1",
		.interface = MANAGER,
		.member = member,
		.signature = signature,
		.body = body,
	};
	struct dbus_answer a;
	int r = dbus_call(s->socket, s->bus, &c, &a);

	if (r == 0)
		return 0;
	if (r == -EREMOTEIO && !strcmp(a.error, "org.freedesktop.systemd1.UnitExists"))
		return -EEXIST;
	if (r == -ECONNREFUSED || r == -ENOENT ||
	    (r == -EREMOTEIO && str_starts(a.error, "org.freedesktop.DBus.Error.ServiceUnknown")))
		return -ENOENT;
	if (r == -EREMOTEIO)
		err_fail(e, ERR_CGROUP, "systemd refuses a cgroup: %s", *a.text ? a.text : a.error);
	else
		err_set(e, r, "ask systemd for a cgroup (%s)", s->socket);
	return r;
}

/* The call is answered when the work is queued, not when it is done. */
static int await_move(pid_t pid, const char *end, struct err *e)
{
	int64_t until = time_mono_ms() + MOVED_WAIT_MS;

	do {
		scoped(str) own = {0};
		if (cgroup_of(pid, &own) == 0 && str_ends(str_cstr(&own), end))
			return 0;
		usleep(500);
	} while (time_mono_ms() < until);
	return err_fail_code(e, ERR_CGROUP, ETIMEDOUT,
			     "systemd did not put the process into %s within %d seconds", end,
			     MOVED_WAIT_MS / 1000);
}

int systemd_scope(const struct systemd *s, const char *unit, const char *slice,
		  const char *description, struct err *e)
{
	scoped(str) b = {0};

	dbus_add_string(&b, unit);
	dbus_add_string(&b, "fail");
	size_t properties = dbus_begin_array(&b, 8);
	add_text(&b, "Description", description);
	if (slice)
		add_text(&b, "Slice", slice);
	add_text(&b, "CollectMode", "inactive-or-failed");
	begin_property(&b, "Delegate", "b");
	dbus_add_bool(&b, true);
	begin_property(&b, "PIDs", "au");
	add_pid(&b, 0);
	dbus_end_array(&b, properties, 8);
	size_t none = dbus_begin_array(&b, 8);
	dbus_end_array(&b, none, 8);
	int r = call(s, "StartTransientUnit", "ssa(sv)a(sa(sv))", &b, e);
	if (r < 0)
		return r;
	autofree char *end = xasprintf("/%s", unit);
	return await_move(0, end, e);
}

static void add_property(struct str *b, const struct systemd_property *p)
{
	begin_property(b, p->name, p->type);
	if (!strcmp(p->type, "s")) {
		dbus_add_string(b, p->text);
	} else if (!strcmp(p->type, "t") || !strcmp(p->type, "x")) {
		dbus_add_u64(b, p->number);
	} else if (!strcmp(p->type, "ay")) {
		size_t at = dbus_begin_array(b, 1);
		str_addn(b, p->bytes, p->n);
		dbus_end_array(b, at, 1);
	} else if (p->type[0] == 'a') {
		bool two = p->type[1] == '(';
		size_t align = two ? 8 : 4, at = dbus_begin_array(b, align);
		for (size_t i = 0; i < p->texts->n; i++) {
			dbus_align(b, two && i % 2 == 0 ? 8 : 4);
			dbus_add_string(b, p->texts->v[i]);
		}
		dbus_end_array(b, at, align);
	} else { /* b i u */
		dbus_add_u32(b, (uint32_t)p->number);
	}
}

int systemd_start(const struct systemd *s, const char *unit, pid_t pid,
		  const struct systemd_property *v, size_t n, struct err *e)
{
	scoped(str) b = {0};

	dbus_add_string(&b, unit);
	dbus_add_string(&b, pid ? "fail" : "replace");
	size_t properties = dbus_begin_array(&b, 8);
	for (size_t i = 0; i < n; i++)
		add_property(&b, &v[i]);
	if (pid) {
		begin_property(&b, "PIDs", "au");
		add_pid(&b, pid);
	}
	dbus_end_array(&b, properties, 8);
	size_t none = dbus_begin_array(&b, 8);
	dbus_end_array(&b, none, 8);
	return call(s, "StartTransientUnit", "ssa(sv)a(sa(sv))", &b, e);
}

int systemd_set(const struct systemd *s, const char *unit, const struct systemd_property *v,
		size_t n, struct err *e)
{
	scoped(str) b = {0};

	dbus_add_string(&b, unit);
	dbus_add_bool(&b, true); /* gone with the unit */
	size_t properties = dbus_begin_array(&b, 8);
	for (size_t i = 0; i < n; i++)
		add_property(&b, &v[i]);
	dbus_end_array(&b, properties, 8);
	return call(s, "SetUnitProperties", "sba(sv)", &b, e);
}

int systemd_stop(const struct systemd *s, const char *unit, struct err *e)
{
	scoped(str) stop = {0};
	scoped(str) forget = {0};

	dbus_add_string(&stop, unit);
	dbus_add_string(&stop, "replace");
	struct err why = {0};
	int r = call(s, "StopUnit", "ss", &stop, &why);
	if (r < 0 && !strstr(why.msg, "not loaded")) {
		if (e)
			*e = why;
		return r;
	}
	dbus_add_string(&forget, unit);
	(void)call(s, "ResetFailedUnit", "s", &forget, NULL);
	return 0;
}

int systemd_attach(const struct systemd *s, const char *unit, const char *below, pid_t pid,
		   struct err *e)
{
	scoped(str) b = {0};

	dbus_add_string(&b, unit);
	dbus_add_string(&b, below);
	add_pid(&b, pid);
	int r = call(s, "AttachProcessesToUnit", "ssau", &b, e);
	if (r == -ENOENT || r == -EEXIST)
		return err_set(e, r, "ask systemd to move the process");
	if (r < 0)
		return r;
	autofree char *end = xasprintf("/%s%s", unit, below);
	return await_move(pid, end, e);
}
