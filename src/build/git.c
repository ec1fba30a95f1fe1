/*
 * How it works: the words of a URL are checked here before git sees them, and every call is of the same form: an absolute program, an environment made here, settings in front, "--" before what comes from
 * outside. A commit is found by asking for the names of references (ls-remote), fetched alone where the server allows that, else with everything, and checked out. What git says goes to a
 * file in memory, of which the last line is quoted when it fails.
 */
#include <dirent.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/proc.h"
#include "build/fetch.h"
#include "build/git.h"

enum { MAX_OUTPUT = 1 << 20, MAX_URL = 4096, MAX_DEPTH = 400 };

static int wrong(const char *text, const char *why, struct err *e)
{
	return err_fail(e, ERR_CONTEXT, "the git repository %.200s: %s", text, why);
}

/* What git would take for an option, a refspec or a pattern is none. git-check-ref-format(1). */
static bool is_ref(const char *s)
{
	if (!*s || *s == '-' || *s == '+' || *s == '/' || strlen(s) > 1024)
		return false;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("~^:?*[\\", *p) ||
		    (*p == '.' && p[1] == '.') || (*p == '@' && p[1] == '{'))
			return false;
	return true;
}

static bool is_hex(const char *s, size_t min)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n >= min && n <= 64 && !s[n];
}

static bool is_commit(const char *s)
{
	return is_hex(s, 40) && (strlen(s) == 40 || strlen(s) == 64);
}

static bool leads_out(const char *path)
{
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n;
		p += strspn(p, "/");
	}
	return false;
}

static int parse_bool(const char *v, const char *text, int *ret, struct err *e)
{
	if (!*v || !strcmp(v, "1") || !strcasecmp(v, "true") || !strcasecmp(v, "t"))
		*ret = 1;
	else if (!strcmp(v, "0") || !strcasecmp(v, "false") || !strcasecmp(v, "f"))
		*ret = 0;
	else
		return wrong(text, "a value in its query is neither true nor false", e);
	return 0;
}

static int set_once(const char **to, const char *v, const char *text, struct err *e)
{
	if (*to && strcmp(*to, v) != 0)
		return wrong(text, "it says two things about what to check out", e);
	*to = v;
	return 0;
}

/* "refs/tags/" in front, if it is not there. */
static const char *with_prefix(struct arena *a, const char *prefix, const char *v)
{
	return str_starts(v, prefix) ? v : arena_printf(a, "%s%s", prefix, v);
}

static int query_pair(const char *k, const char *v, const char *text, struct arena *a,
		      struct git_ref *g, struct err *e)
{
	int flag = 1, r = 0;

	if (!strcmp(k, "keep-git-dir"))
		return parse_bool(v, text, &g->keep_git_dir, e);
	if (!strcmp(k, "submodules")) {
		r = parse_bool(v, text, &flag, e);
		g->submodules = flag;
		return r;
	}
	if (!*v)
		return wrong(text, "a key of its query has no value", e);
	if (!strcmp(k, "ref"))
		return set_once(&g->ref, v, text, e);
	if (!strcmp(k, "tag"))
		return set_once(&g->ref, with_prefix(a, "refs/tags/", v), text, e);
	if (!strcmp(k, "branch"))
		return set_once(&g->ref, with_prefix(a, "refs/heads/", v), text, e);
	if (!strcmp(k, "subdir"))
		return set_once(&g->subdir, v, text, e);
	if (!strcmp(k, "commit") || !strcmp(k, "checksum"))
		return set_once(&g->commit, v, text, e);
	wrong(text, "its query has a key that is not known", e);
	return err_hint(e, "known are ref, tag, branch, commit, checksum, subdir, keep-git-dir and "
			   "submodules");
}

