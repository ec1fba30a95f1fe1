/*
 * syscalls_gen - runs when hoy is built: writes the tables of system call numbers, out of libseccomp's.
 *
 *   syscalls_gen MACHINE > OUT.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <seccomp.h>

static const struct {
	const char *machine;
	uint32_t archs[3];
} machines[] = {
	{"x86_64", {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32}},
	{"aarch64", {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM}},
	{"riscv64", {SCMP_ARCH_RISCV64}},
};

struct row {
	char *name; /* libseccomp gives it away */
	int nr;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void put_table(uint32_t arch)
{
	static struct row rows[1024];
	size_t n = 0;

	/* Numbers that matter end below 1024; what an architecture has above (ARM's private ones) is libc's own business. */
	for (int nr = 0; nr < 1024; nr++) {
		int bit = arch == SCMP_ARCH_X32 ? 0x40000000 : 0;
		char *name = seccomp_syscall_resolve_num_arch(arch, nr | bit);
		if (name && strlen(name) < 30)
			rows[n++] = (struct row){name, nr};
		else
			free(name);
	}
	qsort(rows, n, sizeof rows[0], by_name);
	printf("static const struct syscall_row rows_%x[] = {\n", arch);
	for (size_t i = 0; i < n; i++) {
		printf("\t{\"%s\", %d},\n", rows[i].name, rows[i].nr);
		free(rows[i].name);
	}
	puts("};\n");
}

int main(int argc, char **argv)
{
	for (size_t m = 0; argc == 2 && m < sizeof machines / sizeof machines[0]; m++) {
		const uint32_t *archs = machines[m].archs;
		int n = 0;
		while (n < 3 && archs[n])
			n++;
		if (strcmp(machines[m].machine, argv[1]) != 0)
			continue;
		puts("/* Made by syscalls_gen. */\n#include \"sys/syscalls.h\"\n");
		for (int i = 0; i < n; i++)
			put_table(archs[i]);
		puts("const struct syscall_table syscall_tables[] = {");
		for (int i = 0; i < n; i++)
			printf("\t{0x%x, rows_%x, sizeof rows_%x / sizeof rows_%x[0]},\n", archs[i],
			       archs[i], archs[i], archs[i]);
		printf("};\nconst size_t syscall_table_count = %d;\n", n);
		return ferror(stdout) || fflush(stdout);
	}
	fprintf(stderr, "syscalls_gen: no tables for machine %s\n", argc > 1 ? argv[1] : "(none)");
	return 1;
}
