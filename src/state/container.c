#include <dirent.h>
#include <signal.h>
#include <sys/file.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/rand.h"
#include "state/container.h"
#include "state/restart_policy.h"

#define AT(field) offsetof(struct container_state, field)
static const struct bind_field mount_fields[] = {
	{"Source", BIND_STR, offsetof(struct state_mount, source)},
	{"Destination", BIND_STR, offsetof(struct state_mount, destination),
	 .flags = BIND_REQUIRED},
	{"Volume", BIND_STR, offsetof(struct state_mount, volume)},
	{"Anonymous", BIND_BOOL, offsetof(struct state_mount, anonymous)},
	{"Image", BIND_STR, offsetof(struct state_mount, image)},
	{0},
};

static const struct bind_field state_port_fields[] = {
	{"HostIp", BIND_STR, offsetof(struct state_port, host_ip)},
	{"HostPort", BIND_INT, offsetof(struct state_port, host_port)},
	{"ContainerPort", BIND_INT, offsetof(struct state_port, container_port)},
	{"Range", BIND_INT, offsetof(struct state_port, range)},
	{"Protocol", BIND_STR, offsetof(struct state_port, protocol)},
	{0},
};

static const struct bind_field fields[] = {
	{"Id", BIND_STR, AT(id), .flags = BIND_REQUIRED},
	{"Name", BIND_STR, AT(name), .flags = BIND_REQUIRED},
	{"Image", BIND_STR, AT(image)},
	{"ImageId", BIND_STR, AT(image_id)},
	{"Command", BIND_STRS, AT(command)},
	{"Labels", BIND_PAIRS, AT(labels)},
	{"Created", BIND_STR, AT(created)},
	{"Started", BIND_STR, AT(started)},
	{"Finished", BIND_STR, AT(finished)},
	{"Status", BIND_STR, AT(status), .flags = BIND_REQUIRED},
	{"Boot", BIND_STR, AT(boot)},
	{"Error", BIND_STR, AT(error)},
	{"Form", BIND_STR, AT(form)},
	{"Pid", BIND_INT, AT(pid)},
	{"PidStart", BIND_INT, AT(pid_start)},
	{"Supervisor", BIND_INT, AT(sup)},
	{"SupervisorStart", BIND_INT, AT(sup_start)},
	{"ExitCode", BIND_INT, AT(exit_code)},
	{"StopSignal", BIND_INT, AT(stop_signal)},
	{"StopTimeout", BIND_INT, AT(stop_timeout)},
	{"AutoRemove", BIND_BOOL, AT(auto_remove)},
	{"Tty", BIND_BOOL, AT(tty)},
	{"Interactive", BIND_BOOL, AT(interactive)},
	{"OomKilled", BIND_BOOL, AT(oom_killed)},
	{"Cgroup", BIND_STR, AT(cgroup)},
	{"Network", BIND_STR, AT(network)},
	{"Mounts", BIND_LIST, AT(mounts), mount_fields, sizeof(struct state_mount)},
	{"Exposed", BIND_STRS, AT(exposed)},
	{"HealthChecked", BIND_BOOL, AT(checked)},
	{"Restart", BIND_STR, AT(restart)},
	{"RestartCount", BIND_INT, AT(restart_count)},
	{"Ports", BIND_LIST, AT(ports), state_port_fields, sizeof(struct state_port)},
	{0},
};
#undef AT

const char *container_status_name(enum container_status s)
{
	static const char *const names[] = {"created", "running", "restarting", "exited", "lost"};

	return names[s];
}

bool container_is_up(enum container_status s)
{
	return s == CONTAINER_RUNNING || s == CONTAINER_RESTARTING;
}

static bool alive(int64_t pid, int64_t start)
{
	return pid > 0 && proc_start_time((pid_t)pid) == (uint64_t)start && start;
}

const char *container_status_text(enum container_status s, const struct container_state *st)
{
	return s == CONTAINER_RUNNING && st->paused ? "paused" : container_status_name(s);
}

