#include "base/base.h"
#include "cli/format.h"
#include "engine/diff.h"
#include "engine/list.h"

struct diff_opts {
	const char *format;
	bool latest;
};

#define TO(kind, field) OPT_TO(kind, struct diff_opts, field)
#define FORMAT_ROW                                                                                 \
	{                                                                                          \
		"format", 0, TO(OPT_STR, format), "TEMPLATE",                                      \
			"Print with a Go template once per change, or json for one object",        \
			.complete = COMPLETE_FORMAT                                                \
	}
static const struct opt diff_rows[] = {
	FORMAT_ROW,
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "Of the newest container, which is not named"},
	{0},
};
static const struct opt image_rows[] = {FORMAT_ROW, {0}};
#undef TO

static struct json *change_json(struct arena *a, char kind, const char *path)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "Kind", (const char[]){kind, 0});
	json_set_str(a, o, "Path", path);
	return o;
}

static struct json *sample(struct cli *c)
{
	return change_json(&c->arena, 'A', "/");
}

/* podman's object: three lists, those that are empty left out. */
static struct json *lists_json(struct arena *a, const struct diff_result *d)
{
	static const struct {
		char kind;
		const char *name;
	} lists[] = {{'C', "changed"}, {'A', "added"}, {'D', "deleted"}};
	struct json *o = json_new(a, JSON_OBJ);
	const struct diff_change *v = d->changes.v;

	for (size_t k = 0; k < countof(lists); k++) {
		struct json *l = NULL;
		for (size_t i = 0; i < d->changes.n; i++) {
			if (v[i].kind != lists[k].kind)
				continue;
			l = l ? l : json_new(a, JSON_ARR);
			json_add(a, l, json_new_str(a, v[i].path));
		}
		if (l)
			json_put(a, o, lists[k].name, l);
	}
	return o;
}

static int print(struct cli *c, const char *format, const struct diff_result *d, struct err *e)
{
	static const char *const headers[] = {"Kind", "KIND", "Path", "PATH", NULL};
	struct format_list f = {.columns = "{{.Kind}}\t{{.Path}}", .headers = headers};
	const struct diff_change *v = d->changes.v;

	if (str_eq(format, "json"))
		return format_objects(c, "json", lists_json(&c->arena, d), e);
	if (!str_is_empty(format)) {
		struct json *l = json_new(&c->arena, JSON_ARR);
		for (size_t i = 0; i < d->changes.n; i++)
			json_add(&c->arena, l, change_json(&c->arena, v[i].kind, v[i].path));
		return format_list(c, &f, format, true, sample(c), l, NULL, e);
	}
	for (size_t i = 0; i < d->changes.n; i++) {
		out_printf(&c->out, "%c ", v[i].kind);
		out_escaped(&c->out, v[i].path);
		out_text(&c->out, "\n");
	}
	return 0;
}

static int diff_run_kind(struct cli *c, const struct diff_opts *o, enum tree_kind kind,
			 struct err *e)
{
	scoped(home) h = {.fd = -1};
	scoped(tree) t = TREE_NONE;
	scoped(tree) other = TREE_NONE;
	struct diff_result d;
	const char *name = o->latest ? NULL : c->args[0];
	const char *than = o->latest ? c->args[0] : c->nargs > 1 ? c->args[1] : NULL;

	if ((!name && !o->latest) || (o->latest && c->nargs > 1)) {
		err_fail(e, ERR_USAGE, name ? "--latest and two names" : "diff needs a name");
		return err_hint(e, "see: hoy ps -a, hoy images");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->latest)
		r = container_newest(&h, &c->arena, &name, e);
	if (r == 0)
		r = tree_find(&h, name, kind, "diff", &t, e);
	if (r == 0 && than)
		r = tree_find(&h, than, TREE_ANY, "diff", &other, e);
	if (r == 0)
		r = tree_diff(&h, &t, than ? &other : NULL, &c->arena, &d, e);
	return r < 0 ? r : print(c, o->format, &d, e);
}

static int diff_run(struct cli *c, void *opts, struct err *e)
{
	return diff_run_kind(c, opts, TREE_ANY, e);
}

static int container_diff_run(struct cli *c, void *opts, struct err *e)
{
	return diff_run_kind(c, opts, TREE_CONTAINER, e);
}

static int image_diff_run(struct cli *c, void *opts, struct err *e)
{
	return diff_run_kind(c, opts, TREE_IMAGE, e);
}

#define LETTERS                                                                                    \
	"Prints a line for each path: A added, C changed, D deleted. A directory counts as "       \
	"changed if its mode or owner is, or something in it.\n\n"
#define SECOND                                                                                     \
	"With a second container or image the two are compared whole, by kind, owner, mode, size " \
	"and time. "                                                                               \
	"Control characters in names are printed as escapes; --format json has the names as they " \
	"are.\n\n--format takes .Kind .Path."

const struct command cmd_diff = {
	.name = "diff",
	.group = "Containers",
	.args = "[CONTAINER|IMAGE] [CONTAINER|IMAGE]",
	.summary = "Show which files a container has changed",
	.description = LETTERS
	"Of a container, running or not: what it has written, held against its image. What hoy "
	"makes in each container (such as /etc/hosts), and what is mounted, is not listed. Of an "
	"image: what its topmost layer changes.\n\n" SECOND,
	.examples = "hoy diff web\nhoy diff --format json web\nhoy diff app:old app",
	.opts = diff_rows,
	.opts_size = sizeof(struct diff_opts),
	.run = diff_run,
	.sample = sample,
	.complete = COMPLETE_OBJECT,
	.complete_rest = COMPLETE_OBJECT,
};

const struct command cmd_container_diff = {
	.name = "container diff",
	.args = "[CONTAINER] [CONTAINER|IMAGE]",
	.summary = "Show which files a container has changed",
	.description = LETTERS "What hoy makes in each container (such as /etc/hosts), and what is "
			       "mounted, is not listed. " SECOND,
	.examples = "hoy container diff web",
	.opts = diff_rows,
	.opts_size = sizeof(struct diff_opts),
	.run = container_diff_run,
	.sample = sample,
	.complete = COMPLETE_CONTAINER,
	.complete_rest = COMPLETE_OBJECT,
};

const struct command cmd_image_diff = {
	.name = "image diff",
	.args = "IMAGE [CONTAINER|IMAGE]",
	.summary = "Show which files the topmost layer of an image changes",
	.description = LETTERS SECOND,
	.examples = "hoy image diff alpine\nhoy image diff app:old app",
	.opts = image_rows,
	.opts_size = sizeof(struct diff_opts),
	.run = image_diff_run,
	.sample = sample,
	.complete = COMPLETE_IMAGE,
	.complete_rest = COMPLETE_OBJECT,
};
