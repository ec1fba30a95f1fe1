#include "base/base.h"
#include "data/tar.h"
#include "store/archive.h"

enum { MAX_ENTRIES = 200000, MAX_LINKS = 8, BLOCK = 256 << 10 };

struct entry {
	const char *name; /* cleaned: no "./" in front, no slash behind */
	const char *link; /* of links: the cleaned name of what it means; else NULL */
	uint64_t offset, size;
	bool file, sparse;
};

struct archive {
	char *what;
	int fd;
	bool dir, own; /* own: fd is the spool file */
	struct arena arena;
	struct entry *v;
	size_t n, cap;
};

static int damaged(struct err *e, const struct archive *ar, const char *fmt, ...) printf_like(3, 4);
static int damaged(struct err *e, const struct archive *ar, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(e, ERR_ARCHIVE, "%s: %s", ar->what, why);
	return err_hint(e, "nothing of it was kept; make or download the archive again");
}

/* Without "./" in front and slashes behind; NULL if it could leave the archive. "" is the archive's own root. */
static const char *clean_name(struct arena *a, const char *name)
{
	while (str_starts(name, "./"))
		for (name += 2; *name == '/';)
			name++;
	size_t n = strlen(name);
	while (n && name[n - 1] == '/')
		n--;
	if (*name == '/')
		return NULL;
	char *s = arena_strndup(a, name, n);
	for (const char *p = s; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (str_starts(p, "..") && (!p[2] || p[2] == '/'))
			return NULL;
	}
	return strcmp(s, ".") ? s : "";
}

/* What a link inside the archive means, as a name in it; NULL if it points out of it. */
static const char *link_target(struct arena *a, const char *from, const char *target, bool sym)
{
	const char *slash = strrchr(from, '/');
	autofree char *joined = NULL, *clean = NULL;
	int depth = 0;

	if (*target == '/')
		return NULL;
	joined = sym && slash ? xasprintf("%.*s/%s", (int)(slash - from), from, target)
			      : xstrdup(target);
	for (const char *p = joined; *p;) {
		size_t n = strcspn(p, "/");
		depth += n == 2 && !strncmp(p, "..", 2) ? -1 : !n || (n == 1 && *p == '.') ? 0 : 1;
		if (depth < 0)
			return NULL;
		p += n + (p[n] == '/');
	}
	autofree char *rooted = xasprintf("/%s", joined);
	clean = path_clean(rooted);
	return arena_strdup(a, clean + 1);
}

static int on_entry(void *arg, const struct tar_entry *t, struct err *e)
{
	struct archive *ar = arg;
	bool link = t->type == TAR_SYMLINK || t->type == TAR_HARDLINK;
	struct entry en = {.offset = t->data_offset, .size = t->size, .sparse = t->sparse};

	en.file = t->type == TAR_FILE;
	en.name = clean_name(&ar->arena, t->path);
	if (!en.name)
		return damaged(e, ar, "the name \"%.150s\" leaves the archive", t->path);
	if (ar->n == MAX_ENTRIES)
		return damaged(e, ar, "it has more than %d entries", MAX_ENTRIES);
	if (link) {
		en.link = link_target(&ar->arena, en.name, t->link, t->type == TAR_SYMLINK);
		if (!en.link)
			return damaged(e, ar, "the link \"%.100s\" points out of the archive",
				       t->path);
	}
	if (!*en.name || (!link && !en.file))
		return TAR_SKIP;
	if (ar->n == ar->cap) {
		ar->cap = ar->cap ? ar->cap * 2 : 64;
		ar->v = xrealloc(ar->v, ar->cap * sizeof *ar->v);
	}
	ar->v[ar->n++] = en;
	return TAR_SKIP;
}

static const struct tar_ops index_ops = {.entry = on_entry};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* A plain tar in a file: only headers are read. */
static int index_in_place(struct archive *ar, struct tar *t, uint64_t size, struct err *e)
{
	autofree char *buf = xmalloc(BLOCK);
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && !tar_ended(t)) {
		uint64_t skip = tar_skippable(t);
		if (skip > size - at)
			return damaged(e, ar, "it ends early (%" PRIu64 " bytes)", size);
		if (skip) {
			tar_skipped(t, skip);
			at += skip;
		}
		/* Headers are small and what follows them is skipped: read little at a time. */
		ssize_t n = pread(ar->fd, buf, 4096, (off_t)at);
		if (n < 0)
			return err_set(e, errno, "read %s", ar->what);
		if (n == 0)
			break;
		at += (uint64_t)n;
		r = tar_feed(t, buf, (size_t)n, e);
	}
	return r < 0 ? r : tar_finish(t, e);
}

