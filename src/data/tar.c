/*
 * How it works: the parser is in one of the states below. Headers and maps are collected until they are whole; the data of files
 * goes through without a copy. A pax header and GNU long names wait in t->pax, t->long_name and t->long_link until the
 * entry that they speak of comes, and are forgotten with it.
 *
 *   HEADER -> EXTRA (x, g, L, K) -> PAD -> HEADER
 *   HEADER -> [SPARSE_HEADER...] -> entry() -> [MAP] -> DATA or SKIP -> end() -> PAD -> HEADER
 *   HEADER -> ZERO (one zero block) -> END
 */
#include "base/base.h"
#include "data/tar.h"
#include "data/tar_pax.h"

enum { BLOCK = 512 };

enum state {
	HEADER,
	EXTRA,
	SPARSE_HEADER,
	MAP,
	DATA,
	SKIP,
	PAD,
	ZERO,
	END,
	FAILED,
};

struct tar {
	const struct tar_ops *ops;
	void *arg;
	enum state state;
	uint64_t pos;  /* bytes taken */
	uint64_t left; /* of the body, or of PAD */
	uint64_t pad;  /* behind the body */
	uint8_t block[BLOCK];
	size_t have; /* in block */

	char extra_type; /* x, g, L, K */
	struct str extra_g, pax_text, long_name, long_link;
	bool has_long_name, has_long_link;
	struct pax pax;

	struct tar_entry entry;
	char path[TAR_MAX_NAME + 1], link[TAR_MAX_NAME + 1];
	struct tar_segments map; /* old GNU and 1.0; else pax.map is swapped in */
	size_t seg;
	uint64_t seg_done, offset; /* in the segment; in a file without holes */
	uint64_t map_want, map_number, map_first, map_bytes;
	size_t map_numbers;
	int map_digits;
};

struct tar *tar_new(const struct tar_ops *ops, void *arg)
{
	struct tar *t = xcalloc(1, sizeof *t);

	t->ops = ops;
	t->arg = arg;
	return t;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	pax_free(&t->pax);
	tar_segments_free(&t->map);
	str_free(&t->extra_g);
	str_free(&t->pax_text);
	str_free(&t->long_name);
	str_free(&t->long_link);
	free(t);
}

static uint64_t padding(uint64_t n)
{
	return (BLOCK - n % BLOCK) % BLOCK;
}

static int bad_entry(const struct tar *t, const char *why, struct err *e)
{
	return err_fail(e, ERR_ARCHIVE, "tar entry %.200s: %s", t->path, why);
}

/*
 * Numbers: octal digits between blanks, ended by a blank or NUL; or, with the top bit of the first byte set, a big-endian
 * two's complement number (GNU).
 */
static int number(const uint8_t *p, size_t n, int64_t *ret)
{
	if (p[0] & 0x80) {
		bool neg = p[0] & 0x40;
		uint64_t v = neg ? UINT64_MAX : 0;
		for (size_t i = 0; i < n; i++) {
			uint8_t c = i ? p[i] : neg ? p[0] : p[0] & 0x7f;
			if (v >> 56 != (neg ? 0xff : 0))
				return -ERANGE;
			v = v << 8 | c;
		}
		if (neg ? !(v >> 63) : v >> 63)
			return -ERANGE;
		*ret = (int64_t)v;
		return 0;
	}
	uint64_t v = 0;
	size_t i = 0;
	while (i < n && (p[i] == ' ' || p[i] == 0))
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v >> 60)
			return -ERANGE;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	for (; i < n; i++)
		if (p[i] != ' ' && p[i] != 0)
			return -EINVAL;
	*ret = (int64_t)v;
	return 0;
}

static int unsigned_number(const uint8_t *p, size_t n, uint64_t *ret)
{
	int64_t v = 0;
	int r = number(p, n, &v);

	*ret = (uint64_t)v;
	return r < 0 || v < 0 ? -EINVAL : 0;
}

