#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/oci.h"
#include "engine/oci_parts.h"
#include "oci/runtime_read.h"
#include "runtime/hooks.h"

#define AT(field) offsetof(struct oci_state, field)
const struct bind_field oci_state_fields[] = {
	{"id", BIND_STR, AT(id), .flags = BIND_REQUIRED},
	{"bundle", BIND_STR, AT(bundle), .flags = BIND_REQUIRED},
	{"created", BIND_STR, AT(created)},
	{"owner", BIND_STR, AT(owner)},
	{"pid", BIND_INT, AT(pid), .flags = BIND_REQUIRED},
	{"pidStart", BIND_INT, AT(pid_start), .flags = BIND_REQUIRED},
	{"ownPids", BIND_BOOL, AT(own_pids)},
	{"noKeyring", BIND_BOOL, AT(no_keyring)},
	{"cgroups", BIND_OBJ, AT(cgroups), oci_cgroups_fields},
	{0},
};
#undef AT

const char *oci_status_name(enum oci_status s)
{
	static const char *const names[] = {"creating", "created", "running", "paused", "stopped"};

	return names[s];
}

bool oci_is_root(void)
{
	scoped(str) map = {0};
	unsigned in = 1, out = 1, n = 0;
	autoclose int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);

	if (geteuid() != 0)
		return false;
	if (fd < 0 || fd_read_all(fd, &map, 8192) < 0)
		return true;
	return sscanf(str_cstr(&map), "%u %u %u", &in, &out, &n) == 3 && !in && !out &&
	       n == UINT32_MAX;
}

int oci_default_root(const char **ret, struct arena *a, struct err *e)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (oci_is_root())
		*ret = "/run/hoy-oci";
	else if (!str_is_empty(run))
		*ret = arena_printf(a, "%s/hoy-oci", run);
	else if (geteuid() == 0)
		*ret = "/run/hoy-oci";
	else {
		err_fail(e, ERR_USAGE,
			 "XDG_RUNTIME_DIR is not set, so it is not known where the "
			 "state of containers is to be");
		return err_hint(e, "set it, or say where by --root DIR");
	}
	return 0;
}

/* As runc: letters, digits and _+-. ; nothing that is a path. */
int oci_check_id(const char *id, struct err *e)
{
	size_t n = strlen(id);

	if (n && n <= 255 && id[0] != '.' &&
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") == n)
		return 0;
	return err_fail(e, ERR_USAGE, "invalid container ID format: \"%.80s\"", id);
}

int oci_open_root(const struct oci_place *where, bool make, struct arena *a, struct err *e)
{
	const char *root = where->root;
	int r = root ? 0 : oci_default_root(&root, a, e);

	if (r < 0)
		return r;
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		r = path_mkdir_p_at(AT_FDCWD, root, 0700);
		fd = r < 0 ? -1 : open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		errno = r < 0 ? -r : errno;
	}
	return fd < 0 ? err_set(e, errno, "open the directory of containers %s", root) : fd;
}

static int unknown(const char *id, struct err *e)
{
	return err_fail_code(e, ERR_OCI_UNKNOWN, ENOENT, "container \"%s\" does not exist", id);
}

static int read_state(struct oci_container *c, const char *id, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(c->dir, "state.json", &text, 1 << 20);

	if (r == -ENOENT) /* being made, or left behind by who was killed */
		return unknown(id, e);
	if (r < 0)
		return err_set(e, r, "read the state of container %s", id);
	struct json *j = json_parse(&c->arena, str_cstr(&text), text.len, "state.json", NULL, e);
	return j ? bind_read(oci_state_fields, &c->state, j, "state.json", &c->arena, e) : -EINVAL;
}

int oci_open(const struct oci_place *where, const char *id, struct oci_container *ret,
	     struct err *e)
{
	struct err none = {0};

	*ret = (struct oci_container){.root = -1, .dir = -1};
	int r = oci_check_id(id, e);
	if (r < 0)
		return r;
	ret->root = oci_open_root(where, false, &ret->arena, &none);
	if (ret->root < 0 && none.code != ENOENT)
		*e = none;
	if (ret->root < 0)
		return none.code == ENOENT ? unknown(id, e) : ret->root;
	ret->dir = openat(ret->root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->dir < 0)
		return errno == ENOENT ? unknown(id, e)
				       : err_set(e, errno, "open container %s", id);
	return read_state(ret, id, e);
}

