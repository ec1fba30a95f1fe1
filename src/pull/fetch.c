/*
 * How it works: the process and its parent share one socket. It writes the documents into a file in memory and says how long they are
 * (struct found); the parent answers with one message for each blob (struct order, with the descriptor of its file) and one
 * without. What comes then goes straight into the files; how much is there stands in memory that all share (growing.h). When all
 * is there it says so with one byte, and takes orders again, until it is ended.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/base.h"
#include "oci/image_spec.h"
#include "pull/fetch.h"
#include "store/blobs.h"
#include "store/partial.h"

enum { MAX_NESTING = 4, STREAMS = 6 };

struct found {
	uint64_t manifest_len, config_len;
	struct digest top, manifest, config;
};

struct order {
	struct digest digest; /* unknown: that was all */
	struct growing *g;
};

/* In the process: what it was told, and the sockets. */
struct fetching {
	struct fetch_what what;
	int talk, docs;
	struct registry *registry;
	struct arena arena;
	struct registry_document top, manifest;
	struct str config;
	struct oci_manifest parsed;
};

/* One blob on its way into its file. */
struct stream {
	const struct home *h;
	struct digest digest;
	struct growing *g;
	int fd;
	uint64_t pos;
};

static const char *describe(struct fetching *f, const char *digest)
{
	return digest ? arena_printf(&f->arena, "%s: %.19s", ref_text(&f->arena, f->what.ref),
				     digest)
		      : ref_text(&f->arena, f->what.ref);
}

/* A document that the store has: its name says what is in it. */
static bool from_store(struct fetching *f, const char *digest, struct registry_document *ret)
{
	scoped(str) text = {0};

	if (blob_read(f->what.h, digest, IMAGE_MAX_MANIFEST, &text, NULL) < 0)
		return false;
	*ret = (struct registry_document){
		.text = arena_strndup(&f->arena, str_cstr(&text), text.len), .len = text.len};
	return digest_parse(digest, &ret->digest, NULL) == 0;
}

/* Opens a registry for what the documents of the store lead to; otherwise the manifest has opened one. */
static int need_registry(struct fetching *f, struct err *e)
{
	return f->registry ? 0
			   : registry_reach(&f->registry, f->what.ref, f->what.registry, &f->arena,
					    NULL, e);
}

/* The text behind a digest: a manifest below an index. */
static int get_below(struct fetching *f, const struct oci_descriptor *d,
		     struct registry_document *ret, struct err *e)
{
	if (!from_store(f, d->digest, ret)) {
		int r = need_registry(f, e);
		if (r == 0)
			r = registry_manifest(f->registry, d->digest, &f->arena, ret, e);
		if (r < 0)
			return r;
	}
	if (ret->len == (uint64_t)d->size)
		return 0;
	return err_fail(e, ERR_DIGEST_MISMATCH,
			"%s has %zu bytes, but the index above it says %" PRId64,
			describe(f, d->digest), ret->len, d->size);
}

static int find_manifest(struct fetching *f, struct err *e)
{
	struct registry_document *doc = &f->manifest;
	const char *digest = f->what.ref->digest;
	struct oci_document parsed;
	int r = 0;

	*doc = (struct registry_document){0};
	/* By digest there is nothing to ask, if it is here and is a manifest. */
	if (!digest || !from_store(f, digest, doc) ||
	    oci_manifest_parse(&f->arena, doc->text, doc->len, NULL, "", &parsed.manifest, NULL) <
		    0)
		r = registry_reach(&f->registry, f->what.ref, f->what.registry, &f->arena, doc, e);
	f->top = *doc;
	for (int depth = 0; r == 0; depth++) {
		char buf[DIGEST_STR];
		const char *what = describe(f, depth ? digest_str(&doc->digest, buf) : NULL);
		r = oci_document_parse(&f->arena, doc->text, doc->len, doc->media_type, what,
				       &parsed, e);
		if (r < 0 || parsed.kind == OCI_MANIFEST)
			break;
		if (depth == MAX_NESTING) {
			err_fail(e, ERR_IMAGE_BAD, "%s: indexes are nested more than %d deep", what,
				 MAX_NESTING);
			return err_hint(e, "the image is broken: tell those who made it");
		}
		const struct oci_descriptor *d =
			platform_choose(&parsed.index, f->what.platform, what, e);
		r = d ? get_below(f, d, doc, e) : -ENOENT;
	}
	f->parsed = parsed.manifest;
	return r;
}

static int find_config(struct fetching *f, struct digest *ret, struct err *e)
{
	const struct oci_descriptor *c = &f->parsed.config;
	int r = digest_parse(c->digest, ret, e);

	if (r < 0)
		return r;
	if (blob_read(f->what.h, c->digest, IMAGE_MAX_CONFIG, &f->config, NULL) == 0)
		return 0;
	str_reset(&f->config);
	r = need_registry(f, e);
	return r < 0 ? r
		     : registry_blob(f->registry, ret, c->size, IMAGE_MAX_CONFIG, &f->config, e);
}

static int tell_found(struct fetching *f, struct err *e)
{
	struct found found = {.top = f->top.digest, .manifest = f->manifest.digest};
	int r = find_config(f, &found.config, e);

	if (r < 0)
		return r;
	found.manifest_len = f->manifest.len;
	found.config_len = f->config.len;
	r = fd_write_all(f->docs, f->manifest.text, f->manifest.len);
	if (r == 0)
		r = fd_write_all(f->docs, str_cstr(&f->config), f->config.len);
	if (r == 0 && fd_send_msg(f->talk, &found, sizeof found, NULL, 0) != sizeof found)
		r = -EPIPE;
	return r < 0 ? err_set(e, r, "pass the documents on") : 0;
}

