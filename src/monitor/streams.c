#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/proc.h"
#include "monitor/streams.h"

void streams_close(struct streams *p)
{
	int *all[] = {p->out, p->err, p->in};

	for (size_t i = 0; i < countof(all); i++) {
		fd_close(&all[i][0]);
		fd_close(&all[i][1]);
	}
}

static int open_null(int flags, int *ret, struct err *e)
{
	*ret = open("/dev/null", flags | O_CLOEXEC);
	return *ret < 0 ? err_set(e, errno, "open /dev/null") : 0;
}

static int own[STREAMS_OWN] = {-1, -1, -1};

bool streams_passed(const struct container_config *c)
{
	return c->log_driver && str_starts(c->log_driver, "passthrough");
}

int streams_keep_own(const struct container_config *c, int *keep, size_t *n, struct err *e)
{
	if (!streams_passed(c))
		return 0;
	for (int i = 0; i < STREAMS_OWN; i++) {
		if (isatty(i) && !str_eq(c->log_driver, "passthrough-tty")) {
			err_fail(e, ERR_USAGE,
				 "--log-driver passthrough would give the container this terminal");
			return err_hint(e, "who has a terminal can type on it: passthrough-tty "
					   "allows that");
		}
		own[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (own[i] >= 0)
			keep[(*n)++] = own[i];
	}
	return 0;
}

/* The caller's streams; its input only with -i. */
static int open_own(struct streams *p, const struct config_process *c, struct err *e)
{
	int r = own[0] >= 0 && c->interactive ? 0 : open_null(O_RDONLY, &p->in[0], e);

	if (r == 0 && p->in[0] < 0)
		p->in[0] = fcntl(own[0], F_DUPFD_CLOEXEC, 3);
	if (own[1] >= 0)
		p->out[1] = fcntl(own[1], F_DUPFD_CLOEXEC, 3);
	if (own[2] >= 0)
		p->err[1] = fcntl(own[2], F_DUPFD_CLOEXEC, 3);
	if (r == 0 && p->out[1] < 0)
		r = open_null(O_WRONLY, &p->out[1], e);
	if (r == 0 && p->err[1] < 0)
		r = open_null(O_WRONLY, &p->err[1], e);
	return r;
}

int streams_open(struct streams *p, const struct config_process *c, bool quiet, struct err *e)
{
	int r;

	*p = (struct streams){{-1, -1}, {-1, -1}, {-1, -1}};
	if (c->tty)
		return 0;
	if (own[1] >= 0 || own[2] >= 0)
		return open_own(p, c, e);
	if (quiet) {
		r = open_null(O_WRONLY, &p->out[1], e);
		if (r == 0)
			r = open_null(O_WRONLY, &p->err[1], e);
	} else {
		r = pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0
			    ? err_set(e, errno, "make the pipes")
			    : 0;
	}
	if (r == 0 && !c->interactive)
		r = open_null(O_RDONLY, &p->in[0], e);
	else if (r == 0 && pipe2(p->in, O_CLOEXEC) < 0)
		r = err_set(e, errno, "make the pipes");
	if (r < 0)
		streams_close(p);
	else if (p->in[1] >= 0) /* a user may have 16384 pages in pipes: input gets a small share */
		fcntl(p->in[1], F_SETPIPE_SZ, 4 * 4096);
	return r;
}

int streams_given(struct streams *p, const struct config_process *c, int in, int out, int err,
		  struct err *e)
{
	int r = streams_open(p, c, true, e);

	if (r < 0)
		return r;
	fd_close(&p->out[1]);
	fd_close(&p->err[1]);
	p->out[1] = fcntl(out, F_DUPFD_CLOEXEC, 3);
	p->err[1] = fcntl(err, F_DUPFD_CLOEXEC, 3);
	if (in >= 0) {
		fd_close(&p->in[0]);
		p->in[0] = fcntl(in, F_DUPFD_CLOEXEC, 3);
	}
	if (p->out[1] >= 0 && p->err[1] >= 0 && p->in[0] >= 0)
		return 0;
	r = err_set(e, errno, "take the descriptors for the output");
	streams_close(p);
	return r;
}

void streams_detach(const int *keep, size_t nkeep, const char *name)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	proc_reset(keep, nkeep);
	setsid();
	(void)!chdir("/");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	prctl(PR_SET_NAME, name);
}

struct streams_oom streams_oom_again(const struct container_config *c, int fd)
{
	struct streams_oom o = {.fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	char text[24];

	ssize_t n = o.fd < 0 ? -1 : pread(o.fd, o.old, sizeof o.old - 1, 0);
	int len = snprintf(text, sizeof text, "%d", (int)c->oom_score_adj);
	if (n <= 0 || pwrite(o.fd, text, (size_t)len, 0) != len)
		fd_close(&o.fd);
	return o;
}

struct streams_oom streams_oom_take(const struct container_config *c)
{
	autoclose int fd =
		c->has_oom_score_adj ? open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC) : -1;

	return streams_oom_again(c, fd);
}

void streams_oom_give_back(struct streams_oom *o)
{
	if (o->fd >= 0)
		(void)!pwrite(o->fd, o->old, strlen(o->old), 0);
	fd_close(&o->fd);
}

int streams_fork(void (*fn)(const void *arg, int sock), const void *arg, int *ret_sock,
		 struct err *e)
{
	int sock[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return err_set(e, errno, "socketpair");
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0) {
		close(sock[0]);
		fn(arg, sock[1]);
		_exit(EXIT_ENGINE);
	}
	close(sock[1]);
	if (pid < 0) {
		close(sock[0]);
		return err_set(e, pid, "start a monitor process");
	}
	*ret_sock = sock[0];
	return pid;
}
