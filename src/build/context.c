/*
 * How it works: what was named is told apart by its form (git and URLs first, then "-", then what lies there), and turned into a directory: unpacked below tmp/, checked out there, or
 * the user's own. Then the Dockerfile is looked for, and the ignore file. Whatever lies inside of a context is opened as if the context were "/".
 */
#include "base/base.h"
#include "base/task.h"
#include "build/archive.h"
#include "build/context.h"
#include "build/dockerfile.h"
#include "build/fetch.h"
#include "build/git.h"

enum { HEAD = 512, MAX_IGNORE = 4 << 20 };
enum { READ_FILE = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* A stream whose first bytes were read already. */
struct stream {
	int fd;
	const char *name;
	uint8_t head[HEAD];
	size_t n, given;
};

void context_free(const struct home *h, struct context *c)
{
	if (c->stats)
		stat_cache_save(h, c->stats);
	stat_cache_free(c->stats);
	ignore_free(c->ignore);
	fd_close(&c->root);
	if (c->tmp.fd >= 0)
		home_tmp_drop(h, &c->tmp);
	arena_free(&c->arena);
	*c = CONTEXT_NONE;
}

static void say(const struct context_opts *o, const char *verb, const char *what)
{
	autofree char *text = xasprintf("%s %s", verb, what);

	if (o->say)
		o->say(o->arg, text);
}

static int begin(struct stream *s, struct err *e)
{
	while (s->n < HEAD) {
		ssize_t k = read(s->fd, s->head + s->n, HEAD - s->n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_set(e, errno, "read %s", s->name);
		if (k == 0)
			break;
		s->n += (size_t)k;
	}
	return 0;
}

static ssize_t stream_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct stream *s = arg;
	ssize_t k;

	if (s->given < s->n) {
		n = n < s->n - s->given ? n : s->n - s->given;
		memcpy(buf, s->head + s->given, n);
		s->given += n;
		return (ssize_t)n;
	}
	do
		k = read(s->fd, buf, n);
	while (k < 0 && errno == EINTR);
	return k < 0 ? err_set(e, errno, "read %s", s->name) : k;
}

static bool is_archive(const struct stream *s)
{
	return inflate_sniff(s->head, s->n) != INFLATE_PLAIN ||
	       (s->n == HEAD && archive_is_tar(s->head));
}

/* ---- unpacking, in a child */

struct unpacking {
	struct stream *stream;
	int dir;
};

static int unpack(void *arg, struct err *e)
{
	struct unpacking *w = arg;
	struct source src = {stream_read, w->stream};
	struct unpack_plain how = {
		.owner = UNPACK_SELF, .overwrite = true, .no_devices = true, .keep_root = true};
	struct u0_map map = {.form = FORM_ONE};

	umask(0);
	return archive_unpack(&src, w->stream->name, w->dir, &map, &how, e);
}

/* tmp/<hex>/context becomes the root. */
static int make_root(const struct home *h, struct context *c, struct err *e)
{
	int r = home_tmp_make(h, NULL, &c->tmp, e);

	if (r < 0)
		return r;
	if (mkdirat(c->tmp.fd, "context", 0755) < 0)
		return err_set(e, errno, "make a directory for %s", c->name);
	c->root = openat(c->tmp.fd, "context", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return c->root < 0 ? err_set(e, errno, "open the directory for %s", c->name) : 0;
}

static int from_archive(const struct home *h, struct stream *s, struct context *c, struct err *e)
{
	struct unpacking w = {.stream = s};
	int r = make_root(h, c, e);

	if (r < 0)
		return r;
	w.dir = c->root;
	return task_run(unpack, &w, "the process that unpacks the context ended", e);
}

/* ---- what was named */

/* What a stream holds: an archive, which becomes the root, or a Dockerfile, which goes to text. */
static int from_stream(const struct home *h, int fd, struct context *c, struct str *text,
		       struct err *e)
{
	struct stream s = {.fd = fd, .name = c->name};
	int r = begin(&s, e);

	if (r < 0)
		return r;
	if (is_archive(&s))
		return from_archive(h, &s, c, e);
	if (!text) {
		err_fail(e, ERR_CONTEXT, "%s is neither a directory nor an archive", c->name);
		return err_hint(e,
				"archives are tar, also compressed with gzip, xz, zstd or bzip2");
	}
	str_addn(text, s.head, s.n);
	r = s.n < HEAD ? 0 : fd_read_all(fd, text, DF_MAX_BYTES);
	if (r < 0)
		return err_set(e, r, "read %s", c->name);
	if (!text->len)
		return err_fail(e, ERR_NO_DOCKERFILE, "%s gave nothing", c->name);
	return 0;
}

static int from_url(const struct home *h, const struct context_opts *o, struct context *c,
		    struct str *text, struct err *e)
{
	struct digest d = {0};
	autoclose int fd = home_tmp_file(h, e);

	if (fd < 0)
		return fd;
	say(o, "fetching", o->where);
	int r = fetch_url(o->where, fd, &(struct digest){0}, &d, e);
	return r < 0 ? r : from_stream(h, fd, c, text, e);
}

static int from_git(const struct home *h, const struct context_opts *o, const struct git_ref *g,
		    struct context *c, struct err *e)
{
	char commit[GIT_COMMIT];
	int r = make_root(h, c, e);

	if (r < 0)
		return r;
	say(o, "fetching", o->where);
	r = git_checkout(g, c->root,
			 g->keep_git_dir > 0 || (g->keep_git_dir < 0 && o->keep_git_dir), commit,
			 e);
	if (r < 0)
		return r;
	c->commit = arena_strdup(&c->arena, commit);
	if (str_is_empty(g->subdir))
		return 0;
	int sub = path_open_in_root(c->root, g->subdir, O_RDONLY | O_DIRECTORY, 0);
	if (sub < 0)
		return err_fail_code(e, ERR_CONTEXT, -sub, "%s has no directory %s", g->url,
				     g->subdir);
	close(c->root);
	c->root = sub;
	return 0;
}

/* The stat cache has the name of the directory. */
static void find_stats(const struct home *h, struct context *c)
{
	char link[40], path[PATH_MAX];
	struct digest d;

	snprintf(link, sizeof link, "/proc/self/fd/%d", c->root);
	ssize_t n = readlink(link, path, sizeof path);
	if (n <= 0 || hash_bytes(path, (size_t)n, &d, NULL) < 0)
		return;
	c->cache = arena_strdup(&c->arena, d.hex);
	c->stats = stat_cache_open(h, d.hex);
}

static int from_path(const struct home *h, const struct context_opts *o, struct context *c,
		     struct err *e)
{
	struct stat st;
	autoclose int fd = open(o->where, READ_FILE);

	if (fd < 0 || fstat(fd, &st) < 0) {
		int code = errno;
		err_fail_code(e, ERR_CONTEXT, code, "the context %s: %s", o->where, strerror(code));
		return code == ENOENT
			       ? err_hint(e, "it is a directory, a tar archive, a URL, a git "
					     "repository, or - for standard input")
			       : -code;
	}
	if (S_ISDIR(st.st_mode)) {
		c->root = take_fd(fd);
		find_stats(h, c);
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return err_fail(e, ERR_CONTEXT, "the context %s is neither a directory nor a file",
				o->where);
	return from_stream(h, fd, c, NULL, e);
}

/* text: where a Dockerfile goes that comes in the place of a context; NULL: that is an error. */
static int open_where(const struct home *h, const struct context_opts *o, struct context *c,
		      struct str *text, struct err *e)
{
	struct git_ref g;
	int r;

	*c = CONTEXT_NONE;
	c->name = arena_strdup(&c->arena, strcmp(o->where, "-") ? o->where : "standard input");
	if (!strcmp(o->where, "-"))
		return from_stream(h, o->in, c, text, e);
	r = git_parse(o->where, true, &c->arena, &g, e);
	if (r)
		return r < 0 ? r : from_git(h, o, &g, c, e);
	return fetch_is_url(o->where) ? from_url(h, o, c, text, e) : from_path(h, o, c, e);
}

/* ---- the Dockerfile and the ignore file */

static int read_text(int fd, const char *name, size_t max, struct str *out, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "read %s", name);
	if (S_ISFIFO(st.st_mode)) /* <(...) of a shell */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	else if (!S_ISREG(st.st_mode))
		return err_fail(e, ERR_CONTEXT, "%s is not a file", name);
	int r = fd_read_all(fd, out, max);
	if (r == -EFBIG)
		return err_fail_code(e, ERR_CONTEXT, EFBIG, "%s is larger than %zu MiB", name,
				     max >> 20);
	return r < 0 ? err_set(e, r, "read %s", name) : 0;
}

/* Where the Dockerfile is. */
struct place {
	int root;	  /* of a context, or -1: path is the user's own */
	const char *path; /* NULL: it is no file */
};

static int open_at(const struct place *p, const char *suffix)
{
	autofree char *path = xasprintf("%s%s", p->path, suffix);

	if (p->root >= 0)
		return path_open_in_root(p->root, path, READ_FILE, 0);
	int fd = open(path, READ_FILE);
	return fd < 0 ? -errno : fd;
}

static bool is_dir(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Containerfile, then Dockerfile, in a directory: "" is the root of the context. */
static int find_in(int root, const char *dir, bool docker, struct arena *a, struct place *ret)
{
	static const char *const names[] = {"Containerfile", "Dockerfile"};

	for (size_t i = docker; i < countof(names); i++) {
		struct place p = {root, arena_printf(a, "%s%s%s", dir, *dir ? "/" : "", names[i])};
		int fd = open_at(&p, "");
		if (fd >= 0 && !is_dir(fd)) {
			*ret = p;
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static int no_dockerfile(const struct context_opts *o, const struct context *c, struct err *e)
{
	if (o->file)
		err_fail_code(e, ERR_NO_DOCKERFILE, ENOENT, "no Dockerfile %s", o->file);
	else
		err_fail_code(e, ERR_NO_DOCKERFILE, ENOENT, "%s has no %sDockerfile", c->name,
			      o->docker ? "" : "Containerfile and no ");
	return err_hint(e, o->file ? "-f is a path from where you are, or in the context"
				   : "name it with -f");
}

static int open_dockerfile(const struct context_opts *o, struct context *c, struct place *ret)
{
	bool local = c->tmp.fd < 0;
	int fd = -ENOENT;

	if (!o->file)
		return c->root < 0 ? -ENOENT : find_in(c->root, "", o->docker, &c->arena, ret);
	const struct place here = {-1, o->file}, inside = {c->root, o->file};
	for (int i = 0; i < 2 && fd < 0; i++) {
		*ret = i == local ? inside : here;
		if (ret->root < 0 ? local || !o->docker : c->root >= 0)
			fd = open_at(ret, "");
	}
	if (fd >= 0 && is_dir(fd)) {
		close(fd);
		fd = find_in(ret->root, o->file, o->docker, &c->arena, ret);
	}
	return fd;
}

static int fetch_dockerfile(const struct home *h, const struct context_opts *o, struct str *text,
			    struct err *e)
{
	struct digest d = {0};
	autoclose int fd = home_tmp_file(h, e);

	if (fd < 0)
		return fd;
	say(o, "fetching", o->file);
	int r = fetch_url(o->file, fd, &(struct digest){0}, &d, e);
	return r < 0 ? r : read_text(fd, o->file, DF_MAX_BYTES, text, e);
}

static int read_dockerfile(const struct home *h, const struct context_opts *o, struct context *c,
			   struct place *ret, struct str *text, struct err *e)
{
	*ret = (struct place){-1, NULL};
	if (o->file && !strcmp(o->file, "-")) {
		if (!strcmp(o->where, "-"))
			return err_fail(
				e, ERR_CONTEXT,
				"standard input cannot be both the context and the Dockerfile");
		return read_text(o->in, "standard input", DF_MAX_BYTES, text, e);
	}
	if (o->file && fetch_is_url(o->file))
		return fetch_dockerfile(h, o, text, e);
	autoclose int fd = open_dockerfile(o, c, ret);
	if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR)
		return err_fail_code(e, ERR_NO_DOCKERFILE, -fd, "%s: %s",
				     o->file ?: "the Dockerfile", strerror(-fd));
	if (fd < 0)
		return no_dockerfile(o, c, e);
	return read_text(fd, ret->path, DF_MAX_BYTES, text, e);
}

/* 1: there was such a file, and it counts. */
static int try_ignore(struct context *c, const struct place *p, const char *suffix, struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = open_at(p, suffix);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fd < 0 && fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP
			       ? err_set(e, fd, "open %s%s", p->path, suffix)
			       : 0;
	c->ignore_name = arena_printf(&c->arena, "%s%s", p->path, suffix);
	int r = read_text(fd, c->ignore_name, MAX_IGNORE, &text, e);
	if (r == 0)
		r = ignore_parse(str_cstr(&text), text.len, c->ignore_name, &c->ignore, e);
	return r < 0 ? r : 1;
}

/* That of the Dockerfile before that of the context; of one Dockerfile .dockerignore wins (buildah), of a context .containerignore. */
static int find_ignore(const struct context_opts *o, struct context *c,
		       const struct place *dockerfile, struct err *e)
{
	const struct place containers = {c->root, ".containerignore"};
	const struct place dockers = {c->root, ".dockerignore"};
	int r = 0;

	if (c->root < 0)
		return 0;
	if (o->ignore_file) {
		r = try_ignore(c, &(struct place){-1, o->ignore_file}, "", e);
		return r ? (r < 0 ? r : 0)
			 : err_fail_code(e, ERR_CONTEXT, ENOENT, "no ignore file %s",
					 o->ignore_file);
	}
	if (dockerfile && dockerfile->path) {
		r = try_ignore(c, dockerfile, ".dockerignore", e);
		if (!r && !o->docker)
			r = try_ignore(c, dockerfile, ".containerignore", e);
	}
	if (!r && !o->docker)
		r = try_ignore(c, &containers, "", e);
	if (!r)
		r = try_ignore(c, &dockers, "", e);
	return r < 0 ? r : 0;
}

int context_open(const struct home *h, const struct context_opts *o, struct context *ret,
		 const char **ret_text, size_t *ret_len, const char **ret_name, struct err *e)
{
	scoped(str) text = {0};
	struct place p = {-1, NULL};
	int r = open_where(h, o, ret, o->file ? NULL : &text, e);

	if (r == 0 && !text.len) {
		r = read_dockerfile(h, o, ret, &p, &text, e);
		*ret_name = arena_strdup(&ret->arena, p.path ?: o->file ?: "Dockerfile");
	} else if (r == 0) {
		*ret_name = arena_strdup(&ret->arena, ret->name);
	}
	if (r == 0)
		r = find_ignore(o, ret, &p, e);
	if (r < 0) {
		context_free(h, ret);
		return r;
	}
	*ret_len = text.len;
	char *copy = arena_alloc(&ret->arena, text.len + 1);
	memcpy(copy, str_cstr(&text), text.len);
	*ret_text = copy;
	return 0;
}

int context_open_named(const struct home *h, const struct context_opts *o, struct context *ret,
		       struct err *e)
{
	int r = open_where(h, o, ret, NULL, e);

	if (r == 0)
		r = find_ignore(o, ret, NULL, e);
	if (r < 0)
		context_free(h, ret);
	return r;
}
