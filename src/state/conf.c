#include <dirent.h>
#include <stdarg.h>

#include "base/base.h"
#include "data/toml.h"
#include "state/conf.h"
#include "state/home.h"

const struct conf_kind conf_own = {ERR_CONF, "hoy.conf(5) says what may stand there"};

int conf_bad(const struct conf_kind *k, struct err *e, const char *fmt, ...)
{
	char why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(e, k->id, "%s", why);
	return err_hint(e, "%s", k->hint);
}

int conf_add_file(const struct conf_kind *k, struct arena *a, const char *path, bool must,
		  struct bind_list *ret, struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : fd_read_all(fd, &text, TOML_MAX_BYTES);

	if ((r == -ENOENT || r == -ENOTDIR) && !must)
		return 0;
	if (r < 0)
		return conf_bad(k, e, "%s cannot be read: %s", path, strerror(-r));
	struct json *doc = toml_parse(a, str_cstr(&text), text.len, path, e);
	if (!doc) {
		if (e)
			e->id = k->id;
		return -EINVAL;
	}
	*(struct conf_file *)bind_append(a, ret, sizeof(struct conf_file)) =
		(struct conf_file){arena_strdup(a, path), doc};
	return 0;
}

int conf_add_dir(const struct conf_kind *k, struct arena *a, const char *path,
		 struct bind_list *ret, struct err *e)
{
	scoped(strv) names = {0};
	DIR *d = opendir(path);
	int r = 0;

	if (!d && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!d)
		return conf_bad(k, e, "%s cannot be read: %s", path, strerror(errno));
	for (struct dirent *ent; (ent = readdir(d));)
		if (str_ends(ent->d_name, ".conf"))
			strv_add(&names, ent->d_name);
	closedir(d);
	strv_sort(&names);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		const char *file = arena_printf(a, "%s/%s", path, names.v[i]);
		struct stat st;
		if (stat(file, &st) < 0 || !S_ISDIR(st.st_mode))
			r = conf_add_file(k, a, file, true, ret, e);
	}
	return r;
}

/* One place: hoy.conf in it, and hoy.conf.d. */
static int add_place(struct arena *a, const char *dir, struct bind_list *ret, struct err *e)
{
	if (access(dir, F_OK) < 0)
		return 0;
	int r = conf_add_file(&conf_own, a, arena_printf(a, "%s/hoy.conf", dir), false, ret, e);
	return r < 0 ? r
		     : conf_add_dir(&conf_own, a, arena_printf(a, "%s/hoy.conf.d", dir), ret, e);
}

int conf_files(struct arena *a, struct bind_list *ret, struct err *e)
{
	const char *named = getenv("HOY_CONF"), *xdg = getenv("XDG_CONFIG_HOME"), *home;

	*ret = (struct bind_list){0};
	if (!str_is_empty(named))
		return conf_add_file(&conf_own, a, named, true, ret, e);
	int r = add_place(a, "/etc/hoy", ret, e);
	if (r < 0)
		return r;
	if (!str_is_empty(xdg) && xdg[0] == '/')
		return add_place(a, arena_printf(a, "%s/hoy", xdg), ret, e);
	home = home_of_user();
	return home ? add_place(a, arena_printf(a, "%s/.config/hoy", home), ret, e) : 0;
}
