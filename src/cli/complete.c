/*
 * Completion. `hoy __complete WORD...` gets the words behind "hoy" up to the one under the cursor, which is the last and may be empty,
 * and prints one candidate per line, with a tab and a description where there is one. A line ":file" or ":dir" asks
 * the shell for file names instead, ":file:N" for the part of the word behind its first N bytes. A candidate that ends in = : or , wants
 * no blank behind it. The shell functions in completions/ only hand words over.
 *
 * How it works: the words are walked as the parser would walk them (step), forgiving everything that is wrong. Where the walk
 * stands when it reaches the last word says what may come there: the value of a flag, a flag, a command, or an operand.
 * Names come from the store as it is: no lock, nothing is made, and a broken store completes nothing.
 */
#include "base/base.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "data/json.h"

/* Where the walk stands. */
struct walk {
	const struct command *cmd;   /* NULL: still before the command */
	const struct command *group; /* behind the first word of two */
	const struct opt *rows;
	const struct opt *value_of; /* the flag whose value comes next */
	size_t operands;
	size_t first; /* where the operands begin among the words */
	bool flags_over;
	const char *root; /* --root, which names the store to look into */
};

static const struct opt *row_by_name(const struct opt *rows, const char *name, size_t n)
{
	for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w))
		if ((strlen(w.row->name) == n && !strncmp(w.row->name, name, n)) ||
		    opt_word_in(w.row->aliases, name, n))
			return w.row;
	return NULL;
}

static const struct opt *row_by_letter(const struct opt *rows, char c)
{
	for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w))
		if (w.row->letter == c)
			return w.row;
	return NULL;
}

/* The row whose value is still to come after this word, or NULL. */
static const struct opt *wants_value(const struct opt *rows, const char *word)
{
	const struct opt *o;

	if (word[1] == '-') {
		o = strchr(word, '=') ? NULL : row_by_name(rows, word + 2, strlen(word + 2));
		return o && o->kind != OPT_BOOL && !o->lone ? o : NULL;
	}
	for (const char *c = word + 1; *c; c++) {
		o = row_by_letter(rows, *c);
		if (!o)
			return NULL;
		if (o->kind != OPT_BOOL)
			return c[1] ? NULL : o;
	}
	return NULL;
}

static void step_name(struct walk *w, const char *word)
{
	scoped(str) name = {0};

	if (w->group)
		str_addf(&name, "%s ", w->group->name);
	str_add(&name, word);
	const struct command *cmd = command_find(name.s);
	if (cmd && !cmd->run) {
		w->group = cmd;
		w->rows = cmd->opts ? cmd->opts : w->rows; /* flags between the two words */
		return;
	}
	w->cmd = cmd;
	w->rows = cmd ? cmd->opts : NULL;
	w->flags_over = !cmd; /* an unknown command: offer nothing */
}

/* Takes one whole word. */
static void step(struct walk *w, const char *word, size_t at)
{
	if (w->value_of) {
		if (!strcmp(w->value_of->name, "root") && !w->cmd)
			w->root = word;
		w->value_of = NULL;
	} else if (!w->flags_over && !strcmp(word, "--")) {
		w->flags_over = true;
	} else if (!w->flags_over && word[0] == '-' && word[1]) {
		if (!w->cmd && str_starts(word, "--root="))
			w->root = word + 7;
		w->value_of = wants_value(w->rows, word);
	} else if (!w->cmd) {
		step_name(w, word);
	} else {
		w->first = w->operands++ ? w->first : at;
		w->flags_over = w->flags_over || w->cmd->stop_at_operand;
	}
}

void complete_offer(struct completion *c, const char *word, const char *description)
{
	if (!str_starts(word, c->typed))
		return;
	for (size_t i = 0; i < c->ngiven; i++)
		if (!strcmp(c->given[i], word))
			return;
	out_text(c->out, c->before);
	out_escaped(c->out, word);
	if (!c->bare && !str_is_empty(description)) {
		out_text(c->out, "\t");
		out_escaped(c->out, description);
	}
	out_text(c->out, "\n");
}

static void offer_kind(struct completion *c, enum complete kind, const char *words);

/* Candidates for what follows the first n bytes of what was typed. */
static void offer_behind(struct completion *c, size_t n, enum complete kind, const char *words)
{
	struct completion rest = *c;
	autofree char *before = NULL;

	if (asprintf(&before, "%s%.*s", c->before, (int)n, c->typed) < 0)
		return;
	rest.before = before;
	rest.typed = c->typed + n;
	offer_kind(&rest, kind, words);
}

