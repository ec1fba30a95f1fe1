#include "base/base.h"
#include "sys/cgroup.h"
#include "sys/cgroup_tree.h"

enum { FILE_MAX = 16 << 20 };

bool cgroup_name_has(const char *name, const char *controller)
{
	size_t n = strlen(controller);

	for (const char *p = name;; p++) {
		size_t k = strcspn(p, ",");
		if (k == n && !strncmp(p, controller, n))
			return true;
		p += k;
		if (!*p)
			return false;
	}
}

const char *cgroup_path_in(const char *text, const char *name, size_t *ret_n)
{
	size_t n = strlen(name);

	for (const char *p = text; *p;) {
		const char *line = p, *names = line + strspn(line, "0123456789");
		p += strcspn(p, "\n");
		size_t len = (size_t)(p - line);
		p += *p == '\n';
		if (*names != ':' || strncmp(names + 1, name, n) != 0 || names[1 + n] != ':')
			continue;
		*ret_n = len - (size_t)(names + n + 2 - line);
		return names + n + 2;
	}
	return NULL;
}

/* A field of mountinfo, in which blanks are written as octal numbers. */
static char *unescaped(struct arena *a, const char *s, size_t n)
{
	char *out = arena_strndup(a, s, n), *to = out;

	for (const char *p = out; *p; p++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
		    p[3] >= '0' && p[3] <= '7') {
			*to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = 0;
	return out;
}

struct mount {
	char *root, *point, *options;
	bool v1;
};

/* "36 35 98:0 /root /point rw,noatime master:1 - cgroup source rw,memory" */
static bool parse_mount(struct arena *a, const char *line, size_t n, struct mount *ret)
{
	const char *field[5], *end = line + n, *p = line;
	size_t len[5];

	for (size_t i = 0; i < countof(field); i++) {
		field[i] = p;
		len[i] = strcspn(p, " \n");
		p += len[i];
		if (*p != ' ')
			return false;
		p++;
	}
	const char *dash = memmem(p, (size_t)(end - p), " - cgroup", 9);
	if (!dash)
		return false;
	p = dash + 9;
	ret->v1 = *p == ' ';
	if (!ret->v1 && strncmp(p, "2 ", 2) != 0)
		return false;
	p += ret->v1 ? 1 : 2;
	p += strcspn(p, " \n"); /* the source */
	if (*p != ' ')
		return false;
	ret->root = unescaped(a, field[3], len[3]);
	ret->point = unescaped(a, field[4], len[4]);
	ret->options = arena_strndup(a, p + 1, strcspn(p + 1, "\n"));
	return true;
}

/* All names of the hierarchy stand among the mount's options. */
static bool is_of(const struct mount *m, const char *names, size_t n)
{
	char one[64];

	if (!n)
		return !m->v1;
	for (size_t at = 0; at <= n;) {
		size_t k = 0;
		while (at + k < n && names[at + k] != ',')
			k++;
		if (!m->v1 || k >= sizeof one)
			return false;
		memcpy(one, names + at, k);
		one[k] = 0;
		if (!cgroup_name_has(m->options, one))
			return false;
		at += k + 1;
	}
	return true;
}

static const char *below_root(const struct mount *m, const char *path)
{
	size_t n = strlen(m->root);

	if (!strcmp(m->root, "/"))
		return path;
	if (strncmp(path, m->root, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n : "/";
}

static void add(struct arena *a, struct cgroup_tree *t, const struct mount *m, const char *cgroup)
{
	for (const char *p = cgroup; *p;) {
		const char *line = p, *names = strchr(line, ':');
		p += strcspn(p, "\n");
		const char *end = p;
		p += *p == '\n';
		if (!names || names > end)
			continue;
		names++;
		size_t n = strcspn(names, ":\n");
		if (names[n] != ':' || !is_of(m, names, n))
			continue;
		const char *path = arena_strndup(a, names + n + 1, (size_t)(end - names) - n - 1);
		const char *name = arena_strndup(a, names, n);
		/* The first mount of a hierarchy counts. */
		for (size_t i = 0; i < t->n; i++)
			if (!strcmp(t->v[i].name, name))
				return;
		if (t->n < CGROUP_HIERARCHIES_MAX && !str_starts(path, "/.."))
			t->v[t->n++] =
				(struct cgroup_hierarchy){name, m->point, below_root(m, path)};
		return;
	}
}

int cgroup_tree_parse(struct arena *a, const char *cgroup, const char *mountinfo,
		      struct cgroup_tree *ret)
{
	*ret = (struct cgroup_tree){0};
	for (const char *p = mountinfo; *p;) {
		struct mount m;
		size_t n = strcspn(p, "\n");
		if (parse_mount(a, p, n, &m))
			add(a, ret, &m, cgroup);
		p += n;
		p += *p == '\n';
	}
	ret->v2 = ret->n == 1 && !*ret->v[0].name;
	return ret->n ? 0 : -ENOENT;
}

int cgroup_tree_read(struct arena *a, struct cgroup_tree *ret)
{
	scoped(str) cgroup = {0};
	scoped(str) mounts = {0};
	int r = fd_read_file_at(AT_FDCWD, "/proc/self/cgroup", &cgroup, FILE_MAX);

	if (r < 0)
		return r;
	if (cgroup_is_v2()) { /* the mount table need not be read, which may be long */
		size_t n;
		const char *own = cgroup_path_in(str_cstr(&cgroup), "", &n);
		*ret = (struct cgroup_tree){.n = 1, .v2 = true};
		ret->v[0] = (struct cgroup_hierarchy){
			"", CGROUP_MOUNT,
			own && !str_starts(own, "/..") ? arena_strndup(a, own, n) : NULL};
		return 0;
	}
	r = fd_read_file_at(AT_FDCWD, "/proc/self/mountinfo", &mounts, FILE_MAX);
	return r < 0 ? r : cgroup_tree_parse(a, str_cstr(&cgroup), str_cstr(&mounts), ret);
}
