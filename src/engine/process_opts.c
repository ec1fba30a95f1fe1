#include "base/base.h"
#include "base/parse.h"
#include "engine/log_opts.h"
#include "engine/options.h"
#include "engine/process_opts.h"
#include "oci/platform.h"
#include "runtime/user.h"

static int set_annotations(const struct process_opts *o, struct container_config *c,
			   struct arena *a, struct err *e)
{
	for (size_t i = 0; i < o->annotations.n; i++) {
		const char *text = o->annotations.v[i], *eq = strchr(text, '=');
		if (!eq || eq == text) {
			err_fail(e, ERR_USAGE, "--annotation \"%.80s\" is not KEY=VALUE", text);
			return err_hint(e, "as in --annotation org.example.owner=web");
		}
		pairs_set(a, &c->annotations, arena_strndup(a, text, (size_t)(eq - text)), eq + 1);
	}
	return 0;
}

static int set_groups(const struct process_opts *o, struct container_config *c, struct arena *a,
		      struct err *e)
{
	for (size_t i = 0; i < o->groups.n; i++) {
		const char *g = o->groups.v[i];
		int r = user_check_group(g, e);
		if (r < 0)
			return r;
		strs_add(a, &c->process.groups, g);
	}
	if (strs_has(&o->groups, USER_KEEP_GROUPS) && o->groups.n > 1) {
		err_fail(e, ERR_USAGE, "--group-add keep-groups allows no other group beside it");
		return err_hint(e, "the kernel keeps the caller's groups as a whole, or replaces "
				   "them all");
	}
	return 0;
}

static int set_attach(const struct process_opts *o, struct container_config *c, struct arena *a,
		      struct err *e)
{
	static const char *const streams[] = {"stdin", "stdout", "stderr"};

	for (size_t i = 0; i < o->attach.n; i++) {
		size_t k = 0;
		while (k < countof(streams) && strcasecmp(streams[k], o->attach.v[i]) != 0)
			k++;
		if (k == countof(streams)) {
			err_fail(e, ERR_USAGE, "--attach \"%.40s\" is not a stream",
				 o->attach.v[i]);
			return err_hint(e, "the streams are stdin, stdout and stderr");
		}
		if (!strs_has(&c->attach, streams[k]))
			strs_add(a, &c->attach, streams[k]);
	}
	return 0;
}

static int set_umask(const struct process_opts *o, struct container_config *c, struct err *e)
{
	size_t n = o->umask ? strlen(o->umask) : 0;

	c->umask = CONFIG_UMASK;
	if (!n)
		return 0;
	if (n > 4 || strspn(o->umask, "01234567") != n) {
		err_fail(e, ERR_USAGE, "--umask \"%.40s\" is not one", o->umask);
		return err_hint(e, "up to four octal digits, as in 0027");
	}
	c->umask = strtol(o->umask, NULL, 8);
	return 0;
}

/* The zone's file is the host's, looked up at each start (runtime/mounts.c), for the rules of a zone change. */
static int set_tz(const struct process_opts *o, struct container_config *c, struct arena *a,
		  struct err *e)
{
	if (str_is_empty(o->tz))
		return 0;
	bool odd = o->tz[0] == '/' || strstr(o->tz, "..") || strlen(o->tz) > 200;
	const char *path = arena_printf(a, CONFIG_ZONEINFO "/%s", o->tz);
	struct stat st;
	if (strcmp(o->tz, "local") != 0 && (odd || stat(path, &st) < 0 || !S_ISREG(st.st_mode))) {
		err_fail(e, ERR_USAGE, "--tz \"%.80s\" is not a time zone that this machine knows",
			 o->tz);
		return err_hint(e,
				"local, or a name such as Europe/Berlin, of a file below "
				"%s (package tzdata)",
				CONFIG_ZONEINFO);
	}
	c->tz = arena_strdup(a, o->tz);
	return 0;
}

/* *ret: the file as an absolute path, for it is written at each start. */
static int set_pidfile(const char *flag, const char *file, const char **ret, struct arena *a,
		       struct err *e)
{
	char cwd[PATH_MAX];

	if (str_is_empty(file))
		return 0;
	if (file[0] != '/' && !getcwd(cwd, sizeof cwd))
		return err_set(e, errno, "find out the working directory for --%s", flag);
	*ret = file[0] == '/' ? arena_strdup(a, file) : arena_printf(a, "%s/%s", cwd, file);
	return 0;
}

