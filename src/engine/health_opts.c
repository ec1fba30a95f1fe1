#include "base/base.h"
#include "base/parse.h"
#include "data/json.h"
#include "engine/health_opts.h"
#include "state/health.h"

#define SECOND INT64_C(1000000000)
enum { DEFAULT_RETRIES = 3 };

static int bad(const char *flag, const char *text, const char *wanted, struct err *e)
{
	err_fail(e, ERR_USAGE, "--health-%s \"%.60s\" is not %s", flag, text, wanted);
	return err_hint(e, "durations are 30s, 1m30s, 500ms; counts are whole numbers");
}

static int duration(const char *flag, const char *text, int64_t least, int64_t *ret, struct err *e)
{
	int64_t ns;

	if (!text)
		return 0;
	if (parse_duration(text, &ns) < 0 || ns < least)
		return bad(flag, text, least ? "a duration of at least 1ms" : "a duration", e);
	*ret = ns;
	return 0;
}

static int number(const char *flag, const char *text, uint64_t max, int64_t *ret, struct err *e)
{
	uint64_t n;

	if (!text)
		return 0;
	if (parse_u64(text, max, &n) < 0)
		return bad(flag, text, "a number in its bounds", e);
	*ret = (int64_t)n;
	return 0;
}

/* How often: "disable" is never by itself, only by healthcheck run. */
static int every(const char *flag, const char *text, int64_t *ret, struct err *e)
{
	if (text && (!strcmp(text, "disable") || !strcmp(text, "0"))) {
		*ret = 0;
		return 0;
	}
	return duration(flag, text, SECOND / 1000, ret, e);
}

/* A shell's command; or, as podman has it, a JSON list of words, which no shell sees. */
static int command(const char *flag, const char *text, struct strs *ret, struct arena *a,
		   struct err *e)
{
	struct json *j = *text == '[' ? json_parse(a, text, strlen(text), flag, NULL, NULL) : NULL;
	bool words = j && j->type == JSON_ARR && j->arr.n > 0;

	*ret = (struct strs){0};
	for (size_t i = 0; words && i < j->arr.n; i++)
		words = j->arr.v[i]->type == JSON_STR;
	const char *first = words ? j->arr.v[0]->s : "";
	if (!strcmp(text, "none") || !strcmp(first, "NONE"))
		return 0;
	if (!words) {
		strs_add(a, ret, "CMD-SHELL");
		strs_add(a, ret, text);
		return 0;
	}
	bool named = !strcmp(first, "CMD") || !strcmp(first, "CMD-SHELL");
	if (named && j->arr.n == 1)
		return bad(flag, text, "a command", e);
	strs_add(a, ret, named ? first : "CMD");
	for (size_t i = named; i < j->arr.n; i++)
		strs_add(a, ret, j->arr.v[i]->s);
	return 0;
}

static void take_image(const struct image_health *im, struct config_health *c, struct arena *a)
{
	bool none = im->test.n < 2 || !strcmp(im->test.v[0], "NONE");

	for (size_t i = 0; i < im->test.n && !none; i++)
		strs_add(a, &c->test, im->test.v[i]);
	c->interval = im->interval > 0 ? im->interval : c->interval;
	c->timeout = im->timeout > 0 ? im->timeout : c->timeout;
	c->retries = im->retries > 0 ? im->retries : c->retries;
	c->start_period = im->start_period > 0 ? im->start_period : 0;
	c->start_interval = im->start_interval > 0 ? im->start_interval : c->start_interval;
}

static int words(const struct health_opts *o, struct config_health *c, struct arena *a,
		 struct err *e)
{
	static const char *const actions[] = {"none", "kill", "restart", "stop"};
	const char *to = o->log_destination;
	size_t i = 0;

	while (o->on_failure && i < countof(actions) && strcmp(actions[i], o->on_failure) != 0)
		i++;
	if (i == countof(actions))
		return bad("on-failure", o->on_failure, "one of none, kill, restart, stop", e);
	if (o->on_failure)
		c->on_failure = i ? actions[i] : NULL;
	if (!to)
		return 0;
	bool named = !strcmp(to, "local") || !strcmp(to, "events_logger");
	struct stat st;
	if (!named && (to[0] != '/' || stat(to, &st) < 0 || !S_ISDIR(st.st_mode)))
		return bad("log-destination", to,
			   "local, events_logger or the absolute path of a directory", e);
	c->log_destination = strcmp(to, "local") ? arena_strdup(a, to) : NULL;
	return 0;
}

