#include "base/base.h"
#include "base/parse.h"
#include "cli/format.h"
#include "state/secret.h"

static const char *ago(const char *when, struct arena *a)
{
	scoped(str) s = {0};
	struct timespec t;

	if (parse_rfc3339(when, &t) < 0)
		return when;
	time_human(&s, time_now().tv_sec - t.tv_sec);
	return arena_printf(a, "%s ago", str_cstr(&s));
}

/* ---- ls */

struct ls_opts {
	bool quiet, noheading;
	const char *format;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct ls_opts, field)
static const struct opt ls_rows[] = {
	{"filter", 'f', TO(OPT_STRS, filter), "KEY=VALUE", "Show only what fits: name, id, label",
	 COMPLETE_WORDS, "name=<:secret> id= label="},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"noheading", 'n', TO(OPT_BOOL, noheading), NULL, "Leave out the headline"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print IDs only"},
	{0},
};
#undef TO

static struct json *row(const struct secret *s, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "ID", s->id);
	json_set_str(a, o, "Name", s->name);
	json_set_str(a, o, "Driver", s->driver);
	json_set_str(a, o, "CreatedAt", ago(s->created, a));
	json_set_str(a, o, "UpdatedAt", ago(s->updated, a));
	json_set(a, o, "Labels", json_new_pairs(a, &s->labels));
	return o;
}

static struct json *ls_sample(struct cli *c)
{
	return row(&(struct secret){"", "", "", "", "", {0}}, &c->arena);
}

/* Values of one key are alternatives, those of different keys must all fit; of labels all must. */
static int fits(const struct secret *s, const struct strs *filters, bool *ret, struct err *e)
{
	bool name = false, any_name = false, id = false, any_id = false, labels = true;

	for (size_t i = 0; i < filters->n; i++) {
		const char *f = filters->v[i], *eq = strchr(f, '=');
		size_t n = eq ? (size_t)(eq - f) : strlen(f);
		if (eq && n == 4 && !memcmp(f, "name", n)) {
			any_name = true;
			name |= strstr(s->name, eq + 1) != NULL;
		} else if (eq && n == 2 && !memcmp(f, "id", n)) {
			any_id = true;
			id |= str_starts(s->id, eq + 1);
		} else if (eq && n == 5 && !memcmp(f, "label", n)) {
			labels &= pairs_fit(&s->labels, eq + 1);
		} else {
			err_fail(e, ERR_USAGE, "--filter \"%.80s\" is none of secret ls", f);
			return err_hint(e, "name=, id= and label= are");
		}
	}
	*ret = labels && (name || !any_name) && (id || !any_id);
	return 0;
}

static int ls_run(struct cli *c, void *opts, struct err *e)
{
	const struct ls_opts *o = opts;
	static const char *const headers[] = {"CreatedAt", "CREATED", "UpdatedAt", "UPDATED", NULL};
	const struct format_list f = {
		.columns = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}",
		.headers = headers,
		.json_fields = "CreatedAt Driver ID Labels Name UpdatedAt",
	};
	struct json *rows = json_new(&c->arena, JSON_ARR);
	scoped(home) h = {.fd = -1};
	struct bind_list all;
	size_t broken;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = secrets_list(&h, &all, &broken, &c->arena, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		const struct secret *s = &((struct secret *)all.v)[i];
		bool ok = false;
		r = fits(s, &o->filter, &ok, e);
		if (r < 0)
			return r;
		if (ok && o->quiet)
			out_printf(&c->out, "%s\n", s->id);
		else if (ok)
			json_add(&c->arena, rows, row(s, &c->arena));
	}
	if (broken)
		cli_warn(c, "%zu damaged secrets are left out", broken);
	return o->quiet ? 0
			: format_list(c, &f, o->format, !o->noheading, ls_sample(c), rows, NULL, e);
}

const struct command cmd_secret_ls = {
	.name = "secret ls",
	.aliases = "secret list",
	.group = "Secrets",
	.summary = "List secrets",
	.description = "Lists the secrets of the store by name, never their data.\n\n"
		       "--format takes .ID .Name .Driver .CreatedAt .UpdatedAt .Labels.",
	.examples = "hoy secret ls\nhoy secret ls -q --filter name=db",
	.opts = ls_rows,
	.opts_size = sizeof(struct ls_opts),
	.run = ls_run,
	.sample = ls_sample,
};