static int parse_query(const char *q, size_t len, const char *text, struct arena *a,
		       struct git_ref *g, struct err *e)
{
	for (size_t at = 0; at < len;) {
		size_t n = 0;
		while (at + n < len && q[at + n] != '&')
			n++;
		const char *eq = memchr(q + at, '=', n);
		size_t k = eq ? (size_t)(eq - (q + at)) : n;
		const char *key = fetch_unescape(a, q + at, k);
		const char *value = eq ? fetch_unescape(a, eq + 1, n - k - 1) : "";
		int r = !key || !value ? wrong(text, "its query cannot be read", e)
				       : query_pair(key, value, text, a, g, e);
		if (r < 0)
			return r;
		at += n + 1;
	}
	return 0;
}

static int parse_fragment(const char *s, const char *text, struct arena *a, struct git_ref *g,
			  struct err *e)
{
	size_t n = strcspn(s, ":");
	const char *ref = fetch_unescape(a, s, n),
		   *sub = s[n] ? fetch_unescape(a, s + n + 1, strlen(s + n + 1)) : "";
	int r = 0;

	if (!ref || !sub)
		return wrong(text, "what stands behind \"#\" cannot be read", e);
	if (*ref)
		r = set_once(&g->ref, ref, text, e);
	if (r == 0 && *sub)
		r = set_once(&g->subdir, sub, text, e);
	return r;
}

/* "user@host:path" */
static bool is_scp(const char *s, size_t n)
{
	static const char name[] =
		"-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t at = strspn(s, name), host;

	if (!at || at >= n || s[at] != '@')
		return false;
	for (host = ++at; at < n && s[at] != ':' && s[at] != '/'; at++)
		;
	return at > host && at + 1 < n && s[at] == ':';
}

enum scheme { NO_SCHEME, SCHEME_HTTP, SCHEME_SSH, SCHEME_GIT, SCHEME_FILE, SCHEME_OTHER };

static enum scheme scheme_of(const char *s)
{
	static const struct {
		const char *text;
		enum scheme scheme;
	} known[] = {{"https", SCHEME_HTTP},
		     {"http", SCHEME_HTTP},
		     {"ssh", SCHEME_SSH},
		     {"git", SCHEME_GIT},
		     {"file", SCHEME_FILE}};
	const char *end = strstr(s, "://");

	if (!end || end == s)
		return NO_SCHEME;
	for (size_t i = 0; i < countof(known); i++)
		if (strlen(known[i].text) == (size_t)(end - s) &&
		    !strncasecmp(s, known[i].text, (size_t)(end - s)))
			return known[i].scheme;
	return SCHEME_OTHER;
}

/* Host, user and path that ssh or git could take for an option; bytes that no URL has. */
static int check_url(const char *url, const char *text, struct err *e)
{
	const char *host = strstr(url, "://");

	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return wrong(text, "it has blanks or control characters", e);
	host = host ? host + 3 : url;
	const char *slash = strchrnul(host, '/'), *at = host;
	for (const char *p = host; p < slash; p++)
		if (*p == '@')
			at = p + 1;
	const char *path = strchr(at, ':');
	if (*host == '-' || *at == '-' || (path && path[1] == '-' && !strstr(url, "://")))
		return wrong(text, "a part of it begins with \"-\"", e);
	return 0;
}

static int check_words(const struct git_ref *g, const char *text, struct err *e)
{
	if (g->ref && !is_ref(g->ref))
		return wrong(text, "what it asks for is no name of a branch, tag or commit", e);
	if (g->commit && !is_hex(g->commit, 7))
		return wrong(text, "the commit that it asks for is none", e);
	if (g->subdir && leads_out(g->subdir))
		return wrong(text, "the subdirectory leads out of it", e);
	return 0;
}

