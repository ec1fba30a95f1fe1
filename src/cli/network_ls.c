#include "base/base.h"
#include "cli/format.h"
#include "cli/network.h"

struct ls_opts {
	bool quiet, no_trunc, noheading;
	const char *format;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct ls_opts, field)
static const struct opt ls_rows[] = {
	{"filter", 'f', TO(OPT_STRS, filter), "KEY=VALUE",
	 "Show only what fits: name, id, driver, label, dangling, until, scope, type",
	 COMPLETE_WORDS, NETWORK_FILTERS},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole IDs"},
	{"noheading", 'n', TO(OPT_BOOL, noheading), NULL, "Leave out the headline"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print names only (called docker: IDs)"},
	{0},
};
#undef TO

static const char *const headers[] = {"ID", "NETWORK ID", "CreatedAt", "CREATED AT", NULL};

static struct json *sample(struct cli *c)
{
	static const struct network none = {.name = "", .id = "", .driver = "", .created = ""};

	return network_fields_json(&none, false, &c->arena);
}

static int ls_run(struct cli *c, void *opts, struct err *e)
{
	struct ls_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER, facts = format_wants_facts(c, o->format);
	const struct networks_query q = {.filters = o->filter, .builtin = docker};
	const struct format_list f = {
		.columns = docker ? "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"
				  : "{{.ID}}\t{{.Name}}\t{{.Driver}}",
		.headers = headers,
		.json_fields = "CreatedAt Driver ID IPv4 IPv6 Internal Labels Name Scope",
	};
	struct json *fields = json_new(&c->arena, JSON_ARR);
	struct json *objects = json_new(&c->arena, JSON_ARR);
	scoped(home) h = {.fd = -1};
	struct networks_list l;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = networks_list(&h, &q, &c->arena, &l, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		const struct network *n = &l.v[i];
		if (o->quiet && (docker || str_is_empty(o->format)))
			out_printf(&c->out, docker && !o->no_trunc ? "%.12s\n" : "%s\n",
				   docker ? n->id : n->name);
		else if (facts)
			json_add(&c->arena, objects, network_json(NULL, n, false, &c->arena));
		else
			json_add(&c->arena, fields, network_fields_json(n, o->no_trunc, &c->arena));
	}
	if (!o->quiet || (!docker && !str_is_empty(o->format)))
		r = format_list(c, &f, o->format, !o->noheading, sample(c), fields, objects, e);
	network_warn_broken(c, &l);
	return r;
}

const struct command cmd_network_ls = {
	.name = "network ls",
	.aliases = "network list",
	.group = "Networks",
	.summary = "List networks",
	.description =
		"Lists the networks of the store by name. bridge is always there; it gets its "
		"addresses when the first container needs it. Called docker, host and none are "
		"listed too, which are no networks but ways to do without.\n\n"
		"Filters of one key are alternatives (except label), those of different keys must "
		"all fit. name takes a regular expression, id the first digits, until a time or a "
		"duration; dangling=true are those that no container is in, running or not.\n\n"
		"--format takes the fields of docker and podman: .ID .Name .Driver .Scope "
		".CreatedAt .Labels .IPv6 .Internal .Subnets .NetworkInterface .DNSEnabled "
		".Options "
		"and others. --format json prints one array.",
	.examples = "hoy network ls\nhoy network ls -q --filter dangling=true\n"
		    "hoy network ls --format '{{.Name}} {{.Driver}}'",
	.opts = ls_rows,
	.opts_size = sizeof(struct ls_opts),
	.run = ls_run,
	.sample = sample,
};
