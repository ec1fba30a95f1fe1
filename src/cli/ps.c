#include <ctype.h>

#include "base/base.h"
#include "cli/each.h"
#include "cli/format.h"
#include "engine/list.h"

struct ps_opts {
	bool all, quiet, no_trunc, latest, size, noheading, ns;
	uint64_t watch; /* seconds */
	int64_t last;
	const char *format, *sort;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct ps_opts, field)
static const struct opt ps_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Show all containers, not only those that run"},
	{"external", 0, OPT_BOOL,
	 .help = "Show what build tools work in, too (in this store there is nothing of theirs)",
	 .flags = OPT_IGNORED},
	{"filter", 'f', TO(OPT_STRS, filter), "KEY=VALUE",
	 "Show only what fits: id, name, label, status, exited, ancestor, before, since, until, "
	 "volume, network, publish, expose, command",
	 COMPLETE_WORDS, EACH_FILTERS},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"last", 'n', TO(OPT_INT, last), "NUMBER", "Show the newest ones, in any state"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "Show the newest one, in any state"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole IDs and commands",
	 .aliases = "notruncate"},
	{"noheading", 0, TO(OPT_BOOL, noheading), NULL, "Leave out the headline"},
	{"ns", 0, TO(OPT_BOOL, ns), NULL, "Show the namespaces of each container by their numbers",
	 .aliases = "namespace"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print IDs only"},
	{"size", 's', TO(OPT_BOOL, size), NULL, "Show how much each container has written"},
	{"sort", 0, TO(OPT_CHOICE, sort), "KEY", "Order by this column",
	 .words = "command created id image names runningfor size status"},
	{"sync", 0, OPT_BOOL, .help = "Look what the containers really do (hoy always does)",
	 .flags = OPT_IGNORED},
	{"watch", 'w', TO(OPT_UINT, watch), "SECONDS",
	 "Show it again and again, with so many seconds between"},
	{0},
};
#undef TO

static const char *const headers[] = {
	"ID",	 "CONTAINER ID", "RunningFor",	 "CREATED", "LocalVolumes", "LOCAL VOLUMES",
	"Label", "LABEL",	 "CreatedHuman", "CREATED", "ImageID",	    "IMAGE ID",
	NULL,
};

#define COLUMNS                                                                                    \
	"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"

#define NS_COLUMNS                                                                                 \
	"{{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}\t" \
	"{{.USERNS}}\t{{.UTS}}"

static bool needs_namespaces(const char *format)
{
	static const char *const fields[] = {".CGROUPNS", ".IPC",    ".MNT", ".NET",
					     ".PIDNS",	  ".USERNS", ".UTS"};

	for (size_t i = 0; i < countof(fields); i++)
		if (strstr(format, fields[i]))
			return true;
	return false;
}

/* Does a template need what is not in the states? That is so if it names such a field, or takes the object as a whole, as
 * {{json .}} does, or a variable that may hold it. */
static bool needs_config(const char *format)
{
	static const char *const fields[] = {"Mounts", "LocalVolumes", "Networks"};

	for (size_t i = 0; i < countof(fields); i++)
		if (strstr(format, fields[i]))
			return true;
	for (const char *s = format; *s; s++)
		if (*s == '$' || (*s == '.' && !isalpha((unsigned char)s[1])))
			return true;
	return false;
}

static void warn_broken(const struct cli *c, const struct list_result *res)
{
	if (res->broken == 1)
		cli_warn(c, "a damaged container is left out: %s", res->why.msg);
	else if (res->broken)
		cli_warn(c, "%zu damaged containers are left out, the first: %s", res->broken,
			 res->why.msg);
}

static bool is_table(const char *format)
{
	return str_is_empty(format) || !strcmp(format, "table");
}

static struct json *sample(struct cli *c)
{
	return containers_sample(c->called == CALLED_DOCKER, &c->arena);
}

