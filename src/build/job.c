#include <stdarg.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "build/config.h"
#include "build/job.h"
#include "oci/config_edit.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum { MAX_LIST = 1 << 20 };

void job_input(struct step *j, const char *name, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	pairs_set(&j->a, &j->inputs, name, text);
	free(text);
}

static void input_strs(struct step *j, const char *name, const struct strs *l)
{
	scoped(str) all = {0};

	json_write(&all, json_new_strs(&j->a, l), 0);
	pairs_set(&j->a, &j->inputs, name, str_cstr(&all));
}

static void input_layers(struct step *j, const char *name, const struct strs *layers)
{
	scoped(str) all = {0};
	struct digest d;
	char text[DIGEST_STR];

	for (size_t i = 0; i < layers->n; i++)
		str_addf(&all, "%s\n", layers->v[i]);
	if (hash_bytes(str_cstr(&all), all.len, &d, NULL) == 0)
		job_input(j, name, "%s", digest_str(&d, text));
}

int job_files(struct step *j, const char *name, const struct copy_job *c, struct copy_plan **ret,
	      struct err *e)
{
	struct digest d;
	char text[DIGEST_STR];
	int r = copy_resolve(j->stage->b->h, c, &j->a, ret, &d, e);

	if (r < 0)
		return r;
	job_input(j, name, "%s", digest_str(&d, text));
	struct job_list *l = bind_append(&j->a, &j->lists, sizeof *l);
	l->input = arena_strdup(&j->a, name);
	copy_plan_list(*ret, &l->text);
	if (l->text.len > MAX_LIST)
		str_free(&l->text);
	return 0;
}

/* What all kinds have in common. */
static void begin(struct step *j, bool on_layers)
{
	struct stage *s = j->stage;
	static const struct strs none;

	j->base = (struct step_base){.h = s->b->h,
				     .layers = on_layers ? &s->layers : &none,
				     .doc = &s->doc,
				     .epoch = s->epoch,
				     .all_times = s->b->o->has_timestamp};
	job_input(j, "version", "1");
	job_input(j, "step", "%s", df_kind_name(j->i->kind));
	job_input(j, "platform", "%s", platform_text(&j->a, &s->doc));
	input_layers(j, "below", j->base.layers);
	job_input(j, "time", "%" PRId64 "%s", s->epoch, j->base.all_times ? " for all" : "");
}

/* ---- WORKDIR */

static int make_workdir(struct step *j)
{
	begin(j, true);
	j->path = j->stage->doc.config.working_dir;
	job_input(j, "directory", "%s", j->path);
	job_input(j, "user", "%s", j->stage->doc.config.user ? j->stage->doc.config.user : "");
	return 0;
}

/* ---- COPY and ADD */

static int copy_flags(struct step *j, struct err *e)
{
	struct copy_job *c = &j->copy;
	const struct df_flag *f = j->i->flags.v;
	const struct {
		const char *name;
		const char **text;
	} texts[] = {{"chown", &c->chown}, {"chmod", &c->chmod}, {"checksum", &c->checksum}};

	c->link = df_flag_bool(j->i, "link") == 1;
	c->parents = df_flag_bool(j->i, "parents") == 1;
	c->keep_git_dir = df_flag_bool(j->i, "keep-git-dir") == 1;
	c->unpack = df_flag_bool(j->i, "unpack");
	for (size_t k = 0; k < j->i->flags.n; k++) {
		const char *value = f[k].value;
		int r = value ? scope_word(&j->stage->scope, j->i, value, &value, e) : 0;
		if (r < 0)
			return r;
		if (!strcmp(f[k].name, "exclude"))
			strs_add(&j->a, &c->exclude, value);
		for (size_t i = 0; i < countof(texts); i++)
			if (!strcmp(f[k].name, texts[i].name))
				*texts[i].text = arena_strdup(&j->a, value);
	}
	return 0;
}

