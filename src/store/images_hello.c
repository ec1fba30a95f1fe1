#include "base/base.h"
#include "data/hash.h"
#include "oci/platform.h"
#include "store/gc.h"
#include "store/images_hello.h"
#include "store/images.h"
#include "store/layers.h"

static const unsigned char program[] = {
#include "store/hello_guest.inc"
};

bool hello_is_meant(const char *text)
{
	static const char *const names[] = {"hello", "hello:latest", "localhost/hello",
					    "localhost/hello:latest"};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(text, names[i]))
			return true;
	return false;
}

static void put_octal(char *field, size_t digits, size_t value)
{
	for (size_t i = digits; i-- > 0; value /= 8)
		field[i] = (char)('0' + value % 8);
}

/* The layer: a tar (ustar) of one file, /hello, owned by root. Offsets: POSIX.1-2017 pax, "ustar Interchange Format". */
static void make_layer(struct str *out)
{
	char head[512] = "hello";
	static const char zero[1024];
	unsigned sum = 0;

	put_octal(head + 100, 7, 0755);
	put_octal(head + 108, 7, 0);
	put_octal(head + 116, 7, 0);
	put_octal(head + 124, 11, sizeof program);
	put_octal(head + 136, 11, 1767225600); /* 2026-01-01, the date of the config */
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof head; i++)
		sum += (unsigned char)head[i];
	put_octal(head + 148, 6, sum);
	head[154] = 0;
	str_addn(out, head, sizeof head);
	str_addn(out, program, sizeof program);
	str_addn(out, zero, (512 - sizeof program % 512) % 512);
	str_addn(out, zero, sizeof zero);
}

static void make_config(struct str *out, const char *diffid)
{
	str_addf(out,
		 "{\"created\":\"2026-01-01T00:00:00Z\",\"architecture\":\"%s\",\"os\":\"linux\","
		 "\"config\":{\"Env\":[\"PATH=/\"],\"Cmd\":[\"/hello\"],\"WorkingDir\":\"/\","
		 "\"Labels\":{\"org.opencontainers.image.title\":\"hello\","
		 "\"org.opencontainers.image.description\":\"explains hoy\"}},"
		 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]},"
		 "\"history\":[{\"created\":\"2026-01-01T00:00:00Z\","
		 "\"created_by\":\"built into hoy\"}]}",
		 platform_arch(), diffid);
}

struct memory {
	const struct str *text;
	size_t at;
};

static ssize_t read_memory(void *arg, void *buf, size_t n, struct err *e)
{
	struct memory *m = arg;

	if (n > m->text->len - m->at)
		n = m->text->len - m->at;
	memcpy(buf, m->text->s + m->at, n);
	m->at += n;
	return (ssize_t)n;
}

static int add_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct home *h = arg;
	scoped(arena) a = {0};
	scoped(str) layer = {0};
	scoped(str) config = {0};
	char diffid[DIGEST_STR], id[DIGEST_LEN + 1];
	struct strs names = {0};
	struct layer_info info;

	make_layer(&layer);
	struct memory mem = {&layer, 0};
	struct layer_job job = {
		.source = {read_memory, &mem}, .what = "the built-in image hello", .blob_size = -1};
	int r = hash_bytes(layer.s, layer.len, &job.diffid, e);
	if (r == 0)
		r = layer_add(h, map, &job, &info, e);
	if (r < 0)
		return r;
	digest_str(&job.diffid, diffid);
	make_config(&config, diffid);
	strs_add(&a, &names, "localhost/hello:latest");
	return image_add_one(h, &config, diffid, (int64_t)layer.len, &names, id, e);
}

int hello_add(const struct home *h, struct err *e)
{
	struct store_adding adding;
	int r = store_adding_begin(h, &adding, e);

	if (r < 0)
		return r;
	r = u0_run(h, add_inside, (void *)h, e);
	store_adding_end(h, &adding);
	return r;
}
