#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "monitor/ids_table.h"

enum { NOBODY = 65534 };

struct ids_table *ids_table_new(const struct creds *native)
{
	struct ids_table *t =
		mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		return NULL;
	t->tag = (uint32_t)rand_u64() >> 1 |
		 1u << 30; /* far below RLIM_INFINITY, far above any real limit */
	t->native = *native;
	return t;
}

void ids_table_free(struct ids_table *t)
{
	if (t)
		munmap(t, sizeof *t);
}

/* TAG, generation and number of the slot, in 31, 16 and 16 bits. */
static uint64_t value_of(const struct ids_table *t, size_t slot)
{
	return (uint64_t)t->tag << 32 | (uint64_t)t->slots[slot].generation << 16 | slot;
}

static bool is_ours(const struct ids_table *t, uint64_t value)
{
	return value >> 32 == t->tag && (value & 0xffff) < IDS_SLOTS;
}

/* The slot that a value speaks of, or -ENOENT. */
static int slot_of(const struct ids_table *t, uint64_t value)
{
	size_t n = value & 0xffff;

	return is_ours(t, value) && t->slots[n].used && value_of(t, n) == value ? (int)n : -ENOENT;
}

static int read_limit(pid_t pid, struct rlimit *ret)
{
	return prlimit(pid, RLIMIT_LOCKS, NULL, ret) < 0 ? -errno : 0;
}

int ids_table_get(const struct ids_table *t, pid_t pid, struct creds *ret)
{
	struct rlimit l;
	int r = read_limit(pid, &l), slot;

	if (r < 0)
		return r;
	slot = slot_of(t, l.rlim_cur);
	if (slot >= 0)
		*ret = t->slots[slot].creds;
	else if (is_ours(t, l.rlim_cur))
		creds_init(ret, NOBODY, NOBODY, NULL, 0);
	else
		*ret = t->native;
	return 0;
}

/* Frees the slots that no process refers to. */
static void sweep(struct ids_table *t, int proc)
{
	bool seen[IDS_SLOTS] = {false};
	int own = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));) {
		struct rlimit l;
		uint64_t pid;
		if (parse_u64(de->d_name, INT_MAX, &pid) < 0 || read_limit((pid_t)pid, &l) < 0)
			continue;
		int slot = slot_of(t, l.rlim_cur);
		if (slot >= 0)
			seen[slot] = true;
	}
	closedir(d);
	for (size_t i = 0; i < IDS_SLOTS; i++)
		t->slots[i].used &= seen[i];
}

static int find(const struct ids_table *t, const struct creds *c)
{
	for (int i = 0; i < IDS_SLOTS; i++)
		if (c ? t->slots[i].used && creds_equal(&t->slots[i].creds, c) : !t->slots[i].used)
			return i;
	return -EAGAIN;
}

static int slot_for(struct ids_table *t, const struct creds *c, int proc)
{
	int slot = find(t, c);

	if (slot >= 0)
		return slot;
	slot = find(t, NULL);
	if (slot < 0) {
		sweep(t, proc);
		slot = find(t, NULL);
	}
	if (slot >= 0) {
		t->slots[slot].generation++;
		t->slots[slot].used = true;
		t->slots[slot].creds = *c;
	}
	return slot;
}

int ids_table_set(struct ids_table *t, pid_t pid, const struct creds *c, int proc)
{
	struct rlimit l;
	int r = read_limit(pid, &l), slot = 0;

	if (r < 0)
		return r;
	bool native = creds_equal(c, &t->native);
	if (!native)
		slot = slot_for(t, c, proc);
	if (slot < 0)
		return slot;
	l.rlim_cur = native ? l.rlim_max : value_of(t, (size_t)slot);
	if (l.rlim_cur > l.rlim_max)
		return -EAGAIN;
	return prlimit(pid, RLIMIT_LOCKS, &l, NULL) < 0 ? -errno : 0;
}