/* The sum of all bytes with the field itself as blanks; old tars summed signed chars. */
static bool checksum_ok(const uint8_t *h)
{
	uint64_t want;
	uint32_t sum = 0;
	int32_t sum_signed = 0;

	if (unsigned_number(h + 148, 8, &want) < 0)
		return false;
	for (size_t i = 0; i < BLOCK; i++) {
		sum += h[i];
		sum_signed += (int8_t)h[i];
	}
	for (size_t i = 148; i < 156; i++) {
		sum += 32U - h[i];
		sum_signed += 32 - (int8_t)h[i];
	}
	return want == sum || (int64_t)want == sum_signed;
}

static bool all_zero(const uint8_t *p)
{
	return p[0] == 0 && !memcmp(p, p + 1, BLOCK - 1);
}

/* Copies a name field (not always NUL-terminated) behind what is in to. */
static size_t add_field(char *to, size_t at, const uint8_t *p, size_t n)
{
	size_t k = strnlen((const char *)p, n);

	memcpy(to + at, p, k);
	to[at + k] = 0;
	return k;
}

static int set_name(char *to, const char *from, struct err *e)
{
	size_t n = strlen(from);

	if (n > TAR_MAX_NAME)
		return err_fail(e, ERR_ARCHIVE,
				"a tar entry has a name of more than %d bytes: %.100s...",
				TAR_MAX_NAME, from);
	memcpy(to, from, n + 1);
	return 0;
}

static int names(struct tar *t, const uint8_t *h, struct err *e)
{
	const struct pax *p = &t->pax;
	const char *path = p->sparse && p->sparse_name ? p->sparse_name : p->path;
	const char *link = p->link;
	bool ustar = !memcmp(h + 257, "ustar", 6); /* with its NUL; GNU has a blank there */
	size_t at = 0;

	/* star(1) keeps times in the last bytes of the prefix and says so at the end of the block */
	if (ustar && h[345]) {
		at = add_field(t->path, 0, h + 345, !memcmp(h + 508, "tar", 4) ? 131 : 155);
		t->path[at++] = '/';
	}
	add_field(t->path, at, h, 100);
	add_field(t->link, 0, h + 157, 100);
	if (!path && t->has_long_name)
		path = t->long_name.s;
	if (!link && t->has_long_link)
		link = t->long_link.s;
	int r = path ? set_name(t->path, path, e) : 0;
	if (r == 0 && link)
		r = set_name(t->link, link, e);
	if (r == 0 && !t->path[0])
		r = err_fail(e, ERR_ARCHIVE, "the tar header at byte %" PRIu64 " has no name",
			     t->pos - BLOCK);
	return r;
}

static int numbers(struct tar *t, const uint8_t *h, struct err *e)
{
	struct tar_entry *en = &t->entry;
	const struct pax *p = &t->pax;
	uint64_t mode, uid, gid;
	int64_t mtime;

	if (unsigned_number(h + 100, 8, &mode) < 0)
		return bad_entry(t, "its mode is no number", e);
	if (unsigned_number(h + 108, 8, &uid) < 0 && !p->has_uid)
		return bad_entry(t, "its owner is no number", e);
	if (unsigned_number(h + 116, 8, &gid) < 0 && !p->has_gid)
		return bad_entry(t, "its group is no number", e);
	if (unsigned_number(h + 124, 12, &en->stored_size) < 0 && !p->has_size)
		return bad_entry(t, "its size is no number", e);
	if (number(h + 136, 12, &mtime) < 0 && !p->has_mtime)
		return bad_entry(t, "its time is no number", e);
	en->mode = mode & 07777;
	en->uid = p->has_uid ? p->uid : uid;
	en->gid = p->has_gid ? p->gid : gid;
	en->mtime = p->has_mtime ? p->mtime : (struct timespec){mtime, 0};
	if (p->has_size)
		en->stored_size = p->size;
	if (en->stored_size > INT64_MAX)
		return bad_entry(t, "its size is no size", e);
	if ((en->type == TAR_CHAR || en->type == TAR_BLOCK) &&
	    (unsigned_number(h + 329, 8, &en->major) < 0 ||
	     unsigned_number(h + 337, 8, &en->minor) < 0))
		return bad_entry(t, "its device number is no number", e);
	return 0;
}

