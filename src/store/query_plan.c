/* query_plan.c - which terms of a WHERE the journal can decide. */
#include <limits.h>

#include "store/query_filter.h"

static bool op_of(unsigned char op, enum query_op *ret_op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_EQ:
		*ret_op = QUERY_EQ;
		return true;
	case SQLITE_INDEX_CONSTRAINT_LT:
		*ret_op = QUERY_LT;
		return true;
	case SQLITE_INDEX_CONSTRAINT_LE:
		*ret_op = QUERY_LE;
		return true;
	case SQLITE_INDEX_CONSTRAINT_GT:
		*ret_op = QUERY_GT;
		return true;
	case SQLITE_INDEX_CONSTRAINT_GE:
		*ret_op = QUERY_GE;
		return true;
	case SQLITE_INDEX_CONSTRAINT_LIKE:
		*ret_op = QUERY_LIKE;
		return true;
	case SQLITE_INDEX_CONSTRAINT_GLOB:
		*ret_op = QUERY_GLOB;
		return true;
	case SQLITE_INDEX_CONSTRAINT_ISNOTNULL:
		*ret_op = QUERY_NOTNULL;
		return true;
	default:
		return false;
	}
}

static bool is_range(enum query_op op)
{
	return op == QUERY_LT || op == QUERY_LE || op == QUERY_GT || op == QUERY_GE;
}

static bool can_decide(const struct query_column *column, enum query_op op)
{
	switch (column->class) {
	case QUERY_TIME:
	case QUERY_TIME_NS:
	case QUERY_NUMBER:
	case QUERY_PROCESS_U32:
	case QUERY_PROCESS_U64:
		return op == QUERY_EQ || is_range(op);
	case QUERY_TYPE:
	case QUERY_CONTAINER_TEXT:
	case QUERY_PROCESS_TEXT:
		return op == QUERY_EQ || op == QUERY_LIKE || op == QUERY_GLOB;
	case QUERY_FIELD:
		if (op == QUERY_NOTNULL || op == QUERY_EQ)
			return true;
		return column->text ? op == QUERY_LIKE || op == QUERY_GLOB : is_range(op);
	default:
		return false;
	}
}

/* How much of the rows a term leaves; only the order matters. */
static double share(const struct query_column *column, enum query_op op)
{
	if (op == QUERY_NOTNULL)
		return 0.3;
	if (is_range(op))
		return 0.25;
	if (op == QUERY_LIKE || op == QUERY_GLOB)
		return 0.05;
	return column->class == QUERY_TYPE ? 0.1 : 0.01;
}

static bool add_term(struct query_plan *plan, unsigned column, enum query_op op)
{
	char *text = sqlite3_mprintf("%z%u:%u;", plan->text, column, (unsigned)op);

	plan->text = text;
	return text != NULL;
}

static int plan_term(sqlite3_index_info *info, int i, unsigned number, int *argc,
		     struct query_plan *plan)
{
	const struct sqlite3_index_constraint *c = &info->aConstraint[i];
	struct query_column column = query_column_get(number);
	enum query_op op;

	if (!op_of(c->op, &op) || !can_decide(&column, op)) {
		plan->only_exact = false;
		return SQLITE_OK;
	}
	if (!c->usable) {
		plan->only_exact = false;
		return column.class == QUERY_TIME ? SQLITE_CONSTRAINT : SQLITE_OK;
	}
	if (column.text && op == QUERY_EQ &&
	    sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) {
		plan->only_exact = false;
		return SQLITE_OK;
	}
	if (op == QUERY_EQ && column.class != QUERY_TIME && sqlite3_vtab_in(info, i, 1))
		op = QUERY_IN;
	if (op == QUERY_EQ && (number == QUERY_HEAD_TYPE || number == QUERY_HEAD_CONTAINER))
		plan->exact_equal |= 1ull << number;
	else if (column.class != QUERY_TIME)
		plan->only_exact = false;
	if (!add_term(plan, number, op))
		return SQLITE_NOMEM;
	info->aConstraintUsage[i].argvIndex = ++*argc;
	info->aConstraintUsage[i].omit = column.class == QUERY_TIME;
	plan->rows *= share(&column, op);
	return SQLITE_OK;
}

int query_plan_make(sqlite3_index_info *info, const unsigned *columns, struct query_plan *ret_plan)
{
	struct query_plan plan = {.rows = 1, .only_exact = true};
	int argc = 0, r = SQLITE_OK;

	plan.text = sqlite3_mprintf("");
	if (!plan.text)
		return SQLITE_NOMEM;
	for (int i = 0; i < info->nConstraint && r == SQLITE_OK; i++) {
		int at = info->aConstraint[i].iColumn;
		unsigned number = at < 0 ? UINT_MAX : columns ? columns[at] : (unsigned)at;

		/* Limits are no terms on a column and change no row. */
		if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LIMIT ||
		    info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_OFFSET)
			continue;
		if (number == UINT_MAX)
			plan.only_exact = false;
		else
			r = plan_term(info, i, number, &argc, &plan);
	}
	if (r != SQLITE_OK) {
		sqlite3_free(plan.text);
		return r;
	}
	*ret_plan = plan;
	return SQLITE_OK;
}
