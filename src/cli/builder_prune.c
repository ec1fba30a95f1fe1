#include <sys/statvfs.h>

#include "base/base.h"
#include "base/parse.h"
#include "cli/confirm.h"
#include "cli/format.h"
#include "cli/pruned.h"
#include "engine/disk_usage.h"
#include "store/cache_prune.h"

/* What --filter says, of prune and du. */
struct cache_filter {
	const char *id, *description, *type;
	int64_t older;	    /* seconds */
	int shared, in_use; /* 1: only these, 0: only the others, -1: both */
};

#define FILTERS "until=TIME, id=ID, type=TYPE, description=TEXT, shared, private, inuse"
#define FILTER_WORDS                                                                               \
	"until= unused-for= id= type=<regular|exec.cachemount> description= shared=<true|false> "  \
	"private=<true|false> inuse=<true|false>"

static int bad_filter(const char *text, struct err *e)
{
	err_fail(e, ERR_USAGE, "filter \"%.100s\" is none of the build cache's", text);
	return err_hint(e, "it has " FILTERS);
}

static int read_filter(const char *text, struct arena *a, struct cache_filter *f, struct err *e)
{
	size_t n = strcspn(text, "=~!");
	const char *v = text + n;
	bool no = *v == '!';
	int yes;

	v += no;
	v += *v == '~';
	v += *v == '=';
	yes = !strcmp(v, "false") || !strcmp(v, "0") ? 0 : 1;
	yes = no ? !yes : yes;
	if ((n == 5 && !strncmp(text, "until", n)) ||
	    (n == 10 && !strncmp(text, "unused-for", n))) {
		struct timespec t;
		if (no || parse_moment(v, &t) < 0)
			return bad_filter(text, e);
		f->older = (int64_t)time_now().tv_sec - (int64_t)t.tv_sec;
		if (f->older <= 0)
			f->older = 1;
	} else if (n == 2 && !strncmp(text, "id", n) && !no) {
		f->id = v;
	} else if (n == 4 && !strncmp(text, "type", n) && !no) {
		f->type = v;
	} else if (n == 11 && !strncmp(text, "description", n) && !no) {
		f->description = v;
	} else if (n == 6 && !strncmp(text, "shared", n)) {
		f->shared = yes;
	} else if (n == 7 && !strncmp(text, "private", n)) {
		f->shared = !yes;
	} else if (n == 5 && !strncmp(text, "inuse", n)) {
		f->in_use = yes;
	} else {
		return bad_filter(text, e);
	}
	return 0;
}

static int read_filters(const struct strs *l, struct arena *a, struct cache_filter *f,
			struct err *e)
{
	int r = 0;

	*f = (struct cache_filter){.shared = -1, .in_use = -1};
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = read_filter(l->v[i], a, f, e);
	return r;
}

static bool fits(void *arg, const struct build_cache_item *i)
{
	const struct cache_filter *f = arg;
	bool shared = i->shared && !i->mount;

	return (!f->id || str_starts(i->key, f->id)) &&
	       (!f->type || !strcmp(f->type, i->mount ? "exec.cachemount" : "regular")) &&
	       (!f->description || strstr(i->record.step, f->description)) &&
	       (f->shared < 0 || f->shared == shared) && (f->in_use < 0 || f->in_use == i->shared);
}

static const char *const headers[] = {"ID",
				      "ID",
				      "Reclaimable",
				      "RECLAIMABLE",
				      "Size",
				      "SIZE",
				      "LastUsedSince",
				      "LAST ACCESSED",
				      "Description",
				      "DESCRIPTION",
				      "CacheType",
				      "TYPE",
				      "CreatedSince",
				      "CREATED",
				      "Shared",
				      "SHARED",
				      NULL};
static const struct format_list table = {
	.columns = "{{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedSince}}\t{{.Description}}",
	.headers = headers};

static struct json *sample(struct cli *c)
{
	return disk_usage_build_json(&(struct build_cache_item){.key = "", .record = {.step = ""}},
				     &c->arena);
}

/* ---- prune */

struct prune_opts {
	bool all, force, dry_run, verbose;
	struct strs filter;
	uint64_t reserved, most, free;
};

