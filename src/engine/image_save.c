/*
 * How it works: the images are looked up, the output is opened, and one child inside U0 (who may read files of all owners) writes. A file
 * or directory gets its name only when it is complete (target.h).
 */
#include <signal.h>

#include "base/base.h"
#include "engine/adding.h"
#include "engine/image.h"
#include "engine/target.h"
#include "state/tell.h"
#include "state/u0.h"
#include "store/save.h"

static int open_target(struct target *t, const struct image_save_opts *o, struct err *e)
{
	bool dir = o->format == SAVE_OCI_DIR || o->format == SAVE_DOCKER_DIR;

	return dir ? target_open_dir(t, o->output, e)
		   : target_open(t, o->output, "hoy save IMAGE > FILE", e);
}

struct save_work {
	const struct home *h;
	struct save_job job;
};

static int save_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct save_work *w = arg;

	signal(SIGPIPE, SIG_IGN); /* an error like any other */
	return save_images(w->h, map->form, &w->job, e);
}

static void add_name(struct arena *a, struct save_image *im, const char *full)
{
	struct reference ref;

	/* a name by digest is no name that an archive can give */
	if (full && ref_parse(a, full, &ref, NULL) == 0 && ref.tag && !strs_has(&im->names, full))
		strs_add(a, &im->names, full);
}

/* The image that text means, once in the list. */
static int add_image(const struct home *h, const char *text, struct arena *a, struct save_job *job,
		     struct err *e)
{
	scoped(image) im = {0};
	int r = image_find(h, text, &im, e);
	size_t i = 0;

	if (r < 0)
		return r;
	bool forms = job->format == SAVE_OCI_ARCHIVE || job->format == SAVE_OCI_DIR;
	while (i < job->n && (strcmp(job->images[i].id, im.id) ||
			      (forms && !str_eq(job->images[i].form, im.form))))
		i++;
	if (i == job->n)
		job->images[job->n++] = (struct save_image){.id = arena_strdup(a, im.id),
							    .form = arena_strdup(a, im.form)};
	add_name(a, &job->images[i], im.found);
	return 0;
}

static int add_more_name(const char *text, const char *registry, struct arena *a,
			 struct save_image *im, struct err *e)
{
	struct reference ref;
	int r = image_parse_new_name(a, text, registry, &ref, e);

	if (r == 0)
		add_name(a, im, ref_text(a, &ref));
	return r;
}

static int run_save(struct save_work *w, const struct board_watch *watch, struct err *e)
{
	if (!watch->show)
		return u0_run(w->h, save_inside, w, e);
	w->job.board = board_new(e);
	if (!w->job.board)
		return -ENOMEM;
	w->job.board->saves = true;
	int r = watched_run(w->h, save_inside, w, w->job.board, watch, e);
	board_free(w->job.board);
	return r;
}

static int write_all(struct save_work *w, struct target *t, const struct board_watch *watch,
		     struct err *e)
{
	sigset_t old, set;

	w->job.fd = t->fd;
	w->job.what = t->what;
	/* u0_run() takes signals; what is unfinished is removed by us */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	int r = run_save(w, watch, e);
	if (r == 0)
		r = target_finish(t, e);
	target_free(t);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

int image_save(const struct home *h, const struct image_save_opts *o, struct err *e)
{
	scoped(arena) a = {0};
	struct save_work w = {.h = h, .job = {.format = o->format, .compress = o->compress}};
	struct target t;
	int r = 0;

	w.job.images = arena_alloc(&a, (o->n + 1) * sizeof *w.job.images);
	for (size_t i = 0; i < o->n && r == 0; i++)
		r = !i || o->multi
			    ? add_image(h, o->images[i], &a, &w.job, e)
			    : add_more_name(o->images[i], o->registry, &a, &w.job.images[0], e);
	if (r < 0)
		return r;
	if (o->format == SAVE_DOCKER_DIR && w.job.n > 1)
		return err_fail(e, ERR_USAGE, "a docker-dir holds one image only");
	r = open_target(&t, o, e);
	if (r < 0) {
		target_free(&t);
		return r;
	}
	r = write_all(&w, &t, &o->watch, e);
	for (size_t i = 0; i < w.job.n && r == 0; i++)
		image_tell(h, "save", w.job.images[i].id, o->images[i]);
	return r;
}
