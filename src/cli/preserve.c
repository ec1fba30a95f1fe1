#include "base/base.h"
#include "base/parse.h"
#include "cli/run_opts.h"

#define TO(kind, field) OPT_TO(kind, struct preserve_opts, field)
const struct opt preserve_rows[] = {
	{"preserve-fd", 0, TO(OPT_CSV, list), "NUMBER",
	 "Pass on the open descriptors of these numbers"},
	{"preserve-fds", 0, TO(OPT_UINT, number), "COUNT",
	 "Pass on so many open descriptors, from 3 on"},
	{0},
};
#undef TO

/* What we open ourselves is closed by execve(2): only what our caller left open is meant to be passed on. */
static int add_kept(struct fd_kept *k, uint64_t fd, struct err *e)
{
	int flags = fd <= INT_MAX ? fcntl((int)fd, F_GETFD) : -1;

	if (flags < 0 || (flags & FD_CLOEXEC)) {
		err_fail_code(e, ERR_USAGE, EBADF, "descriptor %" PRIu64 " is not open", fd);
		return err_hint(e, "--preserve-fds passes on what the caller has open, as in: "
				   "hoy run --preserve-fds 1 ... 3<FILE");
	}
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i] == (int)fd)
			return 0;
	if (k->n == FD_KEPT_MAX)
		return err_fail(e, ERR_USAGE, "more than %d descriptors to pass on", FD_KEPT_MAX);
	k->v[k->n++] = (int)fd;
	return 0;
}

int run_preserved(const struct preserve_opts *o, struct fd_kept *ret, struct err *e)
{
	uint64_t fd;
	int r = 0;

	*ret = (struct fd_kept){0};
	for (uint64_t i = 0; i < o->number && r == 0; i++)
		r = add_kept(ret, 3 + i, e);
	for (size_t i = 0; i < o->list.n && r == 0; i++) {
		if (parse_u64(o->list.v[i], INT_MAX, &fd) < 0 || fd < 3) {
			err_fail(e, ERR_USAGE,
				 "--preserve-fd \"%.40s\" is not a descriptor from 3 on",
				 o->list.v[i]);
			return err_hint(e, "0, 1 and 2 are passed on anyway");
		}
		r = add_kept(ret, fd, e);
	}
	return r;
}