/* Lines for users of this machine, looked up in its passwd. Their home is one that the container has, too. */
static int set_host_users(const struct process_opts *o, struct container_config *c, struct arena *a,
			  struct err *e)
{
	autoclose int root = o->host_users.n ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	for (size_t i = 0; i < o->host_users.n; i++) {
		const struct config_mount *m = c->mounts.v;
		struct user u;
		int r = user_resolve(root, o->host_users.v[i], &u, a, e);
		if (r < 0 || !u.name) {
			err_fail_code(e, ERR_USAGE, ENOENT,
				      "--hostuser %.80s is not a user of this machine",
				      o->host_users.v[i]);
			return err_hint(e, "it takes a name or a number that /etc/passwd has");
		}
		const char *home = str_is_empty(c->process.cwd) ? "/" : c->process.cwd;
		for (size_t k = 0; k < c->mounts.n; k++)
			if (str_eq(m[k].destination, u.home))
				home = u.home;
		strs_add(a, &c->host_users,
			 arena_printf(a, "%s:*:%u:%u:%s:%s:/bin/sh", u.name, u.uid, u.gid, u.name,
				      home));
	}
	return 0;
}

static int set_accounts(const struct process_opts *o, struct container_config *c, struct arena *a,
			struct err *e)
{
	const char *flag = o->host_users.n   ? "hostuser"
			   : o->passwd_entry ? "passwd-entry"
			   : o->group_entry  ? "group-entry"
					     : NULL;

	c->no_passwd = !o->passwd;
	if (c->no_passwd && flag) {
		err_fail(e, ERR_USAGE, "--passwd=false and --%s exclude each other", flag);
		return err_hint(e, "with --passwd=false nothing is added to the image's users");
	}
	c->passwd_entry = o->passwd_entry ? arena_strdup(a, o->passwd_entry) : NULL;
	c->group_entry = o->group_entry ? arena_strdup(a, o->group_entry) : NULL;
	return set_host_users(o, c, a, e);
}

static int check_seccomp_policy(const struct process_opts *o, struct err *e)
{
	if (str_is_empty(o->seccomp_policy) || !strcmp(o->seccomp_policy, "default"))
		return 0;
	if (strcmp(o->seccomp_policy, "image") != 0) {
		err_fail(e, ERR_USAGE, "--seccomp-policy \"%.40s\" is none", o->seccomp_policy);
		return err_hint(e, "it takes default");
	}
	err_fail(e, ERR_ABSENT,
		 "--seccomp-policy image: an image must not decide what is allowed to it");
	return err_hint(e, "take the profile out of the image's labels, look at it, and use "
			   "--security-opt seccomp=FILE");
}

static int set_oom_score_adj(const struct process_opts *o, struct container_config *c,
			     struct arena *a, const char **ret_note, struct err *e)
{
	scoped(str) text = {0};
	int64_t now = 0;

	if (!o->has_oom_score_adj)
		return 0;
	if (o->oom_score_adj < -1000 || o->oom_score_adj > 1000) {
		err_fail(e, ERR_USAGE, "--oom-score-adj %" PRId64 " is out of range",
			 o->oom_score_adj);
		return err_hint(e, "it is a number from -1000 to 1000");
	}
	c->has_oom_score_adj = true;
	c->oom_score_adj = o->oom_score_adj;
	autoclose int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fd_read_all(fd, &text, 32) == 0)
		now = strtol(str_cstr(&text), NULL, 10);
	if (geteuid() != 0 && c->oom_score_adj < now) {
		*ret_note =
			arena_printf(a,
				     "--oom-score-adj %" PRId64
				     " is lower than ours, which takes root: %" PRId64 " is used",
				     c->oom_score_adj, now);
		c->oom_score_adj = now;
	}
	return 0;
}

static int set_personality(const struct process_opts *o, struct container_config *c,
			   struct arena *a, struct err *e)
{
	if (str_is_empty(o->personality) || !strcasecmp(o->personality, "LINUX"))
		return 0;
	if (strcasecmp(o->personality, "LINUX32") != 0) {
		err_fail(e, ERR_USAGE, "--personality \"%.40s\" is none", o->personality);
		return err_hint(e, "LINUX is what the machine is, LINUX32 a machine of 32 bits");
	}
	c->personality = "LINUX32";
	return 0;
}

static int set_chroot_dirs(const struct process_opts *o, struct container_config *c,
			   struct arena *a, struct err *e)
{
	for (size_t i = 0; i < o->chroot_dirs.n; i++) {
		autofree char *path = path_clean(o->chroot_dirs.v[i]);
		if (path[0] != '/' || !path[1]) {
			err_fail(e, ERR_USAGE,
				 "--chrootdirs \"%.80s\" is not a directory below the "
				 "container's root",
				 o->chroot_dirs.v[i]);
			return err_hint(e, "it is an absolute path in the container: "
					   "/var/lib/bind");
		}
		strs_add(a, &c->chroot_dirs, arena_strdup(a, path));
	}
	return 0;
}

