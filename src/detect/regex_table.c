/* regex_table.c - a regex as a table of states, made once, when it is small enough.
 *
 * Characters that no class tells apart are one symbol.  A state is the set of instructions at
 * which execution can stand, and its number the order in which it was found. */
#include "base/map.h"
#include "detect/regex_impl.h"

#define SYMBOLS_MAX 256u
#define CELLS_MAX   65536u     /* of the table: 128 KB */
#define STEPS_MAX   (8u << 20) /* of making it; above that the pattern is simulated */
#define TOO_LARGE   1

struct maker {
	struct regex *r;
	struct intern states; /* numbers by the sorted instructions */
	struct regex_set *set;
	uint16_t *sorted;
	size_t cells, steps;
};

static int low_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The places at which a class begins or ends; false when they are too many. */
static bool find_symbols(struct regex *r, int *ret_failed, struct err *e)
{
	uint32_t *low = calloc(2 * r->range_n + 1, sizeof(*low));
	size_t n = 0, kept = 1;

	*ret_failed = 0;
	if (!low) {
		*ret_failed = err_set(e, ENOMEM, "no memory for a regex");
		return false;
	}
	low[n++] = 0;
	for (size_t i = 0; i < r->range_n; i++) {
		low[n++] = r->ranges[i].low;
		if (r->ranges[i].high < RUNE_MAX)
			low[n++] = r->ranges[i].high + 1;
	}
	qsort(low, n, sizeof(*low), low_order);
	for (size_t i = 1; i < n; i++)
		if (low[i] != low[kept - 1])
			low[kept++] = low[i];
	if (kept > SYMBOLS_MAX) {
		free(low);
		return false;
	}
	r->symbol_low = low;
	r->symbols = kept;
	for (uint32_t c = 0, symbol = 0; c < 128; c++) {
		if (symbol + 1 < kept && low[symbol + 1] <= c)
			symbol++;
		r->ascii_symbol[c] = (uint8_t)symbol;
	}
	return true;
}

static int pc_order(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* The number of the state that m->set is. */
static int number_of(struct maker *m, uint32_t *ret_number, struct err *e)
{
	memcpy(m->sorted, m->set->at, m->set->n * sizeof(*m->sorted));
	qsort(m->sorted, m->set->n, sizeof(*m->sorted), pc_order);
	if (intern_get(&m->states, span_make(m->sorted, m->set->n * sizeof(*m->sorted)),
		       ret_number) < 0)
		return err_set(e, ENOMEM, "no memory for a regex");
	return 0;
}

/* Where `symbol` leads from the state whose instructions are `from`. */
static void step(struct maker *m, struct span from, size_t symbol)
{
	const struct regex *r = m->r;
	size_t n = from.n / sizeof(uint16_t);

	regex_set_clear(m->set);
	for (size_t i = 0; i < n; i++) {
		uint16_t pc;

		memcpy(&pc, from.p + i * sizeof(pc), sizeof(pc));
		if (r->code[pc].op == INST_CLASS &&
		    regex_class_has(r, r->code[pc].x, r->symbol_low[symbol]))
			regex_reach(r, m->set, pc + 1, RUNE_NONE, RUNE_NONE);
	}
	m->steps += n + m->set->n + 16;
}

/* TOO_LARGE when the table would be. */
static int fill_row(struct maker *m, uint32_t state, struct err *e)
{
	struct regex *r = m->r;
	struct span from = intern_key(&m->states, state);
	uint16_t last = 0;

	for (size_t symbol = 0; symbol < r->symbols; symbol++) {
		uint32_t number;
		int failed;

		step(m, from, symbol);
		failed = number_of(m, &number, e);
		if (failed < 0)
			return failed;
		if (number >= LIMIT_REGEX_STATES || (number + 1) * r->symbols > CELLS_MAX ||
		    m->steps > STEPS_MAX)
			return TOO_LARGE;
		r->table[state * r->symbols + symbol] = (uint16_t)number;
	}
	if (from.n >= sizeof(last))
		memcpy(&last, from.p + from.n - sizeof(last), sizeof(last));
	if (from.n == 0)
		r->dead = (uint16_t)state;
	if (from.n && r->code[last].op == INST_MATCH)
		r->accepts[state / 64] |= 1ull << state % 64;
	return 0;
}

static int make(struct maker *m, struct err *e)
{
	struct regex *r = m->r;
	uint32_t number;
	int failed;

	m->set = calloc(1, sizeof(*m->set));
	m->sorted = calloc(LIMIT_REGEX_SIZE, sizeof(*m->sorted));
	r->table = calloc(CELLS_MAX, sizeof(*r->table));
	r->accepts = calloc(LIMIT_REGEX_STATES / 64, sizeof(*r->accepts));
	if (!m->set || !m->sorted || !r->table || !r->accepts)
		return err_set(e, ENOMEM, "no memory for a regex");
	regex_reach(r, m->set, 0, RUNE_NONE, RUNE_NONE);
	failed = number_of(m, &number, e);
	for (uint32_t state = 0; failed == 0 && state < m->states.n; state++)
		failed = fill_row(m, state, e);
	return failed;
}

static void forget_table(struct regex *r)
{
	free(r->table);
	free(r->accepts);
	free(r->symbol_low);
	r->table = NULL;
	r->accepts = NULL;
	r->symbol_low = NULL;
	r->states = r->symbols = 0;
}

int regex_make_table(struct regex *r, struct err *e)
{
	struct maker m = {.r = r};
	int failed;
	void *p;

	r->dead = UINT16_MAX;
	if (r->asserts || !find_symbols(r, &failed, e))
		return r->asserts ? 0 : failed;
	intern_init(&m.states);
	failed = make(&m, e);
	r->states = m.states.n;
	intern_fini(&m.states);
	free(m.set);
	free(m.sorted);
	if (failed) {
		forget_table(r);
		return failed == TOO_LARGE ? 0 : failed;
	}
	p = realloc(r->table, r->states * r->symbols * sizeof(*r->table));
	if (p)
		r->table = p;
	return 0;
}
