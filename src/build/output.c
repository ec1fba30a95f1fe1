#include <signal.h>

#include "base/base.h"
#include "base/parse.h"
#include "build/output.h"
#include "engine/target.h"
#include "store/layer_form.h"
#include "store/pack.h"
#include "store/unpack.h"
#include "store/view.h"

enum { PIECE = 256 << 10 };

/* ---- what is asked for */

static int bad(struct err *e, const char *text, const char *hint)
{
	err_fail(e, ERR_USAGE, "--output %.200s", text);
	return err_hint(e, "%s", hint);
}

static int parse_kind(const char *v, struct output_want *w, struct err *e)
{
	static const struct {
		const char *name;
		enum output_kind kind;
	} kinds[] = {{"image", OUTPUT_IMAGE},	{"oci", OUTPUT_OCI},
		     {"docker", OUTPUT_DOCKER}, {"tar", OUTPUT_TAR},
		     {"local", OUTPUT_LOCAL},	{"cacheonly", OUTPUT_NOTHING},
		     {"registry", OUTPUT_IMAGE}};

	for (size_t i = 0; i < countof(kinds); i++) {
		if (strcmp(v, kinds[i].name) != 0)
			continue;
		w->kind = kinds[i].kind;
		w->push |= !strcmp(v, "registry");
		return 0;
	}
	err_fail(e, ERR_USAGE, "--output has no type \"%.40s\"", v);
	return err_hint(e, "it has image, registry, oci, docker, tar, local and cacheonly");
}

static int parse_flag(const char *key, const char *v, bool *ret, struct err *e)
{
	if (!strcmp(v, "true") || !strcmp(v, "1") || !*v)
		*ret = true;
	else if (!strcmp(v, "false") || !strcmp(v, "0"))
		*ret = false;
	else
		return err_fail(e, ERR_USAGE, "--output %s=%.40s is neither true nor false", key,
				v);
	return 0;
}

/* Keys of BuildKit that change nothing here, or ask for what there is not. */
static int odd_key(const char *key, const char *v, struct err *e)
{
	static const char *const no_meaning[] = {"unpack",
						 "store",
						 "name-canonical",
						 "buildinfo",
						 "dangling-name-prefix",
						 "platform-split",
						 "registry.insecure"};

	for (size_t i = 0; i < countof(no_meaning); i++)
		if (!strcmp(key, no_meaning[i]))
			return 0;
	if (!strcmp(key, "push-by-digest"))
		return bad(e, "push-by-digest: hoy pushes by name",
			   "give the image a name with name= or -t");
	if (str_starts(key, "attestation") || str_starts(key, "attest"))
		return bad(e, "attestations: hoy makes none",
			   "syft and cosign make and sign them of what was built");
	err_fail(e, ERR_USAGE, "--output has no key \"%.40s\"", key);
	return err_hint(e, "it has type, dest, name, push, tar, compression, compression-level, "
			   "force-compression, oci-mediatypes, annotation.KEY, rewrite-timestamp");
}

static int parse_key(const char *key, const char *v, struct arena *a, struct output_want *w,
		     bool *ret_no_tar, struct err *e)
{
	bool flag = false;
	int r = 0;

	if (!strcmp(key, "type"))
		return parse_kind(v, w, e);
	if (!strcmp(key, "dest") || !strcmp(key, "path"))
		w->dest = strcmp(v, "-") ? v : NULL;
	else if (!strcmp(key, "name"))
		strs_add(a, &w->names, v);
	else if (!strcmp(key, "push"))
		r = parse_flag(key, v, &w->push, e);
	else if (!strcmp(key, "tar")) {
		r = parse_flag(key, v, &flag, e);
		*ret_no_tar = !flag;
	} else if (!strcmp(key, "compression"))
		w->compression = v;
	else if (!strcmp(key, "compression-level"))
		r = parse_i64(v, 0, 22, &w->level) < 0 ? bad(e, "compression-level is no level",
							     "gzip takes 1 to 9, zstd 1 to 20")
						       : 0;
	else if (!strcmp(key, "force-compression"))
		r = parse_flag(key, v, &w->force, e);
	else if (!strcmp(key, "oci-mediatypes")) {
		r = parse_flag(key, v, &flag, e);
		w->docker_types = !flag;
	} else if (!strcmp(key, "rewrite-timestamp"))
		r = parse_flag(key, v, &w->rewrite, e);
	else if (str_starts(key, "annotation."))
		pairs_set(a, &w->annotations, key + 11, v);
	else
		r = odd_key(key, v, e);
	return r;
}

