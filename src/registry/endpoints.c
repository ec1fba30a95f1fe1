#include <sys/mman.h>

#include "base/base.h"
#include "base/parse.h"
#include "registry/endpoints.h"
#include "state/registries_conf.h"

static const struct bind_field mirror_fields[] = {
	{"location", BIND_STR, offsetof(struct registry_mirror, location), .flags = BIND_REQUIRED},
	{"insecure", BIND_BOOL, offsetof(struct registry_mirror, insecure)},
	{"pull-from-mirror", BIND_STR, offsetof(struct registry_mirror, pull_from)},
	{0},
};

static const struct bind_field entry_fields[] = {
	{"prefix", BIND_STR, offsetof(struct registry_entry, prefix)},
	{"location", BIND_STR, offsetof(struct registry_entry, location)},
	{"insecure", BIND_BOOL, offsetof(struct registry_entry, insecure)},
	{"blocked", BIND_BOOL, offsetof(struct registry_entry, blocked)},
	{"mirror-by-digest-only", BIND_BOOL, offsetof(struct registry_entry, by_digest_only)},
	{"mirror", BIND_LIST, offsetof(struct registry_entry, mirrors), mirror_fields,
	 sizeof(struct registry_mirror)},
	{0},
};

struct conf {
	struct bind_list entries; /* registry */
	struct strs search;
	const char *mode;
	struct pairs aliases; /* read here for their types only */
};

static const struct bind_field conf_fields[] = {
	{"registry", BIND_LIST, offsetof(struct conf, entries), entry_fields,
	 sizeof(struct registry_entry)},
	{"unqualified-search-registries", BIND_STRS, offsetof(struct conf, search)},
	{"short-name-mode", BIND_STR, offsetof(struct conf, mode)},
	{"aliases", BIND_PAIRS, offsetof(struct conf, aliases)},
	{0},
};

/* ---- reading */

/* HOST[:PORT][/PATH] without final slashes. path: a path may follow. */
static int check_location(struct arena *a, const char *file, const char *what, bool path,
			  const char **text, struct err *e)
{
	struct reference r;
	char *s = arena_strdup(a, *text);
	size_t n = strlen(s);

	while (n && s[n - 1] == '/')
		s[--n] = 0;
	*text = s;
	if (strstr(s, "://"))
		return registries_bad(e, "%s: the %s \"%.100s\" must not begin with a scheme", file,
				      what, s);
	/* The path may be any beginning of a repository; the registry's form is that of names. */
	if (ref_parse(a, arena_printf(a, "%s/x", s), &r, NULL) < 0 || !r.registry ||
	    (!path && strchr(s, '/')))
		return registries_bad(e, "%s: the %s \"%.100s\" is not of the form %s", file, what,
				      s, path ? "HOST[:PORT][/PATH]" : "HOST[:PORT]");
	return 0;
}

/* Of a prefix only what no name can begin with is refused: it may end in a tag or a digest. */
static int check_prefix(struct arena *a, const char *file, struct registry_entry *n, struct err *e)
{
	if (str_starts(n->prefix, "*.")) {
		if (n->prefix[2] && !strchr(n->prefix + 1, '*') && !strchr(n->prefix, '/'))
			return 0;
		return registries_bad(e, "%s: the prefix \"%.100s\" is not of the form *.DOMAIN",
				      file, n->prefix);
	}
	if (!n->location)
		return registries_bad(e, "%s: the entry with the prefix \"%.100s\" has no location",
				      file, n->prefix);
	char *s = arena_strdup(a, n->prefix);
	for (size_t k = strlen(s); k && s[k - 1] == '/';)
		s[--k] = 0;
	n->prefix = s;
	if (*s && !strstr(s, "://"))
		return 0;
	return registries_bad(e, "%s: the prefix \"%.100s\" is no beginning of a name", file, s);
}

static int check_mirror(struct registries *c, const struct registry_entry *n,
			struct registry_mirror *m, struct err *e)
{
	static const char *const uses[] = {"all", "digest-only", "tag-only"};
	int r = check_location(&c->arena, n->from, "mirror", true, &m->location, e);

	if (r < 0 || str_is_empty(m->pull_from))
		return r;
	if (n->by_digest_only)
		return registries_bad(e,
				      "%s: %s has mirror-by-digest-only, and pull-from-mirror "
				      "for its mirror %s: one of both may be there",
				      n->from, n->prefix, m->location);
	for (size_t i = 0; i < countof(uses); i++) {
		if (strcmp(m->pull_from, uses[i]))
			continue;
		m->use = (enum mirror_use)i;
		return 0;
	}
	return registries_bad(e,
			      "%s: pull-from-mirror is all, digest-only or tag-only, not "
			      "\"%.60s\"",
			      n->from, m->pull_from);
}

