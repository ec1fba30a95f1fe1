#include <sys/statvfs.h>

#include "base/base.h"
#include "base/parse.h"
#include "cli/oci.h"
#include "runtime/init.h"

/* What stands before the verb. */
#define TO(kind, field) OPT_TO(kind, struct oci_place, field)
const struct opt oci_global_rows[] = {
	{"root", 0, TO(OPT_STR, root), "DIR", "Where the states of containers are", COMPLETE_DIR},
	{"log", 0, TO(OPT_STR, log), "FILE", "Add errors and warnings to this file", COMPLETE_FILE},
	{"log-format", 0, TO(OPT_CHOICE, log_format), "FORMAT", "How that file is written",
	 COMPLETE_WORDS, "text json"},
	{"debug", 0, TO(OPT_BOOL, debug), NULL, "Also tell there what is done"},
	{"systemd-cgroup", 0, TO(OPT_BOOL, systemd), NULL,
	 "Have systemd make the control groups: cgroupsPath is SLICE:PREFIX:NAME"},
	{"rootless", 0, TO(OPT_CHOICE, rootless), "WHEN", "Taken as by runc: hoy finds out itself",
	 COMPLETE_WORDS, "true false auto"},
	{"cgroup-manager", 0, TO(OPT_CHOICE, manager), "MANAGER", "The same, by crun's name",
	 COMPLETE_WORDS, "cgroupfs systemd disabled"},
	{"help", 'h', TO(OPT_BOOL, help), NULL, "Explain hoy oci, or the verb that follows"},
	{"version", 'v', TO(OPT_BOOL, version), NULL, "Print the version and exit"},
	{0},
};
#undef TO

static int version_run(struct cli *c, void *opts, struct err *e)
{
	(void)opts;
	(void)e;
	out_printf(&c->out, "%s version %s\nspec: %s\n", c->oci->name, HOY_VERSION,
		   OCI_VERSION_MAX);
	return 0;
}

const struct command cmd_oci_version = {
	.name = "oci version",
	.group = "OCI runtime",
	.summary = "Print the version, and that of the specification",
	.description = "In the form of runc --version, which engines read.",
	.examples = "hoy oci --version",
	.opts = (const struct opt[]){{0}},
	.opts_size = 1,
	.run = version_run,
};

int oci_parse(struct cli *c, struct err *e)
{
	static const struct opt_rules rules = {oci_global_rows, "oci", true, NULL};
	struct oci_place *o = arena_alloc(&c->arena, sizeof *o);
	struct opt_found found;

	c->oci = o;
	o->name = c->runtime;
	int r = opt_parse(&rules, (int)c->nargs, c->args, o, &c->arena, &found, e);
	if (r < 0)
		return r;
	o->systemd = o->systemd || str_eq(o->manager, "systemd");
	o->no_cgroups = str_eq(o->manager, "disabled");
	if (o->root && o->root[0] != '/') {
		autofree char *here = getcwd(NULL, 0);
		o->root = arena_printf(&c->arena, "%s/%s", here ? here : "", o->root);
	}
	if (o->version) {
		char *version[] = {(char[]){"oci"}, (char[]){"version"}, NULL};
		return cli_parse_command(c, 2, version, e);
	}
	if (o->help || found.help || !found.nargs || !strcmp(found.args[0], "help")) {
		bool verb = found.nargs && strcmp(found.args[0], "help") != 0;
		c->exit = found.nargs || o->help || found.help ? 0 : EXIT_ENGINE;
		return cli_ask_help(c, verb ? arena_printf(&c->arena, "oci %s", found.args[0])
					    : "oci");
	}
	char **words = arena_alloc(&c->arena, (found.nargs + 2) * sizeof *words);
	words[0] = arena_strdup(&c->arena, "oci");
	memcpy(words + 1, found.args, found.nargs * sizeof *words);
	return cli_parse_command(c, found.nargs + 1, words, e);
}

/* ---- the log */

static void text_value(struct str *out, const char *msg)
{
	str_addc(out, '"');
	for (; *msg; msg++) {
		if (*msg == '"' || *msg == '\\')
			str_addc(out, '\\');
		if (*msg == '\n')
			str_add(out, "\\n");
		else
			str_addc(out, *msg);
	}
	str_addc(out, '"');
}

/* One line in logrus' form, which is what engines read runc's log as. */
static void write_log(const struct oci_place *o, const char *level, const char *msg)
{
	scoped(str) line = {0};
	char now[40];
	struct timespec t = time_now();

	if (!o->log)
		return;
	autoclose int fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	t.tv_nsec = 0;
	time_rfc3339(now, sizeof now, t);
	if (str_eq(o->log_format, "json")) {
		scoped(arena) a = {0};
		struct json *j = json_new(&a, JSON_OBJ);
		json_set_str(&a, j, "level", level);
		json_set_str(&a, j, "msg", msg);
		json_set_str(&a, j, "time", now);
		json_write(&line, j, 0);
	} else {
		str_addf(&line, "time=\"%s\" level=%s msg=", now, level);
		text_value(&line, msg);
	}
	str_addc(&line, '\n');
	(void)!write(fd, line.s, line.len);
}

void oci_explain(const struct cli *c, struct err *e)
{
	write_log(c->oci, "error", e->msg);
	/* runc's codes: 1, and for an exec that could not be made 255. */
	e->exit = c->cmd && !strcmp(c->cmd->name, "oci exec") ? 255 : 1;
}

void oci_warn(const struct cli *c, const struct strs *warnings)
{
	for (size_t i = 0; i < warnings->n; i++) {
		write_log(c->oci, "warning", warnings->v[i]);
		if (!c->oci->log)
			cli_warn(c, "%s", warnings->v[i]);
	}
}

/* ---- the seal */

static bool is_sealed(void)
{
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct statvfs fs;
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && (seals & F_SEAL_WRITE))
		return true;
	return fd >= 0 && fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

int oci_seal(const struct cli *c, struct err *e)
{
	if (c->oci->debug)
		write_log(c->oci, "debug", c->cmd->name);
	if (!init_binary_exposed() || is_sealed())
		return 0;
	return init_seal_as(c->argv, environ, geteuid() == 0, e);
}
