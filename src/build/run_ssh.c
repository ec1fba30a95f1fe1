/*
 * RUN --mount=type=ssh: an SSH agent in the step.
 *
 * The container gets a socket of its own, and behind it a process of ours that passes on what an agent is asked in a build: which keys there are, and signatures.
 * Nothing else goes through (keys cannot be added, removed or locked), and the agent sees this user as its peer, whoever asks. Given key files are loaded into an
 * ssh-agent that is started for the step. All of these processes die with the step's. Source: draft-ietf-sshm-ssh-agent, "Protocol Messages".
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "base/task.h"
#include "build/step_run.h"

enum {
	REQUEST_IDENTITIES = 11,
	SIGN_REQUEST = 13,
	EXTENSION = 27,
	FAILURE = 5,
	MAX_MESSAGE = 256 * 1024,
	MAX_CLIENTS = 16,
};

struct proxy {
	int listener;
	const char *agent;
};

/* The path may be too long for an address: its directory is opened, and the rest is short. */
static int address(const char *path, struct sockaddr_un *ret)
{
	autofree char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof ret->sun_path) {
		memcpy(ret->sun_path, path, strlen(path));
		return -1;
	}
	if (!slash)
		return -1;
	*slash = 0;
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%.60s", fd, slash + 1);
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a;
	autoclose int dir = address(path, &a);
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return -errno;
	return take_fd(fd);
}

static bool read_exactly(int fd, uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = read(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* A length of four bytes, then as many. The whole message, or 0. */
static size_t read_message(int fd, uint8_t *buf)
{
	if (!read_exactly(fd, buf, 4))
		return 0;
	size_t n = (size_t)buf[0] << 24 | (size_t)buf[1] << 16 | (size_t)buf[2] << 8 | buf[3];
	return n >= 1 && n <= MAX_MESSAGE && read_exactly(fd, buf + 4, n) ? n + 4 : 0;
}

static _Noreturn void serve(int client, const char *agent)
{
	static const uint8_t failure[] = {0, 0, 0, 1, FAILURE};
	uint8_t *buf = xmalloc(MAX_MESSAGE + 4);
	int fd = connect_to(agent);

	for (size_t n; fd >= 0 && (n = read_message(client, buf));) {
		bool passes = buf[4] == REQUEST_IDENTITIES || buf[4] == SIGN_REQUEST ||
			      buf[4] == EXTENSION;
		if (!passes) {
			if (fd_write_all(client, failure, sizeof failure) < 0)
				break;
			continue;
		}
		if (fd_write_all(fd, buf, n) < 0 || !(n = read_message(fd, buf)) ||
		    fd_write_all(client, buf, n) < 0)
			break;
	}
	_exit(0);
}

static int listen_on(void *arg, struct err *e)
{
	const struct proxy *p = arg;
	int clients = 0;

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
		while (clients && waitpid(-1, NULL, clients < MAX_CLIENTS ? WNOHANG : 0) > 0)
			clients--;
		if (fd < 0)
			continue;
		pid_t self = getpid(), pid = proc_fork(0, NULL);
		if (pid == 0) {
			task_die_with_parent();
			if (getppid() != self)
				_exit(0);
			close(p->listener);
			serve(fd, p->agent);
		}
		clients += pid > 0;
		close(fd);
	}
}

static int bind_socket(const struct run_parts *p, const char *name, int64_t mode)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", p->side.fd, name);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 16) < 0 ||
	    fchmodat(p->side.fd, name, mode < 0 ? 0600 : (mode_t)mode, 0) < 0)
		return -errno;
	return take_fd(fd);
}

/* ---- keys given as files */

