/*
 * How a filter is built
 *
 * A program is a chain of architecture checks, and for each architecture a balanced tree of comparisons over ranges of call
 * numbers with the same outcome; neighbouring calls that are all allowed cost one range. Leaves are actions, or the
 * comparisons of a call that has rules with arguments. The kernel runs such a program once per call number when it is loaded
 * and skips it later for every call whose outcome is "allow" whatever the arguments (since 5.11), for which it wants plain
 * jumps and no arithmetic, so there is none outside of argument masks.
 *
 * Jumps go forward only and reach 255 instructions. The program is therefore made from its end to its beginning: when
 * an instruction is put down, its targets exist, and a target out of reach gets a long jump in between. Positions are counted from
 * the end until the program is turned around.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "sys/seccomp.h"
#include "sys/syscalls.h"

enum { MAX_ARCHS = 4 };

void seccomp_prog_free(struct seccomp_prog *p)
{
	free(p->owned);
	*p = (struct seccomp_prog){0};
}

int seccomp_load(const struct seccomp_prog *p)
{
	struct sock_fprog prog = {.len = (unsigned short)p->n,
				  .filter = (struct sock_filter *)p->v};

	if (!p->n)
		return 0;
	if (p->n > BPF_MAXINSNS)
		return -E2BIG;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->flags, &prog) == 0)
		return 0;
	return -errno;
}

struct rule {
	char *name;
	uint32_t action;
	unsigned nargs;
	struct seccomp_arg args[6];
};

struct seccomp_builder {
	uint32_t archs[MAX_ARCHS];
	size_t narchs;
	uint32_t dflt, bad_arch;
	unsigned how;
	struct rule *rules;
	size_t n, cap;
};

int seccomp_builder_new(struct seccomp_builder **ret, const uint32_t *archs, size_t narchs,
			uint32_t default_action, uint32_t bad_arch_action, struct err *e)
{
	if (narchs < 1 || narchs > MAX_ARCHS)
		return err_fail(e, ERR_SECCOMP_PROFILE,
				"a filter for %zu architectures, not 1 to %d", narchs, MAX_ARCHS);
	struct seccomp_builder *b = xcalloc(1, sizeof *b);
	memcpy(b->archs, archs, narchs * sizeof *archs);
	b->narchs = narchs;
	b->dflt = default_action;
	b->bad_arch = bad_arch_action;
	*ret = b;
	return 0;
}

void seccomp_builder_cleanup(struct seccomp_builder **b)
{
	if (!*b)
		return;
	for (size_t i = 0; i < (*b)->n; i++)
		free((*b)->rules[i].name);
	free((*b)->rules);
	free(*b);
	*b = NULL;
}

void seccomp_builder_like_runc(struct seccomp_builder *b, unsigned how)
{
	b->how = how;
}

int seccomp_builder_add(struct seccomp_builder *b, const char *name, uint32_t action,
			const struct seccomp_arg *args, size_t nargs, struct err *e)
{
	if (nargs > countof(b->rules->args))
		return err_fail(e, ERR_SECCOMP_PROFILE, "%zu conditions for %s, at most 6", nargs,
				name);
	if (b->n == UINT16_MAX)
		return err_fail(e, ERR_SECCOMP_PROFILE, "over %u rules", UINT16_MAX);
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 512;
		b->rules = xrealloc(b->rules, b->cap * sizeof *b->rules);
	}
	struct rule *r = &b->rules[b->n++];
	*r = (struct rule){.name = xstrdup(name), .action = action, .nargs = (unsigned)nargs};
	if (nargs)
		memcpy(r->args, args, nargs * sizeof *args);
	return 0;
}

/* A program under construction, last instruction first. */
struct code {
	struct sock_filter *v;
	size_t n, cap;
};

static size_t put(struct code *c, uint16_t op, uint32_t k, size_t jt, size_t jf)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 1024;
		c->v = xrealloc(c->v, c->cap * sizeof *c->v);
	}
	c->v[c->n] = (struct sock_filter){op, (uint8_t)jt, (uint8_t)jf, k};
	return c->n++;
}

