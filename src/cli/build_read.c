#include "base/base.h"
#include "base/parse.h"
#include "cli/build_opts.h"
#include "engine/options.h"

static int usage(struct err *e, const char *hint, const char *fmt, ...) printf_like(3, 4);
static int usage(struct err *e, const char *hint, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_fail(e, ERR_USAGE, "%s", text);
	return hint ? err_hint(e, "%s", hint) : -e->code;
}

static int absent(struct err *e, const char *what, const char *reason, const char *hint)
{
	err_fail(e, ERR_ABSENT, "%s: %s", what, reason);
	return err_hint(e, "%s", hint);
}

/* ---- what there is not */

/* "false", or "type=sbom,disabled=true". */
static bool is_off(const char *v)
{
	return str_is_empty(v) || !strcmp(v, "false") || !strcmp(v, "0") ||
	       strstr(v, "disabled=true") || strstr(v, "disabled=1");
}

static int check_absent(const struct build_flags *f, struct err *e)
{
	static const char why[] = "hoy makes no attestations",
			  instead[] =
				  "syft and cosign make and sign them of what was built; =false "
				  "is taken";

	if (!is_off(f->provenance))
		return absent(e, "--provenance", why, instead);
	if (!is_off(f->sbom))
		return absent(e, "--sbom", why, instead);
	for (size_t i = 0; i < f->attest.n; i++)
		if (!is_off(f->attest.v[i]))
			return absent(e, "--attest", why, instead);
	if (f->compat_volumes)
		return absent(
			e, "--compat-volumes",
			"what RUN writes to the directory of a VOLUME is kept, as BuildKit does",
			"leave it out; write what is not to be kept to a RUN --mount=type=tmpfs");
	if (f->created_annotation)
		return absent(
			e, "--created-annotation",
			"the time of an image stands in its config, and depends on its contents",
			"--annotation org.opencontainers.image.created=TIME sets one");
	if (f->all_platforms)
		return absent(e, "--all-platforms",
			      "hoy does not ask registries for which platforms all bases are there",
			      "name them: --platform linux/amd64,linux/arm64");
	if (!str_is_empty(f->userns) && strcmp(f->userns, "host") != 0 &&
	    strcmp(f->userns, "private") != 0)
		return absent(e, "--userns", "the IDs of files in layers are those of the image",
			      "hoy run --userns runs the image with other IDs");
	if (f->logsplit && f->platforms.n > 1)
		return absent(e, "--logsplit", "platforms are built at once and share stages",
			      "build one platform at a time, each with --logfile");
	return 0;
}

/* ---- arguments, labels ... */

/* NAME=VALUE, or NAME for the caller's variable, into pairs. */
static int read_env(struct cli *c, const struct strs *files, const struct strs *values,
		    struct pairs *ret, struct err *e)
{
	struct strs env = {0};
	int r = options_env(&c->arena, files, values, &env, e);

	for (size_t i = 0; i < env.n && r == 0; i++) {
		size_t n = strcspn(env.v[i], "=");
		pairs_set(&c->arena, ret, arena_strndup(&c->arena, env.v[i], n),
			  env.v[i][n] ? env.v[i] + n + 1 : "");
	}
	return r;
}

static void read_pairs(struct cli *c, const struct strs *texts, struct pairs *ret)
{
	for (size_t i = 0; i < texts->n; i++)
		options_label(&c->arena, texts->v[i], ret);
}

/* buildx puts a place before the key: only those that exist here. */
static int read_annotations(struct cli *c, struct build_flags *f, struct err *e)
{
	for (size_t i = 0; i < f->annotations.n; i++) {
		const char *text = f->annotations.v[i];
		size_t n = strcspn(text, ":=");
		bool place = text[n] == ':' && !memchr(text, '.', n);
		if (place && strncmp(text, "manifest", n) != 0 && strncmp(text, "index", n) != 0)
			return usage(e, "manifest: (the default) and index: may stand before KEY",
				     "--annotation %.100s: annotations of %.*s cannot be set", text,
				     (int)n, text);
		if (place && !strncmp(text, "index", n) && f->platforms.n < 2)
			return usage(e, "several --platform make one",
				     "--annotation %.100s: there is no list", text);
		if (!strchr(text, '='))
			return usage(e, "as in --annotation org.example.team=red",
				     "--annotation %.100s has no value", text);
		if (!place || !strncmp(text, "manifest", n))
			options_label(&c->arena, place ? text + n + 1 : text, &f->b.annotations);
	}
	return 0;
}

