#include <sched.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/task.h"
#include "store/layer_pool.h"

enum { MAX_WORKERS = BOARD_WORKERS };

struct work {
	const struct home *h;
	const struct u0_map *map;
	struct pool_job *job;
	struct layer_info *info; /* shared with the parent */
	pid_t *entry;		 /* on the board; NULL */
};

static void set_stage(const struct pool_job *j, enum board_stage s)
{
	if (j->board)
		j->board->stage = s;
}

static int work(void *arg, struct err *e)
{
	const struct work *w = arg;
	struct pool_job *j = w->job;

	if (w->entry)
		*w->entry = getpid();
	set_stage(j, BOARD_WORKS);
	if (j->board)
		j->job.progress = &j->board->progress;
	int r = layer_add(w->h, w->map, &j->job, w->info, e);
	if (r == 0)
		set_stage(j, w->info->existed && !w->info->blob_size ? BOARD_THERE : BOARD_DONE);
	return r;
}

static size_t processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > MAX_WORKERS ? MAX_WORKERS : (size_t)n;
}

static int larger_first(const void *a, const void *b)
{
	const struct pool_job *x = *(struct pool_job *const *)a, *y = *(struct pool_job *const *)b;

	return x->job.blob_size == y->job.blob_size  ? (x > y) - (x < y)
	       : x->job.blob_size < y->job.blob_size ? 1
						     : -1;
}

/* Keeps up to `most` workers busy until all is done or one fails. */
static int run_all(struct work *all, size_t n, struct task *workers, size_t most,
		   struct board *board, struct err *e)
{
	struct task_wait w = TASK_WAIT_ONLY;
	size_t begun = 0, done = 0, slot = 0;

	while (done < n) {
		while (begun < n && begun - done < most) {
			for (slot = 0; workers[slot].pid; slot++)
				;
			all[begun].entry = board ? &board->workers[slot] : NULL;
			int r = task_start(&workers[slot], work, &all[begun++], e);
			if (r < 0)
				return r;
		}
		int r = task_wait(workers, most, &w, &slot, e);
		if (board)
			board->workers[slot] = 0;
		if (r < 0)
			return r;
		done++;
	}
	return 0;
}

/* What every worker needs is loaded once, before they are forked. */
static int prepare(struct err *e)
{
	struct digest d;

	return hash_bytes("", 0, &d, e);
}

static int add_in_parallel(const struct home *h, const struct u0_map *map, struct pool_job **order,
			   size_t n, size_t most, struct layer_info *infos, struct board *board,
			   struct err *e)
{
	struct task workers[MAX_WORKERS];
	struct work *all = xcalloc(n, sizeof *all);
	int r = prepare(e);

	for (size_t i = 0; i < MAX_WORKERS; i++)
		workers[i] = TASK_NONE;
	for (size_t i = 0; i < n; i++)
		all[i] = (struct work){h, map, order[i], &infos[i], NULL};
	if (r == 0)
		r = run_all(all, n, workers, most, board, e);
	for (size_t i = 0; i < most; i++)
		task_kill(&workers[i]);
	if (board)
		memset(board->workers, 0, sizeof board->workers);
	for (size_t i = 0; i < n; i++)
		order[i]->info = infos[i];
	free(all);
	return r;
}

int layers_add_all(const struct home *h, const struct u0_map *map, struct pool_job *const *v,
		   size_t n, struct board *board, struct err *e)
{
	size_t most = processors(), size = n * sizeof(struct layer_info);
	int r = 0;

	if (n < 2) {
		struct work w = {h, map, n ? v[0] : NULL, n ? &v[0]->info : NULL, NULL};
		return n ? work(&w, e) : 0;
	}
	struct layer_info *infos =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (infos == MAP_FAILED)
		return err_set(e, errno, "share memory");
	struct pool_job **order = xcalloc(n, sizeof *order);
	memcpy(order, v, n * sizeof *order);
	qsort(order, n, sizeof *order, larger_first);
	r = add_in_parallel(h, map, order, n, most < n ? most : n, infos, board, e);
	free(order);
	munmap(infos, size);
	return r;
}
