/* Fuzz target: a seccomp profile, docker's or a bundle's, that compiles gives a program that the kernel would take. */
#include <linux/filter.h>

#include "base/base.h"
#include "base/fuzz.h"
#include "data/json.h"
#include "runtime/seccomp_profile.h"

static void check(const struct seccomp_prog *p)
{
	FUZZ_CHECK(p->n && p->n <= BPF_MAXINSNS);
	for (size_t i = 0; i < p->n; i++) {
		const struct sock_filter *f = &p->v[i];
		size_t left = p->n - i - 1;
		if (BPF_CLASS(f->code) == BPF_RET)
			continue;
		FUZZ_CHECK(left); /* or it would run off the end */
		if (f->code == (BPF_JMP | BPF_JA))
			FUZZ_CHECK(f->k < left);
		else if (BPF_CLASS(f->code) == BPF_JMP)
			FUZZ_CHECK(f->jt < left && f->jf < left);
	}
}

static void as_of_bundle(const char *text, size_t size)
{
	scoped(arena) a = {0};
	scoped(seccomp_prog) p = {0};
	struct err e = {0};
	bool notify;
	const struct json *j = json_parse(&a, text, size, "fuzz", NULL, &e);

	if (!j)
		return;
	if (seccomp_profile_compile_oci(j, "fuzz", &p, &notify, &e) == 0)
		check(&p);
	else
		FUZZ_CHECK(str_starts(e.msg, "fuzz:") || strstr(e.msg, "rules") ||
			   strstr(e.msg, "instructions"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(seccomp_prog) p = {0};
	struct err e = {0};

	if (seccomp_profile_compile((const char *)data, size, "fuzz", 0x800405fb, &p, &e) == 0)
		check(&p);
	else
		FUZZ_CHECK(e.code && e.msg[0]);
	as_of_bundle((const char *)data, size);
	return 0;
}