static int read_contexts(struct cli *c, struct build_flags *f, struct err *e)
{
	for (size_t i = 0; i < f->contexts.n; i++) {
		const char *text = f->contexts.v[i];
		size_t n = strcspn(text, "=");
		if (!n || !text[n] || !text[n + 1])
			return usage(e, "as in --build-context src=../src",
				     "--build-context %.100s is not NAME=WHERE", text);
		pairs_set(&c->arena, &f->b.contexts, arena_strndup(&c->arena, text, n),
			  text + n + 1);
	}
	return 0;
}

/* ---- secrets */

static int read_secret(struct cli *c, const char *text, struct build_secret *s, struct err *e)
{
	scoped(strv) words = {0};
	const char *type = NULL, *src = NULL;
	static const char form[] = "as in --secret id=token,src=token.txt or id=token,env=TOKEN";

	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n; i++) {
		char *eq = strchr(words.v[i], '=');
		const char *v = eq ? arena_strdup(&c->arena, eq + 1) : NULL;
		if (!eq || !*v)
			return usage(e, form, "--secret: \"%.60s\" is not KEY=VALUE", words.v[i]);
		*eq = 0;
		if (!strcmp(words.v[i], "id"))
			s->id = v;
		else if (!strcmp(words.v[i], "src") || !strcmp(words.v[i], "source"))
			src = v;
		else if (!strcmp(words.v[i], "env"))
			s->env = v;
		else if (!strcmp(words.v[i], "type"))
			type = v;
		else
			return usage(e, form, "--secret has no key \"%.40s\"", words.v[i]);
	}
	if (type && strcmp(type, "file") != 0 && strcmp(type, "env") != 0)
		return usage(e, form, "--secret: type=%.40s is neither file nor env", type);
	if (!s->id)
		return usage(e, form, "--secret has no id=");
	if (str_eq(type, "env") && !s->env)
		s->env = src ?: s->id;
	else if (!s->env && !src && !str_eq(type, "file") && getenv(s->id))
		s->env = s->id;
	else if (!s->env)
		s->file = src ?: s->id;
	if (s->env && !getenv(s->env))
		return usage(e, "export it, or name a file with src=",
			     "--secret id=%.60s: the variable %.60s is not set", s->id, s->env);
	if (s->file && access(s->file, R_OK) < 0)
		return err_set(e, errno, "--secret id=%.60s: read %s", s->id, s->file);
	return 0;
}

static int read_ssh(struct cli *c, const char *text, struct build_ssh *s, struct err *e)
{
	size_t n = strcspn(text, "=");
	scoped(strv) paths = {0};
	struct stat st;

	s->id = n ? arena_strndup(&c->arena, text, n) : "default";
	if (!text[n]) {
		s->socket = getenv("SSH_AUTH_SOCK");
		if (str_is_empty(s->socket))
			return usage(e,
				     "start an agent (eval $(ssh-agent)), or name a key: --ssh "
				     "default=~/.ssh/id_ed25519",
				     "--ssh %.60s: SSH_AUTH_SOCK is not set", text);
		return 0;
	}
	strv_split(&paths, text + n + 1, ',');
	for (size_t i = 0; i < paths.n; i++) {
		const char *path = arena_strdup(&c->arena, paths.v[i]);
		if (stat(path, &st) < 0)
			return err_set(e, errno, "--ssh %.60s: %s", s->id, path);
		if (S_ISSOCK(st.st_mode) && (paths.n > 1 || s->keys.n))
			return usage(e, NULL, "--ssh %.60s: a socket or keys, not both", s->id);
		if (S_ISSOCK(st.st_mode))
			s->socket = path;
		else
			strs_add(&c->arena, &s->keys, path);
	}
	return 0;
}

static int read_secrets(struct cli *c, struct build_flags *f, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < f->secrets.n && r == 0; i++)
		r = read_secret(c, f->secrets.v[i],
				bind_append(&c->arena, &f->b.secrets, sizeof(struct build_secret)),
				e);
	for (size_t i = 0; i < f->ssh.n && r == 0; i++)
		r = read_ssh(c, f->ssh.v[i],
			     bind_append(&c->arena, &f->b.ssh, sizeof(struct build_ssh)), e);
	return r;
}

/* ---- numbers, places, shapes */

