#include "base/base.h"
#include "runtime/seccomp_builtin.h"
#include "runtime/seccomp_profile.h"
#include "sys/caps.h"
#include "sys/notify.h"

int seccomp_profile_default(uint64_t caps, struct seccomp_prog *ret, struct err *e)
{
	for (size_t i = 0; i < seccomp_builtin_count; i++) {
		const struct seccomp_builtin *b = &seccomp_builtins[i];
		if (b->caps != (caps & seccomp_builtin_relevant))
			continue;
		*ret = (struct seccomp_prog){.v = b->v, .n = b->n};
		return 0;
	}
	return seccomp_profile_compile(seccomp_builtin_json, seccomp_builtin_json_len,
				       "the default seccomp profile", caps, ret, e);
}

int seccomp_ids_load(void)
{
	const struct seccomp_prog p = {.v = seccomp_builtin_ids, .n = seccomp_builtin_ids_n};

	return notify_load(&p, true);
}
