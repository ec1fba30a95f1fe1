#include <dirent.h>
#include <poll.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/rand.h"
#include "data/json.h"
#include "oci/image_spec.h"
#include "oci/reference.h"
#include "state/container.h"
#include "store/blobs.h"
#include "store/build_cache.h"
#include "store/gc.h"
#include "store/layers.h"
#include "store/names.h"
#include "store/partial.h"
#include "store/room.h"

int store_lock(const struct home *h, struct err *e)
{
	autoclose int dir = home_dir(h, "images", e);

	if (dir < 0)
		return dir;
	autoclose int fd = openat(dir, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, errno, "open %s/images/.lock", h->path);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock %s/images", h->path);
	return take_fd(fd);
}

int store_adding_begin(const struct home *h, struct store_adding *ret, struct err *e)
{
	char hex[17];

	*ret = (struct store_adding){.fd = -1};
	autoclose int lock = store_lock(h, e);
	if (lock < 0)
		return lock;
	snprintf(ret->name, sizeof ret->name, "images/.add-%s", rand_hex(hex, 16));
	autoclose int fd = openat(h->fd, ret->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, errno, "write %s/%s", h->path, ret->name);
	ret->fd = take_fd(fd);
	return 0;
}

void store_adding_end(const struct home *h, struct store_adding *a)
{
	if (a->fd < 0)
		return;
	unlinkat(h->fd, a->name, 0);
	fd_close(&a->fd);
}

void store_adding_failed(struct store_adding *a)
{
	/* by word, since a helper of a child that was killed may still have the descriptor */
	flock(a->fd, LOCK_UN);
	fd_close(&a->fd);
}