static int stream_write(void *arg, const void *p, size_t n, struct err *e)
{
	struct stream *s = arg;

	for (size_t at = 0; at < n;) {
		ssize_t k = pwrite(s->fd, (const char *)p + at, n - at, (off_t)s->pos);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_set(e, errno, "write a layer of %s", s->h->path);
		at += (size_t)k;
		s->pos += (uint64_t)k;
		growing_add(s->g, (uint64_t)k);
	}
	return 0;
}

static int stream_done(void *arg, int r, struct err *e)
{
	struct stream *s = arg;

	if (r < 0 && e->id == ERR_DIGEST_MISMATCH) /* what is there is not the beginning of it */
		partial_drop(s->h, &s->digest);
	return r;
}

/* What the parent wants, until it has said all. */
static int take_orders(struct fetching *f, struct bind_list *ret, struct err *e)
{
	for (;;) {
		struct order o;
		int fd = -1;
		size_t nfds = 1;
		if (fd_recv_msg(f->talk, &o, sizeof o, &fd, &nfds) != sizeof o)
			return err_fail_code(e, ERR_INTERNAL, EPIPE, "nobody wants the layers");
		if (!digest_known(&o.digest) || !nfds)
			return 0;
		struct stream *s = bind_append(&f->arena, ret, sizeof *s);
		*s = (struct stream){f->what.h, o.digest, o.g, fd, o.g->arrived};
	}
}

static int fetch_streams(struct fetching *f, struct stream *s, size_t n, struct err *e)
{
	struct registry_fetch *v = xcalloc(n, sizeof *v);
	int r = need_registry(f, e);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct registry_fetch){s[i].digest,  (int64_t)s[i].g->size, s[i].pos,
					       stream_write, stream_done,	    &s[i]};
	if (r == 0)
		r = registry_fetch_all(f->registry, v, n, STREAMS, e);
	for (size_t i = 0; i < n; i++)
		fd_close(&s[i].fd);
	free(v);
	return r;
}

static int run(struct fetching *f, struct err *e)
{
	int r = find_manifest(f, e);

	if (r == 0)
		r = tell_found(f, e);
	while (r == 0) {
		struct bind_list streams = {0};
		char done = 1;
		r = take_orders(f, &streams, e);
		if (r == 0 && streams.n)
			r = fetch_streams(f, streams.v, streams.n, e);
		if (r == 0 && fd_send_msg(f->talk, &done, 1, NULL, 0) != 1)
			r = err_set(e, EPIPE, "tell that the layers are here");
	}
	return r;
}

static int fetch_child(void *arg, struct err *e)
{
	struct fetching f = *(struct fetching *)arg;

	return run(&f, e); /* everything goes with the process */
}

int fetch_start(struct fetch *ret, const struct fetch_what *w, struct err *e)
{
	struct fetching f = {.what = *w};
	int s[2];

	*ret = FETCH_NONE;
	ret->docs = f.docs = memfd_create("documents", MFD_CLOEXEC);
	if (f.docs < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "talk to another process");
	ret->talk = s[0];
	f.talk = s[1];
	int r = task_start(&ret->task, fetch_child, &f, e);
	close(s[1]);
	return r;
}

/* It hung up: what it says at its end is why. */
static int lost(struct fetch *f, struct err *e)
{
	struct task_wait w = TASK_WAIT_ONLY;
	size_t done;
	int r = f->task.pid ? task_wait(&f->task, 1, &w, &done, e) : 0;

	return r < 0 ? r : err_fail_code(e, ERR_INTERNAL, EPIPE, "the transfers ended early");
}

int fetch_documents(struct fetch *f, const struct task_wait *w, struct arena *a,
		    struct fetch_documents *ret, struct err *e)
{
	struct task_wait wait = *w;
	struct found found;
	scoped(str) text = {0};
	size_t done;

	wait.until = f->talk;
	int r = task_wait(&f->task, 1, &wait, &done, e);
	if (r < 0)
		return r;
	if (fd_recv_msg(f->talk, &found, sizeof found, NULL, &(size_t){0}) != sizeof found)
		return lost(f, e);
	lseek(f->docs, 0, SEEK_SET);
	r = fd_read_all(f->docs, &text, IMAGE_MAX_MANIFEST + IMAGE_MAX_CONFIG);
	if (r < 0 || text.len != found.manifest_len + found.config_len)
		return err_set(e, r < 0 ? r : EIO, "take the documents over");
	*ret = (struct fetch_documents){
		.manifest = arena_strndup(a, str_cstr(&text), found.manifest_len),
		.config = arena_strndup(a, str_cstr(&text) + found.manifest_len, found.config_len),
		.manifest_len = found.manifest_len,
		.config_len = found.config_len,
		.top = found.top,
		.manifest_digest = found.manifest,
		.config_digest = found.config,
	};
	return 0;
}

int fetch_order(struct fetch *f, const struct fetch_blob *b, struct err *e)
{
	struct order o = {0};

	if (b)
		o = (struct order){b->digest, b->g};
	if (fd_send_msg(f->talk, &o, sizeof o, b ? &b->fd : NULL, b ? 1 : 0) == sizeof o)
		return 0;
	return lost(f, e);
}

int fetch_done(struct fetch *f, struct err *e)
{
	char done;

	if (fd_recv_msg(f->talk, &done, 1, NULL, &(size_t){0}) == 1)
		return 0;
	return lost(f, e);
}

void fetch_end(struct fetch *f)
{
	task_kill(&f->task);
	fd_close(&f->talk);
	fd_close(&f->docs);
}
