/*
 * floor - what the kernel charges at least for a container start: the namespaces, the mounts and the exec, and nothing else.
 *
 *     floor cold LOWER DIR        everything new: user namespace with newuidmap and newgidmap, overlay, namespaces, /proc /dev /sys, pivot_root, exec
 *     floor hold                  make a user namespace with the full id map, print its process id, stay until stdin closes
 *     floor warm LOWER DIR PID    join that namespace, the container's own user namespace as a child of it (no helper), the rest as in cold
 *
 * LOWER is a root with /bin/true, DIR a directory to work in. scripts/bench divides hoy by this. No error recovery, no security, no
 * logs: those are what hoy may cost on top. Order of execution:
 *
 *     caller                       keeper (its own session)              container
 *     mkdir upper work root        -                                     -
 *     newuidmap, newgidmap   <->   unshare user, mount namespaces        -
 *     wait                         overlay, clone                   ->   /proc /dev /sys, pivot_root, exec true
 *     -                            wait, unmount, rmdir
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALL_NS                                                                                     \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET)

struct work {
	const char *lower;
	char top[512], upper[600], workdir[600], root[600];
};

static void need(long r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(120);
}

static void prepare(struct work *w, const char *lower, const char *dir)
{
	w->lower = lower;
	snprintf(w->top, sizeof w->top, "%s/%d", dir, getpid());
	snprintf(w->upper, sizeof w->upper, "%s/u", w->top);
	snprintf(w->workdir, sizeof w->workdir, "%s/w", w->top);
	snprintf(w->root, sizeof w->root, "%s/m", w->top);
	need(mkdir(w->top, 0700), w->top);
	need(mkdir(w->upper, 0755), w->upper);
	need(mkdir(w->workdir, 0755), w->workdir);
	need(mkdir(w->root, 0755), w->root);
}

static void clean(struct work *w)
{
	char inner[700];

	snprintf(inner, sizeof inner, "%s/work", w->workdir);
	rmdir(inner);
	rmdir(w->workdir);
	rmdir(w->upper);
	rmdir(w->root);
	rmdir(w->top);
}

/* The caller's first range in /etc/subuid or /etc/subgid. */
static void range(const char *file, char first[32], char count[32])
{
	struct passwd *p = getpwuid(getuid());
	char line[256], name[128];
	FILE *f = fopen(file, "re");

	while (f && p && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%127[^:]:%31[0-9]:%31[0-9]", name, first, count) == 3 &&
		    !strcmp(name, p->pw_name)) {
			fclose(f);
			return;
		}
	}
	fprintf(stderr, "floor: no range for this user in %s\n", file);
	_exit(120);
}

static pid_t map_helper(const char *prog, pid_t target, unsigned id, const char *file)
{
	char pid[32], self[32], first[32], count[32];

	range(file, first, count);
	snprintf(pid, sizeof pid, "%d", target);
	snprintf(self, sizeof self, "%u", id);
	pid_t p = vfork();
	if (!p) {
		execlp(prog, prog, pid, "0", self, "1", "1", first, count, (char *)NULL);
		_exit(127);
	}
	return p;
}

static void map_full(pid_t target)
{
	pid_t u = map_helper("newuidmap", target, getuid(), "/etc/subuid");
	pid_t g = map_helper("newgidmap", target, getgid(), "/etc/subgid");
	int st;

	need(waitpid(u, &st, 0) == u && !st ? 0 : -1, "newuidmap");
	need(waitpid(g, &st, 0) == g && !st ? 0 : -1, "newgidmap");
}

static void become_root(void)
{
	need(setresgid(0, 0, 0), "setresgid");
	need(setresuid(0, 0, 0), "setresuid");
}

static void mount_overlay(const struct work *w)
{
	char opt[2400];

	need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	snprintf(opt, sizeof opt, "userxattr,lowerdir=%s,upperdir=%s,workdir=%s", w->lower,
		 w->upper, w->workdir);
	need(mount("overlay", w->root, "overlay", 0, opt), "overlay");
}

