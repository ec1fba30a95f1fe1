/*
 * How it works (registry_upload_all): each blob that is on its way has a slot, whose step says what is asked next: is it there, begin an upload (or take
 * the blob over), send the bytes, tell the digest. When sending broke, the registry is asked how much it has. When telling the digest
 * broke, it starts over: maybe it is there now.
 */
#include "base/base.h"

#include "base/loop.h"
#include "registry/push.h"
#include "registry/session.h"

enum {
	SMALL_S = 60,
	MAX_ANSWER = 64 << 10,
	GOOD_PIECE = 1 << 20,
	FINISH_STALL_S = 600, /* a registry may read a large blob again before it answers */
	MAX_LOCATION = 8192,
	MAX_SLOTS = 16,
};

enum step { STEP_LOOK, STEP_BEGIN, STEP_SEND, STEP_ASK, STEP_FINISH };

struct slot {
	struct inquiry i;
	struct registry_upload *u; /* NULL: free */
	enum step step;
	bool runs, no_mount;
	bool stalled; /* it was given a second chance after silence */
	struct http_body body;
	uint64_t confirmed;    /* most bytes that the registry ever said it has */
	uint64_t own, *sent;   /* bytes that went out: where they are counted */
	char *path, *location; /* what is asked; where the upload is */
	char *what;
	char range[64];
};

void registry_for_push(struct registry *r, const struct strs *from)
{
	r->push = true;
	for (size_t i = 0; i < from->n; i++)
		if (!strs_has(&r->also, from->v[i]))
			strs_add(&r->arena, &r->also, from->v[i]);
}

static void slot_free(struct slot *s)
{
	inquiry_free(&s->i);
	free(s->path);
	free(s->location);
	free(s->what);
	*s = (struct slot){0};
}

static void slot_take(const struct registry *r, struct slot *s, struct registry_upload *u)
{
	char text[DIGEST_STR];

	*s = (struct slot){.u = u};
	s->sent = u->sent ? u->sent : &s->own;
	s->what = xasprintf("%s/%s@%s", r->name, r->repository, digest_str(&u->blob, text));
}

/* A new request; what the inquiry remembers of failures stays. */
static struct http_request *new_request(struct slot *s, const char *method)
{
	struct http_request *q = &s->i.q;

	http_request_free(q);
	*q = (struct http_request){.method = method, .max = MAX_ANSWER};
	s->i.what = s->what;
	s->i.write = true;
	s->i.may_lack = false;
	free(s->path);
	s->path = NULL;
	return q;
}

static void ask_begin(struct slot *s, const char *digest)
{
	const char *from = s->no_mount ? NULL : s->u->from;

	new_request(s, "POST")->total_s = SMALL_S;
	s->path = from ? xasprintf("blobs/uploads/?mount=%s&from=%s", digest, from)
		       : xstrdup("blobs/uploads/");
}

static void ask_send(struct slot *s)
{
	struct http_request *q = new_request(s, "PATCH");
	uint64_t from = *s->sent;

	s->body = (struct http_body){s->u->mem, s->u->fd, from, s->u->size - from, s->sent};
	q->send = &s->body;
	q->content_type = "application/octet-stream";
	if (from) {
		snprintf(s->range, sizeof s->range, "%" PRIu64 "-%" PRIu64, from, s->u->size - 1);
		q->range = s->range;
	}
	s->path = xstrdup(s->location);
}

static void ask_finish(struct slot *s, const char *digest)
{
	struct http_request *q = new_request(s, "PUT");

	q->stall_s = FINISH_STALL_S;
	q->content_type = "application/octet-stream";
	s->path = xasprintf("%s%cdigest=%s", s->location, strchr(s->location, '?') ? '&' : '?',
			    digest);
}

static int ask(struct registry *r, struct slot *s, struct err *e)
{
	char digest[DIGEST_STR];
	int k;

	digest_str(&s->u->blob, digest);
	switch (s->step) {
	case STEP_LOOK:
		new_request(s, "HEAD")->total_s = SMALL_S;
		s->i.write = false;
		s->i.may_lack = true;
		s->path = xasprintf("blobs/%s", digest);
		break;
	case STEP_BEGIN:
		*s->sent = 0;
		ask_begin(s, digest);
		break;
	case STEP_SEND:
		k = s->u->open && s->u->fd < 0 && !s->u->mem ? s->u->open(s->u, e) : 0;
		if (k < 0)
			return k;
		ask_send(s);
		break;
	case STEP_ASK:
		new_request(s, NULL)->total_s = SMALL_S;
		s->i.may_lack = true;
		s->path = xstrdup(s->location);
		break;
	case STEP_FINISH:
		ask_finish(s, digest);
		break;
	}
	s->runs = true;
	return session_ask(r, &s->i, s->path, e);
}