static int read_times(struct cli *c, struct build_flags *f, struct err *e)
{
	const char *epoch = f->epoch ?: getenv("SOURCE_DATE_EPOCH");

	if (!str_is_empty(epoch)) {
		if (parse_i64(epoch, 0, INT64_C(253402300799), &f->b.epoch) < 0)
			return usage(e, "it takes seconds since 1970", "%s \"%.40s\" is no time",
				     f->epoch ? "--source-date-epoch" : "SOURCE_DATE_EPOCH", epoch);
		f->b.has_epoch = true;
	}
	f->b.has_timestamp = cli_given(c, "timestamp");
	f->b.timestamp = f->timestamp;
	if (f->b.has_timestamp && (f->timestamp < 0 || f->timestamp > INT64_C(253402300799)))
		return usage(e, "it takes seconds since 1970", "--timestamp is no time");
	if (f->b.has_timestamp && f->epoch)
		return usage(e,
			     "--timestamp sets the times of all files, --source-date-epoch only "
			     "makes them no younger",
			     "--timestamp and --source-date-epoch exclude each other");
	f->b.cache_ttl = f->cache_ttl / 1000000000;
	if (f->jobs < -1)
		return usage(e, "0 means no limit", "--jobs is negative");
	f->b.jobs = f->jobs < 0 ? 0 : f->jobs == 0 || f->jobs > 1000 ? 1000 : (int)f->jobs;
	return 0;
}

static int read_platforms(struct cli *c, struct build_flags *f, struct err *e)
{
	const struct pull_flags *p = &f->image;

	if (f->platforms.n && (p->arch || p->os || p->variant))
		return usage(e, "--platform says all of them",
			     "--platform excludes --os, --arch and --variant");
	if (!f->platforms.n && (p->arch || p->os || p->variant)) {
		struct platform_want want;
		int r = platform_parse_flags(&c->arena, NULL, p->os, p->arch, p->variant, &want, e);
		if (r < 0)
			return r;
		strs_add(&c->arena, &f->platforms,
			 arena_printf(&c->arena, "%s/%s%s%s", want.os ? want.os : "linux",
				      want.arch ? want.arch : platform_arch(),
				      want.variant ? "/" : "", want.variant ?: ""));
	}
	for (size_t i = 0; i < f->platforms.n; i++)
		if (!strs_has(&f->b.platforms, f->platforms.v[i]))
			strs_add(&c->arena, &f->b.platforms, f->platforms.v[i]);
	return 0;
}

static int read_shape(struct cli *c, struct build_flags *f, struct err *e)
{
	bool docker = c->called == CALLED_DOCKER;
	const char *s = f->progress, *term = getenv("TERM");

	if (f->logfile)
		s = "plain";
	else if (!s)
		s = getenv("BUILDKIT_PROGRESS");
	f->shape = docker ? BUILD_SHOW_NUMBERED : BUILD_SHOW_STEPS;
	if (f->quiet || str_eq(s, "quiet") || str_eq(s, "none"))
		f->shape = BUILD_SHOW_NOTHING;
	else if (str_eq(s, "rawjson"))
		f->shape = BUILD_SHOW_JSON;
	else if (str_eq(s, "tty"))
		f->shape = BUILD_SHOW_SCREEN;
	else if (str_is_empty(s) || !strcmp(s, "auto")) {
		bool can = isatty(2) && (docker || isatty(1)) && !str_is_empty(term) &&
			   strcmp(term, "dumb") != 0;
		if (can && c->progress)
			f->shape = BUILD_SHOW_SCREEN;
	} else if (strcmp(s, "plain") != 0)
		return usage(e, "it takes auto, plain, tty, rawjson or quiet",
			     "BUILDKIT_PROGRESS=%.40s is no way to show progress", s);
	if (f->shape == BUILD_SHOW_SCREEN && !isatty(2))
		return usage(e, "--progress plain",
			     "--progress tty: standard error is no terminal");
	return 0;
}

static struct output_want *want_image(struct cli *c, struct build_flags *f)
{
	struct output_want *w = f->wants.v;

	for (size_t i = 0; i < f->wants.n; i++)
		if (w[i].kind == OUTPUT_IMAGE)
			return &w[i];
	w = bind_append(&c->arena, &f->wants, sizeof *w);
	*w = (struct output_want){.kind = OUTPUT_IMAGE, .level = -1, .docker_types = -1};
	return w;
}

