/*
 * Manual pages. They are made from the same tables as --help, in the classic man macros (man(7)): `hoy __man NAME` prints one,
 * `hoy __man all DIR` writes all of them, with a one-line page for every alias. The build calls the latter.
 */
#include "base/base.h"
#include "cli/defaults.h"
#include "cli/help.h"

/* Text for roff: backslashes, hyphens that must stay hyphens, and a dot or quote at the start of a line. */
static void roff(struct str *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool start = !b->len || b->s[b->len - 1] == '\n';
		if (start && (s[i] == '.' || s[i] == '\''))
			str_add(b, "\\&");
		if (s[i] == '\\')
			str_add(b, "\\e");
		else if (s[i] == '-')
			str_add(b, "\\-");
		else if (s[i] == '\'')
			str_add(b, "\\(aq");
		else if (s[i] == '`' || s[i] == '^' || s[i] == '~')
			str_add(b, s[i] == '`' ? "\\(ga" : s[i] == '^' ? "\\(ha" : "\\(ti");
		else
			str_addc(b, s[i]);
	}
}

static void roff_line(struct str *b, const char *s)
{
	roff(b, s, strlen(s));
	str_addc(b, '\n');
}

/* Paragraphs; lines that start with a blank stay as they are. */
static void roff_text(struct str *b, const char *s)
{
	for (bool kept = false; *s;) {
		size_t n = strcspn(s, "\n");
		bool keep = *s == ' ';
		if (keep != kept)
			str_add(b, keep ? ".nf\n" : ".fi\n");
		kept = keep;
		if (!n)
			str_add(b, ".PP\n");
		else
			roff(b, s, n);
		if (n)
			str_addc(b, '\n');
		s += n + (s[n] == '\n');
		if (!*s && kept)
			str_add(b, ".fi\n");
	}
}

static void title(struct str *b, const char *name)
{
	str_add(b, ".TH HOY");
	for (const char *p = name; p && *p; p++)
		str_addc(b, *p == ' ' ? '-' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
	str_addf(b, " 1 \"%s\" \"hoy %s\" \"User Commands\"\n", HOY_DATE, HOY_VERSION);
}

static void section_options(struct str *b, const struct opt *rows, const char *headline)
{
	for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w)) {
		scoped(str) left = {0}, right = {0};
		if (!help_shows(w.row))
			continue;
		if (headline)
			str_addf(b, ".SH %s\n", headline);
		headline = NULL;
		help_spelling(&left, w.row);
		help_meaning(&right, w.row);
		str_add(b, ".TP\n.B ");
		roff_line(b, str_cstr(&left));
		roff(b, right.s, right.len);
		str_add(b, ".\n");
	}
}

/* "CODE text" lines. */
static void section_exits(struct str *b, const char *lines)
{
	str_add(b, ".SH EXIT STATUS\n.TP\n.B 0\nThe command did what it was asked for.\n");
	if (!lines || (!str_starts(lines, "125 ") && !strstr(lines, "\n125 ")))
		str_add(b, ".TP\n.B 125\nhoy itself failed; standard error says why.\n");
	for (const char *p = lines ? lines : ""; *p;) {
		size_t n = strcspn(p, "\n"), k = strcspn(p, " ");
		str_add(b, ".TP\n.B ");
		roff(b, p, k);
		str_addc(b, '\n');
		roff(b, p + k + 1, n - k - 1);
		str_addc(b, '\n');
		p += n + (p[n] == '\n');
	}
}

static void section_examples(struct str *b, const char *lines)
{
	str_add(b, ".SH EXAMPLES\n.nf\n");
	roff_line(b, lines);
	str_add(b, ".fi\n");
}

static void dashed_name(struct str *b, const char *name)
{
	for (; *name; name++)
		str_addc(b, *name == ' ' ? '-' : *name);
}

