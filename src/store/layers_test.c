/*
 * Unit tests of the layer store: adding inside U0 in whatever form this user gets, verifying, waiting for each other, what is
 * left behind (nothing), and what survives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "base/proc.h"
#include "data/tar_make.h"
#include "state/tmp.h"
#include "store/layers.h"

static char root[64];
static struct home home;

/* Shared with the children in U0. */
static struct shared {
	struct layer_job job;
	struct layer_info info;
	struct layer_progress progress;
	struct source_fd fd;
	enum u0_form form;
	const char *look; /* at which file, "f" */
	struct stat st;	  /* of it, as seen in U0 */
	char cap[64];
	ssize_t cap_len;
	char owner[64];
} * sh;

static int set_up(void **state)
{
	struct err e;

	snprintf(root, sizeof root, "/var/tmp/hoy-layers-XXXXXX");
	if (!mkdtemp(root) || home_open(&home, root, &e) < 0)
		return -1;
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return -1;
	sh->look = "f";
	return 0;
}

static int tear_down(void **state)
{
	int r = home_rm_tree(&home, "layers", NULL);

	home_free(&home);
	munmap(sh, sizeof *sh);
	return r < 0 && r != -ENOENT ? r : path_rm_tree_at(AT_FDCWD, root);
}

static int count(const char *dir)
{
	int fd = openat(home.fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));)
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

static void nothing_left(void)
{
	assert_int_equal(count("tmp"), 0);
	assert_int_equal(count("layers"), 0);
	assert_int_equal(count("blobs/sha256"), 0);
}

static int add_in_u0(const struct u0_map *map, void *arg, struct err *e)
{
	struct layer_job job = sh->job; /* which the test may change for the next one */
	int r = layer_add(&home, map, &job, &sh->info, e);

	sh->form = map->form;
	if (r < 0)
		return r;
	autoclose int dir = layer_open(&home, &sh->info.diffid, map->form, NULL);
	fstatat(dir, sh->look, &sh->st, AT_SYMLINK_NOFOLLOW);
	autoclose int f = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	sh->cap_len = fgetxattr(f, "security.capability", sh->cap, sizeof sh->cap);
	memset(sh->owner, 0, sizeof sh->owner);
	fgetxattr(f, "user.hoy.owner", sh->owner, sizeof sh->owner);
	return 0;
}

static void source_file(const struct str *bytes)
{
	char name[] = "/var/tmp/hoy-layer-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(fd_write_all(fd, bytes->s, bytes->len), 0);
	sh->fd = (struct source_fd){fd, "the test's layer", 0, bytes->len};
	sh->job = (struct layer_job){source_from_fd(&sh->fd), "layer t", .blob_size = -1,
				     .progress = &sh->progress};
}

static int add(struct err *e)
{
	*e = (struct err){0};
	int r = u0_run(&home, add_in_u0, NULL, e);
	if (sh->fd.offset >= 0)
		close(sh->fd.fd);
	return r;
}

static void adds(void)
{
	struct err e;

	if (add(&e) < 0)
		fail_msg("%s: %s", err_id_name(e.id), e.msg);
}

static ssize_t never_read(void *arg, void *buf, size_t n, struct err *e)
{
	return err_set(e, ENOSYS, "read what need not be read");
}

static void small_tar(struct str *tar)
{
	mk_dir(tar, ".");
	mk_owned(tar, '0', "f", NULL, 04755, 33, 44, "text");
	mk_end(tar);
}

static struct digest digest_of(const struct str *s)
{
	struct digest d = {0};

	assert_int_equal(hash_bytes(s->s, s->len, &d, NULL), 0);
	return d;
}

static int count_layer(void *arg, const struct digest *diffid, enum u0_form form)
{
	assert_true(digest_eq(diffid, &sh->info.diffid) && form == sh->form);
	++*(int *)arg;
	return 0;
}

