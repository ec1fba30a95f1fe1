#include <stdarg.h>

#include "base/base.h"
#include "state/conf.h"
#include "state/home.h"
#include "state/registries_conf.h"

static const struct conf_kind kind = {ERR_REGISTRIES_CONF,
				      "containers-registries.conf(5) says what may stand there"};

int registries_bad(struct err *e, const char *fmt, ...)
{
	char why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return conf_bad(&kind, e, "%s", why);
}

/* The user's own directories, the first one first. */
static void user_dirs(struct arena *a, struct strs *ret)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = home_of_user();

	if (!str_is_empty(xdg))
		strs_add(a, ret, arena_printf(a, "%s/containers", xdg));
	if (home) {
		const char *own = arena_printf(a, "%s/.config/containers", home);
		if (!strs_has(ret, own))
			strs_add(a, ret, own);
	}
}

static int add_main(struct arena *a, const struct strs *dirs, size_t users, bool *ret_own,
		    struct bind_list *ret, struct err *e)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");

	*ret_own = false;
	if (!str_is_empty(named))
		return conf_add_file(&kind, a, named, true, ret, e);
	for (size_t i = 0; i < dirs->n; i++) {
		int r = conf_add_file(&kind, a, arena_printf(a, "%s/registries.conf", dirs->v[i]),
				      false, ret, e);
		*ret_own = i < users;
		if (r < 0 || ret->n)
			return r;
	}
	return 0;
}

int registries_files(struct arena *a, struct bind_list *ret, struct err *e)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF_DIR");
	struct strs dirs = {0};
	bool own;

	*ret = (struct bind_list){0};
	user_dirs(a, &dirs);
	size_t users = dirs.n;
	strs_add(a, &dirs, "/etc/containers");
	strs_add(a, &dirs, "/usr/share/containers");
	int r = add_main(a, &dirs, users, &own, ret, e);
	if (r < 0 || !str_is_empty(named))
		return r < 0 ? r : conf_add_dir(&kind, a, named, ret, e);
	for (size_t i = own ? users : dirs.n; i-- > 0 && r == 0;) /* the last one counts least */
		r = conf_add_dir(&kind, a, arena_printf(a, "%s/registries.conf.d", dirs.v[i]), ret,
				 e);
	return r;
}

/* ---- short names */

static int add_remembered(struct arena *a, struct bind_list *ret, struct err *e)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = home_of_user(), *dir = NULL;

	if (geteuid() == 0)
		dir = "/var/cache";
	else if (!str_is_empty(xdg))
		dir = xdg;
	else if (home)
		dir = arena_printf(a, "%s/.cache", home);
	if (!dir)
		return 0;
	return conf_add_file(&kind, a,
			     arena_printf(a, "%s/containers/short-name-aliases.conf", dir), false,
			     ret, e);
}

/* What one file says. A name that stands for "" has no alias any more. */
static const char *alias_in(const struct conf_file *f, const char *name)
{
	return json_str(json_get(f->doc, "aliases"), name);
}

int registries_alias(struct arena *a, const struct bind_list *files, const char *name,
		     const char **ret, const char **ret_from, struct err *e)
{
	struct bind_list more = {0};
	const struct conf_file *f = files->v;
	int r = add_remembered(a, &more, e);

	*ret = *ret_from = NULL;
	for (size_t i = 0; i < files->n + more.n && r == 0; i++) {
		const struct conf_file *one =
			i < files->n ? &f[i] : (struct conf_file *)more.v + (i - files->n);
		const char *full = alias_in(one, name);
		*ret = full ?: *ret;
		*ret_from = full ? one->path : *ret_from;
	}
	if (str_is_empty(*ret))
		*ret = NULL;
	return r;
}
