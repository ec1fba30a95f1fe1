#include <sys/sysmacros.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/top.h"
#include "engine/top_columns.h"
#include "sys/caps.h"

#define COLUMN(name)                                                                               \
	static void col_##name(const struct top *t, const struct procinfo *p, struct str *out)

/* ---- numbers of the container */

static const struct procinfo *find(const struct top *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].pid == pid)
			return &t->v[i];
	return NULL;
}

static pid_t at_depth(const struct top *t, const struct procinfo *p, const pid_t *v, pid_t ours)
{
	return t->host_pids ? ours : t->depth < p->ns.n ? v[t->depth] : 0;
}

COLUMN(pid)
{
	str_addf(out, "%d", (int)at_depth(t, p, p->ns.pid, p->pid));
}

COLUMN(hpid)
{
	str_addf(out, "%d", (int)p->pid);
}

/* A parent outside of the container is 0 in there. */
COLUMN(ppid)
{
	const struct procinfo *up = find(t, p->ppid);
	pid_t n = t->host_pids ? p->ppid : up ? at_depth(t, up, up->ns.pid, 0) : 0;

	str_addf(out, "%d", (int)n);
}

COLUMN(pgid)
{
	str_addf(out, "%d", (int)at_depth(t, p, p->ns.pgid, p->pgid));
}

COLUMN(sid)
{
	str_addf(out, "%d", (int)at_depth(t, p, p->ns.sid, p->sid));
}

/* ---- users and groups */

static uint32_t inside(const struct id_line *v, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= v[i].outside && id - v[i].outside < v[i].count)
			return v[i].inside + (id - v[i].outside);
	return 65534;
}

static void add_name(const struct user_names *l, uint32_t id, struct str *out)
{
	const char *name = user_name_of(l, id);

	if (name)
		str_add_escaped(out, name, strlen(name));
	else
		str_addf(out, "%u", id);
}

static void add_user(const struct top *t, uid_t uid, struct str *out)
{
	add_name(&t->users, inside(t->uids.v, t->uids.n, uid), out);
}

static void add_group(const struct top *t, gid_t gid, struct str *out)
{
	add_name(&t->groups, inside(t->gids.v, t->gids.n, gid), out);
}

COLUMN(user)
{
	add_user(t, p->euid, out);
}

COLUMN(ruser)
{
	add_user(t, p->ruid, out);
}

COLUMN(uid)
{
	str_addf(out, "%u", inside(t->uids.v, t->uids.n, p->euid));
}

COLUMN(ruid)
{
	str_addf(out, "%u", inside(t->uids.v, t->uids.n, p->ruid));
}

COLUMN(huser)
{
	add_name(&t->host_users, p->euid, out);
}

COLUMN(group)
{
	add_group(t, p->egid, out);
}

COLUMN(rgroup)
{
	add_group(t, p->rgid, out);
}

COLUMN(gid)
{
	str_addf(out, "%u", inside(t->gids.v, t->gids.n, p->egid));
}

COLUMN(rgid)
{
	str_addf(out, "%u", inside(t->gids.v, t->gids.n, p->rgid));
}

COLUMN(hgroup)
{
	add_name(&t->host_groups, p->egid, out);
}

COLUMN(groups)
{
	for (size_t i = 0; i < p->groups.n; i++) {
		if (i)
			str_addc(out, ',');
		add_group(t, p->groups.v[i], out);
	}
}

COLUMN(hgroups)
{
	for (size_t i = 0; i < p->groups.n; i++) {
		if (i)
			str_addc(out, ',');
		add_name(&t->host_groups, p->groups.v[i], out);
	}
}

/* ---- the program */

COLUMN(comm)
{
	str_add_escaped(out, p->comm, strlen(p->comm));
}

COLUMN(args)
{
	if (*p->args) {
		str_add_escaped(out, p->args, strlen(p->args));
		return;
	}
	str_addc(out, '[');
	col_comm(t, p, out);
	str_addc(out, ']');
}

COLUMN(state)
{
	str_addc(out, p->state);
}

