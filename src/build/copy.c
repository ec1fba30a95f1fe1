#include "base/base.h"
#include "build/copy_impl.h"
#include "build/copy_mode.h"
#include "build/fetch.h"
#include "runtime/user.h"

static void say(const struct copy_job *job, const char *verb, const char *what)
{
	autofree char *text = xasprintf("%s %s", verb, what);

	if (job->say)
		job->say(job->arg, text);
}

static int bad_flag(const struct copy_job *job, const char *flag, const char *value,
		    const char *why, struct err *e)
{
	return err_fail(e, ERR_COPY_FLAG, "%s --%s=%s: %s", job->add ? "ADD" : "COPY", flag, value,
			why);
}

static int check_flags(const struct copy_job *job, struct err *e)
{
	uint32_t mode = 0644;

	if (job->chmod && copy_mode_apply(job->chmod, false, &mode) < 0) {
		bad_flag(job, "chmod", job->chmod, "neither octal nor symbolic permissions", e);
		return err_hint(e, "for example 755, u=rwX,go=rX or +x");
	}
	int r = job->chown ? user_check(job->chown, e) : 0;
	if (r < 0)
		return err_context(e, "--chown");
	if (job->checksum && (!job->add || job->sources.n != 1))
		return bad_flag(job, "checksum", job->checksum,
				"it is for ADD of one URL or git repository", e);
	return 0;
}

static int find_checksum(const struct copy_job *job, struct digest *ret, struct err *e)
{
	if (!job->checksum || digest_parse(job->checksum, ret, NULL) == 0)
		return 0;
	bad_flag(job, "checksum", job->checksum, "not a sha256 digest", e);
	return err_hint(e, "it is sha256: and 64 digits, as sha256sum prints them");
}

static int add_url(const struct home *h, const struct copy_job *job, struct copy_plan *p,
		   const char *url, struct err *e)
{
	struct copy_item *i = copy_add_item(p);
	autofree char *name = fetch_name(url);

	i->kind = COPY_FETCH;
	i->word = arena_strdup(&p->arena, url);
	i->name = arena_strdup(&p->arena, name);
	i->unpack = job->unpack > 0;
	int r = find_checksum(job, &i->digest, e);
	if (r < 0 || digest_known(&i->digest))
		return r; /* copy_prepare() fetches it, if the step is not cached */
	say(job, "fetching", url);
	i->fd = home_tmp_file(h, e);
	return i->fd < 0 ? i->fd : fetch_url(url, i->fd, &i->digest, &i->digest, e);
}

static int add_git(const struct copy_job *job, struct copy_plan *p, const char *word,
		   struct git_ref *g, struct err *e)
{
	char commit[GIT_COMMIT];

	if (g->commit && job->checksum && strcmp(g->commit, job->checksum) != 0)
		return bad_flag(job, "checksum", job->checksum, "the URL asks for another commit",
				e);
	if (job->checksum) {
		size_t n = strspn(job->checksum, "0123456789abcdef");
		if (n < 7 || job->checksum[n])
			return bad_flag(job, "checksum", job->checksum, "not a commit", e);
		g->commit = job->checksum;
	}
	say(job, "asking for", word);
	int r = git_find_commit(g, commit, e);
	if (r < 0)
		return r;
	struct copy_item *i = copy_add_item(p);
	i->kind = COPY_GIT;
	i->dir = true;
	i->name = "";
	i->word = arena_strdup(&p->arena, word);
	i->git = arena_alloc(&p->arena, sizeof *i->git);
	*i->git = *g;
	i->git->ref = i->git->commit = arena_strdup(&p->arena, commit);
	if (i->git->keep_git_dir < 0)
		i->git->keep_git_dir = job->keep_git_dir;
	return 0;
}

static int no_context(const struct copy_job *job, const char *word, struct err *e)
{
	err_fail(e, ERR_COPY_SOURCE, "%s: there is no context to copy from: only a Dockerfile came",
		 word);
	return err_hint(e, "%s", job->add ? "name a directory, or ADD a URL" : "name a directory");
}

static int add_source(const struct home *h, const struct copy_job *job, struct copy_find *f,
		      const char *word, struct err *e)
{
	struct git_ref g;
	int r = git_parse(word, false, &f->plan->arena, &g, e);

	if (r < 0)
		return r;
	if (r || fetch_is_url(word)) {
		if (!job->add) {
			err_fail(e, ERR_COPY_SOURCE, "COPY fetches nothing: %s", word);
			return err_hint(e, "write ADD");
		}
		return r ? add_git(job, f->plan, word, &g, e) : add_url(h, job, f->plan, word, e);
	}
	if (!job->from.context)
		return 0; /* looked for when it is done */
	if (f->root < 0)
		return no_context(job, word, e);
	return copy_find(f, word, e);
}