static bool is_marked_paused(const struct home *h, const char *id)
{
	char path[CONTAINER_ID_LEN + 24];

	snprintf(path, sizeof path, "containers/%.64s/" CONTAINER_PAUSED, id);
	return faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum container_status container_derive(const struct home *h, struct container_state *s)
{
	if (str_eq(s->status, "created"))
		return CONTAINER_CREATED;
	bool waits = str_eq(s->status, "restarting");
	if (!waits && !str_eq(s->status, "running"))
		return CONTAINER_EXITED;
	bool same_boot = str_eq(s->boot, h->boot_id);
	if (same_boot && alive(s->sup, s->sup_start)) {
		s->paused = !waits && is_marked_paused(h, s->id);
		return waits ? CONTAINER_RESTARTING : CONTAINER_RUNNING;
	}
	if (waits)
		return CONTAINER_EXITED;
	if (same_boot && alive(s->pid, s->pid_start))
		return CONTAINER_LOST;
	s->exit_code = 137;
	s->pid = 0;
	s->error =
		same_boot ? "its supervisor was killed" : "the machine was restarted while it ran";
	return CONTAINER_EXITED;
}

char *container_new_id(char *buf)
{
	return rand_hex(buf, CONTAINER_ID_LEN);
}

static bool name_byte(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return !first && (c == '_' || c == '.' || c == '-');
}

int container_check_name(const char *name, struct err *e)
{
	size_t n = strlen(name), i = 0;

	while (i < n && name_byte(name[i], i == 0))
		i++;
	if (n && i == n && n <= 200)
		return 0;
	err_fail(e, ERR_NAME, "\"%.80s\" cannot be the name of a container", name);
	if (n > 200)
		return err_hint(e, "at most 200 bytes");
	return err_hint(e, "letters, digits, '_', '.' and '-', the first one a letter or digit");
}

void container_random_name(struct str *ret)
{
	static const char *const what[] = {
		"amber",  "brave",  "brisk", "calm",   "clear", "clever", "cosy",   "crisp",
		"eager",  "early",  "fair",  "fleet",  "fond",	"fresh",  "frosty", "gentle",
		"glad",	  "golden", "grand", "green",  "happy", "hardy",  "jolly",  "keen",
		"kind",	  "lively", "lucid", "lucky",  "merry", "mild",	  "neat",   "noble",
		"plain",  "proud",  "quick", "quiet",  "rapid", "ready",  "rosy",   "sharp",
		"silent", "snug",   "solid", "steady", "sunny", "swift",  "tidy",   "trim",
		"vivid",  "warm",   "wise",  "witty",
	};
	static const char *const who[] = {
		"badger",  "beaver", "bison",  "buoy",	 "cargo",  "condor",  "coral",	"crane",
		"dolphin", "dory",   "eagle",  "falcon", "ferry",  "finch",   "galley", "gannet",
		"gull",	   "harbor", "hare",   "heron",	 "ibis",   "jetty",   "kelp",	"kestrel",
		"lark",	   "lemur",  "lynx",   "marten", "mole",   "narwhal", "newt",	"orca",
		"osprey",  "otter",  "owl",    "pier",	 "plover", "puffin",  "quay",	"raven",
		"robin",   "salmon", "seal",   "skiff",	 "sloop",  "stork",   "swan",	"tern",
		"trout",   "tug",    "walrus", "wren",
	};
	uint64_t r = rand_u64();

	str_addf(ret, "%s_%s", what[r % countof(what)], who[(r >> 20) % countof(who)]);
}

static bool is_hex(const char *s)
{
	return *s && s[strspn(s, "0123456789abcdef")] == 0;
}

/* Reads the link cnames/<name>; the id may belong to a container that is gone. */
static bool name_id(const struct home *h, const char *name, char *ret)
{
	char path[300];

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(name) > 200)
		return false;
	snprintf(path, sizeof path, "cnames/%s", name);
	ssize_t n = readlinkat(h->fd, path, ret, CONTAINER_ID_LEN + 1);
	if (n != CONTAINER_ID_LEN)
		return false;
	ret[n] = 0;
	return is_hex(ret);
}