static int times(const struct health_opts *o, struct config_health *c, struct err *e)
{
	const int64_t ms = SECOND / 1000;
	int r = every("interval", o->interval, &c->interval, e);

	if (r == 0)
		r = duration("timeout", o->timeout, ms, &c->timeout, e);
	if (r == 0)
		r = duration("start-period", o->start_period, 0, &c->start_period, e);
	if (r == 0)
		r = duration("start-interval", o->start_interval, 0, &c->start_interval, e);
	if (r == 0)
		r = every("startup-interval", o->startup_interval, &c->startup_interval, e);
	if (r == 0)
		r = duration("startup-timeout", o->startup_timeout, ms, &c->startup_timeout, e);
	return r;
}

static int numbers(const struct health_opts *o, struct config_health *c, struct err *e)
{
	int r = number("retries", o->retries, INT_MAX, &c->retries, e);

	if (r == 0)
		r = number("startup-retries", o->startup_retries, INT_MAX, &c->startup_retries, e);
	if (r == 0)
		r = number("startup-success", o->startup_success, INT_MAX, &c->startup_success, e);
	if (r == 0)
		r = number("max-log-count", o->max_log_count, HEALTH_COUNT_MAX, &c->log_count, e);
	if (r == 0)
		r = number("max-log-size", o->max_log_size, HEALTH_FILE_MAX / 8, &c->log_size, e);
	if (r == 0 && !c->retries)
		c->retries = DEFAULT_RETRIES;
	return r;
}

static const struct config_health defaults = {.interval = 30 * SECOND,
					      .timeout = 30 * SECOND,
					      .start_interval = 5 * SECOND,
					      .retries = DEFAULT_RETRIES,
					      .startup_interval = 30 * SECOND,
					      .startup_timeout = 30 * SECOND,
					      .log_count = HEALTH_LOG_COUNT,
					      .log_size = HEALTH_LOG_SIZE};

/* What is given, into what was there. */
static int apply(const struct health_opts *o, bool docker, struct config_health *c, struct arena *a,
		 struct err *e)
{
	int r = 0;

	if (o->off && (o->cmd || o->startup_cmd)) {
		err_fail(e, ERR_USAGE, "--no-healthcheck and --health-cmd exclude each other");
		return err_hint(e, "leave one of them out");
	}
	if (!str_is_empty(o->cmd))
		r = command("cmd", o->cmd, &c->test, a, e);
	if (r == 0 && !str_is_empty(o->startup_cmd))
		r = command("startup-cmd", o->startup_cmd, &c->startup, a, e);
	if (r == 0)
		r = times(o, c, e);
	if (r == 0)
		r = numbers(o, c, e);
	if (r == 0)
		r = words(o, c, a, e);
	if (r == 0 && c->startup.n && !c->test.n) {
		err_fail(e, ERR_USAGE, "--health-startup-cmd needs a check that follows it");
		r = err_hint(e, "give one with --health-cmd");
	}
	if (docker && o->interval && !c->interval) /* 0 there: the default */
		c->interval = 30 * SECOND;
	return r;
}

int health_opts_change(const struct health_opts *o, struct config_health *c, struct arena *a,
		       struct err *e)
{
	struct config_health new = c->test.n ? *c : defaults;
	int r = apply(o, false, &new, a, e);

	if (r == 0 && !o->off && !new.test.n && !o->cmd) {
		err_fail(e, ERR_HEALTH_NONE, "the container has no health check to change");
		return err_hint(e, "give it one with --health-cmd");
	}
	if (r == 0)
		*c = o->off || !new.test.n ? (struct config_health){0} : new;
	return r;
}

int health_opts_apply(const struct health_opts *o, const struct image_health *image, bool docker,
		      struct config_health *c, struct arena *a, struct err *e)
{
	*c = defaults;
	if (image)
		take_image(image, c, a);
	int r = apply(o, docker, c, a, e);
	if (r < 0 || o->off || !c->test.n)
		*c = (struct config_health){0};
	return r;
}