static int begin_extra(struct tar *t, const uint8_t *h, char type, struct err *e)
{
	struct str *to = type == 'x'   ? &t->pax_text
			 : type == 'g' ? &t->extra_g
			 : type == 'L' ? &t->long_name
				       : &t->long_link;
	uint64_t n, max = type == 'x' || type == 'g' ? TAR_MAX_PAX : TAR_MAX_NAME + 1;

	if (unsigned_number(h + 124, 12, &n) < 0 || n > max)
		return err_fail(e, ERR_ARCHIVE,
				"the tar header at byte %" PRIu64 " announces more than %" PRIu64
				" bytes of %s",
				t->pos - BLOCK, max,
				type == 'x' || type == 'g' ? "pax records" : "name");
	if ((type == 'x' && t->pax.present) || (type == 'L' && t->has_long_name) ||
	    (type == 'K' && t->has_long_link))
		return err_fail(e, ERR_ARCHIVE,
				"the tar header at byte %" PRIu64 " repeats an extended header",
				t->pos - BLOCK);
	str_reset(to);
	str_reserve(to, (size_t)n);
	t->extra_type = type;
	t->left = n;
	t->pad = padding(n);
	t->state = EXTRA;
	return 0;
}

static int finish_extra(struct tar *t, struct err *e)
{
	struct pax ignored = {0};
	int r = 0;

	t->left = t->pad;
	t->state = PAD;
	switch (t->extra_type) {
	case 'x':
		return pax_parse(&t->pax, t->pax_text.s, t->pax_text.len, e);
	case 'g':
		r = pax_parse(&ignored, t->extra_g.s, t->extra_g.len, e);
		pax_free(&ignored);
		return r;
	case 'L':
		t->has_long_name = true;
		return 0;
	default:
		t->has_long_link = true;
		return 0;
	}
}

/* Four pieces in the header, then 21 in each extension block, until one is empty (GNU tar manual, "Old GNU Format"). */
static int old_sparse_pieces(struct tar *t, const uint8_t *p, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++, p += 24) {
		uint64_t offset, len;
		if (p[0] == 0 && p[12] == 0)
			return 0;
		if (unsigned_number(p, 12, &offset) < 0 || unsigned_number(p + 12, 12, &len) < 0)
			return bad_entry(t, "its sparse map is no list of numbers", e);
		if (tar_segments_add(&t->map, offset, len) < 0)
			return bad_entry(t, "its sparse map has too many pieces", e);
	}
	return 0;
}

static void forget_entry(struct tar *t)
{
	pax_reset(&t->pax);
	t->has_long_name = t->has_long_link = false;
	t->map.n = 0;
}

static int end_body(struct tar *t, bool skipped, struct err *e)
{
	int r = skipped ? 0 : t->ops->end(t->arg, e);

	forget_entry(t);
	t->left = t->pad;
	t->state = PAD;
	return r;
}

static int check_map(struct tar *t, uint64_t stored, struct err *e)
{
	return tar_segments_valid(&t->map, t->entry.size, stored)
		       ? 0
		       : bad_entry(t, "its sparse map does not fit its size", e);
}

/* Everything about the entry is known: tell it, and get ready for the body. */
static int begin_body(struct tar *t, struct err *e)
{
	struct tar_entry *en = &t->entry;
	bool map_in_data = en->sparse && t->pax.sparse && t->pax.sparse_major == 1;

	en->data_offset = t->pos;
	en->xattrs = t->pax.xattrs;
	en->nxattrs = t->pax.nxattrs;
	t->pad = padding(en->stored_size);
	t->left = en->stored_size;
	int r = en->sparse && !map_in_data ? check_map(t, en->stored_size, e) : 0;
	if (r == 0)
		r = t->ops->entry(t->arg, en, e);
	if (r < 0)
		return r;
	t->seg = 0;
	t->seg_done = t->offset = 0;
	if (r == TAR_SKIP || (en->type != TAR_FILE && t->left)) {
		if (r != TAR_SKIP)
			r = t->ops->end(t->arg, e);
		t->left += t->pad;
		t->pad = 0;
		t->state = SKIP;
		if (r < 0)
			return r;
		return t->left ? 0 : end_body(t, true, e);
	}
	t->state = map_in_data ? MAP : DATA;
	t->map_want = 1;
	t->map_numbers = t->map_bytes = t->map_number = 0;
	t->map_digits = 0;
	if (!t->left)
		return map_in_data ? bad_entry(t, "its sparse map is missing", e)
				   : end_body(t, false, e);
	return 0;
}

