#include "base/base.h"

#include "base/loop.h"
#include "registry/answer.h"
#include "registry/session.h"

/* A registry that wants us to wait longer than MAX_PAUSE_S is taken at its word: the command ends. */
enum { MAX_TRIES = 4, MAX_PAUSE_S = 20 };

void inquiry_free(struct inquiry *i)
{
	http_request_free(&i->q);
	free(i->url);
	free(i->authorization);
}

int session_ask(struct registry *r, struct inquiry *i, const char *path, struct err *e)
{
	free(i->url);
	free(i->authorization);
	autofree char *base = xasprintf("%s://%s/v2/", r->plain ? "http" : "https", r->host);
	if (strstr(path, "://"))
		i->url = xstrdup(path);
	else if (str_starts(path, "//"))
		i->url = xasprintf("%s://%s%s", r->plain ? "http" : "https", r->host, path + 1);
	else if (path[0] == '/')
		i->url = xasprintf("%s%s", base, path + 1);
	else
		i->url = xasprintf("%s%s/%s", base, r->repository, path);
	i->foreign = !http_same_origin(i->url, base);
	i->authorization = r->authorization && !i->foreign ? xstrdup(r->authorization) : NULL;
	i->auth_serial = r->auth_serial;
	i->plain = r->plain;
	i->again_at = 0;
	i->q.url = i->url;
	i->q.authorization = i->authorization;
	return http_start(r->http, &i->q, e);
}

bool session_put_off(const struct registry *r, struct inquiry *i, int64_t ms)
{
	if (r->once || ++i->tries >= MAX_TRIES)
		return false;
	i->again_at = time_mono_ms() + (ms >= 0 ? ms : (int64_t)r->pause_ms << (i->tries - 1));
	return true;
}

int session_denied(struct registry *r, const char *what, const char *reason, struct err *e)
{
	const char *colon = *reason ? ": " : "";

	err_fail_code(e, ERR_REGISTRY_DENIED, EACCES,
		      "%s: the registry denies access, or there is no such repository%s%s", what,
		      colon, reason);
	if (r->cred.user)
		return err_hint(e, "it was asked as user %.60s, with the credentials of %.150s",
				r->cred.user, r->cred.from);
	if (!r->looked)
		return err_hint(e, "check the name; the registry did not ask for credentials");
	return err_hint(
		e,
		"check the name. No credentials for %.60s were found: `hoy login %.60s` stores "
		"them, --creds and --authfile give others",
		r->name, r->name);
}

static enum verdict failed(struct registry *r, struct inquiry *i, const char *hint, struct err *e)
{
	char buf[ANSWER_REASON];
	const struct http_request *q = &i->q;
	const char *reason = answer_reason(str_cstr(&q->body), q->body.len, buf);

	if (answer_is_html(q->type, str_cstr(&q->body), q->body.len)) {
		err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO,
			      "%s answers with a web page (status %d), not as a "
			      "registry does",
			      r->name, q->status);
		err_hint(e, "check the registry's name; a proxy or a login page of the network may "
			    "have answered");
	} else {
		err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO,
			      "%s: the registry answers with status %d%s%s", i->what, q->status,
			      *reason ? ": " : "", reason);
		err_hint(e, "%s", hint);
	}
	return VERDICT_FAILED;
}

static enum verdict judge_401(struct registry *r, struct inquiry *i, struct err *e)
{
	char buf[ANSWER_REASON];
	const struct http_request *q = &i->q;

	/* only the registry itself may ask for credentials, not one that it names */
	if (q->elsewhere || i->foreign)
		return failed(r, i, "the registry sends its clients to a place that lets nobody in",
			      e);
	if (i->auth_serial != r->auth_serial) /* somebody else got new ones meanwhile */
		return VERDICT_AGAIN;
	if (i->auths++) {
		session_denied(r, i->what, answer_reason(str_cstr(&q->body), q->body.len, buf), e);
		return VERDICT_FAILED;
	}
	return session_authenticate(r, str_cstr(&q->challenge), i->what, e) < 0 ? VERDICT_FAILED
										: VERDICT_AGAIN;
}

/* 429 and 503 may say how long to wait. */
static enum verdict judge_busy(struct registry *r, struct inquiry *i, struct err *e)
{
	char buf[ANSWER_REASON];
	const struct http_request *q = &i->q;
	bool limit = q->status == 429;

