/* Fuzz target: the recipe reader gives only clean paths, lengths that add up, and an error of its own otherwise. */
#include "base/base.h"
#include "base/fuzz.h"
#include "store/recipe.h"

struct bytes {
	const uint8_t *p;
	size_t n, piece;
};

static ssize_t give(void *arg, void *buf, size_t n, struct err *e)
{
	struct bytes *b = arg;

	n = n < b->n ? n : b->n;
	n = n < b->piece ? n : b->piece;
	memcpy(buf, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

static void check_path(const char *path)
{
	FUZZ_CHECK(path[0] && path[0] != '/' && strlen(path) <= RECIPE_PATH);
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		size_t n = strcspn(p, "/");
		FUZZ_CHECK(n && !(n == 1 && p[0] == '.') && !(n == 2 && !memcmp(p, "..", 2)));
	}
}

static int read_whole(const uint8_t *data, size_t size, size_t piece, uint64_t *ret_total)
{
	struct bytes b = {data, size, piece};
	struct source src = {give, &b};
	struct recipe_reader *r;
	struct recipe_op op = {.kind = RECIPE_BYTES};
	struct err e = {0};
	int k = recipe_open(&r, &src, "recipe", &e);

	*ret_total = 0;
	while (k == 0 && op.kind != RECIPE_END) {
		k = recipe_next(r, &op, &e);
		if (k < 0)
			break;
		if (op.kind == RECIPE_CONTENT || op.kind == RECIPE_MOVED)
			check_path(op.path);
		FUZZ_CHECK(op.offset <= INT64_MAX && op.len <= INT64_MAX);
		FUZZ_CHECK(op.kind != RECIPE_CONTENT || op.offset + op.len <= INT64_MAX);
		if (op.kind == RECIPE_BYTES || op.kind == RECIPE_CONTENT)
			*ret_total += op.len;
		FUZZ_CHECK(op.kind != RECIPE_END || op.len == *ret_total);
	}
	FUZZ_CHECK(k == 0 || (e.code && e.msg[0]));
	recipe_close(r);
	return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole, pieces;
	int k = read_whole(data, size, size ? size : 1, &whole);

	FUZZ_CHECK((read_whole(data, size, 1, &pieces) < 0) == (k < 0));
	FUZZ_CHECK(k < 0 || whole == pieces);
	return 0;
}