static int check(struct output_want *w, bool no_tar, bool has_dest, struct err *e)
{
	bool archive = w->kind == OUTPUT_OCI || w->kind == OUTPUT_DOCKER;

	w->dir = archive && no_tar;
	if (w->dir && w->kind == OUTPUT_DOCKER)
		return bad(e, "type=docker,tar=false: docker loads archives only",
			   "type=oci,tar=false writes an OCI layout");
	if (w->dir && !w->dest)
		return bad(e, "tar=false wants a directory", "name it: dest=DIR");
	if (w->kind == OUTPUT_LOCAL && !w->dest)
		return bad(e, "type=local wants a directory",
			   "name it: dest=DIR; type=tar,dest=- goes to standard output");
	if (w->push && w->kind != OUTPUT_IMAGE)
		return bad(e, "push=true is for type=image",
			   "--push pushes what was built as well");
	if (archive && w->compression && strcmp(w->compression, "uncompressed") != 0)
		return bad(e, "compression= in an archive: hoy writes layers there as it has them",
			   "compress the file; what is pushed is compressed");
	if (w->compression && !strcmp(w->compression, "uncompressed"))
		w->compression = NULL;
	/* docker: without a place it is the image itself, as --load */
	if (w->kind == OUTPUT_DOCKER && !has_dest)
		w->kind = OUTPUT_IMAGE;
	return 0;
}

int output_parse(const char *text, struct arena *a, struct output_want *ret, struct err *e)
{
	scoped(strv) words = {0};
	bool no_tar = false, has_dest = false, typed = false;
	int r = 0;

	*ret = (struct output_want){.level = -1, .docker_types = -1};
	if (!*text)
		return bad(e, "is empty", "name a directory, or type=TYPE,dest=PATH");
	if (!strchr(text, '=')) { /* a path has one with "type=local,dest=" in front only */
		ret->kind = strcmp(text, "-") ? OUTPUT_LOCAL : OUTPUT_TAR;
		ret->dest = strcmp(text, "-") ? arena_strdup(a, text) : NULL;
		return 0;
	}
	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n && r == 0; i++) {
		char *eq = strchr(words.v[i], '=');
		const char *value = eq ? arena_strdup(a, eq + 1) : "";
		if (eq)
			*eq = 0;
		typed |= !strcmp(words.v[i], "type");
		has_dest |= !strcmp(words.v[i], "dest") || !strcmp(words.v[i], "path");
		if (!strcmp(words.v[i], "name") && !eq)
			r = bad(e, "name= is empty", "name=NAME[:TAG]");
		else
			r = parse_key(words.v[i], value, a, ret, &no_tar, e);
	}
	if (r == 0 && !typed)
		return bad(e, text, "it wants a type: image, registry, oci, docker, tar or local");
	return r < 0 ? r : check(ret, no_tar, has_dest, e);
}

bool output_wants_image(const struct output_want *w)
{
	return w->kind == OUTPUT_IMAGE || w->kind == OUTPUT_OCI || w->kind == OUTPUT_DOCKER;
}

bool output_keeps_image(const struct output_want *w)
{
	return w->kind == OUTPUT_IMAGE;
}

/* ---- files */

struct files_work {
	const struct home *h;
	const struct build_output *out;
	int fd; /* to write the tar to, or the directory */
	bool tar;
	const char *what;
};

static int write_tar(struct source src, const struct files_work *w, struct err *e)
{
	autofree char *buf = xcalloc(1, PIECE);

	for (;;) {
		ssize_t n = src.read(src.arg, buf, PIECE, e);
		if (n <= 0)
			return (int)n;
		int r = fd_write_all(w->fd, buf, (size_t)n);
		if (r < 0)
			return err_set(e, r, "write %s", w->what);
	}
}

