#include "base/base.h"
#include "cli/command.h"
#include "state/events.h"
#include "state/secret.h"

const struct command cmd_group_secret = {
	.name = "secret",
	.group = "Groups",
	.summary = "Commands that work on secrets",
	.description = "A secret is a small piece of data, as a password or a key, that `hoy run "
		       "--secret` "
		       "gives to a container as a file or as a variable. It is in no image, no "
		       "inspect and "
		       "no log. It lies in the store, which only you can read, as it is.",
};

struct create_opts {
	const char *driver;
	struct strs labels;
	bool env, replace, ignore;
};

#define TO(kind, field) OPT_TO(kind, struct create_opts, field)
static const struct opt create_rows[] = {
	{"driver", 'd', TO(OPT_STR, driver), "DRIVER", "How it is kept: file", COMPLETE_WORDS,
	 "file"},
	{"env", 0, TO(OPT_BOOL, env), NULL, "FILE is the name of a variable that holds the data"},
	{"ignore", 0, TO(OPT_BOOL, ignore), NULL, "Let a secret of this name be, without an error"},
	{"label", 'l', TO(OPT_STRS, labels), "KEY=VALUE", "Set a label"},
	{"replace", 0, TO(OPT_BOOL, replace), NULL, "Give a secret of this name the new data"},
	{0},
};
#undef TO

static int read_source(const struct create_opts *o, const char *from, struct str *data,
		       struct err *e)
{
	if (o->env) {
		const char *value = getenv(from);
		if (!value) {
			err_fail(e, ERR_USAGE, "the variable %.80s is not set", from);
			return err_hint(e, "--env takes the name of a variable: export %.80s=...",
					from);
		}
		str_add(data, value);
		return 0;
	}
	bool in = str_eq(from, "-");
	if (in && isatty(STDIN_FILENO)) {
		err_fail(e, ERR_USAGE, "a secret is not read from a terminal");
		return err_hint(e, "printf %%s \"$PASSWORD\" | hoy secret create NAME -");
	}
	autoclose int fd = in ? dup(STDIN_FILENO) : open(from, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, data, SECRET_DATA_MAX);
	if (r == -EFBIG)
		return err_fail_code(e, ERR_USAGE, EFBIG, "a secret has at most %d bytes",
				     SECRET_DATA_MAX);
	return r < 0 ? err_set(e, r, "read %s", in ? "standard input" : from) : 0;
}

static int create_run(struct cli *c, void *opts, struct err *e)
{
	const struct create_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(str) data = {0};
	struct secret s = {.name = c->args[0], .driver = "file"}, old;
	int r = secret_check_name(s.name, e);

	if (r == 0 && o->driver && strcmp(o->driver, "file")) {
		err_fail(e, ERR_USAGE, "there is no driver \"%.60s\" for secrets", o->driver);
		return err_hint(e, "file is the only one");
	}
	if (r == 0 && o->replace && o->ignore)
		return err_fail(e, ERR_USAGE, "--replace and --ignore exclude each other");
	if (r == 0)
		r = read_source(o, c->args[1], &data, e);
	if (r == 0 && !data.len)
		r = err_fail(e, ERR_USAGE, "the data is empty: a secret has at least one byte");
	if (r == 0)
		r = home_open(&h, c->root, e);
	for (size_t i = 0; i < o->labels.n; i++) {
		const char *text = o->labels.v[i], *eq = strchr(text, '=');
		pairs_set(&c->arena, &s.labels,
			  eq ? arena_strndup(&c->arena, text, (size_t)(eq - text)) : text,
			  eq ? eq + 1 : "");
	}
	if (r == 0)
		r = secret_write(&h, &s, data.s, data.len, o->replace, &c->arena, e);
	if (data.len)
		explicit_bzero(data.s, data.len);
	if (r == -EEXIST && o->ignore &&
	    secret_find(&h, s.name, &old, NULL, &c->arena, NULL) == 0) {
		out_printf(&c->out, "%s\n", old.id);
		return 0;
	}
	if (r < 0)
		return r;
	event_write(h.fd, &(struct event){.type = "secret",
					  .action = "create",
					  .id = s.id,
					  .name = s.name,
					  .labels = &s.labels});
	out_printf(&c->out, "%s\n", s.id);
	return 0;
}

const struct command cmd_secret_create = {
	.name = "secret create",
	.group = "Secrets",
	.args = "NAME FILE",
	.summary = "Make a secret of a file or of standard input",
	.description =
		"Keeps what FILE holds, with - what comes on standard input, as it is, at most "
		"512000 bytes, and prints its ID. A container gets a copy when it is made: "
		"replacing or removing a secret changes nothing for those that are there.",
	.examples = "printf %s hunter2 | hoy secret create db-password -\n"
		    "hoy secret create --replace tls-key ./key.pem",
	.opts = create_rows,
	.opts_size = sizeof(struct create_opts),
	.run = create_run,
	.complete = COMPLETE_NONE,
	.complete_rest = COMPLETE_FILE,
};
