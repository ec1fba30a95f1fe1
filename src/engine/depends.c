#include <dirent.h>

#include "base/base.h"
#include "engine/depends.h"
#include "engine/namespace_opts.h"

int depends_record(const struct home *h, const struct container_config *c, struct err *e)
{
	struct arena a = {0};
	struct strs ids = {0};
	char path[220];
	int r = 0;

	namespace_opts_depends(c, &a, &ids);
	for (size_t i = 0; i < c->requires.n; i++)
		strs_add(&a, &ids, c->requires.v[i]);
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		snprintf(path, sizeof path, "containers/%.64s/joined", ids.v[i]);
		if (mkdirat(h->fd, path, 0700) < 0 && errno != EEXIST)
			r = -errno;
		snprintf(path, sizeof path, "containers/%.64s/joined/%.64s", ids.v[i], c->id);
		if (r == 0)
			r = fd_write_file_at(h->fd, path, "", 0, 0600);
		if (r < 0)
			err_set(e, r, "note at container %.12s that it is joined", ids.v[i]);
	}
	arena_free(&a);
	return r;
}

int depends_check(const struct home *h, const struct container *c, struct err *e)
{
	int fd = openat(c->dir, "joined", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return 0;
	for (struct dirent *de; r == 0 && (de = readdir(d));) {
		struct container other = {.dir = -1};
		if (strlen(de->d_name) != CONTAINER_ID_LEN)
			continue;
		if (container_open(h, de->d_name, &other, NULL) == 0) {
			bool needed = container_load_config(&other, NULL) == 0 &&
				      strs_has(&other.config.requires, c->id);
			err_fail_code(e, ERR_CONTAINER_IN_USE, EBUSY,
				      needed ? "container %s is required by container %s"
					     : "container %s shares its namespaces with container "
					       "%s",
				      c->state.name, other.state.name);
			r = err_hint(e,
				     "remove that first (hoy rm %s), or use rm -f: it could not "
				     "be started any more",
				     other.state.name);
		}
		container_free(&other);
	}
	closedir(d);
	return r;
}

void depends_list(const struct container *c, struct strs *ret, struct arena *a)
{
	int fd = openat(c->dir, "joined", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *de; d && (de = readdir(d));)
		if (strlen(de->d_name) == CONTAINER_ID_LEN)
			strs_add(a, ret, arena_strdup(a, de->d_name));
	if (d)
		closedir(d);
}
