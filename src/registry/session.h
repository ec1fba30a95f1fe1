/*
 * session.h - a conversation with one registry about one repository: which address and scheme, which credentials, and what each answer means.
 *
 * Everybody who asks something does the same: session_ask() fills in address and credentials, the request runs, session_judge() says whether
 * it is done, has to be asked again (now or after a pause), or has failed. Both do not wait, so many requests may be under way.
 */
#ifndef REGISTRY_SESSION_H
#define REGISTRY_SESSION_H

#include "registry/auth.h"
#include "registry/http.h"

struct registry {
	struct arena arena;
	struct http *http;
	const char *name;	/* "docker.io", for people and for finding credentials */
	const char *host;	/* "registry-1.docker.io", for asking */
	const char *repository; /* "library/busybox"; NULL: the registry itself is meant */
	struct auth_opts auth;

	bool plain;    /* HTTP without TLS */
	bool may_fall; /* where no TLS is spoken, plain may be tried; until the first answer */

	int pause_ms; /* before the second try; doubled for each one that follows */
	bool once;    /* there is somebody else to ask: no second tries */

	bool push;	  /* tokens are to allow writing */
	struct strs also; /* repositories whose blobs tokens are to allow to be read */

	bool looked; /* for credentials */
	struct credentials cred;
	char *authorization;  /* what to send; NULL: nothing yet */
	unsigned auth_serial; /* counts every new authorization */
};

/* One thing that is asked, maybe several times. */
struct inquiry {
	struct http_request q;
	char *url;
	char *authorization; /* as it was sent */
	const char *what;    /* for messages: "docker.io/library/busybox:1.36" */
	unsigned auth_serial;
	bool write;    /* 201, 202 and 204 are good answers */
	bool may_lack; /* 404 is one, too */
	bool foreign; /* it goes to another origin than the registry's, which gets no credentials */
	bool plain;   /* as it was sent */
	int auths;    /* times that we went for credentials on behalf of this */
	int tries;    /* times that it broke or was put off */
	int64_t again_at; /* time_mono_ms() before which it should not be asked again */
};

enum verdict { VERDICT_DONE, VERDICT_AGAIN, VERDICT_FAILED };

/* Fills address and credentials and starts the request. path: "manifests/latest", of the repository;
 * "/_catalog", of the registry; "//v1/search", of its host; "https://...", a whole address that the registry named. */
int session_ask(struct registry *r, struct inquiry *i, const char *path, struct err *e);
enum verdict session_judge(struct registry *r, struct inquiry *i, struct err *e);
void inquiry_free(struct inquiry *i);

/* Asks for small things: asks, waits, judges, pauses, until it is done or has failed. */
int session_get(struct registry *r, struct inquiry *i, const char *path, struct err *e);

/* Puts a broken or refused request off, for ms (-1: a pause that grows): false if that was done often enough. */
bool session_put_off(const struct registry *r, struct inquiry *i, int64_t ms);

/* Answers a 401: finds credentials, gets a token if one is wanted, and sets r->authorization. what: as in struct inquiry. */
int session_authenticate(struct registry *r, const char *challenge, const char *what,
			 struct err *e);

/* "access denied", with what can be done about it. reason: what the registry said, may be "". */
int session_denied(struct registry *r, const char *what, const char *reason, struct err *e);

#endif
