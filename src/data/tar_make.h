/*
 * tar_make.h - for tests: tar archives built byte by byte, honest and hostile ones.
 *
 * Nothing is checked here: names, numbers and sizes go in as they are given. Everything is appended to a struct str.
 */
#ifndef DATA_TAR_MAKE_H
#define DATA_TAR_MAKE_H

#include "base/base.h"

static inline void mk_octal(uint8_t *p, size_t n, uint64_t v)
{
	p[n - 1] = 0;
	for (size_t i = n - 1; i-- > 0; v >>= 3)
		p[i] = (uint8_t)('0' + (v & 7));
}

static inline void mk_sum(uint8_t *h)
{
	uint32_t sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += h[i];
	mk_octal(h + 148, 7, sum);
}

static inline void mk_text(uint8_t *p, size_t n, const char *s)
{
	size_t k = strlen(s);

	memcpy(p, s, k < n ? k : n);
}

/* A ustar header without its checksum. */
static inline void mk_fields(uint8_t *h, char type, const char *name, const char *link,
			     uint64_t size)
{
	memset(h, 0, 512);
	mk_text(h, 100, name);
	mk_octal(h + 100, 8, type == '5' ? 0755 : 0644);
	mk_octal(h + 108, 8, 0);
	mk_octal(h + 116, 8, 0);
	mk_octal(h + 124, 12, size);
	mk_octal(h + 136, 12, 1700000000);
	h[156] = (uint8_t)type;
	if (link)
		mk_text(h + 157, 100, link);
	memcpy(h + 257, "ustar\00000", 8);
}

static inline void mk_header(struct str *s, const uint8_t *fields)
{
	uint8_t h[512];

	memcpy(h, fields, sizeof h);
	mk_sum(h);
	str_addn(s, h, sizeof h);
}

static inline void mk_data(struct str *s, const void *p, size_t n)
{
	static const char zero[512];

	str_addn(s, p, n);
	str_addn(s, zero, (512 - n % 512) % 512);
}

static inline void mk_owned(struct str *s, char type, const char *name, const char *link,
			    uint32_t mode, uint32_t uid, uint32_t gid, const char *data)
{
	uint8_t h[512];
	size_t n = data ? strlen(data) : 0;

	mk_fields(h, type, name, link, n);
	mk_octal(h + 100, 8, mode);
	mk_octal(h + 108, 8, uid);
	mk_octal(h + 116, 8, gid);
	mk_header(s, h);
	mk_data(s, data, n);
}

static inline void mk_file(struct str *s, const char *name, const char *data)
{
	mk_owned(s, '0', name, NULL, 0644, 0, 0, data);
}

static inline void mk_dir(struct str *s, const char *name)
{
	mk_owned(s, '5', name, NULL, 0755, 0, 0, NULL);
}

static inline void mk_symlink(struct str *s, const char *name, const char *to)
{
	mk_owned(s, '2', name, to, 0777, 0, 0, NULL);
}

static inline void mk_hardlink(struct str *s, const char *name, const char *to)
{
	mk_owned(s, '1', name, to, 0644, 0, 0, NULL);
}

/* One record of a pax header; the length counts itself. */
static inline void mk_record(struct str *s, const char *key, const void *value, size_t n)
{
	size_t body = strlen(key) + n + 3, digits = 1;

	while (snprintf(NULL, 0, "%zu", body + digits) != (int)digits)
		digits++;
	str_addf(s, "%zu %s=", body + digits, key);
	str_addn(s, value, n);
	str_addc(s, '\n');
}

/* An extended header (x, g, L, K) with this body. */
static inline void mk_extra(struct str *s, char type, const void *body, size_t n)
{
	uint8_t h[512];

	mk_fields(h, type, "././extra", NULL, n);
	mk_header(s, h);
	mk_data(s, body, n);
}

static inline void mk_pax(struct str *s, const char *key, const char *value)
{
	scoped(str) body = {0};

	mk_record(&body, key, value, strlen(value));
	mk_extra(s, 'x', body.s, body.len);
}

static inline void mk_end(struct str *s)
{
	static const char zero[1024];

	str_addn(s, zero, sizeof zero);
}

/* gzip without compression: stored blocks of up to 65535 bytes (RFC 1951 3.2.4, RFC 1952). */
static inline void mk_gzip(struct str *to, const void *data, size_t n)
{
	static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
	const uint8_t *p = data;
	uint32_t crc = ~0U;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	str_addn(to, head, sizeof head);
	for (size_t at = 0, k; at < n || !n; at += k) {
		k = n - at < 65535 ? n - at : 65535;
		uint8_t b[] = {at + k == n, (uint8_t)k, (uint8_t)(k >> 8), (uint8_t)~k,
			       (uint8_t)(~k >> 8)};
		str_addn(to, b, sizeof b);
		str_addn(to, p + at, k);
		if (!n)
			break;
	}
	uint32_t tail[] = {~crc, (uint32_t)n};
	str_addn(to, tail, sizeof tail);
}

#endif
