/* BuildKit's --progress rawjson: one object a line, with what is new: vertexes (steps), logs and warnings (client.SolveStatus of moby/buildkit). */
#include "base/base.h"
#include "base/parse.h"
#include "cli/build_progress.h"
#include "data/base64.h"
#include "data/hash.h"
#include "data/json.h"

/* A vertex is known by a digest. */
static const char *vertex(const struct build_step_view *s, struct arena *a)
{
	scoped(str) text = {0};
	char buf[DIGEST_STR];
	struct digest d = {{0}};

	str_addf(&text, "%d %s %s", s->number, s->place, s->text);
	hash_bytes(text.s, text.len, &d, NULL);
	return arena_strdup(a, digest_str(&d, buf));
}

static const char *moment(struct arena *a, int64_t ms_ago)
{
	struct timespec t = time_now();
	int64_t ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - ms_ago * 1000000;
	char buf[40];

	return arena_strdup(a, time_rfc3339(buf, sizeof buf,
					    (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
							      .tv_nsec = (long)(ns % 1000000000)}));
}

static void add(struct arena *a, const char *key, struct json *one, struct str *out)
{
	struct json *status = json_new(a, JSON_OBJ), *list = json_new(a, JSON_ARR);

	json_add(a, list, one);
	json_put(a, status, key, list);
	json_write(out, status, 0);
	str_addc(out, '\n');
}

void build_status_step(struct build_progress *p, const struct build_step_view *s,
		       const struct build_event *ev, struct str *out)
{
	scoped(arena) a = {0};
	struct json *v = json_new(&a, JSON_OBJ);
	bool over = s->state != STEP_RUNS && s->state != STEP_WAITS;

	json_set_str(&a, v, "digest", vertex(s, &a));
	json_set_str(&a, v, "name", arena_printf(&a, "%s %s", s->place, s->text));
	json_set_str(&a, v, "started", moment(&a, over ? s->ms : 0));
	if (over)
		json_set_str(&a, v, "completed", moment(&a, 0));
	if (s->state == STEP_CACHED)
		json_set_bool(&a, v, "cached", true);
	if (s->state == STEP_FAILED)
		json_set_str(&a, v, "error", arena_printf(&a, "%s failed", s->text));
	add(&a, "vertexes", v, out);
}

void build_status_output(struct build_progress *p, const struct build_step_view *s,
			 const struct build_event *ev, struct str *out)
{
	scoped(arena) a = {0};
	scoped(str) data = {0};
	struct json *v = json_new(&a, JSON_OBJ);

	base64_add(&data, ev->bytes, ev->len);
	json_set_str(&a, v, "vertex", vertex(s, &a));
	json_set_int(&a, v, "stream", ev->fd);
	json_set_str(&a, v, "data", str_cstr(&data));
	json_set_str(&a, v, "timestamp", moment(&a, 0));
	add(&a, "logs", v, out);
}

void build_status_note(struct build_progress *p, const char *text, bool warning, struct str *out)
{
	scoped(arena) a = {0};
	scoped(str) data = {0};
	struct json *v = json_new(&a, JSON_OBJ);

	if (warning) {
		base64_add(&data, text, strlen(text));
		json_set_int(&a, v, "level", 1);
		json_set_str(&a, v, "short", str_cstr(&data));
		add(&a, "warnings", v, out);
		return;
	}
	json_set_str(&a, v, "id", text);
	json_set_str(&a, v, "timestamp", moment(&a, 0));
	json_set_str(&a, v, "completed", moment(&a, 0));
	add(&a, "statuses", v, out);
}
