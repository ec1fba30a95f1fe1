#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "net/control.h"
#include "net/tell.h"

enum { ANSWER_MS = 10000 };

/* -ECONNREFUSED, -ENOENT: no process is there. */
static int connect_to(const struct home *h, const char *network)
{
	char path[NETWORK_NAME_MAX + 16];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof path, "networks/%.128s", network);
	autoclose int dir = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dir < 0)
		return -errno;
	/* Through the descriptor, so that every path is short enough. */
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/sock", dir);
	return connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : take_fd(fd);
}

/* -ECONNRESET: it ended before it heard us. */
static int answer(int fd, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[1 + sizeof *e];
	int r;

	while ((r = poll(&p, 1, ANSWER_MS)) < 0 && errno == EINTR)
		;
	if (r == 0)
		return err_set(e, ETIMEDOUT, "the network process does not answer");
	ssize_t n = recv(fd, buf, sizeof buf, 0);
	if (n <= 0)
		return -ECONNRESET;
	if (buf[0] != 'E' || n != sizeof buf)
		return 0;
	memcpy(e, buf + 1, sizeof *e);
	return -e->code;
}

static int tell(const struct home *h, const char *network, const struct control_request *q,
		struct err *e)
{
	autoclose int fd = connect_to(h, network);
	scoped(arena) a = {0};
	scoped(str) text = {0};

	if (fd == -ECONNREFUSED || fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_set(e, fd, "connect to the network process of %s", network);
	json_write(&text, bind_write(control_request_fields, q, &a), 0);
	ssize_t sent = fd_send_msg(fd, text.s, text.len, NULL, 0);
	int r = sent < 0 ? (int)sent : answer(fd, e);
	return r == -ECONNRESET || r == -EPIPE ? 0 : r;
}

int tell_dns(const struct home *h, const struct network *n, struct err *e)
{
	const struct control_request q = {.version = 1, .update = true, .dns = n->dns_servers};

	return tell(h, n->name, &q, e);
}

int tell_name(const struct home *h, const char *network, const char *container, const char *name,
	      struct err *e)
{
	const struct control_request q = {
		.version = 1, .update = true, .container = container, .name = name};

	return tell(h, network, &q, e);
}
