/* RUN --mount: KEY=VALUE, separated by commas; a field in double quotes may hold commas. Values may hold variables. */
#include "base/base.h"
#include "base/parse.h"
#include "build/job.h"

enum { MAX_FIELDS = 64 };

struct reading {
	struct step *j;
	struct run_mount *m;
	const char *from;
	bool has_ro, ro;
};

static int bad(struct err *e, const char *text, const char *why)
{
	return err_fail(e, ERR_DOCKERFILE, "RUN --mount=%.120s: %s", text, why);
}

/* The next field; NULL at the end. */
static const char *next_field(struct arena *a, const char **at)
{
	const char *p = *at;
	scoped(str) s = {0};
	bool quoted = *p == '"';

	if (!*p)
		return NULL;
	for (p += quoted; *p; p++) {
		if (quoted && *p == '"') {
			if (p[1] != '"') {
				quoted = false;
				continue;
			}
			p++;
		} else if (!quoted && *p == ',') {
			break;
		}
		str_addc(&s, *p);
	}
	*at = *p ? p + 1 : p;
	return arena_strdup(a, str_cstr(&s));
}

static int set_kind(struct run_mount *m, const char *v)
{
	static const char *const names[] = {
		[RUN_BIND] = "bind",	 [RUN_CACHE] = "cache", [RUN_TMPFS] = "tmpfs",
		[RUN_SECRET] = "secret", [RUN_SSH] = "ssh",
	};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(v, names[i])) {
			m->kind = (enum run_mount_kind)i;
			return 0;
		}
	return -EINVAL;
}

