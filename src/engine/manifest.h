/*
 * manifest.h - the verbs on manifest lists (store/lists.h): an index is put together here, and pushed as a whole.
 *
 * The name of a list is like that of an image: a short one is localhost/'s (docker.io's where docker's ways were asked for). What becomes a member is the
 * image here that has the name, else what a registry has under it; of an index the manifest for one platform, or all. Only documents are fetched.
 */
#ifndef ENGINE_MANIFEST_H
#define ENGINE_MANIFEST_H

#include "engine/push.h"
#include "store/lists.h"

/* What of members is set, or chosen by; also by those who change one. */
struct manifest_member_opts {
	struct registry_opts registry;
	struct platform_want platform; /* NULL parts: as the image says */
	const char *os_version;	       /* NULL */
	struct strs os_features, features;
	struct pairs annotations;
	bool all;    /* all members of an index */
	bool docker; /* only registries are asked; short names are docker.io's */
};

/* Which list a text means, existing or not. */
int manifest_name(const char *text, bool docker, struct arena *a, struct reference *ret,
		  struct err *e);
/* A list that exists. */
int manifest_find(const struct home *h, const char *text, bool docker, struct arena *a,
		  struct manifest_list *ret, struct err *e);

/* amend: a list that exists is added to. ERR_LIST_EXISTS otherwise. */
int manifest_create(const struct home *h, const char *text, char *const *images, size_t n,
		    bool amend, const struct pairs *annotations,
		    const struct manifest_member_opts *o, struct arena *a,
		    struct manifest_list *ret, struct err *e);
int manifest_add(const struct home *h, const char *text, char *const *images, size_t n,
		 const struct manifest_member_opts *o, struct arena *a, struct manifest_list *ret,
		 struct err *e);
/* member: a digest, or the name or id of an image; NULL: the list's own annotations. */
int manifest_annotate(const struct home *h, const char *text, const char *member,
		      const struct manifest_member_opts *o, struct arena *a,
		      struct manifest_list *ret, struct err *e);
int manifest_remove(const struct home *h, const char *text, char *const *members, size_t n,
		    bool docker, struct arena *a, struct manifest_list *ret, struct err *e);
/* *ret: its full name. */
int manifest_rm(const struct home *h, const char *text, bool docker, struct arena *a,
		const char **ret, struct err *e);

/* The document of a list here, else of what a registry has under the name (remote: only that). verbose: docker's way, with the manifests. */
int manifest_inspect(const struct home *h, const char *text, const struct manifest_member_opts *o,
		     bool remote, bool verbose, struct arena *a, struct json **ret, struct err *e);

struct manifest_push_opts {
	struct image_push_opts push; /* of the members that are images here */
	enum list_form form;
	bool index_only; /* the members are there */
	bool remove;	 /* the list goes when it is there */
	bool docker;
};
/* to: NAME[:TAG], NULL: the list's own name. ret_digest: of the index. */
int manifest_push(const struct home *h, const char *text, const char *to,
		  const struct manifest_push_opts *o, struct arena *a, const char **ret_name,
		  char ret_digest[static DIGEST_LEN + 1], struct err *e);

/* ---- inside of manifest*.c: what a text means, as members */
int manifest_members(const struct home *h, const char *text, const struct manifest_member_opts *o,
		     struct arena *a, struct bind_list *ret, struct err *e);
/* Sets what was asked for. */
void manifest_override(struct arena *a, struct oci_descriptor *d,
		       const struct manifest_member_opts *o);
/* The document that a registry has under a name; *ret_name is the full one. */
int manifest_fetch(const char *text, const struct registry_opts *o, bool docker, struct arena *a,
		   struct registry **ret, struct registry_document *doc, struct reference *ret_name,
		   struct err *e);

#endif
