/*
 * How it works: the changes are applied to an empty config first, so that a mistake costs nothing. Then one child inside U0 unpacks the tar, or
 * the stream that store/pack.h makes of a directory, as a layer, and adds config, manifest and image. What comes from a URL is fetched by a
 * process of its own (libcurl may start threads) through a pipe; at its end that process says whether it was the whole.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/adding.h"
#include "engine/image.h"
#include "oci/change.h"
#include "oci/platform.h"
#include "registry/http.h"
#include "registry/policy.h"
#include "state/tell.h"
#include "store/layers.h"
#include "store/pack.h"

struct import_work {
	const struct home *h;
	const struct image_import_opts *o;
	struct image_doc *doc;
	const char *name; /* full, or NULL */
	struct arena *a;
	int fd;	     /* the tar or the directory */
	int verdict; /* a socket on which a struct err says how the fetch ended, or -1 */
	bool dir;
	int64_t size; /* of a regular file; 0: not known */
	const char *what;
	struct image_import_result *ret; /* shared with the parent */
	struct board *board;
};

/* A source that ends well only if the fetch did. */
struct fetched {
	struct source_fd from;
	int verdict;
	bool ended;
};

static ssize_t fetched_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct fetched *f = arg;
	struct source src = source_from_fd(&f->from);
	struct err said;
	ssize_t k = src.read(src.arg, buf, n, e);

	if (k != 0 || f->ended)
		return k;
	f->ended = true;
	if (recv(f->verdict, &said, sizeof said, 0) != sizeof said)
		return err_died(e, "the process that fetched %s died", f->from.name);
	if (said.code && e)
		*e = said;
	return -said.code;
}

static int fetch_write(struct http_request *q, const void *p, size_t n)
{
	return fd_write_all(*(int *)q->arg, p, n);
}

static int fetch(const char *url, int out, struct err *e)
{
	struct http_opts o = {0};
	struct http *h;
	struct http_request q = {.url = url, .write = fetch_write, .arg = &out};
	int r = http_open(&h, &o, e);

	if (r < 0)
		return r;
	r = http_do(h, &q, e);
	if (r == 0 && q.end != HTTP_ANSWERED && q.end != HTTP_STOPPED) {
		*e = q.why;
		r = -(e->code ? e->code : EIO);
	} else if (r == 0 && q.status != 200) {
		err_fail(e, ERR_ARCHIVE, "%.300s: the server answers with status %d", url,
			 q.status);
		r = err_hint(e, "look at the address with a browser or with curl -I");
	}
	http_request_free(&q);
	http_close(h);
	return r;
}

/* Starts the process that fetches. */
static pid_t start_fetch(struct import_work *w, struct err *e)
{
	int p[2], s[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0) {
		close(p[0]);
		close(p[1]);
		return err_set(e, errno, "socketpair");
	}
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0) {
		struct err why = {0};
		close(p[0]);
		close(s[0]);
		int r = fetch(w->o->from, p[1], &why);
		if (r < 0 && !why.code)
			err_set(&why, r, "fetch %s", w->o->from);
		(void)!send(s[1], &why, sizeof why, MSG_NOSIGNAL);
		_exit(0);
	}
	close(p[1]);
	close(s[1]);
	w->fd = p[0];
	w->verdict = s[0];
	return pid < 0 ? err_set(e, pid, "fork") : pid;
}

static const char *rfc3339_of(struct arena *a, int64_t sec)
{
	char buf[40];

	/* years of four digits; a tar may say anything */
	if (sec < 0 || sec > INT64_C(253402300799))
		sec = 0;
	time_rfc3339(buf, sizeof buf, (struct timespec){sec, 0});
	return arena_printf(a, "%.19sZ", buf);
}

static int add_layer(struct import_work *w, const struct u0_map *map, struct layer_info *ret,
		     struct err *e)
{
	struct layer_job job = {.what = w->what, .blob_size = -1};
	struct source_fd from = {.fd = w->fd, .name = w->what, .offset = -1, .left = UINT64_MAX};
	struct fetched fetched = {from, w->verdict, false};
	struct pack *p = NULL;

	job.limits.max_bytes = w->o->max_layer;
	if (w->dir) {
		p = pack_open(w->h, w->fd, w->what);
		job.source = pack_source(p);
		job.limits.max_bytes = INT64_MAX; /* what lies there already is no bomb */
	} else if (w->verdict >= 0) {
		job.source = (struct source){fetched_read, &fetched};
	} else {
		job.source = source_from_fd(&from);
	}
	struct board_layer *line =
		w->size > 0 ? board_add(w->board, "root system", (uint64_t)w->size) : NULL;
	if (line) {
		line->arrived = line->size;
		line->stage = BOARD_WORKS;
		job.progress = &line->progress;
	}
	int r = layer_add(w->h, map, &job, ret, e);
	if (line)
		line->stage = BOARD_DONE;
	pack_close(p);
	return r;
}

static int add_image(struct import_work *w, const struct layer_info *layer, struct err *e)
{
	scoped(str) config = {0};
	char diffid[DIGEST_STR];
	struct image_doc *doc = w->doc;
	struct strs names = {0};

	doc->created = rfc3339_of(w->a, layer->stats.newest);
	doc->rootfs.type = "layers";
	strs_add(w->a, &doc->rootfs.diff_ids, digest_str(&layer->diffid, diffid));
	struct image_history *hist = bind_append(w->a, &doc->history, sizeof *hist);
	*hist = (struct image_history){
		.created = doc->created, .created_by = "hoy import", .comment = w->o->message};
	json_write(&config, bind_write(image_doc_fields, doc, w->a), 0);
	if (w->name)
		strs_add(w->a, &names, w->name);
	return image_add_one(w->h, &config, diffid, (int64_t)layer->tar_size, &names, w->ret->id,
			     e);
}