/* A file below tmp/ that has no name any more: it vanishes with its last descriptor, however we end. */
static int spool_make(const struct home *h, struct err *e)
{
	struct home_tmp t;
	int r = home_tmp_make(h, NULL, &t, e);

	if (r < 0)
		return r;
	autoclose int fd = openat(t.fd, "spool", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	r = fd < 0 ? err_set(e, errno, "make a file below %s/tmp", h->path) : 0;
	unlinkat(t.fd, "spool", 0);
	home_tmp_drop(h, &t);
	return r < 0 ? r : take_fd(fd);
}

static int index_spooled(struct archive *ar, struct tar *t, struct inflate *z, struct err *e)
{
	uint64_t total = 0;
	const void *p;
	size_t n;

	for (;;) {
		int r = inflate_next(z, &p, &n, e);
		if (r < 0)
			return r;
		if (!n)
			return tar_finish(t, e);
		total += n;
		uint64_t limit = inflate_taken(z) * 100;
		if (inflate_kind(z) != INFLATE_PLAIN && total > limit && total > (1U << 30)) {
			err_fail(e, ERR_ARCHIVE,
				 "%s: it unpacks to more than 1 GiB and 100 times its size",
				 ar->what);
			return err_hint(e,
					"if you trust it, unpack it first (%s -d) and load the "
					"result",
					inflate_kind_name(inflate_kind(z)));
		}
		if (!tar_ended(t))
			r = tar_feed(t, p, n, e);
		if (r < 0)
			return r;
		r = fd_write_all(ar->fd, p, n);
		if (r < 0)
			return err_set(e, -r, "write a copy of %s into the store", ar->what);
	}
}

static int index_stream(struct archive *ar, const struct home *h, int fd, struct tar *t,
			struct err *e)
{
	struct source_fd sf = {.fd = fd, .name = ar->what, .offset = -1, .left = UINT64_MAX};
	struct source src = source_from_fd(&sf);
	struct inflate *z = NULL;

	ar->fd = spool_make(h, e);
	if (ar->fd < 0)
		return ar->fd;
	ar->own = true;
	int r = inflate_open(&z, &src, ar->what, e);
	if (r == 0)
		r = index_spooled(ar, t, z, e);
	inflate_close(z);
	return r;
}

static int index_tar(struct archive *ar, const struct home *h, int fd, const struct stat *st,
		     struct err *e)
{
	unsigned char magic[6];
	ssize_t n = S_ISREG(st->st_mode) ? pread(fd, magic, sizeof magic, 0) : -1;
	struct tar *t = tar_new(&index_ops, ar);
	int r;

	if (n == 0) {
		r = damaged(e, ar, "it is empty");
	} else if (n > 0 && lseek(fd, 0, SEEK_CUR) == 0 &&
		   inflate_sniff(magic, (size_t)n) == INFLATE_PLAIN) {
		ar->fd = fd;
		r = index_in_place(ar, t, (uint64_t)st->st_size, e);
	} else {
		r = index_stream(ar, h, fd, t, e);
	}
	tar_free(t);
	if (r < 0 && e && e->id == ERR_ARCHIVE && !e->hint[0]) {
		if (!strstr(e->msg, ar->what))
			err_context(e, "%s", ar->what);
		err_hint(e, "nothing of it was kept; make or download the archive again");
	}
	if (r < 0)
		return r;
	if (!ar->n)
		return damaged(e, ar, "it is no image archive: it holds no files");
	qsort(ar->v, ar->n, sizeof *ar->v, by_name);
	return 0;
}

int archive_open(struct archive **ret, const struct home *h, int fd, const char *what,
		 struct err *e)
{
	struct archive *ar = xcalloc(1, sizeof *ar);
	struct stat st;
	int r = 0;

	ar->what = xstrdup(what);
	ar->fd = -1;
	if (fstat(fd, &st) < 0) {
		r = err_set(e, errno, "%s", what);
	} else if (S_ISDIR(st.st_mode)) {
		ar->dir = true;
		ar->fd = fd;
	} else {
		r = index_tar(ar, h, fd, &st, e);
	}
	if (r < 0) {
		archive_close(ar);
		return r;
	}
	*ret = ar;
	return 0;
}

void archive_close(struct archive *ar)
{
	if (!ar)
		return;
	if (ar->own)
		fd_close(&ar->fd);
	arena_free(&ar->arena);
	free(ar->v);
	free(ar->what);
	free(ar);
}

const char *archive_what(const struct archive *ar)
{
	return ar->what;
}

void archive_file_free(struct archive_file *f)
{
	if (f->own)
		fd_close(&f->fd);
}

static const struct entry *lookup(const struct archive *ar, const char *name)
{
	struct entry key = {.name = name};

	return ar->n ? bsearch(&key, ar->v, ar->n, sizeof key, by_name) : NULL;
}

static int find_in_tar(const struct archive *ar, const char *name, struct archive_file *ret,
		       struct err *e)
{
	const char *at = name;
	const struct entry *en = lookup(ar, at);

	for (int i = 0; en && en->link; i++) {
		if (i == MAX_LINKS)
			return damaged(e, ar, "too many links lead on from \"%.150s\"", name);
		at = en->link;
		en = lookup(ar, at);
	}
	if (!en) {
		damaged(e, ar, "it lacks \"%.150s\"", at);
		return -ENOENT;
	}
	if ((en > ar->v && !strcmp(en[-1].name, en->name)) ||
	    (en + 1 < ar->v + ar->n && !strcmp(en[1].name, en->name)))
		return damaged(e, ar, "two entries have the name \"%.150s\"", at);
	if (en->sparse)
		return damaged(e, ar, "the entry \"%.150s\" is sparse", at);
	*ret = (struct archive_file){ar->fd, en->offset, en->size, false};
	return 0;
}

static int find_in_dir(const struct archive *ar, const char *name, struct archive_file *ret,
		       struct err *e)
{
	int fd = path_open_beneath(ar->fd, name, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (fd == -ENOENT) {
		damaged(e, ar, "it lacks \"%.150s\"", name);
		return -ENOENT;
	}
	if (fd < 0)
		return err_set(e, -fd, "open %s/%s", ar->what, name);
	*ret = (struct archive_file){.fd = fd, .own = true};
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		archive_file_free(ret);
		return damaged(e, ar, "\"%.150s\" is not a file", name);
	}
	ret->size = (uint64_t)st.st_size;
	return 0;
}

int archive_find(const struct archive *ar, const char *name, struct archive_file *ret,
		 struct err *e)
{
	scoped(arena) a = {0};
	const char *clean = clean_name(&a, name);

	*ret = (struct archive_file){.fd = -1};
	if (!clean || !*clean)
		return damaged(e, ar, "the name \"%.150s\" leaves the archive", name);
	return ar->dir ? find_in_dir(ar, clean, ret, e) : find_in_tar(ar, clean, ret, e);
}

bool archive_has(const struct archive *ar, const char *name)
{
	scoped(archive_file) f = {.fd = -1};

	return archive_find(ar, name, &f, NULL) == 0;
}

int archive_read(const struct archive *ar, const char *name, size_t max, struct str *out,
		 struct err *e)
{
	scoped(archive_file) f = {.fd = -1};
	int r = archive_find(ar, name, &f, e);

	if (r < 0)
		return r;
	if (f.size > max)
		return damaged(e, ar, "\"%.150s\" has %" PRIu64 " bytes, more than the %zu allowed",
			       name, f.size, max);
	str_reserve(out, f.size);
	for (uint64_t done = 0; done < f.size;) {
		char buf[16384];
		size_t want = f.size - done < sizeof buf ? (size_t)(f.size - done) : sizeof buf;
		ssize_t n = pread(f.fd, buf, want, (off_t)(f.offset + done));
		if (n < 0)
			return err_set(e, errno, "read %s", ar->what);
		if (n == 0)
			return damaged(e, ar, "it ends inside \"%.150s\"", name);
		str_addn(out, buf, (size_t)n);
		done += (uint64_t)n;
	}
	return 0;
}