static int copy_words(struct step *j, struct err *e)
{
	struct scope *s = &j->stage->scope;
	const struct df_heredoc *doc = j->i->heredocs.v;
	struct strs words = {0};
	int r = 0;

	for (size_t k = 0; k < j->i->words.n && r == 0; k++) {
		const char *w = j->i->words.v[k];
		r = j->i->json ? scope_text(s, j->i, w, &w, e) : scope_words(s, j->i, w, &words, e);
		if (j->i->json && r == 0)
			strs_add(&j->a, &words, w);
	}
	if (r < 0)
		return r;
	if (words.n + j->i->heredocs.n < 2)
		return err_fail(e, ERR_DOCKERFILE, "%s takes at least a source and a destination",
				df_kind_name(j->i->kind));
	for (size_t k = 0; k + 1 < words.n; k++)
		strs_add(&j->a, &j->copy.sources, words.v[k]);
	j->copy.to = words.v[words.n - 1];
	for (size_t k = 0; k < j->i->heredocs.n && r == 0; k++) {
		struct copy_heredoc *d = bind_append(&j->a, &j->copy.heredocs, sizeof *d);
		const char *text = doc[k].text;
		d->name = doc[k].name;
		if (doc[k].expand)
			r = scope_text(s, j->i, text, &text, e);
		d->text = text;
		d->len = doc[k].expand ? strlen(text) : doc[k].len;
	}
	return r;
}

static int make_copy(struct step *j, struct stage **ret_wait, struct err *e)
{
	struct stage *s = j->stage;
	struct copy_job *c = &j->copy;
	const char *from = df_flag(j->i, "from");

	*c = (struct copy_job){.add = j->i->kind == DF_ADD, .unpack = -1};
	if (from) {
		int r = scope_word(&s->scope, j->i, from, &from, e);
		if (r < 0)
			return r;
	}
	int r = copy_words(j, e);
	if (r == 0)
		r = copy_flags(j, e);
	bool files = from || c->sources.n;
	if (r == 0 && files)
		r = build_source(s, j->i, from, &c->from, ret_wait, e);
	if (r < 0 || *ret_wait)
		return r;
	/* A stage FROM scratch is as new as what goes into it. */
	for (size_t k = 0; k < s->b->nstages; k++) {
		struct stage *o = s->b->stages[k];
		if (!files || c->from.layers != &o->layers)
			continue;
		s->newest = o->newest > s->newest ? o->newest : s->newest;
		if (!s->base && !s->base_layers)
			s->epoch = o->epoch > s->epoch ? o->epoch : s->epoch;
	}
	c->workdir = str_is_empty(s->doc.config.working_dir) ? "/" : s->doc.config.working_dir;
	c->epoch = s->epoch;
	begin(j, !c->link);
	if (c->from.layers)
		input_layers(j, "from", c->from.layers);
	r = job_files(j, "files", c, &j->plan, e);
	input_strs(j, "sources", &c->sources);
	job_input(j, "destination", "%s", c->to);
	job_input(j, "directory", "%s", c->workdir);
	job_input(j, "options", "chown=%s chmod=%s parents=%d link=%d unpack=%d git=%d",
		  c->chown ? c->chown : "", c->chmod ? c->chmod : "", c->parents, c->link,
		  c->unpack, c->keep_git_dir);
	input_strs(j, "exclude", &c->exclude);
	return r;
}

/* ---- RUN */

