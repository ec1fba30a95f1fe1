/*
 * hello_guest.c - the one program of the built-in image "hello". It needs no libc and nothing else in its image: two system calls
 * and a text. It is compiled on its own and embedded into hoy (meson.build).
 */
static const char text[] =
	"Hello from hoy!\n"
	"\n"
	"A program in a container wrote this. What just happened:\n"
	"  1. hoy made a user namespace in which you are root and the rest of the machine is\n"
	"     nobody. No daemon and no setuid program of hoy took part.\n"
	"  2. It mounted an image (one layer of a few KB, built into hoy) under a private\n"
	"     writable layer: what a container writes, only that container sees.\n"
	"  3. It gave the program its own processes, mounts, network, IPC and host name, took\n"
	"     away the capabilities and system calls that it does not need, and started it as\n"
	"     process 1.\n"
	"  4. A small supervisor passed on this text, keeps it for `hoy logs`, and hands on the\n"
	"     exit code.\n"
	"\n"
	"What to try next:\n"
	"  hoy ps -a                  the containers; this one too, unless you used --rm\n"
	"  hoy run --rm -it @host sh  a shell with this machine's programs; nothing it writes "
	"stays\n"
	"  hoy pull IMAGE             an image from a registry; hoy run fetches what is missing\n"
	"  hoy load -i FILE           an image that podman, docker or skopeo saved\n"
	"  hoy images                 what is there\n"
	"  hoy help                   everything else\n";

#if defined(__x86_64__)
enum { NR_WRITE = 1, NR_EXIT = 60 };
static long call(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
enum { NR_WRITE = 64, NR_EXIT = 93 };
static long call(long nr, long a, long b, long c)
{
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b, x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#elif defined(__riscv)
enum { NR_WRITE = 64, NR_EXIT = 93 };
static long call(long nr, long a, long b, long c)
{
	register long a7 __asm__("a7") = nr, a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b, a2 __asm__("a2") = c;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0;
}
#else
#error "no system call for this machine here yet"
#endif

__attribute__((noreturn)) void _start(void);
void _start(void)
{
	const char *p = text;
	long left = sizeof text - 1;

	while (left > 0) {
		long n = call(NR_WRITE, 1, (long)p, left);
		if (n <= 0)
			break;
		p += n;
		left -= n;
	}
	for (;;)
		call(NR_EXIT, left > 0, 0, 0);
}
