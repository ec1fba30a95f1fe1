#include "base/base.h"
#include "data/json.h"
#include "oci/change.h"
#include "oci/config_edit.h"

enum { MAX_TEXT = 64 * 1024 };

struct change {
	struct image_config *c;
	struct arena *a;
	const char *text; /* for messages */
	const char *name; /* "ENV" */
};

static int bad(const struct change *ch, struct err *e, const char *why, const char *hint)
{
	err_fail(e, ERR_USAGE, "--change \"%.120s\": %s", ch->text, why);
	return hint ? err_hint(e, "%s", hint) : -EINVAL;
}

/* ["a", "b"]: 1 if value is such a list, 0 if it is none (the shell form), or an error. */
static int json_list(const struct change *ch, const char *value, struct strs *ret, struct err *e)
{
	struct json *j;

	if (*value != '[')
		return 0;
	j = json_parse(ch->a, value, strlen(value), "list", NULL, NULL);
	if (!j || j->type != JSON_ARR)
		return bad(ch, e, "this is no JSON list of strings",
			   "as in CMD [\"/bin/app\",\"--flag\"], with double quotes");
	*ret = (struct strs){0};
	for (size_t i = 0; i < j->arr.n; i++) {
		if (j->arr.v[i]->type != JSON_STR)
			return bad(ch, e, "this is no JSON list of strings",
				   "as in CMD [\"/bin/app\",\"--flag\"], with double quotes");
		strs_add(ch->a, ret, j->arr.v[i]->s);
	}
	return 1;
}

/* The next word, with quotes and backslashes taken away; NULL at the end. Sets *bad_quote if a quote does not end. */
static char *next_word(struct arena *a, const char **at, bool *bad_quote)
{
	const char *p = *at + strspn(*at, " \t");
	scoped(str) word = {0};
	char quote = 0;

	if (!*p)
		return NULL;
	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (quote ? *p == quote : (*p == '"' || *p == '\''))
			quote = quote ? 0 : *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			str_addc(&word, *++p);
		else
			str_addc(&word, *p);
	}
	*bad_quote |= quote != 0;
	*at = p;
	return arena_strdup(a, str_cstr(&word));
}

static int words_of(const struct change *ch, const char *value, struct strs *ret, struct err *e)
{
	bool bad_quote = false;
	char *w;

	*ret = (struct strs){0};
	while ((w = next_word(ch->a, &value, &bad_quote)))
		strs_add(ch->a, ret, w);
	if (bad_quote)
		return bad(ch, e, "a quote has no end", NULL);
	return ret->n ? 0 : bad(ch, e, "it has no value", NULL);
}

/* "K=V K2=V2", or the old form "K V with blanks". */
static int pairs_of(const struct change *ch, const char *value, struct pairs *ret, struct err *e)
{
	struct strs words;
	int r = words_of(ch, value, &words, e);

	if (r < 0)
		return r;
	if (!strchr(words.v[0], '=')) {
		const char *rest = value + strcspn(value, " \t");
		rest += strspn(rest, " \t");
		if (!*rest)
			return bad(ch, e, "it has a name and no value", "give NAME=VALUE");
		pairs_set(ch->a, ret, words.v[0], rest);
		return 0;
	}
	for (size_t i = 0; i < words.n; i++) {
		char *eq = strchr(words.v[i], '=');
		if (!eq || eq == words.v[i])
			return bad(ch, e, "a word of it is no NAME=VALUE",
				   "put quotes around a value with blanks");
		pairs_set(ch->a, ret, arena_strndup(ch->a, words.v[i], (size_t)(eq - words.v[i])),
			  eq + 1);
	}
	return 0;
}

/* A command: a JSON list, or text for a shell. */
static int command(const struct change *ch, const char *value, struct strs *ret, struct err *e)
{
	int r = json_list(ch, value, ret, e);

	if (r)
		return r < 0 ? r : 0;
	config_shell_command(ch->c, value, ch->a, ret);
	return 0;
}

static int do_cmd(struct change *ch, const char *value, struct err *e)
{
	return command(ch, value, &ch->c->cmd, e);
}

static int do_entrypoint(struct change *ch, const char *value, struct err *e)
{
	return command(ch, value, &ch->c->entrypoint, e);
}

static int do_shell(struct change *ch, const char *value, struct err *e)
{
	int r = json_list(ch, value, &ch->c->shell, e);

	return r > 0 && ch->c->shell.n ? 0
	       : r < 0		       ? r
				       : bad(ch, e, "it takes a JSON list only", NULL);
}

static int do_env(struct change *ch, const char *value, struct err *e)
{
	struct pairs p = {0};
	int r = pairs_of(ch, value, &p, e);

	for (size_t i = 0; i < p.n && r == 0; i++)
		env_set(ch->a, &ch->c->env, p.v[i].k, strlen(p.v[i].k), p.v[i].v);
	return r;
}

static int do_label(struct change *ch, const char *value, struct err *e)
{
	return pairs_of(ch, value, &ch->c->labels, e);
}

static int do_expose(struct change *ch, const char *value, struct err *e)
{
	struct strs words;
	int r = words_of(ch, value, &words, e);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *why = config_add_ports(ch->c, words.v[i], ch->a);
		if (why)
			r = bad(ch, e, why, "as in EXPOSE 80 443/tcp 5353/udp 8000-8010");
	}
	return r;
}

static int do_volume(struct change *ch, const char *value, struct err *e)
{
	struct strs words;
	int r = json_list(ch, value, &words, e);

	if (r == 0)
		r = words_of(ch, value, &words, e);
	for (size_t i = 0; r >= 0 && i < words.n; i++) {
		const char *why = config_add_volume(ch->c, words.v[i], ch->a);
		if (why)
			return bad(ch, e, why, NULL);
	}
	return r < 0 ? r : 0;
}

