#include <dirent.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "state/space.h"
#include "state/tmp.h"

enum { RESERVE = 64 << 20, PERCENT = 100, PATIENCE_MS = 10000, PAUSE_US = 5000 };

static uint64_t reserve_of(const struct statvfs *st)
{
	uint64_t part = (uint64_t)st->f_blocks * st->f_frsize / PERCENT;

	return part < RESERVE ? part : RESERVE;
}

uint64_t space_left(const struct home *h)
{
	struct statvfs st;

	if (fstatvfs(h->fd, &st) < 0 || !st.f_blocks)
		return UINT64_MAX;
	uint64_t have = (uint64_t)st.f_bavail * st.f_frsize, keep = reserve_of(&st);
	return have > keep ? have - keep : 0;
}

/* Looks at what is on its way out: how much of it is held by somebody, and how much there is. */
static void count_removals(const struct home *h, int *ret_held, int *ret_all)
{
	int tmp = openat(h->fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = tmp < 0 ? NULL : fdopendir(tmp);

	*ret_held = *ret_all = 0;
	for (struct dirent *de; d && (de = readdir(d));) {
		if (!str_starts(de->d_name, TMP_REMOVED))
			continue;
		autoclose int fd =
			openat(tmp, de->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		++*ret_all;
		*ret_held += flock(fd, LOCK_SH | LOCK_NB) < 0;
	}
	if (d)
		closedir(d);
}

void space_wait(const struct home *h)
{
	int64_t until = time_mono_ms() + PATIENCE_MS;
	int held, all;

	count_removals(h, &held, &all);
	while (held && time_mono_ms() < until) {
		usleep(PAUSE_US);
		count_removals(h, &held, &all);
	}
	if (all)
		home_sweep(h);
}

static bool is_room(const struct home *h, uint64_t need)
{
	uint64_t left = space_left(h);

	return left && left >= need;
}

int space_need(const struct home *h, uint64_t need, const char *what, struct err *e)
{
	scoped(str) wanted = {0};
	scoped(str) there = {0};
	scoped(str) kept = {0};
	struct statvfs st;

	if (is_room(h, need))
		return 0;
	space_wait(h);
	if (is_room(h, need) || fstatvfs(h->fd, &st) < 0)
		return 0;
	if (need)
		size_human(&wanted, need);
	size_human(&there, (uint64_t)st.f_bavail * st.f_frsize);
	size_human(&kept, reserve_of(&st));
	err_fail_code(e, ERR_DISK_FULL, ENOSPC,
		      "%s needs %s%s; %s has %s free, and %s are to stay free", what,
		      need ? str_cstr(&wanted) : "more room", need ? " or more" : "", h->path,
		      str_cstr(&there), str_cstr(&kept));
	return err_hint(e,
			"hoy rm, hoy rmi and hoy system prune free space and work on a full disk; "
			"--root puts the store elsewhere");
}
