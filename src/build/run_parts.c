#include "base/base.h"
#include "build/step_run.h"
#include "runtime/secrets.h"

int run_parts_side(struct run_parts *p, const char **ret_path, struct err *e)
{
	const struct home *h = p->j->base.h;
	int r = p->side.fd >= 0 ? 0 : home_tmp_make(h, NULL, &p->side, e);

	if (r == 0)
		*ret_path = arena_printf(&p->arena, "%s/%s", h->path, p->side.name);
	return r;
}

void run_parts_mount(struct run_parts *p, const struct config_mount *m)
{
	*(struct config_mount *)bind_append(&p->arena, &p->mounts, sizeof *m) = *m;
	strs_add(&p->arena, &p->made, m->destination);
}

/* A here-document that is run. What it lies in is in memory and the container's own, so that no layer sees the mount point. */
static int add_script(struct run_parts *p, struct err *e)
{
	struct config_mount m = {.type = "bind", .destination = STEP_SCRIPT};
	const char *side;
	int r = run_parts_side(p, &side, e);

	if (r < 0)
		return r;
	r = fd_write_file_at(p->side.fd, "script", p->j->script, p->j->script_len, 0755);
	if (r == 0 && fchmodat(p->side.fd, "script", 0755, 0) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "write the script of the step");
	m.source = arena_printf(&p->arena, "%s/script", side);
	strs_add(&p->arena, &m.options, "ro");
	run_parts_mount(p, &m);
	return 0;
}

int run_parts_make(const struct run_job *j, struct run_parts *p, struct err *e)
{
	*p = (struct run_parts){.j = j, .side = {.fd = -1}};
	int r = j->script ? add_script(p, e) : 0;
	return r < 0 ? r : run_mounts_add(p, e);
}

int run_parts_give_secrets(const struct run_parts *p, int container_dir, struct err *e)
{
	char name[40];
	int r = 0;

	if (!p->secrets.n)
		return 0;
	if (mkdirat(container_dir, SECRETS_DIR, 0700) < 0)
		r = -errno;
	for (size_t i = 0; i < p->secrets.n && r == 0; i++) {
		snprintf(name, sizeof name, SECRETS_DIR "/%zu", i);
		r = fd_write_file_at(container_dir, name, p->data[i].s, p->data[i].len, 0600);
	}
	return r < 0 ? err_set(e, r, "copy the secrets of the step") : 0;
}

void run_parts_free(struct run_parts *p)
{
	for (size_t i = 0; i < p->secrets.n; i++) {
		if (p->data[i].len)
			explicit_bzero(p->data[i].s, p->data[i].len);
		str_free(&p->data[i]);
	}
	while (p->ntasks)
		task_kill(&p->tasks[--p->ntasks]);
	while (p->nlock)
		close(p->lock[--p->nlock]);
	if (p->side.fd >= 0)
		home_tmp_drop(p->j->base.h, &p->side);
	arena_free(&p->arena);
}