static int read_outputs(struct cli *c, struct build_flags *f, struct err *e)
{
	bool keeps = false;
	int r = 0;

	for (size_t i = 0; i < f->outputs.n && r == 0; i++)
		r = output_parse(f->outputs.v[i], &c->arena,
				 bind_append(&c->arena, &f->wants, sizeof(struct output_want)), e);
	if (r < 0)
		return r;
	if (f->push)
		want_image(c, f)->push = true;
	if (f->load || f->manifest || !f->wants.n)
		want_image(c, f);
	const struct output_want *w = f->wants.v;
	for (size_t i = 0; i < f->wants.n; i++) {
		f->b.wants_image |= output_wants_image(&w[i]);
		f->b.rewrite |= w[i].rewrite;
		if (w[i].docker_types >= 0)
			f->b.docker_format = w[i].docker_types;
		for (size_t k = 0; k < w[i].annotations.n; k++)
			pairs_set(&c->arena, &f->b.annotations, w[i].annotations.v[k].k,
				  w[i].annotations.v[k].v);
		for (size_t k = 0; k < w[i].names.n && w[i].kind == OUTPUT_IMAGE; k++)
			strs_add(&c->arena, &f->b.tags, w[i].names.v[k]);
		keeps |= output_keeps_image(&w[i]);
		if (w[i].push && !f->b.tags.n)
			return usage(e, "-t quay.io/team/app:1", "pushing wants a name");
	}
	if (!keeps) { /* the names are those in the archive */
		f->names = f->b.tags;
		f->b.tags = (struct strs){0};
	}
	return 0;
}

static int read_rest(struct cli *c, struct build_flags *f, struct err *e)
{
	const char *format = f->format ?: getenv("BUILDAH_FORMAT");

	if (c->nargs)
		f->b.where = c->args[0];
	else
		f->b.where = ".";
	if (f->files.n > 1)
		return usage(e, "FROM and COPY --from take stages of one file",
			     "hoy builds one Dockerfile at a time");
	f->b.file = f->files.n ? f->files.v[0] : NULL;
	if (f->networks.n > 1)
		return usage(e, NULL, "RUN has one network: --network is given twice");
	f->b.network = f->networks.n ? f->networks.v[0] : NULL;
	f->b.docker_format = str_eq(format, "docker");
	f->b.check_only |= str_eq(f->call, "check");
	for (size_t i = 0; i < f->allow.n; i++) {
		const char *a = f->allow.v[i];
		if (!strcmp(a, "security.insecure"))
			f->b.entitled_insecure = true;
		else if (strcmp(a, "network.host") != 0 && !str_starts(a, "device"))
			return usage(e, "it takes security.insecure, network.host and device",
				     "--allow %.60s is not known", a);
	}
	f->b.no_cache_filter = f->no_cache_filter;
	f->b.cache_from = f->cache_from;
	f->b.cache_to = f->cache_to;
	if (str_eq(f->image.policy, "true"))
		f->image.policy = "always";
	else if (str_eq(f->image.policy, "false"))
		f->image.policy = "missing";
	return pull_make_opts(c, &f->image, &f->b.pull, e);
}

int build_read_flags(struct cli *c, struct build_flags *f, struct err *e)
{
	static const struct strs none;
	bool docker = c->called == CALLED_DOCKER;

	f->b.docker = f->run.docker = docker;
	f->b.registry = docker ? "docker.io" : "localhost";
	f->run.ns.docker = f->run.names.docker = f->run.vol.docker = docker;
	f->run.ns.shm_size = cli_given(c, "shm-size");
	f->run.more = &f->more;
	f->b.run = &f->run;
	f->b.in = 0;
	int r = check_absent(f, e);
	if (r == 0)
		r = read_platforms(c, f, e);
	if (r == 0)
		r = read_env(c, &f->arg_files, &f->args, &f->b.args, e);
	if (r == 0)
		r = read_env(c, &none, &f->env, &f->b.env, e);
	if (r < 0)
		return r;
	read_pairs(c, &f->labels, &f->b.labels);
	r = read_annotations(c, f, e);
	if (r == 0)
		r = read_contexts(c, f, e);
	if (r == 0)
		r = read_secrets(c, f, e);
	if (r == 0)
		r = read_times(c, f, e);
	if (r == 0)
		r = read_rest(c, f, e);
	if (r == 0)
		r = read_outputs(c, f, e);
	return r < 0 ? r : read_shape(c, f, e);
}
