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

static int add_env_file(struct arena *a, const char *path, struct strs *env, struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *save = NULL;

	if (fd < 0)
		return err_set(e, errno, "open the environment file %s", path);
	int r = fd_read_all(fd, &text, 1 << 20);
	if (r < 0)
		return err_set(e, r, "read the environment file %s", path);
	if (text.len != strlen(str_cstr(&text)))
		return err_fail(e, ERR_USAGE, "the environment file %s holds a NUL byte", path);
	for (char *line = text.s ? strtok_r(text.s, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(line);
		if (n && line[n - 1] == '\r')
			line[n - 1] = 0;
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		r = add_env(a, line, env, e);
		if (r < 0)
			return err_context(e, "%s", path);
	}
	return 0;
}

int options_env(struct arena *a, const struct strs *files, const struct strs *values,
		struct strs *env, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < files->n && r == 0; i++)
		r = add_env_file(a, files->v[i], env, e);
	for (size_t i = 0; i < values->n && r == 0; i++)
		r = add_env(a, values->v[i], env, e);
	return r;
}

static int bad_mount(struct err *e, const char *flag, const char *text, const char *why)
{
	return err_fail(e, ERR_MOUNT, "%s \"%.120s\": %s", flag, text, why);
}

/* Destinations that would undo what the container's own mounts are for. */
static int check_destination(const char *flag, const char *text, const char *dst, struct err *e)
{
	if (dst[0] != '/')
		return bad_mount(e, flag, text, "the destination is not an absolute path");
	if (!strcmp(dst, "/"))
		return bad_mount(e, flag, text, "the destination cannot be /");
	if (!strcmp(dst, "/proc") || str_starts(dst, "/proc/"))
		return bad_mount(e, flag, text, "nothing can be mounted at or below /proc");
	return 0;
}

static const char *clean(struct arena *a, const char *path)
{
	autofree char *s = path_clean(path);

	return arena_strdup(a, s);
}

static const char bind_words[] = " ro rw readonly nosuid suid nodev dev noexec exec bind rbind "
				 "private rprivate slave rslave "
				 "shared rshared z Z ";

static bool is_word(const char *words, const char *s)
{
	char padded[64];
	int n = snprintf(padded, sizeof padded, " %s ", s);

	return n > 2 && (size_t)n < sizeof padded && !strchr(s, ' ') && strstr(words, padded);
}

static int bind_option_list(struct arena *a, const char *text, const char *opts, struct strs *ret,
			    struct err *e)
{
	scoped(strv) words = {0};

	strv_split(&words, opts, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];
		if (!*w)
			continue;
		if (!strcmp(w, "U") || !strcmp(w, "O") || !strcmp(w, "copy") ||
		    !strcmp(w, "nocopy") || str_starts(w, "idmap")) {
			err_fail(e, ERR_MOUNT,
				 "--volume \"%.120s\": this build does not know the option \"%s\"",
				 text, w);
			return -EINVAL;
		}
		if (!is_word(bind_words, w)) {
			err_fail(e, ERR_MOUNT, "--volume \"%.120s\": unknown option \"%s\"", text,
				 w);
			return err_hint(e, "ro rw nosuid suid nodev dev noexec exec bind rbind, "
					   "[r]private, [r]slave, [r]shared, z Z");
		}
		if (strcmp(w, "z") &&
		    strcmp(w, "Z")) /* labels of SELinux, which has none in here */
			strs_add(a, ret, w);
	}
	return 0;
}

