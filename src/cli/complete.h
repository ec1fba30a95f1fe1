/*
 * complete.h - what the parts of the completion share: the word that is being completed, and the names of living objects.
 *
 * Completion never fails and never changes anything: a store that is missing or broken offers nothing. For complete.c alone.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "cli/command.h"

struct completion {
	struct out *out;
	const char *typed;  /* what the candidates must begin with */
	const char *before; /* printed before each: "--flag=" */
	const char *root;   /* of the store, or NULL */
	char *const *given; /* operands that stand already and are not offered again */
	size_t ngiven;
	bool bare; /* no descriptions */
};

/* Prints the candidate if it begins with what was typed. description may be NULL. */
void complete_offer(struct completion *c, const char *word, const char *description);

/* Offers the names of containers, images and so on. */
void complete_names(struct completion *c, enum complete kind);

#endif