static int show(struct cli *c, const struct home *h, const struct ps_opts *o, struct err *e)
{
	const char *format = str_is_empty(o->format) ? NULL : o->format;
	bool docker = c->called == CALLED_DOCKER, json = format && !strcmp(format, "json");
	const struct format_list f = {
		.columns = o->ns     ? NS_COLUMNS
			   : o->size ? COLUMNS "\t{{.Size}}"
				     : COLUMNS,
		.headers = headers,
		.json_fields = "Command CreatedAt HealthStatus ID Image Labels LocalVolumes Mounts "
			       "Names Networks Platform Ports RunningFor Size State Status",
	};
	const struct list_query q = {
		.filters = o->filter,
		.sort = o->sort,
		.last = o->latest     ? 1
			: o->last > 0 ? o->last
				      : 0,
		.all = o->all,
		.no_trunc = o->no_trunc,
		.docker = docker,
		.ids_only = o->quiet && is_table(format),
		.facts = format_wants_facts(c, format),
		.size = o->size || (format && strstr(format, ".Size")),
		.namespaces = o->ns || (format && needs_namespaces(format)),
		.config = json || (format && needs_config(format)),
	};
	struct list_result res;
	int r = containers_list(h, &q, &c->arena, &res, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < res.ids.n; i++)
		out_printf(&c->out, "%s\n", res.ids.v[i]);
	if (!q.ids_only)
		r = format_list(c, &f, format, !o->noheading, sample(c), res.fields, res.objects,
				e);
	warn_broken(c, &res);
	return r;
}

/* As long as somebody reads it. What each turn needs is given back. */
static int watch(struct cli *c, const struct home *h, const struct ps_opts *o, struct err *e)
{
	const struct arena before = c->arena;
	int r = 0;

	while (r == 0) {
		if (isatty(1))
			out_text(&c->out, "\033[2J\033[H");
		c->arena = (struct arena){0};
		r = show(c, h, o, e);
		arena_free(&c->arena);
		if (r == 0)
			r = out_flush(&c->out, e);
		if (r == 0)
			sleep((unsigned)o->watch);
	}
	c->arena = before;
	return r;
}

static int ps_run(struct cli *c, void *opts, struct err *e)
{
	struct ps_opts *o = opts;
	scoped(home) h = {.fd = -1};

	if (cli_given(c, "watch") && (!o->watch || o->watch > 3600)) {
		err_fail(e, ERR_USAGE, "--watch %" PRIu64 " cannot be", o->watch);
		return err_hint(e, "seconds, from 1 to 3600");
	}
	int r = home_open(&h, c->root, e);
	return r < 0 ? r : o->watch ? watch(c, &h, o, e) : show(c, &h, o, e);
}

const struct command cmd_ps = {
	.name = "ps",
	.aliases = "container ls,container list,container ps",
	.group = "Containers",
	.summary = "List containers",
	.description =
		"Lists the containers that run, or all with -a, one a line. The state is found "
		"from facts each time: Up means that the container and its supervisor live. Lost "
		"is a container whose supervisor was killed; the next command that changes "
		"something ends it.\n\n"
		"Filters of one key are alternatives (except label), those of different keys must "
		"all fit. name and command take regular expressions, id the first digits, before "
		"and since a container, until a time or a duration.\n\n"
		"--format takes the fields of docker and podman: .ID .Image .Command .CreatedAt "
		".RunningFor .Ports .State .Status .Size .Names .Labels .Mounts .Networks .Pid "
		".ExitCode .StartedAt .ExitedAt and others, and {{.Label \"key\"}}. --format json "
		"prints one array.",
	.examples = "hoy ps\nhoy ps -a --filter status=exited -q\n"
		    "hoy ps --format '{{.Names}}: {{.Status}}'\n"
		    "# Containers of an image, with what they have written\n"
		    "hoy ps -a -s --filter ancestor=busybox",
	.opts = ps_rows,
	.opts_size = sizeof(struct ps_opts),
	.run = ps_run,
	.sample = sample,
};
