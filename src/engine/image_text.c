#include "base/base.h"
#include "base/parse.h"
#include "engine/image_text.h"

const char *image_since_text(struct arena *a, struct timespec t)
{
	scoped(str) s = {0};

	if (!t.tv_sec)
		return "N/A";
	time_human(&s, time_now().tv_sec - t.tv_sec);
	return arena_printf(a, "%s ago", str_cstr(&s));
}

const char *image_size_text(struct arena *a, int64_t bytes, bool docker)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1000 && i + 1 < countof(units)) {
		v /= 1000;
		i++;
	}
	return arena_printf(a, "%.3g%s%s", v, docker ? "" : " ", units[i]);
}
