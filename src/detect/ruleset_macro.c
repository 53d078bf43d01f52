/* ruleset_macro.c - conditions parsed, and macros put into them.
 *
 * A macro sees those whose first definition stands before its own last one, as in Falco.  It is
 * resolved once; what uses it gets a copy of its tree. */
#include <stdio.h>

#include "detect/near.h"
#include "detect/ruleset_build.h"

#define MOST_SUGGESTIONS 2000u /* macros that are compared with a name that is unknown */

#define SHOWN(name) (int)((name).n < 100 ? (name).n : 100), (const char *)(name).p

static int new_source(struct builder *b, struct span macro, uint32_t *ret_source)
{
	struct ruleset *s = b->set;
	int r = ruleset_grow((void **)&s->sources, &s->source_n, &s->source_cap,
			     sizeof(*s->sources), b->e);

	if (r < 0)
		return r;
	*ret_source = (uint32_t)s->source_n - 1;
	s->sources[*ret_source].macro = macro;
	rules_text_init(&s->sources[*ret_source].text);
	return 0;
}

static int count_nodes(struct builder *b, size_t n)
{
	b->tree_nodes += n;
	if (b->tree_nodes > LIMIT_RULES_TREE)
		return err_set(b->e, E2BIG, "the rules have more than %u parts with their macros",
			       LIMIT_RULES_TREE);
	return 0;
}

/* One condition that is too large is its own error and not the end of all of them. */
static bool too_large(struct builder *b, int r, const struct rules_text *text, size_t at)
{
	if (r != -E2BIG || b->text_bytes > LIMIT_RULES_TEXT || b->tree_nodes > LIMIT_RULES_TREE)
		return false;
	ruleset_tell_text(b, SEVERITY_ERROR, text, at, "split it into several rules", b->e->text);
	err_clear(b->e);
	return true;
}

int ruleset_parse_condition(struct builder *b, const struct rules_text *raw, struct span macro,
			    struct condition *tree, uint32_t *ret_source, bool *ret_good)
{
	struct err why = ERR_INIT;
	struct cond_fault fault;
	struct rules_text *text;
	int r = new_source(b, macro, ret_source);

	if (r < 0)
		return r;
	text = &b->set->sources[*ret_source].text;
	*ret_good = false;
	r = ruleset_put_lists(b, raw, text);
	if (too_large(b, r, text, 0))
		return 0;
	if (r < 0)
		return r;
	r = condition_parse(tree, buf_span(&text->text), *ret_source, &fault, &why);
	if (r == -ENOMEM)
		return err_set(b->e, ENOMEM, "%s", why.text);
	if (r < 0)
		ruleset_tell_text(b, SEVERITY_ERROR, text, fault.at, fault.hint, why.text);
	*ret_good = r == 0;
	return r < 0 ? 0 : count_nodes(b, tree->n);
}

static int parse_macro(struct builder *b, struct def_macro *m)
{
	AUTO(rules_text) struct rules_text raw;
	bool good = false;
	int r;

	rules_text_init(&raw);
	condition_init(&m->tree);
	r = pieces_join(b, &m->conditions, &raw);
	if (r == 0)
		r = ruleset_parse_condition(b, &raw, m->name, &m->tree, &m->source, &good);
	m->broken = !good;
	return r;
}

static void tell_node(struct builder *b, const struct cond_node *n, const char *hint,
		      const char *format, struct span name)
{
	char text[LIMIT_ERR_TEXT];

	(void)snprintf(text, sizeof(text), "%s '%.*s'", format, SHOWN(name)); /* names are short */
	ruleset_tell_text(b, SEVERITY_ERROR, &b->set->sources[n->origin].text, n->at, hint, text);
}

/* A name that no visible macro has. */
static void tell_unknown(struct builder *b, const struct condition *c, uint32_t node,
			 uint32_t visible)
{
	struct span name = condition_text(c, &c->nodes[node]);
	char hint[160] = "define the macro before it is used";
	size_t most = b->macro_n < MOST_SUGGESTIONS ? b->macro_n : MOST_SUGGESTIONS;
	struct near near;
	uint32_t later;

	if (b->set->diagnostics.n == LIMIT_DIAGNOSTICS)
		most = 0; /* it is only counted */
	near_init(&near, name);
	for (size_t i = 0; i < most; i++)
		if (b->macros[i].index < visible)
			(void)near_offer(&near, b->macros[i].name);
	if (intern_find(&b->macro_names, name, &later)) {
		const struct def_macro *m = &b->macros[later];

		(void)snprintf(hint, sizeof(hint),
			       "line %u defines it: put it before; macros see only what is above",
			       rules_file_at(&b->set->files[m->at.file], m->at.node).line);
	} else if (near.best.n) {
		(void)snprintf(hint, sizeof(hint), "did you mean '%.*s'?", SHOWN(near.best));
	}
	tell_node(b, &c->nodes[node], hint, "unknown macro", name);
}