static int write_dir(struct source src, const struct u0_map *map, const struct files_work *w,
		     struct err *e)
{
	const struct unpack_limits lim = {.max_bytes = UINT64_MAX >> 1,
					  .max_entries = UINT64_MAX >> 1};
	const struct unpack_plain how = {
		.owner = UNPACK_SELF, .no_set_ids = true, .no_devices = true, .keep_root = true};
	autofree char *buf = xcalloc(1, PIECE);
	struct u0_map mine = *map;
	struct unpack *u;

	mine.form = FORM_ONE; /* nothing is chowned */
	umask(0);
	int r = unpack_open(&u, w->fd, -1, &mine, &lim, w->what, e);
	if (r < 0)
		return r;
	unpack_as_plain(u, &how);
	for (ssize_t n = 1; n > 0 && r == 0;) {
		n = src.read(src.arg, buf, PIECE, e);
		r = n < 0 ? (int)n : n ? unpack_feed(u, buf, (size_t)n, e) : 0;
	}
	if (r == 0)
		r = unpack_finish(u, NULL, e);
	unpack_close(u);
	return r;
}

static int files_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct files_work *w = arg;
	const struct strs *layers = &w->out->layers;
	scoped(view) v = VIEW_NONE;
	struct home seen;
	int r = layer_forms_make(w->h, map, layers, e);

	signal(SIGPIPE, SIG_IGN); /* an error like any other */
	if (r == 0)
		r = view_enter(w->h, &seen, e);
	if (r == 0)
		r = view_open(&seen, u0_form_name(map->form), layers, layers->n, NULL, &v, e);
	if (r < 0)
		return r;
	struct pack *p = pack_open(&seen, v.root, "what was built");
	pack_without_root(p);
	if (map->form == FORM_ONE)
		pack_kept_owners(p);
	r = w->tar ? write_tar(pack_source(p), w, e) : write_dir(pack_source(p), map, w, e);
	pack_close(p);
	return r;
}

/* u0_run() takes signals; what is unfinished is removed by us. */
static int run_held(const struct home *h, struct files_work *w, struct err *e)
{
	sigset_t old, set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	int r = u0_run(h, files_inside, w, e);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

static int files_tar(const struct home *h, const struct output_want *w,
		     const struct build_output *out, struct err *e)
{
	struct files_work work = {.h = h, .out = out, .tar = true};
	struct target to;
	int r = target_open(&to, w->dest, "hoy build --output - > FILE", e);

	work.fd = to.fd;
	work.what = to.what;
	if (r == 0)
		r = run_held(h, &work, e);
	if (r == 0)
		r = target_finish(&to, e);
	target_free(&to);
	return r;
}

static int files_local(const struct home *h, const struct output_want *w,
		       const struct build_output *out, bool several, struct err *e)
{
	struct files_work work = {.h = h, .out = out, .what = w->dest};
	autofree char *sub = xstrdup(several ? out->platform : "");

	for (char *s = sub; *s; s++)
		*s = *s == '/' ? '_' : *s;
	autofree char *path = several ? path_join(w->dest, sub) : xstrdup(w->dest);
	int r = path_mkdir_p_at(AT_FDCWD, path, 0755);
	if (r < 0)
		return err_set(e, r, "make the directory %s", path);
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open the directory %s", path);
	work.fd = dir;
	return run_held(h, &work, e);
}

int output_files(const struct home *h, const struct output_want *w, const struct build_result *res,
		 struct err *e)
{
	const struct build_output *v = res->outputs.v;
	size_t n = res->outputs.n;
	int r = 0;

	if (w->kind == OUTPUT_TAR && n > 1)
		return bad(e, "type=tar holds the files of one platform",
			   "type=local makes a directory for each");
	for (size_t i = 0; i < n && r == 0; i++)
		r = w->kind == OUTPUT_TAR ? files_tar(h, w, &v[i], e)
					  : files_local(h, w, &v[i], n > 1, e);
	return r;
}
