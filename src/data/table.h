/*
 * table.h - text in cells to aligned columns, as docker's and podman's tables look.
 *
 * The text that comes in has a tab behind each cell but the last one of a row, and a newline behind each row. The rule is that of
 * Go's text/tabwriter: a column is a run of neighbouring rows that have a cell there, as wide as its widest cell and the gap, and at
 * least min. The last cell of a row is not part of a column. Width is what a terminal shows, not bytes. Blanks at the end of rows
 * are left out. Cells are escaped: no control byte, whoever wrote it, reaches a terminal from here.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include "base/base.h"

struct table_style {
	size_t min; /* columns that a cell takes at least, with its gap */
	size_t gap; /* blanks between a cell and the next one */
};

extern const struct table_style table_podman, table_docker;

/* Appends the rows. A last row without newline gets one. most, if not 0, is the width of the terminal: a table that is wider gives up its minimum
 * first, and then the widest of its inner columns are cut (to no less than 10, and none whose headline ends in ID), which the sign U+2026 shows. */
void table_align(struct str *out, const char *text, const struct table_style *style, size_t most);

#endif
