#include "base/base.h"
#include "base/task.h"
#include "store/layer_form.h"
#include "store/replay.h"

static int make_one(const struct home *h, const struct u0_map *map, const struct digest *diffid,
		    struct err *e)
{
	struct replay *from;
	struct layer_info info;
	char what[60];
	int r = replay_open(&from, h, diffid, map->form, e);

	if (r < 0)
		return r;
	snprintf(what, sizeof what, "layer sha256:%.12s", diffid->hex);
	struct layer_job job = {
		.source = replay_source(from), .what = what, .blob_size = -1, .diffid = *diffid};
	/* it was unpacked before: what it may hold was decided then */
	job.limits.max_bytes = job.limits.max_entries = INT64_MAX;
	r = layer_add(h, map, &job, &info, e);
	replay_close(from);
	return r;
}

static int make_missing(const struct home *h, const struct u0_map *map, const struct strs *diffids,
			struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < diffids->n && r == 0; i++) {
		struct digest d;
		r = digest_parse(diffids->v[i], &d, e);
		if (r == 0 && !layer_exists(h, &d, map->form))
			r = make_one(h, map, &d, e);
	}
	return r < 0 ? r : layers_sync(h, e);
}

struct making {
	const struct home *h;
	const struct u0_map *map;
	const struct strs *diffids;
};

static int make_in_child(void *arg, struct err *e)
{
	const struct making *m = arg;

	return make_missing(m->h, m->map, m->diffids, e);
}

int layer_forms_make(const struct home *h, const struct u0_map *map, const struct strs *diffids,
		     struct err *e)
{
	bool missing = false;
	struct making m = {h, map, diffids};

	for (size_t i = 0; i < diffids->n && !missing; i++) {
		struct digest d;
		missing = digest_parse(diffids->v[i], &d, NULL) == 0 &&
			  !layer_exists(h, &d, map->form);
	}
	if (!missing)
		return 0;
	/* The caller is the supervisor, which stays small and opens no libraries. */
	return task_run(make_in_child, &m,
			"the process that made layers in another owner form died", e);
}
