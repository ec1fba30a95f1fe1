/*
 * RUN --mount. What must be found outside of U0 (paths of contexts, locks of cache directories) is found first; then one child in U0 makes what needs ids: layers in
 * this form, a cache directory with its first content, and for a context with an ignore file the marks that hide what it leaves out.
 */
#include <dirent.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "build/ignore.h"
#include "build/step_run.h"
#include "store/layer_form.h"
#include "store/view.h"
#include "sys/copy_tree.h"
#include "sys/file_copy.h"
#include "sys/overlay_marks.h"

enum { MAX_SECRET = 1 << 20, HIDE_DEPTH = 256 };

static const char *target_of(struct run_parts *p, const char *target)
{
	const char *wd = str_is_empty(p->j->workdir) ? "/" : p->j->workdir;
	autofree char *joined = *target == '/' ? xstrdup(target) : path_join(wd, target);
	autofree char *clean = path_clean(joined);

	return arena_strdup(&p->arena, clean);
}

static bool has_word(const struct run_mount *m, const char *word)
{
	return strs_has(&m->options, word);
}

static int bad(const struct run_mount *m, struct err *e, const char *fmt, ...) printf_like(3, 4);
static int bad(const struct run_mount *m, struct err *e, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_fail(e, ERR_BUILD_MOUNT, "the mount %.120s: %s", m->target ? m->target : m->id,
			text);
}

/* The words that a mount of the runtime has too. Labels of SELinux mean nothing here; owners of what is not ours stay. */
static int add_words(struct run_parts *p, const struct run_mount *m, struct config_mount *to,
		     struct err *e)
{
	for (size_t i = 0; i < m->options.n; i++) {
		const char *w = m->options.v[i];
		if (!strcmp(w, "z") || !strcmp(w, "Z"))
			continue;
		if ((!strcmp(w, "U") || !strcmp(w, "chown")) && m->kind == RUN_BIND) {
			bad(m, e, "U would give the files of its source to another user");
			return err_hint(e, "copy them instead: COPY --chown");
		}
		strs_add(&p->arena, &to->options,
			 !strcmp(w, "chown")		   ? "U"
			 : !strcmp(w, "bind-nonrecursive") ? "bind"
							   : w);
	}
	return 0;
}

/* ---- bind */

static const char *fd_path(struct run_parts *p, int fd)
{
	char link[40], path[PATH_MAX];

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	return n <= 0 ? NULL : arena_strndup(&p->arena, path, (size_t)n);
}

/* Relative to the context, cleaned; "" is all of it. */
static const char *clean_source(struct run_parts *p, const char *source)
{
	autofree char *joined = xasprintf("/%s", source ? source : "");
	autofree char *clean = path_clean(joined);

	return arena_strdup(&p->arena, clean + 1);
}

static int no_source(const struct run_mount *m, const char *path, struct err *e)
{
	const struct context *c = m->from.context;

	bad(m, e, "there is no /%s in %s", path, m->from.name ? m->from.name : "the context");
	return c && c->ignore && ignore_matches(c->ignore, path)
		       ? err_hint(e, "%s leaves it out", c->ignore_name)
		       : -e->code;
}

