#include "base/base.h"
#include "data/tar_write.h"

static const char type_flags[] = {
	[TAR_FILE] = '0',  [TAR_HARDLINK] = '1', [TAR_SYMLINK] = '2', [TAR_CHAR] = '3',
	[TAR_BLOCK] = '4', [TAR_DIR] = '5',	 [TAR_FIFO] = '6',
};

/* n - 1 octal digits and a NUL; false (zeros) if v needs more. */
static bool put_octal(uint8_t *p, size_t n, uint64_t v)
{
	bool fits = v >> (3 * (n - 1)) == 0;

	p[n - 1] = 0;
	for (size_t i = n - 1; i-- > 0; v >>= 3)
		p[i] = (uint8_t)('0' + (fits ? v & 7 : 0));
	return fits;
}

/* One record of a pax header; its length counts itself. */
static void put_record(struct str *s, const char *key, const void *value, size_t n)
{
	size_t body = strlen(key) + n + 3, digits = 1;

	for (size_t limit = 10; body + digits >= limit; limit *= 10)
		digits++;
	str_addf(s, "%zu %s=", body + digits, key);
	str_addn(s, value, n);
	str_addc(s, '\n');
}

static void put_number(struct str *s, const char *key, uint64_t v)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRIu64, v);

	put_record(s, key, text, (size_t)n);
}

/* The name, if it fits into 100 bytes, or into 155 and 100 with a slash between. */
static bool put_name(uint8_t *h, const char *path)
{
	size_t n = strlen(path);

	if (n <= 100) {
		memcpy(h, path, n);
		return true;
	}
	for (const char *p = path + n - 1; p > path; p--) {
		size_t head = (size_t)(p - path), tail = n - head - 1;
		if (*p != '/' || !tail)
			continue;
		if (tail > 100)
			break;
		if (head > 155)
			continue;
		memcpy(h + 345, path, head);
		memcpy(h, p + 1, tail);
		return true;
	}
	memcpy(h, path, 100);
	return false;
}

static void put_time(struct str *pax, uint8_t *field, const struct timespec *t)
{
	char text[48];
	bool fits = put_octal(field, 12, t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec);

	if (fits && t->tv_sec >= 0 && !t->tv_nsec)
		return;
	int64_t sec = t->tv_sec;
	long nsec = t->tv_nsec;
	const char *sign = "";
	if (sec < 0) { /* -1.25 is second -2 and 750 million nanoseconds */
		sign = "-";
		sec = nsec ? -(sec + 1) : -sec;
		nsec = nsec ? 1000000000 - nsec : 0;
	}
	int n = snprintf(text, sizeof text, "%s%" PRId64 ".%09ld", sign, sec, nsec);
	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	put_record(pax, "mtime", text, (size_t)n);
}

static void put_sum(uint8_t *h)
{
	uint32_t sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += h[i];
	put_octal(h + 148, 7, sum);
}

static void put_block(struct str *out, uint8_t *h, char flag)
{
	h[156] = (uint8_t)flag;
	memcpy(h + 257, "ustar\00000", 8);
	put_sum(h);
	str_addn(out, h, TAR_BLOCK_SIZE);
}

static void put_pax(struct str *out, const struct str *records)
{
	static const char zero[TAR_BLOCK_SIZE];
	uint8_t h[TAR_BLOCK_SIZE] = "././@PaxHeader";

	put_octal(h + 100, 8, 0644);
	put_octal(h + 108, 8, 0);
	put_octal(h + 116, 8, 0);
	put_octal(h + 124, 12, records->len);
	put_octal(h + 136, 12, 0);
	put_block(out, h, 'x');
	str_addn(out, records->s, records->len);
	str_addn(out, zero, tar_padding(records->len));
}

void tar_write_header(struct str *out, const struct tar_entry *t)
{
	uint8_t h[TAR_BLOCK_SIZE] = {0};
	scoped(str) pax = {0};
	uint64_t size = t->type == TAR_FILE ? t->size : 0;

	if (!put_name(h, t->path))
		put_record(&pax, "path", t->path, strlen(t->path));
	put_octal(h + 100, 8, t->mode & 07777);
	if (!put_octal(h + 108, 8, t->uid))
		put_number(&pax, "uid", t->uid);
	if (!put_octal(h + 116, 8, t->gid))
		put_number(&pax, "gid", t->gid);
	if (!put_octal(h + 124, 12, size))
		put_number(&pax, "size", size);
	put_time(&pax, h + 136, &t->mtime);
	if (t->link) {
		size_t n = strlen(t->link);
		memcpy(h + 157, t->link, n < 100 ? n : 100);
		if (n > 100)
			put_record(&pax, "linkpath", t->link, n);
	}
	if (t->type == TAR_CHAR || t->type == TAR_BLOCK) {
		put_octal(h + 329, 8, t->major);
		put_octal(h + 337, 8, t->minor);
	}
	for (size_t i = 0; i < t->nxattrs; i++) {
		scoped(str) key = {0};
		str_addf(&key, "SCHILY.xattr.%s", t->xattrs[i].name);
		put_record(&pax, key.s, t->xattrs[i].value, t->xattrs[i].len);
	}
	if (pax.len)
		put_pax(out, &pax);
	put_block(out, h, type_flags[t->type]);
}