static int check_entry(struct registries *c, struct registry_entry *n, struct err *e)
{
	struct registry_mirror *m = n->mirrors.v;
	int r = 0;

	n->location = str_is_empty(n->location) ? NULL : n->location;
	n->prefix = str_is_empty(n->prefix) ? n->location : n->prefix;
	if (!n->prefix)
		return registries_bad(
			e, "%s: an entry [[registry]] has neither prefix nor location", n->from);
	if (n->location)
		r = check_location(&c->arena, n->from, "location", true, &n->location, e);
	if (r == 0)
		r = check_prefix(&c->arena, n->from, n, e);
	for (size_t i = 0; i < n->mirrors.n && r == 0; i++)
		r = check_mirror(c, n, &m[i], e);
	return r;
}

/* An entry takes the place of an earlier one with the same prefix. */
static void put_entry(struct registries *c, const struct registry_entry *n)
{
	struct registry_entry *v = c->entries.v;

	for (size_t i = 0; i < c->entries.n; i++) {
		if (strcmp(v[i].prefix, n->prefix))
			continue;
		v[i] = *n;
		return;
	}
	*(struct registry_entry *)bind_append(&c->arena, &c->entries, sizeof *n) = *n;
}

static int take_mode(struct registries *c, const char *file, const char *mode, struct err *e)
{
	static const char *const modes[] = {"", "permissive", "disabled", "enforcing"};

	for (size_t i = 0; i < countof(modes); i++) {
		if (strcmp(mode, modes[i]))
			continue;
		c->enforcing = i ? i == 3 : c->enforcing;
		return 0;
	}
	return registries_bad(e,
			      "%s: short-name-mode is enforcing, permissive or disabled, not "
			      "\"%.60s\"",
			      file, mode);
}

/* The form that this file had until 2019: [registries.search] and its kin. */
static int refuse_old(const struct conf_file *f, struct err *e)
{
	const struct json *old = json_get(f->doc, "registries");

	if (!old || old->type != JSON_OBJ)
		return 0;
	registries_bad(e,
		       "%s:%d: [registries.search], [registries.insecure] and [registries.block] "
		       "are of the first version of this file, which is not read any more",
		       f->path, old->line);
	return err_hint(e,
			"write unqualified-search-registries = [\"HOST\"], and [[registry]] with "
			"location = \"HOST\" and insecure or blocked = true");
}

static int take_file(struct registries *c, const struct conf_file *f, struct err *e)
{
	struct conf conf = {0};
	int r = refuse_old(f, e);

	if (r < 0)
		return r;
	r = bind_read(conf_fields, &conf, f->doc, f->path, &c->arena, e);
	if (r < 0) {
		e->id = ERR_REGISTRIES_CONF;
		return err_hint(e, "containers-registries.conf(5) says what may stand there");
	}
	struct registry_entry *n = conf.entries.v;
	for (size_t i = 0; i < conf.entries.n && r == 0; i++) {
		n[i].from = f->path;
		r = check_entry(c, &n[i], e);
		if (r == 0)
			put_entry(c, &n[i]);
	}
	for (size_t i = 0; i < conf.search.n && r == 0; i++)
		r = check_location(&c->arena, f->path, "registry to search", false,
				   &conf.search.v[i], e);
	if (r == 0 && json_get(f->doc, "unqualified-search-registries"))
		c->search = conf.search;
	return r < 0 || !conf.mode ? r : take_mode(c, f->path, conf.mode, e);
}

/* Every mirror gets a place of its own to be remembered in. */
static int number_mirrors(struct registries *c, struct err *e)
{
	struct registry_entry *n = c->entries.v;
	size_t slots = 0;

	for (size_t i = 0; i < c->entries.n; i++) {
		struct registry_mirror *m = n[i].mirrors.v;
		for (size_t k = 0; k < n[i].mirrors.n; k++)
			m[k].slot = slots++;
	}
	if (slots > REGISTRIES_MAX_MIRRORS)
		return registries_bad(e, "registries.conf names %zu mirrors, more than %d", slots,
				      REGISTRIES_MAX_MIRRORS);
	if (!slots)
		return 0;
	c->dead = mmap(NULL, REGISTRIES_MAX_MIRRORS, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->dead != MAP_FAILED)
		return 0;
	c->dead = NULL;
	return err_set(e, errno, "share memory");
}

int registries_load(struct registries *c, struct err *e)
{
	if (c->loaded)
		return 0;
	int r = registries_files(&c->arena, &c->files, e);
	const struct conf_file *f = c->files.v;
	for (size_t i = 0; i < c->files.n && r == 0; i++)
		r = take_file(c, &f[i], e);
	if (r == 0)
		r = number_mirrors(c, e);
	if (r < 0)
		registries_free(c);
	c->loaded = r == 0;
	return r;
}

