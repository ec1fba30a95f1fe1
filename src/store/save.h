/*
 * save.h - images into archives and directories that hoy, podman, docker, skopeo and umoci load again.
 *
 * Config and manifest go out as they were stored, and so does every blob that was kept: nothing is compressed again, so all digests
 * stay. A layer that has no blob is its tar, made again (replay.h). Manifests are rewritten only where a format does not allow the stored
 * one (docker's in an OCI layout and the other way round), or where a blob is gone. Same images, same bytes: no time is written.
 *
 * What makes the result complete (manifest.json, index.json) is written last, when every layer has been read and verified.
 */
#ifndef STORE_SAVE_H
#define STORE_SAVE_H

#include "oci/image_spec.h"
#include "store/board.h"
#include "store/replay.h"

enum save_format { SAVE_DOCKER_ARCHIVE, SAVE_OCI_ARCHIVE, SAVE_OCI_DIR, SAVE_DOCKER_DIR };

struct save_image {
	const char *id;
	const char *form;  /* its manifest, as of struct image; NULL: its own */
	struct strs names; /* full names with tags, written into the archive */
};

struct save_job {
	enum save_format format;
	bool compress; /* directories: gzip the layers that are not compressed */
	struct save_image *images;
	size_t n;	     /* SAVE_DOCKER_DIR: 1 */
	int fd;		     /* a file or pipe to write, or the empty directory */
	const char *what;    /* names it in messages */
	struct board *board; /* where progress is written down; NULL: nobody looks */
};

/* Inside U0, or outside as far as the layers can be read. */
int save_images(const struct home *h, enum u0_form form, const struct save_job *job, struct err *e);

/* Inside of save_*.c, and of what writes images elsewhere: where files go, a tar stream or a directory. */
struct save_out {
	int fd;
	bool dir;
	const char *what;
	struct strv done;	   /* names written so far */
	uint64_t size, left;	   /* of the present file in a tar */
	int file;		   /* the present file in a directory */
	struct str buf;		   /* on its way into the tar */
	struct board_layer *shown; /* counts the bytes that go out; NULL: not shown */
};
void save_out_free(struct save_out *o);
/* Was a file of this name begun? */
bool save_out_has(const struct save_out *o, const char *name);
/* A file of size bytes: begin, bytes, end. In a directory the size is not looked at; names may have directories in them. */
int save_out_begin(struct save_out *o, const char *name, uint64_t size, struct err *e);
int save_out_bytes(struct save_out *o, const void *p, size_t n, struct err *e);
int save_out_end(struct save_out *o, struct err *e);
int save_out_file(struct save_out *o, const char *name, const void *p, size_t n, struct err *e);
/* The end of the archive. */
int save_out_finish(struct save_out *o, struct err *e);

struct saving {
	const struct home *h;
	enum u0_form form;
	const struct save_job *job;
	struct save_out out;
	struct arena arena;
};

/* An image, read from the store. */
struct save_source {
	struct str config, manifest;
	const char *manifest_digest;
	struct image_doc doc;
	struct oci_manifest m;
};
void save_source_free(struct save_source *s);
int save_source_read(struct saving *s, const char *id, const char *form, struct save_source *ret,
		     struct err *e);

/* What a layer of this compression is called, in docker's family or OCI's; and how the blob is compressed. */
const char *save_layer_type(bool docker, enum inflate_kind kind);
int save_blob_kind(const struct home *h, const char *digest, enum inflate_kind *ret, struct err *e);

/* The tar of a layer as one file; *ret_size may be NULL. */
int save_tar(struct saving *s, const char *name, const char *diffid, int64_t *ret_size,
	     struct err *e);

/* The line of a layer, from when its bytes begin until they are out. diffid names it. */
void save_shown(struct saving *s, const char *diffid, uint64_t size);
void save_shown_end(struct saving *s);

int save_docker(struct saving *s, struct err *e);     /* docker-archive */
int save_oci(struct saving *s, struct err *e);	      /* oci-archive, oci-dir */
int save_docker_dir(struct saving *s, struct err *e); /* docker-dir */

#endif
