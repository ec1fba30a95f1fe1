#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "state/container.h"
#include "state/events.h"
#include "state/tmp.h"
#include "volume/plugin.h"
#include "volume/volume.h"

enum { VOLUME_VERSION = 1, VOLUME_FILE_MAX = 1 << 20, HEX_NAME = 64 };

#define AT(field) offsetof(struct volume, field)
static const struct bind_field volume_fields[] = {
	{"Version", BIND_INT, AT(version), .flags = BIND_REQUIRED},
	{"Name", BIND_STR, AT(name), .flags = BIND_REQUIRED},
	{"Driver", BIND_STR, AT(driver), .flags = BIND_REQUIRED},
	{"Created", BIND_STR, AT(created), .flags = BIND_REQUIRED},
	{"Labels", BIND_PAIRS, AT(labels)},
	{"Options", BIND_PAIRS, AT(options)},
	{"Anonymous", BIND_BOOL, AT(anonymous)},
	{0},
};
#undef AT

int volume_check_name(const char *name, struct err *e)
{
	if (container_check_name(name, NULL) == 0 && strlen(name) <= VOLUME_NAME_MAX)
		return 0;
	err_fail(e, ERR_NAME, "\"%.80s\" cannot be the name of a volume", name);
	if (strlen(name) > VOLUME_NAME_MAX)
		return err_hint(e, "at most %d bytes", VOLUME_NAME_MAX);
	return err_hint(e, "letters, digits, '_', '.' and '-', the first one a letter or digit");
}

int volume_check_driver(const char *driver, struct err *e)
{
	return strcmp(driver, VOLUME_LOCAL) ? plugin_check(driver, e) : 0;
}

char *volume_random_name(char *buf)
{
	return container_new_id(buf);
}

const char *volume_data(const char *name, struct arena *a)
{
	return arena_printf(a, "volumes/%s/_data", name);
}

/* ---- reading */

static int broken(const struct home *h, const char *name, const char *why, struct err *e)
{
	err_fail(e, ERR_VOLUME_RECORD, "the record of the volume %s is broken: %s", name, why);
	return err_hint(e, "it is %s/volumes/%s/config.json", h->path, name);
}

/* Of a newer hoy, anything may have another form: looked at first. */
static int check_version(const struct json *doc, const char *name, struct err *e)
{
	if (json_int(doc, "Version", 0) <= VOLUME_VERSION)
		return 0;
	err_fail(e, ERR_NEWER, "the volume %s was made by a newer release of hoy", name);
	return err_hint(e, "use that release, or remove the volume with it");
}

int volume_read(const struct home *h, const char *name, struct volume *ret, struct arena *a,
		struct err *e)
{
	char path[VOLUME_NAME_MAX + 32];
	scoped(str) text = {0};
	struct timespec made;

	*ret = (struct volume){0};
	if (volume_check_name(name, NULL) < 0)
		return -ENOENT;
	snprintf(path, sizeof path, "volumes/%s/config.json", name);
	int r = fd_read_file_at(h->fd, path, &text, VOLUME_FILE_MAX);
	if (r == -ENOENT || r == -ENOTDIR)
		return -ENOENT;
	if (r == -EFBIG || r == -EINVAL || r == -ELOOP)
		return broken(h, name, "it is no file, or too large", e);
	if (r < 0)
		return err_set(e, r, "read the record of the volume %s", name);
	struct json *doc = json_parse(a, str_cstr(&text), text.len, path, NULL, e);
	r = doc ? check_version(doc, name, e) : -EINVAL;
	if (r == 0)
		r = bind_read(volume_fields, ret, doc, path, a, e);
	if (r < 0 && e && e->id == ERR_JSON) {
		e->id = ERR_VOLUME_RECORD;
		return err_hint(e, "it is %s/%s", h->path, path);
	}
	if (r < 0)
		return r;
	if (strcmp(ret->name, name) != 0)
		return broken(h, name, "it is of another name", e);
	if (parse_rfc3339(ret->created, &made) < 0)
		return broken(h, name, "it does not say when it was made", e);
	return 0;
}

