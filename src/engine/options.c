#include "base/base.h"
#include "base/parse.h"
#include "engine/options.h"

static void import_matching(struct arena *a, const char *prefix, size_t n, struct strs *env)
{
	for (char **v = environ; v && *v; v++) {
		const char *eq = strchr(*v, '=');
		if (eq && !strncmp(*v, prefix, n))
			env_set(a, env, *v, (size_t)(eq - *v), eq + 1);
	}
}

static int add_env(struct arena *a, const char *text, struct strs *env, struct err *e)
{
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : strlen(text);

	if (!n) {
		err_fail(e, ERR_USAGE, "environment variable \"%.80s\" has no name", text);
		return err_hint(e, "KEY=VALUE, or KEY alone for the value that it has here");
	}
	if (!eq && text[n - 1] == '*')
		import_matching(a, text, n - 1, env);
	else if (eq || getenv(text))
		env_set(a, env, text, n, eq ? eq + 1 : getenv(text));
	return 0;
}

/* The lines of a file that are neither empty nor comments. what is the kind of file, for errors. */
static int read_lines(struct arena *a, const char *what, const char *path, struct strs *ret,
		      struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *save = NULL;

	if (fd < 0)
		return err_set(e, errno, "open the %s file %s", what, path);
	int r = fd_read_all(fd, &text, 1 << 20);
	if (r < 0)
		return err_set(e, r, "read the %s file %s", what, path);
	if (text.len != strlen(str_cstr(&text)))
		return err_fail(e, ERR_USAGE, "the %s file %s holds a NUL byte", what, path);
	for (char *line = text.s ? strtok_r(text.s, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(line);
		if (n && line[n - 1] == '\r')
			line[n - 1] = 0;
		line += strspn(line, " \t");
		if (*line && *line != '#')
			strs_add(a, ret, line);
	}
	return 0;
}

static int add_env_file(struct arena *a, const char *path, struct strs *env, struct err *e)
{
	struct strs lines = {0};
	int r = read_lines(a, "environment", path, &lines, e);

	for (size_t i = 0; i < lines.n && r == 0; i++) {
		r = add_env(a, lines.v[i], env, e);
		if (r < 0)
			return err_context(e, "%s", path);
	}
	return r;
}

int options_label_file(struct arena *a, const char *path, struct pairs *labels, struct err *e)
{
	struct strs lines = {0};
	int r = read_lines(a, "label", path, &lines, e);

	for (size_t i = 0; i < lines.n && r == 0; i++)
		options_label(a, lines.v[i], labels);
	return r;
}

int options_env(struct arena *a, const struct strs *files, const struct strs *values,
		struct strs *env, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < files->n && r == 0; i++)
		r = add_env_file(a, files->v[i], env, e);
	for (size_t i = 0; i < values->n && r == 0; i++)
		if (*values->v[i]) /* -e "$UNSET" of a script says nothing */
			r = add_env(a, values->v[i], env, e);
	return r;
}

static bool is_word(const char *words, const char *s)
{
	char padded[64];
	int n = snprintf(padded, sizeof padded, " %s ", s);

	return n > 2 && (size_t)n < sizeof padded && !strchr(s, ' ') && strstr(words, padded);
}

static int limit_number(const char *s, int64_t *ret)
{
	if (!strcmp(s, "-1") || !strcasecmp(s, "unlimited")) {
		*ret = -1;
		return 0;
	}
	return parse_i64(s, 0, INT64_MAX, ret);
}

int options_ulimit(struct arena *a, const char *text, struct bind_list *ulimits, struct err *e)
{
	static const char names[] =
		" core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime "
		"sigpending stack ";
	const char *eq = strchr(text, '=');
	struct config_ulimit u;

	if (!eq) {
		err_fail(e, ERR_USAGE, "--ulimit \"%.80s\" has no value", text);
		return err_hint(e, "NAME=SOFT or NAME=SOFT:HARD, as in nofile=1024:4096");
	}
	u.name = arena_strndup(a, text, (size_t)(eq - text));
	if (!is_word(names, u.name)) {
		err_fail(e, ERR_USAGE, "--ulimit: unknown limit \"%.40s\"", u.name);
		return err_hint(e, "limits are:%s", names);
	}
	const char *colon = strchr(eq + 1, ':');
	const char *soft =
		arena_strndup(a, eq + 1, colon ? (size_t)(colon - eq - 1) : strlen(eq + 1));
	if (limit_number(soft, &u.soft) < 0 || limit_number(colon ? colon + 1 : soft, &u.hard) < 0)
		return err_fail(e, ERR_USAGE, "--ulimit \"%.80s\": not a number, -1 or unlimited",
				text);
	if (u.hard >= 0 && (u.soft < 0 || u.soft > u.hard))
		return err_fail(e, ERR_USAGE,
				"--ulimit \"%.80s\": the soft limit is above the hard one", text);
	struct config_ulimit *l = ulimits->v;
	for (size_t i = 0; i < ulimits->n; i++) {
		if (!strcmp(l[i].name, u.name)) {
			l[i] = u;
			return 0;
		}
	}
	*(struct config_ulimit *)bind_append(a, ulimits, sizeof u) = u;
	return 0;
}

void options_label(struct arena *a, const char *text, struct pairs *labels)
{
	const char *eq = strchr(text, '=');

	pairs_set(a, labels, arena_strndup(a, text, eq ? (size_t)(eq - text) : strlen(text)),
		  eq ? eq + 1 : "");
}

void options_entrypoint(struct arena *a, const char *text, struct strs *ret)
{
	*ret = (struct strs){0};
	if (text[0] != '[') {
		if (*text)
			strs_add(a, ret, text);
		return;
	}
	struct json *j = json_parse(a, text, strlen(text), "--entrypoint", NULL, NULL);
	bool words = j;
	for (size_t i = 0; words && i < j->arr.n; i++)
		words = j->arr.v[i]->type == JSON_STR;
	if (!words) {
		strs_add(a, ret, text); /* the program may be called "[" */
		return;
	}
	for (size_t i = 0; i < j->arr.n; i++)
		strs_add(a, ret, j->arr.v[i]->s);
}
