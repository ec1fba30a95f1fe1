/* Unit tests of the filter compiler: its programs are run by a small interpreter of classic BPF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/base.h"
#include "base/rand.h"
#include "sys/seccomp.h"
#include "sys/syscalls.h"

#ifdef __x86_64__
#define NATIVE AUDIT_ARCH_X86_64
#define SMALL  AUDIT_ARCH_I386
#elif defined __aarch64__
#define NATIVE AUDIT_ARCH_AARCH64
#define SMALL  AUDIT_ARCH_ARM
#endif
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define ALLOW	 SECCOMP_RET_ALLOW

static uint32_t run(const struct seccomp_prog *p, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < p->n; pc++) {
		const struct sock_filter *f = &p->v[pc];
		bool yes = false;
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)d + f->k, sizeof a);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			continue;
		case BPF_RET | BPF_K:
			return f->k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == f->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > f->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= f->k;
			break;
		default:
			fail_msg("instruction 0x%x", f->code);
		}
		pc += yes ? f->jt : f->jf;
	}
	fail_msg("ran off the end");
	return 0;
}

static uint32_t ask(const struct seccomp_prog *p, uint32_t arch, int nr, uint64_t a0, uint64_t a1)
{
	struct seccomp_data d = {.arch = arch, .nr = nr, .args = {a0, a1}};

	return run(p, &d);
}

static void specific_before_general(void **state)
{
	static const uint32_t archs[] = {NATIVE, SMALL};
	static const struct seccomp_arg sti = {
		.index = 1, .op = SECCOMP_MASKED_EQ, .value = 0x5412, .mask = UINT32_MAX};
	struct seccomp_builder *b autobuilder = NULL;
	scoped(seccomp_prog) p = {0};
	int nr = syscall_number(NATIVE, "ioctl");

	assert_int_equal(seccomp_builder_new(&b, archs, 2, ERRNO(38), ERRNO(7), NULL), 0);
	assert_int_equal(seccomp_builder_add(b, "ioctl", ALLOW, NULL, 0, NULL), 0);
	assert_int_equal(seccomp_builder_add(b, "ioctl", ERRNO(1), &sti, 1, NULL), 0);
	assert_int_equal(seccomp_builder_add(b, "no_such_call", ALLOW, NULL, 0, NULL), 0);
	assert_int_equal(seccomp_builder_finish(b, &p, NULL), 0);
	assert_int_equal(ask(&p, NATIVE, nr, 0, 0x5412), ERRNO(1));
	assert_int_equal(ask(&p, NATIVE, nr, 0, 0xffffffff00005412), ERRNO(1));
	assert_int_equal(ask(&p, NATIVE, nr, 0, 0x5413), ALLOW);
	assert_int_equal(ask(&p, NATIVE, nr + 1, 0, 0), ERRNO(38));
	assert_int_equal(ask(&p, NATIVE, -1, 0, 0), ERRNO(38));
	assert_int_equal(ask(&p, SMALL, syscall_number(SMALL, "ioctl"), 0, 0x5412), ERRNO(1));
	assert_int_equal(ask(&p, AUDIT_ARCH_S390X, nr, 0, 0), ERRNO(7));
#ifdef __x86_64__
	assert_int_equal(ask(&p, NATIVE, nr | 0x40000000, 0, 0), ERRNO(7));
#endif
}

static bool holds(const struct seccomp_arg *a, uint64_t v)
{
	switch (a->op) {
	case SECCOMP_NE:
		return v != a->value;
	case SECCOMP_LT:
		return v < a->value;
	case SECCOMP_LE:
		return v <= a->value;
	case SECCOMP_EQ:
		return v == a->value;
	case SECCOMP_GE:
		return v >= a->value;
	case SECCOMP_GT:
		return v > a->value;
	case SECCOMP_MASKED_EQ:
		return (v & a->mask) == (a->value & a->mask);
	}
	return false;
}

/* A number that is often on or beside a border of another one made the same way. */
static uint64_t border(void)
{
	static const uint64_t some[] = {0,
					1,
					2,
					UINT32_MAX - 1,
					UINT32_MAX,
					1ULL << 32,
					(1ULL << 32) + 1,
					UINT64_MAX,
					3ULL << 32,
					UINT64_MAX - 1,
					0x5412,
					0x7e020000};

	return some[rand_u64() % countof(some)];
}