static int begin_sparse(struct tar *t, const uint8_t *h, char type, struct err *e)
{
	struct tar_entry *en = &t->entry;

	en->sparse = true;
	if (type != 'S') {
		struct tar_segments none = t->map;
		if (t->pax.sparse_major > 1 ||
		    (t->pax.sparse_major == 1 && t->pax.sparse_minor > 0))
			return bad_entry(t, "its sparse format is of an unknown version", e);
		if (!t->pax.has_realsize || t->pax.has_pending)
			return bad_entry(t, "its sparse map is incomplete", e);
		en->size = t->pax.realsize;
		t->map = t->pax.map;
		t->pax.map = none;
		return begin_body(t, e);
	}
	if (unsigned_number(h + 483, 12, &en->size) < 0 || en->size > INT64_MAX)
		return bad_entry(t, "its size is no number", e);
	int r = old_sparse_pieces(t, h + 386, 4, e);
	if (r < 0)
		return r;
	if (!h[482])
		return begin_body(t, e);
	t->state = SPARSE_HEADER;
	return 0;
}

static int entry_type(struct tar *t, char flag, enum tar_type *ret, struct err *e)
{
	size_t n = strlen(t->path);

	switch (flag) {
	case 0:
	case '0':
	case '7':
	case 'S':
		*ret = t->path[n - 1] == '/' ? TAR_DIR : TAR_FILE; /* v7 had no directories */
		return 0;
	case '1':
		*ret = TAR_HARDLINK;
		break;
	case '2':
		*ret = TAR_SYMLINK;
		break;
	case '3':
		*ret = TAR_CHAR;
		return 0;
	case '4':
		*ret = TAR_BLOCK;
		return 0;
	case '5':
	case 'D': /* a directory with a listing as its data (GNU) */
		*ret = TAR_DIR;
		return 0;
	case '6':
		*ret = TAR_FIFO;
		return 0;
	default:
		return err_fail(e, ERR_ARCHIVE, "tar entry %.200s has an unknown type (0x%02x)",
				t->path, (unsigned)(uint8_t)flag);
	}
	return t->link[0] ? 0 : bad_entry(t, "it is a link to nothing", e);
}

static int take_zero(struct tar *t, struct err *e)
{
	if (t->pax.present || t->has_long_name || t->has_long_link)
		return err_fail(e, ERR_ARCHIVE, "the tar archive ends behind an extended header");
	t->state = t->state == ZERO ? END : ZERO;
	return 0;
}

