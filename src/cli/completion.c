#include "base/base.h"
#include "cli/command.h"
#include "cli/completion_scripts.h" /* made of completions/ by the build */

struct completion_opts {
	const char *file;
	bool no_desc;
};

#define TO(kind, field) OPT_TO(kind, struct completion_opts, field)
static const struct opt completion_rows[] = {
	{"file", 'f', TO(OPT_STR, file), "FILE", "Write it to a file", COMPLETE_FILE},
	{"no-desc", 0, TO(OPT_BOOL, no_desc), NULL, "Offer names without descriptions"},
	{0},
};
#undef TO

static const struct shell {
	const char *name, *script;
	const char *also; /* the line that registers for one more name */
} shells[] = {
	{"bash", SCRIPT_BASH, "complete -F _hoy %s\n"},
	{"zsh", SCRIPT_ZSH, "(( $+functions[compdef] )) && compdef _hoy %s\n"},
	{"fish", SCRIPT_FISH, "complete -c %s -f -a '(__hoy_complete)'\n"},
};

static const struct shell *find_shell(const char *name, struct err *e)
{
	for (size_t i = 0; i < countof(shells); i++)
		if (!strcmp(shells[i].name, name))
			return &shells[i];
	err_fail(e, ERR_USAGE, "there is no completion for \"%.40s\"", name);
	err_hint(e, "the shells are bash, zsh and fish");
	return NULL;
}

static void add_script(struct str *b, const struct shell *s, bool no_desc)
{
	const char *p = s->script, *at;

	for (; no_desc && (at = strstr(p, " __complete ")); p = at) {
		at += strlen(" __complete ");
		str_addn(b, p, (size_t)(at - p));
		str_add(b, "--no-desc ");
	}
	str_add(b, p);
}

static int completion_run(struct cli *c, void *opts, struct err *e)
{
	const struct completion_opts *o = opts;
	const char *other = c->called == CALLED_DOCKER	 ? "docker"
			    : c->called == CALLED_PODMAN ? "podman"
							 : NULL;
	const struct shell *s = find_shell(c->args[0], e);
	scoped(str) b = {0};

	if (!s)
		return -EINVAL;
	if (other && !strcmp(s->name, "zsh")) { /* its first line names what it completes */
		size_t n = strcspn(s->script, "\n");
		str_addf(&b, "%.*s %s", (int)n, s->script, other);
		add_script(&b, &(struct shell){"", s->script + n, ""}, o->no_desc);
	} else {
		add_script(&b, s, o->no_desc);
	}
	for (const char *p = s->also; other && *p; p++) {
		if (*p == '%' && p[1] == 's') {
			str_add(&b, other);
			p++;
		} else {
			str_addc(&b, *p);
		}
	}
	if (str_is_empty(o->file)) {
		out_bytes(&c->out, b.s, b.len);
		return 0;
	}
	int r = fd_replace_at(AT_FDCWD, o->file, b.s, b.len, 0644, false);
	return r < 0 ? err_set(e, r, "write %s", o->file) : 0;
}

const struct command cmd_completion = {
	.name = "completion",
	.group = "System",
	.args = "SHELL",
	.summary = "Print the completion for bash, zsh or fish",
	.description =
		"Prints a small script that lets a shell complete commands, flags, containers and "
		"images. Packages install it; where hoy was built by hand, put the line that fits "
		"into the start file of the shell:\n\n"
		"  bash  source <(hoy completion bash)\n"
		"  zsh   source <(hoy completion zsh)\n"
		"  fish  hoy completion fish | source\n\n"
		"Called through a link named docker or podman, it completes that name as well.",
	.examples = "hoy completion bash\n"
		    "# For all shells of this user\n"
		    "hoy completion fish -f ~/.config/fish/completions/hoy.fish",
	.opts = completion_rows,
	.opts_size = sizeof(struct completion_opts),
	.run = completion_run,
	.complete = COMPLETE_WORDS,
	.words = "bash zsh fish",
};