/* As ps(1) says: high or low priority, leader of a session, threads, foreground. */
COLUMN(stat)
{
	col_state(t, p, out);
	if (p->nice)
		str_addc(out, p->nice < 0 ? '<' : 'N');
	if (p->sid == p->pid)
		str_addc(out, 's');
	if (p->threads > 1)
		str_addc(out, 'l');
	if (p->tpgid == p->pgid)
		str_addc(out, '+');
}

COLUMN(threads)
{
	str_addf(out, "%ld", p->threads);
}

COLUMN(nice)
{
	str_addf(out, "%ld", p->nice);
}

COLUMN(tty)
{
	if (!p->tty)
		str_addc(out, '?');
	else if (major((dev_t)p->tty) >= 136 && major((dev_t)p->tty) < 144)
		str_addf(out, "pts/%u", (major((dev_t)p->tty) - 136) * 256 + minor((dev_t)p->tty));
	else if (major((dev_t)p->tty) == 4)
		str_addf(out, "tty%u", minor((dev_t)p->tty));
	else
		str_addf(out, "%u:%u", major((dev_t)p->tty), minor((dev_t)p->tty));
}

/* ---- time and memory */

static int64_t cpu_ns(const struct top *t, const struct procinfo *p)
{
	return (int64_t)((p->utime + p->stime) * 1000 / (uint64_t)t->hz) * 1000000;
}

static int64_t start_ns(const struct top *t, const struct procinfo *p)
{
	return (int64_t)(p->start * 1000 / (uint64_t)t->hz) * 1000000;
}

static int64_t age_ns(const struct top *t, const struct procinfo *p)
{
	int64_t up = (int64_t)t->booted.tv_sec * 1000000000 + t->booted.tv_nsec;
	int64_t age = up - start_ns(t, p);

	return age > 0 ? age : 0;
}

static double cpu_share(const struct top *t, const struct procinfo *p)
{
	int64_t age = age_ns(t, p);

	return age ? (double)cpu_ns(t, p) * 100 / (double)age : 0;
}

static struct tm started(const struct top *t, const struct procinfo *p, bool *ret_today)
{
	time_t at = t->now.tv_sec - (time_t)(age_ns(t, p) / 1000000000);
	struct tm tm = {0}, now = {0};

	localtime_r(&at, &tm);
	localtime_r(&t->now.tv_sec, &now);
	*ret_today = tm.tm_yday == now.tm_yday && tm.tm_year == now.tm_year;
	return tm;
}

COLUMN(pcpu_podman)
{
	str_addf(out, "%.3f", cpu_share(t, p));
}

COLUMN(pcpu)
{
	str_addf(out, "%.1f", cpu_share(t, p));
}

COLUMN(cpu_whole)
{
	str_addf(out, "%.0f", cpu_share(t, p));
}

COLUMN(etime_podman)
{
	time_duration(out, age_ns(t, p) / 1000000 * 1000000);
}

COLUMN(time_podman)
{
	time_duration(out, cpu_ns(t, p));
}

/* psgo's STIME is the time in the kernel's own form. */
COLUMN(stime_podman)
{
	bool today;
	struct tm tm = started(t, p, &today);
	char buf[64];

	strftime(buf, sizeof buf, "%a %b %e %H:%M:%S %Y", &tm);
	str_add(out, buf);
}

/* [DD-]HH:MM:SS; short_form: ps's etime, without hours that are 0. */
static void clock_text(int64_t s, bool short_form, struct str *out)
{
	if (s >= 86400)
		str_addf(out, "%" PRId64 "-", s / 86400);
	if (!short_form || s >= 3600)
		str_addf(out, "%02d:", (int)(s / 3600 % 24));
	str_addf(out, "%02d:%02d", (int)(s / 60 % 60), (int)(s % 60));
}

COLUMN(cputime)
{
	clock_text(cpu_ns(t, p) / 1000000000, false, out);
}

COLUMN(bsdtime)
{
	int64_t s = cpu_ns(t, p) / 1000000000;

	str_addf(out, "%" PRId64 ":%02d", s / 60, (int)(s % 60));
}

COLUMN(etime)
{
	clock_text(age_ns(t, p) / 1000000000, true, out);
}