/* ---- inspect */

struct inspect_opts {
	const char *format;
	bool pretty, show;
};

#define TO(kind, field) OPT_TO(kind, struct inspect_opts, field)
static const struct opt inspect_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"pretty", 0, TO(OPT_BOOL, pretty), NULL, "Print lines for people"},
	{"showsecret", 0, TO(OPT_BOOL, show), NULL, "Print the data, too"},
	{0},
};
#undef TO

static struct json *object(const struct secret *s, const char *data, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ), *spec = json_new(a, JSON_OBJ),
		    *driver = json_new(a, JSON_OBJ);

	json_set_str(a, driver, "Name", s->driver);
	json_set(a, driver, "Options", json_new(a, JSON_OBJ));
	json_set_str(a, spec, "Name", s->name);
	json_set(a, spec, "Driver", driver);
	json_set(a, spec, "Labels", json_new_pairs(a, &s->labels));
	json_set_str(a, o, "ID", s->id);
	json_set_str(a, o, "CreatedAt", s->created);
	json_set_str(a, o, "UpdatedAt", s->updated);
	json_set(a, o, "Spec", spec);
	if (data)
		json_set_str(a, o, "SecretData", data);
	return o;
}

static struct json *inspect_sample(struct cli *c)
{
	return object(&(struct secret){"", "", "", "", "", {0}}, "", &c->arena);
}

static void print_pretty(struct cli *c, const struct secret *s, const char *data)
{
	out_printf(&c->out, "ID:              %s\nName:            %s\n", s->id, s->name);
	out_text(&c->out, "Labels:\n");
	for (size_t i = 0; i < s->labels.n; i++) {
		out_text(&c->out, " - ");
		out_escaped(&c->out, s->labels.v[i].k);
		out_text(&c->out, "=");
		out_escaped(&c->out, s->labels.v[i].v);
		out_text(&c->out, "\n");
	}
	out_printf(&c->out, "Driver:          %s\nCreated:         %s\nUpdated:         %s\n",
		   s->driver, s->created, s->updated);
	if (data) {
		out_text(&c->out, "Secret:          ");
		out_escaped(&c->out, data);
		out_text(&c->out, "\n");
	}
}

static int inspect_run(struct cli *c, void *opts, struct err *e)
{
	const struct inspect_opts *o = opts;
	struct json *list = json_new(&c->arena, JSON_ARR);
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	if (r == 0 && o->pretty && o->format)
		return err_fail(e, ERR_USAGE, "--pretty and --format exclude each other");
	for (size_t i = 0; i < c->nargs && r == 0; i++) {
		scoped(str) data = {0};
		struct err one = {0};
		struct secret s;
		if (secret_find(&h, c->args[i], &s, o->show ? &data : NULL, &c->arena, &one) < 0) {
			cli_report(c, &one);
			continue;
		}
		const char *text = o->show ? arena_strdup(&c->arena, str_cstr(&data)) : NULL;
		if (o->pretty)
			print_pretty(c, &s, text);
		else
			json_add(&c->arena, list, object(&s, text, &c->arena));
	}
	return r < 0 || o->pretty ? r : format_objects(c, o->format, list, e);
}

const struct command cmd_secret_inspect = {
	.name = "secret inspect",
	.group = "Secrets",
	.args = "SECRET [SECRET...]",
	.summary = "Show what is known of secrets",
	.description = "Prints one JSON list with an object for each secret, or whatever --format "
		       "asks for. The data is shown with --showsecret only.",
	.examples = "hoy secret inspect --pretty db-password\n"
		    "hoy secret inspect -f '{{.Spec.Name}} {{.CreatedAt}}' db-password",
	.opts = inspect_rows,
	.opts_size = sizeof(struct inspect_opts),
	.run = inspect_run,
	.sample = inspect_sample,
	.complete = COMPLETE_SECRET,
};
