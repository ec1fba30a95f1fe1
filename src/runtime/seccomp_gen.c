/*
 * seccomp_gen - runs when hoy is built: compiles the default seccomp profile into C arrays.
 *
 *   seccomp_gen MACHINE PROFILE.json OUT.c
 *
 * One program for the default capabilities, and one for each combination of the capabilities that are added most often. It is
 * the same code that compiles custom profiles at run time, so the two cannot differ. And one that hands over the calls of runtime/creds.h.
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/base.h"
#include "runtime/creds.h"
#include "runtime/seccomp_profile.h"
#include "sys/caps.h"
#include "sys/syscalls.h"

static const int usual[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_PTRACE};

static void put_program(struct str *out, const char *name, const struct seccomp_prog *p)
{
	str_addf(out, "%s[] = {\n", name);
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

/* All architectures that syscalls_gen knows; calls of any other are the kernel's, as far as the profile lets them through. */
static int generate_ids(struct str *out, struct err *e)
{
	struct seccomp_builder *b autobuilder = NULL;
	uint32_t archs[4];
	struct seccomp_prog p = {0};
	size_t n = 0;

	for (; n < syscall_table_count && n < countof(archs); n++)
		archs[n] = syscall_tables[n].arch;
	int r = seccomp_builder_new(&b, archs, n, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, e);
	for (size_t i = 0; !r && i < creds_call_count; i++) {
		const struct creds_call *c = &creds_calls[i];
		for (size_t k = 0; !r && k < (c->mask ? countof(c->values) : 1); k++) {
			struct seccomp_arg arg = {c->arg, SECCOMP_MASKED_EQ, c->values[k], c->mask};
			r = seccomp_builder_add(b, c->name, SECCOMP_RET_USER_NOTIF, &arg,
						c->mask ? 1 : 0, e);
		}
	}
	if (!r)
		r = seccomp_builder_finish(b, &p, e);
	if (!r) {
		put_program(out, "const struct sock_filter seccomp_builtin_ids", &p);
		str_addf(out, "const size_t seccomp_builtin_ids_n = %zu;\n\n", p.n);
	}
	seccomp_prog_free(&p);
	return r;
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
		char name[60];
		r = seccomp_profile_compile_for(machine, text.s, text.len, path, variant_caps(i),
						&p, &relevant, e);
		if (r < 0)
			return r;
		snprintf(name, sizeof name, "static const struct sock_filter prog%u", i);
		put_program(out, name, &p);
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
	return generate_ids(out, e);
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
