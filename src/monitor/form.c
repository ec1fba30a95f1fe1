#include "base/base.h"
#include "monitor/form.h"

int form_take(const struct container_config *c, struct container_state *st, const char *form,
	      struct err *e)
{
	const char *was = st->form;

	if (!was || !st->started || str_eq(was, form)) {
		st->form = form;
		return 0;
	}
	err_fail(e, ERR_LAYER_FORM,
		 "container %s was started with owner form \"%s\" before, and this process has "
		 "\"%s\"",
		 c->name, was, form);
	if (str_eq(form, "one"))
		return err_hint(
			e, "start it from where subordinate ids can be had (hoy info says it)");
	return err_hint(e,
			"make a new one of the image, or start this one with a single uid: setpriv "
			"--no-new-privs hoy start %s",
			c->name);
}
