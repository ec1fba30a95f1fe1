#include "base/base.h"
#include "base/parse.h"
#include "build/config.h"
#include "build/finish.h"
#include "build/step.h"

static const char *time_text(struct arena *a, int64_t seconds)
{
	char buf[40];

	return arena_strdup(
		a, time_rfc3339(buf, sizeof buf, (struct timespec){.tv_sec = (time_t)seconds}));
}

/* As BuildKit writes it: the command that ran, else the instruction as it stands. */
static const char *created_by(struct stage *s, const struct df_instr *i)
{
	struct arena *a = s->b->a;
	struct strs args;
	scoped(str) text = {0};

	if (i->kind == DF_RUN && !i->json && !i->heredocs.n) {
		build_config_command(&s->doc.config, i, a, &args);
		str_add(&text, "RUN");
		for (size_t k = 0; k < args.n; k++)
			str_addf(&text, " %s", args.v[k]);
		return arena_strdup(a, str_cstr(&text));
	}
	return i->text;
}

void finish_history(struct stage *s, const struct df_instr *i, bool empty)
{
	struct image_history *hist;

	if (i->kind == DF_ARG || s->b->o->omit_history)
		return; /* its values are nobody's business later */
	const char *by = created_by(s, i);
	hist = bind_append(s->b->a, &s->doc.history, sizeof *hist);
	*hist = (struct image_history){
		.created = time_text(s->b->a, s->epoch), .created_by = by, .empty_layer = empty};
}

static int add(struct stage *s, const struct image_doc *doc, const struct bind_list *blobs,
	       const struct pairs *annotations, const struct strs *names,
	       char id[static DIGEST_LEN + 1], struct err *e)
{
	scoped(str) config = {0};

	json_write(&config, bind_write(image_doc_fields, doc, s->b->a), 0);
	return image_add_made(s->b->h, &config, s->b->o->docker_format, annotations, blobs, names,
			      id, e);
}

static void seal(struct stage *s, struct image_doc *doc)
{
	int64_t made = s->newest > s->epoch ? s->newest : s->epoch;

	if (s->b->o->has_timestamp)
		made = s->b->o->timestamp;
	else if (s->b->has_epoch)
		made = s->b->epoch;
	doc->created = time_text(s->b->a, made);
	doc->rootfs.type = "layers";
	doc->rootfs.diff_ids = s->layers;
	doc->docker_version = NULL;
	doc->comment = NULL;
}

const char *finish_state(struct stage *s)
{
	struct image_doc doc = s->doc;
	char id[DIGEST_LEN + 1];
	static const struct strs no_names;
	struct err e;

	if (!s->layers.n)
		return NULL;
	seal(s, &doc);
	return add(s, &doc, &s->blobs, NULL, &no_names, id, &e) == 0 ? arena_strdup(s->b->a, id)
								     : NULL;
}

/* --env, --label and what takes them away, on the target only. */
static void from_command_line(struct stage *s, struct image_doc *doc)
{
	const struct build_opts *o = s->b->o;
	struct image_config *c = &doc->config;
	struct arena *a = s->b->a;
	struct pairs labels = {0};
	struct strs env = {0};

	for (size_t i = 0; i < c->labels.n; i++)
		if (!strs_has(&o->unset_labels, c->labels.v[i].k))
			pairs_set(a, &labels, c->labels.v[i].k, c->labels.v[i].v);
	for (size_t i = 0; i < o->labels.n; i++)
		pairs_set(a, &labels, o->labels.v[i].k, o->labels.v[i].v);
	if (o->identity_label)
		pairs_set(a, &labels, "io.hoy.version", HOY_VERSION);
	c->labels = labels;
	for (size_t i = 0; i < c->env.n; i++) {
		const char *name = arena_strndup(a, c->env.v[i], strcspn(c->env.v[i], "="));
		if (!strs_has(&o->unset_env, name))
			strs_add(a, &env, c->env.v[i]);
	}
	for (size_t i = 0; i < o->env.n; i++)
		env_set(a, &env, o->env.v[i].k, strlen(o->env.v[i].k), o->env.v[i].v);
	c->env = env;
}

