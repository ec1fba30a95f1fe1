#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/base.h"
#include "engine/unshare.h"
#include "state/u0.h"

int unshare_enter(const struct home *h, struct err *e)
{
	struct u0_map map;
	struct stat st;
	char text[40];
	int r = u0_enter(h, NULL, &map, e);

	if (r < 0)
		return r;
	/* mounts that the machine makes later are seen, ours are not */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(e, errno, "make a mount namespace");
	if (stat("/proc/self/ns/user", &st) < 0)
		return err_set(e, errno, "look at /proc/self/ns/user");
	snprintf(text, sizeof text, "%s:%ju", u0_form_name(map.form), (uintmax_t)st.st_ino);
	setenv(U0_INSIDE_ENV, text, 1);
	setenv("HOY_ROOT", h->path, 1);
	return 0;
}
