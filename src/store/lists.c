#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "store/lists.h"

enum { MAX_FILE = 16 << 20, LIST_PATH = 6 + DIGEST_HEX + 1 };

static const struct bind_field member_fields[] = {
	{"descriptor", BIND_OBJ, offsetof(struct list_member, d), oci_descriptor_fields,
	 sizeof(struct oci_descriptor), BIND_REQUIRED},
	{"image", BIND_STR, offsetof(struct list_member, image)},
	{"from", BIND_STR, offsetof(struct list_member, from)},
	{0},
};

static const struct bind_field list_fields[] = {
	{"name", BIND_STR, offsetof(struct manifest_list, name), .flags = BIND_REQUIRED},
	{"members", BIND_LIST, offsetof(struct manifest_list, members), member_fields,
	 sizeof(struct list_member), BIND_ALWAYS},
	{"annotations", BIND_PAIRS, offsetof(struct manifest_list, annotations)},
	{0},
};

int lists_lock(const struct home *h, struct err *e)
{
	autoclose int fd = home_dir(h, "lists", e);

	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock %s/lists", h->path);
	return take_fd(fd);
}

static int list_path(const char *name, char path[static LIST_PATH], struct err *e)
{
	struct digest d;
	int r = hash_bytes(name, strlen(name), &d, e);

	if (r == 0)
		snprintf(path, LIST_PATH, "lists/%.64s", d.hex);
	return r;
}

static int unknown(const char *name, struct err *e)
{
	err_fail_code(e, ERR_LIST_UNKNOWN, ENOENT, "%s: no such manifest list here", name);
	return err_hint(e, "`hoy manifest ls` shows them, `hoy manifest create` makes one");
}

static int read_file(const struct home *h, const char *path, struct arena *a,
		     struct manifest_list *ret, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(h->fd, path, &text, MAX_FILE);

	*ret = (struct manifest_list){0};
	if (r < 0)
		return r;
	const struct json *j = json_parse(a, str_cstr(&text), text.len, path, NULL, e);
	return j ? bind_read(list_fields, ret, j, path, a, e) : -EINVAL;
}

int list_read(const struct home *h, const struct reference *name, struct arena *a,
	      struct manifest_list *ret, struct err *e)
{
	char path[LIST_PATH];
	const char *text = ref_text(a, name);
	int r = list_path(text, path, e);

	if (r < 0)
		return r;
	r = read_file(h, path, a, ret, e);
	if (r == -ENOENT)
		return unknown(text, e);
	return r < 0 && !e->code ? err_set(e, r, "read %s/%s", h->path, path) : r;
}

int list_write(const struct home *h, const struct manifest_list *l, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	char path[LIST_PATH];
	int r = list_path(l->name, path, e);

	if (r < 0)
		return r;
	json_write(&text, bind_write(list_fields, l, &a), 0);
	r = fd_replace_at(h->fd, path, text.s, text.len, 0600, true);
	return r < 0 ? err_set(e, r, "write %s/%s", h->path, path) : 0;
}

int list_remove(const struct home *h, const struct reference *name, struct err *e)
{
	scoped(arena) a = {0};
	char path[LIST_PATH];
	const char *text = ref_text(&a, name);
	int r = list_path(text, path, e);

	if (r < 0)
		return r;
	if (unlinkat(h->fd, path, 0) == 0)
		return 0;
	return errno == ENOENT ? unknown(text, e)
			       : err_set(e, errno, "remove %s/%s", h->path, path);
}

struct timespec list_changed(const struct home *h, const struct manifest_list *l)
{
	char path[LIST_PATH];
	struct stat st;

	return list_path(l->name, path, NULL) == 0 && fstatat(h->fd, path, &st, 0) == 0
		       ? st.st_mtim
		       : (struct timespec){0};
}

int lists_names(const struct home *h, struct strv *ret, struct err *e)
{
	int fd = openat(h->fd, "lists", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_set(e, errno, "read %s/lists", h->path);
	for (struct dirent *de; (de = readdir(d));) {
		scoped(arena) a = {0};
		struct manifest_list l;
		char path[LIST_PATH];
		if (strlen(de->d_name) != DIGEST_HEX)
			continue;
		snprintf(path, sizeof path, "lists/%.64s", de->d_name);
		if (read_file(h, path, &a, &l, NULL) == 0)
			strv_add(ret, l.name);
	}
	closedir(d);
	strv_sort(ret);
	return 0;
}

/* Docker's lists have no annotations. */
static bool is_docker(const struct manifest_list *l)
{
	const struct list_member *m = l->members.v;

	for (size_t i = 0; i < l->members.n; i++)
		if (!str_starts(m[i].d.media_type ?: "", "application/vnd.docker.") ||
		    m[i].d.annotations.n)
			return false;
	return l->members.n && !l->annotations.n;
}

void list_index(const struct manifest_list *l, enum list_form form, struct arena *a,
		struct str *out, const char **ret_type)
{
	const struct list_member *m = l->members.v;
	bool docker = form == LIST_AS_MEMBERS ? is_docker(l) : form == LIST_DOCKER;
	struct oci_index ix = {.schema_version = 2,
			       .media_type = docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX};

	for (size_t i = 0; i < l->members.n; i++) {
		struct oci_descriptor *d = bind_append(a, &ix.manifests, sizeof *d);
		*d = m[i].d;
		if (docker)
			d->annotations = (struct pairs){0};
	}
	if (!docker)
		ix.annotations = l->annotations;
	json_write(out, bind_write(oci_index_fields, &ix, a), 0);
	*ret_type = ix.media_type;
}

int list_digest(const struct manifest_list *l, char *ret, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	const char *type;
	char buf[DIGEST_STR];
	struct digest d;

	list_index(l, LIST_AS_MEMBERS, &a, &text, &type);
	int r = hash_bytes(text.s, text.len, &d, e);
	if (r == 0)
		snprintf(ret, DIGEST_LEN + 1, "%s", digest_str(&d, buf));
	return r;
}