static void one_layer(void **state)
{
	scoped(str) tar = {0};
	scoped(str) gz = {0};
	scoped(arena) a = {0};
	struct layer_meta m;
	struct err e = {0};
	char buf[DIGEST_STR];
	int n = 0;

	small_tar(&tar);
	mk_gzip(&gz, tar.s, tar.len);
	struct digest blob = digest_of(&gz), diffid = digest_of(&tar);
	source_file(&gz);
	sh->job.blob = blob;
	sh->job.diffid = diffid;
	sh->job.blob_size = (int64_t)gz.len;
	sh->job.keep_blob = true;
	adds();
	assert_false(sh->info.existed);
	assert_int_equal(sh->info.kind, INFLATE_GZIP);
	assert_int_equal(sh->info.tar_size, tar.len);
	assert_int_equal(sh->progress.taken, gz.len);
	assert_true(digest_eq(&sh->info.blob, &blob) && digest_eq(&sh->info.diffid, &diffid));
	assert_true(layer_exists(&home, &diffid, sh->form));
	assert_true(layer_blob_exists(&home, &blob, (int64_t)gz.len));
	assert_false(layer_blob_exists(&home, &blob, 5));
	assert_int_equal(layer_meta_read(&home, &diffid, sh->form, &a, &m, &e), 0);
	assert_int_equal(m.entries, 2);
	assert_int_equal(m.size, 4);
	assert_true(strs_has(&m.blobs, digest_str(&blob, buf)));
	assert_int_equal(layer_list(&home, count_layer, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(count("tmp"), 0);
	assert_int_equal(sh->st.st_mode, S_IFREG | 04755);
	if (sh->form == FORM_ONE) {
		assert_int_equal(sh->st.st_uid, 0);
		assert_string_equal(sh->owner, "33:44:4755");
	} else {
		assert_int_equal(sh->st.st_uid, 33);
		assert_int_equal(sh->st.st_gid, 44);
	}
	/* once more: nothing is read */
	sh->job.source = (struct source){never_read, NULL};
	adds();
	assert_true(sh->info.existed);
	assert_true(digest_eq(&sh->info.blob, &blob));
	/* the blob is unknown and unwanted: the same */
	sh->job.blob = (struct digest){0};
	sh->job.keep_blob = false;
	adds();
	assert_true(sh->info.existed);
}

/* The layer is there, but not from this blob: its digests are checked, and it is noted. */
static void another_blob(void **state)
{
	scoped(str) tar = {0};
	scoped(str) gz = {0};
	scoped(str) lie = {0};
	scoped(arena) a = {0};
	struct layer_meta m;
	struct err e = {0};

	small_tar(&tar);
	mk_gzip(&gz, tar.s, tar.len);
	struct digest blob = digest_of(&gz), diffid = digest_of(&tar);
	source_file(&tar);
	sh->job.diffid = diffid;
	adds();
	assert_int_equal(count("blobs/sha256"), 0);
	source_file(&gz);
	sh->job.diffid = diffid;
	sh->job.blob = blob;
	sh->job.keep_blob = true;
	adds();
	assert_true(sh->info.existed);
	assert_true(layer_blob_exists(&home, &blob, (int64_t)gz.len));
	assert_int_equal(layer_meta_read(&home, &diffid, sh->form, &a, &m, &e), 0);
	assert_int_equal(m.blobs.n, 2);
	mk_gzip(&lie, "not that tar", 12);
	source_file(&lie);
	sh->job.diffid = diffid;
	sh->job.blob = digest_of(&lie);
	sh->job.keep_blob = true;
	assert_int_equal(add(&e), -EINVAL);
	assert_int_equal(e.id, ERR_DIGEST_MISMATCH);
	assert_int_equal(count("blobs/sha256"), 1);
	assert_true(layer_exists(&home, &diffid, sh->form));
	assert_int_equal(count("tmp"), 0);
}

static void lies_are_refused(void **state)
{
	scoped(str) tar = {0};
	struct digest wrong = {"0123456789012345678901234567890123456789012345678901234567890123"};
	struct err e;

	small_tar(&tar);
	for (int i = 0; i < 4; i++) {
		source_file(&tar);
		sh->job.keep_blob = true;
		if (i == 0)
			sh->job.blob = wrong;
		else if (i == 1)
			sh->job.diffid = wrong;
		else
			sh->job.blob_size = (int64_t)tar.len + (i == 2 ? 1 : -1);
		assert_int_equal(add(&e), -EINVAL);
		assert_int_equal(e.id, ERR_DIGEST_MISMATCH);
		assert_non_null(strstr(e.msg, i == 0   ? "its digest is"
					      : i == 1 ? "its diffID is"
					      : i == 2 ? "shorter"
						       : "longer"));
		nothing_left();
	}
}

static void broken_layers(void **state)
{
	scoped(str) tar = {0};
	scoped(str) gz = {0};
	struct err e;

	small_tar(&tar);
	mk_gzip(&gz, tar.s, tar.len);
	gz.len -= 3;
	source_file(&gz);
	sh->job.keep_blob = true;
	assert_int_equal(add(&e), -EINVAL);
	assert_int_equal(e.id, ERR_ARCHIVE);
	nothing_left();
	tar.len = 515 + 512;
	source_file(&tar);
	assert_int_equal(add(&e), -EINVAL);
	assert_int_equal(e.id, ERR_ARCHIVE);
	nothing_left();
	str_reset(&tar);
	mk_file(&tar, "fine", "x");
	mk_file(&tar, "../evil", "x");
	mk_end(&tar);
	source_file(&tar);
	assert_int_equal(add(&e), -EINVAL);
	assert_int_equal(e.id, ERR_LAYER);
	nothing_left();
	str_reset(&tar); /* no bytes at all: an empty layer */
	source_file(&tar);
	adds();
	assert_int_equal(sh->info.stats.entries, 0);
}

/* A stream that is far longer than what it came from. */
static void bombs(void **state)
{
	scoped(str) tar = {0};
	struct err e;

	small_tar(&tar);
	source_file(&tar);
	sh->job.limits.max_bytes = tar.len - 1;
	assert_int_equal(add(&e), -EFBIG);
	assert_int_equal(e.id, ERR_LAYER_TOO_BIG);
	assert_non_null(strstr(e.hint, "--max-layer-size"));
	nothing_left();
	source_file(&tar);
	sh->job.limits.max_bytes = tar.len;
	adds();
}

/* A layer that hides everything below says so to who mounts it. */
static void opaque_root(void **state)
{
	scoped(str) tar = {0};
	scoped(arena) a = {0};
	struct layer_meta m;
	char path[200];

	small_tar(&tar);
	tar.len -= 1024;
	for (int opaque = 0; opaque < 2; opaque++) {
		if (opaque)
			mk_file(&tar, ".wh..wh..opq", "");
		source_file(&tar);
		adds();
		layer_path(&sh->info.diffid, sh->form, path, sizeof path);
		autofree char *mark = path_join(path, "diff/../opaque");
		assert_int_equal(faccessat(home.fd, mark, F_OK, 0), opaque ? 0 : -1);
		assert_int_equal(layer_meta_read(&home, &sh->info.diffid, sh->form, &a, &m, NULL),
				 0);
		assert_int_equal(m.opaque_root, opaque);
	}
}

static void capabilities(void **state)
{
	/* revision 3 for root of its own namespace: cap_net_bind_service, effective */
	static const uint8_t v3[24] = {1, 0, 0, 3, 0, 4};
	static const uint8_t elsewhere[24] = {1, 0, 0, 3, 0, 4, [20] = 0xe8, [21] = 3};
	scoped(str) tar = {0};
	scoped(str) body = {0};

	mk_record(&body, "SCHILY.xattr.security.capability", v3, 20);
	body.s[body.len - 21 + 3] = 2; /* revision 2 is 4 bytes shorter */
	mk_extra(&tar, 'x', body.s, body.len);
	mk_owned(&tar, '0', "f", NULL, 0755, 3, 3, "prog");
	mk_end(&tar);
	source_file(&tar);
	adds();
	assert_true(sh->cap_len >= 20);
	assert_int_equal(sh->cap[5], 4);
	assert_int_equal(sh->info.stats.skipped_xattrs, 0);
	str_reset(&tar);
	str_reset(&body);
	mk_record(&body, "SCHILY.xattr.security.capability", v3, sizeof v3);
	mk_extra(&tar, 'x', body.s, body.len);
	mk_file(&tar, "f", "prog");
	mk_end(&tar);
	source_file(&tar);
	adds();
	assert_true(sh->cap_len >= 20);
	str_reset(&tar);
	str_reset(&body);
	mk_record(&body, "SCHILY.xattr.security.capability", elsewhere, sizeof elsewhere);
	mk_extra(&tar, 'x', body.s, body.len);
	mk_file(&tar, "f", "prog");
	mk_end(&tar);
	source_file(&tar);
	adds();
	assert_true(sh->cap_len < 0);
	assert_int_equal(sh->info.stats.skipped_xattrs, 1);
}

/* A setgid directory gives its group to what is made in it, and its bit to directories: not to ours. */
static void setgid_directories(void **state)
{
	scoped(str) tar = {0};

	mk_owned(&tar, '5', "d", NULL, 02755, 0, 44, NULL);
	mk_dir(&tar, "d/sub");
	mk_file(&tar, "d/file", "x");
	mk_symlink(&tar, "d/link", "x");
	mk_end(&tar);
	static const char *const names[] = {"d/sub", "d/file", "d/link"};
	for (size_t i = 0; i < countof(names); i++) {
		source_file(&tar);
		sh->look = names[i];
		adds();
		assert_int_equal(sh->st.st_gid, 0);
		assert_false(sh->st.st_mode & S_ISGID);
	}
}

static void high_owner(void **state)
{
	scoped(str) tar = {0};
	struct err e;

	mk_pax(&tar, "uid", "3000000000");
	mk_file(&tar, "f", "x");
	mk_end(&tar);
	source_file(&tar);
	int r = add(&e);
	if (sh->form == FORM_SUB) {
		assert_int_equal(e.id, ERR_ID_RANGE);
		nothing_left();
	} else {
		assert_int_equal(r, 0);
	}
}

/* writer: our end of the pipe, which the child must not hold open. */
static pid_t start_adding(int writer)
{
	pid_t pid = proc_fork(0, NULL);

	if (pid == 0) {
		struct err e;
		setpgid(0, 0);
		close(writer);
		_exit(add(&e) < 0);
	}
	assert_true(pid > 0);
	setpgid(pid, pid);
	return pid;
}

/* Until *b, or the child is gone. */
static bool wait_until(const volatile bool *b, pid_t pid)
{
	siginfo_t si = {0};

	while (!*b && waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && !si.si_pid)
		usleep(1000);
	return *b;
}

static void single_flight(void **state)
{
	scoped(str) tar = {0};
	int p[2];

	small_tar(&tar);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	sh->fd = (struct source_fd){p[0], "pipe", -1, UINT64_MAX};
	sh->job = (struct layer_job){source_from_fd(&sh->fd), "layer t", .blob_size = -1,
				     .diffid = digest_of(&tar), .progress = &sh->progress};
	assert_int_equal(fd_write_all(p[1], tar.s, 512), 0);
	pid_t first = start_adding(p[1]);
	while (*(volatile uint64_t *)&sh->progress.taken == 0)
		usleep(1000);
	/* the second would fail if it read: it waits, and finds everything done */
	sh->job.source = (struct source){never_read, NULL};
	pid_t second = start_adding(p[1]);
	assert_true(wait_until(&sh->progress.waiting, second));
	assert_int_equal(fd_write_all(p[1], tar.s + 512, tar.len - 512), 0);
	close(p[1]);
	assert_int_equal(proc_wait(first), 0);
	assert_int_equal(proc_wait(second), 0);
	assert_true(layer_exists(&home, &sh->job.diffid, sh->form));
	assert_int_equal(count("layers"), 1);
	assert_int_equal(count("tmp"), 0);
	close(p[0]);
}

/* kill -9 in the middle: the next one is not kept waiting, and the rubbish is swept. */
static void killed_adder(void **state)
{
	scoped(str) tar = {0};
	int p[2];

	small_tar(&tar);
	struct digest diffid = digest_of(&tar);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	sh->fd = (struct source_fd){p[0], "pipe", -1, UINT64_MAX};
	sh->job = (struct layer_job){source_from_fd(&sh->fd), "layer t", .blob_size = -1,
				     .diffid = diffid, .progress = &sh->progress};
	assert_int_equal(fd_write_all(p[1], tar.s, 1024), 0);
	sh->progress = (struct layer_progress){0};
	pid_t first = start_adding(p[1]);
	while (*(volatile uint64_t *)&sh->progress.written == 0)
		usleep(1000);
	kill(-first, SIGKILL);
	assert_int_equal(proc_wait(first), 128 + SIGKILL);
	close(p[0]);
	close(p[1]);
	source_file(&tar);
	sh->job.diffid = diffid;
	adds();
	assert_false(sh->info.existed);
	home_sweep(&home);
	assert_int_equal(count("tmp"), 0);
}

static void not_believed_after_a_crash(void **state)
{
	scoped(str) tar = {0};
	struct err e = {0};

	small_tar(&tar);
	struct digest diffid = digest_of(&tar);
	source_file(&tar);
	sh->job.diffid = diffid;
	adds();
	assert_true(layer_exists(&home, &diffid, sh->form));
	home.boot_id[0] ^= 1; /* power cut: another boot */
	assert_false(layer_exists(&home, &diffid, sh->form));
	source_file(&tar);
	sh->job.diffid = diffid;
	adds();
	assert_false(sh->info.existed); /* made anew */
	assert_int_equal(count("layers"), 1);
	assert_int_equal(layers_sync(&home, &e), 0);
	home.boot_id[0] ^= 1;
	assert_true(layer_exists(&home, &diffid, sh->form));
	assert_int_equal(layers_sync(&home, &e), 0);
	assert_int_equal(count("tmp"), 0);
}

static int remove_in_u0(const struct u0_map *map, void *arg, struct err *e)
{
	return layer_remove(&home, &sh->info.diffid, map->form, e);
}

static void removing(void **state)
{
	scoped(str) tar = {0};
	struct err e = {0};

	small_tar(&tar);
	source_file(&tar);
	adds();
	assert_int_equal(u0_run(&home, remove_in_u0, NULL, &e), 0);
	assert_false(layer_exists(&home, &sh->info.diffid, sh->form));
	assert_int_equal(layer_open(&home, &sh->info.diffid, sh->form, &e), -ENOENT);
	assert_int_equal(e.id, ERR_LAYER_MISSING);
	assert_int_equal(u0_run(&home, remove_in_u0, NULL, &e), 0);
	nothing_left();
}

/* A store on a file system of 1 MiB, and a layer of 4. */
static int add_on_full_disk(const struct u0_map *map, void *arg, struct err *e)
{
	struct home small;
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", root, "tmpfs", 0, "size=1m,mode=700") < 0)
		return err_set(e, errno, "mount a small tmpfs");
	r = home_open(&small, root, e);
	if (r < 0)
		return r;
	r = layer_add(&small, map, &sh->job, &sh->info, e);
	if (r != -ENOSPC)
		return err_fail(e, ERR_INTERNAL, "no ENOSPC but %d", r);
	home_free(&home);
	home = small;
	if (count("tmp") || count("layers") || count("blobs/sha256"))
		return err_fail(e, ERR_INTERNAL, "something is left behind");
	return r;
}

static void full_disk(void **state)
{
	scoped(str) tar = {0};
	scoped(str) body = {0};
	struct err e = {0};
	uint8_t h[512];

	str_reserve(&body, 4 << 20);
	memset(body.s, 'x', 4 << 20);
	mk_fields(h, '0', "big", NULL, 4 << 20);
	mk_header(&tar, h);
	mk_data(&tar, body.s, 4 << 20);
	mk_end(&tar);
	for (int keep = 0; keep < 2; keep++) {
		source_file(&tar);
		sh->job.keep_blob = keep;
		assert_int_equal(u0_run(&home, add_on_full_disk, NULL, &e), -ENOSPC);
		assert_int_equal(e.id, ERR_DISK_FULL);
		close(sh->fd.fd);
	}
}

struct bytes {
	const struct str *s;
	size_t at;
};

static ssize_t bytes_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct bytes *b = arg;

	n = n < b->s->len - b->at ? n : b->s->len - b->at;
	memcpy(buf, b->s->s + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static int add_bytes(const struct u0_map *map, const struct str *tar, char *ret_path, size_t size,
		     struct err *e)
{
	struct bytes b = {tar, 0};
	struct layer_job job = {{bytes_read, &b}, "layer t", .blob_size = -1};
	struct layer_info info;
	char path[100];
	int r = layer_add(&home, map, &job, &info, e);

	snprintf(ret_path, size, "%s/%s/diff", root,
		 layer_path(&info.diffid, map->form, path, sizeof path));
	return r;
}

static bool shows(const char *name)
{
	char path[200];

	snprintf(path, sizeof path, "%s/mnt/%s", root, name);
	return access(path, F_OK) == 0;
}

/* Does the kernel read our whiteouts as they are meant? */
static int mount_two(const struct u0_map *map, void *arg, struct err *e)
{
	scoped(str) low = {0};
	scoped(str) up = {0};
	char lower[200], upper[200], mnt[100], options[500];

	mk_file(&low, "d/a", "");
	mk_file(&low, "d/b", "");
	mk_file(&low, "o/x", "");
	mk_file(&low, "f", "");
	mk_file(&low, "r/x", "");
	mk_end(&low);
	mk_file(&up, "d/.wh.a", "");
	mk_file(&up, "o/y", "");
	mk_file(&up, "o/.wh..wh..opq", "");
	mk_file(&up, ".wh.f", "");
	mk_file(&up, ".wh.r", "");
	mk_file(&up, "r/new", "");
	mk_end(&up);
	unpack_test_no_nodes(arg != NULL);
	int r = add_bytes(map, &low, lower, sizeof lower, e);
	if (r == 0)
		r = add_bytes(map, &up, upper, sizeof upper, e);
	if (r < 0)
		return r;
	snprintf(mnt, sizeof mnt, "%s/mnt", root);
	snprintf(options, sizeof options, "userxattr,lowerdir=%s:%s", upper, lower);
	if (mkdir(mnt, 0755) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("overlay", mnt, "overlay", MS_RDONLY, options) < 0)
		return err_set(e, EPERM, "mount (%s)", strerror(errno));
	if (shows("d/a") || shows("o/x") || shows("f") || shows("r/x"))
		return err_fail(e, ERR_INTERNAL, "something shows that is gone: %d%d%d%d",
				shows("d/a"), shows("o/x"), shows("f"), shows("r/x"));
	if (!shows("d/b") || !shows("o/y") || !shows("r/new"))
		return err_fail(e, ERR_INTERNAL, "something is gone that should show");
	return 0;
}

static void whiteouts_work(void **state)
{
	bool *no_nodes = *state;
	struct err e = {0};
	struct utsname un;
	int major = 0, minor = 0;

	uname(&un);
	sscanf(un.release, "%d.%d", &major, &minor);
	if (no_nodes && (major < 6 || (major == 6 && minor < 8))) {
		print_message("this kernel knows no whiteouts in xattrs\n");
		return;
	}
	int r = u0_run(&home, mount_two, no_nodes, &e);

	if (r == -EPERM)
		print_message("no overlay mounts here: %s\n", e.msg);
	else if (r < 0)
		fail_msg("%s", e.msg);
}

static int no_work(const struct u0_map *map, void *arg, struct err *e)
{
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static bool yes = true;
	const struct CMUnitTest tests[] = {
		T(one_layer),
		T(another_blob),
		T(lies_are_refused),
		T(broken_layers),
		T(bombs),
		T(capabilities),
		T(opaque_root),
		T(high_owner),
		T(setgid_directories),
		T(single_flight),
		T(killed_adder),
		T(not_believed_after_a_crash),
		T(removing),
		T(full_disk),
		T(whiteouts_work),
		cmocka_unit_test_prestate_setup_teardown(whiteouts_work, set_up, tear_down, &yes),
	};
	struct err e;

	if (set_up(NULL) == 0 && u0_run(&home, no_work, NULL, &e) < 0) {
		printf("1..0 # SKIP %s\n", e.msg); /* no user namespaces here */
		tear_down(NULL);
		return 0;
	}
	tear_down(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