/* ---- what did not answer a moment ago: lines "TIME LOCATION" */

static const char dead_file[] = "dead-mirrors";
enum { DEAD_S = 20, MAX_DEAD_FILE = 64 << 10 };

/* Calls fn for each mirror. */
static void each_mirror(const struct registries *c,
			void (*fn)(const struct registries *c, const struct registry_mirror *m,
				   void *arg),
			void *arg)
{
	const struct registry_entry *n = c->entries.v;

	for (size_t i = 0; i < c->entries.n; i++)
		for (size_t k = 0; k < n[i].mirrors.n; k++)
			fn(c, (const struct registry_mirror *)n[i].mirrors.v + k, arg);
}

struct recalled {
	const char *location;
	int64_t until;
};

static void recall_one(const struct registries *c, const struct registry_mirror *m, void *arg)
{
	const struct recalled *r = arg;

	if (strcmp(m->location, r->location) != 0)
		return;
	c->dead[m->slot] = true;
	c->until[m->slot] = r->until;
}

void registries_recall(struct registries *c, int dir)
{
	scoped(str) text = {0};
	scoped(strv) lines = {0};
	int64_t now = time_now().tv_sec;

	if (!c->dead || c->until)
		return;
	c->until = arena_alloc(&c->arena, REGISTRIES_MAX_MIRRORS * sizeof *c->until);
	if (fd_read_file_at(dir, dead_file, &text, MAX_DEAD_FILE) < 0)
		return;
	strv_split(&lines, str_cstr(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *blank = strchr(lines.v[i], ' ');
		uint64_t until;
		if (!blank)
			continue;
		*blank = 0;
		if (parse_u64(lines.v[i], INT64_MAX, &until) < 0 || (int64_t)until <= now ||
		    (int64_t)until > now + DEAD_S)
			continue;
		each_mirror(c, recall_one, &(struct recalled){blank + 1, (int64_t)until});
	}
}

struct remembering {
	struct str text;
	int64_t now;
	bool news;
};

static void remember_one(const struct registries *c, const struct registry_mirror *m, void *arg)
{
	struct remembering *r = arg;
	int64_t until = c->until ? c->until[m->slot] : 0;

	if (!c->dead[m->slot])
		return;
	r->news |= !until;
	str_addf(&r->text, "%" PRId64 " %s\n", until ?: r->now + DEAD_S, m->location);
}

void registries_remember(const struct registries *c, int dir)
{
	struct remembering r = {.now = time_now().tv_sec};

	if (c->dead)
		each_mirror(c, remember_one, &r);
	if (r.news)
		fd_replace_at(dir, dead_file, r.text.s, r.text.len, 0600, false);
	str_free(&r.text);
}

void registries_free(struct registries *c)
{
	if (c->dead)
		munmap(c->dead, REGISTRIES_MAX_MIRRORS);
	arena_free(&c->arena);
	*c = (struct registries){0};
}

/* ---- finding */

/* How much of a name a prefix covers; 0: it does not fit. A host alone does not fit the same host with a port. */
static size_t covers(const char *name, const char *prefix)
{
	bool any = str_starts(prefix, "*.");
	const char *s = name, *slash = strchr(name, '/');

	if (any) { /* the first place in the host where the rest of the prefix stands whole */
		size_t k = strlen(prefix + 1);
		for (s = strstr(name + 1, prefix + 1); s && s < slash;
		     s = strstr(s + 1, prefix + 1))
			if (strchr(":/", s[k]))
				return (size_t)(s - name) + k;
		return 0;
	}
	size_t n = strlen(prefix);
	if (strncmp(name, prefix, n))
		return 0;
	const char *ends = strchr(prefix, '/') ? "/:@" : "/";
	return !name[n] || strchr(ends, name[n]) ? n : 0;
}

static const struct registry_entry *find_entry(const struct registries *c, const char *name,
					       size_t *ret_covered)
{
	const struct registry_entry *v = c->entries.v, *best = NULL;

	for (size_t i = 0; i < c->entries.n; i++) {
		size_t n = covers(name, v[i].prefix);
		if (!n || (best && strlen(v[i].prefix) <= strlen(best->prefix)))
			continue;
		best = &v[i];
		*ret_covered = n;
	}
	return best;
}

const struct registry_entry *registries_entry(const struct registries *c,
					      const struct reference *full)
{
	scoped(arena) a = {0};
	size_t covered;

	return c ? find_entry(c, ref_text(&a, full), &covered) : NULL;
}

static int refuse_blocked(const struct registry_entry *n, const char *name, struct err *e)
{
	err_fail_code(e, ERR_REGISTRY_BLOCKED, EACCES, "%.60s is not asked for: it is blocked",
		      name);
	return err_hint(e, "%s says blocked = true below prefix = \"%s\"", n->from, n->prefix);
}

int registries_allowed(const struct registries *c, const struct reference *full, bool *ret_insecure,
		       struct err *e)
{
	scoped(arena) a = {0};
	const struct registry_entry *n = registries_entry(c, full);

	*ret_insecure = n && n->insecure;
	return n && n->blocked ? refuse_blocked(n, ref_text(&a, full), e) : 0;
}

/* The name under another location: covered bytes of it are replaced. */
static int add_endpoint(const struct registries *c, const struct registry_entry *n,
			const char *location, const char *name, size_t covered, bool insecure,
			struct arena *a, struct endpoints *ret, struct err *e)
{
	struct endpoint *p = &ret->v[ret->n++];
	const char *text = location ? arena_printf(a, "%s%s", location, name + covered) : name;
	struct err why = {0};

	if (ref_parse(a, text, &p->ref, &why) < 0 || !p->ref.registry)
		return registries_bad(e,
				      "%s: with the location %s the name %s becomes \"%.150s\", "
				      "which is none",
				      n->from, location, name, text);
	const struct registry_entry *own = registries_entry(c, &p->ref);
	p->insecure = insecure || (own && own->insecure);
	return 0;
}

static bool serves(const struct registry_entry *n, const struct registry_mirror *m, bool digest)
{
	if (n->by_digest_only || m->use == MIRROR_BY_DIGEST)
		return digest;
	return m->use == MIRROR_ALL || !digest;
}

int registries_endpoints(const struct registries *c, const struct reference *full, struct arena *a,
			 struct endpoints *ret, struct err *e)
{
	const char *name = ref_text(a, full);
	size_t covered = 0;
	const struct registry_entry *n = c ? find_entry(c, name, &covered) : NULL;
	size_t mirrors = n ? n->mirrors.n : 0;
	const struct registry_mirror *m = n ? n->mirrors.v : NULL;
	int r = 0;

	*ret = (struct endpoints){arena_alloc(a, (mirrors + 1) * sizeof *ret->v), 0};
	if (!n) {
		ret->v[ret->n++] = (struct endpoint){.ref = *full};
		return 0;
	}
	if (n->blocked)
		return refuse_blocked(n, name, e);
	for (size_t i = 0; i < mirrors && r == 0; i++) {
		if (!serves(n, &m[i], full->digest))
			continue;
		r = add_endpoint(c, n, m[i].location, name, covered, m[i].insecure, a, ret, e);
		ret->v[ret->n - 1].dead = &c->dead[m[i].slot];
	}
	if (r == 0)
		r = add_endpoint(c, n, n->location, name, covered, n->insecure, a, ret, e);
	return r;
}

/* ---- short names */

static int take_alias(const struct reference *name, const char *full, const char *from,
		      struct arena *a, struct reference *ret, struct err *e)
{
	if (ref_parse(a, full, ret, NULL) < 0 || !ret->registry || ret->tag || ret->digest)
		return registries_bad(e,
				      "%s: the alias %s stands for \"%.150s\", which is no full "
				      "name without tag",
				      from, name->repository, full);
	ret->tag = name->tag;
	ret->digest = name->digest;
	return 0;
}

static int refuse_ambiguous(const struct registries_names *l, const char *text, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) names = {0};

	for (size_t i = 0; i < l->n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", ref_text(&a, &l->v[i]));
	err_fail(e, ERR_SHORT_NAME, "%s may be any of %s", text, str_cstr(&names));
	return err_hint(e, "write the full name, or give the short one an alias in "
			   "registries.conf: its short-name-mode is enforcing");
}

int registries_complete(const struct registries *c, const struct reference *name, struct arena *a,
			struct registries_names *ret, struct err *e)
{
	const char *full, *from;
	size_t n = c->search.n ?: 1;

	*ret = (struct registries_names){arena_alloc(a, n * sizeof *ret->v), 0};
	if (name->registry) {
		ret->v[ret->n++] = *name;
		return 0;
	}
	int r = registries_alias(a, &c->files, name->repository, &full, &from, e);
	if (r < 0)
		return r;
	if (full)
		return take_alias(name, full, from, a, &ret->v[ret->n++], e);
	for (size_t i = 0; i < n; i++)
		ret->v[ret->n++] =
			ref_complete(a, name, c->search.n ? c->search.v[i] : "docker.io");
	return c->enforcing && n > 1 ? refuse_ambiguous(ret, ref_text(a, name), e) : 0;
}
