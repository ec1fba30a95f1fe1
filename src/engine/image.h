/*
 * image.h - the verbs on images: load, save, import, tag, untag, remove, and what list and inspect show. None of them prints.
 *
 * Names that a user types are short or full. A new name without a registry gets localhost/, or docker.io/ where docker's ways
 * were asked for (hoy was called by that name).
 */
#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include "store/board.h"
#include "store/images.h"
#include "store/save.h"

/* What a load brought; everything lives in the arena. */
struct load_result {
	struct arena arena;
	struct loaded_image {
		const char *id;
		struct strs names; /* full names with tags; empty if the archive names none */
	} * v;
	size_t n;
};
void load_result_free(struct load_result *r);

/* Loads all images of an archive: path is a file or an OCI layout directory; NULL reads standard input. The work is done in one child
 * process; a failure or an interruption leaves nothing behind. */
struct image_load_opts {
	uint64_t max_layer; /* bytes of a layer unpacked; 0: as unpack.h says */
	struct board_watch watch;
};
int image_load(const struct home *h, const char *path, const struct image_load_opts *o,
	       struct load_result *ret, struct err *e);

/* Makes an image of one layer out of a root file system. The same content and options always give the same image: it is as old as its newest file. */
struct image_import_opts {
	const char *
		from; /* a tar file (compressed or not), a directory, a URL (http, https), or "-" */
	const char *name;			   /* NULL: none */
	const char *registry;			   /* of a short name */
	struct strs changes;			   /* oci/change.h */
	const char *message, *os, *arch, *variant; /* NULL: none, and this machine's */
	uint64_t max_layer; /* bytes unpacked; 0: as unpack.h says; directories have no bound */
	struct board_watch
		watch; /* sees a regular file's one layer grow; of what has no known size nothing */
};
struct image_import_result {
	char id[DIGEST_LEN + 1];
	bool archive; /* its files are those of an image archive: somebody meant to load it */
};
int image_import(const struct home *h, const struct image_import_opts *o,
		 struct image_import_result *ret, struct err *e);

/* Writes images into an archive or a directory (target.h). */
struct image_save_opts {
	enum save_format format;
	bool compress;	    /* directories only */
	const char *output; /* NULL: standard output, which must be no terminal */
	char *const *images;
	size_t n;
	bool multi; /* all are images; else those behind the first are more names for it */
	const char *registry; /* of short ones among those names */
	struct board_watch watch;
};
int image_save(const struct home *h, const struct image_save_opts *o, struct err *e);

/* A name that an image is to get: completed with registry and tag; ERR_REF if it has a digest. */
int image_parse_new_name(struct arena *a, const char *text, const char *registry,
			 struct reference *ret, struct err *e);

/* Gives the image that text means more names. All names are checked before the first is given. */
int image_add_names(const struct home *h, const char *text, char *const *names, size_t n,
		    const char *registry, struct err *e);

/* Takes names away from the image that text means; all its names if n is 0. A name of another image is ERR_IMAGE_UNKNOWN. */
int image_drop_names(const struct home *h, const char *text, char *const *names, size_t n,
		     struct err *e);

/* What a removal did. */
struct image_removed {
	struct strv untagged; /* full names */
	struct strv deleted;  /* ids; none if the image stays because it has other names */
};
void image_removed_free(struct image_removed *r);

struct image_rm_opts {
	bool force;
	bool keep_parents; /* images without a name that it was built upon stay */
	bool docker;
};
/* As podman rmi does: a name of an image that has others is only taken away; an id or a digest removes the image, unless it has several names or a
 * container uses it (then only with force, which removes such containers too). As docker does, force removes no container: those that do
 * not run keep what they need, and an image of one that runs only loses its name. With an image go those without a name or a container
 * that it was built upon, unless others were too. Exit codes are podman's: 1 unknown, 2 in use. */
int image_rm(const struct home *h, const char *text, const struct image_rm_opts *o,
	     struct image_removed *ret, struct err *e);

/* Removes images that no container uses: those without a name, or all. */
struct image_prune_opts {
	struct strs
		filters; /* until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]; others are ERR_USAGE */
	bool all, dry;
	struct strs leaving; /* ids of containers that do not count, for dry */
};
struct image_pruned {
	const char *id;
	struct strs names; /* full, with tags; then by digest */
};
struct image_prune_result {
	struct image_pruned *v; /* the newest first */
	size_t n;
	int64_t bytes;
	size_t failed;
	struct err why; /* of the first that failed */
};
/* Everything lives in the arena. What gets a name or a container meanwhile stays. */
int images_prune(const struct home *h, const struct image_prune_opts *o, struct arena *a,
		 struct image_prune_result *ret, struct err *e);

/* The object of `image inspect`, with podman's and docker's fields. docker: ids with "sha256:", familiar names. */
struct json *image_inspect(const struct home *h, const struct image *im, bool docker,
			   struct arena *a);

/* `images`. Filters are KEY=VALUE, or KEY!=VALUE for the opposite: reference, dangling, label, before, since (after), until, id,
 * digest, containers, and intermediate, readonly, manifest, which no image of hoy is. */
struct image_query {
	struct strs filters;
	const char *reference; /* the operand, or NULL */
	const char *sort;      /* "created", "id", "repository", "size", "tag" */
	bool no_trunc, docker;
	bool count;    /* how many containers each image has */
	bool ids_only; /* fill .ids */
	bool lists;    /* manifest lists that are put together here, too */
	bool facts;    /* fill .objects; else .fields */
};
struct image_result {
	struct json *sample; /* an item of .fields that stands for no image: all fields there are */
	struct json *fields; /* display values, one object for each name */
	struct json *objects; /* podman's `images --format json`, one object for each image */
	struct strs ids;      /* without repetition, unless .docker */
};
/* Such an item of .fields that stands for no image: all fields there are. */
struct json *image_sample(bool docker, struct arena *a);
/* Everything lives in the arena. */
int image_query(const struct home *h, const struct image_query *q, struct arena *a,
		struct image_result *ret, struct err *e);

/* The steps that made an image, the last one first. Layers without a step come before them. */
struct history_query {
	const char *image;
	bool no_trunc, docker;
	bool exact; /* bytes and dates instead of "12.5MB" and "3 weeks ago" */
};
struct history_result {
	struct json *fields;  /* display values, one object for each step */
	struct json *objects; /* podman's `history --format json` */
	struct strs ids;
};
/* Everything lives in the arena. */
int image_history(const struct home *h, const struct history_query *q, struct arena *a,
		  struct history_result *ret, struct err *e);
/* A step that stands for none, with all fields there are. */
struct json *image_history_sample(struct arena *a);

#endif
