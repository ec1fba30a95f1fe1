/*
 * How it works: the new config is made first, so that a mistake in it costs nothing. Then one child inside U0 turns the upper directory into a tar
 * (store/pack.h), which is unpacked as any layer is: so whatever comes of a container is checked as what comes from outside is.
 */
#include <sys/mman.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/adding.h"
#include "engine/commit.h"
#include "engine/pause.h"
#include "engine/image.h"
#include "oci/change.h"
#include "oci/platform.h"
#include "state/tell.h"
#include "store/copied.h"
#include "store/pack.h"
#include "sys/freeze.h"

struct commit_work {
	const struct home *h;
	struct tree *t;
	const struct commit_opts *o;
	struct arena *a;
	struct image base; /* id NULL: there is none, or none any more */
	struct image_doc *doc;
	const char *name; /* full, or NULL */
	char *id;	  /* of the image; shared with the parent */
};

/* ---- the config */

static bool is_own_variable(const char *entry)
{
	static const char *const own[] = {"container",	 "HOSTNAME",	"TERM",	     "http_proxy",
					  "https_proxy", "ftp_proxy",	"no_proxy",  "all_proxy",
					  "HTTP_PROXY",	 "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
					  "ALL_PROXY"};
	size_t n = strcspn(entry, "=");

	for (size_t i = 0; i < countof(own); i++)
		if (strlen(own[i]) == n && !memcmp(own[i], entry, n))
			return true;
	return false;
}

static void merge_env(struct image_config *ic, const struct strs *env, struct arena *a)
{
	struct strs merged = {0};

	for (size_t i = 0; i < env->n; i++) {
		size_t n = strcspn(env->v[i], "=");
		const char *key = arena_strndup(a, env->v[i], n);
		if (!env->v[i][n] || (is_own_variable(env->v[i]) && !env_get(&ic->env, key)))
			continue;
		env_set(a, &merged, key, n, env->v[i] + n + 1);
	}
	ic->env = merged;
}

static void merge_config(struct image_config *ic, const struct container_config *c, struct arena *a)
{
	int from_image = SIGTERM;

	merge_env(ic, &c->process.env, a);
	ic->cmd = c->command;
	ic->entrypoint = c->entrypoint;
	if (!str_is_empty(c->process.user))
		ic->user = c->process.user;
	if (!str_is_empty(c->process.cwd))
		ic->working_dir = c->process.cwd;
	ic->labels = c->labels;
	if (!str_is_empty(ic->stop_signal))
		parse_signal(ic->stop_signal, &from_image);
	if (c->stop_signal != from_image)
		ic->stop_signal = signal_name((int)c->stop_signal);
}

static const char *joined(struct arena *a, const struct strs *args)
{
	scoped(str) s = {0};

	for (size_t i = 0; i < args->n; i++) {
		if (i)
			str_addc(&s, ' ');
		str_add(&s, args->v[i]);
	}
	return arena_strdup(a, str_cstr(&s));
}

static int make_doc(struct commit_work *w, struct err *e)
{
	const struct container_config *c = &w->t->ct.config;
	const struct commit_opts *o = w->o;
	struct image_doc *doc = w->doc;
	char now[40];
	struct timespec t;

	if (w->base.id)
		*doc = w->base.doc;
	if (o->squash) {
		doc->history = (struct bind_list){0};
		doc->rootfs.diff_ids = (struct strs){0};
	} else {
		doc->rootfs.diff_ids = w->t->layers;
	}
	doc->rootfs.type = "layers";
	if (!doc->os)
		doc->os = "linux";
	if (!doc->architecture) {
		doc->architecture = platform_arch();
		doc->variant = str_is_empty(platform_variant()) ? NULL : platform_variant();
	}
	clock_gettime(CLOCK_REALTIME, &t);
	doc->created = arena_strdup(w->a, time_rfc3339(now, sizeof now, t));
	doc->author = o->author;
	doc->comment = o->message;
	doc->docker_version = NULL;
	merge_config(&doc->config, c, w->a);
	int r = 0;
	const struct config_mount *m = c->mounts.v;
	for (size_t i = 0; i < c->mounts.n && o->volumes; i++)
		if (!strcmp(m[i].type, "volume") &&
		    !strs_has(&doc->config.volumes, m[i].destination))
			strs_add(w->a, &doc->config.volumes, m[i].destination);
	for (size_t i = 0; i < o->changes.n && r == 0; i++)
		r = image_change(&doc->config, o->changes.v[i], w->a, e);
	struct image_history *hist = bind_append(w->a, &doc->history, sizeof *hist);
	*hist = (struct image_history){.created = doc->created,
				       .created_by = joined(w->a, &c->process.args),
				       .author = o->author,
				       .comment = o->message};
	struct reference ref;
	if (r == 0 && o->name)
		r = image_parse_new_name(w->a, o->name, o->registry, &ref, e);
	if (r == 0 && o->name)
		w->name = ref_text(w->a, &ref);
	return r;
}