static int wrong_digest(const char *what, const char *got, struct err *e)
{
	err_fail_code(e, ERR_DIGEST_MISMATCH, EBADMSG, "%s: the registry says that it got %.71s",
		      what, got);
	return err_hint(e, "the registry or something between changes what is sent: distrust it");
}

/* The address for what follows, from the last answer. One that does not name any leaves the old one. */
static int take_location(struct slot *s, struct err *e)
{
	const struct http_request *q = &s->i.q;
	const char *text = str_cstr(&q->location);

	if (!*text && s->location)
		return 0;
	char *url = q->location.len <= MAX_LOCATION && *text ? http_resolve(s->i.url, text) : NULL;
	if (!url) {
		err_fail(e, ERR_REGISTRY_ANSWER, "%s: the registry does not say where to send it",
			 s->what);
		return err_hint(e, "tell whoever runs the registry");
	}
	free(s->location);
	s->location = url;
	if (str_starts(url, "https://") || str_starts(s->i.url, "http://"))
		return 0;
	err_fail(e, ERR_REGISTRY_REDIRECT,
		 "%s: asked over HTTPS, the registry wants it over plain HTTP: %.200s", s->what,
		 url);
	return err_hint(e, "the registry is set up wrongly (behind a proxy it has to know its own "
			   "address), or it is not honest");
}

/* The blob is there. */
static int finished(const struct registry_feed *feed, struct slot *s, enum registry_sent how)
{
	s->u->how = how;
	*s->sent = s->u->size;
	feed->done(feed->arg, s->u);
	slot_free(s);
	return 0;
}

static int looked(const struct registry_feed *feed, struct slot *s, struct err *e)
{
	const struct http_request *q = &s->i.q;

	if (q->status == 404) {
		s->step = STEP_BEGIN;
		return 0;
	}
	if (q->length > 0 && (uint64_t)q->length != s->u->size) {
		err_fail_code(e, ERR_DIGEST_MISMATCH, EBADMSG,
			      "%s: the registry has %" PRId64 " bytes of that digest, here are "
			      "%" PRIu64,
			      s->what, q->length, s->u->size);
		return err_hint(e, "what the registry has is broken: tell whoever runs it");
	}
	return finished(feed, s, REGISTRY_WAS_THERE);
}

/* The registry has said how much of a broken upload it has. One that grows may break as often as it likes. */
static void resume_at(struct slot *s, const struct http_request *q)
{
	uint64_t size = s->u->size, has = q->range_end < 0 ? 0 : (uint64_t)q->range_end + 1;

	if (has == 1 && size > 1) /* most say "0-0" when they have nothing */
		has = 0;
	if (q->status == 404 || has > size) {
		s->step = STEP_BEGIN;
		return;
	}
	if (has >= s->confirmed + GOOD_PIECE)
		s->i.tries = 0;
	if (has > s->confirmed)
		s->confirmed = has;
	*s->sent = has;
	s->step = has == size ? STEP_FINISH : STEP_SEND;
}

/* A step was answered well: on to the next one. */
static int step_done(const struct registry_feed *feed, struct slot *s, struct err *e)
{
	const struct http_request *q = &s->i.q;
	char digest[DIGEST_STR];
	int r;

	s->i.auths = 0;
	digest_str(&s->u->blob, digest);
	switch (s->step) {
	case STEP_LOOK:
		return looked(feed, s, e);
	case STEP_BEGIN:
		if (q->status == 201)
			return finished(feed, s, REGISTRY_MOUNTED);
		r = take_location(s, e);
		s->step = s->u->size ? STEP_SEND : STEP_FINISH;
		return r;
	case STEP_SEND:
		s->step = STEP_FINISH;
		return take_location(s, e);
	case STEP_ASK:
		resume_at(s, q);
		return q->status == 404 ? 0 : take_location(s, e);
	case STEP_FINISH:
		if (q->digest[0] && strcmp(q->digest, digest) != 0)
			return wrong_digest(s->what, q->digest, e);
		return finished(feed, s, REGISTRY_SENT);
	}
	return 0;
}

/* It has to be asked again: from where? */
static void step_again(struct slot *s)
{
	if (s->step == STEP_SEND)
		s->step = STEP_ASK;
	else if (s->step == STEP_FINISH)
		s->step = STEP_LOOK;
}

