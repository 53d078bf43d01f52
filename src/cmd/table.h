/* table.h - results for people: aligned columns, escaped, coloured only on a terminal.
 *
 * Rows are collected and printed once, so that columns fit; on a terminal the last column is cut
 * at the width of the window. */
#ifndef AMBER_CMD_TABLE_H
#define AMBER_CMD_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"

#define TABLE_COLUMNS 128

struct table {
	unsigned columns;
	struct buf cells;	   /* escaped texts, each with a NUL */
	size_t rows, cell;	   /* cell: cells of the row that is being filled */
	bool right[TABLE_COLUMNS]; /* numbers stand right */
};

/* `titles` are `columns` borrowed strings; a title that begins with '>' makes a right-aligned
 * column. */
void table_init(struct table *t, const char *const *titles, unsigned columns);
void table_fini(struct table *t);
DEFINE_AUTO(table, struct table, table_fini);

/* The next cell; hostile bytes are escaped. */
void table_cell(struct table *t, struct span text);
void table_cellf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints all rows to `f`; -errno when memory ran out before or writing fails. */
int table_print(struct table *t, FILE *f, struct err *e);

/* Whether colours are wanted on `f`: a terminal, and NO_COLOR is not set. */
bool table_colour(FILE *f);

/* Bytes as 1.2 KB, 3.4 MB ... (powers of 1000). */
void table_size_text(uint64_t bytes, char ret_text[16]);

/* How long ago: 5s, 3m, 2h, 4d. */
void table_age_text(uint64_t ns, char ret_text[16]);

#endif
