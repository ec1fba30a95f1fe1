#include "base/base.h"
#include "runtime/accounts.h"

/* A pattern with its $WORDs replaced, as a whole line. A longer word stands before one that it begins with. */
static void expand(struct str *to, const char *pattern, const char *const words[][2], size_t n)
{
	for (const char *p = pattern; *p;) {
		size_t i = 0;
		while (i < n && !str_starts(p, words[i][0]))
			i++;
		if (i < n) {
			str_add(to, words[i][1]);
			p += strlen(words[i][0]);
		} else {
			str_addc(to, *p++);
		}
	}
	str_addc(to, '\n');
}

static bool is_number(const char *s)
{
	return *s && !s[strspn(s, "0123456789")];
}

/* The group as it was asked for: by itself, or as the user's number. NULL: by a name, which the image knows, or not at all. */
static const char *asked_group(const struct stage *s)
{
	const char *user = s->p->user ? s->p->user : "", *colon = strchr(user, ':');
	const char *g = colon ? colon + 1 : user;

	return is_number(g) && s->user.gid ? g : NULL;
}

/* The caller of keep-id has his own name, if the image has not given it to somebody else; others have their number. */
static const char *name_for(struct stage *s, const char *text, int64_t kept, uint32_t id)
{
	const char *name = s->c->keep_name, *number = arena_printf(&s->arena, "%u", id);
	size_t n = name ? strlen(name) : 0;

	for (const char *p = name ? text : NULL; p && *p; p = strchr(p, '\n'), p += p != NULL)
		if (!strncmp(p, name, n) && p[n] == ':')
			return number;
	return name && kept == id ? name : number;
}

bool accounts_wanted(const struct stage *s)
{
	bool unknown = !s->user.name && s->user.uid;

	return !s->c->no_passwd && (unknown || s->c->host_users.n || asked_group(s));
}

static int read_etc(struct stage *s, const char *path, struct str *ret, struct err *e)
{
	int r = user_read_etc(s->root, path, ret, e);

	if (r == 0 && ret->len && ret->s[ret->len - 1] != '\n')
		str_addc(ret, '\n');
	return r;
}

int accounts_passwd(struct stage *s, struct str *ret, struct err *e)
{
	const struct user *u = &s->user;
	bool unknown = !u->name && u->uid;

	if (!unknown && !s->c->host_users.n)
		return 0;
	int r = read_etc(s, "/etc/passwd", ret, e);
	if (r < 0 || !ret->s)
		return r;
	for (size_t i = 0; i < s->c->host_users.n; i++)
		str_addf(ret, "%s\n", s->c->host_users.v[i]);
	if (!unknown)
		return 0;
	const char *uid = arena_printf(&s->arena, "%u", u->uid);
	const char *gid = arena_printf(&s->arena, "%u", u->gid);
	const char *name = name_for(s, ret->s, s->c->keep_uid, u->uid);
	const char *const words[][2] = {{"$USERNAME", name},
					{"$UID", uid},
					{"$GID", gid},
					{"$NAME", "container user"},
					{"$HOME", u->home}};
	const char *entry = s->c->passwd_entry;
	expand(ret, entry ? entry : "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh", words,
	       countof(words));
	return 0;
}

int accounts_group(struct stage *s, struct str *ret, struct err *e)
{
	struct user_names known;

	if (!asked_group(s))
		return 0;
	user_names_read(s->root, "/etc/group", &known, &s->arena);
	if (user_name_of(&known, s->user.gid))
		return 0;
	int r = read_etc(s, "/etc/group", ret, e);
	if (r < 0 || !ret->s)
		return r;
	const char *gid = arena_printf(&s->arena, "%u", s->user.gid);
	const char *user = s->user.name ? s->user.name : arena_printf(&s->arena, "%u", s->user.uid);
	const char *name = name_for(s, ret->s, s->c->keep_gid, s->user.gid);
	const char *const words[][2] = {{"$GROUPNAME", name}, {"$GID", gid}, {"$USERLIST", user}};
	const char *entry = s->c->group_entry;
	expand(ret, entry ? entry : "$GROUPNAME:x:$GID:$USERLIST", words, countof(words));
	return 0;
}
