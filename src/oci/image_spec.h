/*
 * image_spec.h - the documents of an image: manifest, index and config, in OCI's and docker's (schema 2) dress.
 *
 * Sources: OCI image specification 1.1 (descriptor.md, manifest.md, image-index.md, config.md), docker's "Image Manifest Version 2,
 * Schema 2" and "Image Specification v1.2". The two families differ in media types only, so one struct serves both.
 *
 * The documents are hostile. A document is refused (ERR_IMAGE_BAD, naming it and the cause) if it is larger than its limit, nested
 * too deep, of wrong types, both a manifest and an index (CVE-2021-41190), of another media type than it was announced as, names a
 * digest that is not a lower-case sha256, or a size below zero. What has been read can be trusted in form, not in content.
 * Everything read lives in the arena that was given; unknown keys are ignored.
 */
#ifndef OCI_IMAGE_SPEC_H
#define OCI_IMAGE_SPEC_H

#include "data/bind.h"
#include "data/json.h"

enum {
	IMAGE_MAX_MANIFEST = 4 << 20, /* bytes of a manifest or index */
	IMAGE_MAX_CONFIG = 8 << 20,
	IMAGE_MAX_LAYERS = 500, /* OVL_MAX_STACK of the kernel's overlay */
};

#define MEDIA_OCI_MANIFEST	 "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX		 "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG	 "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER		 "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP	 "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD	 "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIA_DOCKER_MANIFEST	 "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST	 "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG	 "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER	 "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define MEDIA_DOCKER_LAYER_PLAIN "application/vnd.docker.image.rootfs.diff.tar"

#define ANNOTATION_REF_NAME	   "org.opencontainers.image.ref.name"
#define ANNOTATION_CONTAINERD_NAME "io.containerd.image.name"

struct oci_platform {
	const char *architecture; /* GOARCH: "amd64" */
	const char *os;
	const char *variant; /* "v8" */
	const char *os_version;
	struct strs os_features;
	struct strs features; /* docker's, of the processor */
};

/* A descriptor (OCI descriptor.md): what a blob is, how long, and its digest. */
struct oci_descriptor {
	const char *media_type;
	const char *digest; /* "sha256:<64 hex>" once read */
	int64_t size;
	const char *artifact_type;
	struct strs urls;
	struct pairs annotations;
	struct oci_platform *platform; /* NULL if absent */
};

struct oci_manifest {
	int64_t schema_version;
	const char *media_type; /* NULL: not written in the document (OCI allows it) */
	const char *artifact_type;
	struct oci_descriptor config;
	struct bind_list layers; /* of struct oci_descriptor; the bottom one first */
	struct pairs annotations;
};

struct oci_index {
	int64_t schema_version;
	const char *media_type;
	struct bind_list manifests; /* of struct oci_descriptor */
	struct pairs annotations;
};

/* The health probe of an image or container. Times are nanoseconds, 0: inherit the default. */
struct image_health {
	struct strs test; /* "NONE" | "CMD", args... | "CMD-SHELL", command */
	int64_t interval, timeout, start_period, start_interval;
	int64_t retries;
};

/* How a container of the image runs by default: the object "config" of the config document. */
struct image_config {
	const char *user; /* "", "1000", "name:group" ... NULL if absent */
	struct strs env;  /* "KEY=value", as they came */
	struct strs entrypoint, cmd;
	const char *working_dir;
	struct strs exposed_ports; /* "80/tcp" */
	struct strs volumes;	   /* paths */
	struct pairs labels;
	const char *stop_signal;
	struct strs shell;
	struct strs on_build;
	struct image_health *health; /* NULL if absent */
	bool args_escaped;
};

struct image_history {
	const char *created; /* RFC 3339, or NULL */
	const char *created_by;
	const char *author;
	const char *comment;
	bool empty_layer;
};

/* The whole config document, whose digest is the image's id. */
struct image_doc {
	const char *created; /* RFC 3339, or NULL */
	const char *author;
	const char *architecture;
	const char *os;
	const char *variant;
	const char *os_version;
	const char *docker_version;
	const char *comment;
	struct image_config config;
	struct {
		const char *type;     /* "layers" */
		struct strs diff_ids; /* "sha256:<64 hex>"; the bottom one first */
	} rootfs;
	struct bind_list history; /* of struct image_history; the oldest first */
};

/* The tables, for those who write such documents or parts of them. */
extern const struct bind_field oci_descriptor_fields[];
extern const struct bind_field oci_manifest_fields[];
extern const struct bind_field oci_index_fields[];
extern const struct bind_field image_config_fields[];
extern const struct bind_field image_health_fields[];
extern const struct bind_field image_doc_fields[];

enum oci_kind { OCI_MANIFEST, OCI_INDEX };

/* A manifest or an index, told apart by media type and content. */
struct oci_document {
	enum oci_kind kind;
	union {
		struct oci_manifest manifest;
		struct oci_index index;
	};
};

/* Reads a manifest or index. media_type is what the descriptor or the Content-Type announced (NULL: nothing is known). what
 * names the document in errors. Docker's schema 1 is refused by name. */
int oci_document_parse(struct arena *a, const char *text, size_t len, const char *media_type,
		       const char *what, struct oci_document *ret, struct err *e);
int oci_manifest_parse(struct arena *a, const char *text, size_t len, const char *media_type,
		       const char *what, struct oci_manifest *ret, struct err *e);

/* Reads a config document. */
int image_doc_parse(struct arena *a, const char *text, size_t len, const char *what,
		    struct image_doc *ret, struct err *e);

/* The number and the layers of a manifest must fit its config's diff_ids. */
int image_doc_fits(const struct image_doc *doc, const struct oci_manifest *m, const char *what,
		   struct err *e);

/* A manifest (OCI) for a config and its layers; the caller frees the text. */
char *oci_manifest_write(const struct oci_manifest *m);

#endif
