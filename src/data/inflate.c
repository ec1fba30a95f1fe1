/*
 * How it works: inflate_open() reads the first piece of the input, tells the kind and sets up one decoder. The input buffer is
 * refilled only when it is empty. Each decoder has one step function that gives the next block of output: plain hands the input
 * buffer itself out, gzip and zstd fill the output buffer, libarchive (xz, bzip2) gives a block of its own.
 */
#include <archive.h>
#include <poll.h>
#include <zstd.h>

#include "base/base.h"
#include "base/dl.h"
#include "data/gunzip.h"
#include "data/inflate.h"

enum { IN_SIZE = 128 * 1024, OUT_SIZE = 128 * 1024, ZSTD_WINDOW_LOG = 27, MAGIC = 6 };

#define ZSTD_SYMS(X)                                                                               \
	X(ZSTD_createDCtx)                                                                         \
	X(ZSTD_freeDCtx)                                                                           \
	X(ZSTD_DCtx_setParameter) X(ZSTD_decompressStream) X(ZSTD_isError) X(ZSTD_getErrorName)
#define ARCHIVE_SYMS(X)                                                                            \
	X(archive_read_new)                                                                        \
	X(archive_read_free)                                                                       \
	X(archive_read_support_filter_xz)                                                          \
	X(archive_read_support_filter_bzip2)                                                       \
	X(archive_read_support_format_raw)                                                         \
	X(archive_read_support_format_empty)                                                       \
	X(archive_read_open)                                                                       \
	X(archive_read_next_header)                                                                \
	X(archive_filter_code) X(archive_read_data_block) X(archive_error_string)

ZSTD_SYMS(DL_POINTER)
ARCHIVE_SYMS(DL_POINTER)
static const struct dl_sym zstd_syms[] = {ZSTD_SYMS(DL_ROW)};
static const struct dl_sym archive_syms[] = {ARCHIVE_SYMS(DL_ROW_ARCHIVE)};
DL_NOTE(note_zstd, "[{\"soname\":[\"libzstd.so.1\"],\"feature\":\"zstd\",\"priority\":"
		   "\"recommended\",\"description\":\"Layers compressed with zstd\"}]");
DL_NOTE(note_archive, "[{\"soname\":[\"libarchive.so.13\"],\"feature\":\"xz\",\"priority\":"
		      "\"recommended\",\"description\":\"Archives in xz and bzip2\"}]");

struct inflate {
	struct source src;
	char *what;
	enum inflate_kind kind;
	uint8_t *in, *out;
	size_t pos, len; /* of the input buffer: in[pos] to in[len - 1] are unread */
	bool eof, done;
	bool inside; /* a gzip member or zstd frame has begun and not ended */
	uint64_t taken;
	struct gunzip gz;
	ZSTD_DCtx *zstd;
	struct archive *ar;
	struct err read_err; /* of the source, while libarchive was calling */
	int read_failed;
};

static bool no_isal;

void inflate_test_no_isal(bool on)
{
	no_isal = on;
}

static ssize_t source_fd_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct source_fd *s = arg;
	ssize_t k;

	if (n > s->left)
		n = (size_t)s->left;
	if (!n)
		return 0;
	for (;;) {
		k = s->offset < 0 ? read(s->fd, buf, n) : pread(s->fd, buf, n, s->offset);
		if (k >= 0 || (errno != EINTR && errno != EAGAIN))
			break;
		if (errno == EAGAIN) /* whoever shares our standard input made it so */
			poll(&(struct pollfd){.fd = s->fd, .events = POLLIN}, 1, -1);
	}
	if (k < 0)
		return err_set(e, errno, "read %s", s->name);
	if (k == 0)
		return s->left == UINT64_MAX
			       ? 0
			       : err_fail(e, ERR_ARCHIVE,
					  "%s is cut off: %" PRIu64 " bytes are missing", s->name,
					  s->left);
	if (s->offset >= 0)
		s->offset += k;
	if (s->left != UINT64_MAX)
		s->left -= (uint64_t)k;
	return k;
}

struct source source_from_fd(struct source_fd *s)
{
	return (struct source){source_fd_read, s};
}

const char *inflate_kind_name(enum inflate_kind k)
{
	static const char *const names[] = {"plain", "gzip", "zstd", "xz", "bzip2"};

	return names[k];
}

/* Magic numbers: RFC 1952 2.3.1, RFC 8878 3.1 (frames, and skippable frames 0x184D2A50 to 5F), xz-file-format 2.1.1.1, and "BZh1" to
 * "BZh9" followed by the digits of pi or, of an empty stream, of its square root. */
enum inflate_kind inflate_sniff(const void *buf, size_t n)
{
	const uint8_t *p = buf;