void store_collect_later(const struct home *h)
{
	char name[40], hex[17];

	snprintf(name, sizeof name, "images/.add-%s", rand_hex(hex, 16));
	autoclose int fd = openat(h->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

enum adders { ADDERS_NONE, ADDERS_DEAD, ADDERS_ALIVE };

/* Looks at the marks of adders; with remove, those without an owner go. */
static enum adders look_at_adders(const struct home *h, bool remove)
{
	int dir = openat(h->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	enum adders found = ADDERS_NONE;

	if (!d)
		return found;
	for (struct dirent *de; (de = readdir(d));) {
		if (!str_starts(de->d_name, ".add-"))
			continue;
		autoclose int fd = openat(dir, de->d_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		bool dead = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
		if (dead && remove)
			unlinkat(dir, de->d_name, 0);
		if (!dead && fd >= 0)
			found = ADDERS_ALIVE;
		else if (dead && found == ADDERS_NONE)
			found = ADDERS_DEAD;
	}
	closedir(d);
	return found;
}

void store_used_free(struct store_used *u)
{
	strv_free(&u->layers);
	strv_free(&u->blobs);
}

bool store_used_has(const struct strv *sorted, const char *hex)
{
	size_t lo = 0, hi = sorted->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(hex, sorted->v[mid]);
		if (!c)
			return true;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

static int use_config(const struct home *h, const char *id, struct store_used *u, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct image_doc doc;
	int r = blob_read(h, id, IMAGE_MAX_CONFIG, &text, e);

	strv_add(&u->blobs, digest_hex(id));
	if (r == 0)
		r = image_doc_parse(&a, str_cstr(&text), text.len, id, &doc, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < doc.rootfs.diff_ids.n; i++)
		strv_add(&u->layers, digest_hex(doc.rootfs.diff_ids.v[i]));
	return 0;
}

static int use_manifest(const struct home *h, const char *digest, struct store_used *u,
			struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct oci_manifest m;
	int r = blob_read(h, digest, IMAGE_MAX_MANIFEST, &text, e);

	strv_add(&u->blobs, digest_hex(digest));
	if (r == 0)
		r = oci_manifest_parse(&a, str_cstr(&text), text.len, NULL, digest, &m, e);
	if (r < 0)
		return r;
	const struct oci_descriptor *d = m.layers.v;
	for (size_t i = 0; i < m.layers.n; i++)
		strv_add(&u->blobs, digest_hex(d[i].digest));
	return 0;
}

/* The image behind the link images/<hex>. */
static int use_image(const struct home *h, int dir, const char *hex, struct store_used *u,
		     struct err *e)
{
	char id[DIGEST_LEN + 1], manifest[DIGEST_LEN + 2];
	ssize_t n = readlinkat(dir, hex, manifest, sizeof manifest - 1);

	snprintf(id, sizeof id, "sha256:%.64s", hex);
	manifest[n > 0 ? n : 0] = 0;
	if (!digest_valid(id) || !digest_valid(manifest))
		return err_fail(e, ERR_IMAGE_BAD, "images/%s is no link to a manifest", hex);
	int r = use_config(h, id, u, e);
	return r < 0 ? r : use_manifest(h, manifest, u, e);
}

/* The manifests that names have for themselves. One that is lost is nobody's any more; its name is told by store_check(). */
struct name_users {
	const struct home *h;
	const struct strv *without;
	struct store_used *u;
};

static int use_name(void *arg, const char *repository, const char *last, const char *id,
		    const char *manifest)
{
	const struct name_users *n = arg;

	if (id && manifest && (!n->without || !strv_has(n->without, id)) &&
	    blob_exists(n->h, manifest))
		use_manifest(n->h, manifest, n->u, NULL);
	return 0;
}

static int use_images(const struct home *h, const struct strv *without, struct store_used *u,
		      void (*bad)(void *arg, const char *id, const struct err *why), void *arg,
		      struct err *e)
{
	int r = 0, dir = openat(h->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	char id[DIGEST_LEN + 1];

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/images", h->path);
	for (struct dirent *de; !r && (de = readdir(d));) {
		struct err why = {0};
		snprintf(id, sizeof id, "sha256:%.64s", de->d_name);
		if (de->d_name[0] == '.' || (without && strv_has(without, id)))
			continue;
		r = use_image(h, dir, de->d_name, u, &why);
		if (r < 0 && bad) {
			bad(arg, de->d_name, &why);
			r = 0;
		} else if (r < 0 && e) {
			*e = why;
		}
	}
	closedir(d);
	return r;
}

/* The layers that a container's own record names, for want of its image's config. */
static void use_record(const struct home *h, const char *id, struct store_used *u)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};
	char path[100];

	for (int unpublished = 0; unpublished < 2; unpublished++) {
		str_reset(&text);
		snprintf(path, sizeof path, "%s/%s/config.json", unpublished ? "tmp" : "containers",
			 id);
		if (fd_read_file_at(h->fd, path, &text, 8 << 20) < 0)
			continue;
		const struct json *j = json_parse(&a, str_cstr(&text), text.len, path, NULL, NULL);
		j = j ? json_get(j, "Layers") : NULL;
		for (size_t i = 0; j && j->type == JSON_ARR && i < j->arr.n; i++)
			if (j->arr.v[i]->type == JSON_STR && digest_valid(j->arr.v[i]->s))
				strv_add(&u->layers, digest_hex(j->arr.v[i]->s));
	}
}

/* Containers keep the config and the layers of an image that was removed by force. */
static int use_containers(const struct home *h, const struct strs *without, struct store_used *u,
			  struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids_all(h, &ids, e);

	for (size_t i = 0; i < ids.n && r == 0; i++) {
		scoped(arena) a = {0};
		struct container_state s;
		if (without && strs_has(without, ids.v[i]))
			continue;
		if (container_state_read(h, ids.v[i], &s, &a, NULL) < 0)
			continue; /* going away, or without a record: it can start no more */
		if (digest_valid(s.image_id) && use_config(h, s.image_id, u, NULL) < 0)
			use_record(h, ids.v[i], u);
		const struct state_mount *m = s.mounts.v;
		for (size_t k = 0; k < s.mounts.n; k++)
			if (digest_valid(m[k].image))
				use_config(h, m[k].image, u, NULL);
	}
	return r;
}

static int use_cached(void *arg, const char *diffid)
{
	struct store_used *u = arg;

	strv_add(&u->layers, digest_hex(diffid));
	return 0;
}

static int find_used(const struct home *h, const struct strv *images, const struct strs *containers,
		     bool cache, struct store_used *ret,
		     void (*bad)(void *arg, const char *id, const struct err *why), void *arg,
		     struct err *e)
{
	int r = use_images(h, images, ret, bad, arg, e);

	struct name_users names = {h, images, ret};

	if (r == 0)
		r = names_each(h, use_name, &names, e);
	if (r == 0)
		r = use_containers(h, containers, ret, e);
	if (r == 0 && cache)
		r = build_cache_layers(h, use_cached, ret, e);
	strv_sort(&ret->layers);
	strv_sort(&ret->blobs);
	return r;
}

/* Of an entry of layers/ or blobs/sha256/. */
static int64_t room_of(const struct home *h, const char *name)
{
	return name[DIGEST_HEX] ? layer_room(h, name) : blob_room(h, name);
}

int store_used_find(const struct home *h, struct store_used *ret,
		    void (*bad)(void *arg, const char *id, const struct err *why), void *arg,
		    struct err *e)
{
	*ret = (struct store_used){0};
	return find_used(h, NULL, NULL, true, ret, bad, arg, e);
}

int store_used_by_images(const struct home *h, struct store_used *ret, struct err *e)
{
	*ret = (struct store_used){0};
	return find_used(h, NULL, NULL, false, ret, NULL, NULL, e);
}

/* The room of what a directory has and nothing uses. */
static int64_t room_unused(const struct home *h, const char *dir, const struct strv *used)
{
	int fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char hex[DIGEST_HEX + 1];
	int64_t sum = 0;

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));) {
		snprintf(hex, sizeof hex, "%.64s", de->d_name);
		if (strspn(hex, "0123456789abcdef") == DIGEST_HEX && !store_used_has(used, hex))
			sum += room_of(h, de->d_name);
	}
	closedir(d);
	return sum;
}

int64_t store_room_without(const struct home *h, const struct strv *images,
			   const struct strs *containers)
{
	scoped(store_used) used = {0};

	if (find_used(h, images, containers, true, &used, NULL, NULL, NULL) < 0)
		return 0;
	return room_unused(h, "layers", &used.layers) + room_unused(h, "blobs/sha256", &used.blobs);
}

/* Moves one thing away: into the trash, or, where that could not be made (a full disk), below tmp/ as it is. */
static int move_away(const struct home *h, int from, const char *name, struct store_trash *trash)
{
	char to[64], hex[17];

	snprintf(to, sizeof to, TMP_REMOVED "%s", rand_hex(hex, 16));
	if (trash->t.fd < 0)
		home_tmp_make(h, to, &trash->t, NULL);
	if (trash->t.fd >= 0 && renameat(from, name, trash->t.fd, name) == 0)
		return 0;
	snprintf(to, sizeof to, "tmp/" TMP_REMOVED "%s", rand_hex(hex, 16));
	return renameat(from, name, h->fd, to) < 0 ? -errno : 0;
}

/* Moves everything in dir away whose first 64 characters are not in use. */
static int move_unused(const struct home *h, const char *dir, const struct strv *used,
		       struct store_trash *trash, struct err *e)
{
	int moved = 0, fd = openat(h->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char hex[DIGEST_HEX + 1];

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/%s", h->path, dir);
	for (struct dirent *de; (de = readdir(d));) {
		snprintf(hex, sizeof hex, "%.64s", de->d_name);
		if (strspn(hex, "0123456789abcdef") != DIGEST_HEX || store_used_has(used, hex))
			continue;
		int64_t bytes = room_of(h, de->d_name);
		int r = move_away(h, fd, de->d_name, trash);
		if (r < 0) {
			moved = err_set(e, r, "move %s/%s away", dir, de->d_name);
			break;
		}
		trash->bytes += bytes;
		moved++;
	}
	closedir(d);
	return moved;
}

int store_collect_locked(const struct home *h, struct store_trash *trash, struct err *e)
{
	scoped(store_used) used = {0};

	if (look_at_adders(h, false) == ADDERS_ALIVE) {
		store_collect_later(h);
		return -EBUSY;
	}
	int r = store_used_find(h, &used, NULL, NULL, e);
	if (r < 0)
		return r;
	int layers = move_unused(h, "layers", &used.layers, trash, e);
	int blobs = layers < 0 ? layers : move_unused(h, "blobs/sha256", &used.blobs, trash, e);
	if (blobs < 0)
		return blobs;
	look_at_adders(h, true);
	return layers + blobs;
}

static void delete_all(const struct home *h, struct store_trash *trash)
{
	home_tmp_drop(h, &trash->t);
	home_sweep(h);
}

void store_trash_empty(const struct home *h, struct store_trash *trash, int wait_ms)
{
	int pidfd = -1;

	if (wait_ms < 0 || trash->t.fd < 0) {
		delete_all(h, trash);
		return;
	}
	pid_t pid = proc_fork(0, &pidfd);
	if (pid < 0) {
		delete_all(h, trash);
		return;
	}
	if (pid == 0) {
		int keep[] = {h->fd, trash->t.fd};
		/* Nobody who reads our output may have to wait for this. */
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		for (int i = 0; i < 3; i++)
			dup2(null, i);
		setsid();
		proc_reset(keep, countof(keep));
		delete_all(h, trash);
		_exit(0);
	}
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	if (poll(&p, 1, wait_ms) > 0)
		proc_wait(pid);
	fd_close(&pidfd);
	fd_close(&trash->t.fd);
}

void store_sweep(const struct home *h)
{
	struct store_trash trash = STORE_TRASH_NONE;

	if (look_at_adders(h, false) == ADDERS_DEAD) {
		autoclose int lock = store_lock(h, NULL);
		if (lock >= 0)
			store_collect_locked(h, &trash, NULL);
	}
	partial_sweep(h);
	store_trash_empty(h, &trash, -1);
}