static bool id_exists(const struct home *h, const char *id)
{
	char path[100];

	snprintf(path, sizeof path, "containers/%s", id);
	return faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int list_dir(const struct home *h, const char *name, struct strv *ret, struct err *e)
{
	int fd = openat(h->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/%s", h->path, name);
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_name[0] != '.')
			strv_add(ret, de->d_name);
	closedir(d);
	return 0;
}

static int ids_in(const struct home *h, const char *dir, struct strv *ret, struct err *e)
{
	scoped(strv) all = {0};
	int r = list_dir(h, dir, &all, e);

	for (size_t i = 0; i < all.n; i++)
		if (strlen(all.v[i]) == CONTAINER_ID_LEN && is_hex(all.v[i]))
			strv_add(ret, all.v[i]);
	return r;
}

int container_ids(const struct home *h, struct strv *ret, struct err *e)
{
	return ids_in(h, "containers", ret, e);
}

int container_ids_all(const struct home *h, struct strv *ret, struct err *e)
{
	/* In this order: one that is moved meanwhile is seen in its new place. */
	int r = ids_in(h, "tmp", ret, e);

	return r < 0 ? r : ids_in(h, "containers", ret, e);
}

static int unknown(const struct home *h, const char *text, struct err *e)
{
	scoped(strv) names = {0};

	list_dir(h, "cnames", &names, NULL);
	const char *best = strv_nearest(&names, text);
	err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT, "no container with name or ID \"%.80s\"",
		      text);
	if (best)
		return err_hint(e, "did you mean %s?", best);
	return err_hint(e, "hoy ps -a lists all containers");
}

int container_resolve(const struct home *h, const char *text, char *ret, struct err *e)
{
	if (name_id(h, text, ret) && id_exists(h, ret))
		return 0;
	size_t n = strlen(text);
	if (!is_hex(text) || n > CONTAINER_ID_LEN)
		return unknown(h, text, e);
	if (n == CONTAINER_ID_LEN && id_exists(h, text)) {
		memcpy(ret, text, n + 1);
		return 0;
	}
	scoped(strv) ids = {0};
	int r = container_ids(h, &ids, e);
	size_t found = 0;
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		if (strncmp(ids.v[i], text, n))
			continue;
		if (found++)
			continue;
		memcpy(ret, ids.v[i], CONTAINER_ID_LEN + 1);
	}
	if (r < 0)
		return r;
	if (!found)
		return unknown(h, text, e);
	if (found == 1)
		return 0;
	err_fail(e, ERR_CONTAINER_AMBIGUOUS, "%zu containers have an ID that begins with %s", found,
		 text);
	return err_hint(e, "give more digits, or the name");
}

int container_dir(const struct home *h, const char *id, struct err *e)
{
	char path[100];

	snprintf(path, sizeof path, "containers/%.64s", id);
	int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT, "container %.12s is gone",
				     id);
	return err_set(e, errno, "open %s/%s", h->path, path);
}

/* The state of one that is being made or started; it may also have been moved to its place (path) since we looked there. */
static int read_unfinished(const struct home *h, const char *id, const char *path, struct str *text)
{
	char unfinished[120];

	snprintf(unfinished, sizeof unfinished, "tmp/%.64s/state.json", id);
	int r = fd_read_file_at(h->fd, unfinished, text, 4 << 20);
	return r == -ENOENT ? fd_read_file_at(h->fd, path, text, 4 << 20) : r;
}

/* The name that the container got after it was made, if it got one. */
static bool renamed(int at, const char *path, char ret[256])
{
	ssize_t n = readlinkat(at, path, ret, 255);

	ret[n > 0 ? n : 0] = 0;
	return n > 0 && container_check_name(ret, NULL) == 0;
}