	if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return INFLATE_GZIP;
	if (n >= 4 && !memcmp(p + 1, "\xb5\x2f\xfd", 3) && p[0] == 0x28)
		return INFLATE_ZSTD;
	if (n >= 4 && !memcmp(p + 1, "\x2a\x4d\x18", 3) && (p[0] & 0xf0) == 0x50)
		return INFLATE_ZSTD;
	if (n >= 6 && !memcmp(p,
			      "\xfd"
			      "7zXZ\0",
			      6))
		return INFLATE_XZ;
	if (n >= 6 && !memcmp(p, "BZh", 3) && p[3] >= '1' && p[3] <= '9' &&
	    (!memcmp(p + 4, "1A", 2) || !memcmp(p + 4, "\x17\x72", 2)))
		return INFLATE_BZIP2;
	return INFLATE_PLAIN;
}

/* Reads more behind what is there; sets eof at the end. */
static int read_more(struct inflate *z, struct err *e)
{
	ssize_t n = z->src.read(z->src.arg, z->in + z->len, IN_SIZE - z->len, e);

	if (n < 0)
		return (int)n;
	z->eof = n == 0;
	z->len += (size_t)n;
	z->taken += (uint64_t)n;
	return 0;
}

/* Makes sure that there is unread input, unless the input is at its end. */
static int refill(struct inflate *z, struct err *e)
{
	if (z->pos < z->len || z->eof)
		return 0;
	z->pos = z->len = 0;
	return read_more(z, e);
}

static int cut_off(const struct inflate *z, struct err *e)
{
	return err_fail(e, ERR_ARCHIVE, "%s is cut off: the %s data ends too early", z->what,
			inflate_kind_name(z->kind));
}

static int broken(const struct inflate *z, const char *why, struct err *e)
{
	return err_fail(e, ERR_ARCHIVE, "%s is broken: %s", z->what, why);
}

static int plain_next(struct inflate *z, const void **ret_p, size_t *ret_n, struct err *e)
{
	int r = refill(z, e);

	*ret_p = z->in + z->pos;
	*ret_n = z->len - z->pos;
	z->pos = z->len;
	return r;
}

/* Between members: the end, another member, or zero bytes that pad to a block (tapes, and gzip(1) does the same). */
static int gzip_between(struct inflate *z, struct err *e)
{
	bool padded = false;

	for (;;) {
		int r = refill(z, e);
		if (r < 0)
			return r;
		if (z->pos == z->len) {
			z->done = true;
			return 0;
		}
		if (z->in[z->pos])
			break;
		padded = true;
		z->pos++;
	}
	if (padded || z->in[z->pos] != 0x1f)
		return broken(z, "something that is no gzip data follows the gzip data", e);
	gunzip_again(&z->gz);
	return 0;
}

static int gzip_next(struct inflate *z, const void **ret_p, size_t *ret_n, struct err *e)
{
	size_t n = 0;

	while (n < OUT_SIZE && !z->done) {
		int r = refill(z, e);
		if (r < 0)
			return r;
		size_t got, before = z->len - z->pos;
		z->gz.in = z->in + z->pos;
		z->gz.n_in = before;
		enum gunzip_result k = gunzip_step(&z->gz, z->out + n, OUT_SIZE - n, &got);
		z->pos = z->len - z->gz.n_in;
		n += got;
		if (k == GUNZIP_BAD)
			return broken(z, "the gzip data is corrupt", e);
		if (k == GUNZIP_END)
			r = gzip_between(z, e);
		else if (!got && !before && z->eof)
			return cut_off(z, e);
		if (r < 0)
			return r;
	}
	*ret_p = z->out;
	*ret_n = n;
	return 0;
}

static int zstd_next(struct inflate *z, const void **ret_p, size_t *ret_n, struct err *e)
{
	ZSTD_outBuffer out = {z->out, OUT_SIZE, 0};

	while (out.pos < OUT_SIZE) {
		int r = refill(z, e);
		if (r < 0)
			return r;
		if (z->pos == z->len && !z->inside)
			break;
		ZSTD_inBuffer in = {z->in, z->len, z->pos};
		size_t before = out.pos, k = dl_ZSTD_decompressStream(z->zstd, &out, &in);
		if (dl_ZSTD_isError(k))
			return broken(z, dl_ZSTD_getErrorName(k), e);
		bool stuck = in.pos == z->pos && out.pos == before;
		z->pos = in.pos;
		z->inside = k != 0;
		if (stuck && z->inside && z->eof)
			return cut_off(z, e);
	}
	*ret_p = z->out;
	*ret_n = out.pos;
	return 0;
}

static la_ssize_t archive_pull(struct archive *a, void *arg, const void **ret_p)
{
	struct inflate *z = arg;
	int r = refill(z, &z->read_err);

	if (r < 0) {
		z->read_failed = r;
		return -1;
	}
	*ret_p = z->in + z->pos;
	la_ssize_t n = (la_ssize_t)(z->len - z->pos);
	z->pos = z->len;
	return n;
}

static int archive_failed(struct inflate *z, struct err *e)
{
	if (z->read_failed) {
		if (e)
			*e = z->read_err;
		return z->read_failed;
	}
	const char *why = dl_archive_error_string(z->ar);
	return broken(z, why ? why : "it cannot be decompressed", e);
}