int git_parse(const char *text, bool context, struct arena *a, struct git_ref *ret, struct err *e)
{
	size_t n = strcspn(text, "?#");
	const char *q = text[n] == '?' ? text + n + 1 : NULL, *frag = strchr(text, '#');
	enum scheme s = scheme_of(text);
	bool github = context && str_starts(text, "github.com/");

	*ret = (struct git_ref){.keep_git_dir = -1, .submodules = true};
	if (str_starts(text, "./") || str_starts(text, "../") || s == SCHEME_OTHER)
		return 0;
	if (s == NO_SCHEME && !github && !is_scp(text, n))
		return 0;
	if (s == SCHEME_HTTP && !(n > 4 && !memcmp(text + n - 4, ".git", 4)))
		return 0;
	if (strlen(text) > MAX_URL)
		return wrong(text, "it is too long", e);
	ret->url = arena_printf(a, "%s%.*s", github ? "https://" : "", (int)n, text);
	int r = check_url(ret->url, text, e);
	if (r == 0 && q)
		r = parse_query(q, frag ? (size_t)(frag - q) : strlen(q), text, a, ret, e);
	if (r == 0 && frag)
		r = parse_fragment(frag + 1, text, a, ret, e);
	if (r == 0)
		r = check_words(ret, text, e);
	if (r == 0 && ret->commit && !ret->ref && is_commit(ret->commit))
		ret->ref = ret->commit;
	return r < 0 ? r : 1;
}

/* ---- running it */