bool container_name_now(int dir, char ret[static 256])
{
	return dir >= 0 && renamed(dir, "name", ret);
}

int container_state_read(const struct home *h, const char *id, struct container_state *ret,
			 struct arena *a, struct err *e)
{
	char path[120], name[256];
	scoped(str) text = {0};

	snprintf(path, sizeof path, "containers/%.64s/state.json", id);
	int r = fd_read_file_at(h->fd, path, &text, 4 << 20);
	if (r == -ENOENT)
		r = read_unfinished(h, id, path, &text);
	if (r == -ENOENT)
		return err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT, "container %.12s is gone",
				     id);
	if (r < 0)
		return err_set(e, r, "read %s/%s", h->path, path);
	*ret = (struct container_state){.stop_timeout = -1};
	struct json *j = json_parse(a, str_cstr(&text), text.len, path, NULL, e);
	if (!j)
		return -EINVAL;
	r = bind_read(fields, ret, j, path, a, e);
	snprintf(path, sizeof path, "containers/%.64s/name", id);
	if (r == 0 && renamed(h->fd, path, name))
		ret->name = arena_strdup(a, name);
	snprintf(path, sizeof path, "containers/%.64s/" CONTAINER_POLICY, id);
	ssize_t n = r == 0 ? readlinkat(h->fd, path, name, RESTART_TEXT) : -1;
	if (n > 0)
		ret->restart = arena_strndup(a, name, (size_t)n);
	return r;
}

/* On a full disk there is no room for a new file, but there is in the blocks of the old one: an exit code is not lost. */
static int write_in_place(int dir, const struct str *text, int r)
{
	autoclose int fd = openat(dir, "state.json", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, text->s, text->len, 0) != (ssize_t)text->len)
		return r;
	return ftruncate(fd, (off_t)text->len) < 0 ? r : 0;
}

void container_state_images(const struct container_state *s, struct strv *ret)
{
	const struct state_mount *m = s->mounts.v;

	if (s->image_id)
		strv_add(ret, s->image_id);
	for (size_t i = 0; i < s->mounts.n; i++)
		if (m[i].image)
			strv_add(ret, m[i].image);
}

int container_state_write(int dir, const struct container_state *s, bool sync, struct err *e)
{
	struct arena a = {0};
	scoped(str) text = {0};

	json_write(&text, bind_write(fields, s, &a), 0);
	arena_free(&a);
	str_addc(&text, '\n');
	int r = fd_replace_at(dir, "state.json", text.s, text.len, 0600, sync);
	if (r == -ENOSPC || r == -EDQUOT)
		r = write_in_place(dir, &text, r);
	if (r == 0 && sync)
		fsync(dir);
	return r < 0 ? err_set(e, r, "write the state of container %.12s", s->id) : 0;
}

