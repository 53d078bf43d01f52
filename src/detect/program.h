/* program.h - the conditions of all rules as one jump code over shared checks.
 *
 * A check is one comparison (proc.name in (sh, bash)).  The same one in several rules is one check
 * here, so that an event pays for it once.  `not` is pushed down to the checks, and a step asks
 * whether its check is answered with yes, or with no when it is negated.  What is not known is
 * neither, so that a rule holds exactly when it does in Kleene's logic: in a condition whose
 * negations stand at the checks, taking unknown for "does not hold" changes no answer that is
 * true. */
#ifndef AMBER_DETECT_PROGRAM_H
#define AMBER_DETECT_PROGRAM_H

#include "base/map.h"
#include "detect/condition.h"
#include "model/container.h"

enum {
	PROGRAM_HIT = -1,
	PROGRAM_MISS = -2,
};

struct program_step {
	uint32_t check;
	bool negated;
	int32_t holds, fails; /* the next step, or PROGRAM_HIT or PROGRAM_MISS */
};

/* Where a check was first seen. */
struct program_check {
	const struct condition *condition; /* borrowed */
	uint32_t node;			   /* of kind COND_CHECK */
};

struct program {
	struct program_step *steps;
	size_t n, cap;
	struct program_check *checks; /* [texts.n] */
	size_t check_cap;
	struct intern texts; /* a check as condition_print_node writes it, and its number */
};

void program_init(struct program *p);
void program_fini(struct program *p);
DEFINE_AUTO(program, struct program, program_fini);

/* Adds a condition without macros.  It is borrowed as long as the program lives.  *ret_start is
 * where program_run begins.  -E2BIG for more than LIMIT_PROGRAM_STEPS steps, or -ENOMEM: the
 * program may then only be released. */
int program_add(struct program *p, const struct condition *condition, int32_t *ret_start,
		struct err *e);

/* Whether the condition holds.  `answer` gives the truth of a check and remembers it. */
static inline bool program_run(const struct program *p, int32_t start,
			       enum truth (*answer)(void *ctx, uint32_t check), void *ctx)
{
	int32_t at = start;

	while (at >= 0) {
		const struct program_step *step = &p->steps[at];
		enum truth wanted = step->negated ? TRUTH_NO : TRUTH_YES;

		at = answer(ctx, step->check) == wanted ? step->holds : step->fails;
	}
	return at == PROGRAM_HIT;
}

#endif
