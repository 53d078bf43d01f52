/* match.c - the answers of compiled conditions; see match.h. */
#include "detect/match_impl.h"

struct span match_cut(struct span text, enum detect_kind kind, enum match_mode mode)
{
	const uint8_t *nul;

	if (mode != MATCH_FALCO || kind != DETECT_TEXT || text.n == 0)
		return text;
	nul = memchr(text.p, 0, text.n);
	return nul ? span_make(text.p, (size_t)(nul - text.p)) : text;
}

static int order_double(double a, double b)
{
	return a < b ? -1 : a > b;
}

static double as_double(const struct detect_value *v)
{
	return v->kind == DETECT_DOUBLE ? v->d
	       : v->kind == DETECT_I64	? (double)v->i
					: (double)v->u;
}

int match_order(const struct detect_value *a, const struct detect_value *b)
{
	bool a_below, b_below;

	if (a->kind == DETECT_DOUBLE || b->kind == DETECT_DOUBLE)
		return order_double(as_double(a), as_double(b));
	a_below = a->kind == DETECT_I64 && a->i < 0;
	b_below = b->kind == DETECT_I64 && b->i < 0;
	if (a_below != b_below)
		return a_below ? -1 : 1;
	return a->u < b->u ? -1 : a->u > b->u; /* two's complement keeps the order of negatives */
}

/* The first byte tells a negative number from the large one with the same bits. */
struct span match_number_key(const struct detect_value *v, uint8_t key[9])
{
	if (v->kind == DETECT_DOUBLE) {
		key[0] = 2;
		memcpy(key + 1, &v->d, 8);
	} else {
		key[0] = v->kind == DETECT_I64 && v->i < 0;
		memcpy(key + 1, &v->u, 8);
	}
	return span_make(key, 9);
}

