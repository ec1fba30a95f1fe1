#include "base/base.h"
#include "runtime/outer.h"
#include "runtime/secrets.h"
#include "runtime/stage.h"
#include "sys/mounts.h"

enum { DATA_MAX = 1 << 20 };

static int read_data(int fd, const struct config_secret *s, struct str *ret, struct err *e)
{
	int r = fd < 0 ? fd : fd_read_all(fd, ret, DATA_MAX);

	if (r == 0)
		return 0;
	err_fail_code(e, ERR_SECRET_DAMAGED, -r, "the container's copy of the secret %s is gone",
		      s->name);
	return err_hint(e, "make the container anew");
}

int secrets_env(int dir, const struct container_config *c, struct strs *env, struct arena *a,
		struct err *e)
{
	const struct config_secret *v = c->secrets.v;

	for (size_t i = 0; i < c->secrets.n; i++) {
		scoped(str) data = {0};
		char path[40];
		if (!str_eq(v[i].type, "env"))
			continue;
		snprintf(path, sizeof path, SECRETS_DIR "/%zu", i);
		autoclose int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		int r = read_data(fd < 0 ? -errno : fd, &v[i], &data, e);
		if (r < 0)
			return r;
		env_set(a, env, v[i].target, strlen(v[i].target), str_cstr(&data));
	}
	return 0;
}

/* Below the tmpfs: "run/..." for what is shown as a whole at SECRETS_PATH, else a file by its number. */
static const char *place(struct stage *s, const struct config_secret *v, size_t i)
{
	if (str_starts(v->target, SECRETS_PATH "/"))
		return arena_printf(&s->arena, "run/%s", v->target + strlen(SECRETS_PATH "/"));
	return arena_printf(&s->arena, "%zu", i);
}

static int write_secret(struct stage *s, int tmpfs, const struct config_secret *v, size_t i,
			struct err *e)
{
	scoped(str) data = {0};
	const char *path = place(s, v, i);
	const char *slash = strrchr(path, '/');
	const char *from = arena_printf(&s->arena, SECRETS_DIR "/%zu", i);
	autoclose int in = outer_open(s, from, O_RDONLY | O_NOFOLLOW);
	int r = read_data(in, v, &data, e);

	if (r < 0)
		return r;
	if (slash)
		r = path_mkdir_p_at(tmpfs, arena_strndup(&s->arena, path, (size_t)(slash - path)),
				    0755);
	autoclose int fd =
		r < 0 ? r
		      : openat(tmpfs, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			       0600);
	if (r == 0 && fd < 0)
		r = -errno;
	if (r == 0)
		r = fd_write_all(fd, data.s, data.len);
	explicit_bzero(data.s, data.len);
	/* With one id there is nobody else whom it could be given to. */
	bool own = (v->uid || v->gid) && !str_eq(s->form, "one");
	if (r == 0 && own && fchown(fd, (uid_t)v->uid, (gid_t)v->gid) < 0)
		r = -errno;
	if (r == 0 && fchmod(fd, (mode_t)v->mode) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	err_set(e, r, "write the secret %s for %" PRId64 ":%" PRId64, v->name, v->uid, v->gid);
	return r == -EINVAL ? err_hint(e, "its owner is an id that this container does not have: "
					  "hoy info shows them")
			    : r;
}

static int show(struct stage *s, int tmpfs, const char *from, const char *at, bool dir,
		struct err *e)
{
	autoclose int mnt = mount_clone(tmpfs, from, false);
	int r = mnt < 0 ? mnt : mount_attr(mnt, MOUNT_RO, 0, false);
	autoclose int target = stage_user_target(s, at, dir, e);

	if (target < 0)
		return target;
	if (r == 0)
		r = mount_attach(mnt, target);
	return r < 0 ? err_set(e, r, "mount %s", at) : 0;
}

static int write_all(struct stage *s, int tmpfs, bool *ret_dir, struct err *e)
{
	const struct config_secret *v = s->c->secrets.v;
	int r = 0;

	*ret_dir = false;
	for (size_t i = 0; i < s->c->secrets.n && r == 0; i++) {
		if (!str_eq(v[i].type, "mount"))
			continue;
		r = write_secret(s, tmpfs, &v[i], i, e);
		*ret_dir |= str_starts(place(s, &v[i], i), "run/");
	}
	return r;
}

int stage_secrets(struct stage *s, struct err *e)
{
	static const char *const opts[] = {"mode=0755", NULL};
	const struct config_secret *v = s->c->secrets.v;
	bool dir;

	if (!s->c->secrets.n)
		return 0;
	autoclose int tmpfs =
		mount_new("tmpfs", opts, MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC, e);
	if (tmpfs < 0)
		return tmpfs;
	/* As the generated files: attached outside of the new root, so that clones can be taken. */
	int r = mount_attach(tmpfs, s->spot);
	if (r < 0)
		return err_set(e, r, "attach the secrets");
	mode_t old = umask(0022);
	r = write_all(s, tmpfs, &dir, e);
	if (r == 0 && dir)
		r = show(s, tmpfs, "run", SECRETS_PATH, true, e);
	for (size_t i = 0; i < s->c->secrets.n && r == 0; i++)
		if (str_eq(v[i].type, "mount") && !str_starts(place(s, &v[i], i), "run/"))
			r = show(s, tmpfs, place(s, &v[i], i), v[i].target, false, e);
	umask(old);
	return r;
}
