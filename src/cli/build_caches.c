#include "base/base.h"
#include "build/cache_remote.h"
#include "cli/build_opts.h"

static void tell(struct build_progress *p, enum build_event_kind kind, const char *text)
{
	const struct build_event ev = {.kind = kind, .step = -1, .text = text};

	build_progress_event(p, &ev);
}

/* No cache is no reason to fail: the first build of all has none. */
int build_caches_in(struct cli *c, const struct home *h, const struct build_flags *f,
		    struct build_progress *p, struct err *e)
{
	for (size_t i = 0; i < f->cache_from.n; i++) {
		struct cache_place place;
		struct err why = {0};
		size_t n = 0;
		int r = cache_place_parse(f->cache_from.v[i], false, &c->arena, &place, e);
		if (r < 0)
			return r;
		struct image_pull_opts how = f->b.pull;
		how.begins = NULL;
		r = cache_import(h, &place, &how, &n, &why);
		if (r < 0 && why.id == ERR_INTERRUPTED) {
			*e = why;
			return r;
		}
		tell(p, r < 0 ? BUILD_WARNING : BUILD_NOTE,
		     r < 0 ? arena_printf(&c->arena, "--cache-from %s: %s", place.text, why.msg)
			   : arena_printf(&c->arena, "Took %zu steps from the cache %s", n,
					  place.ref));
	}
	return 0;
}

int build_caches_out(struct cli *c, const struct home *h, const struct build_flags *f,
		     const struct build_result *res, struct build_progress *p, struct err *e)
{
	const struct build_output *v = res->outputs.v;

	for (size_t i = 0; i < f->cache_to.n; i++) {
		struct cache_place place;
		struct image_push_opts o;
		struct strs keys = {0};
		size_t n = 0;
		int r = cache_place_parse(f->cache_to.v[i], true, &c->arena, &place, e);
		if (r == 0)
			r = build_push_opts(c, f, NULL, &o, e);
		if (r < 0)
			return r;
		for (size_t k = 0; k < res->outputs.n && place.min; k++)
			for (size_t m = 0; m < v[k].keys.n; m++)
				strs_add(&c->arena, &keys, v[k].keys.v[m]);
		tell(p, BUILD_NOTE, arena_printf(&c->arena, "Writing the cache to %s", place.ref));
		r = cache_export(h, &place, place.min ? &keys : &res->keys, &o, &n, e);
		if (r < 0 && place.may_fail && e->id != ERR_INTERRUPTED) {
			tell(p, BUILD_WARNING,
			     arena_printf(&c->arena, "--cache-to %s: %s", place.text, e->msg));
			*e = (struct err){.exit = EXIT_ENGINE};
			continue;
		}
		if (r < 0)
			return err_context(e, "--cache-to %s", place.text);
	}
	return 0;
}
