/*
 * timer - time commands against each other in one interleaved run.
 *
 *     timer [-n ROUNDS] [-p COPIES] [-w WARMUP] LABEL COMMAND ARG... [::: LABEL COMMAND ARG...]...
 *
 * In every round each command runs once (with -p: that many copies at once, timed until the last has ended), so that a noisy moment of the machine
 * hits all of them. Time is fork to wait by CLOCK_MONOTONIC; stdin, stdout and stderr are /dev/null. Prints one line a command, tabs between:
 * label, median, minimum and 90th percentile in microseconds, CPU microseconds (the command and all it waited for), failures.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CMDS 16

struct cmd {
	const char *label;
	char **argv;
	double *us, cpu;
	int failed;
};

extern char **environ;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(const struct rusage *r)
{
	return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) * 1e6 +
	       (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec);
}

static void run(struct cmd *c, int copies, double *ret_us)
{
	posix_spawn_file_actions_t fa;
	struct rusage r;
	int st, alive = 0;
	pid_t p;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&fa, 0, 1);
	posix_spawn_file_actions_adddup2(&fa, 0, 2);
	double start = now_us();
	for (int i = 0; i < copies; i++) {
		if (posix_spawnp(&p, c->argv[0], &fa, NULL, c->argv, environ))
			c->failed++;
		else
			alive++;
	}
	for (; alive; alive--) {
		if (wait4(-1, &st, 0, &r) < 0)
			break;
		c->cpu += cpu_us(&r);
		if (!WIFEXITED(st) || WEXITSTATUS(st))
			c->failed++;
	}
	*ret_us = now_us() - start;
	posix_spawn_file_actions_destroy(&fa);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int parse(char **argv, struct cmd *cmds, int rounds)
{
	int n = 0;

	while (*argv && n < MAX_CMDS) {
		struct cmd *c = &cmds[n++];
		c->label = *argv++;
		c->argv = argv;
		c->us = calloc((size_t)rounds, sizeof *c->us);
		while (*argv && strcmp(*argv, ":::"))
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct cmd cmds[MAX_CMDS] = {0};
	int rounds = 20, copies = 1, warmup = 2, o;
	double us;

	while ((o = getopt(argc, argv, "+n:p:w:")) != -1) {
		int v = (int)strtol(optarg ? optarg : "", NULL, 10);
		if (o == 'n' && v > 0)
			rounds = v;
		else if (o == 'p' && v > 0)
			copies = v;
		else if (o == 'w')
			warmup = v;
		else
			return 2;
	}
	int n = parse(argv + optind, cmds, rounds);
	for (int i = -warmup; i < rounds; i++) {
		for (int k = 0; k < n; k++) {
			double cpu = cmds[k].cpu;
			run(&cmds[k], copies, &us);
			if (i >= 0)
				cmds[k].us[i] = us;
			else
				cmds[k].cpu = cpu;
		}
	}
	for (int k = 0; k < n; k++) {
		struct cmd *c = &cmds[k];
		qsort(c->us, (size_t)rounds, sizeof *c->us, by_size);
		printf("%s\t%.0f\t%.0f\t%.0f\t%.0f\t%d\n", c->label, c->us[rounds / 2], c->us[0],
		       c->us[rounds * 9 / 10], c->cpu / rounds, c->failed);
	}
	return 0;
}
