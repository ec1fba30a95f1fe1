#include "base/base.h"
#include "cli/format.h"
#include "cli/volume.h"

struct ls_opts {
	bool quiet, noheading;
	const char *format;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct ls_opts, field)
static const struct opt ls_rows[] = {
	{"cluster", 0, OPT_BOOL, .help = "Volumes of a swarm: there are none",
	 .flags = OPT_HIDDEN | OPT_IGNORED},
	{"filter", 'f', TO(OPT_STRS, filter), "KEY=VALUE",
	 "Show only what fits: name, driver, label, dangling, anonymous, opt, until, since, scope",
	 COMPLETE_WORDS,
	 "name=<:volume> driver=<local> label= label!= dangling=<true|false> "
	 "anonymous=<true|false> opt= until= since=<:volume> after=<:volume> scope=<local>"},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"noheading", 'n', TO(OPT_BOOL, noheading), NULL, "Leave out the headline"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print names only"},
	{0},
};
#undef TO

static const char *const headers[] = {"Name", "VOLUME NAME", "CreatedAt", "CREATED AT", NULL};

static struct json *sample(struct cli *c)
{
	static const struct volume none = {.name = "", .driver = VOLUME_LOCAL, .created = ""};

	return volume_fields_json(NULL, &none, 0, &c->arena);
}

static int ls_run(struct cli *c, void *opts, struct err *e)
{
	struct ls_opts *o = opts;
	bool facts = format_wants_facts(c, o->format);
	const struct volumes_query q = {.filters = o->filter};
	const struct format_list f = {
		.columns = "{{.Driver}}\t{{.Name}}",
		.headers = headers,
		.json_fields = "Availability Driver Group Labels Links Mountpoint Name Scope Size "
			       "Status",
	};
	struct json *fields = json_new(&c->arena, JSON_ARR);
	struct json *objects = json_new(&c->arena, JSON_ARR);
	scoped(home) h = {.fd = -1};
	struct volumes_list l;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = volumes_list(&h, &q, &c->arena, &l, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		if (o->quiet)
			out_printf(&c->out, "%s\n", l.v[i].name);
		else if (facts)
			json_add(&c->arena, objects,
				 volume_json(&h, &l.v[i], l.links[i], false, &c->arena));
		else
			json_add(&c->arena, fields,
				 volume_fields_json(&h, &l.v[i], l.links[i], &c->arena));
	}
	if (!o->quiet)
		r = format_list(c, &f, o->format, !o->noheading, sample(c), fields, objects, e);
	volume_warn_broken(c, &l);
	return r;
}

const struct command cmd_volume_ls = {
	.name = "volume ls",
	.aliases = "volume list",
	.group = "Volumes",
	.summary = "List volumes",
	.description =
		"Lists the volumes of the store by name.\n\n"
		"Filters of one key are alternatives (except label), those of different keys must "
		"all fit. name takes a regular expression; dangling=true are those that no "
		"container uses, running or not; until takes a time or a duration, since (also "
		"after) another volume.\n\n"
		"--format takes the fields of docker and podman: .Name .Driver .Mountpoint .Labels "
		".Options .CreatedAt .Anonymous .MountCount .Links and others. --format json "
		"prints "
		"one array.",
	.examples = "hoy volume ls\nhoy volume ls -q --filter dangling=true\n"
		    "hoy volume ls --format '{{.Name}} {{.Mountpoint}}'",
	.opts = ls_rows,
	.opts_size = sizeof(struct ls_opts),
	.run = ls_run,
	.sample = sample,
};
