/*
 * names_text.h - the texts of names.h, made of what others have read: nothing of the system is asked here.
 */
#ifndef RUNTIME_NAMES_TEXT_H
#define RUNTIME_NAMES_TEXT_H

#include "net/resolv.h"
#include "runtime/names.h"

struct names_in {
	const struct container_config *c;
	const struct container_config
		*net;		      /* whose network it is: c, or the container that is joined */
	const struct bind_list *nets; /* of net: struct names_net */
	const char *base;	      /* text that hosts begins with */
	size_t base_len;
	const char *nodename;	 /* the machine's own name */
	const char *host_resolv; /* the host's resolv.conf as it stands */
	size_t host_resolv_len;
	const struct resolv *host,
		*behind; /* the same, understood; behind: of RESOLV_PATH_BEHIND */
};

void names_hosts_text(const struct names_in *in, struct str *out);
void names_resolv_text(const struct names_in *in, struct str *out);

/* The lines between the two marks, with them; nothing for a container without endpoints. */
void names_block_text(const struct names_in *in, struct str *out);
/* old with its block replaced by this one; without one, it is put at the end. */
void names_replace_block(const char *old, size_t n, const char *block, struct str *out);

/* Fills dns_not_last of all, and gives the order in which resolv.conf names them: indices, as many as are returned. */
size_t names_order(struct names_net *v, size_t n, size_t *ret);

/* Adds the lines of base, but for names to which the container gives a meaning itself. */
void names_add_base(const struct names_in *in, const char *base, size_t n, struct str *out);

#endif