static int take_header(struct tar *t, const uint8_t *h, struct err *e)
{
	char flag = (char)h[156];

	if (all_zero(h))
		return take_zero(t, e);
	if (!checksum_ok(h) || t->state == ZERO)
		return t->pos == BLOCK ? err_fail(e, ERR_ARCHIVE, "this is no tar archive")
				       : err_fail(e, ERR_ARCHIVE,
						  "the tar header at byte %" PRIu64 " is corrupt",
						  t->pos - BLOCK);
	if (flag == 'X') /* Solaris' name for x */
		flag = 'x';
	if (flag && strchr("xgLK", flag))
		return begin_extra(t, h, flag, e);
	t->entry = (struct tar_entry){.path = t->path};
	int r = names(t, h, e);
	if (r == 0 && flag == 'V') { /* the label of the archive: no entry */
		forget_entry(t);
		r = unsigned_number(h + 124, 12, &t->left);
		t->left = t->left > INT64_MAX ? 0 : t->left + padding(t->left);
		t->state = SKIP;
		t->pad = 0;
		return r < 0	 ? bad_entry(t, "its size is no number", e)
		       : t->left ? 0
				 : end_body(t, true, e);
	}
	if (r == 0)
		r = entry_type(t, flag, &t->entry.type, e);
	if (r == 0)
		r = numbers(t, h, e);
	if (r < 0)
		return r;
	if (t->entry.type == TAR_HARDLINK || t->entry.type == TAR_SYMLINK)
		t->entry.link = t->link;
	if (t->entry.type == TAR_FILE && (flag == 'S' || t->pax.sparse))
		return begin_sparse(t, h, flag, e);
	if (t->entry.type == TAR_FILE)
		t->entry.size = t->entry.stored_size;
	else if (flag != 'D' && flag != 0 && flag != '0' && flag != '7')
		t->entry.stored_size =
			0; /* links, directories and nodes have no data whatever they say */
	return begin_body(t, e);
}

/* One byte of a 1.0 map: the count of pieces, then offset and length of each, one number a line. Returns 1 at the end. */
static int map_byte(struct tar *t, uint8_t c, struct err *e)
{
	if (c >= '0' && c <= '9') {
		if (++t->map_digits > 18)
			return bad_entry(t, "its sparse map has a number that is too large", e);
		t->map_number = t->map_number * 10 + (uint64_t)(c - '0');
		return 0;
	}
	if (c != '\n' || !t->map_digits)
		return bad_entry(t, "its sparse map is no list of numbers", e);
	uint64_t v = t->map_number;
	t->map_number = 0;
	t->map_digits = 0;
	if (t->map_numbers == 0) {
		if (v > TAR_MAX_SEGMENTS)
			return bad_entry(t, "its sparse map has too many pieces", e);
		t->map_want = 1 + 2 * v;
	} else if (t->map_numbers % 2) {
		t->map_first = v;
	} else {
		tar_segments_add(&t->map, t->map_first, v);
	}
	return ++t->map_numbers == t->map_want;
}

static int take_map_data(struct tar *t, const uint8_t *p, size_t n, size_t *ret_used, struct err *e)
{
	size_t i = 0;
	int r = 0;

	if (n > t->left)
		n = (size_t)t->left;
	/* once the last number is read (map_want = 0), the rest of its block */
	while (i < n && r == 0 && t->map_want)
		if ((r = map_byte(t, p[i++], e)) == 1)
			t->map_want = 0;
	if (r < 0)
		return r;
	uint64_t rest = t->map_want ? 0 : padding(t->map_bytes + i);
	size_t skip = rest < n - i ? (size_t)rest : n - i;
	i += skip;
	t->map_bytes += i;
	t->left -= i;
	*ret_used = i;
	if (t->map_want || rest > skip)
		return t->left ? 0 : bad_entry(t, "its sparse map is cut off", e);
	t->state = DATA;
	r = check_map(t, t->left, e);
	return r < 0 || t->left ? r : end_body(t, false, e);
}

static int give_data(struct tar *t, const uint8_t *p, size_t n, struct err *e)
{
	if (!t->entry.sparse) {
		int r = t->ops->data(t->arg, t->offset, p, n, e);
		t->offset += n;
		return r;
	}
	while (n) { /* the map was checked: its pieces add up to the data */
		const struct tar_segment *s = &t->map.v[t->seg];
		uint64_t room = s->len - t->seg_done;
		size_t k = n < room ? n : (size_t)room;
		int r = k ? t->ops->data(t->arg, s->offset + t->seg_done, p, k, e) : 0;
		if (r < 0)
			return r;
		p += k;
		n -= k;
		t->seg_done += k;
		if (t->seg_done == s->len) {
			t->seg++;
			t->seg_done = 0;
		}
	}
	return 0;
}