/* All comparisons and their combinations against a plain evaluation of the rules. */
static void as_the_rules_say(void **state)
{
	static const uint32_t archs[] = {NATIVE};
	const struct syscall_table *t = &syscall_tables[0];

	assert_int_equal(t->arch, NATIVE);
	for (int round = 0; round < 60; round++) {
		struct seccomp_builder *b autobuilder = NULL;
		scoped(seccomp_prog) p = {0};
		struct {
			size_t row;
			uint32_t action;
			size_t nargs;
			struct seccomp_arg args[3];
		} rules[120];

		assert_int_equal(seccomp_builder_new(&b, archs, 1, ERRNO(38), 0, NULL), 0);
		for (size_t i = 0; i < countof(rules); i++) {
			rules[i].row = rand_u64() % (round % 2 ? 20 : t->n);
			rules[i].action = rand_u64() % 3 ? ALLOW : ERRNO(rand_u64() % 5);
			rules[i].nargs = rand_u64() % 4;
			for (size_t k = 0; k < rules[i].nargs; k++)
				rules[i].args[k] =
					(struct seccomp_arg){.index = rand_u64() % 2,
							     .op = SECCOMP_NE + rand_u64() % 7,
							     .value = border(),
							     .mask = border()};
			assert_int_equal(seccomp_builder_add(b, t->rows[rules[i].row].name,
							     rules[i].action, rules[i].args,
							     rules[i].nargs, NULL),
					 0);
		}
		assert_int_equal(seccomp_builder_finish(b, &p, NULL), 0);
		for (int q = 0; q < 4000; q++) {
			size_t row = rules[rand_u64() % countof(rules)].row;
			uint64_t v[2] = {border(), border()};
			uint32_t want = ERRNO(38);
			bool decided = false;
			for (int pass = 0; pass < 2; pass++) {
				for (size_t i = 0; i < countof(rules) && !decided; i++) {
					decided = rules[i].row == row &&
						  (rules[i].nargs == 0) == (pass == 1);
					for (size_t k = 0; k < rules[i].nargs; k++)
						decided &= holds(&rules[i].args[k],
								 v[rules[i].args[k].index]);
					want = decided ? rules[i].action : want;
				}
			}
			assert_int_equal(ask(&p, NATIVE, t->rows[row].nr, v[0], v[1]), want);
		}
	}
}

static void names(void **state)
{
	assert_int_equal(syscall_number(NATIVE, "cachestat"), 451);
	assert_int_equal(syscall_number(SMALL, "file_setattr"), 469);
	assert_int_equal(syscall_number(NATIVE, "nothing"), -ENOENT);
	assert_int_equal(syscall_number(AUDIT_ARCH_S390X, "read"), -ENOENT);
#ifdef __x86_64__
	assert_int_equal(syscall_number(NATIVE, "read"), 0);
	assert_int_equal(syscall_number(SMALL, "read"), 3);
	assert_int_equal(syscall_number(SMALL, "socketcall"), 102);
#endif
}

#ifdef __x86_64__
/* x32 calls have a bit in their number, and some have numbers of their own. */
static void x32(void **state)
{
	static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, SYSCALLS_X32};

	for (size_t n = 1; n <= countof(archs); n++) {
		struct seccomp_builder *b autobuilder = NULL;
		scoped(seccomp_prog) p = {0};
		bool in = n == 3;
		assert_int_equal(seccomp_builder_new(&b, archs, n, ERRNO(38), ERRNO(9), NULL), 0);
		seccomp_builder_add(b, "read", ALLOW, NULL, 0, NULL);
		seccomp_builder_add(b, "ioctl", ERRNO(3), NULL, 0, NULL);
		assert_int_equal(seccomp_builder_finish(b, &p, NULL), 0);
		assert_int_equal(ask(&p, NATIVE, 0, 0, 0), ALLOW);
		assert_int_equal(ask(&p, NATIVE, 16, 0, 0), ERRNO(3));
		assert_int_equal(ask(&p, NATIVE, SYSCALLS_X32_BIT, 0, 0), in ? ALLOW : ERRNO(9));
		assert_int_equal(ask(&p, NATIVE, SYSCALLS_X32_BIT | 514, 0, 0),
				 in ? ERRNO(3) : ERRNO(9));
		assert_int_equal(ask(&p, NATIVE, SYSCALLS_X32_BIT | 16, 0, 0),
				 in ? ERRNO(38) : ERRNO(9));
		assert_int_equal(ask(&p, NATIVE, -1, 0, 0), ERRNO(38));
		assert_int_equal(ask(&p, AUDIT_ARCH_I386, 3, 0, 0), n > 1 ? ALLOW : ERRNO(9));
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specific_before_general),
		cmocka_unit_test(as_the_rules_say),
		cmocka_unit_test(names),
#ifdef __x86_64__
		cmocka_unit_test(x32),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