/* What stands in <>: a kind of names, or words separated by |. */
static void offer_inner(struct completion *c, size_t n, const char *inner, size_t len)
{
	static const struct {
		const char *name;
		enum complete kind;
	} kinds[] = {{":container", COMPLETE_CONTAINER}, {":running", COMPLETE_RUNNING},
		     {":image", COMPLETE_IMAGE},	 {":network", COMPLETE_NETWORK},
		     {":secret", COMPLETE_SECRET},	 {":volume", COMPLETE_VOLUME},
		     {":file", COMPLETE_FILE},		 {":dir", COMPLETE_DIR}};
	autofree char *words = xstrndup(inner, len);

	for (char *p = words, *end; *p; p = *end ? end + 1 : end) {
		size_t k = 0;
		char kept = *(end = p + strcspn(p, "|"));
		*end = 0;
		while (k < countof(kinds) && strcmp(p, kinds[k].name))
			k++;
		if (k < countof(kinds))
			offer_behind(c, n, kinds[k].kind, NULL);
		else
			offer_behind(c, n, COMPLETE_WORDS, p);
		*end = kept;
	}
}

/* "status=<created|exited>": itself, or what follows it once it stands. */
static void offer_word(struct completion *c, const char *word)
{
	size_t n = strcspn(word, "<"), len = strcspn(word + n, ">");
	autofree char *plain = xstrndup(word, n);

	if (word[n] && str_starts(c->typed, plain))
		offer_inner(c, n, word + n + 1, len - 1);
	else
		complete_offer(c, plain, NULL);
}

static void offer_words(struct completion *c, const char *words)
{
	const char *comma = words && *words == ',' ? strrchr(c->typed, ',') : NULL;
	scoped(strv) list = {0};

	if (words && *words == ',') {
		words++;
		if (comma) {
			offer_behind(c, (size_t)(comma + 1 - c->typed), COMPLETE_WORDS, words);
			return;
		}
	}
	strv_split(&list, words ? words : "", ' ');
	for (size_t i = 0; i < list.n; i++)
		if (*list.v[i])
			offer_word(c, list.v[i]);
}

/* The shell completes the part of the word that is the name of a file. */
static void offer_files(struct completion *c, const char *kind)
{
	size_t n = strlen(c->before);

	if (n)
		out_printf(c->out, ":%s:%zu\n", kind, n);
	else
		out_printf(c->out, ":%s\n", kind);
}

/* {{.State.St: the fields of the object that the names before the last dot lead to; what is closed already is text. */
static void offer_format(struct completion *c, const struct json *sample)
{
	const char *open = NULL;
	size_t n = 0;

	for (const char *p = c->typed; (p = strstr(p, "{{")); p += 2)
		open = strstr(p, "}}") ? NULL : p;
	if (!open) {
		complete_offer(c, "json", "all fields, as JSON");
		complete_offer(c, "table", "a table of the fields that follow");
		n = strlen(c->typed);
	} else {
		n = (size_t)(open - c->typed) + 2;
		n += strspn(c->typed + n, " ");
		for (const char *dot; (dot = strchr(c->typed + n + 1, '.'));
		     n = (size_t)(dot - c->typed)) {
			autofree char *name =
				xstrndup(c->typed + n + 1, (size_t)(dot - c->typed) - n - 1);
			sample = json_get(sample, name);
		}
	}
	bool begun = *c->typed && !strstr(c->typed, "{{") && !str_starts(c->typed, "table ");
	if (begun) /* another word */
		return;
	scoped(str) before = {0};
	str_addf(&before, "%s%.*s%s", c->before, (int)n, c->typed, open ? "" : "{{");
	struct completion in = *c;
	in.before = before.s;
	in.typed = c->typed + n;
	for (size_t i = 0; sample && sample->type == JSON_OBJ && i < sample->obj.n; i++) {
		scoped(str) field = {0};
		bool deeper =
			sample->obj.v[i].value->type == JSON_OBJ && sample->obj.v[i].value->obj.n;
		str_addf(&field, ".%s%s", sample->obj.v[i].key, deeper ? "." : "}}");
		complete_offer(&in, field.s, NULL);
	}
}

static void offer_signals(struct completion *c)
{
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);
		if (name)
			complete_offer(c, name, sigdescr_np(i));
	}
}

/* Commands before any group; those in the group otherwise. */
static void offer_commands(struct completion *c, const struct command *group)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *cmd = cli_commands[i];
		size_t n = 0;
		const char *in = group ? help_name_in_group(cmd, group->name, &n) : NULL;
		if (in) {
			autofree char *name = xstrndup(in, n);
			complete_offer(c, name, cmd->summary);
		} else if (!group && cmd->name[0] != '_' && !strchr(cmd->name, ' ')) {
			complete_offer(c, cmd->name, cmd->summary);
		}
	}
}

