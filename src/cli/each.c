#include "base/base.h"
#include "cli/each.h"
#include "engine/list.h"

#define TO(kind, field) OPT_TO(kind, struct each_which, field)
#define ROWS(filter_letter)                                                                        \
	{                                                                                          \
		"cidfile",                                                                         \
		0,                                                                                 \
		TO(OPT_STRS, cidfiles),                                                            \
		"FILE",                                                                            \
		"Read the ID of a container from a file",                                          \
		COMPLETE_FILE},                                                                    \
		{"filter",                                                                         \
		 filter_letter,                                                                    \
		 TO(OPT_STRS, filters),                                                            \
		 "KEY=VALUE",                                                                      \
		 "The containers that fit, as of ps: name, label, status and others",              \
		 COMPLETE_WORDS,                                                                   \
		 EACH_FILTERS},                                                                    \
		{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container"},               \
	{                                                                                          \
		0                                                                                  \
	}
const struct opt each_which_rows[] = {ROWS('f')};
const struct opt each_which_rows_rm[] = {ROWS(0)};
#undef ROWS
#undef TO

bool each_is_chosen(const struct each *x)
{
	return x->all ||
	       (x->which && (x->which->latest || x->which->filters.n || x->which->cidfiles.n));
}

static int one(struct cli *c, const struct each *x, struct home *h, const char *text, void *opts)
{
	struct container ct;
	struct err e = {0};
	int r = container_open(h, text, &ct, &e);

	if (r < 0 && x->missing_exit && e.id == ERR_CONTAINER_UNKNOWN)
		e.exit = x->missing_exit;
	if (r < 0 && x->ignore_missing && e.id == ERR_CONTAINER_UNKNOWN) {
		r = 0;
		if (x->missing)
			x->missing(c);
	} else if (r == 0 && (!each_is_chosen(x) || !x->wanted || x->wanted(&ct)))
		r = x->fn(c, h, &ct, text, opts, &e);
	if (r < 0)
		cli_report(c, &e);
	container_free(&ct);
	return r;
}

int each_read_cidfile(struct cli *c, const char *path, const char **ret, struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, &text, 4096);

	if (r < 0)
		return err_set(e, r, "read the cidfile %s", path);
	const char *id = str_cstr(&text);
	size_t n = strcspn(id, "\r\n");
	if (!n)
		return err_fail(e, ERR_USAGE, "the cidfile %s is empty", path);
	*ret = arena_strndup(&c->arena, id, n);
	return 0;
}

/* What stands for the operands: ids of all, of the newest, of those that fit. */
static int choose(struct cli *c, const struct each *x, struct home *h, struct strs *ret,
		  struct err *e)
{
	const struct each_which *w = x->which;
	struct list_query q = {.all = true, .no_trunc = true, .ids_only = true};
	struct list_result res = {0};
	const char *id;
	int r = 0;

	for (size_t i = 0; w && i < w->cidfiles.n && r == 0; i++) {
		r = each_read_cidfile(c, w->cidfiles.v[i], &id, e);
		if (r == 0)
			strs_add(&c->arena, ret, id);
	}
	if (r == 0 && w && w->latest) {
		r = container_newest(h, &c->arena, &id, e);
		if (r == 0)
			strs_add(&c->arena, ret, id);
	}
	bool filtered = w && w->filters.n;
	if (r == 0 && x->all && !filtered) { /* those whose record is damaged, too */
		scoped(strv) all = {0};
		r = container_ids(h, &all, e);
		for (size_t i = 0; i < all.n; i++)
			strs_add(&c->arena, ret, all.v[i]);
	}
	if (r < 0 || !filtered)
		return r;
	q.filters = w->filters;
	r = containers_list(h, &q, &c->arena, &res, e);
	for (size_t i = 0; i < res.ids.n && r == 0; i++)
		strs_add(&c->arena, ret, res.ids.v[i]);
	return r;
}

static int check_operands(struct cli *c, const struct each *x, struct err *e)
{
	bool chosen = each_is_chosen(x);

	if (chosen && c->nargs)
		return err_fail(e, ERR_USAGE, "--%s takes no container names",
				x->all		       ? "all"
				: x->which->latest     ? "latest"
				: x->which->cidfiles.n ? "cidfile"
						       : "filter");
	if (chosen || c->nargs || x->ignore_missing)
		return 0;
	err_fail(e, ERR_USAGE, "%s needs at least one container", c->cmd->name);
	return err_hint(e, "give names or IDs, see: hoy ps -a");
}

int each_container(struct cli *c, const struct each *x, void *opts, struct err *e)
{
	struct strs ids = {0};
	scoped(home) h = {.fd = -1};
	bool chosen = each_is_chosen(x);
	int r = check_operands(c, x, e);

	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	if (chosen)
		r = choose(c, x, &h, &ids, e);
	for (size_t i = 0; i < (chosen ? ids.n : c->nargs) && r == 0; i++)
		one(c, x, &h, chosen ? ids.v[i] : c->args[i], opts);
	return r;
}