/* The command that a text names behind this "hoy ", or NULL. */
static const struct command *named_command(const char *s)
{
	size_t n = strcspn(s, " \n.,;:|)"), two = n;

	if (s[n] == ' ')
		two = n + 1 + strcspn(s + n + 1, " \n.,;:|)");
	autofree char *longer = xstrndup(s, two), *shorter = xstrndup(s, n);
	const struct command *cmd = command_find(longer);
	return cmd ? cmd : command_find(shorter);
}

/* Adds to the list what the text speaks of. */
static void find_named(const char *text, const struct command *self, struct strv *found)
{
	for (const char *p = text; p && (p = strstr(p, "hoy "));) {
		p += 4;
		const struct command *cmd = named_command(p);
		if (cmd && cmd != self && cmd->name[0] != '_' && !strv_has(found, cmd->name))
			strv_add(found, cmd->name);
	}
}

/* What the page itself names, the group that the command stands in, and the overview. */
static void section_see_also(struct str *b, const struct command *cmd)
{
	scoped(strv) found = {0};
	const char *blank = strchr(cmd->name, ' ');

	find_named(cmd->description, cmd, &found);
	find_named(cmd->examples, cmd, &found);
	if (blank) {
		autofree char *group = xstrndup(cmd->name, (size_t)(blank - cmd->name));
		if (!strv_has(&found, group))
			strv_add(&found, group);
	}
	strv_sort(&found);
	str_add(b, ".SH SEE ALSO\n.BR hoy (1)");
	for (size_t i = 0; i < found.n; i++) {
		str_add(b, ",\n.BR hoy\\-");
		scoped(str) name = {0};
		dashed_name(&name, found.v[i]);
		roff(b, name.s, name.len);
		str_add(b, " (1)");
	}
	str_addc(b, '\n');
}

static void section_aliases(struct str *b, const char *aliases)
{
	for (const char *p = aliases; p && *p;) {
		size_t n = strcspn(p, ",");
		str_add(b, ".br\n.B hoy ");
		roff(b, p, n);
		str_add(b, " ...\n");
		p += n + (p[n] == ',');
	}
}

static void command_man(struct str *b, const struct command *cmd)
{
	scoped(str) synopsis = {0}, dashed = {0};

	str_addc(&dashed, '-');
	dashed_name(&dashed, cmd->name);
	title(b, dashed.s);
	str_addf(b, ".SH NAME\nhoy%s \\- ", dashed.s);
	roff_line(b, cmd->summary);
	help_synopsis(&synopsis, cmd);
	str_add(b, ".SH SYNOPSIS\n.B ");
	roff_line(b, str_cstr(&synopsis));
	section_aliases(b, cmd->aliases);
	str_add(b, ".SH DESCRIPTION\n");
	roff_text(b, cmd->description);
	section_options(b, cmd->opts, "OPTIONS");
	if (!cmd->run) {
		str_add(b, ".SH COMMANDS\n");
		for (size_t i = 0; cli_commands[i]; i++) {
			size_t n;
			const char *name = help_name_in_group(cli_commands[i], cmd->name, &n);
			if (name)
				str_addf(b, ".TP\n.B %.*s\n%s.\n", (int)n, name,
					 cli_commands[i]->summary);
		}
	} else {
		section_exits(b, cmd->exits);
		section_examples(b, cmd->examples);
	}
	str_add(b, ".SH ENVIRONMENT\n.TP\n.BR HOY_ROOT ,\\  XDG_DATA_HOME\n"
		   "Where the store is, unless \\-\\-root says so.\n"
		   ".SH FILES\n.TP\n.I ~/.local/share/hoy\nThe store.\n");
	section_see_also(b, cmd);
}

static const char about[] = "hoy runs containers as an ordinary user: no root, no daemon, no "
			    "setuid helper of its own. Its "
			    "commands and flags are those of podman and docker. A small supervisor "
			    "process stays with each "
			    "container; everything else is files below one directory.\n"
			    "\n"
			    "Called through a link named docker, hoy prints docker's shapes where "
			    "the two engines differ.\n";

