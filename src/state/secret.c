#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "state/container.h"
#include "state/secret.h"

#define UNFINISHED ".new"
enum { ID_LEN = 25, HEAD_MAX = 64 << 10 };

#define AT(field) offsetof(struct secret, field)
static const struct bind_field fields[] = {
	{"Id", BIND_STR, AT(id), .flags = BIND_REQUIRED},
	{"Created", BIND_STR, AT(created), .flags = BIND_REQUIRED},
	{"Updated", BIND_STR, AT(updated), .flags = BIND_REQUIRED},
	{"Driver", BIND_STR, AT(driver), .flags = BIND_REQUIRED},
	{"Labels", BIND_PAIRS, AT(labels)},
	{0},
};
#undef AT

int secret_check_name(const char *name, struct err *e)
{
	if (container_check_name(name, NULL) == 0 && strlen(name) <= SECRET_NAME_MAX)
		return 0;
	err_fail(e, ERR_NAME, "\"%.80s\" cannot be the name of a secret", name);
	return err_hint(e, "letters, digits, '_', '.' and '-', the first one a letter or digit");
}

/* secrets/, locked by whoever writes there. */
static int open_dir(const struct home *h, bool lock, struct err *e)
{
	int fd = home_dir(h, "secrets", e);

	if (fd < 0 || !lock)
		return fd;
	if (flock(fd, LOCK_EX) == 0)
		return fd;
	int r = err_set(e, errno, "lock %s/secrets", h->path);
	close(fd);
	return r;
}

static int damaged(const char *name, struct err *e)
{
	err_fail(e, ERR_SECRET_DAMAGED, "the secret %s is damaged", name);
	return err_hint(e, "make it anew: hoy secret create --replace %s FILE", name);
}

/* -ENOENT without *e: there is none of this very name. */
static int read_secret(int dir, const char *name, struct secret *ret, struct str *data,
		       struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(dir, name, &text, HEAD_MAX + SECRET_DATA_MAX);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return r == -EFBIG || r == -EINVAL || r == -ELOOP
			       ? damaged(name, e)
			       : err_set(e, r, "read the secret %s", name);
	const char *end = text.len ? memchr(text.s, '\n', text.len) : NULL;
	if (!end)
		return damaged(name, e);
	const struct json_limits lim = {.max_bytes = HEAD_MAX};
	struct json *doc = json_parse(a, text.s, (size_t)(end - text.s), name, &lim, NULL);
	*ret = (struct secret){.name = arena_strdup(a, name)};
	if (!doc || bind_read(fields, ret, doc, name, a, NULL) < 0)
		return damaged(name, e);
	if (data)
		str_addn(data, end + 1, text.len - (size_t)(end + 1 - text.s));
	explicit_bzero(text.s, text.len);
	return 0;
}

/* Who is killed here leaves one file that is no secret's name, and the next one who writes or removes a secret takes it away. */
static int write_new(int dir, const char *name, const struct str *text)
{
	autoclose int fd =
		openat(dir, UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int r = fd_write_all(fd, text->s, text->len);
	if (r == 0 && (fdatasync(fd) < 0 || renameat(dir, UNFINISHED, dir, name) < 0))
		r = -errno;
	if (r < 0)
		unlinkat(dir, UNFINISHED, 0);
	return r;
}

int secret_write(const struct home *h, struct secret *s, const void *data, size_t n, bool replace,
		 struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	struct secret old;
	char hex[ID_LEN + 2], now[40];
	autoclose int dir = open_dir(h, true, e);

	if (dir < 0)
		return dir;
	int r = faccessat(dir, s->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (r == 0 && !replace) {
		err_fail_code(e, ERR_SECRET_EXISTS, EEXIST, "there is a secret %s already",
			      s->name);
		return err_hint(e, "--replace gives it other data, --ignore lets it be");
	}
	rand_hex(hex, ID_LEN + 1);
	hex[ID_LEN] = 0;
	s->id = arena_strdup(a, hex);
	s->created = s->updated = arena_strdup(a, time_rfc3339(now, sizeof now, time_now()));
	if (r == 0 && read_secret(dir, s->name, &old, NULL, a, NULL) == 0)
		s->created = old.created;
	json_write(&text, bind_write(fields, s, a), 0);
	str_addc(&text, '\n');
	str_addn(&text, data, n);
	unlinkat(dir, UNFINISHED, 0);
	r = write_new(dir, s->name, &text);
	explicit_bzero(text.s, text.len);
	return r < 0 ? err_set(e, r, "write the secret %s", s->name) : 0;
}

int secret_names(const struct home *h, struct strv *ret, struct err *e)
{
	int fd = openat(h->fd, "secrets", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/secrets", h->path);
	for (struct dirent *de; (de = readdir(d));)
		if (secret_check_name(de->d_name, NULL) == 0)
			strv_add(ret, de->d_name);
	closedir(d);
	strv_sort(ret);
	return 0;
}

static int unknown(const char *text, const struct strv *names, struct err *e)
{
	const char *near = strv_nearest(names, text);

	err_fail_code(e, ERR_SECRET_UNKNOWN, ENOENT, "no secret with name or ID \"%.80s\"", text);
	return near ? err_hint(e, "did you mean %s?", near)
		    : err_hint(e, "hoy secret ls lists all; hoy secret create NAME FILE makes one");
}

int secret_find(const struct home *h, const char *text, struct secret *ret, struct str *data,
		struct arena *a, struct err *e)
{
	scoped(strv) names = {0};
	autoclose int dir = openat(h->fd, "secrets", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *found = NULL;
	size_t n = strlen(text);

	/* no directory, no secrets: it is made with the first one */
	int r = dir >= 0 && secret_check_name(text, NULL) == 0
			? read_secret(dir, text, ret, data, a, e)
			: -ENOENT;
	if (r != -ENOENT)
		return r;
	r = secret_names(h, &names, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n && n && n <= ID_LEN; i++) {
		struct secret s;
		if (read_secret(dir, names.v[i], &s, NULL, a, NULL) < 0 || !str_starts(s.id, text))
			continue;
		if (found)
			return err_fail(e, ERR_SECRET_UNKNOWN,
					"more than one secret has an ID that begins with %s", text);
		found = s.name;
	}
	if (!found)
		return unknown(text, &names, e);
	r = read_secret(dir, found, ret, data, a, e);
	return r == -ENOENT ? unknown(text, &names, e) : r;
}

int secrets_list(const struct home *h, struct bind_list *ret, size_t *ret_broken, struct arena *a,
		 struct err *e)
{
	scoped(strv) names = {0};
	autoclose int dir = openat(h->fd, "secrets", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = secret_names(h, &names, e);

	*ret = (struct bind_list){0};
	*ret_broken = 0;
	for (size_t i = 0; i < names.n; i++) {
		struct secret s;
		int k = read_secret(dir, names.v[i], &s, NULL, a, NULL);
		if (k == 0)
			*(struct secret *)bind_append(a, ret, sizeof s) = s;
		else if (k != -ENOENT)
			++*ret_broken;
	}
	return r;
}

int secret_remove(const struct home *h, const struct secret *s, struct err *e)
{
	autoclose int dir = open_dir(h, true, e);

	if (dir < 0)
		return dir;
	unlinkat(dir, UNFINISHED, 0);
	return unlinkat(dir, s->name, 0) < 0 && errno != ENOENT
		       ? err_set(e, errno, "remove the secret %s", s->name)
		       : 0;
}
