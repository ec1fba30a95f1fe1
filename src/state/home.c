#include <dirent.h>
#include <pwd.h>

#include "base/base.h"
#include "base/parse.h"
#include "state/home.h"

const char *home_of_user(void)
{
	const char *s = getenv("HOME");

	if (!str_is_empty(s) && s[0] == '/')
		return s;
	struct passwd *pw = getpwuid(geteuid());
	return pw && !str_is_empty(pw->pw_dir) ? pw->pw_dir : NULL;
}

/* How the store is laid out; raised when an older hoy would not understand it. The text of the mark. */
enum { FORM = 1 };

static const char mark_name[] = "hoy-store";

/* The first line of CACHEDIR.TAG is the same everywhere: bford.info/cachedir. */
static const struct {
	const char *name, *text;
} marks[] = {
	{"CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n"
			 "# This file tells backup programs that what lies here can be had again.\n"
			 "# It was written by hoy, a container engine: see README beside it.\n"},
	{"README",
	 "This directory is the store of hoy, a container engine: its images, its containers, and\n"
	 "what they have written.\n"
	 "\n"
	 "Some of these files belong to other user ids, which rm -rf cannot remove. This command\n"
	 "ends all containers and removes everything here:\n"
	 "\n"
	 "    hoy system reset\n"
	 "\n"
	 "with --root DIR behind hoy, if the store is not where hoy looks for it by itself.\n"},
	{mark_name, "1\n"}, /* last: who sees it sees all */
};

const char *const home_entries[] = {
	"build",	"blobs",	"layers",     "volumes",      "images",	  "names",
	"lists",	"mounts",	"containers", "ranges",	      "networks", "cnames",
	"tmp",		"u0",		"README",     "CACHEDIR.TAG", mark_name,  "noted-network",
	"noted-linger", "dead-mirrors", "events",     "events.1",     "secrets",  NULL,
};

/* The place by the rule of home.h; the caller frees it. */
static char *choose(const char *root, struct err *e)
{
	const char *s = !str_is_empty(root) ? root : getenv("HOY_ROOT");

	if (!str_is_empty(s)) {
		if (s[0] == '/')
			return path_clean(s);
		autofree char *cwd = getcwd(NULL, 0);
		if (!cwd) {
			err_set(e, errno, "current directory");
			return NULL;
		}
		autofree char *joined = path_join(cwd, s);
		return path_clean(joined);
	}
	s = getenv("XDG_DATA_HOME");
	if (!str_is_empty(s) && s[0] == '/')
		return path_join(s, "hoy");
	s = home_of_user();
	if (!s) {
		err_fail(e, ERR_NO_HOME, "no home directory is known for uid %u", geteuid());
		err_hint(e, "set HOME, or HOY_ROOT to a directory of your own");
		return NULL;
	}
	return path_join(s, ".local/share/hoy");
}

static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "store %s", path);
	if (st.st_uid != geteuid()) {
		err_fail_code(e, ERR_STORE_OWNER, EPERM,
			      "the store %s belongs to uid %u, not to you (uid %u)", path,
			      st.st_uid, geteuid());
		return err_hint(e, "choose another place with --root or HOY_ROOT");
	}
	if (st.st_mode & 022) {
		err_fail_code(e, ERR_STORE_OWNER, EPERM,
			      "others may write to the store %s (mode %04o)", path,
			      st.st_mode & 07777);
		return err_hint(e, "chmod 700 %s, if you trust what is in it", path);
	}
	return 0;
}

/* What a newer hoy keeps here may be unknown to this one: nothing is touched. A store without a number is of this form, or older. */
static int check_form(int fd, const char *path, struct err *e)
{
	scoped(str) text = {0};
	uint64_t form = 0;

	if (fd_read_file_at(fd, mark_name, &text, 64) < 0)
		return 0;
	autofree char *line = xstrndup(str_cstr(&text), strcspn(str_cstr(&text), "\n"));
	if (parse_u64(line, UINT64_MAX, &form) < 0 || form <= FORM)
		return 0;
	err_fail(e, ERR_NEWER,
		 "the store %s is of form %" PRIu64 ", made by a newer release of hoy", path, form);
	return err_hint(
		e, "this one knows form %d: update it, or use another store (--root, HOY_ROOT)",
		FORM);
}