static int run_flags(struct step *j, struct stage **ret_wait, struct err *e)
{
	const struct df_flag *f = j->i->flags.v;
	const struct build_opts *o = j->stage->b->o;
	int r = 0;

	j->run.network = o->network ? o->network : "default";
	for (size_t k = 0; k < j->i->flags.n && r == 0 && !*ret_wait; k++) {
		const char *v = f[k].value;
		if (!strcmp(f[k].name, "mount") && v) {
			r = job_mount(j, v, ret_wait, e);
			continue;
		}
		r = v ? scope_word(&j->stage->scope, j->i, v, &v, e) : 0;
		if (r < 0)
			return r;
		if (!strcmp(f[k].name, "network") && v &&
		    (!strcmp(v, "none") || !strcmp(v, "host") || !strcmp(v, "default"))) {
			if (strcmp(v, "default") != 0)
				j->run.network = v;
		} else if (!strcmp(f[k].name, "security") && v &&
			   (!strcmp(v, "insecure") || !strcmp(v, "sandbox"))) {
			j->run.insecure = v[0] == 'i';
		} else if (!strcmp(f[k].name, "device")) {
			return err_fail(e, ERR_DOCKERFILE,
					"RUN --device: there is no support for CDI devices");
		} else {
			return err_fail(e, ERR_DOCKERFILE, "RUN: --%.40s%s%.80s is not known",
					f[k].name, v ? "=" : "", v ? v : "");
		}
	}
	if (r == 0 && j->run.insecure && !o->entitled_insecure) {
		err_fail(e, ERR_DOCKERFILE, "RUN --security=insecure was not allowed");
		return err_hint(e, "allow it with: hoy build --allow security.insecure");
	}
	return r;
}

/* A here-document alone is the command: a script for the shell, or a program of its own. */
static int run_command(struct step *j, struct err *e)
{
	const struct image_config *c = &j->stage->doc.config;
	const struct df_heredoc *doc = j->i->heredocs.v;

	if (j->i->only_heredoc && doc->len > 2 && !memcmp(doc->text, "#!", 2)) {
		j->run.script = doc->text;
		j->run.script_len = doc->len;
		return 0;
	}
	if (j->i->only_heredoc)
		config_shell_command(c, doc->text, &j->a, &j->run.args);
	else
		build_config_command(c, j->i, &j->a, &j->run.args);
	return j->run.args.n && *j->run.args.v[0]
		       ? 0
		       : err_fail(e, ERR_DOCKERFILE, "RUN has no command");
}

static void run_environment(struct step *j)
{
	struct stage *s = j->stage;
	const struct strs *env = &s->doc.config.env;
	struct strs keyed = {0};

	if (!env_get(env, "PATH"))
		env_set(&j->a, &keyed, "PATH", 4, default_path);
	for (size_t k = 0; k < env->n; k++) {
		const char *eq = strchr(env->v[k], '=');
		if (eq && eq != env->v[k])
			env_set(&j->a, &keyed, env->v[k], (size_t)(eq - env->v[k]), eq + 1);
	}
	scope_environment(&s->scope, false, &j->a, &keyed);
	if (!env_get(&keyed, "SOURCE_DATE_EPOCH"))
		env_set(&j->a, &keyed, "SOURCE_DATE_EPOCH", 17,
			arena_printf(&j->a, "%" PRId64, s->epoch));
	input_strs(j, "environment", &keyed);
	/* Proxies lead out of here and change nothing in what comes in. */
	if (s->b->o->run)
		process_opts_host_env(s->b->o->run->more, &j->run.env, &j->a);
	for (size_t k = 0; k < keyed.n; k++) {
		const char *eq = strchr(keyed.v[k], '=');
		env_set(&j->a, &j->run.env, keyed.v[k], (size_t)(eq - keyed.v[k]), eq + 1);
	}
	scope_environment(&s->scope, true, &j->a, &j->run.env);
}

static int make_run(struct step *j, struct stage **ret_wait, struct err *e)
{
	struct stage *s = j->stage;

	begin(j, true);
	int r = run_flags(j, ret_wait, e);
	if (r == 0 && !*ret_wait)
		r = run_command(j, e);
	if (r < 0 || *ret_wait)
		return r;
	j->run.base = j->base;
	j->run.user = s->doc.config.user;
	j->run.workdir = s->doc.config.working_dir;
	j->run.common = s->b->o->run;
	j->run.in = s->b->o->stdin_open ? s->b->o->in : -1;
	j->run.secrets = &s->b->o->secrets;
	j->run.ssh = &s->b->o->ssh;
	run_environment(j);
	input_strs(j, "command", &j->run.args);
	if (j->run.script) {
		struct digest d;
		char text[DIGEST_STR];
		r = hash_bytes(j->run.script, j->run.script_len, &d, e);
		if (r == 0)
			job_input(j, "script", "%s", digest_str(&d, text));
	}
	job_input(j, "user", "%s", j->run.user ? j->run.user : "");
	job_input(j, "directory", "%s", j->run.workdir ? j->run.workdir : "/");
	job_input(j, "network", "%s", j->run.network);
	job_input(j, "security", "%s%s", j->run.insecure ? "insecure" : "sandbox",
		  s->b->one_id ? " one id" : "");
	return r;
}

