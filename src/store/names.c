#include <dirent.h>

#include "base/base.h"
#include "store/names.h"

/* A short name is tried under registries that may be as long as the name itself. */
enum { NAME_PATH = 6 + REF_MAX_NAME + 1 + REF_MAX_NAME + 2 + REF_MAX_TAG + 1 };

static char *name_path(char buf[static NAME_PATH], const struct reference *r)
{
	snprintf(buf, NAME_PATH, "names/%s/%s/%c%s", r->registry, r->repository,
		 r->digest ? '@' : ':', r->digest ? r->digest : r->tag);
	return buf;
}

/* Reads a link whose text must be a digest, or two of them. */
static int read_id(int dir, const char *path, char ret[static DIGEST_LEN + 1],
		   char ret_manifest[static DIGEST_LEN + 1])
{
	char text[2 * DIGEST_LEN + 3];
	ssize_t n = readlinkat(dir, path, text, sizeof text - 1);

	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOENT : -errno;
	text[n] = 0;
	snprintf(ret, DIGEST_LEN + 1, "%.*s", DIGEST_LEN, text);
	*ret_manifest = 0;
	if (n > DIGEST_LEN && text[DIGEST_LEN] == ' ' && digest_valid(text + DIGEST_LEN + 1))
		snprintf(ret_manifest, DIGEST_LEN + 1, "%.*s", DIGEST_LEN, text + DIGEST_LEN + 1);
	else if (n != DIGEST_LEN)
		return -EINVAL;
	return digest_valid(ret) ? 0 : -EINVAL;
}

int names_get(const struct home *h, const struct reference *r, char *ret, char *ret_manifest)
{
	char path[NAME_PATH], manifest[DIGEST_LEN + 1];

	return read_id(h->fd, name_path(path, r), ret, ret_manifest ?: manifest) == 0 ? 0 : -ENOENT;
}

int names_set(const struct home *h, const struct home_tmp *t, const struct reference *r,
	      const char *id, const char *manifest, struct err *e)
{
	char path[NAME_PATH], text[2 * DIGEST_LEN + 2];

	char *slash = strrchr(name_path(path, r), '/');
	*slash = 0;
	int k = path_mkdir_p_at(h->fd, path, 0700);
	*slash = '/';
	snprintf(text, sizeof text, "%s%s%s", id, manifest ? " " : "", manifest ?: "");
	unlinkat(t->fd, "name", 0);
	if (k == 0 &&
	    (symlinkat(text, t->fd, "name") < 0 || renameat(t->fd, "name", h->fd, path) < 0))
		k = -errno;
	if (k < 0)
		return err_set(e, -k, "write %s/%s", h->path, path);
	*slash = 0;
	autoclose int dir = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		fsync(dir);
	return 0;
}

int names_drop(const struct home *h, const struct reference *r, struct err *e)
{
	char path[NAME_PATH];

	if (unlinkat(h->fd, name_path(path, r), 0) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? -ENOENT
			       : err_set(e, errno, "remove %s/%s", h->path, path);
	for (;;) {
		*strrchr(path, '/') = 0;
		if (!strcmp(path, "names") || unlinkat(h->fd, path, AT_REMOVEDIR) < 0)
			return 0;
	}
}

struct walk {
	int (*fn)(void *arg, const char *repository, const char *last, const char *id,
		  const char *manifest);
	void *arg;
	struct str path; /* below names/ */
};

static int walk_dir(struct walk *w, int parent, const char *name, int depth);

static int walk_entry(struct walk *w, int dir, const char *name, int depth)
{
	char id[DIGEST_LEN + 1], manifest[DIGEST_LEN + 1];
	size_t len = w->path.len;

	if (name[0] == ':' || name[0] == '@') {
		int r = read_id(dir, name, id, manifest);
		return r == -ENOENT ? 0
				    : w->fn(w->arg, str_cstr(&w->path), name, r ? NULL : id,
					    r || !*manifest ? NULL : manifest);
	}
	str_addf(&w->path, "%s%s", len ? "/" : "", name);
	int r = walk_dir(w, dir, name, depth + 1);
	w->path.len = len;
	if (w->path.s)
		w->path.s[len] = 0;
	return r;
}

static int walk_dir(struct walk *w, int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = 0;

	if (!d) {
		r = errno == ENOENT ? 0 : errno == ENOTDIR ? -EINVAL : -errno;
		/* a file or link among the repositories: a name that leads nowhere */
		return r == -EINVAL || r == -ELOOP
			       ? w->fn(w->arg, str_cstr(&w->path), "", NULL, NULL)
			       : r;
	}
	for (struct dirent *de; !r && (de = readdir(d));) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		r = depth > REF_MAX_NAME ? -ELOOP : walk_entry(w, fd, de->d_name, depth);
	}
	closedir(d);
	return r;
}

int names_each(const struct home *h,
	       int (*fn)(void *arg, const char *repository, const char *last, const char *id,
			 const char *manifest),
	       void *arg, struct err *e)
{
	struct walk w = {fn, arg, {0}};
	int r = walk_dir(&w, h->fd, "names", 0);

	str_free(&w.path);
	return r < 0 && e && !e->code ? err_set(e, -r, "read %s/names", h->path) : r;
}

int names_registries(const struct home *h, struct strv *ret)
{
	int fd = openat(h->fd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_name[0] != '.')
			strv_add(ret, de->d_name);
	closedir(d);
	strv_sort(ret);
	return 0;
}
