#include "base/base.h"
#include "data/table.h"

const struct table_style table_podman = {12, 2};
const struct table_style table_docker = {10, 3};

struct cell {
	size_t start, len; /* in the escaped text */
	size_t width;	   /* of the text */
	size_t column;	   /* of its column, gap included; 0 for the last of a row */
	bool cut;	   /* there was more */
};

struct row {
	size_t first, n;
};

struct table {
	struct str text;
	struct cell *cells;
	size_t ncells, cells_cap;
	struct row *rows;
	size_t nrows, rows_cap;
};

static void table_free(struct table *t)
{
	str_free(&t->text);
	free(t->cells);
	free(t->rows);
}

static void add_cell(struct table *t, const char *s, size_t n)
{
	if (t->ncells == t->cells_cap) {
		t->cells_cap = t->cells_cap ? t->cells_cap * 2 : 64;
		t->cells = xrealloc(t->cells, t->cells_cap * sizeof *t->cells);
	}
	struct cell *c = &t->cells[t->ncells++];
	*c = (struct cell){.start = t->text.len};
	str_add_escaped(&t->text, s, n);
	c->len = t->text.len - c->start;
	c->width = c->len ? str_columns(t->text.s + c->start, c->len) : 0;
	t->rows[t->nrows - 1].n++;
}

static void split(struct table *t, const char *s)
{
	while (*s) {
		if (t->nrows == t->rows_cap) {
			t->rows_cap = t->rows_cap ? t->rows_cap * 2 : 16;
			t->rows = xrealloc(t->rows, t->rows_cap * sizeof *t->rows);
		}
		t->rows[t->nrows++] = (struct row){t->ncells, 0};
		for (;;) {
			size_t n = strcspn(s, "\t\n");
			add_cell(t, s, n);
			s += n;
			if (*s != '\t')
				break;
			s++;
		}
		s += *s == '\n';
	}
}

/* Sets the width of each run of neighbouring rows that have cell number col and another one behind it. */
static bool measure(struct table *t, size_t col, const struct table_style *style)
{
	bool any = false;

	for (size_t i = 0; i < t->nrows;) {
		size_t end = i, width = style->min;
		for (; end < t->nrows && col + 1 < t->rows[end].n; end++) {
			size_t w = t->cells[t->rows[end].first + col].width + style->gap;
			width = w > width ? w : width;
		}
		for (size_t k = i; k < end; k++)
			t->cells[t->rows[k].first + col].column = width;
		any |= end > i;
		i = end + (end == i);
	}
	return any;
}

static void measure_all(struct table *t, const struct table_style *style)
{
	for (size_t col = 0; measure(t, col, style); col++)
		;
}

static size_t row_width(const struct table *t, const struct row *row)
{
	size_t n = 0;

	for (size_t i = 0; i < row->n; i++)
		n += i + 1 < row->n ? t->cells[row->first + i].column
				    : t->cells[row->first + i].width;
	return n;
}

/* By how much the widest row is wider than most. */
static size_t excess(const struct table *t, size_t most)
{
	size_t n = most;

	for (size_t i = 0; i < t->nrows; i++) {
		size_t w = row_width(t, &t->rows[i]);
		n = w > n ? w : n;
	}
	return n - most;
}

static void cut_cell(struct table *t, struct cell *c, size_t width)
{
	const char *s = t->text.s + c->start;
	size_t n = 0, k;
	uint32_t rune;

	if (c->width <= width)
		return;
	for (; n < c->len; n += k) {
		k = str_utf8_next(s + n, c->len - n, &rune);
		k = k ? k : 1;
		if (str_columns(s, n + k) > width - 1) /* one place is for the dots */
			break;
	}
	c->len = n;
	c->cut = true;
	c->width = str_columns(s, n) + 1;
}

/* A column of ids, by its headline: half of an id is none. */
static bool is_whole(const struct table *t, size_t k)
{
	const struct cell *head = &t->cells[k];

	return head->len >= 2 && !strncmp(t->text.s + head->start + head->len - 2, "ID", 2);
}

/* Cuts columns until the rows, which all have the same number of cells, fit. */
static void fit(struct table *t, const struct table_style *style, size_t most)
{
	enum { LEAST = 10 };
	size_t n = t->nrows ? t->rows[0].n : 0, over = excess(t, most);

	for (size_t i = 0; i < t->nrows; i++)
		if (t->rows[i].n != n)
			return;
	while (over) {
		size_t widest = 0;
		for (size_t k = 1; k + 1 < n; k++)
			if (!is_whole(t, k) &&
			    (!widest || t->cells[k].column > t->cells[widest].column))
				widest = k;
		if (!widest || t->cells[widest].column <= LEAST + style->gap)
			break;
		size_t width = t->cells[widest].column - 1;
		for (size_t i = 0; i < t->nrows; i++)
			t->cells[t->rows[i].first + widest].column = width;
		over--;
	}
	for (size_t i = 0; i < t->nrows; i++)
		for (size_t k = 1; k + 1 < n; k++) {
			struct cell *c = &t->cells[t->rows[i].first + k];
			cut_cell(t, c, c->column - style->gap);
		}
}

static void print_row(struct str *out, const struct table *t, const struct row *row)
{
	size_t blanks = 0;

	for (size_t i = 0; i < row->n; i++) {
		const struct cell *c = &t->cells[row->first + i];
		if (c->len) {
			str_addf(out, "%*s", (int)blanks, "");
			str_addn(out, t->text.s + c->start, c->len);
			str_add(out, c->cut ? "\xe2\x80\xa6" : "");
			blanks = 0;
		}
		if (c->column > c->width)
			blanks += c->column - c->width;
	}
	str_addc(out, '\n');
}

void table_align(struct str *out, const char *text, const struct table_style *style, size_t most)
{
	const struct table_style narrow = {0, style->gap};
	scoped(table) t = {0};

	split(&t, text);
	measure_all(&t, style);
	if (most && excess(&t, most)) {
		measure_all(&t, &narrow);
		fit(&t, style, most);
	}
	for (size_t i = 0; i < t.nrows; i++)
		print_row(out, &t, &t.rows[i]);
}
