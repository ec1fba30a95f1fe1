#include "base/base.h"
#include "sys/syscalls.h"

static int young_call(const char *name)
{
	static const char *const from_451[] = {
		"cachestat",	     "fchmodat2",	  "map_shadow_stack", "futex_wake",
		"futex_wait",	     "futex_requeue",	  "statmount",	      "listmount",
		"lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal",
		"setxattrat",	     "getxattrat",	  "listxattrat",      "removexattrat",
		"open_tree_attr",    "file_getattr",	  "file_setattr"};

	for (size_t i = 0; i < countof(from_451); i++) {
		if (!strcmp(from_451[i], name))
			return 451 + (int)i;
	}
	return -ENOENT;
}

static int compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct syscall_row *)row)->name);
}

int syscall_number(uint32_t arch, const char *name)
{
	for (size_t i = 0; i < syscall_table_count; i++) {
		const struct syscall_table *t = &syscall_tables[i];
		if (t->arch != arch)
			continue;
		const struct syscall_row *row = bsearch(name, t->rows, t->n, sizeof *row, compare);
		return row ? row->nr : young_call(name);
	}
	return -ENOENT;
}
