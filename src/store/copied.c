#include <sys/xattr.h>

#include "base/base.h"
#include "base/task.h"
#include "state/space.h"
#include "store/copied.h"
#include "store/layer_stack.h"
#include "sys/file_copy.h"

#define UNFINISHED "copying"
#define STAMP	   "copied"

bool copied_is(int container_dir)
{
	return faccessat(container_dir, "upper", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT &&
	       faccessat(container_dir, COPIED_ROOT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The time of the file system's clock, in the words of a file of its own. */
static int write_stamp(int dir)
{
	struct stat st;
	char text[64];
	int r = fd_replace_at(dir, STAMP, "", 0, 0644, false);

	if (r == 0 && fstatat(dir, STAMP, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r < 0)
		return r;
	int n = snprintf(text, sizeof text, "%lld.%09ld\n", (long long)st.st_ctim.tv_sec,
			 st.st_ctim.tv_nsec);
	return fd_replace_at(dir, STAMP, text, (size_t)n, 0644, false);
}

struct timespec copied_when(int container_dir)
{
	scoped(str) text = {0};
	long long sec = 0;
	long nsec = 0;

	if (fd_read_file_at(container_dir, STAMP, &text, 64) < 0 ||
	    sscanf(str_cstr(&text), "%lld.%9ld", &sec, &nsec) != 2)
		return (struct timespec){0};
	return (struct timespec){sec, nsec};
}

static bool same_bytes(int x, int y)
{
	static char p[64 * 1024], q[sizeof p];

	for (off_t at = 0;;) {
		ssize_t n = pread(x, p, sizeof p, at);
		ssize_t k = n < 0 ? -1 : pread(y, q, sizeof q, at);
		if (n < 0 || k != n || memcmp(p, q, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
		at += n;
	}
}

/* All that x has y has too, with the same values, and the two lists are equally long. Values beyond a page are taken for changed. */
static bool same_xattrs(int x, int y)
{
	char names[4096], other[sizeof names], p[4096], q[sizeof p];
	ssize_t n = flistxattr(x, names, sizeof names), k = flistxattr(y, other, sizeof other);

	if (n <= 0 && k <= 0)
		return true;
	if (n != k)
		return false;
	for (const char *s = names; s < names + n; s += strlen(s) + 1) {
		ssize_t a = fgetxattr(x, s, p, sizeof p), b = fgetxattr(y, s, q, sizeof q);
		if (a < 0 || a != b || memcmp(p, q, (size_t)a) != 0)
			return false;
	}
	return true;
}

static bool same_link(int dir_a, int dir_b, const char *name)
{
	char p[PATH_MAX], q[PATH_MAX];
	ssize_t n = readlinkat(dir_a, name, p, sizeof p), k = readlinkat(dir_b, name, q, sizeof q);

	return n >= 0 && n == k && !memcmp(p, q, (size_t)n);
}

bool copied_unchanged(int dir, int old_dir, const char *name, const struct stat *now,
		      const struct stat *was, struct timespec when)
{
	enum { FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

	if (now->st_mode != was->st_mode || now->st_uid != was->st_uid ||
	    now->st_gid != was->st_gid || now->st_size != was->st_size ||
	    now->st_rdev != was->st_rdev || now->st_mtim.tv_sec != was->st_mtim.tv_sec ||
	    now->st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		return false;
	if (now->st_ctim.tv_sec < when.tv_sec ||
	    (now->st_ctim.tv_sec == when.tv_sec && now->st_ctim.tv_nsec < when.tv_nsec))
		return true;
	if (S_ISLNK(now->st_mode))
		return same_link(dir, old_dir, name);
	if (!S_ISREG(now->st_mode))
		return true;
	autoclose int x = openat(dir, name, FLAGS);
	autoclose int y = openat(old_dir, name, FLAGS);
	return x >= 0 && y >= 0 && same_xattrs(x, y) && same_bytes(x, y);
}

/* What programs of old read; overlays get it from the init. */
static void add_mtab(int root)
{
	autoclose int etc = path_open_in_root(root, "etc", O_PATH | O_DIRECTORY, 0);

	if (etc >= 0)
		(void)!symlinkat("/proc/mounts", etc, "mtab");
}

static int fill(const struct layer_stack *stack, int dir, struct err *e)
{
	int r = path_rm_tree_at(dir, UNFINISHED);

	if (r == 0 && mkdirat(dir, UNFINISHED, 0755) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "make the directory of the copy");
	autoclose int to = openat(dir, UNFINISHED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_set(e, errno, "open the directory of the copy");
	r = layer_stack_copy(stack, to, e);
	if (r == 0)
		add_mtab(to);
	return r;
}

static int exchange(int dir, struct err *e)
{
	int r = write_stamp(dir);

	if (r == 0)
		r = path_rm_tree_at(dir, COPIED_ROOT);
	if (r == 0 && renameat(dir, UNFINISHED, dir, COPIED_ROOT) < 0)
		r = -errno;
	/* upper is what says that there is no copy: from here on there is one */
	if (r == 0 && renameat(dir, "upper", dir, UNFINISHED) < 0)
		r = -errno;
	if (r == 0)
		path_rm_tree_at(dir, UNFINISHED); /* or with the container */
	return r < 0 ? err_set(e, r, "put the copy in its place") : 0;
}

/* Where blocks are shared a copy takes next to nothing. */
static int check_room(const struct home *h, const char *form, const struct strs *layers, int dir,
		      struct err *e)
{
	uint64_t need = 0;

	for (size_t i = 0; i < layers->n; i++) {
		scoped(arena) a = {0};
		struct layer_meta m;
		struct digest d;
		char name[128];
		if (digest_parse(layers->v[i], &d, NULL) < 0)
			continue;
		snprintf(name, sizeof name, "%s.%s", d.hex, form);
		if (layer_meta_named(h, name, &a, &m, NULL) == 0 && m.size > 0)
			need += (uint64_t)m.size;
	}
	if (need <= space_left(h) || file_copy_shares(dir))
		return 0;
	return space_need(h, need, "there is no overlay here, and a copy of the image", e);
}

static int make(const struct home *h, const char *form, const struct strs *layers, int dir,
		struct err *e)
{
	struct layer_stack stack;
	mode_t mask = umask(0);
	int r = layer_stack_open(h, form, layers, layers->n, &stack, e);

	if (r < 0)
		return r;
	int upper = openat(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		r = err_set(e, errno, "open what the container has written");
	else
		layer_stack_put_top(&stack, upper);
	if (r == 0)
		r = check_room(h, form, layers, dir, e);
	if (r == 0)
		r = fill(&stack, dir, e);
	if (r == 0)
		r = exchange(dir, e);
	layer_stack_free(&stack);
	if (r < 0)
		path_rm_tree_at(dir, UNFINISHED);
	umask(mask);
	return r;
}

struct making {
	const struct home *h;
	const char *form;
	const struct strs *layers;
	int dir;
};

static int make_in_child(void *arg, struct err *e)
{
	const struct making *m = arg;

	return make(m->h, m->form, m->layers, m->dir, e);
}

int copied_make(const struct home *h, const char *form, const struct strs *layers,
		int container_dir, struct err *e)
{
	struct making m = {h, form, layers, container_dir};

	/* The caller is the supervisor, which stays small. */
	return task_run(make_in_child, &m, "the process that copied the image died", e);
}

bool copied_tell(const struct home *h)
{
	static const char name[] = "layers/.copied";
	scoped(str) boot = {0};

	if (fd_read_file_at(h->fd, name, &boot, 64) == 0 && str_eq(str_cstr(&boot), h->boot_id))
		return false;
	fd_replace_at(h->fd, name, h->boot_id, strlen(h->boot_id), 0600, false); /* else again */
	return true;
}