static int archive_next(struct inflate *z, const void **ret_p, size_t *ret_n, struct err *e)
{
	la_int64_t offset;

	if (!z->inside) {
		struct archive_entry *entry;
		int r = dl_archive_read_next_header(z->ar, &entry);
		if (r == ARCHIVE_EOF) {
			z->done = true;
			return 0;
		}
		if (r != ARCHIVE_OK)
			return archive_failed(z, e);
		/* what is too short to be known by its magic would pass as plain */
		if (dl_archive_filter_code(z->ar, 0) == ARCHIVE_FILTER_NONE)
			return cut_off(z, e);
		z->inside = true;
	}
	do { /* an empty block is no end */
		int r = dl_archive_read_data_block(z->ar, ret_p, ret_n, &offset);
		if (r == ARCHIVE_EOF) {
			z->done = true;
			*ret_n = 0;
			return z->read_failed ? archive_failed(z, e) : 0;
		}
		if (r != ARCHIVE_OK)
			return archive_failed(z, e);
	} while (*ret_n == 0);
	return 0;
}

static int zstd_open(struct inflate *z, struct err *e)
{
	static bool loaded;
	int r = dl_load(&loaded, "libzstd.so.1", zstd_syms, countof(zstd_syms), e);

	if (r < 0)
		return r;
	z->zstd = dl_ZSTD_createDCtx();
	if (!z->zstd || dl_ZSTD_isError(dl_ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax,
								  ZSTD_WINDOW_LOG)))
		return err_fail_code(e, ERR_LIBRARY, ENOMEM, "libzstd.so.1 cannot be set up");
	return 0;
}

static int archive_open(struct inflate *z, struct err *e)
{
	static bool loaded;
	int r = dl_load(&loaded, "libarchive.so.13", archive_syms, countof(archive_syms), e);

	if (r < 0)
		return r;
	z->ar = dl_archive_read_new();
	if (!z->ar)
		return err_fail_code(e, ERR_LIBRARY, ENOMEM, "libarchive.so.13 cannot be set up");
	r = z->kind == INFLATE_XZ ? dl_archive_read_support_filter_xz(z->ar)
				  : dl_archive_read_support_filter_bzip2(z->ar);
	/* ARCHIVE_WARN: it would run a program instead, which is not wanted. */
	if (r != ARCHIVE_OK)
		return err_fail_code(e, ERR_LIBRARY, ENOENT,
				     "libarchive.so.13 was built without %s",
				     inflate_kind_name(z->kind));
	dl_archive_read_support_format_raw(z->ar);
	dl_archive_read_support_format_empty(z->ar);
	if (dl_archive_read_open(z->ar, z, NULL, archive_pull, NULL) != ARCHIVE_OK)
		return archive_failed(z, e);
	return 0;
}

static int decoder_open(struct inflate *z, struct err *e)
{
	int r = 0;

	while (z->len < MAGIC && !z->eof && r == 0)
		r = read_more(z, e);
	if (r < 0)
		return r;
	z->kind = inflate_sniff(z->in, z->len);
	switch (z->kind) {
	case INFLATE_GZIP:
		r = gunzip_open(&z->gz, !no_isal, e);
		break;
	case INFLATE_ZSTD:
		r = zstd_open(z, e);
		break;
	case INFLATE_XZ:
	case INFLATE_BZIP2:
		return archive_open(z, e);
	case INFLATE_PLAIN:
		return 0;
	}
	z->out = xmalloc(OUT_SIZE);
	return r;
}

int inflate_open(struct inflate **ret, const struct source *src, const char *what, struct err *e)
{
	struct inflate *z = xcalloc(1, sizeof *z);

	z->src = *src;
	z->what = xstrdup(what);
	z->in = xmalloc(IN_SIZE);
	int r = decoder_open(z, e);
	if (r < 0) {
		inflate_close(z);
		return r;
	}
	*ret = z;
	return 0;
}

enum inflate_kind inflate_kind(const struct inflate *z)
{
	return z->kind;
}

int inflate_next(struct inflate *z, const void **ret_p, size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	if (z->done)
		return 0;
	switch (z->kind) {
	case INFLATE_PLAIN:
		return plain_next(z, ret_p, ret_n, e);
	case INFLATE_GZIP:
		return gzip_next(z, ret_p, ret_n, e);
	case INFLATE_ZSTD:
		return zstd_next(z, ret_p, ret_n, e);
	case INFLATE_XZ:
	case INFLATE_BZIP2:
		return archive_next(z, ret_p, ret_n, e);
	}
	return 0;
}

uint64_t inflate_taken(const struct inflate *z)
{
	return z->taken;
}

void inflate_close(struct inflate *z)
{
	if (!z)
		return;
	gunzip_close(&z->gz);
	if (z->zstd)
		dl_ZSTD_freeDCtx(z->zstd);
	if (z->ar)
		dl_archive_read_free(z->ar);
	free(z->in);
	free(z->out);
	free(z->what);
	free(z);
}
