#include "base/base.h"
#include "sys/idmap.h"

static bool overlap(uint32_t a, uint32_t na, uint32_t b, uint32_t nb)
{
	return a < (uint64_t)b + nb && b < (uint64_t)a + na;
}

int64_t idmap_out(const struct id_map *m, uint32_t inside)
{
	for (size_t i = 0; i < m->n; i++)
		if (inside >= m->r[i].inside && inside - m->r[i].inside < m->r[i].count)
			return (int64_t)m->r[i].outside + (inside - m->r[i].inside);
	return -1;
}

int64_t idmap_in(const struct id_map *m, uint32_t outside)
{
	for (size_t i = 0; i < m->n; i++)
		if (outside >= m->r[i].outside && outside - m->r[i].outside < m->r[i].count)
			return (int64_t)m->r[i].inside + (outside - m->r[i].outside);
	return -1;
}

int idmap_add(struct id_map *m, uint32_t inside, uint32_t outside, uint32_t count)
{
	struct id_range *last = m->n ? &m->r[m->n - 1] : NULL;

	if (!count)
		return 0;
	if ((uint64_t)inside + count > UINT32_MAX || (uint64_t)outside + count > UINT32_MAX)
		return -ERANGE;
	if (last && last->inside + last->count == inside &&
	    last->outside + last->count == outside) {
		last->count += count;
		return 0;
	}
	if (m->n == ID_RANGES_MAX)
		return -E2BIG;
	m->r[m->n++] = (struct id_range){inside, outside, count};
	return 0;
}

/* Adds what of r begins at skip and is n ids long. */
static int add_part(struct id_map *m, const struct id_range *r, uint32_t skip, uint32_t n)
{
	return idmap_add(m, r->inside + skip, r->outside + skip, n);
}

/* Takes the ids first ... first + count - 1 out of m; of its inside ids, or of its outside ids. */
static int take_out(struct id_map *m, uint32_t first, uint32_t count, bool inside)
{
	struct id_map left = {.n = 0};
	int k = 0;

	for (size_t i = 0; i < m->n && k == 0; i++) {
		const struct id_range *r = &m->r[i];
		uint32_t at = inside ? r->inside : r->outside;
		if (!overlap(at, r->count, first, count)) {
			k = add_part(&left, r, 0, r->count);
			continue;
		}
		uint64_t end = (uint64_t)first + count, mine = (uint64_t)at + r->count;
		if (at < first)
			k = add_part(&left, r, 0, first - at);
		if (k == 0 && mine > end)
			k = add_part(&left, r, (uint32_t)(end - at), (uint32_t)(mine - end));
	}
	if (k == 0)
		*m = left;
	return k;
}

int idmap_put(struct id_map *m, uint32_t inside, uint32_t outside, uint32_t count)
{
	int r = take_out(m, inside, count, true);

	if (r == 0)
		r = take_out(m, outside, count, false);
	return r < 0 ? r : idmap_add(m, inside, outside, count);
}

static int by_inside(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;

	return (x->inside > y->inside) - (x->inside < y->inside);
}

void idmap_sort(struct id_map *m)
{
	struct id_map sorted = {.n = 0};

	if (m->n > 1)
		qsort(m->r, m->n, sizeof *m->r, by_inside);
	for (size_t i = 0; i < m->n; i++) /* joins neighbours */
		idmap_add(&sorted, m->r[i].inside, m->r[i].outside, m->r[i].count);
	*m = sorted;
}

/* The first id from at on that no range has on this side; *ret_run: how many follow before one has. */
static uint32_t free_from(const struct id_map *m, uint32_t at, bool inside, uint32_t *ret_run)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < m->n; i++) {
			uint32_t first = inside ? m->r[i].inside : m->r[i].outside;
			if (at >= first && at - first < m->r[i].count) {
				at = first + m->r[i].count;
				moved = true;
			}
		}
	}
	*ret_run = UINT32_MAX - at;
	for (size_t i = 0; i < m->n; i++) {
		uint32_t first = inside ? m->r[i].inside : m->r[i].outside;
		if (first > at && first - at < *ret_run)
			*ret_run = first - at;
	}
	return at;
}