COLUMN(etimes)
{
	str_addf(out, "%" PRId64, age_ns(t, p) / 1000000000);
}

COLUMN(stime)
{
	bool today;
	struct tm tm = started(t, p, &today);
	char buf[16];

	strftime(buf, sizeof buf, today ? "%H:%M" : "%b%d", &tm);
	str_add(out, buf);
}

COLUMN(vsz)
{
	str_addf(out, "%" PRIu64, p->vsz / 1024);
}

COLUMN(rss)
{
	str_addf(out, "%" PRIu64, p->rss / 1024);
}

COLUMN(vsz_podman)
{
	str_addf(out, "%" PRIu64, p->vsz);
}

COLUMN(pmem)
{
	str_addf(out, "%.1f", t->memory ? (double)p->rss * 100 / (double)t->memory : 0.0);
}

/* ---- security */

static void add_caps(uint64_t set, struct str *out)
{
	scoped(strv) names = {0};

	if (!set || set == caps_all()) {
		str_add(out, set ? "full" : "none");
		return;
	}
	caps_names(set, &names);
	for (size_t i = 0; i < names.n; i++)
		str_addf(out, "%s%s", i ? "," : "",
			 str_starts(names.v[i], "CAP_") ? names.v[i] + 4 : names.v[i]);
}

COLUMN(capamb)
{
	add_caps(p->cap_amb, out);
}

COLUMN(capbnd)
{
	add_caps(p->cap_bnd, out);
}

COLUMN(capeff)
{
	add_caps(p->cap_eff, out);
}

COLUMN(capinh)
{
	add_caps(p->cap_inh, out);
}

COLUMN(capprm)
{
	add_caps(p->cap_prm, out);
}

COLUMN(seccomp)
{
	static const char *const modes[] = {"disabled", "strict", "filter"};

	str_add(out, p->seccomp >= 0 && p->seccomp < 3 ? modes[p->seccomp] : "?");
}

COLUMN(label)
{
	scoped(str) text = {0};
	char path[40];

	snprintf(path, sizeof path, "%d/attr/current", (int)p->pid);
	autoclose int fd = openat(t->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_all(fd, &text, 4096) < 0 || !text.len) {
		str_addc(out, '?');
		return;
	}
	str_add_escaped(out, text.s, strcspn(text.s, "\n"));
}

/* ---- the tables */

static const struct top_column podman_columns[] = {
	{"args", "%a", "COMMAND", col_args},
	{"capamb", NULL, "AMBIENT CAPS", col_capamb},
	{"capbnd", NULL, "BOUNDING CAPS", col_capbnd},
	{"capeff", NULL, "EFFECTIVE CAPS", col_capeff},
	{"capinh", NULL, "INHERITED CAPS", col_capinh},
	{"capprm", NULL, "PERMITTED CAPS", col_capprm},
	{"comm", "%c", "COMMAND", col_comm},
	{"etime", "%t", "ELAPSED", col_etime_podman},
	{"group", "%G", "GROUP", col_group},
	{"groups", NULL, "GROUPS", col_groups},
	{"hgroup", NULL, "HGROUP", col_hgroup},
	{"hgroups", NULL, "HGROUPS", col_hgroups},
	{"hpid", NULL, "HPID", col_hpid},
	{"huser", NULL, "HUSER", col_huser},
	{"label", NULL, "LABEL", col_label},
	{"nice", "%n", "NI", col_nice},
	{"pcpu", "%C", "%CPU", col_pcpu_podman},
	{"pgid", "%r", "PGID", col_pgid},
	{"pid", "%p", "PID", col_pid},
	{"ppid", "%P", "PPID", col_ppid},
	{"rgroup", "%g", "RGROUP", col_rgroup},
	{"rss", NULL, "RSS", col_rss},
	{"ruser", "%u", "RUSER", col_ruser},
	{"seccomp", NULL, "SECCOMP", col_seccomp},
	{"state", NULL, "STATE", col_state},
	{"stime", NULL, "STIME", col_stime_podman},
	{"time", "%x", "TIME", col_time_podman},
	{"tty", "%y", "TTY", col_tty},
	{"user", "%U", "USER", col_user},
	{"vsz", "%z", "VSZ", col_vsz_podman},
};