bool home_is_marked(const struct home *h)
{
	struct stat st;

	return fstatat(h->fd, mark_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid();
}

int home_foreign(const struct home *h, struct strv *ret, struct err *e)
{
	int fd = openat(h->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return err_set(e, errno, "read the store %s", h->path);
	for (struct dirent *de; (de = readdir(d));) {
		const char *const *own = home_entries;
		while (*own && strcmp(*own, de->d_name))
			own++;
		if (!*own && strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			strv_add(ret, de->d_name);
	}
	closedir(d);
	return 0;
}

void home_mark(const struct home *h)
{
	scoped(strv) foreign = {0};

	if (home_is_marked(h) || home_foreign(h, &foreign, NULL) < 0 || foreign.n)
		return;
	for (size_t i = 0; i < countof(marks); i++) {
		scoped(str) has = {0};
		const char *text = marks[i].text;
		/* One that is there was left half written by somebody who died; or it is not ours. */
		if (fd_read_file_at(h->fd, marks[i].name, &has, 4096) == 0 &&
		    !str_starts(text, str_cstr(&has)))
			return;
		if (fd_write_file_at(h->fd, marks[i].name, text, strlen(text), 0644) < 0)
			return;
	}
}

#define OTHER_DIR "name a directory that you can write to: --root DIR, or HOY_ROOT"

static int open_failed(const char *path, struct err *e)
{
	err_set(e, errno, "open the store %s", path);
	return e && e->code == EACCES ? err_hint(e, OTHER_DIR "; with sudo -u, -H sets HOME right")
				      : -errno;
}

static int open_or_make(const char *path, bool make, bool *ret_made, struct err *e)
{
	*ret_made = false;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT || !make)
		return open_failed(path, e);
	autofree char *parent = path_clean(path);
	char *slash = strrchr(parent, '/');
	*slash = 0;
	int r = *parent ? path_mkdir_p_at(AT_FDCWD, parent, 0755) : 0;
	*ret_made = r == 0 && mkdir(path, 0700) == 0;
	if (r == 0 && !*ret_made && errno != EEXIST)
		r = -errno;
	if (r < 0) {
		err_set(e, r, "make the store %s", path);
		return err_hint(e, OTHER_DIR);
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? open_failed(path, e) : fd;
}

static int open_home(struct home *ret, const char *root, bool make, struct err *e)
{
	autofree char *path = choose(root, e);
	bool made;

	*ret = (struct home){.fd = -1};
	if (!path)
		return -e->code;
	autoclose int fd = open_or_make(path, make, &made, e);
	if (fd < 0)
		return fd;
	int r = check_owner(fd, path, e);
	if (r == 0)
		r = check_form(fd, path, e);
	if (r < 0)
		return r;
	autoclose int bfd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = bfd < 0 ? -1 : read(bfd, ret->boot_id, 36);
	if (n != 36) {
		err_set(e, errno, "read the boot id");
		return err_hint(e, "hoy needs /proc");
	}
	ret->path = take(path);
	ret->fd = take_fd(fd);
	if (made)
		home_mark(ret);
	return 0;
}

int home_open(struct home *ret, const char *root, struct err *e)
{
	return open_home(ret, root, true, e);
}

int home_open_existing(struct home *ret, const char *root, struct err *e)
{
	return open_home(ret, root, false, e);
}

void home_free(struct home *h)
{
	free(h->path);
	h->path = NULL;
	fd_close(&h->fd);
}

int home_dir(const struct home *h, const char *name, struct err *e)
{
	int fd = openat(h->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		int r = path_mkdir_p_at(h->fd, name, 0700);
		if (r < 0)
			return err_set(e, r, "make %s/%s", h->path, name);
		fd = openat(h->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? err_set(e, errno, "open %s/%s", h->path, name) : fd;
}
