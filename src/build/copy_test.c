/*
 * Unit tests of COPY and ADD on plain directories: one is the context, one the root of the image. As root owners are real; as anybody else they are kept as in form one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "build/archive.h"
#include "build/copy_impl.h"
#include "build/copy_mode.h"
#include "build/fetch.h"
#include "data/tar_make.h"
#include "sys/overlay_marks.h"

enum { EPOCH = 1000000000 };

static struct place {
	char root[64];
	struct home home;
	int ctx, image, stage;
	struct context context;
	struct arena arena;
	struct err e;
	struct digest digest;
	struct str said;
} s;

static void fresh(const char *name, int *fd)
{
	fd_close(fd);
	autoclose int top = open(s.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(path_rm_tree_at(top, name), 0);
	assert_int_equal(mkdirat(top, name, 0755), 0);
	*fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int set_up(void **state)
{
	s = (struct place){.ctx = -1, .image = -1, .stage = -1, .context = CONTEXT_NONE};
	snprintf(s.root, sizeof s.root, "/var/tmp/hoy-copy-XXXXXX");
	umask(022);
	if (!mkdtemp(s.root))
		return -1;
	autofree char *store = path_join(s.root, "store");
	if (home_open(&s.home, store, &s.e) < 0)
		return -1;
	fresh("ctx", &s.ctx);
	fresh("image", &s.image);
	fresh("stage", &s.stage);
	s.context.root = s.ctx;
	s.context.name = "context";
	return 0;
}

static int tear_down(void **state)
{
	home_free(&s.home);
	arena_free(&s.arena);
	stat_cache_free(s.context.stats);
	ignore_free(s.context.ignore);
	str_free(&s.said);
	close(s.ctx);
	close(s.image);
	close(s.stage);
	return path_rm_tree_at(AT_FDCWD, s.root);
}

static void put(int dir, const char *path, const char *text, mode_t mode)
{
	autofree char *parent = xstrdup(path);
	char *slash = strrchr(parent, '/');

	if (slash) {
		*slash = 0;
		assert_int_equal(path_mkdir_p_at(dir, parent, 0755), 0);
	}
	assert_int_equal(fd_write_file_at(dir, path, text, strlen(text), 0600), 0);
	assert_int_equal(fchmodat(dir, path, mode, 0), 0);
}

/* "MODE path", "path -> text", by order; files with their content. Mode and owner as the image means them. */
static void list(int dir, const char *path, struct str *out)
{
	autoclose int fd = openat(dir, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copy_names names;

	assert_int_equal(copy_names_read(fd, &names), 0);
	for (size_t i = 0; i < names.n; i++) {
		autofree char *full = *path ? path_join(path, names.v[i]) : xstrdup(names.v[i]);
		struct stat st;
		assert_int_equal(fstatat(dir, full, &st, AT_SYMLINK_NOFOLLOW), 0);
		struct owner_kept o = {st.st_uid, st.st_gid, st.st_mode & 07777};
		if (geteuid())
			o.uid = o.gid = 0;
		autoclose int f = openat(dir, full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (f >= 0)
			owner_kept_read(f, &o);
		if (S_ISLNK(st.st_mode)) {
			char to[256] = "";
			assert_true(readlinkat(dir, full, to, sizeof to - 1) > 0);
			str_addf(out, "%s -> %s\n", full, to);
			continue;
		}
		str_addf(out, "%o %s", o.mode, full);
		if (o.uid || o.gid)
			str_addf(out, " %u:%u", o.uid, o.gid);
		if (S_ISDIR(st.st_mode)) {
			str_add(out, "/\n");
			list(dir, full, out);
			continue;
		}
		scoped(str) text = {0};
		assert_int_equal(fd_read_file_at(dir, full, &text, 1 << 20), 0);
		str_addf(out, "=%s\n", str_cstr(&text));
	}
	copy_names_free(&names);
}

static void assert_tree(const char *want)
{
	scoped(str) out = {0};

	list(s.image, "", &out);
	assert_string_equal(str_cstr(&out), want);
}

static void note(void *arg, const char *text)
{
	str_add(arg, text);
}

/* A job of the context with these sources and target. */
static struct copy_job job_of(const char *const *words)
{
	struct copy_job j = {.from = {.name = "context", .context = &s.context},
			     .workdir = "/work",
			     .unpack = -1,
			     .epoch = EPOCH,
			     .say = note,
			     .arg = &s.said};
	size_t n = 0;

	while (words[n])
		n++;
	for (size_t i = 0; i + 1 < n; i++)
		strs_add(&s.arena, &j.sources, words[i]);
	j.to = words[n - 1];
	return j;
}
#define JOB(...) job_of((const char *const[]){__VA_ARGS__, NULL})

static int resolve(const struct copy_job *j, struct copy_plan **p)
{
	s.e = (struct err){0};
	return copy_resolve(&s.home, j, &s.arena, p, &s.digest, &s.e);
}

static int carry_out(const struct copy_job *j, struct copy_plan *p)
{
	int r = copy_prepare(&s.home, j, p, &s.e);

	if (r == 0)
		r = copy_do(j, p, geteuid() ? FORM_ONE : FORM_ROOT, s.image,
			    j->from.context ? -1 : s.stage, &s.e);
	copy_prepare_drop(&s.home, p);
	umask(022);
	return r;
}

static int copy(struct copy_job j)
{
	struct copy_plan *p;
	int r = resolve(&j, &p);

	if (r < 0)
		return r;
	r = carry_out(&j, p);
	copy_plan_free(&s.home, p);
	return r;
}

static void assert_copied(struct copy_job j, const char *tree)
{
	if (copy(j) < 0)
		fail_msg("%s (%s)", s.e.msg, s.e.hint);
	assert_tree(tree);
	fresh("image", &s.image);
}

static void assert_refused(struct copy_job j, enum err_id id, const char *piece)
{
	assert_true(copy(j) < 0);
	if (s.e.id != id || (!strstr(s.e.msg, piece) && !strstr(s.e.hint, piece)))
		fail_msg("%s: %s (%s)", err_id_name(s.e.id), s.e.msg, s.e.hint);
	fresh("image", &s.image);
}

static void ignore_text(const char *text)
{
	ignore_free(s.context.ignore);
	s.context.ignore = NULL;
	s.context.ignore_name = ".dockerignore";
	if (text)
		assert_int_equal(
			ignore_parse(text, strlen(text), ".dockerignore", &s.context.ignore, &s.e),
			0);
}

static void sources(void **state)
{
	put(s.ctx, "a.txt", "a", 0644);
	put(s.ctx, "dir/b", "b", 0755);
	put(s.ctx, "dir/sub/c", "c", 0400);
	fchmodat(s.ctx, "dir", 0700, 0);
	fchmodat(s.ctx, "dir/sub", 0750, 0);
	assert_int_equal(symlinkat("dir/b", s.ctx, "to-file"), 0);
	assert_int_equal(symlinkat("../dir", s.ctx, "to-dir"), 0);
	assert_int_equal(symlinkat("../../etc/passwd", s.ctx, "dir/out"), 0);
	assert_copied(JOB("a.txt", "/"), "644 a.txt=a\n");
	assert_copied(JOB("a.txt", "x"), "755 work/\n644 work/x=a\n");
	assert_copied(JOB("a.txt", "/d/"), "755 d/\n644 d/a.txt=a\n");
	assert_copied(JOB("/a.txt", "."), "755 work/\n644 work/a.txt=a\n");
	assert_copied(JOB("../../a.txt", "/q"), "644 q=a\n");
	/* a directory's content goes into the target, which is 0755 whatever the source is; links in it stay links */
	assert_copied(JOB("dir", "/new"), "755 new/\n755 new/b=b\nnew/out -> ../../etc/passwd\n750 "
					  "new/sub/\n400 new/sub/c=c\n");
	assert_copied(JOB("to-file", "/"), "755 to-file=b\n");
	assert_copied(JOB("to-dir", "/t/"),
		      "755 t/\n755 t/b=b\nt/out -> ../../etc/passwd\n750 t/sub/\n400 t/sub/c=c\n");
	assert_refused(JOB("a.text", "/"), ERR_COPY_SOURCE, "did you mean a.txt?");
	assert_refused(JOB("dir/x", "/"), ERR_COPY_SOURCE, "not in the context");
	assert_refused(JOB("../ctx2", "/"), ERR_COPY_SOURCE, "--build-context");
	assert_refused(JOB("dir/out", "/"), ERR_COPY_SOURCE, "not in the context");
	assert_refused(JOB("a.txt/x", "/"), ERR_COPY_SOURCE, "not in the context");
	s.context.root = -1;
	assert_refused(JOB("a.txt", "/"), ERR_COPY_SOURCE, "no context");
	s.context.root = s.ctx;
}

static void wildcards(void **state)
{
	put(s.ctx, "x1.c", "1", 0644);
	put(s.ctx, "x2.c", "2", 0644);
	put(s.ctx, "d/x3.c", "3", 0644);
	put(s.ctx, "e/y.h", "4", 0644);
	put(s.ctx, "a[b", "5", 0644);
	assert_copied(JOB("*.c", "/s/"), "755 s/\n644 s/x1.c=1\n644 s/x2.c=2\n");
	assert_copied(JOB("x?.c", "/"), "644 x1.c=1\n644 x2.c=2\n");
	assert_copied(JOB("*/*", "/s/"), "755 s/\n644 s/x3.c=3\n644 s/y.h=4\n");
	assert_copied(JOB("[de]", "/s/"), "755 s/\n644 s/x3.c=3\n644 s/y.h=4\n");
	assert_copied(JOB("a[[]b", "/"), "644 a[b=5\n");
	str_reset(&s.said);
	assert_copied(JOB("*.none", "/"), "");
	assert_string_equal(str_cstr(&s.said), "nothing in the context fits *.none");
	assert_refused(JOB("none/*.c", "/"), ERR_COPY_SOURCE, "not in the context");
	assert_refused(JOB("x[", "/"), ERR_COPY_SOURCE, "not a pattern");
	/* several files need a directory */
	assert_refused(JOB("*.c", "/s"), ERR_COPY_TO, "write /s/");
	assert_int_equal(mkdirat(s.image, "s", 0755), 0);
	assert_copied(JOB("x1.c", "x2.c", "/s"), "755 s/\n644 s/x1.c=1\n644 s/x2.c=2\n");
	assert_copied(JOB("d", "e", "/s"), "755 s/\n644 s/x3.c=3\n644 s/y.h=4\n");
}

static void with_parents(void **state)
{
	put(s.ctx, "p/q/one.txt", "1", 0644);
	put(s.ctx, "p/q/r/two.txt", "2", 0644);
	put(s.ctx, "p/three.md", "3", 0644);
	fchmodat(s.ctx, "p", 0711, 0);
	struct copy_job j = JOB("p/q/one.txt", "p/three.md", "/o");
	j.parents = true;
	assert_copied(j, "755 o/\n711 o/p/\n755 o/p/q/\n644 o/p/q/one.txt=1\n644 o/p/three.md=3\n");
	j = JOB("p/./q/r", "/o/");
	j.parents = true;
	assert_copied(j, "755 o/\n755 o/q/\n755 o/q/r/\n644 o/q/r/two.txt=2\n");
	j = JOB("./p/./**/*.txt", "/o");
	j.parents = true;
	assert_copied(j, "755 o/\n755 o/q/\n644 o/q/one.txt=1\n755 o/q/r/\n644 o/q/r/two.txt=2\n");
	j = JOB("**/two.txt", "/o");
	j.parents = true;
	assert_copied(j, "755 o/\n711 o/p/\n755 o/p/q/\n755 o/p/q/r/\n644 o/p/q/r/two.txt=2\n");
	j = JOB("p", "/o");
	j.parents = true;
	strs_add(&s.arena, &j.exclude, "**/*.txt");
	strs_add(&s.arena, &j.exclude, "!**/two.txt");
	assert_copied(j, "755 o/\n711 o/p/\n755 o/p/q/\n755 o/p/q/r/\n644 o/p/q/r/two.txt=2\n644 "
			 "o/p/three.md=3\n");
	j = JOB("p/none", "/o");
	j.parents = true;
	assert_refused(j, ERR_COPY_SOURCE, "p/none is not in the context");
	/* a directory on the way that is there keeps its mode; one that was named does not */
	put(s.image, "o/p/old", "o", 0644);
	assert_int_equal(mkdirat(s.image, "o/p/q", 0700), 0);
	j = JOB("p/q", "/o");
	j.parents = true;
	assert_copied(j, "755 o/\n755 o/p/\n644 o/p/old=o\n755 o/p/q/\n644 o/p/q/one.txt=1\n755 "
			 "o/p/q/r/\n644 "
			 "o/p/q/r/two.txt=2\n");
}

static void left_out(void **state)
{
	put(s.ctx, "keep", "k", 0644);
	put(s.ctx, "secret", "s", 0644);
	put(s.ctx, "build/a.o", "o", 0644);
	put(s.ctx, "build/want", "w", 0644);
	put(s.ctx, "other/b.o", "o", 0644);
	assert_int_equal(symlinkat("secret", s.ctx, "door"), 0);
	ignore_text("secret\nbuild\n!build/want\n**/*.o\n");
	assert_copied(JOB(".", "/"),
		      "755 build/\n644 build/want=w\ndoor -> secret\n644 keep=k\n755 other/\n");
	assert_refused(JOB("secret", "/"), ERR_COPY_SOURCE, ".dockerignore leaves it out");
	assert_refused(JOB("door", "/x"), ERR_COPY_SOURCE, ".dockerignore leaves it out");
	assert_copied(JOB("s*", "/"), "");
	ignore_text(NULL);
	struct copy_job j = JOB(".", "/");
	strs_add(&s.arena, &j.exclude, "*.o");
	strs_add(&s.arena, &j.exclude, "build");
	strs_add(&s.arena, &j.exclude, "door");
	assert_copied(j, "644 keep=k\n755 other/\n644 other/b.o=o\n644 secret=s\n");
	j = JOB("*e*", "/");
	strs_add(&s.arena, &j.exclude, "s*");
	assert_copied(j, "644 b.o=o\n644 keep=k\n");
}

static void targets(void **state)
{
	put(s.ctx, "f", "new", 0644);
	put(s.ctx, "d/in", "in", 0600);
	fchmodat(s.ctx, "d", 0700, 0);
	put(s.ctx, "up/d/more", "m", 0644);
	fchmodat(s.ctx, "up/d", 0711, 0);
	put(s.image, "d/old", "old", 0644);
	assert_int_equal(symlinkat("/d", s.image, "link"), 0);
	assert_int_equal(symlinkat("../../../../d/made", s.image, "d/dangling"), 0);
	/* links lead within the image; one that leads nowhere is made there */
	assert_int_equal(copy(JOB("f", "/link/x")), 0);
	assert_int_equal(copy(JOB("f", "/link")), 0);
	assert_int_equal(copy(JOB("f", "/d/dangling/")), 0);
	assert_int_equal(copy(JOB("d", "/link")), 0);
	/* what is there below gets what the source has; the target itself stays */
	assert_int_equal(copy(JOB("up", "/")), 0);
	assert_tree("711 d/\nd/dangling -> ../../../../d/made\n644 d/f=new\n600 d/in=in\n755 "
		    "d/made/\n644 "
		    "d/made/f=new\n644 d/more=m\n644 d/old=old\n644 d/x=new\nlink -> /d\n");
	fresh("image", &s.image);
	/* a link that is named is followed, one that is met is replaced */
	put(s.image, "etc/real", "r", 0644);
	assert_int_equal(symlinkat("real", s.image, "etc/in"), 0);
	assert_int_equal(copy(JOB("f", "/etc/in")), 0);
	assert_int_equal(copy(JOB("d", "/etc")), 0);
	assert_tree("755 etc/\n600 etc/in=in\n644 etc/real=new\n");
	fresh("image", &s.image);
	put(s.image, "file", "x", 0644);
	assert_refused(JOB("d", "/file"), ERR_COPY_TO, "no directory");
	put(s.image, "file", "x", 0644);
	assert_refused(JOB("f", "/file/"), ERR_COPY_TO, "no directory");
	put(s.image, "d", "x", 0644);
	assert_refused(JOB("up", "/"), ERR_COPY_TO, "something that is no directory");
	assert_int_equal(path_mkdir_p_at(s.image, "in/x", 0755), 0);
	assert_refused(JOB("d", "/"), ERR_COPY_TO, "a directory of that name");
	for (int i = 0; i < 2; i++)
		assert_int_equal(symlinkat(i ? "a" : "b", s.image, i ? "b" : "a"), 0);
	assert_refused(JOB("f", "/a/x"), ERR_SYSTEM, "symbolic links");
}

static void flags(void **state)
{
	put(s.ctx, "run", "r", 0640);
	put(s.ctx, "d/x", "x", 0644);
	put(s.image, "etc/passwd", "root:x:0:0::/:\nweb:x:33:44::/:\n", 0644);
	put(s.image, "etc/group", "staff:x:50:\n", 0644);
	struct copy_job j = JOB("run", "/n/");
	j.chown = "web:staff";
	j.chmod = "4755";
	assert_int_equal(copy(j), 0);
	j.chown = "1000";
	j.chmod = "u=rwX,go=rX";
	j.to = "/m/run";
	assert_int_equal(copy(j), 0);
	j = JOB("d", "/k");
	j.chmod = "a+x,go-r";
	assert_int_equal(copy(j), 0);
	path_rm_tree_at(s.image, "etc");
	assert_tree("755 k/\n711 k/x=x\n755 m 1000:1000/\n644 m/run 1000:1000=r\n755 n "
		    "33:50/\n4755 n/run 33:50=r\n");
	fresh("image", &s.image);
	j.chown = "nobody-there";
	assert_refused(j, ERR_USER, "nobody-there");
	j.chown = NULL;
	j.chmod = "9";
	assert_refused(j, ERR_COPY_FLAG, "chmod=9");
	j.chmod = NULL;
	j.checksum = "sha256:0";
	assert_refused(j, ERR_COPY_FLAG, "checksum");
	struct copy_heredoc doc[2] = {{"note", "hi $x\n", 6}, {"dir/two", "2", 1}};
	j = JOB("/h/");
	j.heredocs = (struct bind_list){doc, 2};
	assert_copied(j, "755 h/\n644 h/note=hi $x\n\n644 h/two=2\n");
	j = JOB("https://example.org/x", "/");
	assert_refused(j, ERR_COPY_SOURCE, "write ADD");
}

static void times_and_links(void **state)
{
	struct stat a, b;

	put(s.ctx, "d/one", "1", 0644);
	assert_int_equal(linkat(s.ctx, "d/one", s.ctx, "d/two", 0), 0);
	assert_int_equal(symlinkat("one", s.ctx, "d/link"), 0);
	assert_int_equal(copy(JOB("d", "/t")), 0);
	static const char *const names[] = {"t", "t/one", "t/two", "t/link"};
	for (size_t i = 1; i < countof(names); i++) {
		assert_int_equal(fstatat(s.image, names[i], &a, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(a.st_mtim.tv_sec, EPOCH);
		assert_int_equal(a.st_mtim.tv_nsec, 0);
	}
	fstatat(s.image, "t/one", &a, 0);
	fstatat(s.image, "t/two", &b, 0);
	assert_true(a.st_ino == b.st_ino);
	/* of a stage: times and owners are its own */
	struct timespec t[2] = {{.tv_sec = 5}, {.tv_sec = 77, .tv_nsec = 88}};
	const struct strs layers = {(const char *[]){"sha256:x"}, 1};
	put(s.stage, "q/f", "f", 0644);
	assert_int_equal(utimensat(s.stage, "q/f", t, 0), 0);
	assert_int_equal(symlinkat("/q", s.stage, "go"), 0);
	struct copy_job j = JOB("go", "q/*", "/u/");
	j.from = (struct copy_from){.name = "stage x", .layers = &layers};
	j.chown = "7:8";
	fresh("image", &s.image);
	assert_int_equal(copy(j), 0);
	assert_tree("755 u 7:8/\n644 u/f 7:8=f\n");
	fstatat(s.image, "u/f", &a, 0);
	assert_int_equal(a.st_mtim.tv_sec, 77);
	assert_int_equal(a.st_mtim.tv_nsec, 88);
	j.sources = (struct strs){(const char *[]){"nothing"}, 1};
	fresh("image", &s.image);
	assert_refused(j, ERR_COPY_SOURCE, "not in the stage x");
}

static void digests(void **state)
{
	struct digest first, d;
	struct copy_plan *p;

	put(s.ctx, "d/a", "1", 0644);
	put(s.ctx, "d/b", "2", 0644);
	struct copy_job j = JOB("d", "/t");
	assert_int_equal(copy(j), 0);
	first = s.digest;
	j.epoch = 5;
	assert_int_equal(copy(j), 0);
	assert_true(digest_eq(&first, &s.digest));
	struct timespec t[2] = {{.tv_sec = 5}, {.tv_sec = 6}};
	utimensat(s.ctx, "d/a", t, 0);
	put(s.ctx, "beside", "1", 0644);
	assert_int_equal(copy(j), 0);
	assert_true(digest_eq(&first, &s.digest));
	fchmodat(s.ctx, "d/a", 0600, 0);
	assert_int_equal(resolve(&j, &p), 0);
	assert_false(digest_eq(&first, &s.digest));
	d = s.digest;
	copy_plan_free(&s.home, p);
	put(s.ctx, "d/a", "3", 0600);
	assert_int_equal(resolve(&j, &p), 0);
	assert_false(digest_eq(&d, &s.digest));
	scoped(str) out = {0};
	copy_plan_list(p, &out);
	assert_string_equal(
		str_cstr(&out),
		"100600 4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce d/a\n"
		"100644 d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35 d/b\n");
	copy_plan_free(&s.home, p);
	d = s.digest;
	j.to = "/t2";
	assert_int_equal(resolve(&j, &p), 0);
	assert_false(digest_eq(&d, &s.digest));
	copy_plan_free(&s.home, p);
}

/* What was read is not read again; what may have changed unseen is. */
static void cache(void **state)
{
	struct copy_plan *p;
	char name[65];
	struct copy_job j = JOB("d", "/t");

	memset(name, 'a', 64);
	name[64] = 0;
	put(s.ctx, "d/a", "1", 0644);
	put(s.ctx, "d/b/c", "2", 0644);
	put(s.ctx, "d/b-", "2", 0644);
	s.context.stats = stat_cache_open(&s.home, name);
	assert_int_equal(resolve(&j, &p), 0);
	assert_true(p->v[0].racy); /* it is new: it is not believed */
	copy_plan_free(&s.home, p);
	stat_cache_save(&s.home, s.context.stats);
	assert_int_equal(faccessat(s.home.fd, "build/stat", F_OK, 0), -1);
	usleep(2100 * 1000);
	assert_int_equal(resolve(&j, &p), 0);
	assert_false(p->v[0].racy);
	struct digest first = s.digest;
	copy_plan_free(&s.home, p);
	stat_cache_save(&s.home, s.context.stats);
	stat_cache_free(s.context.stats);
	s.context.stats = stat_cache_open(&s.home, name);
	uint8_t sha[STAT_SHA];
	bool x;
	struct stat st;
	static const char *const paths[] = {"d/a", "d/b/c", "d/b-", "d/a"};
	for (size_t i = 0; i < countof(paths); i++) {
		assert_int_equal(fstatat(s.ctx, paths[i], &st, 0), 0);
		assert_true(stat_cache_find(s.context.stats, paths[i], &st, sha, &x));
	}
	st.st_size++;
	assert_false(stat_cache_find(s.context.stats, "d/a", &st, sha, &x));
	assert_false(stat_cache_find(s.context.stats, "d/b", &st, sha, &x));
	assert_false(stat_cache_find(s.context.stats, "e", &st, sha, &x));
	assert_int_equal(resolve(&j, &p), 0);
	assert_true(digest_eq(&first, &s.digest));
	/* the same size, and the mtime put back: ctime tells */
	struct timespec t[2];
	fstatat(s.ctx, "d/a", &st, 0);
	t[0] = t[1] = st.st_mtim;
	put(s.ctx, "d/a", "9", 0644);
	utimensat(s.ctx, "d/a", t, 0);
	assert_true(carry_out(&j, p) < 0);
	assert_int_equal(s.e.id, ERR_COPY_CHANGED);
	copy_plan_free(&s.home, p);
	assert_int_equal(resolve(&j, &p), 0);
	assert_false(digest_eq(&first, &s.digest));
	copy_plan_free(&s.home, p);
	/* a damaged file is none */
	autofree char *path = xasprintf("build/stat/%s", name);
	autoclose int fd = openat(s.home.fd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 100), 1);
	stat_cache_free(s.context.stats);
	s.context.stats = stat_cache_open(&s.home, name);
	assert_false(stat_cache_find(s.context.stats, "d/b/c", &st, sha, &x));
	stat_cache_free(s.context.stats);
	s.context.stats = NULL;
	fresh("image", &s.image);
}

static void racy(void **state)
{
	struct copy_plan *p;
	struct copy_job j = JOB("f", "/");

	put(s.ctx, "f", "1", 0644);
	assert_int_equal(resolve(&j, &p), 0);
	assert_true(p->v[0].racy);
	/* as if it had been written within one tick of the clock */
	memset(p->v[0].sha, 1, STAT_SHA);
	assert_true(carry_out(&j, p) < 0);
	assert_int_equal(s.e.id, ERR_COPY_CHANGED);
	copy_plan_free(&s.home, p);
	fresh("image", &s.image);
}

static void strange_files(void **state)
{
	assert_int_equal(mkfifoat(s.ctx, "pipe", 0644), 0);
	put(s.ctx, "d/x", "x", 0644);
	assert_refused(JOB("pipe", "/"), ERR_COPY_SOURCE, "pipe of the context is a FIFO");
	assert_refused(JOB(".", "/"), ERR_COPY_SOURCE, "FIFO");
	assert_copied(JOB("d", "/"), "644 x=x\n");
	ignore_text("pipe\n");
	assert_copied(JOB("d/..", "/"), "755 d/\n644 d/x=x\n");
	ignore_text(NULL);
	/* exchanged between the look and the work: a link does not lead out */
	struct copy_plan *p;
	struct copy_job j = JOB("d", "/");
	assert_int_equal(resolve(&j, &p), 0);
	assert_int_equal(renameat(s.ctx, "d", s.ctx, "moved"), 0);
	assert_int_equal(symlinkat("/etc", s.ctx, "d"), 0);
	assert_true(carry_out(&j, p) < 0);
	assert_int_equal(s.e.id, ERR_COPY_CHANGED);
	copy_plan_free(&s.home, p);
	assert_tree("");
	/* attributes */
	if (setxattr("/proc/self/fd/0", "user.x", "", 0, 0) == 0 || errno != ENOTSUP) {
		autoclose int fd = openat(s.ctx, "moved/x", O_RDONLY | O_CLOEXEC);
		char v[8] = "";
		assert_int_equal(fsetxattr(fd, "user.note", "abc", 3, 0), 0);
		assert_int_equal(copy(JOB("moved", "/")), 0);
		autoclose int to = openat(s.image, "x", O_RDONLY | O_CLOEXEC);
		assert_int_equal(fgetxattr(to, "user.note", v, sizeof v), 3);
		fresh("image", &s.image);
	}
}

static void archives(void **state)
{
	scoped(str) tar = {0};
	scoped(str) gz = {0};

	mk_dir(&tar, "d/");
	mk_owned(&tar, '0', "d/f", NULL, 04711, 3, 4, "F");
	mk_symlink(&tar, "out", "/etc");
	mk_file(&tar, "out/passwd", "P");
	mk_end(&tar);
	mk_gzip(&gz, tar.s, tar.len);
	assert_int_equal(fd_write_file_at(s.ctx, "a.tar", tar.s, tar.len, 0644), 0);
	assert_int_equal(fd_write_file_at(s.ctx, "a.tgz", gz.s, gz.len, 0644), 0);
	put(s.ctx, "plain.tar", "no archive", 0644);
	put(s.image, "etc/x", "", 0644);
	struct copy_job j = JOB("a.tgz", "/to");
	j.add = true;
	assert_true(copy(j) < 0); /* below a link to nothing in there */
	fresh("image", &s.image);
	str_reset(&tar);
	mk_dir(&tar, "d/");
	mk_owned(&tar, '0', "d/f", NULL, 04711, 3, 4, "F");
	mk_file(&tar, "../../up", "U");
	mk_end(&tar);
	assert_int_equal(fd_write_file_at(s.ctx, "a.tar", tar.s, tar.len, 0644), 0);
	j = JOB("a.tar", "/to");
	j.add = true;
	assert_refused(j, ERR_ARCHIVE, "leaves the root");
	tar.len = 3 * 512;
	mk_end(&tar);
	assert_int_equal(fd_write_file_at(s.ctx, "a.tar", tar.s, tar.len, 0644), 0);
	assert_copied(j, "755 to/\n755 to/d/\n4711 to/d/f 3:4=F\n");
	j.chown = "9:9";
	assert_copied(j, "755 to 9:9/\n755 to/d 9:9/\n4711 to/d/f 9:9=F\n");
	j = JOB("plain.tar", "/to/");
	j.add = true;
	assert_copied(j, "755 to/\n644 to/plain.tar=no archive\n");
	j.unpack = 1;
	assert_refused(j, ERR_ARCHIVE, "no tar archive");
	j = JOB("a.tar", "/to/");
	struct stat st;
	assert_int_equal(copy(j), 0); /* COPY unpacks nothing */
	assert_int_equal(fstatat(s.image, "to/a.tar", &st, 0), 0);
	fresh("image", &s.image);
}

static void modes(void **state)
{
	static const struct {
		const char *text;
		bool dir;
		uint32_t from, to;
	} good[] = {{"755", false, 0, 0755},
		    {"07777", false, 0, 07777},
		    {"+x", false, 0640, 0751},
		    {"u+s", false, 0755, 04755},
		    {"g=u", false, 0741, 0771},
		    {"a-w,u+w", false, 0777, 0755},
		    {"go=", false, 04777, 04700},
		    {"u=rwX,go=rX", true, 0, 0755},
		    {"u=rwX,go=rX", false, 0600, 0644},
		    {"+t", true, 0755, 01755},
		    {"o-rwx+x", false, 0777, 0771}};
	static const char *const bad[] = {"",	 "8",	 "10000", "u",	 "u+q", "u+r,",
					  "x+r", ",u+r", "u=rwg", "+-,", "rwx"};

	for (size_t i = 0; i < countof(good); i++) {
		uint32_t m = good[i].from;
		assert_int_equal(copy_mode_apply(good[i].text, good[i].dir, &m), 0);
		if (m != good[i].to)
			fail_msg("%s of %o gives %o", good[i].text, good[i].from, m);
	}
	for (size_t i = 0; i < countof(bad); i++) {
		uint32_t m = 0644;
		if (copy_mode_apply(bad[i], false, &m) == 0)
			fail_msg("%s is taken", bad[i]);
	}
}

static void git_urls(void **state)
{
	static const struct {
		const char *text, *url, *ref, *subdir, *commit;
	} good[] = {
		{"https://h/x.git", "https://h/x.git", NULL, NULL, NULL},
		{"https://h/x.git#main:a/b", "https://h/x.git", "main", "a/b", NULL},
		{"git@h.org:x/y#v1", "git@h.org:x/y", "v1", NULL, NULL},
		{"ssh://git@h/x#:sub", "ssh://git@h/x", NULL, "sub", NULL},
		{"https://h/x.git?tag=v1&subdir=a%2Fb", "https://h/x.git", "refs/tags/v1", "a/b",
		 NULL},
		{"git://h/x?branch=b&commit=0123456", "git://h/x", "refs/heads/b", NULL, "0123456"},
	};
	static const char *const none[] = {"https://h/x",   "./x.git", "x.git",
					   "ext::sh -c id", "dir",     "--upload-pack=x",
					   "ftp://h/x.git", "a:b",     "../y"};
	static const char *const bad[] = {
		"https://h/x.git#--upload-pack=touch",
		"git@-oProxyCommand=id:x",
		"ssh://-oProxyCommand=id/x",
		"git@h:-x",
		"https://h/x.git#a:../../b",
		"https://h/x.git#a..b",
		"https://h/x.git#+a",
		"https://h/x.git#%2d-x",
		"https://h/x.git?ref=a&tag=b",
		"https://h/x.git?nope=1",
		"https://h/x.git?ref=",
		"https://h/x.git?ref=%00",
		"https://h/x.git?commit=zz",
		"https://h\n/x.git",
		"https://h/x.git?keep-git-dir=maybe",
	};
	struct git_ref g;

	for (size_t i = 0; i < countof(good); i++) {
		assert_int_equal(git_parse(good[i].text, false, &s.arena, &g, &s.e), 1);
		assert_string_equal(g.url, good[i].url);
		assert_true(str_eq(g.ref, good[i].ref));
		assert_true(str_eq(g.subdir, good[i].subdir));
		assert_true(str_eq(g.commit, good[i].commit));
	}
	for (size_t i = 0; i < countof(none); i++)
		assert_int_equal(git_parse(none[i], false, &s.arena, &g, &s.e), 0);
	for (size_t i = 0; i < countof(bad); i++)
		if (git_parse(bad[i], false, &s.arena, &g, &s.e) >= 0)
			fail_msg("%s is taken", bad[i]);
	assert_int_equal(git_parse("github.com/a/b", true, &s.arena, &g, &s.e), 1);
	assert_string_equal(g.url, "https://github.com/a/b");
	static const char *const names[][2] = {{"https://h/a/b.tgz?x=/y", "b.tgz"},
					       {"http://h", "__unnamed__"},
					       {"http://h/", "__unnamed__"},
					       {"http://h/a/..", "__unnamed__"},
					       {"http://h/a%2fb%20c", "b c"},
					       {"http://h/%2e%2e", "__unnamed__"},
					       {"http://h/a/b/#f", "b"}};
	for (size_t i = 0; i < countof(names); i++) {
		autofree char *name = fetch_name(names[i][0]);
		assert_string_equal(name, names[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(sources), TEST(wildcards), TEST(with_parents),    TEST(left_out),
		TEST(targets), TEST(flags),	TEST(times_and_links), TEST(digests),
		TEST(cache),   TEST(racy),	TEST(strange_files),   TEST(archives),
		TEST(modes),   TEST(git_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
