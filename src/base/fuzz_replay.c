/*
 * The main function of a fuzz target in an ordinary build: runs it once for each file of the folders given, and for a
 * few damaged forms of each (cut short, one byte changed), always the same ones. Prints TAP.
 */
#include <dirent.h>

#include "base/base.h"
#include "base/fuzz.h"

enum { DAMAGED = 24 };

/* Each input lies in memory of exactly its size, so that a sanitizer sees a read behind its end. */
static void feed(const char *s, size_t n, size_t flip)
{
	autofree char *copy = xmalloc(n);

	if (n)
		memcpy(copy, s, n);
	if (flip < n)
		copy[flip] = (char)(copy[flip] ^ (1 << flip % 8));
	LLVMFuzzerTestOneInput((const uint8_t *)copy, n);
}

static void feed_damaged(const struct str *text)
{
	const char *s = str_cstr(text);

	feed(s, text->len, SIZE_MAX);
	for (size_t i = 0; i < DAMAGED && i < text->len; i++) {
		size_t at = text->len * i / DAMAGED;
		feed(s, at, SIZE_MAX);
		feed(s, text->len, at);
	}
}

static int replay(const char *dir)
{
	DIR *d = opendir(dir);
	int files = 0;

	for (struct dirent *f; d && (f = readdir(d));) {
		scoped(str) text = {0};
		if (f->d_name[0] == '.')
			continue;
		int r = fd_read_file_at(dirfd(d), f->d_name, &text, 64 << 20);
		if (r < 0) {
			printf("# %s: %s\n", f->d_name, strerror(-r));
			files = -1;
			break;
		}
		feed_damaged(&text);
		files++;
	}
	if (d)
		closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int n = replay(argv[i]);
		printf("%s %d - %d files of %s\n", n > 0 ? "ok" : "not ok", i, n, argv[i]);
		failed |= n <= 0;
	}
	return failed || argc < 2;
}
