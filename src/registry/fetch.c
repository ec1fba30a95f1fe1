/*
 * How it works (registry_fetch_all): each blob has an inquiry and a count of the bytes that were passed on. The loop starts what may run, lets
 * the transfers work, and looks at each that has ended. A broken one is asked again from where it stopped; it counts as a new
 * beginning when it had brought a good piece, so a long blob over a bad line comes in the end, and one that never moves does not.
 */
#include "base/base.h"

#include "base/loop.h"
#include "registry/registry.h"
#include "registry/session.h"

enum { GOOD_PIECE = 1 << 20 };

enum fetch_state { FETCH_WAITS, FETCH_RUNS, FETCH_ENDED };

struct transfer {
	struct inquiry i;
	struct registry_fetch *f;
	enum fetch_state state;
	uint64_t got;	/* bytes of the blob that were passed on, from its beginning */
	uint64_t at;	/* where in the blob the next byte from the registry stands */
	uint64_t began; /* got, when this try began */
	bool stalled;	/* it was given a second chance after silence */
	bool placed;	/* at was found for this answer */
	char *path, *what;
	struct err err; /* what stopped it, if we did */
};

static void transfer_end(struct transfer *t)
{
	inquiry_free(&t->i);
	free(t->path);
	free(t->what);
	t->path = t->what = NULL;
	t->i = (struct inquiry){0};
	t->state = FETCH_ENDED;
}

static int wrong_size(struct transfer *t, const char *verb, int64_t n)
{
	err_fail_code(&t->err, ERR_DIGEST_MISMATCH, EBADMSG,
		      "%s: the registry %s %" PRId64 " bytes, the manifest says "
		      "%" PRId64,
		      t->what, verb, n, t->f->size);
	return err_hint(&t->err, "the registry or something between gives other bytes than it "
				 "promises: distrust it");
}

/* The first bytes of an answer: where do they belong? */
static int place(struct transfer *t)
{
	const struct http_request *q = &t->i.q;

	t->placed = true;
	t->at = q->status == 206 ? t->i.q.offset : 0;
	if (q->status == 206 && q->range_start >= 0 && (uint64_t)q->range_start != t->i.q.offset) {
		err_fail_code(&t->err, ERR_REGISTRY_ANSWER, EPROTO,
			      "%s: asked from byte %" PRIu64 " on, the registry sends from %" PRId64
			      " on",
			      t->what, t->i.q.offset, q->range_start);
		return err_hint(&t->err, "tell whoever runs the registry");
	}
	if (q->length >= 0 && (int64_t)t->at + q->length != t->f->size)
		return wrong_size(t, "announces", (int64_t)t->at + q->length);
	return 0;
}

static int on_write(struct http_request *q, const void *p, size_t n)
{
	struct transfer *t = q->arg;
	const char *s = p;
	int r = t->placed ? 0 : place(t);

	if (r < 0)
		return r;
	if (n > (uint64_t)t->f->size - t->at)
		return wrong_size(t, "sends more than", t->f->size);
	if (t->at < t->got) { /* it ignores Range: what is there already is dropped */
		uint64_t drop = t->got - t->at < n ? t->got - t->at : n;
		t->at += drop;
		s += drop;
		n -= drop;
	}
	if (!n)
		return 0;
	r = t->f->write(t->f->arg, s, n, &t->err);
	t->at += n;
	t->got += n;
	return r;
}

static int begin(struct registry *r, struct transfer *t, struct err *e)
{
	t->i.q.offset = t->began = t->got;
	t->placed = false;
	t->state = FETCH_RUNS;
	return session_ask(r, &t->i, t->path, e);
}

static void transfer_make(const struct registry *r, struct transfer *t, struct registry_fetch *f)
{
	char text[DIGEST_STR];

	digest_str(&f->blob, text);
	t->f = f;
	t->got = f->offset;
	t->path = xasprintf("blobs/%s", text);
	t->what = xasprintf("%s/%s@%s", r->name, r->repository, text);
	t->i.what = t->what;
	t->i.q.write = on_write;
	t->i.q.arg = t;
}

