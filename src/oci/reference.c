/*
 * How it works: the text is cut from the right: "@digest", then ":tag" behind the last slash, then the registry up to the first slash if
 * it looks like a host. Each part has its own small recogniser over plain bytes; none of them lets a byte pass that it
 * does not name, so nothing has to be searched for afterwards.
 */
#include "base/base.h"

#include "oci/reference.h"

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool digest_valid(const char *s)
{
	if (!s || !str_starts(s, "sha256:") || strlen(s) != DIGEST_LEN)
		return false;
	for (s += 7; *s; s++)
		if (!is_hex(*s))
			return false;
	return true;
}

const char *digest_hex(const char *digest)
{
	return digest + 7;
}

bool ref_is_id_prefix(const char *s, const char **ret_hex)
{
	const char *hex = str_starts(s, "sha256:") ? s + 7 : s;
	size_t n = strlen(hex);

	if (!n || n > DIGEST_HEX || strspn(hex, "0123456789abcdef") != n)
		return false;
	*ret_hex = hex;
	return true;
}

static int refuse(struct err *e, const char *text, const char *why)
{
	static const char *const archives[] = {"oci:", "oci-archive:", "docker-archive:", "dir:"};
	const char *scheme = strstr(text, "://");

	err_fail(e, ERR_REF, "\"%.200s\" is not an image name: %s", text, why);
	if (scheme)
		return err_hint(e, "leave out %.*s, as in docker.io/library/busybox:1.36",
				(int)(scheme - text < 40 ? scheme - text + 3 : 40), text);
	for (size_t i = 0; i < countof(archives); i++)
		if (str_starts(text, archives[i]))
			return err_hint(e, "archives and directories are read by hoy load -i PATH");
	return err_hint(e, "a name is [registry/]repository[:tag][@sha256:digest], for example "
			   "docker.io/library/busybox:1.36");
}

/* Why the n bytes at s are no path component, or NULL: [a-z0-9]+ ((\.|_|__|-+) [a-z0-9]+)*. */
static const char *component_fault(const char *s, size_t n)
{
	if (!n)
		return "it has an empty component";
	for (size_t i = 0; i < n; i++) {
		if (s[i] >= 'A' && s[i] <= 'Z')
			return "repositories are in lower case";
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return "it holds a control character";
		if (!is_lower(s[i]) && !strchr("._-", s[i]))
			return "it holds a character that names do not have";
	}
	if (!is_lower(s[0]) || !is_lower(s[n - 1]))
		return "a component must begin and end with a letter or digit";
	for (size_t i = 0; i < n; i++) {
		size_t run = 0, dashes = 0;
		while (!is_lower(s[i + run]))
			dashes += s[i + run++] == '-';
		if (run > 1 && dashes < run && !(run == 2 && s[i] == '_' && s[i + 1] == '_'))
			return "separators (. _ -) must stand alone";
		i += run;
	}
	return NULL;
}

static const char *path_fault(const char *s)
{
	const char *fault = NULL;

	while (!fault) {
		size_t n = strcspn(s, "/");
		fault = component_fault(s, n);
		if (!s[n])
			break;
		s += n + 1;
	}
	return fault;
}

