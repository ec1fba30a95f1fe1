#include "base/base.h"
#include "base/parse.h"
#include "runtime/user.h"

/* Ids above this are refused everywhere: (uid_t)-1 means "no change" to the kernel, and others mistake the upper half for negatives. */
#define ID_MAX 2147483647u

static int bad(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_USER, "user \"%.80s\": %s", text, why);
	return err_hint(e, "a user is NAME or UID, with :GROUP or :GID behind it if wanted");
}

/* A number to *ret; 0 if it is one, 1 if it is a name, negative if it is neither. */
static int number(const char *s, const char *text, uint32_t *ret, struct err *e)
{
	uint64_t v;
	size_t digits = strspn(s, "0123456789");

	if (!*s)
		return bad(text, "an empty name", e);
	if (digits < strlen(s)) {
		size_t n = strcspn(s, ": \t\n,/");
		if (s[n] || s[0] == '-' || s[0] == '+' || (digits && strchr("xXeE.", s[digits])))
			return bad(text, "neither a name nor a number", e);
		return 1;
	}
	if (parse_u64(s, ID_MAX, &v) < 0)
		return bad(text, "the number does not fit (at most 2147483647)", e);
	*ret = (uint32_t)v;
	return 0;
}

static int split(const char *text, char *user, size_t size, const char **ret_group, struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n >= size)
		return bad(text, "too long", e);
	memcpy(user, text, n);
	user[n] = 0;
	if (!n && colon && colon[1]) /* a group alone: root's */
		memcpy(user, "0", 2);
	*ret_group = colon && colon[1] ? colon + 1 : NULL;
	return 0;
}

int user_check(const char *text, struct err *e)
{
	char name[256];
	const char *group = NULL;
	uint32_t id = 0;

	if (str_is_empty(text))
		return 0;
	int r = split(text, name, sizeof name, &group, e);
	if (r == 0)
		r = number(name, text, &id, e);
	if (r >= 0 && group)
		r = number(group, text, &id, e);
	return r < 0 ? r : 0;
}

