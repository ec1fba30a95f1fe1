#include "base/base.h"
#include "cli/skipped.h"
#include "store/images.h"

void skipped_note(const struct cli *c, const struct home *h, const char *id)
{
	uint64_t n = image_skipped_devices(h, id);

	if (n)
		cli_note(c,
			 "%" PRIu64 " device node%s of the image %s left out: only root can make "
			 "them (give a container --device)",
			 n, n > 1 ? "s" : "", n > 1 ? "were" : "was");
}
