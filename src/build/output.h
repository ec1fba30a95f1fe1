/*
 * output.h - what comes out of a build besides an image of the store: --output.
 *
 * local and tar give the files of the target, in a directory or as an archive; oci and docker the image as archives (or directories) that others load; image and registry
 * are the image itself, pushed if that is said. Files are written inside U0, which reads those of all owners; those in a directory belong to the caller, without set-id
 * bits and devices, as nobody but root can give files away. What is there already stays, files of the same name are replaced.
 */
#ifndef BUILD_OUTPUT_H
#define BUILD_OUTPUT_H

#include "build/build.h"

enum output_kind {
	OUTPUT_IMAGE,
	OUTPUT_OCI,
	OUTPUT_DOCKER,
	OUTPUT_TAR,
	OUTPUT_LOCAL,
	OUTPUT_NOTHING, /* cacheonly */
};

/* Strings live in the arena it was parsed in. */
struct output_want {
	enum output_kind kind;
	const char *dest;  /* a path; NULL: standard output */
	struct strs names; /* name=, in addition to the tags of the build */
	bool push;
	bool dir;		 /* oci: a directory instead of an archive (tar=false) */
	const char *compression; /* of a push: "gzip", "zstd" ...; NULL */
	int64_t level;		 /* of it; -1: not said */
	bool force;		 /* compress anew */
	int docker_types;	 /* oci-mediatypes=false: 1, =true: 0; -1: not said */
	bool rewrite;		 /* rewrite-timestamp */
	struct pairs annotations;
};

/* "type=tar,dest=x.tar", and the short forms: "-" (a tar to standard output), "DIR" (local). ERR_USAGE says what is not understood or cannot be had, and why. */
int output_parse(const char *text, struct arena *a, struct output_want *ret, struct err *e);
/* Does it need the image in the store, and does that stay there with its names? */
bool output_wants_image(const struct output_want *w);
bool output_keeps_image(const struct output_want *w);

/* tar and local: writes the files of all outputs of the build (several platforms: directories linux_amd64 ...). ERR_DISK_FULL ... */
int output_files(const struct home *h, const struct output_want *w, const struct build_result *res,
		 struct err *e);

#endif
