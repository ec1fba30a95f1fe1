/* Fuzz target: the tar parser keeps its promises about names, offsets and sizes, and says the same whatever the pieces are. */
#include "base/base.h"
#include "base/fuzz.h"
#include "data/tar.h"

struct seen {
	uint64_t next, size, sum;
	bool inside;
};

static void note(struct seen *s, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		s->sum = s->sum * 1099511628211U + b[i];
}

static int on_entry(void *arg, const struct tar_entry *t, struct err *e)
{
	struct seen *s = arg;

	FUZZ_CHECK(!s->inside && t->path[0] && strlen(t->path) <= 4096);
	FUZZ_CHECK((t->type == TAR_HARDLINK || t->type == TAR_SYMLINK) == (t->link != NULL));
	FUZZ_CHECK(!(t->mode & ~07777U) && t->size <= INT64_MAX);
	FUZZ_CHECK(t->mtime.tv_nsec >= 0 && t->mtime.tv_nsec < 1000000000);
	note(s, t->path, strlen(t->path));
	for (size_t i = 0; i < t->nxattrs; i++) {
		FUZZ_CHECK(t->xattrs[i].name[0]);
		note(s, t->xattrs[i].name, strlen(t->xattrs[i].name));
		note(s, t->xattrs[i].value, t->xattrs[i].len);
	}
	s->next = 0;
	s->size = t->size;
	if (t->path[0] == 's')
		return TAR_SKIP;
	s->inside = true;
	return 0;
}

static int on_data(void *arg, uint64_t offset, const void *p, size_t n, struct err *e)
{
	struct seen *s = arg;

	FUZZ_CHECK(s->inside && offset >= s->next && n && offset + n <= s->size);
	s->next = offset + n;
	note(s, p, n);
	return 0;
}

static int on_end(void *arg, struct err *e)
{
	struct seen *s = arg;

	FUZZ_CHECK(s->inside);
	s->inside = false;
	return 0;
}

static int parse(const uint8_t *data, size_t size, size_t piece, struct seen *s)
{
	static const struct tar_ops ops = {on_entry, on_data, on_end};
	struct tar *t = tar_new(&ops, s);
	struct err e = {0};
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece)
		r = tar_feed(t, data + at, size - at < piece ? size - at : piece, &e);
	if (r == 0)
		r = tar_finish(t, &e);
	FUZZ_CHECK(r == 0 || (e.code && e.msg[0] && e.id == ERR_ARCHIVE));
	tar_free(t);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = {0}, pieces = {0};
	int r = parse(data, size, size ? size : 1, &whole);

	FUZZ_CHECK(parse(data, size, 100, &pieces) == r);
	FUZZ_CHECK(r < 0 || whole.sum == pieces.sum);
	return 0;
}
