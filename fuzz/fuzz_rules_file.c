/* fuzz_rules_file.c - files of rules, from YAML to compiled conditions.
 *
 * A 0x1e byte separates files.  What comes out must print to conditions that parse, and every place
 * must be inside of its file. */
#include "detect/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_rule(struct ruleset *s, const struct rule *r)
{
	AUTO(condition) struct condition again;
	AUTO(buf) struct buf b;
	struct cond_fault fault;
	struct err e = ERR_INIT;

	condition_init(&again);
	buf_init(&b, LIMIT_CONDITION);
	condition_print(&b, &r->condition);
	if (!b.failed && (condition_parse(&again, buf_span(&b), 0, &fault, &e) < 0 ||
			  !condition_same(&r->condition, &again)))
		abort();
	for (size_t i = 0; i < r->output.n; i++)
		if (r->output.pieces[i].at + r->output.pieces[i].len > r->output.text.n)
			abort();
	if (ruleset_origin(s, &r->condition.nodes[r->condition.root]).place.line == 0)
		abort();
}

static int add_files(struct ruleset *s, struct span text, struct err *e)
{
	int r = 0;

	while (r == 0) {
		const uint8_t *end = text.n ? memchr(text.p, 0x1e, text.n) : NULL;
		size_t n = end ? (size_t)(end - text.p) : text.n;

		r = ruleset_add_text(s, "input", span_make(text.p, n), e);
		if (!end)
			break;
		text = span_make(end + 1, text.n - n - 1);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ruleset_options options = {.threshold = PRIORITY_DEBUG};
	AUTO(ruleset) struct ruleset s;
	struct err e = ERR_INIT;

	ruleset_init(&s);
	if (add_files(&s, span_make(p, n), &e) < 0 || ruleset_compile(&s, &options, &e) < 0)
		return 0;
	for (size_t i = 0; i < s.rule_n; i++)
		check_rule(&s, &s.rules[i]);
	for (size_t i = 0; i < s.diagnostics.n; i++) {
		const struct place *at = &s.diagnostics.items[i].place;

		if (at->file >= s.file_n || (at->line && at->line > s.files[at->file].tree.line_n))
			abort();
	}
	return 0;
}
