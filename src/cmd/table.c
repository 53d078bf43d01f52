/* table.c - see table.h. */
#include "cmd/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"

#define TABLE_BYTES (256u << 20)

bool table_colour(FILE *f)
{
	return isatty(fileno(f)) && !getenv("NO_COLOR");
}

void table_init(struct table *t, const char *const *titles, unsigned columns)
{
	*t = (struct table){.columns = columns};
	buf_init(&t->cells, TABLE_BYTES);
	for (unsigned i = 0; i < columns; i++) {
		t->right[i] = titles[i][0] == '>';
		table_cell(t, span_of(titles[i] + t->right[i]));
	}
}

void table_fini(struct table *t)
{
	buf_fini(&t->cells);
}

void table_cell(struct table *t, struct span text)
{
	path_escape(&t->cells, text);
	buf_add_u8(&t->cells, '\0');
	if (++t->cell == t->columns) {
		t->cell = 0;
		t->rows++;
	}
}

void table_cellf(struct table *t, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* a cut cell is still a cell */
	va_end(args);
	table_cell(t, span_of(text));
}

/* Columns on the screen: UTF-8 characters, each taken as one wide. */
static unsigned width_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += ((uint8_t)*text & 0xc0) != 0x80;
	return n;
}

static unsigned window_width(FILE *f)
{
	struct winsize size;

	if (isatty(fileno(f)) && ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return UINT32_MAX;
}

/* Bytes of the first `most` characters. */
static int bytes_of(const char *text, unsigned most)
{
	int i = 0;

	for (unsigned n = 0; text[i]; i++)
		if (((uint8_t)text[i] & 0xc0) != 0x80 && n++ == most)
			break;
	return i;
}

static void print_row(const struct table *t, const char **cell, const unsigned *width, FILE *f)
{
	unsigned left = window_width(f);

	for (unsigned i = 0; i < t->columns; i++) {
		unsigned w = width_of(*cell), pad = width[i] > w ? width[i] - w : 0;
		bool last = i + 1 == t->columns;

		if (t->right[i])
			fprintf(f, "%*s", (int)pad, "");
		fprintf(f, "%.*s", bytes_of(*cell, left), *cell);
		if (!last)
			fprintf(f, "%*s", t->right[i] ? 2 : (int)pad + 2, "");
		left -= left > width[i] + 2 && left != UINT32_MAX ? width[i] + 2 : 0;
		*cell += strlen(*cell) + 1;
	}
	fputc('\n', f);
}

int table_print(struct table *t, FILE *f, struct err *e)
{
	unsigned width[TABLE_COLUMNS] = {0};
	const char *cell = (const char *)t->cells.p;
	int r = buf_check(&t->cells, "the table", e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->rows * t->columns; i++, cell += strlen(cell) + 1) {
		unsigned w = width_of(cell);

		if (w > width[i % t->columns])
			width[i % t->columns] = w;
	}
	cell = (const char *)t->cells.p;
	for (size_t row = 0; row < t->rows; row++) {
		bool head = row == 0 && table_colour(f);

		fputs(head ? "\033[1m" : "", f);
		print_row(t, &cell, width, f);
		fputs(head ? "\033[0m" : "", f);
	}
	return ferror(f) ? err_sys(e, EIO, "cannot write the table") : 0;
}

void table_size_text(uint64_t bytes, char ret_text[16])
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	unsigned unit = 0;

	for (; value >= 999.5 && unit + 1 < ARRAY_LEN(units); unit++)
		value /= 1000;
	(void)snprintf(ret_text, 16, unit && value < 99.5 ? "%.1f %s" : "%.0f %s", value,
		       units[unit]);
}

void table_age_text(uint64_t ns, char ret_text[16])
{
	static const struct {
		uint64_t sec;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	uint64_t sec = ns / NSEC_PER_SEC;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (sec >= units[i].sec || units[i].sec == 1) {
			(void)snprintf(ret_text, 16, "%" PRIu64 "%c", sec / units[i].sec,
				       units[i].unit); /* fits: at most 15 characters */
			return;
		}
	}
}
