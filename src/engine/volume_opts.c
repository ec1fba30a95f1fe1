#include "base/base.h"
#include "engine/mount_opts.h"
#include "engine/volume_opts.h"
#include "store/images.h"
#include "volume/local.h"
#include "volume/volume.h"

static bool has_mount(const struct container_config *c, const char *dst)
{
	const struct config_mount *m = c->mounts.v;

	for (size_t i = 0; i < c->mounts.n; i++)
		if (!strcmp(m[i].destination, dst))
			return true;
	return false;
}

static struct config_mount *add(struct container_config *c, const struct config_mount *m,
				struct arena *a)
{
	struct config_mount *n = bind_append(a, &c->mounts, sizeof *n);

	*n = *m;
	return n;
}

/* ---- --volumes-from */

/* The text of a mount of a container that will be closed. */
static struct config_mount copy_mount(const struct config_mount *m, const char *writing,
				      struct arena *a)
{
	struct config_mount n = {.type = arena_strdup(a, m->type),
				 .source = arena_strdup(a, m->source),
				 .destination = arena_strdup(a, m->destination),
				 .name = arena_strdup(a, m->name),
				 .driver = arena_strdup(a, m->driver),
				 .anonymous = m->anonymous,
				 .subpath = arena_strdup(a, m->subpath)};

	for (size_t i = 0; i < m->options.n; i++) {
		const char *o = m->options.v[i];
		bool rw = !strcmp(o, "ro") || !strcmp(o, "rw");
		if (!writing || !rw)
			strs_add(a, &n.options, o);
	}
	if (writing)
		strs_add(a, &n.options, writing);
	for (size_t i = 0; i < m->volume_options.n; i++)
		pairs_set(a, &n.volume_options, m->volume_options.v[i].k, m->volume_options.v[i].v);
	for (size_t i = 0; i < m->layers.n; i++)
		strs_add(a, &n.layers, m->layers.v[i]);
	return n;
}

static int from_options(const char *text, const char *words, const char **ret, struct err *e)
{
	scoped(strv) l = {0};

	*ret = NULL;
	strv_split(&l, words, ',');
	for (size_t i = 0; i < l.n; i++) {
		const char *w = l.v[i];
		if (!strcmp(w, "ro") || !strcmp(w, "rw")) {
			*ret = w[1] == 'o' ? "ro" : "rw";
		} else if (strcmp(w, "z") != 0 && strcmp(w, "Z") != 0) { /* labels: none in here */
			err_fail(e, ERR_MOUNT,
				 "--volumes-from \"%.120s\": unknown option \"%.40s\"", text, w);
			return err_hint(e, "ro, rw, z and Z");
		}
	}
	return 0;
}

static int add_from(const struct home *h, const char *text, struct container_config *c,
		    struct arena *a, struct err *e)
{
	const char *colon = strchr(text, ':'), *writing = NULL;
	autofree char *name = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct container other;
	int r = colon ? from_options(text, colon + 1, &writing, e) : 0;

	if (r < 0)
		return r;
	r = container_open(h, name, &other, e);
	if (r == 0)
		r = container_load_config(&other, e);
	const struct config_mount *m = other.config.mounts.v;
	for (size_t i = 0; r == 0 && i < other.config.mounts.n; i++) {
		if (strcmp(m[i].type, "bind") && strcmp(m[i].type, "volume") &&
		    strcmp(m[i].type, "image"))
			continue; /* what is in memory is the other's own */
		if (has_mount(c, m[i].destination))
			continue;
		struct config_mount n = copy_mount(&m[i], writing, a);
		add(c, &n, a);
	}
	container_free(&other);
	return r;
}

/* ---- VOLUME of the image */

enum image_volume { IMAGE_VOLUME_ANONYMOUS, IMAGE_VOLUME_TMPFS, IMAGE_VOLUME_IGNORE };

static int parse_image_volume(const char *s, enum image_volume *ret, struct err *e)
{
	*ret = IMAGE_VOLUME_ANONYMOUS;
	if (str_is_empty(s) || !strcmp(s, "anonymous") || !strcmp(s, "bind"))
		return 0;
	*ret = s[0] == 't' ? IMAGE_VOLUME_TMPFS : IMAGE_VOLUME_IGNORE;
	if (!strcmp(s, "tmpfs") || !strcmp(s, "ignore"))
		return 0;
	err_fail(e, ERR_USAGE, "--image-volume has no value \"%.40s\"", s);
	return err_hint(e, "anonymous (also called bind), tmpfs or ignore");
}

static int add_image_volumes(const struct volume_opts *o, const struct strs *paths,
			     struct container_config *c, struct arena *a, struct err *e)
{
	enum image_volume how;
	int r = parse_image_volume(o->image_volume, &how, e);

	for (size_t i = 0; i < paths->n && r == 0 && how != IMAGE_VOLUME_IGNORE; i++) {
		const char *text = paths->v[i];
		autofree char *clean = path_clean(text);
		if (has_mount(c, clean))
			continue;
		if (strchr(text, ':') || text[0] != '/')
			return err_fail(e, ERR_MOUNT, "the image's volume \"%.120s\" is no path",
					text),
			       err_hint(e, "--image-volume ignore leaves it out");
		r = how == IMAGE_VOLUME_TMPFS
			    ? mount_opts_tmpfs(a, arena_printf(a, "%s:exec", clean), false,
					       &c->mounts, e)
			    : mount_opts_volume(a, clean, o->docker, &c->mounts, e);
		if (r == 0)
			((struct config_mount *)c->mounts.v)[c->mounts.n - 1].by_image = true;
		else
			err_hint(e, "it is of the image: --image-volume ignore leaves it out");
	}
	return r;
}

