/*
 * image_text.h - sizes and dates of images as the tables show them.
 */
#ifndef ENGINE_IMAGE_TEXT_H
#define ENGINE_IMAGE_TEXT_H

#include "base/base.h"

/* "3 weeks ago"; "N/A" for a date that is not known (0). */
const char *image_since_text(struct arena *a, struct timespec t);
/* "12.5 MB", docker's "12.5MB". */
const char *image_size_text(struct arena *a, int64_t size, bool docker);

#endif