static const char one_uid[] =
	".SH ONE UID ONLY\n"
	"Where a user has no subordinate ids, or newuidmap is missing or may not be used, all ids "
	"of a "
	"container are one, the user's own. Everything works there, as follows.\n"
	".PP\n"
	"Calls by which a program changes who it is (setuid, setgroups and their kin) or to whom a "
	"file belongs (chown) are answered by hoy as the "
	"kernel would answer them with all ids, for those who hold the capability. So package "
	"managers, su, and daemons that give up root do their work. "
	"The files belong to the one id all the same, and stat(2) shows them as root's. What a "
	"process "
	"that has given up root may do to them is not restricted. A program that wants "
	"to see its own files as its own (a database server that checks its directory) is started "
	"with "
	"\\-\\-user: the one id is shown as that user then. "
	"A program with the set-user-ID bit gives nobody root back. Devices that "
	"are to be made become empty files.\n"
	".PP\n"
	"The owners that were meant are kept beside the files, so that images are not changed by "
	"it. hoy info shows which case this is.\n";

static const char nested[] =
	".SH INSIDE OF CONTAINERS\n"
	"hoy runs inside of containers of hoy, podman and docker, as root there or as an ordinary "
	"user, if those are started with these flags:\n"
	".TP\n.B \\-\\-security\\-opt seccomp=unconfined\n"
	"for the calls that make namespaces and mounts. podman's own filter lets them through.\n"
	".TP\n.BR \\-\\-security\\-opt\\ unmask=ALL \",\\ with docker \" "
	"\\-\\-security\\-opt\\ systempaths=unconfined\n"
	"because the kernel lets nobody mount a new /proc who does not see all of the old one.\n"
	".TP\n.B \\-\\-device /dev/net/tun\n"
	"for networks. Without it, containers of the default network have none, and hoy says so.\n"
	".TP\n.B \\-v VOLUME:/root\n"
	"(the home directory) so that the store is no overlay, on which the kernel makes no other. "
	"Without it, "
	"each container gets a copy of its image.\n"
	".PP\n"
	"With docker on hosts that use AppArmor, also \\-\\-security\\-opt apparmor=unconfined. "
	"\\-\\-privileged stands for the first two. Where newuidmap has no power inside, or the "
	"container "
	"has no more than one id to give, there is one uid only, as above.\n";

static const char files[] =
	".SH ENVIRONMENT\n"
	".TP\n.B HOY_ROOT\nThe store, unless \\-\\-root says otherwise.\n"
	".TP\n.B XDG_DATA_HOME\nThe store is hoy below this directory; without it, "
	"~/.local/share/hoy.\n"
	".TP\n.B HOY_CONF\nRead this file in place of all of hoy.conf.\n"
	".TP\n.B NO_COLOR\nNo colours, whatever the terminal can do.\n"
	".SH FILES\n"
	".TP\n.I ~/.local/share/hoy\nThe store: images, containers, logs, sockets. Mode 0700.\n"
	".TP\n.IR ~/.config/hoy/hoy.conf ,\\  /etc/hoy/hoy.conf\nDefaults for options, see "
	"hoy.conf(5).\n"
	".TP\n.IR /etc/subuid ,\\  /etc/subgid\n"
	"The ranges of ids that a user may map into containers.\n";

static const char statuses[] =
	"126 The command of a container could not be executed\n"
	"127 The command of a container was not found\n"
	"128+N A signal ended the command of a container\n"
	"other The exit status of the command of a container (run, exec, start --attach)\n";

static void main_man(struct str *b)
{
	title(b, "");
	str_add(b, ".SH NAME\nhoy \\- run containers without root and without a daemon\n"
		   ".SH SYNOPSIS\n.B hoy [FLAGS] COMMAND ...\n.SH DESCRIPTION\n");
	roff_text(b, about);
	section_options(b, cli_global_rows, "OPTIONS");
	str_add(b, ".SH COMMANDS\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		if (cli_commands[i]->name[0] == '_')
			continue;
		str_addf(b, ".TP\n.B %s\n", cli_commands[i]->name);
		roff(b, cli_commands[i]->summary, strlen(cli_commands[i]->summary));
		str_add(b, ".\n");
	}
	section_exits(b, statuses);
	str_add(b, one_uid);
	str_add(b, nested);
	str_add(b, files);
	str_add(b, ".SH SEE ALSO\n.BR podman (1),\n.BR docker (1),\n.BR hoy.conf (5),\n.BR subuid "
		   "(5)\n");
}