int idmap_fill(struct id_map *m, const struct id_map *parent)
{
	struct id_map from = *parent;
	uint32_t to = 0, room;
	int r = 0;

	idmap_sort(&from);
	for (size_t i = 0; i < from.n && r == 0; i++) {
		uint32_t at = from.r[i].inside, end = at + from.r[i].count, run;
		while (r == 0) {
			at = free_from(m, at, false, &run);
			to = free_from(m, to, true, &room);
			if (at >= end || !room)
				break;
			uint32_t n = end - at < run ? end - at : run;
			n = n < room ? n : room;
			r = idmap_add(m, to, at, n);
		}
	}
	return r;
}

int64_t idmap_unused(const struct id_map *m, const struct id_map *parent)
{
	int64_t best = -1;
	uint32_t run;

	for (size_t i = 0; i < parent->n; i++) {
		const struct id_range *r = &parent->r[i];
		uint32_t at = free_from(m, r->inside, false, &run);
		if (at - r->inside < r->count && (best < 0 || at < best))
			best = at;
	}
	return best;
}

const struct id_range *idmap_conflict(const struct id_map *m)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < i; k++)
			if (overlap(m->r[i].inside, m->r[i].count, m->r[k].inside, m->r[k].count) ||
			    overlap(m->r[i].outside, m->r[i].count, m->r[k].outside, m->r[k].count))
				return &m->r[i];
	return NULL;
}

/* The range of the parent's inside ids that has this one; NULL: none. *ret_next: where the next one begins otherwise. */
static const struct id_range *range_of(const struct id_map *parent, uint32_t id, uint32_t *ret_next)
{
	*ret_next = UINT32_MAX;
	for (size_t i = 0; i < parent->n; i++) {
		const struct id_range *r = &parent->r[i];
		if (id >= r->inside && id - r->inside < r->count)
			return r;
		if (r->inside > id && r->inside < *ret_next)
			*ret_next = r->inside;
	}
	return NULL;
}

static int split_range(struct id_range r, const struct id_map *parent, struct id_map *ret,
		       struct id_range *ret_missing)
{
	while (r.count) {
		uint32_t next, n;
		const struct id_range *in = range_of(parent, r.outside, &next);
		if (!in) {
			n = next - r.outside < r.count ? next - r.outside : r.count;
			*ret_missing = (struct id_range){r.inside, r.outside, n};
			return -ERANGE;
		}
		n = in->count - (r.outside - in->inside);
		n = n < r.count ? n : r.count;
		if (ret->n == ID_RANGES_MAX)
			return -E2BIG;
		ret->r[ret->n++] = (struct id_range){r.inside, r.outside, n};
		r.inside += n;
		r.outside += n;
		r.count -= n;
	}
	return 0;
}

int idmap_split(const struct id_map *m, const struct id_map *parent, struct id_map *ret,
		struct id_range *ret_missing)
{
	struct id_map pieces = {.n = 0};
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++)
		r = split_range(m->r[i], parent, &pieces, ret_missing);
	if (r == 0)
		*ret = pieces;
	return r;
}

bool idmap_is_plain(const struct id_map *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->r[i].inside != m->r[i].outside)
			return false;
	return true;
}

uint64_t idmap_count(const struct id_map *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->r[i].count;
	return n;
}

static uint64_t hash(uint64_t h, const struct id_map *m)
{
	const unsigned char *p = (const unsigned char *)m->r;

	for (size_t i = 0; i < m->n * sizeof *m->r; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

uint64_t idmap_key(const struct id_map *uids, const struct id_map *gids)
{
	return hash(hash(0xcbf29ce484222325u, uids), gids);
}

void idmap_text(const struct id_map *m, struct str *out)
{
	for (size_t i = 0; i < m->n; i++)
		str_addf(out, "%s%u:%u:%u", i ? "," : "", m->r[i].inside, m->r[i].outside,
			 m->r[i].count);
}
