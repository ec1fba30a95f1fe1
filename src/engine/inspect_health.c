#include "base/base.h"
#include "engine/inspect_health.h"
#include "state/health.h"

static struct json *log_of(const struct health_report *r, struct arena *a)
{
	const struct health_result *v = r->log.v;
	struct json *l = json_new(a, r->log.n ? JSON_ARR : JSON_NULL);

	for (size_t i = 0; i < r->log.n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		json_set_str(a, o, "Start", v[i].start ? v[i].start : "");
		json_set_str(a, o, "End", v[i].end ? v[i].end : "");
		json_set_int(a, o, "ExitCode", v[i].exit_code);
		json_set_str(a, o, "Output", v[i].output ? v[i].output : "");
		json_add(a, l, o);
	}
	return l;
}

/* A log of the user's own directory. */
static void read_elsewhere(const struct container *c, struct health_report *r, struct arena *a)
{
	const char *to = c->config.health.log_destination;
	struct health_report there;
	char name[100];

	if (!to || to[0] != '/')
		return;
	autoclose int dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(name, sizeof name, "%.64s-healthcheck.log", c->id);
	if (dir < 0)
		return;
	health_read(dir, name, &there, a);
	r->log = there.log;
}

struct json *inspect_health(const struct container *c, bool docker, struct arena *a)
{
	struct health_report r = {.status = ""};
	struct json *j = json_new(a, JSON_OBJ);

	if (c->config.health.test.n) {
		health_read(c->dir, HEALTH_FILE, &r, a);
		read_elsewhere(c, &r, a);
	} else if (docker) {
		return json_new(a, JSON_NULL);
	}
	json_set_str(a, j, "Status", r.status);
	json_set_int(a, j, "FailingStreak", r.failing_streak);
	json_set(a, j, "Log", log_of(&r, a));
	return j;
}

static void set_check(struct json *o, const struct config_health *h, struct arena *a)
{
	json_set(a, o, "Test", json_new_strs(a, &h->test));
	json_set_int(a, o, "StartPeriod", h->start_period);
	json_set_int(a, o, "StartInterval", h->start_interval);
	json_set_int(a, o, "Interval", h->interval);
	json_set_int(a, o, "Timeout", h->timeout);
	json_set_int(a, o, "Retries", h->retries);
}

void inspect_healthcheck(const struct container_config *c, bool docker, struct json *config,
			 struct arena *a)
{
	const struct config_health *h = &c->health;
	struct json *o = json_new(a, JSON_OBJ);

	if (!h->test.n)
		return;
	set_check(o, h, a);
	json_set(a, config, "Healthcheck", o);
	if (docker)
		return;
	json_set_str(a, config, "HealthcheckOnFailureAction",
		     h->on_failure ? h->on_failure : "none");
	json_set_str(a, config, "HealthLogDestination",
		     h->log_destination ? h->log_destination : "local");
	json_set_int(a, config, "HealthcheckMaxLogCount", h->log_count);
	json_set_int(a, config, "HealthcheckMaxLogSize", h->log_size);
	if (!h->startup.n)
		return;
	struct json *s = json_new(a, JSON_OBJ);
	json_set(a, s, "Test", json_new_strs(a, &h->startup));
	json_set_int(a, s, "Interval", h->startup_interval);
	json_set_int(a, s, "Timeout", h->startup_timeout);
	json_set_int(a, s, "Retries", h->startup_retries);
	json_set_int(a, s, "Successes", h->startup_success);
	json_set(a, config, "StartupHealthCheck", s);
}
