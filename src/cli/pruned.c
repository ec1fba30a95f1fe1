#include "base/base.h"
#include "base/parse.h"
#include "cli/pruned.h"

void pruned_images(struct cli *c, const char *headline, const struct image_prune_result *res)
{
	if (c->called != CALLED_DOCKER) {
		for (size_t i = 0; i < res->n; i++)
			out_printf(&c->out, "%s\n", digest_hex(res->v[i].id));
		return;
	}
	if (!res->n)
		return;
	out_printf(&c->out, "%s\n", headline);
	for (size_t i = 0; i < res->n; i++) {
		const struct image_pruned *p = &res->v[i];
		for (size_t k = 0; k < p->names.n; k++)
			out_printf(&c->out, "untagged: %s\n",
				   ref_familiar(&c->arena, p->names.v[k]));
		out_printf(&c->out, "deleted: %s\n", p->id);
	}
	out_text(&c->out, "\n");
}

void pruned_containers(struct cli *c, const char *headline, const struct strs *ids)
{
	bool docker = c->called == CALLED_DOCKER;

	if (docker && ids->n)
		out_printf(&c->out, "%s\n", headline);
	for (size_t i = 0; i < ids->n; i++)
		out_printf(&c->out, "%s\n", ids->v[i]);
	if (docker && ids->n)
		out_text(&c->out, "\n");
}

void pruned_networks(struct cli *c, const char *headline, const struct strs *names)
{
	pruned_containers(c, headline, names); /* one a line, too */
}

void pruned_volumes(struct cli *c, const char *headline, const struct strs *names)
{
	pruned_containers(c, headline, names);
}

void pruned_total(struct cli *c, int64_t bytes)
{
	scoped(str) size = {0};

	size_human(&size, (uint64_t)bytes);
	out_printf(&c->out, "Total reclaimed space: %s\n", str_cstr(&size));
}

void pruned_note(struct cli *c, size_t n, const char *what, int64_t bytes, bool dry)
{
	scoped(str) size = {0};

	size_human(&size, (uint64_t)bytes);
	cli_note(c, "%zu %s%s, %s%s", n, what, n == 1 ? "" : "s", str_cstr(&size),
		 dry ? " to reclaim" : " reclaimed");
}
