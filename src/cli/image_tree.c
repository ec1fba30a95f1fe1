#include "base/base.h"
#include "cli/command.h"
#include "engine/image_text.h"
#include "engine/image_tree.h"

struct tree_opts {
	bool whatrequires;
};

static const struct opt tree_rows[] = {
	{"whatrequires", 0, OPT_TO(OPT_BOOL, struct tree_opts, whatrequires), NULL,
	 "Show the images that are built upon it, instead of what it is built of"},
	{0},
};

static void print_names(struct cli *c, const struct strs *names)
{
	out_text(&c->out, "[");
	for (size_t i = 0; i < names->n; i++)
		out_printf(&c->out, "%s%s", i ? " " : "", names->v[i]);
	out_text(&c->out, "]\n");
}

/* One below the other as long as there is no branch, as podman shows it. */
static void print_layers(struct cli *c, const struct tree_layer *l, const char *indent, bool flat)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct tree_layer *k = l->children[i];
		bool last = i + 1 == l->n && !(flat && k->n);
		out_printf(&c->out, "%s%s ID: %.12s Size: %7s", indent,
			   last ? "\u2514\u2500\u2500" : "\u251c\u2500\u2500", k->diffid,
			   image_size_text(&c->arena, k->size, true));
		if (k->names.n)
			out_text(&c->out, " Top Layer of: ");
		if (k->names.n)
			print_names(c, &k->names);
		else
			out_text(&c->out, "\n");
		print_layers(
			c, k,
			flat ? indent
			     : arena_printf(&c->arena, "%s%s", indent, last ? "    " : "\u2502   "),
			flat);
	}
}

static int tree_run(struct cli *c, void *opts, struct err *e)
{
	const struct tree_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(image) im = {0};
	struct tree_layer tree;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = image_find(&h, c->args[0], &im, e);
	if (r == 0)
		r = image_more(&h, &im, e);
	if (r == 0)
		r = image_tree(&h, &im, o->whatrequires, &c->arena, &tree, e);
	if (r < 0)
		return r;
	out_printf(&c->out, "Image ID: %.12s\nTags:     ", digest_hex(im.id));
	print_names(c, &im.names);
	out_printf(&c->out, "Size:     %s\n%s\n", image_size_text(&c->arena, im.size, true),
		   tree.n ? "Image Layers" : "No Image Layers");
	print_layers(c, &tree, "", !o->whatrequires);
	return 0;
}

const struct command cmd_image_tree = {
	.name = "image tree",
	.group = "Images",
	.args = "IMAGE",
	.summary = "Show the layers of an image as a tree",
	.description = "Lists the layers of an image, the bottom one first, with their sizes and "
		       "the names of "
		       "the images here that end with each of them. Layers are shown by the "
		       "digests of their "
		       "content (diffID).",
	.examples = "hoy image tree alpine\nhoy image tree --whatrequires alpine",
	.opts = tree_rows,
	.opts_size = sizeof(struct tree_opts),
	.run = tree_run,
	.complete = COMPLETE_IMAGE,
};
