#include <sys/mman.h>

#include "base/base.h"
#include "base/task.h"
#include "pull/tags.h"
#include "registry/catalog.h"

struct listing {
	const struct reference *name;
	const struct registry_opts *o;
	int fd;
};

/* Each tag becomes a line. */
static int list(void *arg, struct err *e)
{
	const struct listing *l = arg;
	scoped(arena) a = {0};
	scoped(str) text = {0};
	struct strs tags;
	int r = registry_tags(l->name, l->o, 0, &a, &tags, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < tags.n; i++)
		str_addf(&text, "%s\n", tags.v[i]);
	r = fd_write_all(l->fd, str_cstr(&text), text.len);
	return r < 0 ? err_set(e, r, "pass the tags on") : 0;
}

static int read_lines(int fd, struct arena *a, struct strs *ret, struct err *e)
{
	enum { MAX = CATALOG_MAX_ENTRIES * (REF_MAX_TAG + 1) };
	scoped(str) text = {0};

	lseek(fd, 0, SEEK_SET);
	int r = fd_read_all(fd, &text, MAX);
	if (r < 0)
		return err_set(e, r, "take the tags over");
	for (char *s = text.s, *end; s && (end = strchr(s, '\n')); s = end + 1) {
		*end = 0;
		strs_add(a, ret, s);
	}
	return 0;
}

int pull_tags(const struct reference *name, const struct registry_opts *o, struct arena *a,
	      struct strs *ret, struct err *e)
{
	scoped(task_signals) sig;
	struct task_wait wait = TASK_WAIT_ONLY;
	struct task t = TASK_NONE;
	autoclose int fd = memfd_create("tags", MFD_CLOEXEC);
	struct listing l = {name, o, fd};
	size_t done;

	*ret = (struct strs){0};
	if (fd < 0)
		return err_set(e, errno, "make a file in memory");
	task_signals_hold(&sig);
	wait.sigfd = sig.fd;
	int r = task_start(&t, list, &l, e);
	if (r == 0)
		r = task_wait(&t, 1, &wait, &done, e);
	task_kill(&t);
	return r < 0 ? r : read_lines(fd, a, ret, e);
}