static void offer_kind(struct completion *c, enum complete kind, const char *words)
{
	switch (kind) {
	case COMPLETE_NONE:
		break;
	case COMPLETE_FILE:
		offer_files(c, "file");
		break;
	case COMPLETE_DIR:
		offer_files(c, "dir");
		break;
	case COMPLETE_COPY:
		offer_files(c, "file");
		if (!strpbrk(c->typed, "/.:"))
			complete_names(c, kind);
		break;
	case COMPLETE_SIGNAL:
		offer_signals(c);
		break;
	case COMPLETE_COMMAND:
		offer_commands(c, NULL);
		break;
	case COMPLETE_WORDS:
		offer_words(c, words);
		break;
	default:
		complete_names(c, kind);
	}
}

static void offer_value(struct cli *cli, struct completion *c, const struct command *cmd,
			const struct opt *o)
{
	enum complete kind = o->complete;

	c->ngiven = 0;
	if (!kind && o->words)
		kind = COMPLETE_WORDS;
	if (kind == COMPLETE_FORMAT || !strcmp(o->name, "format")) {
		offer_format(c, cmd && cmd->sample ? cmd->sample(cli) : NULL);
		return;
	}

	if (o->kind == OPT_CHOICE)
		kind = COMPLETE_WORDS;
	else if (o->kind == OPT_SIGNAL)
		kind = COMPLETE_SIGNAL;
	offer_kind(c, kind, o->kind == OPT_BOOL ? "true false" : o->words);
}

static void offer_flags(struct completion *c, const struct opt *rows)
{
	for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w)) {
		if (!help_shows(w.row))
			continue;
		scoped(str) flag = {0};
		str_addf(&flag, "--%s", w.row->name);
		complete_offer(c, flag.s, w.row->help);
	}
	complete_offer(c, "--help", "Explain the command and exit");
}

/* --flag=VALUE in one word: the candidates repeat what stands before the value. */
static void offer_attached(struct cli *cli, struct completion *c, const struct walk *w,
			   const char *equals)
{
	const struct opt *o = row_by_name(w->rows, c->typed + 2, (size_t)(equals - c->typed - 2));
	autofree char *before = xstrndup(c->typed, (size_t)(equals - c->typed) + 1);

	if (!o)
		return;
	c->before = before;
	c->typed = equals + 1;
	offer_value(cli, c, w->cmd, o);
	c->before = "";
}

static void offer_operand(struct completion *c, const struct walk *w)
{
	size_t min, max;
	enum complete kind = w->cmd->complete;

	opt_count_operands(w->cmd->args, &min, &max);
	if (w->operands >= max)
		return;
	if (w->operands > 0 && w->cmd->complete_rest)
		kind = w->cmd->complete_rest;
	else if (w->operands > 0 && w->cmd->stop_at_operand)
		kind = COMPLETE_FILE; /* the container's own command line */
	offer_kind(c, kind, w->cmd->words);
}

struct complete_opts {
	bool bare;
};

static const struct opt complete_rows[] = {
	{"no-desc", 0, OPT_TO(OPT_BOOL, struct complete_opts, bare), NULL, "No descriptions"},
	{0},
};

static int complete_run(struct cli *cli, void *opts, struct err *e)
{
	const struct complete_opts *o = opts;
	struct walk w = {.rows = cli_global_rows};
	size_t n = cli->nargs ? cli->nargs - 1 : 0;

	for (size_t i = 0; i < n; i++)
		step(&w, cli->args[i], i);
	const char *last = cli->nargs ? cli->args[n] : "";
	struct completion c = {.out = &cli->out,
			       .typed = last,
			       .before = "",
			       .root = w.root ? w.root : cli->root,
			       .bare = o->bare};
	const char *equals = str_starts(last, "--") ? strchr(last, '=') : NULL;
	if (w.operands && w.cmd && !w.cmd->stop_at_operand) {
		c.given = cli->args + w.first;
		c.ngiven = n - w.first;
	}
	if (w.value_of)
		offer_value(cli, &c, w.cmd, w.value_of);
	else if (!w.flags_over && equals)
		offer_attached(cli, &c, &w, equals);
	else if (!w.flags_over && last[0] == '-')
		offer_flags(&c, w.rows);
	else if (w.cmd)
		offer_operand(&c, &w);
	else if (!w.flags_over)
		offer_commands(&c, w.group);
	return 0;
}

const struct command cmd_complete = {
	.name = "__complete",
	.args = "[WORD...]",
	.summary = "Print what may follow on a command line",
	.description =
		"For the shells' completion functions. The last word is the one to complete.",
	.examples = "hoy __complete run --na",
	.opts = complete_rows,
	.opts_size = sizeof(struct complete_opts),
	.run = complete_run,
	.stop_at_operand = true,
};