#define TO(kind, field) OPT_TO(kind, struct prune_opts, field)
static const struct opt prune_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Forget steps of images that are here, too"},
	{"builder", 0, OPT_STR, .value = "NAME", .help = "Without meaning: there is one builder",
	 .flags = OPT_IGNORED | OPT_HIDDEN},
	{"dry-run", 0, TO(OPT_BOOL, dry_run), NULL, "Only print what would be removed"},
	{"filter", 0, TO(OPT_STRS, filter), "KEY=VALUE", "Remove only what fits: " FILTERS,
	 .words = FILTER_WORDS},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Do not ask"},
	{"max-used-space", 0, TO(OPT_SIZE, most), "SIZE", "Remove until no more than this is left"},
	{"min-free-space", 0, TO(OPT_SIZE, free), "SIZE",
	 "Remove until so much of the disk is free"},
	{"reserved-space", 0, TO(OPT_SIZE, reserved), "SIZE", "Leave so much in any case",
	 .aliases = "keep-storage"},
	{"timeout", 0, OPT_STR, .value = "TIME",
	 .help = "Without meaning: no builder is waited for", .flags = OPT_IGNORED | OPT_HIDDEN},
	{"verbose", 0, TO(OPT_BOOL, verbose), NULL, "Print all that is known of each",
	 .flags = OPT_HIDDEN},
	{0},
};
#undef TO

struct rows {
	struct cli *c;
	struct json *list;
	struct cache_filter f;
};

static void add_row(void *arg, const struct build_cache_item *i)
{
	struct rows *r = arg;

	json_add(&r->c->arena, r->list, disk_usage_build_json(i, &r->c->arena));
}

static bool row_fits(void *arg, const struct build_cache_item *i)
{
	return fits(&((struct rows *)arg)->f, i);
}

/* How much may stay: BuildKit's three limits in one. 0: nothing; UINT64_MAX: all. */
static int how_much(const struct home *h, const struct prune_opts *o, uint64_t *ret, struct err *e)
{
	scoped(build_cache_list) l = {0};
	struct statvfs v;
	uint64_t keep = o->most;

	*ret = 0;
	if (!o->most && !o->reserved && !o->free)
		return 0;
	int r = build_cache_list(h, &l, e);
	if (r < 0)
		return r;
	if (o->free && fstatvfs(h->fd, &v) == 0) {
		uint64_t left = (uint64_t)v.f_bavail * v.f_frsize, used = (uint64_t)l.bytes;
		uint64_t excess = o->free > left ? o->free - left : 0;
		uint64_t least = excess < used ? used - excess : 0;
		if (!excess && !keep)
			keep = UINT64_MAX;
		else if (excess && (!keep || least < keep))
			keep = least ? least : 1;
	}
	*ret = keep > o->reserved ? keep : o->reserved;
	return 0;
}

static int prune_run(struct cli *c, void *opts, struct err *e)
{
	const struct prune_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct rows rows = {.c = c, .list = json_new(&c->arena, JSON_ARR)};
	int64_t bytes = 0;
	int r = read_filters(&o->filter, &c->arena, &rows.f, e);

	if (r == 0)
		r = 1;
	if (r > 0 && !o->force && !o->dry_run)
		r = confirm(o->all ? "This will remove the whole build cache."
				   : "This will remove what no image has of the build cache.",
			    o->all ? "hoy builder prune -a -f" : "hoy builder prune -f", e);
	if (r <= 0)
		return r;
	struct build_cache_prune p = {.all = o->all,
				      .older = rows.f.older,
				      .dry = o->dry_run,
				      .fits = row_fits,
				      .row = add_row,
				      .arg = &rows};
	r = home_open(&h, c->root, e);
	if (r == 0)
		r = how_much(&h, o, &p.keep, e);
	if (r == 0)
		r = build_cache_prune(&h, &p, &bytes, e);
	if (r == 0 && rows.list->arr.n)
		r = format_list(c, &table, NULL, true, sample(c), rows.list, rows.list, e);
	if (r < 0)
		return r;
	scoped(str) size = {0};
	size_human(&size, (uint64_t)bytes);
	out_printf(&c->out, "Total:\t%s\n", str_cstr(&size));
	return 0;
}

int prune_cache(struct cli *c, const struct home *h, const struct strs *filters, bool all, bool dry,
		int64_t *ret_bytes, struct err *e)
{
	struct rows rows = {.c = c, .list = json_new(&c->arena, JSON_ARR)};

	*ret_bytes = 0;
	for (size_t i = 0; i < filters->n; i++)
		if (!str_starts(filters->v[i], "until="))
			return 0; /* the cache has no labels */
	int r = read_filters(filters, &c->arena, &rows.f, e);
	struct build_cache_prune p = {
		.all = all, .older = rows.f.older, .dry = dry, .row = add_row, .arg = &rows};
	if (r == 0)
		r = build_cache_prune(h, &p, ret_bytes, e);
	if (r < 0 || !rows.list->arr.n)
		return r;
	out_text(&c->out, c->called == CALLED_DOCKER ? "Deleted build cache objects:\n"
						     : "Deleted Build Cache\n");
	for (size_t i = 0; i < rows.list->arr.n; i++)
		out_printf(&c->out, "%s\n", json_str(rows.list->arr.v[i], "ID"));
	if (c->called == CALLED_DOCKER)
		out_text(&c->out, "\n");
	return 0;
}