/* Is somebody making a container of this id right now? It would hold the lock of tmp/<id>. */
static bool being_made(const struct home *h, const char *id)
{
	char path[100];

	snprintf(path, sizeof path, "tmp/%s", id);
	autoclose int fd = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

bool container_is_gone(const struct home *h, const char *id)
{
	/* Once more at the end: what is being made becomes what exists. */
	return !id_exists(h, id) && !being_made(h, id) && !id_exists(h, id);
}

/* Does the container have another name by now? */
static bool has_other_name(const struct home *h, const char *id, const char *name)
{
	scoped(arena) a = {0};
	struct container_state s;

	return container_state_read(h, id, &s, &a, NULL) == 0 && strcmp(s.name, name) != 0;
}

/* Frees a name whose container is gone or has another one, unless it has an owner after all. Two that want it must not take it from each other: between
 * the look and the removal nobody else may have removed and taken it. */
static bool drop_stale(const struct home *h, const char *name)
{
	char path[300], has[CONTAINER_ID_LEN + 1];
	autoclose int lock = openat(h->fd, "cnames", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return true;
	snprintf(path, sizeof path, "cnames/%s", name);
	if (faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	/* In this order: what is being made becomes what exists. */
	if (!name_id(h, name, has) || being_made(h, has) ||
	    (id_exists(h, has) && !has_other_name(h, has, name)))
		return true;
	unlinkat(h->fd, path, 0);
	return false;
}

int container_name_take(const struct home *h, const char *name, const char *id, struct err *e)
{
	char path[300], has[CONTAINER_ID_LEN + 1];

	snprintf(path, sizeof path, "cnames/%s", name);
	for (int tries = 0; tries < 5; tries++) {
		if (symlinkat(id, h->fd, path) == 0)
			return 0;
		if (errno == ENOENT && path_mkdir_p_at(h->fd, "cnames", 0700) == 0)
			continue;
		if (errno != EEXIST)
			return err_set(e, errno, "take the name %s", name);
		if (drop_stale(h, name))
			break;
	}
	err_fail_code(e, ERR_NAME_TAKEN, EEXIST, "the name \"%s\" is in use by container %.12s",
		      name, name_id(h, name, has) ? has : "?");
	return err_hint(e, "remove it (hoy rm %s), choose another name, or use --replace", name);
}

void container_name_drop(const struct home *h, const char *name, const char *id)
{
	char path[300], has[CONTAINER_ID_LEN + 1];

	if (!name_id(h, name, has) || strcmp(has, id))
		return;
	snprintf(path, sizeof path, "cnames/%s", name);
	unlinkat(h->fd, path, 0);
}

void container_name_drop_now(const struct home *h, int dir, const char *recorded, const char *id)
{
	char now[256];

	container_name_drop(h, renamed(dir, "name", now) ? now : recorded, id);
}

/* Writes the name down and frees the old one. The lock keeps others from taking the new name for a left-over (drop_stale). */
static int change_name(const struct home *h, int dir, const char *id, const char *name,
		       struct err *e)
{
	scoped(arena) a = {0};
	struct container_state s;
	char has[CONTAINER_ID_LEN + 1];
	autoclose int lock = openat(h->fd, "cnames", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_set(e, errno, "lock the names of containers");
	if (!name_id(h, name, has) || strcmp(has, id))
		return err_fail_code(e, ERR_NAME_TAKEN, EEXIST,
				     "the name \"%s\" was taken just now", name);
	int r = container_state_read(h, id, &s, &a, e);
	if (r < 0)
		return r;
	unlinkat(dir, "name.new", 0);
	if (symlinkat(name, dir, "name.new") < 0 || renameat(dir, "name.new", dir, "name") < 0)
		return err_set(e, errno, "write down the new name of container %s", s.name);
	if (!id_exists(h, id))
		return err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT, "container %s is gone",
				     s.name);
	if (strcmp(s.name, name) != 0)
		container_name_drop(h, s.name, id);
	return 0;
}

int container_rename(const struct home *h, int dir, const char *id, const char *name, struct err *e)
{
	char has[CONTAINER_ID_LEN + 1];
	bool own = name_id(h, name, has) && !strcmp(has, id);
	int r = own ? 0 : container_name_take(h, name, id, e);

	if (r < 0)
		return r;
	r = change_name(h, dir, id, name, e);
	if (r < 0 && !own)
		container_name_drop(h, name, id);
	return r;
}

char *container_name_of(const struct home *h, const char *id)
{
	scoped(strv) names = {0};
	char has[CONTAINER_ID_LEN + 1];

	list_dir(h, "cnames", &names, NULL);
	for (size_t i = 0; i < names.n; i++)
		if (name_id(h, names.v[i], has) && !strcmp(has, id))
			return xstrdup(names.v[i]);
	return NULL;
}

void container_names_drop(const struct home *h, const char *id)
{
	scoped(strv) names = {0};

	list_dir(h, "cnames", &names, NULL);
	for (size_t i = 0; i < names.n; i++)
		container_name_drop(h, names.v[i], id);
}
