/*
 * What `history` shows. The config lists the steps from the oldest; steps that are not marked as empty go with the layers, in order. Both lists
 * come from outside and need not fit: steps without a layer have the size 0, layers without a step get a line of their own.
 */
#include "base/base.h"
#include "base/parse.h"
#include "engine/image.h"
#include "engine/image_text.h"
#include "store/layers.h"

enum { SHORT_BY = 45 };

struct step {
	const char
		*id; /* "<missing>" for all but the last one: ids of steps are not kept in images */
	struct timespec created;
	const char *created_by, *comment;
	int64_t size;
	const struct strs *tags; /* NULL: none */
};

/* At most SHORT_BY characters on one line: podman ends it with "...", docker with an ellipsis. */
static const char *shorten(struct arena *a, const char *s, const struct history_query *q)
{
	char *text = arena_strdup(a, s);
	size_t n = 0, at = 0, cut = 0;
	size_t keep = SHORT_BY - (q->docker ? 1 : 3);

	for (char *p = text; *p; p++)
		if (*p == '\t')
			*p = ' ';
	if (q->no_trunc)
		return text;
	for (; text[at]; n++) {
		uint32_t c;
		size_t k = str_utf8_next(text + at, strlen(text + at), &c);
		if (n == keep)
			cut = at;
		at += k ? k : 1;
		if (n == SHORT_BY)
			return arena_printf(a, "%.*s%s", (int)cut, text, q->docker ? "…" : "...");
	}
	return text;
}

/* To the second: "2026-01-02T03:04:05Z". */
static const char *seconds_text(struct arena *a, struct timespec t)
{
	char buf[40];

	time_rfc3339(buf, sizeof buf, t);
	return arena_printf(a, "%.19sZ", buf);
}

static const char *date_text(struct arena *a, struct timespec t)
{
	return t.tv_sec || t.tv_nsec ? seconds_text(a, t) : "N/A";
}

static const char *id_text(struct arena *a, const char *id, const struct history_query *q)
{
	if (*id == '<' || !*id)
		return id;
	if (q->no_trunc)
		return q->docker ? id : digest_hex(id);
	return arena_printf(a, "%.12s", digest_hex(id));
}

static const char *size_text(struct arena *a, int64_t size, const struct history_query *q)
{
	scoped(str) s = {0};

	if (q->exact)
		return arena_printf(a, "%" PRId64, size);
	if (q->docker)
		return image_size_text(a, size, true);
	size_human(&s, (uint64_t)size);
	return arena_strdup(a, str_cstr(&s));
}

static struct json *tags_json(struct arena *a, const struct strs *tags, bool docker)
{
	struct json *arr = json_new(a, JSON_ARR);

	for (size_t i = 0; tags && i < tags->n; i++)
		json_add(a, arr,
			 json_new_str(a, docker ? ref_familiar(a, tags->v[i]) : tags->v[i]));
	return arr;
}

/* The names of both families. */
static struct json *fields_of(struct arena *a, const struct step *s, const struct history_query *q)
{
	struct json *o = json_new(a, JSON_OBJ);
	const char *at = date_text(a, s->created), *since = image_since_text(a, s->created);

	json_set_str(a, o, "ID", id_text(a, s->id, q));
	json_set_str(a, o, "Created", q->exact ? at : since);
	json_set_str(a, o, "CreatedAt", at);
	json_set_str(a, o, "CreatedSince", q->exact && q->docker ? at : since);
	json_set_str(a, o, "CreatedBy", shorten(a, s->created_by, q));
	json_set_str(a, o, "Size", size_text(a, s->size, q));
	json_set_str(a, o, "Comment", s->comment);
	json_set(a, o, "Tags", tags_json(a, s->tags, q->docker));
	return o;
}

/* podman's JSON: "created" in full, "Created" to the second. */
static struct json *object_of(struct arena *a, const struct step *s)
{
	struct json *o = json_new(a, JSON_OBJ);
	char buf[40];

	json_set_str(a, o, "id", *s->id == '<' ? s->id : digest_hex(s->id));
	json_set_str(a, o, "created", time_rfc3339(buf, sizeof buf, s->created));
	if (*s->created_by)
		json_set_str(a, o, "CreatedBy", s->created_by);
	if (s->tags && s->tags->n)
		json_set(a, o, "tags", tags_json(a, s->tags, false));
	json_set_int(a, o, "size", s->size);
	if (*s->comment)
		json_set_str(a, o, "comment", s->comment);
	json_set_str(a, o, "Created", seconds_text(a, s->created));
	return o;
}

static int64_t layer_size(const struct home *h, const char *diffid)
{
	scoped(arena) a = {0};
	struct layer_meta m = {0};
	struct digest d;

	if (digest_parse(diffid, &d, NULL) < 0 || layer_meta_any(h, &d, &a, &m, NULL) < 0)
		return 0;
	return m.tar_size;
}

/* All steps, the oldest first. */
static void make_steps(const struct home *h, const struct image *im, struct arena *a,
		       struct bind_list *steps)
{
	const struct image_history *v = im->doc.history.v;
	const struct strs *ids = &im->doc.rootfs.diff_ids;
	size_t layer = 0;

	for (size_t i = 0; i < im->doc.history.n; i++) {
		struct step *s = bind_append(a, steps, sizeof *s);
		*s = (struct step){.id = "<missing>",
				   .created_by = v[i].created_by ? v[i].created_by : "",
				   .comment = v[i].comment ? v[i].comment : ""};
		if (v[i].created)
			parse_rfc3339(v[i].created, &s->created);
		if (!v[i].empty_layer && layer < ids->n)
			s->size = layer_size(h, ids->v[layer++]);
	}
	for (; layer < ids->n; layer++) {
		struct step *s = bind_append(a, steps, sizeof *s);
		*s = (struct step){.id = "<missing>",
				   .created_by = "",
				   .comment = "",
				   .size = layer_size(h, ids->v[layer])};
	}
}

int image_history(const struct home *h, const struct history_query *q, struct arena *a,
		  struct history_result *ret, struct err *e)
{
	scoped(image) im = {0};
	struct bind_list steps = {0};
	int r = image_find(h, q->image, &im, e);

	*ret = (struct history_result){json_new(a, JSON_ARR), json_new(a, JSON_ARR), {0}};
	if (r == 0)
		r = image_more(h, &im, e);
	if (r < 0)
		return r;
	make_steps(h, &im, a, &steps);
	struct step *v = steps.v;
	for (size_t i = steps.n; i-- > 0;) {
		if (i + 1 == steps.n) {
			v[i].id = im.id;
			v[i].tags = &im.names;
		}
		struct json *o = fields_of(a, &v[i], q);
		json_add(a, ret->fields, o);
		json_add(a, ret->objects, object_of(a, &v[i]));
		strs_add(a, &ret->ids, json_str(o, "ID"));
	}
	return 0;
}

struct json *image_history_sample(struct arena *a)
{
	const struct history_query q = {0};
	const struct step nothing = {.id = "", .created_by = "", .comment = ""};

	return fields_of(a, &nothing, &q);
}
