#include "base/base.h"
#include "base/parse.h"
#include "state/restart_policy.h"

static const char *const kinds[] = {"no", "always", "on-failure", "unless-stopped"};

const char *restart_policy_name(enum restart_kind k)
{
	return kinds[k];
}

static int bad(const char *text, struct err *e)
{
	err_fail(e, ERR_USAGE, "\"%.60s\" is not a restart policy", text);
	return err_hint(e,
			"the policies are: no, always, unless-stopped, on-failure, on-failure:N");
}

int restart_policy_parse(const char *text, struct restart_policy *ret, struct err *e)
{
	uint64_t max = 0;

	*ret = (struct restart_policy){RESTART_NO};
	if (str_is_empty(text) || !strcmp(text, "never"))
		return 0;
	size_t n = strcspn(text, ":"), k = 0;
	while (k < countof(kinds) && (strlen(kinds[k]) != n || strncmp(kinds[k], text, n) != 0))
		k++;
	if (k == countof(kinds))
		return bad(text, e);
	ret->kind = (enum restart_kind)k;
	if (!text[n])
		return 0;
	if (ret->kind != RESTART_ON_FAILURE) {
		err_fail(e, ERR_USAGE, "the restart policy %s takes no number", kinds[k]);
		return err_hint(e, "on-failure:%.20s starts it again so many times after failures",
				text + n + 1);
	}
	if (parse_u64(text + n + 1, INT32_MAX, &max) < 0)
		return bad(text, e);
	ret->max = (int64_t)max;
	return 0;
}

const char *restart_policy_text(const struct restart_policy *p, char *buf)
{
	if (p->max)
		snprintf(buf, RESTART_TEXT, "%s:%" PRId64, kinds[p->kind], p->max);
	else
		snprintf(buf, RESTART_TEXT, "%s", kinds[p->kind]);
	return buf;
}

struct restart_policy restart_policy_now(int dir, const char *recorded)
{
	struct restart_policy p;
	char text[RESTART_TEXT];
	ssize_t n = readlinkat(dir, CONTAINER_POLICY, text, sizeof text - 1);

	text[n > 0 ? n : 0] = 0;
	if (restart_policy_parse(n > 0 ? text : recorded, &p, NULL) < 0)
		p = (struct restart_policy){RESTART_NO};
	return p;
}

int restart_policy_change(int dir, const struct restart_policy *p, struct err *e)
{
	static const char fresh[] = CONTAINER_POLICY ".new";
	char text[RESTART_TEXT];

	unlinkat(dir, fresh, 0);
	if (symlinkat(restart_policy_text(p, text), dir, fresh) < 0 ||
	    renameat(dir, fresh, dir, CONTAINER_POLICY) < 0)
		return err_set(e, errno, "write down the restart policy");
	return 0;
}

bool restart_is_stopped(int dir)
{
	return faccessat(dir, CONTAINER_STOPPED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int restart_mark_stopped(int dir)
{
	autoclose int fd =
		openat(dir, CONTAINER_STOPPED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : 0;
}

void restart_unmark_stopped(int dir)
{
	unlinkat(dir, CONTAINER_STOPPED, 0);
}