/* The image that the container was made of; it may have been removed. */
static int open_base(struct commit_work *w, struct err *e)
{
	const char *id = w->t->ct.state.image_id;

	if (str_is_empty(id))
		return 0;
	int r = image_open(w->h, id, &w->base, e);
	if (r == 0 && w->base.doc.rootfs.diff_ids.n == w->t->layers.n)
		return image_more(w->h, &w->base, e);
	if (r < 0 && e->id != ERR_IMAGE_UNKNOWN)
		return r;
	image_free(&w->base);
	w->base = (struct image){0};
	*e = (struct err){0};
	return 0;
}

/* ---- the layers */

static int add_image(struct commit_work *w, const struct layer_info *layer, struct err *e)
{
	scoped(str) config = {0};
	struct bind_list layers = {0};
	struct strs names = {0};
	char diffid[DIGEST_STR];
	int r = 0;

	if (!w->o->squash)
		r = image_describe_layers(w->h, w->base.id ? &w->base : NULL, &w->t->layers,
					  w->o->docker, w->a, &layers, e);
	if (r < 0)
		return r;
	strs_add(w->a, &w->doc->rootfs.diff_ids, digest_str(&layer->diffid, diffid));
	struct oci_descriptor *own = bind_append(w->a, &layers, sizeof *own);
	*own = image_plain_layer(w->o->docker, arena_strdup(w->a, diffid),
				 (int64_t)layer->tar_size);
	json_write(&config, bind_write(image_doc_fields, w->doc, w->a), 0);
	if (w->name)
		strs_add(w->a, &names, w->name);
	return image_add_made(w->h, &config, w->o->docker, NULL, &layers, &names, w->id, e);
}

/* The container's files as a layer of the store. */
static int add_layer(struct commit_work *w, const struct home *seen, const struct u0_map *map,
		     struct layer_info *ret, struct err *e)
{
	const struct tree *t = w->t;
	scoped(view) now = VIEW_NONE;
	scoped(view) below = VIEW_NONE;
	/* what lies there already is no bomb */
	struct layer_job job = {
		.what = t->what, .blob_size = -1, .limits = {.max_bytes = INT64_MAX}};
	int r = w->o->squash ? tree_view(seen, t, &now, e)
			     : view_open(seen, t->form, &t->layers, 0, t->upper, &now, e);

	if (r == 0 && !w->o->squash)
		r = view_open(seen, t->form, &t->layers, t->layers.n, NULL, &below, e);
	if (r < 0)
		return r;
	struct pack *p = pack_open(seen, now.root, t->what);
	if (w->o->squash)
		pack_without_root(p);
	else if (t->copied)
		pack_as_changes(p, below.root, copied_when(t->ct.dir));
	else
		pack_as_layer(p, below.root);
	if (map->form == FORM_ONE)
		pack_kept_owners(p);
	if (t->mapped.on)
		pack_map_owners(p, &t->mapped.layers.ids);
	job.source = pack_source(p);
	r = layer_add(w->h, map, &job, ret, e);
	pack_close(p);
	return r;
}

static int commit_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct commit_work *w = arg;
	struct layer_info layer;
	struct freeze held = FREEZE_NONE;
	struct home seen;
	int r = tree_prepare(w->h, map, w->t, e);

	if (r == 0)
		r = view_enter(w->h, &seen, e);
	if (r == 0 && w->o->pause)
		r = container_hold(&w->t->ct, &held, e);
	if (r == 0)
		r = add_layer(w, &seen, map, &layer, e);
	freeze_free(&held);
	return r < 0 ? r : add_image(w, &layer, e);
}

int container_commit(const struct home *h, struct tree *t, const struct commit_opts *o,
		     char ret_id[static DIGEST_LEN + 1], struct err *e)
{
	scoped(arena) a = {0};
	struct image_doc doc = {0};
	struct commit_work w = {.h = h, .t = t, .o = o, .a = &a, .doc = &doc};
	int r = open_base(&w, e);

	if (r == 0)
		r = make_doc(&w, e);
	w.id = mmap(NULL, DIGEST_LEN + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	if (r == 0 && w.id == MAP_FAILED)
		r = err_set(e, errno, "share memory");
	if (r == 0)
		r = adding_run(h, commit_inside, &w, NULL, NULL, e);
	if (w.id != MAP_FAILED) {
		memcpy(ret_id, w.id, DIGEST_LEN + 1);
		munmap(w.id, DIGEST_LEN + 1);
	}
	image_free(&w.base);
	if (r == 0)
		container_tell(h, &t->ct.state, "commit", "imageID", ret_id);
	return tree_explain(h, t, r, e);
}
