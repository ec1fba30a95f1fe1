#include "base/base.h"
#include "runtime/volume_plugins.h"
#include "volume/plugin.h"

static const char mark[] = "plugins";

static bool is_plugins(const struct config_mount *m)
{
	return m->driver && !strcmp(m->type, "volume");
}

static bool has_any(const struct container_config *c)
{
	const struct config_mount *m = c->mounts.v;

	for (size_t i = 0; i < c->mounts.n; i++)
		if (is_plugins(&m[i]))
			return true;
	return false;
}

int volume_plugins_begin(struct container_config *c, int dir, struct arena *a, struct err *e)
{
	struct config_mount *m = c->mounts.v;

	if (!has_any(c))
		return 0;
	volume_plugins_end_left(dir);
	int r = fd_write_file_at(dir, mark, "", 0, 0600);
	if (r < 0)
		return err_set(e, r, "note that volumes are mounted by plugins");
	for (size_t i = 0; i < c->mounts.n && r == 0; i++)
		if (is_plugins(&m[i]))
			r = plugin_mount(m[i].driver, m[i].name, c->id, a, &m[i].source, e);
	if (r < 0)
		volume_plugins_end(c, dir);
	return r;
}

void volume_plugins_end(const struct container_config *c, int dir)
{
	const struct config_mount *m = c->mounts.v;

	if (!has_any(c) || faccessat(dir, mark, F_OK, 0) < 0)
		return;
	for (size_t i = 0; i < c->mounts.n; i++)
		if (is_plugins(&m[i]))
			plugin_unmount(m[i].driver, m[i].name, c->id, NULL);
	unlinkat(dir, mark, 0);
}

void volume_plugins_end_left(int dir)
{
	scoped(arena) a = {0};
	struct container_config c;

	if (faccessat(dir, mark, F_OK, 0) == 0 && config_read(dir, &c, &a, NULL) == 0)
		volume_plugins_end(&c, dir);
}