/* ---- type=image: which image it is now */

static int resolve_images(const struct home *h, struct container_config *c, struct arena *a,
			  struct err *e)
{
	struct config_mount *m = c->mounts.v;
	int r = 0;

	for (size_t i = 0; i < c->mounts.n && r == 0; i++) {
		scoped(image) im = {0};
		if (strcmp(m[i].type, "image") != 0 || m[i].source)
			continue;
		r = image_find(h, m[i].name, &im, e);
		if (r < 0)
			break;
		m[i].source = arena_strdup(a, im.id);
		for (size_t k = 0; k < im.doc.rootfs.diff_ids.n; k++)
			strs_add(a, &m[i].layers, im.doc.rootfs.diff_ids.v[k]);
	}
	return r;
}

int volume_opts_add(const struct home *h, const struct volume_opts *o,
		    const struct strs *image_volumes, struct container_config *c, struct arena *a,
		    struct err *e)
{
	int r = 0;

	c->volumes_from = o->from;
	c->volume_driver = o->driver;
	for (size_t i = 0; i < o->from.n && r == 0; i++)
		r = add_from(h, o->from.v[i], c, a, e);
	if (r == 0)
		r = resolve_images(h, c, a, e);
	return r < 0 ? r : add_image_volumes(o, image_volumes, c, a, e);
}

/* ---- making them */

/* Their names, written down before they are made, so that whoever sweeps up after us finds them. */
static int note_anonymous(struct container_config *c, int dir, struct arena *a, struct err *e)
{
	struct config_mount *m = c->mounts.v;
	scoped(str) list = {0};
	char name[65];

	for (size_t i = 0; i < c->mounts.n; i++) {
		if (strcmp(m[i].type, "volume") != 0 || m[i].name)
			continue;
		m[i].name = arena_strdup(a, volume_random_name(name));
		str_addf(&list, "%s\n", m[i].name);
	}
	if (!list.len)
		return 0;
	int r = fd_write_file_at(dir, VOLUME_ANONYMOUS_LIST, list.s, list.len, 0600);
	return r < 0 ? err_set(e, r, "note the container's volumes") : 0;
}

static int make(const struct home *h, const struct volume_opts *o, const struct config_mount *m,
		bool sync, struct volume *v, struct arena *a, struct err *e)
{
	struct local l = {0};

	*v = (struct volume){.name = m->name,
			     .driver = m->driver ? m->driver : o->driver,
			     .options = m->volume_options,
			     .labels = m->volume_labels,
			     .anonymous = m->anonymous};
	if (str_is_empty(v->driver))
		v->driver = VOLUME_LOCAL;
	int r = volume_check_driver(v->driver, e);
	if (r == 0)
		r = strcmp(v->driver, VOLUME_LOCAL) ? 0 : local_parse(&v->options, &l, a, e);
	return r < 0 ? r : volume_make(h, v, sync || !m->anonymous, l.nocopy, a, e);
}

static int take_one(const struct home *h, const struct volume_opts *o, struct config_mount *m,
		    bool sync, struct arena *a, struct err *e)
{
	const char *driver = m->driver ? m->driver : NULL;
	struct volume v;
	int r = volume_read(h, m->name, &v, a, e);

	if (r == -ENOENT) {
		r = make(h, o, m, sync, &v, a, e);
		if (r == -EEXIST) { /* somebody else just did */
			*e = (struct err){.exit = EXIT_ENGINE};
			r = volume_read(h, m->name, &v, a, e);
		}
	}
	if (r < 0)
		return r;
	if (driver && strcmp(driver, v.driver) != 0) {
		err_fail(e, ERR_VOLUME_EXISTS, "the volume %s is of driver %s, not of %s", v.name,
			 v.driver, driver);
		return err_hint(e, "leave the driver out, or choose another name");
	}
	m->driver = strcmp(v.driver, VOLUME_LOCAL) ? v.driver : NULL;
	m->volume_options = v.options;
	m->anonymous |= v.anonymous;
	m->source = volume_data(v.name, a);
	return 0;
}

int volume_opts_take(const struct home *h, const struct volume_opts *o, struct container_config *c,
		     int dir, bool sync, struct arena *a, int *ret_lock, struct err *e)
{
	struct config_mount *m = c->mounts.v;
	size_t n = 0;

	*ret_lock = -1;
	for (size_t i = 0; i < c->mounts.n; i++)
		n += !strcmp(m[i].type, "volume");
	if (!n)
		return 0;
	autoclose int lock = volumes_lock(h, false, e);
	int r = lock < 0 ? lock : note_anonymous(c, dir, a, e);
	for (size_t i = 0; i < c->mounts.n && r == 0; i++)
		if (!strcmp(m[i].type, "volume"))
			r = take_one(h, o, &m[i], sync, a, e);
	if (r == 0)
		*ret_lock = take_fd(lock);
	return r;
}
