#include <ctype.h>
#include <endian.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "monitor/journal.h"

enum { PATIENCE_MS = 1000 };

static int connect_to(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return -errno;
	return take_fd(fd);
}

/* A value with a newline stands behind its length. */
static void add_field(struct str *s, const char *name, const char *value)
{
	uint64_t n = htole64(strlen(value));

	if (!strchr(value, '\n')) {
		str_addf(s, "%s=%s\n", name, value);
		return;
	}
	str_addf(s, "%s\n", name);
	str_addn(s, (const char *)&n, sizeof n);
	str_addf(s, "%s\n", value);
}

/* Fields are capitals, digits and _, and begin with a letter: docker's way of making one of a label. */
static void add_named(struct str *s, const char *key, const char *value, struct arena *a)
{
	char *name = arena_strndup(a, key, strnlen(key, 64));

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	name += strspn(name, "_0123456789");
	if (*name)
		add_field(s, name, value);
}

int journal_open(struct journal *j, const struct journal_of *of, struct arena *a, struct err *e)
{
	scoped(str) s = {0};

	j->n[0] = j->n[1] = 0;
	j->stuck = false;
	j->fd = connect_to();
	if (j->fd < 0) {
		err_fail_code(e, ERR_NO_LOG, -j->fd,
			      "--log-driver journald: no journal is here to write to (%s: %s)",
			      JOURNAL_SOCKET, strerror(-j->fd));
		return err_hint(e, "hoy keeps the log itself with --log-driver local");
	}
	add_field(&s, "CONTAINER_ID_FULL", of->id);
	add_field(&s, "CONTAINER_ID", arena_printf(a, "%.12s", of->id));
	add_field(&s, "CONTAINER_NAME", of->name);
	add_field(&s, "CONTAINER_TAG", of->tag);
	add_field(&s, "SYSLOG_IDENTIFIER", of->tag);
	add_field(&s, "IMAGE_NAME", of->image);
	for (size_t i = 0; i < of->more->n; i++)
		add_named(&s, of->more->v[i].k, of->more->v[i].v, a);
	char *fields = arena_alloc(a, s.len + 1);
	memcpy(fields, s.s, s.len);
	j->fields = fields;
	j->nfields = s.len;
	return 0;
}

/* A journal that is started again has a new socket. */
static bool try_send(struct journal *j, const struct msghdr *m)
{
	for (int tries = 0; tries < 3; tries++) {
		if (j->fd >= 0 && sendmsg(j->fd, m, MSG_NOSIGNAL) >= 0) {
			j->stuck = false;
			return true;
		}
		if (j->fd >= 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = j->fd, .events = POLLOUT};
			if (j->stuck || poll(&p, 1, PATIENCE_MS) <= 0)
				break;
			continue;
		}
		if (j->fd >= 0 && errno == EINTR)
			continue;
		fd_close(&j->fd);
		j->fd = connect_to();
	}
	j->stuck = true;
	return false;
}

static bool send_line(struct journal *j, bool is_stderr, const char *p, size_t n, bool partial)
{
	static char priority[2][12] = {"PRIORITY=6\n", "PRIORITY=3\n"};
	static char part[] = "CONTAINER_PARTIAL_MESSAGE=true\n", key[] = "MESSAGE\n", end[] = "\n";
	uint64_t len = htole64(n);
	struct iovec v[] = {
		{(void *)(uintptr_t)j->fields, j->nfields},
		{priority[is_stderr], sizeof priority[0] - 1},
		{part, partial ? sizeof part - 1 : 0},
		{key, sizeof key - 1},
		{&len, sizeof len},
		{(void *)(uintptr_t)p, n},
		{end, sizeof end - 1},
	};
	const struct msghdr m = {.msg_iov = v, .msg_iovlen = countof(v)};

	return try_send(j, &m);
}

size_t journal_write(struct journal *j, bool is_stderr, const char *p, size_t n)
{
	size_t *have = &j->n[is_stderr], lost = 0;
	char *line = j->line[is_stderr];

	while (n) {
		size_t room = sizeof j->line[0] - *have;
		const char *nl = memchr(p, '\n', n < room ? n : room);
		size_t k = nl ? (size_t)(nl - p) : n < room ? n : room;
		memcpy(line + *have, p, k);
		*have += k;
		p += k + (nl != NULL);
		n -= k + (nl != NULL);
		if (!nl && *have < sizeof j->line[0])
			break;
		if (!send_line(j, is_stderr, line, *have, !nl))
			lost += *have + (nl != NULL);
		*have = 0;
	}
	return lost;
}

void journal_close(struct journal *j)
{
	for (int i = 0; i < 2; i++)
		if (j->fd >= 0 && j->n[i])
			send_line(j, i, j->line[i], j->n[i], true);
	j->n[0] = j->n[1] = 0;
	fd_close(&j->fd);
}