static int look(struct registry *r, const struct registry_feed *feed, struct slot *s, struct err *e)
{
	struct err why = {.exit = e->exit};

	s->runs = false;
	if (s->step == STEP_SEND && s->i.q.end == HTTP_STALLED && !s->stalled &&
	    *s->sent - s->body.from >= GOOD_PIECE) {
		s->stalled = true;
		step_again(s);
		return 0;
	}
	switch (session_judge(r, &s->i, &why)) {
	case VERDICT_DONE:
		return step_done(feed, s, e);
	case VERDICT_AGAIN:
		step_again(s);
		return 0;
	case VERDICT_FAILED:
		break;
	}
	/* it may still be busy with what it got before the connection broke */
	if (s->step == STEP_SEND && (s->body.from || s->i.tries) && s->i.q.end == HTTP_ANSWERED &&
	    (s->i.q.status == 400 || s->i.q.status == 404 || s->i.q.status == 416) &&
	    session_put_off(r, &s->i, -1)) {
		s->step = STEP_ASK;
		return 0;
	}
	if (s->step == STEP_BEGIN && s->u->from && !s->no_mount && why.id == ERR_REGISTRY_DENIED) {
		s->no_mount = true;
		s->i.auths = 0;
		return 0;
	}
	*e = why;
	return -why.code;
}

/* Fills a free slot. As registry_feed.next(). */
static int fill(struct registry *r, const struct registry_feed *feed, struct slot *s, struct err *e)
{
	struct registry_upload *u;
	int k = feed->next(feed->arg, &u, e);

	if (k > 0)
		slot_take(r, s, u);
	return k;
}

struct round {
	unsigned busy;
	int wait; /* milliseconds until something is to be asked again; -1 */
	bool end; /* no more will come */
};

/* Starts what may run now. */
static int start_some(struct registry *r, const struct registry_feed *feed, struct slot *v,
		      unsigned n, struct round *o, struct err *e)
{
	bool more = !o->end;

	o->busy = 0;
	o->wait = -1;
	for (unsigned i = 0; i < n; i++) {
		struct slot *s = &v[i];
		int64_t left = s->i.again_at - time_mono_ms();
		int k = s->u || !more ? 0 : fill(r, feed, s, e);
		if (k == -ENODATA)
			o->end = true;
		else if (k < 0)
			return k;
		more = more && (s->u || k > 0) && !o->end;
		if (!s->u)
			continue;
		o->busy++;
		if (s->runs)
			continue;
		if (k == 0 && left > 0) {
			o->wait = o->wait < 0 || left < o->wait ? (int)left : o->wait;
			continue;
		}
		k = ask(r, s, e);
		if (k < 0)
			return k;
	}
	return 0;
}

/* Returns how many have ended, or a negative errno. */
static int look_at_ended(struct registry *r, const struct registry_feed *feed, struct slot *v,
			 unsigned n, struct err *e)
{
	int seen = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!v[i].u || !v[i].runs || v[i].i.q.end == HTTP_RUNNING)
			continue;
		int k = look(r, feed, &v[i], e);
		if (k < 0)
			return k;
		seen++;
	}
	return seen;
}

static int run_all(struct registry *r, const struct registry_feed *feed, struct slot *v, unsigned n,
		   struct err *e)
{
	struct round o = {0};

	for (;;) {
		int k = start_some(r, feed, v, n, &o, e);
		if (k < 0 || (o.end && !o.busy))
			return k;
		k = look_at_ended(r, feed, v, n, e);
		if (k == 0) {
			/* with all slots taken, there is no use for another blob */
			http_also(r->http, o.busy < n && !o.end ? feed->fd : -1);
			k = http_wait(r->http, o.wait < 0 ? 1000 : o.wait, e);
		}
		if (k < 0)
			return k;
	}
}

int registry_upload_all(struct registry *r, const struct registry_feed *feed, unsigned parallel,
			struct err *e)
{
	unsigned n = parallel < 1 ? 1 : parallel > MAX_SLOTS ? MAX_SLOTS : parallel;
	struct slot *v = xcalloc(n, sizeof *v);
	int k = run_all(r, feed, v, n, e);

	http_also(r->http, -1);
	for (unsigned i = 0; i < n; i++) {
		http_drop(r->http, &v[i].i.q);
		slot_free(&v[i]);
	}
	free(v);
	return k;
}

int registry_put_manifest(struct registry *r, const char *tag, const char *media_type,
			  const char *text, size_t len, struct err *e)
{
	const struct http_body body = {.mem = text, .left = len};
	autofree char *path = xasprintf("manifests/%s", tag),
		      *name = xasprintf("%s/%s%c%s", r->name, r->repository,
					str_starts(tag, "sha256:") ? '@' : ':', tag);
	char buf[DIGEST_STR];
	struct digest d;
	scoped(inquiry) i = {
		.what = name,
		.write = true,
		.q = {.method = "PUT",
		      .send = &body,
		      .content_type = media_type,
		      .max = MAX_ANSWER,
		      .total_s = SMALL_S},
	};
	int k = hash_bytes(text, len, &d, e);

	if (k == 0)
		k = session_get(r, &i, path, e);
	if (k == 0 && i.q.digest[0] && strcmp(i.q.digest, digest_str(&d, buf)) != 0)
		return wrong_digest(name, i.q.digest, e);
	return k;
}
