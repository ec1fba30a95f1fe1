/* run: create, start, wait, delete. */
#include <signal.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/oci_parts.h"

int oci_run(const struct oci_place *where, const char *id, const struct oci_create_opts *o,
	    bool detach, bool keep, struct strs *warnings, struct err *e)
{
	struct oci_container c;
	struct oci_terminal t = {.pair = {-1, -1}};
	struct err later = {0};
	int r = oci_create_in(where, id, o, detach ? NULL : &t, &c, warnings, e), code = 0;

	if (r == 0) {
		autoclose int pidfd = oci_pidfd(&c, e);
		r = pidfd < 0 ? pidfd : oci_start(&c, warnings, e);
		if (r == 0 && !detach)
			code = r = oci_attend((pid_t)c.state.pid, pidfd, t.pair[1] >= 0 ? &t : NULL,
					      e);
		if (r < 0 || (!detach && !keep))
			oci_delete(&c, true, warnings, &later);
	}
	fd_close(&t.pair[0]);
	fd_close(&t.pair[1]);
	oci_container_free(&c);
	return r < 0 ? r : code;
}