int user_read_etc(int root, const char *path, struct str *out, struct err *e)
{
	autoclose int fd = path_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR
			       ? 0
			       : err_set(e, fd, "open the container's %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_fail(e, ERR_USER, "the container's %s is not a regular file", path);
	int r = fd_read_all(fd, out, 4 << 20);
	if (r == -EFBIG)
		return err_fail(e, ERR_USER, "the container's %s is larger than 4 MiB", path);
	return r < 0 ? err_set(e, r, "read the container's %s", path) : 0;
}

/* Splits the next line of *text at its colons into at most n fields. Returns the number found, -1 at the end. Edits the text. */
static int next_line(char **text, char **field, int n)
{
	int found = 0;

	if (!*text || !**text)
		return -1;
	char *line = *text, *end = strchr(line, '\n');
	if (end)
		*end = 0;
	*text = end ? end + 1 : line + strlen(line);
	while (line && found < n) {
		field[found++] = line;
		line = strchr(line, ':');
		if (line)
			*line++ = 0;
	}
	return found;
}

/* Finds the entry by name (if by_name) or by uid. */
static bool find_passwd(char *text, bool by_name, const char *name, struct user *u, struct arena *a)
{
	char *f[7];
	int n;

	while ((n = next_line(&text, f, 7)) >= 0) {
		uint64_t uid, gid;
		if (n < 4 || !*f[0] || parse_u64(f[2], ID_MAX, &uid) < 0 ||
		    parse_u64(f[3], ID_MAX, &gid) < 0)
			continue;
		if (by_name ? strcmp(f[0], name) != 0 : uid != u->uid)
			continue;
		u->uid = (uid_t)uid;
		u->gid = (gid_t)gid;
		u->name = arena_strdup(a, f[0]);
		if (n > 5 && *f[5])
			u->home = arena_strdup(a, f[5]);
		return true;
	}
	return false;
}

static int by_id(const void *a, const void *b)
{
	const struct user_name *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void user_names_read(int root, const char *path, struct user_names *ret, struct arena *a)
{
	scoped(str) text = {0};
	size_t lines = 1;
	char *f[4];
	int n;

	*ret = (struct user_names){0};
	if (user_read_etc(root, path, &text, NULL) < 0 || !text.s)
		return;
	for (const char *p = text.s; (p = strchr(p, '\n')); p++)
		lines++;
	ret->v = arena_alloc(a, lines * sizeof *ret->v);
	for (char *p = text.s; (n = next_line(&p, f, 4)) >= 0;) {
		uint64_t id;
		if (n < 3 || !*f[0] || parse_u64(f[2], UINT32_MAX, &id) < 0)
			continue;
		ret->v[ret->n] = (struct user_name){(uint32_t)id, ret->n, arena_strdup(a, f[0])};
		ret->n++;
	}
	qsort(ret->v, ret->n, sizeof *ret->v, by_id);
}

const char *user_name_of(const struct user_names *l, uint32_t id)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) { /* the first one of this number */
		size_t mid = lo + (hi - lo) / 2;
		if (l->v[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->v[lo].id == id ? l->v[lo].name : NULL;
}

static bool is_member(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == n && !strncmp(p, name, n))
			return true;
	return false;
}

static bool find_group(char *text, const char *name, gid_t *ret)
{
	char *f[4];
	int n;

	while ((n = next_line(&text, f, 4)) >= 0) {
		uint64_t gid;
		if (n >= 3 && !strcmp(f[0], name) && parse_u64(f[2], ID_MAX, &gid) == 0) {
			*ret = (gid_t)gid;
			return true;
		}
	}
	return false;
}

static void add_memberships(char *text, struct user *u)
{
	char *f[4];
	int n;

	while ((n = next_line(&text, f, 4)) >= 0) {
		uint64_t gid;
		if (n < 4 || parse_u64(f[2], ID_MAX, &gid) < 0 || gid == u->gid ||
		    !is_member(f[3], u->name))
			continue;
		if (u->ngroups < USER_MAX_GROUPS - 1)
			u->groups[u->ngroups++] = (gid_t)gid;
	}
}

static int resolve_group(int root, const char *text, const char *group, struct user *u,
			 struct err *e)
{
	scoped(str) file = {0};
	uint32_t gid = 0;
	int r = group ? number(group, text, &gid, e) : 0;

	if (r < 0)
		return r;
	if (group && r == 0) {
		u->gid = gid;
		return 0;
	}
	if (!group && !u->name)
		return 0;
	r = user_read_etc(root, "/etc/group", &file, e);
	if (r < 0 || !file.s)
		return r < 0 || !group ? r : bad(text, "the container has no /etc/group", e);
	if (!group)
		add_memberships(file.s, u);
	else if (!find_group(file.s, group, &u->gid))
		return bad(text, "no such group in the container's /etc/group", e);
	return 0;
}

int user_resolve(int root, const char *text, struct user *ret, struct arena *a, struct err *e)
{
	char name[256] = "";
	const char *group = NULL;
	uint32_t uid = 0;
	scoped(str) file = {0};
	int r = 0;

	*ret = (struct user){0};
	if (!str_is_empty(text)) {
		r = split(text, name, sizeof name, &group, e);
		if (r == 0)
			r = number(name, text, &uid, e);
	}
	if (r < 0)
		return r;
	bool by_name = r == 1;
	ret->uid = uid;
	r = user_read_etc(root, "/etc/passwd", &file, e);
	if (r < 0)
		return r;
	bool found = file.s && find_passwd(file.s, by_name, name, ret, a);
	if (by_name && !found && strcmp(name, "root")) /* root is 0 even where nothing says so */
		return bad(text, "no such user in the container's /etc/passwd", e);
	if (!ret->home)
		ret->home = !found && ret->uid == 0 ? "/root" : "/";
	r = resolve_group(root, text ? text : "0", group, ret, e);
	/* Or a process could leave its group, and with it what the group is denied, by a set-group-id program (CVE-2022-2989). */
	if (r == 0 && !str_is_empty(text))
		ret->groups[ret->ngroups++] = ret->gid;
	return r;
}

static bool add_group(struct user *u, gid_t gid)
{
	for (size_t i = 0; i < u->ngroups; i++)
		if (u->groups[i] == gid)
			return true;
	if (u->ngroups == USER_MAX_GROUPS)
		return false;
	u->groups[u->ngroups++] = gid;
	return true;
}

static int bad_group(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_USER, "--group-add \"%.80s\": %s", text, why);
	return err_hint(e, "a group is a number, or a name of the container's /etc/group");
}

int user_check_group(const char *text, struct err *e)
{
	uint32_t gid;
	int r = number(text, text, &gid, NULL);

	return r < 0 ? bad_group(text, "neither a name nor a number that fits", e) : 0;
}

int user_add_groups(int root, const struct strs *names, struct user *u, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		scoped(str) file = {0};
		const char *name = names->v[i];
		gid_t gid = 0;
		if (!strcmp(name, USER_KEEP_GROUPS)) {
			u->keep_groups = true;
			continue;
		}
		int r = number(name, name, &gid, e);
		if (r == 1) {
			r = user_read_etc(root, "/etc/group", &file, e);
			if (r == 0 && (!file.s || !find_group(file.s, name, &gid)))
				return bad_group(name,
						 "no such group in the container's /etc/group", e);
		}
		if (r < 0)
			return r;
		if (!add_group(u, gid))
			return bad_group(name, "too many groups", e);
	}
	return 0;
}
