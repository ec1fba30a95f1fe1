#include "base/base.h"
#include "base/parse.h"
#include "cli/moment.h"

int moment_opt(const struct cli *c, const char *flag, const char *text, bool *ret_has,
	       struct timespec *ret, struct err *e)
{
	scoped(str) later = {0};
	int64_t ns;

	*ret_has = !str_is_empty(text);
	if (!*ret_has)
		return 0;
	if (c->called == CALLED_PODMAN && !strcmp(flag, "until") &&
	    parse_duration(text, &ns) == 0 && ns > 0)
		str_addf(&later, "-%s", *text == '+' ? text + 1 : text);
	if (parse_moment(later.len ? later.s : text, ret) == 0)
		return 0;
	err_fail(e, ERR_USAGE, "--%s \"%.60s\" is not a time", flag, text);
	return err_hint(e, "as in 2026-01-31T12:00:00, 1767225600, or 10m for ten minutes ago");
}
