#include "base/base.h"
#include "oci/reference.h"
#include "store/blobs.h"

char *blob_path(char buf[static BLOB_PATH], const char *digest)
{
	snprintf(buf, BLOB_PATH, "blobs/sha256/%.64s", digest_hex(digest));
	return buf;
}

int blob_read(const struct home *h, const char *digest, size_t max, struct str *out, struct err *e)
{
	char path[BLOB_PATH];
	int r = fd_read_file_at(h->fd, blob_path(path, digest), out, max);

	return r < 0 ? err_set(e, -r, "read blob %s", digest) : 0;
}

bool blob_exists(const struct home *h, const char *digest)
{
	char path[BLOB_PATH];

	return faccessat(h->fd, blob_path(path, digest), F_OK, 0) == 0;
}

int blob_put(const struct home *h, const struct home_tmp *t, const char *digest, const void *p,
	     size_t n, struct err *e)
{
	char path[BLOB_PATH];
	const char *name = digest_hex(digest);

	if (blob_exists(h, digest))
		return 0;
	int r = path_mkdir_p_at(h->fd, "blobs/sha256", 0700);
	if (r == 0)
		r = fd_write_file_at(t->fd, name, p, n, 0600);
	if (r == 0 && renameat(t->fd, name, h->fd, blob_path(path, digest)) < 0)
		r = -errno;
	return r < 0 ? err_set(e, -r, "write blob %s", digest) : 0;
}
