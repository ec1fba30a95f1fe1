#include <zlib.h>
#if __has_include(<isa-l/igzip_lib.h>)
#define HAVE_ISAL 1
#include <isa-l/igzip_lib.h>
#endif

#include "base/base.h"
#include "base/dl.h"
#include "data/gunzip.h"

#define ZLIB_SYMS(X) X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd)

ZLIB_SYMS(DL_POINTER)
static const struct dl_sym zlib_syms[] = {ZLIB_SYMS(DL_ROW)};
static bool zlib_loaded;
DL_NOTE(note_zlib, "[{\"soname\":[\"libz.so.1\"],\"feature\":\"gzip\",\"priority\":\"required\","
		   "\"description\":\"Layers compressed with gzip\"}]");

#ifdef HAVE_ISAL
#define ISAL_SYMS(X) X(isal_inflate_init) X(isal_inflate_reset) X(isal_inflate)

ISAL_SYMS(DL_POINTER)
static const struct dl_sym isal_syms[] = {ISAL_SYMS(DL_ROW_SHARED)};
DL_NOTE(note_isal, "[{\"soname\":[\"libisal.so.2\"],\"feature\":\"gzip-fast\",\"priority\":"
		   "\"suggested\",\"description\":\"Faster unpacking of gzip layers\"}]");

static bool isal_open(struct gunzip *g)
{
	static bool loaded;

	if (dl_load(&loaded, "libisal.so.2", isal_syms, countof(isal_syms), NULL) < 0)
		return false;
	struct inflate_state *s = xmalloc(sizeof *s);
	dl_isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	g->state = s;
	g->isal = true;
	return true;
}

static enum gunzip_result isal_step(struct gunzip *g, uint8_t *out, size_t size, size_t *ret_n)
{
	struct inflate_state *s = g->state;

	s->next_in = (uint8_t *)(uintptr_t)g->in;
	s->avail_in = (uint32_t)g->n_in;
	s->next_out = out;
	s->avail_out = (uint32_t)size;
	int r = dl_isal_inflate(s);
	g->in = s->next_in;
	g->n_in = s->avail_in;
	*ret_n = size - s->avail_out;
	if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT)
		return GUNZIP_BAD;
	return s->block_state == ISAL_BLOCK_FINISH ? GUNZIP_END : GUNZIP_MORE;
}

static void isal_again(struct gunzip *g)
{
	struct inflate_state *s = g->state;

	dl_isal_inflate_reset(s);
	s->crc_flag = ISAL_GZIP;
}
#else
static bool isal_open(struct gunzip *g)
{
	return false;
}

static enum gunzip_result isal_step(struct gunzip *g, uint8_t *out, size_t size, size_t *ret_n)
{
	return GUNZIP_BAD;
}

static void isal_again(struct gunzip *g)
{
}
#endif

int gunzip_open(struct gunzip *g, bool allow_isal, struct err *e)
{
	*g = (struct gunzip){0};
	if (allow_isal && isal_open(g))
		return 0;
	int r = dl_load(&zlib_loaded, "libz.so.1", zlib_syms, countof(zlib_syms), e);
	if (r < 0)
		return r;
	z_stream *z = xcalloc(1, sizeof *z);
	/* 15 bits of window, and 16: a gzip wrapper (zlib.h, inflateInit2). */
	if (dl_inflateInit2_(z, 15 + 16, ZLIB_VERSION, sizeof *z) != Z_OK) {
		free(z);
		return err_fail_code(e, ERR_LIBRARY, ENOENT, "libz.so.1 is of another version");
	}
	g->state = z;
	return 0;
}

enum gunzip_result gunzip_step(struct gunzip *g, uint8_t *out, size_t size, size_t *ret_n)
{
	if (g->isal)
		return isal_step(g, out, size, ret_n);
	z_stream *z = g->state;
	z->next_in = (Bytef *)(uintptr_t)g->in;
	z->avail_in = (uInt)g->n_in;
	z->next_out = out;
	z->avail_out = (uInt)size;
	int r = dl_inflate(z, Z_NO_FLUSH);
	g->in = z->next_in;
	g->n_in = z->avail_in;
	*ret_n = size - z->avail_out;
	if (r == Z_STREAM_END)
		return GUNZIP_END;
	return r == Z_OK || r == Z_BUF_ERROR ? GUNZIP_MORE : GUNZIP_BAD;
}

void gunzip_again(struct gunzip *g)
{
	if (g->isal)
		isal_again(g);
	else
		dl_inflateReset(g->state);
}

void gunzip_close(struct gunzip *g)
{
	if (g->state && !g->isal)
		dl_inflateEnd(g->state);
	free(g->state);
	g->state = NULL;
}
