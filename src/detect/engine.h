/* engine.h - the rules of a set over one event at a time.
 *
 *	engine_new(&rules, &options, &en, &e);
 *	engine_event(en, &ev, hit, ctx);	for each event, in order
 *
 * Rules are indexed by the name that evt.type gives the event; each field and each comparison is
 * looked at once an event.  What is not known makes no rule hold, negated or not, unless
 * options.mode is MATCH_FALCO.  Not thread-safe: one engine a thread. */
#ifndef AMBER_DETECT_ENGINE_H
#define AMBER_DETECT_ENGINE_H

#include "detect/extract.h"
#include "detect/match.h"
#include "detect/ruleset.h"

struct engine_options {
	enum match_mode mode;
	bool first_match; /* of each event only the first rule that holds, as Falco by default */
};

struct engine_stats {
	uint64_t events, hits;
	uint64_t refused;     /* values that found no room: LIMIT_DETECT_SCRATCH of one event */
	size_t checks, steps; /* of all rules */
};

/* A field of a rule that Amber cannot answer: what depends on it is unknown for every event. */
struct engine_blind {
	const struct rule *rule;
	struct span field;
	const char *why;
};

struct engine;

/* Compiles the enabled rules.  The set is borrowed.  -E2BIG, -ENOMEM, -EINVAL (see checks.h). */
int engine_new(const struct ruleset *rules, const struct engine_options *options,
	       struct engine **ret_engine, struct err *e);
void engine_free(struct engine *en);

static inline void engine_freep(struct engine **en)
{
	engine_free(*en);
}
DEFINE_AUTO(engine, struct engine *, engine_freep);

/* What the rules ask for and cannot get, in the order of the rules; borrowed. */
const struct engine_blind *engine_blinds(const struct engine *en, size_t *ret_n);

/* Calls `hit` for each rule that holds, in the order of the set.  Inside of it engine_output gives
 * the rule's output.  ev->scratch is the engine's own and set by it.  Returns the number of hits.
 */
unsigned engine_event(struct engine *en, struct detect_event *ev,
		      void (*hit)(void *ctx, const struct rule *rule), void *ctx);

/* Appends the rule's output for the event of the current hit.  What is missing is <NA>.  Bytes are
 * not escaped. */
void engine_output(struct engine *en, const struct rule *rule, struct buf *b);

/* Calls `field` for each field of the rule's output, in order, with its name as the rule writes it
 * and its value for the event of the current hit. */
void engine_output_each(struct engine *en, const struct rule *rule,
			void (*field)(void *ctx, struct span name,
				      const struct detect_value *value),
			void *ctx);

void engine_get_stats(const struct engine *en, struct engine_stats *ret_stats);

#endif