int options_volume(struct arena *a, const char *text, struct bind_list *mounts, struct err *e)
{
	scoped(strv) part = {0};

	strv_split(&part, text, ':');
	if (part.n > 3)
		return bad_mount(e, "--volume", text, "too many colons");
	if (part.n < 2) {
		bad_mount(e, "--volume", text, "no source");
		return err_hint(e, "SOURCE:DESTINATION, SOURCE being a path on the host");
	}
	const char *src = part.v[0];
	if (!*src)
		return bad_mount(e, "--volume", text, "the source is empty");
	if (!strchr(src, '/') && strcmp(src, ".") && strcmp(src, "..")) {
		bad_mount(e, "--volume", text, "the source is not a path");
		return err_hint(e, "for a directory here write ./%s", src);
	}
	const char *dst = clean(a, part.v[1]);
	int r = check_destination("--volume", text, dst, e);
	if (r < 0)
		return r;
	autofree char *real = realpath(src, NULL);
	if (!real) {
		err_set(e, errno, "--volume \"%.120s\": source %s", text, src);
		return errno == ENOENT ? err_hint(e, "the source must exist: mkdir -p %s", src)
				       : -e->code;
	}
	struct config_mount *m = bind_append(a, mounts, sizeof *m);
	m->type = "bind";
	m->source = arena_strdup(a, real);
	m->destination = dst;
	return part.n == 3 ? bind_option_list(a, text, part.v[2], &m->options, e) : 0;
}

static int tmpfs_option(const char *text, const char *w, struct err *e)
{
	static const char words[] = " ro rw nosuid suid nodev dev noexec exec notmpcopyup ";
	uint64_t n;

	if (is_word(words, w))
		return 0;
	if (str_starts(w, "size=") || str_starts(w, "nr_inodes=") || str_starts(w, "nr_blocks=")) {
		const char *v = strchr(w, '=') + 1;
		size_t len = strlen(v);
		if (len && v[len - 1] == '%' && str_starts(w, "size="))
			return 0;
		return parse_size(v, &n) < 0 ? bad_mount(e, "--tmpfs", text, "not a size") : 0;
	}
	if (str_starts(w, "mode=") && strspn(w + 5, "01234567") == strlen(w + 5) && w[5])
		return 0;
	if ((str_starts(w, "uid=") || str_starts(w, "gid=")) && parse_u64(w + 4, INT_MAX, &n) == 0)
		return 0;
	err_fail(e, ERR_MOUNT, "--tmpfs \"%.120s\": unknown option \"%s\"", text, w);
	return err_hint(
		e, "options are: ro rw exec suid dev size=SIZE mode=OCTAL uid=N gid=N nr_inodes=N");
}

int options_tmpfs(struct arena *a, const char *text, struct bind_list *mounts, struct err *e)
{
	const char *colon = strchr(text, ':');
	const char *dst =
		clean(a, arena_strndup(a, text, colon ? (size_t)(colon - text) : strlen(text)));
	scoped(strv) words = {0};
	int r = check_destination("--tmpfs", text, dst, e);

	if (r < 0)
		return r;
	struct config_mount *m = bind_append(a, mounts, sizeof *m);
	m->type = "tmpfs";
	m->destination = dst;
	if (colon)
		strv_split(&words, colon + 1, ',');
	for (size_t i = 0; i < words.n && r == 0; i++) {
		if (!*words.v[i])
			continue;
		r = tmpfs_option(text, words.v[i], e);
		if (strcmp(words.v[i], "notmpcopyup"))
			strs_add(a, &m->options, words.v[i]);
	}
	return r;
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

int options_sort_mounts(struct bind_list *mounts, struct err *e)
{
	struct config_mount *m = mounts->v;

	for (size_t i = 1; i < mounts->n; i++) { /* insertion: stable, and lists are short */
		struct config_mount x = m[i];
		size_t k = i;
		for (; k > 0 && depth(m[k - 1].destination) > depth(x.destination); k--)
			m[k] = m[k - 1];
		m[k] = x;
	}
	for (size_t i = 0; i < mounts->n; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(m[i].destination, m[k].destination))
				return err_fail(e, ERR_MOUNT, "two mounts have the destination %s",
						m[i].destination);
	return 0;
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

int options_entrypoint(struct arena *a, const char *text, struct strs *ret, struct err *e)
{
	*ret = (struct strs){0};
	if (text[0] != '[') {
		if (*text)
			strs_add(a, ret, text);
		return 0;
	}
	struct json *j = json_parse(a, text, strlen(text), "--entrypoint", NULL, e);
	if (!j)
		return -EINVAL;
	for (size_t i = 0; i < j->arr.n; i++) {
		if (j->arr.v[i]->type != JSON_STR)
			return err_fail(e, ERR_USAGE,
					"--entrypoint: a JSON array of strings is wanted");
		strs_add(a, ret, j->arr.v[i]->s);
	}
	return 0;
}