int oci_load_spec(struct oci_container *c, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(c->dir, "config.json", &text, 4 << 20);

	if (r < 0)
		return err_set(e, r, "read config.json of container %s", c->state.id);
	return oci_spec_read(str_cstr(&text), text.len, "config.json", &c->spec, &c->arena, e);
}

void oci_container_free(struct oci_container *c)
{
	fd_close(&c->root);
	fd_close(&c->dir);
	arena_free(&c->arena);
}

/* The lock of who makes it, or of its init. */
static bool is_locked(const struct oci_container *c)
{
	autoclose int own = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return own >= 0 && flock(own, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

enum oci_status oci_status(const struct oci_container *c)
{
	pid_t pid = (pid_t)c->state.pid;
	uint64_t start = proc_start_time(pid);

	if (!start || start != (uint64_t)c->state.pid_start)
		return OCI_STOPPED;
	if (is_locked(c))
		return OCI_CREATED;
	return oci_cgroups_frozen(&c->state.cgroups) ? OCI_PAUSED : OCI_RUNNING;
}

int oci_not_running(const struct oci_container *c, struct err *e)
{
	return err_fail_code(e, ERR_OCI_STATE, ESRCH, "container not running: %s", c->state.id);
}

int oci_pidfd(const struct oci_container *c, struct err *e)
{
	int fd = proc_open((pid_t)c->state.pid, (uint64_t)c->state.pid_start);

	return fd < 0 ? oci_not_running(c, e) : fd;
}

/* Who has no cgroups (rootless) is known by the pid namespace. */
static int pids_by_namespace(const struct oci_container *c, pid_t **ret, size_t *ret_n,
			     struct err *e)
{
	char path[64];
	struct stat its, st;
	DIR *d = opendir("/proc");
	size_t cap = 0;

	snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)c->state.pid);
	if (!d || stat(path, &its) < 0) {
		if (d)
			closedir(d);
		return err_set(e, errno, "look at the container's processes");
	}
	for (struct dirent *de; (de = readdir(d));) {
		uint64_t pid;
		if (parse_u64(de->d_name, INT_MAX, &pid) < 0)
			continue;
		snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
		if (stat(path, &st) < 0 || st.st_ino != its.st_ino)
			continue;
		if (*ret_n == cap) {
			cap = cap ? cap * 2 : 16;
			*ret = xrealloc(*ret, cap * sizeof **ret);
		}
		(*ret)[(*ret_n)++] = (pid_t)pid;
	}
	closedir(d);
	return 0;
}

int oci_pids(const struct oci_container *c, pid_t **ret, size_t *ret_n, struct err *e)
{
	*ret = NULL;
	*ret_n = 0;
	if (oci_status(c) == OCI_STOPPED)
		return 0;
	if (!c->state.cgroups.paths.n && c->state.own_pids)
		return pids_by_namespace(c, ret, ret_n, e);
	return oci_cgroups_pids(&c->state.cgroups, ret, ret_n, e);
}

struct json *oci_state_json(const struct oci_container *c, struct arena *a)
{
	enum oci_status st = oci_status(c);
	struct json *j = json_new(a, JSON_OBJ);
	const char *root = c->spec.root.path;

	json_set_str(a, j, "ociVersion", c->spec.version);
	json_set_str(a, j, "id", c->state.id);
	json_set_int(a, j, "pid", st == OCI_STOPPED ? 0 : c->state.pid);
	json_set_str(a, j, "status", oci_status_name(st));
	json_set_str(a, j, "bundle", c->state.bundle);
	if (root)
		json_set_str(a, j, "rootfs",
			     root[0] == '/' ? root
					    : arena_printf(a, "%s/%s", c->state.bundle, root));
	json_set_str(a, j, "created", c->state.created);
	if (c->spec.annotations.n)
		json_set(a, j, "annotations", json_new_pairs(a, &c->spec.annotations));
	json_set_str(a, j, "owner", c->state.owner ? c->state.owner : "");
	return j;
}

int oci_list(const struct oci_place *where, struct strv *ret, struct err *e)
{
	scoped(arena) a = {0};
	autoclose int root = oci_open_root(where, false, &a, e);

	if (root < 0)
		return e->code == ENOENT ? 0 : root;
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_set(e, errno, "read the directory of containers");
	for (struct dirent *de; (de = readdir(d));) {
		autofree char *state = xasprintf("%s/state.json", de->d_name);
		if (de->d_name[0] != '.' && faccessat(root, state, F_OK, 0) == 0)
			strv_add(ret, de->d_name);
	}
	closedir(d);
	strv_sort(ret);
	return 0;
}
