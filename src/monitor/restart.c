#include "base/base.h"
#include "base/loop.h"
#include "monitor/restart.h"
#include "state/restart_policy.h"

void restart_began(struct restart *r)
{
	r->began = time_mono_ms();
}

static bool is_wanted(const struct restart_policy *p, int dir, const struct container_state *st,
		      int code)
{
	if (p->kind == RESTART_NO || restart_is_stopped(dir))
		return false;
	if (p->kind != RESTART_ON_FAILURE)
		return true;
	return code != 0 && (!p->max || st->restart_count < p->max);
}

int64_t restart_after(struct restart *r, int dir, const struct container_state *st, int code)
{
	const struct restart_policy p = restart_policy_now(dir, st->restart);

	if (!is_wanted(&p, dir, st, code))
		return -1;
	if (r->began && time_mono_ms() - r->began >= RESTART_CALM_MS)
		r->wait_ms = 0;
	r->began = 0; /* a start that fails is no calm run */
	r->wait_ms = !r->wait_ms			? RESTART_FIRST_MS
		     : r->wait_ms * 2 > RESTART_LAST_MS ? RESTART_LAST_MS
							: r->wait_ms * 2;
	return r->wait_ms;
}
