#include <sys/stat.h>

#include "base/base.h"
#include "engine/rootfs_opts.h"

/* Where the user's init is seen in the container. */
#define INIT_AT "/run/hoy-init"

/* Takes what stands behind the last colon off, if it is an option. */
static bool take_option(char *path, const char **ret)
{
	char *colon = strrchr(path, ':');

	*ret = colon ? colon + 1 : "";
	if (strcmp(*ret, "O") != 0 && strcmp(*ret, "idmap") != 0 && !str_starts(*ret, "idmap="))
		return false;
	*colon = 0;
	return true;
}

int rootfs_opts_set(const char *text, struct container_config *c, struct arena *a, struct err *e)
{
	autofree char *path = xstrdup(text);
	const char *option;
	struct stat st;

	while (take_option(path, &option)) {
		if (strcmp(option, "O") != 0) {
			err_fail(e, ERR_MOUNT, "--rootfs %.120s: its ids cannot be shifted", text);
			return err_hint(e, "--userns keep-id and its like choose whom the files "
					   "belong to in the container");
		}
		c->rootfs_overlay = true;
	}
	autofree char *real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0) {
		err_fail_code(e, ERR_MOUNT, errno, "--rootfs %.120s: %s", path, strerror(errno));
		return err_hint(e, "it is a directory of this machine; an image needs no --rootfs");
	}
	if (!S_ISDIR(st.st_mode)) {
		err_fail(e, ERR_MOUNT, "--rootfs %.120s is not a directory", path);
		return err_hint(e, "hoy import makes an image of a tar");
	}
	if (!strcmp(real, "/")) {
		err_fail(e, ERR_MOUNT, "--rootfs cannot be this machine's own root directory");
		return err_hint(e, "@host in place of an image is this machine's system");
	}
	c->root = "dir";
	c->rootfs = arena_strdup(a, real);
	c->image = c->rootfs;
	return 0;
}

int rootfs_opts_init(const char *path, bool init, struct container_config *c, struct arena *a,
		     struct err *e)
{
	struct config_mount m = {.type = "bind", .destination = INIT_AT};
	const struct strs args = c->process.args;
	struct stat st;

	if (str_is_empty(path))
		return 0;
	if (!init) {
		err_fail(e, ERR_USAGE, "--init-path is for --init");
		return err_hint(e, "add --init");
	}
	autofree char *real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0 || !S_ISREG(st.st_mode) || access(real, X_OK) < 0) {
		err_fail(e, ERR_USAGE, "--init-path %.120s is not a program of this machine", path);
		return err_hint(e, "it takes an executable file, linked statically, such as "
				   "/usr/bin/tini-static");
	}
	m.source = arena_strdup(a, real);
	strs_add(a, &m.options, "ro");
	*(struct config_mount *)bind_append(a, &c->mounts, sizeof m) = m;
	c->init_path = m.source;
	c->process.args = (struct strs){0};
	strs_add(a, &c->process.args, INIT_AT);
	strs_add(a, &c->process.args, "--");
	for (size_t i = 0; i < args.n; i++)
		strs_add(a, &c->process.args, args.v[i]);
	return 0;
}
