/*
 * How it works: a word is cleaned as if the root were "/", so ".." never leaves it. Its part before the first wildcard is followed through links, inside of the root; each further part
 * is matched against the names of a directory, without following. What matches at the end is followed again, as BuildKit has it: COPY of a link copies what it leads
 * to, under the link's name. Links below are copied as links. With --parents nothing is followed behind the pivot, and what matches keeps its directories.
 */
#include "base/base.h"
#include "build/copy_impl.h"

enum { READ_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct copy_item *copy_add_item(struct copy_plan *p)
{
	p->items = xrealloc(p->items, (p->nitems + 1) * sizeof *p->items);
	struct copy_item *i = &p->items[p->nitems++];
	*i = (struct copy_item){.root = -1, .fd = -1, .tmp = {.fd = -1}, .first = p->n};
	return i;
}

static bool is_wild(const char *s)
{
	for (; *s; s++) {
		if (*s == '*' || *s == '?' || *s == '[')
			return true;
		if (*s == '\\' && s[1])
			s++;
	}
	return false;
}

/* The path below the root that the descriptor has. 0 or -errno. */
static int path_of(int root, int fd, char *to, size_t size)
{
	char link[40], base[PATH_MAX], path[2 * PATH_MAX];

	snprintf(link, sizeof link, "/proc/self/fd/%d", root);
	ssize_t n = readlink(link, base, sizeof base - 1);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t k = readlink(link, path, sizeof path - 1);
	if (n <= 0 || k <= 0)
		return n < 0 || k < 0 ? -errno : -EIO;
	path[k] = 0;
	if (n == 1) /* "/" */
		n = 0;
	if (k < n || memcmp(path, base, (size_t)n) != 0 || (path[n] && path[n] != '/'))
		return -ESTALE;
	const char *rest = path + n + (path[n] == '/');
	if (strlen(rest) >= size)
		return -ENAMETOOLONG;
	memcpy(to, rest, strlen(rest) + 1);
	return 0;
}

/* Follows the path inside the root: where it ends, and what is there. 0 or -errno. */
static int resolve(int root, const char *path, char to[static PATH_MAX], struct stat *st)
{
	autoclose int fd = path_open_in_root(root, *path ? path : ".", O_PATH, 0);

	if (fd < 0)
		return fd;
	return fstat(fd, st) < 0 ? -errno : path_of(root, fd, to, PATH_MAX);
}

/* Opens a directory by its resolved path. */
static int open_dir(int root, const char *path)
{
	return path_open_beneath(root, *path ? path : ".", READ_DIR, 0);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The name next to the one that is missing, and whether the ignore file is to blame. */
static int missing(const struct copy_find *f, const char *word, const char *path, int code,
		   struct err *e)
{
	char at[PATH_MAX];
	struct stat st;
	struct copy_names names;
	scoped(strv) list = {0};

	if (code != ENOENT && code != ENOTDIR)
		return err_set(e, code, "%s of the %s", word, f->job->from.name);
	err_fail_code(e, ERR_COPY_SOURCE, ENOENT, "%s is not in the %s", word, f->job->from.name);
	if (resolve(f->root, path, at, &st) == 0 && copy_ignored(f, at, S_ISDIR(st.st_mode)))
		return err_hint(e, "%s leaves it out", f->ignore_name ?: "the ignore file");
	autofree char *dir = xstrndup(path, (size_t)(base_name(path) - path));
	if (strstr(word, "../") && f->context)
		err_hint(e,
			 "\"..\" does not lead out of the context: name a directory above as the "
			 "context, or give it with --build-context");
	if (resolve(f->root, dir, at, &st) < 0 || !S_ISDIR(st.st_mode))
		return -ENOENT;
	autoclose int fd = open_dir(f->root, at);
	if (fd < 0 || copy_names_read(fd, &names) < 0)
		return -ENOENT;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *full = xasprintf("%s%s%s", at, *at ? "/" : "", names.v[i]);
		if (!copy_ignored(f, full, false))
			strv_add(&list, names.v[i]);
	}
	copy_names_free(&names);
	const char *near = strv_nearest(&list, base_name(path));
	return near ? err_hint(e, "did you mean %s%s?", dir, near) : -ENOENT;
}

/* One thing to copy: what path leads to, under its own name. */
static int add_path(struct copy_find *f, const char *word, const char *path, struct err *e)
{
	char at[PATH_MAX];
	struct stat st;
	struct copy_plan *p = f->plan;
	int r = resolve(f->root, path, at, &st);

	if (r == 0 && copy_ignored(f, at, S_ISDIR(st.st_mode)))
		r = -ENOENT;
	if (r < 0)
		return missing(f, word, path, -r, e);
	if (f->exclude && *path && !S_ISDIR(st.st_mode) &&
	    ignore_matches(f->exclude, base_name(path)))
		return 0;
	struct copy_item *i = copy_add_item(p);
	i->word = arena_strdup(&p->arena, word);
	i->name = arena_strdup(&p->arena, base_name(path));
	i->root = f->root;
	i->dir = S_ISDIR(st.st_mode);
	i->strip = strlen(at);
	i->unpack = i->dir ? 0 : f->job->unpack >= 0 ? f->job->unpack : f->job->add ? -1 : 0;
	size_t item = p->nitems - 1;
	copy_walk_begin(f);
	const char *kept = arena_strdup(&p->arena, at);
	if (!i->dir) {
		autofree char *dir = xstrndup(at, (size_t)(base_name(at) - at));
		autoclose int fd = open_dir(f->root, dir);
		r = fd < 0 ? missing(f, word, path, -fd, e)
			   : copy_walk_add(f, fd, base_name(at), kept, &st, e);
		if (r > 0) { /* a socket of an image */
			p->nitems--;
			return 0;
		}
	} else {
		autoclose int fd = open_dir(f->root, at);
		i->strip += *at != 0;
		r = fd < 0 ? missing(f, word, path, -fd, e)
			   : copy_walk(f, fd, kept, p->items[item].strip, 0, e);
	}
	p->items[item].n = p->n - p->items[item].first;
	return r;
}

static int bad_pattern(const char *pattern, struct err *e)
{
	err_fail(e, ERR_COPY_SOURCE, "%s is not a pattern", pattern);
	return err_hint(e, "a \"[\" that means itself is written [[]");
}

/* All paths that fit the parts of a pattern, from this directory on; "**" as a whole part means any number of directories if deep. */
static int match(struct copy_find *f, int fd, const char *path, const struct strv *parts, size_t k,
		 bool deep, unsigned depth, struct strv *out, struct err *e)
{
	struct copy_names names;
	struct stat st;
	const char *part = parts->v[k];
	bool any = deep && !strcmp(part, "**"), last = k + 1 == parts->n;
	int r = 0;

	if (depth > COPY_MAX_DEPTH)
		return err_set(e, ENAMETOOLONG, "%s of the %s", path, f->job->from.name);
	if (any && !last)
		r = match(f, fd, path, parts, k + 1, deep, depth + 1, out, e);
	if (r == 0 && (r = copy_names_read(fd, &names)) < 0)
		return err_set(e, r, "read %s of the %s", *path ? path : ".", f->job->from.name);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		int fits = any ? 1 : wildcard_match(part, names.v[i]);
		if (fits < 0)
			r = bad_pattern(part, e);
		if (fits <= 0)
			continue;
		if (fstatat(fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		autofree char *full = xasprintf("%s%s%s", path, *path ? "/" : "", names.v[i]);
		if (copy_ignored(f, full, S_ISDIR(st.st_mode)))
			continue;
		if (last)
			strv_add(out, full);
		if ((last && !any) || !S_ISDIR(st.st_mode))
			continue;
		autoclose int below = openat(fd, names.v[i], READ_DIR);
		if (below >= 0)
			r = match(f, below, full, parts, any ? k : k + 1, deep, depth + 1, out, e);
		if (out->n > COPY_MAX_ENTRIES)
			r = err_set(e, E2BIG, "match %s", part);
	}
	copy_names_free(&names);
	return r;
}

/* The part of a cleaned path before its first wildcard, resolved, and the parts from there on. */
static int split(struct copy_find *f, const char *word, const char *clean, char at[static PATH_MAX],
		 struct strv *parts, struct err *e)
{
	scoped(strv) all = {0};
	scoped(str) fixed = {0};
	struct stat st;

	strv_split(&all, clean, '/');
	size_t i = 0;
	for (; i < all.n && !is_wild(all.v[i]); i++)
		str_addf(&fixed, "%s%s", i ? "/" : "", all.v[i]);
	for (; i < all.n; i++)
		strv_add(parts, all.v[i]);
	int r = resolve(f->root, str_cstr(&fixed), at, &st);
	if (r == 0 && !S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	return r < 0 ? missing(f, word, str_cstr(&fixed), -r, e) : 0;
}

static void nothing_fits(const struct copy_find *f, const char *word)
{
	autofree char *text = xasprintf("nothing in the %s fits %s", f->job->from.name, word);

	if (f->job->say)
		f->job->say(f->job->arg, text);
}

static int find_wild(struct copy_find *f, const char *word, const char *clean, struct strv *out,
		     struct err *e)
{
	char at[PATH_MAX];
	scoped(strv) parts = {0};
	int r = split(f, word, clean, at, &parts, e);

	if (r < 0)
		return r;
	autoclose int fd = open_dir(f->root, at);
	if (fd < 0)
		return err_set(e, fd, "read %s of the %s", at, f->job->from.name);
	return match(f, fd, at, &parts, 0, false, 0, out, e);
}

static int by_order(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return stat_cache_order(x, strlen(x), y, strlen(y));
}

/* --parents: path, which fits, with its directories from strip on that were not added yet (last is what was added before). */
static int add_with_parents(struct copy_find *f, int root, const char *path, size_t strip,
			    const char *last, struct err *e)
{
	struct copy_plan *p = f->plan;
	struct stat st;

	for (const char *s = path + strip;; s++) {
		s = strchrnul(s, '/');
		size_t n = (size_t)(s - path);
		if (*s && strlen(last) > n && !memcmp(last, path, n) && last[n] == '/')
			continue; /* it is there */
		const char *full = arena_strndup(&p->arena, path, n);
		const char *name = base_name(full);
		autofree char *dir = xstrndup(full, (size_t)(name - full));
		autoclose int fd = open_dir(root, dir);
		if (fd < 0 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_set(e, errno, "read %s of the %s", full, f->job->from.name);
		int r = copy_walk_add(f, fd, name, full, &st, e);
		if (r < 0)
			return r;
		if (*s) {
			p->v[p->n - 1].weak = true;
			continue;
		}
		if (!S_ISDIR(st.st_mode))
			return 0;
		autoclose int below = openat(fd, name, READ_DIR);
		if (below < 0)
			return err_set(e, errno, "read %s of the %s", full, f->job->from.name);
		return copy_walk(f, below, full, strip, 0, e);
	}
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* One base directory, and the pattern behind the pivot. */
static int find_parents(struct copy_find *f, const char *word, const char *base,
			const char *pattern, struct err *e)
{
	char at[PATH_MAX];
	scoped(strv) parts = {0};
	scoped(strv) out = {0};
	struct copy_plan *p = f->plan;
	struct stat st;
	int r = resolve(f->root, base, at, &st);

	if (r == 0 && (!S_ISDIR(st.st_mode) || copy_ignored(f, at, true)))
		r = -ENOENT;
	if (r < 0)
		return missing(f, word, base, -r, e);
	autoclose int fd = open_dir(f->root, at);
	if (fd < 0)
		return err_set(e, fd, "read %s of the %s", at, f->job->from.name);
	strv_split(&parts, *pattern ? pattern : "*", '/');
	r = match(f, fd, at, &parts, 0, true, 0, &out, e);
	if (r < 0)
		return r;
	if (!out.n && !is_wild(pattern) && !is_wild(base)) {
		autofree char *full = xasprintf("%s%s%s", at, *at ? "/" : "", pattern);
		return missing(f, word, full, ENOENT, e);
	}
	if (!out.n) {
		nothing_fits(f, word);
		return 0;
	}
	qsort(out.v, out.n, sizeof *out.v, by_order);
	struct copy_item *i = copy_add_item(p);
	size_t item = p->nitems - 1, strip = strlen(at) + (*at != 0);
	i->word = arena_strdup(&p->arena, word);
	i->name = "";
	i->root = f->root;
	i->dir = true;
	i->strip = strip;
	copy_walk_begin(f);
	const char *last = "", *top = NULL;
	for (size_t k = 0; r == 0 && k < out.n; k++) {
		const char *path = out.v[k];
		if (top && below(path, top)) /* came with its directory */
			continue;
		if (f->exclude && ignore_matches(f->exclude, path + strip))
			continue;
		r = add_with_parents(f, f->root, path, strip, last, e);
		last = top = path;
	}
	p->items[item].n = p->n - p->items[item].first;
	return r;
}

/* "a/./b/c": what is behind the pivot keeps its directories. */
static int find_with_parents(struct copy_find *f, const char *word, struct err *e)
{
	const char *pivot = strstr(word, "/./");
	autofree char *left = xasprintf("/%.*s", pivot ? (int)(pivot - word) : 0, word);
	autofree char *right = xasprintf("/%s", pivot ? pivot + 3 : word);
	autofree char *base = path_clean(left), *pattern = path_clean(right);
	scoped(strv) bases = {0};
	int r = 0;

	if (is_wild(base + 1))
		r = find_wild(f, word, base + 1, &bases, e);
	else
		strv_add(&bases, base + 1);
	for (size_t i = 0; r == 0 && i < bases.n; i++)
		r = find_parents(f, word, bases.v[i], pattern + 1, e);
	return r;
}

int copy_find(struct copy_find *f, const char *word, struct err *e)
{
	autofree char *rooted = xasprintf("/%s", word);
	autofree char *clean = path_clean(rooted);
	scoped(strv) out = {0};

	if (f->job->parents)
		return find_with_parents(f, word, e);
	if (!is_wild(clean + 1))
		return add_path(f, word, clean + 1, e);
	int r = find_wild(f, word, clean + 1, &out, e);
	if (r == 0 && !out.n)
		nothing_fits(f, word);
	for (size_t i = 0; r == 0 && i < out.n; i++)
		r = add_path(f, word, out.v[i], e);
	return r;
}