int process_opts_apply(const struct process_opts *o, struct container_config *c, struct arena *a,
		       const char **ret_note, struct err *e)
{
	int r = set_annotations(o, c, a, e);

	*ret_note = NULL;
	if (r == 0)
		r = set_groups(o, c, a, e);
	if (r == 0)
		r = set_attach(o, c, a, e);
	if (r == 0)
		r = set_umask(o, c, e);
	if (r == 0)
		r = set_tz(o, c, a, e);
	if (r == 0)
		r = set_pidfile("pidfile", o->pidfile, &c->pidfile, a, e);
	if (r == 0)
		r = set_pidfile("conmon-pidfile", o->conmon_pidfile, &c->conmon_pidfile, a, e);
	if (r == 0)
		r = check_seccomp_policy(o, e);
	if (r == 0)
		r = set_personality(o, c, a, e);
	if (r == 0)
		r = set_chroot_dirs(o, c, a, e);
	if (r == 0)
		r = set_accounts(o, c, a, e);
	if (r == 0)
		r = set_oom_score_adj(o, c, a, ret_note, e);
	if (r == 0)
		r = log_opts_apply(o->log_driver, &o->log_opts, c, a, e);
	for (size_t i = 0; i < o->label_files.n && r == 0; i++)
		r = options_label_file(a, o->label_files.v[i], &c->labels, e);
	if (o->timeout > INT32_MAX && r == 0) {
		err_fail(e, ERR_USAGE, "--timeout %" PRIu64 " is too long", o->timeout);
		return err_hint(e, "at most %d seconds; 0 is no limit", INT32_MAX);
	}
	c->timeout = (int64_t)o->timeout;
	return r;
}

/* ---- environment */

void process_opts_host_env(const struct process_opts *o, struct strs *env, struct arena *a)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
					      "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};

	for (char **v = environ; o->env_host && v && *v; v++) {
		const char *eq = strchr(*v, '=');
		if (eq && eq != *v)
			env_set(a, env, *v, (size_t)(eq - *v), eq + 1);
	}
	for (size_t i = 0; i < countof(proxies) && o->http_proxy; i++) {
		const char *v = getenv(proxies[i]);
		if (!str_is_empty(v))
			env_set(a, env, proxies[i], strlen(proxies[i]), v);
	}
}

void process_opts_unset_env(const struct process_opts *o, struct strs *env, struct arena *a)
{
	size_t n = 0;

	for (size_t i = 0; i < env->n && !o->unset_env_all; i++) {
		const char *name = arena_strndup(a, env->v[i], strcspn(env->v[i], "="));
		if (!strs_has(&o->unset_env, name))
			env->v[n++] = env->v[i];
	}
	env->n = n;
	if (env->v)
		env->v[n] = NULL;
}

/* The end of what stands behind a $: NAME, {NAME}, {NAME:-TEXT} or {NAME:+TEXT}. NULL: it is none of these. */
static const char *expand_one(struct arena *a, const char *p, const struct strs *env,
			      struct str *to)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	bool braces = *p == '{';
	const char *name = p + braces;
	size_t n = strspn(name, letters);
	const char *end = name + n, *other = NULL;
	size_t len = 0;

	if (!n)
		return NULL;
	if (braces && *end == ':' && (end[1] == '-' || end[1] == '+')) {
		other = end + 2;
		len = strcspn(other, "}");
		end = other + len;
	}
	if (braces && *end != '}')
		return NULL;
	const char *value = env_get(env, arena_strndup(a, name, n));
	bool set = !str_is_empty(value);
	if (other && set == (other[-1] == '+'))
		str_addn(to, other, len);
	else if (set && !(other && other[-1] == '+'))
		str_add(to, value);
	return end + braces;
}

int process_opts_merge_env(const struct process_opts *o, struct strs *env, struct arena *a,
			   struct err *e)
{
	for (size_t i = 0; i < o->env_merge.n; i++) {
		const char *text = o->env_merge.v[i], *eq = strchr(text, '=');
		scoped(str) value = {0};
		if (!eq || eq == text) {
			err_fail(e, ERR_USAGE, "--env-merge \"%.80s\" is not KEY=VALUE", text);
			return err_hint(e, "as in --env-merge 'PATH=${PATH}:/opt/bin'");
		}
		for (const char *p = eq + 1; *p;) {
			const char *end = *p == '$' ? expand_one(a, p + 1, env, &value) : NULL;
			if (!end)
				str_addc(&value, *p++);
			else
				p = end;
		}
		env_set(a, env, text, (size_t)(eq - text), arena_strdup(a, str_cstr(&value)));
	}
	return 0;
}

/* ---- platform */

int process_opts_platform(const struct process_opts *o, const struct image_doc *doc,
			  const char *image, struct arena *a, const char **ret_note, struct err *e)
{
	struct platform_want want;
	int r = platform_parse_flags(a, o->platform, o->os, o->arch, o->variant, &want, e);

	*ret_note = NULL;
	if (r < 0)
		return r;
	if (!platform_fits(doc, &want)) {
		err_fail_code(e, ERR_PLATFORM, ENOENT,
			      "image %.120s is for %s, not for the platform that was asked for",
			      image, platform_text(a, doc));
		return err_hint(e, "load or pull the image for that platform under its name");
	}
	if (!want.arch && !platform_is_ours(doc))
		*ret_note = arena_printf(a, "image %.120s is for %s, this machine is linux/%s",
					 image, platform_text(a, doc), platform_arch());
	return 0;
}