int volume_names(const struct home *h, struct strv *ret, struct err *e)
{
	int fd = openat(h->fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/volumes", h->path);
	for (struct dirent *de; (de = readdir(d));)
		if (volume_check_name(de->d_name, NULL) == 0)
			strv_add(ret, de->d_name);
	closedir(d);
	strv_sort(ret);
	return 0;
}

static int unknown(const struct strv *names, const char *text, struct err *e)
{
	const char *best = NULL;
	size_t least = str_too_far(text);

	for (size_t i = 0; i < names->n; i++) {
		size_t d = str_distance(text, names->v[i]);
		if (d < least && d < strlen(text)) {
			least = d;
			best = names->v[i];
		}
	}
	err_fail_code(e, ERR_VOLUME_UNKNOWN, ENOENT, "no volume with name \"%.80s\"", text);
	if (best)
		return err_hint(e, "did you mean %s?", best);
	return err_hint(e, "hoy volume ls lists all volumes");
}

static bool is_hex(const char *s)
{
	return *s && !s[strspn(s, "0123456789abcdef")];
}

static bool exists(const struct home *h, const char *name)
{
	char path[VOLUME_NAME_MAX + 16];

	snprintf(path, sizeof path, "volumes/%s", name);
	return volume_check_name(name, NULL) == 0 &&
	       faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int volume_find_name(const struct home *h, const char *text, const char **ret, struct arena *a,
		     struct err *e)
{
	scoped(strv) names = {0};
	size_t found = 0;

	if (exists(h, text)) {
		*ret = arena_strdup(a, text);
		return 0;
	}
	int r = volume_names(h, &names, e);
	for (size_t i = 0; i < names.n && r == 0 && is_hex(text); i++) {
		if (strlen(names.v[i]) != HEX_NAME || !is_hex(names.v[i]) ||
		    !str_starts(names.v[i], text))
			continue;
		*ret = arena_strdup(a, names.v[i]);
		found++;
	}
	if (r < 0 || found == 1)
		return r;
	if (!found)
		return unknown(&names, text, e);
	err_fail(e, ERR_VOLUME_AMBIGUOUS, "%zu volumes have a name that begins with %s", found,
		 text);
	return err_hint(e, "give more of it");
}

int volume_find(const struct home *h, const char *text, struct volume *ret, struct arena *a,
		struct err *e)
{
	const char *name;
	int r = volume_find_name(h, text, &name, a, e);

	if (r == 0)
		r = volume_read(h, name, ret, a, e);
	if (r == -ENOENT && e->id != ERR_VOLUME_UNKNOWN)
		return broken(h, name, "it is missing", e);
	return r;
}

/* ---- making and removing */

int volumes_lock(const struct home *h, bool exclusive, struct err *e)
{
	autoclose int fd = home_dir(h, "volumes", e);

	if (fd < 0)
		return fd;
	while (flock(fd, exclusive ? LOCK_EX : LOCK_SH) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock %s/volumes", h->path);
	return take_fd(fd);
}

void volume_tell(const struct home *h, const char *action, const char *name, const char *driver)
{
	event_write(h->fd, &(struct event){.type = "volume",
					   .action = action,
					   .name = name,
					   .attributes = {{"driver", driver}}});
}

/* What is in tmp/<...> becomes volumes/<name>. */
static int put_in_place(const struct home *h, const struct volume *v, const struct home_tmp *t,
			bool sync, bool empty, struct err *e)
{
	char path[VOLUME_NAME_MAX + 16];
	scoped(arena) a = {0};
	scoped(str) text = {0};
	int r = 0;

	json_write(&text, bind_write(volume_fields, v, &a), 0);
	str_addc(&text, '\n');
	if (mkdirat(t->fd, "_data", 0755) < 0 || fchmodat(t->fd, "_data", 0755, 0) < 0 ||
	    (!empty && symlinkat("wanted", t->fd, "copy") < 0))
		r = -errno;
	if (r == 0)
		r = sync ? fd_replace_at(t->fd, "config.json", text.s, text.len, 0600, true)
			 : fd_write_file_at(t->fd, "config.json", text.s, text.len, 0600);
	if (r == 0 && sync)
		fsync(t->fd);
	snprintf(path, sizeof path, "volumes/%s", v->name);
	if (r == 0 && renameat2(h->fd, t->name, h->fd, path, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r == -ENOENT && path_mkdir_p_at(h->fd, "volumes", 0700) == 0)
		r = renameat2(h->fd, t->name, h->fd, path, RENAME_NOREPLACE) < 0 ? -errno : 0;
	if (r == -EEXIST || r == -ENOTEMPTY) {
		err_fail_code(e, ERR_VOLUME_EXISTS, EEXIST, "there is a volume %s already",
			      v->name);
		return err_hint(e, "hoy volume inspect %s shows it", v->name);
	}
	return r < 0 ? err_set(e, r, "write the record of the volume %s", v->name) : 0;
}

int volume_record(const struct home *h, struct volume *v, bool sync, bool empty, struct arena *a,
		  struct err *e)
{
	struct home_tmp t;
	char now[40];

	v->version = VOLUME_VERSION;
	if (!v->driver)
		v->driver = VOLUME_LOCAL;
	if (!v->created)
		v->created = arena_strdup(a, time_rfc3339(now, sizeof now, time_now()));
	int r = home_tmp_make(h, NULL, &t, e);
	if (r < 0)
		return r;
	r = put_in_place(h, v, &t, sync, empty, e);
	if (r < 0) {
		home_tmp_drop(h, &t);
		return r;
	}
	fd_close(&t.fd);
	volume_tell(h, "create", v->name, v->driver);
	autoclose int dir =
		sync ? openat(h->fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir >= 0)
		fsync(dir);
	return 0;
}

int volume_make(const struct home *h, struct volume *v, bool sync, bool empty, struct arena *a,
		struct err *e)
{
	int r = v->driver && strcmp(v->driver, VOLUME_LOCAL) && !exists(h, v->name)
			? plugin_create(v->driver, v->name, &v->options, e)
			: 0;

	return r < 0 ? r : volume_record(h, v, sync, empty, a, e);
}

int volume_forget(const struct home *h, const char *name, struct strv *ret, struct err *e)
{
	char from[VOLUME_NAME_MAX + 16], to[40], hex[17];

	snprintf(from, sizeof from, "volumes/%s", name);
	snprintf(to, sizeof to, "tmp/rm-%s", rand_hex(hex, 16));
	int r = renameat(h->fd, from, h->fd, to) < 0 ? -errno : 0;
	if (r == -ENOENT && exists(h, name) && path_mkdir_p_at(h->fd, "tmp", 0700) == 0)
		r = renameat(h->fd, from, h->fd, to) < 0 ? -errno : 0;
	if (r == 0) {
		strv_add(ret, to);
		volume_tell(h, "remove", name, NULL);
	}
	return r < 0 && r != -ENOENT ? err_set(e, r, "move the volume %s away", name) : r;
}

int volume_take_away(const struct home *h, const char *name, struct strv *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct volume v;

	if (volume_check_name(name, e) < 0)
		return -EINVAL;
	/* Of one that cannot be read, nothing but the record is known. */
	if (volume_read(h, name, &v, &a, NULL) == 0 && strcmp(v.driver, VOLUME_LOCAL) != 0 &&
	    plugin_remove(v.driver, name, e) < 0)
		return e ? -e->code : -EIO;
	return volume_forget(h, name, ret, e);
}

/* ---- who uses it */

int volume_uses(const struct home *h, struct bind_list *ret, struct arena *a, struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids_all(h, &ids, e);

	*ret = (struct bind_list){0};
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct container_state s;
		if (container_state_read(h, ids.v[i], &s, a, NULL) < 0)
			continue;
		const struct state_mount *m = s.mounts.v;
		enum container_status status = CONTAINER_CREATED;
		bool derived = false;
		for (size_t k = 0; k < s.mounts.n; k++) {
			if (!m[k].volume)
				continue;
			if (!derived)
				status = container_derive(h, &s);
			derived = true;
			struct volume_use *u = bind_append(a, ret, sizeof *u);
			u->volume = m[k].volume;
			u->id = s.id;
			u->name = s.name;
			u->running = status == CONTAINER_RUNNING || status == CONTAINER_LOST;
		}
	}
	return r;
}

size_t volume_used_by(const struct bind_list *uses, const char *name, const char *except)
{
	const struct volume_use *u = uses->v;
	size_t n = 0;

	for (size_t i = 0; i < uses->n; i++)
		n += !strcmp(u[i].volume, name) && !str_eq(u[i].id, except);
	return n;
}