/* The macro that a node names, as seen from `visible`; NULL when there is none. */
static struct def_macro *named(struct builder *b, const struct condition *c, uint32_t node,
			       uint32_t visible)
{
	uint32_t number;

	if (!intern_find(&b->macro_names, condition_text(c, &c->nodes[node]), &number))
		return NULL;
	return b->macros[number].index < visible ? &b->macros[number] : NULL;
}

/* Copies a macro's tree over the node that names it. */
static int put_macro(struct builder *b, struct condition *c, uint32_t node, struct def_macro *m)
{
	uint32_t next = c->nodes[node].next, root;
	int r = condition_graft(c, &m->tree, &root, b->e);

	if (r < 0)
		return r;
	c->nodes[node] = c->nodes[root];
	c->nodes[node].next = next;
	return count_nodes(b, m->tree.n);
}

/* Puts every macro in.  All that it names and sees are resolved. */
static int put_macros(struct builder *b, struct condition *c, uint32_t visible, bool *ret_good)
{
	uint32_t n = (uint32_t)c->n, depth = 0, whole = c->nodes[c->root].depth;
	bool good = true;
	int r = 0;

	for (uint32_t node = 0; node < n && r == 0; node++) {
		struct def_macro *m;

		if (c->nodes[node].kind != COND_MACRO)
			continue;
		m = named(b, c, node, visible);
		if (!m)
			tell_unknown(b, c, node, visible);
		else
			m->used = true;
		good = good && m && !m->broken;
		if (!m || m->broken)
			continue;
		if (m->tree.nodes[m->tree.root].depth > depth)
			depth = m->tree.nodes[m->tree.root].depth;
		r = put_macro(b, c, node, m);
		if (too_large(b, r, &b->set->sources[c->nodes[node].origin].text,
			      c->nodes[node].at)) {
			*ret_good = false;
			return 0;
		}
	}
	c->nodes[c->root].depth = whole + depth;
	if (r == 0 && whole + depth > LIMIT_CONDITION_DEPTH) {
		ruleset_tell_text(b, SEVERITY_ERROR,
				  &b->set->sources[c->nodes[c->root].origin].text, 0,
				  "use fewer macros inside of each other",
				  "the condition is nested too deeply with its macros");
		good = false;
	}
	*ret_good = good;
	return r;
}

int ruleset_put_macros(struct builder *b, struct condition *tree, bool *ret_good)
{
	return put_macros(b, tree, UINT32_MAX, ret_good);
}

/* A macro that is being resolved, and how far it was looked through. */
struct step {
	struct def_macro *macro;
	uint32_t node;
};

static void tell_cycle(struct builder *b, struct def_macro *m, uint32_t node)
{
	m->broken = true;
	tell_node(b, &m->tree.nodes[node], "write one of them without the other",
		  "macros name each other in a cycle at",
		  condition_text(&m->tree, &m->tree.nodes[node]));
}

/* The next macro that `step` names and that is not resolved; NULL when there is none. */
static struct def_macro *next_needed(struct builder *b, struct step *step)
{
	struct def_macro *m = step->macro;

	for (; !m->broken && step->node < m->tree.n; step->node++) {
		struct def_macro *other;

		if (m->tree.nodes[step->node].kind != COND_MACRO)
			continue;
		other = named(b, &m->tree, step->node, m->seen);
		if (other && other->resolved == RESOLVED_NOW)
			tell_cycle(b, m, step->node);
		else if (other && other->resolved == RESOLVED_NOT)
			return other;
	}
	return NULL;
}

/* Depth first, without nested calls: a file may chain as many macros as it has lines. */
static int resolve(struct builder *b, struct step *steps, struct def_macro *first)
{
	size_t n = 0;
	int r = 0;

	steps[n++] = (struct step){first, 0};
	first->resolved = RESOLVED_NOW;
	while (n && r == 0) {
		struct def_macro *m = steps[n - 1].macro, *needed = next_needed(b, &steps[n - 1]);
		bool good = false;

		if (needed) {
			needed->resolved = RESOLVED_NOW;
			steps[n++] = (struct step){needed, 0};
			continue;
		}
		if (!m->broken)
			r = put_macros(b, &m->tree, m->seen, &good);
		m->broken = !good;
		m->resolved = RESOLVED_DONE;
		n--;
	}
	return r;
}

int ruleset_resolve_macros(struct builder *b)
{
	AUTO(free) struct step *steps = calloc(b->macro_n + 1, sizeof(*steps));
	int r = 0;

	if (!steps)
		return err_set(b->e, ENOMEM, "no memory for rules");
	for (size_t i = 0; i < b->macro_n && r == 0; i++)
		r = parse_macro(b, &b->macros[i]);
	for (size_t i = 0; i < b->macro_n && r == 0; i++)
		if (b->macros[i].resolved == RESOLVED_NOT)
			r = resolve(b, steps, &b->macros[i]);
	return r;
}
