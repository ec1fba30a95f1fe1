#include "base/base.h"

#include "oci/image_spec.h"
#include "registry/answer.h"
#include "registry/certs.h"
#include "registry/registry.h"
#include "registry/session.h"

enum { SMALL_S = 60, PAUSE_MS = 1000 };

static int refuse_local(const struct reference *repo, struct err *e)
{
	err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT,
		      "no image localhost/%s here, and no registry has that name",
		      repo->repository);
	return err_hint(
		e,
		"names that begin with localhost/ belong to images made here; a registry on this "
		"machine has a port: localhost:5000/NAME");
}

int registry_open_at(struct registry **ret, const struct reference *repo,
		     const struct registry_opts *o, struct err *e)
{
	const struct auth_opts auth = {.authfile = o->authfile, .creds = o->creds};
	int k = auth_check(&auth, e);

	*ret = NULL;
	if (k < 0)
		return k;
	if (!strcmp(repo->registry, "localhost"))
		return refuse_local(repo, e);
	struct registry *r = xcalloc(1, sizeof *r);
	struct arena *a = &r->arena;
	r->name = arena_strdup(a, repo->registry);
	r->host = !strcmp(r->name, "docker.io") ? "registry-1.docker.io" : r->name;
	r->repository = arena_strdup(a, repo->repository);
	r->pause_ms = PAUSE_MS;
	r->may_fall = o->tls == REGISTRY_TLS_ANY ||
		      (o->tls == REGISTRY_TLS_AUTO && http_is_loopback(r->host));
	r->auth = (struct auth_opts){arena_strdup(a, o->authfile), arena_strdup(a, o->creds)};
	struct http_opts h = {.insecure = o->tls == REGISTRY_TLS_ANY,
			      .cert_dir = !str_is_empty(o->cert_dir) ? o->cert_dir
								     : certs_dir(a, r->name)};
	k = http_open(&r->http, &h, e);
	if (k < 0)
		registry_close(r);
	else
		*ret = r;
	return k;
}

int registry_open(struct registry **ret, const struct reference *repo,
		  const struct registry_opts *o, struct err *e)
{
	struct registry_opts own = *o;
	bool insecure;
	int k = registries_allowed(o->conf, repo, &insecure, e);

	*ret = NULL;
	if (insecure && own.tls == REGISTRY_TLS_AUTO)
		own.tls = REGISTRY_TLS_ANY;
	return k < 0 ? k : registry_open_at(ret, repo, &own, e);
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	http_close(r->http);
	free(r->authorization);
	arena_free(&r->arena);
	free(r);
}

static int check_digest(const struct str *body, const struct digest *want, const char *what,
			struct digest *ret, struct err *e)
{
	char a[DIGEST_STR], b[DIGEST_STR];
	int k = hash_bytes(str_cstr(body), body->len, ret, e);

	if (k < 0 || !want || digest_eq(want, ret))
		return k;
	err_fail_code(e, ERR_DIGEST_MISMATCH, EBADMSG, "%s: wanted %s, but what came is %s", what,
		      digest_str(want, a), digest_str(ret, b));
	return err_hint(e, "the registry or something between gives other bytes than it promises: "
			   "distrust it");
}

/* The type to judge a manifest by: what the answer says, unless that says nothing ("application/json", "text/plain", none). */
static const char *announced_type(const struct http_request *q)
{
	static const char *const nothing[] = {"", "application/json", "text/plain",
					      "application/octet-stream"};

	for (size_t i = 0; i < countof(nothing); i++)
		if (!strcmp(q->type, nothing[i]))
			return NULL;
	return q->type;
}

static int take_manifest(struct registry *r, const struct inquiry *i, const struct digest *want,
			 struct arena *a, struct registry_document *ret, struct err *e)
{
	const struct http_request *q = &i->q;
	struct oci_document doc;
	int k = check_digest(&q->body, want, i->what, &ret->digest, e);

	if (k < 0)
		return k;
	if (answer_is_html(q->type, str_cstr(&q->body), q->body.len)) {
		err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO,
			      "%s answers with a web page, not as a registry does", r->name);
		return err_hint(e, "check the registry's name; a proxy or a login page of the "
				   "network may have "
				   "answered");
	}
	k = oci_document_parse(a, str_cstr(&q->body), q->body.len, announced_type(q), i->what, &doc,
			       e);
	if (k < 0)
		return k;
	const char *own = doc.kind == OCI_INDEX ? doc.index.media_type : doc.manifest.media_type;
	ret->media_type = arena_strdup(a, announced_type(q) ?: own ?: doc.kind == OCI_INDEX ? MEDIA_OCI_INDEX :
												 MEDIA_OCI_MANIFEST);
	ret->len = q->body.len;
	ret->text = arena_strndup(a, str_cstr(&q->body), q->body.len);
	return 0;
}

int registry_manifest(struct registry *r, const char *what, struct arena *a,
		      struct registry_document *ret, struct err *e)
{
	struct digest want = {0};
	bool by_digest = str_starts(what, "sha256:");
	int k = by_digest ? digest_parse(what, &want, e) : 0;
	autofree char *path = xasprintf("manifests/%s", what),
		      *name = xasprintf("%s/%s%c%s", r->name, r->repository, by_digest ? '@' : ':',
					what);
	scoped(inquiry) i = {
		.what = name,
		.q = {.accept = MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST
						", " MEDIA_DOCKER_MANIFEST,
		      .max = IMAGE_MAX_MANIFEST,
		      .total_s = SMALL_S},
	};

	*ret = (struct registry_document){0};
	if (k >= 0)
		k = session_get(r, &i, path, e);
	return k < 0 ? k : take_manifest(r, &i, by_digest ? &want : NULL, a, ret, e);
}

int registry_blob(struct registry *r, const struct digest *blob, int64_t size, size_t max,
		  struct str *out, struct err *e)
{
	char text[DIGEST_STR];
	autofree char *path = xasprintf("blobs/%s", digest_str(blob, text)),
		      *name = xasprintf("%s/%s@%s", r->name, r->repository, text);
	scoped(inquiry) i = {.what = name, .q = {.max = (size_t)size, .total_s = SMALL_S}};
	struct digest got;

	if (size < 0 || (uint64_t)size > max) {
		err_fail_code(e, ERR_REGISTRY_ANSWER, EFBIG,
			      "%s has %" PRId64 " bytes, more than the %zu allowed", name, size,
			      max);
		return err_hint(e, "no sound image has documents of that size");
	}
	int k = session_get(r, &i, path, e);
	if (i.q.end == HTTP_TOO_LONG)
		e->id = ERR_DIGEST_MISMATCH;
	if (k < 0)
		return k;
	k = check_digest(&i.q.body, blob, name, &got, e);
	if (k == 0)
		str_addn(out, str_cstr(&i.q.body), i.q.body.len);
	return k;
}