static size_t put_load(struct code *c, size_t offset)
{
	return put(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* A target as near as a jump that is put down after up to ahead more instructions needs it. */
static size_t within_reach(struct code *c, size_t target, size_t ahead)
{
	if (c->n + ahead - target - 1 <= 255)
		return target;
	return put(c, BPF_JMP | BPF_JA, (uint32_t)(c->n - target - 1), 0, 0);
}

/* A conditional jump on the accumulator. */
static size_t put_jump(struct code *c, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	yes = within_reach(c, yes, 1);
	no = within_reach(c, no, 0);
	return put(c, BPF_JMP | op | BPF_K, k, c->n - yes - 1, c->n - no - 1);
}

/* Returns the action: an instruction that does so and is near already, or a new one. */
static size_t put_return(struct code *c, uint32_t action)
{
	for (size_t i = c->n; i > 0 && c->n - i < 200; i--) {
		if (c->v[i - 1].code == (BPF_RET | BPF_K) && c->v[i - 1].k == action)
			return i - 1;
	}
	return put(c, BPF_RET | BPF_K, action, 0, 0);
}

/* Where the halves of argument i stand in struct seccomp_data. All supported machines are little-endian. */
static size_t arg_offset(unsigned i, bool high)
{
	return offsetof(struct seccomp_data, args) + i * sizeof(uint64_t) + (high ? 4 : 0);
}

static size_t put_masked(struct code *c, const struct seccomp_arg *a, bool high, size_t yes,
			 size_t no)
{
	uint32_t mask = (uint32_t)(high ? a->mask >> 32 : a->mask);
	uint32_t want = (uint32_t)(high ? a->value >> 32 : a->value) & mask;

	if (!mask)
		return yes;
	/* A next comparison that starts by loading what is loaded already goes on behind its load. */
	const struct sock_filter *next = &c->v[no];
	if (mask == UINT32_MAX && next->code == (BPF_LD | BPF_W | BPF_ABS) &&
	    next->k == arg_offset(a->index, high))
		no--;
	put_jump(c, BPF_JEQ, want, yes, no);
	if (mask != UINT32_MAX)
		put(c, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	return put_load(c, arg_offset(a->index, high));
}

/* Compares 64 bits by halves. strict is what decides on the high half, op on the low half when the high ones are equal. */
static size_t put_ordered(struct code *c, const struct seccomp_arg *a, uint16_t op, bool above,
			  size_t yes, size_t no)
{
	uint32_t high = (uint32_t)(a->value >> 32);

	put_jump(c, op, (uint32_t)a->value, above ? yes : no, above ? no : yes);
	size_t low = put_load(c, arg_offset(a->index, false));
	size_t equal = put_jump(c, BPF_JEQ, high, low, above ? no : yes);
	put_jump(c, BPF_JGT, high, above ? yes : no, equal);
	return put_load(c, arg_offset(a->index, true));
}

static size_t put_arg(struct code *c, const struct seccomp_arg *a, size_t yes, size_t no)
{
	struct seccomp_arg eq = *a;

	switch (a->op) {
	case SECCOMP_GT:
		return put_ordered(c, a, BPF_JGT, true, yes, no);
	case SECCOMP_GE:
		return put_ordered(c, a, BPF_JGE, true, yes, no);
	case SECCOMP_LE: /* not greater */
		return put_ordered(c, a, BPF_JGT, false, yes, no);
	case SECCOMP_LT:
		return put_ordered(c, a, BPF_JGE, false, yes, no);
	case SECCOMP_NE:
	case SECCOMP_EQ:
		eq.mask = UINT64_MAX;
		break;
	case SECCOMP_MASKED_EQ:
		break;
	}
	if (a->op == SECCOMP_NE) {
		size_t swap = yes;
		yes = no;
		no = swap;
	}
	size_t low = put_masked(c, &eq, false, yes, no);
	return put_masked(c, &eq, true, low, no);
}

/* What one call number leads to: the rules with arguments in order (indices into the builder's rules), then action. */
struct call {
	uint32_t action;
	uint16_t nconds;
	uint16_t conds[64];
};
enum { MAX_CALLS = 1024 };

static size_t put_call(struct code *c, const struct seccomp_builder *b, const struct call *call)
{
	size_t no = put_return(c, call->action);

	for (size_t i = call->nconds; i-- > 0;) {
		const struct rule *r = &b->rules[call->conds[i]];
		size_t yes = put_return(c, r->action);
		for (unsigned k = r->nargs; k-- > 0;)
			yes = put_arg(c, &r->args[k], yes, no);
		no = yes;
	}
	return no;
}

/* Starts of the ranges of equal calls. */
struct ranges {
	uint16_t start[MAX_CALLS];
	size_t n;
};

static size_t put_tree(struct code *c, const struct seccomp_builder *b, const struct call *calls,
		       const struct ranges *rs, size_t from, size_t to)
{
	if (to - from == 1)
		return put_call(c, b, &calls[rs->start[from]]);
	size_t mid = (from + to) / 2;
	size_t right = put_tree(c, b, calls, rs, mid, to);
	size_t left = put_tree(c, b, calls, rs, from, mid);
	return put_jump(c, BPF_JGE, rs->start[mid], right, left);
}

/* Sorts the rules of one architecture by call number. The first rule without arguments counts; a rule with arguments that says
 * what comes after it anyway is kept, for it may shield the call from a later one. */
static int collect(const struct seccomp_builder *b, uint32_t arch, struct call *calls,
		   struct err *e)
{
	bool decided[MAX_CALLS] = {false};
	int last = -1;

	for (int nr = 0; nr < MAX_CALLS; nr++)
		calls[nr] = (struct call){.action = b->dflt};
	for (size_t i = 0; i < b->n; i++) {
		const struct rule *r = &b->rules[i];
		int nr = syscall_number(arch, r->name);
		if (nr < 0 || nr >= MAX_CALLS)
			continue;
		last = nr > last ? nr : last;
		struct call *call = &calls[nr];
		if (!r->nargs) {
			call->action = decided[nr] ? call->action : r->action;
			decided[nr] = true;
		} else if (call->nconds < countof(call->conds)) {
			call->conds[call->nconds++] = (uint16_t)i;
		} else {
			return err_fail(e, ERR_SECCOMP_PROFILE, "%s has over %zu rules", r->name,
					countof(call->conds));
		}
	}
	for (int nr = 0; nr < MAX_CALLS; nr++) {
		if ((b->how & SECCOMP_PLAIN_WINS) && decided[nr])
			calls[nr].nconds = 0;
		if ((b->how & SECCOMP_YOUNG_ENOSYS) && last >= 0 && nr > last)
			calls[nr].action = SECCOMP_RET_ERRNO | ENOSYS;
	}
	return 0;
}

static bool has_arch(const struct seccomp_builder *b, uint32_t arch)
{
	for (size_t i = 0; i < b->narchs; i++)
		if (b->archs[i] == arch)
			return true;
	return false;
}

/* The tree of one architecture's calls; their number is in the accumulator. */
static int put_calls(struct code *c, const struct seccomp_builder *b, uint32_t arch, size_t *ret,
		     struct err *e)
{
	autofree struct call *calls = xcalloc(MAX_CALLS, sizeof *calls);
	autofree struct ranges *rs = xcalloc(1, sizeof *rs);

	int r = collect(b, arch, calls, e);
	if (r < 0)
		return r;
	for (int nr = 0; nr < MAX_CALLS; nr++) {
		const struct call *now = &calls[nr], *before = nr ? now - 1 : NULL;
		if (!before || now->nconds || before->nconds || now->action != before->action)
			rs->start[rs->n++] = (uint16_t)nr;
	}
	*ret = put_tree(c, b, calls, rs, 0, rs->n);
	return 0;
}

/* x32 calls carry a bit. -1 is no x32 call: a tracer skips calls that way. */
static int put_x32(struct code *c, const struct seccomp_builder *b, size_t tree, struct err *e)
{
	size_t x32;
	int r = 0;

	if (has_arch(b, SYSCALLS_X32)) {
		r = put_calls(c, b, SYSCALLS_X32, &x32, e);
		x32 = put(c, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)SYSCALLS_X32_BIT, 0, 0);
	} else {
		x32 = put_return(c, b->bad_arch);
	}
	if (r < 0)
		return r;
	size_t other = put_jump(c, BPF_JEQ, UINT32_MAX, put_return(c, b->dflt), x32);
	put_jump(c, BPF_JGE, SYSCALLS_X32_BIT, other, tree);
	return 0;
}

static int put_arch(struct code *c, const struct seccomp_builder *b, uint32_t arch, size_t *ret,
		    struct err *e)
{
	size_t tree;
	int r = put_calls(c, b, arch, &tree, e);

	if (r == 0 && arch == AUDIT_ARCH_X86_64)
		r = put_x32(c, b, tree, e);
	*ret = put_load(c, offsetof(struct seccomp_data, nr));
	return r;
}

int seccomp_builder_finish(struct seccomp_builder *b, struct seccomp_prog *ret, struct err *e)
{
	struct code c = {0};
	size_t next = put_return(&c, b->bad_arch);
	int r = 0;

	for (size_t i = b->narchs; i-- > 0 && !r;) {
		size_t here;
		if (b->archs[i] == SYSCALLS_X32) /* within x86_64 */
			continue;
		r = put_arch(&c, b, b->archs[i], &here, e);
		if (!r)
			next = put_jump(&c, BPF_JEQ, b->archs[i], here, next);
	}
	put_load(&c, offsetof(struct seccomp_data, arch));
	if (!r && c.n > BPF_MAXINSNS)
		r = err_fail(e, ERR_SECCOMP_PROFILE,
			     "the filter has %zu instructions, the kernel takes %d", c.n,
			     BPF_MAXINSNS);
	if (r < 0) {
		free(c.v);
		return r;
	}
	for (size_t i = 0; i < c.n / 2; i++) {
		struct sock_filter swap = c.v[i];
		c.v[i] = c.v[c.n - 1 - i];
		c.v[c.n - 1 - i] = swap;
	}
	*ret = (struct seccomp_prog){.v = c.v, .n = c.n, .owned = c.v};
	return 0;
}
