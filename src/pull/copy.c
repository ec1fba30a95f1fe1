#include "base/base.h"
#include "base/task.h"
#include "oci/image_spec.h"
#include "pull/copy.h"
#include "registry/push.h"
#include "state/tmp.h"

/* Runs fn in a child, with an answer for signals. */
static int in_child(int (*fn)(void *arg, struct err *e), void *arg, struct err *e)
{
	scoped(task_signals) sig;
	struct task_wait wait = TASK_WAIT_ONLY;
	struct task t = TASK_NONE;
	size_t done;

	task_signals_hold(&sig);
	wait.sigfd = sig.fd;
	int r = task_start(&t, fn, arg, e);
	if (r == 0)
		r = task_wait(&t, 1, &wait, &done, e);
	task_kill(&t);
	return r;
}

/* ---- in the child */

struct copying {
	const struct home *h;
	const struct copy_image *c;
	struct arena arena;
	struct registry *from, *to;
	struct registry_document doc;
	struct registry_upload *v;
	size_t n, given;
};

struct passing {
	int fd;
	struct hash hash;
	const char *store;
};

static int pass(void *arg, const void *p, size_t n, struct err *e)
{
	struct passing *t = arg;

	hash_add(&t->hash, p, n);
	int r = fd_write_all(t->fd, p, n);
	return r < 0 ? err_set(e, r, "write a layer below %s", t->store) : 0;
}

static int passed(void *arg, int r, struct err *e)
{
	return r;
}

/* Fetches a blob into a nameless file. */
static int fetch_blob(struct registry_upload *u, struct err *e)
{
	struct copying *k = u->arg;
	autoclose int fd = home_tmp_file(k->h, e);
	struct passing t = {.fd = fd, .store = k->h->path};
	struct registry_fetch f = {.blob = u->blob,
				   .size = (int64_t)u->size,
				   .write = pass,
				   .done = passed,
				   .arg = &t};
	struct digest got;
	char text[DIGEST_STR];
	int r = fd < 0 ? fd : hash_open(&t.hash, e);

	if (r < 0)
		return r;
	r = registry_fetch_all(k->from, &f, 1, 1, e);
	if (r < 0) {
		hash_free(&t.hash);
		return r;
	}
	hash_end(&t.hash, &got);
	if (!digest_eq(&got, &u->blob)) {
		err_fail_code(e, ERR_DIGEST_MISMATCH, EBADMSG, "%s: other bytes came than of %s",
			      ref_text(&k->arena, &k->c->from), digest_str(&u->blob, text));
		return err_hint(e, "the registry or something between gives other bytes than it "
				   "promises: distrust it");
	}
	u->fd = take_fd(fd);
	return 0;
}

static int next_blob(void *arg, struct registry_upload **ret, struct err *e)
{
	struct copying *k = arg;

	if (k->given == k->n)
		return -ENODATA;
	*ret = &k->v[k->given++];
	return 1;
}

static void blob_done(void *arg, struct registry_upload *u)
{
	fd_close(&u->fd);
}

static int add_blob(struct copying *k, const struct oci_descriptor *d, struct err *e)
{
	const struct reference *from = &k->c->from, *to = &k->c->to;
	bool same = !strcmp(from->registry, to->registry) &&
		    strcmp(from->repository, to->repository) != 0;
	struct registry_upload *u = &k->v[k->n++];

	*u = (struct registry_upload){.size = (uint64_t)d->size,
				      .fd = -1,
				      .open = fetch_blob,
				      .arg = k,
				      .from = same ? from->repository : NULL};
	return digest_parse(d->digest, &u->blob, e);
}

static int send_blobs(struct copying *k, struct err *e)
{
	const struct registry_feed feed = {next_blob, blob_done, -1, k};
	const struct oci_descriptor *d;
	struct oci_manifest m;
	struct strs sources = {0};
	int r = oci_manifest_parse(&k->arena, k->doc.text, k->doc.len, k->doc.media_type,
				   ref_text(&k->arena, &k->c->from), &m, e);

	if (r < 0)
		return r;
	k->v = arena_alloc(&k->arena, (m.layers.n + 1) * sizeof *k->v);
	r = add_blob(k, &m.config, e);
	d = m.layers.v;
	for (size_t i = 0; i < m.layers.n && r == 0; i++)
		r = add_blob(k, &d[i], e);
	if (k->v[0].from)
		strs_add(&k->arena, &sources, k->v[0].from);
	registry_for_push(k->to, &sources);
	return r < 0 ? r : registry_upload_all(k->to, &feed, 1, e);
}

static int copy_child(void *arg, struct err *e)
{
	struct copying *k = arg;
	const struct copy_image *c = k->c;
	int r = registry_reach(&k->from, &c->from, &c->from_opts, &k->arena, &k->doc, e);

	if (r == 0)
		r = registry_open(&k->to, &c->to, &c->to_opts, e);
	if (r == 0)
		r = send_blobs(k, e);
	if (r == 0)
		r = registry_put_manifest(k->to, c->from.digest, k->doc.media_type, k->doc.text,
					  k->doc.len, e);
	return r; /* everything goes with the process */
}

int copy_image(const struct home *h, const struct copy_image *c, struct err *e)
{
	struct copying k = {.h = h, .c = c};

	return in_child(copy_child, &k, e);
}

struct document {
	const struct reference *to;
	const struct registry_opts *o;
	const char *media_type, *text;
	size_t len;
};

static int document_child(void *arg, struct err *e)
{
	const struct document *d = arg;
	struct registry *r;
	int k = registry_open(&r, d->to, d->o, e);

	if (k < 0)
		return k;
	registry_for_push(r, &(struct strs){0});
	return registry_put_manifest(r, d->to->tag, d->media_type, d->text, d->len, e);
}

int copy_document(const struct reference *to, const struct registry_opts *o, const char *media_type,
		  const char *text, size_t len, struct err *e)
{
	struct document d = {to, o, media_type, text, len};

	return in_child(document_child, &d, e);
}
