/*
 * How it works (session_authenticate): a 401 names what is wanted. For Basic, the credentials go to the registry with every request. For
 * Bearer, they go once to the realm that the registry names, which gives a token for our repository; the token goes to the registry. Without
 * credentials the realm is asked for a token all the same: that is how public images are pulled.
 */
#include "base/base.h"

#include "data/base64.h"
#include "data/json.h"
#include "registry/answer.h"
#include "registry/challenge.h"
#include "registry/session.h"

enum { MAX_TOKEN_ANSWER = 256 << 10, MAX_TOKEN = 64 << 10, TOKEN_S = 30 };

static void set_authorization(struct registry *r, const char *scheme, const char *value)
{
	free(r->authorization);
	r->authorization = xasprintf("%s %s", scheme, value);
	r->auth_serial++;
}

static char *basic(const struct credentials *c)
{
	autofree char *pair = xasprintf("%s:%s", c->user, c->password ?: "");
	scoped(str) out = {0};

	base64_add(&out, pair, strlen(pair));
	return str_steal(&out);
}

static void add_escaped(struct str *out, const char *s)
{
	for (; *s; s++)
		if ((*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z') ||
		    strchr("-._~", *s))
			str_addc(out, *s);
		else
			str_addf(out, "%%%02X", (unsigned char)*s);
}

static void add_param(struct str *out, const char *name, const char *value)
{
	if (out->len)
		str_addc(out, '&');
	str_add(out, name);
	str_addc(out, '=');
	add_escaped(out, value);
}

/* The realm may be asked: HTTPS always; plain HTTP only where the registry itself is reached so. Credentials over plain HTTP go to the
 * registry's own host and to no other. */
static int check_realm(const struct registry *r, const char *realm, bool secret, struct err *e)
{
	size_t own = r->host[0] == '[' ? strcspn(r->host, "]") + 1 : strcspn(r->host, ":");
	autofree char *host = http_url_host(realm);

	if (host && !strncasecmp(realm, "https://", 8))
		return 0;
	if (!host || !r->plain) {
		err_fail(e, ERR_REGISTRY_REALM,
			 "%s asks to get a token from where none should come from: %.200s", r->name,
			 realm);
		return err_hint(e, "tokens come over HTTPS; the registry is set up wrongly, or it "
				   "is not honest");
	}
	if (!secret || (strlen(host) == own && !strncasecmp(host, r->host, own)))
		return 0;
	err_fail(e, ERR_REGISTRY_REALM,
		 "%s wants its password to be sent without encryption to another host: %.200s",
		 r->name, realm);
	return err_hint(e, "the credentials of %.150s were not sent", r->cred.from);
}

/* A token becomes part of a header: printable, no blanks. */
static bool token_ok(const char *s)
{
	size_t n = 0;

	while (s[n] > 0x20 && s[n] < 0x7f)
		n++;
	return n && !s[n] && n <= MAX_TOKEN;
}

static int take_token(struct registry *r, const struct http_request *q, const char *what,
		      struct err *e)
{
	scoped(arena) a = {0};
	struct err ignored;
	char buf[ANSWER_REASON];
	const char *text = str_cstr(&q->body);

	if (q->status == 401 || q->status == 403)
		return session_denied(r, what, answer_reason(text, q->body.len, buf), e);
	const struct json *j = q->status == 200
				       ? json_parse(&a, text, q->body.len, "token", NULL, &ignored)
				       : NULL;
	const char *token = json_str(j, "token") ?: json_str(j, "access_token");
	if (token && token_ok(token)) {
		set_authorization(r, "Bearer", token);
		return 0;
	}
	const char *reason = answer_reason(text, q->body.len, buf);
	err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO,
		      "%s: the registry's token server gives no token (status %d)%s%s", what,
		      q->status, *reason ? ": " : "", reason);
	return err_hint(e, "try again later, or tell whoever runs the registry");
}

static int get_token(struct registry *r, const struct challenge *c, const char *what, struct err *e)
{
	const struct credentials *cred = &r->cred;
	scoped(str) query = {0};
	scoped(http_request)
		q = {.total_s = TOKEN_S, .max = MAX_TOKEN_ANSWER, .accept = "application/json"};
	autofree char *url = NULL, *auth = NULL;
	int k = check_realm(r, c->realm, cred->user != NULL, e);

	if (k < 0)
		return k;
	if (c->service)
		add_param(&query, "service", c->service);
	if (r->repository) {
		autofree char *scope =
			xasprintf("repository:%s:pull%s", r->repository, r->push ? ",push" : "");
		add_param(&query, "scope", scope);
	}
	for (size_t i = 0; i < r->also.n; i++) {
		autofree char *scope = xasprintf("repository:%s:pull", r->also.v[i]);
		add_param(&query, "scope", scope);
	}
	if (cred->identity) {
		add_param(&query, "grant_type", "refresh_token");
		add_param(&query, "client_id", "hoy");
		add_param(&query, "refresh_token", cred->identity);
		q.url = c->realm;
		q.form = str_cstr(&query);
	} else {
		url = xasprintf("%s%c%s", c->realm, strchr(c->realm, '?') ? '&' : '?',
				str_cstr(&query));
		if (cred->user) {
			autofree char *b = basic(cred);
			auth = xasprintf("Basic %s", b);
		}
		q.url = url;
		q.authorization = auth;
	}
	k = http_do(r->http, &q, e);
	if (k < 0)
		return k;
	if (q.end == HTTP_ANSWERED)
		return take_token(r, &q, what, e);
	*e = q.why;
	return err_context(e, "%s: the registry's token server", what);
}

int session_authenticate(struct registry *r, const char *challenge, const char *what, struct err *e)
{
	scoped(arena) a = {0};
	struct challenge c;
	int k = challenge_parse(&a, challenge, &c, e);

	if (k >= 0 && !r->looked)
		k = auth_find(&r->arena, &r->auth, r->name, r->repository, &r->cred, e);
	if (k < 0)
		return k;
	r->looked = true;
	if (c.kind == CHALLENGE_BEARER)
		return get_token(r, &c, what, e);
	if (c.kind == CHALLENGE_NONE) {
		err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO,
			      "%s asks for credentials in a way that hoy does not "
			      "know: %.200s",
			      r->name, challenge);
		return err_hint(e, "hoy knows Basic and Bearer");
	}
	if (!r->cred.user || r->cred.identity)
		return session_denied(r, what, "", e);
	autofree char *b = basic(&r->cred);
	set_authorization(r, "Basic", b);
	return 0;
}
