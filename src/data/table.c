#include "base/base.h"
#include "data/table.h"

const struct table_style table_podman = {12, 2};
const struct table_style table_docker = {10, 3};

struct cell {
	size_t start, len; /* in the escaped text */
	size_t width;	   /* of the text */
	size_t column;	   /* of its column, gap included; 0 for the last of a row */
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

static void print_row(struct str *out, const struct table *t, const struct row *row)
{
	size_t blanks = 0;

	for (size_t i = 0; i < row->n; i++) {
		const struct cell *c = &t->cells[row->first + i];
		if (c->len) {
			str_addf(out, "%*s", (int)blanks, "");
			str_addn(out, t->text.s + c->start, c->len);
			blanks = 0;
		}
		if (c->column > c->width)
			blanks += c->column - c->width;
	}
	str_addc(out, '\n');
}

void table_align(struct str *out, const char *text, const struct table_style *style)
{
	scoped(table) t = {0};

	split(&t, text);
	for (size_t col = 0; measure(&t, col, style); col++)
		;
	for (size_t i = 0; i < t.nrows; i++)
		print_row(out, &t, &t.rows[i]);
}
