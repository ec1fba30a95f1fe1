#include <sys/mman.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/autostart.h"
#include "state/home.h"

enum { CRONTAB_MAX = 1 << 20 };
#define MARK "# made by: hoy autostart on"

/* ---- programs of others */

/* The first of this name in PATH; NULL if there is none. */
static const char *program(const char *name, struct arena *a)
{
	const char *path = getenv("PATH");
	scoped(strv) dirs = {0};

	strv_split(&dirs, path && *path ? path : "/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		const char *p = arena_printf(a, "%s/%s", dirs.v[i], name);
		if (*dirs.v[i] == '/' && access(p, X_OK) == 0)
			return p;
	}
	return NULL;
}

/* Runs it with these bytes as its input, and takes what it prints. Its exit status, or -errno. */
static int run(const char *const *argv, const struct str *in, struct str *out, struct err *e)
{
	autoclose int from = memfd_create("hoy", MFD_CLOEXEC),
		      to = memfd_create("hoy", MFD_CLOEXEC);
	pid_t pid;

	if (from < 0 || to < 0)
		return err_set(e, errno, "memfd_create");
	if (in && in->len && fd_write_all(from, in->s, in->len) < 0)
		return err_set(e, errno, "write to a file in memory");
	lseek(from, 0, SEEK_SET);
	struct spawn sp = {.path = argv[0], .argv = argv, .in = from, .out = to, .err = to};
	int r = proc_spawn(&sp, &pid, e);
	if (r < 0)
		return r;
	int status = proc_wait(pid);
	lseek(to, 0, SEEK_SET);
	r = out ? fd_read_all(to, out, CRONTAB_MAX) : 0;
	return r < 0 ? err_set(e, r, "read what %s says", argv[0]) : status;
}

/* The first line of what a program said. */
static const char *said(struct str *out, struct arena *a)
{
	const char *s = str_cstr(out);

	return arena_strndup(a, s, strcspn(s, "\n"));
}

/* ---- systemd */

static const char *systemctl(struct arena *a)
{
	return access("/run/systemd/system", F_OK) == 0 ? program("systemctl", a) : NULL;
}

static const char *unit_dir(struct arena *a)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = home_of_user();

	if (geteuid() == 0)
		return "/etc/systemd/system";
	if (!str_is_empty(config) && *config == '/')
		return arena_printf(a, "%s/systemd/user", config);
	return arena_printf(a, "%s/.config/systemd/user", home ? home : "");
}

static const char *unit_path(struct arena *a)
{
	return arena_printf(a, "%s/" AUTOSTART_UNIT, unit_dir(a));
}

/* systemctl [--user] VERB [UNIT] */
static int ctl(const char *verb, bool unit, struct arena *a, struct err *e)
{
	scoped(str) out = {0};
	const char *argv[5] = {systemctl(a)};
	size_t n = 1;

	if (geteuid() != 0)
		argv[n++] = "--user";
	argv[n++] = verb;
	if (unit)
		argv[n++] = AUTOSTART_UNIT;
	int status = run(argv, NULL, &out, e);
	if (status <= 0)
		return status;
	err_fail(e, ERR_AUTOSTART, "systemctl %s: %.200s", verb, said(&out, a));
	return err_hint(e, "does your user manager run? systemctl --user status tells");
}

/* As systemd.service(5) reads a word of ExecStart=. */
static void unit_word(struct str *out, const char *word)
{
	str_addc(out, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			str_addc(out, '\\');
		if (*word == '%' || *word == '$')
			str_addc(out, *word);
		str_addc(out, *word);
	}
	str_addc(out, '"');
}

static const char *own_path(struct arena *a)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	return n > 0 ? arena_strndup(a, path, (size_t)n) : "/usr/bin/hoy";
}

static int write_unit(const char *root, const char *path, struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	const char *dir = unit_dir(a);

	str_add(&text, MARK "\n[Unit]\nDescription=Containers of hoy that start by themselves\n"
			    "Wants=network-online.target\nAfter=network-online.target\n\n"
			    "[Service]\nType=oneshot\nRemainAfterExit=yes\nDelegate=yes\n"
			    "KillMode=mixed\nExecStart=");
	unit_word(&text, own_path(a));
	if (root) {
		str_add(&text, " --root ");
		unit_word(&text, root);
	}
	str_addf(&text, " autostart\n\n[Install]\nWantedBy=%s\n",
		 geteuid() ? "default.target" : "multi-user.target");
	int r = path_mkdir_p_at(AT_FDCWD, dir, 0755);
	autoclose int fd = r < 0 ? r : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	if (r == 0)
		r = fd_replace_at(fd, AUTOSTART_UNIT, text.s, text.len, 0644, true);
	return r < 0 ? err_set(e, r, "write %s", path) : 0;
}

/* ---- cron */

