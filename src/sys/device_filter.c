#include <linux/bpf.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "sys/device_filter.h"

/* Registers: the kernel gives the context in 1; 2 type, 3 what is still asked for, 4 major, 5 minor, 1 for what a rule names. */
#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

struct program {
	struct bpf_insn *v;
	size_t n, cap;
};

static size_t put(struct program *p, struct bpf_insn i)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 256;
		p->v = xrealloc(p->v, p->cap * sizeof *p->v);
	}
	p->v[p->n] = i;
	return p->n++;
}

static void put_verdict(struct program *p, int allow)
{
	put(p, INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, allow));
	put(p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/* One rule. Its jumps lead behind it. */
static void put_rule(struct program *p, const struct device_rule *r)
{
	size_t jumps[4], n = 0;

	if (r->type != 'a')
		jumps[n++] =
			put(p, INSN(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 0,
				    r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
	/* Numbers are compared as 32 bits (JMP32 is younger than the programs, so the constant is loaded without its sign). */
	if (r->major >= 0) {
		put(p, INSN(BPF_ALU | BPF_MOV | BPF_K, 1, 0, 0, (int32_t)(uint32_t)r->major));
		jumps[n++] = put(p, INSN(BPF_JMP | BPF_JNE | BPF_X, 4, 1, 0, 0));
	}
	if (r->minor >= 0) {
		put(p, INSN(BPF_ALU | BPF_MOV | BPF_K, 1, 0, 0, (int32_t)(uint32_t)r->minor));
		jumps[n++] = put(p, INSN(BPF_JMP | BPF_JNE | BPF_X, 5, 1, 0, 0));
	}
	if (r->access != DEVICE_ALL && !r->allow) {
		put(p, INSN(BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0));
		put(p, INSN(BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, (int32_t)r->access));
		jumps[n++] = put(p, INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0, 0));
	} else if (r->access != DEVICE_ALL) {
		put(p,
		    INSN(BPF_ALU | BPF_AND | BPF_K, 3, 0, 0, (int32_t)(DEVICE_ALL & ~r->access)));
		jumps[n++] = put(p, INSN(BPF_JMP | BPF_JNE | BPF_K, 3, 0, 0, 0));
	}
	put_verdict(p, r->allow);
	for (size_t i = 0; i < n; i++)
		p->v[jumps[i]].off = (int16_t)(p->n - jumps[i] - 1);
}

static bool is_last_word(const struct device_rule *r)
{
	return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == DEVICE_ALL;
}

int device_filter_make(const struct device_rule *v, size_t n, struct bpf_insn **ret, size_t *ret_n)
{
	struct program p = {0};
	bool done = false;

	if (n > DEVICE_RULES_MAX)
		return -E2BIG;
	put(&p, INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1,
		     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0));
	put(&p, INSN(BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0));
	put(&p, INSN(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff));
	put(&p, INSN(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16));
	put(&p,
	    INSN(BPF_LDX | BPF_MEM | BPF_W, 4, 1, offsetof(struct bpf_cgroup_dev_ctx, major), 0));
	put(&p,
	    INSN(BPF_LDX | BPF_MEM | BPF_W, 5, 1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0));
	/* Behind a rule for everything nothing can be reached, which the kernel would refuse. */
	for (size_t i = n; i-- > 0 && !done;) {
		put_rule(&p, &v[i]);
		done = is_last_word(&v[i]);
	}
	if (!done)
		put_verdict(&p, 0);
	*ret = p.v;
	*ret_n = p.n;
	return 0;
}

bool device_filter_says(const struct device_rule *v, size_t n, char type, uint32_t major,
			uint32_t minor, unsigned access)
{
	for (size_t i = n; i-- > 0;) {
		const struct device_rule *r = &v[i];
		if ((r->type != 'a' && r->type != type) || (r->major >= 0 && r->major != major) ||
		    (r->minor >= 0 && r->minor != minor))
			continue;
		if (!r->allow && (r->access == DEVICE_ALL || (access & r->access)))
			return false;
		access &= r->allow ? ~r->access : ~0U;
		if (r->allow && !access)
			return true;
	}
	return false;
}

static int bpf(int cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof *attr);

	return r < 0 ? -errno : r;
}

static int load(const struct bpf_insn *v, size_t n)
{
	union bpf_attr attr = {0};

	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)v;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uintptr_t) "GPL";
	snprintf(attr.prog_name, sizeof attr.prog_name, "hoy_devices");
	return bpf(BPF_PROG_LOAD, &attr);
}

enum { ATTACHED_MAX = 64 };

/* Those that are attached here, not above. */
static int attached(int cgroup, uint32_t ids[ATTACHED_MAX])
{
	union bpf_attr attr = {0};

	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = ATTACHED_MAX;
	int r = bpf(BPF_PROG_QUERY, &attr);
	return r < 0 ? r : (int)attr.query.prog_cnt;
}

static int detach(int cgroup, uint32_t id)
{
	union bpf_attr attr = {0};

	attr.prog_id = id;
	autoclose int fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return fd;
	attr = (union bpf_attr){0};
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return bpf(BPF_PROG_DETACH, &attr);
}

int device_filter_attach(int cgroup, const struct device_rule *v, size_t n)
{
	autofree struct bpf_insn *insns = NULL;
	uint32_t before[ATTACHED_MAX] = {0};
	union bpf_attr attr = {0};
	size_t len;
	int r = device_filter_make(v, n, &insns, &len);

	if (r < 0)
		return r;
	autoclose int fd = load(insns, len);
	if (fd < 0)
		return fd;
	int old = attached(cgroup, before);
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	r = bpf(BPF_PROG_ATTACH, &attr);
	/* The new one holds before the old ones go, so that nothing is open in between: all that are attached must agree. */
	for (int i = 0; r >= 0 && i < old; i++)
		r = detach(cgroup, before[i]);
	return r < 0 ? r : 0;
}
