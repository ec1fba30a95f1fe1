#include "base/base.h"
#include "build/archive.h"

enum { BLOCK = 512 };

bool archive_is_tar(const uint8_t b[static 512])
{
	unsigned long sum = 0, want;
	long with_sign = 0;
	char text[9], *end;
	bool zero = true;

	for (size_t i = 0; i < BLOCK; i++) {
		uint8_t c = i >= 148 && i < 156 ? ' ' : b[i];
		sum += c;
		with_sign += (signed char)c;
		zero = zero && !b[i];
	}
	if (zero)
		return true;
	memcpy(text, b + 148, 8);
	text[8] = 0;
	want = strtoul(text, &end, 8);
	return end != text && (want == sum || (long)want == with_sign);
}

/* Collects blocks of the stream until there are 512 bytes. 0 or a negative errno. */
static int first_block(struct inflate *z, uint8_t to[static 512], size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	while (*ret_n < 512) {
		const void *p;
		size_t n;
		int r = inflate_next(z, &p, &n, e);
		if (r < 0)
			return r;
		if (!n)
			break;
		n = n < 512 - *ret_n ? n : 512 - *ret_n;
		memcpy(to + *ret_n, p, n);
		*ret_n += n;
	}
	return 0;
}

int archive_probe(int fd)
{
	struct source_fd in = {.fd = fd, .name = "archive", .offset = 0, .left = UINT64_MAX};
	struct source src = source_from_fd(&in);
	struct inflate *z = NULL;
	struct err e = {0};
	uint8_t block[512];
	size_t n = 0;

	int r = inflate_open(&z, &src, "archive", &e);
	if (r == 0)
		r = first_block(z, block, &n, &e);
	inflate_close(z);
	if (r < 0)
		return e.id == ERR_LIBRARY ? r : 0; /* not even compressed well: a plain file */
	return n == 512 && archive_is_tar(block);
}

static int feed(struct inflate *z, struct unpack *u, const char *name, struct err *e)
{
	uint64_t fed = 0;

	for (;;) {
		const void *p;
		size_t n;
		int r = inflate_next(z, &p, &n, e);
		if (r < 0 || !n)
			return r;
		fed += n;
		if (fed > 1ULL << 30 && fed / 100 > inflate_taken(z)) {
			err_fail(e, ERR_ARCHIVE,
				 "%s unpacks to more than 100 times its size, and more than 1 GiB",
				 name);
			return err_hint(
				e, "if that is right, unpack it yourself, and name the directory");
		}
		r = unpack_feed(u, p, n, e);
		if (r < 0)
			return r;
	}
}

int archive_unpack(const struct source *src, const char *name, int dir, const struct u0_map *map,
		   const struct unpack_plain *how, struct err *e)
{
	struct inflate *z = NULL;
	struct unpack *u = NULL;
	int r = inflate_open(&z, src, name, e);

	if (r == 0)
		r = unpack_open(&u, dir, -1, map, NULL, name, e);
	if (r == 0) {
		unpack_as_plain(u, how);
		r = feed(z, u, name, e);
	}
	if (r == 0)
		r = unpack_finish(u, NULL, e);
	unpack_close(u);
	inflate_close(z);
	return r;
}