/* Says how it ended. Negative: all fetches end, with *e. */
static int finish(struct transfer *t, int k, struct err *e)
{
	struct registry_fetch *f = t->f;

	if (k < 0)
		*e = t->err;
	transfer_end(t);
	return f->done(f->arg, k, e);
}

/* A transfer that stopped for no fault of ours and of the registry's documents: once more, if that may help. */
static bool resume(const struct registry *r, struct transfer *t)
{
	const struct http_request *q = &t->i.q;

	if (q->end == HTTP_STALLED) {
		if (t->stalled || t->got - t->began < GOOD_PIECE)
			return false;
		t->stalled = true;
	} else if (q->end != HTTP_BROKEN) {
		return false;
	}
	if (t->got - t->began >= GOOD_PIECE)
		t->i.tries = t->i.auths = 0;
	return session_put_off(r, &t->i, -1);
}

static int look(struct registry *r, struct transfer *t, struct err *e)
{
	const struct http_request *q = &t->i.q;

	t->state = FETCH_WAITS;
	if (q->end == HTTP_STOPPED)
		return finish(t, -t->err.code, e);
	if (t->placed && resume(r, t))
		return 0;
	switch (session_judge(r, &t->i, &t->err)) {
	case VERDICT_AGAIN:
		return 0;
	case VERDICT_FAILED:
		return finish(t, -t->err.code, e);
	case VERDICT_DONE:
		break;
	}
	if (t->got == (uint64_t)t->f->size)
		return finish(t, 0, e);
	return finish(t, wrong_size(t, "sends only", (int64_t)t->got), e);
}

/* Starts what may run now. Returns the number that run, *ret_wait the ms until the next one may (-1: none waits), or a negative errno. */
static int start_some(struct registry *r, struct transfer *v, size_t n, unsigned parallel,
		      int *ret_wait, struct err *e)
{
	int64_t now = time_mono_ms();
	unsigned busy = 0;

	*ret_wait = -1;
	for (size_t i = 0; i < n && busy < parallel; i++) {
		struct transfer *t = &v[i];
		if (t->state == FETCH_ENDED)
			continue;
		busy++;
		if (t->state == FETCH_RUNS)
			continue;
		if (t->i.again_at > now) {
			int ms = (int)(t->i.again_at - now);
			*ret_wait = *ret_wait < 0 || ms < *ret_wait ? ms : *ret_wait;
			continue;
		}
		int k;
		if (t->got > (uint64_t)t->f->size)
			k = finish(t, wrong_size(t, "has given", (int64_t)t->got), e);
		else
			k = t->got == (uint64_t)t->f->size ? finish(t, 0, e) : begin(r, t, e);
		if (k < 0)
			return k;
	}
	return (int)busy;
}

/* Looks at all that have ended. Returns how many those were, or a negative errno. */
static int look_at_ended(struct registry *r, struct transfer *v, size_t n, struct err *e)
{
	int seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].state != FETCH_RUNS || v[i].i.q.end == HTTP_RUNNING)
			continue;
		int k = look(r, &v[i], e);
		if (k < 0)
			return k;
		seen++;
	}
	return seen;
}

static int run_all(struct registry *r, struct transfer *v, size_t n, unsigned parallel,
		   struct err *e)
{
	for (;;) {
		int wait, k = start_some(r, v, n, parallel, &wait, e);
		if (k <= 0)
			return k;
		k = look_at_ended(r, v, n, e);
		if (k == 0)
			k = http_wait(r->http, wait < 0 ? 1000 : wait, e);
		if (k < 0)
			return k;
	}
}

int registry_fetch_all(struct registry *r, struct registry_fetch *v, size_t n, unsigned parallel,
		       struct err *e)
{
	struct transfer *t = xcalloc(n + 1, sizeof *t);

	for (size_t i = 0; i < n; i++)
		transfer_make(r, &t[i], &v[i]);
	int k = run_all(r, t, n, parallel ?: 1, e);
	for (size_t i = 0; i < n; i++) {
		http_drop(r->http, &t[i].i.q);
		transfer_end(&t[i]);
	}
	free(t);
	return k;
}