	if (q->retry_after <= MAX_PAUSE_S &&
	    session_put_off(r, i, q->retry_after >= 0 ? q->retry_after * 1000 : -1))
		return VERDICT_AGAIN;
	if (!limit)
		return failed(r, i, "the registry has a fault of its own: try again later", e);
	const char *reason = answer_reason(str_cstr(&q->body), q->body.len, buf);
	err_fail_code(e, ERR_REGISTRY_LIMIT, EBUSY,
		      "%s: the registry takes no more requests for now%s%s", i->what,
		      *reason ? ": " : "", reason);
	if (q->retry_after > 0)
		err_hint(e, "it asks to wait %" PRId64 " seconds", q->retry_after);
	else
		err_hint(e, "try again later%s",
			 r->cred.user ? "" : "; registries allow more to those who log in");
	return VERDICT_FAILED;
}

static enum verdict judge_status(struct registry *r, struct inquiry *i, struct err *e)
{
	char buf[ANSWER_REASON];
	const struct http_request *q = &i->q;

	if (q->status == 200 || q->status == 206 || (i->may_lack && q->status == 404) ||
	    (i->write && (q->status == 201 || q->status == 202 || q->status == 204)))
		return VERDICT_DONE;
	const char *reason = answer_reason(str_cstr(&q->body), q->body.len, buf);
	switch (q->status) {
	case 401:
		return judge_401(r, i, e);
	case 403:
		session_denied(r, i->what, reason, e);
		return VERDICT_FAILED;
	case 404:
		if (i->write || answer_is_html(q->type, str_cstr(&q->body), q->body.len))
			break;
		err_fail_code(e, ERR_REGISTRY_NO_IMAGE, ENOENT,
			      "%s: the registry has no such image%s%s", i->what,
			      *reason ? ": " : "", reason);
		err_hint(e, "check the spelling of the name and the tag");
		return VERDICT_FAILED;
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		return judge_busy(r, i, e);
	default:
		break;
	}
	return failed(r, i, "check the registry's name, or tell whoever runs it", e);
}

/* Where no TLS is spoken, plain HTTP is tried if it is allowed, once and before anything has answered. */
static bool fall_to_plain(struct registry *r, const struct inquiry *i)
{
	const struct http_request *q = &i->q;
	bool no_port = !strchr(r->host[0] == '[' ? strchr(r->host, ']') : r->host, ':');

	if (i->plain || q->tls)
		return false;
	if (r->plain) /* another request found it out meanwhile */
		return true;
	if (!r->may_fall ||
	    (q->end != HTTP_NO_TLS && q->end != HTTP_BROKEN &&
	     !(q->end == HTTP_REFUSED && (no_port || q->why.id == ERR_REGISTRY_TIMEOUT))))
		return false;
	r->plain = true;
	return true;
}

enum verdict session_judge(struct registry *r, struct inquiry *i, struct err *e)
{
	const struct http_request *q = &i->q;

	if (q->end == HTTP_ANSWERED) {
		r->may_fall = false;
		return judge_status(r, i, e);
	}
	if (fall_to_plain(r, i))
		return VERDICT_AGAIN;
	if (q->end == HTTP_BROKEN && session_put_off(r, i, -1))
		return VERDICT_AGAIN;
	if (q->end == HTTP_STOPPED)
		return VERDICT_FAILED; /* whoever stopped it has the error */
	*e = q->why;
	err_context(e, "%s", i->what);
	return VERDICT_FAILED;
}

int session_get(struct registry *r, struct inquiry *i, const char *path, struct err *e)
{
	for (;;) {
		int64_t pause = i->again_at - time_mono_ms();
		if (pause > 0)
			usleep((useconds_t)pause * 1000);
		int k = session_ask(r, i, path, e);
		while (k == 0 && i->q.end == HTTP_RUNNING)
			k = http_wait(r->http, -1, e);
		if (k < 0) {
			http_drop(r->http, &i->q);
			return k;
		}
		enum verdict v = session_judge(r, i, e);
		if (v == VERDICT_DONE)
			return 0;
		if (v == VERDICT_FAILED)
			return -e->code;
	}
}
