/*
 * Volumes by name. Where a volume is used for the first time, and is empty, it is filled with what the image has at that place, owners and all: once
 * only, for what is in it later is its user's (CVE-2020-1726). The link "copy" in the volume's directory says so: "wanted", then "begun", then it is
 * gone. Who fills it holds the lock of that directory; one who finds "begun" under the lock follows somebody who was killed, and begins anew: no
 * container can have had the volume meanwhile.
 */
#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "runtime/volume_parts.h"
#include "sys/copy_tree.h"
#include "sys/mounts.h"
#include "volume/local.h"
#include "volume/volume.h"

static const char mark[] = "copy", fresh_mark[] = "copy.new";

static int open_data(const struct stage *s, const struct config_mount *m, const struct local *l,
		     struct err *e)
{
	const char *path = l->kind == LOCAL_BIND ? l->device : m->source;
	const char *whole =
		path[0] == '/' ? path
			       : arena_printf((struct arena *)&s->arena, "%s/%s", s->home, path);
	int fd = open(whole, O_PATH | O_DIRECTORY | O_CLOEXEC | (path[0] == '/' ? 0 : O_NOFOLLOW));

	if (fd >= 0)
		return fd;
	int code = errno;
	if (l->kind == LOCAL_BIND) {
		err_set(e, code, "the directory %s of the volume %s", path, m->name);
		return code == ENOENT ? err_hint(e, "make it: mkdir -p %s", path) : -e->code;
	}
	if (code != ENOENT)
		return err_set(e, code, "open the volume %s", m->name);
	err_fail_code(e, ERR_VOLUME_UNKNOWN, code, "the volume %s is gone", m->name);
	return err_hint(e, "make it again: hoy volume create %s", m->name);
}

static bool is_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool empty = d != NULL;

	for (struct dirent *de; empty && (de = readdir(d));)
		empty = !strcmp(de->d_name, ".") || !strcmp(de->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

/* What somebody who was killed has copied. */
static int clear(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -errno;
	for (struct dirent *de; r == 0 && (de = readdir(d));)
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			r = path_rm_tree_at(dir, de->d_name);
	closedir(d);
	return r;
}

static int begin(int vdir)
{
	unlinkat(vdir, fresh_mark, 0);
	if (symlinkat("begun", vdir, fresh_mark) < 0)
		return -errno;
	return renameat(vdir, fresh_mark, vdir, mark) < 0 ? -errno : 0;
}

static int fill(struct stage *s, const struct config_mount *m, const struct local *l, int vdir,
		int data, struct err *e)
{
	autoclose int at =
		m->subpath ? -1
			   : path_open_in_root(s->root, m->destination, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;

	if (at < 0 || fstat(at, &st) < 0) { /* the image has nothing there: it is the user's */
		if (!l->has_uid && !l->has_gid && l->kind == LOCAL_DATA)
			volume_own_later(s, fcntl(data, F_DUPFD_CLOEXEC, 3), false, -1);
		return 0;
	}
	int r = begin(vdir);
	if (r == 0)
		r = copy_tree(at, data);
	if (r == 0 && l->kind == LOCAL_DATA) { /* a directory of the host stays whose it is */
		if (!l->has_uid && !l->has_gid)
			(void)!fchownat(data, "", st.st_uid, st.st_gid, AT_EMPTY_PATH);
		fchmod(data, st.st_mode & 07777);
	}
	if (r == -ENOSPC)
		return err_set(e, ENOSPC, "fill the volume %s with what the image has at %s",
			       m->name, m->destination);
	return r < 0 ? err_set(e, r, "fill the volume %s from the image", m->name) : 0;
}

/* src: O_PATH of its files. */
static int first_use(struct stage *s, const struct config_mount *m, const struct local *l, int src,
		     struct err *e)
{
	char path[PATH_MAX], text[16];
	ssize_t n;

	snprintf(path, sizeof path, "%s/volumes/%s/%s", s->home, m->name, mark);
	if (l->nocopy || strs_has(&m->options, "nocopy") || readlink(path, text, sizeof text) < 0)
		return 0;
	path[strlen(path) - sizeof mark] = 0;
	autoclose int vdir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int data = openat(src, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (vdir < 0 || data < 0)
		return err_set(e, errno, "open the volume %s", m->name);
	while (flock(vdir, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock the volume %s", m->name);
	n = readlinkat(vdir, mark, text, sizeof text - 1);
	if (n < 0)
		return 0; /* somebody else has filled it */
	text[n] = 0;
	int r = !strcmp(text, "begun") ? clear(data) : 0;
	if (r < 0)
		return err_set(e, r, "empty the volume %s, which a killed start had begun to fill",
			       m->name);
	if (is_empty(data))
		r = fill(s, m, l, vdir, data, e);
	if (r == 0 && unlinkat(vdir, mark, 0) < 0 && errno != ENOENT)
		r = err_set(e, errno, "note that the volume %s is filled", m->name);
	return r;
}

/* Part of a volume: what leads out of it by a link is refused, for the volume may be another container's too. */
static int open_part(const struct config_mount *m, int *src, struct err *e)
{
	int fd = path_open_beneath(*src, m->subpath, O_PATH, 0);

	if (fd >= 0) {
		fd_close(src);
		*src = fd;
		return 0;
	}
	if (fd == -EXDEV || fd == -ELOOP)
		return err_fail(e, ERR_MOUNT, "%s in the volume %s is a link that leads out of it",
				m->subpath, m->name),
		       err_hint(e, "a subpath must lie in its volume");
	err_set(e, fd, "open %s in the volume %s", m->subpath, m->name);
	return fd == -ENOENT ? err_hint(e, "a subpath must exist before it is mounted") : fd;
}

/* m with the options of the volume itself in front. */
static struct config_mount with_options(struct stage *s, const struct config_mount *m,
					const struct local *l)
{
	struct config_mount n = *m;

	if (!l->options.n)
		return n;
	n.options = (struct strs){0};
	for (size_t i = 0; i < l->options.n; i++)
		strs_add(&s->arena, &n.options, l->options.v[i]);
	for (size_t i = 0; i < m->options.n; i++)
		strs_add(&s->arena, &n.options, m->options.v[i]);
	return n;
}

int volume_named(struct stage *s, const struct config_mount *m, struct err *e)
{
	/* What a plugin has mounted is like a directory of the host. */
	struct local l = {.kind = LOCAL_BIND, .device = m->source};
	int r = m->driver ? 0 : local_parse(&m->volume_options, &l, &s->arena, e);

	if (r < 0)
		return r;
	struct config_mount n = with_options(s, m, &l);
	if (l.kind == LOCAL_TMPFS)
		return volume_tmpfs(s, &n, e);
	autoclose int src = open_data(s, m, &l, e);
	if (src < 0)
		return src;
	r = first_use(s, m, &l, src, e);
	if (r == 0 && m->subpath)
		r = open_part(m, &src, e);
	if (r < 0)
		return r;
	return strs_has(&n.options, "O") ? volume_overlay(s, &n, src, e)
					 : volume_attach(s, &n, src, e);
}