/* A file is copied where it may be written: what is written is thrown away. */
static int file_of_own(struct run_parts *p, int fd, struct config_mount *to, struct err *e)
{
	const char *side;
	char name[40], link[40];
	int r = run_parts_side(p, &side, e);

	if (r < 0)
		return r;
	snprintf(name, sizeof name, "file%zu", p->mounts.n);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	autoclose int in = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	autoclose int out = openat(p->side.fd, name,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	else
		r = file_copy(in, out);
	if (r == 0 && fchmod(out, st.st_mode & 0777) < 0)
		r = -errno;
	to->source = arena_printf(&p->arena, "%s/%s", side, name);
	return r < 0 ? err_set(e, r, "copy %s for the step", fd_path(p, fd)) : 0;
}

static int bind_context(struct run_parts *p, const struct run_mount *m, struct config_mount *to,
			struct err *e)
{
	const struct context *c = m->from.context;
	const char *path = clean_source(p, m->source);
	bool nofollow = has_word(m, "no-dereference");
	struct stat st;

	if (c->root < 0 ||
	    (*path && ignore_matches(c->ignore, path) && !ignore_may_hold(c->ignore, path)))
		return no_source(m, path, e);
	autoclose int fd = path_open_in_root(c->root, *path ? path : ".",
					     O_PATH | (nofollow ? O_NOFOLLOW : 0), 0);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return no_source(m, path, e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? fd : errno, "open %s of the context", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !(nofollow && S_ISLNK(st.st_mode)))
		return bad(m, e, "/%s is neither a directory nor a file", path);
	to->type = "bind";
	to->source = fd_path(p, fd);
	if (!to->source)
		return err_set(e, errno, "find the path of the context");
	if (S_ISDIR(st.st_mode) && c->ignore)
		p->hide[p->nhide++] = (struct run_hide){c, path, p->mounts.n};
	if (S_ISDIR(st.st_mode) && (c->ignore || !m->readonly))
		strs_add(&p->arena, &to->options, "O");
	else if (S_ISREG(st.st_mode) && !m->readonly)
		return file_of_own(p, fd, to, e);
	if (m->readonly)
		strs_add(&p->arena, &to->options, "ro");
	return 0;
}

static int add_bind(struct run_parts *p, const struct run_mount *m, struct err *e)
{
	struct config_mount to = {.destination = target_of(p, m->target)};
	int r = add_words(p, m, &to, e);

	if (r == 0 && m->from.layers) {
		const char *path = clean_source(p, m->source);
		to.type = m->from.layers->n ? "image" : "tmpfs";
		to.name = m->from.name;
		to.source = "layers"; /* no image's id: it is not looked for */
		to.layers = *m->from.layers;
		to.subpath = *path ? path : NULL;
		if (!to.layers.n && *path)
			return no_source(m, path, e);
		strs_add(&p->arena, &to.options, m->readonly ? "ro" : "rw");
		p->views |= to.layers.n > 0;
	} else if (r == 0 && m->from.context) {
		r = bind_context(p, m, &to, e);
	} else if (r == 0) {
		r = bad(m, e, "it has no source");
	}
	if (r == 0)
		run_parts_mount(p, &to);
	return r;
}

/* ---- cache */

static int name_cache(const struct run_mount *m, enum u0_form form, int n, struct digest *ret,
		      struct err *e)
{
	scoped(str) s = {0};
	const struct strs *layers = m->from.layers;

	str_addf(&s, "%s%c%s%c%d%c", m->id, 0, u0_form_name(form), 0, n, 0);
	if (m->from.name)
		str_addf(&s, "%s%c%s%c", m->from.name, 0, m->source ? m->source : "", 0);
	for (size_t i = 0; layers && i < layers->n; i++)
		str_addf(&s, "%s%c", layers->v[i], 0);
	return hash_bytes(s.s, s.len, ret, e);
}

static int waits(struct run_parts *p, const struct run_mount *m)
{
	scoped(str) s = {0};

	str_add(&s, "hoy: waiting for another step that uses the cache ");
	str_add_escaped(&s, m->id, strlen(m->id));
	str_addc(&s, '\n');
	fd_write_all(p->j->err, s.s, s.len);
	return LOCK_SH;
}

/* Opens and locks build/mounts/<hex>. Whoever prunes renames it away under the lock, so the name is looked at again. -EWOULDBLOCK: a private one is in use. */
static int lock_cache(struct run_parts *p, const struct run_mount *m, const char *hex,
		      struct err *e)
{
	int how = m->sharing == SHARING_SHARED ? LOCK_SH : LOCK_EX;
	autoclose int all = home_dir(p->j->base.h, "build/mounts", e);
	bool told = false;

	while (all >= 0) {
		struct stat a, b;
		if (mkdirat(all, hex, 0700) < 0 && errno != EEXIST)
			return err_set(e, errno, "make a cache directory of the build");
		autoclose int fd =
			openat(all, hex, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return err_set(e, errno, "open a cache directory of the build");
		if (flock(fd, how | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK || m->sharing == SHARING_PRIVATE)
				return -errno;
			if (!told)
				waits(p, m);
			told = true;
			while (flock(fd, how) < 0 && errno == EINTR)
				;
		}
		if (fstat(fd, &a) == 0 && fstatat(all, hex, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		    a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			return take_fd(fd);
	}
	return all;
}

static int add_cache(struct run_parts *p, const struct run_mount *m, struct err *e)
{
	const struct home *h = p->j->base.h;
	struct config_mount to = {.type = "bind", .destination = target_of(p, m->target)};
	struct u0_map map;
	struct digest d;
	int fd = -1, r = add_words(p, m, &to, e);

	if (r == 0)
		r = u0_map_find(&map, e);
	for (int n = 0; r == 0 && fd < 0; n++) {
		r = name_cache(m, map.form, n, &d, e);
		fd = r < 0 ? r : lock_cache(p, m, d.hex, e);
		if (fd < 0 && fd != -EWOULDBLOCK)
			return fd;
	}
	if (r < 0)
		return r;
	p->lock[p->nlock++] = fd;
	utimensat(fd, ".", NULL, 0); /* when it was last used */
	if (faccessat(fd, "id", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		fd_replace_at(fd, "id", m->id, strnlen(m->id, 4096), 0600, false);
	if (faccessat(fd, "data", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		p->fill[p->nfill++] = (struct run_fill){m, fd};
	to.source = arena_printf(&p->arena, "%s/build/mounts/%s/data", h->path, d.hex);
	if (m->readonly)
		strs_add(&p->arena, &to.options, "ro");
	run_parts_mount(p, &to);
	return 0;
}

/* In U0. The first content: a directory of a stage, an image or a context. */
static int fill_cache(const struct run_mount *m, const struct home *seen, enum u0_form form, int to,
		      struct err *e)
{
	scoped(view) v = VIEW_NONE;
	int root = m->from.context ? m->from.context->root : -1;
	int r = 0;

	if (m->from.layers) {
		r = view_open(seen, u0_form_name(form), m->from.layers, m->from.layers->n, NULL, &v,
			      e);
		root = v.root;
	}
	if (r < 0 || root < 0)
		return r;
	autoclose int from = path_open_in_root(root, str_is_empty(m->source) ? "." : m->source,
					       O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	if (from == -ENOENT || from == -ENOTDIR)
		return no_source(m, m->source, e);
	r = from < 0 ? from : copy_tree(from, to);
	return r < 0 ? err_set(e, r, "fill the cache %.100s", m->id) : 0;
}

static int make_cache(const struct home *h, const struct home *seen, const struct u0_map *map,
		      const struct run_fill *f, struct err *e)
{
	const struct run_mount *m = f->m;
	struct home_tmp t;
	int r = home_tmp_make(h, NULL, &t, e);

	if (r < 0)
		return r;
	if (mkdirat(t.fd, "data", 0755) < 0)
		r = err_set(e, errno, "make the cache %.100s", m->id);
	autoclose int data = openat(t.fd, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0)
		r = fill_cache(m, seen, map->form, data, e);
	/* With one id there is nobody else whom it could be given to. */
	if (r == 0 && map->form != FORM_ONE && fchown(data, (uid_t)m->uid, (gid_t)m->gid) < 0)
		r = err_set(e, errno, "give the cache %.100s to %" PRId64 ":%" PRId64, m->id,
			    m->uid, m->gid);
	if (r == 0 && fchmod(data, m->mode < 0 ? 0755 : (mode_t)m->mode) < 0)
		r = err_set(e, errno, "set the mode of the cache %.100s", m->id);
	/* Another step that shares it may have been first. */
	if (r == 0 && renameat(t.fd, "data", f->fd, "data") < 0 && errno != ENOTEMPTY &&
	    errno != EEXIST)
		r = err_set(e, errno, "put the cache %.100s in place", m->id);
	home_tmp_drop(h, &t);
	return r;
}

/* ---- what the ignore file leaves out */

struct hiding {
	const struct context *c;
	char path[PATH_MAX]; /* of the present directory in the context */
};

static int put_whiteout(int to, const char *name)
{
	if (mknodat(to, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	autoclose int fd =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fsetxattr(fd, "user.overlay.whiteout", "y", 1, 0) < 0 ||
	    fsetxattr(to, "user.overlay.opaque", "x", 1, 0) < 0)
		return -errno;
	return 0;
}

static int hide_in(struct hiding *h, int from, int to, int depth);

/* A directory of the context: one like it, if something in it is hidden. */
static int hide_dir(struct hiding *h, int from, int to, const char *name, int depth)
{
	struct stat st;
	autoclose int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (in < 0 || fstat(in, &st) < 0)
		return errno == EACCES ? 0 : -errno; /* nobody can read it in the step either */
	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	autoclose int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return -errno;
	int r = depth > HIDE_DEPTH ? -ENAMETOOLONG : hide_in(h, in, out, depth + 1);
	if (r == 0 && unlinkat(to, name, AT_REMOVEDIR) == 0)
		return 0; /* nothing was */
	return r < 0 || fchmod(out, st.st_mode & 07777) == 0 ? r : -errno;
}

static int hide_one(struct hiding *h, int from, int to, const struct dirent *de, int depth)
{
	bool dir = de->d_type == DT_DIR;
	struct stat st;

	if (de->d_type == DT_UNKNOWN)
		dir = fstatat(from, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		      S_ISDIR(st.st_mode);
	if (ignore_matches(h->c->ignore, h->path) &&
	    !(dir && ignore_may_hold(h->c->ignore, h->path)))
		return put_whiteout(to, de->d_name);
	return dir ? hide_dir(h, from, to, de->d_name, depth) : 0;
}

static int hide_in(struct hiding *h, int from, int to, int depth)
{
	size_t end = strlen(h->path);
	int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	int r = d ? 0 : -errno;

	for (struct dirent *de; r == 0 && d && (de = readdir(d));) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (end + strlen(de->d_name) + 2 > sizeof h->path)
			r = -ENAMETOOLONG;
		else
			snprintf(h->path + end, sizeof h->path - end, "%s%s", end ? "/" : "",
				 de->d_name);
		if (r == 0)
			r = hide_one(h, from, to, de, depth);
		h->path[end] = 0;
	}
	if (d)
		closedir(d);
	return r;
}

/* In U0: a layer of whiteouts, which lies over the context in the mount. */
static int make_hiding(struct run_parts *p, const struct run_hide *v, struct err *e)
{
	struct hiding h = {.c = v->context};
	char name[40];
	autoclose int from = path_open_in_root(v->context->root, *v->path ? v->path : ".",
					       O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (snprintf(h.path, sizeof h.path, "%s", v->path) >= (int)sizeof h.path)
		return err_set(e, ENAMETOOLONG, "the mount of the context");
	snprintf(name, sizeof name, "hide%zu", v->mount);
	autoclose int to = openat(p->side.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r = from < 0			 ? from
		: to < 0 || fstat(from, &st) < 0 ? -errno
						 : hide_in(&h, from, to, 0);
	if (r == 0 && fchmod(to, st.st_mode & 07777) < 0)
		r = -errno;
	return r < 0 ? err_set(e, r, "hide what %s leaves out", v->context->ignore_name) : 0;
}

static int name_hiding(struct run_parts *p, struct err *e)
{
	struct config_mount *all = p->mounts.v;
	const char *side;
	char name[40];
	int r = 0;

	for (size_t i = 0; i < p->nhide && r == 0; i++) {
		r = run_parts_side(p, &side, e);
		snprintf(name, sizeof name, "hide%zu", p->hide[i].mount);
		if (r == 0 && mkdirat(p->side.fd, name, 0755) < 0)
			r = err_set(e, errno, "make a directory for the mount");
		if (r == 0)
			all[p->hide[i].mount].over = arena_printf(&p->arena, "%s/%s", side, name);
	}
	return r;
}

/* ---- tmpfs, secrets */

static int add_tmpfs(struct run_parts *p, const struct run_mount *m, struct err *e)
{
	struct config_mount to = {.type = "tmpfs", .destination = target_of(p, m->target)};
	int r = add_words(p, m, &to, e);

	if (m->size)
		strs_add(&p->arena, &to.options, arena_printf(&p->arena, "size=%" PRIu64, m->size));
	strs_add(&p->arena, &to.options,
		 arena_printf(&p->arena, "mode=%o", m->mode < 0 ? 01777 : (unsigned)m->mode));
	if (m->readonly)
		strs_add(&p->arena, &to.options, "ro");
	if (r == 0)
		run_parts_mount(p, &to);
	return r;
}

static int read_secret(const struct build_secret *s, struct str *to, struct err *e)
{
	const char *value = s->env ? getenv(s->env) : NULL;

	if (s->env && !value)
		return err_fail(e, ERR_BUILD_MOUNT,
				"the secret %.80s: the variable %.80s is not set", s->id, s->env);
	if (s->env) {
		str_add(to, value);
		return 0;
	}
	autoclose int fd = open(s->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, to, MAX_SECRET);
	if (r == -EFBIG)
		return err_fail(e, ERR_BUILD_MOUNT, "the secret %.80s is larger than %d MiB", s->id,
				MAX_SECRET >> 20);
	return r < 0 ? err_set(e, r, "read the secret %.80s from %.160s", s->id, s->file) : 0;
}

static int put_secret(struct run_parts *p, const struct run_mount *m, bool env,
		      const struct str *data, struct err *e)
{
	if (p->secrets.n == RUN_MAX_MOUNTS)
		return bad(m, e, "there are too many secrets");
	if (env && data->len && memchr(data->s, 0, data->len))
		return bad(m, e, "it holds a NUL, so it can be a file only");
	struct config_secret *to = bind_append(&p->arena, &p->secrets, sizeof *to);
	*to = (struct config_secret){.name = m->id,
				     .id = m->id,
				     .type = env ? "env" : "mount",
				     .target = env ? m->env : target_of(p, m->target),
				     .uid = m->uid,
				     .gid = m->gid,
				     .mode = m->mode < 0 ? 0400 : m->mode & 0777};
	str_addn(&p->data[p->secrets.n - 1], data->s, data->len);
	return 0;
}

static int add_secret(struct run_parts *p, const struct run_mount *m, struct err *e)
{
	const struct bind_list *all = p->j->secrets;
	const struct build_secret *v = all ? all->v : NULL, *found = NULL;
	scoped(str) data = {0};

	for (size_t i = 0; all && i < all->n; i++)
		if (!strcmp(v[i].id, m->id))
			found = &v[i];
	if (!found && m->required) {
		err_fail(e, ERR_BUILD_MOUNT, "the secret %.80s is required, and was not given",
			 m->id);
		return err_hint(e, "hoy build --secret id=%.80s,src=FILE (or ,env=VARIABLE)",
				m->id);
	}
	int r = found ? read_secret(found, &data, e) : 0;
	if (r == 0 && found && m->to_file)
		r = put_secret(p, m, false, &data, e);
	if (r == 0 && found && m->env)
		r = put_secret(p, m, true, &data, e);
	if (data.len)
		explicit_bzero(data.s, data.len);
	return r;
}

/* ---- all of them */

static int make_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct run_parts *p = arg;
	const struct home *h = p->j->base.h;
	const struct run_mount *m = p->j->mounts.v;
	struct home seen = {.fd = -1};
	int r = 0;

	umask(0);
	for (size_t i = 0; i < p->j->mounts.n && r == 0; i++)
		if (m[i].from.layers)
			r = layer_forms_make(h, map, m[i].from.layers, e);
	if (r == 0 && p->nfill)
		r = view_enter(h, &seen, e);
	for (size_t i = 0; i < p->nfill && r == 0; i++)
		r = make_cache(h, &seen, map, &p->fill[i], e);
	for (size_t i = 0; i < p->nhide && r == 0; i++)
		r = make_hiding(p, &p->hide[i], e);
	/* With one id there is nobody else. */
	for (size_t i = 0; i < p->ngive && r == 0 && map->form != FORM_ONE; i++)
		if (fchownat(p->side.fd, p->give[i].name, (uid_t)p->give[i].uid,
			     (gid_t)p->give[i].gid, AT_SYMLINK_NOFOLLOW) < 0)
			r = err_set(e, errno, "give the socket of the SSH agent to %" PRId64,
				    p->give[i].uid);
	fd_close(&seen.fd);
	return r;
}

int run_mounts_add(struct run_parts *p, struct err *e)
{
	static int (*const add[])(struct run_parts * p, const struct run_mount *m,
				  struct err *e) = {
		[RUN_BIND] = add_bind,	   [RUN_CACHE] = add_cache, [RUN_TMPFS] = add_tmpfs,
		[RUN_SECRET] = add_secret, [RUN_SSH] = run_ssh_add,
	};
	const struct run_mount *m = p->j->mounts.v;
	int r = 0;

	if (p->j->mounts.n > RUN_MAX_MOUNTS)
		return err_fail(e, ERR_BUILD_MOUNT, "a step has at most %d mounts", RUN_MAX_MOUNTS);
	for (size_t i = 0; i < p->j->mounts.n && r == 0; i++)
		r = add[m[i].kind](p, &m[i], e);
	if (r == 0)
		r = name_hiding(p, e);
	if (r < 0 || !(p->views || p->nfill || p->nhide || p->ngive))
		return r;
	return u0_run(p->j->base.h, make_inside, p, e);
}