static bool starts(struct span text, struct span prefix)
{
	return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

static bool ends(struct span text, struct span suffix)
{
	return text.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(text.p + text.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* `needle` is folded already; the text is folded a piece at a time, the pieces overlapping by the
 * needle, so that nothing has to be allocated.  A needle that is too long for that is compared at
 * each place. */
static bool contains_folded(struct span text, struct span needle)
{
	uint8_t piece[1024];

	if (needle.n > text.n)
		return false;
	if (needle.n <= sizeof(piece) / 2) {
		size_t step = sizeof(piece) - needle.n + 1;

		for (size_t at = 0; at + needle.n <= text.n || at == 0; at += step) {
			size_t n = text.n - at < sizeof(piece) ? text.n - at : sizeof(piece);

			for (size_t i = 0; i < n; i++)
				piece[i] = match_fold(text.p[at + i]);
			if (span_contains(span_make(piece, n), needle))
				return true;
		}
		return false;
	}
	for (size_t at = 0; at + needle.n <= text.n; at++) {
		size_t i = 0;

		while (i < needle.n && match_fold(text.p[at + i]) == needle.p[i])
			i++;
		if (i == needle.n)
			return true;
	}
	return false;
}

static bool holds_order(enum match_op op, int order)
{
	switch (op) {
	case MATCH_EQ:
		return order == 0;
	case MATCH_NE:
		return order != 0;
	case MATCH_LT:
		return order < 0;
	case MATCH_LE:
		return order <= 0;
	case MATCH_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool one_text(enum match_op op, struct span text, const struct match_arg *arg)
{
	struct span right = arg->value.bytes;

	switch (op) {
	case MATCH_EQ:
		return span_eq(text, right);
	case MATCH_NE:
		return !span_eq(text, right);
	case MATCH_CONTAINS:
	case MATCH_BCONTAINS:
		return span_contains(text, right);
	case MATCH_ICONTAINS:
		return contains_folded(text, right);
	case MATCH_STARTSWITH:
	case MATCH_BSTARTSWITH:
		return starts(text, right);
	case MATCH_ENDSWITH:
		return ends(text, right);
	case MATCH_GLOB:
	case MATCH_IGLOB:
		return glob_match(arg->glob, text);
	case MATCH_REGEX:
		return regex_match(arg->regex, text);
	default:
		return holds_order(op, span_cmp(text, right));
	}
}

static bool one_in(const struct match *m, const struct detect_value *v)
{
	uint8_t key[9];

	if (match_is_addr(m->kind))
		return match_nets_has(m->nets, v->bytes);
	if (match_is_text(m->kind))
		return match_set_has(m->set, v->bytes);
	if (m->kind == DETECT_BOOL)
		return match_set_has(m->set, span_make(&v->yes, 1));
	return match_set_has(m->set, match_number_key(v, key));
}

bool match_one(const struct match *m, const struct match_arg *arg, const struct detect_value *v)
{
	if (m->op == MATCH_IN || m->op == MATCH_INTERSECTS)
		return one_in(m, v);
	if (m->op == MATCH_PMATCH)
		return match_paths_has(m->paths, v->bytes);
	if (match_is_text(m->kind))
		return one_text(m->op, v->bytes, arg);
	if (match_is_addr(m->kind))
		return match_nets_has(arg->net, v->bytes) == (m->op == MATCH_EQ);
	if (m->kind == DETECT_BOOL)
		return (v->yes == arg->value.yes) == (m->op == MATCH_EQ);
	return holds_order(m->op, match_order(v, &arg->value));
}

/* Whether a value can be what the condition was compiled for. */
static bool fits(const struct match *m, enum detect_kind kind)
{
	return kind == m->kind || (match_is_number(kind) && match_is_number(m->kind)) ||
	       (match_is_addr(kind) && match_is_addr(m->kind)) ||
	       (match_is_text(kind) && match_is_text(m->kind));
}

static enum truth truth_of(bool yes)
{
	return yes ? TRUTH_YES : TRUTH_NO;
}

static enum truth test_scalar(const struct match *m, const struct match_arg *arg,
			      const struct detect_value *value, enum match_mode mode)
{
	struct detect_value v = *value;

	if (!fits(m, v.kind))
		return TRUTH_UNKNOWN;
	if (match_is_text(v.kind))
		v.bytes = match_cut(v.bytes, v.kind, mode);
	if (match_is_addr(v.kind))
		v.bytes = detect_addr(v.bytes).bytes;
	return truth_of(match_one(m, arg, &v));
}

/* Whether one answer `decides` the whole: with `decides` YES, any YES is enough; with NO, every
 * one has to be YES. */
static enum truth test_items(const struct match *m, const struct match_arg *arg,
			     const struct detect_value *value, enum truth decides,
			     enum match_mode mode)
{
	bool unknown = value->open;

	for (size_t i = 0; i < value->list.n; i++) {
		enum truth answer = test_scalar(m, arg, &value->list.items[i], mode);

		if (answer == decides)
			return decides;
		unknown = unknown || answer == TRUTH_UNKNOWN;
	}
	if (unknown)
		return TRUTH_UNKNOWN;
	return decides == TRUTH_YES || value->list.n == 0 ? TRUTH_NO : TRUTH_YES;
}

static enum truth test_arg(const struct match *m, const struct match_arg *arg,
			   const struct detect_value *value, enum match_mode mode)
{
	enum truth decides = TRUTH_YES;

	if (!detect_is_many(value))
		return test_scalar(m, arg, value, mode);
	if ((value->kind == DETECT_LIST && m->op == MATCH_IN) ||
	    (value->kind == DETECT_EITHER && m->op == MATCH_NE))
		decides = TRUTH_NO;
	return test_items(m, arg, value, decides, mode);
}

static enum truth test_anyof(const struct match *m, const struct detect_value *value,
			     enum match_mode mode)
{
	enum truth whole = TRUTH_NO;

	for (size_t i = 0; i < m->n; i++) {
		enum truth answer = test_arg(m, &m->args[i], value, mode);

		if (answer == TRUTH_YES)
			return TRUTH_YES;
		if (answer == TRUTH_UNKNOWN)
			whole = TRUTH_UNKNOWN;
	}
	return whole;
}

static enum truth test_allof(const struct match *m, const struct detect_value *value,
			     enum match_mode mode)
{
	enum truth whole = TRUTH_YES;

	for (size_t i = 0; i < m->n; i++) {
		enum truth answer = test_arg(m, &m->args[i], value, mode);

		if (answer == TRUTH_NO)
			return TRUTH_NO;
		if (answer == TRUTH_UNKNOWN)
			whole = TRUTH_UNKNOWN;
	}
	return whole;
}

static enum truth test_oneof(const struct match *m, const struct detect_value *value,
			     enum match_mode mode)
{
	size_t yes = 0, unknown = 0;

	for (size_t i = 0; i < m->n && yes < 2; i++) {
		enum truth answer = test_arg(m, &m->args[i], value, mode);

		yes += answer == TRUTH_YES;
		unknown += answer == TRUTH_UNKNOWN;
	}
	if (yes > 1)
		return TRUTH_NO;
	return unknown ? TRUTH_UNKNOWN : truth_of(yes == 1);
}

static enum truth test_prefixes(const struct match *m, const struct detect_value *value,
				enum match_mode mode)
{
	if (!match_is_text(value->kind))
		return TRUTH_UNKNOWN;
	return truth_of(
		match_prefixes_has(m->prefixes, match_cut(value->bytes, value->kind, mode)));
}

static enum truth test(const struct match *m, const struct detect_value *value,
		       enum match_mode mode)
{
	if (detect_is_missing(value))
		return value->kind == DETECT_NONE ? TRUTH_NO : TRUTH_UNKNOWN;
	if (m->prefixes && !detect_is_many(value))
		return test_prefixes(m, value, mode);
	switch (m->modifier) {
	case MATCH_ANYOF:
		return test_anyof(m, value, mode);
	case MATCH_ALLOF:
		return test_allof(m, value, mode);
	case MATCH_ONEOF:
		return test_oneof(m, value, mode);
	default:
		return test_arg(m, m->args, value, mode);
	}
}

static enum truth exists(const struct detect_value *value)
{
	return truth_of(!detect_is_missing(value) && (!detect_is_many(value) || value->list.n));
}

static enum truth settled(enum truth answer, enum match_mode mode)
{
	return answer == TRUTH_UNKNOWN && mode == MATCH_FALCO ? TRUTH_NO : answer;
}

enum truth match_test(const struct match *m, const struct detect_value *value, enum match_mode mode)
{
	if (m->op == MATCH_EXISTS)
		return exists(value);
	return settled(test(m, value, mode), mode);
}

size_t match_bytes(const struct match *m)
{
	size_t bytes = sizeof(*m) + m->size + m->n * sizeof(*m->args);

	for (size_t i = 0; m->args && i < m->n; i++) {
		bytes += m->args[i].glob ? glob_bytes(m->args[i].glob) : 0;
		bytes += m->args[i].regex ? regex_bytes(m->args[i].regex) : 0;
		bytes += m->args[i].net ? match_nets_bytes(m->args[i].net) : 0;
	}
	bytes += m->set ? match_set_bytes(m->set) : 0;
	bytes += m->nets ? match_nets_bytes(m->nets) : 0;
	bytes += m->paths ? match_paths_bytes(m->paths) : 0;
	bytes += m->prefixes ? match_prefixes_bytes(m->prefixes) : 0;
	return bytes;
}

/* One value of the right-hand side as a condition of its own; what a text has to be read as is
 * compiled here. */
static enum truth values_one(enum match_op op, const struct detect_value *left,
			     const struct detect_value *right, enum match_mode mode)
{
	AUTO(match) struct match *compiled = NULL;
	struct match_arg arg = {.value = *right};
	struct match m = {.op = op, .kind = right->kind, .n = 1, .args = &arg};
	struct err e = ERR_INIT;

	if (match_is_text(right->kind))
		arg.value.bytes = match_cut(right->bytes, right->kind, mode);
	if (match_is_text(right->kind) && op != MATCH_EQ && op != MATCH_NE) {
		struct match_spec spec = {
			.op = op, .kind = right->kind, .values = &arg.value.bytes, .n = 1};

		if (match_compile(&spec, &compiled, &e) < 0)
			return TRUTH_UNKNOWN;
		return test(compiled, left, mode);
	}
	if (match_is_addr(right->kind)) {
		struct match_net net = {.n = (uint8_t)right->bytes.n};
		enum truth answer;

		net.prefix = right->kind == DETECT_NET ? right->prefix : (uint8_t)(net.n * 8);
		memcpy(net.addr, right->bytes.p, net.n);
		if (match_nets_new(&net, 1, &arg.net, &e) < 0)
			return TRUTH_UNKNOWN;
		answer = test(&m, left, mode);
		match_nets_free(arg.net);
		return answer;
	}
	return match_allows(op, right->kind) ? test(&m, left, mode) : TRUTH_UNKNOWN;
}

/* Whether `left`, one value, is among the right-hand side's. */
static enum truth values_among(const struct detect_value *left, const struct detect_value *right,
			       enum match_mode mode)
{
	bool unknown = right->open;

	if (!detect_is_many(right))
		return values_one(MATCH_EQ, left, right, mode);
	for (size_t i = 0; i < right->list.n; i++) {
		enum truth answer = values_one(MATCH_EQ, left, &right->list.items[i], mode);

		if (answer == TRUTH_YES)
			return TRUTH_YES;
		unknown = unknown || answer == TRUTH_UNKNOWN;
	}
	return unknown ? TRUTH_UNKNOWN : TRUTH_NO;
}

static enum truth values_in(enum match_op op, const struct detect_value *left,
			    const struct detect_value *right, enum match_mode mode)
{
	bool every = op == MATCH_IN && left->kind == DETECT_LIST, unknown = left->open;
	enum truth decides = every ? TRUTH_NO : TRUTH_YES;

	if (!detect_is_many(left))
		return values_among(left, right, mode);
	for (size_t i = 0; i < left->list.n; i++) {
		enum truth answer = values_among(&left->list.items[i], right, mode);

		if (answer == decides)
			return decides;
		unknown = unknown || answer == TRUTH_UNKNOWN;
	}
	if (unknown)
		return TRUTH_UNKNOWN;
	return every && left->list.n ? TRUTH_YES : TRUTH_NO;
}

enum truth match_values(enum match_op op, const struct detect_value *left,
			const struct detect_value *right, enum match_mode mode)
{
	enum truth answer;

	if (op == MATCH_EXISTS)
		return exists(left);
	if (left->kind == DETECT_NONE || right->kind == DETECT_NONE)
		answer = TRUTH_NO;
	else if (left->kind == DETECT_ABSENT || right->kind == DETECT_ABSENT ||
		 (detect_is_many(right) && op != MATCH_IN && op != MATCH_INTERSECTS))
		answer = TRUTH_UNKNOWN;
	else if (op == MATCH_IN || op == MATCH_INTERSECTS)
		answer = values_in(op, left, right, mode);
	else
		answer = values_one(op, left, right, mode);
	return settled(answer, mode);
}
