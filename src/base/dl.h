/*
 * dl.h - libraries opened on first use, so that a command pays only for what it needs.
 *
 * Each user lists its functions once in an X-macro and declares one pointer per symbol; the types come from the library's
 * own header. dl_load() fills all pointers or none. The library stays open for the life of the process. A .note.dlopen
 * section (the ELF note of systemd's and Fedora's packaging tools) tells packagers what may be opened.
 *
 *   #define ZLIB_SYMS(X) X(inflateInit2_) X(inflate) X(inflateEnd)
 *   ZLIB_SYMS(DL_POINTER)                                             static __typeof__(inflate) *dl_inflate;
 *   static const struct dl_sym zlib_syms[] = {ZLIB_SYMS(DL_ROW)};
 *   r = dl_load(&state, "libz.so.1", zlib_syms, countof(zlib_syms), e);
 *
 * A fully static program (meson: -Dstatic=full) cannot open libraries: it holds those of DL_ROW, and those of the other kinds of row
 * where they can be linked; without the rest it says so.
 */
#ifndef BASE_DL_H
#define BASE_DL_H

#include "base/base.h"

struct dl_sym {
	const char *name;
	void **slot;
	void *linked; /* in a static program, or NULL */
};

#define DL_POINTER(sym)	   static __typeof__(sym) *dl_##sym;
#define DL_ROW_SHARED(sym) {#sym, (void **)&dl_##sym, NULL},
#define DL_ROW_LINKED(sym) {#sym, (void **)&dl_##sym, (void *)sym},

#ifdef HOY_STATIC
#define DL_ROW DL_ROW_LINKED
#else
#define DL_ROW DL_ROW_SHARED
#endif
#ifdef HOY_STATIC_ARCHIVE
#define DL_ROW_ARCHIVE DL_ROW_LINKED
#else
#define DL_ROW_ARCHIVE DL_ROW_SHARED
#endif
#ifdef HOY_STATIC_MNL
#define DL_ROW_MNL DL_ROW_LINKED
#else
#define DL_ROW_MNL DL_ROW_SHARED
#endif
#ifdef HOY_STATIC_CURL
#define DL_ROW_CURL DL_ROW_LINKED
#else
#define DL_ROW_CURL DL_ROW_SHARED
#endif

/* Opens soname and fills the slots; *loaded remembers success, so the next call is free. Returns 0, or -ENOENT with
 * ERR_LIBRARY naming the library and what is missing. */
int dl_load(bool *loaded, const char *soname, const struct dl_sym *syms, size_t n, struct err *e);

/* One note per library. json is the array that the specification describes (https://uapi-group.org, ELF dlopen metadata). */
#define DL_NOTE(ident, json)                                                                       \
	__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {           \
		uint32_t name_size, desc_size, type;                                               \
		char name[4];                                                                      \
		_Alignas(4) char desc[sizeof(json)];                                               \
	} ident = {4, sizeof(json), 0x407c0c0a, "FDO", json}

#endif
