/* The program of a device filter, run by a small interpreter of eBPF, against what the rules say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bpf.h>

#include "base/base.h"
#include "base/rand.h"
#include "sys/device_filter.h"

/* As much as the programs use. */
static uint64_t run(const struct bpf_insn *v, size_t n, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t r[11] = {0};

	for (size_t pc = 0, steps = 0; pc < n && steps < 100000; pc++, steps++) {
		const struct bpf_insn *i = &v[pc];
		uint64_t *d = &r[i->dst_reg], s = r[i->src_reg];
		uint32_t k = (uint32_t)i->imm;
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W: {
			uint32_t w;
			memcpy(&w, (const char *)ctx + i->off, sizeof w);
			*d = w;
			continue;
		}
		case BPF_ALU | BPF_MOV | BPF_K:
			*d = k;
			continue;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*d = (uint64_t)(int64_t)i->imm;
			continue;
		case BPF_ALU | BPF_MOV | BPF_X:
			*d = (uint32_t)s;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			*d = (uint32_t)*d & k;
			continue;
		case BPF_ALU | BPF_RSH | BPF_K:
			*d = (uint32_t)*d >> k;
			continue;
		case BPF_JMP | BPF_JNE | BPF_K:
			pc += *d != (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += *d == (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			continue;
		case BPF_JMP | BPF_JNE | BPF_X:
			pc += *d != s ? (size_t)i->off : 0;
			continue;
		case BPF_JMP | BPF_EXIT:
			return r[0];
		default:
			fail_msg("instruction 0x%x", i->code);
		}
	}
	fail_msg("ran off the end");
	return 0;
}

static bool ask(const struct device_rule *v, size_t n, char type, uint32_t major, uint32_t minor,
		unsigned access)
{
	autofree struct bpf_insn *p = NULL;
	size_t len;
	const struct bpf_cgroup_dev_ctx ctx = {
		.access_type =
			(access << 16) | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor};

	assert_int_equal(device_filter_make(v, n, &p, &len), 0);
	bool yes = run(p, len, &ctx) == 1;
	assert_int_equal(yes, device_filter_says(v, n, type, major, minor, access));
	return yes;
}

static void last_one_counts(void **state)
{
	static const struct device_rule v[] = {
		{true, 'a', -1, -1, DEVICE_ALL},
		{false, 'c', 10, -1, DEVICE_ALL},
		{true, 'c', 10, 200, DEVICE_READ | DEVICE_WRITE},
		{false, 'b', -1, -1, DEVICE_WRITE},
		{true, 'c', UINT32_MAX, 0, DEVICE_READ},
	};
	size_t n = countof(v);

	assert_true(ask(v, n, 'c', 1, 3, DEVICE_ALL));
	assert_false(ask(v, n, 'c', 10, 1, DEVICE_READ));
	assert_true(ask(v, n, 'c', 10, 200, DEVICE_READ | DEVICE_WRITE));
	assert_false(ask(v, n, 'c', 10, 200, DEVICE_READ | DEVICE_MKNOD));
	assert_true(ask(v, n, 'b', 8, 0, DEVICE_READ));
	assert_false(ask(v, n, 'b', 8, 0, DEVICE_READ | DEVICE_WRITE));
	assert_true(ask(v, n, 'c', UINT32_MAX, 0, DEVICE_READ));
	assert_false(ask(v, 0, 'c', 1, 3, DEVICE_READ));
	/* Two rules may give what neither gives alone. */
	static const struct device_rule two[] = {{true, 'c', 1, 3, DEVICE_READ},
						 {true, 'c', 1, -1, DEVICE_WRITE}};
	assert_true(ask(two, 2, 'c', 1, 3, DEVICE_READ | DEVICE_WRITE));
	assert_false(ask(two, 2, 'c', 1, 4, DEVICE_READ | DEVICE_WRITE));
}

/* Any rules, any access. */
static void as_the_rules_say(void **state)
{
	for (int round = 0; round < 300; round++) {
		struct device_rule v[12];
		size_t n = rand_u64() % countof(v);
		for (size_t i = 0; i < n; i++)
			v[i] = (struct device_rule){rand_u64() % 2, "abc"[rand_u64() % 3],
						    (int64_t)(rand_u64() % 4) - 1,
						    (int64_t)(rand_u64() % 4) - 1,
						    1 + (unsigned)(rand_u64() % 7)};
		for (int q = 0; q < 60; q++)
			ask(v, n, "bc"[rand_u64() % 2], (uint32_t)(rand_u64() % 3),
			    (uint32_t)(rand_u64() % 3), 1 + (unsigned)(rand_u64() % 7));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_one_counts),
		cmocka_unit_test(as_the_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