static void add_texts(const struct copy_job *job, struct copy_plan *p)
{
	const struct copy_heredoc *v = job->heredocs.v;

	for (size_t k = 0; k < job->heredocs.n; k++) {
		struct copy_item *i = copy_add_item(p);
		i->kind = COPY_TEXT;
		i->text = &v[k];
		i->word = v[k].name;
		const char *slash = strrchr(v[k].name, '/');
		i->name = slash ? slash + 1 : v[k].name;
	}
}

/* The digest is made of strings with their NUL, so that no two lists of them can look alike. */
static void add_text(struct str *s, const char *text)
{
	str_addc(s, text ? '+' : '-');
	str_addn(s, text ?: "", strlen(text ?: "") + 1);
}

static void add_strs(struct str *s, const struct strs *l)
{
	str_addf(s, "%zu", l->n);
	str_addc(s, 0);
	for (size_t i = 0; i < l->n; i++)
		add_text(s, l->v[i]);
}

static void add_job(struct str *s, const struct copy_job *job)
{
	add_text(s, "copy 1");
	add_text(s, job->to);
	add_text(s, job->to[0] == '/' ? NULL : job->workdir);
	add_text(s, job->chown);
	add_text(s, job->chmod);
	str_addf(s, "%d%d%d%d", job->add, job->parents, job->link, job->unpack);
	add_strs(s, &job->exclude);
	if (!job->from.context && job->from.layers) {
		add_strs(s, job->from.layers);
		add_strs(s, &job->sources);
	}
}

static void add_entry(struct str *s, const struct copy_plan *p, const struct copy_item *i,
		      const struct copy_entry *n)
{
	struct {
		uint32_t mode, same, flags;
	} head = {n->mode, n->same ? n->same - (uint32_t)i->first : 0,
		  (n->weak ? 1U : 0) | (n->hashed ? 2U : 0)};

	(void)p;
	str_addn(s, &head, sizeof head);
	add_text(s, i->dir ? n->path + i->strip : "");
	if (n->text)
		add_text(s, n->text);
	if (n->hashed)
		str_addn(s, n->sha, sizeof n->sha);
}

static void add_item(struct str *s, struct hash *h, const struct copy_plan *p,
		     const struct copy_item *i)
{
	str_addf(s, "%d%d%d %zu", i->kind, i->dir, i->unpack, i->n);
	add_text(s, i->name);
	add_text(s, i->kind == COPY_FETCH ? i->digest.hex : NULL);
	if (i->text) {
		str_addf(s, "%zu", i->text->len);
		str_addc(s, 0);
		str_addn(s, i->text->text, i->text->len);
	}
	if (i->git) {
		add_text(s, i->git->commit);
		add_text(s, i->git->subdir);
		str_addf(s, "%d%d", i->git->keep_git_dir, i->git->submodules);
	}
	for (size_t k = 0; k < i->n; k++) {
		add_entry(s, p, i, &p->v[i->first + k]);
		if (s->len > 64 << 10) {
			hash_add(h, s->s, s->len);
			str_reset(s);
		}
	}
}

static int make_digest(const struct copy_job *job, const struct copy_plan *p, struct digest *ret,
		       struct err *e)
{
	scoped(hash) h = {0};
	scoped(str) s = {0};
	int r = hash_open(&h, e);

	if (r < 0)
		return r;
	add_job(&s, job);
	for (size_t k = 0; k < p->nitems; k++)
		add_item(&s, &h, p, &p->items[k]);
	hash_add(&h, s.s, s.len);
	hash_end(&h, ret);
	return 0;
}

int copy_resolve(const struct home *h, const struct copy_job *job, struct arena *a,
		 struct copy_plan **ret, struct digest *ret_digest, struct err *e)
{
	const struct context *c = job->from.context;
	struct copy_plan *p = *ret = arena_alloc(a, sizeof *p);
	struct ignore *exclude = NULL;
	int r = check_flags(job, e);

	if (r == 0 && job->exclude.n)
		r = ignore_new(&job->exclude, &exclude, e);
	struct copy_find f = {
		.job = job,
		.plan = p,
		.root = c ? c->root : -1,
		.exclude = exclude,
		.context = true,
	};
	if (c) {
		f.ignore = c->ignore;
		f.ignore_name = c->ignore_name;
		f.cache = c->stats;
	}
	clock_gettime(CLOCK_REALTIME, &f.now);
	for (size_t k = 0; r == 0 && k < job->sources.n; k++)
		r = add_source(h, job, &f, job->sources.v[k], e);
	if (r == 0)
		add_texts(job, p);
	if (f.cache)
		stat_cache_merge(f.cache);
	if (r == 0)
		r = make_digest(job, p, ret_digest, e);
	ignore_free(exclude);
	if (r < 0) {
		copy_plan_free(h, p);
		*ret = NULL;
	}
	return r;
}

