#include "base/base.h"
#include "base/parse.h"
#include "data/base64.h"
#include "data/tar_pax.h"

void tar_segments_free(struct tar_segments *s)
{
	free(s->v);
	*s = (struct tar_segments){0};
}

int tar_segments_add(struct tar_segments *s, uint64_t offset, uint64_t len)
{
	if (s->n == TAR_MAX_SEGMENTS)
		return -E2BIG;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 32;
		s->v = xrealloc(s->v, s->cap * sizeof *s->v);
	}
	s->v[s->n++] = (struct tar_segment){offset, len};
	return 0;
}

bool tar_segments_valid(const struct tar_segments *s, uint64_t size, uint64_t stored)
{
	uint64_t at = 0, sum = 0, end;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].offset < at ||
		    __builtin_add_overflow(s->v[i].offset, s->v[i].len, &end) || end > size)
			return false;
		at = end;
		sum += s->v[i].len;
	}
	return sum == stored;
}

static int bad_value(const char *key, struct err *e)
{
	return err_fail(e, ERR_ARCHIVE, "the pax record %.64s has a value that is not allowed",
			key);
}

/* "[-]seconds[.fraction]". Further digits than nanoseconds are dropped. */
static int parse_time(const char *s, struct timespec *ret)
{
	bool neg = *s == '-';
	uint64_t sec;
	long ns = 0, scale = 100000000;
	char whole[24];
	size_t n = strcspn(s + neg, ".");

	if (n >= sizeof whole)
		return -ERANGE;
	memcpy(whole, s + neg, n);
	whole[n] = 0;
	if (parse_u64(whole, INT64_MAX / 2, &sec) < 0)
		return -EINVAL;
	for (const char *p = s + neg + n + (s[neg + n] == '.'); *p; p++, scale /= 10) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		ns += (*p - '0') * scale;
	}
	*ret = (struct timespec){(time_t)sec, ns};
	if (neg)
		*ret = ns ? (struct timespec){-(time_t)sec - 1, 1000000000 - ns}
			  : (struct timespec){-(time_t)sec, 0};
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX in place; false if malformed. */
static bool url_decode(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		*to = *s;
		if (*s != '%')
			continue;
		int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);
		if (lo < 0 || !(hi | lo))
			return false;
		*to = (char)(hi << 4 | lo);
		s += 2;
	}
	*to = 0;
	return true;
}

static int add_xattr(struct pax *p, const char *key, const char *name, const void *value, size_t n,
		     struct err *e)
{
	if (!*name || strlen(name) > 255 || n > 65536)
		return bad_value(key, e);
	if (p->nxattrs == TAR_MAX_XATTRS)
		return err_fail(e, ERR_ARCHIVE, "a tar entry has more than %d xattrs",
				TAR_MAX_XATTRS);
	if (p->nxattrs == p->xattr_cap) {
		p->xattr_cap = p->xattr_cap ? p->xattr_cap * 2 : 8;
		p->xattrs = xrealloc(p->xattrs, p->xattr_cap * sizeof *p->xattrs);
	}
	p->xattrs[p->nxattrs++] = (struct tar_xattr){name, value, n};
	return 0;
}

static int take_xattr(struct pax *p, char *key, char *value, size_t n, struct err *e)
{
	static const char schily[] = "SCHILY.xattr.", la[] = "LIBARCHIVE.xattr.";

	if (str_starts(key, schily))
		return add_xattr(p, key, key + sizeof schily - 1, value, n, e);
	ssize_t k = base64_decode(value, n);
	if (k < 0 || !url_decode(key + sizeof la - 1))
		return bad_value(key, e);
	return add_xattr(p, key, key + sizeof la - 1, value, (size_t)k, e);
}

