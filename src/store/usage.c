#include <dirent.h>
#include <sys/mman.h>

#include "base/base.h"
#include "store/usage.h"
#include "state/u0.h"
#include "store/copied.h"

enum { MAX_DEPTH = 400 }; /* one descriptor a level; what lies deeper is not counted */

/* Inodes with several links that were counted; a hash table with room for twice as many. */
struct inodes {
	ino_t *v;
	size_t n, cap;
};

static void inodes_free(struct inodes *s)
{
	free(s->v);
}

static bool inodes_add(struct inodes *s, ino_t ino)
{
	if (s->n * 2 >= s->cap) {
		struct inodes big = {.cap = s->cap ? s->cap * 2 : 64};
		big.v = xcalloc(big.cap, sizeof *big.v);
		for (size_t i = 0; i < s->cap; i++)
			if (s->v[i])
				inodes_add(&big, s->v[i]);
		free(s->v);
		*s = big;
	}
	size_t i = (size_t)(ino * UINT64_C(0x9e3779b97f4a7c15)) & (s->cap - 1);
	for (; s->v[i]; i = (i + 1) & (s->cap - 1))
		if (s->v[i] == ino)
			return false;
	s->v[i] = ino;
	s->n++;
	return true;
}

struct walk {
	struct inodes seen;
	int64_t bytes;
	bool denied;
};

static void walk_dir(struct walk *w, int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		w->denied |= errno == EACCES;
		fd_close(&fd);
		return;
	}
	for (struct dirent *de; (de = readdir(d));) {
		struct stat st;
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			w->denied |= errno == EACCES;
		else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
			walk_dir(w, fd, de->d_name, depth + 1);
		else if ((S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) &&
			 (st.st_nlink < 2 || inodes_add(&w->seen, st.st_ino)))
			w->bytes += st.st_size;
	}
	closedir(d);
}

/* Returns whether everything could be read. */
static bool measure(const struct home *h, const char *path, int64_t *ret)
{
	struct walk w = {0};

	walk_dir(&w, h->fd, path, 0);
	inodes_free(&w.seen);
	*ret = w.bytes;
	return !w.denied;
}

/* Shared with the child in U0. */
struct job {
	const struct home *h;
	const char *const *paths;
	size_t n;
	int64_t *bytes;
};

static int measure_in_u0(const struct u0_map *map, void *arg, struct err *e)
{
	const struct job *j = arg;

	for (size_t i = 0; i < j->n; i++)
		measure(j->h, j->paths[i], &j->bytes[i]);
	return 0;
}

void trees_usage(const struct home *h, const char *const *paths, size_t n, int64_t *ret)
{
	bool whole = true;

	for (size_t i = 0; i < n; i++)
		whole &= measure(h, paths[i], &ret[i]);
	if (whole)
		return;
	struct job j = {h, paths, n, NULL};
	j.bytes = mmap(NULL, n * sizeof *ret, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (j.bytes == MAP_FAILED)
		return;
	struct err e;
	if (u0_run(h, measure_in_u0, &j, &e) == 0)
		memcpy(ret, j.bytes, n * sizeof *ret);
	munmap(j.bytes, n * sizeof *ret);
}

static bool is_copied(const struct home *h, const char *id)
{
	char path[96];

	snprintf(path, sizeof path, "containers/%.64s", id);
	autoclose int dir = openat(h->fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir >= 0 && copied_is(dir);
}

void containers_usage(const struct home *h, const char *const *ids, size_t n, int64_t *ret)
{
	scoped(strv) paths = {0};

	for (size_t i = 0; i < n; i++)
		strv_addf(&paths, "containers/%.64s/%s", ids[i],
			  is_copied(h, ids[i]) ? COPIED_ROOT : "upper");
	if (n)
		trees_usage(h, (const char *const *)paths.v, n, ret);
}
