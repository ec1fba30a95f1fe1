#include "base/base.h"
#include "cli/format.h"
#include "engine/image.h"
#include "engine/inspect.h"
#include "engine/list.h"
#include "engine/network.h"

struct options {
	bool size, latest;
	const char *format, *type;
};

#define TO(kind, field) OPT_TO(kind, struct options, field)
#define FORMAT_ROW                                                                                 \
	{                                                                                          \
		"format", 'f', TO(OPT_STR, format), "TEMPLATE",                                    \
			"Print with a Go template, or json"                                        \
	}
#define LATEST_ROW                                                                                 \
	{                                                                                          \
		"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container"                  \
	}
#define SIZE_ROW                                                                                   \
	{                                                                                          \
		"size", 's', TO(OPT_BOOL, size), NULL,                                             \
			"Show how much the container has written, too"                             \
	}
static const struct opt inspect_rows[] = {
	FORMAT_ROW,
	LATEST_ROW,
	SIZE_ROW,
	{"type", 't', TO(OPT_CHOICE, type), "TYPE", "Look only among objects of this type",
	 .words = "all container image network"},
	{0},
};
static const struct opt container_rows[] = {FORMAT_ROW, LATEST_ROW, SIZE_ROW, {0}};
#undef TO

struct inspection {
	struct cli *c;
	struct home h;
	const struct options *o;
	struct json *list;
};

static int add_container(struct inspection *in, const char *text, struct err *e)
{
	const struct inspect_opts io = {.docker = in->c->called == CALLED_DOCKER,
					.size = in->o->size};
	struct container ct;
	struct json *j;
	int r = container_open(&in->h, text, &ct, e);

	if (r == 0)
		r = container_inspect(&in->h, &ct, &io, &in->c->arena, &j, e);
	if (r == 0)
		json_add(&in->c->arena, in->list, j);
	container_free(&ct);
	return r;
}

static int add_image(struct inspection *in, const char *text, struct err *e)
{
	scoped(image) im = {0};
	bool docker = in->c->called == CALLED_DOCKER;
	int r = image_lookup(&in->h, text, &im, e);

	if (r == 0)
		r = image_more(&in->h, &im, e);
	if (r == 0)
		json_add(&in->c->arena, in->list,
			 image_inspect(&in->h, &im, docker, &in->c->arena));
	return r;
}

static int add_network(struct inspection *in, const char *text, struct err *e)
{
	bool docker = in->c->called == CALLED_DOCKER;
	bool facts =
		docker || str_is_empty(in->o->format) || format_wants_facts(in->c, in->o->format);
	struct network n;
	int r = network_show(&in->h, text, docker, &n, &in->c->arena, e);

	if (r == 0)
		json_add(&in->c->arena, in->list,
			 facts ? network_json(&in->h, &n, docker, &in->c->arena)
			       : network_template_json(&in->h, &n, &in->c->arena));
	return r;
}

/* A container of that name comes before an image, that before a network. What is unclear or damaged is said, not looked past. */
static int add_object(struct inspection *in, const char *text, struct err *e)
{
	const char *type = in->o->type ? in->o->type : "all";

	if (!strcmp(type, "container"))
		return add_container(in, text, e);
	if (!strcmp(type, "image"))
		return add_image(in, text, e);
	if (!strcmp(type, "network"))
		return add_network(in, text, e);
	int r = add_container(in, text, e);
	if (r == 0 || e->id != ERR_CONTAINER_UNKNOWN)
		return r;
	struct err of_container = *e;
	*e = (struct err){0};
	r = add_image(in, text, e);
	if (r == 0 || (e->id != ERR_IMAGE_UNKNOWN && e->id != ERR_REF))
		return r;
	const char *hint = str_starts(of_container.hint, "did you mean") ? of_container.hint
			   : str_starts(e->hint, "did you mean")	 ? e->hint
									 : "";
	char keep[sizeof e->hint];
	snprintf(keep, sizeof keep, "%s", hint);
	*e = (struct err){0};
	r = add_network(in, text, e);
	if (r == 0 || e->id != ERR_NETWORK_UNKNOWN)
		return r;
	if (!*keep && str_starts(e->hint, "did you mean"))
		snprintf(keep, sizeof keep, "%s", e->hint);
	err_fail_code(e, ERR_OBJECT_UNKNOWN, ENOENT,
		      "no container, image or network with name or ID \"%.80s\"", text);
	return *keep ? err_hint(e, "%s", keep)
		     : err_hint(e, "hoy ps -a, hoy images and hoy network ls list what there is");
}

static int inspect_run(struct cli *c, void *opts, struct err *e)
{
	struct options *o = opts;
	struct inspection in = {
		.c = c, .h = {.fd = -1}, .o = o, .list = json_new(&c->arena, JSON_ARR)};
	const char *latest = NULL;

	if (o->latest == (c->nargs > 0)) {
		err_fail(e, ERR_USAGE,
			 o->latest ? "--latest takes no names" : "inspect needs a name or an ID");
		return err_hint(e, "hoy ps -a and hoy images list what there is");
	}
	int r = home_open(&in.h, c->root, e);
	if (r == 0 && o->latest) {
		r = container_newest(&in.h, &c->arena, &latest, e);
		if (r == 0)
			r = add_container(&in, latest, e);
	}
	for (size_t i = 0; i < c->nargs && r == 0; i++) {
		struct err one = {0};
		if (add_object(&in, c->args[i], &one) < 0)
			cli_report(c, &one);
	}
	/* As both engines do: the list of what was found, even if that is nothing; a template has nothing to say then, but must be one. */
	if (r == 0)
		r = format_objects(c, o->format, in.list, e);
	home_free(&in.h);
	return r;
}

#define FIELDS                                                                                     \
	"Templates may use the names of docker and podman: .State.Status .State.ExitCode "         \
	".Config.Env .Config.Labels .HostConfig .Mounts .NetworkSettings .GraphDriver and more; "  \
	"{{json .}} prints all there are."

const struct command cmd_inspect = {
	.name = "inspect",
	.group = "System",
	.args = "[NAME...]",
	.summary = "Show all that is known of containers, images and networks",
	.description =
		"Prints one JSON list with an object for each name or ID, or whatever --format "
		"asks for. A name is looked for among the containers first, then among the "
		"images, then among the networks. What is not found is reported, the others are "
		"printed all the "
		"same.\n\n" FIELDS,
	.examples = "hoy inspect web\nhoy inspect -f '{{.State.Status}} {{.State.ExitCode}}' web\n"
		    "hoy inspect --type image busybox",
	.opts = inspect_rows,
	.opts_size = sizeof(struct options),
	.run = inspect_run,
	.complete = COMPLETE_OBJECT,
};

static const struct options container_defaults = {.type = "container"};

const struct command cmd_container_inspect = {
	.name = "container inspect",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Show all that is known of containers",
	.description = "Prints one JSON list with an object for each container, or whatever "
		       "--format asks for.\n\n" FIELDS,
	.examples = "hoy container inspect web\nhoy container inspect -s -f '{{.SizeRw}}' web",
	.opts = container_rows,
	.opts_size = sizeof(struct options),
	.defaults = &container_defaults,
	.run = inspect_run,
	.complete = COMPLETE_CONTAINER,
};