static int open_from(struct import_work *w, struct err *e)
{
	const char *from = w->o->from;
	struct stat st;

	w->what = from;
	if (!strcmp(from, "-")) {
		w->what = "standard input";
		w->fd = dup(0);
	} else {
		w->fd = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (w->fd < 0 || fstat(w->fd, &st) < 0)
		return err_set(e, errno, "open %s", w->what);
	if (isatty(w->fd)) {
		err_fail(e, ERR_USAGE, "a tar cannot be read from a terminal");
		return err_hint(e, "name a file, or redirect one: hoy import - < FILE");
	}
	w->dir = S_ISDIR(st.st_mode);
	w->size = S_ISREG(st.st_mode) ? st.st_size : 0;
	return 0;
}

/* Has somebody imported what is to be loaded? Then the layer has the documents of an archive at its top, and nothing of a system. */
static bool is_image_archive(const struct home *h, const struct digest *diffid, enum u0_form form)
{
	static const char *const documents[] = {"manifest.json", "oci-layout"};
	static const char *const systems[] = {"bin", "etc", "lib", "usr"};
	autoclose int dir = layer_open(h, diffid, form, NULL);
	bool found = false;

	for (size_t i = 0; dir >= 0 && i < countof(documents); i++)
		found |= faccessat(dir, documents[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	for (size_t i = 0; found && i < countof(systems); i++)
		found = faccessat(dir, systems[i], F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	return found;
}

static int import_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct import_work *w = arg;
	struct layer_info layer;
	int r = w->fd < 0 ? open_from(w, e) : 0;

	if (r == 0)
		r = add_layer(w, map, &layer, e);

	if (r == 0)
		r = add_image(w, &layer, e);
	if (r == 0)
		w->ret->archive = is_image_archive(w->h, &layer.diffid, map->form);
	return r;
}

/* "x86_64" and its like are Go's names in images. */
static const char *arch_name(const char *s)
{
	static const char *const names[][2] = {
		{"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"armhf", "arm"},
		{"armel", "arm"},    {"i386", "386"},	  {"i686", "386"}};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(s, names[i][0]))
			return names[i][1];
	return s;
}

static int check_word(const char *flag, const char *s, struct err *e)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

	if (!s || (*s && strlen(s) <= 32 && !s[strspn(s, good)]))
		return 0;
	return err_fail(e, ERR_USAGE, "%s \"%.60s\" is no such name", flag, s);
}

static int make_doc(struct import_work *w, struct err *e)
{
	const struct image_import_opts *o = w->o;
	struct image_doc *doc = w->doc;
	int r = check_word("--os", o->os, e);

	if (r == 0)
		r = check_word("--arch", o->arch, e);
	if (r == 0)
		r = check_word("--variant", o->variant, e);
	for (size_t i = 0; r == 0 && i < o->changes.n; i++)
		r = image_change(&doc->config, o->changes.v[i], w->a, e);
	doc->os = o->os ? o->os : "linux";
	doc->architecture = o->arch ? arch_name(o->arch) : platform_arch();
	doc->variant = o->variant ? o->variant : o->arch ? NULL : platform_variant();
	if (str_is_empty(doc->variant))
		doc->variant = NULL;
	struct reference ref;
	if (r == 0 && o->name)
		r = image_parse_new_name(w->a, o->name, o->registry, &ref, e);
	if (r == 0 && o->name)
		w->name = ref_text(w->a, &ref);
	return r;
}

static bool is_url(const char *s)
{
	return !strncasecmp(s, "http://", 7) || !strncasecmp(s, "https://", 8);
}

static int run_import(struct import_work *w, struct err *e)
{
	w->board = board_new(e);
	if (!w->board)
		return -ENOMEM;
	int r = adding_run(w->h, import_inside, w, w->board, &w->o->watch, e);
	board_free(w->board);
	return r;
}

int image_import(const struct home *h, const struct image_import_opts *o,
		 struct image_import_result *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct image_doc doc = {0};
	struct import_work w = {.h = h, .o = o, .doc = &doc, .a = &a, .fd = -1, .verdict = -1};
	pid_t pid = 0;
	int r = make_doc(&w, e);

	if (r == 0)
		r = policy_check_file("tarball", strcmp(o->from, "-") != 0 ? o->from : NULL, e);
	if (r < 0)
		return r;
	w.ret = mmap(NULL, sizeof *w.ret, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (w.ret == MAP_FAILED)
		return err_set(e, errno, "share memory");
	if (is_url(o->from)) {
		w.what = o->from;
		pid = start_fetch(&w, e);
		r = pid < 0 ? pid : 0;
	} else {
		r = open_from(&w, e);
		if (r == -EACCES)
			r = 0; /* it may be another's: tried again inside */
	}
	if (r == 0)
		r = run_import(&w, e);
	fd_close(&w.fd);
	fd_close(&w.verdict);
	if (pid > 0) {
		kill(pid, SIGKILL);
		proc_wait(pid);
	}
	*ret = *w.ret;
	munmap(w.ret, sizeof *w.ret);
	if (r == 0)
		image_tell(h, "import", ret->id, o->name);
	return r;
}
