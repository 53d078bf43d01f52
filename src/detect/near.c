/* near.c - see near.h. */
#include "detect/near.h"

#define NEAR_BYTES 48 /* longer names are not compared: the table is [NEAR_BYTES] squared */

void near_init(struct near *n, struct span wanted)
{
	unsigned slips = wanted.n < 4 ? 1 : wanted.n < 9 ? 2 : 3;

	*n = (struct near){.wanted = wanted, .distance = wanted.n > NEAR_BYTES ? 0 : slips + 1};
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Optimal string alignment: insertions, deletions, changes and swaps of neighbours cost 1. */
static unsigned distance(struct span a, struct span b)
{
	unsigned rows[3][NEAR_BYTES + 1];

	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned change = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			row[j] = least(row[j - 1] + 1, above[j] + 1, change);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && two[j - 2] + 1 < row[j])
				row[j] = two[j - 2] + 1;
		}
	}
	return rows[a.n % 3][b.n];
}

bool near_offer(struct near *n, struct span name)
{
	size_t gap = name.n > n->wanted.n ? name.n - n->wanted.n : n->wanted.n - name.n;
	unsigned d;

	if (gap >= n->distance || name.n > NEAR_BYTES || !name.n)
		return false;
	d = distance(n->wanted, name);
	if (d >= n->distance)
		return false;
	n->distance = d;
	n->best = name;
	return true;
}
