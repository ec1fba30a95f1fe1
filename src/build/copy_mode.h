/*
 * copy_mode.h - --chmod: octal ("755") or symbolic ("u=rwX,go=rX", "a+x,g-w"), as chmod(1) has it, but without a umask.
 */
#ifndef BUILD_COPY_MODE_H
#define BUILD_COPY_MODE_H

#include "base/base.h"

/* What mode becomes (the lower 12 bits of *mode). -EINVAL: text is neither. */
int copy_mode_apply(const char *text, bool dir, uint32_t *mode);

#endif