static char *find_git(void)
{
	scoped(strv) dirs = {0};

	strv_split(&dirs, getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		char *path = path_join(dirs.v[i], "git");
		if (dirs.v[i][0] == '/' && access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static void make_env(struct strv *env)
{
	static const char *const kept[] = {
		"PATH",		  "HOME",	   "USER",	"LOGNAME",	 "SSH_AUTH_SOCK",
		"http_proxy",	  "https_proxy",   "no_proxy",	"all_proxy",	 "HTTP_PROXY",
		"HTTPS_PROXY",	  "NO_PROXY",	   "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"GIT_SSL_CAINFO", "GIT_SSL_CAPATH"};
	static const char *const ours[] = {"LC_ALL=C",
					   "GIT_CONFIG_NOSYSTEM=1",
					   "GIT_CONFIG_GLOBAL=/dev/null",
					   "GIT_ATTR_NOSYSTEM=1",
					   "GIT_TERMINAL_PROMPT=0",
					   "GIT_ASKPASS=",
					   "SSH_ASKPASS=",
					   "SSH_ASKPASS_REQUIRE=never",
					   "GIT_SSH_COMMAND=ssh -oBatchMode=yes",
					   "GIT_SSH_VARIANT=ssh",
					   "GIT_LFS_SKIP_SMUDGE=1",
					   "GIT_HTTP_LOW_SPEED_LIMIT=1024",
					   "GIT_HTTP_LOW_SPEED_TIME=30"};

	for (size_t i = 0; i < countof(kept); i++)
		if (getenv(kept[i]))
			strv_addf(env, "%s=%s", kept[i], getenv(kept[i]));
	for (size_t i = 0; i < countof(ours); i++)
		strv_add(env, ours[i]);
}

static void add_settings(struct strv *args, bool file)
{
	static const char *const set[] = {
		"protocol.allow=never",	      "protocol.https.allow=always",
		"protocol.http.allow=always", "protocol.ssh.allow=always",
		"protocol.git.allow=always",  "core.hooksPath=/dev/null",
		"core.fsmonitor=false",	      "core.symlinks=true",
		"core.autocrlf=false",	      "core.logAllRefUpdates=false",
		"credential.helper=",	      "init.templateDir=",
		"init.defaultBranch=main",    "advice.detachedHead=false",
		"fetch.recurseSubmodules=no", "gc.auto=0",
		"maintenance.auto=false"};

	for (size_t i = 0; i < countof(set); i++) {
		strv_add(args, "-c");
		strv_add(args, set[i]);
	}
	strv_add(args, "-c");
	strv_addf(args, "protocol.file.allow=%s", file ? "always" : "never");
}

/* The last line of what git said, without "fatal: ". */
static char *last_words(const struct str *err)
{
	scoped(strv) lines = {0};
	const char *best = "";

	strv_split(&lines, str_cstr(err), '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (*lines.v[i] &&
		    (str_starts(lines.v[i], "fatal: ") || !str_starts(best, "fatal: ")))
			best = lines.v[i];
	return xstrdup(str_starts(best, "fatal: ") ? best + 7 : best);
}

/* git, with what comes behind the settings. where: -C; NULL: anywhere. Its output goes to out. *ret_code: how it ended. */
static int run(const struct git_ref *g, const char *where, const char *const *words,
	       struct str *out, struct str *said, struct err *e)
{
	scoped(strv) args = {0};
	scoped(strv) env = {0};
	autofree char *git = find_git();
	autoclose int o = memfd_create("git", MFD_CLOEXEC), x = memfd_create("git", MFD_CLOEXEC);
	pid_t pid;

	if (!git) {
		err_fail_code(e, ERR_CONTEXT_FETCH, ENOENT, "git is not installed");
		return err_hint(e, "install it: hoy uses it for repositories");
	}
	strv_add(&args, "git");
	add_settings(&args, scheme_of(g->url) == SCHEME_FILE);
	if (where) {
		strv_add(&args, "-C");
		strv_add(&args, where);
	}
	for (; *words; words++)
		strv_add(&args, *words);
	make_env(&env);
	if (o < 0 || x < 0)
		return err_set(e, errno, "make a file in memory");
	struct spawn sp = {.path = git,
			   .argv = (const char *const *)args.v,
			   .envp = (const char *const *)env.v,
			   .in = -1,
			   .out = o,
			   .err = x};
	mode_t was = umask(022);
	int r = proc_spawn(&sp, &pid, e);
	umask(was);
	if (r < 0)
		return r;
	r = proc_wait(pid);
	lseek(o, 0, SEEK_SET);
	lseek(x, 0, SEEK_SET);
	fd_read_all(o, out, MAX_OUTPUT);
	fd_read_all(x, said, MAX_OUTPUT);
	return r < 0 ? err_set(e, r, "wait for git") : r;
}

static int git(const struct git_ref *g, const char *where, const char *const *words,
	       struct str *out, struct err *e)
{
	scoped(str) said = {0};
	int r = run(g, where, words, out, &said, e);

	if (r <= 0)
		return r;
	autofree char *last = last_words(&said);
	return err_fail_code(e, ERR_CONTEXT_FETCH, EIO, "git: %.200s: %.200s", g->url,
			     *last ? last : "it failed");
}

/* The commit in the list of references: a branch before a tag, and of a tag what it leads to. */
static bool pick(const char *list, const char *ref, char ret[static GIT_COMMIT])
{
	const char *const forms[] = {"%s", "refs/heads/%s", "refs/tags/%s^{}", "refs/tags/%s"};
	scoped(strv) lines = {0};

	strv_split(&lines, list, '\n');
	for (size_t f = 0; f < countof(forms); f++) {
		const char *percent = strchr(forms[f], '%');
		for (int deref = 1; deref >= 0; deref--) {
			autofree char *want =
				xasprintf("%.*s%s%s%s", (int)(percent - forms[f]), forms[f], ref,
					  percent + 2, deref ? "^{}" : "");
			for (size_t i = 0; i < lines.n; i++) {
				size_t n = strcspn(lines.v[i], "\t");
				if (n >= GIT_COMMIT || !lines.v[i][n] ||
				    strcmp(lines.v[i] + n + 1, want) != 0)
					continue;
				memcpy(ret, lines.v[i], n);
				ret[n] = 0;
				return is_commit(ret);
			}
		}
	}
	return false;
}

static int check_commit(const struct git_ref *g, const char *commit, struct err *e)
{
	if (!g->commit || str_starts(commit, g->commit))
		return 0;
	return err_fail(e, ERR_DIGEST_MISMATCH, "%.200s: %s is the commit %s, not %s", g->url,
			g->ref ?: "HEAD", commit, g->commit);
}

int git_find_commit(const struct git_ref *g, char ret[static GIT_COMMIT], struct err *e)
{
	scoped(str) out = {0};
	const char *ref = g->ref ?: "HEAD";

	if (is_commit(ref)) {
		memcpy(ret, ref, strlen(ref) + 1);
		return check_commit(g, ret, e);
	}
	autofree char *peeled = xasprintf("%s^{}", ref);
	int r = git(g, NULL, (const char *[]){"ls-remote", "--", g->url, ref, peeled, NULL}, &out,
		    e);
	if (r < 0)
		return r;
	if (!pick(str_cstr(&out), ref, ret)) {
		err_fail_code(e, ERR_CONTEXT_FETCH, ENOENT, "%.200s has no branch or tag %s",
			      g->url, ref);
		return err_hint(e, "a commit is named by all of its digits");
	}
	return check_commit(g, ret, e);
}

/* Names ".git" are what git and its submodules have for their administration; no commit can hold one. */
static void drop_git_files(int dir, int depth)
{
	struct stat st;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 || depth > MAX_DEPTH ? NULL : fdopendir(fd);

	path_rm_tree_at(dir, ".git");
	for (struct dirent *de; d && (de = readdir(d));) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
		    fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
			continue;
		autoclose int below =
			openat(dir, de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			drop_git_files(below, depth + 1);
	}
	if (d)
		closedir(d);
	else
		fd_close(&fd);
}

static int checkout(const struct git_ref *g, const char *where, const char *commit, struct err *e)
{
	scoped(str) out = {0};
	int r = git(g, where, (const char *[]){"init", "-q", NULL}, &out, e);

	if (r < 0)
		return r;
	/* One commit; a server that gives only what has a name is asked for everything. */
	r = git(g, where,
		(const char *[]){"fetch", "-q", "--depth=1", "--no-tags", "--", g->url, commit,
				 NULL},
		&out, e);
	if (r < 0)
		r = git(g, where,
			(const char *[]){"fetch", "-q", "--tags", "--", g->url,
					 "+refs/heads/*:refs/remotes/origin/*", NULL},
			&out, e);
	if (r == 0)
		r = git(g, where,
			(const char *[]){"checkout", "-q", "--force", "--detach", commit, NULL},
			&out, e);
	if (r < 0)
		return r;
	str_reset(&out);
	r = git(g, where, (const char *[]){"rev-parse", "--verify", "HEAD", NULL}, &out, e);
	if (r == 0 && !str_starts(str_cstr(&out), commit))
		r = err_fail(e, ERR_DIGEST_MISMATCH, "%.200s gave another commit than %s", g->url,
			     commit);
	return r;
}

int git_checkout(const struct git_ref *g, int dir, bool keep_git_dir, char ret[static GIT_COMMIT],
		 struct err *e)
{
	char link[40], where[PATH_MAX];
	scoped(str) out = {0};
	struct stat st;
	int r = git_find_commit(g, ret, e);

	if (r < 0)
		return r;
	snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
	ssize_t n = readlink(link, where, sizeof where - 1);
	if (n <= 0)
		return err_set(e, errno, "read %s", link);
	where[n] = 0;
	r = checkout(g, where, ret, e);
	if (r == 0 && g->submodules && fstatat(dir, ".gitmodules", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode)) {
		struct git_ref sub = *g;
		sub.url = "submodules"; /* for messages; and the protocol file is not for them */
		r = git(&sub, where,
			(const char *[]){"submodule", "--quiet", "update", "--init", "--recursive",
					 "--depth=1", NULL},
			&out, e);
		if (r < 0)
			err_context(e, "%.200s", g->url);
	}
	if (r == 0 && !keep_git_dir)
		drop_git_files(dir, 0);
	return r;
}
