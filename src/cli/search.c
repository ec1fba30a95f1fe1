#include "base/base.h"
#include "cli/format.h"
#include "cli/pull_opts.h"
#include "engine/search.h"

enum { LIMIT = 25, MAX_LIMIT = 100 };

struct search_flags {
	struct pull_flags image;
	const char *format;
	struct strs filter;
	uint64_t limit;
	bool compatible, list_tags, no_trunc;
};

#define TO(kind, field) OPT_TO(kind, struct search_flags, field)
static const struct opt search_rows[] = {
	PULL_ROW_AUTHFILE(struct search_flags, image.),
	PULL_ROW_CERT_DIR(struct search_flags, image.),
	{"compatible", 0, TO(OPT_BOOL, compatible), NULL,
	 "Show stars, and what is official or automated, too"},
	PULL_ROW_CREDS(struct search_flags, image.),
	{"filter", 'f', TO(OPT_STRS, filter), "KEY=VALUE",
	 "Show only what fits: stars (at least), is-official, is-automated", COMPLETE_WORDS,
	 "stars= is-official=<true|false> is-automated=<true|false>"},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"limit", 0, TO(OPT_UINT, limit), "N", "Ask each registry for so many (default 25)"},
	{"list-tags", 0, TO(OPT_BOOL, list_tags), NULL, "List the tags of a repository"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole descriptions",
	 .aliases = "notruncate"},
	PULL_ROW_RETRY(struct search_flags, image.),
	PULL_ROW_TLS_VERIFY(struct search_flags, image.),
	{0},
};
#undef TO

static const char *const headers[] = {
	"Index",     "INDEX",	  "Name",	"NAME",	    "Description", "DESCRIPTION",
	"Stars",     "STARS",	  "StarCount",	"STARS",    "Official",	   "OFFICIAL",
	"Automated", "AUTOMATED", "IsOfficial", "OFFICIAL", "IsAutomated", "AUTOMATED",
	"Tag",	     "TAG",	  NULL};

static struct json *sample(struct cli *c)
{
	return search_sample(&c->arena);
}

static void failed(void *arg, const struct err *why)
{
	cli_report(arg, why);
}

static int read_flags(struct cli *c, const struct search_flags *f, struct search_opts *o,
		      struct err *e)
{
	struct image_pull_opts pulling;
	int r = pull_read_flags(c, &f->image, &pulling, e);

	*o = (struct search_opts){.registry = pulling.registry,
				  .filters = f->filter,
				  .limit = f->limit ?: LIMIT,
				  .no_trunc = f->no_trunc,
				  .docker = c->called == CALLED_DOCKER,
				  .failed = failed,
				  .arg = c};
	if (r < 0)
		return r;
	if (f->list_tags && f->filter.n) {
		err_fail(e, ERR_USAGE, "--list-tags shows tags, which have nothing to filter by");
		return err_hint(e, "leave --filter or --list-tags out");
	}
	if (f->list_tags || f->limit <= MAX_LIMIT)
		return 0;
	err_fail(e, ERR_USAGE, "--limit %" PRIu64 ": registries give at most %d", f->limit,
		 MAX_LIMIT);
	return err_hint(e, "search for a longer word, or list tags: --list-tags has no such limit");
}

static int search_run(struct cli *c, void *opts, struct err *e)
{
	struct search_flags *f = opts;
	bool docker = c->called == CALLED_DOCKER;
	struct format_list list = {.headers = headers,
				   .json_fields =
					   "Description IsAutomated IsOfficial Name StarCount"};
	struct search_opts o;
	struct search_result res;

	if (f->list_tags)
		list.columns = "{{.Name}}\t{{.Tag}}";
	else if (docker)
		list.columns = "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.Official}}";
	else if (f->compatible)
		list.columns = "{{.Name}}\t{{.Description}}\t{{.Stars}}\t{{.Official}}\t"
			       "{{.Automated}}";
	else
		list.columns = "{{.Name}}\t{{.Description}}";
	int r = pull_ask_creds(c, &f->image.creds, e);
	if (r == 0)
		r = read_flags(c, f, &o, e);
	if (r == 0)
		r = f->list_tags ? search_tags(c->args[0], &o, &c->arena, &res, e)
				 : search_images(c->args[0], &o, &c->arena, &res, e);
	return r < 0 ? r
		     : format_list(c, &list, f->format, true, sample(c), res.fields, res.objects,
				   e);
}

const struct command cmd_search = {
	.name = "search",
	.aliases = "image search",
	.group = "Images",
	.args = "[REGISTRY/]WORD",
	.summary = "Search registries for images",
	.description =
		"Asks a registry which images it knows for a word. Without REGISTRY the "
		"unqualified-search-registries of registries.conf are asked, docker.io where it "
		"names "
		"none. docker.io and some others answer such searches themselves; of other "
		"registries the catalog is looked through for names that hold the word, if they "
		"show it. REGISTRY/ alone lists what there is.\n\n"
		"With --list-tags the operand is a name, and its tags are listed in the order of "
		"the registry: the first 25, unless --limit says otherwise.\n\n"
		"What registries.conf says of the registry counts (location, insecure, blocked); "
		"mirrors are asked for tags as they are when pulling, and for a search if the "
		"registry does not answer.\n\n"
		"--format takes .Index .Name .Description .Stars .Official .Automated .Tag, and "
		"docker's .StarCount .IsOfficial .IsAutomated.",
	.examples = "hoy search alpine\n"
		    "hoy search --filter is-official --limit 5 docker.io/postgres\n"
		    "hoy search --list-tags --limit 100 quay.io/podman/stable",
	.opts = search_rows,
	.opts_size = sizeof(struct search_flags),
	.run = search_run,
	.sample = sample,
};
