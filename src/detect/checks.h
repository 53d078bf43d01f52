/* checks.h - the comparisons of all rules, compiled, and their answers for one event.
 *
 * Every field and every comparison is looked at once an event, however many rules ask: answers and
 * values are remembered until checks_begin.  Not thread-safe. */
#ifndef AMBER_DETECT_CHECKS_H
#define AMBER_DETECT_CHECKS_H

#include "detect/extract.h"
#include "detect/match.h"
#include "detect/program.h"

#define CHECKS_NONE UINT32_MAX

struct check;
struct check_field;
struct check_operand;

struct checks {
	enum match_mode mode;
	struct check *checks; /* by the program's numbers */
	size_t n, cap;
	struct check_field *fields;
	size_t field_n, field_cap;
	struct check_operand *operands;
	size_t operand_n, operand_cap;
	struct intern names; /* fields as written, by number */
	const struct detect_event *event;
	uint32_t serial; /* of the event: what carries another one is not remembered */
};

void checks_init(struct checks *cs, enum match_mode mode);
void checks_fini(struct checks *cs);
DEFINE_AUTO(checks, struct checks, checks_fini);

/* Compiles the program's checks that are new since the last call.  -EINVAL for one that makes no
 * sense (condition_check_types tells those with their place), -E2BIG, -ENOMEM. */
int checks_compile(struct checks *cs, const struct program *p, struct err *e);

/* Why the field cannot be answered; NULL when it can, or is not used by any check. */
const char *checks_blind(const struct checks *cs, struct span name, struct span arg);

/* Goes on to another event, which is borrowed until the next call. */
void checks_begin(struct checks *cs, const struct detect_event *event);

/* Whether a check holds for the event; `ctx` is a struct checks (see program_run). */
enum truth checks_answer(void *ctx, uint32_t check);

/* Prepares an operand that no check has, such as a field of an output.  Errors as above. */
int checks_add_operand(struct checks *cs, const struct condition *c, uint32_t node,
		       uint32_t *ret_operand, struct err *e);

/* Its value for the event. */
struct detect_value checks_value(struct checks *cs, uint32_t operand);

#endif