/* Its present lines; none is as good. */
static int read_crontab(const char *program_path, struct str *ret, struct arena *a, struct err *e)
{
	const char *argv[] = {program_path, "-l", NULL};
	int status = run(argv, NULL, ret, e);

	if (status < 0)
		return status;
	if (status == 0)
		return 0;
	bool none = strstr(str_cstr(ret), "no crontab") != NULL;
	if (!none) {
		err_fail(e, ERR_AUTOSTART, "crontab -l: %.200s", said(ret, a));
		return err_hint(e, "may this user have a crontab? crontab(1) tells");
	}
	str_reset(ret);
	return 0;
}

/* Copies all lines but ours. Returns whether there was one of ours. */
static bool without_ours(const char *text, struct str *to)
{
	bool found = false;

	while (*text) {
		size_t n = strcspn(text, "\n");
		n += text[n] == '\n';
		autofree char *line = xstrndup(text, n);
		if (strstr(line, MARK))
			found = true;
		else
			str_addn(to, text, n);
		text += n;
	}
	return found;
}

/* For the shell that cron starts, which reads % as a newline (crontab(5)). */
static void cron_word(struct str *out, const char *word)
{
	str_addc(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			str_add(out, "'\\''");
		else if (*word == '%')
			str_add(out, "\\%");
		else
			str_addc(out, *word);
	str_addc(out, '\'');
}

static int write_crontab(const char *program_path, const struct str *text, struct arena *a,
			 struct err *e)
{
	const char *argv[] = {program_path, "-", NULL};
	scoped(str) out = {0};
	int status = run(argv, text, &out, e);

	if (status <= 0)
		return status;
	err_fail(e, ERR_AUTOSTART, "crontab refuses the new table: %.200s", said(&out, a));
	return err_hint(e, "the old one is as it was");
}

/* on: with our line, else without. */
static int set_crontab(const char *program_path, bool on, const char *root, bool *ret_changed,
		       struct arena *a, struct err *e)
{
	scoped(str) old = {0}, text = {0};
	int r = read_crontab(program_path, &old, a, e);

	if (r < 0)
		return r;
	bool was = without_ours(str_cstr(&old), &text);
	*ret_changed = on || was;
	if (!on && !was)
		return 0;
	if (on) {
		if (text.len && text.s[text.len - 1] != '\n')
			str_addc(&text, '\n');
		str_add(&text, "@reboot ");
		cron_word(&text, own_path(a));
		if (root) {
			str_add(&text, " --root ");
			cron_word(&text, root);
		}
		str_add(&text, " autostart " MARK "\n");
		*ret_changed = old.len != text.len || memcmp(str_cstr(&old), text.s, text.len);
	}
	return *ret_changed ? write_crontab(program_path, &text, a, e) : 0;
}

/* ---- both */

int autostart_look(struct autostart *ret, struct arena *a, struct err *e)
{
	const char *unit = unit_path(a), *cron = program("crontab", a);
	scoped(str) table = {0}, rest = {0};

	*ret = (struct autostart){AUTOSTART_OFF};
	if (access(unit, F_OK) == 0) {
		*ret = (struct autostart){AUTOSTART_SYSTEMD, unit};
		return 0;
	}
	int r = cron ? read_crontab(cron, &table, a, e) : 0;
	if (r == 0 && cron && without_ours(str_cstr(&table), &rest))
		*ret = (struct autostart){AUTOSTART_CRON, "crontab"};
	return r;
}

int autostart_on(const char *root, struct autostart *ret, struct arena *a, struct err *e)
{
	const char *cron = program("crontab", a);
	int r;

	if (systemctl(a)) {
		*ret = (struct autostart){AUTOSTART_SYSTEMD, unit_path(a), true};
		r = write_unit(root, ret->where, a, e);
		if (r == 0)
			r = ctl("daemon-reload", false, a, e);
		return r < 0 ? r : ctl("enable", true, a, e);
	}
	if (!cron) {
		err_fail(e, ERR_AUTOSTART, "neither systemd nor cron is there to start anything");
		return err_hint(e, "install cron, or let whatever starts programs here run: hoy "
				   "autostart");
	}
	*ret = (struct autostart){AUTOSTART_CRON, "crontab"};
	return set_crontab(cron, true, root, &ret->changed, a, e);
}

int autostart_off(struct autostart *ret, struct arena *a, struct err *e)
{
	const char *cron = program("crontab", a), *unit = unit_path(a);
	bool line = false;
	int r = 0;

	*ret = (struct autostart){AUTOSTART_OFF};
	if (access(unit, F_OK) == 0) {
		if (systemctl(a))
			r = ctl("disable", true, a, e);
		if (r == 0 && unlink(unit) < 0)
			r = err_set(e, errno, "remove %s", unit);
		ret->changed = r == 0;
	}
	if (r == 0 && cron)
		r = set_crontab(cron, false, NULL, &line, a, e);
	ret->changed |= line;
	return r;
}
