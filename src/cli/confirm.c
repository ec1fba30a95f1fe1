#include "base/base.h"
#include "cli/confirm.h"

int confirm(const char *warning, const char *unasked, struct err *e)
{
	char line[64] = "";
	size_t n = 0;

	fprintf(stderr, "WARNING! %s\nAre you sure you want to continue? [y/N] ", warning);
	fflush(stderr);
	while (n < sizeof line - 1) { /* byte by byte: what stands behind the line is not ours */
		ssize_t k = read(0, line + n, 1);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0 || line[n] == '\n')
			break;
		n++;
	}
	bool answered = n > 0 || line[0] == '\n';
	if (!answered) {
		fputc('\n', stderr);
		err_fail(e, ERR_USAGE, "nobody answered, so nothing was done");
		return err_hint(e, "without a terminal: %s", unasked);
	}
	line[n] = 0;
	return !strcasecmp(line, "y") || !strcasecmp(line, "yes");
}
