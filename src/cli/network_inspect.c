#include "base/base.h"
#include "cli/format.h"
#include "cli/network.h"

struct inspect_opts {
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct inspect_opts, field)
static const struct opt inspect_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"verbose", 'v', OPT_BOOL, .help = "Taken for docker's sake: it is about swarms",
	 .flags = OPT_IGNORED},
	{0},
};
#undef TO

static int inspect_run(struct cli *c, void *opts, struct err *e)
{
	struct inspect_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	bool facts = docker || str_is_empty(o->format) || format_wants_facts(c, o->format);
	struct json *list = json_new(&c->arena, JSON_ARR);
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->nargs; i++) {
		struct err one = {0};
		struct network n;
		if (network_show(&h, c->args[i], docker, &n, &c->arena, &one) < 0) {
			if (docker)
				one.exit = 1;
			cli_report(c, &one);
		} else
			json_add(&c->arena, list,
				 facts ? network_json(&h, &n, docker, &c->arena)
				       : network_template_json(&h, &n, &c->arena));
	}
	return format_objects(c, o->format, list, e);
}

const struct command cmd_network_inspect = {
	.name = "network inspect",
	.group = "Networks",
	.args = "NETWORK [NETWORK...]",
	.summary = "Show all that is known of networks",
	.description =
		"Prints one JSON list with an object for each network, under the names that podman "
		"uses (called docker: docker's), or whatever --format asks for; a template may use "
		"the names of both: .Subnets .Containers .IPAM.Config and others. "
		"The containers are those that run in it.",
	.examples = "hoy network inspect bridge\n"
		    "hoy network inspect -f '{{range .Subnets}}{{.Subnet}} {{end}}' bridge",
	.opts = inspect_rows,
	.opts_size = sizeof(struct inspect_opts),
	.run = inspect_run,
	.complete = COMPLETE_NETWORK,
};