static const char conf_about[] =
	"hoy.conf says what options are when nobody types them. It need not exist. It is read from "
	"these places, and what a later one says counts more:\n"
	"\n"
	"    /etc/hoy/hoy.conf, then /etc/hoy/hoy.conf.d/*.conf\n"
	"    ~/.config/hoy/hoy.conf, then ~/.config/hoy/hoy.conf.d/*.conf\n"
	"\n"
	"The files of a directory are taken in the order of their names. $XDG_CONFIG_HOME stands "
	"in "
	"for ~/.config, and $HOY_CONF names one file that is read instead of all of them "
	"(/dev/null: none). `hoy info` shows which were read. "
	"What is typed on the command line counts more than the environment (HOY_ROOT), that more "
	"than the user's files, and these more than the system's: they are defaults, and no rules "
	"that a user could not get around.\n"
	"\n"
	"The form is TOML. Each key is named after the option that it stands for, and has its "
	"meaning. A later file replaces the value of an earlier one as a whole. Of a list, what is "
	"typed is added to it, unless it is said to be replaced. A key gives way where "
	"something is typed that excludes it. An unknown key is a warning (E-CONF-KEY), a value of "
	"the wrong kind an error with file and line (E-CONF).\n"
	"\n"
	"Registries, mirrors, short names, credentials and trust are not here: hoy reads the files "
	"that podman and skopeo have for them, containers-registries.conf(5), "
	"containers-auth.json(5) and containers-policy.json(5). podman's containers.conf(5) and "
	"docker's daemon.json are not read: most of what they say is about engines made of other "
	"parts (runtimes, monitors, network helpers, a daemon), and a file of which a part "
	"counts leaves open which. What users set there has the same name here, or nearly.\n";

/* What a value looks like, and the option's own words. */
static void conf_key(struct str *b, const struct default_key *k)
{
	const struct opt *o = default_row(k);
	scoped(str) meaning = {0}, line = {0};

	str_addf(&line, "%s = %s", k->key, k->example);
	str_add(b, ".TP\n.B ");
	roff_line(b, str_cstr(&line));
	if (k->help)
		str_add(&meaning, k->help);
	else
		help_meaning(&meaning, o);
	roff(b, meaning.s, meaning.len);
	str_addc(b, '.');
	if (k->flags & DEFAULT_REPLACED)
		str_add(b, " Replaced by what is typed.");
	str_addc(b, '\n');
}

static void conf_man(struct str *b)
{
	const char *section = "";

	str_addf(b, ".TH HOY.CONF 5 \"%s\" \"hoy %s\" \"File Formats\"\n", HOY_DATE, HOY_VERSION);
	str_add(b, ".SH NAME\nhoy.conf \\- defaults for hoy\n.SH DESCRIPTION\n");
	roff_text(b, conf_about);
	str_add(b, ".SH KEYS\nThese stand above all sections.\n");
	for (const struct default_key *k = default_keys; k->key; k++) {
		scoped(str) commands = {0};
		if (k->section && strcmp(k->section, section) != 0) {
			section = k->section;
			str_addf(b, ".SS [%s]\n", section);
		}
		conf_key(b, k);
		if (!k->commands || !strcmp(section, "format"))
			continue;
		for (const char *p = k->commands; *p; p++)
			str_add(&commands, *p == ',' ? ", " : (char[]){*p, 0});
		str_addf(b, "For hoy %s.\n", str_cstr(&commands));
	}
	str_add(b, ".SH EXAMPLES\n.nf\n");
	roff_line(b, "log-level = \"warn\"\n\n[run]\ninit = true\ntz = \"local\"\n"
		     "log-opt = { max-size = \"10m\", max-file = \"3\" }\n"
		     "env = { EDITOR = \"vi\" }\n\n[format]\n"
		     "ps = \"table {{.Names}}\\t{{.Status}}\"");
	str_add(b, ".fi\n.SH SEE ALSO\n.BR hoy (1),\n.BR hoy\\-info (1),\n"
		   ".BR containers\\-registries.conf (5)\n");
}

