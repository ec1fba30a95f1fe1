#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>

#include "base/base.h"
#include "base/proc.h"
#include "store/layer_form.h"
#include "store/replay.h"

static int make_one(const struct home *h, const struct u0_map *map, const struct digest *diffid,
		    struct err *e)
{
	struct replay *from;
	struct layer_info info;
	char what[60];
	int r = replay_open(&from, h, diffid, map->form, e);

	if (r < 0)
		return r;
	snprintf(what, sizeof what, "layer sha256:%.12s", diffid->hex);
	struct layer_job job = {
		.source = replay_source(from), .what = what, .blob_size = -1, .diffid = *diffid};
	/* it was unpacked before: what it may hold was decided then */
	job.limits.max_bytes = job.limits.max_entries = INT64_MAX;
	r = layer_add(h, map, &job, &info, e);
	replay_close(from);
	return r;
}

static int make_missing(const struct home *h, const struct u0_map *map, const struct strs *diffids,
			struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < diffids->n && r == 0; i++) {
		struct digest d;
		r = digest_parse(diffids->v[i], &d, e);
		if (r == 0 && !layer_exists(h, &d, map->form))
			r = make_one(h, map, &d, e);
	}
	return r < 0 ? r : layers_sync(h, e);
}

static _Noreturn void child(const struct home *h, const struct u0_map *map,
			    const struct strs *diffids, int sock)
{
	struct err e = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int r = make_missing(h, map, diffids, &e);
	if (r < 0 && !e.code)
		err_set(&e, r, "make layers in another owner form");
	(void)!send(sock, &e, sizeof e, MSG_NOSIGNAL);
	_exit(0);
}

int layer_forms_make(const struct home *h, const struct u0_map *map, const struct strs *diffids,
		     struct err *e)
{
	bool missing = false;
	struct err said;
	int s[2];

	for (size_t i = 0; i < diffids->n && !missing; i++) {
		struct digest d;
		missing = digest_parse(diffids->v[i], &d, NULL) == 0 &&
			  !layer_exists(h, &d, map->form);
	}
	if (!missing)
		return 0;
	/* The caller is the supervisor, which stays small and opens no libraries. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_set(e, errno, "socketpair");
	autoclose int mine = s[0];
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0)
		child(h, map, diffids, s[1]);
	close(s[1]);
	if (pid < 0)
		return err_set(e, pid, "fork");
	ssize_t n = recv(mine, &said, sizeof said, 0);
	proc_wait(pid);
	if (n != sizeof said)
		return err_died(e, "the process that made layers in another owner form died");
	if (said.code && e)
		*e = said;
	return -said.code;
}