/* The layers from `first` on become one, and so does their history. */
static int squash(struct stage *s, struct image_doc *doc, struct bind_list *blobs, size_t first,
		  struct err *e)
{
	const struct step_base base = {.h = s->b->h,
				       .layers = &s->layers,
				       .doc = doc,
				       .epoch = s->epoch,
				       .all_times = s->b->o->has_timestamp};
	struct arena *a = s->b->a;
	const struct oci_descriptor *d = s->blobs.v;
	struct step_result res;
	char diffid[DIGEST_STR];
	struct strs layers = {0};

	if (s->layers.n - first < 2 && first)
		return 0;
	int r = step_squash(&base, first, &res, e);
	if (r < 0)
		return r;
	*blobs = (struct bind_list){0};
	for (size_t i = 0; i < first; i++) {
		strs_add(a, &layers, s->layers.v[i]);
		*(struct oci_descriptor *)bind_append(a, blobs, sizeof *d) = d[i];
	}
	struct image_history *v = doc->history.v, *hist;
	struct bind_list kept = {0};
	size_t seen = 0;
	for (size_t i = 0; i < doc->history.n && first; i++) {
		if (!v[i].empty_layer && seen++ >= first)
			break;
		*(struct image_history *)bind_append(a, &kept, sizeof *v) = v[i];
	}
	doc->history = kept;
	hist = bind_append(a, &doc->history, sizeof *hist);
	*hist = (struct image_history){.created = time_text(a, s->epoch),
				       .created_by = "hoy build --squash",
				       .empty_layer = res.empty};
	if (!res.empty) {
		struct oci_descriptor *own = bind_append(a, blobs, sizeof *own);
		strs_add(a, &layers, digest_str(&res.layer.diffid, diffid));
		*own = image_plain_layer(s->b->o->docker_format, arena_strdup(a, diffid),
					 (int64_t)res.layer.tar_size);
	}
	s->layers = layers;
	return 0;
}

static int names_of(struct stage *s, struct strs *ret, struct err *e)
{
	const struct build_opts *o = s->b->o;
	struct reference ref;
	int r = 0;

	for (size_t i = 0; i < o->tags.n && s->b->platforms.n == 1 && r == 0; i++) {
		r = image_parse_new_name(s->b->a, o->tags.v[i], o->registry, &ref, e);
		if (r == 0)
			strs_add(s->b->a, ret, ref_text(s->b->a, &ref));
	}
	return r;
}

int finish_target(struct stage *s, struct arena *a, struct build_output *ret, struct err *e)
{
	const struct build_opts *o = s->b->o;
	struct image_doc doc = s->doc;
	struct bind_list blobs = s->blobs;
	struct pairs annotations = {0};
	struct strs names = {0};
	char id[DIGEST_LEN + 1];
	int r = 0;

	from_command_line(s, &doc);
	if (o->squash_all || o->squash || !o->layers)
		r = squash(s, &doc, &blobs, o->squash_all ? 0 : s->base_layers, e);
	if (r == 0)
		r = names_of(s, &names, e);
	if (r < 0)
		return r;
	for (size_t i = 0; o->inherit_annotations && i < s->annotations.n; i++)
		if (!strs_has(&o->unset_annotations, s->annotations.v[i].k))
			pairs_set(s->b->a, &annotations, s->annotations.v[i].k,
				  s->annotations.v[i].v);
	for (size_t i = 0; i < o->annotations.n; i++)
		if (!strs_has(&o->unset_annotations, o->annotations.v[i].k))
			pairs_set(s->b->a, &annotations, o->annotations.v[i].k,
				  o->annotations.v[i].v);
	seal(s, &doc);
	*ret = (struct build_output){.platform = arena_strdup(a, platform_text(a, &doc))};
	for (size_t i = 0; i < s->layers.n; i++)
		strs_add(a, &ret->layers, s->layers.v[i]);
	for (size_t i = 0; i < s->keys.n; i++)
		strs_add(a, &ret->keys, s->keys.v[i]);
	/* The document is given by value and by what it lives on: written and read again in the caller's arena. */
	struct image_doc *copy = arena_alloc(a, sizeof *copy);
	scoped(str) text = {0};
	json_write(&text, bind_write(image_doc_fields, &doc, s->b->a), 0);
	r = image_doc_parse(a, arena_strdup(a, str_cstr(&text)), text.len, "the image", copy, e);
	ret->doc = copy;
	if (r < 0 || !o->wants_image)
		return r;
	r = add(s, &doc, &blobs, annotations.n ? &annotations : NULL, &names, id, e);
	ret->id = arena_strdup(a, id);
	return r;
}
