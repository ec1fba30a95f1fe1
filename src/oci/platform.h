/*
 * platform.h - which image of an index is meant.
 *
 * Without a wish it is this machine's: its architecture, and of several variants the best that it can run. A variant that was asked for may be
 * answered by a lower one of the same line (arm v7 runs v6, amd64/v3 runs amd64), as containerd and podman do it; never by a higher one.
 */
#ifndef OCI_PLATFORM_H
#define OCI_PLATFORM_H

#include "oci/image_spec.h"

/* GOARCH and variant of this machine: "amd64"; variant is "" or "v7", "v8". */
const char *platform_arch(void);
const char *platform_variant(void);

struct platform_want {
	const char *os, *arch, *variant; /* each NULL: this machine's */
};

/* "linux/arm64/v8", "linux/arm64", "arm64", "linux", with uname's names for architectures understood. Parts live in the arena. ERR_USAGE. */
int platform_parse(struct arena *a, const char *text, struct platform_want *ret, struct err *e);
/* What --platform, or --os, --arch and --variant say; each may be NULL or empty. */
int platform_parse_flags(struct arena *a, const char *platform, const char *os, const char *arch,
			 const char *variant, struct platform_want *ret, struct err *e);

/* The name that images use for an architecture that may be written as uname writes it ("aarch64" is "arm64"). */
const char *platform_arch_name(const char *arch);

/* Was anything asked for? */
static inline bool platform_wanted(const struct platform_want *w)
{
	return w->os || w->arch || w->variant;
}

/* The entry that fits best, or NULL with ERR_PLATFORM, which lists what there is. */
const struct oci_descriptor *platform_choose(const struct oci_index *ix,
					     const struct platform_want *w, const char *what,
					     struct err *e);

/* Is an image of that config what was asked for? What was not asked for fits, and so does what does not say. */
bool platform_fits(const struct image_doc *doc, const struct platform_want *w);
/* "linux/arm64/v8", of an image; in the arena. */
const char *platform_text(struct arena *a, const struct image_doc *doc);
/* Is it for machines like this one? */
bool platform_is_ours(const struct image_doc *doc);

#endif