void copy_plan_free(const struct home *h, struct copy_plan *p)
{
	(void)h;
	if (!p)
		return;
	for (size_t k = 0; k < p->nitems; k++)
		fd_close(&p->items[k].fd);
	free(p->items);
	free(p->v);
	arena_free(&p->arena);
	*p = (struct copy_plan){0};
}

/* Of 50,000 files nothing here may take longer than the look at them. */
static void list_entry(const struct copy_entry *n, struct str *out)
{
	static const char digits[] = "0123456789abcdef";
	char line[8 + 2 * STAT_SHA + 2];
	size_t at = 0;

	for (int shift = 15; shift >= 0; shift -= 3)
		if (at || shift == 0 || n->mode >> shift & 7)
			line[at++] = digits[n->mode >> shift & 7];
	line[at++] = ' ';
	for (size_t i = 0; n->hashed && i < sizeof n->sha; i++) {
		line[at++] = digits[n->sha[i] >> 4];
		line[at++] = digits[n->sha[i] & 15];
	}
	if (!n->hashed)
		line[at++] = '-';
	str_addn(out, line, at);
	if (n->text) {
		str_addc(out, '>');
		str_add(out, n->text);
	}
	str_addc(out, ' ');
	str_add(out, n->path);
	str_addc(out, '\n');
}

void copy_plan_list(const struct copy_plan *p, struct str *out)
{
	for (size_t k = 0; k < p->nitems; k++) {
		const struct copy_item *i = &p->items[k];
		struct digest d;
		if (i->kind == COPY_GIT)
			str_addf(out, "40000 %s %s\n", i->git->commit, i->word);
		else if (i->kind == COPY_FETCH)
			str_addf(out, "100600 %s %s\n", i->digest.hex, i->word);
		else if (i->kind == COPY_TEXT &&
			 hash_bytes(i->text->text, i->text->len, &d, NULL) == 0)
			str_addf(out, "100644 %s <<%s\n", d.hex, i->word);
		for (size_t n = 0; n < i->n; n++)
			list_entry(&p->v[i->first + n], out);
	}
}

static int prepare_git(const struct home *h, const struct copy_job *job, struct copy_item *i,
		       struct err *e)
{
	char commit[GIT_COMMIT];

	say(job, "fetching", i->word);
	int r = home_tmp_make(h, NULL, &i->tmp, e);
	if (r < 0)
		return r;
	if (mkdirat(i->tmp.fd, "git", 0755) < 0)
		return err_set(e, errno, "make a directory for %s", i->word);
	autoclose int dir = openat(i->tmp.fd, "git", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? err_set(e, errno, "open a directory for %s", i->word)
		    : git_checkout(i->git, dir, i->git->keep_git_dir > 0, commit, e);
	if (r < 0)
		return r;
	const char *sub = str_is_empty(i->git->subdir) ? "." : i->git->subdir;
	i->root = path_open_in_root(dir, sub, O_RDONLY | O_DIRECTORY, 0);
	if (i->root < 0)
		return err_set(e, i->root, "open %s of %s", sub, i->word);
	i->below = xcalloc(1, sizeof *i->below);
	struct ignore *exclude = NULL;
	r = job->exclude.n ? ignore_new(&job->exclude, &exclude, e) : 0;
	struct copy_find f = {.job = job, .plan = i->below, .root = i->root, .exclude = exclude};
	struct copy_item *all = copy_add_item(i->below);
	all->dir = true;
	all->word = all->name = i->word;
	all->root = i->root;
	if (r == 0)
		r = copy_walk(&f, i->root, "", 0, 0, e);
	i->below->items[0].n = i->below->n;
	ignore_free(exclude);
	return r;
}

int copy_prepare(const struct home *h, const struct copy_job *job, const struct copy_plan *p,
		 struct err *e)
{
	struct digest d;
	int r = 0;

	for (size_t k = 0; r == 0 && k < p->nitems; k++) {
		struct copy_item *i = &p->items[k];
		if (i->kind == COPY_GIT) {
			r = prepare_git(h, job, i, e);
		} else if (i->kind == COPY_FETCH && i->fd < 0) {
			say(job, "fetching", i->word);
			i->fd = home_tmp_file(h, e);
			r = i->fd < 0 ? i->fd : fetch_url(i->word, i->fd, &i->digest, &d, e);
		}
	}
	return r;
}

void copy_prepare_drop(const struct home *h, const struct copy_plan *p)
{
	for (size_t k = 0; k < p->nitems; k++) {
		struct copy_item *i = &p->items[k];
		if (i->kind != COPY_GIT)
			continue;
		fd_close(&i->root);
		home_tmp_drop(h, &i->tmp);
		copy_plan_free(h, i->below);
		free(i->below);
		i->below = NULL;
	}
}
