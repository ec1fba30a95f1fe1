#include <sys/stat.h>

#include "base/base.h"
#include "engine/mount_opts.h"

static int bad_device(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_DEVICE, "--device \"%.120s\": %s", text, why);
	return -EINVAL;
}

/* Of r, w and m each at most once. */
static bool is_permissions(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 3 && strspn(s, "rwm") == n &&
	       !(n > 1 && (s[0] == s[1] || s[n - 1] == s[0])) && !(n > 2 && s[1] == s[2]);
}

/* A device can be kept from being read or written by the devices controller of root's cgroups alone. Where the user himself lacks a
 * right, so does the container, and leaving it out is no promise that could be broken. */
static int check_permissions(const char *text, const char *source, const char *perm, struct err *e)
{
	bool too_much = (!strchr(perm, 'r') && access(source, R_OK) == 0) ||
			(!strchr(perm, 'w') && access(source, W_OK) == 0);

	if (!too_much)
		return 0;
	bad_device(text, "less than the rights that you have on it cannot be had", e);
	return err_hint(e, "that takes the devices controller, which is root's: give rwm, or leave "
			   "the rights out");
}

int mount_opts_device(struct arena *a, const char *text, struct bind_list *devices, struct err *e)
{
	scoped(strv) part = {0};
	const char *perm = "rwm";
	struct stat st;

	strv_split(&part, text, ':');
	const char *dst = part.v[0];
	if (text[0] != '/') {
		bad_device(text, "not an absolute path", e);
		return err_hint(e, strchr(text, '=')
					   ? "names of the Container Device Interface are "
					     "not known to this build"
					   : "devices are paths, as /dev/fuse");
	}
	if (part.n > 3) {
		bad_device(text, "too many colons", e);
		return err_hint(e, "HOST[:CONTAINER][:PERMISSIONS]");
	}
	if (part.n == 2 && part.v[1][0] != '/')
		perm = part.v[1];
	else if (part.n >= 2)
		dst = part.v[1];
	if (part.n == 3)
		perm = part.v[2];
	if (!is_permissions(perm)) {
		bad_device(text, "the permissions are of r, w and m", e);
		return err_hint(e, "HOST[:CONTAINER][:PERMISSIONS], as /dev/fuse:/dev/fuse:rwm");
	}
	autofree char *clean = path_clean(dst);
	if (clean[0] != '/' || !clean[1] || !strcmp(clean, "/dev") || !strcmp(clean, "/proc") ||
	    str_starts(clean, "/proc/")) {
		bad_device(text, "it cannot be put there", e);
		return err_hint(e, "a path in the container, as /dev/NAME");
	}
	autofree char *real = realpath(part.v[0], NULL);
	if (!real || stat(real, &st) < 0) {
		err_set(e, errno, "--device %s", part.v[0]);
		return err_hint(e, "the host has no such device, or you may not look there");
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode)) {
		bad_device(text, "not a device, nor a directory of devices", e);
		return err_hint(e, "a file or directory is given by --volume");
	}
	int r = S_ISDIR(st.st_mode) ? 0 : check_permissions(text, real, perm, e);
	if (r < 0)
		return r;
	struct config_device *d = bind_append(a, devices, sizeof *d);
	d->source = arena_strdup(a, real);
	d->destination = arena_strdup(a, clean);
	d->permissions = arena_strdup(a, perm);
	return 0;
}
