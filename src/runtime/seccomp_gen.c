/*
 * seccomp_gen - runs when hoy is built: compiles the default seccomp profile into C arrays.
 *
 *   seccomp_gen MACHINE PROFILE.json OUT.c
 *
 * One program for the default capabilities, and one for each combination of the capabilities that are added most often. It is
 * the same code that compiles custom profiles at run time, so the two cannot differ.
 */
#include <linux/capability.h>
#include <linux/filter.h>

#include "base/base.h"
#include "runtime/seccomp_profile.h"
#include "sys/caps.h"

static const int usual[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_PTRACE};

static void put_program(struct str *out, size_t i, const struct seccomp_prog *p)
{
	str_addf(out, "static const struct sock_filter prog%zu[] = {\n", i);
	for (size_t k = 0; k < p->n; k++)
		str_addf(out, "\t{0x%x, %u, %u, 0x%x},\n", p->v[k].code, p->v[k].jt, p->v[k].jf,
			 p->v[k].k);
	str_add(out, "};\n\n");
}

static void put_text(struct str *out, const struct str *text)
{
	str_add(out, "const char seccomp_builtin_json[] = {");
	for (size_t i = 0; i < text->len; i++)
		str_addf(out, "%s%d,", i % 24 ? "" : "\n\t", (signed char)text->s[i]);
	str_addf(out, "\n\t0};\nconst size_t seccomp_builtin_json_len = %zu;\n", text->len);
}

/* The capabilities of variant i: bit k of i adds the k-th usual one; behind the last combination, all. */
static uint64_t variant_caps(unsigned i)
{
	uint64_t caps = CAPS_DEFAULT;

	if (i >> countof(usual))
		return ~UINT64_C(0);
	for (unsigned k = 0; k < countof(usual); k++)
		caps |= i & (1u << k) ? UINT64_C(1) << usual[k] : 0;
	return caps;
}

static int generate(const char *machine, const char *path, struct str *out, struct err *e)
{
	scoped(str) text = {0};
	scoped(str) table = {0};
	unsigned n = (1u << countof(usual)) + 1;
	uint64_t relevant = 0;

	int r = fd_read_file_at(AT_FDCWD, path, &text, 1 << 20);
	if (r < 0)
		return err_set(e, -r, "read %s", path);
	str_add(out, "/* Made by seccomp_gen from seccomp_default.json. */\n"
		     "#include \"runtime/seccomp_builtin.h\"\n\n");
	for (unsigned i = 0; i < n; i++) {
		struct seccomp_prog p = {0};
		r = seccomp_profile_compile_for(machine, text.s, text.len, path, variant_caps(i),
						&p, &relevant, e);
		if (r < 0)
			return r;
		put_program(out, i, &p);
		str_addf(&table, "\t{UINT64_C(0x%" PRIx64 "), prog%u, %zu},\n",
			 variant_caps(i) & relevant, i, p.n);
		seccomp_prog_free(&p);
	}
	str_addf(out,
		 "const struct seccomp_builtin seccomp_builtins[] = {\n%s};\n"
		 "const size_t seccomp_builtin_count = %u;\n"
		 "const uint64_t seccomp_builtin_relevant = UINT64_C(0x%" PRIx64 ");\n",
		 str_cstr(&table), n, relevant);
	put_text(out, &text);
	return 0;
}

int main(int argc, char **argv)
{
	scoped(str) out = {0};
	struct err e = {0};

	if (argc != 4) {
		fprintf(stderr, "usage: seccomp_gen MACHINE PROFILE.json OUT.c\n");
		return 2;
	}
	int r = generate(argv[1], argv[2], &out, &e);
	if (!r) {
		r = fd_write_file_at(AT_FDCWD, argv[3], out.s, out.len, 0644);
		if (r < 0)
			err_set(&e, -r, "write %s", argv[3]);
	}
	if (r < 0)
		fprintf(stderr, "seccomp_gen: %s\n", e.msg);
	return r < 0;
}
