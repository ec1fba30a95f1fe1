#include <poll.h>

#include "base/base.h"
#include "base/task.h"
#include "cli/ask.h"
#include "sys/tty.h"

enum { MAX_SECRET = 4096, CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

/* One key. 1: the line is whole; 0: it goes on; negative: given up. */
static int take_key(struct str *line, char key)
{
	switch (key) {
	case '\r':
	case '\n':
		return 1;
	case CTRL_C:
		return -EINTR;
	case CTRL_D:
		return line->len ? 1 : -EINTR;
	case CTRL_U:
		str_reset(line);
		return 0;
	case BACKSPACE:
	case DELETE: /* of a sequence of UTF-8, all bytes */
		while (line->len && (line->s[--line->len] & 0xc0) == 0x80)
			;
		return 0;
	default:
		if (line->len < MAX_SECRET)
			str_addc(line, key);
		return 0;
	}
}

/* 1, or -EINTR, with *e filled if it was a signal. */
static int read_line(int tty, int sigfd, struct str *line, struct err *e)
{
	struct pollfd p[2] = {{.fd = tty, .events = POLLIN}, {.fd = sigfd, .events = POLLIN}};
	char key;
	int r = 0;

	while (r == 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			r = task_interrupted(sigfd, e);
		else if (p[0].revents)
			r = read(tty, &key, 1) == 1 ? take_key(line, key) : -EINTR;
	}
	return r;
}

static int ask(struct cli *c, const char *prompt, bool secret, const char **ret, struct err *e)
{
	scoped(task_signals) sig;
	scoped(str) line = {0}, text = {0};
	struct err why = {0};
	autoclose int tty = isatty(0) ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;

	task_signals_hold(&sig);
	if (tty < 0 || (secret && tty_raw(tty) < 0))
		return -ENOTTY;
	str_add_escaped(&text, prompt, strlen(prompt));
	fd_write_all(tty, text.s, text.len);
	int r = read_line(tty, sig.fd, &line, &why);
	if (secret)
		tty_restore();
	if (secret || r < 0)
		fd_write_all(tty, "\n", 1);
	if (r > 0)
		*ret = arena_strndup(&c->arena, str_cstr(&line), line.len);
	if (line.s)
		explicit_bzero(line.s, line.cap);
	if (r > 0)
		return 0;
	*e = why;
	if (!why.code)
		err_fail_code(e, ERR_INTERRUPTED, EINTR, "no %s was given",
			      secret ? "password" : "answer");
	e->exit = why.exit ?: 130;
	return err_hint(e, "nothing was sent and nothing changed");
}

int ask_secret(struct cli *c, const char *prompt, const char **ret, struct err *e)
{
	return ask(c, prompt, true, ret, e);
}

int ask_line(struct cli *c, const char *prompt, const char **ret, struct err *e)
{
	return ask(c, prompt, false, ret, e);
}
