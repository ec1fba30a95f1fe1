#include <zlib.h>
#include <zstd.h>

#include "base/base.h"
#include "base/dl.h"
#include "data/deflate.h"

enum { OUT_SIZE = 64 * 1024, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

#define ZLIB_SYMS(X) X(deflateInit2_) X(deflate) X(deflateEnd)
#define ZSTD_SYMS(X)                                                                               \
	X(ZSTD_createCCtx)                                                                         \
	X(ZSTD_freeCCtx)                                                                           \
	X(ZSTD_CCtx_setParameter) X(ZSTD_compressStream2) X(ZSTD_isError) X(ZSTD_getErrorName)

ZLIB_SYMS(DL_POINTER)
ZSTD_SYMS(DL_POINTER)
static const struct dl_sym zlib_syms[] = {ZLIB_SYMS(DL_ROW)};
static const struct dl_sym zstd_syms[] = {ZSTD_SYMS(DL_ROW)};

struct deflate {
	struct sink sink;
	enum inflate_kind kind;
	z_stream gz;
	bool gz_open;
	ZSTD_CCtx *zstd;
	uint8_t out[OUT_SIZE];
};

static int open_gzip(struct deflate *d, int level, struct err *e)
{
	static bool loaded;
	int r = dl_load(&loaded, "libz.so.1", zlib_syms, countof(zlib_syms), e);

	if (r < 0)
		return r;
	r = dl_deflateInit2_(&d->gz, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			     Z_DEFAULT_STRATEGY, ZLIB_VERSION, sizeof d->gz);
	d->gz_open = r == Z_OK;
	return r == Z_OK ? 0 : err_fail(e, ERR_LIBRARY, "zlib cannot compress (error %d)", r);
}

static int open_zstd(struct deflate *d, int level, struct err *e)
{
	static bool loaded;
	int r = dl_load(&loaded, "libzstd.so.1", zstd_syms, countof(zstd_syms), e);

	if (r < 0)
		return r;
	d->zstd = dl_ZSTD_createCCtx();
	if (!d->zstd)
		return err_set(e, ENOMEM, "compress with zstd");
	size_t k = dl_ZSTD_CCtx_setParameter(d->zstd, ZSTD_c_compressionLevel, level);
	return dl_ZSTD_isError(k) ? err_fail(e, ERR_LIBRARY, "libzstd cannot compress: %s",
					     dl_ZSTD_getErrorName(k))
				  : 0;
}

int deflate_open(struct deflate **ret, enum inflate_kind kind, int level, const struct sink *sink,
		 struct err *e)
{
	struct deflate *d = xcalloc(1, sizeof *d);
	int r;

	d->sink = *sink;
	d->kind = kind;
	r = kind == INFLATE_GZIP ? open_gzip(d, level, e) : open_zstd(d, level, e);
	if (r < 0) {
		deflate_close(d);
		d = NULL;
	}
	*ret = d;
	return r;
}

static int run_gzip(struct deflate *d, const void *p, size_t n, bool end, struct err *e)
{
	int k;

	d->gz.next_in = (Bytef *)(uintptr_t)p;
	do { /* zlib counts in unsigned int */
		size_t piece = n < 1U << 30 ? n : 1U << 30;
		n -= piece;
		d->gz.avail_in = (uInt)piece;
		do {
			d->gz.next_out = d->out;
			d->gz.avail_out = sizeof d->out;
			k = dl_deflate(&d->gz, end && !n ? Z_FINISH : Z_NO_FLUSH);
			if (k == Z_STREAM_ERROR)
				return err_fail(e, ERR_INTERNAL, "zlib lost its state");
			size_t have = sizeof d->out - d->gz.avail_out;
			int r = have ? d->sink.write(d->sink.arg, d->out, have, e) : 0;
			if (r < 0)
				return r;
		} while (!d->gz.avail_out);
	} while (n);
	return 0;
}

static int run_zstd(struct deflate *d, const void *p, size_t n, bool end, struct err *e)
{
	ZSTD_inBuffer in = {p, n, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {d->out, sizeof d->out, 0};
		left = dl_ZSTD_compressStream2(d->zstd, &out, &in,
					       end ? ZSTD_e_end : ZSTD_e_continue);
		if (dl_ZSTD_isError(left))
			return err_fail(e, ERR_INTERNAL, "libzstd: %s", dl_ZSTD_getErrorName(left));
		int r = out.pos ? d->sink.write(d->sink.arg, d->out, out.pos, e) : 0;
		if (r < 0)
			return r;
	} while (end ? left : in.pos < in.size);
	return 0;
}

static int run(struct deflate *d, const void *p, size_t n, bool end, struct err *e)
{
	return d->kind == INFLATE_GZIP ? run_gzip(d, p, n, end, e) : run_zstd(d, p, n, end, e);
}

int deflate_add(struct deflate *d, const void *p, size_t n, struct err *e)
{
	return n ? run(d, p, n, false, e) : 0;
}

int deflate_end(struct deflate *d, struct err *e)
{
	return run(d, "", 0, true, e);
}

void deflate_close(struct deflate *d)
{
	if (!d)
		return;
	if (d->gz_open)
		dl_deflateEnd(&d->gz);
	if (d->zstd)
		dl_ZSTD_freeCCtx(d->zstd);
	free(d);
}