static void inside(const struct work *w)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	char from[64], to[64];

	need(chdir(w->root), w->root);
	need(mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL), "proc");
	need(mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL),
	     "sysfs");
	need(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "size=64k,mode=755"), "dev");
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		snprintf(from, sizeof from, "/dev/%s", nodes[i]);
		snprintf(to, sizeof to, "dev/%s", nodes[i]);
		close(open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
		need(mount(from, to, NULL, MS_BIND, NULL), from);
	}
	mkdir("dev/pts", 0755);
	need(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666"),
	     "devpts");
	mkdir("dev/shm", 01777);
	need(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, NULL), "shm");
	need(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	need(umount2(".", MNT_DETACH), "unmount the old root");
	need(chdir("/"), "/");
	execl("/bin/true", "true", (char *)NULL);
	need(-1, "exec /bin/true");
}

static int wait_for(pid_t p)
{
	int st;

	need(waitpid(p, &st, 0), "wait");
	return WIFEXITED(st) ? WEXITSTATUS(st) : 121;
}

static int cold(struct work *w)
{
	int up[2], down[2];
	char c = 0;

	need(pipe2(up, O_CLOEXEC) | pipe2(down, O_CLOEXEC), "pipe");
	pid_t keeper = fork();
	if (keeper) {
		need(read(up[0], &c, 1), "keeper");
		map_full(keeper);
		need(write(down[1], &c, 1), "keeper");
		return wait_for(keeper);
	}
	setsid();
	need(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	need(write(up[1], &c, 1), "caller");
	need(read(down[0], &c, 1), "caller");
	become_root();
	mount_overlay(w);
	pid_t k = (pid_t)syscall(SYS_clone, ALL_NS | SIGCHLD, 0, 0, 0, 0);
	need(k, "clone");
	if (!k)
		inside(w);
	int rc = wait_for(k);
	umount2(w->root, MNT_DETACH);
	clean(w);
	_exit(rc);
}

static void put(pid_t pid, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	need(fd, path);
	need(write(fd, text, strlen(text)), path);
	close(fd);
}

/* An extent of the child's map may not span two of the parent's: so 0, and the rest. */
static void child_map(const char *file, char map[64])
{
	char first[32], count[32];

	range(file, first, count);
	snprintf(map, 64, "0 0 1\n1 1 %s\n", count);
}

static int warm(struct work *w, const char *u0)
{
	char path[64], uids[64], gids[64], c = 0;
	int go[2];

	pid_t keeper = fork();
	if (keeper)
		return wait_for(keeper);
	setsid();
	child_map("/etc/subuid", uids); /* before the ids change */
	child_map("/etc/subgid", gids);
	snprintf(path, sizeof path, "/proc/%s/ns/user", u0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	need(fd, path);
	need(pipe2(go, O_CLOEXEC), "pipe");
	need(setns(fd, CLONE_NEWUSER), "setns");
	become_root();
	pid_t k = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | ALL_NS | SIGCHLD, 0, 0, 0, 0);
	need(k, "clone");
	if (!k) {
		need(read(go[0], &c, 1), "keeper");
		become_root();
		mount_overlay(w);
		inside(w);
	}
	put(k, "uid_map", uids);
	put(k, "gid_map", gids);
	need(write(go[1], &c, 1), "container");
	int rc = wait_for(k);
	clean(w);
	_exit(rc);
}

static int hold(void)
{
	int up[2], down[2];
	char c = 0;

	need(pipe2(up, O_CLOEXEC) | pipe2(down, O_CLOEXEC), "pipe");
	pid_t keeper = fork();
	if (!keeper) {
		close(down[1]);
		need(unshare(CLONE_NEWUSER), "unshare");
		need(write(up[1], &c, 1), "caller");
		while (read(down[0], &c, 1) > 0)
			;
		_exit(0);
	}
	need(read(up[0], &c, 1), "keeper");
	map_full(keeper);
	printf("%d\n", keeper);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	close(down[1]);
	return wait_for(keeper);
}

int main(int argc, char **argv)
{
	struct work w;

	if (argc == 2 && !strcmp(argv[1], "hold"))
		return hold();
	if (argc < 4) {
		fputs("floor cold LOWER DIR | hold | warm LOWER DIR PID\n", stderr);
		return 2;
	}
	prepare(&w, argv[2], argv[3]);
	return argc == 5 ? warm(&w, argv[4]) : cold(&w);
}