static const char *find_program(struct arena *a, const char *name)
{
	static const char *const dirs[] = {"/usr/bin", "/usr/local/bin", "/bin"};

	for (size_t i = 0; i < countof(dirs); i++) {
		const char *path = arena_printf(a, "%s/%s", dirs[i], name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

struct keys {
	struct run_parts *p;
	const struct build_ssh *ssh;
	const char *agent, *add, *socket;
};

/* Becomes the agent: so it dies with the step. */
static int become_agent(void *arg, struct err *e)
{
	const struct keys *k = arg;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	fd_close_except(NULL, 0);
	execl(k->agent, "ssh-agent", "-D", "-a", k->socket, NULL);
	return err_set(e, errno, "run %s", k->agent);
}

static int add_keys(const struct keys *k, struct err *e)
{
	const char *const env[] = {arena_printf(&k->p->arena, "SSH_AUTH_SOCK=%s", k->socket),
				   "SSH_ASKPASS_REQUIRE=force", "SSH_ASKPASS=/bin/false",
				   "PATH=/usr/bin:/bin", NULL};
	struct strs args = {0};
	pid_t pid;

	strs_add(&k->p->arena, &args, "ssh-add");
	strs_add(&k->p->arena, &args, "-q");
	strs_add(&k->p->arena, &args, "--");
	for (size_t i = 0; i < k->ssh->keys.n; i++)
		strs_add(&k->p->arena, &args, k->ssh->keys.v[i]);
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct spawn sp = {.path = k->add,
			   .argv = args.v,
			   .envp = env,
			   .in = null,
			   .out = null,
			   .err = k->p->j->err};
	int r = proc_spawn(&sp, &pid, e);
	if (r < 0)
		return r;
	if (proc_wait(pid) == 0)
		return 0;
	err_fail(e, ERR_BUILD_MOUNT, "the keys of --ssh %.80s cannot be loaded", k->ssh->id);
	return err_hint(e,
			"a key with a passphrase has to be in an agent: ssh-add, then --ssh %.80s",
			k->ssh->id);
}

static int start_agent(struct run_parts *p, const struct build_ssh *ssh, const char **ret_socket,
		       struct err *e)
{
	struct keys k = {p, ssh, find_program(&p->arena, "ssh-agent"),
			 find_program(&p->arena, "ssh-add"), NULL};
	const char *name = arena_printf(&p->arena, "keys%zu", p->ntasks);

	if (!k.agent || !k.add) {
		err_fail(e, ERR_BUILD_MOUNT, "the keys of --ssh %.80s need ssh-agent and ssh-add",
			 ssh->id);
		return err_hint(e, "install the OpenSSH client, or give an agent's socket");
	}
	/* Short, however long the store's path is. */
	k.socket = arena_printf(&p->arena, "/proc/%d/fd/%d/%s", (int)getpid(), p->side.fd, name);
	int r = task_start(&p->tasks[p->ntasks], become_agent, &k, e);
	if (r < 0)
		return r;
	p->ntasks++;
	struct pollfd gone = {.fd = p->tasks[p->ntasks - 1].pidfd, .events = POLLIN};
	while (faccessat(p->side.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		if (poll(&gone, 1, 2) > 0)
			return err_fail(e, ERR_BUILD_MOUNT, "the ssh-agent for --ssh %.80s ended",
					ssh->id);
	*ret_socket = k.socket;
	return add_keys(&k, e);
}

/* ---- the mount */

static int not_given(const struct run_mount *m, struct err *e)
{
	if (!m->required)
		return 0;
	err_fail(e, ERR_BUILD_MOUNT, "an SSH agent (id %.80s) is required, and was not given",
		 m->id);
	return err_hint(e, "hoy build --ssh %.80s passes on the agent of $SSH_AUTH_SOCK", m->id);
}

int run_ssh_add(struct run_parts *p, const struct run_mount *m, struct err *e)
{
	const struct bind_list *all = p->j->ssh;
	const struct build_ssh *v = all ? all->v : NULL, *found = NULL;
	struct config_mount to = {.type = "bind"};
	const char *side;

	for (size_t i = 0; all && i < all->n; i++)
		if (!strcmp(v[i].id, m->id))
			found = &v[i];
	if (!found)
		return not_given(m, e);
	if (p->ntasks + 2 > RUN_MAX_TASKS)
		return err_fail(e, ERR_BUILD_MOUNT, "a step has at most %d mounts of SSH agents",
				RUN_MAX_TASKS / 2);
	int r = run_parts_side(p, &side, e);
	struct proxy x = {.agent = found->socket};
	if (r == 0 && !x.agent)
		r = start_agent(p, found, &x.agent, e);
	if (r < 0)
		return r;
	const char *name = arena_printf(&p->arena, "ssh%zu", p->nssh);
	autoclose int listener = bind_socket(p, name, m->mode);
	if (listener < 0)
		return err_set(e, listener, "make the socket of the SSH agent");
	x.listener = listener;
	r = task_start(&p->tasks[p->ntasks], listen_on, &x, e);
	if (r < 0)
		return r;
	p->ntasks++;
	to.source = arena_printf(&p->arena, "%s/%s", side, name);
	to.destination = m->target
				 ? m->target
				 : arena_printf(&p->arena, "/run/buildkit/ssh_agent.%zu", p->nssh);
	if (!p->nssh++)
		p->ssh_socket = to.destination;
	if (m->uid || m->gid)
		p->give[p->ngive++] = (struct run_give){name, m->uid, m->gid};
	run_parts_mount(p, &to);
	return 0;
}
