#include "base/base.h"
#include "base/parse.h"
#include "cli/opt.h"

/* The state of one run of the parser. */
struct parser {
	const struct opt_rules *rules;
	char **argv;
	int argc, i;
	char *out;
	struct arena *a;
	struct opt_found *found;
};

static void settle(struct opt_walk *w)
{
	for (;;) {
		if (w->row->kind == OPT_TABLE && !w->back) {
			w->back = w->row + 1;
			w->base = w->row->offset;
			w->row = w->row->sub;
		} else if (!w->row->kind && w->back) {
			w->row = w->back;
			w->back = NULL;
			w->base = 0;
		} else {
			break;
		}
	}
	if (!w->row->kind)
		w->row = NULL;
}

struct opt_walk opt_first(const struct opt *rows)
{
	struct opt_walk w = {.row = rows};

	if (rows)
		settle(&w);
	return w;
}

void opt_next(struct opt_walk *w)
{
	w->row++;
	w->index++;
	settle(w);
}

bool opt_word_in(const char *words, const char *s, size_t n)
{
	for (const char *p = words; p && *p;) {
		size_t len = strcspn(p, " ");
		if (len == n && !strncmp(p, s, n))
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

void opt_count_operands(const char *synopsis, size_t *ret_min, size_t *ret_max)
{
	size_t min = 0, max = 0;
	int depth = 0;

	for (const char *p = synopsis ? synopsis : ""; *p;) {
		if (*p == '[') {
			depth++;
			p++;
		} else if (*p == ']') {
			depth--;
			p++;
		} else if (*p == ' ') {
			p++;
		} else if (str_starts(p, "...")) {
			max = SIZE_MAX;
			p += 3;
		} else {
			size_t n = strcspn(p, " []");
			for (size_t k = 1; k + 2 < n; k++)
				if (str_starts(p + k, "..."))
					n = k;
			min += !depth;
			max += max != SIZE_MAX;
			p += n;
		}
	}
	*ret_min = min;
	*ret_max = max;
}

static struct opt_walk find_long(const struct opt *rows, const char *name, size_t n)
{
	struct opt_walk w = opt_first(rows);

	for (; w.row; opt_next(&w)) {
		if (strlen(w.row->name) == n && !strncmp(w.row->name, name, n))
			break;
		if (opt_word_in(w.row->aliases, name, n))
			break;
	}
	return w;
}

static struct opt_walk find_letter(const struct opt *rows, char c)
{
	struct opt_walk w = opt_first(rows);

	while (w.row && w.row->letter != c)
		opt_next(&w);
	return w;
}

bool opt_given(const struct opt *rows, const struct opt_found *f, const char *name)
{
	struct opt_walk w = find_long(rows, name, strlen(name));

	return w.row && (f->given[w.index / 64] >> (w.index % 64) & 1);
}

void opt_mark(const struct opt *rows, struct opt_found *f, const char *name)
{
	struct opt_walk w = find_long(rows, name, strlen(name));

	if (w.row)
		f->given[w.index / 64] |= (uint64_t)1 << (w.index % 64);
}

static int usage_hint(const struct parser *p, struct err *e)
{
	const char *cmd = p->rules->command;

	return cmd ? err_hint(e, "hoy %s --help lists the flags", cmd)
		   : err_hint(e, "hoy --help lists the global flags");
}

static int unknown(const struct parser *p, const char *name, size_t n, struct err *e)
{
	const char *cmd = p->rules->command, *best = NULL;
	if (p->rules->absent && p->rules->absent(cmd, name, n, e))
		return -EINVAL;
	autofree char *typed = xstrndup(name, n);
	size_t least = str_too_far(typed);

	for (struct opt_walk w = opt_first(p->rules->rows); w.row; opt_next(&w)) {
		size_t d = str_distance(typed, w.row->name);
		if (!(w.row->flags & (OPT_HIDDEN | OPT_IGNORED)) && d < least) {
			least = d;
			best = w.row->name;
		}
	}
	err_fail(e, ERR_USAGE, "unknown flag --%s%s%s", typed, cmd ? " for hoy " : "",
		 cmd ? cmd : "");
	return best ? err_hint(e, "did you mean --%s?", best) : usage_hint(p, e);
}

const char *opt_form(const struct opt *o)
{
	switch (o->kind) {
	case OPT_BOOL:
		return "true or false";
	case OPT_INT:
		return "a whole number";
	case OPT_UINT:
		return "a whole number, not negative";
	case OPT_SIZE:
		return "a size such as 512, 64k, 1.5m or 2g";
	case OPT_DURATION:
		return "a duration such as 1m30s or 300ms";
	case OPT_SIGNAL:
		return "a signal such as TERM, SIGKILL or 15";
	default:
		return o->words;
	}
}

static int parse_bool(const char *s, bool *ret)
{
	*ret = opt_word_in("1 t T true TRUE True", s, strlen(s));
	return *ret || opt_word_in("0 f F false FALSE False", s, strlen(s)) ? 0 : -EINVAL;
}

static void add_csv(struct arena *a, struct strs *list, const char *s)
{
	for (;;) {
		size_t n = strcspn(s, ",");
		if (n)
			strs_add(a, list, arena_strndup(a, s, n));
		if (!s[n])
			break;
		s += n + 1;
	}
}

static void add_pair(struct arena *a, struct pairs *pairs, const char *s)
{
	size_t n = strcspn(s, "=");

	pairs_set(a, pairs, arena_strndup(a, s, n), s[n] ? s + n + 1 : "");
}

int opt_store(const struct opt *o, void *to, const char *value, struct arena *a)
{
	switch (o->kind) {
	case OPT_BOOL:
		return parse_bool(value, to);
	case OPT_CHOICE:
		if (!opt_word_in(o->words, value, strlen(value)))
			return -EINVAL;
		/* fall through */
	case OPT_STR:
		*(const char **)to = value;
		return 0;
	case OPT_STRS:
		strs_add(a, to, value);
		return 0;
	case OPT_CSV:
		add_csv(a, to, value);
		return 0;
	case OPT_PAIRS:
		add_pair(a, to, value);
		return 0;
	case OPT_INT:
		return parse_i64(value, INT64_MIN, INT64_MAX, to);
	case OPT_UINT:
		return parse_u64(value, UINT64_MAX, to);
	case OPT_SIZE:
		return parse_size(value, to);
	case OPT_DURATION:
		return parse_duration(value, to);
	case OPT_SIGNAL:
		return parse_signal(value, to);
	default:
		return -EINVAL;
	}
}

/* Stores a value. shown is how the flag was typed ("-e", "--env"). */
static int set(struct parser *p, const struct opt_walk *w, const char *shown, const char *value,
	       struct err *e)
{
	void *to = p->out + w->base + w->row->offset;
	int r = w->row->flags & OPT_IGNORED ? 0 : opt_store(w->row, to, value, p->a);

	if (r == -ERANGE && w->row->kind != OPT_SIGNAL) {
		err_fail(e, ERR_USAGE, "%s: %s is too large", shown, value);
		return usage_hint(p, e);
	}
	if (r < 0) {
		err_fail(e, ERR_USAGE, "%s: \"%s\" is not valid here", shown, value);
		return err_hint(e, "it takes %s%s", w->row->kind == OPT_CHOICE ? "one of: " : "",
				opt_form(w->row));
	}
	p->found->given[w->index / 64] |= (uint64_t)1 << (w->index % 64);
	return 0;
}

/* The value of a flag that stands in the next argument. */
static int next_value(struct parser *p, const char *shown, const struct opt *o, const char **ret,
		      struct err *e)
{
	if (p->i + 1 >= p->argc) {
		err_fail(e, ERR_USAGE, "%s needs a value (%s)", shown,
			 o->value ? o->value : "VALUE");
		return usage_hint(p, e);
	}
	*ret = p->argv[++p->i];
	return 0;
}

static int long_flag(struct parser *p, const char *arg, struct err *e)
{
	size_t n = strcspn(arg + 2, "=");
	struct opt_walk w = find_long(p->rules->rows, arg + 2, n);
	const char *value = arg[2 + n] ? arg + 3 + n : NULL;

	if (!w.row && n == 4 && !strncmp(arg + 2, "help", 4)) {
		p->found->help = true;
		return 0;
	}
	if (!w.row)
		return unknown(p, arg + 2, n, e);
	autofree char *shown = xstrndup(arg, n + 2);
	if (!value && w.row->kind == OPT_BOOL)
		value = "true";
	else if (!value && w.row->lone)
		value = w.row->lone;
	else if (!value && next_value(p, shown, w.row, &value, e) < 0)
		return -EINVAL;
	return set(p, &w, shown, value, e);
}

static int unknown_letter(const struct parser *p, const char *arg, const char *shown, struct err *e)
{
	const char *cmd = p->rules->command;

	if (p->rules->absent && p->rules->absent(cmd, shown + 1, 1, e))
		return -EINVAL;
	err_fail(e, ERR_USAGE, "unknown flag %s%s%s%s%s", shown, arg[2] ? " in " : "",
		 arg[2] ? arg : "", cmd ? " for hoy " : "", cmd ? cmd : "");
	if (arg[2] && find_long(p->rules->rows, arg + 1, strcspn(arg + 1, "=")).row)
		return err_hint(e, "did you mean -%.60s?", arg);
	return usage_hint(p, e);
}

/* A group of letters: switches, the last of which may take a value, attached or in the next argument. */
static int short_flags(struct parser *p, const char *arg, struct err *e)
{
	for (const char *c = arg + 1; *c; c++) {
		char shown[] = {'-', *c, 0};
		struct opt_walk w = find_letter(p->rules->rows, *c);
		if (!w.row && *c == 'h') {
			p->found->help = true;
			continue;
		}
		if (!w.row) {
			return unknown_letter(p, arg, shown, e);
		}
		const char *value = c + 1;
		if (w.row->kind == OPT_BOOL && *value != '=') {
			if (set(p, &w, shown, "true", e) < 0)
				return -EINVAL;
			continue;
		}
		if (*value == '=')
			value++;
		else if (!*value && next_value(p, shown, w.row, &value, e) < 0)
			return -EINVAL;
		return set(p, &w, shown, value, e);
	}
	return 0;
}

int opt_parse(const struct opt_rules *rules, int argc, char **argv, void *out, struct arena *a,
	      struct opt_found *ret, struct err *e)
{
	struct parser p = {rules, argv, argc, 0, out, a, ret};
	bool flags = true;

	*ret = (struct opt_found){.args = arena_alloc(a, ((size_t)argc + 1) * sizeof(char *))};
	for (; p.i < argc; p.i++) {
		char *arg = argv[p.i];
		int r = 0;
		if (!flags || arg[0] != '-' || !arg[1]) {
			ret->args[ret->nargs++] = arg;
			flags = flags && !rules->stop_at_operand;
		} else if (!strcmp(arg, "--")) {
			flags = false;
		} else if (arg[1] == '-') {
			r = long_flag(&p, arg, e);
		} else {
			r = short_flags(&p, arg, e);
		}
		if (r < 0 || ret->help)
			return r;
	}
	return 0;
}