static int do_workdir(struct change *ch, const char *value, struct err *e)
{
	struct strs words;
	int r = words_of(ch, value, &words, e);

	if (r < 0)
		return r;
	config_set_workdir(ch->c, words.v[0], ch->a);
	return words.n == 1 ? 0 : bad(ch, e, "it takes one path", "put quotes around blanks");
}

static int do_user(struct change *ch, const char *value, struct err *e)
{
	struct strs words;
	int r = words_of(ch, value, &words, e);

	if (r == 0 && words.n > 1)
		r = bad(ch, e, "it takes one USER or USER:GROUP", NULL);
	if (r == 0)
		ch->c->user = words.v[0];
	return r;
}

static int do_stopsignal(struct change *ch, const char *value, struct err *e)
{
	const char *why = config_set_stop_signal(ch->c, value, ch->a);

	return why ? bad(ch, e, why, "as in STOPSIGNAL SIGINT or STOPSIGNAL 9") : 0;
}

static int do_onbuild(struct change *ch, const char *value, struct err *e)
{
	const char *why = config_check_on_build(value);

	if (why)
		return bad(ch, e, why, NULL);
	strs_add(ch->a, &ch->c->on_build, value);
	return 0;
}

/* One --flag=value of HEALTHCHECK. */
static int health_flag(struct change *ch, struct image_health *h, const char *word, struct err *e)
{
	const char *eq = strchr(word, '=');
	const char *why = "an option of it has no value";

	if (eq)
		why = config_health_flag(h, arena_strndup(ch->a, word + 2, (size_t)(eq - word - 2)),
					 eq + 1);
	return why ? bad(ch, e, why,
			 "it has --interval, --timeout, --start-period, --start-interval and "
			 "--retries, each as --name=value: --interval=30s")
		   : 0;
}

static int do_healthcheck(struct change *ch, const char *value, struct err *e)
{
	struct image_health *h = arena_alloc(ch->a, sizeof *h);
	bool bad_quote = false;

	while (str_starts(value, "--")) {
		char *word = next_word(ch->a, &value, &bad_quote);
		int r = health_flag(ch, h, word, e);
		if (r < 0)
			return r;
		value += strspn(value, " \t");
	}
	ch->c->health = h;
	if (!strcasecmp(value, "NONE")) {
		strs_add(ch->a, &h->test, "NONE");
		return 0;
	}
	if (strncasecmp(value, "CMD ", 4) != 0)
		return bad(ch, e, "it is neither NONE nor CMD COMMAND",
			   "as in HEALTHCHECK --interval=30s CMD curl -f http://localhost/");
	value += 4 + strspn(value + 4, " \t");
	if (!*value)
		return bad(ch, e, "it has no command", NULL);
	struct strs list;
	int r = json_list(ch, value, &list, e);
	if (r < 0)
		return r;
	strs_add(ch->a, &h->test, r ? "CMD" : "CMD-SHELL");
	for (size_t i = 0; r && i < list.n; i++)
		strs_add(ch->a, &h->test, list.v[i]);
	if (!r)
		strs_add(ch->a, &h->test, value);
	return 0;
}

static const struct instruction {
	const char *name;
	int (*run)(struct change *ch, const char *value, struct err *e);
} instructions[] = {
	{"CMD", do_cmd},
	{"ENTRYPOINT", do_entrypoint},
	{"ENV", do_env},
	{"EXPOSE", do_expose},
	{"HEALTHCHECK", do_healthcheck},
	{"LABEL", do_label},
	{"ONBUILD", do_onbuild},
	{"SHELL", do_shell},
	{"STOPSIGNAL", do_stopsignal},
	{"USER", do_user},
	{"VOLUME", do_volume},
	{"WORKDIR", do_workdir},
};

static int unknown(struct change *ch, struct err *e)
{
	const char *best = NULL;
	size_t least = str_too_far(ch->name);
	scoped(str) upper = {0};

	for (const char *p = ch->name; *p; p++)
		str_addc(&upper, (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p));
	for (size_t i = 0; i < countof(instructions); i++) {
		size_t d = str_distance(str_cstr(&upper), instructions[i].name);
		if (d < least) {
			least = d;
			best = instructions[i].name;
		}
	}
	bad(ch, e, "no such instruction", NULL);
	return best ? err_hint(e, "did you mean %s?", best)
		    : err_hint(e, "there are CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, "
				  "ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME and WORKDIR");
}

int image_change(struct image_config *c, const char *text, struct arena *a, struct err *e)
{
	struct change ch = {c, a, text, ""};
	size_t len = strlen(text), begin = strspn(text, " \t");

	if (len > MAX_TEXT)
		return bad(&ch, e, "it has more than 64 KiB", NULL);
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] < ' ' && text[i] != '\t')
			return bad(&ch, e, "it has a control character", "one --change, one line");
	while (len > begin && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	char *copy = arena_strndup(a, text + begin, len - begin);
	/* "KEY VALUE", or "KEY=VALUE" if there is no blank before the sign */
	size_t n = strcspn(copy, " \t=");
	char *value = copy + n;
	value += strspn(value, " \t");
	if (copy[n] == '=')
		value = copy + n + 1;
	ch.name = arena_strndup(a, copy, n);
	for (size_t i = 0; i < countof(instructions); i++) {
		if (strcasecmp(ch.name, instructions[i].name) != 0)
			continue;
		ch.name = instructions[i].name;
		return *value ? instructions[i].run(&ch, value, e)
			      : bad(&ch, e, "it has no value", NULL);
	}
	return unknown(&ch, e);
}