static int take_sparse_header(struct tar *t, const uint8_t *h, struct err *e)
{
	int r = old_sparse_pieces(t, h, 21, e);

	return r < 0 || h[504] ? r : begin_body(t, e);
}

static int take_block(struct tar *t, const uint8_t *b, struct err *e)
{
	return t->state == SPARSE_HEADER ? take_sparse_header(t, b, e) : take_header(t, b, e);
}

/* Whole blocks are read where they are; only a block that is split between two pieces is copied. */
static int collect(struct tar *t, const uint8_t *p, size_t n, size_t *ret_used, struct err *e)
{
	size_t k = BLOCK - t->have;

	if (t->have == 0 && n >= BLOCK) {
		*ret_used = BLOCK;
		t->pos += BLOCK;
		return take_block(t, p, e);
	}
	if (k > n)
		k = n;
	memcpy(t->block + t->have, p, k);
	t->have += k;
	t->pos += k;
	*ret_used = k;
	if (t->have < BLOCK)
		return 0;
	t->have = 0;
	return take_block(t, t->block, e);
}

static struct str *extra_buffer(struct tar *t)
{
	switch (t->extra_type) {
	case 'x':
		return &t->pax_text;
	case 'g':
		return &t->extra_g;
	case 'L':
		return &t->long_name;
	default:
		return &t->long_link;
	}
}

/* Takes some of the bytes (at least one, unless nothing is needed to change state). */
static int step(struct tar *t, const uint8_t *p, size_t n, size_t *ret_used, struct err *e)
{
	size_t k = n < t->left ? n : (size_t)t->left;
	int r = 0;

	*ret_used = 0;
	switch (t->state) {
	case HEADER:
	case ZERO:
	case SPARSE_HEADER:
		return collect(t, p, n, ret_used, e);
	case MAP:
		r = take_map_data(t, p, n, ret_used, e);
		t->pos += *ret_used;
		return r;
	case EXTRA:
		str_addn(extra_buffer(t), p, k);
		break;
	case DATA:
		r = give_data(t, p, k, e);
		break;
	case SKIP:
	case PAD:
		break;
	case END:
	case FAILED:
		*ret_used = n;
		t->pos += n;
		return 0;
	}
	*ret_used = k;
	t->pos += k;
	t->left -= k;
	if (r < 0 || t->left)
		return r;
	if (t->state == EXTRA)
		return finish_extra(t, e);
	if (t->state == PAD) {
		t->state = HEADER;
		return 0;
	}
	return end_body(t, t->state == SKIP, e);
}

int tar_feed(struct tar *t, const void *buf, size_t n, struct err *e)
{
	const uint8_t *p = buf;

	if (t->state == FAILED)
		return err_fail(e, ERR_ARCHIVE, "the tar archive was found broken before");
	while (n) {
		size_t used;
		int r = step(t, p, n, &used, e);
		if (r < 0) {
			t->state = FAILED;
			return r;
		}
		p += used;
		n -= used;
	}
	return 0;
}

int tar_finish(struct tar *t, struct err *e)
{
	bool between = t->state == HEADER || t->state == ZERO || t->state == END ||
		       (t->state == PAD && t->left == 0);

	if (between && !t->have && !t->pax.present && !t->has_long_name && !t->has_long_link)
		return 0;
	if (t->state == FAILED)
		return err_fail(e, ERR_ARCHIVE, "the tar archive was found broken before");
	if (t->state == DATA || t->state == SKIP || t->state == MAP)
		return err_fail(e, ERR_ARCHIVE, "the tar archive is cut off inside %.200s",
				t->path);
	return err_fail(e, ERR_ARCHIVE, "the tar archive is cut off at byte %" PRIu64, t->pos);
}

uint64_t tar_skippable(const struct tar *t)
{
	return t->state == SKIP ? t->left : 0;
}

void tar_skipped(struct tar *t, uint64_t n)
{
	t->left -= n;
	t->pos += n;
	if (!t->left)
		end_body(t, true, NULL);
}

bool tar_ended(const struct tar *t)
{
	return t->state == END;
}
