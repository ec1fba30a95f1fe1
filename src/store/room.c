#include <dirent.h>

#include "base/base.h"
#include "store/layers.h"
#include "store/room.h"

/* The plain files of a directory: those beside diff/. */
static int64_t plain_files(const struct home *h, const char *path)
{
	int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int64_t sum = 0;
	struct stat st;

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));)
		if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			sum += st.st_size;
	closedir(d);
	return sum;
}

int64_t layer_room(const struct home *h, const char *name)
{
	scoped(arena) a = {0};
	struct layer_meta m = {0};
	char path[128];

	if (!strchr(name, '.') || strlen(name) > 100)
		return 0;
	layer_meta_named(h, name, &a, &m, NULL);
	snprintf(path, sizeof path, "layers/%s", name);
	return m.size + plain_files(h, path);
}

int64_t layer_room_all(const struct home *h, const char *hex)
{
	int fd = openat(h->fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int64_t sum = 0;

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));)
		if (!strncmp(de->d_name, hex, 64))
			sum += layer_room(h, de->d_name);
	closedir(d);
	return sum;
}

int64_t blob_room(const struct home *h, const char *hex)
{
	struct stat st;
	char path[96];

	snprintf(path, sizeof path, "blobs/sha256/%.64s", hex);
	return fstatat(h->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)
		       ? st.st_size
		       : 0;
}