/* ---- */

int job_make(struct stage *s, struct step **ret, struct stage **ret_wait, struct err *e)
{
	struct step *j = xcalloc(1, sizeof *j);
	int r = 0;

	*ret = NULL;
	*ret_wait = NULL;
	j->stage = s;
	j->i = (const struct df_instr *)s->instrs.v + s->next;
	j->out[0] = j->out[1] = -1;
	j->task = TASK_NONE;
	switch (j->i->kind) {
	case DF_WORKDIR:
		r = make_workdir(j);
		break;
	case DF_RUN:
		r = make_run(j, ret_wait, e);
		break;
	default:
		r = make_copy(j, ret_wait, e);
		break;
	}
	if (r < 0 || *ret_wait) {
		job_free(j);
		return r;
	}
	j->key = build_cache_key(&j->inputs);
	*ret = j;
	return 0;
}

void job_free(struct step *j)
{
	struct job_list *l = j->lists.v;

	task_kill(&j->task);
	fd_close(&j->out[0]);
	fd_close(&j->out[1]);
	if (j->shared)
		munmap(j->shared, sizeof *j->shared);
	if (j->plan)
		copy_plan_free(j->stage->b->h, j->plan);
	for (size_t i = 0; i < j->lists.n; i++)
		str_free(&l[i].text);
	arena_free(&j->a);
	free(j);
}

static void waits(void *arg)
{
	((struct step *)arg)->shared->waits = 1;
}

static int do_step(struct step *j, struct step_result *ret, struct err *e)
{
	switch (j->i->kind) {
	case DF_WORKDIR:
		return step_workdir(&j->base, j->path, ret, e);
	case DF_RUN:
		return step_run(&j->run, ret, e);
	default:
		return step_copy(&j->base, &j->copy, j->plan, ret, e);
	}
}

static void record(struct step *j, int64_t ms)
{
	const struct step_result *res = &j->shared->result;
	char diffid[DIGEST_STR], now[40];
	struct build_cache_record rec = {
		.version = 1,
		.layer = res->empty ? NULL : digest_str(&res->layer.diffid, diffid),
		.tar_size = (int64_t)res->layer.tar_size,
		.size = (int64_t)res->layer.tar_size,
		.step = j->i->text,
		.milliseconds = ms,
		.created = time_rfc3339(now, sizeof now, time_now()),
		.inputs = j->inputs};

	build_cache_put(j->stage->b->h, &j->key, &rec,
			NULL); /* without it the next build works again */
}

int job_work(void *arg, struct err *e)
{
	struct step *j = arg;
	struct job_shared *sh = j->shared;
	struct build_cache_record rec;
	autoclose int lock = build_cache_lock(j->stage->b->h, &j->key, waits, j, e);

	if (lock < 0)
		return lock;
	if (sh->waits && !j->stage->no_cache &&
	    build_cache_find(j->stage->b->h, &j->key, &j->a, &rec) == 0) {
		sh->found = true;
		sh->result.empty = !rec.layer;
		sh->result.layer.tar_size = (uint64_t)rec.tar_size;
		return rec.layer ? digest_parse(rec.layer, &sh->result.layer.diffid, e) : 0;
	}
	int64_t began = time_mono_ms();
	int r = do_step(j, &sh->result, &sh->err);
	sh->r = r;
	sh->ms = time_mono_ms() - began;
	if (r == 0)
		record(j, sh->ms);
	return 0; /* how it went stands in the shared memory */
}