/* host, host:port or [v6]:port. */
static bool registry_ok(const char *s, size_t n)
{
	size_t i = 0;

	if (n && s[0] == '[') {
		for (i = 1; i < n && (is_hex(s[i]) || s[i] == ':'); i++)
			;
		if (i < 3 || i == n || s[i] != ']')
			return false;
		i++;
	} else {
		bool fresh = true; /* at the beginning of a label */
		for (; i < n && s[i] != ':'; i++) {
			bool alnum = is_word(s[i]) && s[i] != '_';
			if (fresh && !alnum)
				return false;
			if (!alnum && s[i] != '.' && s[i] != '-')
				return false;
			if (s[i] == '.' && s[i - 1] == '-')
				return false;
			fresh = s[i] == '.';
		}
		if (!i || fresh || s[i - 1] == '-')
			return false;
	}
	if (i == n)
		return true;
	size_t digits = n - i - 1;
	if (s[i] != ':' || !digits || digits > 5)
		return false;
	for (i++; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

static const char *tag_fault(const char *s)
{
	if (!*s)
		return "the tag is empty";
	if (strlen(s) > REF_MAX_TAG)
		return "the tag has more than 128 characters";
	if (!is_word(*s))
		return "the tag must begin with a letter, a digit or _";
	for (; *s; s++)
		if (!is_word(*s) && *s != '.' && *s != '-')
			return "the tag holds a character that tags do not have";
	return NULL;
}

static bool is_registry(const char *s, size_t n)
{
	return memchr(s, '.', n) || memchr(s, ':', n) ||
	       (n == 9 && !strncasecmp(s, "localhost", 9));
}

static const char *registry_copy(struct arena *a, const char *s, size_t n)
{
	char *reg = arena_strndup(a, s, n);

	for (char *p = reg; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	if (!strcmp(reg, "index.docker.io") || !strcmp(reg, "registry-1.docker.io"))
		return "docker.io";
	return reg;
}

struct reference ref_complete(struct arena *a, const struct reference *r, const char *registry)
{
	struct reference c = *r;

	if (!c.registry)
		c.registry = arena_strdup(a, registry);
	if (!strcmp(c.registry, "docker.io") && !strchr(c.repository, '/'))
		c.repository = arena_printf(a, "library/%s", c.repository);
	return c;
}

int ref_parse(struct arena *a, const char *text, struct reference *ret, struct err *e)
{
	size_t n = strlen(text);
	const char *fault, *slash, *at = strchr(text, '@');
	struct reference r = {0};

	if (!n)
		return refuse(e, text, "it is empty");
	if (n > REF_MAX_NAME + 1 + REF_MAX_TAG + 1 + DIGEST_LEN)
		return refuse(e, text, "it is too long");
	if (at) {
		if (!digest_valid(at + 1))
			return refuse(e, text,
				      "the digest is not sha256: and 64 lower-case hex digits");
		r.digest = arena_strdup(a, at + 1);
		n = (size_t)(at - text);
	}
	char *name = arena_strndup(a, text, n);
	slash = strrchr(name, '/');
	char *colon = strchr(slash ? slash : name, ':');
	if (colon) {
		*colon = 0;
		r.tag = colon + 1;
		fault = tag_fault(r.tag);
		if (fault)
			return refuse(e, text, fault);
	}
	slash = strchr(name, '/');
	r.repository = name;
	if (slash && is_registry(name, (size_t)(slash - name))) {
		if (!registry_ok(name, (size_t)(slash - name)))
			return refuse(e, text, "the part before the first slash is no registry");
		r.registry = registry_copy(a, name, (size_t)(slash - name));
		r.repository = slash + 1;
	}
	fault = path_fault(r.repository);
	if (fault)
		return refuse(e, text, fault);
	if (!r.registry && strlen(name) == DIGEST_HEX &&
	    strspn(name, "0123456789abcdef") == DIGEST_HEX)
		return refuse(e, text, "64 hex digits are an id");
	*ret = r.registry ? ref_complete(a, &r, "") : r;
	/* A short name must stay short enough when it is completed. */
	struct reference whole = ref_complete(a, ret, "docker.io");
	if (strlen(whole.registry) + 1 + strlen(whole.repository) > REF_MAX_NAME)
		return refuse(e, text, "registry and repository have more than 255 characters");
	return 0;
}

char *ref_name(struct arena *a, const struct reference *r)
{
	return arena_printf(a, "%s%s%s", r->registry ? r->registry : "", r->registry ? "/" : "",
			    r->repository);
}

char *ref_text(struct arena *a, const struct reference *r)
{
	return arena_printf(a, "%s%s%s%s%s%s%s", r->registry ? r->registry : "",
			    r->registry ? "/" : "", r->repository, r->tag ? ":" : "",
			    r->tag ? r->tag : "", r->digest ? "@" : "", r->digest ? r->digest : "");
}

const char *ref_familiar(struct arena *a, const char *name)
{
	const char *rest = name + strlen("docker.io/"), *slash;

	if (!str_starts(name, "docker.io/"))
		return arena_strdup(a, name);
	slash = strchr(rest, '/');
	/* A first component that looks like a registry would be taken for one, and 64 digits for an id. */
	if (slash && is_registry(rest, (size_t)(slash - rest)))
		return arena_strdup(a, name);
	if (str_starts(rest, "library/") && !strchr(rest + 8, '/'))
		rest += 8;
	if (strspn(rest, "0123456789abcdef") == DIGEST_HEX)
		rest = name;
	return arena_strdup(a, rest);
}