const struct command cmd_builder_prune = {
	.name = "builder prune",
	.aliases = "buildx prune",
	.group = "Images",
	.summary = "Remove what builds keep",
	.description =
		"Removes steps from the build cache, the least recently used first, and what "
		"RUN --mount=type=cache keeps: all that no image and no container has, and with "
		"--all "
		"also what images are made of. Images stay whole in any case; the next build makes "
		"again what is missing. What a running build uses is left alone.\n\n"
		"The cache keeps itself below a size (20 GiB, or a tenth of the disk) and forgets "
		"what "
		"was not used for 30 days: cache-size and cache-age in [build] of hoy.conf.",
	.examples = "# What would go\nhoy builder prune --dry-run\n"
		    "hoy builder prune -f --filter until=48h\n"
		    "# Leave 2 GB\nhoy builder prune -f --reserved-space 2g",
	.opts = prune_rows,
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};

/* ---- du */

struct du_opts {
	const char *format;
	bool verbose;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct du_opts, field)
static const struct opt du_rows[] = {
	{"builder", 0, OPT_STR, .value = "NAME", .help = "Without meaning: there is one builder",
	 .flags = OPT_IGNORED | OPT_HIDDEN},
	{"filter", 0, TO(OPT_STRS, filter), "KEY=VALUE", "Show only what fits: " FILTERS,
	 .words = FILTER_WORDS},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"timeout", 0, OPT_STR, .value = "TIME",
	 .help = "Without meaning: no builder is waited for", .flags = OPT_IGNORED | OPT_HIDDEN},
	{"verbose", 0, TO(OPT_BOOL, verbose), NULL, "Show kinds and ages too"},
	{0},
};
#undef TO

static void print_sums(struct cli *c, const struct build_cache_list *l)
{
	scoped(str) free = {0}, all = {0};

	size_human(&free, (uint64_t)l->reclaimable);
	size_human(&all, (uint64_t)l->bytes);
	out_printf(&c->out, "Reclaimable:\t%s\nTotal:\t\t%s\n", str_cstr(&free), str_cstr(&all));
}

static int du_run(struct cli *c, void *opts, struct err *e)
{
	static const struct format_list more = {
		.columns = "{{.ID}}\t{{.CacheType}}\t{{.Reclaimable}}\t{{.Shared}}\t{{.Size}}\t"
			   "{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.Description}}",
		.headers = headers};
	const struct du_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(build_cache_list) l = {0};
	struct cache_filter f;
	struct json *list = json_new(&c->arena, JSON_ARR);
	int r = read_filters(&o->filter, &c->arena, &f, e);

	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = build_cache_list(&h, &l, e);
	if (r < 0)
		return r;
	const struct build_cache_item *v = l.items.v;
	for (size_t i = l.items.n; i-- > 0;) /* the most recently used first */
		if (fits(&f, &v[i]) &&
		    (!f.older || (int64_t)time_now().tv_sec - (int64_t)v[i].used.tv_sec >= f.older))
			json_add(&c->arena, list, disk_usage_build_json(&v[i], &c->arena));
	r = format_list(c, o->verbose ? &more : &table, o->format, true, sample(c), list, list, e);
	if (r == 0 && str_is_empty(o->format))
		print_sums(c, &l);
	return r;
}

const struct command cmd_builder_du = {
	.name = "builder du",
	.aliases = "buildx du",
	.group = "Images",
	.summary = "Show what builds keep",
	.description =
		"Shows the steps of the build cache and what RUN --mount=type=cache keeps, the "
		"most "
		"recently used first. A step whose layer an image has takes no room of its own and "
		"is not reclaimable; of steps with the same layer the first shows its size.",
	.examples = "hoy builder du\nhoy builder du --filter type=exec.cachemount\n"
		    "hoy builder du --format '{{.ID}} {{.Description}}'",
	.opts = du_rows,
	.opts_size = sizeof(struct du_opts),
	.run = du_run,
	.sample = sample,
};
