/*
 * How it works: the line is a list of elements between commas. An element that begins with a word and a blank opens a challenge ("Bearer
 * realm=..."); all others ("service=...") belong to the challenge before. The reader goes through once, from element to element.
 */
#include "base/base.h"

#include "registry/challenge.h"

/* A token of RFC 9110 section 5.6.2. */
static size_t token_len(const char *s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	size_t n = 0;

	while ((s[n] >= '0' && s[n] <= '9') || ((s[n] | 32) >= 'a' && (s[n] | 32) <= 'z') ||
	       (s[n] && strchr(others, s[n])))
		n++;
	return n;
}

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* The value behind "=": a token, something like one (URLs without quotes are seen), or a quoted string. NULL: malformed. */
static const char *value(struct arena *a, const char **at)
{
	const char *s = *at;
	bool quoted = *s == '"';
	size_t n = 0, len = quoted;

	while (s[len] && !strchr(quoted ? "\"" : " \t,\"", s[len])) {
		if (quoted && s[len] == '\\' && s[len + 1])
			len++;
		if ((unsigned char)s[len++] < 0x20 || s[len - 1] == 0x7f)
			return NULL;
	}
	if (quoted && !s[len])
		return NULL;
	*at = s + len + quoted;
	char *out = arena_alloc(a, len + 1);
	for (size_t i = quoted; i < len; i++) {
		if (quoted && s[i] == '\\')
			i++;
		out[n++] = s[i];
	}
	return out;
}

static void keep(struct challenge *c, const char *name, size_t n, const char *v)
{
	if (n == 5 && !strncasecmp(name, "realm", n))
		c->realm = v;
	else if (n == 7 && !strncasecmp(name, "service", n))
		c->service = v;
}

/* A challenge is over: keep it if it is better than what was found so far. */
static void settle(struct challenge *best, struct challenge *c)
{
	if (c->kind == CHALLENGE_BEARER && !c->realm)
		c->kind = CHALLENGE_NONE;
	if (c->kind > best->kind)
		*best = *c;
	*c = (struct challenge){0};
}

/* The scheme at s, if the word there (n bytes) is one and no parameter: a blank or the end follows, not "=". */
static bool is_scheme(const char *s, size_t n)
{
	const char *next = blanks(s + n);

	return n && (next != s + n ? *next != '=' : !*next || *next == ',');
}

static enum challenge_kind scheme_kind(const char *s, size_t n)
{
	if (n == 5 && !strncasecmp(s, "Basic", n))
		return CHALLENGE_BASIC;
	if (n == 6 && !strncasecmp(s, "Bearer", n))
		return CHALLENGE_BEARER;
	return CHALLENGE_NONE;
}

/* One "name=value", or the lone credentials of schemes that are not ours ("Negotiate YII=="), which are read over. NULL: malformed. */
static const char *parameter(struct arena *a, const char *s, struct challenge *c)
{
	size_t n = token_len(s);
	const char *name = s;

	s = blanks(s + n);
	if (!n || *s != '=') {
		s += strcspn(s, " \t,\"");
		return s == name ? NULL : s;
	}
	s = blanks(s + 1);
	if (*s == '=' || !*s || *s == ',')
		return s + strspn(s, "=");
	const char *v = value(a, &s);
	if (v)
		keep(c, name, n, v);
	return v ? s : NULL;
}

int challenge_parse(struct arena *a, const char *text, struct challenge *ret, struct err *e)
{
	struct challenge now = {0};
	const char *s = text;

	*ret = (struct challenge){0};
	for (;;) {
		s += strspn(s, " \t,");
		if (!*s)
			break;
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			s = NULL;
		size_t n = s ? token_len(s) : 0;
		if (n && is_scheme(s, n)) {
			settle(ret, &now);
			now.kind = scheme_kind(s, n);
			s += n;
		} else if (s) {
			s = parameter(a, s, &now);
		}
		if (!s) {
			err_fail(e, ERR_REGISTRY_ANSWER,
				 "the registry asks for credentials in a way that is malformed: "
				 "%.200s",
				 text);
			return err_hint(
				e,
				"hoy knows WWW-Authenticate: Basic and Bearer; tell whoever runs "
				"the registry");
		}
	}
	settle(ret, &now);
	return 0;
}
