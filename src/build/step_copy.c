#include "base/base.h"
#include "build/step_impl.h"
#include "store/layer_form.h"

struct copying {
	const struct copy_job *job;
	const struct copy_plan *plan;
};

static int copy_inside(const struct step_place *p, void *arg, struct err *e)
{
	const struct copying *c = arg;
	const struct strs *from = c->job->from.layers;
	scoped(view) source = VIEW_NONE;
	int r = from ? layer_forms_make(p->base->h, p->map, from, e) : 0;

	if (r == 0 && from)
		r = view_open(p->seen, u0_form_name(p->map->form), from, from->n, NULL, &source, e);
	return r < 0 ? r : copy_do(c->job, c->plan, p->map->form, p->root, source.root, e);
}

int step_copy(const struct step_base *b, const struct copy_job *job, const struct copy_plan *plan,
	      struct step_result *ret, struct err *e)
{
	struct copying c = {job, plan};
	int r = copy_prepare(b->h, job, plan, e);

	if (r == 0)
		r = step_write(b, job->add ? "ADD" : "COPY", copy_inside, &c, ret, e);
	copy_prepare_drop(b->h, plan);
	return r;
}