static int set_sharing(struct run_mount *m, const char *v)
{
	static const char *const names[] = {[SHARING_SHARED] = "shared",
					    [SHARING_PRIVATE] = "private",
					    [SHARING_LOCKED] = "locked"};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(v, names[i])) {
			m->sharing = (enum run_sharing)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_octal(const char *v, int64_t *ret)
{
	char *end;
	long n = strtol(v, &end, 8);

	if (end == v || *end || n < 0 || n > 07777)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* "yes" words: readonly, readonly=true, readonly=false. */
static int truth(const char *v, bool *ret)
{
	static const char *const yes[] = {"true", "1", "yes"}, *const no[] = {"false", "0", "no"};

	*ret = !v;
	for (size_t i = 0; v && i < countof(yes); i++) {
		if (!strcasecmp(v, yes[i]))
			return *ret = true, 0;
		if (!strcasecmp(v, no[i]))
			return 0;
	}
	return v ? -EINVAL : 0;
}

/* One of KEY and KEY=VALUE that has no value to keep as text. */
static int set_word(struct reading *r, const char *k, const char *v)
{
	static const char *const options[] = {"nosuid",
					      "nodev",
					      "noexec",
					      "suid",
					      "dev",
					      "exec",
					      "z",
					      "Z",
					      "U",
					      "shared",
					      "rshared",
					      "slave",
					      "rslave",
					      "private",
					      "rprivate",
					      "chown",
					      "bind-nonrecursive",
					      "no-dereference"};
	struct run_mount *m = r->m;
	bool yes;

	if (!strcmp(k, "readonly") || !strcmp(k, "ro") || !strcmp(k, "readwrite") ||
	    !strcmp(k, "rw")) {
		if (truth(v, &yes) < 0)
			return -EINVAL;
		r->has_ro = true;
		r->ro = (k[0] == 'r' && (!strcmp(k, "ro") || !strcmp(k, "readonly"))) == yes;
		return 0;
	}
	if (!strcmp(k, "required"))
		return truth(v, &m->required);
	if (!strcmp(k, "relabel"))
		return 0; /* SELinux: nothing to do, as with z */
	if (!strcmp(k, "bind-propagation") && v)
		k = v, v = NULL;
	for (size_t i = 0; i < countof(options); i++) {
		if (strcmp(k, options[i]) != 0)
			continue;
		if (truth(v, &yes) < 0)
			return -EINVAL;
		if (yes)
			strs_add(&r->j->a, &m->options, k);
		return 0;
	}
	return -ENOENT;
}

static int set_value(struct reading *r, const char *k, const char *v)
{
	struct run_mount *m = r->m;

	if (!strcmp(k, "type"))
		return set_kind(m, v);
	if (!strcmp(k, "target") || !strcmp(k, "dst") || !strcmp(k, "destination"))
		return m->target = v, *v ? 0 : -EINVAL;
	if (!strcmp(k, "source") || !strcmp(k, "src"))
		return m->source = v, 0;
	if (!strcmp(k, "from"))
		return r->from = v, *v ? 0 : -EINVAL;
	if (!strcmp(k, "id"))
		return m->id = v, *v ? 0 : -EINVAL;
	if (!strcmp(k, "env"))
		return m->env = v, *v && !strchr(v, '=') ? 0 : -EINVAL;
	if (!strcmp(k, "sharing"))
		return set_sharing(m, v);
	if (!strcmp(k, "size"))
		return parse_size(v, &m->size);
	if (!strcmp(k, "mode"))
		return parse_octal(v, &m->mode);
	if (!strcmp(k, "uid"))
		return parse_i64(v, 0, INT32_MAX, &m->uid);
	if (!strcmp(k, "gid"))
		return parse_i64(v, 0, INT32_MAX, &m->gid);
	return -ENOENT;
}

static int read_fields(struct reading *r, const char *text, struct err *e)
{
	struct step *j = r->j;
	const char *at = text, *field;

	for (int n = 0; (field = next_field(&j->a, &at)); n++) {
		size_t klen = strcspn(field, "=");
		const char *k = arena_strndup(&j->a, field, klen);
		const char *v = field[klen] ? field + klen + 1 : NULL;
		int x = n < MAX_FIELDS ? 0 : -E2BIG;
		if (x == 0 && v)
			x = scope_word(&j->stage->scope, j->i, v, &v, e);
		if (x < 0)
			return x == -E2BIG ? bad(e, text, "it has too many fields") : x;
		v = arena_strdup(&j->a, v);
		x = set_word(r, k, v);
		if (x == -ENOENT && v)
			x = set_value(r, k, v);
		if (x < 0) {
			bad(e, text,
			    arena_printf(&j->a,
					 x == -ENOENT ? "\"%.60s\" is no key of a mount"
						      : "\"%.60s\" has no such value",
					 field));
			return err_hint(e, "as in --mount=type=cache,target=/root/.cache; types: "
					   "bind, cache, tmpfs, secret, ssh");
		}
	}
	return 0;
}

/* What each kind has when nothing is said, and what does not go together. */
static int complete(struct reading *r, const char *text, struct err *e)
{
	struct run_mount *m = r->m;
	struct arena *a = &r->j->a;

	m->readonly = r->has_ro ? r->ro : m->kind == RUN_BIND;
	m->to_file = m->kind == RUN_SECRET && (m->target || !m->env);
	if (m->env && m->kind != RUN_SECRET)
		return bad(e, text, "env belongs to secrets");
	if (m->kind == RUN_SECRET) {
		if (!m->id)
			m->id = m->source ? m->source : m->target;
		if (!m->id)
			return bad(e, text, "a secret needs an id");
		const char *base = strrchr(m->id, '/');
		if (m->to_file && !m->target)
			m->target = arena_printf(a, "/run/secrets/%s", base ? base + 1 : m->id);
	} else if (m->kind == RUN_SSH) {
		m->id = m->id ? m->id : "default";
	}
	if (m->kind < RUN_SECRET && !m->target)
		return bad(e, text, "it has no target");
	if (r->from && m->kind != RUN_BIND && m->kind != RUN_CACHE)
		return bad(e, text, "from belongs to bind and cache");
	if (m->kind == RUN_CACHE && !m->id)
		m->id = m->target;
	if (m->kind == RUN_CACHE) {
		const char *ns = pairs_get(&r->j->stage->b->o->args, "BUILDKIT_CACHE_MOUNT_NS");
		if (ns)
			m->id = arena_printf(a, "%s/%s", ns, m->id);
	}
	if (!m->source)
		m->source = "";
	return 0;
}

int job_mount(struct step *j, const char *text, struct stage **ret_wait, struct err *e)
{
	struct run_mount *m = bind_append(&j->a, &j->run.mounts, sizeof *m);
	size_t n = j->run.mounts.n;
	struct reading rd = {.j = j, .m = m};

	m->mode = -1;
	int r = read_fields(&rd, text, e);
	if (r == 0)
		r = complete(&rd, text, e);
	if (r == 0 && (m->kind == RUN_BIND || (m->kind == RUN_CACHE && rd.from)))
		r = build_source(j->stage, j->i, rd.from, &m->from, ret_wait, e);
	if (r < 0 || *ret_wait)
		return r;
	job_input(j, arena_printf(&j->a, "mount %zu", n), "%s", text);
	if (m->from.layers) {
		scoped(str) all = {0};
		for (size_t i = 0; i < m->from.layers->n; i++)
			str_addf(&all, "%s ", m->from.layers->v[i]);
		job_input(j, arena_printf(&j->a, "mount %zu from", n), "%s", str_cstr(&all));
	} else if (m->from.context && m->kind == RUN_BIND) {
		struct copy_job c = {.from = m->from, .to = "/", .workdir = "/", .unpack = -1};
		struct copy_plan *plan;
		strs_add(&j->a, &c.sources, *m->source ? m->source : ".");
		r = job_files(j, arena_printf(&j->a, "mount %zu files", n), &c, &plan, e);
		if (r == 0)
			copy_plan_free(j->stage->b->h, plan);
	}
	return r;
}