/* procps's names, its own synonyms among them. */
static const struct top_column ps_columns[] = {
	{"pid", NULL, "PID", col_pid},
	{"tgid", NULL, "TGID", col_pid},
	{"ppid", NULL, "PPID", col_ppid},
	{"pgid", NULL, "PGID", col_pgid},
	{"pgrp", NULL, "PGRP", col_pgid},
	{"sid", NULL, "SID", col_sid},
	{"sess", NULL, "SESS", col_sid},
	{"session", NULL, "SESS", col_sid},
	{"user", NULL, "USER", col_user},
	{"uname", NULL, "USER", col_user},
	{"euser", NULL, "EUSER", col_user},
	{"ruser", NULL, "RUSER", col_ruser},
	{"uid", NULL, "UID", col_uid},
	{"euid", NULL, "EUID", col_uid},
	{"ruid", NULL, "RUID", col_ruid},
	{"group", NULL, "GROUP", col_group},
	{"egroup", NULL, "EGROUP", col_group},
	{"rgroup", NULL, "RGROUP", col_rgroup},
	{"gid", NULL, "GID", col_gid},
	{"egid", NULL, "EGID", col_gid},
	{"rgid", NULL, "RGID", col_rgid},
	{"cmd", NULL, "CMD", col_args},
	{"args", NULL, "COMMAND", col_args},
	{"command", NULL, "COMMAND", col_args},
	{"comm", NULL, "COMMAND", col_comm},
	{"ucmd", NULL, "CMD", col_comm},
	{"ucomm", NULL, "COMMAND", col_comm},
	{"pcpu", NULL, "%CPU", col_pcpu},
	{"%cpu", NULL, "%CPU", col_pcpu},
	{"c", NULL, "C", col_cpu_whole},
	{"pmem", NULL, "%MEM", col_pmem},
	{"%mem", NULL, "%MEM", col_pmem},
	{"rss", NULL, "RSS", col_rss},
	{"rssize", NULL, "RSS", col_rss},
	{"rsz", NULL, "RSZ", col_rss},
	{"vsz", NULL, "VSZ", col_vsz},
	{"vsize", NULL, "VSZ", col_vsz},
	{"time", NULL, "TIME", col_cputime},
	{"cputime", NULL, "TIME", col_cputime},
	{"bsdtime", NULL, "TIME", col_bsdtime},
	{"etime", NULL, "ELAPSED", col_etime},
	{"etimes", NULL, "ELAPSED", col_etimes},
	{"stime", NULL, "STIME", col_stime},
	{"start_time", NULL, "START", col_stime},
	{"bsdstart", NULL, "START", col_stime},
	{"lstart", NULL, "STARTED", col_stime_podman},
	{"tty", NULL, "TT", col_tty},
	{"tt", NULL, "TT", col_tty},
	{"tname", NULL, "TTY", col_tty},
	{"stat", NULL, "STAT", col_stat},
	{"state", NULL, "S", col_state},
	{"s", NULL, "S", col_state},
	{"ni", NULL, "NI", col_nice},
	{"nice", NULL, "NI", col_nice},
	{"nlwp", NULL, "NLWP", col_threads},
	{"thcount", NULL, "THCNT", col_threads},
	{"label", NULL, "LABEL", col_label},
	/* of -f, whose UID is a name */
	{"UID", NULL, "UID", col_user},
	{"TTY", NULL, "TTY", col_tty},
};

static const struct top_column *look_up(const struct top_column *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].name, name) || (v[i].code && !strcmp(v[i].code, name)))
			return &v[i];
	return NULL;
}

const struct top_column *top_column_podman(const char *name)
{
	return look_up(podman_columns, countof(podman_columns), name);
}

const struct top_column *top_column_ps(const char *name)
{
	return look_up(ps_columns, countof(ps_columns), name);
}

const char *top_descriptors(void)
{
	return "args capamb capbnd capeff capinh capprm comm etime group groups hgroup hgroups "
	       "hpid huser label nice pcpu pgid pid ppid rgroup rss ruser seccomp state stime "
	       "time tty user vsz";
}