/* "offset,length,offset,length..." (format 0.1). */
static int take_map(struct pax *p, char *s)
{
	while (*s) {
		uint64_t v[2];
		for (int i = 0; i < 2; i++) {
			size_t n = strcspn(s, ",");
			bool more = s[n] == ',';
			s[n] = 0;
			if ((i == 0 && !more) || parse_u64(s, INT64_MAX, &v[i]) < 0)
				return -EINVAL;
			s += n + more;
		}
		int r = tar_segments_add(&p->map, v[0], v[1]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_sparse(struct pax *p, const char *key, char *value)
{
	uint64_t u = 0;

	p->sparse = true;
	if (!strcmp(key, "name")) {
		p->sparse_name = value;
		return *value ? 0 : -EINVAL;
	}
	if (!strcmp(key, "map"))
		return take_map(p, value);
	if (parse_u64(value, INT64_MAX, &u) < 0)
		return -EINVAL;
	if (!strcmp(key, "major"))
		p->sparse_major = u;
	else if (!strcmp(key, "minor"))
		p->sparse_minor = u;
	else if (!strcmp(key, "size") || !strcmp(key, "realsize")) {
		p->realsize = u;
		p->has_realsize = true;
	} else if (!strcmp(key, "offset")) {
		p->pending_offset = u;
		p->has_pending = true;
	} else if (!strcmp(key, "numbytes")) {
		if (!p->has_pending)
			return -EINVAL;
		p->has_pending = false;
		return tar_segments_add(&p->map, p->pending_offset, u);
	}
	return 0; /* numblocks says nothing that the list does not */
}

static int take_record(struct pax *p, char *key, char *value, size_t n, struct err *e)
{
	static const char sparse[] = "GNU.sparse.";
	int r = 0;

	if (str_starts(key, "SCHILY.xattr.") || str_starts(key, "LIBARCHIVE.xattr."))
		return take_xattr(p, key, value, n, e);
	bool is_sparse = str_starts(key, sparse);
	bool known = is_sparse || !strcmp(key, "path") || !strcmp(key, "linkpath") ||
		     !strcmp(key, "size") || !strcmp(key, "uid") || !strcmp(key, "gid") ||
		     !strcmp(key, "mtime");
	if (!known)
		return 0;
	if (memchr(value, 0, n))
		return bad_value(key, e);
	if (is_sparse)
		r = take_sparse(p, key + sizeof sparse - 1, value);
	else if (!strcmp(key, "path"))
		p->path = n ? value : NULL; /* an empty value takes the record back (POSIX) */
	else if (!strcmp(key, "linkpath"))
		p->link = n ? value : NULL;
	else if (!strcmp(key, "size"))
		r = (p->has_size = n > 0) ? parse_u64(value, INT64_MAX, &p->size) : 0;
	else if (!strcmp(key, "uid"))
		r = (p->has_uid = n > 0) ? parse_u64(value, UINT64_MAX, &p->uid) : 0;
	else if (!strcmp(key, "gid"))
		r = (p->has_gid = n > 0) ? parse_u64(value, UINT64_MAX, &p->gid) : 0;
	else
		r = (p->has_mtime = n > 0) ? parse_time(value, &p->mtime) : 0;
	return r < 0 ? bad_value(key, e) : 0;
}

int pax_parse(struct pax *p, char *text, size_t n, struct err *e)
{
	char *s = text, *end = text + n;

	p->present = true;
	while (s < end) {
		size_t len = 0, digits = 0;
		while (digits < 8 && s + digits < end && s[digits] >= '0' && s[digits] <= '9')
			len = len * 10 + (size_t)(s[digits++] - '0');
		if (!digits || len > (size_t)(end - s) || len < digits + 4 || s[digits] != ' ' ||
		    s[len - 1] != '\n')
			return err_fail(e, ERR_ARCHIVE, "a pax header is malformed at its byte %zu",
					(size_t)(s - text));
		char *key = s + digits + 1, *last = s + len - 1;
		char *eq = memchr(key, '=', (size_t)(last - key));
		if (!eq || eq == key || memchr(key, 0, (size_t)(eq - key)))
			return err_fail(e, ERR_ARCHIVE,
					"a pax header has a record without a key at its byte %zu",
					(size_t)(s - text));
		*eq = *last = 0;
		int r = take_record(p, key, eq + 1, (size_t)(last - eq - 1), e);
		if (r < 0)
			return r;
		s += len;
	}
	return 0;
}

void pax_reset(struct pax *p)
{
	struct tar_xattr *xattrs = p->xattrs;
	struct tar_segments map = p->map;
	size_t cap = p->xattr_cap;

	map.n = 0;
	*p = (struct pax){.xattrs = xattrs, .xattr_cap = cap, .map = map};
}

void pax_free(struct pax *p)
{
	free(p->xattrs);
	tar_segments_free(&p->map);
	*p = (struct pax){0};
}