static int write_page(int dir, const char *name, const char *text, size_t n, struct err *e)
{
	scoped(str) file = {0};

	str_addf(&file, "hoy%s%s.1", *name ? "-" : "", name);
	for (char *p = file.s; *p; p++)
		*p = *p == ' ' ? '-' : *p;
	int r = fd_replace_at(dir, file.s, text, n, 0644, false);
	return r < 0 ? err_set(e, r, "write %s", file.s) : 0;
}

/* Pages that only point to the command's own. */
static int write_aliases(int dir, const struct command *cmd, struct err *e)
{
	scoped(strv) names = {0};

	if (cmd->aliases)
		strv_split(&names, cmd->aliases, ',');
	for (size_t i = 0; i < names.n; i++) {
		scoped(str) so = {0};
		str_addf(&so, ".so man1/hoy-%s.1\n", cmd->name);
		for (char *p = so.s + 9; *p; p++)
			*p = *p == ' ' ? '-' : *p;
		int r = write_page(dir, names.v[i], so.s, so.len, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Into the directory of section 5, beside that of section 1. */
static int write_conf(const char *man1, const char *text, size_t n, struct err *e)
{
	autofree char *path = xasprintf("%s/../man5", man1);
	int r = path_mkdir_p_at(AT_FDCWD, path, 0755);
	autoclose int dir = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_set(e, r < 0 ? -r : errno, "make %s", path);
	r = fd_replace_at(dir, "hoy.conf.5", text, n, 0644, false);
	return r < 0 ? err_set(e, r, "write %s/hoy.conf.5", path) : 0;
}

static int write_all(const char *path, struct err *e)
{
	scoped(str) page = {0};
	int r = path_mkdir_p_at(AT_FDCWD, path, 0755);

	if (r < 0)
		return err_set(e, r, "make %s", path);
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open %s", path);
	conf_man(&page);
	r = write_conf(path, page.s, page.len, e);
	str_reset(&page);
	main_man(&page);
	if (r == 0)
		r = write_page(dir, "", page.s, page.len, e);
	for (size_t i = 0; cli_commands[i] && r == 0; i++) {
		const struct command *cmd = cli_commands[i];
		if (cmd->name[0] == '_')
			continue;
		str_reset(&page);
		command_man(&page, cmd);
		r = write_page(dir, cmd->name, page.s, page.len, e);
		if (r == 0)
			r = write_aliases(dir, cmd, e);
	}
	return r;
}

static int man_run(struct cli *c, void *opts, struct err *e)
{
	scoped(str) page = {0};

	if (!strcmp(c->args[0], "all") && c->nargs == 2)
		return write_all(c->args[1], e);
	if (!strcmp(c->args[0], "hoy")) {
		main_man(&page);
	} else if (!strcmp(c->args[0], "hoy.conf")) {
		conf_man(&page);
	} else {
		scoped(str) name = {0};
		for (size_t i = 0; i < c->nargs; i++)
			str_addf(&name, "%s%s", i ? " " : "", c->args[i]);
		const struct command *cmd = command_find(name.s);
		if (!cmd)
			return err_fail(e, ERR_USAGE, "there is no command \"%s\"", name.s);
		command_man(&page, cmd);
	}
	out_bytes(&c->out, page.s, page.len);
	return 0;
}

const struct command cmd_man = {
	.name = "__man",
	.args = "NAME...",
	.summary = "Print the manual page of a command",
	.description = "Prints the page of one command (hoy: the overview). `all DIR` writes all "
		       "pages into DIR.",
	.examples = "hoy __man run",
	.run = man_run,
};
